"""Import of other tools' recordings: every byte arrives, and errors are one sentence."""

from __future__ import annotations

import base64
import gzip
import json
import tempfile
import tracemalloc
import zlib
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from openai_mockserver import (
    Comment,
    Event,
    Head,
    Pause,
    Raw,
    Reply,
    Script,
    StreamFileError,
    bounded_input,
    sse,
)
from openai_mockserver.api import chat
from openai_mockserver.cassettes.importers import import_file, recording
from openai_mockserver.cassettes.importers.formats import FORMATS
from openai_mockserver.cassettes.stream_file import Exchange, dumps, loads

CHUNKS = ['{"choices":[{"delta":{"content":"Olá"}}]}', '{"choices": []}']
STREAM = "".join(f"data: {chunk}\n\n" for chunk in [*CHUNKS, "[DONE]"])
STEPS = (Event(CHUNKS[0]), Event(CHUNKS[1]), sse.DONE)
SSE_TYPE = ("content-type", "text/event-stream; charset=utf-8")
CHUNKED = ("Transfer-Encoding", "chunked")
PAYLOAD = {"model": "m", "stream": True}
URL = "https://api.example.org/v1/chat/completions"


def import_content(tmp_path: Path, name: str, content: str | bytes) -> list[Exchange]:
    """Import a file with this content; check that a stream file keeps the exchanges."""
    file = tmp_path / name
    file.write_bytes(content.encode() if isinstance(content, str) else content)
    exchanges = import_file(file)
    for exchange in exchanges:
        assert loads(dumps(exchange.script, exchange.about)) == [exchange]
    return exchanges


def one(tmp_path: Path, name: str, content: str | bytes) -> Exchange:
    (exchange,) = import_content(tmp_path, name, content)
    return exchange


def body_of(exchange: Exchange) -> bytes:
    return sse.body(exchange.script.steps)


def import_error(tmp_path: Path, name: str, content: str | bytes) -> str:
    """Return the error for a file that cannot be imported, without the file's name."""
    with pytest.raises(StreamFileError) as error:
        import_content(tmp_path, name, content)
    start = str(tmp_path / name)
    assert str(error.value).startswith(start)
    assert "\n" not in str(error.value)
    return str(error.value)[len(start) :].lstrip(": ")


def vcr(string: Any, headers: Any = None, **response: Any) -> dict[str, Any]:
    """Build a cassette of vcrpy with one interaction."""
    vcr_response = {
        "body": {"string": string},
        "headers": {SSE_TYPE[0]: [SSE_TYPE[1]]} if headers is None else headers,
        "status": {"code": 200, "message": "OK"},
        **response,
    }
    request = {
        "body": json.dumps(PAYLOAD),
        "headers": {"Content-Type": ["application/json"], "X-Two": ["a", "b"]},
        "method": "POST",
        "uri": URL,
    }
    return {"interactions": [{"request": request, "response": vcr_response}], "version": 1}


def as_yaml(document: Any) -> str:
    return yaml.dump(document)


def har(content: dict[str, Any], headers: dict[str, str] | None = None, **more: Any) -> str:
    """Build a HAR with one entry."""
    header_list = [{"name": k, "value": v} for k, v in (headers or dict([SSE_TYPE])).items()]
    request = {
        "method": "POST",
        "url": URL,
        "headers": [],
        "postData": {"text": json.dumps(PAYLOAD)},
    }
    response = {"status": 200, "headers": header_list, "content": content, **more}
    return json.dumps(
        {"log": {"version": "1.2", "entries": [{"request": request, "response": response}]}}
    )


def use_alias(use: str) -> str:
    """Build YAML with an alias that stands for 9**8 strings."""
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 8)]
    return "\n".join([*lines, use])


# vcrpy


def test_a_cassette_of_vcrpy(tmp_path: Path) -> None:
    exchange = one(tmp_path, "hello.yaml", as_yaml(vcr(STREAM)))
    assert exchange.script == Script(Head(200, (SSE_TYPE, CHUNKED)), STEPS)
    assert exchange.about == {
        "name": "hello",
        "description": "imported from vcrpy cassette",
        "request": {
            "method": "POST",
            "url": URL,
            "headers": [["Content-Type", "application/json"], ["X-Two", "a"], ["X-Two", "b"]],
            "json": PAYLOAD,
        },
    }


@pytest.mark.parametrize(
    ("name", "write"),
    [
        ("x.yaml", lambda document: as_yaml(document).encode()),
        ("x.yaml.gz", lambda document: gzip.compress(as_yaml(document).encode())),
        ("x.json", lambda document: json.dumps(document, indent=1).encode()),
        ("x", lambda document: as_yaml(document).encode()),
        ("x.json", lambda document: b"\xef\xbb\xbf" + json.dumps(document).encode()),
    ],
)
def test_serialisers_of_vcrpy_are_recognised_by_content(
    tmp_path: Path, name: str, write: Callable[[Any], bytes]
) -> None:
    exchange = one(tmp_path, name, write(vcr(STREAM)))
    assert exchange.script.steps == STEPS
    assert exchange.about["name"] == "x"


