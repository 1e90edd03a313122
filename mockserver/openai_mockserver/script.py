"""What goes over the wire for one response, and when: a head, steps, and how it ends.

Rules of this file: plain frozen values, no I/O, no clock, no JSON, nothing of ours but errors.
A `Script` knows no meaning; `openai_mockserver.api` renders meaning into it and reads it back.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import MISSING, dataclass, fields, replace
from typing import Any, Literal, NamedTuple, cast, get_args, overload

from openai_mockserver.exceptions import ScriptError

__all__ = [
    "Boundary",
    "Comment",
    "End",
    "Event",
    "Frame",
    "Head",
    "LazySteps",
    "Pause",
    "Raw",
    "Script",
    "Step",
]

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


class Frame(NamedTuple):
    """Bytes that are due together: one step of a script, or several."""

    due: float
    data: bytes
    events: int
    size: int  # of the body's bytes among the data
    last: bool = False  # nothing but the script's end comes after, and at once
    fence: bool = False  # the client has read what came before when this is sent
    ends: Sequence[int] = ()  # offsets at which its steps end, if it is several


class LazySteps(Sequence[Step]):
    """The steps of a script that has them as bytes: each is made when somebody looks at it.

    They are events and comments, between which there may be pauses, and equal the tuple of them.
    """

    __slots__ = ()

    @property
    def kinds(self) -> bytes:
        """For each step that is no pause: 0 for a comment, 1 for an event, 2 for ``[DONE]``."""
        raise NotImplementedError

    @property
    def size(self) -> int:
        """How many bytes the steps are."""
        raise NotImplementedError

    @property
    def shared(self) -> tuple[object, int]:
        """What of it other steps may have too, and about how many bytes of memory that takes."""
        raise NotImplementedError

    @property
    def silences(self) -> Sequence[float] | None:
        """The seconds of silence before each step that is no pause; None if there are none."""
        raise NotImplementedError

    def with_silences(self, silences: Sequence[float]) -> LazySteps:
        """The same steps, with so many seconds of silence before each."""
        raise NotImplementedError

    def frames(
        self, start: float = 0.0, *, chunked: bool = False, together: int = 0
    ) -> Iterator[Frame]:
        """The steps as bytes, a frame for each.

        Args:
            start: the seconds after which the first is due.
            chunked: each step is an HTTP chunk.
            together: how many bytes of steps without silence between them may be one frame.
        """
        raise NotImplementedError

    @overload
    def __getitem__(self, at: int) -> Step: ...
    @overload
    def __getitem__(self, at: slice) -> tuple[Step, ...]: ...
    def __getitem__(self, at: int | slice) -> Step | tuple[Step, ...]:
        return tuple(self)[at]

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, tuple | LazySteps):
            return NotImplemented
        return len(self) == len(other) and tuple(self) == tuple(other)

    def __hash__(self) -> int:
        return hash(tuple(self))

    def __add__(self, other: Iterable[Step]) -> tuple[Step, ...]:
        return (*self, *other)

    def __radd__(self, other: Iterable[Step]) -> tuple[Step, ...]:
        return (*other, *self)

    def __repr__(self) -> str:
        return repr(tuple(self))


_AT_ONCE = 0.0


@dataclass(frozen=True, slots=True, repr=False)
class Head:
    """Status and headers, in the order they are sent, ``delay`` seconds after the request."""

    __repr__ = _code

    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()
    delay: float = _AT_ONCE

    def __post_init__(self) -> None:
        if self.delay is not _AT_ONCE:
            Pause(self.delay)

    def header(self, name: str) -> str | None:
        """The first header of this name, whatever its case."""
        wanted = name.lower()
        for key, value in self.headers:
            if key.lower() == wanted:
                return value
        return None


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
        if not isinstance(self.steps, tuple | LazySteps):
            object.__setattr__(self, "steps", tuple(self.steps))

    @classmethod
    def of_lazy(cls, head: Head, steps: LazySteps) -> Script:
        """A script of steps that are made when somebody looks at them; to all others a tuple."""
        return cls(head, cast("tuple[Step, ...]", steps))

    @property
    def lazy(self) -> LazySteps | None:
        """The steps, if they are made only when somebody looks at them."""
        steps: object = self.steps
        return steps if isinstance(steps, LazySteps) else None

    @property
    def is_paced(self) -> bool:
        """Whether there is silence between the steps."""
        if (lazy := self.lazy) is not None:
            return lazy.silences is not None
        return any(isinstance(step, Pause) for step in self.steps)

    @property
    def events(self) -> tuple[Event, ...]:
        """The events among the steps."""
        return tuple(step for step in self.steps if isinstance(step, Event))

    @property
    def seconds(self) -> float:
        """How long playing takes, from the request to the last byte."""
        if (lazy := self.lazy) is not None:
            return self.head.delay + sum(lazy.silences or ())
        return self.head.delay + sum(s.seconds for s in self.steps if isinstance(s, Pause))

    @property
    def is_stream(self) -> bool:
        """Whether the head says that the body is an event stream."""
        return (self.head.header("content-type") or "").lower().startswith("text/event-stream")

    def with_steps(self, steps: Iterable[Step], end: End | None = None) -> Script:
        """The same head with other steps, and another end if given."""
        return replace(self, steps=tuple(steps), end=end or self.end)
