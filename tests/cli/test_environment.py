"""Every option of `serve` and `record` as an environment variable."""

from __future__ import annotations

from typing import Any

import click
import pytest
from click.testing import CliRunner

from openai_mockserver.cli.environment import PREFIX
from openai_mockserver.cli.program import commands

VALUES: dict[str, tuple[str, Any]] = {
    "job-seconds": ("2.5", 2.5),
    "allow-host": ("a.internal, *.b.internal c", ("a.internal", "*.b.internal", "c")),
    "allow-origin": (
        "https://a.example,https://b.example",
        ("https://a.example", "https://b.example"),
    ),
    "fault": (
        "reset; after=3\nlatency; seconds=1, drop_done\n",
        ("reset; after=3", "latency; seconds=1, drop_done"),
    ),
    "ignore": ("user\n messages[*].name", ("user", "messages[*].name")),
    "log": ("json", "json"),
    "match": ("method\njson:messages[-1].content", ("method", "json:messages[-1].content")),
    "max-body": ("3", 3 << 20),
    "max-upload": ("4", 4 << 20),
    "normalize": ("dates uuids", ("dates", "uuids")),
    "normalize-pattern": ("a, b\nc d", ("a, b", "c d")),
    "output": ("cassettes", "cassettes"),
    "port": ("8123", 8123),
    "redact-header": ("x-a,x-b", ("x-a", "x-b")),
    "redact-path": ("user\nmessages[*].name", ("user", "messages[*].name")),
    "redact-pattern": ("[a, b]+", ("[a, b]+",)),
    "request-timeout": ("2.5", 2.5),
    "sandbox-idle": ("60", 60.0),
    "workers": ("2", 2),
    "webhook": (
        "http://a.example/hook\nhttp://b.example",
        ("http://a.example/hook", "http://b.example"),
    ),
    "stream": ("text\ntool-call", ("text", "tool-call")),
}
"""The content of a variable, and what the command gets; by default any text, which it gets."""


def list_options(command: str) -> list[click.Option]:
    parameters = commands.commands[command].params
    return [one for one in parameters if isinstance(one, click.Option)]


def name_of(option: click.Option) -> str:
    return next(one for one in option.opts if one.startswith("--")).removeprefix("--")


OPTIONS = [(command, one) for command in ("serve", "record") for one in list_options(command)]


def read(command: str, arguments: list[str], variables: dict[str, str]) -> dict[str, Any]:
    """Return what a command would be called with."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in variables.items():
            patch.setenv(name, value)
        rest = [] if command == "serve" else ["--upstream", "https://a.example/v1", "-o", "x"]
        names = {name.removeprefix(PREFIX).lower().replace("_", "-") for name in variables}
        if command == "record" and "output" in names:
            rest = rest[:2]
        if "upstream" in names:
            rest = rest[2:]
        return commands.commands[command].make_context(command, [*rest, *arguments]).params


@pytest.mark.parametrize(
    ("command", "option"), OPTIONS, ids=[f"{command}-{name_of(one)}" for command, one in OPTIONS]
)
def test_every_option_has_its_variable(command: str, option: click.Option) -> None:
    name = name_of(option)
    variable = f"OPENAI_MOCKSERVER_{name.upper().replace('-', '_')}"
    if option.is_flag:
        assert read(command, [], {variable: "1"})[option.name or ""] is True
        assert read(command, [], {variable: "false"})[option.name or ""] is False
    else:
        text, expected = VALUES.get(name, ("some text", "some text"))
        value = read(command, [], {variable: text})[option.name or ""]
        assert value == expected or str(value) == expected
    usage = CliRunner().invoke(commands, [command, "--help"]).output
    assert f"env var: {variable}" in " ".join(usage.split())


def test_the_command_line_wins() -> None:
    variables = {"OPENAI_MOCKSERVER_PORT": "8123", "OPENAI_MOCKSERVER_STREAM": "text"}
    parameters = read("serve", ["--port", "9", "--stream", "tool-call"], variables)
    assert (parameters["port"], parameters["names"]) == (9, ("tool-call",))


def test_a_wrong_variable_is_one_sentence() -> None:
    with pytest.raises(click.BadParameter, match="'eighty' is not a valid integer"):
        read("serve", [], {"OPENAI_MOCKSERVER_PORT": "eighty"})


def test_other_commands_have_none() -> None:
    with_variables = {
        command
        for command, one in commands.commands.items()
        if any(PREFIX in str(getattr(option, "envvar", "")) for option in one.params)
    }
    assert with_variables == {"serve", "record"}
