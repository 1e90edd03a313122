"""Calls as a HAR file (HTTP Archive 1.2), which browsers and other tools open.

Rules of this file: secrets are redacted. The text of a body is what was written, as far as it is
known; an open call has its whole response.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timezone
from typing import Any

from openai_mockserver import sse
from openai_mockserver.cassettes.exporters.har import Timing, build_entry, build_log
from openai_mockserver.cassettes.exporters.recording import SentRequest
from openai_mockserver.cassettes.recorded_request import encode_content
from openai_mockserver.control.routing import LongList
from openai_mockserver.control.summaries import build_exchange
from openai_mockserver.journal import Call

__all__ = ["build_har"]


def build_har(calls: Iterable[Call], origin: str) -> LongList:
    """Return a HAR file of calls, whose entries are built while it is sent.

    Args:
        calls: the calls; each has a response.
        origin: scheme and host of the server.
    """
    return LongList(build_log(), "entries", (_build_entry(call, origin) for call in calls))


def _build_entry(call: Call, origin: str) -> dict[str, Any]:
    exchange = build_exchange(call)
    request, head = exchange.about["request"], exchange.script.head
    parts = call.times
    first = parts[0].at if parts else 0.0
    last = parts[-1].at if parts else first
    started = datetime.fromtimestamp(call.started, timezone.utc)  # noqa: UP017
    headers = tuple((name, value) for name, value in request["headers"])
    return build_entry(
        SentRequest(call.method, f"{origin}{request['url']}", headers, encode_content(request)),
        head.status,
        head.headers,
        sse.body(exchange.script.steps),
        Timing(started, first, last),
        http_version=call.http_version,
        comment=call.line(),
    )
