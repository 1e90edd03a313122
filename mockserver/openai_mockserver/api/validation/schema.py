"""What OpenAI's SDK knows of the API: each endpoint's parameters and answers, as JSON Schema.

Rules of this file: the data is ``schema.json``, which ``scripts/schema`` makes of several releases
of the SDK: what one of them knows may be asked, and answers are as the newest says. It is
read when first asked for, and of it only what is asked for. Nothing is known here of endpoints.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

import msgspec

__all__ = ["Operation", "Schema", "operation", "operations", "resolved", "version"]

Schema = dict[str, Any]
"""JSON Schema, with OpenAPI's ``nullable``; a ``$ref`` is the name of a definition."""


class Operation(msgspec.Struct, frozen=True):
    """One method of one path.

    Args:
        query, body: objects whose properties are the parameters.
        form: whether the body is a form with files.
        answer: the answer's schema; None where there is no body, or one that is no JSON.
        event: the schema of each event, where it can be streamed.
        binary: whether it answers bytes.
        list: whether it answers a page of things.
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
def _file() -> _File:
    from importlib.resources import files  # a tenth of what importing the mock would take

    data = files("openai_mockserver.api.validation").joinpath("schema.json").read_bytes()
    return msgspec.json.decode(data, type=_File)


def version() -> str:
    """The newest version of the SDK that the schema was made of."""
    return _file().openai


def operations() -> Iterator[tuple[str, str]]:
    """The path and the method of each operation."""
    for path, methods in _file().paths.items():
        for method in methods:
            yield path, method


@cache
def operation(method: str, path: str) -> Operation:
    """An operation. Raises KeyError where there is none."""
    return msgspec.json.decode(_file().paths[path][method], type=Operation)


@cache
def _definition(name: str) -> Schema:
    made: Schema = msgspec.json.decode(_file().defs[name])
    return made


def resolved(schema: Schema) -> Schema:
    """The schema itself, or the definition that it refers to.

    >>> resolved(operation("GET", "/v1/models/{model}").answer)["required"]
    ['id', 'created', 'object', 'owned_by']
    """
    name = schema.get("$ref")
    return schema if name is None else _definition(name)
