"""A command for curl that repeats a request, and the response as ``curl -i`` prints it.

Rules of this file: a command contains no key; the shell fills in ``$OPENAI_API_KEY``. Each word is
quoted for a POSIX shell.
"""

from __future__ import annotations

import base64
import json
import re
import shlex
from collections.abc import Mapping, Sequence
from typing import Any

from openai_mockserver.cassettes.exporters.recording import (
    Export,
    add_number,
    encode_response,
    find_request,
    find_url,
    get_phrase,
)
from openai_mockserver.cassettes.stream_file import Exchange
from openai_mockserver.sensitive import is_secret_header, spell_controls

__all__ = ["write_command", "write_curl"]

_HEADERS = ("openai-beta", "openai-organization", "openai-project", "x-mockserver-fault")
"""The headers that change an answer, besides the key and the type."""


def write_curl(exchanges: Sequence[Exchange], stem: str) -> Export:
    """Write a shell script with the command, and a text file with the response."""
    files: dict[str, bytes] = {}
    notes: list[str] = []
    for number, exchange in enumerate(exchanges, 1):
        name = add_number(stem, number)
        files[f"{name}.txt"] = _print_response(exchange)
        if find_request(exchange).is_assumed:
            notes.append(f"exchange {number} has no request, so there is no command for it")
            continue
        command = write_command(exchange.about["request"], find_url(exchange), "curl -i -N")
        title = spell_controls(f"# Repeats the request whose response is in {name}.txt.")
        files[f"{name}.sh"] = f"#!/bin/sh\n{title}\n{command}".encode()
    return Export(files, tuple(notes))


def _print_response(exchange: Exchange) -> bytes:
    head = exchange.script.head
    lines = [f"HTTP/1.1 {head.status} {get_phrase(head.status)}".rstrip()]
    lines += [f"{name}: {value}" for name, value in head.headers]
    return "\r\n".join([*lines, "", ""]).encode("latin-1", "replace") + encode_response(exchange)


def write_command(request: Mapping[str, Any], url: str, program: str = "curl -N") -> str:
    """Return a request as a command for curl.

    Args:
        request: the request as the head line of a stream file has it, without its secrets.
        url: its absolute URL.
        program: the program with its options.
    """
    method = str(request.get("method", "POST")).upper()
    pairs = [(str(name), str(value)) for name, value in request.get("headers") or ()]
    names = {name.lower() for name, _ in pairs}
    parts = [f"{program} {shlex.quote(url)}"]
    if method != "POST" or not request.keys() & {"json", "text", "base64"}:
        parts[0] += f" -X {shlex.quote(method)}"
    is_azure = "api-key" in names and "authorization" not in names
    key = "api-key: $OPENAI_API_KEY" if is_azure else "Authorization: Bearer $OPENAI_API_KEY"
    parts.append(f'-H "{key}"')
    for name, value in pairs:
        is_redacted = is_secret_header(name) and _REDACTED.fullmatch(value)
        if name.lower() in _HEADERS and not is_redacted:
            parts.append(f"-H {shlex.quote(f'{name}: {value}')}")
    if "json" in request:
        body = json.dumps(request["json"], ensure_ascii=False)
        parts += ["-H 'Content-Type: application/json'", f"-d {shlex.quote(body)}"]
        return _join(parts)
    for name, value in pairs:
        if name.lower() == "content-type" and request.keys() & {"text", "base64"}:
            parts.append(f"-H {shlex.quote(f'{name}: {value}')}")
    if "text" in request:
        parts.append(f"--data-raw {shlex.quote(str(request['text']))}")
    elif "base64" in request:
        octets = base64.b64decode(str(request["base64"]))
        parts[0] = f"echo {base64.b64encode(octets).decode()} | base64 -d | {parts[0]}"
        parts.append("--data-binary @-")
    return _join(parts)


_REDACTED = re.compile("X*")


def _join(parts: Sequence[str]) -> str:
    return " \\\n  ".join(parts) + "\n"
