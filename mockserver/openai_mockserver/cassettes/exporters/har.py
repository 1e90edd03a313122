"""HAR, the HTTP Archive 1.2, which browsers and other tools open.

Rules of this file: one function builds an entry, for exported recordings and for the calls of a
running server. The text of a body is decoded, as browsers write it; `encoding` says if it is
base64. Times are milliseconds, as HAR has them.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from importlib.metadata import version
from typing import Any
from urllib.parse import parse_qsl

import msgspec.json

from openai_mockserver.cassettes.exporters.recording import (
    Export,
    Pairs,
    SentRequest,
    decode_response,
    find_request,
    get_phrase,
    note_assumed_requests,
)
from openai_mockserver.cassettes.stream_file import Exchange
from openai_mockserver.script import Pause

__all__ = ["Timing", "build_entry", "build_log", "write_har"]


@dataclass(frozen=True)
class Timing:
    """When a response came.

    Args:
        started: when the request was sent.
        wait: seconds from the request to the first byte.
        total: seconds from the request to the last byte.
    """

    started: datetime
    wait: float
    total: float


def write_har(exchanges: Sequence[Exchange], stem: str) -> Export:
    """Write a HAR file."""
    document = build_log()
    document["log"]["entries"] = [_build_exported_entry(exchange) for exchange in exchanges]
    content = msgspec.json.format(msgspec.json.encode(document), indent=1)
    return Export({f"{stem}.har": content + b"\n"}, note_assumed_requests(exchanges))


def build_log() -> dict[str, Any]:
    """Return a HAR document without entries."""
    creator = {"name": "openai-mockserver", "version": version("openai-mockserver")}
    return {"log": {"version": "1.2", "creator": creator, "entries": []}}


def _build_exported_entry(exchange: Exchange) -> dict[str, Any]:
    body, _ = decode_response(exchange)
    description = exchange.about.get("description") or exchange.about.get("name") or ""
    head = exchange.script.head
    return build_entry(
        find_request(exchange),
        head.status,
        head.headers,
        body,
        _find_timing(exchange),
        comment=str(description),
    )


_UNKNOWN = datetime(1970, 1, 1, tzinfo=timezone.utc)  # noqa: UP017 - HAR requires a time


def _find_timing(exchange: Exchange) -> Timing:
    script, recorded = exchange.script, exchange.about.get("recorded") or {}
    try:
        started = datetime.fromisoformat(str(recorded.get("at")))
    except ValueError:
        started = _UNKNOWN
    first = script.head.delay
    for step in script.steps:
        if not isinstance(step, Pause):
            break
        first += step.seconds
    return Timing(started, first, script.seconds)


def build_entry(
    request: SentRequest,
    status: int,
    headers: Iterable[tuple[str, str]],
    body: bytes,
    timing: Timing,
    *,
    http_version: str = "1.1",
    comment: str = "",
) -> dict[str, Any]:
    """Build an entry.

    Args:
        request: the request.
        status, headers, body: the response, without content coding.
        timing: when the response came.
        http_version: the version of the request.
        comment: what a person may want to know.
    """
    return {
        "startedDateTime": timing.started.isoformat(timespec="milliseconds"),
        "time": 1000 * timing.total,
        "request": _build_request(request, http_version),
        "response": _build_response(status, tuple(headers), body),
        "cache": {},
        "timings": {
            "send": 0,
            "wait": 1000 * timing.wait,
            "receive": 1000 * (timing.total - timing.wait),
        },
        "comment": comment,
    }


def _build_request(request: SentRequest, http_version: str) -> dict[str, Any]:
    query = parse_qsl(request.url.partition("#")[0].partition("?")[2], keep_blank_values=True)
    members: dict[str, Any] = {
        "method": request.method,
        "url": request.url,
        "httpVersion": f"HTTP/{http_version}",
        "headers": _list_pairs(request.headers),
        "queryString": _list_pairs(query),
        "cookies": [],
        "headersSize": -1,
        "bodySize": len(request.body),
    }
    if request.body:
        kind = _find_type(request.headers)
        members["postData"] = {"mimeType": kind, "text": _read_text(request.body)["text"]}
    return members


def _build_response(status: int, headers: Pairs, body: bytes) -> dict[str, Any]:
    content = {"size": len(body), "mimeType": _find_type(headers), **_read_text(body)}
    return {
        "status": status,
        "statusText": get_phrase(status),
        "httpVersion": "HTTP/1.1",
        "headers": _list_pairs(headers),
        "cookies": [],
        "content": content,
        "redirectURL": "",
        "headersSize": -1,
        "bodySize": len(body),
    }


def _read_text(body: bytes) -> Mapping[str, str]:
    try:
        return {"text": body.decode()}
    except UnicodeDecodeError:
        return {"text": base64.b64encode(body).decode(), "encoding": "base64"}


def _find_type(headers: Pairs) -> str:
    kinds = (value for name, value in headers if name.lower() == "content-type")
    return next(kinds, "application/octet-stream")


def _list_pairs(pairs: Iterable[tuple[str, str]]) -> list[dict[str, str]]:
    return [{"name": name, "value": value} for name, value in pairs]
