"""Grammars in Lark's notation, read with the lark package.

Rules of this file: a grammar is read completely, or refused with one sentence. It comes from a
request, so it imports no file, and reading it takes time in proportion to its length.

Lark itself parses the text, by `NOTATION`: Lark's notation, written in Lark's notation. Lark's
own loader is not used, because it opens the files that a grammar imports, and because its checks
take exponential time for some short grammars (``A: B B``, ``B: C C``, and so on).
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from openai_mockserver.exceptions import MissingDependency, ReplyError
from openai_mockserver.generate.regex import Budget

try:
    from lark import Lark, Token, Transformer, UnexpectedInput, v_args
except ImportError:
    raise MissingDependency(
        "a grammar in Lark's notation needs lark: pip install 'openai-mockserver[grammar]'"
    ) from None

__all__ = [
    "COMMON",
    "NOTATION",
    "Choice",
    "Grammar",
    "Literal",
    "Node",
    "Pattern",
    "Ref",
    "Repeat",
    "Sequence",
    "TemplateUse",
    "measure_node",
    "read_grammar",
]

# The parts of a grammar


@dataclass(frozen=True, slots=True)
class Literal:
    """A fixed text."""

    text: str


@dataclass(frozen=True, slots=True)
class Pattern:
    """Any text that a regular expression matches."""

    pattern: str


@dataclass(frozen=True, slots=True)
class Ref:
    """The rule, terminal or template parameter of this name."""

    name: str


@dataclass(frozen=True, slots=True)
class TemplateUse:
    """A rule with arguments for its parameters. `read_grammar` replaces it with a `Ref`."""

    name: str
    arguments: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Sequence:
    """Several parts, one after the other."""

    parts: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Choice:
    """One of several options. Without options it derives nothing."""

    options: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Repeat:
    """A part, at least ``least`` and at most ``most`` times."""

    part: Node
    least: int
    most: float


Node = Literal | Pattern | Ref | TemplateUse | Sequence | Choice | Repeat


@dataclass(frozen=True, slots=True)
class Grammar:
    """What a grammar defines.

    Args:
        rules: its rules and terminals by name.
        terminals: which of them are terminals.
        ignored: what may stand between two terminals.
    """

    rules: Mapping[str, Node]
    terminals: frozenset[str]
    ignored: tuple[Node, ...]


def measure_node(node: Node) -> int:
    """Return how many nodes a node consists of."""
    return 1 + sum(map(measure_node, _parts_of(node)))


def _parts_of(node: Node) -> tuple[Node, ...]:
    if isinstance(node, Sequence):
        return node.parts
    if isinstance(node, Choice):
        return node.options
    if isinstance(node, Repeat):
        return (node.part,)
    return ()


# Lark's notation

NOTATION = r"""
start: _item*
_item: _definition | override | extend | ignore | declare | import_one | import_many | _NL
override: "%override" _definition
extend: "%extend" _definition
ignore: "%ignore" expansions _NL
declare: "%declare" name+ _NL
import_one: "%import" path ("->" name)? _NL
import_many: "%import" path "(" name ("," name)* ")" _NL
path: DOT? name (DOT name)*

_definition: rule | terminal
rule: MODIFIERS? RULE parameters priority? ":" expansions _NL
terminal: TERMINAL priority? ":" expansions _NL
parameters: ("{" RULE ("," RULE)* "}")?
priority: DOT NUMBER

?expansions: alias ((_OR | _NL_OR) alias)*
?alias: expansion ("->" RULE)?
expansion: _repeated*
_repeated: _atom | repeat | times
repeat: _atom OP
times: _atom "~" NUMBER (_DOTS NUMBER)?
_atom: "(" expansions ")" | maybe | _value
maybe: "[" expansions "]"
_value: reference | string | regexp | range | template_use
reference: RULE | TERMINAL
string: STRING
regexp: REGEXP
range: STRING _DOTS STRING
template_use: RULE "{" _value ("," _value)* "}"
name: RULE | TERMINAL

