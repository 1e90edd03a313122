"""The turns of a Live session that are being answered: state only."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Any

from openai_mockserver.script import End
from openai_mockserver.sessions.messages import Message

__all__ = ["Evaluation", "Hearing", "Playing", "Speech", "Work"]


@dataclass(slots=True)
class Playing:
    """A turn that is being answered.

    Args:
        messages: what is to be sent, with the seconds after the start.
        end: how the connection goes on after that.
        is_answered: whether the mock has answered it.
        has_ended: whether its last message has been sent.
    """

    messages: deque[tuple[float, Message]] = field(default_factory=deque)
    end: End = "finish"
    is_answered: bool = False
    has_ended: bool = False


@dataclass(slots=True)
class Hearing(Playing):
    """What the user says is being transcribed.

    Args:
        text: what has been sent of it.
    """

    text: str = ""


@dataclass(slots=True)
class Speech(Playing):
    """The model speaks.

    Args:
        base_ms: when it began, in milliseconds of the session; None if it has not.
        text: what has been sent of it.
        sound: bytes of audio that have been sent.
    """

    base_ms: int | None = None
    text: str = ""
    sound: int = 0


@dataclass(slots=True)
class Work(Playing):
    """The Responses backend works on something.

    Args:
        delegation_id: the delegation that it belongs to; None if the client has asked for it.
        is_announced: whether the client knows of the delegation.
        output: the items that have arrived.
    """

    delegation_id: str | None = None
    is_announced: bool = False
    output: list[dict[str, Any]] = field(default_factory=list)


@dataclass(slots=True)
class Evaluation(Playing):
    """Questions are being answered.

    Args:
        origin: the members of the event that say what has asked for it.
    """

    origin: dict[str, Any] = field(default_factory=dict)
