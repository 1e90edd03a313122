"""What goes over the wire for one response, and when: a head, steps and an end; or in a session.

Rules of this file: plain frozen values; no I/O, no clock, no JSON; it imports only our exceptions.
A `Script` does not know what its bytes mean: `openai_mockserver.api` renders replies into scripts
and reads them back.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import MISSING, dataclass, field, fields, replace
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
    "NO_CLOSE_FRAME",
    "Pause",
    "Raw",
    "STREAM_HEAD",
    "RecordedSession",
    "Script",
    "Sender",
    "SessionEnd",
    "SessionMessage",
    "SocketClose",
    "SocketEvent",
    "SocketMute",
    "Step",
]

End = Literal["finish", "close", "truncate", "reset", "half_close", "cut", "hold"]
"""How a response ends.

* ``finish``: the body ends cleanly; the connection stays usable if the framing allows it
* ``close``: the body ends cleanly, then FIN
* ``truncate``: FIN with the body unfinished
* ``reset``: TCP RST
* ``half_close``: the body ends cleanly, then FIN in one direction only: requests are still read
* ``cut``: FIN of the TCP connection without TLS's close_notify
* ``hold``: silence until the client disconnects
"""

ENDS: frozenset[str] = frozenset(get_args(End))


def _format_code(instance: Any) -> str:
    """Return code that recreates the instance, without arguments that equal their default."""
    arguments = []
    for position, argument in enumerate(fields(instance)):
        value = getattr(instance, argument.name)
        if argument.default is MISSING:
            arguments.append(repr(value))
        elif value != argument.default:
            arguments.append(repr(value) if not position else f"{argument.name}={value!r}")
    return f"{type(instance).__name__}({', '.join(arguments)})"


@dataclass(frozen=True, slots=True, repr=False)
class Event:
    """A server-sent event. ``data`` may hold several lines (WHATWG HTML §9.2.6)."""

    __repr__ = _format_code

    data: str
    event: str | None = None
    id: str | None = None
    retry: int | None = None


@dataclass(frozen=True, slots=True, repr=False)
class Comment:
    """A comment line, such as servers send to keep a connection alive."""

    __repr__ = _format_code

    text: str = ""


@dataclass(frozen=True, slots=True, repr=False)
class Raw:
    """Bytes sent unchanged; ``events`` is the number of events they complete, if known."""

    __repr__ = _format_code

    data: bytes
    events: int | None = None


@dataclass(frozen=True, slots=True, repr=False)
class Pause:
    """A silence, in seconds."""

    __repr__ = _format_code

    seconds: float

    def __post_init__(self) -> None:
        is_number = isinstance(self.seconds, int | float) and not isinstance(self.seconds, bool)
        if not (is_number and math.isfinite(self.seconds) and self.seconds >= 0):
            raise ScriptError(f"a pause is a finite number of seconds >= 0, not {self.seconds!r}")


@dataclass(frozen=True, slots=True)
class Boundary:
    """A barrier: the next step is sent once the client has read everything before it."""


Framing = Literal["fragments", "binary", "invalid UTF-8", "padding"]
"""What is special about the frames of a WebSocket message.

