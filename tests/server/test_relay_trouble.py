"""Failures around the recorder: clients that leave, full disks, a killed process."""

from __future__ import annotations

import json
import logging
import os
import random
import resource
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from io import FileIO
from itertools import count
from pathlib import Path
from typing import Any

import httpx2
import pytest

from openai_mockserver import MockOpenAI, MockServerError, Pace, Reply, UnmatchedRequest, sse
from openai_mockserver.cassettes import load
from openai_mockserver.cassettes.cassette import Cassette
from openai_mockserver.cassettes.redact import Redactor
from openai_mockserver.faults import slice, stall

pytestmark = pytest.mark.slow

KEY = "sk-proj-canary0123456789abcdefghij"
ASKED: dict[str, Any] = {
    "model": "gpt-4o",
    "stream": True,
    "messages": [{"role": "user", "content": "Hi"}],
}
LONG = Reply("word " * 2000)
"""About 2,000 events that the upstream sends at once: more than a client's kernel buffers."""


@pytest.fixture
def upstream() -> Iterator[MockOpenAI]:
    """The upstream to record."""
    with MockOpenAI(fast_retries=False) as mock:
        yield mock


@pytest.fixture(params=["uvloop", "asyncio"])
def event_loop_of_the_server(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The event loop of the servers in this test."""
    if request.param == "asyncio":
        monkeypatch.setitem(sys.modules, "uvloop", None)
    else:
        pytest.importorskip("uvloop")


def get_address(mock: MockOpenAI) -> tuple[str, int]:
    host, port = mock.base_url.removeprefix("http://").removesuffix("/v1").split(":")
    return host, int(port)


def ask(mock: MockOpenAI, path: str = "/chat/completions") -> tuple[int, bytes]:
    """Return the status and body that a plain client gets."""
    with httpx2.Client(trust_env=False, timeout=30) as client:
        answer = client.post(mock.base_url + path, json=ASKED, headers={"Authorization": KEY})
        return answer.status_code, answer.content


def leave(place: tuple[str, int], after: int) -> None:
    """Request a stream, read ``after`` bytes of it, and close."""
    body = json.dumps(ASKED).encode()
    head = "POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\n"
    head += f"Content-Length: {len(body)}\r\n\r\n"
    with socket.create_connection(place) as client:
        client.sendall(head.encode() + body)
        while after > 0:
            read = client.recv(min(after, 65536))
            assert read, "the stream ended before the client left"
            after -= len(read)


# Clients that leave


@pytest.mark.usefixtures("event_loop_of_the_server")
@pytest.mark.parametrize("leavers", [8, pytest.param(100, marks=pytest.mark.slow)])
def test_clients_that_leave(upstream: MockOpenAI, tmp_path: Path, leavers: int) -> None:
    upstream.reply(LONG)
    with MockOpenAI(upstream=upstream.base_url, record=tmp_path) as mock:
        place = get_address(mock)
        leave(place, 100_000)
        assert mock.calls[0].wait(10)
        before = count_descriptors()
        with ThreadPoolExecutor(4) as pool:
            for _ in pool.map(lambda _: leave(place, 100_000), range(leavers)):
                pass
        assert all(call.wait(10) for call in [*mock.calls, *upstream.calls])
        assert {call.ended for call in mock.calls} == {"client disconnected"}
        assert [call.problem for call in [*mock.calls, *upstream.calls] if call.problem] == []
        wait_for_descriptors(before)
    assert [path.suffix for path in tmp_path.iterdir()] == [".jsonl"] * (leavers + 1)
    for path in tmp_path.iterdir():
        (exchange,) = load(path)
        assert (exchange.complete, exchange.client_left) == (True, True)
        assert len(sse.body(exchange.script.steps)) > 95_000, "what was received is kept"


def count_descriptors() -> int:
    """Return how many files and sockets this process has open."""
    return len(list(Path("/proc/self/fd").iterdir()))


def wait_for_descriptors(most: int) -> None:
    """Wait until at most ``most`` are open: a call ends shortly before its socket is closed."""
    deadline = time.monotonic() + 5
    while count_descriptors() > most:
        assert time.monotonic() < deadline, f"{count_descriptors()} descriptors, {most} before"
        time.sleep(0.01)


@pytest.mark.usefixtures("event_loop_of_the_server")
def test_a_client_that_reads_everything_has_not_left(upstream: MockOpenAI, tmp_path: Path) -> None:
    upstream.reply(LONG)
    with MockOpenAI(upstream=upstream.base_url, record=tmp_path) as mock:
        ask(mock)
        assert mock.calls[0].ended == "finished"
    (exchange,) = load(next(tmp_path.iterdir()))
    assert (exchange.complete, exchange.client_left) == (True, False)


@pytest.mark.usefixtures("event_loop_of_the_server")
def test_a_client_that_leaves_ends_the_request_to_the_upstream(
    upstream: MockOpenAI, tmp_path: Path
) -> None:
    """The upstream would stay silent for a minute, in the middle or before the head."""
    upstream.reply("Hello, world", faults=[stall(after=2, seconds=60)])
    with MockOpenAI(upstream=upstream.base_url, record=tmp_path) as mock:
        leave(get_address(mock), 300)
        assert mock.calls[0].wait(5)
        assert upstream.calls[0].wait(5)
    assert upstream.calls[0].ended == "client disconnected"
    assert load(next(tmp_path.iterdir()))[0].client_left


@pytest.mark.usefixtures("event_loop_of_the_server")
def test_a_client_that_leaves_ends_the_connection_attempt(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The proxy accepts the connection and sends nothing."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setenv("https_proxy", f"http://127.0.0.1:{silent.getsockname()[1]}")
        with MockOpenAI(upstream="https://far.away.invalid/v1", record=tmp_path) as mock:
            leaving = threading.Thread(target=leave, args=(get_address(mock), 0))
            leaving.start()
            proxy_socket, _ = silent.accept()
            with proxy_socket:
                leaving.join()
                proxy_socket.settimeout(5)
                while proxy_socket.recv(4096):
                    pass
            assert mock.calls[0].ended == "client disconnected"
    assert list(tmp_path.iterdir()) == []


# Disk errors


def open_files() -> set[str]:
    """Return the files that this process has open."""
    descriptors = set()
    for descriptor in Path("/proc/self/fd").iterdir():
        with suppress(OSError):  # the descriptor of the listing itself
            descriptors.add(str(descriptor.readlink()))
    return descriptors


@contextmanager
def file_size_limit(limit: int) -> Iterator[None]:
    """Limit the size of files that this process writes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def fail_with_file_too_large(folder: Path) -> Any:
    return file_size_limit(20_000)


@contextmanager
def fail_with_full_disk(folder: Path) -> Iterator[None]:
    """Put the next recording of chat completions on a full disk."""
    (folder / "chat-completions-0001.jsonl.part").touch()
    with pytest.MonkeyPatch.context() as patch:
        from openai_mockserver.cassettes import writer

        patch.setattr(writer, "_create_file", lambda path: FileIO("/dev/full", "w"))
        yield


@contextmanager
def fail_with_a_file_in_place_of_the_folder(folder: Path) -> Iterator[None]:
    folder.rmdir()
    folder.write_text("I was here first.")
    yield


REFUSALS = [
    (fail_with_file_too_large, "File too large"),
    (fail_with_full_disk, "No space left on device"),
    (fail_with_a_file_in_place_of_the_folder, "Not a directory"),
]


@pytest.mark.usefixtures("event_loop_of_the_server")
@pytest.mark.parametrize(("fail", "message"), REFUSALS)
def test_a_disk_error_does_not_affect_the_client(
    upstream: MockOpenAI,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    fail: Callable[[Path], Any],
    message: str,
) -> None:
    upstream.reply(Reply("word " * 300))
    folder = tmp_path / "cassettes"
    with MockOpenAI(upstream=upstream.base_url, record=folder, fail_on_unmatched=False) as mock:
        with fail(folder), caplog.at_level(logging.ERROR):
            for _ in range(3):
                status, body = ask(mock)
                assert (status, body.count(b"\n\n")) == (200, 304), "the whole stream"
            assert all(call.ended == "finished" for call in mock.calls)
            assert not {"/dev/full", *map(str, tmp_path.rglob("*"))} & open_files()
        for call in mock.calls:
            assert message in (call.unrecorded or "")
            assert call.line().endswith(f"finished, {call.unrecorded}")
        assert mock.problems == list(mock.calls)
        with pytest.raises(UnmatchedRequest, match="could not record 3 responses") as error:
            mock.check()
        assert message in str(error.value)
    assert len(caplog.messages) == 3
    assert all(message in line for line in caplog.messages)


def test_a_recording_can_be_read_up_to_a_disk_error(upstream: MockOpenAI, tmp_path: Path) -> None:
    upstream.reply(Reply("word " * 300), pace=Pace(itl=0.001))
    with MockOpenAI(upstream=upstream.base_url, record=tmp_path) as mock:
        with file_size_limit(20_000):
            _, body = ask(mock)
        (path,) = tmp_path.iterdir()
        assert path.name == "chat-completions-0001.jsonl.part"
        assert path.read_bytes().endswith(b"}\n")
        (exchange,) = load(path)
        assert not exchange.complete
        assert 0 < len(sse.body(exchange.script.steps)) < 20_000
        assert body.startswith(sse.body(exchange.script.steps))


def test_a_failed_redaction_writes_nothing(upstream: MockOpenAI, tmp_path: Path) -> None:
    def change(text: str) -> str:
        raise KeyError("I know no such text")

    upstream.reply("Hello")
    with MockOpenAI(
        upstream=upstream.base_url, record=tmp_path, redactor=Redactor(change=change)
    ) as mock:
        status, body = ask(mock)
        assert (status, body[-14:]) == (200, b"data: [DONE]\n\n")
        assert "KeyError" in (mock.calls[0].unrecorded or "")
    assert list(tmp_path.iterdir()) == []


def test_an_invalid_folder_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    for folder in (file, file / "inner"):
        with pytest.raises(MockServerError, match=f"cannot record into {folder}: Not a directory"):
            MockOpenAI(upstream="http://127.0.0.1:1", record=folder)


@pytest.mark.parametrize("length", [240, 3000])
def test_long_paths_are_recorded_under_a_shorter_name(
    upstream: MockOpenAI, tmp_path: Path, length: int
) -> None:
    upstream.on(endpoint="chat/completions").reply("Hello")
    with MockOpenAI(upstream=upstream.base_url, record=tmp_path) as mock:
        for last in "abb":
            ask(mock, f"/{'x' * length}{last}")
        mock.check()
    names = sorted(path.name for path in tmp_path.iterdir())
    assert len(names) == 3
    assert all(len(name) < 150 and name.startswith("x" * 100) for name in names)
    assert sorted(name.rpartition("-")[2] for name in names) == [
        "0001.jsonl",
        "0001.jsonl",
        "0002.jsonl",
    ], "paths that differ at their ends have names of their own"


def test_a_key_in_the_path_is_not_in_the_name(upstream: MockOpenAI, tmp_path: Path) -> None:
    with MockOpenAI(upstream=upstream.base_url, record=tmp_path) as mock:
        ask(mock, f"/keys/{KEY}")
    (path,) = tmp_path.iterdir()
    assert "canary" not in path.name


def test_only_the_user_may_read_recordings(upstream: MockOpenAI, tmp_path: Path) -> None:
    """Whatever the umask allows, during the exchange and afterwards."""
    upstream.reply("Hello", faults=[stall(after=2, seconds=60)])
    cassette = tmp_path / "cassettes" / "some" / "test.jsonl"
    umask = os.umask(0)
    try:
        into: dict[str, Any]
        for into in (
            {"record": tmp_path / "outer" / "in"},
            {"cassette": Cassette(cassette, "all")},
        ):
            with MockOpenAI(upstream=upstream.base_url, **into) as mock:
                with httpx2.Client(trust_env=False) as client:
                    with client.stream("POST", f"{mock.base_url}/chat/completions", json=ASKED):
                        assert len(list(tmp_path.rglob("*.part"))) == 1
                        modes = find_modes(tmp_path)
                assert mock.calls[0].wait(5)
            assert modes | find_modes(tmp_path) == {0o600, 0o700}
    finally:
        os.umask(umask)
    assert cassette.exists()


def find_modes(folder: Path) -> set[int]:
    """Return the permissions of files and folders."""
    return {path.stat().st_mode & 0o777 for path in folder.rglob("*")}


# The command


@contextmanager
def recording(upstream: MockOpenAI, folder: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Run `openai-mockserver record`; yield the process and its URL."""
    command = [sys.executable, "-m", "openai_mockserver", "record", "--port", "0", "-q",
               "--upstream", upstream.base_url, "-o", str(folder)]  # fmt: skip
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            yield process, process.stdout.readline().split(" on ")[1].strip()
        finally:
            process.kill()


def test_the_command_ends_with_an_error_if_a_recording_failed(
    upstream: MockOpenAI, tmp_path: Path
) -> None:
    upstream.reply(Reply("word " * 300))
    with recording(upstream, tmp_path) as (process, url):
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (20_000, 20_000))
        with httpx2.Client(trust_env=False) as client:
            answer = client.post(f"{url}/chat/completions", json=ASKED)
        assert answer.content.count(b"\n\n") == 304
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=30)
    assert process.returncode == 1
    log_line, message = errors.splitlines()
    failure = f"recording into {tmp_path}/chat-completions-0001.jsonl.part failed: File too large"
    assert log_line == f"openai-mockserver: {failure}"
    assert message == f"Error: 1 of 1 calls were not recorded completely: {failure}"


def test_the_command_refuses_an_invalid_folder(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    command = [sys.executable, "-m", "openai_mockserver", "record", "--port", "0",
               "--upstream", "http://127.0.0.1:1", "-o", str(file)]  # fmt: skip
    ran = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert (ran.returncode, ran.stdout) == (1, "")
    assert ran.stderr == f"Error: cannot record into {file}: Not a directory\n"


CLIENTS = 8


@pytest.mark.slow
@pytest.mark.parametrize("cut", [(), (slice(size=50),)], ids=["events", "reads of 50 bytes"])
def test_a_killed_recorder_has_written_all_that_its_clients_received(
    upstream: MockOpenAI, tmp_path: Path, cut: Any
) -> None:
    """Kill it fifty times, after random numbers of reads by eight clients; check the files."""
    rng = random.Random(1)
    for n in range(CLIENTS):
        # The recorder holds back text that may be the start of a key.
        reply = Reply(f"{n} sk-" + "word eyJ sk-pro " * 100)
        upstream.on(user=str(n)).reply(reply, pace=Pace(itl=0.002), faults=cut)
    incomplete_count = 0
    for kill in range(50):
        folder = tmp_path / str(kill)
        with recording(upstream, folder) as (process, url):
            with ThreadPoolExecutor(CLIENTS) as pool:
                reads, last = count(1), rng.randrange(1, 40 * CLIENTS)

                def note_read(reads: Any = reads, last: int = last, process: Any = process) -> None:
                    if next(reads) == last:
                        process.kill()

                reading = [
                    pool.submit(read_until_killed, url, n, note_read) for n in range(CLIENTS)
                ]
                results = {n: one.result() for n, one in enumerate(reading)}
        for path in folder.iterdir():
            for exchange in load(path):
                n = int(exchange.about["request"]["json"]["messages"][0]["content"])
                content, received_data = sse.body(exchange.script.steps), results.pop(n)
                assert received_data.startswith(content) or content.startswith(received_data)
                assert len(received_data) - len(content) <= exchange.missing
                incomplete_count += exchange.missing > 0
        assert not any(results.values()), "who has got a byte is recorded"
    assert incomplete_count or not cut, "else this shows nothing"


def read_until_killed(url: str, n: int, note_read: Callable[[], object]) -> bytes:
    """Return the body that a client has received when the recorder is killed."""
    data = b""
    payload = ASKED | {"messages": [{"role": "user", "content": str(n)}]}
    with httpx2.Client(trust_env=False, timeout=30) as client:
        try:
            with client.stream("POST", f"{url}/chat/completions", json=payload) as response:
                for read in response.iter_raw():
                    data += read
                    note_read()
        except httpx2.HTTPError:
            pass
    return data
