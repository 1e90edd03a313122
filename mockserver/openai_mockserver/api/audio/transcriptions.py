"""``/v1/audio/transcriptions``, ``translations``: render replies, and read them back."""

from __future__ import annotations

import hashlib
import math
import re
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import accumulate, pairwise
from random import Random
from typing import Any, NamedTuple

import msgspec.json

from openai_mockserver import sse, tokens
from openai_mockserver.api import errors, headers
from openai_mockserver.api.audio import tones
from openai_mockserver.api.context import Context
from openai_mockserver.api.decode import DECODE_ERRORS, check_depth, explain_error, read_string
from openai_mockserver.api.disk_bytes import DiskBytes, parts_of
from openai_mockserver.api.endpoint import EndpointRequest, Rendered
from openai_mockserver.api.logprobs import logprob_to_json, make_logprob, read_logprob
from openai_mockserver.api.store import Store
from openai_mockserver.api.text_only import require_text
from openai_mockserver.exceptions import ReplyError
from openai_mockserver.models import MODELS
from openai_mockserver.reply import ApiError, Logprob, Reply, Text, Usage, check_servable
from openai_mockserver.script import Head, Raw, Script

__all__ = ["generate_transcript", "read", "render", "render_translation"]

LANGUAGES = {
    "ar": "arabic",
    "de": "german",
    "en": "english",
    "es": "spanish",
    "fr": "french",
    "hi": "hindi",
    "it": "italian",
    "ja": "japanese",
    "ko": "korean",
    "nl": "dutch",
    "pl": "polish",
    "pt": "portuguese",
    "ru": "russian",
    "tr": "turkish",
    "uk": "ukrainian",
    "zh": "chinese",
}
"""Whisper's names of languages, by code."""

WHISPER = "whisper-1"
PIECE = 4096  # bytes of audio per event, as recorded


def _encode_json(value: object) -> bytes:
    return msgspec.json.encode(value)


def _encode_event(data: bytes) -> Raw:
    return Raw(b"data: %b\r\n\r\n" % data, 1)


DONE = _encode_event(b"[DONE]")


def stream_response(events: Iterable[Mapping[str, Any]], has_done: bool, rng: Random) -> Script:
    """Return a stream of these events, with ``[DONE]`` after them if ``has_done``."""
    head = Head(200, headers.audio_headers("text/event-stream; charset=utf-8", None, rng))
    steps = [_encode_event(_encode_json(event)) for event in events]
    return Script(head, (*steps, DONE) if has_done else tuple(steps))


def _build_response(data: bytes, content_type: str, rng: Random) -> Script:
    return Script(Head(200, headers.audio_headers(content_type, len(data), rng)), (Raw(data),))


# Rendering


def render(
    reply: Reply | ApiError,
    request: Mapping[str, Any] | None = None,
    *,
    rng: Random | None = None,
    seconds: float | None = None,
) -> Script:
    """Return the transcription with the text of this reply.

    Args:
        reply: the reply, or the error to answer with.
        request: the parameters of the request. By default, a request that streams the reply with
            its log probabilities.
        rng: random generator of ids.
        seconds: length of the recording; by default that of the file in the request.

    Raises:
        ReplyError: for a reply that has more than one choice, or more than text.

    >>> script = render(Reply("Hello"))
    >>> script.steps[0].data
    b'data: {"type":"transcript.text.delta","delta":"Hello"}\\r\\n\\r\\n'
    """
    return _render(reply, request, rng or Random(), seconds, "transcribe")


def render_translation(
    reply: Reply | ApiError,
    request: Mapping[str, Any] | None = None,
    *,
    rng: Random | None = None,
    seconds: float | None = None,
) -> Script:
    """Return the translation with the text of this reply; the arguments are those of `render`."""
    return _render(reply, request or {}, rng or Random(), seconds, "translate")


def compose_transcription(reply: Reply | ApiError, context: Context) -> Rendered:
    """Render a reply as a transcription; raises ReplyError as `render` does."""
    return Rendered(_render(reply, context.parameters, context.rng, None, "transcribe"))


