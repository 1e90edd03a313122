"""The catalogue: ready-made streams from ``fixtures/``, by name and family, with the right answer.

Rules of this file: only an index, and the reading of a file as a stream. The streams are data, one
in each file, and a file is read when its stream is requested. The first head line of a file says
what the stream is; those of further exchanges only say how these responses begin.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence
from functools import cache, lru_cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec.json
from msgspec import field

from openai_mockserver import api, sse
from openai_mockserver.cassettes.stream_file import Exchange, load, loads
from openai_mockserver.declared import Strict, read_struct
from openai_mockserver.dialects import locate
from openai_mockserver.exceptions import ReplyError, StreamFileError, UnknownStream
from openai_mockserver.reply import ApiError, Reply
from openai_mockserver.reply.serialization import decode_reply
from openai_mockserver.script import Script
from openai_mockserver.stream_value import ERRORS, Requests, Requirement, Stream

__all__ = [
    "Requests",
    "Requirement",
    "Stream",
    "families",
    "names",
    "not_shown",
    "read_stream",
    "stream",
    "streams",
]


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


@cache
def stream(name: str) -> Stream:
    """Return the stream with this name.

    Raises:
        UnknownStream: if there is none; the message suggests similar names, or how to list all.
    """
    if name not in _load_index():
        raise UnknownStream(f"no stream is called {name!r}; {_suggest(name)}")
    family, file = _load_index()[name]
    return _build_stream(loads(file.read_bytes(), file.name), name, family, file.name)


def _suggest(name: str) -> str:
    """Return which streams may be meant: those with the same words, then those of like spelling."""
    words = set(re.split(r"\W+|_", name.lower())) - {""}
    similar = difflib.get_close_matches(name, names(), 6, 0.5)
    same = [one for one in names() if words and words <= set(one.split("-"))]
    close_names = sorted(same, key=lambda one: (one not in similar, len(one)))[:3]
    close_names += [one for one in similar if one not in close_names]
    if name.replace("-", "_") in families():
        return f"that is a family: {', '.join(_list_family(name.replace('-', '_'))[:3])}, …"
    return f"did you mean {', '.join(close_names[:3])}?" if close_names else _HOW_TO_LIST


def _list_family(family: str) -> list[str]:
    return [name for name, (home, _) in _load_index().items() if home == family]


def streams(family: str | None = None) -> tuple[Stream, ...]:
    """Return all streams, or those of a family.

    Raises:
        UnknownStream: if the family does not exist.
    """
    if family is not None and family not in families():
        raise UnknownStream(f"no family is called {family!r}; choose from {', '.join(families())}")
    return tuple(stream(n) for n, (home, _) in _load_index().items() if family in (None, home))


@lru_cache(maxsize=1)
def not_shown() -> dict[str, str]:
    """Return the documented misbehaviours that no stream shows, each with the reason."""
    content = (files("openai_mockserver.fixtures") / "not_shown.json").read_bytes()
    return msgspec.json.decode(content, type=dict[str, str])


def read_stream(path: Path | str) -> Stream:
    """Return the stream in a stream file: one exchange, or several that answer retries.

    If the file has no ``expect``, the right answer is what our own reader of the endpoint reads
    from the last response, with the error that follows from the response's end.

    Args:
        path: the file.

    Raises:
        StreamFileError: if the file cannot be read, or its right answer is neither stated nor
            readable.
    """
    exchanges = load(path)
    if not exchanges:
        raise StreamFileError(f"{path}: the file is empty: a stream needs a head line")
    name = exchanges[0].about.get("name") or Path(path).stem
    return _build_stream(exchanges, name, "", str(path))


def lines_to_stream(lines: Sequence[object]) -> Script | Stream:
    """Return the response with these lines of a stream file, decoded from JSON.

    Without a right answer in its first line, it is only a script.

    Raises:
        StreamFileError: if there is not exactly one exchange, or a line is invalid.
    """
    text = b"".join(msgspec.json.encode(line) + b"\n" for line in lines)
    exchanges = loads(text, "line")
    if len(exchanges) != 1:
        raise StreamFileError(f"it has {len(exchanges)} responses, and a reply is one")
    if exchanges[0].about.get("expect") is None:
        return exchanges[0].script
    return _build_stream(exchanges, "", "", "line")


class _Expect(Strict):
    reply: Any = None
    error: str | None = None
    requests: Any = None


class _Requests(Strict):
    least: int = 1
    most: int | None = None
    gaps: list[float] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)


def _build_stream(exchanges: list[Exchange], name: str, family: str, source: str) -> Stream:
    """Return the stream of a file.

    Args:
        exchanges: the file's exchanges.
        name, family: as for `Stream`.
        source: name of the file, for errors.
    """
    about = exchanges[0].about
    *earlier, script = (exchange.script for exchange in exchanges)
    request, requirement = about.get("request") or {}, about.get("requirement")
    path = _find_path(str(request.get("url") or ""))
    try:
        if about.get("expect") is None:
            reply, error = _read_answer(script, path)
            requests = None
        else:
            reply, error, requests = _read_expect(about["expect"])
    except ReplyError as problem:
        raise StreamFileError(f"{source}:1: {problem}") from None
    body = request.get("json")
    return Stream(
        script,
        reply,
        error,
        name,
        family,
        about.get("description") or "",
        tuple(about.get("citations") or ()),
        body if isinstance(body, dict) else {},
        path,
        requirement and Requirement(**requirement),
        tuple(earlier),
        requests,
    )


def _find_path(url: str) -> str:
    """Return OpenAI's path of the endpoint at a URL; empty for no URL."""
    return url and locate(urlsplit(url).path).path


