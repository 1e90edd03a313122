"""What the API needs of the sender of webhooks: the endpoints that an application registers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

__all__ = ["REGISTERED", "Announcer"]

REGISTERED = "registered webhook endpoint"
"""The kind in a shared store of what each process must know of an endpoint, by its id."""


class Announcer(Protocol):
    """Sends webhooks to registered endpoints, which it knows by their ids."""

    def has(self, id: str) -> bool:
        """Whether it has an endpoint with this id."""

    def add(self, id: str, url: str, types: Sequence[str]) -> str:
        """Add an endpoint, and return its secret. Raises MockServerError for an invalid URL."""

    def change(self, id: str, url: str, types: Sequence[str]) -> None:
        """Change an endpoint. Raises MockServerError for an invalid URL."""

    def remove(self, id: str) -> None:
        """Remove an endpoint."""

    def refresh(self) -> None:
        """Learn of the endpoints that other processes with the same store have changed."""

    def clear(self) -> None:
        """Remove all endpoints."""

    def rotate_secret(self, id: str, keep_old: bool) -> str:
        """Replace the secret of an endpoint, and return the new one.

        Args:
            id: the id of the endpoint.
            keep_old: whether the old secret stays valid for 24 hours.
        """

    def test(self, id: str, type: str) -> int:
        """Send an event to an endpoint once, and return the status of its answer.

        Raises MockServerError if there is no answer, or nothing may be sent there.
        """
