"""Reads untrusted content in bounded time and memory: files, gzip, YAML aliases, nesting.

Rules of this file: content beyond a limit raises `InputProblem`, whose message does not name the
file, because the caller does. Nothing here knows what the content means.
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
"""Maximum bytes of a file of any kind."""

MOST_UNPACKED = 128 * 2**20
"""Maximum bytes that all compressed content of one file may unpack to."""

DEEPEST = 200
"""Maximum nesting of values, which are walked by recursion."""

_MOST_ALIASED = 16 * 2**20
_NODE = 16
_READ = 2**20


class InputProblem(Exception):
    """A problem with untrusted content; the message does not name the file."""


def read_file(path: Path, limit: int = MOST_FILE) -> bytes:
    """Return the content of a file.

    Args:
        path: the file.
        limit: maximum bytes; no more are read, even from an endless file.

    Raises:
        InputProblem: the file is longer.
        OSError: the file cannot be read.
    """
    try:
        with path.open("rb") as file:
            return read_stream(file, limit)
    except ValueError as error:  # a name with a NUL in it
        raise OSError(errno.EINVAL, str(error)) from None


def read_stream(file: BinaryIO, limit: int = MOST_FILE) -> bytes:
    """Return the remaining content of an open file.

    Args:
        file: the file.
        limit: maximum bytes.

    Raises:
        InputProblem: the content is longer.
        OSError: the file cannot be read.
    """
    content = bytearray()
    while part := file.read(min(_READ, limit + 1 - len(content))):
        content += part
    if len(content) > limit:
        raise InputProblem(f"it is longer than {_format_size(limit)}, which is the limit")
    return bytes(content)


def unpack(data: bytes, limit: int = MOST_UNPACKED) -> bytes:
    """Return the content of gzip or zlib data, with all of gzip's members.

    Args:
        data: the compressed data.
        limit: maximum bytes of the content.

    Raises:
        InputProblem: the content is longer.
        zlib.error: the data is not valid gzip or zlib.
        EOFError: the data is incomplete.
    """
    content = bytearray()
    while data:
        decoder = zlib.decompressobj(zlib.MAX_WBITS | 32)
        content += decoder.decompress(data, limit + 1 - len(content))
        if len(content) > limit:
            raise InputProblem(f"it unpacks to more than {_format_size(limit)}")
        if not decoder.eof:
            raise EOFError
        data = decoder.unused_data.lstrip(b"\0")  # gzip pads with zeros
        if not data.startswith(b"\x1f\x8b"):
            break
    return bytes(content)


def _format_size(number: int) -> str:
    return f"{number // 2**20:,} MiB" if number >= 2**20 else f"{number:,} bytes"


def is_deeper(value: Any, max_depth: int = DEEPEST) -> bool:
    """Whether a JSON value is nested more deeply than a limit.

    Args:
        value: the value.
        max_depth: maximum number of lists and objects nested in each other.
    """
    level: list[Any] = [value]
    for _ in range(max_depth + 1):
        level = [
            child
            for parent in level
            for child in _list_children(parent)
            if isinstance(child, dict | list)
        ]
        if not level:
            return False
    return True


def is_deep_json(value: Any, text: str | bytes) -> bool:
    """Whether JSON is nested too deeply to walk.

    Args:
        value: the decoded value.
        text: the JSON text. Its brackets are counted first: with few, the value is not deep.
    """
    if isinstance(text, str):
        brackets = text.count("[") + text.count("{")
    else:
        brackets = text.count(b"[") + text.count(b"{")
    return brackets > DEEPEST and is_deeper(value)


def _list_children(value: Any) -> Iterable[Any]:
    return value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()


def check_yaml(text: str) -> None:
    """Check YAML before it is composed, which uses recursion and copies aliased nodes.

    Args:
        text: the YAML, possibly of several documents.

    Raises:
        InputProblem: it is nested too deeply, an alias contains itself, or the aliases expand to
            more than 16 MiB.
        yaml.YAMLError: it is not valid YAML.
    """
    import yaml  # takes 18 ms

    sizes: dict[str, int | None] = {}  # sizes of anchored nodes; None while a node is open
    open_nodes: list[tuple[str | None, int]] = []  # each node's anchor, and the size before it
    size = total_aliased = 0
    for event in yaml.parse(text, getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
        if isinstance(event, yaml.CollectionStartEvent):
            open_nodes.append((event.anchor, size))
            size += _NODE
            if event.anchor is not None:
                sizes[event.anchor] = None
            if len(open_nodes) > DEEPEST:
                raise InputProblem(f"it is nested too deeply{_describe_place(event)}")
        elif isinstance(event, yaml.CollectionEndEvent):
            anchor, start_size = open_nodes.pop()
            if anchor is not None:
                sizes[anchor] = size - start_size
        elif isinstance(event, yaml.ScalarEvent):
            node_size = _NODE + len(event.value)
            size += node_size
            if event.anchor is not None:
                sizes[event.anchor] = node_size
        elif isinstance(event, yaml.AliasEvent):
            name = event.anchor or ""
            alias_size = sizes.get(name, 0)  # composing reports unknown aliases
            if alias_size is None:
                place = _describe_place(event)
                raise InputProblem(f"the alias *{name:.40} contains itself{place}")
            size += alias_size
            total_aliased += alias_size
            if total_aliased > _MOST_ALIASED:
                limit, place = _format_size(_MOST_ALIASED), _describe_place(event)
                raise InputProblem(f"its aliases stand for more than {limit}{place}")


def _describe_place(event: Any) -> str:
    mark = event.start_mark
    return f", line {mark.line + 1}" if mark else ""
