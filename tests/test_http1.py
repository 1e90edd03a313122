"""`recv()` sees exactly the bytes of a script: each documented network behaviour is one script.

The client is a raw socket, without a library in between. The catalogue's rows that do not concern
the bytes of a server are listed with a reason.
"""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fidelity.test_sdk_behaviour import (
    ABD,
    AD,
    BOOM,
    OK,
    ROWS,
    A,
    B,
    D,
    closing,
    of,
    raw,
    sized,
    text,
    with_faults,
)
from openai_mockserver import (
    Boundary,
    Comment,
    Event,
    Head,
    MockOpenAI,
    Pause,
    Raw,
    Script,
    faults,
    sse,
)
from openai_mockserver.http1 import wire_frames
from openai_mockserver.script import Step
from properties import examples

BODY = b'{"model":"m","stream":true,"messages":[{"role":"user","content":"Hi"}]}'
HEAD = b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n"
REQUEST = HEAD % len(BODY) + BODY
ENDS = {"reset": "RST", "truncate": "FIN", "close": "FIN", "half_close": "FIN", "cut": "FIN"}


def encode_script(script: Script) -> bytes:
    """Return all bytes of a script, including HTTP's own."""
    return b"".join(frame.data for frame in wire_frames(script))


def split_at_boundaries(script: Script) -> list[bytes]:
    """Return the bytes between boundaries, each of which a client reads separately."""
    parts = [b""]
    for frame in wire_frames(script):
        if frame.fence:
            parts.append(b"")
        parts[-1] += frame.data
    return parts


class Reader:
    """A client that only calls `recv()`."""

    def __init__(self, mock: MockOpenAI) -> None:
        url = httpx2.URL(mock.base_url)
        self.socket = socket.create_connection((url.host, url.port or 0), timeout=10)

    def ask(self) -> None:
        self.socket.sendall(REQUEST)

    def reads(self, until: int, wait: bool = True) -> tuple[list[bytes], str]:
        """Return the reads of about ``until`` bytes, and the connection's end: RST, FIN or open.

        Args:
            until: the expected number of bytes.
            wait: whether to wait for the end after the last byte; otherwise the connection counts
                as open, as a further response shows.
        """
        reads: list[bytes] = []
        while True:
            size = sum(map(len, reads))
            if size >= until and not wait:
                return reads, "open"
            # After the last byte only the connection's end can come.
            self.socket.settimeout(0.15 if size >= until else 10)
            try:
                read = self.socket.recv(1 << 20)
            except ConnectionResetError:
                return reads, "RST"
            except TimeoutError:
                return reads, "open"
            if not read:
                return reads, "FIN"
            reads.append(read)


@pytest.fixture
def reader(mock_openai: MockOpenAI) -> Iterator[Callable[[], Reader]]:
    """Create raw clients, and close them at the end."""
    readers: list[Reader] = []

    def connect() -> Reader:
        readers.append(Reader(mock_openai))
        return readers[-1]

    yield connect
    for client in readers:
        client.socket.close()


PAUSE = Pause(0.02)
SPLIT = [raw(part) for part in ("da", "ta", ":", " ", A.data, "\n", "\n")]


def separate(*steps: Step) -> list[Step]:
    """Return the steps with boundaries between them."""
    return [part for step in steps for part in (step, Boundary())][:-1]


def row(slug: str) -> list[Script]:
    """Return the scripts of a row in the table of `test_sdk_behaviour`."""
    return ROWS[slug]


