"""Transcriptions, translations and speech: bytes as recorded, and reading them back."""

from __future__ import annotations

import base64
import json
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random
from typing import Any

import httpx2
import openai
import pytest
from hypothesis import given
from openai.types.audio import (
    Transcription,
    TranscriptionDiarized,
    TranscriptionStreamEvent,
    TranscriptionVerbose,
    Translation,
    TranslationVerbose,
)
from pydantic import TypeAdapter

from fidelity.replies import replies
from openai_mockserver import MockOpenAI, sse
from openai_mockserver.api import audio
from openai_mockserver.api.audio import Speech, tones, transcriptions
from openai_mockserver.api.endpoint import EndpointRequest
from openai_mockserver.api.multipart import File
from openai_mockserver.api.store import Store
from openai_mockserver.exceptions import ReplyError
from openai_mockserver.reply import ApiError, Choice, Logprob, Reply, Text, ToolCall, Usage
from openai_mockserver.script import Head, Script
from recordings import SHARED

STREAM = Head(200, (("content-type", "text/event-stream"),))
TEXT = "Hello there. How are you?"
ENDPOINTS = {endpoint.path.rpartition("/")[2]: endpoint for endpoint in audio.ENDPOINTS}


WAV = File(tones.speak("x" * 40, "wav"), "a.wav", "audio/wav")
REQUEST: dict[str, Any] = {"file": WAV, "model": "gpt-4o-transcribe"}


def render_body(reply: Reply, **parameters: object) -> str:
    """Return the body of a reply's transcription."""
    return sse.body(audio.render(reply, REQUEST | parameters).steps).decode()


def read_events(script: Script) -> list[dict[str, Any]]:
    """Return the JSON of a stream's events."""
    *rest, done_event = sse.decode(sse.body(script.steps))
    assert done_event == sse.DONE
    return [json.loads(event.data) for event in rest]


# Round trips


def as_transcription(reply: Reply) -> Reply:
    """Return what a transcription can express of a reply."""
    choice = reply.choices[0]
    text = choice.text if choice.text is not None else choice.refusal or Text("")
    usage = reply.usage and Usage(
        reply.usage.prompt_tokens,
        reply.usage.completion_tokens,
        reply.usage.total_tokens,
        prompt_audio_tokens=reply.usage.prompt_audio_tokens,
    )
    return Reply(
        text,
        logprobs=[
            [Logprob(entry.token, entry.logprob, entry.bytes) for entry in entries]
            for entries in choice.logprobs or ()
        ]
        or None,
        finish_reason=None if choice.finish_reason is None else "stop",
        usage=usage,
        error=reply.error,
    )


def without_calls(reply: Reply) -> Reply:
    """Return the first choice without its tool calls, which no transcription has."""
    choice = reply.choices[0]
    text_choice = Choice(
        choice.text,
        reasoning=choice.reasoning,
        refusal=choice.refusal,
        logprobs=choice.logprobs,
        finish_reason=choice.finish_reason,
    )
    return Reply(choices=[text_choice], usage=reply.usage, error=reply.error)


TEXT_REPLIES = replies().map(without_calls)


@given(TEXT_REPLIES)
def test_read_is_the_inverse_of_render(reply: Reply) -> None:
    again = audio.read(audio.render(reply))
    assert isinstance(again, Reply)
    assert again.choices == as_transcription(reply).choices
    assert again.error == (reply.error and reply.error.mid_stream)  # no status is stated
    if reply.usage is not None and reply.finish_reason is not None:
        assert again.usage == as_transcription(reply).usage


@given(TEXT_REPLIES)
def test_every_event_is_valid_for_the_sdk_in_strict_mode(reply: Reply) -> None:
    adapter: TypeAdapter[Any] = TypeAdapter(TranscriptionStreamEvent)
    for form in ("json", "diarized_json"):
        script = audio.render(reply, {"stream": True, "response_format": form})
        for event in sse.decode(sse.body(script.steps)):
            if event != sse.DONE and not event.data.startswith('{"error"'):
                adapter.validate_json(event.data, strict=True)


