"""Plays a Live session without a socket, on a clock of its own."""

from __future__ import annotations

import json
from functools import cache
from random import Random
from typing import Any

from pydantic import TypeAdapter

from openai_mockserver import MockOpenAI
from openai_mockserver.sessions.live import LiveSession, open_session
from openai_mockserver.sessions.session import Opening
from realtime_player import Json, SessionPlayer, encode, make_tone

ROOT = "/v1/live/sessions"


class LivePlayer(SessionPlayer):
    """Plays a Live session.

    Args:
        mock: the mock.
        path: where it is opened.
        seed: the seed of its ids.
    """

    path = ROOT
    session: LiveSession

    def __init__(self, mock: MockOpenAI, path: str = ROOT, seed: int = 0) -> None:
        self.path = path
        session = open_session(Opening(path, store=mock.store, rng=Random(seed)))
        assert session is not None
        super().__init__(mock, session)

    def start(self, **session: Any) -> Json:
        """Start the session, and return the object that shows it."""
        self.say("session.start", session={"model": "gpt-live-1", **session})
        (started,) = self.run(0)
        assert started["type"] == "session.started"
        shown: Json = started["session"]
        return shown

    def speak(self, *parts: tuple[int, float]) -> None:
        """Append tones and silence: pairs of an amplitude and a length in seconds."""
        for amplitude, seconds in parts:
            self.say("session.input_audio.append", audio=encode(make_tone(amplitude, seconds)))

    def ask(self) -> list[Json]:
        """Say something and pause, and return what is sent until all is said."""
        self.speak((9000, 0.5), (0, 0.6))
        return self.run(30)


def check_live_types(messages: list[Json], is_sideband: bool = False) -> None:
    """Fail if a message is not valid for the SDK's types, strictly, or has unknown members."""
    for message in messages:
        event = _make_adapter(is_sideband).validate_json(json.dumps(message), strict=True)
        assert not event.model_extra


def join(messages: list[Json], type: str) -> str:
    """Return the deltas of a type as one text."""
    return "".join(message["delta"] for message in messages if message["type"] == type)


@cache
def _make_adapter(is_sideband: bool) -> TypeAdapter[Any]:
    from openai.types import live

    return TypeAdapter(live.ConnectServerEvent if is_sideband else live.ServerEvent)