def compose_translation(reply: Reply | ApiError, context: Context) -> Rendered:
    """Render a reply as a translation; raises ReplyError as `render` does."""
    return Rendered(_render(reply, context.parameters or {}, context.rng, None, "translate"))


def _render(
    reply: Reply | ApiError,
    request: Mapping[str, Any] | None,
    rng: Random,
    seconds: float | None,
    task: str,
) -> Script:
    if isinstance(reply, ApiError):
        return errors.render(reply, rng)
    check_servable(reply)
    if len(reply.choices) > 1:
        raise ReplyError(f"a transcription has one choice; this reply has {len(reply.choices)}")
    if request is None:
        include = ["logprobs"] if reply.logprobs is not None else []
        request = {"stream": True, "include": include}
    model, format = str(request.get("model") or ""), request.get("response_format") or "json"
    if format not in (_list_formats(model) or (format,)):
        return errors.render(_refuse_format(model, format), rng)
    transcription = _Transcription.create(reply, request, seconds, task)
    if request.get("stream") and model != WHISPER:  # which ignores it
        return _render_stream(reply, transcription, request, rng)
    if reply.error is not None:
        return errors.render(reply.error, rng)
    content = _WRITERS[format](transcription, request)
    if isinstance(content, str):
        return _build_response(content.encode(), "text/plain; charset=utf-8", rng)
    return _build_response(_encode_json(content), "application/json", rng)


def _list_formats(model: str) -> tuple[str, ...]:
    """Return the response formats that a model supports; none if it supports all."""
    return (MODELS[model].transcripts if model in MODELS else None) or ()


def _refuse_format(model: str, format: str) -> ApiError:
    return ApiError(
        400,
        f"response_format '{format}' is not compatible with model '{model}'. "
        f"Use {' or '.join(map(repr, _list_formats(model)))} instead.",
        None,
        "unsupported_value",
        "response_format",
    )


class _Transcription(NamedTuple):
    """A transcription with all that its formats state: times in seconds, usage and task."""

    text: Text
    logprobs: tuple[tuple[Logprob, ...], ...] | None
    seconds: float
    usage: dict[str, Any]
    task: str

    @classmethod
    def create(
        cls, reply: Reply, request: Mapping[str, Any], seconds: float | None, task: str
    ) -> _Transcription:
        """Create the transcription of a reply, with defaults for what the reply does not state."""
        choice = require_text(reply.choices[0], "a transcription")
        text = choice.text if choice.text is not None else Text("")
        if seconds is None:
            file = request.get("file")
            seconds = tones.seconds(file) if file is not None else len(text) * tones.SECONDS
        logprobs = choice.logprobs
        if logprobs is None:
            logprobs = tuple((make_logprob(piece, 0),) for piece in text.pieces)
        with_logprobs = "logprobs" in (request.get("include") or ())
        usage = _build_usage(reply.usage or _count_usage(text, request, seconds))
        if request.get("model") == WHISPER:
            usage = {"type": "duration", "seconds": math.ceil(seconds)}
        return cls(text, logprobs if with_logprobs else None, round(seconds, 2), usage, task)


def _count_usage(text: Text, request: Mapping[str, Any], seconds: float) -> Usage:
    """Count tokens as recorded: one for each 0.1 s of audio, and two more than the text has."""
    audio = math.ceil(round(seconds * 10, 3))
    prompt = audio + tokens.count(request.get("prompt") or "", request.get("model"))
    return Usage(prompt, text.tokens + 2, prompt_audio_tokens=audio)


def _build_usage(usage: Usage) -> dict[str, Any]:
    audio = usage.prompt_audio_tokens
    return {
        "type": "tokens",
        "total_tokens": usage.total_tokens,
        "input_tokens": usage.prompt_tokens,
        "input_token_details": {
            "text_tokens": usage.prompt_tokens - audio,
            "audio_tokens": audio,
        },
        "output_tokens": usage.completion_tokens,
    }


