"""``openai-mockserver streams``."""

from __future__ import annotations

import click


@click.command()
@click.argument("family", required=False)
def streams(family: str | None) -> None:
    """List the ready-made streams, or those of a FAMILY."""
    from openai_mockserver import catalogue

    for one in catalogue.streams(family):
        click.echo(f"{one.family:<12} {one.name:<26} {one.description}")
