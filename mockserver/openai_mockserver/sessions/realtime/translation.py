"""A translation session of the Realtime API: speech in, speech and text in another language out.

Theory of operation. Audio is examined in frames of 20 ms, as in `speech`. When the user pauses, a
turn asks the mock's rules, as if the speech had been sent to ``audio/translations``: a rule says
what the translation is. The answer is spoken, and sent as text and audio in the order of their
time, which ``elapsed_ms`` counts in steps of 200 ms from the start of the session's audio. Turns
are sent one after the other.

Rules of this file: no I/O. The events are those of the SDK's types; which of them OpenAI sends when
is not recorded. With ``audio.input.transcription``, a second turn asks for what was said, as in any
Realtime session.
"""

from __future__ import annotations

import base64
from collections import deque
from collections.abc import Iterator, Mapping
from functools import partial
from random import Random
from typing import Any

import msgspec.json

from openai_mockserver import seed
from openai_mockserver.api import errors as api_errors
from openai_mockserver.api.audio.transcriptions import generate_transcript
from openai_mockserver.api.context import Context
from openai_mockserver.api.endpoint import Endpoint, EndpointRequest, Rendered
from openai_mockserver.api.realtime.config import LIFETIME
from openai_mockserver.api.realtime.events import make_ids
from openai_mockserver.api.realtime.sound import PCM, bytes_per_second, encode_speech
from openai_mockserver.api.store import Store
from openai_mockserver.dialects.realtime import OPENAI
from openai_mockserver.exceptions import ReplyError
from openai_mockserver.reply import ApiError, Reply
from openai_mockserver.script import End, Event, Head, Script
from openai_mockserver.sessions.messages import (
    decode_object,
    end_turn,
    list_data,
    make_action,
    read_error,
)
from openai_mockserver.sessions.realtime import errors
from openai_mockserver.sessions.realtime.speech import AudioBuffer
from openai_mockserver.sessions.session import (
    Action,
    Answered,
    Ask,
    Close,
    Due,
    Ended,
    Expired,
    Happening,
    Opened,
    Opening,
    Received,
    Send,
    Turn,
)

__all__ = ["TranslationSession"]

FRAME_MS = 200
MOST_WAITING = 64
"""How many turns may wait before no further event is read."""

TRANSLATIONS, TRANSCRIPTIONS = "/v1/audio/translations", "/v1/audio/transcriptions"

_DETECTION = {"type": "server_vad", "prefix_padding_ms": 300, "silence_duration_ms": 500}
_RATE = bytes_per_second(PCM)

Actions = list[tuple[float, Action]]
Json = dict[str, Any]


