"""``openai-mockserver streams``."""

from __future__ import annotations

from itertools import groupby

import click


@click.command()
@click.argument("family", required=False)
def streams(family: str | None) -> None:
    """List the ready-made streams: all, or those of one FAMILY."""
    from openai_mockserver import catalogue

    listed_streams = catalogue.streams(family)
    family_width = max(len(stream.family) for stream in listed_streams)
    for _, group in groupby(listed_streams, key=lambda stream: stream.family):
        family_streams = list(group)
        name_width = max(len(stream.name) for stream in family_streams)
        for stream in family_streams:
            name = f"{stream.name:<{name_width}}"
            click.echo(f"{stream.family:<{family_width}} {name} {stream.description}")
