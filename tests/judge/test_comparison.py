"""The judge: each of its sentences, and what it accepts."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest

from openai_mockserver import ApiError, FunctionCall, Reply, Script, ToolCall, Usage
from openai_mockserver.judge.comparison import Manner, find_mistakes
from openai_mockserver.judge.outcome import (
    DEATH,
    HANG,
    Counts,
    Function,
    Outcome,
    RaisedError,
    ReportedCall,
)

PARIS = ToolCall("get_weather", {"city": "Paris"}, id="call_1")
ROME = ToolCall("get_weather", {"city": "Rome"}, id="call_2")
CUT_OFF = ToolCall("get_weather", '{"city":"Par', id="call_1")
LOST = RaisedError("ConnectionError", "gone")


@dataclass(frozen=True)
class Stream:
    reply: Reply | ApiError
    error: str | None = None
    script: Script = field(default_factory=Script)


def call(name: str, arguments: str, id: str | None = None) -> ReportedCall:
    return ReportedCall(name, arguments, id)


def make_outcome(**members: Any) -> Outcome:
    return Outcome(**members)


TEXT = Stream(Reply("Hello, world", reasoning="Hm.", usage=Usage(9, 3)))
REFUSAL = Stream(Reply(refusal="No."))
CALLS = Stream(Reply(tool_calls=[PARIS, ROME]))
LEGACY = Stream(Reply(function_call=FunctionCall("now", {})))
BROKEN = Stream(Reply("Hello", finish_reason=None), "connection")
SHORT = Stream(Reply("Hello", finish_reason=None), "incomplete")
API = Stream(Reply("Hello", error=ApiError(500, "Out of order.")), "api")
REFUSED = Stream(ApiError(400, "No.\n"), "api")
WRONG = [
    (TEXT, make_outcome(text="Hello"), "text is 'Hello', not 'Hello, world'"),
    (TEXT, make_outcome(text=None), "text is '', not 'Hello, world'"),
    (TEXT, make_outcome(reasoning="Hm.Hm."), "reasoning is 'Hm.Hm.', not 'Hm.'"),
    (TEXT, make_outcome(refusal="No."), "refusal is 'No.', not ''"),
    (TEXT, make_outcome(finish_reason="length"), "finish_reason is 'length', not 'stop'"),
    (TEXT, make_outcome(finish_reason=None), "finish_reason is None, not 'stop'"),
    (TEXT, make_outcome(usage=None), "usage is lost, which is 9 + 3 tokens"),
    (TEXT, make_outcome(usage=Counts(9)), "usage is 9 + None tokens, not 9 + 3 tokens"),
    (TEXT, make_outcome(error=LOST), "raises ConnectionError('gone'), though all is well"),
    (TEXT, make_outcome(tool_calls=[call("f", "1")]), "one call (f(1)), not 0 (none)"),
    (
        CALLS,
        make_outcome(tool_calls=[call("get_weather", '{"city":"Paris"}{"city":"Rome"}')]),
        'one call (get_weather({"city":"Paris"}{"city":"Rome"})), '
        'not 2 (get_weather({"city": "Paris"}), get_weather({"city": "Rome"}))',
    ),
    (
        CALLS,
        make_outcome(tool_calls=[call("get_weather", '{"city":"Rome"}'), call("", "")]),
        'arguments of call 1 is \'{"city":"Rome"}\', not \'{"city": "Paris"}\'',
    ),
    (
        CALLS,
        make_outcome(tool_calls=[call("get_", '{"city":"Paris"}'), call("", "")]),
        "the name of call 1 is 'get_', not 'get_weather'",
    ),
    (
        CALLS,
        make_outcome(tool_calls=[call("get_weather", '{"city":"Paris"}', "call_2"), call("", "")]),
        "call 1 has the id 'call_2', not 'call_1'",
    ),
    (
        CALLS,
        make_outcome(function_call=Function("f", "")),
        "a function_call of 'f', where there is none",
    ),
    (LEGACY, make_outcome(function_call=None), "the function_call of 'now' is lost"),
    (
        LEGACY,
        make_outcome(function_call=Function("later", "{}")),
        "the name of function_call is 'later', not 'now'",
    ),
    (
        Stream(Reply(tool_calls=CUT_OFF, finish_reason="length")),
        make_outcome(tool_calls=[call("get_weather", '{"city":"Par')], parsed=['{"city":"Par"}']),
        'gives a tool the arguments {"city":"Par"}, which no call has',
    ),
    (
        SHORT,
        make_outcome(text="Hel", error=LOST),
        "text is 'Hel' when the error comes, not 'Hello'",
    ),
    (
        BROKEN,
        make_outcome(text="Hello"),
        "raises nothing, though the stream breaks off with an error (connection)",
    ),
    (
        BROKEN,
        make_outcome(text="Help", error=LOST),
        "text is 'Help' before the error, which does not begin 'Hello'",
    ),
    (
        BROKEN,
        make_outcome(error=RaisedError(HANG, "nothing came for 20 s")),
        "Hang: nothing came for 20 s",
    ),
    (
        BROKEN,
        make_outcome(error=RaisedError(DEATH, "the program ended")),
        "Death: the program ended",
    ),
    (
        SHORT,
        make_outcome(text="Hello", finish_reason="stop"),
        "raises nothing, though the stream breaks off with an error (incomplete)",
    ),
    (
        API,
        make_outcome(text="Hello", error=LOST),
        "raises ConnectionError('gone'), and loses what the API said: 'Out of order.'",
    ),
]
RIGHT: list[tuple[Stream, Outcome]] = [
    (TEXT, make_outcome()),
    (
        TEXT,
        make_outcome(
            text="Hello, world", reasoning="Hm.", refusal=None, tool_calls=[], usage=Counts(9, 3)
        ),
    ),
    (REFUSAL, make_outcome(text=None, refusal="No.", finish_reason="stop")),
    (
        CALLS,
        make_outcome(
            tool_calls=[call("get_weather", f'{{"city" : "{c}"}}') for c in ("Paris", "Rome")]
        ),
    ),
    (LEGACY, make_outcome(function_call=Function("now", "{}"), finish_reason="function_call")),
    (
        Stream(Reply(tool_calls=ToolCall("now", ""))),
        make_outcome(tool_calls=[call("now", "{}")], parsed=["{}"]),
    ),
    (Stream(Reply("Hi", finish_reason=None)), make_outcome(text="Hi", finish_reason="")),
    (BROKEN, make_outcome(text="Hello", error=LOST)),
    (BROKEN, make_outcome(text="He", error=LOST)),
    (SHORT, make_outcome(text="Hello", error=LOST)),
    (SHORT, make_outcome(text="Hello", finish_reason=None)),
    (API, make_outcome(text="Hello", error=RaisedError("APIError", "500: Out of order."))),
    (REFUSED, make_outcome(error=RaisedError("APIError", "{'message': 'No.\\n'}"))),
]


@pytest.mark.parametrize(("stream", "outcome", "sentence"), WRONG, ids=lambda value: None)
def test_it_says_what_is_wrong(stream: Stream, outcome: Outcome, sentence: str) -> None:
    assert sentence in map(str, find_mistakes(stream, outcome))


@pytest.mark.parametrize(("stream", "outcome"), RIGHT, ids=lambda value: None)
def test_it_lets_pass_what_is_right(stream: Stream, outcome: Outcome) -> None:
    assert find_mistakes(stream, outcome) == []


def test_it_says_each_thing_that_is_wrong() -> None:
    outcome = make_outcome(text="Hello", finish_reason="length")
    assert len(find_mistakes(TEXT, outcome)) == 2


def test_numbers_are_doubles() -> None:
    stream = Stream(Reply(tool_calls=ToolCall("f", '{"n": 1, "m": 9007199254740993}')))
    assert (
        find_mistakes(
            stream, make_outcome(tool_calls=[call("f", '{"n":1.0,"m":9007199254740992}')])
        )
        == []
    )
    assert (
        find_mistakes(stream, make_outcome(tool_calls=[call("f", '{"n":2,"m":9007199254740992}')]))
        != []
    )


def test_a_manner_is_no_fault() -> None:
    manner = Manner({"tool_calls": "tool-calls"}, refusal_as_text=True, refused="content-filter")
    assert not find_mistakes(
        REFUSAL, make_outcome(text="No.", finish_reason="content-filter"), manner
    )
    assert find_mistakes(CALLS, make_outcome(finish_reason="tool-calls"), manner) == []
    assert find_mistakes(CALLS, make_outcome(finish_reason="tool_calls"), manner) != []
    assert find_mistakes(TEXT, make_outcome(finish_reason="content-filter"), manner) != []


def test_reasons_that_are_not_openai_s_may_be_told_in_any_way() -> None:
    stream = Stream(Reply("Hi", finish_reason="eos"))
    assert find_mistakes(stream, make_outcome(finish_reason="unknown")) == []


def test_long_texts_are_shown_from_their_first_difference() -> None:
    stream = Stream(Reply("a" * 500 + "b" + "c" * 500))
    (mistake,) = find_mistakes(stream, make_outcome(text="a" * 500 + "x"))
    start = "a" * 40
    assert str(mistake) == f"text is … '{start}x', not … '{start}b{'c' * 119}' …"
