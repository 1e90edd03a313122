"""``/v1/audio/transcriptions``, ``translations``: a reply as the text of a recording, and back."""

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
from openai_mockserver.api.endpoint import Asked, Rendered
from openai_mockserver.api.logprobs import likely, logprob_json, read_logprob
from openai_mockserver.api.store import Store
from openai_mockserver.api.text_only import require_text
from openai_mockserver.exceptions import ReplyError
from openai_mockserver.models import MODELS
from openai_mockserver.reply import ApiError, Logprob, Reply, Text, Usage, check_servable
from openai_mockserver.script import Head, Raw, Script

__all__ = ["hear", "read", "render", "render_translation"]

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
"""How Whisper names languages."""

WHISPER = "whisper-1"
PIECE = 4096  # bytes of sound in an event, as recorded


def _dumps(value: object) -> bytes:
    return msgspec.json.encode(value)


def _event(data: bytes) -> Raw:
    return Raw(b"data: %b\r\n\r\n" % data, 1)


DONE = _event(b"[DONE]")


def stream_response(events: Iterable[Mapping[str, Any]], done: bool, rng: Random) -> Script:
    head = Head(200, headers.audio_headers("text/event-stream; charset=utf-8", None, rng))
    steps = [_event(_dumps(event)) for event in events]
    return Script(head, (*steps, DONE) if done else tuple(steps))


def _body(data: bytes, content_type: str, rng: Random) -> Script:
    return Script(Head(200, headers.audio_headers(content_type, len(data), rng)), (Raw(data),))


# What is heard


def render(
    reply: Reply | ApiError,
    request: Mapping[str, Any] | None = None,
    *,
    rng: Random | None = None,
    seconds: float | None = None,
) -> Script:
    """The transcription that says this reply.

    Args:
        reply: what is heard.
        request: the request's parameters. Without one, it is a request that streams the reply,
            with its logprobs.
        rng: where ids come from.
        seconds: how long the recording is; by default what the request's file tells.

    Raises:
        ReplyError: for a reply that cannot be heard.

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
    """The translation that says this reply; the arguments are those of `render`."""
    return _render(reply, request or {}, rng or Random(), seconds, "translate")


def compose_transcription(reply: Reply | ApiError, context: Context) -> Rendered:
    """Render a reply as a transcription. Raises ReplyError as `render` does."""
    return Rendered(_render(reply, context.parameters, context.rng, None, "transcribe"))


def compose_translation(reply: Reply | ApiError, context: Context) -> Rendered:
    """Render a reply as a translation. Raises ReplyError as `render` does."""
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
        raise ReplyError(f"a recording is heard in one way, not in {len(reply.choices)} choices")
    if request is None:
        asked = ["logprobs"] if reply.logprobs is not None else []
        request = {"stream": True, "include": asked}
    model, form = str(request.get("model") or ""), request.get("response_format") or "json"
    if form not in (_formats(model) or (form,)):
        return errors.render(_cannot_write(model, form), rng)
    heard = _Heard.of(reply, request, seconds, task)
    if request.get("stream") and model != WHISPER:  # which ignores it
        return _streamed(reply, heard, request, rng)
    if reply.error is not None:
        return errors.render(reply.error, rng)
    written = _WRITERS[form](heard, request)
    if isinstance(written, str):
        return _body(written.encode(), "text/plain; charset=utf-8", rng)
    return _body(_dumps(written), "application/json", rng)


def _formats(model: str) -> tuple[str, ...]:
    """The formats that a model writes; none if it writes all."""
    return (MODELS[model].transcripts if model in MODELS else None) or ()


def _cannot_write(model: str, form: str) -> ApiError:
    return ApiError(
        400,
        f"response_format '{form}' is not compatible with model '{model}'. "
        f"Use {' or '.join(map(repr, _formats(model)))} instead.",
        None,
        "unsupported_value",
        "response_format",
    )


class _Heard(NamedTuple):
    """What is heard in a recording."""

    text: Text
    logprobs: tuple[tuple[Logprob, ...], ...] | None
    seconds: float
    usage: dict[str, Any]
    task: str

    @classmethod
    def of(
        cls, reply: Reply, request: Mapping[str, Any], seconds: float | None, task: str
    ) -> _Heard:
        choice = require_text(reply.choices[0], "a transcription")
        text = choice.text if choice.text is not None else Text("")
        if seconds is None:
            file = request.get("file")
            seconds = tones.seconds(file) if file is not None else len(text) * tones.SECONDS
        logprobs = choice.logprobs
        if logprobs is None:
            logprobs = tuple((likely(piece, 0),) for piece in text.pieces)
        asked = "logprobs" in (request.get("include") or ())
        usage = _usage(reply.usage or _count(text, request, seconds))
        if request.get("model") == WHISPER:
            usage = {"type": "duration", "seconds": math.ceil(seconds)}
        return cls(text, logprobs if asked else None, round(seconds, 2), usage, task)


def _count(text: Text, request: Mapping[str, Any], seconds: float) -> Usage:
    """As recorded: a token for each tenth of a second, and two more than the text has."""
    audio = math.ceil(round(seconds * 10, 3))
    prompt = audio + tokens.count(request.get("prompt") or "", request.get("model"))
    return Usage(prompt, text.tokens + 2, prompt_audio_tokens=audio)


def _usage(usage: Usage) -> dict[str, Any]:
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


class _Stretch(NamedTuple):
    """A part of what is heard, and when, in seconds."""

    text: str
    start: float
    end: float


_SENTENCE = re.compile(r"(?<=[.!?。！？])\s+")


def _sentences(heard: _Heard) -> list[_Stretch]:
    return _timed([s for s in _SENTENCE.split(heard.text.strip()) if s], heard.seconds)


def _timed(parts: Sequence[str], seconds: float) -> list[_Stretch]:
    """Each part takes as long as its share of the characters."""
    whole = sum(map(len, parts)) or 1
    at = [round(seconds * n / whole, 2) for n in accumulate(map(len, parts), initial=0)]
    return [_Stretch(part, a, b) for part, (a, b) in zip(parts, pairwise(at), strict=True)]


def _flat(logprobs: Iterable[Sequence[Logprob]]) -> list[dict[str, Any]]:
    return [logprob_json(entry, None) for entries in logprobs for entry in entries]


# Streaming


def _streamed(reply: Reply, heard: _Heard, request: Mapping[str, Any], rng: Random) -> Script:
    by_speaker = request.get("response_format") == "diarized_json"
    events = list(_segments(heard, request) if by_speaker else _deltas(heard))
    if reply.error is not None:
        broken = stream_response(events, False, rng)
        payload = errors.error_event(reply.error).data.encode()
        return broken.with_steps((*broken.steps, _event(payload)))
    if reply.finish_reason is not None:
        text = heard.text.strip() if by_speaker else heard.text
        done: dict[str, Any] = {"type": "transcript.text.done", "text": str(text)}
        if heard.logprobs is not None:
            done["logprobs"] = _flat(heard.logprobs)
        events.append(done | {"usage": heard.usage})
    return stream_response(events, True, rng)


def _deltas(heard: _Heard) -> Iterator[dict[str, Any]]:
    for at, piece in enumerate(heard.text.pieces):
        delta: dict[str, Any] = {"type": "transcript.text.delta", "delta": piece}
        if heard.logprobs is not None:
            delta["logprobs"] = _flat([heard.logprobs[at]])
        yield delta


def _segments(heard: _Heard, request: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Each sentence is a segment; known speakers take turns, else one says it all."""
    speakers = request.get("known_speaker_names") or ["A"]
    for number, sentence in enumerate(_sentences(heard)):
        yield {
            "type": "transcript.text.segment",
            "text": f" {sentence.text}",
            "speaker": speakers[number % len(speakers)],
            "start": sentence.start,
            "end": sentence.end,
            "id": f"seg_{number}",
        }


