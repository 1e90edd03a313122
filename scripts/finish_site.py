"""Checks the site that Sphinx has built, and adds versions for programs: the end of `scripts/docs`.

It adds `llms.txt`, `llms-full.txt` and each page as Markdown (PAGE.html.md), as
https://llmstxt.org proposes.

Rules of this file: pages have the order and the groups of docs/index.md; those that a page of it
lists in turn, such as measured ones, are below that page, and not in the two files. A broken link
within the site, a page that is not listed and a public name without a description are errors.
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
"""The group that a reader with a small context may skip: llms.txt calls it Optional."""


class Page(NamedTuple):
    """The source of a page.

    Args:
        name: its path within the site, without a suffix.
        text: its Markdown.
    """

    name: str
    text: str

    @property
    def title(self) -> str:
        return self.text.partition("\n")[0].removeprefix("# ").replace("`", "")

    @property
    def summary(self) -> str:
        """The first sentence below the title, without links."""
        paragraph = self.text.split("\n\n")[1]
        plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", " ".join(paragraph.split()))
        return re.split(r"(?<=\.) ", plain, maxsplit=1)[0].rstrip(":")

    @property
    def below(self) -> tuple[str, ...]:
        """The names of the pages that this page lists."""
        folder = posixpath.dirname(self.name)
        parts = re.findall(r"```{toctree}\n(?::.*\n)*([^`:]+)```", self.text)
        return tuple(posixpath.join(folder, name) for part in parts for name in part.split())


def list_groups() -> dict[str, list[Page]]:
    """Return the pages of each group, in the order of docs/index.md."""
    groups: dict[str, list[Page]] = {}
    index = (DOCS / "index.md").read_text("utf-8")
    for caption, names in re.findall(r"```{toctree}\n:caption: (.*)\n(?::.*\n)*([^`:]+)```", index):
        for name in names.split():
            text = (DOCS / f"{name}.md").read_text("utf-8")
            groups.setdefault(caption, []).append(Page(name, text))
    all_pages = [page for pages in groups.values() for page in pages]
    listed_names = {name for page in all_pages for name in (page.name, *page.below)}
    existing_names = {
        file.relative_to(DOCS).with_suffix("").as_posix() for file in DOCS.rglob("*.md")
    }
    if missing_names := existing_names - listed_names - {"index"}:
        raise SystemExit(f"docs/index.md does not list {', '.join(sorted(missing_names))}")
    return groups


def write_markdown(site: Path, groups: dict[str, list[Page]]) -> None:
    """Write llms.txt, llms-full.txt and each page as Markdown.

    Args:
        site: the folder of the site.
        groups: the pages of each group, by its caption.
    """
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    lines = [f"# {project['name']}", "", f"> {project['description']}", ""]
    full_lines = list(lines)
    for caption, pages in groups.items():
        lines += [f"## {'Optional' if caption == OPTIONAL else caption}", ""]
        for page in pages:
            text = _write_page(site, page)
            for name in page.below:
                _write_page(site, Page(name, (DOCS / f"{name}.md").read_text("utf-8")))
            lines.append(f"- [{page.title}]({page.name}.html.md): {page.summary}")
            full_lines += [f"<!-- {page.name} -->", "", text]
        lines.append("")
    (site / "llms.txt").write_text("\n".join(lines), "utf-8")
    (site / "llms-full.txt").write_text("\n".join(full_lines), "utf-8")


def _write_page(site: Path, page: Page) -> str:
    """Write a page as Markdown, with links to others of its kind, and return it."""
    text = expand(page.text, plain=True)
    text = re.sub(r"(\]\([^):]+)\.md(?=[#)])", r"\1.html.md", text)
    (site / f"{page.name}.html.md").write_text(text, "utf-8")
    return text


class _Links(HTMLParser):
    """Collects the links and the anchors of a page."""

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
    """Return the broken links within the site, each as ``PAGE: LINK``."""
    pages = {
        file.relative_to(site).as_posix(): _Links(file.read_text("utf-8"))
        for file in site.rglob("*.html")
    }
    broken_links = []
    for name, page in pages.items():
        for link in page.links:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            path = posixpath.normpath(posixpath.join(posixpath.dirname(name), unquote(parts.path)))
            target = path if parts.path else name
            if not (site / target).is_file():
                broken_links.append(f"{name}: {link}")
            elif parts.fragment and target in pages:
                anchor = unquote(parts.fragment)
                if anchor not in pages[target].anchors and anchor not in ("", "top"):
                    broken_links.append(f"{name}: {link}")
    return broken_links


def find_undescribed_names(site: Path) -> list[str]:
    """Return the public names that no page describes."""
    anchors: set[str] = set()
    for file in site.rglob("*.html"):
        anchors |= _Links(file.read_text("utf-8")).anchors
    names = {f"{module}.{name}" for module, names in public_names().items() for name in names}
    modules = public_names().keys()
    return sorted(names - anchors - modules)


def check_site(site: Path) -> None:
    """Exit with a message if a link is broken or a public name has no description."""
    errors = [f"broken link: {link}" for link in find_broken_links(site)]
    errors += [
        f"no page describes {name}: add it to <!-- insert: names … --> of a page in docs/reference"
        for name in find_undescribed_names(site)
    ]
    if errors:
        raise SystemExit("\n".join(errors))


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    write_markdown(folder, list_groups())
    check_site(folder)
