"""From what was recorded to an exchange.

Rules of this file: of the head, only what would not be true of this body any more is changed.
"""

from __future__ import annotations

import re
from typing import Any

from openai_mockserver import sse
from openai_mockserver.cassettes.importers.recording import GZIP, Pairs, Recorded, decompress
from openai_mockserver.cassettes.stream_file import Exchange
from openai_mockserver.script import Head, Raw, Script, Step

# From what was recorded to an exchange


def make_exchange(recorded: Recorded, about: dict[str, Any]) -> Exchange:
    if recorded.request is not None:
        about["request"] = recorded.request
    inflated = decompress(recorded.body)
    body = recorded.body if inflated is None else inflated
    headers = tuple(pair for pair in recorded.headers if not pair[0].startswith(":"))  # HTTP/2's
    coded = inflated is None and _is_coded(body, headers)
    if not coded:
        headers = _without(headers, "content-encoding")
    stream = not coded and _is_stream(body, headers)
    if not _is_bodiless(recorded):
        headers = correct_framing(headers, len(body), stream)
    steps: tuple[Step, ...] = sse.parse(body) if stream else (Raw(body),) if body else ()
    return Exchange(Script(Head(recorded.status, headers), steps), about)


def _value(headers: Pairs, name: str) -> str:
    return (Head(headers=headers).header(name) or "").strip().lower()


def _without(headers: Pairs, name: str) -> Pairs:
    return tuple((k, v) for k, v in headers if k.lower() != name)


def _is_coded(body: bytes, headers: Pairs) -> bool:
    """Whether the body is still in the coding that the head names, and we cannot undo it."""
    coding = _value(headers, "content-encoding")
    if coding in ("", "identity"):
        return bool(coding)
    if coding in ("gzip", "x-gzip"):
        return body.startswith(GZIP)  # cut off
    try:
        body.decode()
    except UnicodeDecodeError:
        return True
    return False


FIELD = re.compile(rb"(?:\xef\xbb\xbf)?[\r\n]*(?:data|event|id|retry)?:")


def _is_stream(body: bytes, headers: Pairs) -> bool:
    if _value(headers, "content-type").startswith("text/event-stream"):
        return True
    return bool(FIELD.match(body) and sse.decode(body))


def _is_bodiless(recorded: Recorded) -> bool:
    """Whether HTTP lets this response have no body, so that the head describes another's."""
    asked = (recorded.request or {}).get("method")
    return not recorded.body and (recorded.status in (204, 304) or asked == "HEAD")


def correct_framing(headers: Pairs, size: int, stream: bool) -> Pairs:
    """The head with framing that is true of a body of this size.

    Chunks go before a length, which must not be beside them (RFC 9112 §6.2).
    """
    if _value(headers, "transfer-encoding") == "chunked":
        return _without(headers, "content-length")
    headers = _without(headers, "transfer-encoding")  # a coding that the recorder has undone
    lengths = [at for at, (name, _) in enumerate(headers) if name.lower() == "content-length"]
    if not lengths:
        added = ("Transfer-Encoding", "chunked") if stream else ("Content-Length", str(size))
        return (*headers, added)
    first = lengths[0]
    return tuple(
        (name, str(size)) if at == first else (name, value)
        for at, (name, value) in enumerate(headers)
        if at == first or at not in lengths
    )
