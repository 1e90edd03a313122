"""Calls as a HAR file (HTTP Archive 1.2), which browsers and other tools open.

Rules of this file: secrets are redacted. The text of a body is what was written, as far as it is
known; an open call has its whole response.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable
from datetime import datetime, timezone
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl

import msgspec.json

from openai_mockserver import sse
from openai_mockserver.control.routing import LongList
from openai_mockserver.control.summaries import build_exchange
from openai_mockserver.control.version import get_version
from openai_mockserver.journal import Call

__all__ = ["build_har"]


def build_har(calls: Iterable[Call], origin: str) -> LongList:
    """Return a HAR file of calls, whose entries are built while it is sent.

    Args:
        calls: the calls; each has a response.
        origin: scheme and host of the server.
    """
    creator = {"name": "openai-mockserver", "version": get_version()}
    whole = {"log": {"version": "1.2", "creator": creator, "entries": []}}
    return LongList(whole, "entries", (_build_entry(call, origin) for call in calls))


def _build_entry(call: Call, origin: str) -> dict[str, Any]:
    exchange = build_exchange(call)
    request, script = exchange.about["request"], exchange.script
    parts = call.times
    first = 1000 * parts[0].at if parts else 0.0
    last = 1000 * parts[-1].at if parts else first
    started = datetime.fromtimestamp(call.started, timezone.utc)  # noqa: UP017
    return {
        "startedDateTime": started.isoformat(timespec="milliseconds"),
        "time": last,
        "request": _build_request(call, request, origin),
        "response": _build_response(
            script.head.status, script.head.headers, sse.body(script.steps)
        ),
        "cache": {},
        "timings": {"send": 0, "wait": first, "receive": last - first},
        "comment": call.line(),
    }


def _build_request(call: Call, request: dict[str, Any], origin: str) -> dict[str, Any]:
    url = str(request["url"])
    content: dict[str, Any] = {}
    if "json" in request:
        content = {"text": msgspec.json.encode(request["json"]).decode()}
    elif "text" in request or "base64" in request:
        content = {"text": str(request.get("text") or request.get("base64"))}
    if content:
        content["mimeType"] = call.headers.get("content-type", "application/octet-stream")
    query = parse_qsl(url.partition("?")[2], keep_blank_values=True)
    return {
        "method": call.method,
        "url": f"{origin}{url}",
        "httpVersion": f"HTTP/{call.http_version}",
        "headers": _list_pairs(request["headers"]),
        "queryString": _list_pairs(query),
        "cookies": [],
        "headersSize": -1,
        "bodySize": len(call.content),
        **({"postData": content} if content else {}),
    }


def _build_response(status: int, headers: Iterable[tuple[str, str]], body: bytes) -> dict[str, Any]:
    pairs = list(headers)
    kind = next((v for k, v in pairs if k.lower() == "content-type"), "application/octet-stream")
    content: dict[str, Any] = {"size": len(body), "mimeType": kind}
    try:
        content["text"] = body.decode()
    except UnicodeDecodeError:
        content |= {"text": base64.b64encode(body).decode(), "encoding": "base64"}
    names = {one.value: one.phrase for one in HTTPStatus}
    return {
        "status": status,
        "statusText": names.get(status, ""),
        "httpVersion": "HTTP/1.1",
        "headers": _list_pairs(pairs),
        "cookies": [],
        "content": content,
        "redirectURL": "",
        "headersSize": -1,
        "bodySize": len(body),
    }


def _list_pairs(pairs: Iterable[Iterable[str]]) -> list[dict[str, str]]:
    return [{"name": name, "value": value} for name, value in pairs]
