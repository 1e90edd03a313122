"""Audio, citations and provider-specific usage: rendered in chat completions, and read back."""

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


def chunks(reply: Reply, **options: Any) -> list[Any]:
    """Return the JSON of a stream's chunks. Each must be valid for the SDK."""
    events = chat.render(reply, STREAM, **options).events[:-1]
    for event in events:
        ChatCompletionChunk.model_validate_json(event.data, strict=True)
    return [json.loads(event.data) for event in events]


@given(SPEECH)
def test_audio_is_read_back_from_streams_and_bodies(audio: Audio) -> None:
    reply = Reply(audio=audio)
    from_stream = chat.read(chat.render(reply, STREAM))
    assert isinstance(from_stream, Reply)
    assert from_stream.audio == audio
    assert from_stream.audio is not None
    assert from_stream.audio.transcript.pieces == audio.transcript.pieces
    assert from_stream.finish_reason is None
    script = chat.render(reply, PLAIN)
    ChatCompletion.model_validate_json(sse.body(script.steps), strict=True)
    from_body = chat.read(script)
    assert isinstance(from_body, Reply)
    assert from_body.audio == audio
    assert from_body.finish_reason == "stop"


def test_audio_is_streamed_as_openai_does() -> None:
    """WIRE.md §1, audio: transcript, sound, usage, and then the expiry."""
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


def test_the_sdk_receives_audio() -> None:
    with MockOpenAI() as mock, mock.client() as client:
        mock.reply(Reply(audio=Audio("Hello", b"\x01\x02" * 40_000)))
        answer = client.chat.completions.create(**PLAIN)
        assert answer.choices[0].message.audio is not None
        assert base64.b64decode(answer.choices[0].message.audio.data) == b"\x01\x02" * 40_000


def test_audio_cannot_be_combined_with_text() -> None:
    with pytest.raises(ReplyError, match="audio cannot be combined with text"):
        chat.render(Reply("Hello", audio=Audio("Hello")), STREAM)


@given(TEXT.filter(bool), st.lists(CITATIONS, min_size=1, max_size=3))
def test_citations_are_read_back_unchanged(text: str, citations: list[dict[str, Any]]) -> None:
    reply = Reply(text, annotations=citations)
    from_stream = chat.read(chat.render(reply, STREAM))
    assert isinstance(from_stream, Reply)
    assert from_stream.choices == reply.choices
    body = chat.render(reply, PLAIN)
    ChatCompletion.model_validate_json(sse.body(body.steps), strict=True)
    again = chat.read(body)
    assert isinstance(again, Reply)
    assert [dict(one.members) for one in again.annotations] == citations


def test_a_citation_is_nested_in_chat() -> None:
    citation = {"type": "url_citation", "url": "https://e.org", "title": "E", "start_index": 0}
    *_, chunk, _, _ = chunks(Reply("So", annotations=[citation | {"end_index": 2}]))
    assert chunk["choices"][0]["delta"]["annotations"][0]["url_citation"]["url"] == "https://e.org"


EXTRA = st.dictionaries(NAMES, JSON, max_size=3)


@given(EXTRA, EXTRA)
def test_provider_specific_usage_keeps_its_order(
    extra: dict[str, Any], details: dict[str, Any]
) -> None:
    nested_extra = {"completion_tokens_details": details} if details else {}
    usage = Usage(3, 2, reasoning_tokens=1, extra=extra | nested_extra)
    again = chat.read(chat.render(Reply("Hi", usage=usage), STREAM))
    assert isinstance(again, Reply)
    assert again.usage == usage
    assert again.usage is not None
    assert [name for name in again.usage.extra if name in extra] == list(extra)
    assert hash(again.usage) == hash(usage)
    assert eval(repr(usage), {"Usage": Usage}) == usage


def test_extra_usage_must_be_a_mapping() -> None:
    with pytest.raises(ReplyError, match=r"Usage\.extra"):
        Usage(1, 2, extra=3)  # type: ignore[arg-type]


def test_an_envelope_can_omit_members_and_add_chunks() -> None:
    extra_step = ExtraStep(1, parse('id,object,created,model,choices[],moderated="no"'))
    omits = frozenset({"refusal", "system_fingerprint"})
    envelope = Envelope("chatcmpl-1", 1, "gpt-4o", omits=omits, extra_steps=(extra_step,))
    first, extra_chunk, *_ = chunks(Reply(tool_calls=ToolCall("now")), envelope=envelope)
    assert "refusal" not in first["choices"][0]["delta"]
    assert "system_fingerprint" not in first
    assert extra_chunk["choices"] == []
    assert extra_chunk["moderated"] == "no"
