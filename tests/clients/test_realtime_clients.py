"""Agents in Realtime sessions: real frameworks, each in a separate environment."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from openai_mockserver import MockOpenAI, Reply, ToolCall
from openai_mockserver.judge.clients import ENVIRONMENTS, SETTINGS, build_command, install

PROGRAMS = Path(__file__).parent / "programs"
REQUESTED = os.environ.get("OPENAI_MOCKSERVER_CLIENTS", "").split()


@pytest.mark.client
@pytest.mark.parametrize("name", ["openai-agents", "openai-agents-js", "pydantic-ai"])
def test_an_agent_calls_a_function_and_answers(name: str) -> None:
    if name not in REQUESTED and "all" not in REQUESTED:
        pytest.skip("it was not requested: run scripts/clients")
    environment = ENVIRONMENTS[name]
    install(environment)
    suffix = "mjs" if name.endswith("-js") else "py"
    program = PROGRAMS / f"realtime_{name.replace('-', '_')}.{suffix}"
    with MockOpenAI() as mock:
        call = ToolCall("get_weather", {"city": "Paris"}, id="call_1")
        mock.on(user="Weather in Paris?").reply(Reply(tool_calls=[call]), "It is sunny.")
        ran = subprocess.run(
            build_command(environment, program),
            env=os.environ | SETTINGS | {"OPENAI_BASE_URL": mock.base_url, "OPENAI_API_KEY": "key"},
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert ran.returncode == 0, ran.stderr
        assert ran.stdout == "get_weather(Paris)\nIt is sunny.\n"
        opening, first, second = mock.calls
        assert (opening.path, opening.status) == ("/v1/realtime", 101)
        assert list(first.tools) == ["get_weather"]
        assert second.messages[-1]["role"] == "tool"