FORMATS = [
    ("json", "gpt-4o-transcribe", Transcription),
    ("json", "whisper-1", Transcription),
    ("verbose_json", "whisper-1", TranscriptionVerbose),
    ("diarized_json", "gpt-4o-transcribe-diarize", TranscriptionDiarized),
]


@pytest.mark.parametrize(("form", "model", "kind"), FORMATS)
@given(replies(finished=True).map(without_calls))
def test_every_body_is_valid_for_the_sdk_in_strict_mode(
    form: str, model: str, kind: Any, reply: Reply
) -> None:
    parameters = {
        "model": model,
        "response_format": form,
        "include": ["logprobs"],
        "timestamp_granularities": ["word", "segment"],
    }
    script = audio.render(reply, REQUEST | parameters)
    kind.model_validate_json(sse.body(script.steps), strict=True)
    again = audio.read(script)
    assert isinstance(again, Reply)
    text = as_transcription(reply).text
    assert again.text == (text.strip() if form == "diarized_json" and text else text)


@pytest.mark.parametrize(
    ("form", "kind"), [("json", Translation), ("verbose_json", TranslationVerbose)]
)
def test_a_translation_is_english_and_valid(form: str, kind: Any) -> None:
    parameters = {"file": WAV, "model": "whisper-1", "response_format": form, "language": "de"}
    body = sse.body(audio.render_translation(Reply(TEXT), parameters).steps)
    kind.model_validate_json(body, strict=True)
    fields = json.loads(body)
    assert "usage" not in fields
    assert fields.get("language", "english") == "english"
    assert fields.get("task", "translate") == "translate"


# The recordings

TRANSCRIPTIONS = [
    *sorted(SHARED.glob("recordings/openai/transcription/*.json")),
    *sorted(SHARED.glob("wire/examples/openai-transcription*.sse")),
]
SPEECHES = [
    *sorted(SHARED.glob("recordings/openai/speech/*.json")),
    *sorted(SHARED.glob("wire/examples/openai-speech*.sse")),
]


def read_recording(file: Path) -> bytes:
    """Return a recorded body."""
    if file.suffix == ".sse":
        return file.read_bytes()
    body: str = json.loads(file.read_text())["response"]["body"]
    return body.encode()


@pytest.mark.parametrize("file", TRANSCRIPTIONS, ids=lambda file: file.stem)
def test_a_transcription_is_rendered_byte_for_byte(file: Path, shared: Path) -> None:
    data = read_recording(file)
    parameters = {
        "stream": True,
        "include": ["logprobs"] if b'"logprobs"' in data else [],
        "response_format": "diarized_json" if b'"speaker"' in data else "json",
    }
    reply = audio.read(Script(STREAM, sse.parse(data)))
    # The end of a segment depends on the audio, which the recording does not hold.
    end_times = [json.loads(e.data).get("end") for e in sse.decode(data)[:-2]]
    script = audio.render(reply, parameters, seconds=end_times[-1])
    assert sse.body(script.steps) == data


@pytest.mark.parametrize("file", SPEECHES, ids=lambda file: file.stem)
def test_a_speech_is_rendered_byte_for_byte(file: Path, shared: Path) -> None:
    data = read_recording(file)
    speech = audio.read_speech(Script(STREAM, sse.parse(data)))
    assert isinstance(speech, Speech)
    assert len(speech.data) == 48_000
    assert sse.body(audio.render_speech(speech).steps) == data


# Formats


