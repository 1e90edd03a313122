"""Runs the fleet of compose.yaml on this machine, and shows what its gateway does.

It needs nginx, and the package with its extra `server`. Each row of the table is a phase: what the
clients of the gateway saw, and what each replica answered, by its metrics. A refused request that
nginx sends to another replica is counted by both.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

import openai
import yaml

FOLDER = Path(__file__).parent
PATIENCE = 30.0
"""Seconds after which a program that does not start is given up."""


class Replica:
    """A running `openai-mockserver serve`, with the arguments that compose.yaml gives it."""

    def __init__(self, name: str, service: Mapping[str, object]) -> None:
        self.name = name
        self.port = find_port()
        self._service = service
        self._process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        """Start it, and wait until it answers."""
        command = self._service["command"]
        environment = self._service["environment"]
        assert isinstance(command, list)
        assert isinstance(environment, dict)
        self._process = subprocess.Popen(
            [sys.executable, "-m", "openai_mockserver", *command, "--port", str(self.port)],
            cwd=FOLDER,
            env={**read_environment(), **environment},
            stdout=subprocess.DEVNULL,
            text=True,
        )
        wait_until(lambda: bool(self.read_metrics()))

    def kill(self) -> None:
        """End it at once, as if its machine had failed."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def read_metrics(self) -> str:
        """Return its metrics; an empty text if it does not answer."""
        try:
            with OPENER.open(f"http://127.0.0.1:{self.port}/metrics", timeout=PATIENCE) as page:
                text: str = page.read().decode()
                return text
        except OSError:
            return ""

    def count_answers(self) -> Counter[str]:
        """Return the number of its answers by status."""
        return Counter(
            {
                status: int(float(number))
                for status, number in re.findall(_REQUESTS, self.read_metrics(), re.MULTILINE)
            }
        )

    def is_streaming(self) -> bool:
        """Whether it is answering a request now."""
        found = re.findall(_RUNNING, self.read_metrics(), re.MULTILINE)
        return any(float(number) > 0 for number in found)


_REQUESTS = (
    r'^openai_mockserver_requests_total\{endpoint="/v1/chat/completions",.*status="(\d+)"\} (\S+)$'
)
_RUNNING = r"^vllm:num_requests_running\{.*\} (\S+)$"

OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def read_environment() -> dict[str, str]:
    """Return the variables of this process, without those that are options of the server."""
    return {k: v for k, v in os.environ.items() if not k.startswith("OPENAI_MOCKSERVER_")}


def find_port() -> int:
    """Return a free port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def wait_until(is_so: Callable[[], bool]) -> None:
    """Wait until something is so. Raises TimeoutError after `PATIENCE` seconds."""
    end = time.monotonic() + PATIENCE
    while not is_so():
        if time.monotonic() > end:
            raise TimeoutError(f"waited for {PATIENCE:.0f} s in vain")
        time.sleep(0.02)


def accepts(port: int) -> bool:
    """Whether a program accepts connections on a port of this machine."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def read_replicas() -> list[Replica]:
    """Return the replicas of compose.yaml, which do not run yet."""
    services = yaml.safe_load((FOLDER / "compose.yaml").read_text("utf-8"))["services"]
    return [Replica(name, one) for name, one in services.items() if name != "gateway"]


def write_config(folder: Path, port: int, replicas: list[Replica]) -> Path:
    """Write nginx.conf with the ports of this machine, and return where it is."""
    text = (FOLDER / "nginx.conf").read_text("utf-8")
    text = text.replace("/tmp/", f"{folder}/").replace("listen 8080", f"listen 127.0.0.1:{port}")
    for replica in replicas:
        text = text.replace(f"server {replica.name}:8000", f"server 127.0.0.1:{replica.port}")
    file = folder / "nginx.conf"
    file.write_text(text, "utf-8")
    return file


