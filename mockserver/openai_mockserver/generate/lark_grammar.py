"""Texts that a context-free grammar derives, in Lark's notation.

Rules of this file: a function of its arguments; what is derived is as short as the grammar lets it
once it is deep or long. Read are rules, terminals, ``|``, ``()``, ``[]``, ``?``, ``*``, ``+``,
``~n..m``, strings, ranges, regular expressions, ``%import common.X`` and ``%ignore``; templates are
not.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from random import Random

from openai_mockserver.exceptions import ReplyError
from openai_mockserver.generate.regex import Budget, generate_matching

__all__ = ["generate_from_grammar"]

DEEP = 6  # rules within rules, after which a text becomes as short as its grammar lets it
MANY = 1000  # steps after which it does so too
MORE = 2  # how many times oftener than it must be a thing is repeated at most

COMMON = {
    "DIGIT": r"\d",
    "HEXDIGIT": r"[0-9a-fA-F]",
    "INT": r"\d{1,4}",
    "SIGNED_INT": r"[+-]?\d{1,4}",
    "DECIMAL": r"\d{1,4}\.\d{1,2}",
    "FLOAT": r"\d{1,4}\.\d{1,2}",
    "SIGNED_FLOAT": r"[+-]?\d{1,4}\.\d{1,2}",
    "NUMBER": r"\d{1,4}(\.\d{1,2})?",
    "SIGNED_NUMBER": r"[+-]?\d{1,4}(\.\d{1,2})?",
    "ESCAPED_STRING": r'"[a-z ]{0,12}"',
    "LCASE_LETTER": r"[a-z]",
    "UCASE_LETTER": r"[A-Z]",
    "LETTER": r"[A-Za-z]",
    "WORD": r"[a-z]{2,8}",
    "CNAME": r"[a-z][a-z0-9_]{1,7}",
    "WS": r"\s",
    "WS_INLINE": r" ",
    "NEWLINE": r"\n",
    "LF": r"\n",
    "CR": r"\r",
    "SH_COMMENT": r"#[a-z ]*",
    "CPP_COMMENT": r"//[a-z ]*",
    "C_COMMENT": r"/\*[a-z ]*\*/",
    "SQL_COMMENT": r"--[a-z ]*",
}
"""The terminals of Lark's library, each a little narrower."""


def generate_from_grammar(grammar: str, rng: Random, budget: Budget | None = None) -> str:
    r"""A text that the grammar derives from its rule ``start``.

    Args:
        grammar: the rules and terminals.
        rng: where chance comes from.
        budget: what it may take.

    Raises:
        ReplyError: where the grammar cannot be read, derives nothing, or takes more than that.

    >>> generate_from_grammar('start: "a" B\nB: /b{3}/', Random())
    'abbb'
    """
    try:
        return _derived(grammar, rng, budget or Budget())
    except RecursionError:
        raise ReplyError("the grammar cannot be read: it nests too deeply") from None


def _derived(grammar: str, rng: Random, budget: Budget) -> str:
    rules, directives = _read(grammar)
    for name, pattern in _imported(directives):
        rules.setdefault(name, Pattern(pattern))
    heights = _heights(rules, budget)
    if heights.get("start", math.inf) == math.inf:
        raise ReplyError("the grammar derives no text from a rule start")
    ignored = re.findall(r"^[ \t]*%ignore[ \t]+(\w+)", directives, re.M)
    for name in ignored:
        if heights.get(name, math.inf) == math.inf:
            raise ReplyError(f"the grammar ignores {name}, which it does not define")
    literal = (
        re.search(r'^[ \t]*%ignore[ \t]+(/.*\s.*/|"\s+"|/.*\\s.*/)', directives, re.M) is not None
    )
    writer = _Writer(rules, heights, rng, budget)
    spaced = literal or any(writer.text(Ref(name), DEEP).isspace() for name in ignored)
    return (" " if spaced else "").join(writer.tokens(Ref("start"), 0))


# What a grammar consists of


@dataclass(frozen=True, slots=True)
class Literal:
    """A text as it is."""

    text: str


@dataclass(frozen=True, slots=True)
class Pattern:
    """A regular expression."""

    pattern: str


@dataclass(frozen=True, slots=True)
class Ref:
    """A rule or a terminal by its name."""

    name: str


@dataclass(frozen=True, slots=True)
class Sequence:
    """One after the other."""

    parts: list[Node]


@dataclass(frozen=True, slots=True)
class Choice:
    """One of several."""

    options: list[Node]


@dataclass(frozen=True, slots=True)
class Repeat:
    """So many times."""

    part: Node
    least: int
    most: int


