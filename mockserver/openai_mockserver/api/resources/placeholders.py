"""Generate plausible values from a schema alone.

Rules of this file: a nullable member is left out, or null if it is required. The same random
generator gives the same value. A table states what members of some names usually hold.
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
"""States in which an object can be used, in order of preference."""


def _choose_state(schema: Schema) -> Any:
    allowed_states = schema.get("enum", [])
    return next(
        (state for state in DONE if state in allowed_states),
        allowed_states[0] if allowed_states else None,
    )


# Generators of values, by the type of the schema and the name of the member.
_BY_NAME: dict[tuple[str, str], Callable[[Random], Any]] = {
    ("string", "model"): lambda rng: "gpt-4o-mini",
    ("string", "filename"): lambda rng: "file.txt",
    ("string", "path"): lambda rng: "/mnt/data/file.txt",
    ("string", "name"): lambda rng: "mockserver",
    ("string", "url"): lambda rng: "https://example.com/",
    ("string", "report_url"): lambda rng: "https://example.com/",
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


def make_placeholder(schema: Schema, rng: Random, members: Mapping[str, Any] | None = None) -> Any:
    """Return a value that matches a schema.

    Args:
        schema: the schema.
        rng: random generator of ids.
        members: values of an object's members, which are used as they are.
    """
    return _make_placeholder(schema, rng, "", members or {})


def _make_placeholder(schema: Schema, rng: Random, name: str, members: Mapping[str, Any]) -> Any:
    if schema.get("nullable"):
        return None
    schema = resolve(schema)
    if "anyOf" in schema:
        return _make_placeholder(schema["anyOf"][0], rng, name, members)
    if "enum" in schema:
        return _choose_state(schema) if name in ("status", "state") else schema["enum"][0]
    kind = schema.get("type")
    if kind == "object":
        properties = schema.get("properties", {})
        required_names = schema.get("required", ())
        fields = {
            member: members[member]
            if member in members
            else _make_placeholder(inner, rng, member, {})
            for member, inner in properties.items()
            if member in members or member in required_names or not inner.get("nullable")
        }
        return {**fields, **members}
    generate = _BY_NAME.get((str(kind), name))
    return generate(rng) if generate is not None else _BY_TYPE[kind](rng, name, schema)


def adapt_members(
    properties: Mapping[str, Schema], values: Mapping[str, Any], rng: Random
) -> dict[str, Any]:
    """Return the members of a request that its answer has too, each in the answer's form.

    A member may have another form in the answer: a session, for example, has an id there. It then
    keeps what both forms have in common, and the rest is generated.

    Args:
        properties: schemas of the answer's members.
        values: the request's members.
        rng: random generator of ids.
    """
    members = {
        name: _adapt(properties[name], value, rng)
        for name, value in values.items()
        if name in properties
    }
    return {name: value for name, value in members.items() if value is not _NOTHING}


_NOTHING = object()
"""The result for a value that has nothing in common with a schema."""


def _adapt(schema: Schema, value: Any, rng: Random) -> Any:
    if fits(schema, value):
        return value
    schema = resolve(schema)
    if "anyOf" in schema:
        candidates = (_adapt(inner, value, rng) for inner in schema["anyOf"])
        return next((candidate for candidate in candidates if candidate is not _NOTHING), _NOTHING)
    kind = schema.get("type")
    if kind == "array" and isinstance(value, list):
        entries = [_adapt(schema.get("items", {}), entry, rng) for entry in value]
        return _NOTHING if any(entry is _NOTHING for entry in entries) else entries
    if kind != "object" or not isinstance(value, dict):
        return _NOTHING
    properties = schema.get("properties", {})
    common = adapt_members(properties, value, rng)
    # An object with another type does not match, and a type alone is no common member.
    if ("type" in value and "type" in properties and "type" not in common) or (
        not common.keys() - {"type"}
    ):
        return _NOTHING
    object_schema = {name: member for name, member in schema.items() if name != "nullable"}
    return make_placeholder(object_schema, rng, common)


def _generate_text(rng: Random, name: str, schema: Schema) -> str:
    if schema.get("format") in ("date", "date-time"):
        form = "%Y-%m-%d" if schema["format"] == "date" else "%Y-%m-%dT%H:%M:%SZ"
        return time.strftime(form, time.gmtime(seed.now(rng)))
    if name == "id" or name.endswith("_id"):
        return f"{name.removesuffix('id') or 'obj_'}{ids.letters(24, rng)}"
    return ""


def _generate_number(rng: Random, name: str, schema: Schema) -> int:
    now = seed.now(rng)
    if name.startswith("expires_"):
        return now + 3600
    return now if name.endswith(("_at", "created", "_time")) else 0


_BY_TYPE: dict[Any, Callable[[Random, str, Schema], Any]] = {
    "string": _generate_text,
    "integer": _generate_number,
    "number": lambda rng, name, schema: float(_generate_number(rng, name, schema)),
    "boolean": lambda rng, name, schema: False,
    "array": lambda rng, name, schema: [],
    "null": lambda rng, name, schema: None,
    None: lambda rng, name, schema: {},
}
