"""What the OpenAI SDK does with each fault: our measurements, reproduced through both doors.

The measurements were made over raw sockets, with nothing of ours. A row is a script, or faults put
on a plain one; its outcome is the exception's class with its cause's, and the content that came.
"""

from __future__ import annotations

import asyncio
import csv
import re
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import httpx2
import openai
import pytest

from openai_mockserver import Boundary, Comment, Event, Head, MockOpenAI, Pause, Raw, Script, faults
from openai_mockserver.script import End, Step

TIMEOUT = 0.5  # seconds of silence that the client bears

CHUNKED = (("Content-Type", "text/event-stream"), ("Transfer-Encoding", "chunked"))
CLOSING = (("Content-Type", "text/event-stream"), ("Connection", "close"))


def text(content: str, more: str = "") -> str:
    """A chunk's JSON."""
    return (
        '{"id":"chatcmpl-1","object":"chat.completion.chunk","created":1,"model":"m",'
        '"choices":[{"index":0,"delta":{"role":"assistant","content":"'
        f'{content}"}},"finish_reason":null}}]{more}}}'
    )


def raw(value: str | bytes) -> Raw:
    """Bytes as they are."""
    return Raw(value.encode() if isinstance(value, str) else value)


A, B, D = Event(text("A")), Event(text("B")), Event("[DONE]")
F = Event(
    '{"id":"chatcmpl-1","object":"chat.completion.chunk","created":1,"model":"m",'
    '"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}'
)
BOOM = '{"error":{"message":"boom","type":"server_error","code":"x"}}'
HALF = raw('data: {"id":"chatcmpl-1","object":"chat.')
REST = raw("data: " + text("B"))


def of(
    *steps: Step,
    headers: tuple[tuple[str, str], ...] = CHUNKED,
    end: End = "finish",
    status: int = 200,
) -> Script:
    """A script of these steps."""
    return Script(Head(status, headers), steps, end)


def closing(*steps: Step) -> Script:
    """A response without length, which the connection's end ends."""
    return of(*steps, headers=CLOSING)


def typed(kind: str | None, *steps: Step) -> Script:
    """A chunked response of another content type."""
    declared = () if kind is None else (("Content-Type", kind),)
    return of(*(steps or (A, B, D)), headers=(*declared, ("Transfer-Encoding", "chunked")))


def sized(body: str, kind: str = "application/json", status: int = 200, **more: str) -> Script:
    """A body of stated length."""
    extra = tuple((name.replace("_", "-"), value) for name, value in more.items())
    headers = (("Content-Type", kind), ("Content-Length", str(len(body))), *extra)
    return of(raw(body) if body else Pause(0), headers=headers, status=status)


def error(status: int, **more: str) -> Script:
    """An error with OpenAI's body."""
    return sized(BOOM.replace("boom", "slow down"), status=status, **more)


def with_faults(script: Script, *made: Callable[[Script], Script]) -> Script:
    """A script with faults."""
    for fault in made:
        script = fault(script)
    return script


OK = of(A, B, F, D)
AB, ABD, AD = of(A, B), of(A, B, D), of(A, D)
SOON = {"retry_after_ms": "10"}


def bad(payload: bytes) -> Raw:
    """An event whose content holds these bytes."""
    return Raw(b"data: " + text("@").encode().replace(b"@", payload) + b"\n\n", 1)


