"""``openai-mockserver streams``."""

from __future__ import annotations

import click


@click.command()
@click.argument("family", required=False)
def streams(family: str | None) -> None:
    """List the ready-made streams: all, or those of one FAMILY."""
    from openai_mockserver import catalogue

    for stream in catalogue.streams(family):
        click.echo(f"{stream.family:<12} {stream.name:<26} {stream.description}")
