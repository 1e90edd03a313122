"""The files of the page, with the headers they are served with.

Rules of this file: a name is looked up among the names of the files, and is never made a path.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import NamedTuple

__all__ = ["HEADERS", "PageFile", "find_file"]

_TYPES = {
    "css": "text/css; charset=utf-8",
    "html": "text/html; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
}

_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types 'none'"
)

HEADERS = (
    ("content-security-policy", _POLICY),
    ("x-content-type-options", "nosniff"),
    ("referrer-policy", "no-referrer"),
    ("cross-origin-resource-policy", "same-origin"),
    ("cache-control", "no-store"),
)
"""The headers of every file besides its type."""


class PageFile(NamedTuple):
    """A file of the page: its content and its media type."""

    content: bytes
    media: str


@cache
def _read_all() -> dict[str, PageFile]:
    folder = files(__package__).joinpath("static")
    return {
        file.name: PageFile(file.read_bytes(), _TYPES[file.name.rpartition(".")[2]])
        for file in folder.iterdir()
    }


def find_file(name: str) -> PageFile | None:
    """Return the file with a name; None if there is none."""
    return _read_all().get(name)
