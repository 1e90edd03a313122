"""Every name that takes a value in a layout is declared, and every declared name is used."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from openai_mockserver.dialects import dialects
from openai_mockserver.dialects import usage as usages
from openai_mockserver.dialects.chat import chat_dialect
from openai_mockserver.dialects.template import HOLES, PLACEHOLDERS, Hole, parse


def find_holes(layout: Any) -> Iterator[str]:
    if isinstance(layout, Hole):
        yield layout.name
    elif isinstance(layout, dict):
        for inner in layout.values():
            yield from find_holes(inner)
    elif isinstance(layout, list):
        for inner in layout:
            yield from find_holes(inner)


@pytest.mark.parametrize(
    ("layout", "words"),
    [
        ("id,object,created,modle", "a layout has 'modle', which is not declared: did you mean"),
        ("choices[delta{contnet}]", "'choices.delta.contnet', which is not declared"),
        ("usage=$runing_usage", "'$runing_usage', which is not declared: did you mean 'running_"),
        ("id=$xyz", "a layout has '$xyz', which is not declared"),
        ("usage,piece", "'piece', which is not declared"),
        ("id,,", "the notation of a layout is malformed at"),
    ],
)
def test_a_name_that_is_not_declared_is_refused(layout: str, words: str) -> None:
    with pytest.raises(ValueError, match=re.escape(words)):
        parse(layout)


def test_a_dialect_with_an_undeclared_name_is_refused() -> None:
    with pytest.raises(ValueError, match=r"choices\.delta\.txt"):
        chat_dialect("mine", deltas={"text": "txt"})


def test_every_declared_name_is_used() -> None:
    used_names = set(find_holes(usages.OPENAI)) | {"choices"}
    for dialect in dialects().values():
        layouts = [dialect.layouts, dialect.usage, dialect.body, dialect.error, dialect.errors]
        used_names |= set(find_holes([dict(one) for one in layouts]))
        used_names |= set(find_holes([extra.step for extra in dialect.extra_steps]))
    assert used_names == HOLES.keys() | PLACEHOLDERS.keys()
