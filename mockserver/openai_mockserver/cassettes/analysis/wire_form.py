"""A response as a comparison sees it: blocks with their JSON, the framing, and the head.

What differs from response to response although nothing has changed is replaced by ``…``: ids, times
and random padding. `IGNORED` and `IGNORED_HEADERS` are the whole list; pass ``exact=True`` to see
these too.

Rules of this file: values only; a value that is replaced keeps its type, so that it still differs
from a missing one, and from one of another type.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from openai_mockserver.show.decode import ReceivedResponse
from openai_mockserver.show.format import decode_json

__all__ = ["IGNORED", "IGNORED_HEADERS", "Block", "WireForm", "read_form", "replace_ignored"]

IGNORED = re.compile(
    r"id|.*_id|created|created_at|completed_at|started_at|expires_at|obfuscation|p|.*_time"
)
"""Names of members whose values are ids, times or padding."""

IGNORED_HEADERS = re.compile(
    r"date|age|etag|set-cookie|cf-ray|content-length|server-timing|(?:.*-)?(?:request|trace|ray|call"
    r"|correlation|generation|session)-?id|x-vercel-.*|.*ratelimit-(?:remaining|reset).*|.*-ms"
    r"|.*-time|report-to|nel",
    re.IGNORECASE,
)
"""Names of headers whose values are ids, times or what is left of a limit."""

_BLANK = "…"


@dataclass(frozen=True)
class Block:
    """An event, a comment, or bytes that are neither; of a plain body, all of it.

    Args:
        kind: ``event``, ``comment`` or ``bytes``.
        value: the JSON of the data, or its text, without what is ignored.
        name: the name of the event.
        exact: the members of the JSON with their order.
    """

    kind: str
    value: Any
    name: str | None = None
    exact: str = field(default="", compare=False)

    @property
    def key(self) -> str:
        """A text that is equal for equal blocks, whatever the order of their members."""
        return f"{self.kind} {self.name} {_spell(self.value, is_sorted=True)}"


@dataclass(frozen=True)
class WireForm:
    """A response in parts that can be compared."""

    status: int
    headers: tuple[tuple[str, str], ...]
    blocks: tuple[Block, ...]
    framing: Mapping[str, Any]


def read_form(response: ReceivedResponse, exact: bool = False) -> WireForm:
    """Return the parts of a response.

    Args:
        response: the response.
        exact: whether to keep ids, times and padding.
    """
    head = response.head
    headers = tuple(
        (name.lower(), value if exact or not IGNORED_HEADERS.fullmatch(name) else _BLANK)
        for name, value in head.headers
    )
    blocks = _read_blocks(response, exact)
    return WireForm(head.status, headers, blocks, _read_framing(response))


def _read_blocks(response: ReceivedResponse, exact: bool) -> tuple[Block, ...]:
    if response.items and any(item.event is not None for item in response.items):
        return tuple(
            Block("comment" if item.kind == "comment" else "bytes", item.data)
            if item.event is None
            else _read_block(item.data, item.event.event, exact)
            for item in response.items
        )
    return (_read_block(response.body.decode("utf-8", "backslashreplace"), None, exact),)


def _read_block(data: str, name: str | None, exact: bool) -> Block:
    value = decode_json(data)
    if not isinstance(value, dict | list):
        return Block("event", data, name)
    value = value if exact else replace_ignored(value)
    return Block("event", value, name, _spell(value, is_sorted=False))


def replace_ignored(value: Any) -> Any:
    """Replace ids, times and padding in a value."""
    if isinstance(value, dict):
        return {
            name: _blank(inner)
            if IGNORED.fullmatch(name) and isinstance(inner, str | int | float)
            else replace_ignored(inner)
            for name, inner in value.items()
        }
    return [replace_ignored(one) for one in value] if isinstance(value, list) else value


def _blank(value: Any) -> Any:
    # A number stays one, and an empty text stays empty: that may be what has changed.
    return (0 if isinstance(value, int | float) else _BLANK) if value != "" else value


def _spell(value: Any, is_sorted: bool) -> str:
    return json.dumps(value, sort_keys=is_sorted, ensure_ascii=False)


def _read_framing(response: ReceivedResponse) -> dict[str, Any]:
    """Return how the events are written, apart from what they say."""
    framing: dict[str, Any] = {"end": _find_end(response)}
    if not response.events:
        return framing
    ends = re.findall(rb"\r\n|\r|\n", response.body)
    framing["line ends"] = " and ".join(sorted({_ENDS[end] for end in ends}))
    fields = {match[0].decode() for match in _FIELDS.finditer(response.body)}
    framing["fields"] = ", ".join(sorted(repr(one) for one in fields))
    datas = [item.data for item in response.events if isinstance(item.value, dict)]
    framing["spaces in JSON"] = any(_SPACED.search(_TEXTS.sub('""', data)) for data in datas)
    framing["[DONE]"] = any(item.data.startswith("[DONE]") for item in response.events)
    framing["comments"] = any(item.kind == "comment" for item in response.items)
    framing["byte order mark"] = response.body.startswith(b"\xef\xbb\xbf")
    framing["ends within an event"] = response.is_unfinished
    return framing


def _find_end(response: ReceivedResponse) -> str:
    exchange = response.exchange
    if not exchange.client_left:
        return exchange.script.end
    # Clients leave at [DONE], some before the end of the body has come.
    has_all = any(item.data.startswith("[DONE]") for item in response.events)
    return "finish" if has_all else "client left"


_ENDS = {b"\r\n": "CRLF", b"\r": "CR", b"\n": "LF"}
_FIELDS = re.compile(rb"^(?:data|event|id|retry): ?", re.MULTILINE)
_TEXTS = re.compile(r'"(?:[^"\\]|\\.)*"')
_SPACED = re.compile(r"[:,]\s")
