"""The recorder: a transparent proxy, whose recordings lose no bytes and reveal no secrets."""

from __future__ import annotations

import base64
import json
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
import openai
import pytest
import trustme

from openai_mockserver import (
    ApiError,
    MockOpenAI,
    MockServerError,
    Pace,
    Pause,
    Raw,
    Reply,
    Script,
    sse,
)
from openai_mockserver.api import chat
from openai_mockserver.cassettes import load
from openai_mockserver.cassettes.cassette import Cassette
from openai_mockserver.faults import (
    Fault,
    bad_chunk_size,
    close_delimited,
    content_length,
    drop_done,
    empty_response,
    encoded,
    error_event,
    half_head,
    line_ends,
    malformed,
    raw_head,
    reset,
    slice,
    stall,
    status,
    truncate,
)
from openai_mockserver.http1 import wire_frames
from openai_mockserver.script import Head

KEY = "sk-proj-canary0123456789abcdefghij"
ASKED: dict[str, Any] = {
    "model": "gpt-4o",
    "stream": True,
    "messages": [{"role": "user", "content": "Hi"}],
}


@pytest.fixture
def upstream() -> Iterator[MockOpenAI]:
    """The upstream to record."""
    with MockOpenAI(fast_retries=False) as mock:
        yield mock


@pytest.fixture
def recorder(upstream: MockOpenAI, tmp_path: Path) -> Iterator[MockOpenAI]:
    """A recorder that writes to the folder ``cassettes``."""
    with MockOpenAI(upstream=upstream.base_url, record=tmp_path / "cassettes") as mock:
        yield mock


def recordings(folder: Path) -> list[Path]:
    """Return the finished recordings."""
    return sorted((folder / "cassettes").glob("*.jsonl"))


def ask(mock: MockOpenAI, body: Any = None, path: str = "/chat/completions") -> tuple[Any, ...]:
    """Return what a plain client gets: status, headers, body, or the type of the exception."""
    data = b""
    headers = {"Authorization": f"Bearer {KEY}", "Accept-Encoding": "gzip"}
    with httpx2.Client(trust_env=False) as client:
        try:
            url = mock.base_url + path
            with client.stream("POST", url, json=body or ASKED, headers=headers) as response:
                for read in response.iter_raw():
                    data += read
        except httpx2.HTTPError as error:
            assert mock.calls[-1].wait(30)
            return (data, type(error))
    # With several clients, the last call may be another's, and still be open.
    assert mock.calls[-1].wait(30), "its recording must be finished"
    fields = [(k, v) for k, v in response.headers.multi_items() if k not in ("date",)]
    return (response.status_code, fields, data)


FAULTS: list[Any] = [
    (),
    (drop_done(),),
    (malformed(at=2),),
    (error_event(after=2),),
    (truncate(after=3),),
    (reset(after=3),),
    (status(503),),
    (encoded("gzip"),),
    (encoded("gzip", flush="end"),),
    (line_ends("crlf"),),
    (line_ends("mixed"),),
    (content_length(),),
    (close_delimited(),),
    (stall(after=2, seconds=0.05),),
    (bad_chunk_size(after=2),),
    (slice(size=50),),
]


