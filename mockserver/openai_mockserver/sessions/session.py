"""What a session over a WebSocket is, and the values that go in and out of it.

Theory of operation. A session is a state machine without I/O and without a clock. Its one method,
`Session.feed`, takes what has happened, and returns what to do and when: pairs of a due time, in
seconds after what has happened, and an action. Whoever plays the session carries the actions out,
and feeds back what comes of them:

* `Send` is a message for the client. Nothing comes back.
* `Ask` is a request for the mock's rules, exactly as if the client had sent it over HTTP. The
  player answers it (which may take a user's function some time) and feeds back `Answered` with the
  script of the response. The session turns the script's events into messages.
* `Due`, `Ended` and `Expired` are both actions and happenings: when they are due, the player feeds
  them back. So the session needs no clock, and yet knows when to continue a turn that the client
  may cancel, when a turn's last message has been sent, and when the connection is too old.
* `SendFrames` is a message whose frames are written as they are, and after `Mute` the connection
  answers nothing by itself any more: faults.
* `Close` and `Drop` end the connection, with a closing handshake or without.

One turn of the Responses API, with a rule whose reply is paced by half a second:

    feed(Opened())                   -> [(3600.0, Expired())]
    feed(Received('{"type": "response.create", "model": "m", "input": "Hi"}'))
                                     -> [(0.0, Ask(turn))]
    feed(Answered(turn, script))     -> [(0.0, Send('{"type":"response.created", ...', turn)),
                                         (0.5, Send('{"type":"response.output_text.delta", ...
                                         (0.5, Ended(turn))]
    feed(Ended(turn))                -> []

Had the client sent a second event in the same lane meanwhile, `feed` would have returned nothing
for it at first, and its `Ask` when the first turn ended.

What a session remembers lives as long as its connection. The objects of the mock are not its
business: the mock answers a turn with `Turn.layer_store`, which puts what the connection remembers
over the mock's own store. A turn whose endpoint exists in no path brings it along.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Literal, Protocol

from openai_mockserver.api.context import Context
from openai_mockserver.api.endpoint import Endpoint, Rendered
from openai_mockserver.api.store import Store
from openai_mockserver.dialects import Dialect
from openai_mockserver.reply import ApiError, Reply
from openai_mockserver.script import Script

__all__ = [
    "Action",
    "Answered",
    "Ask",
    "Close",
    "Drop",
    "Due",
    "Ended",
    "Expired",
    "Happening",
    "Mute",
    "Opened",
    "Opening",
    "Received",
    "Report",
    "Send",
    "SendBinary",
    "SendFrames",
    "Session",
    "Turn",
]


@dataclass(frozen=True, slots=True)
class Opening:
    """The request with which a client opens a session.

    Args:
        path: OpenAI's path.
        query: the parameters of the query, each with its last value.
        headers: the headers, with names in lower case.
        dialect: the provider to imitate; None for OpenAI.
        model: the model in the path.
        store: the objects of the mock.
        rng: the source of ids.
        key: the API key.
    """

    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    dialect: Dialect | None = None
    model: str | None = None
    store: Store = field(default_factory=Store)
    rng: Random = field(default_factory=Random)
    key: str = ""


@dataclass(eq=False, slots=True)
class Turn:
    """What one client event asks for.

    Args:
        body: the body of the request that the mock answers, as JSON.
        stream_id: the lane; None for the default lane.
        reply: the reply to answer with, whatever the rules say.
        error: the error to refuse the event with.
        layer_store: returns the store for this turn, given the mock's.
        path: the path of the request; None for that of the session.
        endpoint: the endpoint that answers; None for that of the path. A rule that names no
            endpoint answers only if this one has `render`.
        render: what renders a rule's reply if the endpoint does not.
    """

    body: bytes
    stream_id: str | None = None
    reply: Reply | None = None
    error: ApiError | None = None
    layer_store: Callable[[Store], Store] = lambda store: store
    path: str | None = None
    endpoint: Endpoint | None = None
    render: Callable[[Reply | ApiError, Context], Rendered] | None = None


# What happens


@dataclass(frozen=True, slots=True)
class Opened:
    """The connection is open."""


@dataclass(frozen=True, slots=True)
class Received:
    """The client has sent a message: text, or bytes in a binary frame."""

    message: str | bytes


@dataclass(frozen=True, slots=True)
class Answered:
    """The mock has answered a turn."""

    turn: Turn
    script: Script


@dataclass(frozen=True, slots=True)
class Ended:
    """The last message of a turn has been sent."""

    turn: Turn


@dataclass(frozen=True, slots=True)
class Due:
    """The next messages of a turn are due."""

    turn: Turn


@dataclass(frozen=True, slots=True)
class Expired:
    """The connection has reached its greatest age."""


Happening = Opened | Received | Answered | Due | Ended | Expired

# What to do


@dataclass(frozen=True, slots=True)
class Send:
    """Send a text message, of a turn if it belongs to one."""

    text: str
    turn: Turn | None = None


@dataclass(frozen=True, slots=True)
class SendBinary:
    """Send a binary message."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Report:
    """Note a problem: what the client has done cannot be answered."""

    problem: str


@dataclass(frozen=True, slots=True)
class SendFrames:
    """Write the frames of a message as they are, of a turn if it belongs to one."""

    data: bytes
    turn: Turn | None


@dataclass(frozen=True, slots=True)
class Mute:
    """Answer neither pings nor a closing handshake from now on."""


@dataclass(frozen=True, slots=True)
class Ask:
    """Let the mock answer a turn, or refuse it if the turn has an error."""

    turn: Turn


@dataclass(frozen=True, slots=True)
class Close:
    """Close the connection with a closing handshake."""

    code: int = 1000
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Drop:
    """End the TCP connection without a closing handshake, with RST or with FIN."""

    turn: Turn | None
    how: Literal["reset", "truncate"]


Action = Send | SendBinary | SendFrames | Report | Mute | Ask | Close | Drop | Due | Ended | Expired


class Session(Protocol):
    """A session: see the top of this file."""

    @property
    def is_full(self) -> bool:
        """Whether to read no further client event for now, because too many are waiting."""

    def feed(self, happening: Happening) -> list[tuple[float, Action]]:
        """Return what to do, and after how many seconds."""
