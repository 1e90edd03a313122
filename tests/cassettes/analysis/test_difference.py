"""Differences of recordings: what was said, and the wire, without ids, times and padding."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from openai_mockserver import (
    ApiError,
    Comment,
    Event,
    Head,
    MockOpenAI,
    Pace,
    Raw,
    Reply,
    Script,
    ToolCall,
    Usage,
    sse,
)
from openai_mockserver.cassettes import Exchange
from openai_mockserver.cassettes.analysis.difference import (
    Change,
    Difference,
    compare_exchanges,
)
from openai_mockserver.cassettes.importers import import_file

ASKED: dict[str, Any] = {"model": "gpt-4o", "messages": [{"role": "user", "content": "Hi"}]}


def answer(reply: Any, stream: bool = True, path: str = "chat/completions") -> Exchange:
    """Return a reply as a server sends it now: with new ids and times."""
    mock = MockOpenAI()
    mock.reply(reply)
    asked = {"model": "gpt-4o", "input": "Hi"} if path == "responses" else ASKED
    with mock.client(max_retries=0) as client:
        try:
            response = client.post(f"/{path}", body={**asked, "stream": stream}, cast_to=object)
        except Exception:
            response = None
    assert response is None or not isinstance(reply, ApiError)
    return Exchange(mock.calls[0].script, {})


def compare(old: Script, new: Script, exact: bool = False) -> Difference:
    return compare_exchanges(Exchange(old, {}), Exchange(new, {}), exact)


REPLIES: list[Any] = [
    Reply("Hello there", reasoning="hm", usage=Usage(3, 4)),
    Reply(tool_calls=[ToolCall("f", {"a": 1}), ToolCall("g")]),
    ApiError(429, retry_after=2),
]


@pytest.mark.parametrize("path", ["chat/completions", "responses"])
@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("reply", REPLIES, ids=lambda reply: type(reply).__name__)
def test_the_same_answer_with_other_ids_is_equal(path: str, stream: bool, reply: Any) -> None:
    old, new = (answer(reply, stream, path) for _ in range(2))
    assert compare_exchanges(old, new) == Difference((), ())
    assert compare_exchanges(old, new, exact=True).wire, "its ids differ"


def test_every_recording_equals_itself(shared: Path) -> None:
    for file in sorted(shared.glob("recordings/*/*/*.json")):
        for exchange in import_file(file):
            assert not compare_exchanges(exchange, exchange, exact=True), file


def test_times_do_not_count() -> None:
    script = answer("Hello there").script
    assert not compare(script, Pace(ttft=1, itl=0.5)(script), exact=True)


def test_what_was_said_is_compared_before_the_wire() -> None:
    old = answer(Reply("It is 42.", usage=Usage(3, 4)), stream=False)
    new = answer(Reply(tool_calls=[ToolCall("f", {"a": 1})], usage=Usage(3, 9)), stream=False)
    said = {change.place: change for change in compare_exchanges(old, new).said}
    assert said["text"] == Change("text", "removed", "It is 42.")
    assert said["tool_calls"].new == [{"name": "f", "arguments": '{"a":1}', "id": "…"}]
    assert said["finish_reason"] == Change("finish_reason", "changed", "stop", "tool_calls")
    assert said["usage.completion_tokens"] == Change("usage.completion_tokens", "changed", 4, 9)


def test_the_same_text_in_other_chunks_differs_on_the_wire_only() -> None:
    old, new = (answer(Reply([*pieces])) for pieces in (["Hel", "lo"], ["Hello"]))
    difference = compare_exchanges(old, new)
    assert not difference.said
    assert [change.kind for change in difference.wire] == ["changed", "removed"]


CHUNK = {"choices": [{"index": 0, "delta": {"content": "Hi"}}], "model": "m"}
STEPS = (Event(json.dumps(CHUNK)), sse.DONE)
HEAD = Head(200, (("Content-Type", "text/event-stream"), ("X-A", "1")))


def change_chunk(**members: Any) -> tuple[Event, Event]:
    return (Event(json.dumps(CHUNK | members)), sse.DONE)


@pytest.mark.parametrize(
    ("new", "place", "kind"),
    [
        ({"steps": change_chunk(usage=None)}, "chunk 1: usage", "added"),
        ({"steps": change_chunk(model="n")}, "chunk 1: model", "changed"),
        ({"steps": change_chunk(choices=None)}, "chunk 1: choices", "changed"),
        ({"steps": (Event(json.dumps(CHUNK), "x"), sse.DONE)}, "chunk 1: event name", "changed"),
        ({"steps": STEPS[:1]}, "framing: [DONE]", "changed"),
        ({"steps": (*STEPS, Comment("a"))}, "chunk after 2", "added"),
        ({"steps": (Comment("a"), *STEPS)}, "framing: comments", "changed"),
        ({"end": "reset"}, "framing: end", "changed"),
        ({"head": Head(200, HEAD.headers[:1])}, "header x-a", "removed"),
        ({"head": Head(206, HEAD.headers)}, "status", "changed"),
        ({"steps": (Event(json.dumps(dict(reversed(CHUNK.items())))), sse.DONE)},
         "chunk 1: order of members", "changed"),
        ({"steps": (Event(json.dumps(CHUNK, separators=(",", ":"))), sse.DONE)},
         "framing: spaces in JSON", "changed"),
        ({"steps": (Raw(sse.body(STEPS).replace(b"\n", b"\r\n")),)},
         "framing: line ends", "changed"),
        ({"steps": (Raw(sse.body(STEPS).replace(b": {", b":{")),)}, "framing: fields", "changed"),
    ],
)  # fmt: skip
def test_each_difference_of_the_wire_has_its_place(
    new: dict[str, Any], place: str, kind: str
) -> None:
    script = Script(HEAD, STEPS)
    wire = compare(script, replace(script, **new)).wire
    assert (place, kind) in {(change.place, change.kind) for change in wire}
    assert len(wire) <= 3


def test_an_additional_chunk_does_not_change_those_after_it() -> None:
    chunks = [Event(json.dumps({**CHUNK, "n": n})) for n in range(50)]
    (change,) = compare(
        Script(HEAD, chunks), Script(HEAD, [*chunks[:7], *STEPS[:1], *chunks[7:]])
    ).wire
    assert change == Change("chunk after 7", "added", None, CHUNK)


def test_an_id_that_is_gone_or_empty_is_a_difference() -> None:
    old = Script(HEAD, change_chunk(id="a"))
    assert not compare(old, Script(HEAD, change_chunk(id="b"))).wire
    for other in (STEPS, change_chunk(id=""), change_chunk(id=1), change_chunk(id=None)):
        assert [one.place for one in compare(old, Script(HEAD, other)).wire] == ["chunk 1: id"]


def test_a_client_that_leaves_at_done_has_got_all() -> None:
    script = Script(HEAD, STEPS)
    whole = Exchange(script, {})
    left = Exchange(replace(script, end="truncate"), {}, client_left=True)
    assert not compare_exchanges(whole, left)
    early = Exchange(Script(HEAD, STEPS[:1], "truncate"), {}, client_left=True)
    ends = {change.place: change.new for change in compare_exchanges(whole, early).wire}
    assert ends["framing: end"] == "client left"
