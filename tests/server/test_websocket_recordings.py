"""Sessions through the proxy: relayed, recorded, and replayed to the SDK."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import openai
import pytest
from websockets.asyncio.server import ServerConnection
from websockets.asyncio.server import serve as serve_async
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect
from websockets.sync.connection import Connection
from websockets.sync.server import Server, serve

from openai_mockserver import MockOpenAI, Pace, RecordedSession, SessionEnd, SessionMessage
from openai_mockserver.cassettes.sessions.file import dump_session, load_session
from openai_mockserver.cassettes.sessions.formats import read_session
from openai_mockserver.faults import websocket_close
from openai_mockserver.files import add_files
from recordings import SHARED

SESSIONS = [
    file
    for file in sorted((SHARED / "recordings-ws").glob("*.yaml"))
    if "kind: message" in file.read_text("utf-8")
]
AUDIO = '{"type":"input_audio_buffer.append","audio":"AAAA"}'


def find_url(mock: MockOpenAI, path: str = "/responses") -> str:
    return mock.base_url.replace("http", "ws", 1) + path


def create(connection: Connection, text: str = "Hi") -> None:
    event = {"type": "response.create", "model": "gpt-5", "input": text}
    connection.send(json.dumps(event))


def read_all(connection: Connection) -> list[str]:
    """Return what arrives until the response has been completed."""
    texts = [str(connection.recv(timeout=10))]
    while json.loads(texts[-1])["type"] not in ("response.completed", "error"):
        texts.append(str(connection.recv(timeout=10)))
    return texts


@pytest.fixture
def upstream() -> Iterator[MockOpenAI]:
    with MockOpenAI() as upstream:
        upstream.reply("Hello, world", pace=Pace(ttft=0.02, itl=0.01))
        yield upstream


# Relayed


def test_the_sdk_speaks_to_the_upstream(upstream: MockOpenAI, tmp_path: Path) -> None:
    with MockOpenAI(upstream=upstream.base_url, record=tmp_path) as proxy:
        client = openai.OpenAI(base_url=proxy.base_url, api_key="sk-proj-abcdefghijklmnopqrstuvwx")
        with client, client.responses.connect() as connection:
            connection.response.create(model="gpt-5", input="Hi")
            last = next(event for event in connection if event.type == "response.completed")
        assert last.response.output_text == "Hello, world"
        [call] = proxy.calls
        assert call.wait(10)
        assert call.ended == "finished"
        assert call.status == 101
        senders = [message.sender for message in call.websocket_messages]
        assert senders[0] == "client"
        assert set(senders[1:]) == {"server"}
    assert upstream.calls[0].headers["authorization"] == "Bearer sk-proj-abcdefghijklmnopqrstuvwx"
    [file] = tmp_path.glob("*.jsonl")
    assert file.name == "responses-0001.jsonl"
    assert "abcdefghijklmnop" not in file.read_text("utf-8")
    assert (
        load_session(file).about["redacted"] == ["authorization"]
        or load_session(file).about["redacted"]
    )


def test_a_recorded_session_replays_equal_with_its_times(
    upstream: MockOpenAI, tmp_path: Path
) -> None:
    with MockOpenAI(upstream=upstream.base_url, record=tmp_path) as proxy:
        with connect(find_url(proxy), proxy=None) as connection:
            texts = []
            for text in ("Hi", "And now?"):
                create(connection, text)
                texts += read_all(connection)
        assert proxy.calls[0].wait(10)
    [file] = tmp_path.glob("*.jsonl")
    recorded = load_session(file)
    assert recorded.end is not None
    assert (recorded.end.sender, recorded.end.code) == ("client", 1000)

    with MockOpenAI() as mock:
        mock.replay_sessions(file)
        with connect(find_url(mock), proxy=None) as connection:
            replayed = []
            for text in ("Hi", "And now?"):
                create(connection, text)
                replayed += read_all(connection)
        assert mock.calls[0].wait(10)
        messages = mock.calls[0].websocket_messages
    assert replayed == texts
    assert [(m.sender, m.data) for m in messages] == [(m.sender, m.data) for m in recorded.messages]
    # The silence after each client event is that of the recording, or a little more.
    for played, original in zip(
        measure_silences(messages), measure_silences(recorded.messages), strict=True
    ):
        assert original - 0.002 <= played <= original + 0.25


def measure_silences(messages: tuple[SessionMessage, ...]) -> list[float]:
    """Return how long after the last client message each server message came, in seconds."""
    silences, start = [], 0.0
    for message in messages:
        if message.sender == "client":
            start = message.seconds
        else:
            silences.append(message.seconds - start)
    return silences


@pytest.mark.parametrize("code", [1000, 1001, 1011, 4001])
def test_a_close_code_of_the_upstream_reaches_the_client(
    upstream: MockOpenAI, tmp_path: Path, code: int
) -> None:
    upstream.reply("Hello", faults=[websocket_close(after=1, code=code, reason="Bye")])
    with MockOpenAI(upstream=upstream.base_url, record=tmp_path) as proxy:
        with connect(find_url(proxy), proxy=None) as connection:
            create(connection)
            connection.recv(timeout=10)
            with pytest.raises(ConnectionClosed) as error_info:
                connection.recv(timeout=10)
        assert proxy.calls[0].wait(10)
    received = error_info.value.rcvd
    assert received is not None
    assert (received.code, received.reason) == (code, "Bye")
    [file] = tmp_path.glob("*.jsonl")
    end = load_session(file).end
    assert end is not None
    assert (end.sender, end.code, end.reason) == ("server", code, "Bye")

    with MockOpenAI() as mock:
        mock.replay_sessions(file)
        with connect(find_url(mock), proxy=None) as connection:
            create(connection)
            connection.recv(timeout=10)
            with pytest.raises(ConnectionClosed, match=f"received {code}"):
                connection.recv(timeout=10)


def test_an_upstream_that_is_lost_is_lost_for_the_client(tmp_path: Path) -> None:
    def drop(connection: Any) -> None:
        connection.send("first")
        connection.socket.shutdown(socket.SHUT_RDWR)

    with (
        run_server(drop) as url,
        MockOpenAI(upstream=url, record=tmp_path) as proxy,
        connect(find_url(proxy), proxy=None) as connection,
    ):
        assert connection.recv(timeout=10) == "first"
        with pytest.raises(ConnectionClosed) as error_info:
            connection.recv(timeout=10)
        assert error_info.value.rcvd is None
        assert proxy.calls[0].wait(10)
        assert proxy.calls[0].ended == "truncated"
    [file] = tmp_path.glob("*.jsonl")
    end = load_session(file).end
    assert end is not None
    assert (end.sender, end.code) == ("server", 1006)


class run_server:
    """A WebSocket server in a thread; it begins when the block is entered."""

    def __init__(self, handle: Any) -> None:
        self._server: Server = serve(handle, "127.0.0.1", 0, compression=None)

    def __enter__(self) -> str:
        import threading

        self._thread = threading.Thread(target=self._server.serve_forever)
        self._thread.start()
        return f"http://127.0.0.1:{self._server.socket.getsockname()[1]}/v1"

    def __exit__(self, *error: object) -> None:
        self._server.shutdown()
        self._thread.join()


def test_the_answer_of_an_upstream_that_refuses_is_passed_on(tmp_path: Path) -> None:
    with (
        MockOpenAI(api_key="sk-right") as upstream,
        MockOpenAI(upstream=upstream.base_url, record=tmp_path) as proxy,
    ):
        with pytest.raises(InvalidStatus) as error_info:
            connect(find_url(proxy), proxy=None)
        assert error_info.value.response.status_code == 401
        body = json.loads(error_info.value.response.body or b"")
        assert body["error"]["code"] == "invalid_api_key" or "API key" in body["error"]["message"]
    assert not list(tmp_path.iterdir())


def test_an_upstream_that_is_away_is_a_502() -> None:
    with MockOpenAI(upstream="http://127.0.0.1:9/v1") as proxy:
        with pytest.raises(InvalidStatus) as error_info:
            connect(find_url(proxy), proxy=None)
        assert error_info.value.response.status_code == 502
        assert "cannot be reached" in str(proxy.calls[0].problem)
        proxy.problems.clear()


async def test_binary_messages_and_subprotocols_are_relayed() -> None:
    async def echo(connection: ServerConnection) -> None:
        async for message in connection:
            await connection.send(message)

    async with serve_async(echo, "127.0.0.1", 0, subprotocols=["realtime"]) as server:  # type: ignore[list-item]
        port = next(iter(server.sockets)).getsockname()[1]
        with MockOpenAI(upstream=f"http://127.0.0.1:{port}/v1") as proxy:
            echoed, protocol = await asyncio.to_thread(send_binary, find_url(proxy, "/realtime"))
    assert echoed == [b"\x00\xff", "text"]
    assert protocol == "realtime"


def send_binary(url: str) -> tuple[list[str | bytes], str | None]:
    protocols = ["realtime", "openai-insecure-api-key.sk-x"]
    with connect(url, proxy=None, subprotocols=protocols) as connection:  # type: ignore[arg-type]
        connection.send(b"\x00\xff")
        connection.send("text")
        return [connection.recv(timeout=10) for _ in range(2)], connection.subprotocol


# Replayed


@pytest.mark.slow
@pytest.mark.skipif(not SESSIONS, reason="needs the recorded sessions")
@pytest.mark.parametrize("file", SESSIONS, ids=lambda file: file.stem.partition("--")[2][:40])
def test_a_real_session_is_replayed_to_the_sdk(file: Path) -> None:
    recorded = read_session(file)
    with MockOpenAI() as mock:
        mock.replay_sessions(file)
        client = openai.OpenAI(base_url=mock.base_url, api_key="key")
        with client, client.realtime.connect(model="gpt-realtime") as connection:
            for message in recorded.messages:
                assert isinstance(message.data, str)
                event = json.loads(message.data)
                if message.sender == "client":
                    connection.send(event)
                else:
                    received = connection.recv()
                    assert received.type == event["type"]
                    assert received.to_dict(warnings=False) == event
        assert mock.calls[0].wait(10)
        assert mock.calls[0].ended == "finished"


MESSAGES = (
    SessionMessage(0.0, "server", '{"type":"session.created"}'),
    SessionMessage(0.1, "client", '{"type":"session.update","session":{"voice":"a"}}'),
    SessionMessage(0.2, "server", '{"type":"session.updated"}'),
    SessionMessage(0.3, "client", AUDIO),
    SessionMessage(0.4, "client", AUDIO),
    SessionMessage(0.5, "server", '{"type":"input_audio_buffer.speech_started"}'),
    SessionMessage(0.6, "client", '{"type":"input_audio_buffer.commit"}'),
    SessionMessage(0.7, "server", '{"type":"input_audio_buffer.committed"}'),
)
UPDATE = {"type": "session.update", "event_id": "event_9", "session": {"voice": "a"}}


@pytest.fixture
def mock() -> Iterator[MockOpenAI]:
    with MockOpenAI() as mock:
        end = SessionEnd(0.8, "server", 1001, "That is all")
        mock.replay_sessions(RecordedSession("/v1/realtime?model=a", MESSAGES, end), speed=0)
        yield mock


@pytest.mark.parametrize("pieces", [0, 1, 2, 5])
def test_the_number_of_pieces_of_audio_may_differ(mock: MockOpenAI, pieces: int) -> None:
    with connect(find_url(mock, "/realtime?model=b"), proxy=None) as connection:
        for event in (json.dumps(UPDATE), *[AUDIO] * pieces):
            connection.send(event)
        connection.send('{"type":"input_audio_buffer.commit","event_id":"e"}')
        types = [json.loads(connection.recv(timeout=10))["type"] for _ in range(4)]
        with pytest.raises(ConnectionClosed, match="That is all"):
            connection.recv(timeout=10)
    assert types[2:] == ["input_audio_buffer.speech_started", "input_audio_buffer.committed"]


@pytest.mark.parametrize(
    ("message", "problem"),
    [
        ('{"type":"response.create"}', "has another 'session.update' where the client sent"),
        (json.dumps(UPDATE | {"session": {"voice": "b"}}), "has another 'session.update'"),
        (b"\x00", "where the client sent a binary message of 1 bytes"),
        ("nonsense", "where the client sent 'nonsense'"),
    ],
)
def test_another_event_than_the_recorded_one_is_a_problem(
    mock: MockOpenAI, message: str | bytes, problem: str
) -> None:
    with connect(find_url(mock, "/realtime"), proxy=None) as connection:
        connection.recv(timeout=10)
        connection.send(message)
        error = json.loads(connection.recv(timeout=10))["error"]
        with pytest.raises(ConnectionClosed, match="received 1008"):
            connection.recv(timeout=10)
    assert error["code"] == "session_differs"
    assert problem in error["message"]
    assert mock.calls[0].wait(10)
    assert problem in str(mock.calls[0].problem)
    mock.problems.clear()


def test_sessions_of_a_path_are_replayed_in_turn_and_the_last_repeats() -> None:
    with MockOpenAI() as mock:
        mock.reply("Hello")
        mock.replay_sessions(
            *(
                RecordedSession("/v1/realtime", (SessionMessage(0, "server", text),))
                for text in ("first", "second")
            )
        )
        texts = []
        for _ in range(3):
            with connect(find_url(mock, "/realtime"), proxy=None) as connection:
                texts.append(connection.recv(timeout=10))
        assert texts == ["first", "second", "second"]
        # Other paths are answered as before.
        with connect(find_url(mock), proxy=None) as connection:
            create(connection)
            assert json.loads(read_all(connection)[-1])["type"] == "response.completed"


def test_a_file_that_serve_gets_is_replayed(tmp_path: Path) -> None:
    file = tmp_path / "session.jsonl"
    file.write_bytes(dump_session(RecordedSession("/v1/realtime", MESSAGES)))
    with MockOpenAI() as mock:
        add_files(mock, [file])
        with connect(find_url(mock, "/realtime"), proxy=None) as connection:
            assert json.loads(connection.recv(timeout=10)) == {"type": "session.created"}
