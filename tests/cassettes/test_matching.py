"""How requests are compared: criteria, what is left out and evened out, and what is told."""

from __future__ import annotations

import json
import re
import time
import warnings
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from click import Option

from openai_mockserver import MockServerError, Raw, Request, Script
from openai_mockserver.cassettes import Exchange, dump
from openai_mockserver.cassettes.cassette import Cassette
from openai_mockserver.cassettes.importers import import_file
from openai_mockserver.cassettes.matching import CRITERIA, Matching
from openai_mockserver.cassettes.normalization import NORMALIZATIONS
from openai_mockserver.cassettes.recorded_request import key_of_exchange
from openai_mockserver.cli.serve import serve

PATH = "/v1/chat/completions"
BODY: dict[str, Any] = {
    "model": "m",
    "user": "ann",
    "messages": [
        {"role": "system", "content": "Today is November 26, 2026."},
        {"role": "user", "content": "Hi", "name": "ann"},
    ],
}


def recorded(url: str = f"https://api.openai.com{PATH}", **body: Any) -> Exchange:
    return Exchange(
        Script(steps=(Raw(b"{}"),)),
        {"request": {"method": "POST", "url": url, "json": BODY | body}},
    )


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A cassette of one recording."""
    path = tmp_path / "one.jsonl"
    dump(path, [recorded()])
    return path


def find(cassette: Cassette, path: str = PATH, query: str = "", **body: Any) -> Script | str:
    """What a cassette has for this request, which is the recorded one but for what is given."""
    headers = (("x-team", "blue"),)
    return cassette.find("POST", path, headers, json.dumps(BODY | body).encode(), query)


def has(file: Path, *asked: str, body: dict[str, Any] | None = None, **comparison: Any) -> bool:
    return isinstance(find(Cassette(file, **comparison), *asked, **(body or {})), Script)


def says(text: str, **more: Any) -> dict[str, Any]:
    """Messages of which the last says this."""
    return {"messages": [BODY["messages"][0], {"role": "user", "content": text} | more]}


# Criteria


@pytest.mark.parametrize(
    ("match", "asked", "body", "same"),
    [
        (("path",), (PATH,), {"model": "other"}, True),
        (("path",), ("/v1/embeddings",), {}, False),
        (("body",), ("/v1/embeddings",), {}, True),
        (("method", "path", "body"), (PATH, "a=1"), {}, True),
        (("path", "query"), (PATH, "a=1"), {}, False),
        (("path", "query"), (PATH, ""), {"model": "other"}, True),
        (("json:model",), ("/v1/x",), {"user": "bob"}, True),
        (("json:model",), (PATH,), {"model": "other"}, False),
        (("json:messages[-1].content",), (PATH,), {"messages": [{"content": "Hi"}]}, True),
        (("json:messages[*].content",), (PATH,), {"messages": [{"content": "Hi"}]}, False),
        (("json:messages[*].content",), (PATH,), says("Hi"), True),
        (("json:model", "json:user"), (PATH,), {"user": None}, False),
        ("path", (PATH,), {"model": "other"}, True),
    ],
)
def test_what_has_to_be_equal(
    file: Path, match: Any, asked: tuple[str, ...], body: dict[str, Any], same: bool
) -> None:
    assert has(file, *asked, body=body, match=match) is same


def test_a_member_that_is_not_there_is_not_one_that_is_null(tmp_path: Path) -> None:
    dump(tmp_path / "a.jsonl", [recorded(user=None)])
    assert has(tmp_path / "a.jsonl", body={"user": None}, match=("json:user",))
    cassette = Cassette(tmp_path / "a.jsonl", match=("json:user",))
    assert isinstance(cassette.find("POST", PATH, (), b"{}"), str)


@pytest.mark.parametrize(
    "url",
    [
        "https://api.openai.com/v1/chat/completions#stream",
        "https://openrouter.ai/api/v1/chat/completions",
        "https://dashscope.aliyuncs.com/compatible-mode/v1/chat/completions",
        "https://api.z.ai/api/coding/paas/v4/chat/completions",
        "https://models.github.ai/models/chat/completions",
        "https://api.deepseek.com/chat/completions",
        "<API_BASE>/chat/completions",
    ],
)
def test_the_fixture_finds_what_was_recorded_at_another_base_path(tmp_path: Path, url: str) -> None:
    """As `serve` does."""
    dump(tmp_path / "a.jsonl", [recorded(url)])
    assert has(tmp_path / "a.jsonl")
    assert not has(tmp_path / "a.jsonl", "/v1/completions")


def test_the_model_that_azure_has_in_the_path_counts_as_the_body_s(tmp_path: Path) -> None:
    azure = recorded(
        "https://x.openai.azure.com/openai/deployments/m/chat/completions?api-version=1"
    )
    del azure.about["request"]["json"]["model"]
    dump(tmp_path / "a.jsonl", [azure])
    assert has(tmp_path / "a.jsonl")
    assert not has(tmp_path / "a.jsonl", body={"model": "other"})


# What is left out and evened out


@pytest.mark.parametrize(
    ("ignore", "body", "same"),
    [
        (["user"], {"user": "bob"}, True),
        ("user", {"user": "bob"}, True),
        (["messages[*].name"], says("Hi"), True),
        (["messages[*].name"], says("Bye"), False),
        (["messages[1]"], says("Bye"), True),
        (["*"], {"anything": 1}, True),
        (["[*]"], {"anything": 1}, True),
        (["messages.*.*", "user"], {"messages": [{}, {}], "user": 1}, True),
        (["messages"], {"user": "bob"}, False),
    ],
)
def test_members_that_are_ignored(
    file: Path, ignore: Any, body: dict[str, Any], same: bool
) -> None:
    assert has(file, body=body, ignore=ignore) is same


def test_the_whole_body_is_ignored_whatever_it_is(tmp_path: Path) -> None:
    request = {"method": "POST", "url": "/v1/x", "base64": "//4="}
    dump(tmp_path / "a.jsonl", [Exchange(Script(), {"request": request})])
    asked = ("POST", "/v1/x", (), b"\x00\xff")
    assert isinstance(Cassette(tmp_path / "a.jsonl", ignore=["*"]).find(*asked), Script)
    assert isinstance(Cassette(tmp_path / "a.jsonl").find(*asked), str)


def test_normalizations_and_patterns(file: Path) -> None:
    tomorrow = {"messages": [{"role": "system", "content": "Today is 2026-11-27."}]}
    tomorrow["messages"].append(BODY["messages"][1])
    assert not has(file, body=tomorrow)
    assert has(file, body=tomorrow, normalize=["dates"])
    assert has(file, body=tomorrow, normalize="dates", match="json:messages[0].content")
    assert has(file, body=tomorrow, normalize_patterns=[re.compile(r"is .*")])
    assert not has(file, body=tomorrow | {"model": "o"}, normalize=["dates"])


def test_ids_are_evened_out_in_paths_too(tmp_path: Path) -> None:
    dump(tmp_path / "a.jsonl", [recorded("/v1/responses/resp_0123456789abcdef")])
    other = "/v1/responses/resp_fedcba9876543210"
    assert has(tmp_path / "a.jsonl", other, normalize=["ids"])
    assert not has(tmp_path / "a.jsonl", other)


def test_the_arguments_of_a_call_in_another_order(tmp_path: Path) -> None:
    def calls(arguments: str) -> dict[str, Any]:
        call = {"type": "function", "id": "a", "function": {"name": "f", "arguments": arguments}}
        return {"messages": [{"role": "assistant", "tool_calls": [call]}]}

    dump(tmp_path / "a.jsonl", [recorded(**calls('{"a":1,"b":2}'))])
    other = calls('{"b": 2, "a": 1}')
    assert has(tmp_path / "a.jsonl", body=other, normalize=["key_order"])
    assert not has(tmp_path / "a.jsonl", body=other)


def test_real_requests_that_differ_stay_so(shared: Path) -> None:
    """Whatever is evened out, no two of these recordings become one."""
    files = [*shared.glob("recordings/**/*.json"), *shared.glob("recordings-2/**/*.json")]
    found = [key_of_exchange(one) for file in files for one in import_file(file)]
    keys = [key for key in found if key is not None]
    assert len(keys) == 224

    def count(matching: Matching) -> int:
        return len({json.dumps(matching.select(key), sort_keys=True) for key in keys})

    assert count(Matching()) == count(Matching(normalize=tuple(NORMALIZATIONS))) == 184


# Functions


def test_a_function_is_given_both_requests_without_their_secrets(file: Path) -> None:
    given: list[tuple[Request, Request]] = []

    def same_user(recorded: Request, asked: Request) -> bool:
        given.append((recorded, asked))
        return recorded.user == asked.user

    both = Cassette(file, match=["path", same_user])
    assert isinstance(find(both, user="bob"), Script)
    (once,) = given
    assert [one.json["user"] for one in once] == ["ann", "bob"]
    assert [(one.method, one.path) for one in once] == [("POST", PATH)] * 2
    assert once[1].headers["x-team"] == "blue"
    told = str(find(both, **says("Bye")))
    assert re.search(r"^  the function same_user \(.*_matching\.py:\d+\) tells them", told, re.M)
    key = "sk-0123456789abcdefg"
    cassette = Cassette(file, match=same_user)
    authorization = (("Authorization", f"Bearer {key}"),)
    cassette.find("POST", PATH, authorization, json.dumps({"user": key}).encode())
    assert key not in repr(given[-1][1].headers.raw) + repr(given[-1][1].body)


def test_a_function_may_assert_as_vcrpy_s_do(file: Path) -> None:
    def same_user(recorded: Request, asked: Request) -> bool:
        assert recorded.user == asked.user, f"{recorded.user} is not {asked.user}"
        return True

    assert isinstance(find(Cassette(file, match=same_user)), Script)
    assert "tells them apart: Hi is not Bye" in str(
        find(Cassette(file, match=same_user), **says("Bye"))
    )


def raises(recorded: Request, asked: Request) -> bool:
    return bool(recorded.json["nothing"])


def fails(recorded: Request, asked: Request) -> bool:
    pytest.fail("never")


async def waits(recorded: Request, asked: Request) -> bool:
    return True


@pytest.mark.parametrize(
    ("function", "told"),
    [
        (raises, r"the function raises \(.*test_matching\.py:\d+\) in match raised "
                 r"KeyError\('nothing'\) at .*test_matching\.py:\d+$"),
        (partial(raises), r"the function raises .* raised KeyError\('nothing'\) at .*_matching"),
        (lambda recorded, asked: None, r"the function <lambda> \(.*\) in match returned None"),
        (fails, r"the function fails .* in match raised never at .*test_matching\.py:\d+$"),
        (waits, "the function waits .* in match returned coroutine; it has to return whether"),
    ],
)  # fmt: skip
def test_what_goes_wrong_in_a_function_is_told(
    file: Path, function: Callable[[Request, Request], object], told: str
) -> None:
    cassette = Cassette(file, match=["path", function])
    with pytest.raises(MockServerError, match=told):
        find(cassette)


# What cannot be compared


@pytest.mark.parametrize(
    ("comparison", "told"),
    [
        ({"match": ["mehtod"]}, "match='mehtod': there is no such criterion; known are method, "
                                "path, query, body, json:PATH"),
        ({"match": []}, "match=() compares nothing"),
        ({"match": ["json:"]}, "the path '' names nothing"),
        ({"match": ["json:a..b"]}, "the path 'a..b' cannot be read from character 2 on"),
        ({"match": [3]}, "match=3: a criterion is one of method, path, query, body, json:PATH"),
        ({"match": 3}, "match=3: a list is expected"),
        ({"match": [lambda one: True]}, "has to take two requests"),
        ({"ignore": ["a]"]}, "the path 'a]' cannot be read"),
        ({"ignore": [3]}, "ignore: a text is expected, not 3"),
        ({"match": ["path", "json:user"], "ignore": ["*"]},
         "match='json:user' compares nothing, because ignore='*' leaves it out"),
        ({"match": ["json:messages[0].name"], "ignore": ["messages[*].name"]},
         "match='json:messages[0].name' compares nothing, because ignore='messages[*].name'"),
        ({"normalize": ["date"]}, "normalize='date': there is no such normalization; known are "
                                  "key_order, ids, uuids, dates, whitespace"),
        ({"normalize_patterns": ["("]}, "the pattern '(' is no regular expression"),
    ],
)  # fmt: skip
def test_what_is_not_known_is_one_sentence(comparison: dict[str, Any], told: str) -> None:
    with pytest.raises(MockServerError) as raised:
        Matching(**comparison)
    assert told in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_member_that_no_recording_has_is_warned_of(file: Path) -> None:
    with pytest.warns(UserWarning, match="json:") as warned:
        cassette = Cassette(file, match=["path", "json:mesages", "json:user"])
    (one,) = warned
    assert (
        str(one.message) == f"{file}: match='json:mesages': no recorded request has such a member"
    )
    assert isinstance(find(cassette, **says("Bye")), Script), "which is why it is warned of"
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        Cassette(file, match=["path", "json:user"], ignore=["nothing"])


# What differs


def test_the_difference_is_one_of_what_is_compared(file: Path) -> None:
    cassette = Cassette(
        file, match=["path", "json:messages"], ignore=["mesages[*].name"], normalize=["dates"]
    )
    told = find(cassette, "/v1/x", model="other", **says("Bye 2026-11-27"))
    assert isinstance(told, str)
    assert '-  "path": "/v1/chat/completions"' in told
    assert '+  "path": "/v1/x"' in told
    assert '-      "content": "Hi",' in told
    assert '+      "content": "Bye <date>",' in told
    assert "model" not in told
    assert "2026-" not in told
    assert told.endswith("\n  ignore='mesages[*].name' names nothing in any recorded request")


def test_long_texts_are_shown_where_they_differ(tmp_path: Path) -> None:
    dump(tmp_path / "a.jsonl", [recorded(**says("x" * 5000 + " one " + "y" * 5000))])
    told = find(Cassette(tmp_path / "a.jsonl"), **says("x" * 5000 + " two " + "y" * 5000))
    assert isinstance(told, str)
    assert re.search(r"^  -…x{20,60} one y+…$", told, re.M)
    assert re.search(r"^  \+…x{20,60} two y+…$", told, re.M)
    assert len(told) < 2_000


def test_the_nearest_of_many_long_recordings_is_found_soon(tmp_path: Path) -> None:
    """By comparing each line with each it took minutes."""
    texts = [f"{n % 7}" for n in range(3_000)]
    many = [recorded(messages=texts, user=f"{n}") for n in range(50)]
    dump(tmp_path / "a.jsonl", many)
    cassette = Cassette(tmp_path / "a.jsonl")
    began = time.process_time()
    told = find(cassette, messages=[*texts[::-1], "x"], user="7")
    assert time.process_time() - began < 5
    assert isinstance(told, str)


# What the page and the command say


PAGE = (Path(__file__).parents[2] / "docs" / "recording.md").read_text()


def test_the_page_and_the_help_name_what_there_is() -> None:
    section = PAGE.partition("## What makes two requests the same")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE)
    assert rows == [
        "match",
        "ignore",
        "normalize",
        "normalize_patterns",
        *sorted(NORMALIZATIONS, key=rows.index),
    ]
    shown = " ".join(option.help or "" for option in serve.params if isinstance(option, Option))
    for name in (*CRITERIA, "json:PATH", *NORMALIZATIONS):
        assert name in shown, name


def test_the_example_of_the_page_runs(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    (example,) = re.findall(r"^```python\n(def same_question.*?)^```", PAGE, re.M | re.S)
    pytester.makepyfile(f"import pytest\n{example}")
    result = pytester.runpytest_inprocess("-p", "openai_mockserver.pytest_plugin")
    result.assert_outcomes(passed=1)
