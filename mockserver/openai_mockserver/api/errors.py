"""API errors as OpenAI sends them: status, headers and body, before a stream or within one.

Rules of this file: shapes are those of WIRE.md §6. JSON of the gateway's errors (key, model, rate)
is indented by 4 and ends in a newline; that of the engine behind it is indented by 2 and does not.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from random import Random
from typing import Any

import msgspec.json

from openai_mockserver.api import headers
from openai_mockserver.dialects import Dialect
from openai_mockserver.dialects.template import fill
from openai_mockserver.reply import ApiError
from openai_mockserver.script import Event, Head, Raw, Script, Step

__all__ = [
    "error_event",
    "invalid_api_key",
    "invalid_json",
    "invalid_url",
    "method_not_allowed",
    "render",
    "unknown_parameters",
]

_GATEWAY = frozenset({401, 403, 404, 429})


def _payload(error: ApiError) -> dict[str, object]:
    return {
        "error": {
            "message": error.message,
            "type": error.type,
            "param": error.param,
            "code": error.code or None,
            **error.extra,
        }
    }


def render(error: ApiError, rng: Random | None = None, dialect: Dialect | None = None) -> Script:
    """Return the response of an error that occurs before a stream begins."""
    rng = rng or Random()
    if dialect is not None:
        return _render_dialect_error(error, rng, dialect)
    gateway = error.status in _GATEWAY
    compact = msgspec.json.encode(_payload(error))
    body = msgspec.json.format(compact, indent=4 if gateway else 2)
    if gateway:
        body += b"\n"
    limit = _find_limit(error)
    fields = headers.error_headers(len(body), rng, not gateway, limit is not None)
    if limit is not None:
        fields = headers.exhaust_limit(fields, limit, error.retry_after)
    return Script(Head(error.status, _override_headers(fields, error)), (Raw(body),))


def _find_limit(error: ApiError) -> str | None:
    """Return the limit that the request exceeded, as it is called in header names."""
    if error.status != 429 or error.code == "insufficient_quota":
        return None  # waiting does not raise the quota
    return "tokens" if error.type == "tokens" else "requests"


def _override_headers(
    fields: Sequence[tuple[str, str]], error: ApiError
) -> tuple[tuple[str, str], ...]:
    """Return the header fields with those of the error in place of fields of the same names."""
    overrides = list(error.headers)
    if error.retry_after is not None:
        overrides.insert(0, ("retry-after", f"{error.retry_after:g}"))
    names = {name.lower() for name, _ in overrides}
    return (*[(k, v) for k, v in fields if k.lower() not in names], *overrides)


def _render_dialect_error(error: ApiError, rng: Random, dialect: Dialect) -> Script:
    layouts = dialect.errors
    layout = layouts.get(error.code or "") or layouts.get(str(error.status)) or dialect.error
    body = dialect.style.dumps(_fill_layout(layout, error)).encode()
    fields = headers.dialect_headers(dialect.headers, "application/json", len(body), rng)
    if (limit := _find_limit(error)) is not None:
        fields = headers.exhaust_limit(fields, limit, error.retry_after)
    return Script(Head(error.status, _override_headers(fields, error)), (Raw(body),))


def _fill_layout(layout: Mapping[str, Any], error: ApiError) -> Any:
    members = fill(layout, error_values(error).get)
    inner = members["error"] if isinstance(members.get("error"), dict) else members
    inner |= error.extra
    return members


def error_values(error: ApiError) -> dict[str, Any]:
    """Return the values of an error by the names of the placeholders in a dialect's layouts."""
    values: dict[str, Any] = {
        "status": error.status,
        "status_text": str(error.status),
        "message": error.message,
        "type": error.type,
        "code": error.code or None,
        "param": error.param,
    }
    return values | {f"error.{name}": value for name, value in values.items()}


def dialect_error_event(error: ApiError, dialect: Dialect) -> Step:
    """Return the event with which another provider aborts a chat stream.

    Layouts for a status are not used: these errors come from the provider's gateway, before a
    stream.
    """
    layout = dialect.errors.get(error.code or "") or dialect.error
    return dialect.event(dialect.style.dumps(_fill_layout(layout, error)), dialect.error_event)


