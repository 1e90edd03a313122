"""What the README and the documentation show, run as it stands there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import tables
from openai_mockserver import MockOpenAI, pacing, scenario
from openai_mockserver.cassettes import loads
from openai_mockserver.faults import FAULTS

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()


def blocks(text: str, language: str) -> list[str]:
    """The code blocks of a language."""
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


def test_the_tour_runs(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    pytester.makepyfile(
        my_app="""
        from openai import OpenAI
        from strategies.toy import consume

        def ask(text):
            stream = OpenAI().chat.completions.create(
                model="gpt-4o", stream=True, messages=[{"role": "user", "content": text}])
            return "".join(c.choices[0].delta.content or "" for c in stream if c.choices)

        def text_of(reads):
            return consume(reads)["text"].get(0, "")
        """,
        test_tour="import my_app\n" + "\n".join(blocks(README, "python")),
    )
    result = pytester.runpytest_inprocess("-p", "openai_mockserver.pytest_plugin")
    result.assert_outcomes(passed=4 + 7)


def test_the_two_commands_name_what_is_there() -> None:
    first, second, serve = blocks(README, "console")
    assert first == "pip install . openai pytest && pytest examples/quickstart\n"
    assert (ROOT / "examples" / "quickstart" / "test_quickstart.py").exists()
    assert second == "scripts/install && scripts/test\n"
    assert second.strip() in (ROOT / ".ci" / "run").read_text().splitlines()
    assert all(line.startswith("openai-mockserver ") for line in serve.splitlines())


def test_links_lead_somewhere() -> None:
    for page in (ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").glob("*.md")):
        for link in re.findall(r"\]\(([^)#:]+)\)", page.read_text()):
            assert (page.parent / link).exists(), f"{page.name}: {link}"


def test_the_scenario_of_the_page_is_one(tmp_path: Path) -> None:
    (example,) = blocks((ROOT / "docs" / "scenarios.md").read_text(), "yaml")
    file = tmp_path / "scenario.yaml"
    file.write_text(example)
    mock = MockOpenAI()
    scenario.add_rules(mock, file)
    assert len(mock._rules) == 8
    assert mock.pace is pacing.PROFILES["gpt-4o"]


def test_the_stream_file_of_the_page_is_one() -> None:
    (example,) = blocks((ROOT / "docs" / "stream-files.md").read_text(), "json")
    (exchange,) = loads(example.encode())
    assert exchange.complete
    assert len(exchange.script.events) == 2


@pytest.mark.parametrize("page", ["dialects.md", "endpoints.md", "faults.md", "transport.md"])
def test_tables_are_as_the_code_has_them(page: str) -> None:
    text, anew = tables.written(page)
    assert text == anew, "run python scripts/tables.py"


def test_every_fault_is_in_the_table() -> None:
    page = (ROOT / "docs" / "faults.md").read_text()
    assert {name for name in FAULTS if f"| `{name}(" in page} == set(FAULTS)