* ``fragments``: the message is spread over ``size`` frames
* ``binary``: the frame declares binary data
* ``invalid UTF-8``: the text begins with a byte that UTF-8 never has
* ``padding``: spaces after the JSON make the message ``size`` bytes long
"""


@dataclass(frozen=True, slots=True, repr=False)
class SocketEvent(Event):
    """An event that a WebSocket sends in unusual frames (RFC 6455 §5)."""

    framing: Framing = "fragments"
    size: int = 2


@dataclass(frozen=True, slots=True, repr=False)
class SocketClose(Raw):
    """A close frame of a WebSocket (RFC 6455 §5.5.1); the TCP connection is closed after it."""

    data: bytes = b""
    events: int | None = 0
    code: int = 1000
    reason: str = ""


@dataclass(frozen=True, slots=True, repr=False)
class SocketMute(Raw):
    """From here on a WebSocket answers neither pings nor a closing handshake."""

    data: bytes = b""
    events: int | None = 0


Step = Event | Comment | Raw | Pause | Boundary


class Frame(NamedTuple):
    """Bytes that are due at the same time: one step of a script, or several merged ones."""

    due: float  # seconds after the request, or after the head
    data: bytes
    events: int  # number of events that the data completes
    size: int  # number of body bytes in the data, without chunk framing
    last: bool = False  # only the script's end follows, immediately
    fence: bool = False  # sent only once the client has read everything before it
    ends: Sequence[int] = ()  # offsets in the data at which its steps end, if it is several


class LazySteps(Sequence[Step]):
    """Steps that are stored as bytes: `Event` and `Comment` objects are created on access.

    There may be pauses between the events and comments. It equals the tuple of the same steps.
    """

    __slots__ = ()

    @property
    def kinds(self) -> bytes:
        """A byte for each step except pauses: 0 for a comment, 1 for an event, 2 for ``[DONE]``."""
        raise NotImplementedError

    @property
    def size(self) -> int:
        """Total size of the steps in bytes."""
        raise NotImplementedError

    @property
    def shared_part(self) -> tuple[object, int]:
        """The object that other steps may share with these, and its approximate size in bytes."""
        raise NotImplementedError

    @property
    def silences(self) -> Sequence[float] | None:
        """Seconds of silence before each step except pauses; None if there is no silence."""
        raise NotImplementedError

    def with_silences(self, silences: Sequence[float]) -> LazySteps:
        """Return the same steps with these silences, in seconds, before them."""
        raise NotImplementedError

    def frames(
        self, start: float = 0.0, *, chunked: bool = False, merge_limit: int = 0
    ) -> Iterator[Frame]:
        """Yield the steps as bytes, one frame per step.

        Args:
            start: seconds after which the first frame is due.
            chunked: whether each step is an HTTP chunk.
            merge_limit: merge steps without silence between them into frames of up to this many
                bytes.
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


_NO_DELAY = 0.0


@dataclass(frozen=True, slots=True, repr=False)
class Head:
    """Status and headers in the order they are sent, ``delay`` seconds after the request."""

    __repr__ = _format_code

    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()
    delay: float = _NO_DELAY

    def __post_init__(self) -> None:
        if self.delay is not _NO_DELAY:
            Pause(self.delay)

    def header(self, name: str) -> str | None:
        """Return the first header of this name, ignoring case."""
        lower_name = name.lower()
        for key, value in self.headers:
            if key.lower() == lower_name:
                return value
        return None


STREAM_HEAD = Head(
    headers=(
        ("Content-Type", "text/event-stream; charset=utf-8"),
        ("Transfer-Encoding", "chunked"),
    )
)
"""The head of an event stream, with only the headers that a client needs."""