def test_further_interactions_are_numbered(tmp_path: Path) -> None:
    document = vcr(STREAM)
    document["interactions"] *= 3
    names = [e.about["name"] for e in import_content(tmp_path, "gpt-4.1.yaml", as_yaml(document))]
    assert names == ["gpt-4.1", "gpt-4.1-2", "gpt-4.1-3"]


@pytest.mark.parametrize("compress", [gzip.compress, zlib.compress])
@pytest.mark.parametrize("coding", ["gzip", "deflate", "br", None])
def test_a_compressed_body_is_recognised_by_its_first_bytes(
    tmp_path: Path, compress: Callable[[bytes], bytes], coding: str | None
) -> None:
    headers = dict([SSE_TYPE]) | ({"Content-Encoding": [coding]} if coding else {})
    body = compress(STREAM.encode())
    headers["content-length"] = [str(len(body))]
    exchange = one(tmp_path, "x.yaml", as_yaml(vcr(body, headers)))
    length = ("content-length", str(len(STREAM.encode())))
    assert exchange.script.steps == STEPS
    assert sorted(exchange.script.head.headers) == sorted([SSE_TYPE, length])


def test_a_head_that_claims_gzip_for_plain_text_is_corrected(tmp_path: Path) -> None:
    document = vcr(STREAM, {"Content-Encoding": ["gzip"], "X-A": "b"})
    exchange = one(tmp_path, "x.yaml", as_yaml(document))
    assert exchange.script == Script(Head(200, (("X-A", "b"), CHUNKED)), STEPS)


@pytest.mark.parametrize(
    ("coding", "body"),
    [
        ("gzip", gzip.compress(STREAM.encode(), mtime=0)[:-9]),
        ("br", b"\x8b\x02\x80data: x\n\n\xff"),
    ],
)
def test_a_body_that_cannot_be_decompressed_stays_unchanged(
    tmp_path: Path, coding: str, body: bytes
) -> None:
    headers = dict([SSE_TYPE]) | {"content-encoding": coding}
    exchange = one(tmp_path, "x.yaml", as_yaml(vcr(body, headers)))
    assert exchange.script.steps == (Raw(body),)
    assert exchange.script.head.header("content-encoding") == coding


def test_the_old_stub_of_httpx(tmp_path: Path) -> None:
    document = vcr(None)
    document["interactions"][0]["response"] = {
        "content": STREAM,
        "headers": dict([SSE_TYPE]),
        "http_version": "HTTP/1.1",
        "status_code": 201,
    }
    exchange = one(tmp_path, "x.yaml", as_yaml(document))
    assert exchange.script == Script(Head(201, (SSE_TYPE, CHUNKED)), STEPS)


PYDANTIC_AI = """\
interactions:
- request:
    headers:
      content-length: ['148']
    method: POST
    parsed_body:
      model: o3-mini
      n: 1
      stream: true
      stop: null
      user: '1'
      version: 1.10
    uri: https://api.openai.com/v1/responses
  response:
    body:
      string: |+
        event: response.created
        data: {"type":"response.created"}

    headers:
      x-flag: [no]
      x-version: [1.10, 2024-13-45, 1_000, null]
      content-type:
      - text/event-stream
    status: {code: 200, message: OK}
- request:
    method: POST
    uri: u
  response:
    headers:
      content-type: application/json
      content-length: 1000
    parsed_body:
      id: abc
      choices: [{index: 0, logprobs: null, text: “é”}]
    status:
      code: 200
      message: OK
version: 1
"""


def test_the_variant_of_pydantic_ai(tmp_path: Path) -> None:
    stream, plain = import_content(tmp_path, "x.yaml", PYDANTIC_AI)
    assert stream.script.steps == (Event('{"type":"response.created"}', "response.created"),)
    payload = {
        "model": "o3-mini",
        "n": 1,
        "stream": True,
        "stop": None,
        "user": "1",
        "version": 1.1,
    }
    assert stream.about["request"]["json"] == payload
    body = json.dumps(
        {"id": "abc", "choices": [{"index": 0, "logprobs": None, "text": "“é”"}]}
    ).encode()
    assert plain.script.steps == (Raw(body),)
    assert plain.script.head.headers == (
        ("content-type", "application/json"),
        ("content-length", str(len(body))),
    )


def test_text_outside_json_keeps_its_spelling(tmp_path: Path) -> None:
    stream, _ = import_content(tmp_path, "x.yaml", PYDANTIC_AI)
    assert stream.script.head.headers == (
        ("x-flag", "no"),
        *(("x-version", value) for value in ("1.10", "2024-13-45", "1_000", "")),
        ("content-type", "text/event-stream"),
        CHUNKED,
    )


AIOHTTP = """\
interactions:
- request: {body: null, method: GET, uri: u, headers: {}}
  response:
    body: {string: !!binary aGk=}
    headers:
      ? !!python/object/apply:multidict._multidict.istr [Content-Type]
      : [text/plain]
      ? !!python/object/new:multidict._multidict.istr
      - X-Id
      : - &id !!binary YQ==
        - *id
    status: {code: 200, message: OK}
"""


