"""The one address of a test run: ``openai_mock_address = session``.

Rules of this file: what a run costs that uses no mock is a socket and a sleeping thread; all else
is imported when a mock, or a client, comes.
"""

from __future__ import annotations

import os
import selectors
import socket
import threading
from typing import TYPE_CHECKING

from openai_mockserver.clients import API_KEY

if TYPE_CHECKING:
    from openai_mockserver.server import SharedAddress

__all__ = ["SessionAddress"]

_BACKLOG = 4096


class SessionAddress:
    """The environment's OpenAI, for a whole run: each test's mock answers there in its turn."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=_BACKLOG)
        self._listener.setblocking(False)
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}/v1"
        self._before = {
            name: os.environ.get(name) for name in ("OPENAI_BASE_URL", "OPENAI_API_KEY")
        }
        self._shared: SharedAddress | None = None
        self._lock = threading.Lock()
        self._waker, self._wakes = socket.socketpair()
        self._stopping = False
        self._thread = threading.Thread(target=self._wait, name="openai-mockserver", daemon=True)
        self._thread.start()

    def set_environment(self, keep_key: bool) -> None:
        """Point clients to it, also those that are made when a module is imported.

        Args:
            keep_key: leave a key that is there, because an upstream is to be asked with it.
        """
        os.environ["OPENAI_BASE_URL"] = self.url
        if not (keep_key and os.environ.get("OPENAI_API_KEY")):
            os.environ["OPENAI_API_KEY"] = API_KEY

    def find_variable(self, name: str) -> str | None:
        """A variable of the environment, as it is without this address."""
        value = os.environ.get(name)
        return self._before[name] if value in (self.url, API_KEY) else value

    @property
    def shared(self) -> SharedAddress:
        """What mocks claim."""
        with self._lock:
            if self._shared is None:
                from openai_mockserver.server import SharedAddress

                self._shared = SharedAddress(self._listener)
            return self._shared

    def _wait(self) -> None:
        with selectors.DefaultSelector() as selector:
            for waited in (self._listener, self._wakes):
                selector.register(waited, selectors.EVENT_READ)
            selector.select()
        if not self._stopping:
            _ = self.shared

    def stop(self) -> None:
        """Close it, and restore the environment."""
        self._stopping = True
        self._waker.send(b"\0")
        self._thread.join()
        if self._shared is not None:
            self._shared.stop()
        for end in (self._listener, self._waker, self._wakes):
            end.close()
        for name, value in self._before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
