"""Plausible answers that are as a schema says, where nothing is known but the schema.

Rules of this file: what may be null is left out, or null where it is required; the same chance
gives the same sample. What a member of a name usually holds is in a table.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from random import Random
from typing import Any

from openai_mockserver import seed
from openai_mockserver.api import ids
from openai_mockserver.api.validation.checks import fits
from openai_mockserver.api.validation.schema import Schema, resolve

__all__ = ["DONE", "adapt_members", "make_placeholder"]

DONE = (
    "completed",
    "processed",
    "succeeded",
    "active",
    "running",
    "idle",
    "ready",
    "success",
    "created",
    "passed",
)
"""States in which a thing is of use, the best first."""


def _state(schema: Schema) -> Any:
    allowed = schema.get("enum", [])
    return next((state for state in DONE if state in allowed), allowed[0] if allowed else None)


# name: its value, of a schema with this type
_BY_NAME: dict[tuple[str, str], Callable[[Random], Any]] = {
    ("string", "model"): lambda rng: "gpt-4o-mini",
    ("string", "filename"): lambda rng: "file.txt",
    ("string", "path"): lambda rng: "/mnt/data/file.txt",
    ("string", "name"): lambda rng: "mockserver",
    ("string", "url"): lambda rng: "https://example.com/",
    ("string", "email"): lambda rng: "somebody@example.com",
    ("string", "version"): lambda rng: "1",
    ("string", "endpoint"): lambda rng: "/v1/chat/completions",
    ("string", "completion_window"): lambda rng: "24h",
    ("string", "owned_by"): lambda rng: "system",
    ("string", "status"): lambda rng: "completed",
    ("string", "cancel_status"): lambda rng: "none",
    ("string", "client_secret"): lambda rng: f"ek_{ids.letters(32, rng)}",
    ("string", "value"): lambda rng: f"ek_{ids.letters(32, rng)}",
    ("string", "secret"): lambda rng: f"whsec_{ids.letters(32, rng)}",
}


def make_placeholder(schema: Schema, rng: Random, given: Mapping[str, Any] | None = None) -> Any:
    """A value that is as the schema says.

    Args:
        schema: what it must be.
        rng: where ids come from.
        given: members of an object that are known.
    """
    return _make_placeholder(schema, rng, "", given or {})


def _make_placeholder(schema: Schema, rng: Random, name: str, given: Mapping[str, Any]) -> Any:
    if schema.get("nullable"):
        return None
    schema = resolve(schema)
    if "anyOf" in schema:
        return _make_placeholder(schema["anyOf"][0], rng, name, given)
    if "enum" in schema:
        return _state(schema) if name in ("status", "state") else schema["enum"][0]
    kind = schema.get("type")
    if kind == "object":
        properties = schema.get("properties", {})
        required = schema.get("required", ())
        made = {
            member: given[member] if member in given else _make_placeholder(inner, rng, member, {})
            for member, inner in properties.items()
            if member in given or member in required or not inner.get("nullable")
        }
        return {**made, **given}
    usual = _BY_NAME.get((str(kind), name))
    return usual(rng) if usual is not None else _PLAIN[kind](rng, name, schema)


def adapt_members(
    properties: Mapping[str, Schema], values: Mapping[str, Any], rng: Random
) -> dict[str, Any]:
    """The members of a request that an answer has too, each as the answer has it.

    An answer may have a member in another shape, such as the settings of a session with an id of
    its own: then it is told with what both have in common, and the rest is made up.

    Args:
        properties: the schemas of the answer's members.
        values: the request's members.
        rng: where ids come from.
    """
    adapted = {
        name: _adapt(properties[name], value, rng)
        for name, value in values.items()
        if name in properties
    }
    return {name: value for name, value in adapted.items() if value is not _NOTHING}


_NOTHING = object()
"""What a value has in common with a schema that is of something else."""


def _adapt(schema: Schema, value: Any, rng: Random) -> Any:
    if fits(schema, value):
        return value
    schema = resolve(schema)
    if "anyOf" in schema:
        adapted = (_adapt(inner, value, rng) for inner in schema["anyOf"])
        return next((one for one in adapted if one is not _NOTHING), _NOTHING)
    kind = schema.get("type")
    if kind == "array" and isinstance(value, list):
        entries = [_adapt(schema.get("items", {}), entry, rng) for entry in value]
        return _NOTHING if any(entry is _NOTHING for entry in entries) else entries
    if kind != "object" or not isinstance(value, dict):
        return _NOTHING
    properties = schema.get("properties", {})
    common = adapt_members(properties, value, rng)
    # What says of which type it is is of no other; and a type alone says nothing of it.
    if ("type" in value and "type" in properties and "type" not in common) or (
        not common.keys() - {"type"}
    ):
        return _NOTHING
    whole = {name: member for name, member in schema.items() if name != "nullable"}
    return make_placeholder(whole, rng, common)


def _text(rng: Random, name: str, schema: Schema) -> str:
    if schema.get("format") in ("date", "date-time"):
        form = "%Y-%m-%d" if schema["format"] == "date" else "%Y-%m-%dT%H:%M:%SZ"
        return time.strftime(form, time.gmtime(seed.now(rng)))
    if name == "id" or name.endswith("_id"):
        return f"{name.removesuffix('id') or 'obj_'}{ids.letters(24, rng)}"
    return ""


def _number(rng: Random, name: str, schema: Schema) -> int:
    now = seed.now(rng)
    if name.startswith("expires_"):
        return now + 3600
    return now if name.endswith(("_at", "created", "_time")) else 0


_PLAIN: dict[Any, Callable[[Random, str, Schema], Any]] = {
    "string": _text,
    "integer": _number,
    "number": lambda rng, name, schema: float(_number(rng, name, schema)),
    "boolean": lambda rng, name, schema: False,
    "array": lambda rng, name, schema: [],
    "null": lambda rng, name, schema: None,
    None: lambda rng, name, schema: {},
}
