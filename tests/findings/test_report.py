"""docs/background/findings.md has what the table of findings has; scripts/findings adds figures."""

from __future__ import annotations

import re
import runpy
import traceback
from pathlib import Path

import pytest

from findings.consumers import CONSUMERS
from findings.found import FOUND
from findings.report import PAGE, Measured, excerpt, section, sections, written

TEXT = PAGE.read_text("utf-8")


def test_it_has_a_section_for_every_consumer() -> None:
    assert list(sections(TEXT)) == [consumer.name for consumer in CONSUMERS]


@pytest.mark.parametrize("name", FOUND)
def test_a_section_has_what_was_found(name: str) -> None:
    told = sections(TEXT)[name]
    titles = [line.removeprefix("### ").lower() for line in re.findall("^### .*", told, re.M)]
    assert titles == [finding.title.lower() for finding in FOUND[name]]
    for finding in FOUND[name]:
        assert excerpt(finding.stream).rstrip("\n") in told
        assert finding.cause in told


def test_what_was_measured_replaces_its_section_and_no_other() -> None:
    line = section("openai", {"openai": "0.0.1"}, Measured())
    changed = sections(written(TEXT, {"openai": line}))
    assert changed["openai"] == line
    assert {**changed, "openai": ""} == {**sections(TEXT), "openai": ""}


def test_its_example_finds_what_it_is_about(tmp_path: Path) -> None:
    (code,) = re.findall("```python\n(.*?)```", TEXT, re.DOTALL)
    file = tmp_path / "example.py"  # Hypothesis reads the source of what it runs
    file.write_text(code)
    said = runpy.run_path(str(file))
    with pytest.raises(Exception) as failure:  # a group of them, where several things are wrong
        said["test_my_reader"]()
    assert "Stream(" in "".join(traceback.format_exception(failure.value))