DOT: /\.(?!\.)/
MODIFIERS: /(!|![?]?|[?]!?)(?=[_a-z])/
NUMBER: /[+-]?\d+/
OP: /[+*]|[?](?![a-z_])/
REGEXP: /\/(?!\/)(\\\/|\\\\|[^\/])*?\/[imslux]*/
RULE: /_?[a-z][_a-z0-9]*/
STRING: /"([\\]"|\\\\|[^"\n])*?"i?/
TERMINAL: /_?[A-Z][_A-Z0-9]*/
_DOTS: ".."
_NL: /(\r?\n)+\s*/
_NL_OR: /(\r?\n)+\s*\|/
_OR: "|"
COMMENT: /\s*\/\/[^\n]*|\s*#[^\n]*/
CONTINUATION: /\\[ ]*\n/
SPACE: /[ \t]+/
%ignore COMMENT
%ignore CONTINUATION
%ignore SPACE
"""


@dataclass(frozen=True, slots=True)
class _Definition:
    """A rule or a terminal."""

    name: Token
    parameters: tuple[str, ...]
    body: Node


@dataclass(frozen=True, slots=True)
class _Directive:
    """A line that begins with a percent sign: its word, and what follows it."""

    word: str
    operands: tuple[Any, ...]


_COUNTS = {"?": (0, 1.0), "*": (0, math.inf), "+": (1, math.inf)}


@v_args(inline=True)
class _NodeBuilder(Transformer[Token, Any]):
    """Builds the definitions and directives of a grammar while Lark parses it."""

    def start(self, *items: Any) -> tuple[Any, ...]:
        return items

    def rule(self, *parts: Any) -> _Definition:
        name = next(part for part in parts if isinstance(part, Token) and part.type == "RULE")
        parameters = next(part for part in parts if isinstance(part, tuple))
        return _Definition(name, parameters, parts[-1])

    def terminal(self, name: Token, *parts: Any) -> _Definition:
        return _Definition(name, (), parts[-1])

    def parameters(self, *names: Token) -> tuple[str, ...]:
        return tuple(map(str, names))

    def priority(self, *_: Token) -> None:
        return None

    def override(self, definition: _Definition) -> _Directive:
        return _Directive("override", (definition,))

    def extend(self, definition: _Definition) -> _Directive:
        return _Directive("extend", (definition,))

    def ignore(self, node: Node) -> _Directive:
        return _Directive("ignore", (node,))

    def declare(self, *names: Token) -> _Directive:
        return _Directive("declare", names)

    def path(self, *parts: Token) -> tuple[Token, ...]:
        return parts

    def import_one(self, path: tuple[Token, ...], alias: Token | None = None) -> _Directive:
        *library, name = path
        return _Directive("import", ("".join(library), ((name, alias or name),)))

    def import_many(self, path: tuple[Token, ...], *names: Token) -> _Directive:
        return _Directive("import", (f"{''.join(path)}.", tuple((name, name) for name in names)))

    def expansions(self, *options: Node) -> Choice:
        return Choice(options)

    def alias(self, node: Node, _: Token) -> Node:
        return node

    def expansion(self, *parts: Node) -> Node:
        return parts[0] if len(parts) == 1 else Sequence(parts)

    def maybe(self, node: Node) -> Repeat:
        return Repeat(node, 0, 1)

    def repeat(self, node: Node, sign: Token) -> Repeat:
        return Repeat(node, *_COUNTS[sign])

    def times(self, node: Node, first: Token, last: Token | None = None) -> Repeat:
        least, most = (int(number[:20]) for number in (first, last or first))
        if not 0 <= least <= most:
            raise ReplyError(_at(first, f"a part cannot be repeated {least} to {most} times"))
        return Repeat(node, least, most)

    def reference(self, name: Token) -> Ref:
        return Ref(str(name))

    def template_use(self, name: Token, *arguments: Node) -> TemplateUse:
        return TemplateUse(str(name), arguments)

    def string(self, token: Token) -> Literal:
        return Literal(_unquote(token))

    def regexp(self, token: Token) -> Pattern:
        pattern, _, flags = token[1:].rpartition("/")
        pattern = pattern.replace(r"\/", "/")
        flags = "".join(sorted(set(flags) & set("imsx")))  # the others change nothing for text
        return Pattern(f"(?{flags}:{pattern})" if flags else pattern)

    def range(self, first: Token, last: Token) -> Pattern:
        low, high = _unquote(first), _unquote(last)
        if len(low) != 1 or len(high) != 1 or low > high:
            raise ReplyError(_at(first, f"there are no characters from {first} to {last}"))
        return Pattern(f"[{re.escape(low)}-{re.escape(high)}]")

    def name(self, token: Token) -> Token:
        return token


_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "f": "\f", "v": "\v", "b": "\b", "a": "\a"}
_ESCAPE = re.compile(r"\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|(.))", re.DOTALL)


def _unquote(token: Token) -> str:
    """Return the text of a string."""

    def unescape(match: re.Match[str]) -> str:
        code = int(match[1] or match[2] or match[3] or "-1", 16)
        if code > 0x10FFFF or 0xD800 <= code <= 0xDFFF:
            raise ReplyError(_at(token, f"{match[0]} is not a character"))
        return chr(code) if code >= 0 else _ESCAPES.get(match[4], match[4])

    return _ESCAPE.sub(unescape, token[1 : token.rindex('"')])


def _at(token: Token, problem: str) -> str:
    return f"the grammar has a mistake in line {token.line}: {problem}"


@lru_cache(maxsize=1)
def _load_parser() -> Lark:
    """Return the parser of grammars, which takes Lark about 50 ms to build."""
    return Lark(NOTATION, parser="lalr", transformer=_NodeBuilder(), maybe_placeholders=False)


COMMON = {
    "DIGIT": r"\d",
    "HEXDIGIT": r"[0-9a-fA-F]",
    "INT": r"\d{1,4}",
    "SIGNED_INT": r"[+-]?\d{1,4}",
    "DECIMAL": r"\d{1,4}\.\d{1,2}",
    "_EXP": r"[eE][+-]?\d{1,2}",
    "FLOAT": r"\d{1,4}\.\d{1,2}",
    "SIGNED_FLOAT": r"[+-]?\d{1,4}\.\d{1,2}",
    "NUMBER": r"\d{1,4}(\.\d{1,2})?",
    "SIGNED_NUMBER": r"[+-]?\d{1,4}(\.\d{1,2})?",
    "_STRING_INNER": r"[a-z ]{0,12}",
    "_STRING_ESC_INNER": r"[a-z ]{0,12}",
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
"""The terminals of Lark's library `common`, each narrowed to texts that a person would write."""

# Reading

_PARSING = 4  # of the budget for each character of a grammar: reading it takes some microseconds
_EXPANDING = 20  # of the budget for each node of a template that is used


def read_grammar(text: str, budget: Budget) -> Grammar:
    """Read a grammar.

    Args:
        text: the grammar in Lark's notation.
        budget: what reading it may take.

    Raises:
        ReplyError: if the grammar cannot be read, or reading it takes more than the budget.
    """
    budget.spend(_PARSING * len(text))
    try:
        items: Any = _load_parser().parse(text + "\n")
    except UnexpectedInput as error:
        raise ReplyError(f"the grammar cannot be read {_locate(error, text)}") from None
    reader = _Reader(budget)
    # Lark imports first, wherever in the grammar the import is written.
    for item in sorted(items, key=lambda item: getattr(item, "word", "") != "import"):
        if isinstance(item, _Definition):
            reader.define(item)
        else:
            reader.obey(item)
    return reader.finish()


def _locate(error: UnexpectedInput, text: str) -> str:
    """Return where in a grammar Lark met what it did not expect."""
    line, column = error.line, error.column
    rest = f"{text}\n".split("\n")[line - 1][column - 1 : column + 19]
    return f"at line {line}, column {column}: {rest!r}" if rest else f"at the end of line {line}"


class _Reader:
    """Collects what a grammar defines."""

    def __init__(self, budget: Budget) -> None:
        self._budget = budget
        self._definitions: dict[str, _Definition] = {}
        self._ignored: list[Node] = []
        self._uses: dict[TemplateUse, str] = {}
        self._pending: list[tuple[TemplateUse, str]] = []
        self._rules: dict[str, Node] = {}

    def define(self, definition: _Definition) -> None:
        if definition.name in self._definitions:
            raise ReplyError(_at(definition.name, f"{definition.name} is defined already"))
        self._definitions[str(definition.name)] = definition

    def obey(self, directive: _Directive) -> None:
        getattr(self, f"_{directive.word}")(*directive.operands)

    def _import(self, library: str, names: Iterable[tuple[Token, Token]]) -> None:
        for name, alias in names:
            if library != "common." or name not in COMMON:
                hint = "only terminals of Lark's library `common` can be imported"
                raise ReplyError(_at(name, f"it imports {library}{name}, but {hint}"))
            self.define(_Definition(alias, (), Pattern(COMMON[name])))

    def _declare(self, *names: Token) -> None:
        for name in names:
            self.define(_Definition(name, (), Choice(())))

    def _ignore(self, node: Node) -> None:
        self._ignored.append(node)

    def _override(self, definition: _Definition) -> None:
        self._find_earlier(definition, "overridden")
        self._definitions[str(definition.name)] = definition

    def _extend(self, definition: _Definition) -> None:
        earlier = self._find_earlier(definition, "extended")
        if earlier.parameters != definition.parameters:
            raise ReplyError(
                _at(definition.name, f"{definition.name} is extended with other parameters")
            )
        body = Choice((earlier.body, definition.body))
        self._definitions[str(definition.name)] = _Definition(
            earlier.name, earlier.parameters, body
        )

    def _find_earlier(self, definition: _Definition, word: str) -> _Definition:
        name = definition.name
        if name not in self._definitions:
            raise ReplyError(_at(name, f"{name} is {word} but not defined before"))
        return self._definitions[name]

    def finish(self) -> Grammar:
        """Replace each use of a template with a rule, and check that every name is defined."""
        for name, definition in self._definitions.items():
            if not definition.parameters:
                self._rules[name] = self._expand(definition.body, {})
        ignored = tuple(self._expand(node, {}) for node in self._ignored)
        while self._pending:
            use, name = self._pending.pop()
            self._rules[name] = self._expand_template(use)
        for name, rule in self._rules.items():
            for missing in self._find_undefined(rule):
                raise ReplyError(f"the grammar's {name} refers to {missing}, which is not defined")
        for missing in (name for node in ignored for name in self._find_undefined(node)):
            raise ReplyError(f"the grammar ignores {missing}, which is not defined")
        terminals = frozenset(name for name in self._rules if name.isupper())
        return Grammar(self._rules, terminals, ignored)

    def _find_undefined(self, node: Node) -> Iterator[str]:
        if isinstance(node, Ref) and node.name not in self._rules:
            yield node.name
        for part in _parts_of(node):
            yield from self._find_undefined(part)

    # Templates

    def _expand(self, node: Node, arguments: Mapping[str, Node]) -> Node:
        """Return a node with arguments for parameters, and rules for uses of templates."""
        if isinstance(node, Ref):
            return arguments.get(node.name, node)
        if isinstance(node, TemplateUse):
            template = arguments.get(node.name, Ref(node.name))
            name = template.name if isinstance(template, Ref) else node.name
            values = tuple(self._expand(value, arguments) for value in node.arguments)
            return self._refer_to(TemplateUse(name, values))
        if isinstance(node, Sequence):
            return Sequence(tuple(self._expand(part, arguments) for part in node.parts))
        if isinstance(node, Choice):
            return Choice(tuple(self._expand(option, arguments) for option in node.options))
        if isinstance(node, Repeat):
            return Repeat(self._expand(node.part, arguments), node.least, node.most)
        return node

    def _refer_to(self, use: TemplateUse) -> Ref:
        """Return a reference to the rule of a template with these arguments."""
        if use not in self._uses:
            self._uses[use] = f"{use.name}<{len(self._uses)}>"
            self._pending.append((use, self._uses[use]))
        return Ref(self._uses[use])

    def _expand_template(self, use: TemplateUse) -> Node:
        template = self._definitions.get(use.name)
        if template is None or len(template.parameters) != len(use.arguments):
            count = len(use.arguments)
            raise ReplyError(f"the grammar has no template {use.name} with {count} parameters")
        self._budget.spend(_EXPANDING * measure_node(template.body))
        arguments = dict(zip(template.parameters, use.arguments, strict=True))
        return self._expand(template.body, arguments)
