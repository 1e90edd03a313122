"""The search for secrets in a file of any kind.

Rules of this file: a file that is no recording is searched as text, so that no file is passed over.
"""

from __future__ import annotations

from pathlib import Path

from openai_mockserver.bounded_input import InputProblem, read_file
from openai_mockserver.cassettes.analysis.scrubbing import (
    Scrubbed,
    find_secrets,
    scrub_stream_file,
    scrub_text,
)
from openai_mockserver.cassettes.importers.formats import find_format, import_file
from openai_mockserver.cassettes.redact import Redactor
from openai_mockserver.exceptions import MockServerError, StreamFileError

__all__ = ["is_stream_file", "scrub_file", "search_file"]


def is_stream_file(path: Path) -> bool:
    """Return whether a file is a stream file that can be read."""
    return path.suffix.lower() == ".jsonl" and find_format(path) == "stream file"


def scrub_file(path: Path, redactor: Redactor) -> Scrubbed:
    """Return a stream file without its secrets.

    Args:
        path: the file.
        redactor: says what is secret.

    Raises:
        MockServerError: if the file cannot be read, or a line is invalid.
    """
    return scrub_stream_file(_read(path), str(path), redactor)


def search_file(path: Path, redactor: Redactor) -> Scrubbed:
    """Search a file for secrets; its content stays.

    Args:
        path: the file.
        redactor: says what is secret.

    Raises:
        MockServerError: if the file cannot be read.
    """
    content = _read(path)
    try:
        if is_stream_file(path):
            scrubbed = scrub_stream_file(content, str(path), redactor)
            return Scrubbed(content, scrubbed.findings, scrubbed.notes)
        findings = find_secrets(content, import_file(path), redactor)
    except (StreamFileError, RecursionError):
        findings = tuple(sorted(set(scrub_text(content, redactor).findings)))
    return Scrubbed(content, findings)


def _read(path: Path) -> bytes:
    try:
        return read_file(path)
    except OSError as error:
        raise MockServerError(f"cannot read {path}: {error.strerror or error}") from None
    except InputProblem as error:
        raise MockServerError(f"{path}: {error}") from None
