"""Whether a request is the one that was recorded, and what differs if it is not.

Rules of this file: a request is compared as it is recorded, without its secrets; method, path and
body tell requests apart. Paths are compared as endpoints: ``/api/v1/chat/completions`` at one
provider is ``/v1/chat/completions`` at another.
"""

from __future__ import annotations

import difflib
from base64 import b64decode
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit
from weakref import WeakKeyDictionary

import msgspec.json

from openai_mockserver.api.routes import decode_path
from openai_mockserver.cassettes.redact import Redactor
from openai_mockserver.cassettes.stream_file import Exchange
from openai_mockserver.dialects.paths import locate
from openai_mockserver.request import Request
from openai_mockserver.sensitive import show_path, spell_controls

__all__ = [
    "IsRecorded",
    "RequestKey",
    "explain_difference",
    "key_of_exchange",
    "key_of_request",
    "recorded_key",
]

_TRAVEL = ("stream", "stream_options")
"""Members that say how an answer is to travel, and not what it is to be."""


_REDACTOR = Redactor()


@dataclass(frozen=True, slots=True)
class RequestKey:
    """What tells requests apart.

    Args:
        method: as in ``POST``.
        path: without host and query, decoded.
        body: a JSON value, or text, or bytes in base64; None for no body.
    """

    method: str
    path: str
    body: Any = None

    def is_like(self, other: RequestKey) -> bool:
        """Whether another key is of the same request, at whatever base path."""
        return (
            (self.method, self.body) == (other.method, other.body)
            and locate(self.path).path == locate(other.path).path
        )  # fmt: skip

    def without_travel(self) -> RequestKey:
        """The key of what is asked, whether it is to be streamed or not."""
        if not isinstance(self.body, Mapping):
            return self
        body = {name: value for name, value in self.body.items() if name not in _TRAVEL}
        return RequestKey(self.method, self.path, body)


def key_of_exchange(exchange: Exchange, redactor: Redactor | None = None) -> RequestKey | None:
    """The key of the request that an exchange states; None if it states none.

    Args:
        exchange: the exchange, whose secrets may have been kept.
        redactor: takes them out, as out of the requests that it is compared with.
    """
    request = exchange.about.get("request")
    if not isinstance(request, Mapping) or not ("url" in request or "json" in request):
        return None
    path = urlsplit(str(request.get("url", ""))).path
    headers = [(str(name), str(value)) for name, value in request.get("headers") or ()]
    method = str(request.get("method", "POST"))
    body = _body_bytes(request)
    return key_of_request(method, decode_path(path), headers, body, redactor or _REDACTOR)


def key_of_request(
    method: str,
    path: str,
    headers: Iterable[tuple[str, str]],
    body: bytes,
    redactor: Redactor,
) -> RequestKey:
    """The key of a request as it arrives: its secrets are taken out as they are from recordings."""
    stream = redactor.stream(headers)
    # First the body, as where it is recorded: a secret that it gives may stand in the path too.
    value = _body(stream.body(body) if body else {})
    return RequestKey(method, stream.url(path), value)


_KEYS: WeakKeyDictionary[Request, RequestKey] = WeakKeyDictionary()


def recorded_key(request: Request) -> RequestKey:
    """The key under which a request would be recorded, made once however many rules look at it."""
    if (key := _KEYS.get(request)) is None:
        headers, body = request.headers.raw, request.body
        key = key_of_request(request.method, request.path, headers, body, _REDACTOR)
        _KEYS[request] = key
    return key


def _body_bytes(request: Mapping[str, Any]) -> bytes:
    """The body of a request in a file."""
    if "json" in request:
        return msgspec.json.encode(request["json"])
    if "text" in request:
        return str(request["text"]).encode()
    return b64decode(str(request.get("base64", "")))


def _body(request: Mapping[str, Any]) -> Any:
    return next((request[name] for name in ("json", "text", "base64") if name in request), None)


@dataclass(frozen=True, slots=True)
class IsRecorded:
    """A predicate of a rule: whether a request is the recorded one.

    Args:
        key: that of the recorded request.
        exactly: whether it has to travel as the recorded one did, streamed or not.
    """

    key: RequestKey
    exactly: bool = True

    def __post_init__(self) -> None:
        if not self.exactly:
            object.__setattr__(self, "key", self.key.without_travel())

    def __call__(self, request: Request) -> bool:
        asked = recorded_key(request)
        return self.key.is_like(asked if self.exactly else asked.without_travel())

    def __repr__(self) -> str:
        return f"the recorded {self.key.method} {show_path(self.key.path)}"


def explain_difference(asked: RequestKey, keys: Iterable[RequestKey]) -> str:
    """What differs between a request and the nearest of those that were recorded.

    Args:
        asked: the request's key.
        keys: those of the recordings, at least one.
    """
    wanted = _lines(asked)
    nearest = max(map(_lines, keys), key=lambda has: _similarity(has, wanted))
    diff = list(difflib.unified_diff(nearest, wanted, "recorded", "asked", lineterm="", n=1))
    shown = diff[:24] + (["…"] if len(diff) > 24 else [])
    return "\n".join(f"  {spell_controls(line)}" for line in shown)


def _similarity(a: list[str], b: list[str]) -> float:
    return difflib.SequenceMatcher(None, a, b, autojunk=False).ratio()


def _lines(key: RequestKey) -> list[str]:
    raw = msgspec.json.format(msgspec.json.encode(key, order="sorted"), indent=2)
    return raw.decode().splitlines()
