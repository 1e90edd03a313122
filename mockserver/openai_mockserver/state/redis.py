"""The objects of a mock in a Redis or Valkey server, which processes of several machines share.

Theory of operation. Each operation is one command or one Lua script, so one round trip, and what a
script does nobody else sees half done (https://redis.io/docs/latest/develop/programmability/).
With the prefix ``P`` and the sandbox ``S``, whose name is empty for the mock itself, the keys are

    P:S:v:KIND   hash    id -> value
    P:S:o:KIND   zset    id -> number, in order of creation
    P:S:n        string  the number of the newest value
    P:S:kinds    set     the kinds, for clearing
    P:S:gone     zset    KIND \\0 id -> number, of deleted values
    P:S:files    zset    KIND \\0 id -> number, of uploaded files
    P:S:weights  hash    KIND \\0 id -> bytes that count for the limit
    P:S:blobs    hash    KIND \\0 id -> the name of the bytes of a large file
    P:S:skipped  string  seconds that were skipped
    P/NAME       hash    number -> piece of these bytes

A value is replaced like this: `update` reads its bytes, computes the new ones, and sends both. The
script stores the new bytes only if the old ones are still there; otherwise `update` begins again.

The pieces of a large file are sent before the value that names them. Until then they expire after a
day, so that nothing remains of a process that was killed.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeVar
from urllib.parse import parse_qsl, urlencode, urlsplit

import msgspec
import msgspec.msgpack

from openai_mockserver.api.disk_bytes import PART, DiskBytes, weigh
from openai_mockserver.api.store import Found
from openai_mockserver.exceptions import BusyStateError, MissingDependency, StateError
from openai_mockserver.state.codec import decode, encode
from openai_mockserver.state.shared import SharedStore, StoredStates, name_space

__all__ = ["InRedis", "RedisStore"]

PATIENCE = 1.0
"""Seconds that a command may take; after that, requests are refused at once for as long."""

_PREFIX = "openai-mockserver"
_ABANDONED = 86_400  # seconds after which pieces that belong to no value expire
_MOST_ATTEMPTS = 1000

T = TypeVar("T")

# The arguments of a script are one value, because redis-py takes 4 µs for each argument.
_UNPACK = "local args = cmsgpack.unpack(ARGV[1])\n"

_FORGET = """
local root, blobs = args[1], args[2]
local function release(name)
  local blob = redis.call('HGET', root .. 'blobs', name)
  if blob then
    redis.call('UNLINK', blobs .. blob)
    redis.call('HDEL', root .. 'blobs', name)
  end
end
local function forget(kind, id)
  if redis.call('HDEL', root .. 'v:' .. kind, id) == 0 then return end
  local name = kind .. '\\0' .. id
  redis.call('ZREM', root .. 'o:' .. kind, id)
  if redis.call('ZREM', root .. 'files', name) == 1 then
    release(name)
    redis.call('HDEL', root .. 'weights', name)
  end
end
"""

# keep; `known`, the skipped seconds of which the values know, or false if they need none; and for
# each value, which is no file, its kind, id and bytes. If other seconds were skipped, it does
# nothing and returns them, else nil. Short, because most requests that store something run only
# this script.
_PUT = """
local root, keep, known = args[1], args[2], args[3]
if known then
  local skipped = redis.call('GET', root .. 'skipped') or ''
  if skipped ~= known then return skipped end
end
for at = 4, #args, 3 do
  local kind, id, value = args[at], args[at + 1], args[at + 2]
  local values, order = root .. 'v:' .. kind, root .. 'o:' .. kind
  if redis.call('HSET', values, id, value) == 1 then
    redis.call('ZADD', order, redis.call('INCR', root .. 'n'), id)
    redis.call('SADD', root .. 'kinds', kind)
    redis.call('ZREM', root .. 'gone', kind .. '\\0' .. id)
    if keep > 0 and redis.call('ZCARD', order) > keep then
      redis.call('HDEL', values, redis.call('ZPOPMIN', order)[1])
    end
  end
end
return nil
"""

# mode ('put', 'add', 'swap' or 'remove'), keep, keep_bytes, the old bytes; then for each value its
# kind, id, bytes, weight and blob. Returns 1, or 0 if it has done nothing.
_WRITE = (
    _FORGET
    + """
