"""Legacy completions: bytes as recorded, and back."""

from __future__ import annotations

import json
import re
from pathlib import Path
from random import Random
from typing import Any

import openai
import pytest
from hypothesis import given
from openai.types import Completion

from fidelity.replies import replies
from openai_mockserver import MockOpenAI, sse
from openai_mockserver.api import completions
from openai_mockserver.api.completions import FINISH_REASONS
from openai_mockserver.api.envelope import Envelope
from openai_mockserver.exceptions import ReplyError
from openai_mockserver.reply import ApiError, Audio, Choice, Logprob, Reply, ToolCall, Usage
from openai_mockserver.script import Head, Script
from recordings import SHARED

STREAM: dict[str, Any] = {"model": "gpt-3.5-turbo-instruct", "prompt": "Hi", "stream": True}
PLAIN = STREAM | {"stream": False}
ENVELOPE = Envelope("cmpl-1", 1750438614, "gpt-3.5-turbo-instruct:20230824-v2")


def chunks(reply: Reply, **asked: object) -> list[dict[str, Any]]:
    """The JSON of a stream's chunks."""
    *events, done = completions.render(reply, STREAM | asked).events
    assert done == sse.DONE
    return [json.loads(event.data) for event in events]


def texts(reply: Reply, **asked: object) -> list[tuple[int, str, str | None]]:
    """The index, text and finish reason of all that a stream's chunks say."""
    said = [choice for chunk in chunks(reply, **asked) for choice in chunk["choices"]]
    return [(choice["index"], choice["text"], choice["finish_reason"]) for choice in said]


def body(reply: Reply, **asked: object) -> dict[str, Any]:
    """The JSON of a body that is no stream."""
    script = completions.render(reply, PLAIN | asked)
    told: dict[str, Any] = json.loads(sse.body(script.steps))
    return told


# There and back


def without_calls(reply: Reply) -> Reply:
    """The reply as far as a completion can say it at all."""
    said = [
        Choice(
            choice.text,
            reasoning=choice.reasoning,
            refusal=choice.refusal,
            logprobs=choice.logprobs,
            finish_reason=choice.finish_reason
            if choice.finish_reason in (*FINISH_REASONS, None)
            else "stop",
        )
        for choice in reply.choices
    ]
    return Reply(choices=said, usage=reply.usage, error=reply.error)


def heard(reply: Reply) -> Reply:
    """What is left of a reply in the legacy form."""
    left: list[Choice] = []
    if reply.is_only_error:
        return Reply(error=reply.error)
    for choice in reply.choices:
        spoken = choice.text if choice.text is not None else choice.refusal
        logprobs = [
            [Logprob(e.token, e.logprob, None, tuple(unique(e.top))) for e in entries]
            for entries in choice.logprobs or ()
        ]
        left.append(
            Choice(spoken or "", logprobs=logprobs or None, finish_reason=choice.finish_reason)
        )
    usage = reply.usage and Usage(
        reply.usage.prompt_tokens, reply.usage.completion_tokens, reply.usage.total_tokens
    )
    return Reply(choices=left, usage=usage, error=reply.error)


def unique(top: tuple[Logprob, ...]) -> list[Logprob]:
    """The alternatives as a JSON object can state them: each token once, without its bytes."""
    return [Logprob(token, p) for token, p in {e.token: e.logprob for e in top}.items()]


SAYABLE = replies().map(without_calls)
FINISHED = replies(finished=True).map(without_calls)


@given(SAYABLE)
def test_reading_what_was_rendered_gives_what_a_completion_can_say(reply: Reply) -> None:
    assert completions.read(completions.render(reply)) == heard(reply)


@given(FINISHED)
def test_so_does_reading_a_body_that_is_no_stream(reply: Reply) -> None:
    stated = any(choice.logprobs is not None for choice in reply.choices)
    script = completions.render(
        reply, PLAIN | {"n": len(reply.choices), "logprobs": 20 if stated else None}
    )
    again = completions.read(script)
    assert isinstance(again, Reply)
    assert [c.text for c in again.choices] == [c.text for c in heard(reply).choices]
    assert [c.finish_reason for c in again.choices] == [c.finish_reason for c in reply.choices]
    assert reply.usage is None or again.usage == heard(reply).usage
    completions.render(again)


