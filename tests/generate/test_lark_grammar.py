"""Texts derived from grammars; Lark parses them."""

from __future__ import annotations

import pkgutil
import subprocess
import sys
from random import Random

import lark
import pytest

from openai_mockserver.exceptions import ReplyError
from openai_mockserver.generate.lark_grammar import generate_from_grammar
from openai_mockserver.generate.lark_reader import COMMON, NOTATION

GRAMMARS = {
    "arithmetic": r"""
        start: expr
        ?expr: term (SP ADD SP term)+ -> add
             | term
        term: factor (SP MUL SP factor)*
        factor: INT | "(" expr ")"  // brackets
        INT: /[0-9]{1,3}/
        ADD: "+" | "-"
        MUL: "*"
        SP: " "
    """,
    "sql": r"""
        start: select ";"
        select: "SELECT" columns "FROM" NAME [where] ("LIMIT" NUMBER)?
        columns: "*" | NAME ("," NAME)*
        where: "WHERE" condition ("AND" condition)~0..2
        condition: NAME ("=" | ">" | "<>") (NUMBER | STRING)
        NAME.2: /[a-z][a-z_]{2,7}/
        STRING: "'" /[^']{0,9}/ "'"
        %import common.NUMBER
        %import common.WS
        %ignore WS
    """,
    "json": r"""
        ?start: value
        ?value: object | array | ESCAPED_STRING | SIGNED_NUMBER | "true" | "false" | "null"
        array: "[" [value ("," value)*] "]"
        object: "{" [pair ("," pair)*] "}"
        pair: ESCAPED_STRING ":" value
        %import common (ESCAPED_STRING, SIGNED_NUMBER)
        %import common.WS_INLINE -> SPACE
        %ignore SPACE
    """,
    "ranges and times": r"""
        start: LETTER~3 "-" DIGIT~2..4 "\n" END
        LETTER: "a".."f"
        DIGIT: "0".."9"
        !END: "\"" | /\/{2}/
    """.replace("!END", "END"),
    "left recursion": 'start: start "a" | "b"',
    "one line": 'start: "yes" | "no"',
    "escapes": r'start: "\x41" | "\u0042" "\t" | "c".."\x65"',
    "spaces as a pattern": 'start: "a" "b"\n%ignore /[ \\t]+/',
    "line ends are ignored": 'start: "a" "b" | "b"\n%import common.NEWLINE\n%ignore NEWLINE',
    "override": """
        start: "never"
        %override start: WORD "!"
        %override WORD: "one" | "two"
        %import common.WORD
    """,
    "extend": """
        start: sign+
        sign: "a"
        %extend sign: "b" | B
        B: "c"
        %extend B: "d"
    """,
    "declare": """
        start: "a" | "b" | INDENT start
        %declare INDENT DEDENT
    """,
    "templates": r"""
        start: list{INT, ","} | pair{list{WORD, "/"}}
        list{item, separator}: item (separator item)~0..2
        pair{item}: "(" item ";" item ")"
        %import common (INT, WORD)
    """,
    "a template as an argument": 'start: twice{b}\ntwice{x}: x{"a"} x{"c"}\nb{y}: y | "b" y',
    "flags": r'start: /a b/x "b"i /./s',
    "comments": """
        // a comment
        start: "a" # another
             | "#" // a third
             | "//"
    """,
    "names and signs": """
        !?start.2: _a* A_1? -> call
        _a: "x"
        A_1.-3: "y" | \\
                "z"
    """,
}


@pytest.mark.slow
@pytest.mark.parametrize("grammar", GRAMMARS.values(), ids=GRAMMARS)
def test_lark_parses_what_is_derived(grammar: str) -> None:
    parser = lark.Lark(grammar, parser="lalr" if "%declare" in grammar else "earley")
    texts = {generate_from_grammar(grammar, Random(seed)) for seed in range(60)}
    for text in texts:
        parser.parse(text)
    assert len(texts) > 1 or "spaces" in grammar or "%ignore /" in grammar


def test_many_within_many() -> None:
    """Lark takes seconds for it, but any x is an x or becomes forty."""
    texts = {
        generate_from_grammar(f's: {"s " * 40} | "x"\nstart: s', Random(seed)) for seed in range(60)
    }
    assert len(texts) > 1
    for text in texts:
        assert text == "x" * len(text)
        assert len(text) % 39 == 1


def test_a_text_is_a_function_of_grammar_and_chance() -> None:
    assert generate_from_grammar(GRAMMARS["sql"], Random(4)) == generate_from_grammar(
        GRAMMARS["sql"], Random(4)
    )


def test_the_terminals_of_common_are_those_of_lark() -> None:
    own = lark.Lark.open_from_package("lark", "lark.lark", ["grammars"], parser="lalr")
    text = pkgutil.get_data("lark", "grammars/common.lark")
    assert text is not None
    names = [str(tree.children[0]) for tree in own.parse(text.decode()).find_data("token")]
    assert sorted(names) == sorted(COMMON)