Node = Literal | Pattern | Ref | Sequence | Choice | Repeat

# Reading

_HEAD = re.compile(r"^[ \t]*[?!]{0,2}(\w+)(?:\.-?\d+)?[ \t]*:", re.M)
_DIRECTIVE = re.compile(r"^[ \t]*%.*$", re.M)
_COMMENT = re.compile(r'("(?:\\.|[^"\\\n])*"|/(?![/*])(?:\\.|[^/\\\n])+/)|//[^\n]*')
_TOKEN = re.compile(
    r"""\s*(?:
        (?P<string> "(?:\\.|[^"\\])*"i? )
      | (?P<regex> /(?!/)(?:\\.|[^/\\])+/[imslux]* )
      | (?P<alias> ->\s*\w+ )
      | (?P<times> ~\s*\d+(?:\s*\.\.\s*\d+)? )
      | (?P<range> \.\. )
      | (?P<name> \w+ )
      | (?P<sign> [|()\[\]?*+] )
    )""",
    re.VERBOSE,
)


def _read(grammar: str) -> tuple[dict[str, Node], str]:
    """The rules by name, and the lines that are directives."""
    text = _COMMENT.sub(lambda match: match[1] or "", grammar)
    directives = "\n".join(_DIRECTIVE.findall(text))
    text = _DIRECTIVE.sub("", text)
    heads = list(_HEAD.finditer(text))
    ends = [*(head.start() for head in heads), len(text)][1:]
    bodies = ((head[1], text[head.end() : end]) for head, end in zip(heads, ends, strict=False))
    return {name: _Reader(name, body).whole() for name, body in bodies}, directives


def _imported(directives: str) -> Iterator[tuple[str, str]]:
    for one in re.finditer(r"%import\s+common\s*\.\s*(\w+)(?:\s*->\s*(\w+))?", directives):
        yield one[2] or one[1], _common(one[1])
    for several in re.finditer(r"%import\s+common\s*\(([^)]*)\)", directives):
        for name in re.findall(r"\w+", several[1]):
            yield name, _common(name)


def _common(name: str) -> str:
    if name not in COMMON:
        raise ReplyError(f"the grammar imports common.{name}, which is not known here")
    return COMMON[name]


_TIMES = {"?": (0, 1), "*": (0, MORE), "+": (1, 1 + MORE)}


@dataclass(slots=True)
class _Reader:
    """Reads one rule's body."""

    name: str
    body: str
    at: int = 0
    tokens: list[tuple[str, str]] = field(default_factory=list)

    def whole(self) -> Node:
        at, end = 0, len(self.body.rstrip())
        while at < end:
            match = _TOKEN.match(self.body, at)
            if match is None or match.lastgroup is None:
                raise ReplyError(f"the grammar cannot be read at {self.body[at : at + 20]!r}")
            if match.lastgroup != "alias":
                self.tokens.append((match.lastgroup, match[match.lastgroup]))
            at = match.end()
        node = self._choice()
        if self.at < len(self.tokens):
            raise ReplyError(f"the grammar's rule {self.name} has a {self._next()[1]!r} too many")
        return node

    def _next(self) -> tuple[str, str]:
        return self.tokens[self.at] if self.at < len(self.tokens) else ("", "")

    def _choice(self) -> Node:
        options = [self._sequence()]
        while self._next() == ("sign", "|"):
            self.at += 1
            options.append(self._sequence())
        return Choice(options)

    def _sequence(self) -> Node:
        parts: list[Node] = []
        while self._next() not in (("", ""), ("sign", "|"), ("sign", ")"), ("sign", "]")):
            parts.append(self._repeated(self._atom()))
        return Sequence(parts)

    def _repeated(self, node: Node) -> Node:
        kind, text = self._next()
        if kind == "times":
            bounds = [int(number) for number in re.findall(r"\d{1,20}", text)]
            self.at += 1
            if bounds[0] > bounds[-1]:
                raise ReplyError(f"the grammar's rule {self.name} cannot repeat {text}")
            return Repeat(node, bounds[0], bounds[-1])
        if text in _TIMES and kind == "sign":
            self.at += 1
            return Repeat(node, *_TIMES[text])
        return node

    def _atom(self) -> Node:
        kind, text = self._next()
        self.at += 1
        if kind == "sign" and text in "([":
            node = self._choice()
            if self._next() != ("sign", ")" if text == "(" else "]"):
                raise ReplyError(f"the grammar's rule {self.name} lacks a bracket")
            self.at += 1
            return Repeat(node, 0, 1) if text == "[" else node
        if kind == "string":
            if self._next()[0] == "range":
                self.at += 1
                return self._range(text)
            return Literal(_unquoted(text))
        if kind == "regex":
            return Pattern(text[1 : text.rindex("/")].replace(r"\/", "/"))
        if kind == "name":
            return Ref(text)
        raise ReplyError(f"the grammar's rule {self.name} cannot be read at {text!r}")

    def _range(self, text: str) -> Node:
        kind, last = self._next()
        self.at += 1
        first, final = _unquoted(text), _unquoted(last) if kind == "string" else ""
        if len(first) != 1 or len(final) != 1 or first > final:
            raise ReplyError(f"the grammar's rule {self.name} has no characters {text}..{last}")
        return Pattern(f"[{re.escape(first)}-{re.escape(final)}]")


