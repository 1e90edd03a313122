"""``openai-mockserver show``."""

from __future__ import annotations

import shutil
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from openai_mockserver.cassettes import Exchange


@click.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path, readable=False))
@click.option(
    "--json",
    "as_text",
    is_flag=True,
    help="Print the same information as JSON, one line per stream.",
)
@click.option(
    "--width",
    type=click.IntRange(40),
    help="Width in columns.  [default: the terminal's width, at most 140]",
)
@click.option("--web", is_flag=True, help="Open the page about calls in a browser instead.")
def show(files: tuple[Path, ...], as_text: bool, width: int | None, web: bool) -> None:
    """Draw recorded streams over time, and explain what they mean and what is unusual.

    FILES are stream files, recorded WebSocket sessions, recordings in any format that `import`
    reads, folders of these, or names of ready-made streams.
    """
    if web:
        _open_page(files)
        return
    import msgspec.json
    from rich.console import Console

    from openai_mockserver.cassettes.analysis.reading import list_files
    from openai_mockserver.cassettes.sessions.formats import find_session
    from openai_mockserver.show import as_json, draw
    from openai_mockserver.show.sessions import draw_session, session_as_json

    columns = width or min(shutil.get_terminal_size((100, 24)).columns, 140)
    console = Console(width=columns, legacy_windows=False)
    for file, _ in list_files(files):
        if (session := find_session(file)) is not None:
            if as_text:
                click.echo(msgspec.json.encode(session_as_json(session)).decode())
            else:
                console.print(draw_session(session, columns), soft_wrap=True, end="\n\n")
            continue
        for exchange in _load_exchanges(file):
            if as_text:
                click.echo(msgspec.json.encode(as_json(exchange)).decode())
            else:
                console.print(draw(exchange, columns), soft_wrap=True, end="\n\n")


def _open_page(files: tuple[Path, ...]) -> None:
    """Serve the page about calls, with those in the files, until Ctrl-C; open it in a browser."""
    import threading
    import webbrowser

    from openai_mockserver.cassettes.analysis.reading import list_files
    from openai_mockserver.mock import MockOpenAI
    from openai_mockserver.mock.recorded_calls import add_recorded_call
    from openai_mockserver.show.format import format_count

    exchanges = [exchange for file, _ in list_files(files) for exchange in _load_exchanges(file)]
    with MockOpenAI(control=True) as mock:
        for exchange in exchanges:
            add_recorded_call(mock.calls, exchange)
        page = mock.base_url.removesuffix("v1")
        click.echo(f"{page} shows {format_count(len(exchanges), 'exchange')}; Ctrl-C ends it")
        webbrowser.open(page)
        try:
            threading.Event().wait()
        except KeyboardInterrupt:
            return


def _load_exchanges(file: Path) -> list[Exchange]:
    """Return the exchanges in a file of any format, or the ready-made stream of this name."""
    from openai_mockserver import catalogue
    from openai_mockserver.cassettes import Exchange
    from openai_mockserver.cassettes.importers import import_file

    name = str(file)
    if name in catalogue.names() and not file.exists():
        stream = catalogue.stream(name)
        about: dict[str, Any] = {"name": name, "description": stream.description}
        if stream.requirement is not None:
            about["requirement"] = asdict(stream.requirement)
        count = len(stream.scripts)
        return [
            Exchange(script, about if n == 1 else {"name": f"{name}, response {n} of {count}"})
            for n, script in enumerate(stream.scripts, 1)
        ]
    return import_file(file)