local mode, keep, keep_bytes, old = args[3], args[4], args[5], args[6]
for at = 7, #args, 5 do
  local kind, id, value, weight, blob = unpack(args, at, at + 4)
  local values, order, name = root .. 'v:' .. kind, root .. 'o:' .. kind, kind .. '\\0' .. id
  if mode ~= 'put' and (redis.call('HGET', values, id) or '') ~= old then return 0 end
  if mode == 'remove' then
    forget(kind, id)
    return 1
  end
  if redis.call('HSET', values, id, value) == 1 then
    redis.call('ZADD', order, redis.call('INCR', root .. 'n'), id)
    redis.call('SADD', root .. 'kinds', kind)
    redis.call('ZREM', root .. 'gone', name)
    if keep > 0 and redis.call('ZCARD', order) > keep then
      forget(kind, redis.call('ZRANGE', order, 0, 0)[1])
    end
  end
  if weight ~= '' then
    release(name)
    if blob ~= '' then
      redis.call('HSET', root .. 'blobs', name, blob)
      redis.call('PERSIST', blobs .. blob)
    end
    redis.call('ZADD', root .. 'files', 'NX', redis.call('INCR', root .. 'n'), name)
    redis.call('HSET', root .. 'weights', name, weight)
    local total = 0
    for _, one in ipairs(redis.call('HVALS', root .. 'weights')) do total = total + one end
    while keep_bytes > 0 and total > keep_bytes and redis.call('ZCARD', root .. 'files') > 1 do
      local oldest = redis.call('ZRANGE', root .. 'files', 0, 0)[1]
      total = total - redis.call('HGET', root .. 'weights', oldest)
      local border = string.find(oldest, '\\0', 1, true)
      forget(string.sub(oldest, 1, border - 1), string.sub(oldest, border + 1))
    end
  end
end
return 1
"""
)

# Returns the value, whether it was deleted, and the skipped seconds.
_LOOK_UP = """
local root, kind, id = args[1], args[2], args[3]
return {
  redis.call('HGET', root .. 'v:' .. kind, id),
  redis.call('ZSCORE', root .. 'gone', kind .. '\\0' .. id) ~= false,
  redis.call('GET', root .. 'skipped')
}
"""

_ALL = """
local values = {}
for at, id in ipairs(redis.call('ZRANGE', args[1] .. 'o:' .. args[2], 0, -1)) do
  values[at] = redis.call('HGET', args[1] .. 'v:' .. args[2], id)
end
return values
"""

_DELETE = (
    _FORGET
    + """
local kind, id, keep = args[3], args[4], args[5]
local value = redis.call('HGET', root .. 'v:' .. kind, id)
forget(kind, id)
redis.call('ZADD', root .. 'gone', redis.call('INCR', root .. 'n'), kind .. '\\0' .. id)
if keep > 0 and redis.call('ZCARD', root .. 'gone') > 10 * keep then
  redis.call('ZPOPMIN', root .. 'gone')
end
return value
"""
)

_DROP = _FORGET + "forget(args[3], args[4])"

_CLEAR = (
    _FORGET
    + """
for _, kind in ipairs(redis.call('SMEMBERS', root .. 'kinds')) do
  redis.call('UNLINK', root .. 'v:' .. kind, root .. 'o:' .. kind)
end
for _, blob in ipairs(redis.call('HVALS', root .. 'blobs')) do
  redis.call('UNLINK', blobs .. blob)
end
for _, name in ipairs({'n', 'kinds', 'gone', 'files', 'weights', 'blobs'}) do
  redis.call('UNLINK', root .. name)
end
"""
)

_SWAP = """
if (redis.call('GET', args[1]) or '') ~= args[2] then return 0 end
redis.call('SET', args[1], args[3])
return 1
"""


class _Server:
    """A Redis server, and the connections of this process to it.

    Args:
        url: its URL; ``prefix`` in the query is that of all keys.

    Raises MissingDependency without the package `redis`, and StateError if the URL is invalid, the
    server cannot be reached, or it refuses the password.
    """

    def __init__(self, url: str) -> None:
        try:
            import redis
            from redis.backoff import NoBackoff
            from redis.retry import Retry
        except ImportError:
            raise MissingDependency(
                "a state in Redis needs the package redis: pip install 'openai-mockserver[redis]'"
            ) from None
        self._redis: Any = redis
        self._pid = os.getpid()
        self._refused_until = 0.0
        try:
            parts = urlsplit(url)
            query = dict(parse_qsl(parts.query, strict_parsing=bool(parts.query)))
            self.prefix = query.pop("prefix", _PREFIX)
            self.name = f"{parts.scheme}://{parts.hostname}:{parts.port or 6379}{parts.path}"
            plain_url = parts._replace(query=urlencode(query)).geturl()
            # Another connection is tried at once, because a server that was restarted has closed
            # those of before. A client with one connection is quicker than one with a pool.
            self._connect: Callable[[], Any] = partial(
                redis.Redis.from_url,
                plain_url,
                single_connection_client=True,
                socket_timeout=PATIENCE,
                socket_connect_timeout=PATIENCE,
                retry=Retry(NoBackoff(), 1, supported_errors=(redis.ConnectionError,)),
            )
            self._client = self._connect()
            self._client.ping()
        except (ValueError, TypeError):  # whose messages may hold the password
            raise StateError(
                "the URL of the state is invalid: it is like redis://:password@host:6379/0, with "
                "rediss:// for TLS"
            ) from None
        except (redis.RedisError, OSError) as error:
            raise StateError(f"the state {self.name} cannot be opened: {error}") from None

    @property
    def client(self) -> Any:
        """The client of this process: one that is forked must not use its parent's connection."""
        if self._pid != os.getpid():
            with self.translate_errors():
                self._client, self._pid = self._connect(), os.getpid()
        return self._client

    def register_script(self, text: str) -> Callable[[list[Any]], Any]:
        """Return a function that runs a script with these arguments."""
        text = _UNPACK + text
        digest = hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()

        def run_script(arguments: list[Any]) -> Any:
            with self.translate_errors():
                packed = msgspec.msgpack.encode(list(map(_as_string, arguments)))
                try:
                    return self.client.evalsha(digest, 0, packed)
                except self._redis.exceptions.NoScriptError:
                    return self.client.eval(text, 0, packed)

        return run_script

    @contextmanager
    def translate_errors(self) -> Iterator[None]:
        """Raise our error for those of the server, and for a while without asking it."""
        if time.monotonic() < self._refused_until:
            raise BusyStateError(f"the state {self.name} did not answer in time")
        try:
            yield
        except self._redis.TimeoutError:
            self._refused_until = time.monotonic() + PATIENCE
            raise BusyStateError(f"the state {self.name} did not answer in time") from None
        except (self._redis.RedisError, OSError) as error:
            raise BusyStateError(f"the state {self.name} cannot be used: {error}") from None


