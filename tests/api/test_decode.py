"""Garbage in a response: any reader gives a value or one sentence that says where it is."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from openai_mockserver import MockServerError, Reply, ToolCall, api, sse
from openai_mockserver.api import audio, chat, completions, responses
from openai_mockserver.bounded_input import DEEPEST
from openai_mockserver.cassettes import Exchange
from openai_mockserver.exceptions import ReplyError
from openai_mockserver.reply import (
    Annotation,
    ApiError,
    Audio,
    FunctionCall,
    Item,
    Logprob,
    Message,
    Output,
    Reasoning,
    Usage,
)
from openai_mockserver.script import Head, Raw, Script
from openai_mockserver.show import as_json, draw
from properties import examples

STREAM = Head(200, (("content-type", "text/event-stream"),))
WHOLE = Head(200, (("content-type", "application/json"),))

READERS: dict[str, Callable[[Script], object]] = {
    "any": api.read,
    "chat": chat.read,
    "responses": responses.read,
    "completions": completions.read,
    "transcriptions": audio.read,
    "speech": audio.read_speech,
}

Body = list[tuple[str | None, Any]] | dict[str, Any]
"""The events of a stream, each with its name and its JSON; or the JSON of a body."""


def bodies_of(script: Script) -> Iterator[Body]:
    if not script.is_stream:
        yield json.loads(sse.body(script.steps))
        return
    events = [(e.event, e.data) for e in sse.decode(sse.body(script.steps))]
    yield [(name, json.loads(data)) for name, data in events if data.startswith("{")]


def parts_of_everything() -> Iterator[Script]:
    """Responses that have each member a reader looks at."""
    logprobs = [Logprob("Hi", -0.5, None, (Logprob("Hi", -0.5), Logprob("Ho", -2.0)))]
    usage = Usage(9, 3, cached_tokens=4, reasoning_tokens=2)
    calls = [ToolCall("f", {"a": 1}), ToolCall("g", "x", custom=True)]
    cited = Annotation({"type": "url_citation", "url": "u", "title": "t"})
    for stream in (True, False):
        options = {"stream": stream, "stream_options": {"include_usage": True}}
        ask = {"model": "gpt-4o", "messages": [{"role": "user", "content": "Hi"}], **options}
        text = Reply(["Hi"], reasoning="why", logprobs=logprobs, usage=usage, annotations=[cited])
        yield chat.render(text, {**ask, "logprobs": True, "top_logprobs": 2})
        yield chat.render(Reply(tool_calls=calls), ask)
        yield chat.render(Reply(function_call=FunctionCall("f", "{}")), ask)
        yield chat.render(Reply(refusal="no"), ask)
        yield chat.render(Reply(audio=Audio("Hi", b"RIFF")), ask)
        output: list[Output] = [
            Reasoning(["so"], content=["thus"], encrypted="e"),
            Message(["Hi"], annotations=[cited], logprobs=logprobs, phase="commentary"),
            *calls,
            Item("web_search_call", {"status": "completed", "action": {"type": "search"}}),
            Item("code_interpreter_call", {"code": "1", "container_id": "c", "outputs": []}),
        ]
        asked = {"model": "gpt-5", "input": "Hi", "stream": stream}
        yield responses.render(Reply(refusal="no"), asked)
        yield responses.render(Reply(output=output, usage=usage), asked)
        legacy = {"model": "gpt-3.5-turbo-instruct", "prompt": "Hi", **options, "logprobs": 2}
        yield completions.render(Reply(["Hi"], logprobs=logprobs, usage=usage), legacy)
        heard = {"model": "gpt-4o-transcribe", "stream": stream, "include": ["logprobs"]}
        yield audio.render(Reply(["Hi"], logprobs=logprobs, usage=usage), heard)
    yield audio.render_speech(audio.Speech(b"RIFF", Usage(1, 2)))
    yield chat.render(Reply("Hi", error=ApiError(429)), {"stream": True})
    yield responses.render(Reply("Hi", error=ApiError(429)), {"stream": True})


@cache
def made_bodies() -> list[Body]:
    return [body for script in parts_of_everything() for body in bodies_of(script)]


@cache
def recorded_bodies(folder: Path) -> list[Body]:
    found: list[Body] = []
    for file in sorted(folder.glob("wire/examples/*.sse")):
        events = [(e.event, e.data) for e in sse.decode(file.read_bytes())][:40]
        found.append([(name, json.loads(data)) for name, data in events if data.startswith("{")])
    return [body for body in found if body]


def nest(depth: int, wrap: Callable[[Any], Any]) -> Any:
    value: Any = None
    for _ in range(depth):
        value = wrap(value)
    return value


DEEP = [
    nest(depth, wrap)
    for depth in (DEEPEST + 1, 900)
    for wrap in (lambda v: [v], lambda v: {"a": v})
]

NAMES = st.sampled_from(
    ["type", "text", "id", "index", "name", "error", "message", "delta", "\ud800"]
)

GARBAGE = st.one_of(
    st.sampled_from([None, True, 0, -1, 1.5, 10**30, "", "x", "\ud83d", "error", "stop", [], {}]),
    st.sampled_from(DEEP),
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats(-9, 9) | st.text(max_size=3),
        lambda inner: st.lists(inner, max_size=2) | st.dictionaries(NAMES, inner, max_size=2),
        max_leaves=4,
    ),
)


def places(value: Any, before: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The places in a JSON value; of a list, only the first two entries'."""
    yield before
    members = value.items() if isinstance(value, dict) else ()
    entries = enumerate(value[:2]) if isinstance(value, list) else ()
    for at, inner in (*members, *entries):
        yield from places(inner, (*before, at))


