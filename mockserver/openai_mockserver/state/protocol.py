"""The protocol of what a server remembers.

Rules of this file: declarations only. Another maker may keep the same things elsewhere, so that
several processes share them; its classes then extend those named here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TypeVar

from openai_mockserver.api.store import Store
from openai_mockserver.journal import Call, Journal
from openai_mockserver.rules import Rulebook
from openai_mockserver.state.sandboxes import Sandboxes

__all__ = ["State", "StateMaker"]

T = TypeVar("T")


class State(Protocol):
    """What one mock or one sandbox remembers."""

    @property
    def rules(self) -> Rulebook:
        """The rules: those that the server started with, and those set while it runs."""

    @property
    def calls(self) -> Journal:
        """The journal."""

    @property
    def objects(self) -> Store:
        """The objects that requests created and can retrieve."""


class StateMaker(Protocol):
    """Makes the state of a mock, and of each of its sandboxes."""

    def make(
        self, sandbox: str | None = None, on_end: Callable[[Call], object] | None = None
    ) -> State:
        """Return the state of a sandbox, or of the mock itself.

        Args:
            sandbox: the id of the sandbox; None for the mock itself.
            on_end: called with each call when it ends.
        """

    def make_sandboxes(self, is_busy: Callable[[T], bool], idle: float | None) -> Sandboxes[T]:
        """Return the sandboxes of a mock; their states are forgotten when they are removed.

        Args:
            is_busy: whether a sandbox is in use although no request has arrived.
            idle: seconds after which an idle sandbox is removed; None for never.
        """