# slug: the responses to the requests on one connection, or on several after an end
COVERED: dict[str, list[Script]] = {
    "event-split-anywhere": [closing(*separate(*SPLIT), D)],
    "crlf-line-endings": row("crlf"),
    "crlf-split-between-reads": [closing(*separate(raw("data: a\r"), raw("\n\r"), raw("\n")))],
    "mixed-line-endings-delay": row("mixed_lf_then_crlf_blank"),
    "data-without-space": row("data_no_space"),
    "multi-data-line-json": row("multiline_data"),
    "pretty-json-raw-newlines": row("pretty_json_raw_newlines"),
    "comment-keepalive": row("comments_ping"),
    "phantom-event-after-id": row("id_then_comment_ping"),
    "retry-or-id-only-block": row("retry_field_only"),
    "event-name-only-block": row("event_name_only"),
    "empty-data-event": row("data_empty"),
    "ping-json-event": row("event_ping_json"),
    "named-event-prefix-thread": row("event_thread_prefix"),
    "bom-before-every-event": [with_faults(ABD, faults.bom(at=None))],
    "nel-vt-ff-fs-chars": [of(Event(text("a\x85\x0b\x0c\x1cb")), D)],
    "cr-terminated-final-event": [closing(raw("data: x\n\r"))],
    "event-lines-stripped-by-proxy": [ABD],
    "error-as-field-name": row("error_key_bare_field"),
    "bare-error-line-midstream": row("bare_json_error_line_midstream"),
    "double-data-prefix": row("double_data_prefix"),
    "single-newline-separators": row("single_newline_separators"),
    "data-line-indented-or-cased": row("indented_data") + row("data_uppercase"),
    "utf8-split-across-reads": [
        with_faults(closing(Event(text("你")), D), faults.slice(inside="utf8"))
    ],
    "invalid-utf8": row("invalid_utf8"),
    "truncated-utf8-before-newline": row("truncated_utf8_across_events"),
    "charset-lie": row("ct_sse_latin1_charset"),
    "lone-surrogate-escape": row("lone_surrogate_escape"),
    "nan-infinity-json": row("nan_in_json"),
    "clean-eof-no-done": row("eof_no_done_close") + row("eof_no_done_chunked"),
    "done-then-connection-held": row("after_done_hold_open"),
    "drain-after-done-trickle": [
        of(A, D, *[part for _ in range(5) for part in (PAUSE, Comment("x"))])
    ],
    "events-after-done": row("after_done_more_events"),
    "tcp-rst-after-done": row("rst_after_done"),
    "incomplete-chunked-read": row("incomplete_chunked_between"),
    "fin-after-done-no-zero-chunk": row("incomplete_chunked_after_done"),
    "invalid-chunk-size-midbody": row("bad_chunk_size"),
    "missing-crlf-after-chunk": [with_faults(ABD, faults.missing_chunk_crlf(after=1))],
    "split-terminal-chunk": [with_faults(ABD, faults.split_last_chunk(0.02))],
    "bytes-after-terminal-chunk": [with_faults(ABD, faults.bytes_after_end())],
    "unsolicited-bytes-on-idle-socket": [
        with_faults(
            ABD, faults.bytes_after_end("HTTP/1.1 408 Request Timeout\r\n\r\n", seconds=0.05)
        )
    ],
    "empty-200-stream": row("empty_chunked") + row("empty_cl0"),
    "nonstream-completion-for-stream": row("nonstream_json_200"),
    "html-appended-midstream": [of(A, raw("<html>504 Gateway Time-out</html>\n"))],
    "instream-error-object": row("error_obj_in_data"),
    "instream-error-string": row("error_string"),
    "event-error-bare-payload": row("event_error_bare"),
    "error-null-in-chunk": row("error_null_in_chunk"),
    "overloaded-or-429-after-200": [of(A, Event(BOOM.replace("server_error", "overloaded")))],
    "429-retry-after-forms": row("429_retry_after_1_then_ok") + row("429_retry_after_300"),
    "x-should-retry-header": row("429_x_should_retry_false") + row("400_x_should_retry_true"),
    "retryable-status-set": row("408_then_ok") + row("529_then_ok") + row("425_too_early"),
    "html-or-empty-5xx-body": row("503_html_always") + row("502_empty_always"),
    "error-status-stalled-body": row("400_stalled_body"),
    "error-status-with-sse-body": row("500_sse_body"),
    "204-or-no-body": row("status_204"),
    "redirect-on-post": row("redirect_307_then_ok"),
    "wrong-content-type-sse-body": row("ct_json_sse_body"),
    "content-type-trailing-params": [
        with_faults(ABD, faults.header("Content-Type", "text/event-stream;"))
    ],
    "ndjson-instead-of-sse": row("ndjson_200"),
    "cl-and-te-together": row("cl_and_te"),
    "duplicate-transfer-encoding": row("te_twice"),
    "oversized-response-headers": row("big_header_60k") + row("huge_header_150k"),
    "unsolicited-100-continue": row("informational_100_103"),
    "lf-only-or-odd-status-line": row("lf_only_headers") + row("no_reason_phrase"),
    "http10-or-close-delimited": row("http10_close") + row("http11_no_length_fin"),
    "gzip-middleware-buffers-sse": row("enc_gzip_noflush"),
    "gzip-flushed-per-event": row("enc_gzip_flush_each"),
    "stale-content-encoding": row("enc_gzip_lie_plain"),
    "missing-content-encoding": row("enc_gzip_undeclared"),
    "gzip-truncated": row("enc_gzip_truncated"),
    "gzip-multi-member": row("enc_gzip_multimember"),
    "unsupported-encoding": [with_faults(ABD, faults.encoded("identity", declare="zstd"))],
    "cloudflare-524": [
        with_faults(sized("<html>524</html>", "text/html", 524), faults.latency(0.1))
    ],
    "stall-before-headers": [with_faults(OK, faults.empty_response("hold"))],
    "stall-midstream-python": [with_faults(ABD, faults.stall(after=1))],
    "stall-midstream-node-no-timeout": [with_faults(ABD, faults.stall(after=1, seconds=0.1))],
    "undici-body-timeout-300s": [with_faults(ABD, faults.stall(after=1))],
    "heartbeat-defeats-idle-timeout": [
        with_faults(AD, faults.stall(after=1, seconds=0.2), faults.heartbeat(every=0.02))
    ],
    "slow-drip": [with_faults(closing(A, D), faults.bandwidth(rate=5000, size=10))],
    "line-length-limit-go-scanner": row("event_70k") + row("huge_event_1m"),
    "quadratic-rebuffering": [
        with_faults(of(Event(text("x" * 500_000)), D), faults.slice(size=65536))
    ],
    "slow-consumer-memory-growth": [of(*[Event(text("x" * 1000))] * 3000, D)],
    "server-drops-slow-consumer": [with_faults(ABD, faults.truncate(after=2))],
    "stale-keepalive-race": [OK, with_faults(OK, faults.empty_response("reset"))],
    "close-before-response": [with_faults(OK, faults.empty_response())],
    "last-event-id-replay": [of(Event("a", id="1"), end="reset")],
    "client-fixed-size-reads": [of(A, PAUSE, B, PAUSE, D)],
    "h2-none": [],
}
del COVERED["h2-none"]

