"""The catalogue: ready-made streams from ``fixtures/``, by name and family, with the right answer.

Rules of this file: only an index. The streams are data, one in each file, and a file is read when
its stream is requested.
"""

from __future__ import annotations

import difflib
from functools import lru_cache
from importlib.resources import files
from importlib.resources.abc import Traversable

from openai_mockserver.cassettes.stream_file import loads
from openai_mockserver.exceptions import ReplyError, StreamFileError, UnknownStream
from openai_mockserver.reply.serialization import decode_reply
from openai_mockserver.stream_value import Requirement, Stream

__all__ = ["Requirement", "Stream", "families", "names", "stream", "streams"]


@lru_cache(maxsize=1)
def _load_index() -> dict[str, tuple[str, Traversable]]:
    """Map stream names to families and files."""
    entries: dict[str, tuple[str, Traversable]] = {}
    for family in sorted(
        files("openai_mockserver.fixtures").iterdir(), key=lambda entry: entry.name
    ):
        if family.is_dir() and not family.name.startswith("_"):
            for file in sorted(family.iterdir(), key=lambda entry: entry.name):
                if file.name.endswith(".jsonl"):
                    entries[file.name.removesuffix(".jsonl")] = (family.name, file)
    return entries


def names() -> tuple[str, ...]:
    """Return the names of all streams."""
    return tuple(_load_index())


def families() -> tuple[str, ...]:
    """Return the names of all families."""
    return tuple(sorted({family for family, _ in _load_index().values()}))


_HOW_TO_LIST = "openai_mockserver.catalogue.names() and `openai-mockserver streams` list them"


@lru_cache(maxsize=256)
def stream(name: str) -> Stream:
    """Return the stream with this name.

    Raises:
        UnknownStream: if there is none; the message suggests similar names, or how to list all.
    """
    if name not in _load_index():
        close_names = difflib.get_close_matches(name, names(), 3, 0.5)
        hint = f"did you mean {', '.join(close_names)}?" if close_names else _HOW_TO_LIST
        raise UnknownStream(f"no stream is called {name!r}; {hint}")
    family, file = _load_index()[name]
    (exchange,) = loads(file.read_bytes(), file.name)
    about = exchange.about
    expect = about.get("expect") or {}
    try:
        reply = decode_reply(expect.get("reply") or {}, "expect.reply")
    except ReplyError as error:
        raise StreamFileError(f"{file.name}:1: {error}") from None
    request, requirement = about.get("request") or {}, about.get("requirement")
    return Stream(
        exchange.script,
        reply,
        expect.get("error"),
        name,
        family,
        about["description"],
        tuple(about.get("citations") or ()),
        request.get("json") or {},
        request.get("url") or "",
        requirement and Requirement(**requirement),
    )


def streams(family: str | None = None) -> tuple[Stream, ...]:
    """Return all streams, or those of a family.

    Raises:
        UnknownStream: if the family does not exist.
    """
    if family is not None and family not in families():
        raise UnknownStream(f"no family is called {family!r}; choose from {', '.join(families())}")
    return tuple(stream(n) for n, (home, _) in _load_index().items() if family in (None, home))
