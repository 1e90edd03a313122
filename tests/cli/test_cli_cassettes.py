"""`openai-mockserver cassettes`: what its commands print, and their exit codes."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from commands import needs_index, run, run_in_process
from openai_mockserver import Event, Pace, Reply, Script, sse
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


# check and scrub

ROOT = Path(__file__).parents[2]
KEY = "sk-canary0123456789abcdefghij"


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    """A recording with cookies in its first line and a key in its second."""
    head = chat.render(Reply("Hi")).head
    return record(tmp_path / "secret.jsonl", Script(head, (Event(f'"use {KEY}"'), sse.DONE)))


def test_a_secret_is_reported_by_file_line_and_kind(secret: Path, tmp_path: Path) -> None:
    record(tmp_path / "clean.jsonl", Script(steps=(Event("Hi"),)))
    result = run_in_process("cassettes", "check", str(tmp_path))
    lines = result.stdout.splitlines()
    assert result.returncode == 1
    assert {f"{secret}:1: set-cookie", f"{secret}:2: what looks like a key"} <= set(lines)
    assert "canary" not in result.stdout + result.stderr


def test_scrubbing_leaves_nothing_to_find(secret: Path, tmp_path: Path) -> None:
    before = secret.read_bytes()
    secret.chmod(0o640)
    dry = run_in_process("cassettes", "scrub", "--check", str(secret))
    assert (dry.returncode, secret.read_bytes()) == (1, before)
    assert "would be removed" in dry.stdout
    assert run_in_process("cassettes", "scrub", str(tmp_path)).returncode == 0
    assert b"canary" not in secret.read_bytes()
    assert secret.stat().st_mode & 0o777 == 0o640
    for command in (["check"], ["scrub"], ["scrub", "--check"]):
        clean = run_in_process("cassettes", *command, str(tmp_path))
        assert (clean.returncode, clean.stdout) == (0, "")
    assert [file.name for file in tmp_path.iterdir()] == [secret.name]


def test_a_recording_of_another_tool_is_checked_and_not_changed(tmp_path: Path) -> None:
    file = tmp_path / "a.sse"
    file.write_text(f"data: {KEY}\n\n")
    result = run_in_process("cassettes", "check", str(file))
    assert result.stdout == f"{file}:1: what looks like a key\n"
    refused = run_in_process("cassettes", "scrub", str(file))
    assert refused.returncode == 1
    assert "`import` makes one of it" in refused.stderr


def test_a_broken_stream_file_is_checked_and_not_changed(tmp_path: Path) -> None:
    file = tmp_path / "a.jsonl"
    file.write_text(f'{{"mockserver": 1}}\n{{"dada": "{KEY}"}}\n')
    before = file.read_bytes()
    checked = run_in_process("cassettes", "check", str(file))
    assert checked.stdout == f"{file}:2: what looks like a key\n"
    refused = run_in_process("cassettes", "scrub", str(file))
    assert (refused.returncode, refused.stdout) == (1, "")
    assert refused.stderr.startswith(f"Error: {file}:2: ")
    assert file.read_bytes() == before


def test_a_pattern_that_is_invalid_is_one_sentence(secret: Path) -> None:
    result = run_in_process("cassettes", "check", "--redact-pattern", "(", str(secret))
    assert result.returncode == 1
    assert result.stderr.startswith("Error: --redact-pattern: ")


@pytest.mark.parametrize("name", ["openai-mockserver-check", "openai-mockserver-scrub"])
def test_the_hook_runs_as_it_is_declared(secret: Path, name: str) -> None:
    hooks = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())
    (entry,) = (hook["entry"] for hook in hooks if hook["id"] == name)
    program, *arguments = shlex.split(entry)
    assert program == "openai-mockserver"
    assert run_in_process(*arguments, str(secret)).returncode == (name.endswith("check"))


@pytest.mark.slow
@needs_index
@pytest.mark.skipif(shutil.which("git") is None, reason="needs git")
def test_pre_commit_refuses_a_commit_with_a_secret(tmp_path: Path) -> None:
    """It installs the hooks of this repository, as committed, into an environment of its own."""
    folder = tmp_path / "repository"
    (folder / "cassettes").mkdir(parents=True)
    record(folder / "cassettes" / "a.jsonl", chat.render(Reply(f"use {KEY}")))
    hooks = tmp_path / "hooks"
    for path in (".pre-commit-hooks.yaml", "README.md", "LICENSE", "pyproject.toml"):
        hooks.mkdir(exist_ok=True)
        shutil.copy(ROOT / path, hooks / path)
    for path in ("mockserver", "fixtures", "pytest_plugin"):
        shutil.copytree(ROOT / path, hooks / path)
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@example.org"]
    for place in (folder, hooks):
        run(*git, "init", "-q", cwd=place)
        run(*git, "add", "-A", cwd=place)
    run(*git, "commit", "-q", "-m", "hooks", cwd=hooks)
    command = [sys.executable, "-m", "pre_commit", "try-repo", str(hooks)]
    environment = {**os.environ, "PRE_COMMIT_HOME": str(tmp_path / "home")}

    def try_hook(name: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*command, name, "-a", "-v"],
            capture_output=True,
            text=True,
            cwd=folder,
            env=environment,
        )

    refused = try_hook("openai-mockserver-check")
    assert refused.returncode == 1, refused.stdout + refused.stderr
    assert "cassettes/a.jsonl:1: set-cookie" in refused.stdout
    assert "canary" not in refused.stdout
    assert try_hook("openai-mockserver-scrub").returncode == 1  # pre-commit: a file has changed
    assert try_hook("openai-mockserver-check").returncode == 0


# calibrate


def test_a_server_plays_at_the_pace_of_recordings(tmp_path: Path) -> None:
    for number, ttft in enumerate((0.1, 0.2, 0.3)):
        script = Pace(ttft=ttft, itl=0.02)(chat.render(Reply("one two three four")))
        record(tmp_path / f"{number}.jsonl", script)
    paces = tmp_path / "paces.yaml"
    result = run_in_process("cassettes", "calibrate", str(tmp_path), "-o", str(paces))
    assert (result.returncode, result.stderr) == (0, "")
    row = next(line for line in result.stdout.splitlines() if "openai/gpt-4o" in line)
    assert " ".join(row.split()) == "openai/gpt-4o 3 200 ms 290 ms 9 20 ms 20 ms"
    again = run_in_process("cassettes", "calibrate", str(tmp_path), "-o", str(paces))
    assert "exists already" in again.stderr
    generate = ("generate", "--pace", f"{paces}:gpt-4o", "--seed", "1")
    (first, *_) = run_in_process(*generate).stdout.splitlines()
    assert 0.1 <= json.loads(first)["response"]["delay"] <= 0.3
    assert run_in_process(*generate).stdout.splitlines()[0] == first


# diff


def test_a_difference_is_the_exit_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    files = [tmp_path / f"{name}.jsonl" for name in "abc"]
    for file, text in zip(files, ("Hello", "Hello", "Hello you"), strict=True):
        record(file, chat.render(Reply(text)))
    one, same, other = map(str, files)
    equal = run_in_process("cassettes", "diff", one, same)
    assert (equal.returncode, equal.stdout, equal.stderr) == (0, "", "")
    assert run_in_process("cassettes", "diff", one, same, "--exact").returncode == 1
    differs = run_in_process("cassettes", "diff", one, other)
    assert differs.returncode == 1
    assert differs.stdout.startswith(
        'what was said\n~ text\n    - "Hello"\n    + "Hello you"\nthe wire\n'
    )
    as_json = run_in_process("cassettes", "diff", one, other, "--json")
    assert as_json.returncode == 1
    assert json.loads(as_json.stdout)["said"] == [
        {"place": "text", "kind": "changed", "old": "Hello", "new": "Hello you"}
    ]
    missing = run_in_process("cassettes", "diff", one, f"{other}:3")
    assert missing.stderr == f"Error: {other} contains no exchange 3: it has 1\n"


# drift


def test_drift_says_who_cares(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    old = record(tmp_path / "old.jsonl", chat.render(Reply("Hello")))
    same = record(tmp_path / "same.jsonl", chat.render(Reply("Something else")))
    script = chat.render(Reply("Hello"))
    steps = [
        Event(step.data.replace('"role":"assistant",', ""))
        for step in script.steps
        if isinstance(step, Event)
    ]
    new = record(tmp_path / "new.jsonl", Script(script.head, steps))
    equal = run_in_process("cassettes", "drift", str(old), str(same))
    assert (equal.returncode, equal.stdout, equal.stderr) == (0, "", "")
    result = run_in_process("cassettes", "drift", str(old), str(new))
    assert result.returncode == 1
    assert "- choices[].delta.role text\n    no role at all: openai-node" in result.stdout
    as_json = json.loads(run_in_process("cassettes", "drift", str(old), str(new), "--json").stdout)
    (role,) = (one for one in as_json if one["change"]["kind"] == "removed")
    assert role["concerns"][0]["clients"] == ["openai-node"]


@pytest.mark.parametrize("command", ["stats", "check", "scrub", "diff", "calibrate", "drift"])
def test_each_command_explains_itself(command: str) -> None:
    result = run_in_process("cassettes", command, "--help")
    assert result.returncode == 0
    assert len(result.stdout.splitlines()) > 8
