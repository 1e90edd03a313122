"""Runs the examples of the README and the documentation."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from openai_mockserver import MockOpenAI, catalogue, pacing, scenario, stream
from openai_mockserver.cassettes import dumps, loads

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()


def blocks(text: str, language: str) -> list[str]:
    """Return the code blocks of a language."""
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


def anchors(text: str) -> set[str]:
    """The anchors of a page's headings, as GitHub and the site make them."""
    titles = re.findall(r"^#+ (.*)", text, re.MULTILINE)
    return {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}


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


def test_the_two_commands_name_existing_streams() -> None:
    first, second, check, serve = blocks(README, "console")
    assert first == "pip install . openai pytest && pytest examples/quickstart\n"
    assert (ROOT / "examples" / "quickstart" / "test_quickstart.py").exists()
    assert second == "scripts/install && scripts/test\n"
    assert second.strip() in (ROOT / ".ci" / "run").read_text().splitlines()
    commands = [*check.splitlines(), *serve.splitlines()]
    assert all(line.startswith("openai-mockserver ") for line in commands)


def test_links_lead_somewhere() -> None:
    for page in (*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")):
        for link, anchor in re.findall(r"\]\(([^)#:]*)(?:#([^)]*))?\)", page.read_text()):
            target = page.parent / link if link else page
            assert target.exists(), f"{page.name}: {link}"
            if anchor:
                assert anchor in anchors(target.read_text()), f"{page.name}: {link}#{anchor}"


def test_the_scenarios_of_the_page_are_such(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "reference" / "scenario-files.md").read_text()
    example, *others = blocks(page, "yaml")
    file = tmp_path / "scenario.yaml"
    file.write_text(example)
    (tmp_path / "streams").mkdir()
    (tmp_path / "streams" / "odd.jsonl").write_bytes(dumps(stream("text").script))
    mock = MockOpenAI()
    scenario.add_rules(mock, file)
    assert len(mock._rules) == 11
    assert mock.pace is pacing.PROFILES["gpt-4o"]
    for other in others:
        file.write_text(other)
        scenario.add_rules(MockOpenAI(), file)


def test_the_stream_files_of_the_page_are_such(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "reference" / "stream-files.md").read_text()
    example, several = blocks(page, "json")
    (exchange,) = loads(example.encode())
    assert exchange.complete
    assert len(exchange.script.events) == 2
    file = tmp_path / "several.jsonl"
    file.write_text(several)
    one = catalogue.read_stream(file)
    assert [script.head.status for script in one.scripts] == [429, 200]
    assert one.requests == catalogue.Requests(1, 3, (1.0,))