def test_header_names_of_aiohttp_and_bytes_in_headers(tmp_path: Path) -> None:
    exchange = one(tmp_path, "x.yaml", AIOHTTP)
    assert exchange.script == Script(
        Head(
            200,
            (("Content-Type", "text/plain"), ("X-Id", "a"), ("X-Id", "a"), ("Content-Length", "2")),
        ),
        (Raw(b"hi"),),
    )


@pytest.mark.parametrize(
    "tag",
    [
        "python/object/apply:os.system [touch x]",
        "python/name:os.system ''",
        "python/object/new:yarl.URL [a]",
        "python/object/apply:multidict._multidict.istr [[a]]",
        "python/object/apply:multidict._multidict.istr {args: [a]}",
    ],
)
def test_no_other_python_tag_is_accepted(tmp_path: Path, tag: str) -> None:
    content = AIOHTTP.replace("aGk=", "aGk=}, x: {y: !!" + tag)
    assert "it is not valid YAML, line 4" in import_error(tmp_path, "x.yaml", content)


# Any bytes

plain = st.binary(max_size=40) | st.text(max_size=40).map(str.encode)
streams = st.lists(
    st.sampled_from(
        [b"data: a\n", b"\n", b"\r\n", b"\r", b": x\n\n", b"event: \xc3\xa9\n", b"\xff"]
    )
).map(b"".join)
bodies = st.one_of(plain, streams)


def decode_if_text(body: bytes) -> str | bytes:
    try:
        return body.decode()
    except UnicodeDecodeError:
        return body


WRITERS: dict[str, Callable[[bytes], str]] = {
    "vcrpy text or !!binary": lambda b: as_yaml(vcr(decode_if_text(b))),
    "vcrpy !!binary": lambda b: as_yaml(vcr(b)),
    "vcrpy gzip": lambda b: as_yaml(vcr(gzip.compress(b, mtime=0))),
    "vcrpy literal text": lambda b: yaml.dump(
        # A block of YAML 1.1 cannot contain a NEL: it is a line end and is read as LF.
        vcr(decode_if_text(b)), default_style="|", allow_unicode=b"\x85" not in b
    ),
    "vcrpy JSON": lambda b: json.dumps(
        vcr("", body={"base64_string": base64.b64encode(b).decode()})
    ),
    "HAR base64": lambda b: har({"text": base64.b64encode(b).decode(), "encoding": "base64"}),
    "Polly.js base64": lambda b: har(
        {"text": json.dumps([base64.b64encode(p).decode() for p in (b[:3], b[3:])]),
         "encoding": "base64", "_isBinary": True}
    ),
    "Polly.js hex": lambda b: har(
        {"text": json.dumps([p.hex() for p in (b[:3], b[3:])]), "_isBinary": True}
    ),
}  # fmt: skip


