"""The faults that only a WebSocket can have, as real clients see them."""

from __future__ import annotations

import json
import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx2
import openai
import pytest
from websockets.exceptions import ConnectionClosed, ConnectionClosedError
from websockets.sync.client import connect
from websockets.sync.connection import Connection

from openai_mockserver import FaultError, MockOpenAI
from openai_mockserver.faults import (
    insert,
    websocket_binary,
    websocket_close,
    websocket_fragments,
    websocket_invalid_utf8,
    websocket_mute,
    websocket_padding,
)

CREATE = json.dumps({"type": "response.create", "model": "gpt-4o", "input": "Hi"})
SAFE_CODES = [1000, 1001, 1008, 1011, 1013, 4000]


@pytest.fixture
def mock() -> Iterator[MockOpenAI]:
    with MockOpenAI() as mock:
        yield mock


@contextmanager
def ask(mock: MockOpenAI, fault: Any, **members: Any) -> Iterator[Connection]:
    """Connect, and create a response that has a fault."""
    mock.reply("Grüße aus der Küche", faults=[fault])
    url = mock.base_url.replace("http", "ws", 1) + "/responses"
    with connect(url, proxy=None, close_timeout=0.5) as raw:
        raw.send(json.dumps(json.loads(CREATE) | members))
        yield raw


def read_types(raw: Connection, count: int) -> list[str]:
    return [json.loads(raw.recv(timeout=10))["type"] for _ in range(count)]


@pytest.mark.parametrize("code", SAFE_CODES)
def test_the_server_closes_with_a_code_after_exactly_three(mock: MockOpenAI, code: int) -> None:
    with ask(mock, websocket_close(after=3, code=code, reason="Bye")) as raw:
        assert read_types(raw, 3)[0] == "response.created"
        with pytest.raises(ConnectionClosed) as error_info:
            raw.recv(timeout=10)
    assert error_info.value.rcvd is not None
    assert (error_info.value.rcvd.code, error_info.value.rcvd.reason) == (code, "Bye")
    assert mock.calls[1].ended == "truncated"
    assert mock.calls[1].delivered.events == 3


@pytest.mark.parametrize("code", [0, 999, 1005, 1015, 2000, 65535])
def test_a_code_that_is_not_allowed_is_sent_too(mock: MockOpenAI, code: int) -> None:
    with ask(mock, websocket_close(after=1, code=code)) as raw:
        read_types(raw, 1)
        with pytest.raises(ConnectionClosedError) as error_info:
            raw.recv(timeout=10)
    assert error_info.value.rcvd is None
    assert error_info.value.sent is not None
    assert error_info.value.sent.code == 1002  # the client reports a protocol error


def test_the_sdk_reports_the_code(mock: MockOpenAI) -> None:
    mock.reply("Hello", faults=[websocket_close(after=2, code=1013, reason="Try again later")])
    client = openai.OpenAI(base_url=mock.base_url, api_key="key")
    with client, client.responses.connect() as connection:
        connection.response.create(model="gpt-4o", input="Hi")
        types = []
        with pytest.raises(ConnectionClosedError, match=r"1013 .*Try again later"):
            while True:
                types.append(connection.recv().type)
    assert types == ["response.created", "response.in_progress"]


@pytest.mark.parametrize("parts", [2, 3, 500])
def test_fragments_may_split_characters(mock: MockOpenAI, parts: int) -> None:
    with ask(mock, websocket_fragments(at=-1, parts=parts)) as raw:
        while (event := json.loads(raw.recv(timeout=10)))["type"] != "response.completed":
            pass
    assert event["response"]["output"][0]["content"][0]["text"] == "Grüße aus der Küche"


def test_fragments_are_seen_as_such(mock: MockOpenAI) -> None:
    with ask(mock, websocket_fragments(at=0, parts=4)) as raw:
        assert len(list(raw.recv_streaming())) == 4
        assert len(list(raw.recv_streaming())) == 1


def test_a_binary_frame_has_the_same_bytes(mock: MockOpenAI) -> None:
    with ask(mock, websocket_binary(at=1)) as raw:
        assert isinstance(raw.recv(timeout=10), str)
        message = raw.recv(timeout=10)
        assert isinstance(message, bytes)
        assert json.loads(message)["type"] == "response.in_progress"
        assert isinstance(raw.recv(timeout=10), str)


def test_invalid_utf8_makes_the_client_close(mock: MockOpenAI) -> None:
    with ask(mock, websocket_invalid_utf8(at=1)) as raw:
        read_types(raw, 1)
        with pytest.raises(ConnectionClosedError) as error_info:
            raw.recv(timeout=10)
    assert error_info.value.sent is not None
    assert error_info.value.sent.code == 1007


