"""The rules of a mock, and the newest that answers a request.

Rules of this file: no I/O. A rule with a literal text, as ``user="Hi"`` or ``model="gpt-4o"``, lies
under that text, and is looked at by requests with this text only; all others are looked at by
every request. Both are looked at from the newest to the oldest, as if all rules were in one list.
Rules may be added while requests are answered: a request sees a rule or does not.
"""

from __future__ import annotations

import heapq
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import overload

from openai_mockserver.request import Request
from openai_mockserver.rules.pattern import (
    LITERAL_LOOKS,
    RequestValues,
    find_literal,
    literal_keys,
)
from openai_mockserver.rules.rule import Answer, Reason, Rule

__all__ = ["Rulebook", "Unmatched"]

_Aged = tuple[int, Rule]
"""A rule after its number, which no other rule has: the newest has the highest."""


class Rulebook(Sequence[Rule]):
    """The rules, in the order in which they were added."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._count = 0
        self._forget()

    def _forget(self) -> None:
        self._rules: list[Rule] = []
        self._others: list[_Aged] = []
        self._literals: dict[str, dict[object, list[_Aged]]] = {look: {} for look in LITERAL_LOOKS}

    def add(self, rule: Rule) -> None:
        """Add a rule, which is the newest then."""
        with self._lock:
            self._count += 1
            literal = find_literal(rule.patterns)
            if literal is None:
                self._others.append((self._count, rule))
            else:
                look, key = literal
                self._literals[look].setdefault(key, []).append((self._count, rule))
            self._rules.append(rule)

    def clear(self) -> None:
        """Forget all rules."""
        with self._lock:
            self._forget()

    def find_answer(self, request: Request, model_speaks: bool = True) -> Found | Unmatched:
        """The newest rule that answers the request, and its next answer.

        Args:
            request: with its history, if it has one.
            model_speaks: whether its endpoint is one where a model speaks; elsewhere rules about
                what a model says do not answer.
        """
        rules = tuple(self._rules)
        values = RequestValues(request)
        reasons: dict[Rule, Reason] = {}
        for rule in self._candidates(values):
            if not model_speaks and rule.is_about_model:
                continue
            taken = rule.take(values)
            if isinstance(taken, Answer):
                return Found(rule, taken)
            reasons[rule] = taken
        return Unmatched(values, rules, model_speaks, reasons)

    def _candidates(self, values: RequestValues) -> Iterable[Rule]:
        """The rules that may match, the newest first: the others do not."""
        lists = [self._others] if self._others else []
        for look, by_key in self._literals.items():
            if by_key:
                try:
                    keys = literal_keys(look, values[look])
                except Exception:
                    continue  # what raises when it is looked at matches no pattern
                lists += [found for key in keys if (found := by_key.get(key))]
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
class Found:
    """The rule that answers a request, and its answer."""

    rule: Rule
    answer: Answer


@dataclass(frozen=True, slots=True)
class Unmatched:
    """That no rule answers a request.

    Args:
        values: what rules look at of the request.
        rules: all that there were, the oldest first.
        model_speaks: as of `Rulebook.find_answer`.
        found_reasons: why those that were looked at do not answer.
    """

    values: RequestValues
    rules: tuple[Rule, ...]
    model_speaks: bool
    found_reasons: Mapping[Rule, Reason]

    @property
    def considered(self) -> list[Rule]:
        """The rules that are about such a request, the newest first."""
        about = (rule for rule in self.rules if self.model_speaks or not rule.is_about_model)
        return list(about)[::-1]

    def explain(self) -> Iterator[tuple[Rule, Reason]]:
        """Each of the rules considered, and why it does not answer."""
        for rule in self.considered:
            reason = self.found_reasons.get(rule) or rule.find_mismatch(self.values)
            yield rule, reason or "it did not match"  # so only if it was changed since
