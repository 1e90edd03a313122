"""Normalization: what it replaces in texts, what it leaves, and how long it takes."""

from __future__ import annotations

import re
import time
from typing import Any

import pytest

from openai_mockserver import MockServerError
from openai_mockserver.cassettes.normalization import (
    NORMALIZATIONS,
    Normalizer,
    compile_pattern,
)

UUID = "12345678-9abc-def0-1234-56789abcdef0"


def normalize(text: str, *names: str) -> str:
    return Normalizer(names).normalize_text(text)


@pytest.mark.parametrize(
    "date",
    [
        "2026-11-26",
        "2026-11-26T17:51:27Z",
        "2026-11-26T17:51:27.123456+00:00",
        "2026-11-26 17:51",
        "20261126T175127Z",
        "2026/11/26",
        "11/26/2026",
        "11/26/26",
        "26.11.2026",
        "26-Nov-2026",
        "26 November 2026",
        "26th of November 2026 at 5:51 pm",
        "November 26, 2026",
        "Thursday, November 26, 2026",
        "Thursday 2026-11-26",
        "Thu, 26 Nov 2026 17:51:27 GMT",
        "Thu Nov 26 17:51:27 2026",
        "Thu Nov  6 17:51:27 UTC 2026",
        "17:51:27",
        "5:51 PM",
    ],
)
def test_dates(date: str) -> None:
    assert normalize(f"It is {date}, they say.", "dates") == "It is <date>, they say."


@pytest.mark.parametrize(
    "text",
    [
        "gpt-4o-2024-08-06",
        "John 3:16",
        "version 1.2.3",
        "a ratio of 3:1",
        "1234567890",
        "May we",
        "v2026-11-26",
        "Sun and Mon",
    ],
)
def test_other_texts_than_dates_stay(text: str) -> None:
    assert normalize(text, "dates") == text


@pytest.mark.parametrize(
    ("text", "result"),
    [
        (f"run {UUID}!", "run <uuid>!"),
        (f"run {UUID.upper()}", "run <uuid>"),
        (f"run {UUID.replace('-', '')}", "run <uuid>"),
        (f"run {UUID}0", f"run {UUID}0"),
        (f"run {UUID[:-1]}", f"run {UUID[:-1]}"),
    ],
)
def test_uuids(text: str, result: str) -> None:
    assert normalize(text, "uuids") == result


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("call_abc123XYZ456", "call_<id>"),
        ("call_00_abcdefgh1234", "call_<id>"),
        (f"call_{UUID}", "call_<id>"),
        ("chatcmpl-D7Tiz0123456789, file-AbC12345678", "chatcmpl-<id>, file-<id>"),
        ("gen-1762104948-abcdef012345", "gen-<id>"),
        ("/v1/responses/resp_68ab1234567890abcdef", "/v1/responses/resp_<id>"),
        ("call_get_weather", "call_get_weather"),
        ("msg_template", "msg_template"),
        ("call_1", "call_1"),
        ("recall_abc123XYZ456", "recall_abc123XYZ456"),
    ],
)
def test_ids(text: str, result: str) -> None:
    assert normalize(text, "ids") == result


def test_ids_of_calls_and_items_in_any_format() -> None:
    value = {
        "tool_calls": [{"id": "Xk3q", "type": "function", "function": {"name": "f"}}],
        "tool_call_id": "functions.f:0",
        "prompt": {"id": "greeting"},
        "metadata": {"id": 3},
    }
    assert Normalizer(("ids",)).normalize_json(value) == {
        "tool_calls": [{"id": "<id>", "type": "function", "function": {"name": "f"}}],
        "tool_call_id": "<id>",
        "prompt": {"id": "greeting"},
        "metadata": {"id": 3},
    }


def test_whitespace_and_the_order_of_keys_in_texts_that_are_json() -> None:
    assert normalize(" a \r\n\t b  ", "whitespace") == "a b"
    assert normalize('{"b": 1, "a": [1, 2]}', "key_order") == '{"a":[1,2],"b":1}'
    assert normalize('{"b": 1, "a"', "key_order") == '{"b": 1, "a"'
    deep = "[" * 100_000
    assert normalize(deep, "key_order") == deep


def test_patterns_come_first_and_each_has_its_placeholder() -> None:
    patterns = (compile_pattern(r"ticket-\d+"), compile_pattern(re.compile("2026-.*")))
    normalizer = Normalizer(("dates",), patterns)
    assert normalizer.normalize_text(r"ticket-1 \1 2026-11-26 x") == r"<pattern 1> \1 <pattern 2>"
    assert Normalizer((), patterns[:1]).normalize_text("ticket-12") == "<pattern>"


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        ("(", "'(' is not a regular expression: missing ), unterminated subpattern"),
        ("x*", "'x*' matches the empty string, and thus everywhere"),
        (re.compile(b"x"), "b'x' must be text, not bytes"),
        (3, "the pattern 3 is not a regular expression"),
    ],
)
def test_the_error_for_an_invalid_pattern(pattern: Any, message: str) -> None:
    with pytest.raises(MockServerError) as error:
        compile_pattern(pattern)
    assert message in str(error.value)


NASTY = [
    "1",
    "2026-",
    "2026-11-26",
    " ",
    "call_",
    "call-a",
    "call_1_",
    "call_" + "a" * 60 + "_",
    "f0",
    "{",
    "[{",
    "Thu, ",
    "Mon, 1st Jan ",
    "12:34:",
    "1/",
    "Nov  1 12:34 ",
    "11111111-1111-",
    "é",
]


@pytest.mark.parametrize("unit", NASTY)
def test_normalization_takes_linear_time(unit: str) -> None:
    """In quadratic time, these 200,000 characters would take minutes."""
    text = unit * (200_000 // len(unit))
    began = time.process_time()
    normalize(text, *NORMALIZATIONS)
    assert time.process_time() - began < 5
