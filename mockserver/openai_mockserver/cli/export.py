"""``openai-mockserver export``."""

from __future__ import annotations

from pathlib import Path

import click

from openai_mockserver.cli.import_ import build_name, list_sources
from openai_mockserver.exceptions import MockServerError, StreamFileError

_SUFFIXES = {
    "vcrpy": ".yaml",
    "har": ".har",
    "sse": ".sse",
    "jsonl": ".chunks.jsonl",
    "curl": ".txt",
    "wiremock": ".json",
}


@click.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path, readable=False))
@click.option(
    "--to",
    "name",
    required=True,
    type=click.Choice(list(_SUFFIXES)),
    help="Format to write.",
)
@click.option(
    "--output",
    "-o",
    type=click.Path(path_type=Path),
    help="Folder to write to.  [default: the folder of each file]",
)
@click.option("--keep-secrets", is_flag=True, help="Do not redact anything.")
@click.option("--force", is_flag=True, help="Overwrite existing files.")
def export(
    files: tuple[Path, ...], name: str, output: Path | None, keep_secrets: bool, force: bool
) -> None:
    """Convert recordings into the formats of other tools.

    FILES are stream files, recordings in any format that `import` reads, or folders of these, whose
    results are written to folders with the same names.

    \b
      vcrpy     NAME.yaml: a cassette, version 1
      har       NAME.har: HAR 1.2
      sse       NAME.sse: the body of each event stream
      jsonl     NAME.chunks.jsonl: the same, one chunk on each line
      curl      NAME.sh: a command that repeats the request
                NAME.txt: the recorded response as `curl -i` prints it
      wiremock  NAME.json: stub mappings

    Keys, cookies, organization ids and project ids are redacted. Only the current user can read the
    files. Whatever a format cannot express, such as a reset, is noted on stderr.
    """
    from openai_mockserver.cassettes.exporters.formats import export_exchanges
    from openai_mockserver.cassettes.importers import import_file
    from openai_mockserver.cassettes.redact import Redactor, redact_exchange
    from openai_mockserver.cassettes.writer import write_file

    redactor = Redactor(enabled=not keep_secrets)
    sources: dict[Path, Path] = {}
    contents: dict[Path, bytes] = {}
    notes: list[str] = []
    for file, folder in list_sources(files, output, _SUFFIXES[name]):
        exchanges = import_file(file)
        try:
            clean = [redact_exchange(exchange, redactor) for exchange in exchanges]
            converted = export_exchanges(clean, name, build_name(file))
        except RecursionError:
            raise MockServerError(f"{file}: a request in it is nested too deeply") from None
        except StreamFileError as error:
            raise MockServerError(f"{file}: {error}") from None
        notes += (f"{file}: {note}" for note in converted.notes)
        for file_name, content in converted.files.items():
            target = folder / file_name
            if target in sources:
                raise MockServerError(
                    f"{sources[target]} and {file} would both be written to {target}"
                )
            if target.exists() and target.samefile(file):
                raise MockServerError(f"{file} would replace itself; -o sets another folder")
            if target.exists() and not force:
                raise MockServerError(f"{target} exists already; --force overwrites it")
            sources[target], contents[target] = file, content
    if not contents:
        raise MockServerError(f"there is nothing to write: {notes[0]}")
    for target, content in contents.items():
        try:
            write_file(target, content)
        except OSError as error:
            raise MockServerError(f"cannot write {target}: {error.strerror or error}") from None
        click.echo(str(target))
    for note in notes:
        click.echo(note, err=True)
