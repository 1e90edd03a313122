"""The two doors of a mock: the loopback server, and the in-process transport.

Rules of this file: a door is opened, and its modules are imported, on first use.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, cast

from openai_mockserver.access import Access
from openai_mockserver.clients import make_async_client, make_client
from openai_mockserver.dispatch import Dispatcher
from openai_mockserver.exceptions import MockServerError
from openai_mockserver.limits import Limits

if TYPE_CHECKING:
    import ssl

    import openai

    from openai_mockserver.api.announcer import Announcer
    from openai_mockserver.control import Control
    from openai_mockserver.control.steerable import Steerable
    from openai_mockserver.interception import Interception
    from openai_mockserver.mock.sandbox import SandboxAddress, SandboxClaim
    from openai_mockserver.server import Claim, Door, Loopback, SharedAddress
    from openai_mockserver.server.door import Inner, SideHandler
    from openai_mockserver.transport import Clock, InProcess
    from openai_mockserver.webhooks import Webhooks

__all__ = ["DoorOptions", "Doors"]

ANYWHERE = ("127.0.0.1", 0)
"""The loopback interface, with a port that the system chooses."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DoorOptions:
    """The options of a mock's doors.

    Args:
        limits: the limits of a request to the loopback server.
        access: which requests the loopback server admits.
        host_port: the address that the loopback server listens on.
        address: a shared address to use instead, in turn with other mocks, or that of a sandbox.
        control: whether the loopback server has the control API, under ``/_mock/``.
        control_token: the token that requests to the control API must bring.
        tls: TLS context with a certificate, for the loopback server.
        lead: maximum number of events of a stream that its client has not read.
        coalesce: whether events that are due at the same time may share a write.
        clock: clock of the in-process transport, ``virtual`` or ``real``.
        keep_deliveries: maximum number of deliveries of webhooks; None for no limit.

    Raises MockServerError for an unknown clock, an unsuitable token, and ``address`` with ``tls``
    or ``host_port``.
    """

    limits: Limits = field(default_factory=Limits)
    access: Access = field(default_factory=Access)
    host_port: tuple[str, int] = ANYWHERE
    address: SharedAddress | SandboxAddress | None = None
    control: bool = False
    control_token: str | None = None
    tls: ssl.SSLContext | None = None
    lead: int | None = None
    coalesce: bool = True
    clock: str = "virtual"
    keep_deliveries: int | None = None

    def __post_init__(self) -> None:
        if self.clock not in ("virtual", "real"):
            raise MockServerError(f"clock={self.clock!r}: must be 'virtual' or 'real'")
        token = self.control_token
        if token is not None and not (token and token.isascii() and token.isprintable()):
            raise MockServerError("control_token= must be visible ASCII, because it is a header")
        if self.address is not None and (self.tls is not None or self.host_port != ANYWHERE):
            raise MockServerError("address= cannot be combined with host=, port= or tls=")