# slug: the responses to the attempts; the last is repeated
ROWS: dict[str, list[Script]] = {
    "ok": [OK],
    "invalid_json_event": [of(A, Event('{"id":"x","choi'), B, D)],
    "error_obj_in_data": [of(A, Event(BOOM), B, D)],
    "error_obj_code_int": [of(A, Event('{"error":{"message":"boom","code":502}}'), D)],
    "event_error_nested": [of(A, Event(BOOM, "error"))],
    "event_error_bare": [of(A, Event('{"message":"Overloaded","type":"o"}', "error"), B, D)],
    "event_error_nonjson": [of(A, Event("upstream timed out", "error"))],
    "error_string": [of(A, Event('{"error":"boom"}'))],
    "error_key_bare_field": [of(A, raw('error: {"message":"boom"}\n\n'), B, D)],
    "error_null_in_chunk": [of(Event(text("A", ',"error":null')), D)],
    "error_then_reset_no_done": [of(A, Event(BOOM), end="reset")],
    "bare_json_error_line_midstream": [of(A, raw(BOOM + "\n"), B, D)],
    "eof_no_done_close": [closing(A, B)],
    "eof_no_done_chunked": [with_faults(ABD, faults.drop_done())],
    "eof_finish_reason_no_done": [of(A, F)],
    "eof_mid_json_close": [closing(A, HALF)],
    "eof_mid_json_chunked": [of(A, HALF)],
    "eof_last_event_one_newline": [with_faults(AB, faults.unterminated())],
    "eof_last_event_no_newline": [with_faults(AB, faults.unterminated(newlines=0))],
    "eof_done_no_newline": [with_faults(ABD, faults.unterminated(newlines=0))],
    "rst_mid_event": [of(A, HALF, Pause(0.05), end="reset")],
    "rst_between_events": [with_faults(ABD, faults.reset(after=2))],
    "incomplete_chunked_between": [with_faults(ABD, faults.truncate(after=2))],
    "incomplete_chunked_mid": [of(A, HALF, end="truncate")],
    "incomplete_chunk_bytes": [
        Script(
            OK.head,
            (
                *faults.truncate(after=1)(faults.chunk_extension("")(OK)).steps,
                Raw(b"ff\r\n" + HALF.data),
            ),
            "truncate",
            raw=True,
        )
    ],
    "bad_chunk_size": [with_faults(ABD, faults.bad_chunk_size(after=1))],
    "incomplete_chunked_after_done": [with_faults(ABD, faults.truncate(after=3))],
    "rst_after_done": [with_faults(ABD, faults.reset(after=3))],
    "content_length_too_long": [with_faults(ABD, faults.content_length(100_000))],
    "content_length_too_long_no_done": [with_faults(AB, faults.content_length(100_000))],
    "content_length_too_short": [with_faults(ABD, faults.content_length(212))],
    "content_length_exact": [with_faults(ABD, faults.content_length())],
    "after_done_more_events": [with_faults(of(A, D), faults.insert(f"data: {text('B')}\n\n"))],
    "after_done_bad_json": [with_faults(AD, faults.insert("data: {bad\n\n"))],
    "after_done_error_event": [with_faults(AD, faults.insert(f"data: {BOOM}\n\n"))],
    "after_done_hold_open": [with_faults(AD, faults.hold())],
    "after_finish_hold_open_no_done": [with_faults(of(A, F), faults.hold())],
    "done_no_space": [of(A, raw("data:[DONE]\n\n"), B)],
    "done_trailing_space": [with_faults(of(A, D, B), faults.done(text="[DONE] "))],
    "done_two_leading_spaces": [with_faults(of(A, D, B), faults.done(text=" [DONE]"))],
    "done_lowercase": [with_faults(AD, faults.done(text="[done]"))],
    "done_quoted": [with_faults(AD, faults.done(text='"[DONE]"'))],
    "done_without_data_field": [with_faults(AD, faults.replace_event(1, "[DONE]\n\n"))],
    "done_prefix_text": [with_faults(of(A, B, D), faults.done(at=1, text="[DONE]xyz"))],
    "done_named_event": [of(A, Event("[DONE]", "done"), B)],
    "done_twice": [with_faults(AD, faults.done(times=2))],
    "done_only": [of(D)],
    "done_with_id": [with_faults(AD, faults.fields(id="9", at=1))],
    "stall_before_headers": [with_faults(OK, faults.latency(8))],
    "stall_after_headers": [with_faults(OK, faults.stall(after=0))],
    "stall_mid_stream": [with_faults(ABD, faults.stall(after=1, seconds=8))],
    "stall_mid_event": [of(A, HALF, Pause(8), REST, D)],
    "stall_before_done": [with_faults(of(A, F, D), faults.stall(after=2, seconds=8))],
    "drip_bytes": [with_faults(closing(A, D), faults.bandwidth(rate=2000))],
    "heartbeats_only_3s": [
        with_faults(AD, faults.stall(after=0, seconds=3), faults.heartbeat(every=0.3))
    ],
    "stall_headers_then_ok": [with_faults(OK, faults.empty_response("hold")), OK],
    "ct_json_sse_body": [with_faults(ABD, faults.header("Content-Type", "application/json"))],
    "ct_text_plain_sse_body": [typed("text/plain; charset=utf-8")],
    "ct_missing_sse_body": [with_faults(ABD, faults.header("Content-Type", None))],
    "ct_octet": [typed("application/octet-stream")],
    "ct_sse_latin1_charset": [typed("text/event-stream; charset=iso-8859-1", Event(text("é")), D)],
    "nonstream_json_200": [sized('{"id":"1","object":"chat.completion","choices":[]}')],
    "error_json_200_ct_json": [sized(BOOM)],
    "error_json_200_ct_sse": [sized(BOOM, "text/event-stream")],
    "html_200": [sized("<html><body>\n<h1>Login</h1>\n\n</body></html>\n", "text/html")],
    "ndjson_200": [typed("application/x-ndjson", raw(text("A") + "\n"), raw(text("B") + "\n"))],
    "empty_chunked": [of()],
    "empty_cl0": [sized("", "text/event-stream")],
    "empty_fin_after_headers": [closing()],
    "status_204": [Script(Head(204))],
    "429_retry_after_1_then_ok": [error(429, Retry_After="1"), OK],
    "429_retry_after_ms_then_ok": [error(429, retry_after_ms="150"), OK],
    "429_retry_after_date_then_ok": [error(429, Retry_After="Sun, 22 Nov 2020 00:00:00 GMT"), OK],
    "429_retry_after_300": [error(429, Retry_After="300")],
    "429_retry_after_90_header_only": [error(429, Retry_After="-5"), OK],
    "429_always": [error(429, **SOON)],
    "429_x_should_retry_false": [error(429, x_should_retry="false")],
    "400_x_should_retry_true": [error(400, x_should_retry="true", **SOON), OK],
    "500_then_ok": [error(500), OK],
    "503_html_always": [sized("<html>503</html>", "text/html", 503, **SOON)],
    "502_empty_always": [sized("", "text/html", 502, **SOON)],
    "524_html_then_ok": [sized("<html>524</html>", "text/html", 524, **SOON), OK],
    "529_then_ok": [error(529, **SOON), OK],
    "408_then_ok": [error(408, **SOON), OK],
    "409_then_ok": [error(409, **SOON), OK],
    "425_too_early": [error(425, **SOON)],
    "401": [error(401)],
    "400": [error(400)],
    "413_html": [sized("<html>413</html>", "text/html", 413)],
    "422_detail": [sized('{"detail":[{"msg":"bad"}]}', status=422)],
    "500_sse_body": [
        with_faults(of(Event(BOOM)), faults.status(500), faults.header("x-should-retry", "false"))
    ],
    "429_stalled_body_then_ok": [
        with_faults(of(end="hold"), faults.status(429), faults.header("retry-after-ms", "10")),
        OK,
    ],
    "400_stalled_body": [with_faults(of(end="hold"), faults.status(400))],
    "fin_before_response_then_ok": [with_faults(OK, faults.empty_response()), OK],
    "rst_before_response_then_ok": [with_faults(OK, faults.empty_response("reset")), OK],
    "fin_mid_headers_then_ok": [with_faults(OK, faults.half_head(size=29)), OK],
    "garbage_status_line": [
        with_faults(of(), faults.raw_head("220 smtp.example.com ESMTP\r\n\r\n"), faults.truncate())
    ],
    "redirect_307_then_ok": [with_faults(OK, faults.redirect("/v1/chat/completions")), OK],
    "informational_100_103": [with_faults(OK, faults.informational(100, 103))],
    "http10_close": [with_faults(ABD, faults.http10())],
    "http10_chunked_bogus": [
        with_faults(
            AD,
            faults.raw_head(
                "HTTP/1.0 200 OK\r\nContent-Type: text/event-stream\r\n"
                "Transfer-Encoding: chunked\r\n\r\n"
            ),
            faults.close(),
        )
    ],
    "http11_no_length_fin": [of(A, B, D, headers=CLOSING[:1])],
    "lf_only_headers": [with_faults(closing(A, D), faults.lf_head())],
    "huge_header_150k": [with_faults(AD, faults.add_header("X-Big", "a" * 150_000))],
    "big_header_60k": [with_faults(AD, faults.add_header("X-Big", "a" * 60_000))],
    "chunk_ext_trailers": [
        with_faults(AD, faults.chunk_extension(), faults.trailers({"X-T": "1"}))
    ],
    "cl_and_te": [with_faults(ABD, faults.add_header("Content-Length", "5"))],
    "te_twice": [with_faults(AD, faults.add_header("Transfer-Encoding", "chunked"))],
    "no_reason_phrase": [
        with_faults(
            AD,
            faults.raw_head(
                "HTTP/1.1 200\r\nContent-Type: text/event-stream\r\n"
                "Transfer-Encoding: chunked\r\n\r\n"
            ),
        )
    ],
    "crlf": [with_faults(ABD, faults.line_ends("crlf"))],
    "cr": [with_faults(ABD, faults.line_ends("cr"))],
    "mixed_lf_then_crlf_blank": [
        of(*(s for e in (A, B, D) for s in (raw(f"data: {e.data}\n\r\n"), Pause(0.1))))
    ],
    "mixed_crlf_then_lf_blank": [
        of(*(s for e in (A, B, D) for s in (raw(f"data: {e.data}\r\n\n"), Pause(0.1))))
    ],
    "split_crlf": [
        with_faults(closing(A, B, D), faults.line_ends("crlf"), faults.slice(inside="crlf"))
    ],
    "bom": [with_faults(ABD, faults.bom())],
    "bom_done_only_first": [with_faults(AD, faults.bom())],
    "bom_each_event": [
        with_faults(ABD, faults.bom(at=None), faults.replace_event(2, "data: [DONE]\n\n"))
    ],
    "bytewise": [with_faults(closing(Event(text("hé你😀")), D), faults.slice(size=1))],
    "split_in_data_prefix": [
        with_faults(closing(A, D), faults.slice(at=(2, 4, 5, 6, 170, 171, 172, 180)))
    ],
    "invalid_utf8": [of(A, bad(b"\xff\xfe"), B, D)],
    "truncated_utf8_across_events": [of(bad(b"\xe4\xbd"), D)],
    "comments_ping": [of(Comment("ping"), A, Comment("OPENROUTER PROCESSING"), B, raw(":\n\n"), D)],
    "comments_no_blank": [of(raw(": ping\n"), A, raw(": x\n"), B, D)],
    "comment_inside_event": [of(raw(f"data: {A.data}\n: x\n\n"), D)],
    "retry_field_only": [with_faults(AD, faults.fields(retry=3000, at=0, alone=True))],
    "retry_field_with_data": [with_faults(AD, faults.fields(retry=3000, at=0))],
    "id_only": [with_faults(AD, faults.fields(id="1", at=0, alone=True))],
    "id_then_blank_flood": [of(Event(A.data, id="1"), raw("\n\n"), B, D)],
    "id_then_comment_ping": [of(Event(A.data, id="1"), Comment("ping"), B, D)],
    "event_name_only": [with_faults(AD, faults.fields(event="ping", at=0, alone=True))],
    "event_ping_json": [of(Event('{"type": "ping"}', "ping"), A, D)],
    "event_message_named": [of(Event(A.data, "message"), Event(B.data, "completion"), D)],
    "event_thread_prefix": [of(Event(A.data, "thread.x"), B, D)],
    "data_empty": [of(raw("data:\n\n"), A, D)],
    "data_space_empty": [of(A, raw("data: \n\n"), B, D)],
    "data_keyword_only": [of(raw("data\n\n"), A, D)],
    "data_null": [of(A, Event("null"), B, D)],
    "data_emptyobj": [of(A, Event("{}"), B, D)],
    "data_array": [of(A, Event("[]"), B, D)],
    "multiline_data": [with_faults(AD, faults.multi_line(at=0))],
    "pretty_json_raw_newlines": [of(raw("data: " + text("A").replace(",", ",\n") + "\n\n"), D)],
    "data_no_space": [with_faults(AD, faults.no_space())],
    "data_extra_spaces": [of(Event("  " + A.data), D)],
    "data_space_before_colon": [of(raw(f"data : {A.data}\n\n"), B, D)],
    "data_uppercase": [of(raw(f"Data: {A.data}\n\n"), B, D)],
    "double_data_prefix": [of(Event("data: " + A.data), B, D)],
    "indented_data": [of(raw(f"  data: {A.data}\n\n"), B, D)],
    "unknown_field": [with_faults(AD, faults.unknown_field())],
    "single_newline_separators": [
        with_faults(of(A, B, D), faults.single_newlines(), faults.insert("\n"))
    ],
    "nul_raw_in_data": [of(bad(b"a\0b"), A, D)],
    "u2028": [of(Event(text("a\u2028b\u2029c")), D)],
    "u0085": [of(Event(text("a\x85b")), D)],
    "vt_ff_fs_raw": [of(bad(b"a\x0b\x0c\x1cb"), A, D)],
    "lone_surrogate_escape": [of(Event(text("\\ud83d")), D)],
    "nan_in_json": [of(Event(text("A").replace('"created":1', '"created":NaN')), D)],
    "huge_event_1m": [of(Event(text("x" * 1_000_000)), D)],
    "huge_event_10m": [of(Event(text("x" * 10_000_000)), D)],
    "event_70k": [of(Event(text("x" * 70_000)), D)],
    "blank_flood": [
        with_faults(AD, faults.blank_lines(100_000), faults.blank_lines(100_000, at=1))
    ],
    "many_events_one_read": [with_faults(of(*[A] * 200, D), faults.join())],
    "enc_gzip": [with_faults(ABD, faults.join(), faults.encoded("gzip", flush="end"))],
    "enc_deflate": [with_faults(ABD, faults.encoded("deflate", flush="end"))],
    "enc_rawdeflate": [with_faults(ABD, faults.encoded("raw-deflate", flush="end"))],
    "enc_br": [with_faults(ABD, faults.encoded("br", flush="end"))],
    "enc_gzip_flush_each": [
        with_faults(of(A, Pause(0.1), B, Pause(0.1), D), faults.encoded("gzip"))
    ],
    "enc_gzip_noflush": [
        with_faults(of(A, Pause(0.1), B, Pause(0.1), D), faults.encoded("gzip", flush="end"))
    ],
    "enc_gzip_truncated": [with_faults(ABD, faults.encoded("gzip", flush="end", cut=60))],
    "enc_gzip_lie_plain": [with_faults(ABD, faults.encoded("identity", declare="gzip"))],
    "enc_gzip_undeclared": [with_faults(ABD, faults.encoded("gzip", flush="end", declare=None))],
    "enc_unknown": [with_faults(ABD, faults.encoded("identity", declare="foo"))],
    "enc_gzip_multimember": [with_faults(ABD, faults.encoded("gzip", members=True))],
    "spaced_events": [of(A, Pause(0.1), B, Pause(0.1), D)],
    "spaced_no_trailing_blank_until_next": [
        of(
            raw(f"data: {A.data}\n"),
            Pause(0.1),
            raw(f"\ndata: {B.data}\n"),
            Pause(0.1),
            raw("\ndata: [DONE]\n\n"),
        )
    ],
}