class _Span(NamedTuple):
    """A part of the text with its times in seconds."""

    text: str
    start: float
    end: float


_SENTENCE = re.compile(r"(?<=[.!?。！？])\s+")


def _split_sentences(transcription: _Transcription) -> list[_Span]:
    return _assign_times(
        [s for s in _SENTENCE.split(transcription.text.strip()) if s], transcription.seconds
    )


def _assign_times(parts: Sequence[str], seconds: float) -> list[_Span]:
    """Give each part a time in proportion to its characters."""
    total = sum(map(len, parts)) or 1
    times = [round(seconds * count / total, 2) for count in accumulate(map(len, parts), initial=0)]
    return [
        _Span(part, start, end) for part, (start, end) in zip(parts, pairwise(times), strict=True)
    ]


def _flatten(logprobs: Iterable[Sequence[Logprob]]) -> list[dict[str, Any]]:
    return [logprob_to_json(entry, None) for entries in logprobs for entry in entries]


# Streams


def _render_stream(
    reply: Reply, transcription: _Transcription, request: Mapping[str, Any], rng: Random
) -> Script:
    by_speaker = request.get("response_format") == "diarized_json"
    events = list(
        _build_segments(transcription, request) if by_speaker else _build_deltas(transcription)
    )
    if reply.error is not None:
        partial = stream_response(events, False, rng)
        payload = errors.error_event(reply.error).data.encode()
        return partial.with_steps((*partial.steps, _encode_event(payload)))
    if reply.finish_reason is not None:
        text = transcription.text.strip() if by_speaker else transcription.text
        last_event: dict[str, Any] = {"type": "transcript.text.done", "text": str(text)}
        if transcription.logprobs is not None:
            last_event["logprobs"] = _flatten(transcription.logprobs)
        events.append(last_event | {"usage": transcription.usage})
    return stream_response(events, True, rng)


def _build_deltas(transcription: _Transcription) -> Iterator[dict[str, Any]]:
    for index, piece in enumerate(transcription.text.pieces):
        delta: dict[str, Any] = {"type": "transcript.text.delta", "delta": piece}
        if transcription.logprobs is not None:
            delta["logprobs"] = _flatten([transcription.logprobs[index]])
        yield delta


def _build_segments(
    transcription: _Transcription, request: Mapping[str, Any]
) -> Iterator[dict[str, Any]]:
    """Yield a segment for each sentence; known speakers take turns, else there is one speaker."""
    speakers = request.get("known_speaker_names") or ["A"]
    for number, sentence in enumerate(_split_sentences(transcription)):
        yield {
            "type": "transcript.text.segment",
            "text": f" {sentence.text}",
            "speaker": speakers[number % len(speakers)],
            "start": sentence.start,
            "end": sentence.end,
            "id": f"seg_{number}",
        }


# Bodies


def _write_json(transcription: _Transcription, request: Mapping[str, Any]) -> dict[str, Any]:
    members: dict[str, Any] = {"text": str(transcription.text)}
    if transcription.logprobs is not None:
        members["logprobs"] = _flatten(transcription.logprobs)
    return (
        members if transcription.task == "translate" else members | {"usage": transcription.usage}
    )


def _write_plain(transcription: _Transcription, request: Mapping[str, Any]) -> str:
    return f"{transcription.text}\n"


def _write_srt(transcription: _Transcription, request: Mapping[str, Any]) -> str:
    return "".join(
        f"{number}\n{_format_time(s.start, ',')} --> {_format_time(s.end, ',')}\n{s.text}\n\n"
        for number, s in enumerate(_split_sentences(transcription), 1)
    )


def _write_vtt(transcription: _Transcription, request: Mapping[str, Any]) -> str:
    cues = (
        f"{_format_time(s.start, '.')} --> {_format_time(s.end, '.')}\n{s.text}\n\n"
        for s in _split_sentences(transcription)
    )
    return "WEBVTT\n\n" + "".join(cues)