@contextmanager
def run_gateway(nginx: str, replicas: list[Replica]) -> Iterator[str]:
    """Run nginx in front of the replicas; give its base URL."""
    port = find_port()
    with tempfile.TemporaryDirectory() as name:
        config = write_config(Path(name), port, replicas)
        command = [nginx, "-p", name, "-c", str(config), "-e", "stderr", "-g", "daemon off;"]
        with subprocess.Popen(command) as process:
            try:
                wait_until(lambda: accepts(port) or process.poll() is not None)
                if process.poll() is not None:
                    raise SystemExit(f"{nginx} does not start")
                yield f"http://127.0.0.1:{port}/v1"
            finally:
                process.terminate()


async def stream_once(client: openai.AsyncOpenAI) -> str:
    """Return what a client sees: ``complete``, ``broken``, or the status of an error."""
    messages: list[openai.types.chat.ChatCompletionMessageParam] = [
        {"role": "user", "content": "Tell me a story"}
    ]
    try:
        stream = await client.chat.completions.create(
            model="gpt-4o", messages=messages, stream=True
        )
        reasons = [choice.finish_reason async for chunk in stream for choice in chunk.choices]
    except openai.APIStatusError as error:
        return str(error.status_code)
    except openai.APIError:  # of the SDK 3.x; 2.x lets httpx's through
        return "broken"
    return "complete" if reasons and reasons[-1] == "stop" else "broken"


async def send_streams(
    base_url: str, count: int, concurrency: int, during: Callable[[], object] | None = None
) -> Counter[str]:
    """Send requests, several at a time, and return how many had each outcome.

    Args:
        base_url: the gateway's.
        count: how many in all.
        concurrency: how many at the same time.
        during: called in a thread while they are being answered.
    """
    gate = asyncio.Semaphore(concurrency)
    http_client = openai.DefaultAsyncHttpxClient(trust_env=False, timeout=PATIENCE)
    async with openai.AsyncOpenAI(
        base_url=base_url, api_key="any", max_retries=0, http_client=http_client
    ) as client:

        async def send() -> str:
            async with gate:
                return await stream_once(client)

        tasks = [asyncio.create_task(send()) for _ in range(count)]
        if during is not None:
            await asyncio.to_thread(during)
        return Counter(await asyncio.gather(*tasks))


def show(counts: Mapping[str, int]) -> str:
    """Return counts as a cell of the table.

    >>> show({"200": 3, "503": 1})
    '3 × 200, 1 × 503'
    """
    return ", ".join(f"{count} × {name}" for name, count in sorted(counts.items()) if count) or "–"


def run_phase(
    name: str,
    base_url: str,
    replicas: list[Replica],
    count: int,
    concurrency: int,
    during: Callable[[], object] | None = None,
) -> None:
    """Send requests, and print the row of the table."""
    before = {replica.name: replica.count_answers() for replica in replicas}
    outcomes = asyncio.run(send_streams(base_url, count, concurrency, during))
    cells = [name, show(outcomes)]
    for replica in replicas:
        after = replica.count_answers()
        cells.append(show(after - before[replica.name]) if after else "does not answer")
    print(f"| {' | '.join(cells)} |", flush=True)


def run_fleet(nginx: str) -> None:
    """Start everything, and print the table."""
    replicas = read_replicas()
    fast = replicas[0]
    with ExitStack() as stack:
        for replica in replicas:
            stack.callback(replica.kill)
            replica.start()
        url = stack.enter_context(run_gateway(nginx, replicas))
        print(f"| phase | clients | {' | '.join(one.name for one in replicas)} |")
        print("| --- " * (2 + len(replicas)) + "|")
        run_phase("a few", url, replicas, 6, 3)
        run_phase("a burst", url, replicas, 60, 30)

        def kill_fast() -> None:
            wait_until(fast.is_streaming)
            fast.kill()

        run_phase("fast dies", url, replicas, 40, 20, kill_fast)
        fast.start()
        time.sleep(1.1)  # fail_timeout, after which nginx tries a replica again, with one request
        run_phase("fast is back", url, replicas, 4, 1)
        run_phase("a burst again", url, replicas, 60, 30)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--nginx", default="nginx", help="the program, if it is not in the path")
    options = parser.parse_args()
    if shutil.which(options.nginx) is None:
        parser.error(f"{options.nginx} is not installed; Debian's package is called nginx")
    run_fleet(options.nginx)


if __name__ == "__main__":
    main()
