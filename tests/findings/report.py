"""docs/conformance/findings.md: the measured results, with a section for each consumer.

Rules of this file: sections of consumers that were not run do not change. Everything in a section
besides the results comes from `findings.found`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from findings.consumers import CONSUMERS
from findings.found import FOUND, Finding
from openai_mockserver import Stream, sse

__all__ = ["PAGE", "Measurements", "excerpt", "format_section", "read_sections", "update_page"]

PAGE = Path(__file__).parents[2] / "docs" / "conformance" / "findings.md"
MARKS = "<!-- findings -->", "<!-- end of findings -->"

USUAL = re.compile(
    r'"id":"chatcmpl-1","object":"chat.completion.chunk","created":1700000000,"model":"gpt-4o-mini"'
)
ENDS = {
    "hold": "(silence)",
    "reset": "(the connection breaks)",
    "truncate": "(the body breaks off)",
}


@dataclass
class Measurements:
    """The results of a run for one consumer.

    Args:
        sentences: the judge's sentences about each finding's stream, by title.
        searches: for each strategy, the number of drawn streams, and of those with a mistake.
    """

    sentences: dict[str, list[str]] = field(default_factory=dict)
    searches: dict[str, tuple[int, int]] = field(default_factory=dict)


def excerpt(stream: Stream) -> str:
    """Return the stream as text, with ``…`` for the usual members of a chunk, and with odd ends."""
    is_complete = sse.body(stream.script.steps).endswith((b"\n\n", b"\r\r"))
    text = USUAL.sub("…", sse.body(stream.script.steps).decode())
    text = text.replace("\ufeff", "\\ufeff").replace("\r", "\\r")
    text = re.sub(r"((?:\\r)+)(?!\n)", r"\1\n", text)
    end = ENDS.get(stream.script.end, "" if is_complete else "(the end, without a blank line)")
    return f"{text.rstrip()}\n\n{end}".rstrip()


def format_section(name: str, versions: Mapping[str, str], measurements: Measurements) -> str:
    """Return a consumer's section."""
    version_list = ", ".join(f"{package} {version}" for package, version in versions.items())
    lines = [f"## {name}", "", f"With {version_list}."]
    if measurements.searches:
        counts = measurements.searches.items()
        parts = [f"of {n:,} {kind}, {wrong:,}" for kind, (n, wrong) in counts]
        lines[-1] += f" Streams drawn, and those that show something: {'; '.join(parts)}."
    for finding in FOUND[name]:
        lines += ["", *_format_finding(finding, measurements.sentences.get(finding.title, []))]
    return "\n".join(lines)


def _format_finding(finding: Finding, sentences: list[str]) -> list[str]:
    stream = finding.stream
    right = f"`{stream.reply!r}`" + (f", and an error ({stream.error})" if stream.error else "")
    lines = [
        f"### {finding.title[0].upper()}{finding.title[1:]}",
        "",
        "```text",
        *excerpt(stream).splitlines(),
        "```",
        "",
        f"* right: {right}",
        *(
            f"* it {sentence}" if sentence.startswith("raises") else f"* {sentence}"
            for sentence in sentences
        ),
        f"* {'lawful' if finding.lawful else 'a quirk'}; {finding.cause}",
    ]
    if finding.citation:
        lines.append(f"* <{finding.citation}>")
    return lines


def read_sections(page: str) -> dict[str, str]:
    """Return the sections of a page."""
    table = page.partition(MARKS[0])[2].partition(MARKS[1])[0]
    parts = re.split(r"^(?=## )", table, flags=re.MULTILINE)[1:]
    return {part.partition("\n")[0].removeprefix("## "): part.strip() for part in parts}


def update_page(page: str, new_sections: Mapping[str, str]) -> str:
    """Return a page with new sections, in the order of `CONSUMERS`."""
    all_sections = {**read_sections(page), **new_sections}
    ordered_sections = [
        all_sections[consumer.name] for consumer in CONSUMERS if consumer.name in all_sections
    ]
    table = "\n\n".join([MARKS[0], *ordered_sections, MARKS[1]])
    return re.sub(f"{MARKS[0]}.*{MARKS[1]}", lambda _: table, page, flags=re.DOTALL)
