"""The adapters for ``openai-mockserver check``: the judge gets a verdict from each."""

from __future__ import annotations

import shutil
import sys
from functools import partial
from pathlib import Path

import pytest

from openai_mockserver.judge import Report, check_consumer, open_program, select_cases

pytestmark = pytest.mark.slow

EXAMPLES = Path(__file__).parents[2] / "examples"
NODE = EXAMPLES / "node"
PARSER = Path(__file__).parents[1] / "judge" / "parser.mjs"
NAMES = ["text", "unicode", "error-mid-stream", "reset", "responses-text"]

needs_node = pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed")


def judge(command: list[str], names: list[str] | None = None, workers: int = 1) -> Report:
    cases = select_cases(names=names or (), reads=["recorded"] if names else None)
    opened = partial(open_program, command, 10.0)
    return check_consumer("adapter", opened, cases, workers=workers)


def list_grades(report: Report) -> dict[str, str]:
    return {str(result.case): str(result.grade) for result in report.results}


RIGHT = {**dict.fromkeys(NAMES, "pass"), "responses-text": "unsupported"}


def test_the_adapter_in_python() -> None:
    assert list_grades(judge([sys.executable, str(EXAMPLES / "check_adapter.py")], NAMES)) == RIGHT


@pytest.mark.node
@needs_node
@pytest.mark.skipif(not (NODE / "node_modules").is_dir(), reason="run scripts/install")
def test_the_adapter_in_typescript(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(NODE)
    command = ["node", "--import", "tsx", "check_adapter.ts"]
    assert list_grades(judge(command, NAMES)) == RIGHT


@pytest.mark.node
@needs_node
def test_a_decoder_for_each_read_is_found_without_being_told_where() -> None:
    names = ["unicode@utf8", "utf8-split-across-reads", "text"]
    grades = list_grades(judge(["node", str(PARSER)], names))
    assert grades == {**dict.fromkeys(names[:2], "wrong"), "text": "pass"}
    grades = list_grades(judge(["node", str(PARSER), "right"], names))
    assert grades == dict.fromkeys(names, "pass")


@pytest.mark.node
@pytest.mark.slow
@needs_node
def test_the_whole_catalogue_finds_it() -> None:
    failures = {str(result.case) for result in judge(["node", str(PARSER)], workers=4).failures}
    right = {
        str(result.case) for result in judge(["node", str(PARSER), "right"], workers=4).failures
    }
    assert {"unicode@utf8", "utf8-split-across-reads"} <= failures - right
