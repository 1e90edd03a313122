"""The ready-made streams of ``fixtures/``, by name and family, each with its right answer.

Rules of this file: an index, nothing more; the streams are data, one to a file, and a file is read
when its stream is asked for.
"""

from __future__ import annotations

import difflib
from functools import lru_cache
from importlib.resources import files
from importlib.resources.abc import Traversable

from openai_mockserver.cassettes.stream_file import loads
from openai_mockserver.exceptions import ReplyError, StreamFileError, UnknownStream
from openai_mockserver.reply.serialization import decode_reply
from openai_mockserver.stream_value import Stream

__all__ = ["Stream", "families", "names", "stream", "streams"]


@lru_cache(maxsize=1)
def _index() -> dict[str, tuple[str, Traversable]]:
    """Stream name → family and file."""
    found: dict[str, tuple[str, Traversable]] = {}
    for family in sorted(
        files("openai_mockserver.fixtures").iterdir(), key=lambda entry: entry.name
    ):
        if family.is_dir() and not family.name.startswith("_"):
            for file in sorted(family.iterdir(), key=lambda entry: entry.name):
                if file.name.endswith(".jsonl"):
                    found[file.name.removesuffix(".jsonl")] = (family.name, file)
    return found


def names() -> tuple[str, ...]:
    """The names of all streams."""
    return tuple(_index())


def families() -> tuple[str, ...]:
    """The families there are."""
    return tuple(sorted({family for family, _ in _index().values()}))


@lru_cache(maxsize=256)
def stream(name: str) -> Stream:
    """The stream of this name.

    Raises UnknownStream, with the names that come close.
    """
    if name not in _index():
        close = difflib.get_close_matches(name, names(), 3, 0.5) or names()
        raise UnknownStream(f"no stream is called {name!r}; did you mean {', '.join(close)}?")
    family, file = _index()[name]
    (exchange,) = loads(file.read_bytes(), file.name)
    about = exchange.about
    expect = about.get("expect") or {}
    try:
        reply = decode_reply(expect.get("reply") or {}, "expect.reply")
    except ReplyError as error:
        raise StreamFileError(f"{file.name}:1: {error}") from None
    return Stream(
        exchange.script,
        reply,
        expect.get("error"),
        name,
        family,
        about["description"],
        tuple(about.get("citations") or ()),
        (about.get("request") or {}).get("json") or {},
    )


def streams(family: str | None = None) -> tuple[Stream, ...]:
    """All streams, or those of a family.

    Raises UnknownStream for a family that there is not.
    """
    if family is not None and family not in families():
        raise UnknownStream(f"no family is called {family!r}; there are {', '.join(families())}")
    return tuple(stream(n) for n, (home, _) in _index().items() if family in (None, home))
