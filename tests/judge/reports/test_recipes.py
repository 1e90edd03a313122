"""The ways to get a case again do get it."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from openai import OpenAI

from openai_mockserver import (
    Event,
    MockOpenAI,
    Raw,
    Reply,
    Request,
    Script,
    Stream,
    faults,
    stream,
    timeline,
)
from openai_mockserver.judge import Case, Result, select_cases
from openai_mockserver.judge.cases import READS
from openai_mockserver.judge.reports.recipes import list_recipes
from openai_mockserver.scenario import add_rules


def write_recipe(case: Case, word: str) -> str:
    (recipe,) = (recipe for recipe in list_recipes(case) if word in recipe.title)
    return recipe.code


class Application:
    """An application as the tests mean it, which gives the right answer or an error."""

    def ask(self, prompt: str) -> str:
        with OpenAI().chat.completions.create(
            model="gpt-4o", messages=[{"role": "user", "content": prompt}], stream=True
        ) as chunks:
            return "".join(chunk.choices[0].delta.content or "" for chunk in chunks)


@pytest.mark.parametrize("name", ["text", "unicode@utf8", "reset"])
def test_pytest(mock_openai: MockOpenAI, name: str) -> None:
    (case,) = select_cases(names=[name])
    names: dict[str, Any] = {"my_app": Application()}
    exec(write_recipe(case, "pytest"), names)
    (test,) = (value for name, value in names.items() if name.startswith("test_"))
    test(mock_openai)
    assert [call.script for call in mock_openai.calls] == list(case.scripts)


def test_a_stream_of_ones_own_is_written_out(results: tuple[Result, ...]) -> None:
    for result in results[6:]:
        (recipe,) = list_recipes(result.case)
        code, _, _ = recipe.code.partition("    mock_openai.reply")
        names: dict[str, Any] = {}
        exec(code.replace("def test_", "if True:  # test_", 1), names)
        assert names["case"].scripts == result.case.scripts


def test_a_long_stream_of_ones_own_has_no_recipe(results: tuple[Result, ...]) -> None:
    assert list_recipes(results[5].case) == []


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
@pytest.mark.parametrize("name", ["tool-call", "responses-keepalive-event"])
def test_curl(name: str) -> None:
    case = Case(stream(name))
    with MockOpenAI() as mock:
        server = mock.start().url
        code = write_recipe(case, "curl").replace("http://127.0.0.1:8000", server.rstrip("/"))
        ran = subprocess.run(["sh", "-c", code], capture_output=True, check=True, timeout=20)
    assert ran.stdout == case.stream.bytes()


@pytest.mark.parametrize("reads", [reads for reads in READS if reads != "crlf"])
def test_scenario(reads: str, tmp_path: Path) -> None:
    case = Case(stream("unicode"), reads)
    file = tmp_path / "scenario.yaml"
    file.write_text(write_recipe(case, "scenario"))
    mock = MockOpenAI()
    add_rules(mock, file)
    call = mock.respond(Request("POST", case.path, (), json.dumps(dict(case.request)).encode()))
    assert call.script == case.scripts[-1]


def list_reads(script: Script) -> list[bytes]:
    return [frame.data for frame in timeline.frames(script)]


@pytest.mark.parametrize("reads", [reads for reads, cut in READS.items() if cut is not None])
def test_the_faults_cut_as_the_cases_do(reads: str) -> None:
    script = Script(steps=[Raw("data: é\r\n\r\ndata: b\r\n\r\n".encode()), Event("c")])
    case = Case(Stream(script, Reply("")), reads)
    (code,) = re.findall(r"faults=\[(.*)\]", write_recipe(case, "pytest"))
    changed, expected = eval(code, vars(faults))(script), case.scripts[-1]
    assert changed.steps != script.steps
    assert list_reads(changed) == list_reads(expected)
