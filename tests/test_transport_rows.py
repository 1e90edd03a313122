"""The documented misbehaviours of transport: each is a stream, and a socket sees it as it should.

A client without a library plays all of them at the same time, so that their silences overlap. It
takes off the framing and the content coding, and our reader reads what is left.
"""

from __future__ import annotations

import json
import re
import socket
import zlib
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus
from pathlib import Path
from typing import Any, NamedTuple

import httpx2
import msgspec.json
import openai
import pytest
import zstandard

from openai_mockserver import (
    ApiError,
    Head,
    MockOpenAI,
    Reply,
    Script,
    Stream,
    catalogue,
    sse,
    stream,
    streams,
)
from openai_mockserver.api import ENDPOINTS
from openai_mockserver.exceptions import ReplyError
from ready_made import TRANSPORT

pytestmark = pytest.mark.slow


def list_rows(shared: Path) -> dict[str, dict[str, Any]]:
    """Return the documented misbehaviours by name."""
    lines = (shared / "catalogue" / "transport.jsonl").read_text().splitlines()
    return {row["slug"]: row for row in map(json.loads, lines)}


def find_slug(name: str, slugs: dict[str, Any]) -> str | None:
    """Return the misbehaviour that a stream shows: the longest whose name begins its own."""
    return max((s for s in slugs if f"{name}-".startswith(f"{s}-")), key=len, default=None)


def test_each_documented_misbehaviour_is_a_stream_or_has_a_reason(shared: Path) -> None:
    rows = list_rows(shared)
    shown = rows.keys() & set(catalogue.names())
    assert shown | catalogue.not_shown().keys() == rows.keys()
    assert not shown & catalogue.not_shown().keys()
    assert len(rows) == 96
    assert len(shown) >= 87


def test_the_reason_for_not_showing_a_misbehaviour_is_a_sentence() -> None:
    reasons = catalogue.not_shown().values()
    assert all(reason.endswith(".") and "\n" not in reason for reason in reasons)


def test_a_stream_has_the_family_and_the_citations_of_its_misbehaviour(shared: Path) -> None:
    rows = list_rows(shared)
    variants = {one: slug for one in SEEN if (slug := find_slug(one, rows)) is not None}
    assert variants.keys() == SEEN.keys()
    for name, slug in variants.items():
        one = stream(name)
        assert (one.family, list(one.citations)) == (rows[slug]["family"], rows[slug]["citations"])


def test_the_table_has_every_stream_of_these_families() -> None:
    assert {one.name for family in TRANSPORT for one in streams(family)} <= SEEN.keys()


# What a socket sees


class Seen(NamedTuple):
    """What a client sees of a response.

    Args:
        status: the status line without the version; empty if no complete head comes.
        contains: bytes that the body contains, or what comes after it.
        end: ``finish`` if the response is complete and the connection stays open; ``fin`` or
            ``reset`` if that ends it; ``silent`` if nothing more comes; ``trickles`` if what comes
            completes nothing.
    """

    status: str
    contains: bytes
    end: str


ANSWER = Seen("200 OK", b" 42.", "finish")
LAST = b'"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n'
EVENT = b'"finish_reason":null}]}\n\n'
BUSY = Seen("429 Too Many Requests", b"Rate limit reached.", "finish")
FAILED = b"had an error processing your request"


def ok(contains: bytes, end: str = "finish") -> list[Seen]:
    """Return what is seen of one response with status 200."""
    return [Seen("200 OK", contains, end)]


def error(status: str, contains: bytes = FAILED, end: str = "finish") -> list[Seen]:
    """Return what is seen of one response with another status."""
    return [Seen(status, contains, end)]