def _as_string(argument: Any) -> Any:
    """Return bytes as a string of MessagePack, because the reader of Redis knows no other form."""
    if not isinstance(argument, bytes):
        return argument
    return msgspec.Raw(b"\xdb" + len(argument).to_bytes(4, "big") + argument)


@dataclass(frozen=True, slots=True)
class _Blob:
    """The bytes of a file, in pieces."""

    server: _Server
    key: str

    def read(self, start: int, size: int) -> bytes:
        data = bytearray()
        while size > 0:
            with self.server.translate_errors():
                whole_piece = self.server.client.hget(self.key, start // PART)
            if whole_piece is None:
                raise StateError(
                    f"the state {self.server.name}: a file was deleted while it was read"
                )
            piece = whole_piece[start % PART : start % PART + size]
            if not piece:
                break
            data += piece
            start, size = start + len(piece), size - len(piece)
        return bytes(data)


class _Blobs:
    """The place of the bytes of files; notes the name of those that were written last."""

    def __init__(self, server: _Server) -> None:
        self._server = server
        self.root = f"{server.prefix}/"
        self.written = ""

    def write(self, parts: Iterable[bytes]) -> str:
        self.written = secrets.token_hex(16)
        number, rest = 0, bytearray()
        for part in parts:
            rest += part
            while len(rest) >= PART:
                self._write_piece(number, bytes(rest[:PART]))
                del rest[:PART]
                number += 1
        if rest or not number:
            self._write_piece(number, bytes(rest))
        return self.written

    def _write_piece(self, number: int, piece: bytes) -> None:
        key = self.root + self.written
        with self._server.translate_errors(), self._server.client.pipeline() as pipeline:
            pipeline.hset(key, number, piece)
            pipeline.expire(key, _ABANDONED)
            pipeline.execute()

    def find(self, name: str) -> _Blob:
        return _Blob(self._server, self.root + name)


class RedisStore(SharedStore):
    """Objects in a Redis server.

    Args:
        server: the server.
        space: distinguishes the objects from those of other sandboxes.
        keep, keep_bytes: as for `Store`.
    """

    def __init__(
        self, server: _Server, space: str, keep: int | None, keep_bytes: int | None
    ) -> None:
        super().__init__(keep, keep_bytes)
        self._server, self._root = server, f"{server.prefix}:{space}:"
        self._blobs = _Blobs(server)
        self._roots = [self._root, self._blobs.root]
        self._known_skipped = b""
        self._put_script = server.register_script(_PUT)
        self._look_up_script = server.register_script(_LOOK_UP)
        self._write_script = server.register_script(_WRITE)
        self._all_script = server.register_script(_ALL)
        self._delete_script = server.register_script(_DELETE)
        self._drop_script = server.register_script(_DROP)
        self._clear_script = server.register_script(_CLEAR)
        self._swap_script = server.register_script(_SWAP)

    # Reading

    def get(self, kind: str, id: str) -> Any:
        data = self._read(kind, id)
        return None if data is None else decode(data, self._blobs)

    def look_up(self, kind: str, id: str) -> Found:
        data, is_gone, skipped = self._look_up_script([self._root, kind, id])
        value = None if data is None else decode(data, self._blobs)
        is_known_gone = bool(is_gone) or self.is_withheld(kind, id)
        return Found(value, is_known_gone, float(skipped or 0.0))

    def _read(self, kind: str, id: str) -> bytes | None:
        with self._server.translate_errors():
            data: bytes | None = self._server.client.hget(f"{self._root}v:{kind}", id)
            return data

    def all(self, kind: str) -> list[Any]:
        values = self._all_script([self._root, kind])
        return [decode(value, self._blobs) for value in values]

    def is_gone(self, kind: str, id: str) -> bool:
        if self.is_withheld(kind, id):
            return True
        with self._server.translate_errors():
            return self._server.client.zscore(f"{self._root}gone", f"{kind}\0{id}") is not None

    # Writing

    def _write(
        self, mode: str, entries: Iterable[tuple[str, str, Any]], old: bytes | None = None
    ) -> bool:
        """Run the script that writes, and return whether it has done so."""
        arguments: list[Any] = [
            *self._roots,
            mode,
            self._keep or 0,
            self._keep_bytes or 0,
            old or b"",
        ]
        for kind, id, value in entries:
            blobs = _Blobs(self._server)
            is_file = isinstance(value, bytes | DiskBytes)
            weight: int | str = weigh(value) if is_file else ""
            data = b"" if mode == "remove" else encode(value, blobs)
            arguments += [kind, id, data, weight, blobs.written]
        return bool(self._write_script(arguments))

    def put(self, kind: str, id: str, value: Any) -> None:
        self.put_all([(kind, id, value)])

    def put_dated(self, kind: str, id: str, make_value: Callable[[float], Any]) -> None:
        for _ in range(_MOST_ATTEMPTS):
            known = self._known_skipped
            data = encode(make_value(float(known or 0.0)))
            skipped = self._put_script([self._root, self._keep or 0, known, kind, id, data])
            if skipped is None:
                return
            self._known_skipped = skipped
        raise BusyStateError(f"the state {self._server.name}: others keep changing the time")

    def put_all(self, entries: Iterable[tuple[str, str, Any]]) -> None:
        if not (entries := list(entries)):
            return
        if any(isinstance(value, bytes | DiskBytes) for _, _, value in entries):
            self._write("put", entries)
            return
        arguments: list[Any] = [self._root, self._keep or 0, False]
        for kind, id, value in entries:
            arguments += kind, id, encode(value, self._blobs)
        self._put_script(arguments)

    def add(self, kind: str, id: str, value: Any) -> bool:
        return self._write("swap", [(kind, id, value)])

    def update(self, kind: str, id: str, change: Callable[[Any], Any]) -> Any:
        for _ in range(_MOST_ATTEMPTS):
            data = self._read(kind, id)
            old = None if data is None else decode(data, self._blobs)
            new = change(old)
            if new is old:
                return new
            mode = "remove" if new is None else "swap"
            if self._write(mode, [(kind, id, new)], data):
                return new
        raise BusyStateError(f"the state {self._server.name}: others keep changing {kind} {id}")

    def delete(self, kind: str, id: str) -> Any:
        data = self._delete_script([*self._roots, kind, id, self._keep or 0])
        return None if data is None else decode(data, self._blobs)

    def drop(self, kind: str, id: str) -> None:
        self._drop_script([*self._roots, kind, id])

    def clear(self) -> None:
        super().clear()
        self._clear_script(self._roots)

    # Time

    @property
    def skipped(self) -> float:
        return float(self._read_skipped() or 0.0)

    def _read_skipped(self) -> bytes | None:
        with self._server.translate_errors():
            data: bytes | None = self._server.client.get(f"{self._root}skipped")
            return data

    def change_skipped(self, change: Callable[[float], float]) -> None:
        key = f"{self._root}skipped"
        for _ in range(_MOST_ATTEMPTS):
            old = self._read_skipped() or b""
            new = repr(change(float(old or 0.0)))
            if self._swap_script([key, old, new]):
                return
        raise BusyStateError(f"the state {self._server.name}: others keep changing the time")


@dataclass(frozen=True, slots=True)
class InRedis(StoredStates):
    """Makes states whose objects are in a Redis server; the rest is in memory.

    Args:
        url: ``redis://`` or ``rediss://``, which may hold a password, and in its query the
            ``prefix`` of all keys.
        keep_calls, keep_bytes: as for `InMemory`.

    Raises MissingDependency without the package `redis`, and StateError if the URL is invalid, the
    server cannot be reached, or it refuses the password.
    """

    url: str = field(repr=False)
    keep_calls: int | None = None
    keep_bytes: int | None = None
    _server: _Server = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_server", _Server(self.url))

    def _open_store(self, sandbox: str | None) -> RedisStore:
        return RedisStore(self._server, name_space(sandbox), self.keep_calls, self.keep_bytes)
