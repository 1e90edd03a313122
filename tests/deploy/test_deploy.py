"""What `deploy/` has, as far as it can be tried without Docker and GitHub.

The steps of the Dockerfile run in a folder instead of an image; the scripts of the action run with
files of their own.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest
import yaml

from commands import needs_index, run
from openai_mockserver import MockOpenAI, scenario
from openai_mockserver.cli.environment import PREFIX
from openai_mockserver.cli.program import commands
from running_server import TOO_LONG, serving

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
ACTION = DEPLOY / "action"


def read_yaml(*path: str) -> dict[str, Any]:
    content: dict[str, Any] = yaml.safe_load(DEPLOY.joinpath(*path).read_text("utf-8"))
    return content


# The image


class Instruction(NamedTuple):
    """An instruction of the Dockerfile: its stage, its name and its arguments."""

    stage: int
    name: str
    text: str


def read_dockerfile() -> Iterator[Instruction]:
    text = (DEPLOY / "Dockerfile").read_text("utf-8")
    text = re.sub(r"^#.*\n", "", text, flags=re.MULTILINE).replace("\\\n", "")
    stage = 0
    for line in filter(None, map(str.strip, text.split("\n"))):
        name, _, rest = line.partition(" ")
        stage += name == "FROM"
        yield Instruction(stage, name, rest.strip())


INSTRUCTIONS = list(read_dockerfile())


def find(name: str, stage: int = 2) -> list[str]:
    return [one.text for one in INSTRUCTIONS if (one.stage, one.name) == (stage, name)]


def read_environment() -> dict[str, str]:
    (text,) = find("ENV")
    return dict(pair.partition("=")[::2] for pair in shlex.split(text))


def test_the_image_runs_our_command_as_another_user() -> None:
    assert find("USER") == ["10001:10001"]
    assert find("VOLUME") == ["/scenarios"]
    (entrypoint,), (command,) = find("ENTRYPOINT"), find("CMD")
    assert [*json.loads(entrypoint), *json.loads(command)] == ["openai-mockserver", "serve"]
    (check,) = find("HEALTHCHECK")
    assert json.loads(check[check.index("[") :]) == ["openai-mockserver", "health"]


def test_the_variables_of_the_image_are_those_of_options() -> None:
    assert_variables(read_environment())


def assert_variables(environment: dict[str, str]) -> None:
    """Each of our variables is that of an option of `serve`, and has a value that it takes."""
    ours = {name: value for name, value in environment.items() if name.startswith(PREFIX)}
    known = {getattr(one, "envvar", None) for one in commands.commands["serve"].params}
    assert ours.keys() <= known
    with pytest.MonkeyPatch.context() as patch:
        for name, value in ours.items():
            patch.setenv(name, value)
        commands.commands["serve"].make_context("serve", [])


@pytest.mark.slow
@needs_index
def test_the_steps_of_the_image_make_a_server_that_is_healthy(tmp_path: Path) -> None:
    """Each RUN in an empty folder with what COPY brings there, then the command and the check."""
    source, home = tmp_path / "source", tmp_path / "opt"
    source.mkdir()
    for text in find("COPY", stage=1):
        *files, target = text.split()
        assert target in ("./", *files), "each keeps its name"
        for file in files:
            run("cp", "-r", ROOT / file, source)
    steps = find("RUN", stage=1)
    assert len(steps) == 3
    for step in steps:
        command = step.replace("/opt/openai-mockserver", str(home))
        command = re.sub(r"^python ", f"{sys.executable} ", command)
        run("sh", "-ec", command, cwd=source)
    program = home / "bin" / "openai-mockserver"
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = read_environment() | {"OPENAI_MOCKSERVER_PORT": str(port)}
    environment["PATH"] = f"{home / 'bin'}:/usr/bin:/bin"
    health = [str(program), "health"]
    assert subprocess.run(health, env=environment, capture_output=True).returncode == 1
    with subprocess.Popen(
        [program, "serve"], env=environment, cwd=tmp_path, stdout=subprocess.PIPE, text=True
    ) as server:
        assert server.stdout
        try:
            assert f"answers on http://127.0.0.1:{port}/v1" in server.stdout.readline()
            assert subprocess.run(health, env=environment, timeout=TOO_LONG).returncode == 0
        finally:
            server.terminate()
            assert server.wait(TOO_LONG) == 0
    run(home / "bin" / "python", "-c", "import watchfiles, cryptography, splintr, brotli, redis")


# Compose, and the development container


@pytest.mark.parametrize("folder", [".", "devcontainer"])
def test_the_mock_of_compose_serves_its_scenario_under_its_name(folder: str) -> None:
    services = read_yaml(folder, "compose.yaml")["services"]
    mock = services["mock"]
    assert_variables(mock["environment"])
    assert mock["environment"]["OPENAI_MOCKSERVER_ALLOW_HOST"] == "mock"
    assert mock["read_only"] is True
    assert mock["tmpfs"] == ["/tmp"]
    (volume,) = mock["volumes"]
    place, target, mode = volume.split(":")
    assert (target, mode) == ("/scenarios", "ro")
    command, file = mock["command"]
    assert command == "serve"
    scenario.add_rules(MockOpenAI(), DEPLOY / folder / place / file)


def test_the_application_of_compose_reads_the_stream_of_the_mock() -> None:
    application = read_yaml("compose.yaml")["services"]["application"]
    assert application["depends_on"]["mock"]["condition"] == "service_healthy"
    assert application["environment"]["OPENAI_BASE_URL"] == "http://mock:8000/v1"
    with serving("--quiet", "--allow-host", "mock", DEPLOY / "example" / "scenario.yaml") as server:
        as_compose = httpx.get(
            f"{server.url}/v1/models", headers={"Host": "mock:8000"}, trust_env=False
        )
        assert as_compose.status_code == 200
        environment = application["environment"] | {"OPENAI_BASE_URL": f"{server.url}/v1"}
        ran = subprocess.run(
            [sys.executable, DEPLOY / "example" / "application.py"],
            env={**environment, "no_proxy": "*"},
            capture_output=True,
            text=True,
            timeout=TOO_LONG,
        )
    assert ran.stdout == "Sunny, with a breeze from the west.\n"


def test_the_development_container_is_the_application_of_its_compose_file() -> None:
    content = json.loads((DEPLOY / "devcontainer" / "devcontainer.json").read_text("utf-8"))
    services = read_yaml("devcontainer", content["dockerComposeFile"])["services"]
    assert content["service"] in services
    assert content["forwardPorts"] == ["mock:8000"]
    assert content["remoteEnv"]["OPENAI_BASE_URL"] == "http://mock:8000/v1"


# The action


def test_the_action_uses_its_inputs_and_sets_its_outputs() -> None:
    action = read_yaml("action", "action.yml")
    (step,) = action["runs"]["steps"]
    values = json.dumps(step["env"])
    assert set(re.findall(r"inputs\.([\w-]+)", values)) == set(action["inputs"])
    assert set(re.findall(r"\$(?:\{)?([A-Z_]+)", step["run"])) == {*step["env"], "RUNNER_TEMP"}
    outputs = {one["value"] for one in action["outputs"].values()}
    written = re.findall(r"(base-url|log)=", (ACTION / "mock.py").read_text("utf-8"))
    assert outputs == {f"${{{{ steps.start.outputs.{name} }}}}" for name in written}


def run_action(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "RUNNER_TEMP": str(folder)}
    environment |= {"GITHUB_OUTPUT": str(folder / "output")}
    environment |= {"GITHUB_STEP_SUMMARY": str(folder / "summary")}
    return subprocess.run(
        [sys.executable, ACTION / "mock.py", *arguments],
        env=environment,
        capture_output=True,
        text=True,
        timeout=TOO_LONG,
    )


def test_the_action_starts_the_server_and_sums_up_its_calls(tmp_path: Path) -> None:
    started = run_action(tmp_path, "start", "--port", "0", "--pace", "none")
    assert started.returncode == 0, started.stderr
    outputs = dict(line.split("=", 1) for line in (tmp_path / "output").read_text().splitlines())
    try:
        for parameters in ({"stream": True}, {"temprature": 1}):
            messages = [{"role": "user", "content": "a | *b* <img> \n&"}]
            httpx.post(
                f"{outputs['base-url']}/chat/completions",
                json={"model": "gpt-4o", "messages": messages, **parameters},
                trust_env=False,
                timeout=TOO_LONG,
            )
    finally:
        stopped = run_action(tmp_path, "stop")
    assert stopped.returncode == 0, stopped.stderr
    lines = (tmp_path / "summary").read_text("utf-8").splitlines()
    assert lines[0] == "### openai-mockserver: 2 calls, 0 not answered"
    assert lines[4].startswith("| 1 | POST /v1/chat/completions | a &#124; &#42;b&#42; &#60;img")
    assert [line.split(" | ")[3] for line in lines[4:6]] == ["200", "400"]
    last = Path(outputs["log"]).read_text("utf-8").splitlines()[-1]
    assert json.loads(last)["event"] == "stop"
    assert run_action(tmp_path, "stop").returncode == 0, "there is nothing left to stop"


def test_a_server_that_does_not_start_fails_the_step(tmp_path: Path) -> None:
    result = run_action(tmp_path, "start", "missing.yaml")
    assert result.returncode == 1
    assert "cannot read missing.yaml" in result.stderr
    assert result.stderr.endswith("openai-mockserver did not start\n")