@pytest.mark.slow
@pytest.mark.parametrize("faults", FAULTS, ids=repr)
def test_the_client_sees_the_upstream_and_the_replay_is_the_same(
    upstream: MockOpenAI,
    recorder: MockOpenAI,
    tmp_path: Path,
    faults: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("openai_mockserver.api.ids.time.time", lambda: 1_770_000_000)
    upstream.seed = "the same answer twice"
    upstream.reply("Hello, world", faults=faults)
    direct, through = ask(upstream), ask(recorder)
    assert through == as_if(direct, faults)
    (path,) = recordings(tmp_path)
    with MockOpenAI(cassette=Cassette(path)) as replay:
        replay_response = ask(replay)
    if len(through) == 3:
        assert replay_response[0] == through[0]
        assert replay_response[2] == through[2]
        assert [k for k, _ in replay_response[1]] == [k for k, _ in through[1]]
    else:
        assert replay_response == through


def as_if(direct: tuple[Any, ...], faults: Any) -> tuple[Any, ...]:
    """Return what the client of a proxy sees, which parses HTTP and writes it anew."""
    if "bad_chunk_size" in repr(faults):
        return (direct[0], httpx2.RemoteProtocolError)
    return direct


def test_each_byte_is_forwarded_at_once(upstream: MockOpenAI, recorder: MockOpenAI) -> None:
    """The upstream falls silent after two events, and both arrive."""
    upstream.reply("Hello, world", faults=[stall(after=2)])
    with httpx2.Client(trust_env=False) as client:
        url = f"{recorder.base_url}/chat/completions"
        with client.stream("POST", url, json=ASKED) as response:
            data = b""
            for read in response.iter_raw():
                data += read
                if data.count(b"\n\n") == 2:
                    break
    assert recorder.calls[0].ended == "client disconnected"
    assert upstream.calls[0].ended == "client disconnected", "the upstream is left alone too"


def test_a_client_that_leaves_is_recorded(
    upstream: MockOpenAI, recorder: MockOpenAI, tmp_path: Path
) -> None:
    test_each_byte_is_forwarded_at_once(upstream, recorder)
    (path,) = recordings(tmp_path)
    (exchange,) = load(path)
    assert exchange.client_left
    assert sse.body(exchange.script.steps).count(b"\n\n") == 2


def test_times_and_reads_are_recorded(
    upstream: MockOpenAI, recorder: MockOpenAI, tmp_path: Path
) -> None:
    upstream.reply("one two three", pace=Pace(ttft=0.1, itl=0.05))
    ask(recorder)
    (exchange,) = load(recordings(tmp_path)[0])
    assert exchange.script.head.delay == pytest.approx(0.1, abs=0.05)
    assert exchange.script.seconds == pytest.approx(0.1 + 3 * 0.05, abs=0.08)
    reads = [step for step in exchange.script.steps if not isinstance(step, Pause)]
    assert len(reads) == 6, "a paced event is sent when the one before has been read"


def test_no_secret_reaches_the_disk(
    upstream: MockOpenAI, recorder: MockOpenAI, tmp_path: Path
) -> None:
    upstream.reply(
        Reply([f"You said {KEY}."]), ApiError(401, f"Incorrect API key provided: {KEY}.")
    )
    body = ASKED | {"messages": [{"role": "user", "content": f"My key is {KEY}"}]}
    for _ in range(2):
        ask(recorder, body, f"/chat/completions?api-key={KEY}")
    for path in recordings(tmp_path):
        content = path.read_bytes()
        assert b"canary" not in content
        assert b"__cf_bm" not in content
    (exchange,) = load(recordings(tmp_path)[0])
    assert "authorization" in exchange.about["redacted"]


def test_other_paths_and_bodies_are_forwarded(
    recorder: MockOpenAI, upstream: MockOpenAI, tmp_path: Path
) -> None:
    odd = Script(Head(418, (("Content-Type", "x/y"), ("Content-Length", "3"))), (Raw(b"\xff\0a"),))
    upstream.reply(odd)
    with httpx2.Client(trust_env=False) as client:
        answer = client.get(f"{recorder.base_url}/nothing?limit=3")
        assert answer.status_code == 404
        answer = client.post(f"{recorder.base_url}/chat/completions", json=ASKED)
    assert (answer.status_code, answer.content) == (418, b"\xff\0a")
    assert all(call.wait(30) for call in recorder.calls)
    assert upstream.calls[0].query == "limit=3"
    assert len(recordings(tmp_path)) == 2


def test_an_unreachable_upstream_is_reported(tmp_path: Path) -> None:
    with socket.socket() as busy_socket:
        busy_socket.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{busy_socket.getsockname()[1]}/v1"
        with MockOpenAI(upstream=url, record=tmp_path) as mock:
            status_code, _, body = ask(mock)
            assert status_code == 502
            assert f"the upstream {url} cannot be reached" in json.loads(body)["error"]["message"]
            assert " -> 502 upstream cannot be reached, finished" in mock.calls[0].line()
            with pytest.raises(AssertionError, match="cannot be reached"):
                mock.check()
    assert list(tmp_path.iterdir()) == []


def test_a_stream_name_is_forwarded_like_any_model(
    upstream: MockOpenAI, recorder: MockOpenAI, tmp_path: Path
) -> None:
    """Whether such a stream exists is for the upstream to answer; its answer is recorded."""
    for model in ("mockserver/text", "mockserver/nothing"):
        body = ASKED | {"model": model}
        answer = ask(recorder, body)
        assert answer[0] == ask(upstream, body)[0] == (200 if "text" in model else 404)
    assert [call.model for call in upstream.calls][::2] == ["mockserver/text", "mockserver/nothing"]
    first, second = recordings(tmp_path)
    for path in (first, second):
        (exchange,) = load(path)
        with MockOpenAI(cassette=Cassette(path)) as replay:
            answer = ask(replay, exchange.about["request"]["json"])
        assert (answer[0], answer[2]) == (
            exchange.script.head.status,
            sse.body(exchange.script.steps),
        )


def test_a_stored_response_that_only_the_upstream_has(
    upstream: MockOpenAI, recorder: MockOpenAI, tmp_path: Path
) -> None:
    upstream.reply("Hello")
    with openai.OpenAI(base_url=upstream.base_url, api_key="k") as client:
        before = client.responses.create(model="m", input="Hi")
    with openai.OpenAI(base_url=recorder.base_url, api_key="k") as client:
        after = client.responses.create(model="m", input="?", previous_response_id=before.id)
    assert after.output_text == "Hello"
    assert recorder.calls[0].wait(5)
    assert len(recordings(tmp_path)) == 1


@pytest.mark.parametrize(
    "fault",
    [empty_response(), half_head(), empty_response("reset"), raw_head("no HTTP\r\n\r\n")],
    ids=["closed", "half a head", "reset", "no HTTP"],
)
def test_an_upstream_without_a_response_is_reported(
    upstream: MockOpenAI, recorder: MockOpenAI, tmp_path: Path, fault: Fault
) -> None:
    upstream.reply("Hello", faults=[fault])
    status_code, _, body = ask(recorder)
    assert status_code == 502
    message, _, reason = json.loads(body)["error"]["message"].partition(" gave no response: ")
    assert message == f"openai-mockserver: the upstream {upstream.base_url}"
    assert reason
    assert recorder.calls[0].status == 502
    with pytest.raises(AssertionError, match="gave no response"):
        recorder.check()
    assert recordings(tmp_path) == []


@pytest.fixture
def proxy() -> Iterator[MockOpenAI]:
    """A mock as a proxy, which receives whole URLs of another host."""
    with MockOpenAI(allow_hosts=["far.away.invalid"]) as mock:
        yield mock


def test_the_environments_proxy_is_used(
    proxy: MockOpenAI, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with MockOpenAI(upstream="http://far.away.invalid/v1", record=tmp_path) as mock:
        monkeypatch.setenv("http_proxy", proxy.base_url.removesuffix("/v1"))
        ask(mock)
    call = proxy.calls[0]
    assert call.headers["host"] == "far.away.invalid"


def test_a_proxy_gets_its_credentials(
    proxy: MockOpenAI, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with MockOpenAI(upstream="http://far.away.invalid/v1", record=tmp_path / "cassettes") as mock:
        place = proxy.base_url.removesuffix("/v1").removeprefix("http://")
        monkeypatch.setenv("http_proxy", f"http://ann:p%40ss@{place}")
        ask(mock)
    credentials = base64.b64decode(
        proxy.calls[0].headers["proxy-authorization"].removeprefix("Basic ")
    )
    assert credentials == b"ann:p@ss"
    (file,) = recordings(tmp_path)
    assert "proxy-authorization" not in file.read_text()


def test_an_unsupported_proxy_is_reported_without_its_password(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("http_proxy", "socks5://ann:canary@127.0.0.1:1")
    with MockOpenAI(upstream="http://far.away.invalid/v1") as mock:
        status_code, _, body = ask(mock)
        assert status_code == 502
        assert b"unsupported proxy socks5://127.0.0.1:1: only http:// is" in body
        assert b"canary" not in body
        with pytest.raises(AssertionError, match="cannot be reached"):
            mock.check()


def test_an_upstream_must_be_a_url() -> None:
    with pytest.raises(
        MockServerError, match="must be an http:// or https:// URL, not 'localhost'"
    ):
        MockOpenAI(upstream="localhost")


def test_an_upstreams_url_must_not_contain_credentials() -> None:
    with pytest.raises(MockServerError, match="must not contain credentials") as error:
        MockOpenAI(upstream="https://ann:canary@api.example/v1")
    assert "canary" not in str(error.value)


@pytest.fixture
def secure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[MockOpenAI]:
    """An upstream with TLS that the environment trusts."""
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    certificate = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(certificate))
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with MockOpenAI(tls=context) as mock:
        mock.reply("Hello")
        yield mock


def test_https_upstreams(secure: MockOpenAI, tmp_path: Path) -> None:
    with MockOpenAI(upstream=secure.base_url, record=tmp_path / "cassettes") as mock:
        assert b"Hello" in ask(mock)[2]
    assert len(recordings(tmp_path)) == 1


@contextmanager
def tunnel(answer: bytes) -> Iterator[tuple[str, list[bytes]]]:
    """Run a proxy for one CONNECT; yield its URL, and the requests that it receives."""
    received: list[bytes] = []

    def serve() -> None:
        client, _ = listener.accept()
        with client:
            head = b""
            while not head.endswith(b"\r\n\r\n"):
                head += client.recv(1)
            received.append(head)
            client.sendall(answer)
            if b" 200 " not in answer:
                return
            host, port = head.split()[1].decode().rsplit(":", 1)
            with socket.create_connection((host, int(port))) as far:
                down = threading.Thread(target=copy, args=(far, client))
                down.start()
                copy(client, far)
                down.join()

    def copy(source: socket.socket, sink: socket.socket) -> None:
        try:
            while data := source.recv(65536):
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)
        except OSError:  # the recorder closes when it has everything
            source.close()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve)
        thread.start()
        yield f"http://ann:canary@127.0.0.1:{listener.getsockname()[1]}", received
        thread.join()


def test_https_upstreams_through_a_proxy(
    secure: MockOpenAI, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with (
        tunnel(b"HTTP/1.1 200 Connection established\r\n\r\n") as (proxy, received),
        MockOpenAI(upstream=secure.base_url, record=tmp_path / "cassettes") as mock,
    ):
        monkeypatch.setenv("https_proxy", proxy)
        assert b"Hello" in ask(mock)[2]
    place = secure.base_url.removeprefix("https://").removesuffix("/v1")
    assert received[0].startswith(f"CONNECT {place} HTTP/1.1\r\nHost: {place}\r\n".encode())
    assert b"Proxy-Authorization: Basic YW5uOmNhbmFyeQ==\r\n" in received[0]
    assert "proxy-authorization" not in secure.calls[0].headers
    assert len(recordings(tmp_path)) == 1


def test_a_proxy_that_refuses(secure: MockOpenAI, monkeypatch: pytest.MonkeyPatch) -> None:
    with tunnel(b"HTTP/1.1 407 Who are you\r\n\r\n") as (proxy, _):
        monkeypatch.setenv("https_proxy", proxy)
        with MockOpenAI(upstream=secure.base_url) as mock:
            status_code, _, body = ask(mock)
            assert status_code == 502
            assert b"refused to connect: 'HTTP/1.1 407 Who are you'" in body
            assert b"canary" not in body
            with pytest.raises(AssertionError, match="cannot be reached"):
                mock.check()


@pytest.mark.slow
def test_eight_concurrent_clients_are_all_recorded(
    upstream: MockOpenAI, recorder: MockOpenAI, tmp_path: Path
) -> None:
    for n in range(8):
        upstream.on(user=str(n)).reply(f"answer {n}", pace=Pace(itl=0.002))

    def stream(n: int) -> None:
        for _ in range(5):
            ask(recorder, ASKED | {"messages": [{"role": "user", "content": str(n)}]})

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(stream, range(8)))
    assert all(call.wait(30) for call in recorder.calls), "and so all recordings are there"
    answers: dict[str, int] = {}
    for path in recordings(tmp_path):
        (exchange,) = load(path)
        n = exchange.about["request"]["json"]["messages"][0]["content"]
        assert sse.body(exchange.script.steps).endswith(b"data: [DONE]\n\n")
        assert chat.read(exchange.script) == Reply(f"answer {n}")
        answers[n] = answers.get(n, 0) + 1
    assert answers == {str(n): 5 for n in range(8)}
    assert list((tmp_path / "cassettes").glob("*.part")) == []


def test_a_recording_serves_through_the_sdk_in_process_without_waiting(
    upstream: MockOpenAI, recorder: MockOpenAI, tmp_path: Path
) -> None:
    upstream.reply("one two three", pace=Pace(ttft=0.1, itl=0.05))
    sdk = openai.OpenAI(
        base_url=recorder.base_url, api_key=KEY, http_client=httpx2.Client(trust_env=False)
    )
    answer = text(sdk)
    assert recorder.calls[0].wait(5), "and so the recording is there"
    replay = MockOpenAI(cassette=Cassette(recordings(tmp_path)[0]))
    began = time.monotonic()
    assert text(replay.client()) == answer == "one two three"
    assert replay.clock.now > 0.2
    assert time.monotonic() - began < 5


def text(client: openai.OpenAI) -> str:
    """Return the text that the SDK reads."""
    with client, client.chat.completions.create(**ASKED) as stream:
        return "".join(c.choices[0].delta.content or "" for c in stream if c.choices)


def test_replayed_frames_equal_the_recorded_reads() -> None:
    """A replayed chunked recording has one HTTP chunk for each read."""
    script = Script(Head(200, (("Transfer-Encoding", "chunked"),)), (Raw(b"ab"), Raw(b"c")))
    assert [frame.data for frame in wire_frames(script)][1:] == [
        b"2\r\nab\r\n",
        b"1\r\nc\r\n",
        b"0\r\n\r\n",
    ]


def test_rules_precede_the_upstream() -> None:
    """Requests that no rule matches go upstream: after ``times``, and at other endpoints."""
    with MockOpenAI() as upstream, MockOpenAI(upstream=upstream.base_url) as mock:
        upstream.reply("from upstream")
        mock.reply("from here", times=1)
        with openai.OpenAI(base_url=mock.base_url, api_key="k", max_retries=0) as client:
            answer = [client.responses.create(model="m", input="Hi").output_text for _ in range(2)]
            assert answer == ["from here", "from upstream"]
            client.models.list()
        assert [call.path for call in upstream.calls] == ["/v1/responses", "/v1/models"]
