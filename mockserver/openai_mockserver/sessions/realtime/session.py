"""A session of the Realtime API.

Rules of this file: a client event is answered as OpenAI's server does; errors have OpenAI's codes.
How any session works is explained at the top of `openai_mockserver.sessions.session`.

Theory of operation. The session keeps a configuration, a conversation and a buffer of audio, which
client events change at once. A response asks the mock: the conversation becomes the ``input`` of a
request, so that rules match it as any other, and an endpoint made for this one response turns the
rule's reply into events. Their times, pauses and faults are those of the script. The session sends
each when it is `Due`, and reads along in a `Progress`. So it knows at each moment what of the
response the client has, and can end it early, as when the user interrupts:

    feed(Received('{"type": "response.create"}'))  -> [(0.0, Ask(turn))]
    feed(Answered(turn, script))                   -> [(0.4, Due(turn))]
    feed(Due(turn))                                -> [(0.0, Send('{"type":"response.created"...')),
                                                       (0.1, Due(turn))]
    feed(Received('{"type": "response.cancel"}'))  -> [(0.0, Send('{"type":"response.done"...')),
                                                       (0.0, Ended(turn))]
    feed(Due(turn))                                -> []

Speech takes one more step. When the user has stopped, the session first asks what has been said, if
transcripts are configured, and then what the model answers, so that rules can match the words. The
client gets the transcript after ``response.created``, as recorded.
"""

from __future__ import annotations

import base64
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import msgspec.json

from openai_mockserver import seed
from openai_mockserver.api import errors as api_errors
from openai_mockserver.api.endpoint import Endpoint
from openai_mockserver.api.realtime.config import (
    LIFETIME,
    find_turn_detection,
    is_newer,
    make_config,
    read_options,
    show_session,
    update_config,
)
from openai_mockserver.api.realtime.events import (
    ResponsePlan,
    make_ids,
    present_event,
)
from openai_mockserver.api.realtime.renderer import compose
from openai_mockserver.api.realtime.sound import bytes_per_second
from openai_mockserver.dialects.realtime import BETA, OPENAI, RealtimeFormat
from openai_mockserver.reply import ApiError
from openai_mockserver.script import End, Script, SocketClose, SocketMute
from openai_mockserver.sessions.messages import (
    Message,
    decode_object,
    end_turn,
    list_data,
    make_action,
    read_error,
)
from openai_mockserver.sessions.realtime import errors
from openai_mockserver.sessions.realtime.conversation import (
    Conversation,
    list_call_ids,
    read_item,
    write_input,
)
from openai_mockserver.sessions.realtime.progress import Progress
from openai_mockserver.sessions.realtime.speech import MOST_BUFFERED, AudioBuffer, Edge
from openai_mockserver.sessions.realtime.transcripts import COMPLETED, make_transcript_turn
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

__all__ = ["RealtimeSession"]

Actions = list[tuple[float, Action]]
Json = dict[str, Any]

MOST_WAITING = 64
"""How many turns may run before no further event is read. OpenAI's own limit is not known."""

PATH = "/v1/realtime"


@dataclass(slots=True)
class _Playing:
    """A turn that is being answered.

    Args:
        progress: how far the response has come; None for a transcript.
        plan: the response; None for a transcript.
        item: the item whose transcript it is.
        wants_response: whether the model answers after the transcript.
        messages: what is to be sent, with the seconds after the start.
        end: how the connection goes on after that.
        is_answered: whether the mock has answered it.
        has_ended: whether its last message has been sent.
    """

    progress: Progress | None = None
    plan: ResponsePlan | None = None
    item: Json | None = None
    wants_response: bool = False
    messages: deque[tuple[float, Message]] = field(default_factory=deque)
    end: End = "finish"
    is_answered: bool = False
    has_ended: bool = False


def choose_format(opening: Opening) -> RealtimeFormat:
    """Return the format of a session: that of its dialect, or OpenAI's of today or of its beta."""
    if opening.dialect is not None and opening.dialect.realtime is not None:
        return opening.dialect.realtime
    offers = opening.headers.get("sec-websocket-protocol", "")
    is_beta = "realtime=v1" in opening.headers.get("openai-beta", "")
    return BETA if is_beta or "openai-beta.realtime-v1" in offers else OPENAI


