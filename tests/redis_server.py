"""A real Redis or Valkey server for tests, which can be stopped and started again."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import pytest

__all__ = ["PROGRAM", "RedisServer", "find_free_port", "needs_redis", "running_redis"]

PROGRAM = shutil.which("redis-server") or shutil.which("valkey-server")

needs_redis = pytest.mark.skipif(
    PROGRAM is None or find_spec("redis") is None,
    reason="needs the program redis-server or valkey-server, and the package redis",
)


def find_free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


class RedisServer:
    """A server that keeps its data in a folder, so that it has them again after a restart.

    Args:
        folder: the folder.
        options: further options of the program.
        port: its port; by default a free one.
    """

    def __init__(self, folder: Path, options: Sequence[str] = (), port: int | None = None) -> None:
        self.port = port or find_free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self._folder, self._options = folder, options
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start the server, and wait until it listens."""
        assert PROGRAM is not None
        command = [
            PROGRAM,
            "--port",
            str(self.port),
            "--bind",
            "127.0.0.1",
            "--dir",
            str(self._folder),
            "--save",
            "",
        ]
        command += ["--appendonly", "yes", "--appendfsync", "always", *self._options]
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        until = time.monotonic() + 20
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return
            except OSError:
                assert self._process.poll() is None, "the server has ended"
                assert time.monotonic() < until, "the server does not listen"

    def send_signal(self, number: int) -> None:
        """Send the server a signal."""
        assert self._process is not None
        self._process.send_signal(number)

    def stop(self) -> None:
        """Stop the server."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(20)
            self._process = None


@contextmanager
def running_redis(
    folder: Path, options: Sequence[str] = (), port: int | None = None
) -> Iterator[RedisServer]:
    """Run a server; the arguments are those of `RedisServer`."""
    server = RedisServer(folder, options, port)
    server.start()
    try:
        yield server
    finally:
        server.stop()
