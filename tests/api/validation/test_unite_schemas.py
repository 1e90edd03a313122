"""Unite tables of several releases: requests of any are allowed; answers are the newest's."""

from __future__ import annotations

from typing import Any

import pytest

from unite_schemas import unite

TEXT = {"type": "string"}
NUMBER = {"type": "integer"}


def make_table(body: Any, answer: Any = None, path: str = "/v1/a", **definitions: Any) -> Any:
    """Return a table with one endpoint."""
    operation = {"body": body} | ({} if answer is None else {"answer": answer})
    return {"openai": "1", "paths": {path: {"POST": operation}}, "$defs": definitions}


def unite_bodies(body: Any, other: Any, **definitions: Any) -> Any:
    """Return the united body of two releases with the same definitions."""
    result = unite(make_table(body, **definitions), make_table(other, **definitions))
    return result["paths"]["/v1/a"]["POST"]["body"]


def make_object(required_names: tuple[str, ...] = (), /, **properties: Any) -> dict[str, Any]:
    schema = {"type": "object", "properties": properties}
    return schema | ({"required": list(required_names)} if required_names else {})


@pytest.mark.parametrize(
    ("newest", "older", "both"),
    [
        (make_object(a=TEXT), make_object(a=TEXT), make_object(a=TEXT)),
        (make_object(a=TEXT), make_object(b=NUMBER), make_object(a=TEXT, b=NUMBER)),
        (
            make_object(("a", "b"), a=TEXT, b=TEXT),
            make_object(("a",), a=TEXT),
            make_object(("a",), a=TEXT, b=TEXT),
        ),
        ({"enum": ["a"]}, {"enum": ["b", "a"]}, {"enum": ["a", "b"]}),
        (TEXT, {"enum": ["b"]}, TEXT),
        (TEXT, NUMBER, {"anyOf": [TEXT, NUMBER]}),
        (TEXT, TEXT | {"nullable": True}, TEXT | {"nullable": True}),
        ({"type": "number"}, NUMBER, {"type": "number"}),
        ({}, NUMBER, {}),
        (
            {"type": "array", "items": make_object(a=TEXT)},
            {"type": "array", "items": make_object(a=TEXT, b=TEXT)},
            {"type": "array", "items": make_object(a=TEXT, b=TEXT)},
        ),
    ],
)
def test_requests_of_either_release_are_allowed(newest: Any, older: Any, both: Any) -> None:
    assert unite_bodies(newest, older) == both


def test_objects_are_matched_by_their_tags() -> None:
    one, other = (
        make_object(type={"enum": ["one"]}, a=TEXT),
        make_object(type={"enum": ["two"]}, a=TEXT),
    )
    more = make_object(type={"enum": ["two"]}, a=TEXT, b=TEXT)
    assert unite_bodies({"anyOf": [one, other]}, {"anyOf": [more, one]}) == {"anyOf": [one, more]}


def test_answers_follow_the_newest_release() -> None:
    newest, older = make_object(a=TEXT), make_object(a=TEXT, b=TEXT)
    reference = {"$ref": "Shared"}
    result = unite(
        make_table(reference, reference, Shared=newest),
        make_table(reference, reference, Shared=older),
    )
    operation = result["paths"]["/v1/a"]["POST"]
    assert result["$defs"][operation["answer"]["$ref"]] == newest
    assert result["$defs"][operation["body"]["$ref"]] == older


def test_recursive_types_are_united() -> None:
    def tree(**more: Any) -> Any:
        return make_object(left={"$ref": "Tree"}, **more)

    result = unite(
        make_table({"$ref": "Tree"}, Tree=tree()),
        make_table({"$ref": "Tree"}, Tree=tree(name=TEXT)),
    )
    name = result["paths"]["/v1/a"]["POST"]["body"]["$ref"]
    properties = result["$defs"][name]["properties"]
    assert properties["name"] == TEXT
    assert properties["left"] == {"$ref": name}


def test_endpoints_of_older_releases_stay() -> None:
    result = unite(
        make_table(TEXT), make_table(NUMBER, {"$ref": "B"}, "/v1/b", B=make_object(a=TEXT))
    )
    assert result["paths"].keys() == {"/v1/a", "/v1/b"}
    assert result["$defs"][result["paths"]["/v1/b"]["POST"]["answer"]["$ref"]] == make_object(
        a=TEXT
    )


def test_uniting_equal_tables_changes_nothing() -> None:
    tables = make_table(
        {"$ref": "A"}, A=make_object(("a",), a={"$ref": "B"}), B={"enum": ["a", "b"]}
    )
    assert unite(tables, tables)["paths"] == tables["paths"]
