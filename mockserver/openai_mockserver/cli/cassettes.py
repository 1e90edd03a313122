"""``openai-mockserver cassettes``: what recordings say, and what they must not say."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from rich.console import RenderableType

_Command = Callable[..., Any]
_PATH = click.Path(path_type=Path, readable=False)


@click.group()
def cassettes() -> None:
    """Look at recordings, compare them, and keep secrets out of them.

    Recordings are stream files, or files in any format that `import` reads. PATHS are files, or
    folders in which recordings are searched; by default, the current folder.
    """


def _paths(command: _Command) -> _Command:
    return click.argument("paths", nargs=-1, type=_PATH)(command)


_as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


def _print_problem(problem: str) -> None:
    click.echo(f"skipped: {problem}", err=True)


def _print_json(value: Any) -> None:
    import msgspec.json

    click.echo(msgspec.json.format(msgspec.json.encode(value), indent=1).decode())


def _print_blocks(blocks: Iterable[RenderableType]) -> None:
    from rich.console import Console

    columns = min(shutil.get_terminal_size((100, 24)).columns, 140)
    console = Console(width=columns, legacy_windows=False, highlight=False)
    for block in blocks:
        console.print(block)


@cassettes.command()
@_paths
@_as_json
def stats(paths: tuple[Path, ...], as_json: bool) -> None:
    """Count recordings by provider, endpoint and model.

    The provider is found by its host, its paths or the marks of its dialect. TTFT is the time to
    the first token, ITL the time between two tokens; recordings of other tools have no times. The
    age is that of the newest recording.
    """
    from datetime import datetime, timezone

    from openai_mockserver.cassettes.analysis.reading import read_recordings
    from openai_mockserver.cassettes.analysis.statistics import collect_statistics
    from openai_mockserver.cassettes.analysis.tables import draw_statistics

    statistics = collect_statistics(read_recordings(paths or (Path(),), _print_problem))
    if as_json:
        _print_json(statistics)
    else:
        _print_blocks(draw_statistics(statistics, datetime.now(timezone.utc)))  # noqa: UP017
