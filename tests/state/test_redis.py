"""A Redis server as a store: how it is reached, and what happens while it is away."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import openai
import pytest
import trustme

from openai_mockserver import MissingDependency, MockOpenAI
from openai_mockserver.api.disk_bytes import DiskWriter
from openai_mockserver.exceptions import BusyStateError, StateError
from openai_mockserver.state import open_state
from openai_mockserver.state.redis import InRedis
from redis_server import RedisServer, find_free_port, needs_redis, running_redis

pytestmark = [pytest.mark.slow, needs_redis]


# Opening


def test_a_server_that_is_away_is_an_error_at_once() -> None:
    port = find_free_port()
    with pytest.raises(
        StateError, match=rf"redis://127.0.0.1:{port}/0 cannot be opened: .*refused"
    ):
        open_state(f"redis://127.0.0.1:{port}/0")


@pytest.mark.parametrize(
    "url",
    [
        "redis://:secret@127.0.0.1:port/0",
        "redis://:secret@127.0.0.1/0?prefix",
        "redis://:secret@127.0.0.1/0?socket_timeout=soon",
        "redis://:secret@127.0.0.1/0?secrets=secret",
        "redis://:secret@[::1/0",
    ],
)
def test_an_invalid_url_is_one_sentence_without_its_password(url: str) -> None:
    with pytest.raises(StateError) as caught:
        open_state(url)
    assert f"{caught.value}".startswith("the URL of the state is invalid")
    assert "secret" not in f"{caught.value}"
    assert caught.value.__cause__ is None


def test_the_password_is_checked_and_never_shown(tmp_path: Path) -> None:
    with running_redis(tmp_path, ["--requirepass", "hunter2"]) as server:
        url = server.url.replace("redis://", "redis://:hunter2@")
        state = open_state(url)
        state.make().objects.put("kind", "a", 1)
        assert state.make().objects.get("kind", "a") == 1
        assert "hunter2" not in repr(state)
        for wrong in (server.url, url.replace("hunter2", "hunter3")):
            with pytest.raises(StateError, match="cannot be opened") as caught:
                open_state(wrong)
            assert "hunter" not in f"{caught.value}"
        server.stop()
        with pytest.raises(BusyStateError) as caught:
            state.make().objects.get("kind", "a")
        assert "hunter2" not in f"{caught.value}"


def test_tls_is_checked(tmp_path: Path) -> None:
    authority = trustme.CA()
    certificate = authority.issue_cert("127.0.0.1")
    names = [str(tmp_path / name) for name in ("ca.pem", "cert.pem", "key.pem")]
    authority.cert_pem.write_to_path(names[0])
    certificate.cert_chain_pems[0].write_to_path(names[1])
    certificate.private_key_pem.write_to_path(names[2])
    port = str(find_free_port())
    options = ["--port", "0", "--tls-port", port, "--tls-auth-clients", "no"]
    options += [
        "--tls-ca-cert-file",
        names[0],
        "--tls-cert-file",
        names[1],
        "--tls-key-file",
        names[2],
    ]
    with running_redis(tmp_path, options, int(port)):
        url = f"rediss://127.0.0.1:{port}/0"
        store = open_state(f"{url}?ssl_ca_certs={names[0]}&prefix=tls").make().objects
        store.put("kind", "a", 1)
        assert store.all("kind") == [1]
        with pytest.raises(StateError, match=r"(?i)certificate"):
            open_state(url)


def test_prefixes_separate_servers(tmp_path: Path) -> None:
    with running_redis(tmp_path) as server:
        stores = [open_state(f"{server.url}?prefix={name}").make().objects for name in ("a", "b")]
        for value, store in enumerate(stores):
            store.put("kind", "id", value)
        assert [store.all("kind") for store in stores] == [[0], [1]]
        stores[0].clear()
        assert [store.all("kind") for store in stores] == [[], [1]]


def test_without_the_package_the_error_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "redis", None)
    with pytest.raises(MissingDependency, match=r"pip install 'openai-mockserver\[redis\]'"):
        InRedis("redis://127.0.0.1:1/0")


# While it is away


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RedisServer]:
    with running_redis(tmp_path) as server:
        yield server


def test_requests_that_need_it_get_a_503_until_it_is_back(server: RedisServer) -> None:
    with MockOpenAI(state=server.url, fail_on_unmatched=False) as mock:
        client = mock.client(max_retries=0)
        mock.reply("Hello")
        first = client.responses.create(model="gpt-4o", input="Hi")
        server.stop()
        with pytest.raises(openai.InternalServerError) as caught:
            client.responses.retrieve(first.id)
        assert (caught.value.status_code, caught.value.code) == (503, "state_unavailable")
        assert caught.value.response.headers["retry-after"] == "1"
        unstored = client.responses.create(model="gpt-4o", input="Hi", store=False)
        assert unstored.output_text == "Hello", "what stores nothing needs no state"
        server.start()
        assert client.responses.retrieve(first.id).output_text == "Hello"


def test_a_server_that_hangs_delays_one_request(server: RedisServer) -> None:
    store = open_state(server.url).make().objects
    store.put("kind", "a", 1)
    server.send_signal(signal.SIGSTOP)
    with pytest.raises(BusyStateError, match="did not answer in time"):
        store.get("kind", "a")
    with pytest.raises(BusyStateError, match="did not answer in time"):
        store.get("kind", "a")
    server.send_signal(signal.SIGCONT)
    assert wait_until_it_works(lambda: store.get("kind", "a")) == 1


def wait_until_it_works(function: Callable[[], object]) -> object:
    for _ in range(100):
        try:
            return function()
        except BusyStateError:
            threading.Event().wait(0.1)
    raise AssertionError("it never works")


@pytest.mark.slow
def test_a_restart_under_load_loses_no_answered_write(server: RedisServer) -> None:
    store = open_state(server.url).make().objects
    written: list[set[str]] = [set() for _ in range(4)]
    is_over = threading.Event()

    def write(number: int) -> None:
        count = 0
        while not is_over.is_set():
            id = f"{number} {count}"
            count += 1
            try:
                store.put_all([("left", id, count), ("right", id, count)])
            except BusyStateError:
                continue
            written[number].add(id)

    threads = [threading.Thread(target=write, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for _ in range(3):
        before = sum(map(len, written))
        while sum(map(len, written)) < before + 200:
            threading.Event().wait(0.01)
        server.stop()
        server.start()
    is_over.set()
    for thread in threads:
        thread.join()
    wait_until_it_works(lambda: store.get("left", "0 0"))
    assert store.all("left") == store.all("right")
    for ids in written:
        assert all(store.get("left", id) is not None for id in ids)


def test_nothing_is_left_of_a_deleted_file(server: RedisServer) -> None:
    writer = DiskWriter()
    writer.write([os.urandom(1 << 20)])
    store = open_state(server.url).make().objects
    store.put("content", "a", writer.finish())
    assert store.delete("content", "a") is not None
    store.clear()
    client = open_state(server.url)._server.client  # type: ignore[attr-defined]
    assert client.keys() == []