def test_a_stream_of_deltas() -> None:
    """WIRE.md §0.3: lines end in CRLF, and [DONE] ends it all."""
    script = audio.render(Reply("Hello there"), REQUEST | {"stream": True})
    assert sse.body(script.steps) == (
        b'data: {"type":"transcript.text.delta","delta":"Hello"}\r\n\r\n'
        b'data: {"type":"transcript.text.delta","delta":" there"}\r\n\r\n'
        b'data: {"type":"transcript.text.done","text":"Hello there","usage":{"type":"tokens",'
        b'"total_tokens":34,"input_tokens":30,"input_token_details":{"text_tokens":0,'
        b'"audio_tokens":30},"output_tokens":4}}\r\n\r\n'
        b"data: [DONE]\r\n\r\n"
    )
    assert script.head.header("cache-control") == "no-store"


@pytest.mark.parametrize(
    ("form", "body"),
    [
        ("text", "Hello there. How are you?\n"),
        (
            "srt",
            "1\n00:00:00,000 --> 00:00:01,500\nHello there.\n\n"
            "2\n00:00:01,500 --> 00:00:03,000\nHow are you?\n\n",
        ),
        (
            "vtt",
            "WEBVTT\n\n00:00:00.000 --> 00:00:01.500\nHello there.\n\n"
            "00:00:01.500 --> 00:00:03.000\nHow are you?\n\n",
        ),
    ],
)
def test_the_plain_formats(form: str, body: str) -> None:
    script = audio.render(Reply(TEXT), REQUEST | {"model": "whisper-1", "response_format": form})
    assert sse.body(script.steps).decode() == body
    assert script.head.header("content-type") == "text/plain; charset=utf-8"
    assert audio.read(script) == Reply(TEXT)


def test_verbose_json_has_the_requested_granularities() -> None:
    parameters = {"model": "whisper-1", "response_format": "verbose_json", "language": "de"}
    fields = json.loads(render_body(Reply(TEXT), **parameters))
    assert list(fields) == ["task", "language", "duration", "text", "segments", "usage"]
    assert (fields["language"], fields["duration"]) == ("german", 3.0)
    assert [(s["text"], s["start"], s["end"]) for s in fields["segments"]] == [
        (" Hello there.", 0.0, 1.5),
        (" How are you?", 1.5, 3.0),
    ]
    assert fields["usage"] == {"type": "duration", "seconds": 3}
    words = json.loads(render_body(Reply(TEXT), **parameters, timestamp_granularities=["word"]))
    assert "segments" not in words
    assert [w["word"] for w in words["words"]] == TEXT.split()


def test_known_speakers_take_turns() -> None:
    parameters: dict[str, Any] = {
        "model": "gpt-4o-transcribe-diarize",
        "response_format": "diarized_json",
    }
    script = audio.render(Reply(TEXT), REQUEST | parameters | {"stream": True})
    assert [e.get("speaker") for e in read_events(script)] == ["A", "A", None]
    with_speakers = parameters | {"known_speaker_names": ["agent", "customer"]}
    fields = json.loads(render_body(Reply(TEXT), **with_speakers))
    assert [segment["speaker"] for segment in fields["segments"]] == ["agent", "customer"]


def test_logprobs_only_on_request() -> None:
    assert "logprobs" not in json.loads(render_body(Reply(TEXT)))
    fields = json.loads(
        render_body(Reply("Hi", logprobs=[Logprob("Hi", -0.5)]), include=["logprobs"])
    )
    assert fields["logprobs"] == [{"token": "Hi", "logprob": -0.5, "bytes": [72, 105]}]
    assert len(json.loads(render_body(Reply("Hi there"), include=["logprobs"]))["logprobs"]) == 2


def test_whisper_does_not_stream() -> None:
    script = audio.render(Reply(TEXT), REQUEST | {"model": "whisper-1", "stream": True})
    assert not script.is_stream


def test_a_format_that_the_model_does_not_support_is_refused() -> None:
    script = audio.render(Reply(TEXT), REQUEST | {"response_format": "srt"})
    error = audio.read(script)
    assert isinstance(error, ApiError)
    assert (script.head.status, error.param) == (400, "response_format")
    assert error.message == (
        "response_format 'srt' is not compatible with model 'gpt-4o-transcribe'. "
        "Use 'json' or 'text' instead."
    )


