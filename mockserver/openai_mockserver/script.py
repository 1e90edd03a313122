"""What goes over the wire for one response, and when: a head, steps, and how it ends.

Rules of this file: plain frozen values, no I/O, no clock, no JSON, nothing of ours but errors.
A `Script` knows no meaning; `openai_mockserver.api` renders meaning into it and reads it back.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import MISSING, dataclass, fields, replace
from typing import Any, Literal, get_args

from openai_mockserver.exceptions import ScriptError

__all__ = ["Boundary", "Comment", "End", "Event", "Head", "Pause", "Raw", "Script", "Step"]

End = Literal["finish", "close", "truncate", "reset", "half_close", "cut", "hold"]
"""How a response ends.

* ``finish``: cleanly; the connection stays usable where the framing lets it
* ``close``: cleanly, then FIN
* ``truncate``: FIN with the body unfinished
* ``reset``: TCP RST
* ``half_close``: cleanly, then FIN in one direction only: requests are still read
* ``cut``: FIN of the TCP connection without TLS's close_notify
* ``hold``: silence until the client leaves
"""

ENDS: frozenset[str] = frozenset(get_args(End))


def _code(value: Any) -> str:
    """Code that makes the value again, without what is said by default."""
    given = []
    for place, field in enumerate(fields(value)):
        said = getattr(value, field.name)
        if field.default is MISSING:
            given.append(repr(said))
        elif said != field.default:
            given.append(repr(said) if not place else f"{field.name}={said!r}")
    return f"{type(value).__name__}({', '.join(given)})"


@dataclass(frozen=True, slots=True, repr=False)
class Event:
    """A server-sent event. ``data`` may hold several lines (WHATWG HTML §9.2.6)."""

    __repr__ = _code

    data: str
    event: str | None = None
    id: str | None = None
    retry: int | None = None


@dataclass(frozen=True, slots=True, repr=False)
class Comment:
    """A comment line, as servers send to keep a connection alive."""

    __repr__ = _code

    text: str = ""


@dataclass(frozen=True, slots=True, repr=False)
class Raw:
    """Bytes that go out as they are; ``events`` says how many events they complete, if known."""

    __repr__ = _code

    data: bytes
    events: int | None = None


@dataclass(frozen=True, slots=True, repr=False)
class Pause:
    """Silence of so many seconds."""

    __repr__ = _code

    seconds: float

    def __post_init__(self) -> None:
        good = isinstance(self.seconds, int | float) and not isinstance(self.seconds, bool)
        if not (good and math.isfinite(self.seconds) and self.seconds >= 0):
            raise ScriptError(f"a pause is a finite number of seconds >= 0, not {self.seconds!r}")


@dataclass(frozen=True, slots=True)
class Boundary:
    """The client has read all that came before when what follows is sent."""


Step = Event | Comment | Raw | Pause | Boundary


@dataclass(frozen=True, slots=True, repr=False)
class Head:
    """Status and headers, in the order they are sent, ``delay`` seconds after the request."""

    __repr__ = _code

    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()
    delay: float = 0.0

    def __post_init__(self) -> None:
        Pause(self.delay)

    def header(self, name: str) -> str | None:
        """The first header of this name, whatever its case."""
        wanted = name.lower()
        return next((v for k, v in self.headers if k.lower() == wanted), None)


@dataclass(frozen=True, slots=True, repr=False)
class Script:
    """One response: ``head``, then ``steps``, then ``end``.

    The headers say how the body is framed: ``Transfer-Encoding: chunked`` makes each step an HTTP
    chunk, ``Content-Length`` sends it as it is, and without either it ends with the connection.
    With ``raw`` the steps are all that goes out, HTTP's own bytes too; ``head`` is then what they
    are meant to say.

    >>> script = Script(Head(), (Event("a"), Pause(1.5), Event("b")), end="reset")
    >>> len(script.events), script.seconds
    (2, 1.5)
    >>> script
    Script(steps=(Event('a'), Pause(1.5), Event('b')), end='reset')
    """

    __repr__ = _code

    head: Head = Head()
    steps: tuple[Step, ...] = ()
    end: End = "finish"
    raw: bool = False

    def __post_init__(self) -> None:
        if self.end not in ENDS:
            raise ScriptError(f"end={self.end!r} is not one of {sorted(ENDS)}")
        if not isinstance(self.steps, tuple):
            object.__setattr__(self, "steps", tuple(self.steps))

    @property
    def events(self) -> tuple[Event, ...]:
        """The events among the steps."""
        return tuple(step for step in self.steps if isinstance(step, Event))

    @property
    def seconds(self) -> float:
        """How long playing takes, from the request to the last byte."""
        return self.head.delay + sum(s.seconds for s in self.steps if isinstance(s, Pause))

    @property
    def is_stream(self) -> bool:
        """Whether the head says that the body is an event stream."""
        return (self.head.header("content-type") or "").lower().startswith("text/event-stream")

    def with_steps(self, steps: Iterable[Step], end: End | None = None) -> Script:
        """The same head with other steps, and another end if given."""
        return replace(self, steps=tuple(steps), end=end or self.end)
