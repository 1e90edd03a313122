"""The fixture `steered`."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from openai_mockserver import MockOpenAI
from steered import Steered


@pytest.fixture
def steered() -> Iterator[Steered]:
    """A mock with the control API."""
    with MockOpenAI(control=True) as mock:
        one = Steered(mock)
        with one.http:
            yield one
