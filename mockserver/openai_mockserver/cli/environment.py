"""Options from environment variables: OPENAI_MOCKSERVER_ and the option's name.

Rules of this file: an option has the same variable with every command, and `--help` shows it. A
variable holds several values of an option that may be repeated: names, which contain neither, are
separated by commas or spaces; anything else by line ends. The command line wins.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import click

__all__ = ["PREFIX", "add_variables"]

PREFIX = "OPENAI_MOCKSERVER_"

_NAMES = frozenset({"allow-host", "allow-origin", "normalize", "redact-header", "stream"})
"""The repeated options whose values are names."""


class _Names(click.types.StringParamType):
    """Text; several in a variable are separated by commas or spaces."""

    def split_envvar_value(self, rv: str) -> Sequence[str]:
        return re.split(r"[\s,]+", rv.strip(", \t\r\n"))


class _Lines(click.types.StringParamType):
    """Text; several in a variable are separated by line ends."""

    def split_envvar_value(self, rv: str) -> Sequence[str]:
        return [line.strip() for line in rv.splitlines() if line.strip()]


def add_variables(command: click.Command) -> click.Command:
    """Decorate a command: give each of its options its environment variable."""
    for parameter in command.params:
        if not isinstance(parameter, click.Option):
            continue
        name = next(one for one in parameter.opts if one.startswith("--")).removeprefix("--")
        parameter.envvar = PREFIX + name.upper().replace("-", "_")
        parameter.show_envvar = True
        if parameter.multiple:
            parameter.type = _Names() if name in _NAMES else _Lines()
    return command