@pytest.mark.parametrize("writer", WRITERS)
@given(body=bodies)
@example(body=b"")
@example(body=b"x^ is how zlib starts, too")
@example(body=b"\x1f\x8b\x08 is how gzip does")
@example(body="data: \u2028\x85\ufeff\n\n".encode())
@example(body=b"data: a\r\n\r\ndata: b")
def test_any_body_survives(writer: str, body: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        exchange = one(Path(folder), "x", WRITERS[writer](body))
    assert body_of(exchange) == body
    assert exchange.script.head.headers == (SSE_TYPE, CHUNKED)


@given(text=st.text(max_size=60))
def test_any_text_of_a_har_survives(text: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        exchange = one(Path(folder), "x.har", har({"text": text}, {"Content-Type": "text/plain"}))
    assert body_of(exchange) == text.encode()
    if not exchange.script.events:
        length = ("Content-Length", str(len(text.encode())))
        assert exchange.script.head.headers in (
            (("Content-Type", "text/plain"), length),
            (("Content-Type", "text/plain"), CHUNKED),
        )


# The other tools

GO_VCR = """\
---
version: 2
interactions:
- id: 0
  request:
    proto: HTTP/1.1
    content_length: 225
    body: '{"model":"m","stream":true}'
    form: {api-version: [2025-01-01]}
    headers:
      Accept:
      - application/json
    url: https://api.example.org/v1/chat/completions
    method: POST
  response:
    proto: HTTP/2.0
    content_length: -1
    uncompressed: true
    body: |+
      data: {"choices":[{"delta":{"content":"Olá"}}]}

      data: {"choices": []}

      data: [DONE]

    headers:
      Content-Type:
      - text/event-stream; charset=utf-8
      X-A: [b, c]
    status: 200 OK
    code: 200
    duration: 2.557172792s
- id: 1
  request: {method: GET, url: u, body: "", headers: {}}
  response: {body: !!binary /w==, headers: {Content-Length: ["1"]}, code: 404, status: 404 x}
"""


def test_a_cassette_of_go_vcr(tmp_path: Path) -> None:
    stream, plain = import_content(tmp_path, "simple.yaml", GO_VCR)
    headers = (("Content-Type", SSE_TYPE[1]), ("X-A", "b"), ("X-A", "c"), CHUNKED)
    assert stream.script == Script(Head(200, headers), STEPS)
    assert stream.about == {
        "name": "simple",
        "description": "imported from go-vcr cassette",
        "request": {
            "method": "POST",
            "url": URL,
            "headers": [["Accept", "application/json"]],
            "json": PAYLOAD,
        },
    }
    assert plain.script == Script(Head(404, (("Content-Length", "1"),)), (Raw(b"\xff"),))
    assert plain.about["request"] == {"method": "GET", "url": "u", "headers": []}


RUBY_VCR = """\
---
http_interactions:
- request:
    method: post
    uri: https://api.example.org/v1/chat/completions
    body:
      encoding: UTF-8
      string: '{"model":"m",
        "stream":true}'
    headers:
      Accept-Encoding:
      - gzip;q=1.0,deflate;q=0.6,identity;q=0.3
  response:
    status:
      code: 200
      message: OK
    headers:
      Date:
      - Fri, 06 Feb 2026 19:39:14 GMT
      Content-Type:
      - text/event-stream; charset=utf-8
      Transfer-Encoding:
      - chunked
    body:
      encoding: ASCII-8BIT
      string: !binary |-
        BASE64
  recorded_at: Fri, 06 Feb 2026 19:39:15 GMT
- request: {method: get, uri: u, body: {encoding: US-ASCII, string: ''}, headers: {}}
  response:
    status: {code: 429, message: null}
    headers: {Content-Type: [text/plain]}
    body: {encoding: ISO-8859-1, string: "caf\\u00e9"}
- request: {method: get, uri: u, body: {encoding: US-ASCII, base64_string: ""}}
  response: {status: {code: 200}, headers: {}, body: {encoding: UTF-8, base64_string: "aGk=\\n"}}
recorded_with: VCR 6.4.0
"""


def test_a_cassette_of_ruby(tmp_path: Path) -> None:
    text = base64.b64encode(STREAM.encode()).decode()
    stream, latin, base64_exchange = import_content(
        tmp_path, "a.yml", RUBY_VCR.replace("BASE64", text[:40] + "\n        " + text[40:])
    )
    assert stream.script.steps == STEPS
    assert stream.script.head.headers == (
        ("Date", "Fri, 06 Feb 2026 19:39:14 GMT"),
        ("Content-Type", SSE_TYPE[1]),
        CHUNKED,
    )
    assert stream.about["description"] == "imported from Ruby VCR cassette"
    assert stream.about["request"]["method"] == "POST"
    assert stream.about["request"]["json"] == PAYLOAD
    assert latin.script == Script(
        Head(429, (("Content-Type", "text/plain"), ("Content-Length", "4"))), (Raw(b"caf\xe9"),)
    )
    assert body_of(base64_exchange) == b"hi"


def test_a_har_of_a_browser(tmp_path: Path) -> None:
    headers = {":status": "200", **dict([SSE_TYPE]), "content-encoding": "br", "set-cookie": "a\nb"}
    exchange = one(tmp_path, "x.har", har({"text": STREAM, "size": 1}, headers))
    cookies = (("set-cookie", "a"), ("set-cookie", "b"))
    assert exchange.script == Script(Head(200, (SSE_TYPE, *cookies, CHUNKED)), STEPS)
    assert exchange.about["description"] == "imported from HAR"
    assert exchange.about["request"]["json"] == PAYLOAD


@pytest.mark.parametrize("write", [lambda b: base64.b64encode(b).decode(), bytes.hex])
def test_a_compressed_har_of_polly(tmp_path: Path, write: Callable[[bytes], str]) -> None:
    body = gzip.compress(STREAM.encode(), mtime=0)
    pieces = [write(body[:10]), write(body[10:])]
    content = {"text": json.dumps(pieces), "encoding": "base64", "_isBinary": True}
    exchange = one(tmp_path, "recording.har", har(content, {"content-encoding": "gzip"}))
    assert exchange.script == Script(Head(200, (CHUNKED,)), STEPS)


def test_a_har_entry_without_a_response_is_skipped(tmp_path: Path) -> None:
    assert "this HAR contains no response" in import_error(tmp_path, "x.har", har({}, status=0))


@pytest.mark.parametrize("end", ["\n", "\r\n", "\n\n", ""])
def test_chunks_of_the_vercel_sdk(tmp_path: Path, end: str) -> None:
    exchange = one(tmp_path, "openai-text.1.chunks.txt", (end or "\n").join(CHUNKS) + end)
    assert exchange.script.steps == STEPS[:2]
    assert exchange.about == {
        "name": "openai-text.1",
        "description": "imported from Vercel AI SDK chunks: "
        "its payloads only, without an added [DONE]",
    }
    assert exchange.script.is_stream
    assert CHUNKED in exchange.script.head.headers


def test_chunks_of_the_responses_api_have_an_event_name(tmp_path: Path) -> None:
    lines = [
        '{"type":"response.created", "a":1.0}',
        '{"type":"keepalive","sequence_number":1}',
        '{"type":"error"}',
        '{"type":1}',
    ]
    exchange = one(tmp_path, "x.chunks.txt", "\n".join(lines))
    names = ["response.created", "keepalive", None, None]
    assert exchange.script.steps == tuple(map(Event, lines, names))


@pytest.mark.parametrize(
    ("line", "step"),
    [
        ('{"choices": [], "x": "\u2028"}', Event('{"choices": [], "x": "\u2028"}')),
        ('{"t": 1, "chunk": {"choices": [] , "n": 1.0}}', Event('{"choices": [] , "n": 1.0}')),
        ('{"data": {"type":"response.done"}}', Event('{"type":"response.done"}', "response.done")),
        ('{"event": "e", "data": {"a":1}}', Event('{"a":1}', "e")),
        ('{"data": "[DONE]"}', sse.DONE),
        ('{"data": "data: {}\\n\\n"}', Event("{}")),
        ('"data: {\\"a\\": 1}"', Event('{"a": 1}')),
        ('"event: e\\ndata: {}"', Event("{}", "e")),
        ('"data: x\\r\\n\\r\\n"', Raw(b"data: x\r\n\r\n")),
        ('"[DONE]"', sse.DONE),
        ("[DONE]", sse.DONE),
        ("data: [DONE]", sse.DONE),
        ('": ping"', Comment("ping")),
    ],
)
def test_lines_of_a_proxy(tmp_path: Path, line: str, step: Any) -> None:
    exchange = one(tmp_path, "log.jsonl", '{"choices":[]}\n\n' + line + "\n")
    assert exchange.script.steps == (Event('{"choices":[]}'), step)
    assert exchange.about["name"] == "log"


@pytest.mark.parametrize("first", ['"data: {}"', '{"chunk": {}}', '{"data":"data: {}"}'])
def test_lines_of_a_proxy_are_recognised_by_the_first_one(tmp_path: Path, first: str) -> None:
    assert one(tmp_path, "log", first).script.steps == (Event("{}"),)


@pytest.mark.parametrize(
    "body",
    [
        STREAM.encode(),
        b"\xef\xbb\xbfdata: a\r\n\r\n",
        b": ping\n\ndata: a\n\ndata: cut o",
        b"\nid: 1\nretry: 5\nevent: e\ndata: a\n\n",
        b"data: \xe2\x80\xa8\n\n",
    ],
)
@pytest.mark.parametrize("name", ["body.sse", "response_000.txt", "external.bin"])
def test_a_plain_body_of_a_stream(tmp_path: Path, body: bytes, name: str) -> None:
    exchange = one(tmp_path, name, body)
    assert body_of(exchange) == body
    assert exchange.about["description"] == "imported from event stream"
    assert "request" not in exchange.about
    assert exchange.script.is_stream


def test_a_file_named_as_a_stream_may_lack_a_complete_event(tmp_path: Path) -> None:
    assert body_of(one(tmp_path, "x.sse", b"data: cut o")) == b"data: cut o"


def test_a_stream_file_is_imported_unchanged(tmp_path: Path) -> None:
    script = Script(Head(200, (("A", "b"),), 0.5), (Event("a"), Pause(1.5), Raw(b"\xff")), "reset")
    about = {"name": "mine", "description": "kept"}
    content = dumps(script, about) * 2
    assert import_content(tmp_path, "other.txt", content) == [Exchange(script, about)] * 2


def document(body: str, **response: Any) -> str:
    request = {"method": "POST", "url": URL, "headers": [["a", "b"]], "json": None, "text": "hello"}
    response_part = {
        "status": 200,
        "headers": [],
        "body": body,
        "body_encoding": "utf-8",
        **response,
    }
    return json.dumps({"schema": 1, "api": "chat", "request": request, "response": response_part})


def test_a_document_of_a_recording(tmp_path: Path) -> None:
    exchange = one(tmp_path, "f2e7.json", document(STREAM))
    assert exchange.script == Script(Head(200, (CHUNKED,)), STEPS)
    assert exchange.about == {
        "name": "f2e7",
        "description": "imported from recording document",
        "request": {"method": "POST", "url": URL, "headers": [["a", "b"]], "text": "hello"},
    }


def test_a_document_with_bytes(tmp_path: Path) -> None:
    exchange = one(tmp_path, "x.json", document("//4=", body_encoding="base64"))
    assert exchange.script == Script(Head(200, (("Content-Length", "2"),)), (Raw(b"\xff\xfe"),))


# The head


@pytest.mark.parametrize(
    ("recorded_headers", "headers"),
    [
        ([], [("Content-Length", "2")]),
        ([("content-length", "2")], [("content-length", "2")]),
        ([("content-length", "7"), ("A", "b")], [("content-length", "2"), ("A", "b")]),
        ([("Content-Length", "2"), ("content-length", "9")], [("Content-Length", "2")]),
        ([("transfer-encoding", "Chunked")], [("transfer-encoding", "Chunked")]),
        ([("content-length", "2"), CHUNKED], [CHUNKED]),
        ([("transfer-encoding", "gzip, chunked")], [("Content-Length", "2")]),
        ([("Content-Encoding", "identity")], [("Content-Encoding", "identity"),
                                              ("Content-Length", "2")]),
        ([("X", "a"), ("x", "b"), ("X", "")], [("X", "a"), ("x", "b"), ("X", ""),
                                               ("Content-Length", "2")]),
    ],
)  # fmt: skip
def test_only_untrue_headers_are_changed(
    tmp_path: Path, recorded_headers: list[tuple[str, str]], headers: list[tuple[str, str]]
) -> None:
    exchange = one(tmp_path, "x.json", document("hi", headers=recorded_headers))
    assert exchange.script == Script(Head(200, tuple(headers)), (Raw(b"hi"),))


@pytest.mark.parametrize("status", [204, 304])
def test_a_response_without_a_body_gets_no_length(tmp_path: Path, status: int) -> None:
    exchange = one(tmp_path, "x.json", document("", status=status, headers=[["A", "b"]]))
    assert exchange.script == Script(Head(status, (("A", "b"),)), ())


def test_a_binary_request_is_imported(tmp_path: Path) -> None:
    cassette = vcr(STREAM)
    cassette["interactions"][0]["request"]["body"] = b"\xff\xfe"
    assert one(tmp_path, "x.yaml", as_yaml(cassette)).about["request"]["base64"] == "//4="


def test_a_compressed_request_is_imported_decompressed(tmp_path: Path) -> None:
    cassette = vcr(STREAM)
    cassette["interactions"][0]["request"]["body"] = gzip.compress(json.dumps(PAYLOAD).encode())
    assert one(tmp_path, "x.yaml", as_yaml(cassette)).about["request"]["json"] == PAYLOAD


# Errors

DEEP = 100_000


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("x", b"", "it is empty"),
        ("x", b" \n\r\n", "it is empty"),
        ("x.gz", gzip.compress(b"", mtime=0), "it is empty"),
        ("x", b"\xef\xbb\xbf\n", "it is empty"),
        ("x", b"\x1c", "its format is unknown"),
        (
            "x.gz",
            gzip.compress(b"data: a\n\n", mtime=0)[:-5],
            "its gzip compression is broken or cut off",
        ),
        ("x.yaml", b"\xff\xfea\0", "it is not UTF-8 text: "),
        ("x.yaml", b"interactions: [", "it is not valid YAML, line "),
        ("x.yaml", b"interactions: a: b", "it is not valid YAML, line 1"),
        ("x.yaml", b"interactions:\n- \x07", "it is not valid YAML: "),
        ("x.yaml", b"interactions: !!map foo", "it is not valid YAML"),
        ("x.yaml", b"interactions: !!timestamp foo", "it is not valid YAML"),
        ("x.yaml", b"interactions: !!int ''", "it is not valid YAML"),
        ("x.yaml", b"interactions: !!bool foo", "it is not valid YAML"),
        ("x.yaml", b"interactions: !binary '#'", "does not have the expected shape"),
        ("x.yaml", b"interactions: " + b"[" * 300, "it is nested too deeply"),
        ("x.yaml", b"interactions: " + b"[" * DEEP, ""),  # PyYAML may have a limit too
        ("x.yaml", b"interactions: " + b"- " * DEEP, "line 1"),
        ("x.yaml", b"interactions:\n" + b"- " * 300, "it is nested too deeply"),
        ("x.yaml", b"interactions:\n" + b"- " * DEEP, ""),
        ("x.yaml", b"interactions: &a [*a]", "the alias *a contains itself, line 1"),
        ("x.yaml", use_alias("interactions: [{request: {headers: *a7}}]"), "its aliases stand for"),
        ("x.yaml", use_alias("interactions: [{response: {parsed_body: *a7}}]"), "its aliases"),
        ("x.yaml", use_alias("interactions: [{<<: *a7}]"), "stand for more than 16 MiB"),
        ("x.yaml", b"interactions: []", "this vcrpy cassette contains no response"),
        ("x.yaml", b"interactions: [{request: {method: a, uri: b}}]", "`$.interactions[0]`"),
        ("x.json", b"[" * DEEP, "it is nested too deeply"),
        ("x.json", b'{"log": ', "it is not JSON: "),
        ("x.json", b'{\n"log": {\n}', "it is not JSON: "),
        ("x.har", b'{"log": {"entries": [{}]}}', "a HAR, but it does not have the expected"),
        ("x.json", document("!", body_encoding="base64"), "a body is not valid base64"),
        ("x.json", document("!", body_encoding="hex"), "must be utf-8 or base64, not 'hex'"),
        ("x.json", document("", status=0), "0 is not an HTTP status"),
        ("x.json", document("").replace('"schema": 1', '"schema": 2'), "its schema is version 2"),
        ("x.har", har({"text": "[1]", "encoding": "base64"}), "not a list of base64 pieces"),
        ("x.har", har({"text": "[", "encoding": "base64"}), "not a list of base64 pieces"),
        ("x.yaml", as_yaml(vcr(["a"])), "a body must be text or bytes, not list"),
        ("x.yaml", as_yaml(vcr("", 3)), "headers must be pairs of names and values, not 3"),
        ("x.yaml", as_yaml(vcr("", status=None)), f"the response to POST {URL} has no status"),
        ("x.yaml", as_yaml(vcr("", parsed_body={"a": b"b"})), "a parsed_body cannot be encoded"),
        ("x.yaml", b"interactions:\n- request: {method: a, uri: b, parsed_body: &a {b: *a}}\n"
         b"  response: {status: {code: 200}}", "the alias *a contains itself, line 2"),
        ("x.json", document("", headers=[[1], 2]), "it does not have the expected shape: "),
        ("x.har", har({"text": ""}).replace('"headers": []', '"headers": [[1], 2]'), "be pairs"),
        ("x.har", '{"log": ' + "[" * 900 + "]" * 900 + "}", "it is nested too deeply"),
        ("x.jsonl", '{"mockserver": 1, "request": {"headers": [[1], 2]}}', "1: request.headers"),
        ("x.jsonl", '{"mockserver": 1, "request": {"headers": {"ab": 1}}}', "1: request.headers"),
        ("x.jsonl", '{"mockserver": 1, "request": {"json": ' + "[" * DEEP, "1: it is nested"),
        ("x.jsonl", '{"choices": ' + "[" * DEEP, "it is nested too deeply"),
        ("x.jsonl", b'{"mockserver": 1}\n{"jsn": 1}\n', "`jsn`"),
        ("x.har", har({"size": 0, "mimeType": "text/event-stream"}), "it lacks the body of "),
        ("x.yaml", b"interactions: []\n---\nfoo: 1", "its YAML documents are not cassettes of the"),
        ("x.sse", b"HTTP/2 200\ncontent-type: a", "curl -i prints it, but its head does not end"),
        ("x.sse", b"HTTP/2 99\n\n", "99 is not an HTTP status"),
        ("x.json", b'[{"choices":\r[]}]', "entry 1 is invalid: an event's data cannot hold a CR"),
        ("x.jsonl", b'{"choices":[]}\n\n{"cho', "line 3 is invalid"),
        ("x.jsonl", b'{"choices":[]}\n7\n', "line 2 is invalid: not a chunk: 7"),
        ("x.jsonl", b'{"chunk":null}\n', "line 1 is invalid: not a chunk: null"),
        ("x.jsonl", b'{"choices":\r[]}\n', "line 1 is invalid: an event's data cannot hold a CR"),
        ("x.jsonl", b'{"choices":[]}\n"' + b"\\ud800" + b'"\n', "line 2 is invalid"),
    ],
)  # fmt: skip
def test_an_error_is_one_sentence(
    tmp_path: Path, name: str, content: str | bytes, message: str
) -> None:
    assert message in import_error(tmp_path, name, content)


