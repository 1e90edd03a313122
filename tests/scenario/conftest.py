"""A mock from the text of a scenario."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from openai_mockserver import MockOpenAI, scenario


@pytest.fixture
def load(tmp_path: Path) -> Callable[[str], MockOpenAI]:
    """Return a function that creates a mock with the rules of some YAML."""

    def load(text: str) -> MockOpenAI:
        file = tmp_path / "scenario.yaml"
        file.write_text(text, encoding="utf-8")
        mock = MockOpenAI()
        scenario.add_rules(mock, file)
        return mock

    return load
