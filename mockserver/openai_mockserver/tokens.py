"""Cuts text into tokens, or into pieces that look like a model's, and counts them.

Rules of this file: results depend on the text, the model and one environment variable; a cut falls
between code points, never inside one; ``"".join(pieces(text)) == text``. No vocabulary is loaded
before the first cut.
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
from openai_mockserver.models import CL100K, O200K, Family, find_family

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
"""The environment variable that chooses how text is cut: `WORDS` or the name of a vocabulary."""

WORDS = "words"
"""Cutting by a regular expression, which needs no vocabulary."""

_CHOICES = (WORDS, O200K, CL100K)

# WIRE.md §1: content length of a chunk is 1/4/11 characters at p5/50/95, 28 at most.
_PIECE = re.compile(
    r"""
      \ ?[^\W\d_\u0e00-\u0e7f\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]{1,12}  # a word, or 12 letters
    | [^\W\d_]                                                               # a CJK or Thai letter
    | \d{1,3}
    | \ ?[^\w\s]{1,4}                                                        # punctuation, emoji
    | \s{1,16}?(?=\ ?\S)                                                     # not the word's space
    | \s{1,16}
    | .
    """,
    re.VERBOSE | re.DOTALL,
)


# Which vocabulary


@lru_cache(maxsize=1)
def _is_installed() -> bool:
    return find_spec("splintr") is not None


def vocabulary(model: object = None) -> str:
    """Return the name of the vocabulary that cuts a model's text, or `WORDS`.

    The environment variable `VARIABLE` decides. If it is not set, the model's vocabulary is used if
    ``openai-mockserver[tokens]`` is installed (o200k_base if the model is unknown or None), else
    `WORDS`.

    Raises:
        TokensError: if the variable holds an unknown name.
        MissingDependency: if the variable names a vocabulary that is not installed.
    """
    name = os.environ.get(VARIABLE)
    if not name:
        if not _is_installed():
            return WORDS
        return find_family(model).vocabulary if isinstance(model, str) else O200K
    if name not in _CHOICES:
        raise TokensError(f"{VARIABLE}={name!r}: must be one of {', '.join(_CHOICES)}")
    if name != WORDS and not _is_installed():
        raise MissingDependency(
            f"{VARIABLE}={name} needs its vocabulary: pip install 'openai-mockserver[tokens]'"
        )
    return name


def has_default_vocabulary(model: object) -> bool:
    """Whether a model's text is cut in the same way as text without a model."""
    if os.environ.get(VARIABLE) or not isinstance(model, str):
        return True
    return find_family(model).vocabulary == O200K or not _is_installed()


@lru_cache(maxsize=2)
def _tokenizer(name: str) -> AnyTokenizer:
    from splintr import Tokenizer

    tokenizer = Tokenizer.from_pretrained(name)  # 50 ms, during which it holds the GIL
    # The first word of several tokens takes 120 ms; in a batch, other threads run meanwhile.
    tokenizer.encode_batch(["aqzxwqkjhpoi"])
    return tokenizer


def load_vocabulary() -> None:
    """Load the vocabulary of most models, if it is installed, before the first cut needs it.

    Raises:
        TokensError, MissingDependency: see `vocabulary`.
    """
    if (name := vocabulary()) != WORDS:
        _tokenizer(name)


# Cutting


class Cut(NamedTuple):
    """Pieces of a text, and the number of tokens in each."""

    pieces: tuple[str, ...]
    sizes: tuple[int, ...]


def cut(text: str, model: object = None) -> Cut:
    """Cut text into the pieces in which a model would emit it, each of whole code points.

    Args:
        text: any text.
        model: name of the model, which chooses the vocabulary.
    """
    return cut_by(text, vocabulary(model))


def cut_by(text: str, name: str) -> Cut:
    """Cut text by a vocabulary, or by `WORDS`.

    Args:
        text: any text.
        name: name of the vocabulary, as returned by `vocabulary`.
    """
    if len(text) <= _LENGTH:
        return _cut_cached(text, name)
    cuts = [_cut(text[start:end], name) for start, end in _split_spans(text)]
    return Cut(
        tuple(piece for cut in cuts for piece in cut.pieces),
        tuple(size for cut in cuts for size in cut.sizes),
    )


# The same text is often cut again. A text with its pieces takes about 20 bytes a character, so that
# 1,024 prompts could take gigabytes: the cache holds many short texts and only a few long ones.
_SHORT = 512  # characters


def _cut_cached(text: str, name: str) -> Cut:
    return (_cut_short if len(text) <= _SHORT else _cut_long)(text, name)


