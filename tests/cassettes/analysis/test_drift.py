"""Changes of form, and who cares about them, as measured and as the SDK's types say."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from openai_mockserver import Comment, Event, Head, Raw, Reply, Script, ToolCall, catalogue, sse
from openai_mockserver.api import chat, responses
from openai_mockserver.cassettes import Exchange
from openai_mockserver.cassettes.analysis.drift import Drift, FormChange, find_drift
from openai_mockserver.cassettes.analysis.drift_rules import RULES
from openai_mockserver.cassettes.importers import import_file

CONFORMANCE = Path(__file__).parents[3] / "docs" / "conformance"


def drift(old: Script, new: Script) -> list[Drift]:
    return find_drift(Exchange(old, {}), Exchange(new, {}))


def changes(old: Script, new: Script) -> list[FormChange]:
    return [one.change for one in drift(old, new)]


# What is a change


def test_what_is_said_is_none() -> None:
    texts = ["Hello there, how are you?", "Bye", '{"a": [1, 2]} \\ "x"']
    for render in (chat.render, responses.render):
        for text in texts:
            assert changes(render(Reply("Something")), render(Reply(text))) == []
    calls = [[ToolCall("f", {"a": 1})], [ToolCall("h", {"b": {"c": "d"}})]]
    assert changes(*(chat.render(Reply(tool_calls=some)) for some in calls)) == []


@pytest.mark.slow
def test_no_recording_has_drifted_from_itself(shared: Path) -> None:
    for file in sorted(shared.glob("recordings/*/*/*.json")):
        for exchange in import_file(file):
            assert find_drift(exchange, exchange) == [], file


HEAD = Head(200, (("Content-Type", "text/event-stream"), ("X-Request-Id", "1")))


def call(**members: Any) -> dict[str, Any]:
    return {"index": 0, "id": "c", "type": "function",
            "function": {"name": "f", "arguments": "{}"}, **members}  # fmt: skip


def stream(*deltas: dict[str, Any], finish: bool = True, **members: Any) -> Script:
    choices: list[dict[str, Any]] = [
        {"index": 0, "delta": delta, "finish_reason": None} for delta in deltas
    ]
    if finish:
        choices.append({"index": 0, "delta": {}, "finish_reason": "stop"})
    common = {"id": "a", "object": "chat.completion.chunk", "created": 1, "model": "m"}
    chunks = [{**common, "choices": [choice], **members} for choice in choices]
    return Script(HEAD, [*(Event(json.dumps(chunk)) for chunk in chunks), sse.DONE])


TEXT = {"role": "assistant", "content": "Hi"}
CALL = {"role": "assistant", "tool_calls": [call()]}
PATH = "choices[].delta.tool_calls[]"


def without(value: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: inner for key, inner in value.items() if key != name}


@pytest.mark.parametrize(
    ("old", "new", "change"),
    [
        (stream(TEXT, usage=None), stream(TEXT), FormChange("removed", "usage", "null")),
        (stream(TEXT), stream(TEXT, x={"y": 1}), FormChange("added", "x", None, "object")),
        (
            stream(CALL),
            stream({"role": "assistant", "tool_calls": [without(call(), "index")]}),
            FormChange("removed", f"{PATH}.index", "number"),
        ),
        (
            stream(CALL),
            stream({"role": "assistant", "tool_calls": [call(id="")]}),
            FormChange("type", f"{PATH}.id", "text", "empty text"),
        ),
        (
            stream(CALL),
            stream({"role": "assistant", "tool_calls": [dict(reversed(call().items()))]}),
            FormChange("order", PATH, "index, id, type, function", "function, type, id, index"),
        ),
        (
            stream(TEXT),
            Script(HEAD, stream(TEXT).steps[:-1]),
            FormChange("framing", "[DONE]", "yes", "no"),
        ),
        (
            stream(TEXT),
            Script(HEAD, [Comment("ping"), *stream(TEXT).steps]),
            FormChange("framing", "comments", "no", "yes"),
        ),
        (
            stream(TEXT),
            Script(HEAD, (Raw(sse.body(stream(TEXT).steps).replace(b"\n", b"\r\n")),)),
            FormChange("framing", "line ends", "LF", "CRLF"),
        ),
        (
            stream(TEXT),
            Script(Head(200, HEAD.headers[:1]), stream(TEXT).steps),
            FormChange("header", "x-request-id", "present", None),
        ),
        (
            stream(TEXT),
            stream(TEXT, finish=False),
            FormChange("chunks", "finish", "present", "absent"),
        ),
    ],
)
def test_each_change_has_its_kind_and_place(old: Script, new: Script, change: FormChange) -> None:
    assert change in changes(old, new)


def test_a_member_within_what_is_gone_is_no_change_of_its_own() -> None:
    assert {(one.kind, one.place) for one in changes(stream(CALL), stream(TEXT))} == {
        ("chunks", "text"),
        ("chunks", "tool_call"),
        ("added", "choices[].delta.content"),
        ("removed", "choices[].delta.tool_calls"),
    }


def test_events_of_the_responses_api_are_compared_by_type() -> None:
    script = responses.render(Reply("Hi"))
    steps = [
        Event(re.sub(r'"item_id":"[^"]*",', "", step.data), step.event)
        if isinstance(step, Event) and step.event == "response.output_text.delta"
        else step
        for step in script.steps
    ]
    (one,) = drift(script, script.with_steps(steps))
    assert one.change == FormChange("removed", "response.output_text.delta: item_id", "text")
    (concern,) = one.concerns
    assert concern.source == "ResponseTextDeltaEvent.item_id of the SDK's schema"


# Who cares


def test_a_lost_index_concerns_clients_and_the_types_of_the_sdk() -> None:
    new = stream({"role": "assistant", "tool_calls": [without(call(), "index")]})
    (one,) = (one for one in drift(stream(CALL), new) if one.change.kind == "removed")
    measured, required = one.concerns
    assert {"openai", "ai-sdk", "haystack"} <= set(measured.clients)
    assert measured.source == "measured on the stream tool-call-index-missing"
    assert required.source == "ChoiceDeltaToolCall.index of the SDK's schema"


def test_what_nobody_is_known_to_need_concerns_nobody() -> None:
    (one,) = drift(stream(TEXT, x=1), stream(TEXT))
    assert one.concerns == ()


# The streams whose form a rule's own change leads to, made from a plain one.
MADE = {rule.stream: rule for rule in RULES}


@pytest.mark.parametrize("name", MADE)
def test_a_rule_finds_the_stream_that_it_names(name: str) -> None:
    """From a stream without this form to the ready-made stream, its rule is among the concerns."""
    rule = MADE[name]
    counts = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
    old = stream(CALL if "tool" in name else TEXT, usage=counts)
    script = catalogue.stream(name).script
    found = {concern.source for one in drift(old, script) for concern in one.concerns}
    assert f"measured on the stream {rule.stream}" in found


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.stream)
def test_the_clients_of_a_rule_are_those_of_the_measured_pages(rule: Any) -> None:
    """After another measurement: put the names into the row."""
    pages = {file.stem: file.read_text("utf-8") for file in CONFORMANCE.glob("*.md")}
    failing = {
        name
        for name, text in pages.items()
        if name not in ("index", "findings")
        and re.search(rf"^\| `{re.escape(rule.stream)}` \|", text, re.MULTILINE)
    }
    assert set(rule.clients.split()) == failing, " ".join(sorted(failing))
    assert rule.stream in catalogue.names()
