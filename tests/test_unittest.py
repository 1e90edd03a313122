"""The mixin for test cases of `unittest`."""

from __future__ import annotations

import os
import unittest
from typing import Any, ClassVar

import openai
import pytest

from openai_mockserver.unittest import MockOpenAIMixin, MockOpenAITestCase


def run(case: type[unittest.TestCase]) -> unittest.TestResult:
    """Run the tests of a case, and return the result."""
    result = unittest.TestResult()
    unittest.defaultTestLoader.loadTestsFromTestCase(case).run(result)
    return result


def ask(text: str) -> str | None:
    messages: list[Any] = [{"role": "user", "content": text}]
    with openai.OpenAI() as client:
        completion = client.chat.completions.create(model="gpt-4o", messages=messages)
    return completion.choices[0].message.content


class _Cases:
    """Not collected by pytest, because it stands within another class."""

    class Answers(MockOpenAITestCase):
        openai_options: ClassVar[Any] = {"api_key": "sk-own"}

        def test_it_answers(self) -> None:
            self.mock_openai.reply("Hello")
            assert ask("Hi") == "Hello"
            assert os.environ["OPENAI_API_KEY"] == "sk-own"

        def test_nothing_is_left_over(self) -> None:
            assert list(self.mock_openai.calls) == []

    class Unmatched(MockOpenAITestCase):
        def test_it_swallows_the_error(self) -> None:
            self.mock_openai.on(user="Bye").reply("Good bye")
            with pytest.raises(openai.BadRequestError):
                ask("Hi")

    class Async(MockOpenAIMixin, unittest.IsolatedAsyncioTestCase):
        async def test_it_answers(self) -> None:
            self.mock_openai.reply("Hello")
            async with openai.AsyncOpenAI() as client:
                answer = await client.responses.create(model="gpt-4o", input="Hi")
            assert answer.output_text == "Hello"


@pytest.fixture(autouse=True)
def base_url(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", "http://before")


@pytest.mark.parametrize(("case", "count"), [(_Cases.Answers, 2), (_Cases.Async, 1)])
def test_a_test_case_has_a_mock(case: type[unittest.TestCase], count: int) -> None:
    result = run(case)
    assert (result.testsRun, result.errors, result.failures) == (count, [], [])
    assert os.environ["OPENAI_BASE_URL"] == "http://before"


def test_an_unmatched_request_fails_the_test() -> None:
    result = run(_Cases.Unmatched)
    assert result.errors == []
    ((_, message),) = result.failures
    assert "user is 'Hi', not 'Bye'" in message
