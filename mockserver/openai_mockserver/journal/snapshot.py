"""A request as a value for snapshots: the same in every run, and without secrets.

Rules of this file: leave out what depends on the run, the machine or the version of the client,
such as times, ports and most headers, and replace generated ids; keep what an application decides.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl

from openai_mockserver.cassettes.normalization import Normalizer
from openai_mockserver.cassettes.redact import Redactor
from openai_mockserver.request import Request
from openai_mockserver.sensitive import is_secret_parameter, show_header, show_path

__all__ = ["snapshot_request"]

_REDACTOR = Redactor()
_NORMALIZER = Normalizer(("ids", "uuids"))

_CHANGING_HEADERS = frozenset(
    {
        "accept-encoding",
        "baggage",
        "connection",
        "content-length",
        "cookie",
        "date",
        "host",
        "idempotency-key",
        "traceparent",
        "tracestate",
        "transfer-encoding",
        "upgrade",
        "user-agent",
        "x-client-request-id",
        "x-request-id",
    }
)
"""Request headers that the client's version, the connection or chance decides."""

_CHANGING_PREFIXES = ("sec-websocket-", "x-stainless-")


def snapshot_request(request: Request) -> dict[str, Any]:
    """Return what an application decides about a request, as JSON, in a fixed order."""
    redaction = _REDACTOR.begin(request.headers.raw, request.query)

    def clean(value: Any) -> Any:
        return _NORMALIZER.normalize_json(redaction.redact_json(value))

    headers = {
        # The parameters of a form's type are random.
        name: clean(show_header(name, value.partition("; boundary=")[0]))
        for name, value in sorted(request.headers.items())
        if name not in _CHANGING_HEADERS and not name.startswith(_CHANGING_PREFIXES)
    }
    query = [
        [name, "…" if is_secret_parameter(name) else clean(value)]
        for name, value in parse_qsl(request.query, keep_blank_values=True)
    ]
    snapshot: dict[str, Any] = {
        "method": request.method,
        "path": _NORMALIZER.normalize_text(show_path(request.path)),
        "query": query,
        "headers": headers,
    }
    if isinstance(request.parsed, dict | list):
        snapshot["json"] = clean(request.parsed)
    elif request.json:
        snapshot["form"] = clean({name: _show_part(part) for name, part in request.json.items()})
    elif isinstance(request.content, bytes) and request.content:
        snapshot["text"] = clean(request.content.decode("utf-8", "replace"))
    return snapshot


def _show_part(part: Any) -> Any:
    """Return a part of a form as JSON; of anything but text, numbers and lists only its kind."""
    if isinstance(part, str | int | float | bool | None):
        return part
    if isinstance(part, list):
        return [_show_part(one) for one in part]
    if isinstance(part, dict):
        return {name: _show_part(one) for name, one in part.items()}
    return f"<{type(part).__name__}>"