@given(SAYABLE)
def test_every_chunk_is_valid_for_the_sdk_in_strict_mode(reply: Reply) -> None:
    for event in completions.render(reply).events:
        if event != sse.DONE and not event.data.startswith('{"error"'):
            # The SDK has one type for bodies and chunks, which only finish with the last.
            unfinished = event.data.replace('"finish_reason":null', '"finish_reason":"stop"')
            Completion.model_validate_json(unfinished, strict=True)


@given(FINISHED)
def test_every_body_is_valid_for_the_sdk_in_strict_mode(reply: Reply) -> None:
    script = completions.render(reply, PLAIN | {"n": len(reply.choices), "logprobs": 2})
    Completion.model_validate_json(sse.body(script.steps), strict=True)


# The recordings

DIALECTS = {"huggingface-router": "huggingface"}
RECORDED = [
    *sorted(SHARED.glob("recordings/*/completions/*.json")),
    *sorted(SHARED.glob("wire/examples/*completions*.sse")),
]


def recorded(file: Path) -> tuple[bytes, dict[str, Any], str]:
    """A recorded body, its request, and who sent it."""
    if file.suffix == ".sse":
        return file.read_bytes(), {"stream": True}, file.stem.partition("-")[0]
    told = json.loads(file.read_text())
    return told["response"]["body"].encode(), told["request"]["json"], told["provider"]


@pytest.mark.parametrize("file", RECORDED, ids=lambda file: f"{file.parts[-3]}-{file.stem}")
def test_a_recording_is_rendered_byte_for_byte(file: Path, shared: Path) -> None:
    sent, asked, provider = recorded(file)
    reply = completions.read(
        Script(Head(200, (("content-type", "text/event-stream"),)), sse.parse(sent))
    )
    first = json.loads(sse.decode(sent)[0].data)
    fingerprint = re.search(rb'"system_fingerprint":"([^"]+)"', sent)
    envelope = Envelope(
        first["id"], first["created"], first["model"], fingerprint and fingerprint[1].decode()
    )
    script = completions.render(
        reply, asked, envelope=envelope, dialect=DIALECTS.get(provider, provider)
    )
    assert sse.body(script.steps) == sent


# What is sent


def test_members_come_in_openais_order() -> None:
    script = completions.render(
        Reply("One"), STREAM | {"stream_options": {"include_usage": True}}, envelope=ENVELOPE
    )
    start = '{"id":"cmpl-1","object":"text_completion","created":1750438614,'
    model = '"model":"gpt-3.5-turbo-instruct:20230824-v2",'
    usage = '"usage":{"prompt_tokens":1,"completion_tokens":1,"total_tokens":2}'
    assert [event.data for event in script.events] == [
        f'{start}"choices":[{{"text":"One","index":0,"logprobs":null,"finish_reason":null}}],'
        f'{model}"usage":null}}',
        f'{start}"choices":[{{"text":"","index":0,"logprobs":null,"finish_reason":"stop"}}],'
        f'{model}"usage":null}}',
        f'{start}{model}{usage},"choices":[]}}',
        "[DONE]",
    ]


def test_headers_tell_the_model_and_forbid_caching() -> None:
    head = completions.render(Reply("Hi"), STREAM).head
    assert head.header("content-type") == "text/event-stream"
    assert head.header("cache-control") == "no-cache, must-revalidate"
    assert head.header("openai-model") == "gpt-3.5-turbo-instruct:20230824-v2"


def test_ids_are_those_of_chat_with_another_prefix() -> None:
    ids = {chunk["id"] for chunk in chunks(Reply("Hello, world"))}
    assert len(ids) == 1
    assert re.fullmatch("cmpl-[0-9A-Za-z]{29}", ids.pop())


