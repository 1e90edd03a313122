"""A rule: its conditions, and the answers that it gives in turn.

Rules of this file: no I/O. A rule can explain why it does not match, for requests that no rule
matches. The reason is a value until someone reads it; only then a sentence is built.
"""

from __future__ import annotations

import copy
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple, Protocol

from openai_mockserver.cassettes.matching import IsRecorded
from openai_mockserver.exceptions import MockServerError
from openai_mockserver.faults.chances import check_chance
from openai_mockserver.reply import ApiError, Reply
from openai_mockserver.request import Request
from openai_mockserver.rules.answer import Answer, ReplyFunction, name_function
from openai_mockserver.rules.matcher import NOTHING
from openai_mockserver.rules.pattern import (
    CONDITIONS,
    Mismatch,
    RequestValues,
    check_pattern,
    show_pattern,
)
from openai_mockserver.script import Script

__all__ = ["Reason", "Rule"]


class _FalsePredicate(NamedTuple):
    """A predicate that returned a false value; `str` makes a sentence of it."""

    predicate: Callable[..., object]

    def __str__(self) -> str:
        return f"{name_function(self.predicate)} returned a false value"


Reason = str | Mismatch | _FalsePredicate
"""Why a rule does not answer a request; `str` makes the sentence."""


class UseCounter(Protocol):
    """Counts the uses of rules together with other processes that have the same rules."""

    def count(self, name: str, most: int | None) -> int | None:
        """Count a use of a rule, and return how many there were before.

        Args:
            name: the name of the rule.
            most: the largest number of uses; None for no limit. If there were so many, the use is
                not counted, and None is returned.
        """

    def restart(self, name: str) -> None:
        """Forget the uses of a rule."""


