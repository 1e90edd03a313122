"""`openai-mockserver validate`: what it prints, and how it ends."""

from __future__ import annotations

from pathlib import Path

from click.testing import CliRunner

from openai_mockserver.cli.program import commands

ROOT = Path(__file__).parents[2]


def test_all_mistakes_of_all_files_are_lines(tmp_path: Path) -> None:
    scenario, stream = tmp_path / "scenario.yaml", tmp_path / "stream.jsonl"
    scenario.write_text("rules:\n  - usr: a\n    reply: b\n  - reply: {txt: c}\n", "utf-8")
    stream.write_text('{"mockserver": 1}\n{"end": "soon"}\n', "utf-8")
    right = tmp_path / "right.yaml"
    right.write_text("rules: [{reply: a}]", "utf-8")
    result = CliRunner().invoke(commands, ["validate", *map(str, (scenario, right, stream))])
    assert result.exit_code == 1
    first, second, third = result.output.splitlines()
    assert first.startswith(f"{scenario}:2: rules[0].usr: there is no such key")
    assert second.startswith(f"{scenario}:4: rules[1].reply.txt: there is no such key")
    assert third.startswith(f"{stream}:2: end: 'soon' must be one of")


def test_without_mistakes_it_says_so() -> None:
    folder = str(ROOT / "fixtures" / "finish")
    result = CliRunner().invoke(commands, ["validate", folder])
    assert (result.exit_code, result.output) == (0, f"no mistakes in {folder}\n")


def test_it_needs_a_file() -> None:
    assert CliRunner().invoke(commands, ["validate"]).exit_code == 2
