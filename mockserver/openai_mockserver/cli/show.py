"""``openai-mockserver show``."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from openai_mockserver.exceptions import MockServerError

if TYPE_CHECKING:
    from openai_mockserver.cassettes import Exchange


@click.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path, readable=False))
@click.option("--json", "as_text", is_flag=True, help="The same facts for machines, a line each.")
@click.option("--width", type=click.IntRange(40), help="Columns; by default the terminal's.")
def show(files: tuple[Path, ...], as_text: bool, width: int | None) -> None:
    """Draw recorded streams against time, and say what they mean and what is odd about them.

    FILES are stream files, recordings of any kind that `import` reads, and folders of these; or
    the name of a ready-made stream.
    """
    import msgspec.json

    from openai_mockserver.show import as_json, draw

    columns = width or min(shutil.get_terminal_size((100, 24)).columns, 140)
    for file in _within(files):
        for exchange in _exchanges(file):
            if as_text:
                click.echo(msgspec.json.encode(as_json(exchange)).decode())
            else:
                click.echo(f"{draw(exchange, columns)}\n")


def _within(files: tuple[Path, ...]) -> Iterator[Path]:
    """The files, and of a folder the recordings in it and below."""
    from openai_mockserver.cassettes.importers import find_recordings

    for file in files:
        if not os.path.isdir(file):  # noqa: PTH112 - it takes names of any length
            yield file
        elif found := find_recordings(file):
            yield from found
        else:
            raise MockServerError(f"{file}: there is no recording in this folder")


def _exchanges(file: Path) -> list[Exchange]:
    """The exchanges of a file of any kind, or of a ready-made stream."""
    from openai_mockserver import catalogue
    from openai_mockserver.cassettes import Exchange
    from openai_mockserver.cassettes.importers import import_file

    name = str(file)
    if name in catalogue.names() and not file.exists():
        found = catalogue.stream(name)
        return [Exchange(found.script, {"name": name, "description": found.description})]
    return import_file(file)
