"""Statistics of recordings: whose they are, and what is counted."""

from __future__ import annotations

from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest

from openai_mockserver import Head, MockServerError, Pace, Raw, Reply, Script, Usage
from openai_mockserver.api import chat
from openai_mockserver.cassettes import Exchange, dump
from openai_mockserver.cassettes.analysis.reading import read_one, read_recordings
from openai_mockserver.cassettes.analysis.statistics import (
    Percentiles,
    collect_facts,
    collect_statistics,
)
from openai_mockserver.cassettes.importers import import_file

PLAIN = Head(200, (("Content-Type", "application/json"),))


def record(script: Script, url: str = "/v1/chat/completions", **about: Any) -> Exchange:
    request = {"method": "POST", "url": url, "json": {"model": "gpt-4o"}}
    return Exchange(script, {"request": request, **about})


# The providers of our recordings, by the names of their folders.
SAME = "cerebras databricks groq mistral ollama openrouter perplexity snowflake together writer xai"
PROVIDERS = {
    **{name: name for name in ["ai21", *SAME.split()]},
    "openai-via-proxy": "openai",
    "vercel-gateway": "vercel",
    "huggingface-router": "huggingface",
    "azure-foundry": "azure",
}


@pytest.mark.parametrize("folder", PROVIDERS)
def test_the_provider_of_a_recording_is_found(shared: Path, folder: str) -> None:
    files = sorted((shared / "recordings" / folder).glob("*/*.json"))
    found = {collect_facts(exchange).provider for file in files for exchange in import_file(file)}
    assert found == {PROVIDERS[folder]}


def test_the_endpoint_stands_after_the_version_of_a_path() -> None:
    script = chat.render(Reply("Hi"))
    for url, endpoint in {
        "https://api.ai21.com/studio/v1/chat/completions": "chat/completions",
        "/openai/deployments/gpt-4o/chat/completions?api-version=1": "chat/completions",
        "/v1/chat": "chat/completions",  # as Writer's
        "/v1/threads/thread_0123456789abcdef/runs": "chat/completions",
    }.items():
        assert collect_facts(record(script, url)).endpoint == endpoint
    plain = Script(PLAIN, (Raw(b"{}"),))
    url = "/v1/threads/thread_0123456789abcdef/runs"
    assert collect_facts(record(plain, url)).endpoint == "threads/{id}/runs"


def test_tokens_times_and_ages_are_summed_up_by_model(tmp_path: Path) -> None:
    reply = Reply("one two three four five", usage=Usage(10, 5))
    slow = Pace(ttft=0.5, itl=0.1)(chat.render(reply))
    fast = Pace(ttft=0.3, itl=0.02)(chat.render(reply))
    head = Head(429, (*PLAIN.headers, ("openai-version", "2020-10-01")))
    error = Script(head, (Raw(b'{"error":{"message":"slow down"}}'),))
    broken = Script(fast.head, fast.steps[:6], "reset")
    recorded: dict[str, Any] = {"recorded": {"at": "2024-11-01T00:00:00.000+00:00"}}
    dated = Script(Head(200, (*PLAIN.headers, ("Date", "Thu, 01 Oct 2026 00:00:00 GMT"))))
    dump(tmp_path / "a.jsonl", [record(slow, **recorded), record(fast)])
    dump(tmp_path / "b.jsonl", [record(error), record(broken)])
    dump(tmp_path / "c.jsonl", [Exchange(dated, {"request": {"url": "/v1/models"}})])
    statistics = collect_statistics(read_recordings([tmp_path]))
    assert statistics.files == 3
    models, group = sorted(statistics.groups, key=lambda group: group.exchanges)
    assert (group.endpoint, group.model) == ("chat/completions", "gpt-4o")
    assert (group.exchanges, group.streams, group.errors, group.broken) == (4, 3, 1, 1)
    assert (group.prompt_tokens, group.completion_tokens) == (20, 10)
    assert group.ttft is not None
    assert (group.ttft.p50, group.ttft.p95) == (0.3, 0.5)
    assert group.itl is not None
    assert (group.itl.p50, group.itl.p95) == pytest.approx((0.02, 0.1))
    assert group.first == datetime(2024, 11, 1, tzinfo=timezone.utc)  # noqa: UP017
    assert (models.endpoint, models.ttft, models.prompt_tokens) == ("models", None, None)
    assert models.last == datetime(2026, 10, 1, tzinfo=timezone.utc)  # noqa: UP017
    assert statistics.total.exchanges == 5
    assert statistics.total.ttft == Percentiles(0.3, 0.5)


def test_a_client_that_has_left_broke_nothing() -> None:
    script = Script(steps=chat.render(Reply("Hi")).steps[:3], end="truncate")
    assert not collect_facts(Exchange(script, {}, client_left=True)).is_broken
    assert collect_facts(Exchange(script, {})).is_broken


def test_in_a_folder_what_cannot_be_read_is_skipped(tmp_path: Path) -> None:
    dump(tmp_path / "a.jsonl", [record(chat.render(Reply("Hi")))])
    (tmp_path / "package.json").write_text("{}")
    (tmp_path / "broken.jsonl").write_text('{"mockserver": 1, "x": 1}\n')
    problems: list[str] = []
    assert [one.path.name for one in read_recordings([tmp_path], problems.append)] == ["a.jsonl"]
    (problem,) = problems
    assert problem.startswith(f"{tmp_path / 'broken.jsonl'}:1: ")
    for name in ("package.json", "broken.jsonl"):
        with pytest.raises(MockServerError, match=name):
            list(read_recordings([tmp_path / name]))


def test_an_exchange_is_named_by_its_file_and_number(tmp_path: Path) -> None:
    file = tmp_path / "a.jsonl"
    dump(file, [record(chat.render(Reply(text))) for text in ("one", "two")])
    exchange = read_one(f"{file}:2").exchange
    assert exchange.as_reply().text == "two"  # type: ignore[union-attr]
    for place, message in [(f"{file}", "contains 2 exchanges"), (f"{file}:3", "no exchange 3")]:
        with pytest.raises(MockServerError, match=message):
            read_one(place)
