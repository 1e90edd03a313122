"""A Live session: speech in, speech out, and work that the model delegates.

Rules of this file: no I/O. A client event is answered as the SDK's types describe it; errors say
which event they are about. How any session works is explained at the top of
`openai_mockserver.sessions.session`.

Theory of operation. The client starts the session, and sends audio. When the user pauses, a first
turn asks the mock what has been said, and a second one what the model answers. Its reply is spoken,
as transcript and audio in the order of their time; a reply with tool calls delegates, and what then
happens depends on who works on it. A user who speaks while the model does interrupts it.

    feed(Received('{"type": "session.start" ...'))     -> [(0.0, Send('... "session.started" ...'))]
    feed(Received('{"type": "session.input_audio.append" ...'))    -> [(0.0, Ask(hearing))]
    feed(Answered(hearing, script))    -> [(0.0, Due(hearing))]
    feed(Due(hearing))                 -> [(0.0, Send('... "session.input_transcript.delta" ...')),
                                           (0.0, Ended(hearing)), (0.0, Ask(speech))]
    feed(Answered(speech, script))     -> [(0.4, Due(speech))]
    feed(Due(speech))                  -> [(0.0, Send('... "session.delegation.created" ...')),
                                           (0.0, Ended(speech))]
    feed(Received('{"type": "session.commentary.append" ...'))     -> [..., (0.0, Ask(speech))]

Four kinds of turns are played: `Hearing`, `Speech`, `Work` of the Responses backend, and the
`Evaluation` of decisions. Only one `Speech` is played at a time; the others wait in a queue.
A sideband is a session of its own, with the id and the configuration of the one it is attached to.
"""

from __future__ import annotations

import base64
from collections import deque
from collections.abc import Callable, Mapping
from typing import Literal

import msgspec.json

