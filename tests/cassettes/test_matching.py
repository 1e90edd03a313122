"""Comparison of requests: criteria, ignored members, normalization and messages."""

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
from openai_mockserver.cassettes.recorded_request import build_exchange_key
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


def record(url: str = f"https://api.openai.com{PATH}", **body: Any) -> Exchange:
    return Exchange(
        Script(steps=(Raw(b"{}"),)),
        {"request": {"method": "POST", "url": url, "json": BODY | body}},
    )


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A cassette of one recording."""
    path = tmp_path / "one.jsonl"
    dump(path, [record()])
    return path


def find(cassette: Cassette, path: str = PATH, query: str = "", **body: Any) -> Script | str:
    """Find the answer for the recorded request, with these differences."""
    headers = (("x-team", "blue"),)
    return cassette.find("POST", path, headers, json.dumps(BODY | body).encode(), query)


def has(file: Path, *target: str, body: dict[str, Any] | None = None, **comparison: Any) -> bool:
    return isinstance(find(Cassette(file, **comparison), *target, **(body or {})), Script)


def says(text: str, **more: Any) -> dict[str, Any]:
    """Return messages whose last one has this text."""
    return {"messages": [BODY["messages"][0], {"role": "user", "content": text} | more]}


# Criteria


@pytest.mark.parametrize(
    ("match", "target", "body", "is_same"),
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
def test_criteria(
    file: Path, match: Any, target: tuple[str, ...], body: dict[str, Any], is_same: bool
) -> None:
    assert has(file, *target, body=body, match=match) is is_same


def test_a_missing_member_differs_from_null(tmp_path: Path) -> None:
    dump(tmp_path / "a.jsonl", [record(user=None)])
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
def test_the_fixture_matches_recordings_with_another_base_path(tmp_path: Path, url: str) -> None:
    """As ``serve`` does."""
    dump(tmp_path / "a.jsonl", [record(url)])
    assert has(tmp_path / "a.jsonl")
    assert not has(tmp_path / "a.jsonl", "/v1/completions")


def test_the_model_in_an_azure_path_counts_as_part_of_the_body(tmp_path: Path) -> None:
    azure = record("https://x.openai.azure.com/openai/deployments/m/chat/completions?api-version=1")
    del azure.about["request"]["json"]["model"]
    dump(tmp_path / "a.jsonl", [azure])
    assert has(tmp_path / "a.jsonl")
    assert not has(tmp_path / "a.jsonl", body={"model": "other"})


# Ignored members and normalization


@pytest.mark.parametrize(
    ("ignore", "body", "is_same"),
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
def test_ignored_members(file: Path, ignore: Any, body: dict[str, Any], is_same: bool) -> None:
    assert has(file, body=body, ignore=ignore) is is_same


def test_a_whole_body_of_any_kind_can_be_ignored(tmp_path: Path) -> None:
    recorded_request = {"method": "POST", "url": "/v1/x", "base64": "//4="}
    dump(tmp_path / "a.jsonl", [Exchange(Script(), {"request": recorded_request})])
    request = ("POST", "/v1/x", (), b"\x00\xff")
    assert isinstance(Cassette(tmp_path / "a.jsonl", ignore=["*"]).find(*request), Script)
    assert isinstance(Cassette(tmp_path / "a.jsonl").find(*request), str)


def test_normalizations_and_patterns(file: Path) -> None:
    tomorrow = {"messages": [{"role": "system", "content": "Today is 2026-11-27."}]}
    tomorrow["messages"].append(BODY["messages"][1])
    assert not has(file, body=tomorrow)
    assert has(file, body=tomorrow, normalize=["dates"])
    assert has(file, body=tomorrow, normalize="dates", match="json:messages[0].content")
    assert has(file, body=tomorrow, normalize_patterns=[re.compile(r"is .*")])
    assert not has(file, body=tomorrow | {"model": "o"}, normalize=["dates"])


def test_ids_are_normalized_in_paths_too(tmp_path: Path) -> None:
    dump(tmp_path / "a.jsonl", [record("/v1/responses/resp_0123456789abcdef")])
    other = "/v1/responses/resp_fedcba9876543210"
    assert has(tmp_path / "a.jsonl", other, normalize=["ids"])
    assert not has(tmp_path / "a.jsonl", other)


def test_the_arguments_of_a_call_in_another_order(tmp_path: Path) -> None:
    def calls(arguments: str) -> dict[str, Any]:
        call = {"type": "function", "id": "a", "function": {"name": "f", "arguments": arguments}}
        return {"messages": [{"role": "assistant", "tool_calls": [call]}]}

    dump(tmp_path / "a.jsonl", [record(**calls('{"a":1,"b":2}'))])
    other = calls('{"b": 2, "a": 1}')
    assert has(tmp_path / "a.jsonl", body=other, normalize=["key_order"])
    assert not has(tmp_path / "a.jsonl", body=other)


def test_real_requests_stay_different(shared: Path) -> None:
    """Normalization makes no two of these recordings equal."""
    files = [*shared.glob("recordings/**/*.json"), *shared.glob("recordings-2/**/*.json")]
    all_keys = [build_exchange_key(one) for file in files for one in import_file(file)]
    keys = [key for key in all_keys if key is not None]
    assert len(keys) == 224

    def count(matching: Matching) -> int:
        return len({json.dumps(matching.select(key), sort_keys=True) for key in keys})

    assert count(Matching()) == count(Matching(normalize=tuple(NORMALIZATIONS))) == 184


# Functions


def test_a_function_gets_both_requests_without_secrets(file: Path) -> None:
    pairs: list[tuple[Request, Request]] = []

    def same_user(recorded_request: Request, request: Request) -> bool:
        pairs.append((recorded_request, request))
        return recorded_request.user == request.user

    cassette = Cassette(file, match=["path", same_user])
    assert isinstance(find(cassette, user="bob"), Script)
    (pair,) = pairs
    assert [one.json["user"] for one in pair] == ["ann", "bob"]
    assert [(one.method, one.path) for one in pair] == [("POST", PATH)] * 2
    assert pair[1].headers["x-team"] == "blue"
    message = str(find(cassette, **says("Bye")))
    assert re.search(r"^  the function same_user \(.*_matching\.py:\d+\) tells them", message, re.M)
    key = "sk-0123456789abcdefg"
    same_user_only = Cassette(file, match=same_user)
    authorization = (("Authorization", f"Bearer {key}"),)
    same_user_only.find("POST", PATH, authorization, json.dumps({"user": key}).encode())
    assert key not in repr(pairs[-1][1].headers.raw) + repr(pairs[-1][1].body)


def test_a_function_may_fail_an_assertion_as_in_vcrpy(file: Path) -> None:
    def same_user(recorded_request: Request, request: Request) -> bool:
        assert recorded_request.user == request.user, (
            f"{recorded_request.user} is not {request.user}"
        )
        return True

    assert isinstance(find(Cassette(file, match=same_user)), Script)
    assert "tells them apart: Hi is not Bye" in str(
        find(Cassette(file, match=same_user), **says("Bye"))
    )


def read_wrong_key(recorded_request: Request, request: Request) -> bool:
    return bool(recorded_request.json["nothing"])


def fail_test(recorded_request: Request, request: Request) -> bool:
    pytest.fail("never")


async def answer_later(recorded_request: Request, request: Request) -> bool:
    return True


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (read_wrong_key, r"the function read_wrong_key \(.*test_matching\.py:\d+\) in match "
                 r"raised KeyError\('nothing'\) at .*test_matching\.py:\d+$"),
        (partial(read_wrong_key), r"the function read_wrong_key .* raised KeyError\('nothing'\)"),
        (lambda one, other: None, r"the function <lambda> \(.*\) in match returned None"),
        (fail_test, r"the function fail_test .* in match raised never at .*test_matching\.py:\d+$"),
        (answer_later, "the function answer_later .* in match returned coroutine; it must return"),
    ],
)  # fmt: skip
def test_an_error_in_a_function_names_the_function(
    file: Path, function: Callable[[Request, Request], object], message: str
) -> None:
    cassette = Cassette(file, match=["path", function])
    with pytest.raises(MockServerError, match=message):
        find(cassette)


# Invalid comparisons


@pytest.mark.parametrize(
    ("comparison", "message"),
    [
        ({"match": ["mehtod"]}, "match='mehtod': unknown criterion; choose from method, "
                                "path, query, body, json:PATH"),
        ({"match": []}, "match=() compares nothing"),
        ({"match": ["json:"]}, "the path '' has no steps"),
        ({"match": ["json:a..b"]}, "the path 'a..b' has a syntax error at character 2"),
        ({"match": [3]}, "match=3: a criterion must be one of method, path, query, body, json:"),
        ({"match": 3}, "match=3: match must be a list"),
        ({"match": [lambda one: True]}, "must take two arguments"),
        ({"ignore": ["a]"]}, "the path 'a]' has a syntax error"),
        ({"ignore": [3]}, "ignore: every entry must be a string, not 3"),
        ({"match": ["path", "json:user"], "ignore": ["*"]},
         "match='json:user' compares nothing, because ignore='*' leaves it out"),
        ({"match": ["json:messages[0].name"], "ignore": ["messages[*].name"]},
         "match='json:messages[0].name' compares nothing, because ignore='messages[*].name'"),
        ({"normalize": ["date"]}, "normalize='date': unknown normalization; choose from "
                                  "key_order, ids, uuids, dates, whitespace"),
        ({"normalize_patterns": ["("]}, "the pattern '(' is not a regular expression"),
    ],
)  # fmt: skip
def test_the_error_for_an_invalid_comparison(comparison: dict[str, Any], message: str) -> None:
    with pytest.raises(MockServerError) as error:
        Matching(**comparison)
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_a_member_that_no_recording_has_causes_a_warning(file: Path) -> None:
    with pytest.warns(UserWarning, match="json:") as warning_list:
        cassette = Cassette(file, match=["path", "json:mesages", "json:user"])
    (warning,) = warning_list
    assert (
        str(warning.message) == f"{file}: match='json:mesages': no recorded request has this member"
    )
    assert isinstance(find(cassette, **says("Bye")), Script), "the reason for the warning"
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        Cassette(file, match=["path", "json:user"], ignore=["nothing"])


# What differs


def test_the_difference_shows_what_is_compared(file: Path) -> None:
    cassette = Cassette(
        file, match=["path", "json:messages"], ignore=["mesages[*].name"], normalize=["dates"]
    )
    message = find(cassette, "/v1/x", model="other", **says("Bye 2026-11-27"))
    assert isinstance(message, str)
    assert '-  "path": "/v1/chat/completions"' in message
    assert '+  "path": "/v1/x"' in message
    assert '-      "content": "Hi",' in message
    assert '+      "content": "Bye <date>",' in message
    assert "model" not in message
    assert "2026-" not in message
    assert message.endswith("\n  ignore='mesages[*].name': no recorded request has this member")


def test_long_texts_are_cropped_around_the_difference(tmp_path: Path) -> None:
    dump(tmp_path / "a.jsonl", [record(**says("x" * 5000 + " one " + "y" * 5000))])
    message = find(Cassette(tmp_path / "a.jsonl"), **says("x" * 5000 + " two " + "y" * 5000))
    assert isinstance(message, str)
    assert re.search(r"^  -…x{20,60} one y+…$", message, re.M)
    assert re.search(r"^  \+…x{20,60} two y+…$", message, re.M)
    assert len(message) < 2_000


def test_the_nearest_of_many_long_recordings_is_found_quickly(tmp_path: Path) -> None:
    """Comparing each line with each other one would take minutes."""
    texts = [f"{n % 7}" for n in range(3_000)]
    recordings = [record(messages=texts, user=f"{n}") for n in range(50)]
    dump(tmp_path / "a.jsonl", recordings)
    cassette = Cassette(tmp_path / "a.jsonl")
    began = time.process_time()
    message = find(cassette, messages=[*texts[::-1], "x"], user="7")
    assert time.process_time() - began < 5
    assert isinstance(message, str)


# Documentation


PAGE = (Path(__file__).parents[2] / "docs" / "how-to" / "match-recordings.md").read_text()


def test_the_page_and_the_help_name_what_there_is() -> None:
    rows = re.findall(r"^\| `(\w+)` \|", PAGE, re.MULTILINE)
    assert rows == [
        "match",
        "ignore",
        "normalize",
        "normalize_patterns",
        *sorted(NORMALIZATIONS, key=rows.index),
    ]
    help_text = " ".join(option.help or "" for option in serve.params if isinstance(option, Option))
    for name in (*CRITERIA, "json:PATH", *NORMALIZATIONS):
        assert name in help_text, name
