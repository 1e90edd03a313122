"""A file of SQLite as a store: opening it, sharing it, and processes that die while they write."""

from __future__ import annotations

import os
import sqlite3
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import openai
import pytest

from openai_mockserver import MockOpenAI
from openai_mockserver.exceptions import BusyStateError, StateError
from openai_mockserver.state import open_state, sqlite


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "state.sqlite"


# Opening


def test_only_this_user_can_read_the_file(file: Path) -> None:
    state = open_state(file).make()
    state.objects.put("kind", "a", 1)
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in file.parent.iterdir()}
    assert modes == {f"state.sqlite{suffix}": 0o600 for suffix in ("", "-wal", "-shm")}


def test_a_file_of_something_else_stays_as_it_is(file: Path) -> None:
    file.write_text("My notes, which are long enough to be no header of a database at all.\n" * 9)
    content = file.read_bytes()
    with pytest.raises(StateError, match=r"state\.sqlite is no state of openai-mockserver"):
        open_state(file)
    assert file.read_bytes() == content


def test_a_database_of_something_else_stays_as_it_is(file: Path) -> None:
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("CREATE TABLE notes (text TEXT)")
    with pytest.raises(StateError, match="is no state of openai-mockserver"):
        open_state(file)
    with closing(sqlite3.connect(file)) as connection:
        tables = connection.execute("SELECT name FROM sqlite_schema").fetchall()
    assert tables == [("notes",)]


def test_a_file_of_a_newer_version_is_refused(file: Path) -> None:
    open_state(file)
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("PRAGMA user_version = 7")
    with pytest.raises(StateError, match=r"newer version .*: its tables have the version 7"):
        open_state(file)


def test_a_place_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(StateError, match="cannot be opened: No such file or directory"):
        open_state(tmp_path / "missing" / "state.sqlite")
    with pytest.raises(StateError, match="cannot be opened: Is a directory"):
        open_state(tmp_path)


def test_a_damaged_value_is_an_error_that_says_so(file: Path) -> None:
    store = open_state(file).make().objects
    store.put("kind", "a", 1)
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute("UPDATE objects SET value = '[\"json\"'")
    with pytest.raises(StateError, match="a stored value is damaged"):
        store.get("kind", "a")


def test_many_threads_can_create_the_file_at_once(file: Path) -> None:
    with ThreadPoolExecutor(8) as threads:
        makers = list(threads.map(lambda _: open_state(file), range(8)))
    for number, maker in enumerate(makers):
        maker.make().objects.put("kind", f"{number}", number)
    assert makers[0].make().objects.all("kind") == list(range(8))


def test_pieces_without_a_file_are_removed_some_day(file: Path) -> None:
    open_state(file)
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.executemany("INSERT INTO blobs VALUES (?, ?)", [("old", 0), ("new", 1e11)])
        connection.executemany("INSERT INTO pieces VALUES (?, 0, 'x')", [("old",), ("new",)])
    open_state(file)
    with closing(sqlite3.connect(file)) as connection:
        assert connection.execute("SELECT blob FROM pieces").fetchall() == [("new",)]


# When another process writes


@contextmanager
def lock(file: Path) -> Iterator[None]:
    with closing(sqlite3.connect(file, isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        yield
        connection.execute("ROLLBACK")


def test_a_locked_file_is_a_503_and_then_works_again(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite, "PATIENCE", 0.05)
    with (
        MockOpenAI(state=file, fail_on_unmatched=False) as mock,
        mock.client(max_retries=0) as client,
    ):
        mock.reply("Hello")
        with lock(file):
            with pytest.raises(openai.InternalServerError) as caught:
                client.responses.create(model="gpt-4o", input="Hi")
            unstored = client.responses.create(model="gpt-4o", input="Hi", store=False)
            assert unstored.output_text == "Hello", "what stores nothing needs no state"
        assert caught.value.status_code == 503
        assert caught.value.code == "state_unavailable"
        assert caught.value.response.headers["retry-after"] == "1"
        response = client.responses.create(model="gpt-4o", input="Hi")
        assert client.responses.retrieve(response.id).output_text == "Hello"


def test_waiting_for_the_lock_has_an_end(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite, "PATIENCE", 0.05)
    store = open_state(file).make().objects
    with lock(file), pytest.raises(BusyStateError, match="database is locked"):
        store.put("kind", "a", 1)
    store.put("kind", "a", 2)
    assert store.get("kind", "a") == 2


# Processes that are killed

WRITE = """
import os, sys
from itertools import count
from pathlib import Path
from openai_mockserver.api.multipart import File
from openai_mockserver.state import open_state

store = open_state(Path(sys.argv[1]), 50, 200_000).make().objects
me = os.getpid()
print("ready", flush=True)
for n in count():
    value = {"n": n, "writer": me, "text": "x" * 2000}
    store.put_all([("left", f"{me} {n}", value), ("right", f"{me} {n}", value)])
    store.update("sum", "a", lambda old: (old or 0) + 1)
    store.put("content", f"{n % 7}", File(b"y" * 30_000, f"{n}"))
    store.delete("left", f"{me} {n - 20}")
    store.drop("right", f"{me} {n - 20}")
"""


def start_writer(file: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", WRITE, os.fspath(file)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def find_newest(values: list[dict[str, Any]]) -> dict[int, int]:
    """Return the number of the newest value of each writer."""
    return {value["writer"]: value["n"] for value in values}


@pytest.mark.slow
def test_nothing_is_half_written_when_processes_are_killed(file: Path) -> None:
    total = 0
    for life in range(10):
        writers = [start_writer(file) for _ in range(2)]
        for writer in writers:
            assert writer.stdout is not None
            assert writer.stdout.readline() == "ready\n"
        threading.Event().wait(0.05 + life * 0.02)  # so that each is killed at another moment
        for writer in writers:
            writer.kill()
            writer.communicate()
        store = open_state(file, 50, 200_000).make().objects
        lefts, rights = store.all("left"), store.all("right")
        assert {len(value["text"]) for value in [*lefts, *rights]} == {2000}
        pairs = [(find_newest(lefts).get(w.pid), find_newest(rights).get(w.pid)) for w in writers]
        assert any(left is not None for left, _ in pairs), "one may have waited for the other"
        assert all(left == right for left, right in pairs)
        assert all(content == b"y" * 30_000 for content in store.all("content"))
        assert store.get("sum", "a") > total
        total = store.get("sum", "a")
        with closing(sqlite3.connect(file)) as connection:
            assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
            counted = dict(connection.execute("SELECT kind, count FROM counts"))
            counts = dict(connection.execute("SELECT kind, count(*) FROM objects GROUP BY kind"))
            assert {kind: counted[kind] for kind in counts} == counts
