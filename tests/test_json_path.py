"""Paths in JSON bodies: what they select, and the errors for invalid ones."""

from __future__ import annotations

from typing import Any

import pytest

from openai_mockserver import MockServerError
from openai_mockserver.json_path import (
    REMOVED,
    change_members,
    find_members,
    parse_path,
)

BODY: dict[str, Any] = {
    "user": "ann",
    "messages": [{"role": "system", "content": "a"}, {"role": "user", "content": "b"}],
    "metadata": {"a.b": 1, "c": {"d": 2}},
}


@pytest.mark.parametrize(
    ("path", "values"),
    [
        ("user", ["ann"]),
        ("messages[*].content", ["a", "b"]),
        ("messages.*.content", ["a", "b"]),
        ("messages[0].role", ["system"]),
        ("messages[-1].content", ["b"]),
        ("messages[2].content", []),
        ("messages[-3].content", []),
        ("messages.1.content", ["b"]),
        ("messages.-2.content", ["a"]),
        ("messages.2.content", []),
        ("messages.content", []),
        ("user[0]", []),
        ('metadata["a.b"]', [1]),
        ("metadata['a.b']", [1]),
        ("metadata.*", [1, {"d": 2}]),
        ("metadata[*].d", [2]),
        ("$.metadata.c.d", [2]),
        ("$['user']", ["ann"]),
        ("*", list(BODY.values())),
    ],
)
def test_the_values_at_a_path(path: str, values: list[Any]) -> None:
    assert list(find_members(BODY, parse_path(path))) == values


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("", "has no steps"),
        ("a..b", "syntax error at character 2"),
        (".a", "syntax error at character 1"),
        ("a.", "syntax error at character 2"),
        ("a[", "syntax error at character 2"),
        ("a[x]", "syntax error at character 2"),
        ("a]b", "syntax error at character 2"),
        ("a[0]b", "syntax error at character 5"),
        ("messages.[*]", "syntax error at character 9"),
        (3, "a path in a JSON body must be a string, not 3"),
    ],
)
def test_the_error_for_an_invalid_path(path: Any, message: str) -> None:
    with pytest.raises(MockServerError) as error:
        parse_path(path)
    assert message in str(error.value)


def test_members_are_removed_and_elements_keep_their_indexes() -> None:
    def drop(path: str) -> Any:
        return change_members(BODY, parse_path(path), lambda _: REMOVED)

    assert drop("user") == {name: BODY[name] for name in ("messages", "metadata")}
    assert drop("messages[*].content")["messages"] == [{"role": "system"}, {"role": "user"}]
    assert drop("messages[0]")["messages"] == [None, BODY["messages"][1]]
    assert drop("metadata.*")["metadata"] == {}
    assert drop("nothing.of.this") == BODY
