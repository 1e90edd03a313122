"""The names that take values in layouts: all are declared, and all that are declared are used."""

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
        ("id,,", "a layout goes wrong at"),
    ],
)
def test_a_name_that_is_not_declared_is_refused(layout: str, words: str) -> None:
    with pytest.raises(ValueError, match=re.escape(words)):
        parse(layout)


def test_so_is_a_dialect_with_one() -> None:
    with pytest.raises(ValueError, match=r"choices\.delta\.txt"):
        chat_dialect("mine", deltas={"text": "txt"})


def test_what_is_declared_is_used() -> None:
    used = set(find_holes(usages.OPENAI)) | {"choices"}
    for dialect in dialects().values():
        layouts = [dialect.layouts, dialect.usage, dialect.body, dialect.error, dialect.errors]
        used |= set(find_holes([dict(one) for one in layouts]))
        used |= set(find_holes([extra.step for extra in dialect.extra_steps]))
    assert used == HOLES.keys() | PLACEHOLDERS.keys()
