"""Text cut into token-like pieces, and counted in them.

Rules of this file: pure functions of the text; a cut falls between code points, never inside one;
``"".join(pieces(text)) == text``. The pieces look like a model's (a word with the space before it,
digits by three, one CJK sign), they are not the real vocabulary's.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache

__all__ = ["count", "count_messages", "cycle", "pieces"]

# WIRE.md §1: content length of a chunk is 1/4/11 characters at p5/50/95, 28 at most.
_PIECE = re.compile(
    r"""
      \ ?[^\W\d_\u0e00-\u0e7f\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]{1,12}  # a word, or 12 letters
    | [^\W\d_]                                                               # one CJK or Thai sign
    | \d{1,3}
    | \ ?[^\w\s]{1,4}                                                        # punctuation, emoji
    | \s{1,16}?(?=\ ?\S)                                                     # not a word's own
    | \s{1,16}
    | .
    """,
    re.VERBOSE | re.DOTALL,
)


@lru_cache(maxsize=1024)
def pieces(text: str) -> tuple[str, ...]:
    """Cut text as a model would emit it.

    >>> pieces("Hello, world! It costs 12345 €.")
    ('Hello', ',', ' world', '!', ' It', ' costs', ' ', '123', '45', ' €.')
    >>> pieces("")
    ()
    """
    return tuple(_PIECE.findall(text))


def count(text: str) -> int:
    """How many pieces a text has.

    >>> count("Hello, world!")
    4
    """
    return len(pieces(text))


def cycle(text: str, lengths: tuple[int, ...] = (4, 5, 6)) -> tuple[str, ...]:
    """Cut text in a repeating cycle of lengths, as parallel tool arguments are (WIRE.md §1).

    >>> cycle('{"password": "mellon"}')
    ('{"pa', 'sswor', 'd": "m', 'ello', 'n"}')
    """
    cut: list[str] = []
    at = 0
    while at < len(text):
        size = lengths[len(cut) % len(lengths)]
        cut.append(text[at : at + size])
        at += size
    return tuple(cut)


def count_messages(messages: object) -> int:
    """Prompt tokens of a conversation: its texts, 3 for each message and 3 to prime the answer.

    >>> count_messages([{"role": "user", "content": "Hello, world!"}])
    10
    """
    if not isinstance(messages, list):
        return 0
    return 3 + sum(3 + _count_value(m) for m in messages if isinstance(m, Mapping))


def _count_value(value: object) -> int:
    if isinstance(value, str):
        return count(value)
    if isinstance(value, Mapping):
        return sum(_count_value(v) for k, v in value.items() if k not in ("role", "type"))
    if isinstance(value, list):
        return sum(map(_count_value, value))
    return 0
