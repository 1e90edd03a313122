"""The JSON Schema that ships with the package is the format's."""

from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from openai_mockserver.cassettes.stream_file import schema

ROOT = Path(__file__).parents[2]
SHIPPED = json.loads(
    (files("openai_mockserver.cassettes") / "stream_file.schema.json").read_text(encoding="utf-8")
)
VALIDATOR = jsonschema.Draft202012Validator(SHIPPED)


def test_it_is_that_of_the_code() -> None:
    assert schema() == SHIPPED, "write openai_mockserver.cassettes.stream_file.schema() to the file"


@pytest.mark.parametrize("file", sorted((ROOT / "fixtures").rglob("*.jsonl")), ids=lambda f: f.stem)
def test_every_line_of_the_catalogue_is_valid(file: Path) -> None:
    for line in file.read_text().strip().split("\n"):
        VALIDATOR.validate(json.loads(line))


@pytest.mark.parametrize("line", [{"jsn": {}}, {"pause": "x"}, {"mockserver": "1"}, {"end": 1}, []])
def test_what_is_no_line_is_not(line: Any) -> None:
    assert list(VALIDATOR.iter_errors(line))
