"""Questions are answered, one by one, through the SDK."""

from __future__ import annotations

from typing import Any

import openai
import pytest

from openai_mockserver import MockOpenAI

pytestmark = pytest.mark.openai3("has no client.decisions")

CHOICE: Any = {
    "type": "choice",
    "name": "heat",
    "instructions": "What shall the heating do?",
    "choices": [{"value": "up"}, {"value": "down"}, {"value": True}],
}
SCORE: Any = {
    "type": "score",
    "instructions": "How polite is it?",
    "levels": [{"label": "rude"}, {"label": "polite"}],
}
PREDICATE: Any = {"type": "predicate", "instructions": "Is the driver cold?"}


@pytest.fixture
def client() -> openai.OpenAI:
    return MockOpenAI().client(max_retries=0)


def ask(client: openai.OpenAI, text: str = "I am cold.", *questions: Any) -> Any:
    return client.decisions.create(
        model="gpt-6-luna", input=text, questions=questions or (CHOICE, SCORE, PREDICATE)
    )


def test_each_question_has_an_answer_in_its_order(client: openai.OpenAI) -> None:
    choice, score, predicate = ask(client).answers
    assert (choice.type, choice.name) == ("choice", "heat")
    assert [p.value for p in choice.probabilities] == ["up", "down", True]
    best = max(choice.probabilities, key=lambda p: p.probability)
    assert (choice.choice, choice.confidence) == (best.value, best.probability)
    assert sum(p.probability for p in choice.probabilities) == pytest.approx(1)
    assert [(p.label, p.value) for p in score.probabilities] == [("rude", 0), ("polite", 1)]
    assert score.score == pytest.approx(score.probabilities[1].probability)
    assert (predicate.type, predicate.name) == ("predicate", None)
    assert 0 <= predicate.probability <= 1


def test_the_same_question_always_gets_the_same_answer(client: openai.OpenAI) -> None:
    assert ask(client) == ask(client)
    assert ask(client).answers != ask(client, "I am hot.").answers


def test_usage_grows_with_the_input(client: openai.OpenAI) -> None:
    short, long = ask(client).usage, ask(client, "I am cold. " * 50).usage
    assert long.input_tokens > short.input_tokens
    assert short.total_tokens == short.input_tokens + short.output_tokens


@pytest.mark.parametrize(
    ("question", "param"),
    [
        ({**CHOICE, "choices": [{"value": "up"}]}, "questions[0].choices"),
        ({**CHOICE, "choices": [{"value": "up"}, {"value": "up"}]}, "questions[0].choices"),
        ({**SCORE, "levels": []}, "questions[0].levels"),
    ],
)
def test_a_question_without_an_answer_is_refused(
    client: openai.OpenAI, question: Any, param: str
) -> None:
    with pytest.raises(openai.BadRequestError) as error_info:
        ask(client, "Hi", question)
    assert error_info.value.param == param


def test_a_text_and_a_boolean_are_different_choices(client: openai.OpenAI) -> None:
    question = {**CHOICE, "choices": [{"value": "true"}, {"value": True}]}
    assert ask(client, "Hi", question).answers[0].choice in ("true", True)


def test_a_rule_says_what_is_decided() -> None:
    mock = MockOpenAI()
    decision = ask(MockOpenAI().client()).to_dict()
    mock.on(endpoint="decisions").reply({**decision, "answers": decision["answers"][:1]})
    assert [answer.name for answer in ask(mock.client()).answers] == ["heat"]
