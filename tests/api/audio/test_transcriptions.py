"""Transcriptions, translations and speech: bytes as recorded, and back."""

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
from openai_mockserver.api.endpoint import Asked
from openai_mockserver.api.multipart import File
from openai_mockserver.api.store import Store
from openai_mockserver.exceptions import ReplyError
from openai_mockserver.reply import ApiError, Choice, Logprob, Reply, Text, ToolCall, Usage
from openai_mockserver.script import Head, Script
from recordings import SHARED

STREAM = Head(200, (("content-type", "text/event-stream"),))
SAID = "Hello there. How are you?"
ENDPOINTS = {endpoint.path.rpartition("/")[2]: endpoint for endpoint in audio.ENDPOINTS}


WAV = File(tones.speak("x" * 40, "wav"), "a.wav", "audio/wav")
ASKED: dict[str, Any] = {"file": WAV, "model": "gpt-4o-transcribe"}


def written(reply: Reply, **asked: object) -> str:
    """The body that says a reply."""
    return sse.body(audio.render(reply, ASKED | asked).steps).decode()


def events(script: Script) -> list[dict[str, Any]]:
    """The JSON of a stream's events."""
    *rest, done = sse.decode(sse.body(script.steps))
    assert done == sse.DONE
    return [json.loads(event.data) for event in rest]


# There and back


def heard(reply: Reply) -> Reply:
    """What is left of a reply as a transcription."""
    choice = reply.choices[0]
    spoken = choice.text if choice.text is not None else choice.refusal or Text("")
    usage = reply.usage and Usage(
        reply.usage.prompt_tokens,
        reply.usage.completion_tokens,
        reply.usage.total_tokens,
        prompt_audio_tokens=reply.usage.prompt_audio_tokens,
    )
    return Reply(
        spoken,
        logprobs=[
            [Logprob(e.token, e.logprob, e.bytes) for e in es] for es in choice.logprobs or ()
        ]
        or None,
        finish_reason=None if choice.finish_reason is None else "stop",
        usage=usage,
        error=reply.error,
    )


def sayable(reply: Reply) -> Reply:
    """The first choice, without the calls that no transcription has."""
    choice = reply.choices[0]
    said = Choice(
        choice.text,
        reasoning=choice.reasoning,
        refusal=choice.refusal,
        logprobs=choice.logprobs,
        finish_reason=choice.finish_reason,
    )
    return Reply(choices=[said], usage=reply.usage, error=reply.error)


SAYABLE = replies().map(sayable)


@given(SAYABLE)
def test_reading_what_was_rendered_gives_what_a_transcription_can_say(reply: Reply) -> None:
    again = audio.read(audio.render(reply))
    assert isinstance(again, Reply)
    assert again.choices == heard(reply).choices
    assert again.error == (reply.error and reply.error.mid_stream)  # no status is stated
    if reply.usage is not None and reply.finish_reason is not None:
        assert again.usage == heard(reply).usage


@given(SAYABLE)
def test_every_event_is_valid_for_the_sdk_in_strict_mode(reply: Reply) -> None:
    adapter: TypeAdapter[Any] = TypeAdapter(TranscriptionStreamEvent)
    for form in ("json", "diarized_json"):
        script = audio.render(reply, {"stream": True, "response_format": form})
        for event in sse.decode(sse.body(script.steps)):
            if event != sse.DONE and not event.data.startswith('{"error"'):
                adapter.validate_json(event.data, strict=True)


FORMS = [
    ("json", "gpt-4o-transcribe", Transcription),
    ("json", "whisper-1", Transcription),
    ("verbose_json", "whisper-1", TranscriptionVerbose),
    ("diarized_json", "gpt-4o-transcribe-diarize", TranscriptionDiarized),
]


@pytest.mark.parametrize(("form", "model", "kind"), FORMS)
@given(replies(finished=True).map(sayable))
def test_every_body_is_valid_for_the_sdk_in_strict_mode(
    form: str, model: str, kind: Any, reply: Reply
) -> None:
    asked = {
        "model": model,
        "response_format": form,
        "include": ["logprobs"],
        "timestamp_granularities": ["word", "segment"],
    }
    script = audio.render(reply, ASKED | asked)
    kind.model_validate_json(sse.body(script.steps), strict=True)
    again = audio.read(script)
    assert isinstance(again, Reply)
    text = heard(reply).text
    assert again.text == (text.strip() if form == "diarized_json" and text else text)


