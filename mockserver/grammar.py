"""Texts that a context-free grammar derives, in Lark's notation.

Rules of this file: a function of its arguments; what is derived is as short as the grammar lets it
once it is deep. Read are rules, terminals, ``|``, ``()``, ``[]``, ``?``, ``*``, ``+``, ``~n..m``,
strings, ranges, regular expressions, ``%import common.X`` and ``%ignore``; templates are not.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from random import Random

from mockserver.exceptions import ReplyError
from mockserver.pattern import matching

__all__ = ["derived"]

DEEP = 6  # rules within rules, after which a text becomes as short as its grammar lets it
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


def derived(grammar: str, rng: Random) -> str:
    r"""A text that the grammar derives from its rule ``start``.

    Args:
        grammar: the rules and terminals.
        rng: where chance comes from.

    Raises:
        ReplyError: where the grammar cannot be read, or derives nothing.

    >>> derived('start: "a" B\nB: /b{3}/', Random())
    'abbb'
    """
    rules, directives = _read(grammar)
    for name, pattern in _imported(directives):
        rules.setdefault(name, Pattern(pattern))
    heights = _heights(rules)
    if heights.get("start", math.inf) == math.inf:
        raise ReplyError("the grammar derives no text from a rule start")
    ignored = [Ref(name) for name in re.findall(r"^\s*%ignore\s+(\w+)", directives, re.M)]
    literal = re.search(r'^\s*%ignore\s+(/.*\s.*/|"\s+"|/.*\\s.*/)', directives, re.M) is not None
    writer = _Writer(rules, heights, rng)
    spaced = literal or any(writer.text(one, DEEP).isspace() for one in ignored)
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
            least, _, most = text[1:].partition("..")
            self.at += 1
            return Repeat(node, int(least), int(most or least))
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
                last = self.tokens[self.at + 1][1] if self.at + 1 < len(self.tokens) else text
                self.at += 2
                return Pattern(f"[{re.escape(_unquoted(text))}-{re.escape(_unquoted(last))}]")
            return Literal(_unquoted(text))
        if kind == "regex":
            return Pattern(text[1 : text.rindex("/")].replace(r"\/", "/"))
        if kind == "name":
            return Ref(text)
        raise ReplyError(f"the grammar's rule {self.name} cannot be read at {text!r}")


_ESCAPES = {"n": "\n", "t": "\t", "r": "\r"}


def _unquoted(text: str) -> str:
    inner = text[1 : text.rindex('"')]
    return re.sub(r"\\(.)", lambda match: _ESCAPES.get(match[1], match[1]), inner)


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


def _heights(rules: Mapping[str, Node]) -> dict[str, float]:
    heights = dict.fromkeys(rules, math.inf)
    while True:
        better = {name: _height(node, heights) for name, node in rules.items()}
        if better == heights:
            return heights
        heights = better


class _Writer:
    def __init__(
        self, rules: Mapping[str, Node], heights: Mapping[str, float], rng: Random
    ) -> None:
        self._rules = rules
        self._heights = heights
        self._rng = rng

    def text(self, node: Node, depth: int) -> str:
        return "".join(self.tokens(node, depth))

    def tokens(self, node: Node, depth: int) -> list[str]:
        """What stands in a text, each terminal by itself."""
        if isinstance(node, Literal):
            return [node.text]
        if isinstance(node, Pattern):
            text = matching(f"^(?:{node.pattern})$", self._rng)
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
            possible = [o for o in node.options if _height(o, self._heights) < math.inf]
            if depth > DEEP:
                return self.tokens(min(possible, key=lambda o: _height(o, self._heights)), depth)
            return self.tokens(self._rng.choice(possible), depth)
        can = _height(node.part, self._heights) < math.inf
        most = node.most if can and depth <= DEEP else node.least
        times = self._rng.randint(node.least, min(most, node.least + MORE))
        return [token for _ in range(times) for token in self.tokens(node.part, depth)]
