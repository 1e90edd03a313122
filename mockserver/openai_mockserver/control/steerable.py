"""What the control API needs of a mock; `MockOpenAI` has all of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol

from openai_mockserver.access import Access
from openai_mockserver.api.jobs import Jobs
from openai_mockserver.api.store import Store
from openai_mockserver.dispatch import Options
from openai_mockserver.engine import Snapshot
from openai_mockserver.journal import Call, Journal
from openai_mockserver.metrics import Counts
from openai_mockserver.rules import Rulebook
from openai_mockserver.server.door import Door
from openai_mockserver.state import Sandboxes

if TYPE_CHECKING:
    from openai_mockserver.webhooks import Webhooks

__all__ = ["Steerable"]


class Steerable(Protocol):
    """A mock that can be steered while it runs."""

    options: Options
    first_options: Options
    """Those that it began with, with what its files say since."""
    calls: Journal
    store: Store
    jobs: Jobs
    access: Access
    counts: Counts
    fail_on_unmatched: bool
    fail_on_unused: bool
    worker: int
    """The number of this process among several that serve together, counted from 0."""

    @property
    def rules(self) -> Rulebook:
        """Its rules."""

    @property
    def cache_use(self) -> float:
        """The part of its engine's prefix cache that is used."""

    @property
    def has_tls(self) -> bool:
        """Whether its connections use TLS."""

    @property
    def engine(self) -> Snapshot | None:
        """The state of its engine."""

    @property
    def starts_in(self) -> float:
        """Seconds until its engine has started; 0 if it has."""

    @property
    def sandboxes(self) -> Sandboxes[Any]:
        """Its sandboxes."""

    @property
    def webhooks(self) -> Webhooks:
        """The webhooks that it sends."""

    @property
    def on(self) -> Callable[..., Any]:
        """Begins a rule."""

    @property
    def problems(self) -> list[Call]:
        """The calls with problems."""

    @property
    def forgotten_problems(self) -> int:
        """How many calls with problems the journal has dropped."""

    @property
    def unused(self) -> list[str]:
        """A sentence for each rule that was not used completely."""

    def reset_engine(self) -> None:
        """Begin again with an engine that serves no requests."""

    def clear_webhooks(self) -> None:
        """Remove deliveries and endpoints, but those that it began with."""

    def change_options(self, **changes: Any) -> None:
        """Change some options at once."""

    def door(self) -> Door:
        """Return what a server needs of it."""

    def draft(self) -> Steerable:
        """Return a mock with the same options and without rules, which no request reaches."""

    def sandbox(self, id: str | None = None) -> Steerable:
        """Create a sandbox."""

    def check(self, unused: bool = False) -> None:
        """Raise AssertionError for calls with problems, and perhaps for unused rules."""
