"""Paths in JSON bodies: what they name, and what is said of those that cannot be read."""

from __future__ import annotations

from typing import Any

import pytest

from openai_mockserver import MockServerError
from openai_mockserver.cassettes.json_path import (
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
    ("path", "found"),
    [
        ("user", ["ann"]),
        ("messages[*].content", ["a", "b"]),
        ("messages.*.content", ["a", "b"]),
        ("messages[0].role", ["system"]),
        ("messages[-1].content", ["b"]),
        ("messages[2].content", []),
        ("messages[-3].content", []),
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
def test_what_a_path_names(path: str, found: list[Any]) -> None:
    assert list(find_members(BODY, parse_path(path))) == found


@pytest.mark.parametrize(
    ("path", "where"),
    [
        ("", "names nothing"),
        ("a..b", "from character 2 on"),
        (".a", "from character 1 on"),
        ("a.", "from character 2 on"),
        ("a[", "from character 2 on"),
        ("a[x]", "from character 2 on"),
        ("a]b", "from character 2 on"),
        ("a[0]b", "from character 5 on"),
        ("messages.[*]", "from character 9 on"),
        (3, "a path of a JSON body is a text, not 3"),
    ],
)
def test_what_is_no_path_is_one_sentence(path: Any, where: str) -> None:
    with pytest.raises(MockServerError) as raised:
        parse_path(path)
    assert where in str(raised.value)


def test_members_are_left_out_and_elements_keep_their_places() -> None:
    def drop(path: str) -> Any:
        return change_members(BODY, parse_path(path), lambda _: REMOVED)

    assert drop("user") == {name: BODY[name] for name in ("messages", "metadata")}
    assert drop("messages[*].content")["messages"] == [{"role": "system"}, {"role": "user"}]
    assert drop("messages[0]")["messages"] == [None, BODY["messages"][1]]
    assert drop("metadata.*")["metadata"] == {}
    assert drop("nothing.of.this") == BODY