def put(value: Any, place: tuple[Any, ...], new: Any) -> Any:
    """The value with another one at that place."""
    if not place:
        return new
    copied = value.copy()
    copied[place[0]] = put(value[place[0]], place[1:], new)
    return copied


def as_body(value: Any) -> Script:
    return Script(WHOLE, (Raw(json.dumps(value).encode()),))


def as_stream(events: list[tuple[str | None, Any]]) -> Script:
    parts = [
        (f"event: {name}\n" if name else "") + f"data: {json.dumps(value)}\n\n"
        for name, value in events
    ]
    return Script(STREAM, (Raw("".join(parts).encode()),))


def spoil(body: Body, draw_from: Any) -> Script:
    """A body in which one value is another."""
    if isinstance(body, dict):
        place = draw_from(st.sampled_from(list(places(body))))
        return as_body(put(body, place, draw_from(GARBAGE)))
    at = draw_from(st.integers(0, len(body) - 1))
    name, value = body[at]
    place = draw_from(st.sampled_from(list(places(value))))
    return as_stream([*body[:at], (name, put(value, place, draw_from(GARBAGE))), *body[at + 1 :]])


def read_or_explain(read: Callable[[Script], object], script: Script) -> object:
    try:
        return read(script)
    except MockServerError as error:
        return str(error)


def check_readers(script: Script) -> None:
    for name, read in READERS.items():
        found = read_or_explain(read, script)
        assert isinstance(found, Reply | ApiError | audio.Speech | str), name
        if isinstance(found, str):
            assert len(found) < 1000, name
            assert "Error(" not in found, name  # a sentence, and no exception of Python's
    exchange = Exchange(script, {})
    assert draw(exchange)
    json.dumps(as_json(exchange))


@given(st.data())
def test_garbage_is_a_value_or_one_sentence(data: st.DataObject) -> None:
    check_readers(spoil(data.draw(st.sampled_from(made_bodies())), data.draw))


@pytest.mark.slow
@settings(max_examples=examples(500))
@given(st.data())
def test_garbage_in_recordings_is_a_value_or_one_sentence(
    shared: Path, data: st.DataObject
) -> None:
    check_readers(spoil(data.draw(st.sampled_from(recorded_bodies(shared))), data.draw))


