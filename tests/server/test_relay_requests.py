"""The upstream gets what the client sent: targets, headers and bodies, byte for byte."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from openai_mockserver import MockOpenAI, MockServerError
from openai_mockserver.cassettes import load
from openai_mockserver.cassettes.cassette import Cassette
from openai_mockserver.upstream import Upstream

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"


class Listener:
    """An upstream that stores the bytes of each request, and always sends the same response."""

    def __init__(self) -> None:
        self.requests: list[tuple[bytes, bytes]] = []
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.origin = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            client, _ = self._socket.accept()
            with client, client.makefile("rb") as stream:
                lines: list[bytes] = []
                while (line := stream.readline()) not in (b"\r\n", b""):
                    lines.append(line)
                if not lines:  # only an empty line: stop
                    return
                lengths = [line for line in lines if line.lower().startswith(b"content-length")]
                size = int(lengths[0].split(b":")[1]) if lengths else 0
                self.requests.append((b"".join(lines), stream.read(size)))
                client.sendall(ANSWER)

    def stop(self) -> None:
        port = int(self.origin.rpartition(":")[2])
        with socket.create_connection(("127.0.0.1", port)) as last:
            last.sendall(b"\r\n")
        self._thread.join()
        self._socket.close()


@pytest.fixture
def upstream() -> Iterator[Listener]:
    listener = Listener()
    yield listener
    listener.stop()


@pytest.fixture
def recorder(upstream: Listener, tmp_path: Path) -> Iterator[MockOpenAI]:
    with MockOpenAI(upstream=f"{upstream.origin}/api", record=tmp_path / "cassettes") as mock:
        yield mock


def send(mock: MockOpenAI, target: bytes, headers: bytes = b"", body: bytes = b"") -> bytes:
    """Send these bytes over a socket, and return the response."""
    _, _, port = mock.start().url.rpartition(":")
    method = b"POST" if body else b"GET"
    with socket.create_connection(("127.0.0.1", int(port)), timeout=10) as client:
        client.sendall(
            b"%b %b HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n%bContent-Length: %d\r\n"
            b"\r\n%b" % (method, target, headers, len(body), body)
        )
        data = b""
        while read := client.recv(65536):
            data += read
    return data


TARGETS = [
    b"/v1/models/a%20b",
    b"/v1/models/%C3%A9",
    b"/v1/models/%c3%a9",
    b"/v1/models/%E9",
    b"/v1/models/%00",
    b"/v1/models/%0A%0d",
    b"/v1/models/a%3Fkey=1",
    b"/v1/models/a%23b/c",
    b"/v1/models/a%2Fb%25c",
    b"/v1/models/%6d%6F",
    b"/v1//models///",
    b"/v1/../v1/./models",
    b"/v1/models?",
    b"/v1/models?a=%20&b=+&a=%C3%A9&&",
    b"/v1/models?a=b?c",
    b"/v1/models;v=1,2!$'()*~@:[]|^`{}\"<>\\",
    b"/v1/models#part",
]


@pytest.mark.parametrize("target", TARGETS)
def test_targets_are_forwarded_byte_for_byte(
    upstream: Listener, recorder: MockOpenAI, target: bytes, tmp_path: Path
) -> None:
    assert send(recorder, target).endswith(b"{}")
    (head, _) = upstream.requests[0]
    assert head.split(b" ")[1] == b"/api" + target.removeprefix(b"/v1")
    assert recorder.calls[0].ended == "finished"
    assert recorder.calls[0].target.encode("latin-1") == target
    (file,) = (tmp_path / "cassettes").iterdir()
    (exchange,) = load(file)
    assert exchange.about["request"]["url"].encode("latin-1") == target
    if b"#" in target:
        return  # clients do not send fragments
    with MockOpenAI(cassette=Cassette(file)) as replay:
        assert send(replay, target).endswith(b"{}"), "and its recording answers it"


@pytest.mark.parametrize("target", TARGETS)
def test_a_mock_answers_any_target_with_an_error_in_openais_shape(target: bytes) -> None:
    with MockOpenAI(fail_on_unmatched=False) as mock:
        head, _, body = send(mock, target.replace(b"models", b"nothing")).partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 404 ")
        assert "Invalid URL" in json.loads(body)["error"]["message"]
        assert mock.calls[0].ended == "finished"


@pytest.mark.parametrize(
    ("base", "target", "there"),
    [
        ("http://a", "/v1/models", "/v1/models"),
        ("http://a/", "/v1/models", "/v1/models"),
        ("http://a/v1/", "/v1/models", "/v1/models"),
        ("http://a/api/v1", "/v1/models", "/api/v1/models"),
        ("http://a/api", "/v1", "/api"),
        ("http://a/api", "/v1?x", "/api?x"),
        ("http://a/api", "/v1beta/models", "/api/v1beta/models"),
        ("http://a/api", "/models", "/api/models"),
        ("http://a/%C3%A9", "/v1/%20", "/%C3%A9/%20"),
        ("http://a", "/v1?x", "/v1?x"),
    ],
)
def test_the_base_path_replaces_v1(base: str, target: str, there: str) -> None:
    assert Upstream(base).target(target) == there


def test_headers_are_forwarded_byte_for_byte(upstream: Listener, recorder: MockOpenAI) -> None:
    header_lines = (
        b"x-name: J\xf6rg \xe2\x82\xac\r\nx-empty:\r\nx-two: a\r\nx-two: b\r\nx-tail: a  b \r\n"
    )
    assert send(recorder, b"/v1/models", header_lines + b"x-mine: 1\r\n").endswith(b"{}")
    lines = upstream.requests[0][0].split(b"\r\n")
    assert b"x-name: J\xf6rg \xe2\x82\xac" in lines
    assert b"x-empty: " in lines
    assert [line for line in lines if line.startswith(b"x-two")] == [b"x-two: a", b"x-two: b"]
    assert [line.rstrip() for line in lines if line.startswith(b"x-tail")] == [b"x-tail: a  b"]
    assert [line for line in lines if line.startswith(b"Host")] == [
        b"Host: " + upstream.origin.removeprefix("http://").encode()
    ]


def test_hop_by_hop_headers_are_not_forwarded(upstream: Listener, recorder: MockOpenAI) -> None:
    """RFC 9110 §7.6.1: nor are headers that ``Connection`` names."""
    headers = b"Connection: x-hop, close\r\nx-hop: 1\r\nKeep-Alive: 5\r\nx-kept: 1\r\n"
    assert send(recorder, b"/v1/models", headers).endswith(b"{}")
    head = upstream.requests[0][0].lower()
    assert b"x-kept: 1" in head
    assert b"x-hop" not in head
    assert b"keep-alive" not in head


def make_nested_json(depth: int) -> bytes:
    return b'{"model":"m","messages":' + b"[" * depth + b"]" * depth + b"}"


@pytest.mark.parametrize(
    "body",
    [
        make_nested_json(500),
        make_nested_json(900),
        make_nested_json(100_000),
        b"\xff\0",
        b'{"model":1,"messages":"\xff"}',
        b"[1]",
    ],
    ids=["500", "900", "100000", "bytes", "not UTF-8", "list"],
)
def test_bodies_are_forwarded_byte_for_byte(
    upstream: Listener, recorder: MockOpenAI, body: bytes, tmp_path: Path
) -> None:
    headers = b"Content-Type: application/json\r\n"
    assert send(recorder, b"/v1/chat/completions", headers, body).endswith(b"{}")
    assert upstream.requests[0][1] == body
    assert recorder.calls[0].ended == "finished"
    assert len(list((tmp_path / "cassettes").iterdir())) == 1


WRONG: list[tuple[Any, str]] = [
    ("http://a:99999999", "its port is not a number from 1 to 65535"),
    ("http://a:0", "its port is not a number"),
    ("http://a:b/v1", "its port is not a number"),
    ("http://[::1", "its host is neither a name nor an address"),
    ("http://[::g]/v1", "its host is neither"),
    ("http://", "its host is neither"),
    ("http:///v1", "its host is neither"),
    ("http://a..b/v1", "its host is neither"),
    ("http://" + "a" * 64 + "/v1", "its host is neither"),
    ("http://a b/v1", "it contains ' '"),
    ("http://a/v1\n", r"it contains '\\n'"),
    ("http://a/\tv1", r"it contains '\\t'"),
    ("http://a/v1?key=1", "it has a query or a fragment"),
    ("http://a/v1#x", "it has a query or a fragment"),
    ("http://a/é", "its path must be percent-encoded"),
    ("ftp://a/v1", "must be an http:// or https:// URL"),
    ("http:a", "must be an http:// or https:// URL"),
    (b"http://a", "must be an http:// or https:// URL"),
]


@pytest.mark.parametrize(("url", "message"), WRONG, ids=lambda value: repr(value)[:40])
def test_an_invalid_upstream_is_refused(url: Any, message: str) -> None:
    with pytest.raises(MockServerError, match=message):
        MockOpenAI(upstream=url)


@pytest.mark.parametrize("url", ["http://ann:canary@a:99999999", "http://ann:canary@[::1/v1"])
def test_an_invalid_upstream_is_reported_without_its_password(url: str) -> None:
    with pytest.raises(MockServerError, match="must not contain credentials") as error:
        MockOpenAI(upstream=url)
    assert "canary" not in str(error.value)


@pytest.mark.parametrize(
    ("url", "authority"),
    [
        ("http://[::1]:8080/v1", "[::1]:8080"),
        ("https://my_host/v1", "my_host"),
        ("http://bücher.example:81/v1", "xn--bcher-kva.example:81"),
    ],
)
def test_host_names_are_converted_to_ascii(url: str, authority: str) -> None:
    assert Upstream(url).authority == authority


def test_an_invalid_proxy_is_reported_without_its_password(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("http_proxy", "http://ann:canary@127.0.0.1:99999999")
    with MockOpenAI(upstream="http://far.away.invalid/v1", fail_on_unmatched=False) as mock:
        answer = send(mock, b"/v1/models")
        assert answer.startswith(b"HTTP/1.1 502 ")
        assert b"the environment variable http_proxy is not a valid URL" in answer
        assert b"canary" not in answer
