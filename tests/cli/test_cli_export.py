"""`openai-mockserver export`: what it writes, where, and what it refuses."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from commands import run_in_process
from openai_mockserver import Event, Script, sse
from openai_mockserver.cassettes import Exchange, dump, load
from openai_mockserver.cassettes.exporters.formats import FORMATS

KEY = "sk-canary0123456789abcdefghij"


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    """A recording with a key in its request and in its body."""
    request = {
        "method": "POST",
        "url": f"/v1/chat/completions?key={KEY}",
        "headers": [["Authorization", f"Bearer {KEY}"]],
        "json": {"model": "m", "stream": True, "user": KEY},
    }
    chunk = json.dumps({"choices": [{"index": 0, "delta": {"content": KEY}}]})
    file = tmp_path / "in" / "hello.jsonl"
    file.parent.mkdir()
    dump(file, [Exchange(Script(steps=(Event(chunk), sse.DONE)), {"request": request})])
    return file


@pytest.mark.parametrize("name", FORMATS)
def test_secrets_are_removed(recording: Path, tmp_path: Path, name: str) -> None:
    out = tmp_path / "out"
    result = run_in_process("export", str(recording), "--to", name, "-o", str(out))
    assert (result.returncode, result.stderr) == (0, "")
    files = sorted(out.iterdir())
    assert sorted(result.stdout.splitlines()) == [str(file) for file in files]
    assert all(file.name.startswith("hello.") for file in files)
    assert not any(b"canary" in file.read_bytes() for file in files)
    run_in_process("export", str(recording), "--to", name, "-o", str(out), "--force")
    kept = tmp_path / "kept"
    run_in_process("export", str(recording), "--to", name, "-o", str(kept), "--keep-secrets")
    assert any(b"canary" in file.read_bytes() for file in kept.iterdir())


@pytest.mark.skipif(sys.platform == "win32", reason="has no such modes")
def test_only_the_user_can_read_the_files(recording: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    run_in_process("export", str(recording), "--to", "curl", "-o", str(out))
    assert {file.stat().st_mode & 0o777 for file in out.iterdir()} == {0o600}


def test_a_folder_is_exported_beside_its_recordings(recording: Path) -> None:
    folder = recording.parent
    result = run_in_process("export", str(folder), "--to", "vcrpy")
    assert result.stdout == f"{folder / 'hello.yaml'}\n"
    # Its own results are no recordings of the next run.
    again = run_in_process("export", str(folder), "--to", "vcrpy", "--force")
    assert again.stdout == result.stdout
    # Any format becomes any other.
    for name, source in [("har", "hello.yaml"), ("sse", "hello.har"), ("jsonl", "hello.sse")]:
        assert run_in_process("export", str(folder / source), "--to", name).returncode == 0
    run_in_process("import", str(folder / "hello.chunks.jsonl"), "-o", str(folder / "back"))
    (there,), (here,) = load(recording), load(folder / "back" / "hello.jsonl")
    assert len(sse.body(there.script.steps)) == len(sse.body(here.script.steps))


def test_a_loss_is_noted_on_stderr(recording: Path, tmp_path: Path) -> None:
    (one,) = load(recording)
    dump(recording, [Exchange(Script(one.script.head, one.script.steps, "reset"), one.about)])
    result = run_in_process("export", str(recording), "--to", "sse", "-o", str(tmp_path))
    assert result.returncode == 0
    assert result.stderr == (
        f"{recording}: exchange 1 ends with reset, which only a stream file can express\n"
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["{in}", "--to", "har", "-o", "{out}"], "{out}/hello.har exists already; --force"),
        (["{in}", "{in}", "--to", "sse"], "would both be written to"),
        (["{in}/../gone.yaml", "--to", "sse"], "gone.yaml: it cannot be read"),
        (["{out}/hello.har", "--to", "har", "--force"], "would replace itself; -o sets another"),
        (
            ["{out}/json.har", "--to", "sse"],
            "there is nothing to write: {out}/json.har: exchange 1",
        ),
    ],
)
def test_what_cannot_be_exported_is_one_sentence(
    recording: Path, tmp_path: Path, arguments: list[str], message: str
) -> None:
    places = {"in": str(recording), "out": str(tmp_path / "out")}
    (tmp_path / "out").mkdir()
    run_in_process("export", str(recording), "--to", "har", "-o", places["out"])
    har = json.loads((tmp_path / "out" / "hello.har").read_text())
    response = har["log"]["entries"][0]["response"]
    response["headers"] = []
    response["content"] = {"text": "{}", "mimeType": "application/json"}
    (tmp_path / "out" / "json.har").write_text(json.dumps(har))
    before = {file: file.read_bytes() for file in tmp_path.rglob("*") if file.is_file()}
    result = run_in_process("export", *(part.format(**places) for part in arguments))
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr.startswith("Error: ")
    assert result.stderr.count("\n") == 1
    assert message.format(**places) in result.stderr
    assert before == {file: file.read_bytes() for file in tmp_path.rglob("*") if file.is_file()}


def test_the_formats_of_the_command_are_those_that_can_be_written() -> None:
    result = run_in_process("export", "x", "--to", "nothing")
    assert result.returncode == 2
    assert all(repr(name) in result.stderr for name in FORMATS)