def _format_time(seconds: float, point: str) -> str:
    minutes, milliseconds = divmod(round(seconds * 1000), 60_000)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02}:{minutes:02}:{milliseconds // 1000:02}{point}{milliseconds % 1000:03}"


def _write_verbose(transcription: _Transcription, request: Mapping[str, Any]) -> dict[str, Any]:
    granularities = request.get("timestamp_granularities") or ["segment"]
    language = "en" if transcription.task == "translate" else str(request.get("language") or "en")
    members: dict[str, Any] = {
        "task": transcription.task,
        "language": LANGUAGES.get(language, language),
        "duration": transcription.seconds,
        "text": str(transcription.text),
    }
    if "word" in granularities:
        words = _assign_times(transcription.text.split(), transcription.seconds)
        members["words"] = [{"word": w.text, "start": w.start, "end": w.end} for w in words]
    if "segment" in granularities:
        temperature = float(request.get("temperature") or 0)
        members["segments"] = [
            _build_verbose_segment(number, sentence, temperature)
            for number, sentence in enumerate(_split_sentences(transcription))
        ]
    return (
        members if transcription.task == "translate" else members | {"usage": transcription.usage}
    )


def _build_verbose_segment(number: int, sentence: _Span, temperature: float) -> dict[str, Any]:
    text = f" {sentence.text}"
    pieces, data = tokens.words(text), text.encode()
    return {
        "id": number,
        "seek": 0,
        "start": sentence.start,
        "end": sentence.end,
        "text": text,
        "tokens": [zlib.crc32(piece.encode()) % 50_257 for piece in pieces],
        "temperature": temperature,
        "avg_logprob": sum(make_logprob(piece, 0).logprob for piece in pieces) / len(pieces),
        "compression_ratio": len(data) / len(zlib.compress(data)),
        "no_speech_prob": 0.01,
    }


def _write_diarized(transcription: _Transcription, request: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "task": transcription.task,
        "duration": transcription.seconds,
        "text": str(transcription.text.strip()),
        "segments": list(_build_segments(transcription, request)),
        "usage": transcription.usage,
    }


_WRITERS: dict[str, Callable[[_Transcription, Mapping[str, Any]], dict[str, Any] | str]] = {
    "json": _write_json,
    "text": _write_plain,
    "srt": _write_srt,
    "vtt": _write_vtt,
    "verbose_json": _write_verbose,
    "diarized_json": _write_diarized,
}


# Reading back


def read(script: Script) -> Reply | ApiError:
    """Return the reply that a transcription or translation holds, or the error that it is instead.

    Raises:
        ReplyError: for a response that is neither.
    """
    body = sse.body(script.steps)
    try:
        if script.is_stream:
            return _read_stream(body)
        if (script.head.header("content-type") or "").startswith("text/plain"):
            return Reply(_read_plain(body.decode()))
        value = msgspec.json.decode(body)
        check_depth(value, body)
        return _read_json(value, script.head.status)
    except DECODE_ERRORS as error:
        raise explain_error("the response is not a valid transcription", error) from None


class _TranscriptReader:
    """Collects a transcript from its events."""

    def __init__(self) -> None:
        self.pieces: list[str] = []
        self.segments: list[str] = []
        self.logprobs: list[tuple[Logprob, ...]] = []
        self.usage: Usage | None = None
        self.finish_reason: str | None = None

    def read_event(self, value: dict[str, Any]) -> None:
        """Read one event; events of other types are ignored."""
        kind = value["type"]
        if kind == "transcript.text.delta":
            self.pieces.append(read_string(value, "delta"))
            if "logprobs" in value:
                self.logprobs.append(tuple(map(read_logprob, value["logprobs"])))
        elif kind == "transcript.text.segment":
            self.segments.append(read_string(value, "text"))
        elif kind == "transcript.text.done":
            self.finish_reason, self.usage = "stop", _read_usage(value.get("usage"))

    def build_reply(self, error: ApiError | None = None) -> Reply:
        """Return the reply so far; an error replaces the finish reason and the usage."""
        text = self.pieces or "".join(self.segments).strip()
        finish_reason = None if error else self.finish_reason
        usage = None if error else self.usage
        logprobs = self.logprobs or None
        return Reply(text, logprobs=logprobs, usage=usage, finish_reason=finish_reason, error=error)


def _read_stream(body: bytes) -> Reply:
    reader, error = _TranscriptReader(), None
    for number, event in enumerate(sse.decode(body), 1):
        if event.data.startswith("[DONE]"):
            break
        try:
            value = msgspec.json.decode(event.data)
            check_depth(value, event.data)
            if (error := errors.read_error(value)) is not None:
                break
            reader.read_event(value)
        except DECODE_ERRORS as cause:
            problem = f"event {number} is not a valid event of a transcription"
            raise explain_error(problem, cause, event.data) from None
    return reader.build_reply(error)


def _read_plain(text: str) -> str:
    """Return the text; of captions, the lines after each line with times."""
    if " --> " not in text:
        return text.removesuffix("\n").removeprefix("WEBVTT\n\n")
    blocks = [block.split("\n") for block in text.strip().split("\n\n")]
    lines = [line for block in blocks for line in _find_caption_lines(block)]
    return " ".join(lines)


def _find_caption_lines(block: Sequence[str]) -> Sequence[str]:
    index = next((number for number, line in enumerate(block) if " --> " in line), len(block))
    return block[index + 1 :]


def _read_json(value: Any, status: int) -> Reply | ApiError:
    if (error := errors.read_error(value)) is not None:
        return replace(error, status=status) if 400 <= status <= 599 else error
    text, entries = value["text"], [read_logprob(entry) for entry in value.get("logprobs") or ()]
    pieces = [entry.token for entry in entries]
    usage = _read_usage(value.get("usage"))
    if "".join(pieces) == text and pieces:
        return Reply(pieces, logprobs=entries, usage=usage)
    return Reply([text], logprobs=[entries], usage=usage) if entries else Reply(text, usage=usage)


def _read_usage(usage: dict[str, Any] | None) -> Usage | None:
    if usage is None or usage.get("type") != "tokens":
        return None
    return Usage(
        usage["input_tokens"],
        usage["output_tokens"],
        usage["total_tokens"],
        prompt_audio_tokens=(usage.get("input_token_details") or {}).get("audio_tokens") or 0,
    )


# Generated transcripts


def generate_transcript(data: bytes | DiskBytes, seconds: float | None = None) -> str:
    """Generate a text of fitting length; the same recording always gets the same text.

    Args:
        data: the recording.
        seconds: its length; by default as `tones.seconds` computes it.

    >>> text = generate_transcript(b"Example data")
    >>> generate_transcript(b"Example data") == text != generate_transcript(b"other data")
    True
    """
    digest = hashlib.sha256()
    for part in parts_of(data):
        digest.update(part)
    rng = Random(digest.digest())
    length = max(3, min(80, round(2.5 * (tones.seconds(data) if seconds is None else seconds))))
    vocabulary = _VOCABULARY.split()
    words = [rng.choice(vocabulary) for _ in range(length)]
    sentences: list[str] = []
    while words:
        sentence, words = words[:9], words[9:]
        sentences.append(" ".join(sentence).capitalize() + ".")
    return " ".join(sentences)


_VOCABULARY = (
    "we you they people someone yesterday today tomorrow morning evening garden river mountain "
    "window kitchen letter story music teacher doctor neighbour walked talked listened opened "
    "carried answered wondered remembered quietly slowly often never always together before after "
    "under over with without about small green quiet early warm another every that this"
)


def transcribe(request: EndpointRequest, store: Store, rng: Random) -> Script:
    """Return the transcript that is generated from the bytes of the file."""
    return render(
        Reply(generate_transcript(request.parameters["file"])), request.parameters, rng=rng
    )


def translate(request: EndpointRequest, store: Store, rng: Random) -> Script:
    """Return the same transcript as a translation into English."""
    reply = Reply(generate_transcript(request.parameters["file"]))
    return render_translation(reply, request.parameters, rng=rng)
