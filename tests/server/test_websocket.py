"""WebSockets over real sockets: the SDK's connection to the Responses API, and a raw client."""

from __future__ import annotations

import gc
import json
import socket
import ssl
import struct
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event
from typing import Any

import httpx2
import openai
import pytest
from uvicorn.protocols.http.h11_impl import H11Protocol
from websockets.asyncio.client import connect as connect_async
from websockets.exceptions import ConnectionClosed, ConnectionClosedError, InvalidStatus
from websockets.sync.client import connect
from websockets.sync.connection import Connection

from openai_mockserver import ApiError, MockOpenAI, Pace, Reply, Request
from openai_mockserver.faults import reset, stall, truncate
from openai_mockserver.server import protocol
from openai_mockserver.sessions import responses
from openai_mockserver.sessions.responses import ResponsesSession

PATH = "/v1/responses"


@pytest.fixture(params=["httptools", "h11"])
def http_protocol(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Use each of uvicorn's parsers."""
    if request.param == "h11":
        monkeypatch.setattr(protocol, "_http_protocol", lambda: H11Protocol)


@pytest.fixture
def mock() -> Iterator[MockOpenAI]:
    with MockOpenAI() as mock:
        mock.reply("Hello, world")
        yield mock


@pytest.fixture
def client(mock: MockOpenAI) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=mock.base_url, api_key="key") as client:
        yield client


def find_url(mock: MockOpenAI) -> str:
    return mock.base_url.replace("http", "ws", 1) + "/responses"


@contextmanager
def open_raw(mock: MockOpenAI, **headers: str) -> Iterator[Connection]:
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    with connect(find_url(mock), additional_headers=names, proxy=None) as raw:
        yield raw


def create(raw: Connection, text: str = "Hi", **members: Any) -> None:
    event = {"type": "response.create", "model": "gpt-4o", "input": text, **members}
    raw.send(json.dumps(event))


def read(raw: Connection) -> dict[str, Any]:
    message: dict[str, Any] = json.loads(raw.recv(timeout=10))
    return message


def read_until(raw: Connection, *types: str) -> list[dict[str, Any]]:
    messages = [read(raw)]
    while messages[-1]["type"] not in types:
        messages.append(read(raw))
    return messages


# The SDK


@pytest.mark.usefixtures("http_protocol")
def test_the_sdk_gets_a_response(mock: MockOpenAI, client: openai.OpenAI) -> None:
    with client.responses.connect() as connection:
        connection.response.create(model="gpt-4o", input="Hi", stream_id="main")
        events = []
        for event in connection:
            events.append(event)
            if event.type == "response.completed":
                break
    assert "".join(e.delta for e in events if e.type == "response.output_text.delta") == (
        "Hello, world"
    )
    assert {event.stream_id for event in events} == {"main"}
    last = events[-1]
    assert last.type == "response.completed"
    assert last.response.output_text == "Hello, world"
    opening, turn = mock.calls
    assert (opening.method, opening.path, opening.status) == ("GET", PATH, 101)
    assert (turn.method, turn.path, turn.status, turn.user) == ("POST", PATH, 200, "Hi")
    assert turn.headers["authorization"] == "Bearer key"
    assert turn.connection == opening.connection
    assert (opening.nth, turn.nth) == (1, 2)
    assert [opening.ended, turn.ended] == ["finished", "finished"]
    assert turn.delivered.events == len(events) == len(turn.times)


def test_the_sdk_continues_an_unstored_response(mock: MockOpenAI, client: openai.OpenAI) -> None:
    with client.responses.connect() as connection:
        connection.response.create(model="gpt-4o", input="One", store=False)
        first = next(e for e in connection if e.type == "response.completed").response
        connection.response.create(
            model="gpt-4o", input="Two", store=False, previous_response_id=first.id
        )
        next(e for e in connection if e.type == "response.completed")
    with client.responses.connect() as connection:
        connection.response.create(model="gpt-4o", input="Three", previous_response_id=first.id)
        error = connection.recv()
    assert len(mock.calls[2].messages) == 3
    assert error.type == "error"
    assert error.status == 400
    assert error.error.code == "previous_response_not_found"


async def test_the_async_sdk_gets_a_response(mock: MockOpenAI) -> None:
    async with openai.AsyncOpenAI(base_url=mock.base_url, api_key="key") as client:
        async with client.responses.connect() as connection:
            await connection.response.create(model="gpt-4o", input="Hi", generate=False)
            types = [(await connection.recv()).type for _ in range(3)]
    assert types == ["response.created", "response.in_progress", "response.completed"]


