"""The objects of a mock in a file of SQLite, which several processes of one machine share.

Theory of operation. Each process has one connection, which its threads use in turn. A read is one
statement. A write is one short transaction that takes the lock of the file at its beginning
(``BEGIN IMMEDIATE``), so that what it has read is still true when it writes. Another process waits
up to `PATIENCE` seconds for the lock; then the request gets a 503 and can be repeated.

In WAL mode readers and the writer do not wait for each other, and a process that is killed leaves
either all of a transaction or nothing. With ``synchronous=NORMAL`` nothing waits for the disk
either: after a loss of power the last transactions may be missing, but the file is intact.

``put("/v1/files", "file-1", ...)``, for example, is

    BEGIN IMMEDIATE
    INSERT OR IGNORE INTO objects ...          -- or UPDATE, which keeps the object's place in order
    INSERT INTO counts ... RETURNING count     -- if it is new; above the limit the oldest goes
    DELETE FROM gone ...
    COMMIT

The bytes of a large file are written before that, piece by piece, each piece in a transaction of
its own, so that other processes can write in between. Pieces whose file was never stored, because
the process was killed, are removed when the file is opened a day later.
"""

from __future__ import annotations

import os
import secrets
import sqlite3
import threading
import time
import weakref
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from openai_mockserver.api.disk_bytes import PART, DiskBytes, weigh
from openai_mockserver.exceptions import BusyStateError, StateError
from openai_mockserver.state.codec import decode, encode
from openai_mockserver.state.shared import SharedStore, StoredStates, name_space

__all__ = ["InSqlite", "SqliteStore"]

PATIENCE = 5.0
"""Seconds that a process waits for another one's transaction."""

_APPLICATION = 0x6F6D6F63  # "omoc", in the header of the file (https://sqlite.org/fileformat.html)
_VERSION = 2
_ABANDONED = 86_400.0  # seconds after which pieces without a file are removed

_SCHEMA = """
CREATE TABLE objects (
    number INTEGER PRIMARY KEY,  -- in order of creation
    space TEXT NOT NULL,         -- the sandbox; empty for the mock itself
    kind TEXT NOT NULL,
    id TEXT NOT NULL,
    value BLOB NOT NULL,
    weight INTEGER,              -- of an uploaded file, for the limit of their bytes
    blob TEXT,                   -- the name of its bytes, if they are in pieces
    UNIQUE (space, kind, id)
);
CREATE INDEX objects_in_order ON objects (space, kind, number);
CREATE INDEX files ON objects (space, number, weight) WHERE weight IS NOT NULL;
CREATE TABLE counts (
    space TEXT NOT NULL, kind TEXT NOT NULL, count INTEGER NOT NULL, PRIMARY KEY (space, kind)
) WITHOUT ROWID;
CREATE TABLE gone (
    number INTEGER PRIMARY KEY, space TEXT NOT NULL, kind TEXT NOT NULL, id TEXT NOT NULL,
    UNIQUE (space, kind, id)
);
CREATE TABLE clocks (space TEXT PRIMARY KEY, skipped REAL NOT NULL) WITHOUT ROWID;
CREATE TABLE blobs (blob TEXT PRIMARY KEY, created REAL NOT NULL) WITHOUT ROWID;
CREATE TABLE pieces (
    blob TEXT NOT NULL, number INTEGER NOT NULL, data BLOB NOT NULL, UNIQUE (blob, number)
);
"""

_GONE = "\0gone"
"""The kind whose count is the number of deleted ids."""

T = TypeVar("T")


_DATABASES: weakref.WeakSet[_Database] = weakref.WeakSet()


def _close_all() -> None:
    for database in tuple(_DATABASES):
        database.close()


if hasattr(os, "register_at_fork"):
    # A connection must not get into another process (https://sqlite.org/howtocorrupt.html, 2.6).
    os.register_at_fork(before=_close_all)