class TranslationSession:
    """The state of one connection to /v1/realtime/translations."""

    def __init__(self, opening: Opening) -> None:
        self._rng = opening.rng
        self._new_id = make_ids(OPENAI, self._rng)
        self._id = self._new_id("sess")
        self._model = opening.query.get("model") or "gpt-realtime-translate"
        self._expires_at = seed.now(self._rng) + int(LIFETIME)
        self._input: Json = {"noise_reduction": None, "transcription": None}
        self._output: Json = {"language": "en"}
        self._buffer = AudioBuffer()
        self._audio_size = 0  # bytes since the start of the session
        self._waiting: deque[Turn] = deque()
        self._running: Turn | None = None
        self._messages: deque[tuple[float, Any]] = deque()
        self._end: End = "finish"
        self._is_closing = False

    @property
    def is_full(self) -> bool:
        """Whether to read no further client event for now."""
        return len(self._waiting) >= MOST_WAITING

    def feed(self, happening: Happening) -> Actions:
        """Return what to do, and after how many seconds."""
        match happening:
            case Opened():
                created = self._send("session.created", session=self._show())
                return [*created, (LIFETIME, Expired())]
            case Received(message):
                return self._receive(message)
            case Answered(turn, script):
                return self._begin(turn, script)
            case Due(turn):
                return self._continue(turn)
            case Ended(turn):
                self._running = None
                return self._start()
            case Expired():
                return [*self._refuse(errors.EXPIRED, None), (0.0, Close(1001))]

    def _send(self, type: str, turn: Turn | None = None, **members: Any) -> Actions:
        event = {"type": type, "event_id": self._new_id("event"), **members}
        return [(0.0, Send(msgspec.json.encode(event).decode(), turn))]

    def _refuse(self, error: ApiError, event_id: object) -> Actions:
        return self._send("error", error=errors.describe(error, event_id))

    def _show(self) -> Json:
        return {
            "id": self._id,
            "type": "translation",
            "model": self._model,
            "expires_at": self._expires_at,
            "audio": {"input": dict(self._input), "output": dict(self._output)},
        }

    # Client events

    def _receive(self, message: str | bytes) -> Actions:
        """Return what to do about a message of the client."""
        event = decode_object(message) if isinstance(message, str) else None
        if event is None:
            return self._refuse(api_errors.invalid_json(), None)
        handler = _HANDLERS.get(str(event.get("type")))
        if self._is_closing:
            return []
        try:
            if handler is None:
                raise ValueError(errors.unknown_type(event.get("type"), list(_HANDLERS)))
            return handler(self, event)
        except ValueError as problem:
            if not problem.args or not isinstance(problem.args[0], ApiError):
                raise
            return self._refuse(problem.args[0], event.get("event_id"))

    def _update(self, event: Json) -> Actions:
        session = event.get("session")
        if not isinstance(session, Mapping):
            raise ValueError(_invalid("session", "Expected an object."))
        for name in ("type", "model"):
            if name in session and session[name] != self._show()[name]:
                raise ValueError(_invalid(f"session.{name}", "It cannot be changed."))
        audio = _read_object(session, "audio", "session.audio")
        changes = _read_object(audio, "input", "session.audio.input")
        output = _read_object(audio, "output", "session.audio.output")
        self._input |= {k: v for k, v in changes.items() if k in self._input}
        if isinstance(output.get("language"), str):
            self._output["language"] = output["language"]
        return self._send("session.updated", session=self._show())

    def _append(self, event: Json) -> Actions:
        data = self._buffer.read(event)
        self._audio_size += len(data)
        for edge in self._buffer.append(data, PCM, _DETECTION):
            if edge.kind == "stopped":
                self._add_speech(edge.audio)
        return self._start()

    def _close(self, event: Json) -> Actions:
        """Translate what is pending, and close."""
        self._is_closing = True
        if self._buffer.is_speech:
            self._add_speech(self._buffer.data)
        return self._start()

    # Turns

    def _add_speech(self, audio: bytes) -> None:
        """Add the turns that translate and transcribe what the user has said."""
        elapsed_ms = 1000 * self._audio_size // _RATE
        if isinstance(transcription := self._input["transcription"], Mapping):
            model = str(transcription.get("model") or "whisper-1")
            turn = self._make_turn(TRANSCRIPTIONS, model, audio)
            turn.endpoint = Endpoint(
                path=TRANSCRIPTIONS, answer=partial(self._answer, audio, elapsed_ms)
            )
            turn.render = partial(self._render_transcript, elapsed_ms)
            self._waiting.append(turn)
        turn = self._make_turn(TRANSLATIONS, self._model, audio)
        render = partial(self._render_translation, elapsed_ms)
        turn.endpoint = Endpoint(path=TRANSLATIONS, render=render)
        self._waiting.append(turn)

    def _make_turn(self, path: str, model: str, audio: bytes) -> Turn:
        body: Json = {"model": model, "seconds": round(len(audio) / _RATE, 3)}
        if path == TRANSLATIONS:
            body["language"] = self._output["language"]
        return Turn(msgspec.json.encode(body), path=path)

    def _start(self) -> Actions:
        """Ask the next turn if none runs; the last one of a closing session ends it."""
        if self._running is not None:
            return []
        if self._waiting:
            self._running = self._waiting.popleft()
            return [(0.0, Ask(self._running))]
        if self._is_closing:
            return [*self._send("session.closed"), (0.0, Close())]
        return []

    def _begin(self, turn: Turn, script: Script) -> Actions:
        """Begin to send what the mock has answered."""
        if script.head.status != 200:
            error = {"event_id": None, "param": None, "code": None} | read_error(script)
            return [*self._send("error", turn, error=error), (0.0, Ended(turn))]
        self._messages, self._end = deque(list_data(script)), script.end
        return [(self._messages[0][0] if self._messages else 0.0, Due(turn))]

    def _continue(self, turn: Turn) -> Actions:
        """Send the messages that are due, and return when the next ones are."""
        actions: Actions = []
        now = self._messages[0][0] if self._messages else 0.0
        while self._messages and self._messages[0][0] <= now:
            actions.append((0.0, make_action(self._messages.popleft()[1], turn)))
        if self._messages:
            return [*actions, (self._messages[0][0] - now, Due(turn))]
        return actions + end_turn(turn, self._end)

    # What the answers are made of

    def _answer(
        self, audio: bytes, elapsed_ms: int, request: EndpointRequest, store: Store, rng: Random
    ) -> Script:
        """Return the transcript of speech that no rule answers."""
        reply = Reply(generate_transcript(audio, len(audio) / _RATE))
        return self._render(reply, list(self._list_transcript(reply, elapsed_ms))).script

    def _render_transcript(
        self, elapsed_ms: int, reply: Reply | ApiError, context: Context
    ) -> Rendered:
        return self._render(reply, list(self._list_transcript(reply, elapsed_ms)))

    def _render_translation(
        self, elapsed_ms: int, reply: Reply | ApiError, context: Context
    ) -> Rendered:
        return self._render(reply, list(self._list_translation(reply, elapsed_ms)))

    def _render(self, reply: Reply | ApiError, events: list[Json]) -> Rendered:
        if isinstance(reply, ApiError):
            error = {"type": reply.type, "code": reply.code or None, "message": reply.message}
            events = [{"type": "error", "error": error | {"param": reply.param}}]
        shown = [{"type": one["type"], "event_id": self._new_id("event"), **one} for one in events]
        data = [msgspec.json.encode(event).decode() for event in shown]
        return Rendered(Script(Head(), tuple(map(Event, data))))

    def _list_transcript(self, reply: Reply | ApiError, elapsed_ms: int) -> Iterator[Json]:
        for piece in _read_pieces(reply):
            yield {
                "type": "session.input_transcript.delta",
                "delta": piece,
                "elapsed_ms": _round_down(elapsed_ms),
            }

    def _list_translation(self, reply: Reply | ApiError, elapsed_ms: int) -> Iterator[Json]:
        """Yield each piece of the text, followed by its audio in frames of 200 ms."""
        pieces = _read_pieces(reply)
        text = "".join(pieces)
        audio = encode_speech(text, PCM, "alloy", 1.0) if text else b""
        size = _RATE * FRAME_MS // 1000
        sent = written = 0
        for piece in pieces:
            yield {
                "type": "session.output_transcript.delta",
                "delta": piece,
                "elapsed_ms": _round_down(elapsed_ms + 1000 * sent // _RATE),
            }
            written += len(piece)
            until = len(audio) * written // len(text)
            while sent < len(audio) and (sent + size <= until or written == len(text)):
                yield {
                    "type": "session.output_audio.delta",
                    "delta": base64.b64encode(audio[sent : sent + size]).decode(),
                    "format": "pcm16",
                    "sample_rate": _RATE // 2,
                    "channels": 1,
                    "elapsed_ms": _round_down(elapsed_ms + 1000 * sent // _RATE),
                }
                sent += size


def _read_pieces(reply: Reply | ApiError) -> list[str]:
    """Return the pieces of a translation. Raises ReplyError if the reply has no text."""
    if isinstance(reply, ApiError):
        return []
    if reply.text is None:
        raise ReplyError("a translation is text; this reply has none")
    return [piece for piece in reply.text.pieces if piece]


def _round_down(ms: int) -> int:
    return ms // FRAME_MS * FRAME_MS


def _invalid(param: str, problem: str) -> ApiError:
    return ApiError(400, f"Invalid '{param}'. {problem}", code="invalid_value", param=param)


def _read_object(value: Mapping[str, Any], name: str, param: str) -> Mapping[str, Any]:
    found = value.get(name)
    if found is None:
        return {}
    if not isinstance(found, Mapping):
        raise ValueError(_invalid(param, "Expected an object."))
    return found


_HANDLERS = {
    "session.update": TranslationSession._update,
    "session.input_audio_buffer.append": TranslationSession._append,
    "session.close": TranslationSession._close,
}