ELSEWHERE = {
    "redirect_302_then_ok": "the SDK follows with a GET, which this endpoint does not take",
    "enc_zstd": "with zstandard, which these tests need, the client decodes what it did not then",
}

# The first attempts are not to be waited for: the SDK's sleep between them is not what is tested.
SLOW = {"429_retry_after_1_then_ok", "stall_headers_then_ok", "stall_before_headers"}

# Those that really wait for seconds, whatever is done about it.
WAITS = {"heartbeats_only_3s", "stall_before_headers"}


def recorded(shared: Path) -> dict[str, tuple[str, str]]:
    """Slug → outcome of the sync and the async SDK."""
    with (shared / "catalogue" / "sdk_behaviour.tsv").open() as file:
        return {
            row["fault"]: (row["openai-py 3.54 sync"], row["openai-py 3.54 async"])
            for row in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
        }


def plain(outcome: str) -> str:
    """A recorded outcome as class, cause and content, without counts and times."""
    outcome = re.sub(r" req=\d+.*| @create", "", outcome)
    outcome = outcome.replace("builtins.", "").replace("<AttrErr>", "")
    # A timeout while an error's body is read is httpx2's own; what lies below it is not told.
    outcome = outcome.replace("httpx2.ReadTimeout<-httpcore2.ReadTimeout", "httpx2.ReadTimeout")
    return re.sub(r"(.{20})\.\.\.\((\d+) chars\)", r"\1…\2", outcome)