class RealtimeSession:
    """The state of one connection to /v1/realtime.

    Args:
        opening: the request that opens it.
        config: what the session begins with, as far as it differs from the defaults.
    """

    def __init__(self, opening: Opening, config: Mapping[str, Any] | None = None) -> None:
        self._form = choose_format(opening)
        self._rng = opening.rng
        self._new_id = make_ids(self._form, self._rng)
        names = (opening.model, opening.query.get("model"), opening.query.get("deployment"))
        model = next(filter(None, names), "gpt-realtime")
        kind = "realtime"
        if opening.query.get("intent") == "transcription":
            kind = "transcription"
        if config is not None:
            kind, model = config.get("type", kind), config.get("model") or model
        self._config = make_config(model, self._form, kind)
        if config is not None:
            self._config |= config
        self._id = self._new_id("sess")
        self._expires_at = seed.now(self._rng) + int(LIFETIME)
        self._conversation = Conversation(self._new_id("conv"))
        self._buffer = AudioBuffer()
        self._speech_id: str | None = None
        self._sounds: dict[str, bytes] = {}
        self._seconds: dict[str, float] = {}
        self._playing: dict[Turn, _Playing] = {}
        self._main: Turn | None = None  # the response of the conversation
        self._held: list[Turn] = []  # transcripts that follow the start of a response

    @property
    def is_full(self) -> bool:
        """Whether to read no further client event for now."""
        return len(self._playing) >= MOST_WAITING

    def feed(self, happening: Happening) -> Actions:
        """Return what to do, and after how many seconds."""
        match happening:
            case Opened():
                return self._open()
            case Received(message):
                return self._receive(message)
            case Answered(turn, script):
                return self._begin(turn, script)
            case Due(turn):
                return self._continue(turn)
            case Ended():
                return []
            case Expired():
                return [*self._refuse(errors.EXPIRED, None), (0.0, Close(1001))]

    # Messages

    def _send(self, type: str, turn: Turn | None = None, **members: Any) -> Actions:
        """Return how to send an event; nothing if the provider does not send it."""
        event = present_event({"type": type, **members}, self._form, self._new_id("event"))
        if event is None:
            return []
        return [(0.0, Send(msgspec.json.encode(event).decode(), turn))]

    def _refuse(self, error: ApiError, event_id: object) -> Actions:
        return self._send("error", error=errors.describe(error, event_id))

    def _open(self) -> Actions:
        actions = self._send("session.created", session=self._show(is_new=True))
        if self._form.has_conversation:
            conversation = {"id": self._conversation.id, "object": "realtime.conversation"}
            actions += self._send("conversation.created", conversation=conversation)
            actions += self._send("ping", timestamp=1000 * seed.now(self._rng))
        return [*actions, (LIFETIME, Expired())]

    def _show(self, is_new: bool = False) -> Json:
        return show_session(self._config, self._id, self._expires_at, self._form, is_new)

    # Client events

    def _receive(self, message: str | bytes) -> Actions:
        """Return what to do about a message of the client."""
        event = decode_object(message) if isinstance(message, str) else None
        if event is None:
            return self._refuse(api_errors.invalid_json(), None)
        handler = _HANDLERS.get(str(event.get("type")))
        try:
            if handler is None:
                raise ValueError(errors.unknown_type(event.get("type"), list(_HANDLERS)))
            return handler(self, event)
        except ValueError as problem:
            if not problem.args or not isinstance(problem.args[0], ApiError):
                raise
            return self._refuse(problem.args[0], event.get("event_id"))

    def _update_session(self, event: Json) -> Actions:
        changes = event.get("session")
        if not isinstance(changes, Mapping):
            text = "Missing required parameter: 'session'."
            code = "missing_required_parameter"
            raise ValueError(ApiError(400, text, code=code, param="session"))
        self._config = update_config(self._config, changes, self._form)
        return self._send("session.updated", session=self._show())

    # Items

    def _find(self, event: Json, action: str) -> Json:
        item = self._conversation.find(event.get("item_id"))
        if item is None:
            raise ValueError(errors.missing_item(action, event.get("item_id")))
        return item

    def _create_item(self, event: Json) -> Actions:
        item = read_item(event.get("item"), self._form)
        if item.get("id") is None:
            item = {"id": self._new_id("item"), **{k: v for k, v in item.items() if k != "id"}}
        if self._conversation.find(item["id"]) is not None:
            raise ValueError(errors.taken_id(item["id"]))
        after = event.get("previous_item_id")
        if after not in (None, "root") and self._conversation.find(after) is None:
            raise ValueError(errors.missing_item("create", after))
        known_calls = list_call_ids(self._conversation.items)
        if item["type"] == "function_call_output" and item["call_id"] not in known_calls:
            raise ValueError(errors.unknown_call(item["call_id"]))
        return self._add(item, after)

    def _add(self, item: Json, after: str | None = None) -> Actions:
        """Add a complete item to the conversation."""
        previous = self._conversation.add(item, after)
        members: Json = {"previous_item_id": previous, "item": item}
        actions = self._send("conversation.item.added", **members)
        return actions + self._send("conversation.item.done", **members)

    def _truncate_item(self, event: Json) -> Actions:
        item = self._find(event, "truncate")
        index, end = event.get("content_index", 0), event.get("audio_end_ms")
        if item.get("role") != "assistant":
            text = "Only messages of the assistant can be truncated."
            raise ValueError(ApiError(400, text, code="item_truncate_invalid_item_id"))
        length = int(1000 * self._seconds.get(item["id"], 0.0))
        if not isinstance(end, int) or end < 0 or end > length:
            raise ValueError(errors.too_short(length, end))
        for part in item["content"]:
            if "transcript" in part:
                part["transcript"] = ""  # the user has not heard all of it
        members = {"item_id": item["id"], "content_index": index, "audio_end_ms": end}
        return self._send("conversation.item.truncated", **members)

    def _delete_item(self, event: Json) -> Actions:
        item = self._find(event, "delete")
        self._conversation.remove(item)
        self._sounds.pop(item["id"], None)
        return self._send("conversation.item.deleted", item_id=item["id"])

    def _retrieve_item(self, event: Json) -> Actions:
        item = self._find(event, "retrieve")
        sound = self._sounds.get(item["id"])
        if sound is not None:
            audio = {"audio": base64.b64encode(sound).decode()}
            content = [{**part, **audio} for part in item["content"]]
            item = {**item, "content": content}
        return self._send("conversation.item.retrieved", item=item)

    # Responses

    def _create_response(self, event: Json) -> Actions:
        if self._config["type"] != "realtime":
            raise ValueError(errors.no_responses())
        options = event.get("response") or {}
        if not isinstance(options, Mapping):
            text = "Invalid type for 'response': expected an object."
            raise ValueError(ApiError(400, text, code="invalid_type", param="response"))
        return self._ask(options)

    def _ask(self, options: Mapping[str, Any]) -> Actions:
        """Return how to begin a response."""
        is_apart = options.get("conversation") == "none"
        if not is_apart and self._main is not None:
            active = self._playing[self._main].plan
            raise ValueError(errors.response_is_active(active.id if active else ""))
        items = self._conversation.items
        if isinstance(options.get("input"), list):
            items = [self._read_input(value) for value in options["input"]]
        config = read_options(self._config, options, self._form)
        plan = ResponsePlan(
            self._form,
            self._new_id("resp"),
            None if is_apart else self._conversation.id,
            config,
            options.get("metadata"),
            len(self._conversation.items),
            self._conversation.last_id,
            sum(self._seconds.get(i.get("id", ""), 0.0) for i in items if i.get("role") == "user"),
            list_call_ids(items),
            is_newer(config["model"]),
        )
        body: Json = {
            "model": config["model"],
            "instructions": config["instructions"],
            "input": write_input(items),
            "tools": config["tools"],
            "tool_choice": config["tool_choice"],
            "output_modalities": config["output_modalities"],
            "stream": True,
        }
        if plan.metadata is not None:
            body["metadata"] = plan.metadata
        render = partial(compose, plan=plan)
        turn = Turn(msgspec.json.encode(body), endpoint=Endpoint(path=PATH, render=render))
        self._playing[turn] = _Playing(Progress(plan), plan)
        if not is_apart:
            self._main = turn
        return [(0.0, Ask(turn))]

    def _read_input(self, value: object) -> Json:
        """Return an item of a response's own input, which may refer to the conversation."""
        if isinstance(value, Mapping) and value.get("type") == "item_reference":
            item = self._conversation.find(value.get("id"))
            if item is None:
                raise ValueError(errors.missing_item("create", value.get("id")))
            return item
        return read_item(value, self._form, "response.input")

    def _cancel_response(self, event: Json) -> Actions:
        id = event.get("response_id")
        for turn, playing in self._playing.items():
            plan = playing.plan
            if plan is not None and (turn is self._main if id is None else plan.id == id):
                return self._cancel(turn, "client_cancelled")
        raise ValueError(errors.no_active_response())

    def _cancel(self, turn: Turn, reason: str) -> Actions:
        """Return how to end a response early."""
        playing = self._playing[turn]
        assert playing.progress is not None
        is_begun = playing.is_answered and not playing.has_ended
        shown_turn = turn if is_begun else None  # otherwise the turn has no call, or none any more
        actions: Actions = []
        for text in playing.progress.cancel(reason, self._new_id, self._rng):
            actions += self._say(turn, playing, text, shown_turn)
        actions += self._forget(turn)
        return [*actions, (0.0, Ended(turn))] if is_begun else actions

    # Answers

    def _begin(self, turn: Turn, script: Script) -> Actions:
        """Begin to send what the mock has answered."""
        playing = self._playing.get(turn)
        if playing is None:  # it was cancelled before
            return [(0.0, Ended(turn))]
        if script.head.status != 200:
            names = ("type", "code", "message", "param", "event_id")
            fields = {name: read_error(script).get(name) for name in names}
            actions = self._send("error", turn, error=fields) + self._forget(turn)
            return [*actions, (0.0, Ended(turn)), *self._respond(playing)]
        playing.is_answered = True
        playing.messages = deque(list_data(script))
        playing.end = script.end
        if playing.item is None:
            first = playing.messages[0][0] if playing.messages else 0.0
            return [(first, Due(turn))]
        return self._hear(turn, playing)

    def _hear(self, turn: Turn, playing: _Playing) -> Actions:
        """Note what the user has said, and let the model answer."""
        assert playing.item is not None
        for _, message in playing.messages:
            event = (decode_object(message) if isinstance(message, str) else None) or {}
            if event.get("type") == COMPLETED:
                playing.item["content"][0]["transcript"] = event.get("transcript")
        actions = self._respond(playing)
        if self._main is None or not playing.wants_response:
            return [(0.0, Due(turn)), *actions]
        self._held.append(turn)
        return actions

    def _respond(self, playing: _Playing) -> Actions:
        """Return how the model answers what the user has said, if it shall."""
        if not playing.wants_response:
            return []
        try:
            return self._ask({})
        except ValueError as problem:
            return self._refuse(problem.args[0], None)

    def _continue(self, turn: Turn) -> Actions:
        """Send the messages of a turn that are due, and return when the next ones are."""
        playing = self._playing.get(turn)
        if playing is None or playing.has_ended:
            return []
        actions: Actions = []
        now = playing.messages[0][0] if playing.messages else 0.0
        while playing.messages and playing.messages[0][0] <= now:
            _, message = playing.messages.popleft()
            actions += self._say(turn, playing, message, turn)
        if playing.messages:
            return [*actions, (playing.messages[0][0] - now, Due(turn))]
        return actions + self._finish(turn, playing)

    def _say(
        self, turn: Turn, playing: _Playing, message: Message, shown_turn: Turn | None
    ) -> Actions:
        """Send one message of a turn, and note what it changes.

        Args:
            turn: the turn.
            playing: how far it is.
            message: the message.
            shown_turn: the turn whose call has the message; None if it has no call now.
        """
        if isinstance(message, SocketClose | SocketMute):
            return [(0.0, make_action(message, shown_turn))]
        text = message if isinstance(message, str) else message.data
        event = decode_object(text)
        if playing.progress is None or playing.plan is None or event is None:
            return [(0.0, make_action(message, shown_turn))]
        type = playing.progress.read(event)
        item = playing.progress.open_item
        if type == "conversation.item.added" and item is not None:
            previous = self._conversation.add(item)
            if previous != event.get("previous_item_id") and self._form.has_call_links:
                # The client has added something since the model was asked.
                text = msgspec.json.encode({**event, "previous_item_id": previous}).decode()
        changed = text if isinstance(message, str) else replace(message, data=text)
        actions: Actions = [(0.0, make_action(changed, shown_turn))]
        if type == "response.created":
            held, self._held = self._held, []
            for one in held:
                actions += self._continue(one)
        if playing.progress.is_done:
            self._seconds |= playing.progress.seconds
            self._main = None if self._main is turn else self._main
        return actions

    def _finish(self, turn: Turn, playing: _Playing) -> Actions:
        """Return what follows the last message of a turn."""
        if playing.end == "hold":
            return []
        playing.has_ended = True
        if playing.progress is None or playing.progress.is_done:
            del self._playing[turn]
        return end_turn(turn, playing.end)

    def _forget(self, turn: Turn) -> Actions:
        """Remove a turn, and return how to send what was held back for it."""
        playing = self._playing.pop(turn)
        if playing.progress is not None:
            self._seconds |= playing.progress.seconds
        if self._main is not turn:
            return []
        self._main = None
        held, self._held = self._held, []
        return [(0.0, Due(one)) for one in held]

    # Audio

    def _append_audio(self, event: Json) -> Actions:
        data = self._buffer.read(event)
        detection = find_turn_detection(self._config, self._form)
        format = self._config["audio"]["input"]["format"]
        actions: Actions = []
        for edge in self._buffer.append(data, format, detection):
            actions += self._notice(edge, detection or {})
        return actions

    def _notice(self, edge: Edge, detection: Mapping[str, Any]) -> Actions:
        """Return what to do about the start or the end of speech."""
        if self._speech_id is None:
            self._speech_id = self._new_id("item")
        id = self._speech_id
        name = f"input_audio_buffer.speech_{edge.kind}"
        if edge.kind == "started":
            actions = self._send(name, audio_start_ms=edge.ms, item_id=id)
            if detection.get("interrupt_response") and self._main is not None:
                actions += self._cancel(self._main, "turn_detected")
            return actions
        actions = self._send(name, audio_end_ms=edge.ms, item_id=id)
        return actions + self._commit(edge.audio, bool(detection.get("create_response")))

    def _commit_audio(self, event: Json) -> Actions:
        format = self._config["audio"]["input"]["format"]
        data = self._buffer.data
        if (ms := 1000 * len(data) / bytes_per_second(format)) < 100:
            raise ValueError(errors.buffer_too_small(ms))
        self._buffer.clear(format)
        return self._commit(data, False)

    def _keep_sound(self, id: str, data: bytes) -> None:
        """Keep the audio of an item for `conversation.item.retrieve`, and forget the oldest."""
        self._sounds[id] = data
        while len(self._sounds) > 1 and sum(map(len, self._sounds.values())) > MOST_BUFFERED:
            del self._sounds[next(iter(self._sounds))]

    def _clear_audio(self, event: Json) -> Actions:
        self._buffer.clear(self._config["audio"]["input"]["format"])
        self._speech_id = None
        return self._send("input_audio_buffer.cleared")

    def _commit(self, data: bytes, wants_response: bool) -> Actions:
        """Make an item of audio, and ask what has been said and what the model answers."""
        id, self._speech_id = self._speech_id or self._new_id("item"), None
        content = [{"type": "input_audio", "transcript": None}]
        item: Json = {"id": id, "type": "message", "status": "completed", "role": "user"}
        item["content"] = content
        previous = self._conversation.last_id
        actions = self._send("input_audio_buffer.committed", previous_item_id=previous, item_id=id)
        actions += self._add(item)
        hearing = self._config["audio"]["input"]
        seconds = self._seconds[id] = len(data) / bytes_per_second(hearing["format"])
        self._keep_sound(id, data)
        wants_response &= self._config["type"] == "realtime"
        playing = _Playing(item=item, wants_response=wants_response)
        if hearing["transcription"] is None:
            return actions + self._respond(playing)
        turn = make_transcript_turn(id, data, seconds, hearing["transcription"], self._form)
        self._playing[turn] = playing
        return [*actions, (0.0, Ask(turn))]


_HANDLERS: dict[str, Callable[[RealtimeSession, Json], Actions]] = {
    "session.update": RealtimeSession._update_session,
    "input_audio_buffer.append": RealtimeSession._append_audio,
    "input_audio_buffer.commit": RealtimeSession._commit_audio,
    "input_audio_buffer.clear": RealtimeSession._clear_audio,
    "conversation.item.create": RealtimeSession._create_item,
    "conversation.item.truncate": RealtimeSession._truncate_item,
    "conversation.item.delete": RealtimeSession._delete_item,
    "conversation.item.retrieve": RealtimeSession._retrieve_item,
    "response.create": RealtimeSession._create_response,
    "response.cancel": RealtimeSession._cancel_response,
}
"""What to do about each client event, by its type."""
