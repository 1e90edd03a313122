"""Tables of several releases as one: it allows what any of them does, and answers as the newest."""

from __future__ import annotations

from typing import Any

import pytest

from unite_schemas import unite

TEXT = {"type": "string"}
NUMBER = {"type": "integer"}


def table(body: Any, answer: Any = None, path: str = "/v1/a", **definitions: Any) -> Any:
    """A table with one endpoint."""
    operation = {"body": body} | ({} if answer is None else {"answer": answer})
    return {"openai": "1", "paths": {path: {"POST": operation}}, "$defs": definitions}


def union(body: Any, other: Any, **definitions: Any) -> Any:
    """The body of two releases whose definitions are alike."""
    made = unite(table(body, **definitions), table(other, **definitions))
    return made["paths"]["/v1/a"]["POST"]["body"]


def thing(required: tuple[str, ...] = (), /, **properties: Any) -> dict[str, Any]:
    made = {"type": "object", "properties": properties}
    return made | ({"required": list(required)} if required else {})


@pytest.mark.parametrize(
    ("newest", "older", "both"),
    [
        (thing(a=TEXT), thing(a=TEXT), thing(a=TEXT)),
        (thing(a=TEXT), thing(b=NUMBER), thing(a=TEXT, b=NUMBER)),
        (thing(("a", "b"), a=TEXT, b=TEXT), thing(("a",), a=TEXT), thing(("a",), a=TEXT, b=TEXT)),
        ({"enum": ["a"]}, {"enum": ["b", "a"]}, {"enum": ["a", "b"]}),
        (TEXT, {"enum": ["b"]}, TEXT),
        (TEXT, NUMBER, {"anyOf": [TEXT, NUMBER]}),
        (TEXT, TEXT | {"nullable": True}, TEXT | {"nullable": True}),
        ({"type": "number"}, NUMBER, {"type": "number"}),
        ({}, NUMBER, {}),
        (
            {"type": "array", "items": thing(a=TEXT)},
            {"type": "array", "items": thing(a=TEXT, b=TEXT)},
            {"type": "array", "items": thing(a=TEXT, b=TEXT)},
        ),
    ],
)
def test_what_either_allows_is_allowed(newest: Any, older: Any, both: Any) -> None:
    assert union(newest, older) == both


def test_objects_are_told_apart_by_their_tags() -> None:
    one, other = thing(type={"enum": ["one"]}, a=TEXT), thing(type={"enum": ["two"]}, a=TEXT)
    more = thing(type={"enum": ["two"]}, a=TEXT, b=TEXT)
    assert union({"anyOf": [one, other]}, {"anyOf": [more, one]}) == {"anyOf": [one, more]}


def test_answers_are_those_of_the_newest() -> None:
    newest, theirs = thing(a=TEXT), thing(a=TEXT, b=TEXT)
    there = {"$ref": "Shared"}
    made = unite(table(there, there, Shared=newest), table(there, there, Shared=theirs))
    operation = made["paths"]["/v1/a"]["POST"]
    assert made["$defs"][operation["answer"]["$ref"]] == newest
    assert made["$defs"][operation["body"]["$ref"]] == theirs


def test_types_that_hold_themselves_are_united() -> None:
    def tree(**more: Any) -> Any:
        return thing(left={"$ref": "Tree"}, **more)

    made = unite(
        table({"$ref": "Tree"}, Tree=tree()), table({"$ref": "Tree"}, Tree=tree(name=TEXT))
    )
    name = made["paths"]["/v1/a"]["POST"]["body"]["$ref"]
    whole = made["$defs"][name]["properties"]
    assert whole["name"] == TEXT
    assert whole["left"] == {"$ref": name}


def test_endpoints_of_older_releases_stay() -> None:
    made = unite(table(TEXT), table(NUMBER, {"$ref": "B"}, "/v1/b", B=thing(a=TEXT)))
    assert made["paths"].keys() == {"/v1/a", "/v1/b"}
    assert made["$defs"][made["paths"]["/v1/b"]["POST"]["answer"]["$ref"]] == thing(a=TEXT)


def test_what_brings_nothing_changes_nothing() -> None:
    tables = table({"$ref": "A"}, A=thing(("a",), a={"$ref": "B"}), B={"enum": ["a", "b"]})
    assert unite(tables, tables)["paths"] == tables["paths"]