def test_a_wrong_key_opens_nothing(client: openai.OpenAI, mock: MockOpenAI) -> None:
    mock.api_key = "right"
    with pytest.raises(InvalidStatus) as error_info:
        with client.responses.connect():
            pass
    response = error_info.value.response
    assert response.status_code == 401
    assert json.loads(response.body)["error"]["code"] == "invalid_api_key"
    assert (mock.calls[-1].status, mock.calls[-1].ended) == (401, "finished")
    with client.with_options(api_key="right").responses.connect():
        pass


# Opening


@pytest.mark.parametrize(
    "headers", [{"Origin": "https://evil.example"}, {"Host": "evil.example"}], ids=str
)
def test_a_foreign_page_opens_nothing(mock: MockOpenAI, headers: dict[str, str]) -> None:
    url = httpx2.URL(mock.base_url)
    fields = {"Host": "localhost", "Upgrade": "websocket", "Connection": "Upgrade"} | headers
    fields |= {"Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Version": "13"}
    lines = [f"GET {PATH} HTTP/1.1", *(f"{name}: {value}" for name, value in fields.items())]
    with socket.create_connection((url.host, url.port or 80), timeout=10) as raw:
        raw.sendall("\r\n".join([*lines, "", ""]).encode())
        answer = b"".join(iter(lambda: raw.recv(65536), b""))
    assert answer.startswith(b"HTTP/1.1 403 ")
    assert b"evil.example" in answer
    assert mock.calls[-1].problem is not None
    mock.calls.clear()


def test_a_page_of_this_machine_opens_one(mock: MockOpenAI) -> None:
    with open_raw(mock, Origin="http://localhost:3000") as raw:
        create(raw)
        assert read(raw)["type"] == "response.created"


def test_other_paths_open_nothing(mock: MockOpenAI) -> None:
    unknown = f"/v1/live/sessions/live_u7_{'a' * 32}/attach"
    for path, status in ((unknown, 404), ("/v1/files", 200), ("/v1/nothing", 404)):
        with pytest.raises(InvalidStatus) as error_info:
            connect(find_url(mock).replace(PATH, path), proxy=None)
        assert error_info.value.response.status_code == status


def test_without_an_upgrade_the_answer_says_what_is_missing(
    client: openai.OpenAI,
) -> None:
    with pytest.raises(openai.APIStatusError) as error_info:
        client.get("/responses", cast_to=object)
    assert error_info.value.status_code == 426
    assert "is answered with a WebSocket only" in error_info.value.message


@pytest.mark.usefixtures("http_protocol")
def test_without_the_package_the_answer_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(protocol, "find_spec", lambda name: None)
    with MockOpenAI() as mock:
        with pytest.raises(InvalidStatus) as error_info:
            connect(find_url(mock), proxy=None)
    assert error_info.value.response.status_code == 426
    assert b"pip install 'openai-mockserver[websockets]'" in error_info.value.response.body


def test_a_sandbox_has_sessions_of_its_own() -> None:
    with MockOpenAI(control=True) as mock:
        mock.reply("Outer")
        base = mock.base_url.removesuffix("/v1")
        sandbox = {"id": "w1", "rules": [{"reply": "Inner"}]}
        with httpx2.Client(base_url=base, trust_env=False) as http:
            http.post("/_mock/sandboxes", json=sandbox).raise_for_status()
            with connect(find_url(mock).replace("/v1", "/s/w1/v1"), proxy=None) as raw:
                create(raw)
                messages = read_until(raw, "response.completed")
            calls = http.get("/s/w1/_mock/calls").json()
    assert [m["text"] for m in messages if m["type"] == "response.output_text.done"] == ["Inner"]
    assert len(mock.calls) == 0
    assert len(calls["calls"]) == 2


def test_a_websocket_may_stay_silent(mock: MockOpenAI) -> None:
    with MockOpenAI(request_timeout=0.05) as mock:
        mock.reply("Hello", pace=Pace(ttft=0.2))
        with open_raw(mock) as raw:
            create(raw)
            assert read_until(raw, "response.completed")


def test_tls() -> None:
    trustme = pytest.importorskip("trustme")
    authority = trustme.CA()
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1").configure_cert(server)
    trusting = ssl.create_default_context()
    authority.configure_trust(trusting)
    with MockOpenAI(tls=server) as mock:
        mock.reply("Hello")
        with connect(find_url(mock), ssl=trusting, proxy=None) as raw:
            create(raw)
            assert read_until(raw, "response.completed")


