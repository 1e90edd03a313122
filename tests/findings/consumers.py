"""The consumers that streams are tried on, and the driver of those that are programs.

Rules of this file: a table, and what starts, asks and ends a program. A program runs in its
client's environment (`clients.environments`), takes a line for each stream and tells a line; one
that hangs or dies is an outcome, and is started again for the next stream.
"""

from __future__ import annotations

import os
import select
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import IO, Any

import msgspec.json
from msgspec import UNSET

from clients import environments
from clients.matrix import ENVIRONMENT
from clients.table import CLIENTS, Client
from findings.in_process import (
    PATIENCE,
    Consume,
    accumulate,
    answer,
    httpx_sse,
    openai_python,
)
from openai_mockserver import MockOpenAI
from openai_mockserver.judge import (
    DEATH,
    HANG,
    AnsweredStream,
    Manner,
    Outcome,
    RaisedError,
    get_answer,
)

__all__ = ["CONSUMERS", "Consumer", "Program", "explain_mismatch", "find_versions"]

PROGRAMS = Path(__file__).parent / "programs"
START = 120.0  # seconds until a program has imported its client
HANGS = 10 * PATIENCE  # seconds after which a program is considered to hang


@dataclass(frozen=True, eq=False)
class Consumer:
    """A client or parser, used in one way.

    Args:
        name: its name on the command line and in the findings: the client, and the way if there
            are several.
        open: returns a context manager that yields the function from streams to outcomes.
        client: the client whose environment it needs; None runs in the tests' process.
        manner: how it reports things differently.
        several: whether it can request several choices.
    """

    name: str
    open: Callable[[], AbstractContextManager[Consume]]
    client: Client | None = None
    manner: Manner = field(default_factory=Manner)
    several: bool = True


def explain_mismatch(consumer: Consumer, stream: AnsweredStream) -> str | None:
    """Return why a stream does not fit the requests of a consumer; None if it fits."""
    if len(get_answer(stream).choices) > 1 and not consumer.several:
        return "it requests one answer, not several"
    if stream.error is None and stream.script.seconds > PATIENCE / 2:
        return "the stream is silent for longer than the consumer waits"
    if consumer.client is not None and stream.script.end == "close":
        return "the connection that closes after it may carry the next request"
    return None


def find_versions(consumer: Consumer) -> Mapping[str, str]:
    """Return the installed versions of a consumer's packages."""
    if consumer.client is None:
        return {consumer.name: version(consumer.name)}
    return environments.find_versions(consumer.client)


class Program:
    """A consumer's program, its mock, and its process while it runs.

    Args:
        command: the command that runs it.
        mock: the mock that it sends requests to.
        home: an empty folder, without the user's settings and caches.
        patience: seconds after which it is considered to hang.
    """

    def __init__(
        self, command: list[str], mock: MockOpenAI, home: Path, patience: float = HANGS
    ) -> None:
        self._command = command
        self._patience = patience
        self._mock = mock
        self._home = home
        self._process: subprocess.Popen[bytes] | None = None

    def consume(self, stream: AnsweredStream) -> Outcome:
        """Let the program consume a stream, and return its outcome."""
        process = self._process or self._start()
        answer(self._mock, stream)
        tools = [call.name for call in get_answer(stream).tool_calls]
        request = {"tools": [*dict.fromkeys(tools)], "n": len(get_answer(stream).choices)}
        assert process.stdin is not None
        try:
            process.stdin.write(msgspec.json.encode(request) + b"\n")
            process.stdin.flush()
            line = self._line(process, self._patience)
        except BrokenPipeError:
            line = b""
        if line is None:
            self.end()
            return Outcome(error=RaisedError(HANG, f"nothing came for {self._patience:g} s"))
        if not line.endswith(b"\n"):
            return Outcome(error=RaisedError(DEATH, f"the program ended:\n{self.end()}"))
        return msgspec.json.decode(line, type=Outcome)

    def _start(self) -> subprocess.Popen[bytes]:
        local = {
            "OPENAI_BASE_URL": self._mock.base_url,
            "OPENAI_API_KEY": "sk-mockserver",
            "PATIENCE": str(PATIENCE),
            "PATH": os.environ["PATH"],
            "HOME": str(self._home),
        }
        with (self._home / "stderr").open("wb") as stderr:
            process = subprocess.Popen(
                self._command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=stderr,
                cwd=self._home,
                env=ENVIRONMENT | local,
            )
        self._process = process
        if not self._line(process, START):
            raise RuntimeError(f"{self._command} does not start:\n{self.end()}")
        return process

    @staticmethod
    def _line(process: subprocess.Popen[bytes], seconds: float) -> bytes | None:
        """Return the next line; no bytes from an ended program, None after a timeout."""
        stdout: IO[bytes] | None = process.stdout
        assert stdout is not None
        # The program prints one line per request, so none is left in the buffer.
        ready, _, _ = select.select([stdout], [], [], seconds)
        return stdout.readline() if ready else None

    def end(self) -> str:
        """End the process, if there is one; return the end of its stderr."""
        process, self._process = self._process, None
        if process is not None:
            with process:
                process.kill()
        stderr = self._home / "stderr"
        return stderr.read_text("utf-8", "replace")[-2000:] if stderr.exists() else ""