# Not streaming


def _as_json(heard: _Heard, request: Mapping[str, Any]) -> dict[str, Any]:
    members: dict[str, Any] = {"text": str(heard.text)}
    if heard.logprobs is not None:
        members["logprobs"] = _flat(heard.logprobs)
    return members if heard.task == "translate" else members | {"usage": heard.usage}


def _as_plain(heard: _Heard, request: Mapping[str, Any]) -> str:
    return f"{heard.text}\n"


def _as_srt(heard: _Heard, request: Mapping[str, Any]) -> str:
    return "".join(
        f"{number}\n{_clock(s.start, ',')} --> {_clock(s.end, ',')}\n{s.text}\n\n"
        for number, s in enumerate(_sentences(heard), 1)
    )


def _as_vtt(heard: _Heard, request: Mapping[str, Any]) -> str:
    cues = (
        f"{_clock(s.start, '.')} --> {_clock(s.end, '.')}\n{s.text}\n\n" for s in _sentences(heard)
    )
    return "WEBVTT\n\n" + "".join(cues)


def _clock(seconds: float, point: str) -> str:
    minutes, milliseconds = divmod(round(seconds * 1000), 60_000)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02}:{minutes:02}:{milliseconds // 1000:02}{point}{milliseconds % 1000:03}"


def _as_verbose(heard: _Heard, request: Mapping[str, Any]) -> dict[str, Any]:
    wanted = request.get("timestamp_granularities") or ["segment"]
    language = "en" if heard.task == "translate" else str(request.get("language") or "en")
    members: dict[str, Any] = {
        "task": heard.task,
        "language": LANGUAGES.get(language, language),
        "duration": heard.seconds,
        "text": str(heard.text),
    }
    if "word" in wanted:
        words = _timed(heard.text.split(), heard.seconds)
        members["words"] = [{"word": w.text, "start": w.start, "end": w.end} for w in words]
    if "segment" in wanted:
        temperature = float(request.get("temperature") or 0)
        members["segments"] = [
            _verbose_segment(number, sentence, temperature)
            for number, sentence in enumerate(_sentences(heard))
        ]
    return members if heard.task == "translate" else members | {"usage": heard.usage}


def _verbose_segment(number: int, sentence: _Stretch, temperature: float) -> dict[str, Any]:
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
        "avg_logprob": sum(likely(piece, 0).logprob for piece in pieces) / len(pieces),
        "compression_ratio": len(data) / len(zlib.compress(data)),
        "no_speech_prob": 0.01,
    }