def test_a_text_that_is_cut_short_says_so_with_its_last_token() -> None:
    assert texts(Reply("Hello, world"), max_tokens=2) == [(0, "Hello", None), (0, ",", "length")]
    assert texts(Reply("Hello"), max_tokens=0) == [(0, "", "length")]


@pytest.mark.parametrize("reason", ["stop", "content_filter"])
def test_every_other_reason_comes_alone(reason: str) -> None:
    said = texts(Reply("Hello", finish_reason=reason))
    assert said == [(0, "Hello", None), (0, "", reason)]


def test_stop_ends_the_text() -> None:
    assert texts(Reply("one\ntwo"), stop="\n") == [(0, "one", None), (0, "", "stop")]


def test_choices_go_on_at_one_pace_and_finish_together() -> None:
    """As recorded: a chunk of several tokens comes when its last one is made."""
    reply = Reply(choices=[Choice(["a", " b", " c"]), Choice(["d", " e f"])])
    assert texts(reply, n=2) == [
        (0, "a", None),
        (1, "d", None),
        (0, " b", None),
        (0, " c", None),
        (1, " e f", None),
        (0, "", "stop"),
        (1, "", "stop"),
    ]
    assert [choice["index"] for choice in chunks(reply, n=2)[-1]["choices"]] == [0, 1]


def test_a_body_that_is_no_stream_is_indented_as_openais() -> None:
    script = completions.render(Reply("One"), PLAIN, envelope=ENVELOPE)
    assert sse.body(script.steps).startswith(b'{\n  "id": "cmpl-1",\n  "object": "text_comp')
    assert sse.body(script.steps).endswith(b'"total_tokens": 2\n  }\n}\n')
    assert list(body(Reply("One"))) == ["id", "object", "created", "model", "choices", "usage"]


@pytest.mark.parametrize(
    ("dialect", "id"),
    [
        ("vllm", "cmpl-[0-9a-f]{32}"),
        ("huggingface", "[0-9a-f-]{36}"),
        ("groq", "cmpl-[0-9A-Za-z]{29}"),
        ("openai", "cmpl-[0-9A-Za-z]{29}"),
    ],
)
def test_a_dialect_has_ids_and_members_of_its_own(dialect: str, id: str) -> None:
    with MockOpenAI(dialect=dialect) as mock, mock.client() as client:
        mock.reply("Hello, world")
        asked: dict[str, Any] = {"model": "llama", "prompt": "Hi"}
        whole = client.completions.create(**asked)
        assert re.fullmatch(id, whole.id)
        assert whole.choices[0].text == "Hello, world"
        with client.completions.create(**asked, stream=True) as stream:
            first, *_ = list(stream)
        assert ("stop_reason" in first.choices[0].to_dict()) == (dialect == "vllm")


@pytest.mark.parametrize("dialect", ["openai", "vllm", "groq"])
def test_an_error_breaks_the_stream_off(dialect: str) -> None:
    reply = Reply("Hello", error=ApiError(500, "broken"))
    again = completions.read(completions.render(reply, STREAM, dialect=dialect))
    assert isinstance(again, Reply)
    assert again.text == "Hello"
    assert again.error is not None
    assert again.error.message == "broken"
    assert completions.render(reply, PLAIN, dialect=dialect).head.status == 500
    (only,) = completions.render(Reply(error=reply.error), STREAM, dialect=dialect).events
    assert json.loads(only.data)["error"]["message"] == "broken"


# What is asked for


@pytest.mark.parametrize(
    "prompt", [["a", "b"], [[1, 2], [3]], ["only", "two"]], ids=["texts", "tokens", "words"]
)
def test_every_prompt_is_answered_n_times(prompt: object) -> None:
    told = body(Reply("x"), prompt=prompt, n=2)
    assert [choice["index"] for choice in told["choices"]] == [0, 1, 2, 3]
    several = Reply(choices=[Choice("one"), Choice("two")])
    said = [choice["text"] for choice in body(several, prompt=prompt, n=2)["choices"]]
    assert said == ["one", "two", "one", "two"]