@contextmanager
def _program(
    client: Client, program: str, way: str, finish: Callable[[Outcome], Outcome]
) -> Iterator[Consume]:
    environments.install(client)
    command = environments.build_command(client, way, PROGRAMS / program)
    with ExitStack() as stack:
        mock = stack.enter_context(MockOpenAI(lenient=True, keep_calls=1))
        home = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        process_driver = Program(command, mock, home)
        stack.callback(process_driver.end)
        yield lambda stream: finish(process_driver.consume(stream))


def _keep_outcome(outcome: Outcome) -> Outcome:
    return outcome


def _accumulate_events(outcome: Outcome) -> Outcome:
    """Return the outcome of a bare parser's events."""
    has_died = outcome.error is not None and outcome.error.type in (HANG, DEATH)
    if has_died:
        return outcome
    return accumulate(() if outcome.events is UNSET else outcome.events, outcome.error)


_BY_NAME = {client.name: client for client in CLIENTS}
_EVENTSOURCE_PARSER = Client(
    "eventsource-parser", ("eventsource-parser",), "eventsource_parser.mjs"
)


def _row(client: Client, program: str, way: str = "", **more: Any) -> Consumer:
    """Return a consumer that is a program."""
    finish = more.pop("finish", _keep_outcome)
    return Consumer(
        f"{client.name} {way}".strip(),
        partial(_program, client, program, way, finish),
        client,
        **more,
    )


_AI_SDK = Manner(
    {
        None: "other",
        "tool_calls": "tool-calls",
        "function_call": "tool-calls",
        "content_filter": "content-filter",
    },
    refusal_as_text=True,
    refused="content-filter",
)
_PYDANTIC_AI = Manner(
    {"tool_calls": "tool_call", "function_call": "tool_call"}, refused="content_filter"
)

CONSUMERS = (
    Consumer("openai", openai_python),
    Consumer("httpx-sse", httpx_sse),
    _row(_BY_NAME["openai-node"], "openai_node.mjs"),
    _row(_BY_NAME["ai-sdk"], "ai_sdk.mjs", "chat", manner=_AI_SDK, several=False),
    _row(_BY_NAME["ai-sdk"], "ai_sdk.mjs", "compatible", manner=_AI_SDK, several=False),
    _row(_BY_NAME["langchain-openai"], "langchain_python.py", several=False),
    _row(_BY_NAME["litellm"], "litellm_python.py"),
    _row(_BY_NAME["pydantic-ai"], "pydantic_ai_python.py", manner=_PYDANTIC_AI, several=False),
    _row(_BY_NAME["llama-index"], "llama_index_python.py", "chat", several=False),
    _row(_BY_NAME["llama-index"], "llama_index_python.py", "openai-like", several=False),
    _row(_EVENTSOURCE_PARSER, "eventsource_parser.mjs", finish=_accumulate_events),
)
"""All consumers."""