def _as_diarized(heard: _Heard, request: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "task": heard.task,
        "duration": heard.seconds,
        "text": str(heard.text.strip()),
        "segments": list(_segments(heard, request)),
        "usage": heard.usage,
    }


_WRITERS: dict[str, Callable[[_Heard, Mapping[str, Any]], dict[str, Any] | str]] = {
    "json": _as_json,
    "text": _as_plain,
    "srt": _as_srt,
    "vtt": _as_vtt,
    "verbose_json": _as_verbose,
    "diarized_json": _as_diarized,
}


# Reading back


def read(script: Script) -> Reply | ApiError:
    """What a transcription or translation says, or the error it is instead.

    Raises:
        ReplyError: for what is neither.
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
        raise explain_error("this is no transcription", error) from None


class _Transcript:
    """A transcript, as far as it has come."""

    def __init__(self) -> None:
        self.pieces: list[str] = []
        self.segments: list[str] = []
        self.logprobs: list[tuple[Logprob, ...]] = []
        self.usage: Usage | None = None
        self.finish: str | None = None

    def take(self, value: dict[str, Any]) -> None:
        kind = value["type"]
        if kind == "transcript.text.delta":
            self.pieces.append(read_string(value, "delta"))
            if "logprobs" in value:
                self.logprobs.append(tuple(map(read_logprob, value["logprobs"])))
        elif kind == "transcript.text.segment":
            self.segments.append(read_string(value, "text"))
        elif kind == "transcript.text.done":
            self.finish, self.usage = "stop", _read_usage(value.get("usage"))

    def reply(self, error: ApiError | None = None) -> Reply:
        text = self.pieces or "".join(self.segments).strip()
        finish = None if error else self.finish
        usage = None if error else self.usage
        logprobs = self.logprobs or None
        return Reply(text, logprobs=logprobs, usage=usage, finish_reason=finish, error=error)


def _read_stream(body: bytes) -> Reply:
    transcript, error = _Transcript(), None
    for number, event in enumerate(sse.decode(body), 1):
        if event.data.startswith("[DONE]"):
            break
        try:
            value = msgspec.json.decode(event.data)
            check_depth(value, event.data)
            if (error := errors.read_error(value)) is not None:
                break
            transcript.take(value)
        except DECODE_ERRORS as wrong:
            what = f"event {number} is none of a transcription"
            raise explain_error(what, wrong, event.data) from None
    return transcript.reply(error)


def _read_plain(text: str) -> str:
    """The text, or that of its captions: blocks whose first or second line has the times."""
    if " --> " not in text:
        return text.removesuffix("\n").removeprefix("WEBVTT\n\n")
    blocks = [block.split("\n") for block in text.strip().split("\n\n")]
    said = [line for block in blocks for line in _after_times(block)]
    return " ".join(said)


def _after_times(block: Sequence[str]) -> Sequence[str]:
    at = next((number for number, line in enumerate(block) if " --> " in line), len(block))
    return block[at + 1 :]


def _read_json(value: Any, status: int) -> Reply | ApiError:
    if (found := errors.read_error(value)) is not None:
        return replace(found, status=status) if 400 <= status <= 599 else found
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


# What is heard where no rule says it


def hear(data: bytes | DiskBytes, seconds: float | None = None) -> str:
    """A text that follows from a recording's bytes, as long as it takes to say.

    Args:
        data: the recording.
        seconds: how long it is; by default what it tells itself.

    >>> hear(b"Example data") == hear(b"Example data") != hear(b"other data")
    True
    """
    digest = hashlib.sha256()
    for part in parts_of(data):
        digest.update(part)
    rng = Random(digest.digest())
    length = max(3, min(80, round(2.5 * (tones.seconds(data) if seconds is None else seconds))))
    vocabulary = _VOCABULARY.split()
    words = [rng.choice(vocabulary) for _ in range(length)]
    said: list[str] = []
    while words:
        sentence, words = words[:9], words[9:]
        said.append(" ".join(sentence).capitalize() + ".")
    return " ".join(said)


_VOCABULARY = (
    "we you they people someone yesterday today tomorrow morning evening garden river mountain "
    "window kitchen letter story music teacher doctor neighbour walked talked listened opened "
    "carried answered wondered remembered quietly slowly often never always together before after "
    "under over with without about small green quiet early warm another every that this"
)


def transcribe(asked: Asked, store: Store, rng: Random) -> Script:
    """What is heard in the file, made up of its bytes."""
    return render(Reply(hear(asked.parameters["file"])), asked.parameters, rng=rng)


def translate(asked: Asked, store: Store, rng: Random) -> Script:
    """The same, as if in English."""
    reply = Reply(hear(asked.parameters["file"]))
    return render_translation(reply, asked.parameters, rng=rng)
