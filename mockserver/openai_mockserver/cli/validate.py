"""``openai-mockserver validate``."""

from __future__ import annotations

import sys
from pathlib import Path

import click

__all__ = ["validate"]


@click.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path, readable=False))
def validate(files: tuple[Path, ...]) -> None:
    """Check FILES for mistakes without serving them.

    FILES are what `serve` takes: scenarios, stream files, recordings in any format that `import`
    reads, and folders. Prints all mistakes, each as FILE:LINE: MESSAGE if its line is known, and
    exits with 1 if there are any.
    """
    from openai_mockserver.mistakes import list_mistakes

    mistakes = [mistake for file in files for mistake in list_mistakes(file)]
    for mistake in mistakes:
        click.echo(mistake)
    if mistakes:
        sys.exit(1)
    click.echo(f"no mistakes in {', '.join(map(str, files))}")