@pytest.mark.parametrize(
    "content",
    [
        "hello",
        "foo: bar\n",
        "# interactions\n",
        "[]",
        "[1]\n[2]\n",
        '{"a": 1}',
        '{"log": []}',
        '{"object":"chat.completion","choices":[]}',
        '"hello"',
        "data: cut o",
        "<html></html>",
    ],
)
def test_the_error_for_an_unknown_format_lists_the_supported_ones(
    tmp_path: Path, content: str
) -> None:
    message = import_error(tmp_path, "x.txt", content)
    assert message.startswith("its format is unknown; supported formats are stream file, ")
    assert all(form.name in message for form in FORMATS)


def test_the_error_for_an_unreadable_file_names_it(tmp_path: Path) -> None:
    for path in (tmp_path / "missing", tmp_path):
        with pytest.raises(StreamFileError) as error:
            import_file(str(path))
        assert str(error.value).startswith(f"{path}: it cannot be read: ")
    with pytest.raises(StreamFileError, match="it cannot be read: "):
        import_file("a\0b")


def test_several_yaml_documents_are_one_cassette(tmp_path: Path) -> None:
    documents = [as_yaml(vcr(f"data: {n}\n\n")) for n in range(3)]
    exchanges = import_content(tmp_path, "x.yaml", "---\n" + "---\n".join(documents) + "---\n")
    assert [body_of(exchange) for exchange in exchanges] == [b"data: %d\n\n" % n for n in range(3)]
    assert [exchange.about["name"] for exchange in exchanges] == ["x", "x-2", "x-3"]


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize(
    "before", ["", "HTTP/1.1 100 Continue{0}{0}", "HTTP/1.1 200 OK{0}a: b{0}{0}"]
)
def test_of_the_output_of_curl_the_last_response_is_imported(
    tmp_path: Path, end: str, before: str
) -> None:
    head = f"HTTP/2 429 {end}retry-after: 7{end}{': '.join(SSE_TYPE)}{end}{end}"
    exchange = one(tmp_path, "x.txt", before.format(end) + head + STREAM)
    pairs = (("retry-after", "7"), SSE_TYPE, CHUNKED)
    assert exchange.script == Script(Head(429, pairs), STEPS)