_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "f": "\f", "v": "\v", "b": "\b", "a": "\a"}
_ESCAPE = re.compile(r"\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|(.))", re.DOTALL)


def _unquoted(text: str) -> str:
    return _ESCAPE.sub(_unescaped, text[1 : text.rindex('"')])


def _unescaped(match: re.Match[str]) -> str:
    code = int(match[1] or match[2] or match[3] or "-1", 16)
    if code > 0x10FFFF or 0xD800 <= code <= 0xDFFF:
        raise ReplyError(f"the grammar has {match[0]}, which is no character")
    return chr(code) if code >= 0 else _ESCAPES.get(match[4], match[4])


# Writing


def _height(node: Node, heights: Mapping[str, float]) -> float:
    """How many rules within rules the shortest text takes."""
    if isinstance(node, Ref):
        return 1 + heights.get(node.name, math.inf)
    if isinstance(node, Choice):
        return min(_height(option, heights) for option in node.options)
    if isinstance(node, Sequence):
        return max((_height(part, heights) for part in node.parts), default=0)
    if isinstance(node, Repeat):
        return _height(node.part, heights) if node.least else 0
    return 0


def _size(node: Node) -> int:
    """How many nodes it has."""
    if isinstance(node, Repeat):
        return 1 + _size(node.part)
    parts = node.parts if isinstance(node, Sequence) else getattr(node, "options", ())
    return 1 + sum(map(_size, parts))


def _heights(rules: Mapping[str, Node], budget: Budget) -> dict[str, float]:
    heights = dict.fromkeys(rules, math.inf)
    size = sum(map(_size, rules.values()))
    while True:
        budget.spend(size)
        better = {name: _height(node, heights) for name, node in rules.items()}
        if better == heights:
            return heights
        heights = better


_STEP = 10  # of the budget: a step takes longer than a character


class _Writer:
    def __init__(
        self,
        rules: Mapping[str, Node],
        heights: Mapping[str, float],
        rng: Random,
        budget: Budget,
    ) -> None:
        self._rules = rules
        self._heights = heights
        self._rng = rng
        self._budget = budget
        self._made = 0
        self._known: dict[int, tuple[list[Node], Node]] = {}

    def text(self, node: Node, depth: int) -> str:
        return "".join(self.tokens(node, depth))

    def tokens(self, node: Node, depth: int) -> list[str]:
        """What stands in a text, each terminal by itself."""
        self._made += 1
        self._budget.spend(_STEP)
        short = depth > DEEP or self._made > MANY
        if isinstance(node, Literal):
            return [node.text]
        if isinstance(node, Pattern):
            text = generate_matching(f"^(?:{node.pattern})$", self._rng, budget=self._budget)
            if text is None:
                raise ReplyError(f"no text was found that matches the pattern {node.pattern!r}")
            return [text]
        if isinstance(node, Ref):
            if node.name.isupper():  # a terminal is one text
                return [self.text(self._rules[node.name], depth + 1)]
            return self.tokens(self._rules[node.name], depth + 1)
        if isinstance(node, Sequence):
            return [token for part in node.parts for token in self.tokens(part, depth)]
        if isinstance(node, Choice):
            possible, shortest = self._options(node)
            return self.tokens(shortest if short else self._rng.choice(possible), depth)
        can = _height(node.part, self._heights) < math.inf
        most = node.most if can and not short else node.least
        times = self._rng.randint(node.least, min(most, node.least + MORE))
        self._budget.spend(times)
        return [token for _ in range(times) for token in self.tokens(node.part, depth)]

    def _options(self, choice: Choice) -> tuple[list[Node], Node]:
        """The options that have an end, and the one that has it soonest."""
        known = self._known.get(id(choice))
        if known is None:
            heights = [(_height(option, self._heights), option) for option in choice.options]
            possible = [option for height, option in heights if height < math.inf]
            shortest = min(heights, key=lambda pair: pair[0])[1]
            known = self._known[id(choice)] = (possible, shortest)
        return known
