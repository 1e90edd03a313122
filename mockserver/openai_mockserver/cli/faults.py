"""``openai-mockserver faults``."""

from __future__ import annotations

import inspect

import click


@click.command()
def faults() -> None:
    """List the faults with their arguments, and the names for the fault `variation`."""
    from openai_mockserver.faults import FAULTS, VARIATIONS

    for name in sorted(FAULTS):
        parameters = inspect.signature(FAULTS[name]).parameters.values()
        arguments = ", ".join(
            p.name if p.default is p.empty else f"{p.name}={p.default!r}" for p in parameters
        )
        click.echo(f"{name}({arguments})")
        click.echo(f"    {(inspect.getdoc(FAULTS[name]) or '').splitlines()[0]}")
    click.echo("\nThe variations:")
    for variation in VARIATIONS:
        click.echo(f"    {variation}")
