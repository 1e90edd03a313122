"""What `scripts/docs` does once Sphinx has built the site: checks it, and writes it for programs.

Written beside the pages: `llms.txt`, `llms-full.txt` and each page as Markdown, PAGE.html.md, as
https://llmstxt.org proposes.

Rules of this file: the order of pages and their groups are those of docs/index.md. A link within
the site that leads nowhere, a page that docs/index.md does not list and a public name without a
description are errors.
"""

from __future__ import annotations

import posixpath
import re
import sys
import tomllib
from html.parser import HTMLParser
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

from docstrings import public_names
from reference import expand

__all__ = ["Page", "check_site", "list_groups", "write_markdown"]

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
OPTIONAL = "Background"
"""The group that a reader with little room can do without: llms.txt calls it Optional."""


class Page(NamedTuple):
    """A page as it is written, in Markdown.

    Args:
        name: its path within the site, without a suffix.
    """

    name: str
    text: str

    @property
    def title(self) -> str:
        return self.text.partition("\n")[0].removeprefix("# ").replace("`", "")

    @property
    def summary(self) -> str:
        """The first sentence below the title, without its links."""
        paragraph = self.text.split("\n\n")[1]
        plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", " ".join(paragraph.split()))
        return re.split(r"(?<=\.) ", plain, maxsplit=1)[0].rstrip(":")


def list_groups() -> dict[str, list[Page]]:
    """Return the pages of each group, in the order of docs/index.md."""
    groups: dict[str, list[Page]] = {}
    index = (DOCS / "index.md").read_text("utf-8")
    for caption, names in re.findall(r"```{toctree}\n:caption: (.*)\n(?::.*\n)*([^`:]+)```", index):
        for name in names.split():
            text = (DOCS / f"{name}.md").read_text("utf-8")
            groups.setdefault(caption, []).append(Page(name, text))
    listed = {page.name for pages in groups.values() for page in pages}
    there = {file.relative_to(DOCS).with_suffix("").as_posix() for file in DOCS.rglob("*.md")}
    if missing := there - listed - {"index"}:
        raise SystemExit(f"docs/index.md does not list {', '.join(sorted(missing))}")
    return groups


def write_markdown(site: Path, groups: dict[str, list[Page]]) -> None:
    """Write llms.txt, llms-full.txt and the Markdown of each page."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    lines = [f"# {project['name']}", "", f"> {project['description']}", ""]
    whole = list(lines)
    for caption, pages in groups.items():
        lines += [f"## {'Optional' if caption == OPTIONAL else caption}", ""]
        for page in pages:
            text = expand(page.text, plain=True)
            text = re.sub(r"(\]\([^):]+)\.md(?=[#)])", r"\1.html.md", text)
            (site / f"{page.name}.html.md").write_text(text, "utf-8")
            lines.append(f"- [{page.title}]({page.name}.html.md): {page.summary}")
            whole += [f"<!-- {page.name} -->", "", text]
        lines.append("")
    (site / "llms.txt").write_text("\n".join(lines), "utf-8")
    (site / "llms-full.txt").write_text("\n".join(whole), "utf-8")


class _Links(HTMLParser):
    """Collects where a page links to, and the anchors that it has."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.anchors: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        for name, value in attributes:
            if name in ("href", "src") and value:
                self.links.append(value)
            elif name == "id" and value:
                self.anchors.add(value)


def find_broken_links(site: Path) -> list[str]:
    """Return the links within the site that lead nowhere."""
    pages = {
        file.relative_to(site).as_posix(): _Links(file.read_text("utf-8"))
        for file in site.rglob("*.html")
    }
    broken = []
    for name, page in pages.items():
        for link in page.links:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            path = posixpath.normpath(posixpath.join(posixpath.dirname(name), unquote(parts.path)))
            target = path if parts.path else name
            if not (site / target).is_file():
                broken.append(f"{name}: {link}")
            elif parts.fragment and target in pages:
                anchor = unquote(parts.fragment)
                if anchor not in pages[target].anchors and anchor not in ("", "top"):
                    broken.append(f"{name}: {link}")
    return broken


def find_undescribed_names(site: Path) -> list[str]:
    """Return the public names that no page describes."""
    anchors: set[str] = set()
    for file in site.rglob("*.html"):
        anchors |= _Links(file.read_text("utf-8")).anchors
    names = {f"{module}.{name}" for module, names in public_names().items() for name in names}
    modules = public_names().keys()
    return sorted(names - anchors - modules)


def check_site(site: Path) -> None:
    """Exit with a message if a link leads nowhere or a public name has no description."""
    wrong = [f"a link leads nowhere: {link}" for link in find_broken_links(site)]
    wrong += [
        f"no page describes {name}: add it to <!-- insert: names … --> of a page in docs/reference"
        for name in find_undescribed_names(site)
    ]
    if wrong:
        raise SystemExit("\n".join(wrong))


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    write_markdown(folder, list_groups())
    check_site(folder)
