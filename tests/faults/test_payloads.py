"""Faults of what events say."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from openai_mockserver import Choice, MockOpenAI, Reply, ToolCall, Usage, sse
from openai_mockserver.api import chat, completions, responses
from openai_mockserver.exceptions import FaultError
from openai_mockserver.faults import (
    FAULTS,
    bom,
    change,
    drop,
    heartbeat,
    malformed,
    merge,
    parse,
    stall,
)
from openai_mockserver.script import Comment, Event, Pause, Script

STREAM = chat.render(Reply("Hello, world", usage=None))
CALL = chat.render(Reply(tool_calls=[ToolCall("f", {"x": 1})]))
BODY = chat.render(Reply("Hello"), {"model": "gpt-4o"})


def payloads(script: Script) -> list[Any]:
    return [json.loads(event.data) for event in script.events if event.data != "[DONE]"]


@pytest.mark.parametrize(("at", "index"), [(0, 0), (2, 2), (-1, 5), (-2, 4), (-6, 0)])
def test_drop(at: int, index: int) -> None:
    events = list(STREAM.events)
    del events[index]
    assert drop(at)(STREAM).events == tuple(events)


@pytest.mark.parametrize("at", [6, -7])
def test_an_event_that_is_not_there_cannot_be_dropped(at: int) -> None:
    with pytest.raises(FaultError, match="the stream has 6 events"):
        drop(at)(STREAM)


def test_change_sets_a_member_of_one_event() -> None:
    script = change(1, "choices.0.delta", None)(STREAM)
    before, after = payloads(STREAM), payloads(script)
    before[1]["choices"][0]["delta"] = None
    assert after == before


def test_change_adds_a_member_and_an_element() -> None:
    script = change(0, "choices.1", {"index": 1})(change(0, "x.y", [1])(change(0, "x", {})(STREAM)))
    payload = payloads(script)[0]
    assert payload["x"] == {"y": [1]}
    assert payload["choices"][1] == {"index": 1}


def test_change_of_all_events_changes_those_that_have_the_member() -> None:
    script = change(None, "choices[-1].delta.tool_calls[0].index", "0")(CALL)
    indexes = [
        call["index"]
        for payload in payloads(script)
        for call in payload["choices"][0]["delta"].get("tool_calls", ())
    ]
    assert indexes
    assert set(indexes) == {"0"}


def test_change_removes_a_member() -> None:
    script = change(None, "choices.0.delta.tool_calls.0.index", remove=True)(CALL)
    text = sse.body(script.steps).decode()
    assert '"arguments"' in text
    assert '"tool_calls":[{"index"' not in text


def test_change_takes_the_paths_of_cassettes() -> None:
    stream = chat.render(Reply(choices=[Choice("a"), Choice("b")]))
    everywhere = payloads(change(None, "$.choices[*].delta['content']", None)(stream))
    contents = [
        choice["delta"]["content"]
        for payload in everywhere
        for choice in payload["choices"]
        if "content" in choice["delta"]
    ]
    assert contents == [None] * 4
    removed = payloads(change(0, "choices[*].delta.*", remove=True)(stream))
    assert removed[0]["choices"][0]["delta"] == {}
    assert removed[1:] == payloads(stream)[1:]


def test_the_rest_of_the_bytes_stays_as_it_was() -> None:
    model = payloads(STREAM)[0]["model"]
    assert change(0, "model", model)(STREAM) == STREAM
    spaced = Script(STREAM.head, (Event('{"a": 1, "b": "\\u00e9"}'),))
    assert change(0, "a", 2)(spaced).events[0].data == '{"a": 2, "b": "\\u00e9"}'


def test_change_of_a_json_body() -> None:
    script = change(None, "choices.0.finish_reason", "length")(BODY)
    body = sse.body(script.steps)
    assert json.loads(body)["choices"][0]["finish_reason"] == "length"
    assert script.head.header("content-length") == str(len(body))


def test_change_of_events_that_meet_conditions() -> None:
    stream = chat.render(Reply(tool_calls=[ToolCall("f"), ToolCall("g")]))
    call = "choices[0].delta.tool_calls[0]"
    script = change(None, f"{call}.index", remove=True, where={f"{call}.function.name": "g"})(
        stream
    )
    changed = [n for n, event in enumerate(stream.events) if event != script.events[n]]
    assert changed == [3]
    assert '"tool_calls":[{"id":' in script.events[3].data
    # The member may be new.
    script = change(None, "x", 1, where={"choices[0].finish_reason": "tool_calls"})(stream)
    assert [payload.get("x") for payload in payloads(script)] == [None] * 5 + [1]


HOW_TO = Path(__file__).parents[2] / "docs" / "how-to" / "broken-streams.md"
ROW = re.compile(r"^\| ([^|]+) \| `(.*\(.*)` \|$", re.MULTILINE)
MISBEHAVIOURS = ROW.findall(HOW_TO.read_text("utf-8").partition("## One member of one chunk")[2])


@pytest.mark.parametrize(("what", "code"), MISBEHAVIOURS, ids=lambda text: str(text)[:40])
def test_the_faults_in_the_documentation_happen(what: str, code: str) -> None:
    calls = [ToolCall("a", {"x": 1}), ToolCall("b", {"y": 2})]
    script = chat.render(Reply("Hello, world", tool_calls=calls))
    value = eval(code, FAULTS.copy())
    for fault in value if isinstance(value, list) else [value]:
        changed_script = fault(script)
        assert sse.body(changed_script.steps) != sse.body(script.steps), what
        script = changed_script


def test_the_table_in_the_documentation_is_found() -> None:
    assert len(MISBEHAVIOURS) == 11


# Several chunks in one


def test_the_deltas_of_neighbouring_chunks_are_joined() -> None:
    stream = chat.render(Reply("Hello", reasoning="Hm"))
    script = merge(1)(stream)
    assert [payload["choices"][0]["delta"] for payload in payloads(script)] == [
        {"role": "assistant", "content": "", "reasoning_content": "", "refusal": None},
        {"reasoning_content": "Hm", "content": "Hello"},
        {},
    ]
    assert (script.events[0], script.events[2:]) == (stream.events[0], stream.events[3:])


LONG = Reply(
    choices=[
        Choice("Hello, world", reasoning="Hm", tool_calls=[ToolCall("f", {"x": 1}), ToolCall("g")]),
        Choice("Bye", finish_reason="length"),
    ],
    usage=Usage(5, 6),
)


@pytest.mark.parametrize("reply", [LONG, Reply("Hi", finish_reason=None)])
def test_a_whole_stream_may_be_one_chunk(reply: Reply) -> None:
    script = merge(0, count=None)(chat.render(reply))
    assert [event.data == "[DONE]" for event in script.events] == [False, True]
    assert chat.read(script) == reply


def test_completions_are_merged_too() -> None:
    script = merge(0, count=None)(completions.render(Reply("Hello, world")))
    assert len(script.events) == 2
    assert completions.read(script) == Reply("Hello, world")


def test_a_merged_chunk_is_sent_when_its_last_part_would_be() -> None:
    a, b, c = (Event(f'{{"choices":[{{"index":0,"text":"{text}"}}]}}') for text in "abc")
    merged = Event('{"choices":[{"index":0,"text":"bc"}]}')
    script = Script(steps=[Pause(1), a, Pause(2), b, Comment("x"), Pause(3), c, Pause(4)])
    assert merge(1)(script) == script.with_steps(
        [Pause(1), a, Pause(2), Comment("x"), Pause(3), merged, Pause(4)]
    )


# Errors


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        (lambda: heartbeat(data={1, 2}), "data must be text or JSON"),
        (lambda: heartbeat()(BODY), "not a stream"),
        (lambda: change(0, "a", where=5), "where must be a mapping"),
        (lambda: change(None, "a", where={"[": 5}), "has a syntax error"),
        (lambda: change(0, "id", 1, where={"id": 2})(STREAM), "the event has no such member"),
        (lambda: merge(-1)(STREAM), "the event is not a chunk with choices"),
        (lambda: merge(-2)(STREAM), "only 1 chunk there"),
        (lambda: merge(3, count=9)(STREAM), "only 2 chunks there"),
        (lambda: merge(9)(STREAM), "the stream has 6 events"),
        (lambda: merge(0)(responses.render(Reply("Hi"))), "not a chunk with choices"),
        (lambda: merge(0, count=1), "count must be a count, 2 or more, or None"),
        (lambda: change(0, "choices..delta"), "'choices..delta' has a syntax error at character 8"),
        (lambda: change(0, ""), "the path '' has no steps"),
        (lambda: change(0, 5), "a path in a JSON body must be a string"),
        (lambda: change(0, "choices[0].delta[0]")(STREAM), "the event has no such member"),
        (lambda: change(0, "choices[*].nothing[*]")(STREAM), "the event has no such member"),
        (lambda: change(0, "a", {1, 2}), "value must be JSON"),
        (lambda: change(0, "choices.9.delta")(STREAM), "the event has no such member"),
        (lambda: change(0, "nothing", remove=True)(STREAM), "the event has no such member"),
        (lambda: change(-1, "choices")(STREAM), "the event has no such member"),
        (lambda: change(None, "nothing", 1)(STREAM), "no event has such a member"),
        (lambda: change(None, "nothing", 1)(BODY), "the body has no such member"),
        (lambda: change(3, "id", 1)(BODY), "not a stream"),
        (lambda: drop(at=True), "at must be an index"),
    ],
)
def test_a_change_that_cannot_happen_is_an_error(fault: Any, message: str) -> None:
    with pytest.raises(FaultError, match=message):
        fault()


def test_the_last_event_is_minus_one_for_every_fault() -> None:
    assert malformed(-1)(STREAM).events[-1].data == "[DO"


@pytest.mark.parametrize("text", ["heartbeat", "heartbeat; event=ping", 'heartbeat; data={"a":1}'])
def test_heartbeats_between_all_events(text: str) -> None:
    (fault,) = parse(text)
    script = fault(STREAM)
    beats = script.steps[1::2]
    assert script.steps[::2] == STREAM.steps
    assert set(beats) <= {Comment("ping"), Event("ping", "ping"), Event('{"a":1}')}
    assert len({*beats}) == 1


def test_heartbeats_that_are_events_without_a_name() -> None:
    script = heartbeat(1, data='{"choices":[]}')(stall(after=1, seconds=2)(STREAM))
    assert script.events[1:3] == (Event('{"choices":[]}'),) * 2
    assert Comment("ping") in heartbeat(1)(stall(after=1, seconds=2)(STREAM)).steps


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ('change; at=1; path=a; value={"b": "c;d, e"}', change(1, "a", {"b": "c;d, e"})),
        ('change; at=null; path=choices[0]; value=["}", 1]', change(None, "choices[0]", ["}", 1])),
        ('change; at=-1; path=a; value="x, y; \\"z\\""', change(-1, "a", 'x, y; "z"')),
        ("drop; at=-1", drop(-1)),
    ],
)
def test_json_on_the_command_line(text: str, fault: Any) -> None:
    first, second = parse(f"{text}, drop; at=0")
    assert repr(first) == repr(fault)
    assert repr(second) == repr(drop(at=0))


@pytest.mark.parametrize(
    ("text", "faults"),
    [
        ("drop(-1)", [drop(-1)]),
        (" drop( at = -1 ) , bom", [drop(at=-1), bom()]),
        ("bom, drop(-1),, bom; at=null", [bom(), drop(-1), bom(at=None)]),
        ("change(1, 'a', [\"b), c(\", true])", [change(1, "a", ["b), c(", True])]),
        ("malformed; data=f(x), drop(0)", [malformed(data="f(x)"), drop(0)]),
        (repr(change(None, "a.b", [None, "'"])), [change(None, "a.b", [None, "'"])]),
    ],
)
def test_a_fault_may_be_written_as_in_python(text: str, faults: list[Any]) -> None:
    assert list(map(repr, parse(text))) == list(map(repr, faults))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("drop(print)", "the arguments must be values"),
        ("drop(__import__)", "the arguments must be values"),
        ("drop(1 2)", "the arguments must be values"),
        ("drop(at=1, at=2)", "the arguments must be values"),
        ("drop(1, 2)", "drop: too many positional arguments"),
        ("dorp(1)", "unknown fault 'dorp': did you mean 'drop'"),
        ("drop(os.system('x'))", "unknown fault .drop.os"),
    ],
)
def test_a_fault_that_is_not_a_call_is_refused(text: str, message: str) -> None:
    with pytest.raises(FaultError, match=message):
        parse(text)


def test_the_sdk_reads_what_was_changed(mock_openai: MockOpenAI) -> None:
    mock_openai.reply("Hello", faults=[change(-2, "choices.0.finish_reason", "length"), drop(-1)])
    with mock_openai.client().chat.completions.create(
        model="gpt-4o", messages=[{"role": "user", "content": "Hi"}], stream=True
    ) as chunks:
        assert [chunk.choices[0].finish_reason for chunk in chunks][-1] == "length"
