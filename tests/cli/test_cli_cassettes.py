"""`openai-mockserver cassettes`: what its commands print, and their exit codes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from commands import run_in_process
from openai_mockserver import Pace, Reply, Script
from openai_mockserver.api import chat
from openai_mockserver.cassettes import Exchange, dump

REQUEST = {"method": "POST", "url": "/v1/chat/completions", "json": {"model": "gpt-4o"}}


def record(file: Path, script: Script) -> Path:
    dump(file, [Exchange(script, {"request": REQUEST})])
    return file


# stats


@pytest.mark.parametrize("columns", [80, 140])
def test_statistics_fit_the_terminal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, columns: int
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    record(tmp_path / "a.jsonl", Pace(ttft=0.2, itl=0.02)(chat.render(Reply("Hi there"))))
    result = run_in_process("cassettes", "stats", str(tmp_path))
    assert (result.returncode, result.stderr) == (0, "")
    lines = result.stdout.splitlines()
    assert all(len(line.rstrip()) <= columns for line in lines)
    assert "chat/completions" in lines[1]
    assert "200 ms" in lines[2]
    assert "1 file, 1 exchange, 1 stream, 0 errors" in " ".join(lines[-2:])


def test_statistics_as_json(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By default, of the current folder."""
    record(tmp_path / "a.jsonl", chat.render(Reply("Hi")))
    (tmp_path / "b.jsonl").write_text("nonsense\n")
    monkeypatch.chdir(tmp_path)
    result = run_in_process("cassettes", "stats", "--json")
    statistics = json.loads(result.stdout)
    assert statistics["total"]["exchanges"] == 1
    assert statistics["groups"][0]["provider"] == "openai"
    assert result.stderr.startswith("skipped: b.jsonl")


def test_an_empty_folder_is_one_sentence(tmp_path: Path) -> None:
    result = run_in_process("cassettes", "stats", str(tmp_path))
    assert result.returncode == 1
    assert result.stderr == f"Error: {tmp_path}: there is no recording in this folder\n"