class Doors(Dispatcher):
    """A dispatcher that receives requests over a socket or in process.

    Args:
        door_options: the options of its doors.
        arguments: the arguments of `Dispatcher`.
    """

    def __init__(self, door_options: DoorOptions, **arguments: Any) -> None:
        super().__init__(**arguments)
        self.jobs.is_virtual = door_options.clock == "virtual"
        self.limits = door_options.limits
        self.access = door_options.access
        self._door_options = door_options
        self._lock = threading.Lock()
        self._server: Loopback | Claim | SandboxClaim | None = None
        self._transport: InProcess | None = None
        self._interceptions: list[Interception] = []
        self._control: Control | None = None
        self._webhooks: Webhooks | None = None
        self.jobs.make_announcer = self._make_announcer

    @property
    def webhooks(self) -> Webhooks:
        """The webhooks that the mock sends; their clock is that of its jobs."""
        with self._lock:
            if self._webhooks is None:
                from openai_mockserver.webhooks import Webhooks

                keep = self._door_options.keep_deliveries
                self._webhooks = Webhooks(self.options.seed, self.jobs, keep)
            return self._webhooks

    def clear_webhooks(self) -> None:
        """Remove the deliveries, and the endpoints but those that a server began with."""
        if self._webhooks is not None:
            self._webhooks.clear()

    def _make_announcer(self) -> Announcer:
        from openai_mockserver.webhooks.registered import RegisteredEndpoints

        return RegisteredEndpoints(self.webhooks, self.store)

    @property
    def has_tls(self) -> bool:
        """Whether the loopback server uses TLS."""
        address = self._door_options.address
        return self._door_options.tls is not None or (address is not None and address.has_tls)

    @property
    def base_url(self) -> str:
        """The base URL for OpenAI clients, for example ``http://127.0.0.1:PORT/v1``.

        Starts the loopback server if it is not running.
        """
        return f"{self.start().url}/v1"

    def door(self) -> Door:
        """Return what a server needs of this mock."""
        from openai_mockserver.server import Door

        lead, coalesce = self._door_options.lead, self._door_options.coalesce
        return Door(
            self.begin,
            self.refuse,
            self.limits,
            self.access,
            lead,
            coalesce,
            sessions=self,
            side=self._find_beside,
        )

    def _find_beside(self, path: str) -> Inner | SideHandler | None:
        """Return what answers requests to a path that is not OpenAI's, if anything does."""
        if self._control is None:
            from openai_mockserver.control import Control

            options = self._door_options
            self._control = Control(cast("Steerable", self), options.control, options.control_token)
        return self._control.find(path)

    def start(self) -> Loopback | Claim | SandboxClaim:
        """Start the loopback server if it is not running, and return it."""
        from openai_mockserver.server import Loopback, bind

        options = self._door_options
        with self._lock:
            if self._server is None and options.address is not None:
                self._server = options.address.claim(self.door)
            elif self._server is None:
                self._server = Loopback(self.door, bind(*options.host_port), options.tls)
            return self._server

    @property
    def has_upstream(self) -> bool:
        """Whether an upstream answers requests, which only the loopback server can ask."""
        return self.options.upstream is not None

    def intercept(self) -> Interception:
        """Answer requests of this process to known hosts, whatever base URL the application sets.

        From now on, what httpx, httpx2, requests and aiohttp send to ``api.openai.com``, Azure's
        ``*.openai.azure.com`` and the hosts of the other providers comes to this mock, until the
        returned interception is stopped, or the mock is. It is a context manager, too. Requests to
        any other host pass. Of several mocks that intercept, the newest answers.

        Raises MockServerError for a mock with ``tls``.
        """
        from openai_mockserver.interception import Interception

        if self.has_tls:
            raise MockServerError("intercept() cannot be combined with tls=")
        interception = Interception(self)
        self._interceptions.append(interception)
        return interception

    def stop(self) -> None:
        """Stop the loopback server, abort its open streams, and stop intercepting."""
        while self._interceptions:
            self._interceptions.pop().stop()
        if self._webhooks is not None:
            self._webhooks.stop()
        with self._lock:
            server, self._server = self._server, None
        if server is not None:
            server.stop()

    def __enter__(self) -> Doors:
        options = self._door_options
        if options.host_port[1] or options.address:  # clients may know the URL without `base_url`
            self.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self.stop()

    def transport(self) -> Any:
        """Return the in-process transport, for httpx2 and httpx, sync and async."""
        if self._transport is None:
            from openai_mockserver.transport import Clock, InProcess

            clock = Clock(virtual=self._door_options.clock == "virtual")
            clock.on_advance.append(self.jobs.advance)
            self._transport = InProcess(partial(self.begin, clock=clock), clock)
        return self._transport

    @property
    def clock(self) -> Clock:
        """The clock of the in-process transport."""
        clock: Clock = self.transport().clock
        return clock

    def client(self, **options: Any) -> openai.OpenAI:
        """Return an in-process `openai.OpenAI`, created with these options.

        Raises MissingDependency if the openai package is not installed.
        """
        return make_client(self.transport(), self.api_key, options)

    def async_client(self, **options: Any) -> openai.AsyncOpenAI:
        """Return an in-process `openai.AsyncOpenAI`, created with these options.

        Raises MissingDependency if the openai package is not installed.
        """
        return make_async_client(self.transport(), self.api_key, options)