@pytest.mark.parametrize(
    ("form", "kind"), [("json", Translation), ("verbose_json", TranslationVerbose)]
)
def test_a_translation_is_english_and_valid(form: str, kind: Any) -> None:
    asked = {"file": WAV, "model": "whisper-1", "response_format": form, "language": "de"}
    body = sse.body(audio.render_translation(Reply(SAID), asked).steps)
    kind.model_validate_json(body, strict=True)
    told = json.loads(body)
    assert "usage" not in told
    assert told.get("language", "english") == "english"
    assert told.get("task", "translate") == "translate"


# The recordings

HEARD = [
    *sorted(SHARED.glob("recordings/openai/transcription/*.json")),
    *sorted(SHARED.glob("wire/examples/openai-transcription*.sse")),
]
SPOKEN = [
    *sorted(SHARED.glob("recordings/openai/speech/*.json")),
    *sorted(SHARED.glob("wire/examples/openai-speech*.sse")),
]


def recorded(file: Path) -> bytes:
    """A recorded body."""
    if file.suffix == ".sse":
        return file.read_bytes()
    body: str = json.loads(file.read_text())["response"]["body"]
    return body.encode()


@pytest.mark.parametrize("file", HEARD, ids=lambda file: file.stem)
def test_a_transcription_is_rendered_byte_for_byte(file: Path, shared: Path) -> None:
    sent = recorded(file)
    asked = {
        "stream": True,
        "include": ["logprobs"] if b'"logprobs"' in sent else [],
        "response_format": "diarized_json" if b'"speaker"' in sent else "json",
    }
    reply = audio.read(Script(STREAM, sse.parse(sent)))
    # Where a segment ends follows from the recording's sound, which is not ours to hear.
    last = [json.loads(e.data).get("end") for e in sse.decode(sent)[:-2]]
    script = audio.render(reply, asked, seconds=last[-1])
    assert sse.body(script.steps) == sent


@pytest.mark.parametrize("file", SPOKEN, ids=lambda file: file.stem)
def test_a_speech_is_rendered_byte_for_byte(file: Path, shared: Path) -> None:
    sent = recorded(file)
    speech = audio.read_speech(Script(STREAM, sse.parse(sent)))
    assert isinstance(speech, Speech)
    assert len(speech.data) == 48_000
    assert sse.body(audio.render_speech(speech).steps) == sent


# What is heard


def test_a_stream_of_deltas() -> None:
    """WIRE.md §0.3: lines end in CRLF, and [DONE] ends it all."""
    script = audio.render(Reply("Hello there"), ASKED | {"stream": True})
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
    script = audio.render(Reply(SAID), ASKED | {"model": "whisper-1", "response_format": form})
    assert sse.body(script.steps).decode() == body
    assert script.head.header("content-type") == "text/plain; charset=utf-8"
    assert audio.read(script) == Reply(SAID)


def test_verbose_json_has_the_segments_and_words_that_are_asked_for() -> None:
    asked = {"model": "whisper-1", "response_format": "verbose_json", "language": "de"}
    told = json.loads(written(Reply(SAID), **asked))
    assert list(told) == ["task", "language", "duration", "text", "segments", "usage"]
    assert (told["language"], told["duration"]) == ("german", 3.0)
    assert [(s["text"], s["start"], s["end"]) for s in told["segments"]] == [
        (" Hello there.", 0.0, 1.5),
        (" How are you?", 1.5, 3.0),
    ]
    assert told["usage"] == {"type": "duration", "seconds": 3}
    words = json.loads(written(Reply(SAID), **asked, timestamp_granularities=["word"]))
    assert "segments" not in words
    assert [w["word"] for w in words["words"]] == SAID.split()


def test_known_speakers_take_turns() -> None:
    asked: dict[str, Any] = {
        "model": "gpt-4o-transcribe-diarize",
        "response_format": "diarized_json",
    }
    script = audio.render(Reply(SAID), ASKED | asked | {"stream": True})
    assert [e.get("speaker") for e in events(script)] == ["A", "A", None]
    known = asked | {"known_speaker_names": ["agent", "customer"]}
    told = json.loads(written(Reply(SAID), **known))
    assert [segment["speaker"] for segment in told["segments"]] == ["agent", "customer"]