# tested in tests/server/test_tls.py
OVER_TLS = {"tls-close-without-close_notify"}

NOT_COVERED = {
    "tls-plaintext-injected": "bytes outside TLS records, which asyncio's transport cannot send",
    "h2-graceful-goaway-inflight": "HTTP/2: the server only supports HTTP/1.1",
    "h2-rst-stream-midstream": "HTTP/2: the server only supports HTTP/1.1",
    "yield-in-finally-on-close": "behaviour of a consumer that is closed, not of a server",
    "pool-exhaustion-looks-like-timeout": "number of streams that a client holds open at once",
    "eventsource-reposts-prompt": "a browser's EventSource reconnects; the journal shows the calls",
    "litellm-midstream-fallback-error": "one client's name for any fault of a stream",
}


@pytest.mark.slow
@pytest.mark.parametrize("slug", COVERED)
def test_a_documented_behaviour_is_on_the_wire(
    slug: str, mock_openai: MockOpenAI, reader: Callable[[], Reader]
) -> None:
    mock_openai.reply(*COVERED[slug], OK)
    client: Reader | None = None
    for script in COVERED[slug]:
        client = client or reader()
        client.ask()
        expected = encode_script(script)
        # If the connection should stay open, the next response shows that; one held has none.
        reads, end = client.reads(
            len(expected), wait=expected_end(script) != "open" or script.end == "hold"
        )
        assert b"".join(reads) == expected
        assert end == expected_end(script)
        if any(isinstance(step, Boundary) for step in script.steps):
            assert reads == split_at_boundaries(script), "each part is read by itself"
        if end != "open" or script.end == "hold":
            client = None
    if client is not None:
        client.ask()
        reads, _ = client.reads(len(encode_script(OK)), wait=False)
        assert b"".join(reads) == encode_script(OK)


def expected_end(script: Script) -> str:
    """Return how the connection ends from the client's point of view."""
    from openai_mockserver.http1 import keeps_open

    if script.end == "finish":
        return "open" if keeps_open(script) else "FIN"
    return ENDS.get(script.end, "open")


def test_every_row_is_covered_or_has_a_reason(shared: Path) -> None:
    lines = (shared / "catalogue" / "transport.jsonl").read_text().splitlines()
    slugs = {json.loads(line)["slug"] for line in lines if line.strip()}
    assert slugs == set(COVERED) | OVER_TLS | set(NOT_COVERED)


