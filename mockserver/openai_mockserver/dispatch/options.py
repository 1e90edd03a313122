"""The options of a mock: how it answers, apart from its rules.

Rules of this file: values only.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

from openai_mockserver.dialects import find_dialect
from openai_mockserver.engine import Engine, as_engine
from openai_mockserver.exceptions import MockServerError
from openai_mockserver.pacing import Pace, as_pace
from openai_mockserver.request import Request
from openai_mockserver.script import RecordedSession, Script
from openai_mockserver.upstream import Upstream

if TYPE_CHECKING:
    from openai_mockserver.cassettes.cassette import Cassette
    from openai_mockserver.cassettes.recorder import Recorder

__all__ = ["ERROR_HEADER", "FAULT_HEADER", "REPLY_TIMEOUT", "STREAM_MODEL", "Option", "Options"]

REPLY_TIMEOUT = 30.0
"""Seconds within which a function that makes a reply must return on a server."""

STREAM_MODEL = "mockserver/"
"""Model names with this prefix name a catalogue stream, unless a cassette or upstream is set."""

ERROR_HEADER = "x-mockserver-error"
"""The request header that asks for an error; obeyed only with ``header_faults``."""

FAULT_HEADER = "x-mockserver-fault"
"""The request header that asks for faults; obeyed only with ``header_faults``."""


@dataclass(frozen=True, kw_only=True)
class Options:
    """How a mock answers.

    Args:
        api_key, seed, lenient, default, dialect, pace, fast_retries, header_faults,
        lenient_faults, reply_timeout, cassette, job_seconds: as for `MockOpenAI`.
        faults: put into every reply, after those of its rule; one that cannot happen is ignored,
            with a warning.
        engine: the capacity of the mock; without one it is unlimited.
        use_default: whether ``default`` answers requests that no rule matches.
        upstream: answers requests that nothing else answers.
        recorder: records the responses of the upstream.
        sessions: recorded sessions that answer WebSockets, in turn for each path.

    Raises MockServerError for an unknown dialect, pace or engine, and for impossible `job_seconds`.
    """

    api_key: str | None = None
    seed: int | str | None = None
    lenient: bool = False
    default: Callable[[Request], object] | None = None
    dialect: str | None = None
    pace: Pace | None = None
    engine: Engine | None = None
    fast_retries: bool = True
    header_faults: bool = False
    lenient_faults: bool = False
    reply_timeout: float | None = REPLY_TIMEOUT
    faults: tuple[Callable[[Script], Script], ...] = ()
    use_default: bool = True
    upstream: Upstream | None = None
    recorder: Recorder | None = None
    cassette: Cassette | None = None
    sessions: tuple[RecordedSession, ...] = ()
    job_seconds: float = 0.0

    def __post_init__(self) -> None:
        find_dialect(self.dialect)
        object.__setattr__(self, "pace", as_pace(self.pace))
        object.__setattr__(self, "engine", as_engine(self.engine))
        seconds = self.job_seconds
        is_number = isinstance(seconds, int | float) and not isinstance(seconds, bool)
        if not (is_number and math.isfinite(seconds) and seconds >= 0):
            raise MockServerError(f"job_seconds={seconds!r}: must be a finite number, 0 or more")

    @property
    def has_other_source(self) -> bool:
        """Whether a cassette or an upstream answers requests that no rule matches."""
        return self.cassette is not None or self.upstream is not None


class _HasOptions(Protocol):
    options: Options


_Value = TypeVar("_Value")


class Option(Generic[_Value]):
    """A descriptor that reads and sets a field of an object's ``options``."""

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    def __get__(self, holder: _HasOptions, owner: type | None = None) -> _Value:
        value: _Value = getattr(holder.options, self._name)
        return value

    def __set__(self, holder: _HasOptions, value: _Value) -> None:
        change: dict[str, Any] = {self._name: value}
        holder.options = replace(holder.options, **change)
