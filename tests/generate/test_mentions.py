"""Arguments of tools that take up what the question mentions."""

from __future__ import annotations

import json
from typing import Any

import pytest

from openai_mockserver.generate import generate

STRING, INTEGER = {"type": "string"}, {"type": "integer"}
DATE = {"type": "string", "format": "date"}
STRINGS = {"type": "array", "items": STRING}


def call(question: str, seed: int = 1, **members: Any) -> list[dict[str, Any]]:
    """Return the arguments of the calls of a tool with these parameters."""
    parameters = {"type": "object", "properties": members, "required": list(members)}
    function = {"name": "act", "parameters": parameters | {"additionalProperties": False}}
    request = {
        "messages": [{"role": "user", "content": question}],
        "tools": [{"type": "function", "function": function}],
        "tool_choice": "required",
    }
    return [one.parsed for one in generate(request, seed).tool_calls]


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("What is the weather in Paris?", {"city": "Paris"}),
        ("weather in new york, or in paris", {"location": "Paris"}),
        ("Is it cold in San Francisco today?", {"city": "San Francisco"}),
        ("東京の天気は？", {"city": "東京"}),
        ("Wie ist das Wetter in Berlin?", {"ort_city": "Berlin"}),
        ("Trains from Rome to Milan", {"origin": "Rome", "destination": "Milan"}),
        ("Write to ann@example.com", {"to": "ann@example.com"}),
        ("Read src/app.py", {"path": "src/app.py"}),
        ("Open https://example.com/a?b=c.", {"url": "https://example.com/a?b=c"}),
        ("Where is order ORD-1234?", {"order_id": "ORD-1234"}),
        ("Translate 'good day' to French", {"text": "good day", "target_language": "French"}),
        ("Convert 20 dollars to yen", {"from_currency": "USD", "to_currency": "JPY"}),
        ("Compute 12 * (3 + 4)", {"expression": "12 * (3 + 4)"}),
        ("Meet Maria tomorrow at 3 pm", {"date": "tomorrow", "time": "15:00"}),
    ],
)
def test_texts_are_those_of_the_question(question: str, expected: dict[str, str]) -> None:
    members: dict[str, Any] = dict.fromkeys(expected, STRING)
    calls = call(question, **members)
    assert calls[0] == expected


def test_numbers_and_dates_are_those_of_the_question() -> None:
    question = "A room for 2 people and 3 nights from May 4"
    (stay,) = call(question, guests=INTEGER, nights=INTEGER, start_date=DATE)[:1]
    assert stay == {"guests": 2, "nights": 3, "start_date": "2026-05-04"}
    assert call("A table for two people", guests=INTEGER)[0] == {"guests": 2}
    assert call("Add 2 and 30", a=INTEGER, b=INTEGER)[0] == {"a": 2, "b": 30}


def test_of_several_values_the_one_that_is_mentioned_is_chosen() -> None:
    units = {"enum": ["celsius", "fahrenheit", "kelvin"]}
    for seed in range(5):
        assert call("How many Kelvin is that?", seed, unit=units)[0] == {"unit": "kelvin"}


def test_every_city_gets_its_call() -> None:
    calls = [call("Weather in Paris and Rome?", seed, city=STRING) for seed in range(60)]
    cities = {tuple(one["city"] for one in arguments) for arguments in calls}
    assert cities == {("Paris",), ("Paris", "Rome")}
    assert call("Weather in Paris and Rome?", cities=STRINGS)[0] == {"cities": ["Paris", "Rome"]}


def test_a_mention_that_does_not_conform_is_not_used() -> None:
    code = {"type": "string", "pattern": "^[a-z]{3}$"}
    assert call("Weather in Paris?", city=code)[0]["city"] != "Paris"
    assert call("For 200 days", days={"type": "integer", "maximum": 5})[0]["days"] <= 5


def test_without_is_false() -> None:
    boolean = {"type": "boolean"}
    assert call("A pizza without cheese", cheese=boolean)[0] == {"cheese": False}
    assert call("A pizza with cheese", cheese=boolean)[0] == {"cheese": True}


def test_what_is_searched_for_is_in_the_words_of_the_question() -> None:
    assert call("Search hiking trails near Oslo", query=STRING)[0]["query"] == (
        "hiking trails near Oslo"
    )
    assert "погода" in call("Какая погода в Москве?", query=STRING)[0]["query"]


def test_json_takes_up_the_question_too() -> None:
    schema = {"type": "object", "properties": {"city": STRING}, "required": ["city"]}
    form = {"type": "json_schema", "json_schema": {"name": "a", "schema": schema}}
    messages = [{"role": "user", "content": "A day in Paris"}]
    reply = generate({"messages": messages, "response_format": form})
    assert json.loads(reply.text or "") == {"city": "Paris"}


def test_what_a_tool_returned_is_told() -> None:
    messages = [
        {"role": "user", "content": "What is the weather in Paris?"},
        {"role": "tool", "tool_call_id": "a", "content": '{"sky": "clear", "wind": 3}'},
    ]
    for seed in range(5):
        text = str(generate({"messages": messages}, seed).text)
        assert "the weather in Paris" in text
        assert "- **sky**: clear\n- **wind**: 3" in text