def _read_expect(value: Any) -> tuple[Reply, str | None, Requests | None]:
    """Return the right answer that a file states. Raises ReplyError if it is invalid."""
    expect = read_struct(_Expect, value, "expect", ReplyError)
    reply = decode_reply(expect.reply or {}, "expect.reply")
    if expect.error not in (None, *ERRORS):
        raise ReplyError(f"expect.error: {expect.error!r} must be one of {', '.join(ERRORS)}")
    if expect.requests is None:
        return reply, expect.error, None
    members = read_struct(_Requests, expect.requests, "expect.requests", ReplyError)
    if members.least < 1 or (members.most is not None and members.most < members.least):
        raise ReplyError("expect.requests: least must be 1 or more, and most not less than least")
    if any(gap < 0 for gap in members.gaps):
        raise ReplyError("expect.requests.gaps: a gap must be 0 seconds or more")
    gaps, headers = tuple(members.gaps), tuple(members.headers)
    return reply, expect.error, Requests(members.least, members.most, gaps, headers)


_ERRORS_OF_ENDS = {"truncate": "incomplete", "reset": "connection", "hold": "timeout"}


def _read_answer(script: Script, path: str) -> tuple[Reply, str | None]:
    """Return what our own reader reads from a response, and the error that follows from its end.

    Raises ReplyError if it cannot be read.
    """
    if script.raw:
        raise ReplyError("a response of raw bytes needs expect, because it is not read here")
    try:
        endpoints, _ = api.ENDPOINTS.find(path or api.detect_path(script), "POST")
        reader = endpoints["POST"].read if "POST" in endpoints else None
        answer = (reader or api.read)(script)
    except ReplyError as problem:
        raise ReplyError(f"without expect, the response must be readable: {problem}") from None
    if isinstance(answer, ApiError):
        return Reply(error=answer), "api"
    if answer.error is not None:
        return answer, "api"
    is_complete = all(choice.finish_reason is not None for choice in answer.choices)
    if is_complete and sse.DONE in sse.decode(sse.body(script.steps)):
        return answer, None
    return answer, _ERRORS_OF_ENDS.get(script.end, None if is_complete else "incomplete")
