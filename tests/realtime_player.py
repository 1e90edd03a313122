"""Plays a session without a socket, on a clock of its own; and Realtime sessions like that."""

from __future__ import annotations

import base64
import heapq
import json
import math
from array import array
from functools import cache
from itertools import count
from random import Random
from typing import Any

from pydantic import TypeAdapter

from openai_mockserver import MockOpenAI
from openai_mockserver.dialects import find_dialect
from openai_mockserver.journal import Call
from openai_mockserver.request import Request
from openai_mockserver.sessions.realtime import RealtimeSession
from openai_mockserver.sessions.session import (
    Action,
    Answered,
    Ask,
    Close,
    Drop,
    Due,
    Ended,
    Expired,
    Happening,
    Opened,
    Opening,
    Received,
    Send,
    Session,
    Turn,
)

Json = dict[str, Any]


class SessionPlayer:
    """Plays a session with a mock; what was sent is in ``sent``, with its time.

    It keeps a player's promise to a turn: its messages are sent between its answer and its end.
    """

    path = ""

    def __init__(self, mock: MockOpenAI, session: Session) -> None:
        self.mock, self.session = mock, session
        self.sent: list[tuple[float, Json]] = []
        self.ends: list[Close | Drop] = []
        self.now = 0.0
        self._heap: list[tuple[float, int, Action]] = []
        self._numbers = count()
        self.open_turns: set[Turn] = set()
        self.feed(Opened())

    def feed(self, happening: Happening) -> None:
        for seconds, action in self.session.feed(happening):
            heapq.heappush(self._heap, (self.now + seconds, next(self._numbers), action))

    def say(self, type: str, **members: Any) -> None:
        """Send a client event."""
        self.feed(Received(json.dumps({"type": type, **members})))

    def run(self, seconds: float = math.inf) -> list[Json]:
        """Do what is due within some seconds, and return the messages that this has sent."""
        first, until = len(self.sent), self.now + min(seconds, 600)
        while self._heap and not self.ends and self._heap[0][0] <= until:
            self.now, _, action = heapq.heappop(self._heap)
            match action:
                case Send(text, turn):
                    assert turn is None or turn in self.open_turns
                    self.sent.append((self.now, json.loads(text)))
                case Ask(turn):
                    call = self._answer(turn)
                    self.open_turns.add(turn)
                    self.feed(Answered(turn, call.script))
                case Ended(turn):
                    self.open_turns.remove(turn)
                    self.feed(action)
                case Due() | Expired():
                    self.feed(action)
                case Close() | Drop():
                    self.ends.append(action)
        if seconds < math.inf:
            self.now = until
        return [message for _, message in self.sent[first:]]

    def _answer(self, turn: Turn) -> Call:
        request = Request("POST", turn.path or self.path, (), turn.body)
        call = self.mock.begin_turn(request, turn)
        return call if isinstance(call, Call) else call.run()


class RealtimePlayer(SessionPlayer):
    """Plays a Realtime session."""

    path = "/v1/realtime"
    session: RealtimeSession

    def __init__(
        self,
        mock: MockOpenAI,
        dialect: str | None = None,
        config: Json | None = None,
        is_beta: bool = False,
        **query: str,
    ) -> None:
        headers = {"openai-beta": "realtime=v1"} if is_beta else {}
        opening = Opening(
            self.path, query, headers, find_dialect(dialect), None, mock.store, Random(0)
        )
        super().__init__(mock, RealtimeSession(opening, config))

    def write(self, text: str, role: str = "user", **members: Any) -> None:
        """Create a message."""
        kind = "output_text" if role == "assistant" else "input_text"
        content = [{"type": kind, "text": text}]
        item = {"type": "message", "role": role, "content": content}
        self.say("conversation.item.create", item=item | members)

    def speak(self, *parts: tuple[int, float]) -> None:
        """Append tones and silence: pairs of an amplitude and a length in seconds."""
        for amplitude, seconds in parts:
            self.say("input_audio_buffer.append", audio=encode(make_tone(amplitude, seconds)))


def make_tone(amplitude: int, seconds: float) -> bytes:
    """Return a tone at 24 kHz; silence if its amplitude is 0."""
    half = 60  # samples: 200 Hz
    count = round(24000 * seconds)
    return array("h", (amplitude * (-1) ** (n // half) for n in range(count))).tobytes()


def encode(data: bytes) -> str:
    """Return bytes as base64."""
    return base64.b64encode(data).decode()


def list_types(messages: list[Json]) -> list[str]:
    """Return the types of messages, each run of deltas of a type once."""
    types = [message["type"] for message in messages]
    pairs = zip(types, ["", *types], strict=False)
    return [type for type, before in pairs if type != before or not type.endswith(".delta")]


def check_types(messages: list[Json], is_beta: bool = False) -> None:
    """Fail if a message is not valid for the SDK's types, strictly.

    Args:
        messages: the messages.
        is_beta: whether to take the types of the beta.
    """
    for message in messages:
        _make_adapter(is_beta).validate_json(json.dumps(message), strict=True)


@cache
def _make_adapter(is_beta: bool) -> TypeAdapter[Any]:
    from openai.types import realtime
    from openai.types.beta import realtime as beta

    return TypeAdapter(beta.RealtimeServerEvent if is_beta else realtime.RealtimeServerEvent)
