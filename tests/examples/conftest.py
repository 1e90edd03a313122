"""Fixtures for the examples: run a program, and serve a relay."""

from __future__ import annotations

import runpy
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from openai_mockserver import MockOpenAI

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Callable[[str], str]:
    """Return a function that runs an example like `python examples/NAME` and returns its output."""
    pytest.importorskip("openai")

    def run(name: str) -> str:
        runpy.run_path(str(EXAMPLES / name), run_name="__main__")
        return capsys.readouterr().out

    return run


@pytest.fixture
def first_bytes() -> Callable[..., bytes]:
    """Return a function that runs an endless program, and returns its first output bytes."""

    def first_bytes(count: int, command: list[str], **options: Any) -> bytes:
        with subprocess.Popen(command, stdout=subprocess.PIPE, **options) as program:
            too_late = threading.Timer(20, program.kill)
            too_late.start()
            assert program.stdout
            output: bytes = program.stdout.read(count)
            too_late.cancel()
            program.kill()
        return output

    return first_bytes


@contextmanager
def serve_fastapi(app: Any) -> Iterator[str]:
    import uvicorn

    server = uvicorn.Server(uvicorn.Config(app, log_level="warning"))
    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=server.run, args=([listening],))
        thread.start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        server.should_exit = True
        thread.join()


@contextmanager
def serve_flask(app: Any) -> Iterator[str]:
    from werkzeug.serving import make_server

    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    yield f"http://127.0.0.1:{server.port}"
    server.shutdown()
    server.server_close()
    thread.join()


SERVERS = {"fastapi": serve_fastapi, "flask": serve_flask}


@pytest.fixture(params=SERVERS)
def relay(request: pytest.FixtureRequest, mock_openai: MockOpenAI) -> Iterator[str]:
    """The address of a relay example, whose own upstream is `mock_openai`."""
    pytest.importorskip("openai")
    pytest.importorskip(request.param)
    app = runpy.run_path(str(EXAMPLES / f"{request.param}_relay.py"))["app"]
    with SERVERS[request.param](app) as address:
        yield address