def test_a_padded_frame_is_over_the_limit_of_the_client(mock: MockOpenAI) -> None:
    with ask(mock, websocket_padding(at=1)) as raw:
        read_types(raw, 1)
        with pytest.raises(ConnectionClosedError) as error_info:
            raw.recv(timeout=10)
    assert error_info.value.sent is not None
    assert error_info.value.sent.code == 1009


def test_a_frame_within_the_limit_is_valid_json(mock: MockOpenAI) -> None:
    with ask(mock, websocket_padding(at=0, size=70_000)) as raw:
        message = raw.recv(timeout=10)
        assert len(message.encode() if isinstance(message, str) else message) == 70_000
        assert json.loads(message)["type"] == "response.created"


def test_a_muted_server_goes_on_but_answers_no_ping(mock: MockOpenAI) -> None:
    with ask(mock, websocket_mute(after=1)) as raw:
        read_types(raw, 1)
        pong = raw.ping()
        while json.loads(raw.recv(timeout=10))["type"] != "response.completed":
            pass
        # What a client sends is answered in order: after this response no pong can follow.
        raw.send(CREATE)
        while json.loads(raw.recv(timeout=10))["type"] != "response.completed":
            pass
        assert not pong.is_set()


def test_a_lane_has_the_fault_and_its_name(mock: MockOpenAI) -> None:
    with ask(mock, websocket_binary(at=0), stream_id="a") as raw:
        assert json.loads(raw.recv(timeout=10))["stream_id"] == "a"


def test_an_unknown_event_arrives(mock: MockOpenAI) -> None:
    with ask(mock, insert('data: {"type":"response.surprise"}\n\n', at=1)) as raw:
        assert read_types(raw, 2) == ["response.created", "response.surprise"]


def test_frames_are_as_the_standard_says(mock: MockOpenAI) -> None:
    """A bare socket, so that no library hides what arrives (RFC 6455 §5.2)."""
    mock.reply("Hi", faults=[websocket_close(after=0, code=1005, reason="x" * 123)])
    url = httpx2.URL(mock.base_url)
    with socket.create_connection((url.host, url.port or 80), timeout=10) as raw:
        raw.sendall(
            b"GET /v1/responses HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n"
            b"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
            b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        )
        stream = raw.makefile("rb")
        while stream.readline() != b"\r\n":
            pass
        data = CREATE.encode()
        raw.sendall(b"\x81" + bytes([0x80 | len(data)]) + bytes(4) + data)
        frame = stream.read()
    assert frame == b"\x88\x7d" + struct.pack("!H", 1005) + b"x" * 123


def test_a_realtime_response_has_them_too(mock: MockOpenAI) -> None:
    mock.reply("Hello", faults=[websocket_binary(at=1), websocket_close(after=3, code=1013)])
    url = mock.base_url.replace("http", "ws", 1) + "/realtime?model=gpt-realtime"
    with connect(url, proxy=None) as raw:
        assert json.loads(raw.recv(timeout=10))["type"] == "session.created"
        raw.send('{"type":"response.create"}')
        messages = []
        with pytest.raises(ConnectionClosedError, match="1013"):
            while True:
                messages.append(raw.recv(timeout=10))
    assert [type(message) for message in messages] == [str, bytes, str]
    assert json.loads(messages[0])["type"] == "response.created"


# Errors


def test_over_http_it_never_happens(mock: MockOpenAI) -> None:
    mock.reply("Hi", faults=[websocket_binary(at=0)])
    body = {"model": "m", "input": "Hi", "stream": True}
    response = httpx2.post(mock.base_url + "/responses", json=body)
    assert response.status_code == 400
    assert (
        "websocket_binary(at=0) never happens: the response is not sent over a WebSocket"
        in (response.json()["error"]["message"])
    )
    mock.problems.clear()


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ({"code": 1006}, "use truncate"),
        ({"code": 70000}, "from 0 to 65535"),
        ({"code": True}, "from 0 to 65535"),
        ({"reason": "ü" * 62}, "at most 123 bytes"),
    ],
)
def test_a_close_that_cannot_be_is_an_error(arguments: dict[str, Any], problem: str) -> None:
    with pytest.raises(FaultError, match=problem):
        websocket_close(**arguments)


@pytest.mark.parametrize("parts", [1, True, "2"])
def test_a_message_in_one_part_is_no_fault(parts: Any) -> None:
    with pytest.raises(FaultError, match="2 or more"):
        websocket_fragments(parts=parts)