def test_logprobs_come_where_they_are_asked_for() -> None:
    assert "logprobs" not in json.loads(written(Reply(SAID)))
    told = json.loads(written(Reply("Hi", logprobs=[Logprob("Hi", -0.5)]), include=["logprobs"]))
    assert told["logprobs"] == [{"token": "Hi", "logprob": -0.5, "bytes": [72, 105]}]
    assert len(json.loads(written(Reply("Hi there"), include=["logprobs"]))["logprobs"]) == 2


def test_whisper_does_not_stream() -> None:
    script = audio.render(Reply(SAID), ASKED | {"model": "whisper-1", "stream": True})
    assert not script.is_stream


def test_a_format_that_the_model_does_not_write_is_refused() -> None:
    script = audio.render(Reply(SAID), ASKED | {"response_format": "srt"})
    error = audio.read(script)
    assert isinstance(error, ApiError)
    assert (script.head.status, error.param) == (400, "response_format")
    assert error.message == (
        "response_format 'srt' is not compatible with model 'gpt-4o-transcribe'. "
        "Use 'json' or 'text' instead."
    )


def test_an_error_breaks_the_stream_off() -> None:
    reply = Reply("Hello", error=ApiError(500, "broken"))
    script = audio.render(reply, ASKED | {"stream": True})
    assert sse.body(script.steps).endswith(b'"code":null}}\r\n\r\n')
    assert audio.read(script) == reply
    assert audio.render(reply, ASKED).head.status == 500


def test_what_cannot_be_heard() -> None:
    with pytest.raises(ReplyError, match="a transcription is text alone"):
        written(Reply(tool_calls=ToolCall("now")))
    with pytest.raises(ReplyError, match="not in 2 choices"):
        written(Reply(choices=[Choice("a"), Choice("b")]))
    with pytest.raises(ReplyError, match="this is no transcription"):
        audio.read(Script(Head(200), sse.parse(b'{"object":"list"}')))


def test_what_no_rule_says_follows_from_the_bytes() -> None:
    def answered(data: bytes) -> str:
        asked = Asked("POST", "/", parameters=ASKED | {"file": File(data, "a.mp3", "audio/mpeg")})
        answer = ENDPOINTS["transcriptions"].answer
        assert answer is not None
        reply = audio.read(answer(asked, Store(), Random(0)))
        assert isinstance(reply, Reply)
        assert reply.text
        return reply.text

    assert answered(b"Example data") == answered(b"Example data") != answered(b"other data")
    # Two or three words a second.
    assert len(answered(bytes(160_000)).split()) == 25


# The SDK


@contextmanager
def sdk(script: Script) -> Iterator[openai.OpenAI]:
    """The SDK, answered with a script's bytes."""

    def answer(request: httpx2.Request) -> httpx2.Response:
        hop = ("transfer-encoding", "content-length")
        kept = [(k, v) for k, v in script.head.headers if k.lower() not in hop]
        return httpx2.Response(script.head.status, headers=kept, content=sse.body(script.steps))

    with httpx2.Client(transport=httpx2.MockTransport(answer), trust_env=False) as http:
        yield openai.OpenAI(api_key="x", base_url="http://x/v1", http_client=http, max_retries=0)


def test_the_sdk_reads_a_streamed_transcription() -> None:
    with sdk(audio.render(Reply(SAID), ASKED | {"stream": True})) as client:
        stream = client.audio.transcriptions.create(
            file=b"x", model="gpt-4o-transcribe", stream=True
        )
        *deltas, done = list(stream)
    assert "".join(e.delta for e in deltas if e.type == "transcript.text.delta") == SAID
    assert done.type == "transcript.text.done"
    assert done.text == SAID


def test_the_sdk_reads_captions() -> None:
    with sdk(audio.render(Reply(SAID), {"response_format": "srt"})) as client:
        told = client.audio.transcriptions.create(
            file=b"x", model="whisper-1", response_format="srt"
        )
    assert isinstance(told, str)
    assert "Hello there." in told


