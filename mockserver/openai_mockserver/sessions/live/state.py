"""What a Live session knows: state only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from openai_mockserver.api.live.config import Config, find_format, find_target
from openai_mockserver.api.live.events import round_down
from openai_mockserver.api.realtime.sound import PCM
from openai_mockserver.sessions.live.hearing import Ear

__all__ = ["LiveState"]


@dataclass(slots=True)
class LiveState:
    """What a session knows, apart from the turns that it plays.

    Args:
        is_sideband: whether the connection is attached to a session.
        config: the configuration; empty before the start.
        items: what has been said, as the input of a request.
        ear: what it hears, and its time.
        delegations: the ids of the delegations that the client may refer to.
    """

    is_sideband: bool = False
    config: Config = field(default_factory=dict)
    items: list[dict[str, Any]] = field(default_factory=list)
    ear: Ear = field(default_factory=lambda: Ear(PCM))
    delegations: set[str] = field(default_factory=set)

    @property
    def format(self) -> Mapping[str, Any]:
        """The format of the audio on this connection."""
        return PCM if self.is_sideband else find_format(self.config)

    @property
    def target(self) -> str:
        """Who works on what the model delegates."""
        return find_target(self.config)

    @property
    def frame_ms(self) -> int:
        """The start of the current frame, in milliseconds of the session."""
        return round_down(self.ear.ms)