def test_an_error_ends_the_stream() -> None:
    reply = Reply("Hello", error=ApiError(500, "broken"))
    script = audio.render(reply, REQUEST | {"stream": True})
    assert sse.body(script.steps).endswith(b'"code":null}}\r\n\r\n')
    assert audio.read(script) == reply
    assert audio.render(reply, REQUEST).head.status == 500


def test_replies_that_a_transcription_cannot_express() -> None:
    with pytest.raises(ReplyError, match="a transcription can contain only text"):
        render_body(Reply(tool_calls=ToolCall("now")))
    with pytest.raises(ReplyError, match="has one choice; this reply has 2"):
        render_body(Reply(choices=[Choice("a"), Choice("b")]))
    with pytest.raises(ReplyError, match="the response is not a valid transcription"):
        audio.read(Script(Head(200), sse.parse(b'{"object":"list"}')))


def test_without_a_rule_the_transcript_depends_on_the_bytes() -> None:
    def transcribe(data: bytes) -> str:
        request = EndpointRequest(
            "POST", "/", parameters=REQUEST | {"file": File(data, "a.mp3", "audio/mpeg")}
        )
        answer = ENDPOINTS["transcriptions"].answer
        assert answer is not None
        reply = audio.read(answer(request, Store(), Random(0)))
        assert isinstance(reply, Reply)
        assert reply.text
        return reply.text

    assert transcribe(b"Example data") == transcribe(b"Example data") != transcribe(b"other data")
    # Two or three words per second.
    assert len(transcribe(bytes(160_000)).split()) == 25


# The SDK


@contextmanager
def sdk(script: Script) -> Iterator[openai.OpenAI]:
    """Yield an SDK client that is answered with a script's bytes."""

    def answer(request: httpx2.Request) -> httpx2.Response:
        hop = ("transfer-encoding", "content-length")
        headers = [(k, v) for k, v in script.head.headers if k.lower() not in hop]
        return httpx2.Response(script.head.status, headers=headers, content=sse.body(script.steps))

    with httpx2.Client(transport=httpx2.MockTransport(answer), trust_env=False) as http:
        yield openai.OpenAI(api_key="x", base_url="http://x/v1", http_client=http, max_retries=0)


def test_the_sdk_reads_a_streamed_transcription() -> None:
    with sdk(audio.render(Reply(TEXT), REQUEST | {"stream": True})) as client:
        stream = client.audio.transcriptions.create(
            file=b"x", model="gpt-4o-transcribe", stream=True
        )
        *deltas, last_event = list(stream)
    assert "".join(e.delta for e in deltas if e.type == "transcript.text.delta") == TEXT
    assert last_event.type == "transcript.text.done"
    assert last_event.text == TEXT


def test_the_sdk_reads_captions() -> None:
    with sdk(audio.render(Reply(TEXT), {"response_format": "srt"})) as client:
        captions = client.audio.transcriptions.create(
            file=b"x", model="whisper-1", response_format="srt"
        )
    assert isinstance(captions, str)
    assert "Hello there." in captions


def test_the_sdk_uploads_recordings() -> None:
    with MockOpenAI() as mock, mock.client() as client:
        mock.on(endpoint="audio/transcriptions", model="gpt-4o-transcribe").reply(TEXT)
        parameters: dict[str, Any] = {"file": ("a.wav", WAV), "model": "gpt-4o-transcribe"}
        transcription = client.audio.transcriptions.create(**parameters, include=["logprobs"])
        assert transcription.text == TEXT
        assert transcription.logprobs
        *_, last_event = client.audio.transcriptions.create(**parameters, stream=True)
        assert last_event.type == "transcript.text.done"
        assert last_event.text == TEXT
        assert [call.stream for call in mock.calls] == [False, True]
        # No rule matches these: their text is generated from the bytes.
        captions = client.audio.transcriptions.create(
            file=WAV, model="whisper-1", response_format="vtt"
        )
        assert str(captions).startswith("WEBVTT\n\n00:00:00.000 --> ")
        with warnings.catch_warnings(action="ignore", category=DeprecationWarning):
            translation = client.audio.translations.create(file=WAV, model="whisper-1")
        assert translation.text == transcriptions.generate_transcript(WAV)
        assert mock.calls[-1].json["file"] == WAV
        mock.check()


