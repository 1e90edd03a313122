"""One address that several mocks use in turn.

Rules of this file: a request goes to the mock that claimed the address last. When a mock releases
the address, its open streams are aborted.
"""

from __future__ import annotations

import socket
from collections.abc import Callable
from itertools import count

from openai_mockserver.api import errors
from openai_mockserver.journal import Call
from openai_mockserver.reply import ApiError
from openai_mockserver.request import Request
from openai_mockserver.server.door import Door
from openai_mockserver.server.runner import Loopback

__all__ = ["Claim", "SharedAddress"]

_UNCLAIMED = ApiError(
    400,
    "openai-mockserver: no test's mock claims this request: it arrived before, between or after "
    "the tests that use mock_openai or openai_cassette, or during a test that uses neither",
    "mockserver_error",
    "unclaimed",
    headers=(("x-should-retry", "false"),),
)


class SharedAddress:
    """A loopback server that mocks claim in turn.

    The server starts when its first client connects; until then it costs a socket and a sleeping
    thread.

    Args:
        listener: a socket from `bind`; closed by `stop`.
    """

    has_tls = False

    def __init__(self, listener: socket.socket) -> None:
        self._doors: list[Callable[[], Door]] = []
        self._numbers = count(1)
        self._unclaimed = Door(self._respond_unclaimed, self._refuse)
        self._loopback = Loopback(self._find_door, listener)
        self.url = self._loopback.url

    def claim(self, door: Callable[[], Door]) -> Claim:
        """Route requests to a mock from now on."""
        self._doors.append(door)
        return Claim(self, door)

    def release(self, door: Callable[[], Door]) -> None:
        """Route requests to the previous mock again; does nothing the second time."""
        if door in self._doors:
            self._doors.remove(door)
            self._loopback.break_connections()

    def stop(self) -> None:
        """Abort all streams and close the socket; does nothing the second time."""
        self._loopback.stop()

    def _find_door(self) -> Door:
        doors = self._doors[-1:]  # one operation, because another thread changes the list
        return doors[0]() if doors else self._unclaimed

    def _respond_unclaimed(self, request: Request) -> Call:
        return self._refuse(request, _UNCLAIMED)

    def _refuse(self, request: Request, error: ApiError) -> Call:
        call = Call(request, next(self._numbers))
        call.script = errors.render(error)
        return call


class Claim:
    """A mock's claim to a shared address, used like a server of its own."""

    def __init__(self, address: SharedAddress, door: Callable[[], Door]) -> None:
        self._address = address
        self._door = door
        self.url = address.url

    def stop(self) -> None:
        """Release the address; does nothing the second time."""
        self._address.release(self._door)
