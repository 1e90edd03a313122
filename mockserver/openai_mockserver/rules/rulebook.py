"""The rules of a mock, and the search for the newest that answers a request.

Rules of this file: no I/O. A rule with a literal text, for example ``user="Hi"`` or
``model="gpt-4o"``, is stored under that text and compared only with requests that contain it; every
other rule is compared with every request. Both kinds are tried from the newest to the oldest, as if
they were in one list. Rules may be added while requests are answered: a request sees a rule
completely or not at all.
"""

from __future__ import annotations

import heapq
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import overload

from openai_mockserver.request import Request
from openai_mockserver.rules.answer import Answer
from openai_mockserver.rules.pattern import (
    LITERAL_CONDITIONS,
    RequestValues,
    find_literal,
    list_literal_keys,
)
from openai_mockserver.rules.rule import Reason, Rule

__all__ = ["Rulebook", "Unmatched"]

_NumberedRule = tuple[int, Rule]
"""A rule and its unique number; the newest rule has the highest."""


class Rulebook(Sequence[Rule]):
    """The rules, in the order in which they were added."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._successor: Rulebook | None = None
        self._count = 0
        self._reset()

    def _reset(self) -> None:
        self._rules: list[Rule] = []
        self._other_rules: list[_NumberedRule] = []
        self._literal_rules: dict[str, dict[object, list[_NumberedRule]]] = {
            condition: {} for condition in LITERAL_CONDITIONS
        }

    def add(self, rule: Rule) -> None:
        """Add a rule as the newest."""
        with self._lock:
            if self._successor is not None:
                self._successor.add(rule)
                return
            self._count += 1
            rule.number = self._count
            literal = find_literal(rule.patterns)
            if literal is None:
                self._other_rules.append((self._count, rule))
            else:
                condition, key = literal
                self._literal_rules[condition].setdefault(key, []).append((self._count, rule))
            self._rules.append(rule)

    def clear(self) -> None:
        """Remove all rules."""
        with self._lock:
            if self._successor is not None:
                self._successor.clear()
                return
            self._count = 0
            self._reset()

    def replace(self, old: Iterable[Rule], new: Iterable[Rule]) -> Rulebook:
        """Return a rulebook in which new rules have the place of old ones.

        This one stays as it is for the requests that are being answered, and passes on the rules
        that are added to it later.

        Args:
            old: the rules to leave out.
            new: the rules that come where the first of the old was; without one, before all others.
        """
        left_out = set(old)
        with self._lock:
            if self._successor is not None:
                return self._successor.replace(left_out, new)
            at = next((n for n, rule in enumerate(self._rules) if rule in left_out), 0)
            successor = Rulebook()
            for rule in (*self._rules[:at], *new, *self._rules[at:]):
                if rule not in left_out:
                    successor.add(rule)
            self._successor = successor
            return successor

    def find_answer(
        self,
        request: Request,
        model_speaks: bool = True,
        draw: Callable[[int], float] | None = None,
    ) -> Match | Unmatched:
        """Return the newest rule that answers a request, and its next answer.

        Args:
            request: the request, with its history if it has one.
            model_speaks: whether a model answers at its endpoint; if not, rules that do not name
                the endpoint are skipped.
            draw: returns a number from 0 to 1 for a rule by its number, to compare with its chance.
        """
        rules = tuple(self._rules)
        values = RequestValues(request) if draw is None else RequestValues(request, draw)
        reasons: dict[Rule, Reason] = {}
        for rule in self._find_candidates(values):
            if not model_speaks and rule.is_about_model:
                continue
            answer = rule.take_answer(values)
            if isinstance(answer, Answer):
                return Match(rule, answer)
            reasons[rule] = answer
        return Unmatched(values, rules, model_speaks, reasons)

    def _find_candidates(self, values: RequestValues) -> Iterable[Rule]:
        """Return the rules that may match, newest first."""
        lists = [self._other_rules] if self._other_rules else []
        for condition, by_key in self._literal_rules.items():
            if by_key:
                try:
                    keys = list_literal_keys(condition, values[condition])
                except Exception:
                    continue  # a value that cannot be read matches no pattern
                lists += [matches for key in keys if (matches := by_key.get(key))]
        if len(lists) == 1:
            return (rule for _, rule in reversed(lists[0]))
        return (rule for _, rule in heapq.merge(*map(reversed, lists), reverse=True))

    @overload
    def __getitem__(self, index: int) -> Rule: ...
    @overload
    def __getitem__(self, index: slice) -> list[Rule]: ...
    def __getitem__(self, index: int | slice) -> Rule | list[Rule]:
        return self._rules[index]

    def __len__(self) -> int:
        return len(self._rules)

    def __iter__(self) -> Iterator[Rule]:
        return iter(self._rules)

    def __reversed__(self) -> Iterator[Rule]:
        return reversed(self._rules)


@dataclass(frozen=True, slots=True)
class Match:
    """A rule that answers a request, and its answer."""

    rule: Rule
    answer: Answer


@dataclass(frozen=True, slots=True)
class Unmatched:
    """The result of `Rulebook.find_answer` if no rule answers.

    Args:
        values: the request's values by condition.
        rules: all rules, oldest first.
        model_speaks: as for `Rulebook.find_answer`.
        reasons: why those rules that were tried do not answer.
    """

    values: RequestValues
    rules: tuple[Rule, ...]
    model_speaks: bool
    reasons: Mapping[Rule, Reason]

    @property
    def candidates(self) -> list[Rule]:
        """The rules that apply at the endpoint, newest first."""
        rules = (rule for rule in self.rules if self.model_speaks or not rule.is_about_model)
        return list(rules)[::-1]

    def explain(self) -> Iterator[tuple[Rule, Reason]]:
        """Yield each candidate, and why it does not answer."""
        for rule in self.candidates:
            reason = self.reasons.get(rule) or rule.find_mismatch(self.values)
            yield rule, reason or "it did not match"  # only if the rule has changed since

    def find_nearest(self, most: int) -> list[tuple[Rule, Reason]]:
        """Return the candidates that nearly answer, the closest first, and why each does not.

        A rule is closer the fewer of its conditions the request fails, and among these the more it
        meets. Of equally close rules the newest comes first.

        Args:
            most: maximum number of rules.
        """

        def measure_distance(near_miss: tuple[Rule, Reason]) -> tuple[int, int]:
            rule, reason = near_miss
            failed_count = rule.count_mismatches(self.values)
            met_count = len(rule.patterns) - failed_count
            # A predicate is called only once; here it is known only if everything else matched.
            return failed_count + (failed_count == 0 and not isinstance(reason, str)), -met_count

        return sorted(self.explain(), key=measure_distance)[:most]
