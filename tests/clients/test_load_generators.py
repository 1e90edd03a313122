"""Public load generators measure what the engine says, within 5 %.

aiperf takes 1.2 GB, so it is installed only if OPENAI_MOCKSERVER_LOAD_GENERATORS=aiperf.
"""

from __future__ import annotations

import csv
import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import mean
from typing import NamedTuple

import pytest

from commands import install_once, needs_index
from openai_mockserver.engine import Engine, Outcome, Work, as_engine, get_itl, simulate
from openai_mockserver.judge.clients import Environment, is_installed
from openai_mockserver.tokens import count_messages
from running_server import TOO_LONG, serving

REQUESTED = os.environ.get("OPENAI_MOCKSERVER_LOAD_GENERATORS", "").split()
AIPERF = Environment("aiperf", ("aiperf==0.13.0",))
LOCUST = Environment("locust", ("locust==2.47.0",))
LOCUSTFILE = Path(__file__).parents[2] / "examples" / "locustfile.py"


class Load(NamedTuple):
    """A load, and the engine that it is put on.

    Args:
        engine: the engine.
        users: how many ask at the same time, each once.
        prompt_words: words of each prompt, apart from its number.
        tokens: tokens of each answer.
    """

    engine: str
    users: int
    prompt_words: int = 4
    tokens: int = 300

    @property
    def work(self) -> Work:
        content = f"1000 {'word ' * self.prompt_words}"
        return Work(count_messages([{"role": "user", "content": content}], "gpt-4o"), self.tokens)

    def find_engine(self) -> Engine:
        engine = as_engine(self.engine)
        assert engine is not None
        return engine

    def simulate(self) -> list[Outcome]:
        """Return what the engine does if all users ask at the same time."""
        return simulate(self.find_engine(), [(0.0, self.work)] * self.users)


# In both, the first token takes long enough that a busy machine does not matter.
QUEUE = Load("h100-70b,slots=8", users=20)
LONG_PROMPTS = Load("h100-8b", users=32, prompt_words=2000)


def run_locust(load: Load, url: str, folder: Path) -> dict[str, tuple[int, float]]:
    """Return the rows of locust's report: requests, and their mean time in seconds."""
    command = [install_once(LOCUST) / "bin" / "locust", "-f", LOCUSTFILE, "-H", url, "-t", "25s"]
    at_once = ["-u", load.users, "-r", load.users]
    report = ["--headless", "--only-summary", "--csv", folder / "report"]
    done = subprocess.run(
        [str(part) for part in (*command, *at_once, *report)],
        env=os.environ
        | {"ONCE": "1", "PROMPT_WORDS": f"{load.prompt_words}", "NO_PROXY": "127.0.0.1"},
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


@contextmanager
def serve_load(load: Load, folder: Path) -> Iterator[str]:
    """Run a server that has answered once, because the first answer takes longer; give its URL."""
    file = folder / "scenario.yaml"
    long, warm_up = {"reply": {"text": ["word "] * load.tokens}}, {"user": "Hi", "reply": "Hello"}
    file.write_text(json.dumps({"rules": [long, warm_up]}))
    with serving("--quiet", "--lenient", "--engine", load.engine, file) as server:
        assert server.text() == "Hello"
        yield server.url


@pytest.mark.slow
@needs_index
@pytest.mark.parametrize("load", [QUEUE, LONG_PROMPTS], ids=lambda load: load.engine)
def test_locust_measures_what_the_engine_says(load: Load, tmp_path: Path) -> None:
    with serve_load(load, tmp_path) as url:
        rows = run_locust(load, url, tmp_path)
    outcomes = load.simulate()
    first = mean(one.ttft for one in outcomes if one.ttft is not None)
    token = mean(one.itl for one in outcomes if one.itl is not None)
    whole = mean(one.end - one.arrival for one in outcomes if one.end is not None)
    for name, seconds in (("first token", first), ("token", token), ("stream", whole)):
        requests, measured = rows[name]
        assert requests == load.users
        assert measured == pytest.approx(seconds, rel=0.05), name


def write_tokenizer(folder: Path) -> Path:
    """Write a tokenizer for which each byte is a token, so that none comes from a hub."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [byte for byte in range(256) if byte not in printable]
    letters = [*map(chr, printable), *(chr(256 + n) for n in range(len(others)))]
    byte_level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True}
    byte_level["use_regex"] = True
    vocabulary = {letter: number for number, letter in enumerate(letters)}
    content = {
        "version": "1.0",
        "added_tokens": [],
        "pre_tokenizer": byte_level,
        "decoder": byte_level,
        "model": {"type": "BPE", "vocab": vocabulary, "merges": []},
    }
    folder.mkdir()
    (folder / "tokenizer.json").write_text(json.dumps(content))
    kind = {"tokenizer_class": "PreTrainedTokenizerFast"}
    (folder / "tokenizer_config.json").write_text(json.dumps(kind))
    return folder


@pytest.mark.slow
@needs_index
@pytest.mark.skipif(
    "aiperf" not in REQUESTED and not is_installed(AIPERF),
    reason="OPENAI_MOCKSERVER_LOAD_GENERATORS=aiperf installs 1.2 GB",
)
def test_aiperf_measures_what_the_engine_says(tmp_path: Path) -> None:
    concurrency, requests = 4, 8
    program = install_once(AIPERF) / "bin" / "aiperf"
    tokenizer = write_tokenizer(tmp_path / "tokenizer")
    with serve_load(QUEUE, tmp_path) as url:
        command = [program, "profile", "--url", url, "--model", "gpt-4o", "--streaming"]
        command += ["--endpoint-type", "chat", "--concurrency", concurrency]
        command += ["--request-count", requests, "--isl", 100, "--osl", QUEUE.tokens]
        command += ["--tokenizer", tokenizer, "--use-server-token-count", "--ui", "none"]
        command += ["--no-gpu-telemetry", "--no-server-metrics", "--artifact-dir", tmp_path]
        done = subprocess.run(
            [str(part) for part in command],
            env=os.environ | {"NO_PROXY": "127.0.0.1"},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=2 * TOO_LONG,
        )
    assert done.returncode == 0, done.stdout
    report = json.loads((tmp_path / "profile_export_aiperf.json").read_text("utf-8"))
    assert report["request_count"]["avg"] == requests
    assert report["output_sequence_length"]["avg"] == QUEUE.tokens
    itl = 1000 * get_itl(QUEUE.find_engine(), concurrency)
    assert report["inter_token_latency"]["avg"] == pytest.approx(itl, rel=0.05)