SEEN: dict[str, list[Seen]] = {
    "event-split-anywhere": ok(LAST, "fin"),
    "crlf-line-endings": ok(b'"stop"}]}\r\n\r\ndata: [DONE]\r\n\r\n'),
    "crlf-split-between-reads": ok(b'"finish_reason":null}]}\r\n\r\ndata: ', "fin"),
    "mixed-line-endings-delay": ok(b"data: [DONE]\n\r\n", "silent"),
    "data-without-space": ok(b"}]}\n\ndata:[DONE]\n\n"),
    "multi-data-line-json": ok(b'data:  "id": "chatcmpl-1",\ndata: '),
    "pretty-json-raw-newlines": ok(b'data: {\n "id": "chatcmpl-1",\n "object"'),
    "comment-keepalive": ok(EVENT + b":\n\ndata: {"),
    "phantom-event-after-id": ok(EVENT + b": ping\n\nid: 2\ndata: {"),
    "retry-or-id-only-block": ok(EVENT + b"id: 1\n\ndata: {"),
    "event-name-only-block": ok(EVENT + b"event: error\n\ndata: {"),
    "empty-data-event": ok(EVENT + b"data\n\ndata: {"),
    "ping-json-event": ok(b'event: ping\ndata: {"type": "ping"}\n\n'),
    "named-event-prefix-thread": ok(b'event: thread.x\ndata: {"id"'),
    "bom-before-every-event": ok(b"\xef\xbb\xbfdata: [DONE]\n\n"),
    "nel-vt-ff-fs-chars": ok("a\x85b".encode()),
    "nel-vt-ff-fs-chars-raw": ok(b"a\x0bb\x0cc\x1cd"),
    "cr-terminated-final-event": ok(b'"finish_reason":"stop"}]}\n\r', "fin"),
    "event-lines-stripped-by-proxy": ok(b'}\n\ndata: {"type":"response.completed"'),
    "error-as-field-name": ok(EVENT + b'error: {"code":500,"message":"boom"'),
    "bare-error-line-midstream": ok(EVENT + b'{"error":{"message":"'),
    "double-data-prefix": ok(EVENT + b'data: data: {"id"'),
    "single-newline-separators": ok(b'"stop"}]}\ndata: [DONE]\n\n'),
    "data-line-indented-or-cased": ok(b"\n\n  data: [DONE]\n\n"),
    "data-line-indented-or-cased-cased": ok(b"\n\nData: [DONE]\n\n"),
    "data-line-indented-or-cased-space-before-colon": ok(b"\n\ndata : [DONE]\n\n"),
    "utf8-split-across-reads": ok("aus 北京".encode(), "fin"),
    "invalid-utf8": ok(b" a\xff\xfeb"),
    "truncated-utf8-before-newline": ok(b' \xe4\xbd"}'),
    "charset-lie": ok("Grüße".encode()),
    "lone-surrogate-escape": ok(rb" smile\ud83d"),
    "nan-infinity-json": ok(b'"created":NaN,'),
    "clean-eof-no-done": ok(b' answer is"}'),
    "clean-eof-no-done-close": ok(b' answer is"}', "fin"),
    "done-then-connection-held": ok(LAST, "silent"),
    "drain-after-done-trickle": ok(LAST + b": x\n\n: x\n\n", "trickles"),
    "events-after-done": ok(LAST + b'data: {"id"'),
    "tcp-rst-after-done": ok(LAST, "reset"),
    "incomplete-chunked-read": ok(b' answer is"}', "fin"),
    "fin-after-done-no-zero-chunk": ok(LAST, "fin"),
    "invalid-chunk-size-midbody": ok(EVENT + b"zz\r\n", "fin"),
    "invalid-chunk-size-midbody-502": ok(EVENT + b"HTTP/1.1 502 Bad Gateway\r\n", "fin"),
    "missing-crlf-after-chunk": ok(b'"object":"chat.XX0\r\n\r\n', "silent"),
    "split-terminal-chunk": ok(b" 42."),
    "bytes-after-terminal-chunk": [Seen(BUSY.status, b'217\r\n{"stale":true}', "finish"), ANSWER],
    "bytes-after-terminal-chunk-answer": ok(LAST + b"GARBAGE"),
    "unsolicited-bytes-on-idle-socket": [
        Seen(BUSY.status, b"HTTP/1.1 408 Request", "finish"),
        ANSWER,
    ],
    "empty-200-stream": ok(b""),
    "empty-200-stream-content-length": ok(b""),
    "nonstream-completion-for-stream": ok(b'"object":"chat.completion",'),
    "html-appended-midstream": ok(EVENT + b"<html>\n<head><title>504"),
    "instream-error-object": ok(EVENT + b'data: {"error":{"message":"The engine'),
    "instream-error-string": ok(EVENT + b'data: {"error":"The engine'),
    "event-error-bare-payload": ok(EVENT + b'event: error\ndata: {"message":"Overloaded"'),
    "error-null-in-chunk": ok(b'}],"error":null}'),
    "overloaded-or-429-after-200": [*ok(b"The server is overloaded."), ANSWER],
    "overloaded-or-429-after-200-partial": [*ok(EVENT + b'data: {"error":'), ANSWER],
    "429-retry-after-forms": [BUSY, ANSWER],
    "429-retry-after-forms-both": [BUSY, ANSWER],
    "429-retry-after-forms-date": [BUSY, ANSWER],
    "429-retry-after-forms-long": [BUSY],
    "429-retry-after-forms-ms": [BUSY, ANSWER],
    "429-retry-after-forms-negative": [BUSY, ANSWER],
    "x-should-retry-header": error("500 Internal Server Error"),
    "x-should-retry-header-400-true": [
        *error("400 Bad Request", b"could not be processed"),
        ANSWER,
    ],
    "x-should-retry-header-429": [BUSY],
    "retryable-status-set": [*error("408 Request Timeout", b"too long"), ANSWER],
    "retryable-status-set-409": [*error("409 Conflict", b"another request"), ANSWER],
    "retryable-status-set-413": error(f"413 {HTTPStatus(413).phrase}", b"too large"),
    "retryable-status-set-422": error(f"422 {HTTPStatus(422).phrase}", b"have no user"),
    "retryable-status-set-425": error("425 Too Early", b"came too early"),
    "retryable-status-set-429": [BUSY, ANSWER],
    "retryable-status-set-500": [*error("500 Internal Server Error"), ANSWER],
    "retryable-status-set-502": [*error("502 Bad Gateway"), ANSWER],
    "retryable-status-set-503": [*error("503 Service Unavailable"), ANSWER],
    "retryable-status-set-524": [*error("524"), ANSWER],
    "retryable-status-set-529": [*error("529"), ANSWER],
    "html-or-empty-5xx-body": error("503 Service Unavailable", b"<center>nginx</center>"),
    "html-or-empty-5xx-body-empty": error("502 Bad Gateway", b""),
    "html-or-empty-5xx-body-no-reason": error("524", b"524 A timeout occurred"),
    "error-status-stalled-body": error("400 Bad Request", b"", "silent"),
    "error-status-with-sse-body": error("500 Internal Server Error", b'data: {"error":{"message":'),
    "204-or-no-body": error("204 No Content", b""),
    "redirect-on-post": [*error("307 Temporary Redirect", b""), ANSWER],
    "redirect-on-post-301": [*error("301 Moved Permanently", b""), ANSWER],
    "redirect-on-post-302": [*error("302 Found", b""), ANSWER],
    "redirect-on-post-303": error("303 See Other", b""),
    "redirect-on-post-308": [*error("308 Permanent Redirect", b""), ANSWER],
    "wrong-content-type-sse-body": ok(LAST),
    "wrong-content-type-sse-body-missing": ok(LAST),
    "wrong-content-type-sse-body-octet-stream": ok(LAST),
    "wrong-content-type-sse-body-text-plain": ok(LAST),
    "content-type-trailing-params": ok(LAST),
    "content-type-trailing-params-case": ok(LAST),
    "content-type-trailing-params-charset": ok(LAST),
    "ndjson-instead-of-sse": ok(b'"finish_reason":null}]}\n{"id"'),
    "cl-and-te-together": ok(LAST),
    "duplicate-transfer-encoding": ok(LAST),
    "oversized-response-headers": ok(LAST),
    "oversized-response-headers-110k": ok(LAST),
    "unsolicited-100-continue": ok(LAST),
    "lf-only-or-odd-status-line": ok(LAST),
    "lf-only-or-odd-status-line-no-reason": error("200", LAST),
    "http10-or-close-delimited": ok(LAST, "fin"),
    "http10-or-close-delimited-cut": ok(EVENT + b'data: {"id":"chatcmpl-1","object":"chat.', "fin"),
    "http10-or-close-delimited-no-length": ok(LAST, "fin"),
    "gzip-middleware-buffers-sse": ok(LAST),
    "gzip-flushed-per-event": ok(LAST),
    "stale-content-encoding": ok(LAST),
    "missing-content-encoding": ok(b"\x1f\x8b\x08"),
    "gzip-truncated": ok(b' nine"}'),
    "gzip-multi-member": ok(LAST),
    "unsupported-encoding": ok(LAST),
    "cloudflare-524": error("524", b"A timeout occurred"),
    "stall-before-headers": [Seen("", b"", "silent")],
    "stall-midstream-python": ok(EVENT, "silent"),
    "stall-midstream-node-no-timeout": ok(b'"object":"chat.', "silent"),
    "heartbeat-defeats-idle-timeout": ok(EVENT + b": ping\n\n: ping\n\n", "trickles"),
    "slow-drip": ok(EVENT + b"data", "trickles"),
    "client-fixed-size-reads": ok(LAST, "silent"),
    "line-length-limit-go-scanner": ok(b" 12345 12346 "),
    "server-drops-slow-consumer": ok(b' answer is"}', "fin"),
    "eventsource-reposts-prompt": ok(LAST, "fin"),
    "stale-keepalive-race": [BUSY, Seen("", b"", "fin"), ANSWER],
    "stale-keepalive-race-reset": [BUSY, Seen("", b"", "reset"), ANSWER],
    "close-before-response": [Seen("", b"", "fin"), ANSWER],
    "close-before-response-half-head": [
        Seen("", b"HTTP/1.1 200 OK\r\nContent-Type", "fin"),
        ANSWER,
    ],
    "close-before-response-reset": [Seen("", b"", "reset"), ANSWER],
    "last-event-id-replay": [*ok(b"\n\nid: 2\ndata: {", "reset"), *ok(b"id: 4\ndata: ")],
    "litellm-midstream-fallback-error": ok(b"data: upstream connect error"),
}
"""What is seen of each stream: of each of its exchanges, in order."""


