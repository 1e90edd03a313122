"""The ready-made streams of ``fixtures/``, by name and family, each with its right answer.

Rules of this file: an index, nothing more; the streams are data, one to a file, and a file is read
when its stream is asked for.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable
from functools import lru_cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any

from openai_mockserver.cassettes.stream_file import loads
from openai_mockserver.exceptions import MockServerError, StreamFileError, UnknownStream
from openai_mockserver.reply import ApiError, Choice, FunctionCall, Logprob, Reply, ToolCall, Usage
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
        reply = reply_from(expect.get("reply") or {})
    except (MockServerError, TypeError) as error:
        raise StreamFileError(f"{file.name}:1: expect.reply: {error}") from None
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


def reply_from(members: dict[str, Any]) -> Reply:
    """A reply from its members as a file has them: the arguments of `Reply`, nested as objects."""
    return Reply(**_arguments(members))


_NESTED: dict[str, Callable[[Any], Any]] = {
    "usage": lambda v: Usage(**v),
    "error": lambda v: ApiError(**v),
    "tool_calls": lambda v: [ToolCall(**call) for call in v],
    "function_call": lambda v: FunctionCall(**v),
    "logprobs": lambda v: [[_logprob(entry) for entry in entries] for entries in v],
    "choices": lambda v: [Choice(**_arguments(choice)) for choice in v],
}


def _logprob(members: dict[str, Any]) -> Logprob:
    return Logprob(**members | {"top": tuple(map(_logprob, members.get("top") or ()))})


def _arguments(members: dict[str, Any]) -> dict[str, Any]:
    return {k: _NESTED[k](v) if k in _NESTED else v for k, v in members.items()}