def test_another_number_of_choices_than_asked_for_is_an_error() -> None:
    with pytest.raises(ReplyError, match="3 choices, but the request asks for n=2 for each of 2"):
        body(Reply(choices=[Choice("x")] * 3), prompt=["a", "b"], n=2)


def test_echo_says_the_prompt_first() -> None:
    assert texts(Reply(" Jo"), prompt="Hi, my", echo=True) == [
        (0, "Hi, my", None),
        (0, " Jo", None),
        (0, "", "stop"),
    ]
    assert body(Reply("!"), prompt=["a", "b"], echo=True)["choices"][1]["text"] == "b!"
    assert body(Reply("!"), prompt=[5, 6], echo=True)["choices"][0]["text"] == "<|5|><|6|>!"


def test_prompt_tokens_are_counted_in_pieces_or_ids() -> None:
    assert body(Reply("x"), prompt="Hello, world")["usage"]["prompt_tokens"] == 3
    assert body(Reply("x"), prompt=[[1, 2], [3]])["usage"]["prompt_tokens"] == 3


def test_best_of_is_paid_for_and_not_less_than_n() -> None:
    assert body(Reply("a b"), best_of=3)["usage"]["completion_tokens"] == 6
    refused = completions.render(Reply("x"), PLAIN | {"n": 3, "best_of": 2})
    assert refused.head.status == 400
    assert b"'n' (currently 3) to be at most 'best_of' (currently 2)" in sse.body(refused.steps)


def test_logprobs_have_the_legacy_form() -> None:
    reply = Reply(["Hi", "!"], logprobs=[Logprob("Hi", -0.5, None, (Logprob("Yo", -2.0),))] * 2)
    told = body(reply, prompt="abc", logprobs=1)["choices"][0]["logprobs"]
    assert told == {
        "tokens": ["Hi", "Hi"],
        "token_logprobs": [-0.5, -0.5],
        "top_logprobs": [{"Yo": -2.0}, {"Yo": -2.0}],
        "text_offset": [3, 5],
    }
    by_chunk = [c["choices"][0]["logprobs"] for c in chunks(Reply("Hi there"), logprobs=0)]
    assert [c and (c["tokens"], c["text_offset"]) for c in by_chunk] == [
        (["Hi"], [2]),
        ([" there"], [4]),
        None,
    ]


def test_an_echoed_prompt_has_logprobs_too() -> None:
    told = body(Reply("!"), prompt="Hi, my", echo=True, logprobs=2)["choices"][0]["logprobs"]
    assert told["tokens"] == ["Hi", ",", " my", "!"]
    assert all(value <= 0 for value in told["token_logprobs"])
    assert [len(top) for top in told["top_logprobs"]] == [2] * 4
    assert told["text_offset"] == [0, 2, 3, 6]


def test_usage_comes_where_it_is_asked_for() -> None:
    assert all("usage" not in chunk for chunk in chunks(Reply("Hi")))
    *rest, last = chunks(Reply("Hi"), stream_options={"include_usage": True})
    assert [chunk["usage"] for chunk in rest] == [None, None]
    assert last["usage"]["completion_tokens"] == 1


# What cannot be said


def test_a_refusal_is_said_as_text_and_reasoning_only_counted() -> None:
    assert body(Reply(refusal="I can't."))["choices"][0]["text"] == "I can't."
    told = body(Reply("9.9", reasoning=["Compare", " tenths"]))
    assert told["choices"][0]["text"] == "9.9"
    assert told["usage"]["completion_tokens"] == 5


def test_calls_and_speech_cannot_be_said() -> None:
    with pytest.raises(ReplyError, match="only text, but this reply calls a tool"):
        completions.render(Reply(tool_calls=ToolCall("now")), STREAM)
    with pytest.raises(ReplyError, match="this reply has audio"):
        completions.render(Reply(audio=Audio("Hi", b"RIFF")), STREAM)
    with pytest.raises(ReplyError, match="cannot have finish_reason='tool_calls'"):
        completions.render(Reply("x", finish_reason="tool_calls"), STREAM)


