"""A rule: what it looks at, and the answers that it gives in turn.

Rules of this file: no I/O. A rule can say why it does not match, because what no rule matches has
to be explained; until then the reason is a value, and no sentence is made.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, NamedTuple

from openai_mockserver.cassettes.matching import IsRecorded
from openai_mockserver.exceptions import MockServerError
from openai_mockserver.pacing import Pace
from openai_mockserver.reply import ApiError, Reply
from openai_mockserver.request import Request
from openai_mockserver.rules.pattern import (
    LOOKS,
    NOTHING,
    Mismatch,
    RequestValues,
    check_pattern,
    show_pattern,
)
from openai_mockserver.script import Script

__all__ = ["Answer", "Faulty", "Reason", "Rule", "faulty"]


@dataclass(frozen=True, slots=True)
class Answer:
    """What a rule gives: what is said or sent, and what is done to it on the way."""

    value: Reply | ApiError | Script | Mapping[str, Any]  # a mapping is a JSON body as it is
    faults: tuple[Callable[[Script], Script], ...] = ()
    pace: Pace | None = None
    spoken: Reply | None = None  # what a ready-made script says, for requests that want no stream
    dialect: str | None = None
    path: str = ""  # of the endpoint that a ready-made script is of, if it is known


def faulty(reply: object, *faults: Callable[[Script], Script], pace: Pace | None = None) -> Faulty:
    """A reply with faults of its own, where a rule gives several.

    >>> from openai_mockserver.faults import reset
    >>> faulty("Hello", reset(after=1)).faults
    (reset(after=1),)
    """
    return Faulty(reply, faults, pace)


@dataclass(frozen=True, slots=True)
class Faulty:
    """What `faulty` gives."""

    reply: object
    faults: tuple[Callable[[Script], Script], ...]
    pace: Pace | None = None


class _Untrue(NamedTuple):
    """A predicate that is not true of a request; as text, a sentence about it."""

    predicate: Callable[..., object]

    def __str__(self) -> str:
        return f"{_name(self.predicate)} is not true of it"


Reason = str | Mismatch | _Untrue
"""Why a rule does not answer a request; `str` makes the sentence."""


class Rule:
    """Answers the requests that match its patterns.

    Several answers are given in turn, then the last again and again; ``times`` limits them all.
    ``is_recording`` says whether it plays recordings to the requests they were recorded of, at any
    path; ``is_handmade`` whether it gives more than replies: scripts, faults or headers that may be
    anything.
    """

    def __init__(self, patterns: Mapping[str, Any], predicate: Callable[[Request], object] | None):
        for look, pattern in patterns.items():
            check_pattern(look, pattern)
        if predicate is not None and not callable(predicate):
            raise MockServerError(
                f"on({predicate!r}): a predicate is a function of the request; "
                "a text to match goes with user=, system= or model="
            )
        self.patterns: Mapping[str, Any] = MappingProxyType(dict(patterns))
        self._comparisons = [(look, one, LOOKS[look].compare) for look, one in patterns.items()]
        self.predicate = predicate
        self.is_recording = isinstance(predicate, IsRecorded)
        self.is_handmade = False
        self._answers: list[Answer] = []
        self._times: int | None = None
        self._used = 0
        self._lock = threading.Lock()

    @property
    def is_about_model(self) -> bool:
        """Whether it is about what a model says, and not about any endpoint that it names."""
        return "endpoint" not in self.patterns and not self.is_recording

    @property
    def used(self) -> int:
        """How many requests the rule has answered."""
        return self._used

    @property
    def unused(self) -> str | None:
        """What of it no request was given, in words; None if all was."""
        if not self._answers:
            return f"{self!r} has no reply"
        if not self._used:
            return f"{self!r} answered no request"
        if self._times is not None and self._used < self._times:
            return f"{self!r} answered {self._used} of its {self._times} times"
        left = self._answers[self._used :]
        if not left:
            return None
        faults = ", ".join(repr(fault) for answer in left for fault in answer.faults)
        which = f"{self._used} of its {len(self._answers)} replies were given"
        return f"only {which} by {self!r}{f'; never {faults}' if faults else ''}"

    def answer(self, answers: Iterable[Answer], times: int | None = None) -> None:
        """Set what the rule answers."""
        given = list(answers)
        if not given:
            raise MockServerError("a rule needs at least one reply")
        if times is not None and not (isinstance(times, int) and times >= 1):
            raise MockServerError(f"times={times!r}: a rule answers at least once")
        self.is_handmade = any(map(_is_handmade, given))
        self._answers, self._times = given, times

    def find_mismatch(self, values: RequestValues) -> Reason | None:
        """Why the request with these values does not match; None if it does."""
        if not self._answers:
            return "it has no reply yet: call .reply(...)"
        try:
            for look, pattern, compare in self._comparisons:
                unmatched = compare(pattern, values[look])
                if unmatched is not NOTHING:
                    return Mismatch(look, unmatched, values[look])
            if self.predicate is not None and not self.predicate(values.request):
                return _Untrue(self.predicate)
        except Exception as error:
            # As with `request.json["temperature"] > 1`, where the request has no temperature.
            return f"looking at it raised {error!r}"
        return None

    def take(self, values: RequestValues) -> Answer | Reason:
        """The next answer for the request with these values, or why there is none."""
        reason = self.find_mismatch(values)
        if reason is not None:
            return reason
        with self._lock:
            if self._times is not None and self._used >= self._times:
                return f"it has answered its {self._times} time{'s' * (self._times != 1)}"
            answer = self._answers[min(self._used, len(self._answers) - 1)]
            self._used += 1
        return answer

    def __repr__(self) -> str:
        shown = [f"{look}={show_pattern(pattern)}" for look, pattern in self.patterns.items()]
        if self.predicate is not None:
            shown.insert(0, _name(self.predicate))
        return f"on({', '.join(shown)})"


def _is_handmade(answer: Answer) -> bool:
    value = answer.value
    has_headers = isinstance(value, ApiError) and bool(value.headers)
    return bool(answer.faults) or isinstance(value, Script) or has_headers


def _name(predicate: Callable[..., object]) -> str:
    name = getattr(predicate, "__name__", None) or repr(predicate)
    code = getattr(predicate, "__code__", None)
    return f"{name} (line {code.co_firstlineno})" if name == "<lambda>" and code else name
