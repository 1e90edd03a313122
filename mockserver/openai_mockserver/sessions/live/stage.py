"""Plays the turns of a Live session: sends what the mock has answered, when it is due.

Rules of this file: no I/O, and no decision about what a message means; the session's `Role` for
each kind of turn says what to send for it, and what follows.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any

import msgspec.json

from openai_mockserver.script import Script, SocketClose, SocketMute
from openai_mockserver.sessions.live.playing import Playing
from openai_mockserver.sessions.messages import (
    Message,
    decode_object,
    end_turn,
    list_data,
    make_action,
    read_error,
)
from openai_mockserver.sessions.session import Action, Ask, Due, Ended, Send, Turn

__all__ = ["Actions", "Json", "Role", "Stage"]

Json = dict[str, Any]
Actions = list[tuple[float, Action]]


@dataclass(frozen=True, slots=True)
class Role:
    """What a session does about one kind of turn.

    Args:
        say: returns the events to send for an event of the answer, and what follows.
        finish: returns what follows the last event.
        fail: returns what to do about an error of the mock, given the error object.
        read: returns the messages of an answer, each with the seconds after which it is due.
    """

    say: Callable[[Turn, Any, Json], tuple[list[Json], Actions]]
    finish: Callable[[Any], Actions]
    fail: Callable[[Turn, Any, Json], Actions]
    read: Callable[[Script], Iterable[tuple[float, Message]]] = list_data


class Stage:
    """The turns that are being answered."""

    def __init__(self) -> None:
        self._roles: dict[type[Playing], Role] = {}
        self._playing: dict[Turn, Playing] = {}

    def __len__(self) -> int:
        return len(self._playing)

    def add_role(self, kind: type[Playing], role: Role) -> None:
        """Say what to do about a kind of turn."""
        self._roles[kind] = role

    def play(self, turn: Turn, playing: Playing) -> Actions:
        """Return how to ask for a turn's answer."""
        self._playing[turn] = playing
        return [(0.0, Ask(turn))]

    def find(self, turn: Turn) -> Playing | None:
        """Return a turn's state; None if it is not being answered any more."""
        return self._playing.get(turn)

    def drop(self, turn: Turn) -> Actions:
        """Return how to end a turn early."""
        playing = self._playing.pop(turn)
        return [(0.0, Ended(turn))] if playing.is_answered and not playing.has_ended else []

    def drop_all(self) -> Actions:
        """Return how to end all turns."""
        return [action for turn in list(self._playing) for action in self.drop(turn)]

    def begin(self, turn: Turn, script: Script) -> Actions:
        """Return how to begin to send what the mock has answered."""
        playing = self._playing.get(turn)
        if playing is None:  # it was dropped before
            return [(0.0, Ended(turn))]
        role = self._roles[type(playing)]
        if script.head.status != 200:
            del self._playing[turn]
            actions = role.fail(turn, playing, read_error(script))
            return [*actions, (0.0, Ended(turn)), *role.finish(playing)]
        playing.is_answered = True
        playing.messages, playing.end = deque(role.read(script)), script.end
        return [(playing.messages[0][0] if playing.messages else 0.0, Due(turn))]

    def go_on(self, turn: Turn) -> Actions:
        """Return how to send the messages that are due, and when the next ones are."""
        playing = self._playing.get(turn)
        if playing is None or playing.has_ended:
            return []
        actions: Actions = []
        now = playing.messages[0][0] if playing.messages else 0.0
        while playing.messages and playing.messages[0][0] <= now:
            actions += self._say(turn, playing, playing.messages.popleft()[1])
        if playing.messages:
            return [*actions, (playing.messages[0][0] - now, Due(turn))]
        if playing.end == "hold":
            return actions
        playing.has_ended = True
        self._playing.pop(turn, None)
        role = self._roles[type(playing)]
        return [*actions, *end_turn(turn, playing.end), *role.finish(playing)]

    def _say(self, turn: Turn, playing: Playing, message: Message) -> Actions:
        """Return how to send one message of an answer."""
        if isinstance(message, SocketClose | SocketMute):
            return [(0.0, make_action(message, turn))]
        text = message if isinstance(message, str) else message.data
        event = decode_object(text)
        if event is None:  # a fault has damaged it
            return [(0.0, make_action(message, turn))]
        events, following = self._roles[type(playing)].say(turn, playing, event)
        if not events:
            return following
        *earlier, last = (msgspec.json.encode(one).decode() for one in events)
        changed = last if isinstance(message, str) else replace(message, data=last)
        sent: Actions = [(0.0, Send(one, turn)) for one in earlier]
        return [*sent, (0.0, make_action(changed, turn)), *following]
