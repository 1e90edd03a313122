"""The types of OpenAI's SDK: each endpoint's parameters and answers, as JSON Schema.

Rules of this file: the data is ``schema.json``, which ``scripts/schema`` generates from several
releases of the SDK. Requests may use what any of them knows; answers follow the newest. The
file is read on first use, and only the parts that are needed are decoded. In the SDK, a member that
may be null may also be missing: ``answer_members.json`` lists those that are always there. No
endpoint is special.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

import msgspec

__all__ = [
    "Operation",
    "Schema",
    "operation",
    "operations",
    "read_definitions",
    "resolve",
    "version",
]

Schema = dict[str, Any]
"""JSON Schema, with OpenAPI's ``nullable``; a ``$ref`` is the name of a definition."""


class Operation(msgspec.Struct, frozen=True):
    """One method of one path.

    Args:
        query, body: object schemas whose properties are the parameters.
        form: whether the body is a form with files.
        answer: schema of the answer; None if it has no body, or one that is not JSON.
        event: schema of each event; None if the answer cannot be streamed.
        binary: whether the answer is bytes.
        list: whether the answer is a page of objects.
    """

    query: Schema | None = None
    body: Schema | None = None
    form: bool = False
    answer: Schema | None = None
    event: Schema | None = None
    binary: bool = False
    list: bool = False


class _File(msgspec.Struct, rename={"defs": "$defs"}):
    openai: str
    paths: dict[str, dict[str, msgspec.Raw]]
    defs: dict[str, msgspec.Raw]


@cache
def _load_file() -> _File:
    from importlib.resources import (
        files,
    )  # importing it takes a tenth of the time of importing the mock

    data = files("openai_mockserver.api.validation").joinpath("schema.json").read_bytes()
    return msgspec.json.decode(data, type=_File)


def version() -> str:
    """Return the newest version of the SDK that the schema was generated from."""
    return _load_file().openai


def operations() -> Iterator[tuple[str, str]]:
    """Yield the path and the method of each operation."""
    for path, methods in _load_file().paths.items():
        for method in methods:
            yield path, method


@cache
def operation(method: str, path: str) -> Operation:
    """Return an operation; raises KeyError if there is none."""
    return msgspec.json.decode(_load_file().paths[path][method], type=Operation)


def read_definitions() -> dict[str, Schema]:
    """Return all definitions by name, as the SDK has them."""
    return {name: msgspec.json.decode(raw) for name, raw in _load_file().defs.items()}


class _Members(msgspec.Struct, frozen=True):
    """Members that an answer always has although the SDK's types leave them open, by definition.

    Args:
        null: those that may be null.
        value: those that may not.
    """

    null: dict[str, list[str]]
    value: dict[str, list[str]]


@cache
def _load_members() -> _Members:
    from importlib.resources import files

    file = files("openai_mockserver.api.validation").joinpath("answer_members.json")
    return msgspec.json.decode(file.read_bytes(), type=_Members)


@cache
def _definition(name: str) -> Schema:
    schema: Schema = msgspec.json.decode(_load_file().defs[name])
    members = _load_members()
    values = members.value.get(name, ())
    for member in values:
        del schema["properties"][member]["nullable"]
    required = [*schema.get("required", ()), *members.null.get(name, ()), *values]
    return schema | {"required": list(dict.fromkeys(required))} if required else schema


def resolve(schema: Schema) -> Schema:
    """Return the definition that a schema refers to, or else the schema itself.

    >>> resolve(operation("GET", "/v1/models/{model}").answer)["required"]
    ['id', 'created', 'object', 'owned_by']
    """
    name = schema.get("$ref")
    return schema if name is None else _definition(name)
