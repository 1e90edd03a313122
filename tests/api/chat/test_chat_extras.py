"""Speech, citations, and what others add to usage: said in chat, and read back."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openai.types.chat import ChatCompletion, ChatCompletionChunk

from fidelity.replies import CITATIONS, JSON, NAMES, PIECES, TEXT
from openai_mockserver import MockOpenAI, sse
from openai_mockserver.api import chat
from openai_mockserver.api.envelope import Envelope
from openai_mockserver.dialects.dialect import ExtraStep
from openai_mockserver.dialects.template import parse
from openai_mockserver.exceptions import ReplyError
from openai_mockserver.reply import Audio, Reply, ToolCall, Usage

PLAIN: dict[str, Any] = {
    "model": "gpt-audio-1.5",
    "messages": [{"role": "user", "content": "Hi"}],
    "modalities": ["text", "audio"],
    "audio": {"voice": "alloy", "format": "pcm16"},
}
STREAM = PLAIN | {"stream": True, "stream_options": {"include_usage": True}}
SPEECH = st.builds(Audio, PIECES, st.binary(max_size=99), expires_at=st.integers(1, 2**32))


def chunks(reply: Reply, **how: Any) -> list[Any]:
    """The JSON of a stream's chunks, each valid for the SDK."""
    events = chat.render(reply, STREAM, **how).events[:-1]
    for event in events:
        ChatCompletionChunk.model_validate_json(event.data, strict=True)
    return [json.loads(event.data) for event in events]


@given(SPEECH)
def test_speech_is_heard_again_from_stream_and_body(audio: Audio) -> None:
    reply = Reply(audio=audio)
    streamed = chat.read(chat.render(reply, STREAM))
    assert isinstance(streamed, Reply)
    assert streamed.audio == audio
    assert streamed.audio is not None
    assert streamed.audio.transcript.pieces == audio.transcript.pieces
    assert streamed.finish_reason is None
    script = chat.render(reply, PLAIN)
    ChatCompletion.model_validate_json(sse.body(script.steps), strict=True)
    whole = chat.read(script)
    assert isinstance(whole, Reply)
    assert whole.audio == audio
    assert whole.finish_reason == "stop"


def test_speech_comes_as_recorded() -> None:
    """WIRE.md §1, audio: transcript, sound, usage, and then when it expires."""
    deltas = [
        choice["delta"]
        for chunk in chunks(Reply(audio=Audio(["Hel", "lo"], b"RIFF", "audio_1", 1780697172)))
        for choice in chunk["choices"]
    ]
    assert deltas == [
        {"role": "assistant", "refusal": None},
        {"content": None, "audio": {"id": "audio_1", "transcript": "Hel"}},
        {"audio": {"transcript": "lo"}},
        {
            "role": "assistant",
            "content": None,
            "refusal": None,
            "audio": {"id": "audio_1", "data": "UklGRg=="},
        },
        {"audio": {"expires_at": 1780697172}},
    ]


def test_the_sdk_hears_it() -> None:
    with MockOpenAI() as mock, mock.client() as client:
        mock.reply(Reply(audio=Audio("Hello", b"\x01\x02" * 40_000)))
        answer = client.chat.completions.create(**PLAIN)
        assert answer.choices[0].message.audio is not None
        assert base64.b64decode(answer.choices[0].message.audio.data) == b"\x01\x02" * 40_000


def test_speech_comes_alone() -> None:
    with pytest.raises(ReplyError, match="audio cannot be combined with text"):
        chat.render(Reply("Hello", audio=Audio("Hello")), STREAM)


@given(TEXT.filter(bool), st.lists(CITATIONS, min_size=1, max_size=3))
def test_citations_are_read_as_they_were_told(text: str, cited: list[dict[str, Any]]) -> None:
    reply = Reply(text, annotations=cited)
    streamed = chat.read(chat.render(reply, STREAM))
    assert isinstance(streamed, Reply)
    assert streamed.choices == reply.choices
    body = chat.render(reply, PLAIN)
    ChatCompletion.model_validate_json(sse.body(body.steps), strict=True)
    again = chat.read(body)
    assert isinstance(again, Reply)
    assert [dict(one.members) for one in again.annotations] == cited


def test_a_citation_is_nested_in_chat() -> None:
    cited = {"type": "url_citation", "url": "https://e.org", "title": "E", "start_index": 0}
    *_, said, _, _ = chunks(Reply("So", annotations=[cited | {"end_index": 2}]))
    assert said["choices"][0]["delta"]["annotations"][0]["url_citation"]["url"] == "https://e.org"


EXTRA = st.dictionaries(NAMES, JSON, max_size=3)


@given(EXTRA, EXTRA)
def test_what_others_add_to_usage_is_kept_in_its_order(
    extra: dict[str, Any], within: dict[str, Any]
) -> None:
    nested = {"completion_tokens_details": within} if within else {}
    usage = Usage(3, 2, reasoning_tokens=1, extra=extra | nested)
    again = chat.read(chat.render(Reply("Hi", usage=usage), STREAM))
    assert isinstance(again, Reply)
    assert again.usage == usage
    assert again.usage is not None
    assert [name for name in again.usage.extra if name in extra] == list(extra)
    assert hash(again.usage) == hash(usage)
    assert eval(repr(usage), {"Usage": Usage}) == usage


def test_usage_must_be_of_its_kind() -> None:
    with pytest.raises(ReplyError, match=r"Usage\.extra"):
        Usage(1, 2, extra=3)  # type: ignore[arg-type]


def test_an_envelope_tells_of_another_year_and_of_chunks_beside() -> None:
    told = ExtraStep(1, parse('id,object,created,model,choices[],moderated="no"'))
    omits = frozenset({"refusal", "system_fingerprint"})
    envelope = Envelope("chatcmpl-1", 1, "gpt-4o", omits=omits, extra_steps=(told,))
    first, beside, *_ = chunks(Reply(tool_calls=ToolCall("now")), envelope=envelope)
    assert "refusal" not in first["choices"][0]["delta"]
    assert "system_fingerprint" not in first
    assert beside["choices"] == []
    assert beside["moderated"] == "no"