class _Database:
    """A file of SQLite, and the connection of this process to it.

    Args:
        path: the file; it is created if it does not exist.

    Raises StateError if the file cannot be opened, is no state, or belongs to a newer version.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.RLock()
        self._depth = 0
        self._open_connection: sqlite3.Connection | None = None
        try:
            os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
        except OSError as error:
            raise StateError(f"{path}: the state cannot be opened: {error.strerror}") from None
        self._prepare()
        _DATABASES.add(self)

    @property
    def _connection(self) -> sqlite3.Connection:
        """The connection of this process, opened when it is needed."""
        if self._open_connection is None:
            connection = sqlite3.connect(
                self.path, timeout=PATIENCE, isolation_level=None, check_same_thread=False
            )
            # The finalizer holds it, so that it cannot be collected, and complain, before.
            weakref.finalize(self, connection.close)
            # A checkpoint waits for the disk; it need not do so after each megabyte.
            pragmas = ("synchronous = NORMAL", "wal_autocheckpoint = 4000", "trusted_schema = OFF")
            for pragma in pragmas:
                connection.execute(f"PRAGMA {pragma}")
            self._open_connection = connection
        return self._open_connection

    def close(self) -> None:
        """Close the connection; it is opened again when it is needed."""
        with self._lock:
            if self._open_connection is not None:
                self._open_connection.close()
                self._open_connection = None

    def _prepare(self) -> None:
        """Create the tables, or check that they are there."""
        problem: sqlite3.Error | None = None
        until = time.monotonic() + PATIENCE
        while True:
            try:
                self._connection.execute("PRAGMA journal_mode = WAL")
                break
            except sqlite3.OperationalError as error:
                # SQLite does not wait for others that change the mode at the same time.
                if time.monotonic() > until:
                    problem = error
                    break
                time.sleep(0.005)
            except sqlite3.DatabaseError as error:
                problem = error
                break
        if problem is not None:
            raise StateError(f"{self.path} is no state of openai-mockserver: {problem}")
        with self.write():
            application, version = (
                self._find_number("application_id"),
                self._find_number("user_version"),
            )
            tables = self.fetch("SELECT count(*) FROM sqlite_schema")[0][0]
            if not (tables or application or version):
                for statement in _SCHEMA.split(";\n"):
                    self.execute(statement)
                self.execute(f"PRAGMA application_id = {_APPLICATION}")
                self.execute(f"PRAGMA user_version = {_VERSION}")
            elif application != _APPLICATION:
                raise StateError(f"{self.path} is no state of openai-mockserver")
            elif version != _VERSION:
                age = "a newer" if version > _VERSION else "an older"
                raise StateError(
                    f"{self.path} was written by {age} version of openai-mockserver: its tables "
                    f"have the version {version}, and this one knows {_VERSION}"
                )
            self._remove_abandoned_pieces()

    def _find_number(self, pragma: str) -> int:
        return int(self.fetch(f"PRAGMA {pragma}")[0][0])

    def _remove_abandoned_pieces(self) -> None:
        blobs = self.fetch(
            "SELECT blob FROM blobs WHERE created < ? AND blob NOT IN "
            "(SELECT blob FROM objects WHERE blob IS NOT NULL)",
            time.time() - _ABANDONED,
        )
        for (blob,) in blobs:
            self.remove_blob(blob)

    # Statements

    def fetch(self, statement: str, *values: object) -> list[Any]:
        """Return all rows of a statement."""
        with self._lock, self._translate_errors():
            return self._connection.execute(statement, values).fetchall()

    def execute(self, statement: str, *values: object) -> int:
        """Execute a statement, and return how many rows it has changed."""
        with self._lock, self._translate_errors():
            return self._connection.execute(statement, values).rowcount

    @contextmanager
    def write(self) -> Iterator[None]:
        """Do everything in the body, or nothing; nobody else writes meanwhile."""
        with self._lock:
            if self._depth == 0:
                self.execute("BEGIN IMMEDIATE")
            self._depth += 1
            try:
                yield
            except BaseException:
                self._depth -= 1
                if self._depth == 0:
                    with suppress(sqlite3.Error):  # after some errors there is none to roll back
                        self._connection.execute("ROLLBACK")
                raise
            self._depth -= 1
            if self._depth == 0:
                try:
                    self.execute("COMMIT")
                except StateError:
                    with suppress(sqlite3.Error):
                        self._connection.execute("ROLLBACK")
                    raise

    @contextmanager
    def _translate_errors(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.OperationalError as error:
            raise BusyStateError(f"{self.path}: {error}") from None
        except sqlite3.DatabaseError as error:
            raise StateError(f"{self.path}: {error}") from None

    # Bytes in pieces

    def write_blob(self, parts: Iterable[bytes]) -> str:
        """Store bytes, and return the name under which they are found."""
        blob = secrets.token_hex(16)
        self.execute("INSERT INTO blobs VALUES (?, ?)", blob, time.time())
        number, rest = 0, bytearray()
        for part in parts:
            rest += part
            while len(rest) >= PART:
                self.execute("INSERT INTO pieces VALUES (?, ?, ?)", blob, number, rest[:PART])
                del rest[:PART]
                number += 1
        if rest:
            self.execute("INSERT INTO pieces VALUES (?, ?, ?)", blob, number, rest)
        return blob

    def read_blob(self, blob: str, start: int, size: int) -> bytes:
        """Return some of the bytes with a name. Raises StateError if they were deleted."""
        data = bytearray()
        while size > 0:
            rows = self.fetch(
                "SELECT data FROM pieces WHERE blob = ? AND number = ?", blob, start // PART
            )
            if not rows:
                raise StateError(f"{self.path}: a file was deleted while it was read")
            piece = rows[0][0][start % PART : start % PART + size]
            if not piece:
                break
            data += piece
            start, size = start + len(piece), size - len(piece)
        return bytes(data)

    def remove_blob(self, blob: str) -> None:
        """Remove bytes."""
        self.execute("DELETE FROM pieces WHERE blob = ?", blob)
        self.execute("DELETE FROM blobs WHERE blob = ?", blob)


@dataclass(frozen=True, slots=True)
class _Blob:
    """The bytes of a file, in pieces."""

    database: _Database
    name: str

    def read(self, start: int, size: int) -> bytes:
        return self.database.read_blob(self.name, start, size)


class _Blobs:
    """The place of the bytes of files; notes the name of those that were written last."""

    def __init__(self, database: _Database) -> None:
        self._database = database
        self.written: str | None = None

    def write(self, parts: Iterable[bytes]) -> str:
        self.written = self._database.write_blob(parts)
        return self.written

    def find(self, name: str) -> _Blob:
        return _Blob(self._database, name)


class SqliteStore(SharedStore):
    """Objects in a file.

    Args:
        database: the file.
        space: distinguishes the objects from those of other sandboxes.
        keep, keep_bytes: as for `Store`.
    """

    def __init__(
        self, database: _Database, space: str, keep: int | None, keep_bytes: int | None
    ) -> None:
        super().__init__(keep, keep_bytes)
        self._database, self._space = database, space
        self._blobs = _Blobs(database)

    def _encode(self, value: Any) -> tuple[bytes, str | None]:
        """Return the bytes of a value, and the name of its file's; that is then written."""
        blobs = _Blobs(self._database)
        return encode(value, blobs), blobs.written

    # Reading

    def get(self, kind: str, id: str) -> Any:
        rows = self._database.fetch(
            "SELECT value FROM objects WHERE space = ? AND kind = ? AND id = ?",
            self._space,
            kind,
            id,
        )
        return decode(rows[0][0], self._blobs) if rows else None

    def all(self, kind: str) -> list[Any]:
        rows = self._database.fetch(
            "SELECT value FROM objects WHERE space = ? AND kind = ? ORDER BY number",
            self._space,
            kind,
        )
        return [decode(value, self._blobs) for (value,) in rows]

    def is_gone(self, kind: str, id: str) -> bool:
        if self.is_withheld(kind, id):
            return True
        return bool(
            self._database.fetch(
                "SELECT 1 FROM gone WHERE space = ? AND kind = ? AND id = ?", self._space, kind, id
            )
        )

    # Writing

    def put(self, kind: str, id: str, value: Any) -> None:
        data, blob = self._encode(value)
        with self._database.write():
            self._write(kind, id, value, data, blob)

    def put_dated(self, kind: str, id: str, make_value: Callable[[float], Any]) -> None:
        with self._database.write():
            self.put(kind, id, make_value(self.skipped))

    def put_all(self, entries: Iterable[tuple[str, str, Any]]) -> None:
        encoded = [(kind, id, value, *self._encode(value)) for kind, id, value in entries]
        with self._database.write():
            for entry in encoded:
                self._write(*entry)

    def add(self, kind: str, id: str, value: Any) -> bool:
        data, blob = self._encode(value)
        with self._database.write():
            if self._database.fetch(
                "SELECT 1 FROM objects WHERE space = ? AND kind = ? AND id = ?",
                self._space,
                kind,
                id,
            ):
                if blob is not None:
                    self._database.remove_blob(blob)
                return False
            self._write(kind, id, value, data, blob)
            return True

    def update(self, kind: str, id: str, change: Callable[[Any], Any]) -> Any:
        with self._database.write():
            old = self.get(kind, id)
            new = change(old)
            if new is None and old is not None:
                self._forget(kind, id)
            elif new is not old:
                self._write(kind, id, new, *self._encode(new))
            return new

    def _write(self, kind: str, id: str, value: Any, data: bytes, blob: str | None) -> None:
        """Insert or replace an object, in a transaction."""
        execute, key = self._database.execute, (self._space, kind, id)
        is_file = isinstance(value, bytes | DiskBytes)
        weight = weigh(value) if is_file else None
        if is_file:
            self._remove_old_blob(kind, id)
        is_new = execute(
            "INSERT OR IGNORE INTO objects (space, kind, id, value, weight, blob) "
            "VALUES (?, ?, ?, ?, ?, ?)",
            *key,
            data,
            weight,
            blob,
        )
        if is_new:
            execute("DELETE FROM gone WHERE space = ? AND kind = ? AND id = ?", *key)
            if self._keep is not None and self._count(kind, 1) > self._keep:
                self._forget_oldest(kind)
        else:
            execute(
                "UPDATE objects SET value = ?, weight = ?, blob = ? "
                "WHERE space = ? AND kind = ? AND id = ?",
                data,
                weight,
                blob,
                *key,
            )
        if is_file and self._keep_bytes is not None:
            self._limit_bytes(self._keep_bytes)

    def _remove_old_blob(self, kind: str, id: str) -> None:
        rows = self._database.fetch(
            "SELECT blob FROM objects WHERE space = ? AND kind = ? AND id = ?",
            self._space,
            kind,
            id,
        )
        for (blob,) in rows:
            if blob is not None:
                self._database.remove_blob(blob)

    def _count(self, kind: str, change: int) -> int:
        """Change the number of the objects of a kind, and return it."""
        rows = self._database.fetch(
            "INSERT INTO counts VALUES (?, ?, ?) "
            "ON CONFLICT DO UPDATE SET count = count + excluded.count RETURNING count",
            self._space,
            kind,
            change,
        )
        return int(rows[0][0])

    def _limit_bytes(self, most: int) -> None:
        files = self._database.fetch(
            "SELECT kind, id, weight FROM objects WHERE space = ? AND weight IS NOT NULL "
            "ORDER BY number",
            self._space,
        )
        total = sum(weight for _, _, weight in files)
        for kind, id, weight in files[:-1]:
            if total <= most:
                break
            self._forget(kind, id)
            total -= weight

    def _forget_oldest(self, kind: str) -> None:
        rows = self._database.fetch(
            "SELECT id FROM objects WHERE space = ? AND kind = ? ORDER BY number LIMIT 1",
            self._space,
            kind,
        )
        for (id,) in rows:
            self._forget(kind, id)

    def _forget(self, kind: str, id: str) -> None:
        rows = self._database.fetch(
            "DELETE FROM objects WHERE space = ? AND kind = ? AND id = ? RETURNING blob",
            self._space,
            kind,
            id,
        )
        for (blob,) in rows:
            if blob is not None:
                self._database.remove_blob(blob)
            if self._keep is not None:
                self._count(kind, -1)

    def delete(self, kind: str, id: str) -> Any:
        with self._database.write():
            value = self.get(kind, id)
            self._forget(kind, id)
            is_new = self._database.execute(
                "INSERT OR IGNORE INTO gone (space, kind, id) VALUES (?, ?, ?)",
                self._space,
                kind,
                id,
            )
            if is_new and self._keep is not None and self._count(_GONE, 1) > 10 * self._keep:
                self._count(_GONE, -1)
                self._database.execute(
                    "DELETE FROM gone WHERE number = "
                    "(SELECT min(number) FROM gone WHERE space = ?)",
                    self._space,
                )
            return value

    def drop(self, kind: str, id: str) -> None:
        with self._database.write():
            self._forget(kind, id)

    def clear(self) -> None:
        super().clear()
        with self._database.write():
            blobs = self._database.fetch(
                "SELECT blob FROM objects WHERE space = ? AND blob IS NOT NULL", self._space
            )
            for (blob,) in blobs:
                self._database.remove_blob(blob)
            for table in ("objects", "counts", "gone"):
                self._database.execute(f"DELETE FROM {table} WHERE space = ?", self._space)

    # Time

    @property
    def skipped(self) -> float:
        rows = self._database.fetch("SELECT skipped FROM clocks WHERE space = ?", self._space)
        return float(rows[0][0]) if rows else 0.0

    def change_skipped(self, change: Callable[[float], float]) -> None:
        with self._database.write():
            self._database.execute(
                "INSERT OR REPLACE INTO clocks VALUES (?, ?)", self._space, change(self.skipped)
            )


@dataclass(frozen=True, slots=True)
class InSqlite(StoredStates):
    """Makes states whose objects are in a file of SQLite; the rest is in memory.

    Args:
        path: the file. It is created, for this user only, if it does not exist.
        keep_calls, keep_bytes: as for `InMemory`.

    Raises StateError if the file cannot be opened, is no state, or belongs to a newer version.
    """

    path: Path
    keep_calls: int | None = None
    keep_bytes: int | None = None
    _database: _Database = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_database", _Database(self.path))

    def _open_store(self, sandbox: str | None) -> SqliteStore:
        return SqliteStore(self._database, name_space(sandbox), self.keep_calls, self.keep_bytes)