@dataclass(frozen=True, slots=True, repr=False, init=False)
class Script:
    """One response: ``head``, then ``steps``, then ``end``.

    The headers decide how the body is framed: with ``Transfer-Encoding: chunked`` each step is an
    HTTP chunk; with ``Content-Length`` the body is sent unchanged; without either the end of the
    connection ends the body. With ``raw`` the steps are all the bytes sent, HTTP's status line,
    headers and framing included; ``head`` then only describes the status and headers in them.

    Args:
        head: status and headers. By default those of an event stream if there is an event or a
            comment among the steps, else status 200 without headers.
        steps: what is sent, in order.
        end: how the response ends.
        raw: whether the steps contain HTTP's own bytes.

    >>> script = Script(steps=[Event("a"), Pause(1.5), Event("b")], end="reset")
    >>> len(script.events), script.seconds, script.is_stream
    (2, 1.5, True)
    >>> script
    Script(steps=(Event('a'), Pause(1.5), Event('b')), end='reset')
    """

    head: Head
    steps: tuple[Step, ...]
    end: End
    raw: bool

    def __init__(
        self,
        head: Head | None = None,
        steps: Iterable[Step] = (),
        end: End = "finish",
        raw: bool = False,
    ) -> None:
        if end not in ENDS:
            raise ScriptError(f"end={end!r} must be one of {', '.join(sorted(ENDS))}")
        if not isinstance(steps, tuple | LazySteps):
            steps = tuple(steps)
        put = object.__setattr__
        put(self, "head", _choose_head(steps, raw) if head is None else head)
        put(self, "steps", steps)
        put(self, "end", end)
        put(self, "raw", raw)

    @classmethod
    def of_lazy(cls, head: Head, steps: LazySteps) -> Script:
        """Return a script with lazy steps; everything else can treat its steps as a tuple."""
        return cls(head, cast("tuple[Step, ...]", steps))

    @property
    def lazy(self) -> LazySteps | None:
        """The steps if they are lazy, else None."""
        steps: object = self.steps
        # Not isinstance(steps, LazySteps), which is an abstract class and takes ten times as long.
        return None if isinstance(steps, tuple) else cast("LazySteps", steps)

    @property
    def is_paced(self) -> bool:
        """Whether there are pauses between the steps."""
        if (lazy := self.lazy) is not None:
            return lazy.silences is not None
        return any(isinstance(step, Pause) for step in self.steps)

    @property
    def socket_steps(self) -> tuple[Step, ...]:
        """The steps that only a WebSocket can send."""
        if self.lazy is not None:
            return ()
        kinds = SocketEvent | SocketClose | SocketMute
        return tuple(step for step in self.steps if isinstance(step, kinds))

    @property
    def events(self) -> tuple[Event, ...]:
        """The events among the steps."""
        return tuple(step for step in self.steps if isinstance(step, Event))

    @property
    def seconds(self) -> float:
        """Seconds that playing takes, from the request to the last byte."""
        if (lazy := self.lazy) is not None:
            return self.head.delay + sum(lazy.silences or ())
        return self.head.delay + sum(s.seconds for s in self.steps if isinstance(s, Pause))

    @property
    def is_stream(self) -> bool:
        """Whether the head declares an event stream."""
        return (self.head.header("content-type") or "").lower().startswith("text/event-stream")

    def with_steps(self, steps: Iterable[Step], end: End | None = None) -> Script:
        """Return the script with other steps, and with another end if ``end`` is not None."""
        return replace(self, steps=tuple(steps), end=end or self.end)

    def __repr__(self) -> str:
        return self._format()

    def code(self, indent: str = "") -> str:
        """Return code that recreates the script, with a line for each step.

        Args:
            indent: the indentation of the last line.
        """
        if not self.steps:
            return repr(self)
        lines = "".join(f"\n{indent}    {step!r}," for step in self.steps)
        return self._format(f"({lines}\n{indent})")

    def _format(self, steps: str | None = None) -> str:
        """Return code that recreates the script, with this code for its steps."""
        arguments = []
        if self.head != _choose_head(self.steps, self.raw):
            arguments.append(repr(self.head))
        if self.steps:
            steps = repr(self.steps) if steps is None else steps
            arguments.append(f"steps={steps}")
        if self.end != "finish":
            arguments.append(f"end={self.end!r}")
        if self.raw:
            arguments.append("raw=True")
        return f"Script({', '.join(arguments)})"


def _choose_head(steps: Sequence[Step], raw: bool) -> Head:
    """Return the head of a script that is given none."""
    has_events = any(isinstance(step, Event | Comment) for step in steps)
    return STREAM_HEAD if has_events and not raw else _PLAIN_HEAD


_PLAIN_HEAD = Head()


# WebSockets

Sender = Literal["client", "server"]

NO_CLOSE_FRAME = 1006
"""The code of an end without a close frame (RFC 6455 §7.1.5)."""


@dataclass(frozen=True, slots=True)
class SessionMessage:
    """A message.

    Args:
        seconds: when it was sent, in seconds after the request that opened the WebSocket.
        sender: who sent it.
        data: text, or the bytes of a binary message.
    """

    seconds: float
    sender: Sender
    data: str | bytes


@dataclass(frozen=True, slots=True)
class SessionEnd:
    """The end of a session.

    Args:
        seconds: when it ended, in seconds after the request that opened the WebSocket.
        sender: who ended it.
        code: the code of the close frame; `NO_CLOSE_FRAME` if there was none.
        reason: the reason in the close frame.
    """

    seconds: float
    sender: Sender
    code: int = 1000
    reason: str = ""


@dataclass(frozen=True)
class RecordedSession:
    """A recorded session.

    Args:
        target: path and query of the request that opened the WebSocket.
        messages: the messages in order.
        end: the end; None if it is not known.
        about: the other members of the first line of its file.
        speed: speed of the replay: 2 is twice as fast, 0 does not wait.
    """

    target: str
    messages: tuple[SessionMessage, ...]
    end: SessionEnd | None = None
    about: Mapping[str, Any] = field(default_factory=dict)
    speed: float = 1.0

    @property
    def path(self) -> str:
        """The path without the query."""
        return self.target.partition("?")[0]
