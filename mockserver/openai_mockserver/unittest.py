"""The mock in test cases of `unittest`.

Rules of this file: what the fixture `mock_openai` does for pytest, in the same order.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, ClassVar
from unittest import TestCase, mock

from openai_mockserver.clients import API_KEY, bypass_proxies
from openai_mockserver.mock import MockOpenAI

__all__ = ["MockOpenAIMixin", "MockOpenAITestCase"]


class MockOpenAIMixin:
    """Gives each test of a `unittest.TestCase` its own mock; stands before it among the bases.

    ``OPENAI_BASE_URL`` and ``OPENAI_API_KEY`` point to the mock while a test runs. At its end the
    test fails if no rule answered one of its requests. `IsolatedAsyncioTestCase` works too.

    Attributes:
        openai_options: options of the `MockOpenAI`, set on the class.
        mock_openai: the mock.

    >>> class TestAnswers(MockOpenAIMixin, TestCase):
    ...     def test_it_answers(self):
    ...         self.mock_openai.reply("Hello, world")
    """

    openai_options: ClassVar[Mapping[str, Any]] = {}
    mock_openai: MockOpenAI

    def setUp(self) -> None:
        """Open the mock; a `setUp` of your own calls this one first."""
        super().setUp()  # type: ignore[misc]
        self.mock_openai = MockOpenAI(**self.openai_options)
        # What was added last is done first: the mock is stopped, and checked at the very end.
        add_cleanup: Any = self.addCleanup  # type: ignore[attr-defined]
        add_cleanup(self.mock_openai.check)
        self.mock_openai.__enter__()
        add_cleanup(self.mock_openai.stop)
        environment = mock.patch.dict(
            os.environ,
            {
                "OPENAI_BASE_URL": self.mock_openai.base_url,
                "OPENAI_API_KEY": self.mock_openai.api_key or API_KEY,
                **bypass_proxies(),
            },
        )
        environment.start()
        add_cleanup(environment.stop)


class MockOpenAITestCase(MockOpenAIMixin, TestCase):
    """A `unittest.TestCase` whose tests have ``self.mock_openai``; see `MockOpenAIMixin`."""
