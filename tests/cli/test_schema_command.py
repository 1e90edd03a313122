"""`openai-mockserver schema`: what it prints is what is shipped."""

from __future__ import annotations

import json
from importlib.resources import files

import pytest
from click.testing import CliRunner

from openai_mockserver.cli.program import commands


@pytest.mark.parametrize(
    ("kind", "package", "name"),
    [
        ("scenario", "openai_mockserver.scenario", "scenario.schema.json"),
        ("stream-file", "openai_mockserver.cassettes", "stream_file.schema.json"),
    ],
)
def test_a_schema_is_printed(kind: str, package: str, name: str) -> None:
    result = CliRunner().invoke(commands, ["schema", kind])
    assert result.exit_code == 0
    assert json.loads(result.output) == json.loads((files(package) / name).read_text("utf-8"))


def test_another_kind_is_refused() -> None:
    assert CliRunner().invoke(commands, ["schema", "scene"]).exit_code == 2
