"""JSON that comes."""

from __future__ import annotations

import json

import msgspec
import pytest

from openai_mockserver.api.json_body import decode_json

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
