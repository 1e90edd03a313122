"""docs/conformance/findings.md matches the table of findings; scripts/findings measures it."""

from __future__ import annotations

import re
import runpy
import traceback
from pathlib import Path

import pytest

from findings.consumers import CONSUMERS
from findings.found import FOUND
from findings.report import PAGE, Measurements, excerpt, format_section, read_sections, update_page

TEXT = PAGE.read_text("utf-8")


def test_it_has_a_section_for_every_consumer() -> None:
    assert list(read_sections(TEXT)) == [consumer.name for consumer in CONSUMERS]


@pytest.mark.parametrize("name", FOUND)
def test_a_section_has_its_findings(name: str) -> None:
    section = read_sections(TEXT)[name]
    titles = [line.removeprefix("### ").lower() for line in re.findall("^### .*", section, re.M)]
    assert titles == [finding.title.lower() for finding in FOUND[name]]
    for finding in FOUND[name]:
        assert excerpt(finding.stream).rstrip("\n") in section
        assert finding.cause in section


def test_a_new_section_replaces_only_its_own() -> None:
    line = format_section("openai", {"openai": "0.0.1"}, Measurements())
    new_sections = read_sections(update_page(TEXT, {"openai": line}))
    assert new_sections["openai"] == line
    assert {**new_sections, "openai": ""} == {**read_sections(TEXT), "openai": ""}


def test_its_example_finds_a_mistake(tmp_path: Path) -> None:
    (code,) = re.findall("```python\n(.*?)```", TEXT, re.DOTALL)
    file = tmp_path / "example.py"  # Hypothesis reads the source of tests
    file.write_text(code)
    namespace = runpy.run_path(str(file))
    with pytest.raises(Exception) as failure:  # a group if there are several mistakes
        namespace["test_my_reader"]()
    assert "Stream(" in "".join(traceback.format_exception(failure.value))