# Reads


@pytest.mark.parametrize("size", [1, 2, 3, 7, 64, 300])
def test_reads_of_n_bytes(size: int, mock_openai: MockOpenAI, reader: Callable[[], Reader]) -> None:
    script = with_faults(closing(A, Event(text("hé你😀")), D), faults.slice(size=size, raw=True))
    mock_openai.reply(script)
    client = reader()
    client.ask()
    reads, _ = client.reads(len(encode_script(script)))
    assert reads == split_at_boundaries(script)
    assert {len(read) for read in reads[:-1]} == {size}
    assert 0 < len(reads[-1]) <= size


@pytest.mark.parametrize(
    ("cut", "ending"),
    [
        ("lines", (b"\n",)),
        ("events", (b"\n\n",)),
        ("crlf", (b"\r",)),
        ("utf8", tuple(bytes([octet]) for octet in range(0x80, 0x100))),
    ],
)
def test_reads_cut_inside(
    cut: str, ending: tuple[bytes, ...], mock_openai: MockOpenAI, reader: Callable[[], Reader]
) -> None:
    body = closing(A, Event(text("hé你😀")), D)
    if cut == "crlf":
        body = with_faults(body, faults.line_ends("crlf"))
    script = with_faults(body, faults.slice(inside=cut))
    mock_openai.reply(script)
    client = reader()
    client.ask()
    reads, _ = client.reads(len(encode_script(script)))
    assert reads == split_at_boundaries(script)
    assert len(reads) > 2
    assert all(read.endswith(ending) for read in reads[:-1])


def test_joined_events_are_one_read(mock_openai: MockOpenAI, reader: Callable[[], Reader]) -> None:
    script = with_faults(ABD, faults.join())
    assert len(script.steps) == 1
    mock_openai.reply(script)
    client = reader()
    client.ask()
    reads, _ = client.reads(len(encode_script(script)))
    assert len(reads) == 1


@pytest.mark.slow
@pytest.mark.parametrize(("fault", "end"), [(faults.reset, "RST"), (faults.truncate, "FIN")])
def test_exactly_k_events_every_time(
    fault: Any, end: str, mock_openai: MockOpenAI, reader: Callable[[], Reader]
) -> None:
    """Try k from 0 to 50 without pacing, 20 times each."""
    for k in range(51):
        mock_openai.reply("word " * 60, faults=[fault(after=k)])
        for _ in range(20):
            client = reader()
            client.ask()
            reads, actual_end = client.reads(1 << 30)
            client.socket.close()
            assert actual_end == end
            assert b"".join(reads).count(b"\n\n\r\n") == k


# Random scripts

BYTES = st.binary(max_size=40)
STEPS = st.one_of(
    st.builds(Event, st.text(st.characters(exclude_characters="\r", exclude_categories=["Cs"]))),
    st.builds(Comment, st.text("abc ", max_size=5)),
    st.builds(Raw, BYTES),
    st.builds(Pause, st.floats(0, 0.002)),
    st.just(Boundary()),
)
HEADS = st.sampled_from(
    [
        Head(200, (("Content-Type", "text/event-stream"), ("Transfer-Encoding", "chunked"))),
        Head(200, (("Content-Type", "text/event-stream"),)),
        Head(500, (("X-Odd", "é"), ("Transfer-Encoding", "chunked"), ("x-odd", ""))),
    ]
)
SCRIPTS = st.builds(
    Script,
    HEADS,
    st.lists(STEPS, max_size=8).map(tuple),
    st.sampled_from(["finish", "close", "truncate", "reset", "half_close"]),
)


@settings(
    max_examples=examples(150),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(SCRIPTS)
def test_any_script_arrives_unchanged(
    mock_openai: MockOpenAI, reader: Callable[[], Reader], script: Script
) -> None:
    mock_openai.reply(script)
    client = reader()
    client.ask()
    expected = encode_script(script)
    client.socket.settimeout(10)
    received = b""
    while len(received) < len(expected):
        read = client.socket.recv(65536)
        assert read
        received += read
    assert received == expected
    client.socket.close()
    assert mock_openai.calls[-1].wait(5)
    assert mock_openai.problems == []


def test_raw_bodies_are_bodies() -> None:
    assert sse.body((Raw(b"a"), Boundary(), Pause(1), Raw(b"b"))) == b"ab"
