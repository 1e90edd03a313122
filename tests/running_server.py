"""A running `openai-mockserver serve`, for tests of what it prints and answers."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

__all__ = ["COMMAND", "QUICK", "TOO_LONG", "RunningServer", "serving"]

TOO_LONG = 60  # seconds after which a command that hangs is killed, so that its test fails
QUICK = 5  # seconds within which it must stop, however busy the machine is

COMMAND = [sys.executable, "-m", "openai_mockserver"]


class RunningServer:
    """A running `openai-mockserver serve`, and the lines that it prints first."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.first_lines = list(iter(self.line, ""))
        address = re.search(r"answers on (http://\S+)/v1 ", self.first_lines[0])
        assert address, self.first_lines
        self.url = address[1]

    def line(self) -> str:
        """Return the next line that it prints; kill it if none comes for too long."""
        assert self.process.stdout
        # A limit on its whole life would kill a server that a fixture keeps for longer.
        too_late = threading.Timer(TOO_LONG, self.process.kill)
        too_late.start()
        try:
            return self.process.stdout.readline().rstrip("\n")
        finally:
            too_late.cancel()

    def request(self, key: str | None = None, **parameters: Any) -> dict[str, Any]:
        body = {"model": "gpt-4o", "messages": [{"role": "user", "content": "Hi"}]} | parameters
        headers = {} if key is None else {"Authorization": f"Bearer {key}"}
        return {"url": f"{self.url}/v1/chat/completions", "json": body, "headers": headers}

    def ask(self, key: str | None = None, **parameters: Any) -> httpx.Response:
        # The environment may name a proxy, which must not stand in between.
        return httpx.post(**self.request(key, **parameters), trust_env=False, timeout=TOO_LONG)

    def text(self, **parameters: Any) -> str:
        """Return the text of an answer that is not streamed."""
        content: str = self.ask(**parameters).json()["choices"][0]["message"]["content"]
        return content

    @contextmanager
    def open_stream(self, **parameters: Any) -> Iterator[httpx.Response]:
        """Give a response while it is being streamed."""
        request = self.request(stream=True, **parameters)
        with (
            httpx.Client(trust_env=False, timeout=TOO_LONG) as client,
            client.stream("POST", **request) as response,
        ):
            yield response

    def stop(self, how: signal.Signals = signal.SIGINT) -> str:
        """Stop it, and return what it prints last."""
        self.process.send_signal(how)
        output, errors = self.process.communicate(timeout=QUICK)
        assert errors == ""
        assert "Traceback" not in output
        return output


@contextmanager
def serving(*arguments: str | Path | int) -> Iterator[RunningServer]:
    """Run `openai-mockserver serve` on a free port, and check that Ctrl-C stops it cleanly."""
    with subprocess.Popen(
        [*COMMAND, "serve", "--port", "0", *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            server = RunningServer(process)
            yield server
            if process.poll() is None:
                server.stop()
                assert process.returncode == 0
        finally:
            process.kill()