@pytest.mark.parametrize("indent", [None, 2])
def test_an_array_of_chunks(tmp_path: Path, indent: int | None) -> None:
    chunks = [{"choices": [{"delta": {"content": "a\nb"}}], "n": 1}, {"choices": []}]
    exchange = one(tmp_path, "x.json", json.dumps(chunks, indent=indent))
    assert [json.loads(event.data) for event in exchange.script.events] == chunks
    texts = one(
        tmp_path, "y.json", json.dumps([f"data: {chunk}" for chunk in CHUNKS], indent=indent)
    )
    assert texts.script.steps == STEPS[:2]


@pytest.mark.parametrize("end", ["", "\n"])
def test_a_single_line_of_data(tmp_path: Path, end: str) -> None:
    assert one(tmp_path, "x.txt", f"data: {CHUNKS[0]}{end}").script.steps == STEPS[:1]


def test_a_har_may_lack_bodies_that_are_no_answer_of_a_model(tmp_path: Path) -> None:
    picture = one(tmp_path, "x.har", har({"size": 9, "mimeType": "image/png"}, {"a": "b"}))
    assert body_of(picture) == b""
    bodiless = har({"size": 0, "mimeType": "application/json"}, {"content-length": "0"})
    assert body_of(one(tmp_path, "x.har", bodiless)) == b""


