"""The rules of a mock, and the search for the newest that answers a request.

Rules of this file: no I/O. A rule with a literal text, for example ``user="Hi"`` or
``model="gpt-4o"``, is stored under that text and compared only with requests that contain it; every
other rule is compared with every request. Both kinds are tried from the newest to the oldest, as if
they were in one list. Rules may be added while requests are answered: a request sees a rule
completely or not at all. If rules are replaced, it sees the old ones or the new ones.
"""

from __future__ import annotations

import heapq
import threading
from collections import Counter
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
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
from openai_mockserver.rules.rule import Reason, Rule, UseCounter

__all__ = ["RuleSet", "Rulebook", "Unmatched", "measure_distance"]

_NumberedRule = tuple[int, Rule]
"""A rule and its position; the newest rule has the highest."""


class RuleSet(Sequence[Rule]):
    """The rules of one time, oldest first, and those with a literal text by that text."""

    __slots__ = ("_literal_rules", "_other_rules", "_rules")

    def __init__(self, rules: Iterable[Rule] = ()) -> None:
        self._rules: list[Rule] = []
        self._other_rules: list[_NumberedRule] = []
        self._literal_rules: dict[str, dict[object, list[_NumberedRule]]] = {
            condition: {} for condition in LITERAL_CONDITIONS
        }
        for rule in rules:
            self.add(rule)

    def add(self, rule: Rule) -> None:
        """Add a rule as the newest."""
        position = len(self._rules)
        literal = find_literal(rule.patterns)
        if literal is None:
            self._other_rules.append((position, rule))
        else:
            condition, key = literal
            self._literal_rules[condition].setdefault(key, []).append((position, rule))
        self._rules.append(rule)

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


class Rulebook(Sequence[Rule]):
    """The rules of a mock, in the order in which they were added, while they change.

    Args:
        counter: counts the uses of rules that other processes have, too; None for each by itself.
    """

    def __init__(self, counter: UseCounter | None = None) -> None:
        self._counter = counter
        self._names: Counter[str] = Counter()  # how many rules have the same patterns
        self._lock = threading.Lock()
        self._count = 0
        self._current = RuleSet()
        self._pinned_rules: tuple[Rule, ...] | None = None

    @property
    def current(self) -> RuleSet:
        """The rules of now.

        Rules that are added later may appear in it. If rules are removed or replaced, it stays.
        """
        return self._current

    @property
    def pinned_rules(self) -> tuple[Rule, ...]:
        """The rules that `clear` keeps."""
        return self._pinned_rules or ()

    def add(self, rule: Rule) -> None:
        """Add a rule as the newest."""
        with self._lock:
            self._number(rule)
            self._current.add(rule)

    def remove(self, number: int) -> bool:
        """Remove the rule with a number, and return whether there was one."""
        with self._lock:
            rest = [rule for rule in self._current if rule.number != number]
            is_found = len(rest) < len(self._current)
            if is_found:
                self._set(rest)
            return is_found

    def replace(self, old: Iterable[Rule], new: Iterable[Rule]) -> None:
        """Give new rules the place of old ones, also among the pinned rules.

        Args:
            old: the rules to leave out.
            new: the rules that come where the first of the old was; without one, before all others.
        """
        left_out, new_rules = set(old), tuple(new)
        for rule in new_rules:
            rule.number = 0  # they may have one of another rulebook
        with self._lock:
            self._set(_replace_rules(self._current, left_out, new_rules))
            if self._pinned_rules is not None:
                self._pinned_rules = _replace_rules(self._pinned_rules, left_out, new_rules)

    def replace_all(self, rules: Iterable[Rule]) -> None:
        """Replace all rules; each request is answered by the old ones or by the new ones."""
        with self._lock:
            self._set(list(rules))

    def pin(self) -> None:
        """Make the rules of now those that `clear` keeps: a server has started with them."""
        with self._lock:
            self._pinned_rules = tuple(self._current)

    def clear(self) -> None:
        """Remove all rules but those that are pinned, which begin again."""
        with self._lock:
            self._count = len(self.pinned_rules)
            for number, rule in enumerate(self.pinned_rules, 1):
                rule.restart(number)
            self._set(self.pinned_rules)

    def _set(self, rules: Iterable[Rule]) -> None:
        rule_set = RuleSet()
        self._names.clear()
        for rule in rules:
            self._number(rule)
            rule_set.add(rule)
        self._current = rule_set

    def _number(self, rule: Rule) -> None:
        """Give a rule its number, unless it has one of this rulebook."""
        if not rule.number:
            self._count += 1
            rule.number = self._count
        if self._counter is not None:
            name = repr(rule)
            rule.count_with(self._counter, self._names[name])
            self._names[name] += 1
        else:
            rule.count_with(None)

    @overload
    def __getitem__(self, index: int) -> Rule: ...
    @overload
    def __getitem__(self, index: slice) -> list[Rule]: ...
    def __getitem__(self, index: int | slice) -> Rule | list[Rule]:
        return self._current[index]

    def __len__(self) -> int:
        return len(self._current)

    def __iter__(self) -> Iterator[Rule]:
        return iter(self._current)

    def __reversed__(self) -> Iterator[Rule]:
        return reversed(self._current)


def _replace_rules(
    rules: Sequence[Rule], left_out: Container[Rule], new_rules: tuple[Rule, ...]
) -> tuple[Rule, ...]:
    """Return the rules with new ones in the place of the first that is left out."""
    at = next((n for n, rule in enumerate(rules) if rule in left_out), 0)
    rest = [[rule for rule in part if rule not in left_out] for part in (rules[:at], rules[at:])]
    return (*rest[0], *new_rules, *rest[1])


@dataclass(frozen=True, slots=True)
class Match:
    """A rule that answers a request, and its answer."""

    rule: Rule
    answer: Answer


@dataclass(frozen=True, slots=True)
class Unmatched:
    """The result of `RuleSet.find_answer` if no rule answers.

    Args:
        values: the request's values by condition.
        rules: all rules, oldest first.
        model_speaks: as for `RuleSet.find_answer`.
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

        Of equally close rules the newest comes first.

        Args:
            most: maximum number of rules.
        """

        def measure(miss: tuple[Rule, Reason]) -> tuple[int, int]:
            return measure_distance(miss[0], miss[1], self.values)

        return sorted(self.explain(), key=measure)[:most]


def measure_distance(rule: Rule, reason: Reason, values: RequestValues) -> tuple[int, int]:
    """Return how far a rule is from answering a request, to compare with other rules.

    A rule is closer the fewer of its conditions the request fails, and among these the more it
    meets.

    Args:
        rule: the rule.
        reason: why it does not answer.
        values: those of the request.
    """
    failed_count = rule.count_mismatches(values)
    met_count = len(rule.patterns) - failed_count
    # A predicate is called only once; here it is known only if everything else matched.
    return failed_count + (failed_count == 0 and not isinstance(reason, str)), -met_count