# A client without a library

PATIENCE = 30.0  # seconds for what must come
SILENCE = 0.4  # seconds in which nothing may come, after all that must


class Response(NamedTuple):
    """What a client has seen: the status line, the headers, the body, the rest, and the end."""

    status_line: str
    headers: dict[str, str]
    body: bytes
    rest: bytes
    end: str


class Client:
    """A connection that has sent a request, and reads its response."""

    def __init__(self, mock: MockOpenAI, one: Stream) -> None:
        url = httpx2.URL(mock.base_url)
        body = msgspec.json.encode({**one.request, "model": f"mockserver/{one.name}"})
        self.socket = socket.create_connection((url.host, url.port or 0))
        self.socket.sendall(
            b"POST %b HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n%b"
            % (one.path.encode(), len(body), body)
        )
        self.data = bytearray()
        self.end = ""

    def read(self, seconds: float) -> bool:
        """Read once; return whether more may come."""
        self.socket.settimeout(seconds)
        try:
            data = self.socket.recv(1 << 20)
        except TimeoutError:
            self.end = "silent"
        except ConnectionResetError:
            self.end = "reset"
        else:
            self.data += data
            self.end = "" if data else "fin"
        return not self.end

    def read_response(self, expected: Seen) -> Response:
        """Read until the response or the connection ends, or all that is expected has come."""
        response: Response | None = None
        while self.read(SILENCE if self.has_all(response, expected) else PATIENCE):
            response = parse_response(bytes(self.data))
            if expected.end == "trickles" and self.has_all(response, expected):
                self.end = "trickles"
                break
        self.socket.close()
        response = response or Response("", {}, b"", bytes(self.data), "")
        end = response.end if self.end == "silent" and response.end else self.end
        return response._replace(end=end)

    def has_all(self, response: Response | None, expected: Seen) -> bool:
        """Whether all that is expected has come, so that only silence may follow."""
        if response is None:
            return not expected.status and expected.contains in self.data
        is_complete = bool(response.end) or expected.end in ("silent", "trickles")
        return is_complete and expected.contains in response.body + response.rest