def test_a_reply_may_never_finish_in_a_stream_only() -> None:
    assert texts(Reply("Hi", finish_reason=None)) == [(0, "Hi", None)]
    with pytest.raises(ReplyError, match="can only be streamed"):
        body(Reply("Hi", finish_reason=None))


def test_what_is_no_completion_is_refused() -> None:
    with pytest.raises(ReplyError, match="it has no choices"):
        completions.read(Script(Head(200), sse.parse(b'{"object":"list"}')))


@given(SAYABLE)
def test_rendering_is_a_function_of_its_arguments(reply: Reply) -> None:
    one, other = (
        completions.render(reply, envelope=ENVELOPE, rng=Random(1)).steps for _ in range(2)
    )
    assert one == other


# The SDK


def test_the_sdk_reads_streams_and_bodies() -> None:
    with MockOpenAI() as mock:
        mock.on(user="Say hi", endpoint="completions").reply("Hello, world")
        with mock.client() as client:
            asked: dict[str, Any] = {"model": "gpt-3.5-turbo-instruct", "prompt": "Say hi"}
            whole = client.completions.create(**asked)
            assert whole.choices[0].text == "Hello, world"
            with client.completions.create(**asked, stream=True) as stream:
                assert "".join(chunk.choices[0].text for chunk in stream) == "Hello, world"
        assert mock.calls[0].user == "Say hi"


async def test_so_does_the_async_sdk() -> None:
    with MockOpenAI() as mock:
        mock.reply("Hello, world")
        async with mock.async_client() as client:
            asked: dict[str, Any] = {"model": "gpt-3.5-turbo-instruct", "prompt": ["a", "b"]}
            whole = await client.completions.create(**asked)
            assert [choice.text for choice in whole.choices] == ["Hello, world"] * 2
            async with await client.completions.create(**asked, stream=True) as stream:
                said = [c.text async for chunk in stream for c in chunk.choices if c.index == 1]
            assert "".join(said) == "Hello, world"


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"logprobs": 9}, "Invalid 'logprobs': integer above maximum value."),
        ({"best_of": 21}, "Invalid 'best_of': integer above maximum value."),
        ({"prompt": 5}, "Invalid type for 'prompt': expected one of a string, array of strings"),
        ({"prompt": ["a", 5]}, "Invalid type for 'prompt[1]': expected a string"),
        ({"messages": []}, "Unrecognized request argument supplied: messages"),
    ],
)
def test_a_wrong_parameter_is_told(wrong: dict[str, Any], message: str) -> None:
    with MockOpenAI() as mock:
        mock.reply("Hi")
        asked = {"model": "davinci-002", "prompt": "x"} | wrong
        with (
            mock.client() as client,
            pytest.raises(openai.BadRequestError, match=re.escape(message)),
        ):
            client.post("/completions", body=asked, cast_to=Completion)


def test_an_error_is_an_error() -> None:
    script = completions.render(ApiError(429), STREAM)
    assert script.head.status == 429
    assert completions.read(script) == ApiError(429)


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        (
            {"prompt": ["Hi"] * 2049},
            "Invalid 'prompt': array too long. Expected an array with maximum length 2048, but got "
            "an array with length 2049 instead.",
        ),
        (
            {"prompt": ["Hi"] * 100, "n": 21},
            "Too many parallel completions requested. You submitted 100 prompts, but you can "
            "currently request up to at most a total of 97.",
        ),
    ],
)
def test_more_prompts_than_are_answered_at_once(asked: dict[str, Any], message: str) -> None:
    refused = completions.read(completions.render(Reply("Hello"), asked))
    assert isinstance(refused, ApiError)
    assert (refused.status, refused.message) == (400, message)


def test_a_prompt_of_many_tokens_is_one() -> None:
    said = completions.read(completions.render(Reply("Hello"), {"prompt": [7] * 5000}))
    assert isinstance(said, Reply)
    assert said.usage == Usage(5000, 1)


def test_an_error_alone_is_the_only_event() -> None:
    script = completions.render(Reply(error=ApiError(503), alone=True))
    assert len(script.events) == 1
    assert completions.read(script) == Reply(error=ApiError(503))
