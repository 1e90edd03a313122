"""Public load generators measure what the engine says, within 5 %."""

from __future__ import annotations

import csv
import json
import os
import subprocess
from pathlib import Path
from statistics import mean

import pytest

from commands import install_once, needs_index
from openai_mockserver.engine import Outcome, Work, as_engine, simulate
from openai_mockserver.judge.clients import Environment
from openai_mockserver.tokens import count_messages
from running_server import TOO_LONG, serving

LOCUST = Environment("locust", ("locust==2.47.0",))
LOCUSTFILE = Path(__file__).parents[2] / "examples" / "locustfile.py"
ENGINE = "h100-70b,slots=8"  # its tokens take long enough that a busy machine does not matter
USERS = 20
TOKENS = 300
MESSAGES = [{"role": "user", "content": "Tell me a story"}]


def run_locust(url: str, folder: Path) -> dict[str, tuple[int, float]]:
    """Return the rows of locust's report: requests, and their mean time in seconds."""
    command = [install_once(LOCUST) / "bin" / "locust", "-f", LOCUSTFILE, "-H", url, "-t", "25s"]
    at_once = ["-u", USERS, "-r", USERS]
    report = ["--headless", "--only-summary", "--csv", folder / "report"]
    done = subprocess.run(
        [str(part) for part in (*command, *at_once, *report)],
        env=os.environ | {"ONCE": "1", "NO_PROXY": "127.0.0.1"},
        capture_output=True,
        text=True,
        timeout=TOO_LONG,
    )
    assert done.returncode == 0, done.stderr
    with (folder / "report_stats.csv").open(newline="") as file:
        return {
            row["Name"]: (int(row["Request Count"]), float(row["Average Response Time"]) / 1000)
            for row in csv.DictReader(file)
        }


def simulate_users() -> list[Outcome]:
    """Return what the engine does if all users ask at the same time."""
    engine = as_engine(ENGINE)
    assert engine is not None
    work = Work(count_messages(MESSAGES, "gpt-4o"), TOKENS)
    return simulate(engine, [(0.0, work)] * USERS)


@pytest.mark.slow
@needs_index
def test_locust_measures_what_the_engine_says(tmp_path: Path) -> None:
    rules = {"rules": [{"reply": {"text": ["word "] * TOKENS}}]}
    file = tmp_path / "scenario.yaml"
    file.write_text(json.dumps(rules))
    with serving("--quiet", "--engine", ENGINE, file) as server:
        rows = run_locust(server.url, tmp_path)
    outcomes = simulate_users()
    first = mean(one.ttft for one in outcomes if one.ttft is not None)
    token = mean(one.itl for one in outcomes if one.itl is not None)
    whole = mean(one.end - one.arrival for one in outcomes if one.end is not None)
    assert first > 2, "12 of 20 users wait for a slot"
    for name, seconds in (("first token", first), ("token", token), ("stream", whole)):
        requests, measured = rows[name]
        assert requests == USERS
        assert measured == pytest.approx(seconds, rel=0.05), name