def parse_response(data: bytes) -> Response | None:
    """Parse a response as far as it has come; its end is empty until the body is complete.

    Returns None without a complete head. Responses of 1xx are skipped.
    """
    status_line, lines = "HTTP/1.1 100", [""]
    while status_line.split()[1].startswith("1"):
        head, blank, data = split_head(data)
        if not blank:
            return None
        status_line, *lines = head.decode("latin-1").splitlines()
    fields = [line.partition(": ") for line in lines]
    headers = {name.lower(): value for name, _, value in fields}
    if headers.get("transfer-encoding") == "chunked":
        body, rest, end = parse_chunks(data)
    elif "content-length" in headers or status_line.split()[1] == "204":
        size = int(headers.get("content-length", "0"))
        body, rest, end = data[:size], data[size:], "finish" if len(data) >= size else ""
    else:
        body, rest, end = data, b"", ""
    return Response(status_line, headers, decode_content(body, headers), rest, end)


def split_head(data: bytes) -> tuple[bytes, bytes, bytes]:
    """Return a head, its blank line and what follows; its lines may end with LF alone."""
    blank = re.search(rb"\r?\n\r?\n", data)
    return (
        (data, b"", b"") if blank is None else (data[: blank.start()], b"\n", data[blank.end() :])
    )


def parse_chunks(data: bytes) -> tuple[bytes, bytes, str]:
    """Return the data of complete and incomplete chunks, the bytes after it, and the end."""
    body = b""
    while True:
        line, line_end, after = data.partition(b"\r\n")
        try:
            size = int(line, 16)
        except ValueError:
            return body, data, ""
        if not line_end:
            return body, data, ""
        if not size:
            return body, after[2:], "finish" if after.startswith(b"\r\n") else ""
        body += after[:size]
        if len(after) < size + 2 or after[size : size + 2] != b"\r\n":
            return body, after[size:], ""
        data = after[size + 2 :]


