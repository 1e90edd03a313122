"""What scripts/docs makes of the code and of the pages; Sphinx itself is not needed."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from docstrings import convert, process, public_names
from finish_site import Page, find_broken_links, list_groups, write_markdown
from openai_mockserver.cli.program import commands
from openai_mockserver.faults import FAULTS
from reference import PARTS, expand, find_parts

DOCS = Path(__file__).parents[1] / "docs"


@pytest.mark.parametrize(
    ("line", "converted"),
    [
        ("A `Reply`", "A :py:obj:`Reply <openai_mockserver.Reply>`"),
        ("`Call.warnings`", ":py:obj:`Call.warnings <openai_mockserver.Call>`"),
        ("`a word`, ``code``", "``a word``, ``code``"),
        ("*replies, **faults", r"\*replies, \**faults"),
        ("in *italics*, **bold** too", "in *italics*, **bold** too"),
    ],
)
def test_markdown_of_docstrings_becomes_rst(line: str, converted: str) -> None:
    assert convert(line) == converted


def test_examples_in_docstrings_stay() -> None:
    lines = ["Say `x`.", "", ">>> print('`x`')", "`x`", "", "Then `y`."]
    process(None, "function", "openai_mockserver.stream", None, None, lines)
    assert lines == ["Say ``x``.", "", ">>> print('`x`')", "`x`", "", "Then ``y``."]


def test_every_part_is_on_a_page() -> None:
    pages = [file.read_text("utf-8") for file in DOCS.rglob("*.md")]
    assert {part for page in pages for part in find_parts(page)} == set(PARTS)


def test_every_option_of_every_command_is_described() -> None:
    text = expand("<!-- insert: commands -->")
    for name, command in commands.commands.items():
        assert f"\n## {name}\n" in f"\n{text}"
        for option in command.params:
            assert all(f"`{flag}`" in text for flag in option.opts if flag.startswith("-"))


def test_every_fault_is_described_with_its_arguments() -> None:
    text = expand("<!-- insert: faults -->", plain=True)
    assert {name for name in FAULTS if f"\n### {name}\n" in text} == set(FAULTS)
    assert "\nreset(after: int = 0, byte: int | None = None" in text


def test_a_page_of_names_has_a_directive_for_each() -> None:
    module = "openai_mockserver.sse"
    text = expand(f"<!-- insert: names {module} -->")
    assert all(re.search(rf":: (?:{module}\.)?{name}\b", text) for name in public_names()[module])


def test_the_summary_of_a_page_is_its_first_sentence() -> None:
    page = Page("a", "# The `title`\n\nOne [link](b.md) and\nmore. Another.\n\nEnd.\n")
    assert (page.title, page.summary) == ("The title", "One link and more.")


def test_the_pages_for_programs(tmp_path: Path) -> None:
    pages = [Page("a", "# A\n\nSee [b](b.md#c).\n"), Page("b", "# B\n\n## c\n")]
    write_markdown(tmp_path, {"Reference": pages[:1], "Background": pages[1:]})
    assert "- [A](a.html.md): See b." in (tmp_path / "llms.txt").read_text()
    assert "\n## Optional\n\n- [B](b.html.md)" in (tmp_path / "llms.txt").read_text()
    assert "(b.html.md#c)" in (tmp_path / "a.html.md").read_text()
    assert "# B" in (tmp_path / "llms-full.txt").read_text()


def test_every_page_has_its_place() -> None:
    pages = [page for pages in list_groups().values() for page in pages]
    names = [name for page in pages for name in (page.name, *page.below)]
    assert len(names) == len(set(names))


def test_pages_that_a_page_lists_are_below_it() -> None:
    page = Page("a/index", "# A\n\nText.\n\n```{toctree}\n:hidden:\nb\nc\n```\n")
    assert page.below == ("a/b", "a/c")


def test_links_that_lead_nowhere_are_found(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    (tmp_path / "a.html").write_text('<p id="x"><a href="b/c.html#y"><a href="#z"><a href="no">')
    (tmp_path / "b" / "c.html").write_text('<p id="y"><a href="../a.html#x"><a href="https://x/">')
    assert find_broken_links(tmp_path) == ["a.html: #z", "a.html: no"]
