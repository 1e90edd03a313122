"""What curl prints: ``curl -i``, ``curl -v`` and ``curl --trace``, and HTTPie's ``--print=hb``.

``curl -v`` marks what it says with the first letters of a line::

    * Connected to api.openai.com          about the connection
    > POST /v1/chat/completions HTTP/1.1   the request
    < HTTP/1.1 200 OK                      the response
    { [15 bytes data]                      a read, anywhere in the body
    data: {"choices": []}                  the body

Rules of this file: of several responses the last one counts. Earlier ones come from a proxy, a
redirect or ``100 Continue``.
"""

from __future__ import annotations

import re
from typing import Any

from openai_mockserver.cassettes.importers.file import BOM, RecordedFile
from openai_mockserver.cassettes.importers.recording import (
    ImportProblem,
    RecordedExchange,
    build_request,
    check_status,
)
from openai_mockserver.cassettes.importers.wire import (
    Message,
    read_head,
    read_status,
    remove_chunking,
)

# curl -i


def is_printed_response(file: RecordedFile) -> bool:
    """Return whether the content begins with HTTP's status line."""
    return file.content.removeprefix(BOM).startswith(b"HTTP/")


def read_printed_response(file: RecordedFile) -> list[RecordedExchange]:
    """Read the last response."""
    return [_read_last_response(file.content.removeprefix(BOM))]


def _read_last_response(content: bytes, request: dict[str, Any] | None = None) -> RecordedExchange:
    last: Message | None = None
    status = 0
    while (head := read_head(content, last.body_at if last else 0)) is not None:
        next_status = read_status(head.start)
        if next_status is None:
            break
        last, status = head, next_status
    if last is None:
        raise ImportProblem("its head does not end with a blank line")
    body = content[last.body_at :]
    return RecordedExchange(body, last.headers, check_status(status), request)


# curl -v

_VERBOSE = re.compile(rb"(?:[*>] |Note: | +% Total)")
_STATUS_LINE = re.compile(rb"^< HTTP/[0-9.]+ [0-9]", re.M)


def is_verbose_output(file: RecordedFile) -> bool:
    """Return whether the content begins as the output of ``curl -v`` and has a response."""
    content = file.content.removeprefix(BOM)
    return _VERBOSE.match(content) is not None and _STATUS_LINE.search(content) is not None


_NOISE = re.compile(
    rb"[{}] \[[0-9]+ bytes data\]\r?\n"  # a read, which may be in the middle of a line
    rb"|\r[ 0-9.kMGTP:-]{60,100}(?:\r?\n|(?=[\r*]|\Z))"  # the progress of a transfer
    rb"|\* (?:Connection #[0-9]+ to host [^\r\n]* left intact|Closing connection[^\r\n]*)"
    rb"\r?(?:\n|\Z)"
)


def read_verbose_output(file: RecordedFile) -> list[RecordedExchange]:
    """Read the last response, and its request without the body."""
    sent: list[bytes] = []
    received: list[bytes] = []
    for line in _NOISE.sub(b"", file.content.removeprefix(BOM)).splitlines(keepends=True):
        mark = line[:1]
        if line[1:2] not in (b" ", b"\r", b"\n") or mark not in (b"*", b"<", b">"):
            if received:
                received.append(line)
        elif mark == b">":
            if line.strip() != b">" and sent and sent[-1].strip() == b"":
                sent.clear()  # another request
            sent.append(line[2:] if line[1:2] == b" " else b"\n")
        elif mark == b"<":
            if _STATUS_LINE.match(line):
                received.clear()
            received.append(line[2:] if line[1:2] == b" " else b"\n")
    is_secure = re.search(rb"port 443\b|SSL connection|ALPN", file.content) is not None
    return [_read_last_response(b"".join(received), _read_request(b"".join(sent), b"", is_secure))]


def _read_request(head_lines: bytes, body: bytes, is_secure: bool) -> dict[str, Any] | None:
    head = read_head(head_lines + b"\r\n\r\n")
    if head is None:
        return None
    method, _, target = head.start.partition(" ")
    path = target.rpartition(" HTTP/")[0] or target
    host = next((value for name, value in head.headers if name.lower() == "host"), "")
    scheme = "https" if is_secure else "http"
    url = f"{scheme}://{host}{path}" if host and path.startswith("/") else path
    return build_request(method, url, head.headers, body)


# curl --trace

_SECTION = re.compile(
    rb"^(?:[0-9:.]+ )?(==|=>|<=) (Info|Send header|Recv header|Send data|Recv data|[^\r\n,:]+)"
    rb"(?:, ([0-9]+) bytes[^\r\n]*|:[^\r\n]*)\r?\n",
    re.M,
)
_DUMPED = re.compile(rb"^[0-9a-f]{4,}: ((?:[0-9a-f]{2} ){1,16})", re.M)


def is_trace(file: RecordedFile) -> bool:
    """Return whether the content begins as the output of ``curl --trace``."""
    return _SECTION.match(file.content.removeprefix(BOM)) is not None


def read_trace(file: RecordedFile) -> list[RecordedExchange]:
    """Read the last response and its request."""
    content = file.content.removeprefix(BOM)
    sections = list(_SECTION.finditer(content))
    parts: dict[bytes, bytes] = {}
    last = b""
    for at, section in enumerate(sections):
        name = section[2]
        if section[3] is None or name not in _NAMES:
            continue
        if name == b"Send header" and last != name:
            parts = {}  # another request
        end = sections[at + 1].start() if at + 1 < len(sections) else len(content)
        parts[name] = parts.get(name, b"") + _decode_dump(content, section, end)
        last = name
    head = parts.get(b"Recv header", b"")
    request = None
    if b"Send header" in parts:
        is_secure = b"SSL connection" in content or b" port 443" in content
        request = _read_request(parts[b"Send header"], parts.get(b"Send data", b""), is_secure)
    exchange = _read_last_response(head + parts.get(b"Recv data", b""), request)
    return [
        RecordedExchange(
            remove_chunking(exchange.body, exchange.headers),
            exchange.headers,
            exchange.status,
            request,
        )
    ]


_NAMES = (b"Send header", b"Send data", b"Recv header", b"Recv data")


def _decode_dump(content: bytes, section: re.Match[bytes], end: int) -> bytes:
    """Return the bytes of a section. Raises ImportProblem if it does not have them all."""
    lines = _DUMPED.findall(content, section.end(), end)
    data = bytes.fromhex(b"".join(lines).decode())
    if len(data) != int(section[3]):
        line = content.count(b"\n", 0, section.start()) + 1
        raise ImportProblem(
            f"line {line}: it does not have all bytes; --trace writes them, --trace-ascii does not"
        )
    return data
