"""The mock's answers in each scenario, and running a client's program against it."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from clients.table import Client
from openai_mockserver import ApiError, MockOpenAI, Pace, Reply, ToolCall, Usage, contains
from openai_mockserver.journal import Call
from openai_mockserver.judge.clients import SETTINGS, build_command, install
from openai_mockserver.request import Request

__all__ = [
    "CALL_ID",
    "CITY",
    "PIECES",
    "PROGRAMS",
    "READING",
    "TEXT",
    "TOOLS",
    "TTFT",
    "USAGE",
    "Run",
    "run_client",
]

PROGRAMS = Path(__file__).parent / "programs"
PROMPTS: dict[str, str] = json.loads((PROGRAMS / "prompts.json").read_text("utf-8"))
PATIENCE = 180.0  # seconds for a whole program

TEXT = "Grüezi mitenand 👋🏽, schöni Wält: 你好, wie gaats? 👩‍👩‍👧"
CITY = {"city": "Zürich"}
TOOLS = ("get_weather", "forecast-get_weather")  # Semantic Kernel adds its plugin's name
CALL_ID = "call_Zr7Qw2LmB5nD8sKfT3vXy6Ja"
FIELD = "[[ ## text ## ]]"
READING = {"city": "Zürich", "celsius": 21}
USAGE = Usage(prompt_tokens=111, completion_tokens=77, cached_tokens=64, reasoning_tokens=13)
RESULT_PREFIX = '{"scenario":'
PIECES = 400  # of a long answer, ITL seconds apart, which the client leaves early
ITL = 0.01
TTFT = 0.3  # seconds before the next answer, until which an abandoned connection must be closed


@dataclass(frozen=True)
class Run:
    """A finished program: its mock, and its result for each scenario."""

    client: Client
    way: str
    mock: MockOpenAI
    results: dict[str, dict[str, Any]]
    stderr: str

    def __getitem__(self, scenario: str) -> dict[str, Any]:
        """Return the result of a scenario."""
        assert scenario in self.results, (
            f"the program printed nothing for {scenario}:\n{self.stderr}"
        )
        result = self.results[scenario]
        assert "failed" not in result, result["failed"]
        return result

    def look_up(self, about: Mapping[str, str], otherwise: str) -> str:
        """Return the entry of a table for this way, or for all ways."""
        return about.get(self.way, about.get("*", otherwise))

    def calls(self, scenario: str) -> list[Call]:
        """Return the calls of a scenario, found by its prompt."""
        return [call for call in self.mock.calls if PROMPTS[scenario] in encode_json(call.json)]


def encode_json(value: object) -> str:
    """Encode JSON without escapes."""
    return json.dumps(value, ensure_ascii=False)


def match_body(part: str) -> Callable[[Request], bool]:
    """Return a predicate for requests whose body contains ``part``."""
    return lambda request: part.encode() in request.body


def serve(mock: MockOpenAI) -> None:
    """Add the rules of all scenarios."""

    def on(
        scenario: str, text: str, *before: object, usage: Usage | None = None, **more: Any
    ) -> None:
        user = contains(PROMPTS[scenario])
        mock.on(user=user).reply(*before, Reply(text, usage=usage), **more)
        # DSPy expects fields between markers.
        dspy_reply = Reply(f"{FIELD}\n{text}\n\n[[ ## completed ## ]]", usage=usage)
        mock.on(match_body(FIELD), user=user).reply(*before, dspy_reply, **more)
        # Requests for a structure of this name, by schema or tool, get the text in it.
        for name in ("Said", "PartialSaid"):
            by_schema = Reply(encode_json({"text": text}), usage=usage)
            mock.on(match_body(f'"name":"{name}"'), user=user).reply(*before, by_schema, **more)
            by_tool = Reply(tool_calls=[ToolCall(name, {"text": text})], usage=usage)
            mock.on(user=user, tools=name).reply(*before, by_tool, **more)

    on("text", TEXT)
    on("usage", TEXT, usage=USAGE)
    on("early_break", "word " * PIECES, pace=Pace(itl=ITL))
    on("again", TEXT, pace=Pace(ttft=TTFT))
    on("busy", TEXT, ApiError(429, retry_after=1))
    on("refused", TEXT, ApiError(400, "That is too hot.", param="temperature"))

    tool, structure = contains(PROMPTS["tool"]), contains(PROMPTS["structured"])
    for name in TOOLS:
        mock.on(user=tool, tools=name).reply(ToolCall(name, CITY, id=CALL_ID), TEXT)
    mock.on(user=tool, tool_result=CALL_ID).reply(TEXT)
    mock.on(user=structure).reply(encode_json(READING))
    for name in ("Reading", "return_reading"):
        mock.on(user=structure, tools=name).reply(ToolCall(name, READING))


@contextmanager
def run_client(client: Client, way: str, home: Path) -> Iterator[Run]:
    """Run all scenarios of a client in one way; yield the result while the mock is open.

    Args:
        client: the client.
        way: the way to use it.
        home: an empty folder, without the user's settings and caches.
    """
    install(client.environment)
    with MockOpenAI() as mock:
        serve(mock)
        local = {
            "OPENAI_BASE_URL": mock.base_url,
            "OPENAI_API_KEY": "sk-mockserver",
            "PATH": os.environ["PATH"],
            "HOME": str(home),
        }
        program = subprocess.run(
            build_command(client.environment, PROGRAMS / client.program, way),
            cwd=home,
            env=SETTINGS | local,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
        )
        # Clients print other lines, too.
        lines = [line for line in program.stdout.splitlines() if line.startswith(RESULT_PREFIX)]
        results = {line.pop("scenario"): line for line in map(json.loads, lines)}
        yield Run(client, way, mock, results, program.stderr)
