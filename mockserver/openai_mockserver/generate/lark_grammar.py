"""Texts that a grammar in Lark's notation derives.

Rules of this file: the text is a function of the arguments. Beyond `DEEP` rules within rules or
`MANY` steps, the shortest way to the end is taken, so that every text ends.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from random import Random

from openai_mockserver.exceptions import ReplyError
from openai_mockserver.generate.lark_reader import (
    Choice,
    Grammar,
    Literal,
    Node,
    Pattern,
    Ref,
    Repeat,
    Sequence,
    measure_node,
    read_grammar,
)
from openai_mockserver.generate.regex import Budget, generate_matching

__all__ = ["generate_from_grammar"]

DEEP = 6
MANY = 1000
MORE = 2  # how many more times than it must a part is repeated at most


def generate_from_grammar(grammar: str, rng: Random, budget: Budget | None = None) -> str:
    r"""Return a text that the grammar derives from its rule ``start``.

    Args:
        grammar: the rules and terminals, in Lark's notation.
        rng: the source of randomness.
        budget: what it may take.

    Raises:
        ReplyError: if the grammar cannot be read, derives nothing, or exceeds the budget.

    >>> generate_from_grammar('start: "a" B\nB: /b{3}/', Random())
    'abbb'
    """
    try:
        return _derive_text(grammar, rng, budget or Budget())
    except RecursionError:
        raise ReplyError("the grammar cannot be read: it is nested too deeply") from None


def _derive_text(text: str, rng: Random, budget: Budget) -> str:
    grammar = read_grammar(text, budget)
    heights = _measure_heights(grammar.rules, budget)
    if heights.get("start", math.inf) == math.inf:
        raise ReplyError("the grammar derives no text from a rule `start`")
    writer = _Writer(grammar, heights, rng, budget)
    separator = next(filter(str.isspace, map(writer.write_ignored, grammar.ignored)), "")
    return separator.join(writer.list_tokens(Ref("start"), 0))


def _measure_height(node: Node, heights: Mapping[str, float]) -> float:
    """Return how many rules within rules the node's least nested text takes."""
    if isinstance(node, Ref):
        return 1 + heights.get(node.name, math.inf)
    if isinstance(node, Choice):
        return min((_measure_height(option, heights) for option in node.options), default=math.inf)
    if isinstance(node, Sequence):
        return max((_measure_height(part, heights) for part in node.parts), default=0)
    if isinstance(node, Repeat):
        return _measure_height(node.part, heights) if node.least else 0
    return 0


def _measure_heights(rules: Mapping[str, Node], budget: Budget) -> dict[str, float]:
    """Return the height of each rule; it is infinite if the rule derives no text."""
    heights = dict.fromkeys(rules, math.inf)
    size = sum(map(measure_node, rules.values()))
    while True:
        budget.spend(size)
        better = {name: _measure_height(node, heights) for name, node in rules.items()}
        if better == heights:
            return heights
        heights = better


_STEP = 10  # of the budget: a step takes longer than a character


class _Writer:
    """Derives one text, step by step."""

    def __init__(
        self, grammar: Grammar, heights: Mapping[str, float], rng: Random, budget: Budget
    ) -> None:
        self._grammar = grammar
        self._heights = heights
        self._rng = rng
        self._budget = budget
        self._steps = 0
        self._options: dict[int, tuple[list[Node], Node]] = {}

    def write_ignored(self, node: Node) -> str:
        """Return a short text of what the grammar ignores: a space if it can be one."""
        if _measure_height(node, self._heights) == math.inf:
            return ""
        texts = [self._write(node, DEEP) for _ in range(8)]
        return min(texts, key=lambda text: (text != " ", len(text)))

    def list_tokens(self, node: Node, depth: int) -> list[str]:
        """Return a text of the node, one entry for each terminal."""
        self._steps += 1
        self._budget.spend(_STEP)
        must_end = depth > DEEP or self._steps > MANY
        if isinstance(node, Literal):
            return [node.text]
        if isinstance(node, Pattern):
            text = generate_matching(f"^(?:{node.pattern})$", self._rng, budget=self._budget)
            if text is None:
                raise ReplyError(f"no text was found that matches the pattern {node.pattern!r}")
            return [text]
        if isinstance(node, Ref):
            rule = self._grammar.rules[node.name]
            if node.name in self._grammar.terminals:
                return [self._write(rule, depth + 1)]
            return self.list_tokens(rule, depth + 1)
        if isinstance(node, Sequence):
            return [token for part in node.parts for token in self.list_tokens(part, depth)]
        if isinstance(node, Choice):
            possible, shortest = self._list_options(node)
            return self.list_tokens(shortest if must_end else self._rng.choice(possible), depth)
        assert isinstance(node, Repeat)
        can_repeat = _measure_height(node.part, self._heights) < math.inf
        most = node.most if can_repeat and not must_end else node.least
        times = self._rng.randint(node.least, int(min(most, node.least + MORE)))
        self._budget.spend(times)
        return [token for _ in range(times) for token in self.list_tokens(node.part, depth)]

    def _write(self, node: Node, depth: int) -> str:
        return "".join(self.list_tokens(node, depth))

    def _list_options(self, choice: Choice) -> tuple[list[Node], Node]:
        """Return the options that derive a text, and the least nested of them."""
        options = self._options.get(id(choice))
        if options is None:
            heights = [
                (_measure_height(option, self._heights), option) for option in choice.options
            ]
            possible = [option for height, option in heights if height < math.inf]
            shortest = min(heights, key=lambda pair: pair[0])[1]
            options = self._options[id(choice)] = (possible, shortest)
        return options
