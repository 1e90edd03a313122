"""Import of httprr's traces, as Go's `Request.Write` and `Response.Write` fill them."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from imported import PAYLOAD, STREAM, URL, body_of, error_of, import_text
from openai_mockserver import Head, Raw

REQUEST = (
    f"POST {URL} HTTP/1.1\r\nHost: api.example.org\r\nContent-Length: 27\r\n\r\n"
    '{"model":"m","stream":true}'
)


def trace(*pairs: tuple[str | bytes, str | bytes]) -> bytes:
    content = b"httprr trace v1\n"
    for pair in pairs:
        request, response = (part.encode() if isinstance(part, str) else part for part in pair)
        content += b"%d %d\n" % (len(request), len(response)) + request + response
    return content


def chunked(*pieces: bytes) -> bytes:
    return b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in (*pieces, b""))


def test_pairs_of_requests_and_responses(tmp_path: Path) -> None:
    streamed = f"HTTP/2.0 200 OK\r\nContent-Type: text/event-stream\r\nX: a: b\r\n\r\n{STREAM}"
    refused = b"HTTP/1.1 429 Too Many Requests\nRetry-After: 1\n\n\xff\n\n"
    get = "GET /v1/models HTTP/1.1\nHost: api.example.org\n\n"
    first, second = import_text(tmp_path, trace((REQUEST, streamed), (get, refused)), "t.httprr")
    assert body_of(first) == STREAM.encode()
    assert first.script.head.headers[:2] == (("Content-Type", "text/event-stream"), ("X", "a: b"))
    assert first.about["name"] == "t"
    assert first.about["request"]["url"] == URL
    assert first.about["request"]["json"] == PAYLOAD
    headers = (("Retry-After", "1"), ("Content-Length", "3"))
    assert second.script.head == Head(429, headers)
    assert second.script.steps == (Raw(b"\xff\n\n"),)
    assert second.about["request"]["url"] == "https://api.example.org/v1/models"


@pytest.mark.parametrize("is_coded", [True, False])
def test_chunks_and_gzip_are_removed(tmp_path: Path, is_coded: bool) -> None:
    packed = gzip.compress(STREAM.encode())
    body = chunked(packed[:10], packed[10:]) if is_coded else packed
    head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Encoding: gzip\r\n\r\n"
    request = f"POST {URL} HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
    request += chunked(b'{"model":"m",', b'"stream":true}')
    (exchange,) = import_text(tmp_path, gzip.compress(trace((request, head.encode() + body))))
    assert body_of(exchange) == STREAM.encode()
    assert exchange.script.head.headers == (("Transfer-Encoding", "chunked"),)
    assert exchange.about["request"]["json"] == PAYLOAD


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (trace(), "contains no response"),
        (b"httprr trace v2\n", "only version 1 of traces is supported"),
        (trace((REQUEST, "HTTP/1.1 200 OK\r\n\r\n")) + b"x", "line 9: entry 2 does not begin with"),
        (trace((REQUEST, "HTTP/1.1 200 OK\r\n\r\n"))[:-1], "line 2: entry 1 is longer than the"),
        (trace((REQUEST, "HTTP/1.1 200 OK\r\n")), "a head does not end with a blank line"),
        (
            trace((REQUEST, "HTTP/1.1 200 OK\r\n\r\n"), ("a\n\n", "HTTP/2 200\n\n")),
            "entry 2 is invalid: it is no request with a response",
        ),
        (trace((REQUEST, "HTTP/1.1 20 OK\r\n\r\n")), "20 is not an HTTP status"),
    ],
)
def test_an_error_names_the_line_or_the_entry(tmp_path: Path, content: bytes, message: str) -> None:
    assert message in error_of(tmp_path, content, "x.httprr")