def error_event(error: ApiError, number: int | None = None) -> Event:
    """Return the event that aborts a stream. OpenAI's was never recorded: WIRE.md §6.

    Args:
        error: the error.
        number: sequence number of the event in a stream of the Responses API; None for the other
            endpoints.
    """
    if number is None:
        return Event(msgspec.json.encode(_payload(error)).decode())
    members = {
        "type": error.type,
        "code": error.code or None,
        "message": error.message,
        "param": error.param,
        **error.extra,
    }
    payload = {"type": "error", "error": members, "sequence_number": number}
    return Event(msgspec.json.encode(payload).decode(), "error")


def read_error(payload: object) -> ApiError | None:
    """Return the error in the JSON of an event or body, in any provider's shape, or None."""
    if not isinstance(payload, dict):
        return None
    error = payload.get("error")
    if isinstance(payload.get("message"), str) and payload.keys() & {"code", "type"}:
        error = payload if error is None else error  # flat at Mistral and Cerebras
    if not error:
        return None
    if not isinstance(error, dict):
        kind = payload.get("code")  # xAI: the message is the value of `error`, next to its code
        return ApiError(500, str(error), kind if isinstance(kind, str) else None)
    code, status = error.get("code"), _find_status(error)
    result = ApiError(
        status,
        str(error.get("message") or ""),
        error.get("type"),
        "" if code is None else str(code),
        error.get("param"),
        extra={} if error is payload else {k: v for k, v in error.items() if k not in _MEMBERS},
    )
    return result.with_payload(status)


_MEMBERS = ("message", "type", "code", "param")


def _find_status(error: Mapping[str, Any]) -> int:
    """Return the HTTP status that some providers repeat in the body of an error; else 500."""
    for name in ("code", "status_code", "raw_status_code"):
        status = error.get(name)
        if isinstance(status, str) and status.isdecimal() and len(status) == 3:
            status = int(status)
        if isinstance(status, int) and 400 <= status <= 599:
            return status
    return 500


def invalid_json() -> ApiError:
    """Return the error for a request whose body is not JSON."""
    return ApiError(
        400,
        "We could not parse the JSON body of your request. (HINT: This likely means you aren't "
        "using your HTTP library correctly. The OpenAI API expects a JSON payload, but what was "
        "sent was not valid JSON.)",
    )


def invalid_url(method: str, path: str) -> ApiError:
    """Return the error for a path without an endpoint."""
    return ApiError(404, f"Invalid URL ({method} {path})", code="")


def method_not_allowed(method: str, path: str, allowed_methods: Sequence[str]) -> ApiError:
    """Return the error for a method that this endpoint does not support."""
    return ApiError(
        405,
        f"Not allowed to {method} on {path}. "
        "(HINT: Perhaps you meant to use a different HTTP method?)",
        "invalid_request_error",
        "method_not_supported",
        headers=(("allow", ", ".join(allowed_methods)),),
    )


def invalid_api_key(key: str) -> ApiError:
    """Return the error for a missing or wrong API key; the message masks the key as OpenAI does."""
    if not key:
        return ApiError(
            401,
            "You didn't provide an API key. You need to provide your API key in an Authorization "
            "header using Bearer auth (i.e. Authorization: Bearer YOUR_KEY).",
            code="",
        )
    # As recorded: the first eight and last four characters are visible; a short key is not masked.
    masked_key = key if len(key) <= 12 else f"{key[:8]}{'*' * (len(key) - 12)}{key[-4:]}"
    return ApiError(
        401,
        f"Incorrect API key provided: {masked_key}. "
        "You can find your API key at https://platform.openai.com/account/api-keys.",
    )


def unknown_parameters(names: Sequence[str]) -> ApiError:
    """Return the error for parameters that the endpoint does not have."""
    plural = "s" if len(names) > 1 else ""
    return ApiError(400, f"Unrecognized request argument{plural} supplied: {', '.join(names)}")
