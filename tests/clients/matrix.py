"""What the mock answers in each scenario, and the running of a client's program against it."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from clients.environments import PROGRAMS, command, install
from clients.table import Client
from openai_mockserver import ApiError, MockOpenAI, Pace, Reply, ToolCall, Usage, contains
from openai_mockserver.journal import Call
from openai_mockserver.request import Request

__all__ = [
    "CALL_ID",
    "CITY",
    "PIECES",
    "READING",
    "TEXT",
    "TOOLS",
    "TTFT",
    "USAGE",
    "Run",
    "running",
]

PROMPTS: dict[str, str] = json.loads((PROGRAMS / "prompts.json").read_text("utf-8"))
PATIENCE = 180.0  # seconds for a whole program

# Nothing but the mock is reached: who phones home is told not to, and finds the door shut at once.
CLOSED = "http://127.0.0.1:9"
ENVIRONMENT = {
    "HTTP_PROXY": CLOSED,
    "HTTPS_PROXY": CLOSED,
    "ALL_PROXY": CLOSED,
    "NO_PROXY": "127.0.0.1",
    "HAYSTACK_TELEMETRY_ENABLED": "False",
    "LITELLM_LOCAL_MODEL_COST_MAP": "True",
}

TEXT = "Grüezi mitenand 👋🏽, schöni Wält: 你好, wie gaats? 👩‍👩‍👧"
CITY = {"city": "Zürich"}
TOOLS = ("get_weather", "forecast-get_weather")  # Semantic Kernel's have their plugin's name, too
CALL_ID = "call_Zr7Qw2LmB5nD8sKfT3vXy6Ja"
FIELD = "[[ ## text ## ]]"
READING = {"city": "Zürich", "celsius": 21}
USAGE = Usage(prompt_tokens=111, completion_tokens=77, cached_tokens=64, reasoning_tokens=13)
SAYS = '{"scenario":'
PIECES = 400  # of the long story, at ITL seconds each: it is still being told when it is left
ITL = 0.01
TTFT = 0.3  # seconds of the answer after it: a connection that is closed has ended before


@dataclass(frozen=True)
class Run:
    """A program that ran: what the mock saw of it, and what it said of each scenario."""

    client: Client
    way: str
    mock: MockOpenAI
    said: dict[str, dict[str, Any]]
    stderr: str

    def __getitem__(self, scenario: str) -> dict[str, Any]:
        """What the program said of a scenario."""
        assert scenario in self.said, f"the program said nothing of {scenario}:\n{self.stderr}"
        said = self.said[scenario]
        assert "failed" not in said, said["failed"]
        return said

    def known(self, about: Mapping[str, str], otherwise: str) -> str:
        """What the table says of this way, or of all."""
        return about.get(self.way, about.get("*", otherwise))

    def calls(self, scenario: str) -> list[Call]:
        """The calls of a scenario, found by its prompt."""
        return [call for call in self.mock.calls if PROMPTS[scenario] in dumps(call.json)]


def dumps(value: object) -> str:
    """JSON without escapes."""
    return json.dumps(value, ensure_ascii=False)


def mentions(part: str) -> Callable[[Request], bool]:
    """A predicate of requests whose body has this in it."""
    return lambda request: part.encode() in request.body


def serve(mock: MockOpenAI) -> None:
    """The rules of all scenarios."""

    def on(
        scenario: str, text: str, *before: object, usage: Usage | None = None, **more: Any
    ) -> None:
        user = contains(PROMPTS[scenario])
        mock.on(user=user).reply(*before, Reply(text, usage=usage), **more)
        # DSPy asks for fields between marks.
        marked = Reply(f"{FIELD}\n{text}\n\n[[ ## completed ## ]]", usage=usage)
        mock.on(mentions(FIELD), user=user).reply(*before, marked, **more)
        # Who asks for a structure of this name, by a schema or by a tool, gets the text in it.
        for name in ("Said", "PartialSaid"):
            by_schema = Reply(dumps({"text": text}), usage=usage)
            mock.on(mentions(f'"name":"{name}"'), user=user).reply(*before, by_schema, **more)
            by_tool = Reply(tool_calls=[ToolCall(name, {"text": text})], usage=usage)
            mock.on(user=user, tools=name).reply(*before, by_tool, **more)

    on("text", TEXT)
    on("usage", TEXT, usage=USAGE)
    on("early_break", "word " * PIECES, pace=Pace(itl=ITL))
    on("again", TEXT, pace=Pace(ttft=TTFT))
    on("busy", TEXT, ApiError(429, retry_after=1))
    on("refused", TEXT, ApiError(400, "That is too hot.", param="temperature"))

    tool, structured = contains(PROMPTS["tool"]), contains(PROMPTS["structured"])
    for name in TOOLS:
        mock.on(user=tool, tools=name).reply(ToolCall(name, CITY, id=CALL_ID), TEXT)
    mock.on(user=tool, tool_result=CALL_ID).reply(TEXT)
    mock.on(user=structured).reply(dumps(READING))
    for name in ("Reading", "return_reading"):
        mock.on(user=structured, tools=name).reply(ToolCall(name, READING))


@contextmanager
def running(client: Client, way: str, home: Path) -> Iterator[Run]:
    """A way of a client, all scenarios of which were run, before the mock is closed.

    Args:
        home: an empty folder: no settings nor caches of the user's.
    """
    install(client)
    with MockOpenAI() as mock:
        serve(mock)
        local = {
            "OPENAI_BASE_URL": mock.base_url,
            "OPENAI_API_KEY": "sk-mockserver",
            "PATH": os.environ["PATH"],
            "HOME": str(home),
        }
        program = subprocess.run(
            command(client, way),
            cwd=home,
            env=ENVIRONMENT | local,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
        )
        # Clients print what they like, too.
        lines = [line for line in program.stdout.splitlines() if line.startswith(SAYS)]
        said = {line.pop("scenario"): line for line in map(json.loads, lines)}
        yield Run(client, way, mock, said, program.stderr)