async def test_the_async_sdk_reads_a_streamed_transcription() -> None:
    with MockOpenAI() as mock:
        mock.reply(TEXT)
        async with mock.async_client() as client:
            stream = await client.audio.transcriptions.create(
                file=WAV, model="gpt-4o-transcribe", stream=True
            )
            deltas = [e.delta async for e in stream if e.type == "transcript.text.delta"]
    assert "".join(deltas) == TEXT


# Speech

SPEAK: dict[str, Any] = {"model": "gpt-4o-mini-tts", "voice": "alloy", "input": TEXT}


@pytest.mark.parametrize("form", tones.FORMATS)
def test_speech_as_bytes(form: str) -> None:
    with MockOpenAI() as mock, mock.client() as client:
        parameters = SPEAK | {"response_format": form}
        with client.audio.speech.with_streaming_response.create(**parameters) as response:
            assert response.headers["content-type"] == tones.MIME[form]
            assert b"".join(response.iter_bytes()) == tones.speak(TEXT, form)


def test_speech_as_events() -> None:
    with MockOpenAI() as mock, mock.client() as client:
        parameters = SPEAK | {"stream_format": "sse", "instructions": "Be kind."}
        body = client.audio.speech.create(**parameters).content
    *rest, last, done_event = body.split(b"\r\n\r\n")[:-1]
    assert done_event == b"data: [DONE]"
    assert json.loads(last[6:]) == {
        "type": "speech.audio.done",
        "usage": {"input_tokens": 10, "output_tokens": 51, "total_tokens": 61},
    }
    parts = [base64.b64decode(json.loads(event[6:])["audio"]) for event in rest]
    assert [len(part) for part in parts[:-1]] == [4096] * (len(parts) - 1)
    assert b"".join(parts) == tones.speak(TEXT, "mp3")


def test_a_rule_can_reply_with_speech() -> None:
    with MockOpenAI() as mock, mock.client() as client:
        mock.reply("for what a model says")
        speech = audio.render_speech(Speech(b"my audio"), {"response_format": "wav"})
        mock.on(endpoint="audio/speech").reply(speech, ApiError(429))
        assert client.audio.speech.create(**SPEAK).content == b"my audio"
        with pytest.raises(openai.RateLimitError):
            client.with_options(max_retries=0).audio.speech.create(**SPEAK)


@pytest.mark.parametrize(
    ("parameter", "message"),
    [
        ({"input": "x" * 4097}, "string too long. Expected a string with maximum length 4096"),
        ({"speed": 5}, "Expected a value <= 4, but got 5 instead."),
        ({"response_format": "ogg"}, "Supported values are: 'mp3', 'opus', 'aac', 'flac'"),
    ],
)
def test_an_invalid_parameter_is_refused(parameter: dict[str, Any], message: str) -> None:
    with MockOpenAI() as mock, mock.client() as client:
        with pytest.raises(openai.BadRequestError, match=message):
            client.audio.speech.create(**(SPEAK | parameter))


def test_read_speech_is_the_inverse_of_render_speech() -> None:
    speech = Speech(b"x" * 5000, Usage(1, 2))
    assert audio.read_speech(audio.render_speech(speech)) == speech
    assert audio.read_speech(audio.render_speech(speech, {})) == Speech(speech.data)
    with pytest.raises(ReplyError, match="event 1 is not a valid event of a speech"):
        audio.read_speech(Script(STREAM, sse.parse(b"data: nonsense\n\n")))