def named(kind: type[BaseException]) -> str:
    """A class as the table names it."""
    module = kind.__module__.partition(".")[0]
    return kind.__name__ if module in ("builtins", "json") else f"{module}.{kind.__name__}"


def told(error: Exception | None, content: str) -> str:
    """An outcome in the table's words."""
    if len(content) > 150:
        content = f"{content[:20]}…{len(content)}"
    shown = content.encode("unicode_escape").decode()
    shown = content if "…" in content else shown
    if error is None:
        return f"ok[{shown}]"
    said = named(type(error))
    cause = error.__cause__
    if cause is not None and not isinstance(error, httpx2.HTTPError):
        said += f"<-{named(type(cause))}"
    return f"{said}[{shown}]"


def read(chunk: Any) -> str:
    """A chunk's content; what is no chunk has none."""
    try:
        return chunk.choices[0].delta.content or ""
    except (AttributeError, IndexError, TypeError):
        return ""


REQUEST: dict[str, Any] = {
    "model": "m",
    "stream": True,
}


def ask(user: str) -> list[Any]:
    """The messages of a user."""
    return [{"role": "user", "content": user}]


def sync_outcome(client: openai.OpenAI, user: str = "Hi") -> str:
    """What the sync SDK does."""
    content = ""
    try:
        with client.chat.completions.create(**REQUEST, messages=ask(user)) as stream:
            for chunk in stream:
                content += read(chunk)
    except Exception as error:
        return told(error, content)
    return told(None, content)