def test_the_sdk_uploads_what_is_heard() -> None:
    with MockOpenAI() as mock, mock.client() as client:
        mock.on(endpoint="audio/transcriptions", model="gpt-4o-transcribe").reply(SAID)
        asked: dict[str, Any] = {"file": ("a.wav", WAV), "model": "gpt-4o-transcribe"}
        told = client.audio.transcriptions.create(**asked, include=["logprobs"])
        assert told.text == SAID
        assert told.logprobs
        *_, done = client.audio.transcriptions.create(**asked, stream=True)
        assert done.type == "transcript.text.done"
        assert done.text == SAID
        assert [call.stream for call in mock.calls] == [False, True]
        # No rule speaks for these: they follow from the bytes.
        captions = client.audio.transcriptions.create(
            file=WAV, model="whisper-1", response_format="vtt"
        )
        assert str(captions).startswith("WEBVTT\n\n00:00:00.000 --> ")
        with warnings.catch_warnings(action="ignore", category=DeprecationWarning):
            translated = client.audio.translations.create(file=WAV, model="whisper-1")
        assert translated.text == transcriptions.hear(WAV)
        assert mock.calls[-1].json["file"] == WAV
        mock.check()


async def test_so_does_the_async_sdk() -> None:
    with MockOpenAI() as mock:
        mock.reply(SAID)
        async with mock.async_client() as client:
            stream = await client.audio.transcriptions.create(
                file=WAV, model="gpt-4o-transcribe", stream=True
            )
            said = [e.delta async for e in stream if e.type == "transcript.text.delta"]
    assert "".join(said) == SAID


# Speech

SPEAK: dict[str, Any] = {"model": "gpt-4o-mini-tts", "voice": "alloy", "input": SAID}


@pytest.mark.parametrize("form", tones.FORMATS)
def test_speech_arrives_as_sound(form: str) -> None:
    with MockOpenAI() as mock, mock.client() as client:
        asked = SPEAK | {"response_format": form}
        with client.audio.speech.with_streaming_response.create(**asked) as response:
            assert response.headers["content-type"] == tones.MIME[form]
            assert b"".join(response.iter_bytes()) == tones.speak(SAID, form)


def test_speech_arrives_in_events() -> None:
    with MockOpenAI() as mock, mock.client() as client:
        asked = SPEAK | {"stream_format": "sse", "instructions": "Be kind."}
        body = client.audio.speech.create(**asked).content
    *rest, last, done = body.split(b"\r\n\r\n")[:-1]
    assert done == b"data: [DONE]"
    assert json.loads(last[6:]) == {
        "type": "speech.audio.done",
        "usage": {"input_tokens": 10, "output_tokens": 51, "total_tokens": 61},
    }
    parts = [base64.b64decode(json.loads(event[6:])["audio"]) for event in rest]
    assert [len(part) for part in parts[:-1]] == [4096] * (len(parts) - 1)
    assert b"".join(parts) == tones.speak(SAID, "mp3")


def test_a_rule_may_give_speech_of_its_own() -> None:
    with MockOpenAI() as mock, mock.client() as client:
        mock.reply("for what a model says")
        mine = audio.render_speech(Speech(b"my sound"), {"response_format": "wav"})
        mock.on(endpoint="audio/speech").reply(mine, ApiError(429))
        assert client.audio.speech.create(**SPEAK).content == b"my sound"
        with pytest.raises(openai.RateLimitError):
            client.with_options(max_retries=0).audio.speech.create(**SPEAK)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"input": "x" * 4097}, "string too long. Expected a string with maximum length 4096"),
        ({"speed": 5}, "Expected a value <= 4, but got 5 instead."),
        ({"response_format": "ogg"}, "Supported values are: 'mp3', 'opus', 'aac', 'flac'"),
    ],
)
def test_a_wrong_parameter_is_told(wrong: dict[str, Any], message: str) -> None:
    with MockOpenAI() as mock, mock.client() as client:
        with pytest.raises(openai.BadRequestError, match=message):
            client.audio.speech.create(**(SPEAK | wrong))


def test_reading_speech_back() -> None:
    speech = Speech(b"x" * 5000, Usage(1, 2))
    assert audio.read_speech(audio.render_speech(speech)) == speech
    assert audio.read_speech(audio.render_speech(speech, {})) == Speech(speech.data)
    with pytest.raises(ReplyError, match="event 1 is none of a speech"):
        audio.read_speech(Script(STREAM, sse.parse(b"data: nonsense\n\n")))
