"""The address of a sandbox: a part of the address of another mock's server.

Rules of this file: a sandbox is an ordinary mock at such an address.
"""

from __future__ import annotations

from collections.abc import Callable

__all__ = ["SandboxAddress", "SandboxClaim"]


class SandboxClaim:
    """A sandbox's claim to its address, used like a server of its own."""

    def __init__(self, url: str, remove: Callable[[], object]) -> None:
        self.url = url
        self.stop = remove
        """Removes the sandbox; does nothing the second time."""


class SandboxAddress:
    """An address below that of another mock's server.

    Args:
        find_url: returns the URL of that server, and starts it if it is not running.
        has_tls: whether that server uses TLS.
        id: the id of the sandbox.
        remove: removes the sandbox.
    """

    def __init__(
        self, find_url: Callable[[], str], has_tls: bool, id: str, remove: Callable[[], object]
    ) -> None:
        self.has_tls = has_tls
        self.id = id
        self._find_url = find_url
        self._remove = remove

    def claim(self, find_door: Callable[[], object]) -> SandboxClaim:
        """Return the claim to the address; the door is found by the sandbox's id."""
        return SandboxClaim(f"{self._find_url()}/s/{self.id}", self._remove)
