"""Text cut into tokens, or into pieces that look like a model's, and counted in them.

Rules of this file: functions of the text, of the model and of one environment variable; a cut falls
between code points, never inside one; ``"".join(pieces(text)) == text``. Nothing is loaded before
the first cut.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from hashlib import blake2b
from importlib.util import find_spec
from typing import TYPE_CHECKING, NamedTuple

from openai_mockserver.exceptions import MissingDependency, TokensError
from openai_mockserver.limits import give_way
from openai_mockserver.models import CL100K, O200K, Family, family_of

if TYPE_CHECKING:
    from splintr import AnyTokenizer

__all__ = [
    "VARIABLE",
    "WORDS",
    "Cut",
    "count",
    "count_messages",
    "cut",
    "cycle",
    "pieces",
    "vocabulary",
    "words",
]

VARIABLE = "OPENAI_MOCKSERVER_TOKENS"
"""The environment variable that says what cuts: `WORDS` or the name of a vocabulary."""

WORDS = "words"
"""The cutter that needs no vocabulary."""

_CHOICES = (WORDS, O200K, CL100K)

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


# Which vocabulary


@lru_cache(maxsize=1)
def _installed() -> bool:
    return find_spec("splintr") is not None


def vocabulary(model: object = None) -> str:
    """What cuts the text of a model: a vocabulary, or `WORDS`.

    It is what `VARIABLE` names, else the model's own where ``openai-mockserver[tokens]`` is
    installed; o200k_base of a model that is not known or not told.

    Raises:
        TokensError: where the variable names nothing that cuts.
        MissingDependency: where it names a vocabulary that is not installed.
    """
    chosen = os.environ.get(VARIABLE)
    if not chosen:
        if not _installed():
            return WORDS
        return family_of(model).vocabulary if isinstance(model, str) else O200K
    if chosen not in _CHOICES:
        raise TokensError(f"{VARIABLE}={chosen!r}: what cuts text is one of {', '.join(_CHOICES)}")
    if chosen != WORDS and not _installed():
        raise MissingDependency(
            f"{VARIABLE}={chosen} needs its vocabulary: pip install 'openai-mockserver[tokens]'"
        )
    return chosen


def cuts_alike(model: object) -> bool:
    """Whether the text of a model is cut as that of a model which is not told."""
    if os.environ.get(VARIABLE) or not isinstance(model, str):
        return True
    return family_of(model).vocabulary == O200K or not _installed()


@lru_cache(maxsize=2)
def _tokenizer(name: str) -> AnyTokenizer:
    from splintr import Tokenizer

    tokenizer = Tokenizer.from_pretrained(name)  # 50 ms, in which no other thread has a turn
    # The first word of several tokens takes 120 ms: in a batch, others have theirs meanwhile.
    tokenizer.encode_batch(["aqzxwqkjhpoi"])
    return tokenizer


def load_vocabulary() -> None:
    """Load the vocabulary that most models have, if it is installed, before the first cut needs it.

    Raises:
        TokensError, MissingDependency: see `vocabulary`.
    """
    if (name := vocabulary()) != WORDS:
        _tokenizer(name)


# Cutting


class Cut(NamedTuple):
    """Pieces of a text, and how many tokens each has."""

    pieces: tuple[str, ...]
    sizes: tuple[int, ...]


def cut(text: str, model: object = None) -> Cut:
    """Cut text as a model would emit it, into pieces of whole code points.

    Args:
        text: any text.
        model: the model's name, which chooses the vocabulary.
    """
    return cut_by(text, vocabulary(model))


def cut_by(text: str, name: str) -> Cut:
    """Cut text by a vocabulary, or into `WORDS`.

    Args:
        text: any text.
        name: what cuts it, as `vocabulary` gives it.
    """
    if len(text) <= _LENGTH:
        return _cut_kept(text, name)
    cuts = [_cut(text[start:end], name) for start, end in _spans(text)]
    return Cut(
        tuple(piece for one in cuts for piece in one.pieces),
        tuple(size for one in cuts for size in one.sizes),
    )


# What is cut once is often cut again. A text with its pieces takes about 20 bytes a character,
# so that 1,024 prompts would take gigabytes: short ones are kept, and a few that are longer.
_SHORT = 512  # characters


def _cut_kept(text: str, name: str) -> Cut:
    return (_cut_short if len(text) <= _SHORT else _cut_long)(text, name)


def _cut(text: str, name: str) -> Cut:
    if name != WORDS:
        tokenizer = _tokenizer(name)
        try:
            ids = tokenizer.encode_ordinary(text)
        except UnicodeEncodeError:
            pass  # a lone surrogate, which no token has
        else:
            return _whole(map(tokenizer.decode_token_bytes, ids))
    found = words(text)
    return Cut(found, (1,) * len(found))


_cut_short = lru_cache(maxsize=1024)(_cut)
_cut_long = lru_cache(maxsize=32)(_cut)


def _whole(tokens: Iterable[bytes]) -> Cut:
    """Tokens as pieces: one that ends inside a code point with those that it goes on in."""
    pieces: list[bytes] = []
    sizes: list[int] = []
    for token in tokens:
        if token[0] & 0xC0 == 0x80:  # not a code point's first byte
            pieces[-1] += token
            sizes[-1] += 1
        else:
            pieces.append(token)
            sizes.append(1)
    return Cut(tuple(piece.decode() for piece in pieces), tuple(sizes))


def words(text: str) -> tuple[str, ...]:
    """Cut text into pieces like a model's (a word with the space before it), whatever is installed.

    >>> words("Hello, world! It costs 12345 €.")
    ('Hello', ',', ' world', '!', ' It', ' costs', ' ', '123', '45', ' €.')
    """
    return tuple(_PIECE.findall(text))


def pieces(text: str, model: object = None) -> tuple[str, ...]:
    """The pieces of `cut`.

    >>> pieces("Hello, world!")
    ('Hello', ',', ' world', '!')
    >>> pieces("")
    ()
    """
    return cut(text, model).pieces


def cycle(text: str, lengths: tuple[int, ...] = (4, 5, 6)) -> tuple[str, ...]:
    """Cut text in a repeating cycle of lengths, as parallel tool arguments are (WIRE.md §1).

    >>> cycle('{"password": "mellon"}')
    ('{"pa', 'sswor', 'd": "m', 'ello', 'n"}')
    """
    parts: list[str] = []
    at = 0
    while at < len(text):
        size = lengths[len(parts) % len(lengths)]
        parts.append(text[at : at + size])
        at += size
    return tuple(parts)


# Counting


def count(text: str, model: object = None) -> int:
    """How many tokens a text has.

    >>> count("Hello, world!")
    4
    """
    return _count(text, vocabulary(model))


def _count(text: str, name: str) -> int:
    if len(text) <= _LENGTH:
        return sum(_cut_kept(text, name).sizes)
    # Of a long text its digest is kept, for it is often sent again: with each turn of a talk.
    state = blake2b(key=name.encode())
    for start, end in _spans(text):
        state.update(text[start:end].encode("utf-8", "surrogatepass"))
    digest = state.digest()
    if (known := _counts.get(digest)) is None:
        if len(_counts) >= 1024:
            _counts.clear()
        known = _counts[digest] = _count_long(text, name)
    return known


_counts: dict[bytes, int] = {}


def _count_long(text: str, name: str) -> int:
    return sum(_count_piece(text[start:end], name) for start, end in _spans(text))


_LENGTH = 8192
"""Characters of a text that are cut or counted at once, so that others go on meanwhile."""

_SPACE = re.compile(r"(?<=\S) ")


def _spans(text: str) -> Iterator[tuple[int, int]]:
    """Where a long text is parted, to be cut or counted.

    No token, and none of our own pieces, goes on from a sign over a space. Where there is none
    anywhere near, one may be cut in two.
    """
    start = 0
    while start < len(text):
        end = start + _LENGTH
        if end < len(text) and (found := _SPACE.search(text, end - _LENGTH // 2, end)) is not None:
            end = found.start()
        yield start, min(end, len(text))
        start = end
        give_way()


def _count_piece(text: str, name: str) -> int:
    if name != WORDS:
        try:
            return len(_tokenizer(name).encode_ordinary(text))
        except UnicodeEncodeError:
            pass  # a lone surrogate, which no token has
    return sum(1 for _ in _PIECE.finditer(text))


def count_messages(messages: object, model: object = None) -> int:
    """Prompt tokens of a conversation, as OpenAI's cookbook counts them (How_to_count_tokens).

    They are the tokens of its texts and roles, 3 more for each message, 1 for its name, and those
    that prime the answer.

    >>> count_messages([{"role": "user", "content": "Hello, world!"}])
    11
    """
    if not isinstance(messages, list):
        return 0
    priming = (family_of(model) if isinstance(model, str) else Family()).priming
    name = vocabulary(model)
    total = priming
    for message in messages:
        if type(message) is dict or isinstance(message, Mapping):
            total += _count_message(message, name)
    return total


def _count_message(message: Mapping[str, object], name: str) -> int:
    role = message.get("role")
    # Every role is a token of its own; a function's or a person's name is set off by another.
    return 3 + (role is not None) + ("name" in message) + _count_value(message, name)


def _count_value(value: object, name: str) -> int:
    if isinstance(value, str):
        return _count(value, name)
    if type(value) is dict or isinstance(value, Mapping):
        total = 0
        for key, inner in value.items():
            if key not in ("role", "type"):
                total += _count_value(inner, name)
        return total
    if isinstance(value, list):
        return sum([_count_value(one, name) for one in value])
    return 0
