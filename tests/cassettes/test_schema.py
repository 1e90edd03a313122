"""The JSON Schema in the package describes the stream file format."""

from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from each import each
from openai_mockserver.cassettes.stream_file import build_schema

ROOT = Path(__file__).parents[2]
SHIPPED = json.loads(
    (files("openai_mockserver.cassettes") / "stream_file.schema.json").read_text(encoding="utf-8")
)
VALIDATOR = jsonschema.Draft202012Validator(SHIPPED)


def test_the_schema_file_equals_the_schema_of_the_code() -> None:
    assert build_schema() == SHIPPED, (
        "write openai_mockserver.cassettes.stream_file.build_schema() to the file"
    )


@each(sorted((ROOT / "fixtures").rglob("*.jsonl")))
def test_every_line_of_the_catalogue_is_valid(file: Path) -> None:
    for line in file.read_text().strip().split("\n"):
        VALIDATOR.validate(json.loads(line))


@pytest.mark.parametrize("line", [{"jsn": {}}, {"pause": "x"}, {"mockserver": "1"}, {"end": 1}, []])
def test_an_invalid_line_is_refused(line: Any) -> None:
    assert list(VALIDATOR.iter_errors(line))