@pytest.mark.parametrize("name", [name for name in COMMON if not name.startswith("_STRING")])
def test_what_a_terminal_of_common_derives_is_one(name: str) -> None:
    grammar = f"start: X\n%import common.{name} -> X"
    parser = lark.Lark(grammar)
    for seed in range(10):
        parser.parse(generate_from_grammar(grammar, Random(seed)))


def test_larks_own_notation_can_be_read() -> None:
    """A long grammar: the one that grammars are read with."""
    parser = lark.Lark(NOTATION, parser="lalr")
    for seed in range(10):
        parser.parse(f"{generate_from_grammar(NOTATION, Random(seed))}\n")


@pytest.mark.parametrize(
    ("grammar", "message"),
    [
        ("", "derives no text"),
        ("begin: /a/", "derives no text"),
        ('start: "a" start', "derives no text"),
        ("start: INDENT\n%declare INDENT", "derives no text"),
        ("start: unknown", "start refers to unknown, which is not defined"),
        ('start: ("a"', "cannot be read at the end of line 1"),
        ('start: "a")', r"cannot be read at line 1, column 11: '\)'"),
        ("start: @", "cannot be read at line 1, column 8: '@'"),
        ("start: *", "cannot be read at line 1, column 8"),
        ("\nstart: A\n%import common.MAGIC -> A", "line 3: it imports common.MAGIC, but only"),
        ("%import .file.A\nstart: A", r"line 1: it imports \.file\.A, but only"),
        ("%import python (A)\nstart: A", "line 1: it imports python.A, but only"),
        ("start: /(?=a)b/", "no text was found"),
        ('start: "a"~3..1', "line 1: a part cannot be repeated 3 to 1 times"),
        ('start: "a"~-1', "line 1: a part cannot be repeated -1 to -1 times"),
        ('start: "a"..B\nB: "b"', "cannot be read at line 1, column 13"),
        ('start: "b".."a"', 'line 1: there are no characters from "b" to "a"'),
        ('start: "ab".."c"', 'line 1: there are no characters from "ab" to "c"'),
        ('start: "a"..', "cannot be read at the end of line 1"),
        ('start: "a"\n%ignore FOO', "ignores FOO, which is not defined"),
        (r'start: "\ud800"', r"line 1: \\ud800 is not a character"),
        ('start: "a"\nstart: "b"', "line 2: start is defined already"),
        ('start: "a"\n%override a: "b"', "line 2: a is overridden but not defined before"),
        ('%extend a: "b"\na: "a"', "line 1: a is extended but not defined before"),
        ('start: "a"\n%extend start{x}: x', "line 2: start is extended with other parameters"),
        ('start: a{"x"}', "no template a with 1 parameters"),
        ('start: a{"x"}\na{x, y}: x y', "no template a with 1 parameters"),
        ("start: a\na{x}: x", "start refers to a, which is not defined"),
        ('start: a{"x"}\na{x}: "(" a{b{x}} ")"\nb{x}: x', "too large"),
        ('start: "a"~100000000', "too large"),
        ("start: /a{100000000}/", "too large"),
        ('start: (("a"~1000)~1000)~1000', "too large"),
        (f"start: {'a ' * 200_000}", "too large"),
        (f'start: {"(" * 9999}"a"{")?" * 9999}', "nested too deeply"),
    ],
)
def test_a_grammar_that_derives_nothing_is_refused(grammar: str, message: str) -> None:
    with pytest.raises(ReplyError, match=message):
        generate_from_grammar(grammar, Random(0))


def test_a_grammar_whose_terminals_share_parts_is_read_at_once() -> None:
    """Lark's own loader would follow 2^200 paths."""
    terminals = "\n".join(f"A{n}: A{n + 1} | A{n + 1}" for n in range(200))
    assert generate_from_grammar(f'start: A0\n{terminals}\nA200: "x"', Random(0)) == "x"


def test_without_lark_an_error_says_what_to_install() -> None:
    code = (
        "import sys; sys.modules['lark'] = None\n"
        "from openai_mockserver import MissingDependency\n"
        "from openai_mockserver.generate import generate\n"
        "tool = {'type': 'custom', 'name': 'f', 'format': {'type': 'grammar'}}\n"
        "tool['format'] |= {'syntax': 'lark', 'definition': 'start: \"a\"'}\n"
        "asked = {'input': 'Hi', 'tools': [tool], 'tool_choice': 'required'}\n"
        "try: generate(asked)\n"
        "except MissingDependency as error: print(error)\n"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout == (
        "a grammar in Lark's notation needs lark: pip install 'openai-mockserver[grammar]'\n"
    )
