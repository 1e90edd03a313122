"""The shared address of a test run, for ``openai_mock_address = session``.

Rules of this file: a run without mocks costs a socket and a sleeping thread; everything else is
imported when the first mock or client uses the address.
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
    """The address of OpenAI in the environment of a whole run; each test's mock answers there."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=_BACKLOG)
        self._listener.setblocking(False)
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}/v1"
        self._before = {
            name: os.environ.get(name) for name in ("OPENAI_BASE_URL", "OPENAI_API_KEY")
        }
        self._shared: SharedAddress | None = None
        self._lock = threading.Lock()
        self._wake_sender, self._wake_receiver = socket.socketpair()
        self._is_stopping = False
        self._thread = threading.Thread(
            target=self._wait_for_client, name="openai-mockserver", daemon=True
        )
        self._thread.start()

    def set_environment(self, keep_key: bool) -> None:
        """Point clients to the address, also those that a module creates when it is imported.

        Args:
            keep_key: keep an existing API key, because requests to an upstream need it.
        """
        os.environ["OPENAI_BASE_URL"] = self.url
        if not (keep_key and os.environ.get("OPENAI_API_KEY")):
            os.environ["OPENAI_API_KEY"] = API_KEY

    def find_variable(self, name: str) -> str | None:
        """Return an environment variable as it is without this address."""
        value = os.environ.get(name)
        return self._before[name] if value in (self.url, API_KEY) else value

    @property
    def shared(self) -> SharedAddress:
        """The address that mocks claim, created at the first use."""
        with self._lock:
            if self._shared is None:
                from openai_mockserver.server import SharedAddress

                self._shared = SharedAddress(self._listener)
            return self._shared

    def _wait_for_client(self) -> None:
        with selectors.DefaultSelector() as selector:
            for source in (self._listener, self._wake_receiver):
                selector.register(source, selectors.EVENT_READ)
            selector.select()
        if not self._is_stopping:
            _ = self.shared

    def stop(self) -> None:
        """Close the address and restore the environment."""
        self._is_stopping = True
        self._wake_sender.send(b"\0")
        self._thread.join()
        if self._shared is not None:
            self._shared.stop()
        for end in (self._listener, self._wake_sender, self._wake_receiver):
            end.close()
        for name, value in self._before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
