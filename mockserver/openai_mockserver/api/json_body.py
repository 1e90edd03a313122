"""Whole responses, which are no streams: a JSON value, or bytes.

Rules of this file: JSON is laid out as OpenAI's, indented by 2 and with a line's end.
"""

from __future__ import annotations

from random import Random
from typing import Any

import msgspec.json

from openai_mockserver.api import headers
from openai_mockserver.script import Head, Raw, Script

__all__ = ["binary_response", "json_response"]


def json_response(value: Any, rng: Random) -> Script:
    """A JSON body.

    >>> json_response({"a": 1}, Random()).steps[0].data
    b'{\\n  "a": 1\\n}\\n'
    """
    body = msgspec.json.format(msgspec.json.encode(value), indent=2) + b"\n"
    return Script(Head(200, headers.json_headers(len(body), rng)), (Raw(body),))


def binary_response(
    data: bytes, rng: Random, content_type: str = "application/octet-stream"
) -> Script:
    """A body of bytes."""
    sent = headers.binary_headers(content_type, len(data), rng)
    return Script(Head(200, sent), (Raw(data),) if data else ())