from openai_mockserver import seed, tokens
from openai_mockserver.api import errors as api_errors
from openai_mockserver.api.live.config import (
    Config,
    fork_config,
    make_session_id,
    show_session,
    start_config,
    update_config,
)
from openai_mockserver.api.live.events import (
    DELEGATED,
    FRAME_MS,
    HEARD,
    SOUND,
    SPOKEN,
    new_ids,
    round_down,
)
from openai_mockserver.api.live.sessions import LIFETIME, LiveRecord, is_over, keep_record
from openai_mockserver.api.realtime.sound import bytes_per_second, read_as_pcm
from openai_mockserver.reply import ApiError
from openai_mockserver.sessions.live import errors
from openai_mockserver.sessions.live.decisions import Decisions
from openai_mockserver.sessions.live.delegation import Backend, make_message
from openai_mockserver.sessions.live.events import check_event
from openai_mockserver.sessions.live.fixture import Fixture, read_fixture
from openai_mockserver.sessions.live.hearing import Ear, Edge
from openai_mockserver.sessions.live.playing import Hearing, Speech
from openai_mockserver.sessions.live.stage import Actions, Json, Role, Stage
from openai_mockserver.sessions.live.state import LiveState
from openai_mockserver.sessions.live.turns import make_hearing_turn, make_speech_turn
from openai_mockserver.sessions.live.wire import Wire
from openai_mockserver.sessions.messages import decode_object
from openai_mockserver.sessions.realtime.speech import MOST_BUFFERED
from openai_mockserver.sessions.session import (
    Answered,
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

__all__ = ["LiveSession"]

MOST_WAITING = 64
"""How many turns may run or wait before no further event is read."""

WATCH_SECONDS = 0.5
"""How often a session looks whether a request has hung it up, if nothing else happens."""

MOST_TOKENS = 500
"""The length of an appended text (types/live/instructions_append_event.py)."""

_KEYS = frozenset("0123456789ABCD*#")

Kind = Literal["primary", "fork", "sideband"]


class LiveSession:
    """The state of one connection to a Live session.

    Args:
        opening: the request that opens it.
        kind: whether it starts a session, forks one or is attached to one.
        id: the id of the session that it forks or is attached to.
        record: what is known of that session.
    """

    def __init__(
        self,
        opening: Opening,
        kind: Kind = "primary",
        id: str = "",
        record: LiveRecord | None = None,
    ) -> None:
        self._rng, self._store = opening.rng, opening.store
        self._wire = Wire(new_ids(opening.rng))
        self._kind, self._id, self._record = kind, id, record
        self._is_started = self._is_closed = False
        self._watch = Turn(b"")  # a timer, which nobody answers
        self._sound: deque[bytes] = deque()
        self._sound_size = 0
        self._fixture: Fixture | None = None
        self._speaking: Turn | None = None
        self._queue: deque[Callable[[], Turn]] = deque()  # what the model says next
        self._state = LiveState(kind == "sideband")
        self._stage = Stage()
        self._stage.add_role(Hearing, Role(self._say_heard, self._finish_hearing, self._wire.fail))
        self._stage.add_role(Speech, Role(self._say_speech, self._finish_speech, self._wire.fail))
        self._backend = Backend(self._state, self._stage, self._wire, self._speak)
        self._decisions = Decisions(self._state, self._stage, self._wire)

    @property
    def is_full(self) -> bool:
        """Whether to read no further client event for now."""
        return len(self._stage) + len(self._queue) >= MOST_WAITING

    def feed(self, happening: Happening) -> Actions:
        """Return what to do, and after how many seconds."""
        if self._is_closed:
            return []
        if self._is_started and is_over(self._store, self._id):
            return self._close("close_requested")
        match happening:
            case Opened():
                return self._open()
            case Received(message):
                return self._receive(message)
            case Answered(turn, script):
                return self._stage.begin(turn, script)
            case Due(turn):
                if turn is self._watch:
                    return [(WATCH_SECONDS, Due(self._watch))]
                if self._fixture is not None and turn is self._fixture.timer:
                    return self._play_fixture(self._fixture)
                return self._stage.go_on(turn)
            case Ended():
                return []
            case Expired():
                return self._close("expired") if self._is_started else [(0.0, Close(1001))]

    # The session

    def _open(self) -> Actions:
        actions: Actions = [(LIFETIME, Expired())]
        if self._kind != "sideband":
            return actions
        assert self._record is not None
        started = self._start_with(dict(self._record.config), self._record.transport, None)
        if (client := self._state.config.get("client")) is not None:
            message = f"Permissions of the data channel: {msgspec.json.encode(client).decode()}"
            started += self._wire.send("info", code="data_channel_permissions", message=message)
        return [*started, *actions]

    def _start(self, event: Json) -> Actions:
        if self._kind == "fork":
            assert self._record is not None
            config = fork_config(dict(self._record.config), event["session"], True)
        else:
            config = start_config(event["session"])
        self._id = make_session_id(self._rng)
        return self._start_with(config, "websocket", event)

    def _start_with(self, config: Config, transport: str, event: Json | None) -> Actions:
        """Start with a configuration, after what has been said before."""
        if self._record is not None and self._record.items:
            items = list(self._record.items)
        else:
            texts = ((one["role"], one["content"][0]["text"]) for one in config.get("input") or ())
            items = [make_message(role, text) for role, text in texts]
        expires_at = seed.now(self._rng) + int(LIFETIME)
        if self._kind == "sideband" and self._record is not None:
            expires_at = self._record.expires_at
        self._state.config, self._state.items = config, items
        self._state.ear = Ear(self._state.format)
        self._backend.items += items
        self._is_started = True
        self._record = LiveRecord(config, transport, expires_at)
        self._keep()
        started = self._wire.send("session.started", event, session=self._show())
        return [*started, (WATCH_SECONDS, Due(self._watch))]

    def _keep(self) -> None:
        """Remember the session, for those that fork it or are attached to it."""
        assert self._record is not None
        self._record = LiveRecord(
            self._state.config,
            self._record.transport,
            self._record.expires_at,
            self._state.items,
            tuple(self._sound) if self._store.is_shared else self._sound,
        )
        keep_record(self._store, self._id, self._record)

    def _show(self) -> Json:
        assert self._record is not None
        return show_session(self._state.config, self._id, self._record.expires_at)

    def _count_usage(self) -> Json:
        return {"seconds": int(self._state.ear.ms / 1000)}

    def _update(self, event: Json) -> Actions:
        self._state.config = update_config(self._state.config, event["session"])
        self._keep()
        return self._wire.send("session.updated", event, session=self._show())

    def _request_close(self, event: Json) -> Actions:
        return self._close("close_requested", event)

    def _close(self, reason: str, event: Json | None = None) -> Actions:
        """End all turns, and the session."""
        actions = self._stage.drop_all()
        members: Json = {"session": self._show(), "usage": self._count_usage()}
        actions += self._wire.send("session.closed", event, reason=reason, **members)
        self._is_closed = True
        return [*actions, (0.0, Close())]

    def _receive(self, message: str | bytes) -> Actions:
        """Return what to do about a message of the client."""
        event = decode_object(message) if isinstance(message, str) else None
        if event is None:
            return self._wire.refuse(api_errors.invalid_json())
        try:
            check_event(event, self._state.is_sideband, self._is_started)
            return _HANDLERS[event["type"]](self, event)
        except ValueError as problem:
            if not problem.args or not isinstance(problem.args[0], ApiError):
                raise
            return self._wire.refuse(problem.args[0], event)

    # What the user says

    def _append_audio(self, event: Json) -> Actions:
        edges = list(self._state.ear.append(event)) if self._fixture is None else []
        actions: Actions = []
        for edge in edges:
            actions += self._stop_speaking() if edge.kind == "started" else self._hear(edge)
        return actions

    def _hear(self, edge: Edge) -> Actions:
        """Ask what the user has said."""
        self._record_sound(edge.audio)
        return self._stage.play(make_hearing_turn(self._state.config["model"], edge), Hearing())

    def _record_sound(self, data: bytes) -> None:
        """Keep what is heard in a session that is stored, and forget the oldest."""
        if self._state.config.get("store"):
            self._sound.append(read_as_pcm(data, self._state.format))
            self._sound_size += len(self._sound[-1])
            while self._sound_size > MOST_BUFFERED:
                self._sound_size -= len(self._sound.popleft())

    def _mute(self, event: Json) -> Actions:
        self._state.ear.is_muted = True
        return self._wire.send("session.input_audio.muted", event)

    def _unmute(self, event: Json) -> Actions:
        self._state.ear.is_muted = False
        return self._wire.send("session.input_audio.unmuted", event)

    def _say_heard(self, turn: Turn, hearing: Hearing, event: Json) -> tuple[list[Json], Actions]:
        if event.get("type") != HEARD:
            return [event], []
        hearing.text += str(event.get("delta"))
        return [event], self._decisions.fire(event, make_message("user", hearing.text.strip()))

    def _finish_hearing(self, hearing: Hearing) -> Actions:
        """Let the model answer."""
        if text := hearing.text.strip():
            self._add_item(make_message("user", text))
        return self._speak()

    def _add_item(self, item: Json) -> None:
        self._state.items.append(item)
        self._backend.items.append(item)
        if self._store.is_shared and not is_over(self._store, self._id):
            self._keep()  # other processes have a copy

    # What the model says

    def _speak(self, commentary: str | None = None) -> Actions:
        """Let the model say something, as soon as it says nothing else.

        Args:
            commentary: what it has been told to say; None if it answers.
        """

        def make_turn() -> Turn:
            state = self._state
            return make_speech_turn(state.config, state.items, state.is_sideband, commentary)

        self._queue.append(make_turn)
        return self._speak_next()

    def _speak_next(self) -> Actions:
        if self._speaking is not None or self._fixture is not None or not self._queue:
            return []
        self._speaking = self._queue.popleft()()
        return self._stage.play(self._speaking, Speech())

    def _stop_speaking(self) -> Actions:
        """Interrupt the model."""
        if self._speaking is None:
            return []
        turn, self._speaking = self._speaking, None
        speech = self._stage.find(turn)
        if isinstance(speech, Speech):
            self._note_speech(speech)
        return self._stage.drop(turn)

    def _note_speech(self, speech: Speech) -> None:
        if speech.text:
            self._add_item(make_message("assistant", speech.text))

    def _say_speech(self, turn: Turn, speech: Speech, event: Json) -> tuple[list[Json], Actions]:
        ear = self._state.ear
        if speech.base_ms is None:
            speech.base_ms = round_down(ear.ms)
        times = ((name, event.get(name)) for name in ("start_ms", "end_ms", "offset_ms"))
        event |= {name: speech.base_ms + ms for name, ms in times if isinstance(ms, int)}
        type, delta = event.get("type"), str(event.get("delta"))
        if type == DELEGATED:
            return self._delegate(event)
        if type == SPOKEN:
            speech.text += delta
            ear.advance(event["end_ms"] if isinstance(event.get("end_ms"), int) else 0.0)
            return [event], self._decisions.fire(event, make_message("assistant", speech.text))
        if type == SOUND:
            speech.sound += len(delta) * 3 // 4
            seconds = speech.sound / bytes_per_second(self._state.format)
            ear.advance(speech.base_ms + 1000 * seconds)
            self._record_sound(_decode_base64(delta))
        return [event], []

    def _finish_speech(self, speech: Speech) -> Actions:
        self._note_speech(speech)
        self._speaking = None
        actions = self._wire.send("session.usage.updated", usage=self._count_usage())
        return actions + self._speak_next()

    def _delegate(self, event: Json) -> tuple[list[Json], Actions]:
        """Note that the model delegates, and let work on it whoever does."""
        delegation, target = event.get("delegation"), self._state.target
        id = delegation.get("id") if isinstance(delegation, Mapping) else None
        if not isinstance(id, str):  # a fault has damaged it
            return [event], []
        if target == "responses":
            return [], self._backend.work(id)  # whose first event has the response's id
        if target == "decisions":
            return [event], self._decisions.delegate(id)
        self._state.delegations.add(id)
        return [event], []

    # What the client adds

    def _append_text(self, event: Json) -> Actions:
        """Add instructions, thoughts or commentary."""
        type, content, id = str(event["type"]), event["content"], event["delegation_id"]
        if self._fixture is not None:
            raise ValueError(errors.fixture_is_active(type))
        if not isinstance(content, str):
            raise ValueError(errors.wrong_type("content", "a string"))
        if not content.strip():
            raise ValueError(errors.invalid_value("content", "Expected a text."))
        if (count := tokens.count(content)) > MOST_TOKENS:
            raise ValueError(errors.too_many_tokens(count, MOST_TOKENS))
        if id is not None and not (isinstance(id, str) and id in self._state.delegations):
            raise ValueError(errors.unknown_delegation(id))
        start_ms = self._state.frame_ms
        times = (start_ms, start_ms + FRAME_MS)
        actions = self._wire.send(f"{type}ed", event, start_ms=times[0], end_ms=times[1])
        if type == "session.commentary.append":
            return actions + self._speak(content)
        self._add_item(make_message("developer", content))
        return actions

    def _start_fixture(self, event: Json) -> Actions:
        if self._fixture is not None:
            raise ValueError(errors.fixture_is_active(str(event["type"])))
        data = read_fixture(event)
        actions = self._stop_speaking()
        self._fixture = Fixture(data, event.get("event_id"))
        actions += self._wire.send("session.output_audio.fixture.playing", event)
        return actions + self._play_fixture(self._fixture)

    def _play_fixture(self, fixture: Fixture) -> Actions:
        """Send the next piece of a fixture; after the last one, the model goes on."""
        piece = fixture.take_piece(self._state.format)
        if piece is None:
            self._fixture = None
            source = {"event_id": fixture.event_id}
            played = self._wire.send("session.output_audio.fixture.played", source)
            return played + self._speak_next()
        data, seconds = piece
        ear = self._state.ear
        delta: Json = {"type": SOUND, "delta": base64.b64encode(data).decode()}
        if self._state.is_sideband:
            delta |= {"start_ms": int(ear.ms), "end_ms": int(ear.ms + 1000 * seconds)}
        ear.advance(ear.ms + 1000 * seconds)
        self._record_sound(data)
        sent = Send(msgspec.json.encode(delta).decode())
        return [(0.0, sent), (seconds, Due(fixture.timer))]

    def _send_key(self, event: Json) -> Actions:
        assert self._record is not None
        if self._record.transport != "sip":
            raise ValueError(errors.no_sip())
        key = event["event"]
        if not isinstance(key, str) or key not in _KEYS:
            raise ValueError(errors.invalid_value("event", "Expected one of 0-9, A-D, * and #."))
        return self._wire.send("transport.dtmf.sent", event, event=key)

    def _handle_backend(self, event: Json) -> Actions:
        handlers = {
            "response.item.create": self._backend.create_item,
            "response.create": self._backend.create_response,
        }
        return handlers[event["type"]](event)

    def _handle_decision(self, event: Json) -> Actions:
        handlers = {
            "decision.create": self._decisions.create,
            "decision.item.create": self._decisions.create_item,
            "decision.item.delete": self._decisions.delete_item,
        }
        return handlers[event["type"]](event)


def _decode_base64(text: str) -> bytes:
    """Return what a text encodes; a fault may have damaged it."""
    try:
        return base64.b64decode(text)
    except ValueError:
        return b""


_HANDLERS: Mapping[str, Callable[[LiveSession, Json], Actions]] = {
    "session.start": LiveSession._start,
    "session.update": LiveSession._update,
    "session.input_audio.append": LiveSession._append_audio,
    "session.input_audio.mute": LiveSession._mute,
    "session.input_audio.unmute": LiveSession._unmute,
    "session.output_audio.fixture.play": LiveSession._start_fixture,
    "session.instructions.append": LiveSession._append_text,
    "session.thinking.append": LiveSession._append_text,
    "session.commentary.append": LiveSession._append_text,
    "decision.create": LiveSession._handle_decision,
    "decision.item.create": LiveSession._handle_decision,
    "decision.item.delete": LiveSession._handle_decision,
    "response.item.create": LiveSession._handle_backend,
    "response.create": LiveSession._handle_backend,
    "transport.dtmf.send": LiveSession._send_key,
    "session.close": LiveSession._request_close,
}
"""What to do about each client event, by its type."""