class Rule:
    """Answers the requests that match its patterns.

    Its answers are given in turn, then the last one repeats; ``times`` limits their total.

    Attributes:
        patterns: the patterns by condition.
        predicate: a function of the request that must return a true value, if any.
        is_recording: it plays recordings, for the requests that they answered, at any path.
        is_handmade: its answers include scripts, faults or headers, which may be invalid.
        number: its number among the rules that a mock ever had, counted from 1; 0 for no mock.
    """

    # The journal is that of the mock. Its calls have the type `Call`, which this floor cannot name.

    def __init__(
        self,
        patterns: Mapping[str, Any],
        predicate: Callable[[Request], object] | None,
        journal: Iterable[Any] = (),
    ) -> None:
        for condition, pattern in patterns.items():
            check_pattern(condition, pattern)
        if predicate is not None and not callable(predicate):
            raise MockServerError(
                f"on({predicate!r}): a predicate must be a function of the request; "
                "to match text, use user=, system= or model="
            )
        self.patterns: Mapping[str, Any] = MappingProxyType(dict(patterns))
        self._comparisons = [
            (condition, pattern, CONDITIONS[condition].compare)
            for condition, pattern in patterns.items()
        ]
        self.predicate = predicate
        self.is_recording = isinstance(predicate, IsRecorded)
        self.is_handmade = False
        self._journal = journal
        self._answers: list[Answer] = []
        self.number = 0
        self._times: int | None = None
        self._chance: float | None = None
        self._use_count = 0
        self._counter: UseCounter | None = None
        self._ordinal, self._name = 0, ""
        self._lock = threading.Lock()

    @property
    def is_about_model(self) -> bool:
        """Whether it answers only where a model speaks: it names no endpoint and plays nothing."""
        return "endpoint" not in self.patterns and not self.is_recording

    @property
    def use_count(self) -> int:
        """How many requests the rule has answered."""
        return self._use_count

    @property
    def called(self) -> bool:
        """Whether the rule has answered a request."""
        return self._use_count > 0

    @property
    def called_once(self) -> bool:
        """Whether the rule has answered exactly one request."""
        return self._use_count == 1

    @property
    def calls(self) -> list[Any]:
        """The calls in the journal that the rule has answered, each a `Call`, in order."""
        return [call for call in self._journal if call.rule is self]

    @property
    def answers(self) -> Sequence[Answer]:
        """The answers that it gives in turn."""
        return self._answers

    @property
    def times(self) -> int | None:
        """How many requests it answers at most."""
        return self._times

    @property
    def chance(self) -> float | None:
        """The probability that it answers a request that matches; None for always."""
        return self._chance

    def copy(self, journal: Iterable[Any]) -> Rule:
        """Return the same rule before its first request, for the mock with another journal."""
        rule = copy.copy(self)
        rule._lock, rule._journal, rule._counter = threading.Lock(), journal, None
        rule.restart(0)
        return rule

    def restart(self, number: int) -> None:
        """Begin again with the first answer, and under this number."""
        with self._lock:
            if self._counter is not None and len(self._answers) > 1:
                self._counter.restart(self._make_name())
            self.number, self._use_count = number, 0

    def count_with(self, counter: UseCounter | None, ordinal: int = 0) -> None:
        """Count the uses with other processes, if there are several answers to give in turn.

        Args:
            counter: what counts them; None to count alone.
            ordinal: how many earlier rules have the same patterns.
        """
        self._counter, self._ordinal, self._name = counter, ordinal, ""

    def _make_name(self) -> str:
        """Return what the same rule is called in every process that has the same rules."""
        if not self._name:
            values = "\n".join(_describe(answer.value) for answer in self._answers)
            self._name = f"{self._ordinal} {self!r}\n{values}"
        return self._name

    def explain_unused(self) -> str | None:
        """Return a sentence about the answers that were never given; None if all were."""
        if not self._answers:
            return f"{self!r} has no reply"
        if not self._use_count:
            return f"{self!r} answered no request"
        if self._times is not None and self._use_count < self._times:
            return f"{self!r} answered {self._use_count} of its {self._times} times"
        unused_answers = self._answers[self._use_count :]
        if not unused_answers:
            return None
        faults = ", ".join(repr(fault) for answer in unused_answers for fault in answer.faults)
        suffix = f"; faults never used: {faults}" if faults else ""
        return f"{self!r} gave only {self._use_count} of its {len(self._answers)} replies{suffix}"

    def set_answers(
        self, answers: Iterable[Answer], times: int | None = None, chance: float | None = None
    ) -> None:
        """Set the answers of the rule.

        Args:
            answers: the answers, given in turn.
            times: maximum number of requests that the rule answers.
            chance: the probability that it answers a request that matches.
        """
        answer_list = list(answers)
        if not answer_list:
            raise MockServerError("a rule needs at least one reply")
        if times is not None and not (isinstance(times, int) and times >= 1):
            raise MockServerError(f"times={times!r}: must be a whole number, 1 or more, or None")
        if chance is not None:
            check_chance(chance)
        self.is_handmade = any(map(_is_handmade, answer_list))
        self._answers, self._times, self._chance = answer_list, times, chance
        self._name = ""

    def find_mismatch(self, values: RequestValues) -> Reason | None:
        """Return why the request with these values does not match; None if it does."""
        if not self._answers:
            return "it has no reply yet: call .reply(...)"
        try:
            for condition, pattern, compare in self._comparisons:
                difference = compare(pattern, values[condition])
                if difference is not NOTHING:
                    return Mismatch(condition, difference, values[condition])
            if self.predicate is not None and not self.predicate(values.request):
                return _FalsePredicate(self.predicate)
        except Exception as error:
            # For example `request.json["temperature"] > 1`, if the request has no temperature.
            return f"matching it raised {error!r}"
        return None

    def explain_exhaustion(self) -> str | None:
        """Return why the rule answers no further request; None if it may."""
        if self._times is None or self._use_count < self._times:
            return None
        return f"it has already answered {self._times} time{'s' * (self._times != 1)}"

    def count_mismatches(self, values: RequestValues) -> int:
        """Return how many of the rule's patterns the request with these values does not match."""
        count = 0
        for condition, pattern, compare in self._comparisons:
            try:
                count += compare(pattern, values[condition]) is not NOTHING
            except Exception:
                count += 1
        return count

    def take_answer(self, values: RequestValues) -> Answer | Reason:
        """Return the next answer for the request with these values, or why there is none."""
        reason = self.find_mismatch(values)
        if reason is not None:
            return reason
        if self._chance is not None and values.draw(self.number) >= self._chance:
            return f"it answers by chance={self._chance:g}, and not this time"
        with self._lock:
            if (reason := self.explain_exhaustion()) is not None:
                return reason
            if self._counter is not None and len(self._answers) > 1:
                count = self._counter.count(self._make_name(), self._times)
                if count is None:
                    self._use_count = self._times or 0
                    return str(self.explain_exhaustion())
                self._use_count = count
            answer = self._answers[min(self._use_count, len(self._answers) - 1)]
            self._use_count += 1
        return answer

    def __repr__(self) -> str:
        conditions = [f"{name}={show_pattern(pattern)}" for name, pattern in self.patterns.items()]
        if self.predicate is not None:
            conditions.insert(0, name_function(self.predicate))
        return f"on({', '.join(conditions)})"


def _describe(value: object) -> str:
    """Return what distinguishes a reply from others; recordings and functions are only counted."""
    return repr(value) if isinstance(value, str | Reply | ApiError) else type(value).__name__


def _is_handmade(answer: Answer) -> bool:
    value = answer.value
    has_headers = isinstance(value, ApiError) and bool(value.headers)
    return bool(answer.faults) or isinstance(value, Script | ReplyFunction) or has_headers