# Playing


def test_lanes_interleave(mock: MockOpenAI) -> None:
    released = Event()

    def wait(request: Request) -> str:
        assert released.wait(10)
        return "late"

    mock.on(user="Wait").reply(wait)
    with open_raw(mock) as raw:
        create(raw, "Wait", stream_id="slow")
        create(raw, "Hi", stream_id="slow")
        create(raw, "Hi", stream_id="quick")
        quick = read_until(raw, "response.completed")
        released.set()
        slow = read_until(raw, "response.completed") + read_until(raw, "response.completed")
    assert {message["stream_id"] for message in quick} == {"quick"}
    assert {message["stream_id"] for message in slow} == {"slow"}
    texts = [m["text"] for m in slow if m["type"] == "response.output_text.done"]
    assert texts == ["late", "Hello, world"]


def test_paced_events_are_due_as_over_http(mock: MockOpenAI, client: openai.OpenAI) -> None:
    mock.reply(Reply(["a", "b"]), pace=Pace(ttft=0.05, itl=0.01))
    with open_raw(mock) as raw:
        create(raw)
        read_until(raw, "response.completed")
    list(client.responses.create(model="gpt-4o", input="Hi", stream=True))
    here, there = ([part.due for part in call.times] for call in mock.calls[1:])
    assert here == pytest.approx(there, abs=1e-6)
    assert here[0] == pytest.approx(0.05)
    assert here[-1] > 0.1
    assert all(part.at >= part.due for part in mock.calls[1].times)


def test_an_error_is_an_event(mock: MockOpenAI) -> None:
    mock.reply(ApiError(429, "Slow down", "tokens", "rate_limit_exceeded"))
    with open_raw(mock) as raw:
        create(raw, stream_id="main")
        assert read(raw) == {
            "type": "error",
            "status": 429,
            "stream_id": "main",
            "error": {"type": "tokens", "code": "rate_limit_exceeded", "message": "Slow down"},
        }


def test_what_no_rule_matches_is_an_error_and_a_problem() -> None:
    mock = MockOpenAI()
    with mock:
        mock.on(user="Hello").reply("Hi")
        with open_raw(mock) as raw:
            create(raw, "Goodbye")
            assert read(raw)["error"]["code"] == "unmatched_request"
        assert mock.calls[-1].problem is not None
        mock.calls.clear()


def test_what_only_an_upstream_could_answer_is_refused() -> None:
    with MockOpenAI(upstream="http://far.away.invalid/v1") as mock:
        mock.on(user="Hi").reply("Hello")
        with open_raw(mock) as raw:
            create(raw)
            assert read_until(raw, "response.completed")
            create(raw, "Goodbye")
            error = read(raw)
        assert (error["status"], error["error"]["type"]) == (501, "mockserver_error")
        assert "not relayed" in str(mock.calls[-1].problem)
        mock.calls.clear()


def test_binary_frames_and_no_json_are_refused(mock: MockOpenAI) -> None:
    with open_raw(mock) as raw:
        for message in (b'{"type":"response.create"}', "nonsense", '{"type":"ping"}'):
            raw.send(message)
            assert read(raw)["error"]["type"] == "invalid_request_error"
        create(raw)
        assert read(raw)["type"] == "response.created"


def test_a_message_that_is_too_large_ends_the_connection() -> None:
    with MockOpenAI(max_body=1000) as mock:
        mock.reply("Hello")
        with open_raw(mock) as raw:
            create(raw, "x" * 1001)
            with pytest.raises(ConnectionClosedError) as error_info:
                raw.recv(timeout=10)
        assert error_info.value.rcvd is not None
        assert error_info.value.rcvd.code == 1009
        assert len(mock.calls) == 1


@pytest.mark.parametrize("fault", [reset, truncate])
def test_a_fault_ends_the_connection_after_exactly_three(mock: MockOpenAI, fault: Any) -> None:
    mock.reply("Hello, world", faults=[fault(after=3)])
    with open_raw(mock) as raw:
        create(raw)
        for _ in range(3):
            read(raw)
        with pytest.raises(ConnectionClosed) as error_info:
            raw.recv(timeout=10)
    assert error_info.value.rcvd is None  # no closing handshake
    opening, turn = mock.calls
    assert opening.ended == turn.ended == ("reset" if fault is reset else "truncated")
    assert turn.delivered.events == 3


