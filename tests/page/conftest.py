"""A server with the page, and the page in real Chromium, used by its accessible names."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from chromium import Chromium
from openai_mockserver import MockOpenAI
from page_view import PageView
from steered import Steered


@pytest.fixture
def steered() -> Iterator[Steered]:
    """A mock with the control API and the page."""
    with MockOpenAI(control=True, fail_on_unmatched=False) as mock:
        one = Steered(mock)
        with one.http:
            yield one


@pytest.fixture(scope="session")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chromium]:
    chromium = Chromium(tmp_path_factory.mktemp("profile"))
    yield chromium
    chromium.close()


@pytest.fixture
def view(chromium: Chromium, steered: Steered) -> Iterator[PageView]:
    """The page, opened; afterwards, it has logged nothing and asked no other host."""
    view = PageView(chromium)
    view.open(f"{steered.url}/")
    yield view
    assert view.complaints() == []
    assert view.origins() == {steered.url}
    view.close()


@pytest.fixture
def chromium_page(chromium: Chromium) -> Iterator[PageView]:
    """An empty tab, for servers that a test starts."""
    view = PageView(chromium)
    yield view
    view.close()
