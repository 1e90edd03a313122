"""An answer of a rule: a response, or a function that makes it, with its faults, pace and dialect.

Rules of this file: values only. A function is called by `dispatch`, never here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from openai_mockserver.faults import chance as by_chance
from openai_mockserver.pacing import Pace
from openai_mockserver.reply import ApiError, Reply
from openai_mockserver.request import Request
from openai_mockserver.script import Script

__all__ = ["Answer", "Faulty", "ReplyFunction", "faulty", "name_function"]


@dataclass(frozen=True, slots=True)
class ReplyFunction:
    """A function that makes a reply from the request.

    Args:
        function: returns anything that may be passed as a reply, or an awaitable of it.
        is_quick: it never waits and takes a millisecond at most, so that the event loop may call
            it. Functions of users are not trusted to be quick.
        source: what a scenario file says, if the function was made from it.
    """

    function: Callable[[Request], object]
    is_quick: bool = False
    source: Mapping[str, Any] | None = None

    def __call__(self, request: Request) -> object:
        return self.function(request)

    def __str__(self) -> str:
        return name_function(self.function)


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer of a rule: the response, its faults, its pace and its dialect.

    ``reply`` is what a ready-made script says, for requests that do not ask for a stream.
    """

    value: Reply | ApiError | Script | Mapping[str, Any] | ReplyFunction  # a mapping is a JSON body
    faults: tuple[Callable[[Script], Script], ...] = ()
    pace: Pace | None = None
    reply: Reply | None = None
    dialect: str | None = None
    path: str = ""  # of the endpoint that a ready-made script is of, if it is known


def faulty(
    reply: object,
    *faults: Callable[[Script], Script],
    pace: Pace | None = None,
    chance: float | None = None,
) -> Faulty:
    """Return a reply with its own faults, for a rule with several replies.

    Args:
        reply: the reply, as for `RuleBuilder.reply`.
        faults: applied from left to right.
        pace: when events are sent.
        chance: the probability that the faults happen, all together; always by default.

    Raises FaultError if ``chance`` is no probability, or there is nothing that may happen.

    >>> from openai_mockserver.faults import reset
    >>> faulty("Hello", reset(after=1)).faults
    (reset(after=1),)
    """
    if chance is not None:
        faults = (by_chance(chance, *faults),)
    return Faulty(reply, faults, pace)


@dataclass(frozen=True, slots=True)
class Faulty:
    """A reply with its own faults and pace, as returned by `faulty`."""

    reply: object
    faults: tuple[Callable[[Script], Script], ...]
    pace: Pace | None = None


def name_function(function: Callable[..., object]) -> str:
    """Return the name of a function, for a message; that of a lambda says its line."""
    name = getattr(function, "__name__", None) or repr(function)
    code = getattr(function, "__code__", None)
    return f"{name} (line {code.co_firstlineno})" if name == "<lambda>" and code else name