def test_an_old_connection_is_closed(mock: MockOpenAI, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(responses, "LIFETIME", 0.05)
    with open_raw(mock) as raw:
        assert read(raw)["error"]["code"] == "websocket_connection_limit_reached"
        with pytest.raises(ConnectionClosed) as error_info:
            raw.recv(timeout=10)
    assert error_info.value.rcvd is not None
    assert error_info.value.rcvd.code == 1000
    assert mock.calls[0].ended == "finished"


def test_a_client_that_leaves_ends_its_turns(mock: MockOpenAI) -> None:
    mock.reply("Hello, world", faults=[stall(after=2)])
    with open_raw(mock) as raw:
        create(raw)
        read(raw), read(raw)
        linger = struct.pack("ii", 1, 0)
        raw.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        raw.socket.shutdown(socket.SHUT_RDWR)
    opening, turn = mock.calls
    assert opening.ended == turn.ended == "client disconnected"


def test_a_client_may_leave_before_its_answer(mock: MockOpenAI) -> None:
    is_called, released = Event(), Event()

    def wait(request: Request) -> str:
        is_called.set()
        released.wait(10)
        return "late"

    mock.reply(wait)
    with open_raw(mock) as raw:
        create(raw)
        assert is_called.wait(10)
    opening, turn = mock.calls
    assert (opening.ended, turn.ended) == ("finished", "client disconnected")
    released.set()


def test_a_client_that_does_not_read_delays_nobody(mock: MockOpenAI) -> None:
    # The events at the end repeat the text: 10 MB in all, more than all buffers hold.
    text = ["A long piece of text, again and again. " * 50] * 1000
    mock.on(user="Hi").reply(text)
    mock.on(user="Hello").reply("Hello")
    with connect(find_url(mock), proxy=None, max_size=None) as silent, open_raw(mock) as other:
        create(silent)
        read(silent)
        create(other, "Hello")
        assert read_until(other, "response.completed")[-1]["response"]["status"] == "completed"
        assert not mock.calls[2].is_over  # it waits for its client
        messages = read_until(silent, "response.completed")
    pieces = [one["delta"] for one in messages if one["type"] == "response.output_text.delta"]
    assert pieces == text


def test_a_session_that_has_ended_is_forgotten(
    mock: MockOpenAI, monkeypatch: pytest.MonkeyPatch
) -> None:
    sessions: list[weakref.ref[ResponsesSession]] = []

    class Noted(ResponsesSession):
        def __init__(self) -> None:
            super().__init__()
            sessions.append(weakref.ref(self))

    monkeypatch.setattr("openai_mockserver.sessions.responses.ResponsesSession", Noted)
    with open_raw(mock) as raw:
        create(raw)
        read_until(raw, "response.completed")
    for call in mock.calls:
        assert call.wait(10)
    mock.reset()  # the journal keeps what it has shown
    # What is due in an hour must not keep the session until then.
    with open_raw(mock) as raw:  # by then, the server has handled the end of the first
        gc.collect()
        assert sessions[0]() is None


def test_a_mock_that_stops_ends_the_connection() -> None:
    mock = MockOpenAI()
    with mock:
        mock.reply("Hello, world", faults=[stall(after=2)])
        raw = connect(find_url(mock), proxy=None)
        create(raw)
        read(raw), read(raw)
    with pytest.raises(ConnectionClosed):
        raw.recv(timeout=10)
    raw.close()
    assert [call.ended for call in mock.calls] == ["server stopped", "server stopped"]


def test_the_snapshot_of_a_session_is_the_same_in_every_run(mock: MockOpenAI) -> None:
    for _ in range(2):
        with open_raw(mock):
            pass
    first, second = (call.to_dict() for call in mock.calls)
    assert first == second
    assert first["request"]["headers"] == {}
    assert (first["status"], first["ended"]) == (101, "finished")


async def test_many_connections_at_the_same_time(mock: MockOpenAI) -> None:
    url = find_url(mock)
    event = json.dumps({"type": "response.create", "model": "gpt-4o", "input": "Hi"})
    sockets = [await connect_async(url, proxy=None) for _ in range(20)]
    for one in sockets:
        await one.send(event)
    for one in sockets:
        while json.loads(await one.recv())["type"] != "response.completed":
            pass
        await one.close()
    assert len(mock.calls) == 40
    assert {call.ended for call in mock.calls} == {"finished"}