@given(GARBAGE)
def test_anything_as_a_body_or_an_event(value: Any) -> None:
    check_readers(as_body(value))
    check_readers(as_stream([(None, value)]))
    check_readers(as_stream([("error", value)]))


def chunk(**choice: Any) -> dict[str, Any]:
    return {"object": "chat.completion.chunk", "choices": [{"index": 0, "delta": {}, **choice}]}


def event(kind: str, **members: Any) -> dict[str, Any]:
    return {"type": f"response.{kind}", "output_index": 0, **members}


SAID = chunk(delta={"content": "Hi"})
LEGACY = {"object": "text_completion", "choices": [{"index": 0, "text": "a"}]}
UNEXPECTED_TYPE = "it contains a value of an unexpected type"


@pytest.mark.parametrize(
    ("events", "sentence"),
    [
        (
            [SAID, chunk(index="error")],
            "event 2 is not a chunk of a chat completion: "
            "the index of a choice must be an integer, not 'error'",
        ),
        (
            [SAID, chunk(delta="x")],
            f"event 2 is not a chunk of a chat completion: {UNEXPECTED_TYPE}",
        ),
        (
            [SAID, chunk(finish_reason=5)],
            "choice 0 is not a choice of a chat completion: finish_reason must be",
        ),
        (
            [SAID | {"usage": {"prompt_tokens": "x"}}],
            "the usage is not the usage of a chat completion: Usage.prompt_tokens must be",
        ),
        (
            [LEGACY, {**LEGACY, "choices": [{"text": "a", "logprobs": {"top_logprobs": 1}}]}],
            "event 2 is not a chunk of a completion: it has no 'tokens'",
        ),
        (
            [event("output_text.delta", delta=5)],
            "event 1 is not a valid event of a response: delta must be a string, not 5",
        ),
        (
            [event("output_item.added", item=[])],
            "event 1 is not a valid event of a response: item must be an object, not []",
        ),
        (
            [{"type": "error", "message": "x", "code": 5}],
            "event 1 is not a valid event of a response",
        ),
        ([SAID, SAID | {"x": DEEP[0]}], "event 2 cannot be read: it is nested too deeply"),
    ],
)
def test_the_sentence_says_which_event(events: list[Any], sentence: str) -> None:
    read = responses.read if "type" in events[0] else api.read
    with pytest.raises(ReplyError) as raised:
        read(as_stream([(None, value) for value in events]))
    assert str(raised.value).startswith(sentence)


def test_the_sentence_stays_short_however_long_the_value() -> None:
    usage = {"input_tokens": {"a": "x" * 100_000}, "output_tokens": 1}
    speech = as_stream([(None, {"type": "speech.audio.done", "usage": usage})])
    with pytest.raises(ReplyError, match=r"event of a speech: Usage\.prompt_tokens must") as raised:
        audio.read_speech(speech)
    assert len(str(raised.value)) < 1000


@pytest.mark.parametrize("depth", [DEEPEST + 1, 900, 5000])
def test_a_body_that_is_nested_too_deeply(depth: int) -> None:
    deep = "[" * depth + "]" * depth
    body = f'{{"choices":[{{"message":{{"content":"a","x":{deep}}}}}]}}'
    with pytest.raises(
        ReplyError, match="the body is not a chat completion: it is nested too deep"
    ):
        chat.read(Script(WHOLE, (Raw(body.encode()),)))


def test_half_a_character_where_a_text_is_expected() -> None:
    for name in ("name", "id"):
        with pytest.raises(ReplyError, match="lone surrogate"):
            ToolCall(**{"name": "f", name: "\ud800"})  # type: ignore[arg-type]
    with pytest.raises(ReplyError, match="an annotation is not JSON"):
        Annotation({"type": "\ud800"})
