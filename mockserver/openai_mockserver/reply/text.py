"""Text that keeps the pieces it arrives in, and checks of arguments.

Rules of this file: frozen values, checked when they are made. Equality is equality of the text.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import accumulate
from typing import Any

from openai_mockserver import tokens
from openai_mockserver.exceptions import ReplyError

__all__ = ["Json", "Text", "as_text", "must_be", "print_repr"]


def print_repr(value: object, printer: Any, cycle: bool) -> None:
    """How Hypothesis and IPython print a value: as the code that makes it."""
    printer.text(repr(value))


class Text(str):
    """A string that remembers the pieces it arrives in.

    A plain string is cut into tokens or pieces like them; an iterable of strings is taken as the
    pieces.

    Args:
        value: the text or its pieces.
        sizes: how many tokens each of the pieces has; one, unless we cut them.

    >>> Text("Hello, world").pieces
    ('Hello', ',', ' world')
    >>> Text(["Hel", "", "lo"]).pieces, Text(["Hel", "", "lo"]) == "Hello"
    (('Hel', '', 'lo'), True)
    """

    __slots__ = ("pieces", "sizes")
    pieces: tuple[str, ...]
    sizes: tuple[int, ...]

    def __new__(cls, value: str | Iterable[str], sizes: Iterable[int] = ()) -> Text:
        if type(value) is cls:
            return value
        if isinstance(value, str):
            cut, sizes = tokens.cut(value)
        else:
            must_be(Iterable, value, "text", optional=False)
            cut = tuple(value)
        try:
            self = super().__new__(cls, "".join(cut))
        except TypeError:
            piece = next(piece for piece in cut if not isinstance(piece, str))
            raise ReplyError(f"a piece of text is a string, not {piece!r}") from None
        self.pieces = cut
        self.sizes = tuple(sizes) or (1,) * len(cut)
        if len(self.sizes) != len(cut):
            raise ReplyError(f"{len(cut)} pieces of text have {len(self.sizes)} sizes")
        if self.isascii():
            return self
        try:
            # Each piece travels alone, so each must be text on its own.
            "\n".join(cut).encode()
        except UnicodeEncodeError as error:
            raise ReplyError(f"text holds a lone surrogate, which is not UTF-8: {error}") from None
        return self

    @property
    def tokens(self) -> int:
        """How many tokens it has."""
        return sum(self.sizes)

    def first(self, limit: int) -> Text:
        """Its first pieces, of no more tokens than ``limit``."""
        n = sum(1 for so_far in accumulate(self.sizes) if so_far <= limit)
        return Text(self.pieces[:n], self.sizes[:n])

    @property
    def is_plain(self) -> bool:
        """Whether its pieces are those that a plain string is cut into."""
        return (self.pieces, self.sizes) == tokens.cut(str(self))

    def __repr__(self) -> str:
        return super().__repr__() if self.is_plain else repr(list(self.pieces))

    def __reduce__(self) -> tuple[type[Text], tuple[tuple[str, ...], tuple[int, ...]]]:
        return type(self), (self.pieces, self.sizes)


class Json(Text):
    """JSON text that we serialised ourselves, so that we may serialise it otherwise."""

    __slots__ = ()


def as_text(value: str | Iterable[str] | None) -> Text | None:
    return None if value is None else Text(value)


def must_be(kind: type, value: object, what: str, optional: bool = True) -> None:
    """Raise ReplyError for an argument of another kind."""
    if value is None and optional:
        return
    if kind is Iterable and type(value) in (tuple, list):
        return  # as nearly always, and faster
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise ReplyError(f"{what} is {_KINDS.get(kind, f'a {kind.__name__}')}, not {value!r}")
    if isinstance(value, str) and not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError as error:
            raise ReplyError(
                f"{what} holds a lone surrogate, which is not UTF-8: {error}"
            ) from None


_KINDS = {str: "a text", int: "a whole number", dict: "an object"}
