"""What docstrings say about functions, classes and their arguments, for the JSON Schema.

Rules of this file: the first paragraph is the summary, and the entries below ``Args:`` describe the
arguments. The words stay as they are; each is one line, in Markdown.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Mapping
from typing import NamedTuple

__all__ = ["Description", "describe"]


class Description(NamedTuple):
    """What a docstring says.

    Args:
        summary: its first paragraph.
        arguments: the descriptions of the arguments, by name.
    """

    summary: str
    arguments: Mapping[str, str]


def describe(value: object) -> Description:
    """Return what the docstring of a function or class says.

    >>> describe(Description).arguments["summary"]
    'its first paragraph.'
    """
    text = inspect.getdoc(value) or ""
    summary, *_ = text.split("\n\n", 1)
    section = re.search(r"^Args:\n((?: +.*\n?)+)", text, re.MULTILINE)
    # An entry begins with four spaces; its next lines have eight.
    entry = re.compile(r"^ {4}(\w[\w, ]*): (.*(?:\n {8}.*)*)", re.MULTILINE)
    entries = entry.findall(section[1]) if section else []
    return Description(
        _join_lines(summary),
        {name: _join_lines(words) for names, words in entries for name in names.split(", ")},
    )


def _join_lines(text: str) -> str:
    return " ".join(text.replace("``", "`").split())
