"""JSON that comes, and that goes."""

from __future__ import annotations

import json
from random import Random

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from openai_mockserver import sse
from openai_mockserver.api import json_body
from openai_mockserver.api.json_body import decode_json, encode_large, json_response
from openai_mockserver.script import Raw, Script
from openai_mockserver.sse import count_events

json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.text(st.characters(codec="utf-8")),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(st.characters(codec="utf-8")), inner),
)
ITEMS = [{"role": "user", "content": f"é{n}", "n": [n, None, 1.5]} for n in range(5001)]


@pytest.mark.parametrize(
    "value",
    [
        {"a": 1},
        {"messages": ITEMS, "model": "m", "a": {"b": ITEMS}},
        ITEMS,
        "x" * 200_000,
        {"a": "x" * 200_000},
    ],
    ids=["short", "members", "list", "text", "member"],
)
def test_a_value_is_the_same_however_long(value: object) -> None:
    assert decode_json(json.dumps(value, indent=1).encode()) == value


@pytest.mark.parametrize("end", [b"", b"}", b"]]}", b",]}", b"], 1}"])
def test_what_is_no_json_is_none_however_long(end: bytes) -> None:
    begun = json.dumps({"a": ITEMS}).encode().removesuffix(b"]}")
    assert decode_json(begun + b"]}") == {"a": ITEMS}
    with pytest.raises(msgspec.DecodeError):
        decode_json(begun + end)


LINES = "a line\n" * 100_000


@pytest.mark.parametrize(
    "text",
    [
        "x" * 3_000_000,
        LINES * 4,
        "é€😀" * 500_000,
        "\\" * 2_000_000,
        '{"a": "\\u00e9\\n"}' * 200_000,
        "😀\n" * 400_000,
    ],
    ids=["ascii", "lines", "utf-8", "backslashes", "json", "pairs"],
)
@pytest.mark.parametrize("escapes", [False, True])
def test_a_long_text_is_cut_at_characters(text: str, escapes: bool) -> None:
    body = {"messages": [{"role": "user", "content": [{"type": "text", "text": text}]}]}
    assert decode_json(json.dumps(body, ensure_ascii=escapes).encode()) == body


@pytest.mark.parametrize(
    "wrong",
    [b"\\x", b"\x01", b"\xff", b'"', b"\\ud800"],
    ids=["escape", "control", "utf-8", "quote", "half a pair"],
)
@pytest.mark.parametrize("at", [0, 1_000_000, 1_048_575, 1_048_576, 2_500_000])
def test_a_long_text_that_is_wrong_anywhere(wrong: bytes, at: int) -> None:
    body = b'{"a": "%b%b%b"}' % (b"x" * at, wrong, b"x" * (2_600_000 - at))
    with pytest.raises((msgspec.DecodeError, UnicodeError)):
        decode_json(body)


@pytest.mark.parametrize("text", ["x" * 2_000_000, "\n" * 500_000])
def test_a_long_text_alone(text: str) -> None:
    whole = json.dumps(text).encode()
    assert decode_json(b" %b\n" % whole) == text
    with pytest.raises(msgspec.DecodeError):
        decode_json(whole[:-1])


def test_what_is_nested_deeply_is_looked_through_once() -> None:
    """Level by level it would be read a hundred times."""
    text = "x" * 2_000_000
    value: object = text
    for _ in range(100):
        value = [value]
    assert decode_json(json.dumps(value).encode()) == value


# JSON that goes


def sizes(script: Script) -> list[int]:
    return [len(step.data) for step in script.steps if isinstance(step, Raw)]


@pytest.mark.parametrize(
    "value",
    [
        {"a": [1, "b\n", {}, [], None]},
        {"data": ITEMS, "é\n": LINES, "empty": {}, "none": []},
        ITEMS,
        [LINES, ITEMS, [ITEMS, {"a": ITEMS}], ()],
        LINES,
        {1: ITEMS},
        {"choices": [encode_large({"a": ITEMS}), encode_large({"a": 1})]},
    ],
    ids=["short", "object", "list", "nested", "text", "numbers", "encoded"],
)
def test_json_is_laid_out_the_same_however_long(value: object) -> None:
    script = json_response(value, Random())
    body = sse.body(script.steps)
    assert body == msgspec.json.format(msgspec.json.encode(value), indent=2) + b"\n"
    assert script.head.header("content-length") == str(len(body))


def test_long_json_is_sent_in_blocks() -> None:
    script = json_response({"data": ITEMS * 20}, Random())
    assert len(sizes(script)) > 5
    assert max(sizes(script)) < 1_500_000
    assert sum(count_events(step) for step in script.steps) == 0


@pytest.mark.slow
@given(json_values)
def test_any_json_is_laid_out_the_same(value: object) -> None:
    """As if each few bytes of it were long."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(json_body, "_FEW", 5)
        body = sse.body(json_response(value, Random()).steps)
    assert body == msgspec.json.format(msgspec.json.encode(value), indent=2) + b"\n"


@given(json_values)
def test_any_json_is_read_the_same(value: object) -> None:
    with pytest.MonkeyPatch.context() as patched:
        for name, few in (("_LONG", 4), ("_SLICE", 13), ("_ITEMS", 2)):
            patched.setattr(json_body, name, few)
        assert decode_json(json.dumps(value).encode()) == value
        assert decode_json(json.dumps(value, ensure_ascii=False).encode()) == value
