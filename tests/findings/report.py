"""docs/background/findings.md: what was measured, a section for each consumer.

Rules of this file: sections of consumers that were not run stay as they are; what a section has
besides the measured is that of `findings.found`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from findings.consumers import CONSUMERS
from findings.found import FOUND, Finding
from openai_mockserver import Stream, sse

__all__ = ["PAGE", "Measured", "excerpt", "section", "sections", "written"]

PAGE = Path(__file__).parents[2] / "docs" / "background" / "findings.md"
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
class Measured:
    """What a run has shown of a consumer.

    Args:
        said: what the judge says of each finding's stream, by title.
        searched: of each strategy, how many streams were drawn, and of how many something was said.
    """

    said: dict[str, list[str]] = field(default_factory=dict)
    searched: dict[str, tuple[int, int]] = field(default_factory=dict)


def excerpt(stream: Stream) -> str:
    """The stream as one reads it: ``…`` are the usual members of a chunk; other ends are shown."""
    ended = sse.body(stream.script.steps).endswith((b"\n\n", b"\r\r"))
    text = USUAL.sub("…", sse.body(stream.script.steps).decode())
    text = text.replace("\ufeff", "\\ufeff").replace("\r", "\\r")
    text = re.sub(r"((?:\\r)+)(?!\n)", r"\1\n", text)
    end = ENDS.get(stream.script.end, "" if ended else "(the end, without a blank line)")
    return f"{text.rstrip()}\n\n{end}".rstrip()


def section(name: str, versions: Mapping[str, str], measured: Measured) -> str:
    """A consumer's section."""
    installed = ", ".join(f"{package} {version}" for package, version in versions.items())
    lines = [f"## {name}", "", f"With {installed}."]
    if measured.searched:
        told = [f"of {n:,} {kind}, {wrong:,}" for kind, (n, wrong) in measured.searched.items()]
        lines[-1] += f" Streams drawn, and those that show something: {'; '.join(told)}."
    for finding in FOUND[name]:
        lines += ["", *_told(finding, measured.said.get(finding.title, []))]
    return "\n".join(lines)


def _told(finding: Finding, said: list[str]) -> list[str]:
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
            for sentence in said
        ),
        f"* {'lawful' if finding.lawful else 'a quirk'}; {finding.cause}",
    ]
    if finding.citation:
        lines.append(f"* <{finding.citation}>")
    return lines


def sections(page: str) -> dict[str, str]:
    """The sections that a page has."""
    table = page.partition(MARKS[0])[2].partition(MARKS[1])[0]
    parts = re.split(r"^(?=## )", table, flags=re.MULTILINE)[1:]
    return {part.partition("\n")[0].removeprefix("## "): part.strip() for part in parts}


def written(page: str, measured: Mapping[str, str]) -> str:
    """A page with the sections that were measured, in the order of the consumers' table."""
    known = {**sections(page), **measured}
    told = [known[consumer.name] for consumer in CONSUMERS if consumer.name in known]
    whole = "\n\n".join([MARKS[0], *told, MARKS[1]])
    return re.sub(f"{MARKS[0]}.*{MARKS[1]}", lambda _: whole, page, flags=re.DOTALL)
