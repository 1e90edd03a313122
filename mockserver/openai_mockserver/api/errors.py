"""API errors as OpenAI sends them: status, headers and body, before a stream or within one.

Rules of this file: shapes are those of WIRE.md §6. Errors of the gateway (key, model, rate) are
indented by 4 and end in a newline, those of the engine behind it by 2 and do not.
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
    """The whole response of an error before the stream."""
    rng = rng or Random()
    if dialect is not None:
        return _imitated(error, rng, dialect)
    gateway = error.status in _GATEWAY
    compact = msgspec.json.encode(_payload(error))
    body = msgspec.json.format(compact, indent=4 if gateway else 2)
    if gateway:
        body += b"\n"
    own = _own_headers(error)
    limit = _limit(error)
    sent = headers.error_headers(len(body), rng, not gateway, limit is not None)
    if limit is not None:
        sent = headers.exhausted(sent, limit, error.retry_after)
    return Script(Head(error.status, (*_without(sent, own), *own)), (Raw(body),))


def _limit(error: ApiError) -> str | None:
    """The limit that an error says is reached, as the headers call it."""
    if error.status != 429 or error.code == "insufficient_quota":
        return None  # no time brings more quota
    return "tokens" if error.type == "tokens" else "requests"


def _own_headers(error: ApiError) -> list[tuple[str, str]]:
    own = list(error.headers)
    if error.retry_after is not None:
        own.insert(0, ("retry-after", f"{error.retry_after:g}"))
    return own


def _without(sent: Sequence[tuple[str, str]], own: Sequence[tuple[str, str]]) -> Any:
    given = {name.lower() for name, _ in own}
    return tuple((k, v) for k, v in sent if k.lower() not in given)


def _imitated(error: ApiError, rng: Random, dialect: Dialect) -> Script:
    body = dialect.style.dumps(_members(error, dialect)).encode()
    own = _own_headers(error)
    sent = headers.imitated(dialect.headers, "application/json", len(body), rng)
    if (limit := _limit(error)) is not None:
        sent = headers.exhausted(sent, limit, error.retry_after)
    return Script(Head(error.status, (*_without(sent, own), *own)), (Raw(body),))


def _members(error: ApiError, dialect: Dialect) -> Any:
    special = dialect.errors
    layout = special.get(error.code or "") or special.get(str(error.status)) or dialect.error
    return _fill(layout, error)


def _fill(layout: Mapping[str, Any], error: ApiError) -> Any:
    members = fill(layout, error_values(error).get)
    inner = members["error"] if isinstance(members.get("error"), dict) else members
    inner |= error.extra
    return members


def error_values(error: ApiError) -> dict[str, Any]:
    """What an error says, by the names of the holes in a dialect's layouts."""
    values: dict[str, Any] = {
        "status": error.status,
        "status_text": str(error.status),
        "message": error.message,
        "type": error.type,
        "code": error.code or None,
        "param": error.param,
    }
    return values | {f"error.{name}": value for name, value in values.items()}


def imitated_event(error: ApiError, dialect: Dialect) -> Step:
    """The event with which another provider breaks a chat stream off.

    What a provider says of single statuses comes from its gateway, before a stream.
    """
    layout = dialect.errors.get(error.code or "") or dialect.error
    return dialect.event(dialect.style.dumps(_fill(layout, error)), dialect.error_event)


def error_event(error: ApiError, number: int | None = None) -> Event:
    """The event that breaks a stream off. OpenAI's own was never recorded: WIRE.md §6.

    With a sequence number it is one of the Responses API.
    """
    if number is None:
        return Event(msgspec.json.encode(_payload(error)).decode())
    nested = {
        "type": error.type,
        "code": error.code or None,
        "message": error.message,
        "param": error.param,
        **error.extra,
    }
    stated = {"type": "error", "error": nested, "sequence_number": number}
    return Event(msgspec.json.encode(stated).decode(), "error")


def read_error(payload: object) -> ApiError | None:
    """The error in an event's JSON, in OpenAI's shape or an imitator's, if there is one."""
    if not isinstance(payload, dict):
        return None
    error = payload.get("error")
    if isinstance(payload.get("message"), str) and payload.keys() & {"code", "type"}:
        error = payload if error is None else error  # Mistral's and Cerebras' are flat
    if not error:
        return None
    if not isinstance(error, dict):
        kind = payload.get("code")  # xAI's: the message is the error, its kind beside it
        return ApiError(500, str(error), kind if isinstance(kind, str) else None)
    code, status = error.get("code"), _stated_status(error)
    found = ApiError(
        status,
        str(error.get("message") or ""),
        error.get("type"),
        "" if code is None else str(code),
        error.get("param"),
        extra={} if error is payload else {k: v for k, v in error.items() if k not in _MEMBERS},
    )
    return found.with_payload(status)


_MEMBERS = ("message", "type", "code", "param")


def _stated_status(error: Mapping[str, Any]) -> int:
    """The HTTP status that an error repeats, as some providers do; else 500."""
    for name in ("code", "status_code", "raw_status_code"):
        status = error.get(name)
        if isinstance(status, str) and status.isdecimal() and len(status) == 3:
            status = int(status)
        if isinstance(status, int) and 400 <= status <= 599:
            return status
    return 500


def invalid_json() -> ApiError:
    """A request whose body is not JSON."""
    return ApiError(
        400,
        "We could not parse the JSON body of your request. (HINT: This likely means you aren't "
        "using your HTTP library correctly. The OpenAI API expects a JSON payload, but what was "
        "sent was not valid JSON.)",
    )


def invalid_url(method: str, path: str) -> ApiError:
    """A path that no endpoint has."""
    return ApiError(404, f"Invalid URL ({method} {path})", code="")


def method_not_allowed(method: str, path: str, allowed: Sequence[str]) -> ApiError:
    """A method that this endpoint does not take."""
    return ApiError(
        405,
        f"Not allowed to {method} on {path}. "
        "(HINT: Perhaps you meant to use a different HTTP method?)",
        "invalid_request_error",
        "method_not_supported",
        headers=(("allow", ", ".join(allowed)),),
    )


def invalid_api_key(key: str) -> ApiError:
    """A key that is not the one expected; the message masks it as OpenAI does."""
    if not key:
        return ApiError(
            401,
            "You didn't provide an API key. You need to provide your API key in an Authorization "
            "header using Bearer auth (i.e. Authorization: Bearer YOUR_KEY).",
            code="",
        )
    # As recorded: the first eight and the last four are shown, and a short key is not masked.
    masked = key if len(key) <= 12 else f"{key[:8]}{'*' * (len(key) - 12)}{key[-4:]}"
    return ApiError(
        401,
        f"Incorrect API key provided: {masked}. "
        "You can find your API key at https://platform.openai.com/account/api-keys.",
    )


def unknown_parameters(names: Sequence[str]) -> ApiError:
    """Parameters that the endpoint does not have."""
    plural = "s" if len(names) > 1 else ""
    return ApiError(400, f"Unrecognized request argument{plural} supplied: {', '.join(names)}")