def _cut(text: str, name: str) -> Cut:
    if name != WORDS:
        tokenizer = _tokenizer(name)
        try:
            ids = tokenizer.encode_ordinary(text)
        except UnicodeEncodeError:
            pass  # a lone surrogate, which no token contains
        else:
            return _join_code_points(map(tokenizer.decode_token_bytes, ids))
    parts = words(text)
    return Cut(parts, (1,) * len(parts))


_cut_short = lru_cache(maxsize=1024)(_cut)
_cut_long = lru_cache(maxsize=32)(_cut)


def _join_code_points(tokens: Iterable[bytes]) -> Cut:
    """Return tokens as pieces; tokens that share a code point become one piece."""
    pieces: list[bytes] = []
    sizes: list[int] = []
    for token in tokens:
        if token[0] & 0xC0 == 0x80:  # not the first byte of a code point
            pieces[-1] += token
            sizes[-1] += 1
        else:
            pieces.append(token)
            sizes.append(1)
    return Cut(tuple(piece.decode() for piece in pieces), tuple(sizes))


def words(text: str) -> tuple[str, ...]:
    """Cut text into pieces like a model's (a word with the space before it), without a vocabulary.

    >>> words("Hello, world! It costs 12345 €.")
    ('Hello', ',', ' world', '!', ' It', ' costs', ' ', '123', '45', ' €.')
    """
    return tuple(_PIECE.findall(text))


def pieces(text: str, model: object = None) -> tuple[str, ...]:
    """Return the pieces of `cut`.

    >>> pieces("Hello, world!")
    ('Hello', ',', ' world', '!')
    >>> pieces("")
    ()
    """
    return cut(text, model).pieces


def cycle(text: str, lengths: tuple[int, ...] = (4, 5, 6)) -> tuple[str, ...]:
    """Cut text by a repeating cycle of lengths, as OpenAI cuts parallel calls (WIRE.md §1).

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
    """Return the number of tokens in a text.

    >>> count("Hello, world!")
    4
    """
    return _count(text, vocabulary(model))


def _count(text: str, name: str) -> int:
    if len(text) <= _LENGTH:
        return sum(_cut_cached(text, name).sizes)
    # A long text is often sent again, with each turn of a conversation: its count is cached by
    # the text's digest.
    state = blake2b(key=name.encode())
    for start, end in _split_spans(text):
        state.update(text[start:end].encode("utf-8", "surrogatepass"))
    digest = state.digest()
    if (total := _counts.get(digest)) is None:
        if len(_counts) >= 1024:
            _counts.clear()
        total = _counts[digest] = _count_long(text, name)
    return total


_counts: dict[bytes, int] = {}


def _count_long(text: str, name: str) -> int:
    return sum(_count_span(text[start:end], name) for start, end in _split_spans(text))


_LENGTH = 8192
"""Maximum characters cut or counted at once, so that other threads can run in between."""

_SPACE = re.compile(r"(?<=\S) ")


def _split_spans(text: str) -> Iterator[tuple[int, int]]:
    """Yield start and end of the spans in which a long text is cut or counted.

    A span ends before a space, because no token and no piece of ours continues from another
    character into a space. If there is no space near the end, a token may be cut in two.
    """
    start = 0
    while start < len(text):
        end = start + _LENGTH
        if end < len(text) and (space := _SPACE.search(text, end - _LENGTH // 2, end)) is not None:
            end = space.start()
        yield start, min(end, len(text))
        start = end
        give_way()


def _count_span(text: str, name: str) -> int:
    if name != WORDS:
        try:
            return len(_tokenizer(name).encode_ordinary(text))
        except UnicodeEncodeError:
            pass  # a lone surrogate, which no token contains
    return sum(1 for _ in _PIECE.finditer(text))


def count_messages(messages: object, model: object = None) -> int:
    """Count a conversation's prompt tokens as OpenAI's cookbook does (How_to_count_tokens).

    The count includes the tokens of texts and roles, 3 more for each message, 1 for each name, and
    the tokens that prime the answer.

    >>> count_messages([{"role": "user", "content": "Hello, world!"}])
    11
    """
    if not isinstance(messages, list):
        return 0
    priming = (find_family(model) if isinstance(model, str) else Family()).priming
    name = vocabulary(model)
    total = priming
    for message in messages:
        if type(message) is dict or isinstance(message, Mapping):
            total += _count_message(message, name)
    return total


def _count_message(message: Mapping[str, object], name: str) -> int:
    role = message.get("role")
    # Every role is one token; a name costs one more token.
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
        return sum([_count_value(inner, name) for inner in value])
    return 0
