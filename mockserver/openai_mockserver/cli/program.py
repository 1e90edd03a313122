"""The program: the group of all commands, and its entry point.

Rules of this package: a command reads arguments and prints; other packages do the work, and are
imported when the command runs. Bad input ends in one sentence and a non-zero exit code, never in a
traceback.
"""

from __future__ import annotations

import sys

import click

from openai_mockserver import __version__
from openai_mockserver.cli.cassettes import cassettes
from openai_mockserver.cli.check import check
from openai_mockserver.cli.export import export
from openai_mockserver.cli.faults import faults
from openai_mockserver.cli.generate import generate
from openai_mockserver.cli.health import health
from openai_mockserver.cli.import_ import import_
from openai_mockserver.cli.listen import listen
from openai_mockserver.cli.record import record
from openai_mockserver.cli.schema import schema
from openai_mockserver.cli.serve import serve
from openai_mockserver.cli.show import show
from openai_mockserver.cli.streams import streams
from openai_mockserver.cli.trigger import trigger
from openai_mockserver.cli.validate import validate
from openai_mockserver.exceptions import MockServerError

__all__ = ["main"]


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="openai-mockserver")
def commands() -> None:
    """A fake OpenAI-compatible server, for testing code that consumes model streams."""


for command in (
    serve,
    generate,
    record,
    show,
    import_,
    export,
    cassettes,
    streams,
    faults,
    check,
    trigger,
    listen,
    validate,
    schema,
    health,
):
    commands.add_command(command)


def main() -> None:
    """Run the command with the arguments of the process."""
    try:
        commands(standalone_mode=False)
    except click.exceptions.Abort:
        sys.exit(130)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except MockServerError as error:
        click.echo(f"Error: {error}", err=True)
        sys.exit(1)
