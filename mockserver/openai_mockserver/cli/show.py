"""``openai-mockserver show``."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from openai_mockserver.cassettes import Exchange


@click.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path, readable=False))
@click.option("--json", "as_text", is_flag=True, help="The same facts for machines, a line each.")
@click.option("--width", type=click.IntRange(40), help="Columns; by default the terminal's.")
def show(files: tuple[Path, ...], as_text: bool, width: int | None) -> None:
    """Draw recorded streams against time, and say what they mean and what is odd about them.

    FILES are stream files, or recordings of any kind that `import` reads; or the name of a
    ready-made stream.
    """
    import msgspec.json

    from openai_mockserver.show import as_json, draw

    columns = width or min(shutil.get_terminal_size((100, 24)).columns, 140)
    for file in files:
        for exchange in _exchanges(file):
            if as_text:
                click.echo(msgspec.json.encode(as_json(exchange)).decode())
            else:
                click.echo(f"{draw(exchange, columns)}\n")


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
