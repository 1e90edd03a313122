"""Plays a session of the Responses API without a socket, on a clock of its own."""

from __future__ import annotations

import heapq
import json
import math
from itertools import count
from typing import Any

from openai_mockserver import MockOpenAI
from openai_mockserver.journal import Call
from openai_mockserver.request import Request
from openai_mockserver.sessions.responses import ResponsesSession
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
    Received,
    Send,
)

__all__ = ["Player"]


class Player:
    """Plays a session with a mock; what was sent is in ``sent``, with its time."""

    def __init__(self, mock: MockOpenAI) -> None:
        self.mock, self.session = mock, ResponsesSession()
        self.sent: list[tuple[float, dict[str, Any]]] = []
        self.ends: list[Close | Drop] = []
        self.now = 0.0
        self._heap: list[tuple[float, int, Action]] = []
        self._numbers = count()

    def feed(self, happening: Happening) -> None:
        for seconds, action in self.session.feed(happening):
            heapq.heappush(self._heap, (self.now + seconds, next(self._numbers), action))

    def create(self, text: str = "Hi", **members: Any) -> None:
        event = {"type": "response.create", "model": "gpt-4o", "input": text, **members}
        self.feed(Received(json.dumps(event)))

    def run(self, seconds: float = math.inf) -> list[dict[str, Any]]:
        """Do what is due within some seconds, and return the messages that this has sent."""
        first, until = len(self.sent), self.now + seconds
        while self._heap and not self.ends and self._heap[0][0] <= until:
            self.now, _, action = heapq.heappop(self._heap)
            match action:
                case Send(text, _):
                    self.sent.append((self.now, json.loads(text)))
                case Ask(turn):
                    self.feed(Answered(turn, self._answer(action).script))
                case Due() | Ended() | Expired():
                    self.feed(action)
                case Close() | Drop():
                    self.ends.append(action)
        if seconds < math.inf:
            self.now = until
        return [message for _, message in self.sent[first:]]

    def _answer(self, ask: Ask) -> Call:
        request = Request("POST", "/v1/responses", (), ask.turn.body)
        if ask.turn.error is not None:
            return self.mock.refuse(request, ask.turn.error)
        call = self.mock.begin_turn(request, ask.turn)
        return call if isinstance(call, Call) else call.run()

    def finish(self, text: str = "Hi", **members: Any) -> str:
        """Create a response, and return its id when it has completed."""
        self.create(text, **members)
        last = self.run()[-1]
        assert last["type"] == "response.completed"
        return str(last["response"]["id"])
