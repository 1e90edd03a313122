"""What each store promises, wherever it keeps the objects."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from openai_mockserver.api.disk_bytes import DiskBytes, DiskWriter
from openai_mockserver.api.multipart import File, FileOnDisk
from openai_mockserver.api.store import Store
from openai_mockserver.state import Sandboxes, open_state
from redis_server import RedisServer, needs_redis, running_redis

SHARED = ("sqlite", pytest.param("redis", marks=needs_redis))
KINDS = ("memory", *SHARED)

OpenStore = Callable[..., Store]


def open_store(
    place: Path | str | None,
    sandbox: str | None = None,
    keep: int | None = None,
    keep_bytes: int | None = None,
) -> Store:
    return open_state(place, keep, keep_bytes).make(sandbox).objects


@pytest.fixture(scope="module")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    with running_redis(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Path | str | None:
    if request.param == "redis":
        server: RedisServer = request.getfixturevalue("redis_server")
        return f"{server.url}?prefix={tmp_path.name}"
    return tmp_path / "state.sqlite" if request.param == "sqlite" else None


@pytest.fixture
def opener(place: Path | str | None) -> OpenStore:
    """What opens the store; those that can be shared have the same objects each time."""
    return partial(open_store, place)


each_store = pytest.mark.parametrize("place", KINDS, indirect=True)
each_shared_store = pytest.mark.parametrize("place", SHARED, indirect=True)


def write_file(data: bytes) -> DiskBytes:
    writer = DiskWriter()
    writer.write([data])
    return writer.finish()


# Objects


@each_store
def test_a_value_is_found_by_its_kind_and_id(opener: OpenStore) -> None:
    store = opener()
    store.put("/v1/files", "a", {"id": "a", "bytes": 3})
    assert store.get("/v1/files", "a") == {"id": "a", "bytes": 3}
    assert store.get("/v1/files", "b") is None
    assert store.get("/v1/batches", "a") is None


@each_store
def test_values_are_listed_in_the_order_of_their_creation(opener: OpenStore) -> None:
    store = opener()
    for id in ("b", "a", "c"):
        store.put("kind", id, id)
    store.put("kind", "b", "replaced")
    assert store.all("kind") == ["replaced", "a", "c"]
    assert store.all("other") == []


@each_store
def test_a_deleted_value_is_gone_until_it_is_stored_again(opener: OpenStore) -> None:
    store = opener()
    store.put("kind", "a", {"n": 1})
    assert store.delete("kind", "a") == {"n": 1}
    assert (store.get("kind", "a"), store.is_gone("kind", "a")) == (None, True)
    assert not store.is_gone("kind", "b")
    store.put("kind", "a", {"n": 2})
    assert not store.is_gone("kind", "a")


@each_store
def test_a_dropped_value_leaves_no_trace(opener: OpenStore) -> None:
    store = opener()
    store.put("kind", "a", 1)
    store.drop("kind", "a")
    store.drop("kind", "never")
    assert (store.all("kind"), store.is_gone("kind", "a")) == ([], False)


@each_store
def test_a_withheld_value_counts_as_deleted(opener: OpenStore) -> None:
    store = opener()
    store.withhold("kind", "a", {"n": 1})
    assert (store.get("kind", "a"), store.is_gone("kind", "a")) == (None, True)


@each_store
def test_clearing_removes_everything_but_the_time(opener: OpenStore) -> None:
    store = opener()
    store.put("kind", "a", 1)
    store.put("kind", "file", File(b"data"))
    store.delete("kind", "b")
    store.withhold("kind", "c", 1)
    store.change_skipped(lambda skipped: skipped + 5)
    store.clear()
    assert store.all("kind") == []
    assert [store.is_gone("kind", id) for id in "abc"] == [False] * 3
    assert store.skipped == 5


@each_store
def test_a_value_is_looked_up_with_what_is_known_of_it(opener: OpenStore) -> None:
    store = opener()
    store.put("kind", "a", {"n": 1})
    store.put("kind", "b", {"n": 2})
    store.delete("kind", "b")
    store.withhold("kind", "c", {"n": 3})
    assert store.look_up("kind", "a") == ({"n": 1}, False, 0.0)
    store.change_skipped(lambda skipped: skipped + 2.5)
    assert [store.look_up("kind", id) for id in "abcd"] == [
        ({"n": 1}, False, 2.5),
        (None, True, 2.5),
        (None, True, 2.5),
        (None, False, 2.5),
    ]


@each_store
def test_a_dated_value_is_made_with_the_time_of_its_storing(opener: OpenStore) -> None:
    store = opener(keep=2)
    store.put_dated("kind", "a", lambda skipped: {"at": skipped})
    store.change_skipped(lambda skipped: skipped + 60)
    store.put_dated("kind", "b", lambda skipped: {"at": skipped})
    assert store.all("kind") == [{"at": 0}, {"at": 60}]
    store.put_dated("kind", "c", lambda skipped: {"at": skipped})
    assert store.all("kind") == [{"at": 60}, {"at": 60}]


# At once


@each_store
def test_a_value_is_added_once(opener: OpenStore) -> None:
    store = opener()
    assert store.add("kind", "a", "first")
    assert not store.add("kind", "a", "second")
    assert store.get("kind", "a") == "first"


@each_store
def test_one_of_many_threads_adds_a_value(opener: OpenStore) -> None:
    stores = [opener(), opener()]
    stores = stores if stores[0].is_shared else stores[:1]
    with ThreadPoolExecutor(8) as threads:
        results = list(threads.map(lambda n: stores[n % len(stores)].add("k", "a", n), range(40)))
    assert results.count(True) == 1
    assert stores[0].get("k", "a") == results.index(True)


@each_store
def test_an_update_replaces_a_value(opener: OpenStore) -> None:
    store = opener()
    assert store.update("kind", "a", lambda old: [old]) == [None]
    assert store.update("kind", "a", lambda old: [*old, 1]) == [None, 1]
    assert store.update("kind", "a", lambda old: old) == [None, 1]
    assert store.get("kind", "a") == [None, 1]
    assert store.update("kind", "a", lambda old: None) is None
    assert store.update("kind", "b", lambda old: None) is None
    assert (store.all("kind"), store.is_gone("kind", "a")) == ([], False)


@each_store
def test_no_update_is_lost(opener: OpenStore) -> None:
    stores = [opener(), opener()]
    stores = stores if stores[0].is_shared else stores[:1]

    def count(number: int) -> None:
        for _ in range(25):
            stores[number % len(stores)].update("kind", "n", lambda old: (old or 0) + 1)

    threads = [threading.Thread(target=count, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert stores[0].get("kind", "n") == 100


@each_store
def test_an_update_that_fails_changes_nothing(opener: OpenStore) -> None:
    store = opener()
    store.put("kind", "a", 1)
    with pytest.raises(ZeroDivisionError):
        store.update("kind", "a", lambda old: old // 0)
    store.put("kind", "b", 2)
    assert store.all("kind") == [1, 2]


@each_store
def test_several_values_are_stored_at_once(opener: OpenStore) -> None:
    store = opener()
    store.put_all([("kind", "a", 1), ("other", "b", 2), ("kind", "c", 3)])
    assert (store.all("kind"), store.all("other")) == ([1, 3], [2])


# Limits


@each_store
def test_the_oldest_values_of_a_kind_make_room(opener: OpenStore) -> None:
    store = opener(keep=3)
    for n in range(5):
        store.put("kind", f"{n}", n)
        store.put("kind", f"{n}", n)  # replaced ones count once
    store.put("other", "a", "stays")
    assert store.all("kind") == [2, 3, 4]
    store.drop("kind", "3")
    store.put("kind", "5", 5)
    assert store.all("kind") == [2, 4, 5]
    assert store.all("other") == ["stays"]
    assert not store.is_gone("kind", "0")


@each_store
def test_deleted_ids_are_forgotten_some_time(opener: OpenStore) -> None:
    store = opener(keep=1)
    for n in range(12):
        store.delete("kind", f"{n}")
    assert [store.is_gone("kind", f"{n}") for n in range(12)] == [False] * 2 + [True] * 10


@each_store
def test_the_oldest_files_make_room(opener: OpenStore) -> None:
    store = opener(keep_bytes=10)
    store.put("object", "a", {"id": "a"})
    for id in "abc":
        store.put("content", id, File(b"12345", id))
    assert [file.name for file in store.all("content")] == ["b", "c"]
    store.put("content", "huge", File(b"0" * 100, "huge"))
    assert [file.name for file in store.all("content")] == ["huge"], "the newest stays"
    assert store.get("object", "a") == {"id": "a"}


# Files


@each_store
def test_files_keep_their_bytes_and_names(opener: OpenStore) -> None:
    store = opener()
    store.put("content", "small", File(b"\0\n\xff[1]\n", "a.bin", "image/png"))
    store.put("content", "plain", b"\n")
    store.put("content", "empty", File(b"", "empty.txt"))
    small = store.get("content", "small")
    assert (small, small.name, small.content_type) == (b"\0\n\xff[1]\n", "a.bin", "image/png")
    assert store.get("content", "plain") == b"\n"
    assert (store.get("content", "empty"), store.get("content", "empty").name) == (b"", "empty.txt")


@each_store
def test_files_on_disk_are_read_in_pieces(opener: OpenStore) -> None:
    store = opener()
    data = bytes(n % 251 for n in range(700_001))
    store.put("content", "a", FileOnDisk(write_file(data), "a.bin", "image/png"))
    store.put("content", "b", write_file(data[::-1]))
    file = store.get("content", "a")
    assert (file.name, file.content_type, len(file)) == ("a.bin", "image/png", len(data))
    assert bytes(file) == data
    assert bytes(file[262_100:262_200]) == data[262_100:262_200], "over the border of two pieces"
    assert bytes(store.get("content", "b")) == data[::-1]
    assert file == FileOnDisk(write_file(data))


# Several processes, and restarts


@each_shared_store
def test_another_process_finds_everything(opener: OpenStore) -> None:
    one, other = opener(), opener()
    one.put("kind", "a", {"n": 1})
    one.put("content", "file", FileOnDisk(write_file(b"x" * 300_000), "file"))
    assert other.get("kind", "a") == {"n": 1}
    assert bytes(other.get("content", "file")) == b"x" * 300_000
    other.delete("kind", "a")
    assert (one.get("kind", "a"), one.is_gone("kind", "a")) == (None, True)
    one.put_dated("kind", "before", lambda skipped: skipped)
    other.change_skipped(lambda skipped: skipped + 60)
    assert one.skipped == 60
    one.put_dated("kind", "after", lambda skipped: skipped)
    assert (other.get("kind", "before"), other.get("kind", "after")) == (0, 60)
    assert one.process != other.process
    assert abs(one.read_clock() - other.read_clock()) < 5


@each_shared_store
def test_each_sandbox_has_its_own_objects(opener: OpenStore) -> None:
    mock, box, other_box = opener(), opener("box"), opener("box2")
    for value, store in enumerate((mock, box, other_box)):
        store.put("kind", "a", value)
        store.change_skipped(lambda skipped, value=value: skipped + value)  # type: ignore[misc]
    box.clear()
    assert [store.all("kind") for store in (mock, box, other_box)] == [[0], [], [2]]
    assert [store.skipped for store in (mock, box, other_box)] == [0, 1, 2]


@each_shared_store
def test_a_removed_sandbox_leaves_nothing(place: Any) -> None:
    maker = open_state(place)
    sandboxes: Sandboxes[None] = maker.make_sandboxes(lambda sandbox: False, None)
    sandboxes.add("box", lambda id: maker.make(id).objects.put("kind", "a", 1))
    assert maker.make("box").objects.all("kind") == [1]
    assert sandboxes.remove("box")
    assert maker.make("box").objects.all("kind") == []


@each_shared_store
def test_what_is_stored_survives_its_process(opener: OpenStore) -> None:
    store = opener()
    store.put_all([("kind", "a", 1), ("kind", "b", 2)])
    store.delete("kind", "a")
    del store
    assert opener().all("kind") == [2]
    assert opener().is_gone("kind", "a")


@each_shared_store
@pytest.mark.filterwarnings("ignore:.*multi-threaded:DeprecationWarning")
def test_a_forked_process_has_a_connection_of_its_own(opener: OpenStore) -> None:
    store = opener()
    store.put("kind", "before", 0)
    children = []
    for number in range(3):
        if (pid := os.fork()) == 0:
            for _ in range(20):
                store.update("kind", "sum", lambda old: (old or 0) + 1)
            store.put("process", f"{number}", store.process)
            os._exit(0)
        children.append(pid)
    for _ in range(20):
        store.update("kind", "sum", lambda old: (old or 0) + 1)
    for pid in children:
        assert os.waitpid(pid, 0)[1] == 0
    assert store.all("kind") == [0, 80]
    assert len({*store.all("process"), store.process}) == 4


@each_shared_store
def test_only_a_copy_is_returned(opener: OpenStore) -> None:
    store = opener()
    store.put("kind", "a", {"n": 1})
    store.get("kind", "a")["n"] = 2
    assert store.get("kind", "a") == {"n": 1}
