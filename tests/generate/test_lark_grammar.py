"""Texts made for grammars: Lark parses them."""

from __future__ import annotations

from random import Random

import pytest

from openai_mockserver.exceptions import ReplyError
from openai_mockserver.generate.lark_grammar import generate_from_grammar

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
}


@pytest.mark.parametrize("grammar", GRAMMARS.values(), ids=GRAMMARS)
def test_lark_parses_what_is_derived(grammar: str) -> None:
    lark = pytest.importorskip("lark", reason="needs lark, which judges the texts")
    parser = lark.Lark(grammar)
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


@pytest.mark.parametrize(
    ("grammar", "told"),
    [
        ("", "derives no text"),
        ("begin: /a/", "derives no text"),
        ('start: "a" start', "derives no text"),
        ("start: unknown", "derives no text"),
        ('start: ("a"', "lacks a bracket"),
        ('start: "a")', "too many"),
        ("start: @", "cannot be read at"),
        ("start: *", "cannot be read at"),
        ("start: A\n%import common.MAGIC -> A", "common.MAGIC, which is not known"),
        ("start: /(?=a)b/", "no text was found"),
        ('start: "a"~3..1', "rule start cannot repeat ~3..1"),
        ('start: "a"..B\nB: "b"', "rule start has no characters"),
        ('start: "b".."a"', "rule start has no characters"),
        ('start: "ab".."c"', "rule start has no characters"),
        ('start: "a"..', "rule start has no characters"),
        ('start: "a"\n%ignore FOO', "ignores FOO, which it does not define"),
        (r'start: "\ud800"', "no character"),
        ('start: "a"~100000000', "too large"),
        ("start: /a{100000000}/", "too large"),
        ('start: (("a"~1000)~1000)~1000', "too large"),
        ("start: " + "(" * 9999, "nests too deeply"),
    ],
)
def test_what_cannot_be_derived_is_told(grammar: str, told: str) -> None:
    with pytest.raises(ReplyError, match=told):
        generate_from_grammar(grammar, Random(0))
