"""Content from outside in bounded time and memory: files, gzip, YAML's aliases, nesting.

Rules of this file: what goes beyond a bound is an `InputProblem`, a sentence without the name of
the file, which the caller knows. Nothing here knows what the content is.
"""

from __future__ import annotations

import errno
import zlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any, BinaryIO

__all__ = [
    "DEEPEST",
    "MOST_FILE",
    "MOST_UNPACKED",
    "InputProblem",
    "check_yaml",
    "is_deep_json",
    "is_deeper",
    "read_file",
    "read_stream",
    "unpack",
]

MOST_FILE = 256 * 2**20
"""The bytes of a file that is read, of any kind."""

MOST_UNPACKED = 128 * 2**20
"""The bytes that everything compressed in one file may unpack to."""

DEEPEST = 200
"""How deeply values may be nested in each other; those that walk them do it by recursion."""

_MOST_ALIASED = 16 * 2**20
_NODE = 16
_READ = 2**20


class InputProblem(Exception):
    """What is wrong with content from outside, without its name."""


def read_file(path: Path, most: int = MOST_FILE) -> bytes:
    """A file's content.

    Args:
        path: the file.
        most: how many bytes it may have; of one that has no end, no more are read.

    Raises:
        InputProblem: for what is longer.
        OSError: for what cannot be read.
    """
    try:
        with path.open("rb") as file:
            return read_stream(file, most)
    except ValueError as error:  # a name with a NUL in it
        raise OSError(errno.EINVAL, str(error)) from None


def read_stream(file: BinaryIO, most: int = MOST_FILE) -> bytes:
    """What is left of a file that is open.

    Args:
        file: the file.
        most: how many bytes that may be.

    Raises:
        InputProblem: for more.
        OSError: for what cannot be read.
    """
    content = bytearray()
    while part := file.read(min(_READ, most + 1 - len(content))):
        content += part
    if len(content) > most:
        raise InputProblem(f"it is longer than {_megabytes(most)}, which is the most that is read")
    return bytes(content)


def unpack(packed: bytes, most: int = MOST_UNPACKED) -> bytes:
    """What was compressed with gzip or zlib; gzip's members follow one another.

    Args:
        packed: what is compressed.
        most: how many bytes it may have.

    Raises:
        InputProblem: for what has more.
        zlib.error: for what is no such compression.
        EOFError: for what is cut off.
    """
    plain = bytearray()
    while packed:
        decoder = zlib.decompressobj(zlib.MAX_WBITS | 32)
        plain += decoder.decompress(packed, most + 1 - len(plain))
        if len(plain) > most:
            raise InputProblem(f"it unpacks to more than {_megabytes(most)}")
        if not decoder.eof:
            raise EOFError
        packed = decoder.unused_data.lstrip(b"\0")  # gzip pads with zeros
        if not packed.startswith(b"\x1f\x8b"):
            break
    return bytes(plain)


def _megabytes(number: int) -> str:
    return f"{number // 2**20:,} MiB" if number >= 2**20 else f"{number:,} bytes"


def is_deeper(value: Any, deepest: int = DEEPEST) -> bool:
    """Whether a JSON value is nested more deeply than this.

    Args:
        value: the value.
        deepest: how many lists and objects may lie in each other.
    """
    level: list[Any] = [value]
    for _ in range(deepest + 1):
        level = [
            inner for outer in level for inner in _inner(outer) if isinstance(inner, dict | list)
        ]
        if not level:
            return False
    return True


def is_deep_json(value: Any, text: str | bytes) -> bool:
    """Whether JSON is nested too deeply to walk.

    Args:
        value: what it means.
        text: the JSON itself, whose brackets are counted first: few tell that it is not.
    """
    if isinstance(text, str):
        brackets = text.count("[") + text.count("{")
    else:
        brackets = text.count(b"[") + text.count(b"{")
    return brackets > DEEPEST and is_deeper(value)


def _inner(value: Any) -> Iterable[Any]:
    return value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()


def check_yaml(text: str) -> None:
    """Look through YAML before it is composed, which is by recursion, and by copying of aliases.

    Args:
        text: the YAML; of several documents, all.

    Raises:
        InputProblem: for what is nested too deeply, an alias that contains itself, and aliases
            that stand for far more than is written.
        yaml.YAMLError: for what is not YAML.
    """
    import yaml  # takes 18 ms, which only YAML is worth

    sizes: dict[str, int | None] = {}  # of what has an anchor; None while it is open
    open_nodes: list[tuple[str | None, int]] = []  # anchor, and the size at which it begins
    size = aliased = 0
    for event in yaml.parse(text, getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
        if isinstance(event, yaml.CollectionStartEvent):
            open_nodes.append((event.anchor, size))
            size += _NODE
            if event.anchor is not None:
                sizes[event.anchor] = None
            if len(open_nodes) > DEEPEST:
                raise InputProblem(f"it is nested too deeply{_at(event)}")
        elif isinstance(event, yaml.CollectionEndEvent):
            anchor, began = open_nodes.pop()
            if anchor is not None:
                sizes[anchor] = size - began
        elif isinstance(event, yaml.ScalarEvent):
            own = _NODE + len(event.value)
            size += own
            if event.anchor is not None:
                sizes[event.anchor] = own
        elif isinstance(event, yaml.AliasEvent):
            name = event.anchor or ""
            named = sizes.get(name, 0)  # an unknown one is told where it is composed
            if named is None:
                raise InputProblem(f"the alias *{name:.40} contains itself{_at(event)}")
            size += named
            aliased += named
            if aliased > _MOST_ALIASED:
                raise InputProblem(
                    f"its aliases stand for more than {_megabytes(_MOST_ALIASED)}{_at(event)}"
                )


def _at(event: Any) -> str:
    mark = event.start_mark
    return f", line {mark.line + 1}" if mark else ""