async def async_outcome(client: openai.AsyncOpenAI, user: str = "Hi") -> str:
    """What the async SDK does."""
    content = ""
    try:
        async with await client.chat.completions.create(**REQUEST, messages=ask(user)) as stream:
            async for chunk in stream:
                content += read(chunk)
    except Exception as error:
        return told(error, content)
    return told(None, content)


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """The SDK's sleep between two attempts is cut short, and nothing else of it touched."""
    monkeypatch.setattr(
        "openai._base_client.BaseClient._calculate_retry_timeout", lambda *_, **__: 0.01
    )


@pytest.fixture
async def async_http() -> AsyncIterator[httpx2.AsyncClient]:
    """An async HTTP client for the socket."""
    async with httpx2.AsyncClient(trust_env=False, verify=False, follow_redirects=True) as http:
        yield http


@pytest.fixture
def http() -> Iterator[httpx2.Client]:
    """An HTTP client for the socket."""
    with httpx2.Client(trust_env=False, verify=False, follow_redirects=True) as http:
        yield http


@pytest.mark.slow
@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize(
    "slug", [pytest.param(slug, marks=pytest.mark.slow if slug in WAITS else ()) for slug in ROWS]
)
async def test_the_sdk_does_what_it_did(
    slug: str,
    shared: Path,
    mock_openai: MockOpenAI,
    http: httpx2.Client,
    async_http: httpx2.AsyncClient,
) -> None:
    def options() -> dict[str, Any]:
        mock_openai.reply(*ROWS[slug])
        return {"timeout": TIMEOUT}

    def socket(user: str) -> dict[str, Any]:
        mock_openai.on(user=user).reply(*ROWS[slug])
        return {"base_url": mock_openai.base_url, "api_key": "x", "timeout": TIMEOUT}

    sync, asynchronous = map(plain, recorded(shared)[slug])
    if "httpx2" in sync and openai.__version__.startswith("2."):
        pytest.skip(f"openai {openai.__version__} uses httpx, and passes on what it raises")
    assert sync_outcome(mock_openai.client(**options())) == sync
    assert await async_outcome(mock_openai.async_client(**options())) == asynchronous
    # A timeout takes its time over a socket: both wait at once, each with attempts of its own.
    outcomes = await asyncio.gather(
        asyncio.to_thread(sync_outcome, openai.OpenAI(http_client=http, **socket("sync")), "sync"),
        async_outcome(openai.AsyncOpenAI(http_client=async_http, **socket("async")), "async"),
    )
    assert list(outcomes) == [sync, asynchronous]


def test_every_row_is_here_or_said_why_not(shared: Path) -> None:
    assert set(recorded(shared)) == set(ROWS) | set(ELSEWHERE)
    print(f"{len(ROWS)} of {len(recorded(shared))} rows")


def test_boundaries_are_known() -> None:
    assert Boundary() in ROWS["bytewise"][0].steps
