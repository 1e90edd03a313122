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
    help="Folder to write to.  [default: the folder of each file]",
)
@click.option("--keep-secrets", is_flag=True, help="Do not redact anything.")
@click.option("--force", is_flag=True, help="Overwrite existing files.")
def import_(files: tuple[Path, ...], output: Path | None, keep_secrets: bool, force: bool) -> None:
    """Convert recordings of other tools into stream files.

    Formats: cassettes of vcrpy, go-vcr, Ruby's VCR, Braintrust, the Datadog test agent and llmock;
    HAR; files of nock, httpmock (rig), httprr, req_llm and the Azure test proxy; WireMock mappings,
    Postman collections and Mockoon environments; fixtures of aimock, stream parts of the AI SDK and
    its .chunks.txt; .sse; what `curl -i`, `curl -v` and `curl --trace` print; answers in JSON, and
    chunks as a JSON array or as JSON lines.

    FILES may be folders: their stream files are written to folders with the same names. Keys,
    cookies, organization ids and project ids are redacted. Only the current user can read the
    stream files.

    Without -o, each stream file is written beside its source. For example, pytest-recording's
    cassettes/MODULE/TEST.yaml becomes cassettes/MODULE/TEST.jsonl, where the fixture
    openai_cassette looks for it.
    """
    from openai_mockserver.cassettes import dumps
    from openai_mockserver.cassettes.importers import import_file
    from openai_mockserver.cassettes.redact import Redactor, redact_exchange
    from openai_mockserver.cassettes.writer import write_file

    redactor = Redactor(enabled=not keep_secrets)
    sources: dict[Path, Path] = {}
    contents: dict[Path, tuple[bytes, int]] = {}
    for file, folder in list_sources(files, output):
        exchanges = import_file(file)
        target = folder / f"{build_name(file)}.jsonl"
        if target in sources:
            raise MockServerError(f"{sources[target]} and {file} would both be written to {target}")
        if target.exists() and not force:
            raise MockServerError(f"{target} exists already; --force overwrites it")
        try:
            clean = [redact_exchange(exchange, redactor) for exchange in exchanges]
            content = b"".join(dumps(e.script, e.about, e.client_left) for e in clean)
        except RecursionError:
            raise MockServerError(f"{file}: a request in it is nested too deeply") from None
        sources[target], contents[target] = file, (content, len(exchanges))
    for target, (content, count) in contents.items():
        try:
            write_file(target, content)
        except OSError as error:
            raise MockServerError(f"cannot write {target}: {error.strerror or error}") from None
        click.echo(f"{target}: {count} exchange{'s' * (count != 1)}")


def list_sources(
    files: tuple[Path, ...], output: Path | None, results: str = ".jsonl"
) -> Iterator[tuple[Path, Path]]:
    """Yield the files to convert, each with the folder to write to.

    Args:
        files: files and folders.
        output: the folder to write to; None for the folder of each file.
        results: the suffix of what is written.
    """
    from openai_mockserver.cassettes.importers import find_recordings

    for file in files:
        if not os.path.isdir(file):  # noqa: PTH112 - it takes names of any length
            yield file, file.parent if output is None else output
            continue
        # Without an output folder, files with that suffix are the results of an earlier run.
        recordings = [
            path
            for path in find_recordings(file)
            if output or not path.name.lower().endswith(results)
        ]
        if not recordings:
            raise MockServerError(f"{file}: there is no recording in this folder")
        for path in recordings:
            yield path, path.parent if output is None else output / path.parent.relative_to(file)


def build_name(file: Path) -> str:
    """Return the file's name without the format, as openai_cassette spells the name of a test."""
    from openai_mockserver.cassettes.importers import bare_name

    name = bare_name(file)
    safe = "".join(letter if letter.isalnum() or letter in "-_." else "-" for letter in name)
    while len(safe.encode()) > 200:  # most file systems allow 255 bytes
        safe = safe[:-1]
    return safe