@pytest.mark.slow
@pytest.mark.parametrize("name", ["x", "x.sse.gz", "x.har", "x.yaml"])
def test_a_file_that_unpacks_to_a_gigabyte_is_refused_early(tmp_path: Path, name: str) -> None:
    packer = zlib.compressobj(9, wbits=31)
    block = b": ping\n\n" * 2**17
    bomb = b"".join(packer.compress(block) for _ in range(1024)) + packer.flush()
    content: str | bytes = bomb
    if name.endswith((".har", ".yaml")):
        har_content = {"text": base64.b64encode(bomb).decode(), "encoding": "base64"}
        content = har(har_content) if name == "x.har" else as_yaml(vcr(bomb))
    tracemalloc.start()
    try:
        message = import_error(tmp_path, name, content)
        _, peak_memory = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert "more than 128 MiB" in message
    assert peak_memory < 400 * 2**20


def test_all_bodies_of_a_file_share_one_limit_on_unpacking(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recording, "MOST_UNPACKED", 3000)
    cassette = vcr(gzip.compress(b"x" * 1000))
    assert len(import_content(tmp_path, "x.yaml", as_yaml(cassette))) == 1
    cassette["interactions"] *= 4
    assert "its compressed bodies unpack to more than" in import_error(
        tmp_path, "y.yaml", as_yaml(cassette)
    )


