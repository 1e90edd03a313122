"""``openai-mockserver import``."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import click

from openai_mockserver.exceptions import MockServerError


@click.command(name="import")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path, readable=False))
@click.option(
    "--output",
    "-o",
    type=click.Path(path_type=Path),
    help="Folder to write into.  [default: that of each file]",
)
@click.option("--keep-secrets", is_flag=True, help="Take nothing out.")
@click.option("--force", is_flag=True, help="Write over files that are there already.")
def import_(files: tuple[Path, ...], output: Path | None, keep_secrets: bool, force: bool) -> None:
    """Turn recordings of other tools into stream files.

    vcrpy, go-vcr and Ruby VCR cassettes, HAR, Vercel .chunks.txt, .sse, what `curl -i` prints, JSON
    arrays and lines of chunks. FILES may be folders: their recordings are written into folders of
    the same names. Keys, cookies and ids of organisations and projects are taken out. Only the user
    may read what is written.

    Without -o each is written beside its file: cassettes/MODULE/TEST.yaml, where pytest-recording
    has it, becomes cassettes/MODULE/TEST.jsonl, where the fixture openai_cassette looks for it.
    """
    from openai_mockserver.cassettes import dumps
    from openai_mockserver.cassettes.importers import import_file
    from openai_mockserver.cassettes.redact import Redactor, redact_exchange
    from openai_mockserver.cassettes.writer import write_file

    redactor = Redactor(enabled=not keep_secrets)
    sources: dict[Path, Path] = {}
    made: dict[Path, tuple[bytes, int]] = {}
    for file, folder in _sources(files, output):
        exchanges = import_file(file)
        target = folder / f"{_file_name(file)}.jsonl"
        if target in sources:
            raise MockServerError(f"{sources[target]} and {file} would both become {target}")
        if target.exists() and not force:
            raise MockServerError(f"{target} is there already; --force writes over it")
        try:
            clean = [redact_exchange(exchange, redactor) for exchange in exchanges]
            content = b"".join(dumps(e.script, e.about, e.client_left) for e in clean)
        except RecursionError:
            raise MockServerError(f"{file}: a request in it is nested too deeply") from None
        sources[target], made[target] = file, (content, len(exchanges))
    for target, (content, count) in made.items():
        try:
            write_file(target, content)
        except OSError as error:
            raise MockServerError(f"cannot write {target}: {error.strerror or error}") from None
        click.echo(f"{target}: {count} exchange{'s' * (count != 1)}")


def _sources(files: tuple[Path, ...], output: Path | None) -> Iterator[tuple[Path, Path]]:
    """The files to import, each with the folder to write into."""
    from openai_mockserver.cassettes.importers import find_recordings

    for file in files:
        if not os.path.isdir(file):  # noqa: PTH112 - it takes names of any length
            yield file, file.parent if output is None else output
            continue
        # A stream file that lies where it would be written is what was imported before.
        found = [one for one in find_recordings(file) if output or one.suffix.lower() != ".jsonl"]
        if not found:
            raise MockServerError(f"{file}: there is no recording in this folder")
        for one in found:
            yield one, one.parent if output is None else output / one.parent.relative_to(file)


def _file_name(file: Path) -> str:
    """The name without what says the format, as the fixture openai_cassette writes a test's."""
    from openai_mockserver.cassettes.importers import bare_name

    name = bare_name(file)
    safe = "".join(letter if letter.isalnum() or letter in "-_." else "-" for letter in name)
    while len(safe.encode()) > 200:  # most file systems take 255 bytes
        safe = safe[:-1]
    return safe