def decode_content(body: bytes, headers: dict[str, str]) -> bytes:
    """Undo the content coding, as far as the body has come."""
    coding = headers.get("content-encoding")
    if coding == "zstd":
        return zstandard.ZstdDecompressor().decompressobj().decompress(body)
    decoded = b""
    while coding == "gzip" and body.startswith(b"\x1f\x8b"):
        decoder = zlib.decompressobj(31)
        decoded += decoder.decompress(body)
        body = decoder.unused_data
    return decoded or body


def play(mock: MockOpenAI, name: str) -> list[Response]:
    """Send as many requests as a stream has exchanges, and return the responses."""
    return [Client(mock, stream(name)).read_response(expected) for expected in SEEN[name]]


@pytest.fixture(scope="module")
def responses() -> dict[str, list[Response]]:
    """The responses of all streams, which are played at the same time."""
    with MockOpenAI() as mock, ThreadPoolExecutor(len(SEEN)) as pool:
        return dict(zip(SEEN, pool.map(lambda name: play(mock, name), SEEN), strict=True))


def test_a_socket_sees_what_the_table_says(responses: dict[str, list[Response]]) -> None:
    for name, expected in SEEN.items():
        assert len(expected) == len(stream(name).scripts), name
        for row, response in zip(expected, responses[name], strict=True):
            status = response.status_line.partition(" ")[2].rstrip()
            assert (name, status, response.end) == (name, row.status, row.end)
            assert row.contains in response.body + response.rest, name


# What our own reader makes of it

NO_ANSWER = "it is neither an event stream nor JSON, and our reader reports that"
READ_OTHERWISE = {
    "204-or-no-body": NO_ANSWER,
    "cloudflare-524": NO_ANSWER,
    "error-status-stalled-body": NO_ANSWER,
    "html-or-empty-5xx-body": NO_ANSWER,
    "html-or-empty-5xx-body-empty": NO_ANSWER,
    "html-or-empty-5xx-body-no-reason": NO_ANSWER,
    "last-event-id-replay": "the last response is only what follows the first",
    "nan-infinity-json": "data that is not JSON is skipped",
    "ndjson-instead-of-sse": NO_ANSWER,
    "redirect-on-post-303": NO_ANSWER,
    "stale-content-encoding": "this client leaves a body that it cannot decode as it is",
    "stall-before-headers": NO_ANSWER,
}
"""The streams of which our reader makes something else than their right answer, and why."""


def read(one: Stream, response: Response) -> Reply | None:
    """Return what our reader makes of a response without framing and coding; None if nothing."""
    status = int((response.status_line or "HTTP/1.1 200").split()[1])
    script = Script(Head(status, tuple(response.headers.items())), sse.parse(response.body))
    reader = ENDPOINTS.find(one.path, "POST")[0]["POST"].read
    assert reader is not None
    try:
        answer = reader(script)
    except ReplyError:
        return None
    return Reply(error=answer) if isinstance(answer, ApiError) else answer


def test_the_last_response_is_the_right_answer(responses: dict[str, list[Response]]) -> None:
    for name, seen in responses.items():
        one = stream(name)
        assert (read(one, seen[-1]) != one.reply) == (name in READ_OTHERWISE), name


# Several exchanges, with the SDK


def ask(client: openai.OpenAI, one: Stream, **parameters: Any) -> str:
    """Return the text that the SDK gets for the request of a stream."""
    chunks = client.chat.completions.create(**{**one.request, **parameters})
    return "".join(c.choices[0].delta.content or "" for c in chunks if c.choices)


@pytest.mark.parametrize(
    "name", ["429-retry-after-forms-ms", "close-before-response", "redirect-on-post"]
)
@pytest.mark.parametrize("by_model", [False, True])
def test_the_sdk_retries_until_it_has_the_answer(
    name: str, by_model: bool, mock_openai: MockOpenAI
) -> None:
    one = stream(name)
    mock_openai.reply("I am no stream of the catalogue." if by_model else one)
    parameters = {"model": f"mockserver/{name}"} if by_model else {}
    for _ in range(2):  # with a model, each call begins with the first exchange
        assert ask(mock_openai.client(max_retries=2), one, **parameters) == one.reply.text
    statuses = [call.status for call in mock_openai.calls]
    first = one.earlier[0].head.status
    assert statuses == ([first, 200] * 2 if by_model else [first, 200, 200])
