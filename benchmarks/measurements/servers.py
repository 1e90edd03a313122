"""The servers to compare: ours, the limit, and Starlette with one event at a time."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from measurements.limit import PIECES
from measurements.processes import Process, find_free_port, start_server

__all__ = ["OURS", "OURS_AN_EVENT", "PIECE", "Server", "serve_ours", "serve_starlette"]

OURS, OURS_AN_EVENT = "openai-mockserver", "openai-mockserver --no-coalesce"
PIECE = "word "


class Server(NamedTuple):
    """A row of a table: the name of a server, and how to start it."""

    name: str
    start: Callable[[], AbstractContextManager[Process]]


@contextmanager
def serve_ours(pace: str = "none", *options: str) -> Iterator[Process]:
    """Run `openai-mockserver serve`, with rules to match and its journal; ``pace`` is an option."""
    rules = [
        {"user": {"regex": "weather|time"}, "reply": "Sunny."},
        {"user": "Hi", "reply": {"text": [PIECE] * PIECES}},
        {"user": {"contains": "story"}, "model": "gpt-4o", "reply": "Once upon a time."},
    ]
    with TemporaryDirectory() as folder:
        scenario = Path(folder) / "scenario.json"
        scenario.write_text(json.dumps({"rules": rules}))
        command = [sys.executable, "-m", "openai_mockserver", "serve", str(scenario)]
        command += ["--pace", pace, "--port", "0", "--quiet", *options]
        with start_server(command) as process:
            yield process


@contextmanager
def serve_starlette() -> Iterator[Process]:
    """Run a `StreamingResponse` that creates each event when it sends it, as is usual."""
    port = find_free_port()
    program = Path(__file__).with_name("starlette_server.py")
    with start_server([sys.executable, program, str(port), str(PIECES)], port) as process:
        yield process