def test_an_endless_file_is_read_up_to_the_limit(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(bounded_input.read_file, "__defaults__", (2**20,))
    with pytest.raises(StreamFileError, match="/dev/zero: it is longer than 1 MiB"):
        import_file("/dev/zero")


@pytest.mark.parametrize("depth", [900, DEEP])
def test_a_request_nested_too_deeply_stays_text(tmp_path: Path, depth: int) -> None:
    text = "[" * depth + "]" * depth
    exchange = one(
        tmp_path,
        "x.har",
        har({"text": ""}).replace(json.dumps(json.dumps(PAYLOAD)), json.dumps(text)),
    )
    assert exchange.about["request"]["text"] == text
    assert "json" not in exchange.about["request"]


@pytest.mark.parametrize("digits", [19, 5000])
def test_a_retry_with_many_digits_stays_unchanged(tmp_path: Path, digits: int) -> None:
    body = f"retry: {'9' * digits}\ndata: {{}}\n\n".encode()
    exchange = one(tmp_path, "x.sse", body)
    assert body_of(exchange) == body
    assert sse.decode(body) == [Event("{}")]


starts = st.sampled_from(
    [b"", b"{", b"[", b'{"choices":[]}\n', b"interactions:\n", b"data:", b'{"mockserver":1}\n',
     b"http_interactions: [{", b'{"log":{"entries":[', b'{"interactions":[{"request":']
)  # fmt: skip


@given(starts, st.binary(max_size=60) | st.text(max_size=60).map(str.encode))
def test_no_exception_but_stream_file_error_is_raised(start: bytes, rest: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "x")
        file.write_bytes(start + rest)
        with suppress(StreamFileError):
            assert import_file(file)


# Real recordings


def complete_headers(headers: list[list[str]]) -> tuple[tuple[str, str], ...]:
    """Return the recorded headers, with framing if they have none; all are streams."""
    pairs = tuple((name, value) for name, value in headers)
    framing = {"content-length", "transfer-encoding"} & {name.lower() for name, _ in pairs}
    return pairs if framing else (*pairs, CHUNKED)


def test_every_recording_is_imported_unchanged(shared: Path) -> None:
    files = sorted((shared / "recordings").glob("*/*/*.json"))
    replies = 0
    for file in files:
        recording = json.loads(file.read_text())
        request, response = recording["request"], recording["response"]
        (exchange,) = import_file(file)
        script = exchange.script
        assert body_of(exchange) == response["body"].encode(), file.name
        assert script.head == Head(response["status"], complete_headers(response["headers"])), (
            file.name
        )
        assert loads(dumps(script, exchange.about)) == [exchange], file.name
        assert exchange.about["request"]["url"] == request["url"]
        assert exchange.about["request"].get("json") == request["json"]
        if recording["api"] == "chat":
            assert isinstance(chat.read(script), Reply), file.name
            replies += 1
    print(f"{len(files)} recordings, {replies} of them replies of chat")
    assert (len(files), replies) == (139, 90)
