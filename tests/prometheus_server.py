"""A real Prometheus that scrapes a server, for tests.

Debian has it in the package `prometheus`, with `promtool`.
"""

from __future__ import annotations

import json
import math
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from openai_mockserver import MockOpenAI
from openai_mockserver.faults import reset

__all__ = ["Prometheus", "needs_prometheus", "requesting", "running_prometheus"]

TOO_LONG = 60.0  # seconds after which a test that waits fails
RANGE = "10s"  # for rates; the longest that a test has

needs_prometheus = pytest.mark.skipif(
    shutil.which("prometheus") is None or shutil.which("promtool") is None,
    reason="prometheus is not installed: apt-get install prometheus",
)


class Prometheus:
    """A running Prometheus."""

    def __init__(self, url: str) -> None:
        self.http = httpx.Client(base_url=url, trust_env=False, timeout=TOO_LONG)

    def query(self, expression: str) -> list[float]:
        """Return the values of a query in PromQL, one for each series, without those of NaN."""
        response = self.http.post("/api/v1/query", data={"query": expression})
        body = response.json()
        assert body["status"] == "success", f"{expression}: {body}"
        values = [float(series["value"][1]) for series in body["data"]["result"]]
        return [value for value in values if not math.isnan(value)]

    def find_empty(self, queries: Iterable[str]) -> list[str]:
        """Return the queries that return no data, although requests were made long enough."""
        empty = list(queries)
        deadline = time.monotonic() + TOO_LONG
        while empty and time.monotonic() < deadline:
            empty = [query for query in empty if not self.query(query)]
            time.sleep(0.1)  # there is no event: Prometheus scrapes on its own
        return empty


@contextmanager
def running_prometheus(target: str, folder: Path) -> Iterator[Prometheus]:
    """Run Prometheus, which scrapes a server.

    Args:
        target: host and port of the server.
        folder: an empty folder.
    """
    config = {
        "global": {"scrape_interval": "500ms", "scrape_timeout": "500ms"},
        "scrape_configs": [{"job_name": "mock", "static_configs": [{"targets": [target]}]}],
    }
    file = folder / "prometheus.yml"
    file.write_text(json.dumps(config))  # which is YAML, too
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = ["prometheus", f"--config.file={file}", f"--storage.tsdb.path={folder / 'data'}"]
    command += [f"--web.listen-address=127.0.0.1:{port}"]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT)
    try:
        prometheus = Prometheus(f"http://127.0.0.1:{port}")
        with prometheus.http:
            _wait_until_ready(prometheus.http, process, folder / "log")
            yield prometheus
    finally:
        process.terminate()
        process.wait(TOO_LONG)


def _wait_until_ready(http: httpx.Client, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + TOO_LONG
    while time.monotonic() < deadline and process.poll() is None:
        try:
            if http.get("/-/ready").status_code == 200:
                return
        except httpx.ConnectError:
            pass  # it is starting
        time.sleep(0.05)
    pytest.fail(f"Prometheus does not start: {log.read_text()[-2000:]}")


@contextmanager
def requesting(mock: MockOpenAI) -> Iterator[None]:
    """Send requests of all kinds while the block runs."""
    mock.reply("one two three four five", pace="0.02,0.01")
    mock.on(user="reset").reply("Hello", faults=[reset(after=1)])
    has_ended = threading.Event()

    def ask(http: httpx.Client, **parameters: Any) -> None:
        message = {"role": "user", "content": parameters.pop("user", "Hi")}
        body = {"model": "gpt-4o", "messages": [message], **parameters}
        http.post("/chat/completions", json=body)

    def run() -> None:
        with httpx.Client(base_url=mock.base_url, trust_env=False) as http:
            while not has_ended.is_set():
                ask(http, stream=True, max_tokens=100)
                ask(http, max_tokens=2)
                with pytest.raises(httpx.HTTPError):
                    ask(http, stream=True, user="reset")

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        has_ended.set()
        thread.join(30)
