"""Cassettes of vcrpy, version 1, in YAML.

Rules of this file: a body is text if it is UTF-8, and several lines are written as lines, so that a
person can read an event stream.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import yaml

from openai_mockserver.cassettes.exporters.recording import (
    Export,
    encode_response,
    find_request,
    get_phrase,
    group_headers,
    note_assumed_requests,
)
from openai_mockserver.cassettes.stream_file import Exchange

__all__ = ["write_vcr"]


def write_vcr(exchanges: Sequence[Exchange], stem: str) -> Export:
    """Write a cassette of vcrpy."""
    interactions = [_build_interaction(exchange) for exchange in exchanges]
    document = {"interactions": interactions, "version": 1}
    text = yaml.dump(document, Dumper=_DUMPER, width=2**20, allow_unicode=True)
    return Export({f"{stem}.yaml": text.encode()}, note_assumed_requests(exchanges))


def _build_interaction(exchange: Exchange) -> dict[str, Any]:
    request, head = find_request(exchange), exchange.script.head
    return {
        "request": {
            "body": _read_text(request.body) if request.body else None,
            "headers": group_headers(request.headers),
            "method": request.method,
            "uri": request.url,
        },
        "response": {
            "body": {"string": _read_text(encode_response(exchange))},
            "headers": group_headers(head.headers),
            "status": {"code": head.status, "message": get_phrase(head.status)},
        },
    }


def _read_text(body: bytes) -> str | bytes:
    try:
        return body.decode()
    except UnicodeDecodeError:
        return body


def _represent_text(dumper: Any, text: str) -> Any:
    # YAML writes a text in quotes if lines cannot express it, as with CR or trailing spaces.
    style = "|" if "\n" in text else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


def _build_dumper() -> Any:
    """Return a safe dumper, in C if installed, because recordings are megabytes of YAML."""
    dumper: Any = type("_Dumper", (getattr(yaml, "CSafeDumper", yaml.SafeDumper),), {})
    dumper.add_representer(str, _represent_text)
    dumper.ignore_aliases = lambda self, data: True
    return dumper


_DUMPER = _build_dumper()
