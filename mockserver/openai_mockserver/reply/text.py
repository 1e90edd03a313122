"""Text that remembers the pieces it arrives in, and checks of arguments.

Rules of this file: frozen values, checked on creation. Two texts are equal if their strings are
equal; pieces do not count.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import accumulate
from typing import Any

from openai_mockserver import tokens
from openai_mockserver.exceptions import ReplyError

__all__ = ["Json", "Text", "as_text", "check_type", "print_repr"]


def print_repr(value: object, printer: Any, cycle: bool) -> None:
    """Print a value as the code that recreates it; Hypothesis and IPython call this."""
    printer.text(repr(value))


class Text(str):
    """A string that remembers the pieces it arrives in.

    A plain string is cut into tokens, or into pieces that look like tokens; an iterable of strings
    is used as the pieces.

    Args:
        value: the text or its pieces.
        sizes: number of tokens in each piece; 1 by default if ``value`` is an iterable.

    >>> Text("Hello, world").pieces
    ('Hello', ',', ' world')
    >>> Text(["Hel", "", "lo"]).pieces, Text(["Hel", "", "lo"]) == "Hello"
    (('Hel', '', 'lo'), True)
    """

    __slots__ = ("_is_plain", "pieces", "sizes")
    pieces: tuple[str, ...]
    sizes: tuple[int, ...]
    _is_plain: bool | None  # None if it is not known yet

    def __new__(cls, value: str | Iterable[str], sizes: Iterable[int] = ()) -> Text:
        if type(value) is cls:
            return value
        if isinstance(value, str):
            cut, sizes = tokens.cut(value)
        else:
            check_type(Iterable, value, "text", optional=False)
            cut = tuple(value)
        try:
            self = super().__new__(cls, "".join(cut))
        except TypeError:
            piece = next(piece for piece in cut if not isinstance(piece, str))
            raise ReplyError(f"a piece of text must be a string, not {piece!r}") from None
        self._is_plain = True if isinstance(value, str) else None
        self.pieces = cut
        self.sizes = tuple(sizes) or (1,) * len(cut)
        if len(self.sizes) != len(cut):
            raise ReplyError(
                f"text has {len(cut)} pieces but {len(self.sizes)} sizes: each piece needs one"
            )
        if self.isascii():
            return self
        try:
            # Each piece is sent separately, so each must be valid UTF-8.
            "\n".join(cut).encode()
        except UnicodeEncodeError as error:
            raise ReplyError(f"text holds a lone surrogate, which is not UTF-8: {error}") from None
        return self

    @property
    def tokens(self) -> int:
        """The number of tokens in the text."""
        return sum(self.sizes)

    def first(self, limit: int) -> Text:
        """Return as many of the first pieces as fit into ``limit`` tokens."""
        n = sum(1 for total in accumulate(self.sizes) if total <= limit)
        return Text(self.pieces[:n], self.sizes[:n])

    @property
    def is_plain(self) -> bool:
        """Whether a plain string would be cut into the same pieces."""
        if self._is_plain is None:
            self._is_plain = (self.pieces, self.sizes) == tokens.cut(str(self))
        return self._is_plain

    def __repr__(self) -> str:
        return super().__repr__() if self.is_plain else repr(list(self.pieces))

    def __reduce__(self) -> tuple[type[Text], tuple[tuple[str, ...], tuple[int, ...]]]:
        return type(self), (self.pieces, self.sizes)


class Json(Text):
    """JSON text that we serialized ourselves, so that we may change its spacing."""

    __slots__ = ()


def as_text(value: str | Iterable[str] | None) -> Text | None:
    return None if value is None else Text(value)


def check_type(kind: type, value: object, name: str, optional: bool = True) -> None:
    """Raise ReplyError if an argument has the wrong type, or is a string with a lone surrogate.

    Args:
        kind: the required type; a bool is not accepted as an int.
        value: the argument.
        name: name of the argument, for the message.
        optional: whether None is accepted.
    """
    if value is None and optional:
        return
    if kind is Iterable and type(value) in (tuple, list):
        return  # the usual case; `isinstance` would be slower
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        type_name = _TYPE_NAMES.get(kind, f"of type {kind.__name__}")
        raise ReplyError(f"{name} must be {type_name}, not {value!r}")
    if isinstance(value, str) and not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError as error:
            raise ReplyError(
                f"{name} holds a lone surrogate, which is not UTF-8: {error}"
            ) from None


_TYPE_NAMES: dict[type, str] = {
    str: "a string",
    int: "an integer",
    dict: "an object",
    Iterable: "an iterable",
    Mapping: "a mapping",
}
