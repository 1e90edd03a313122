"""Several tables of the OpenAI SDK as one: what any release may ask, is known.

``unite_schemas.py TABLE...`` writes ``api/validation/schema.json``: the tables, and what it had.
With ``--compare`` it leaves the file alone and says what the tables would change.

Rules of this file: the first table is the newest, and answers are as it says. Of the others come
the endpoints that it does not have, and the parameters and values that it does not know; what is
required is what every release requires. A table that brings nothing changes nothing.
"""

from __future__ import annotations

import sys
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec.json

from sdk_schema import FILE, Schema, any_of, compare, decode, encode, rename_references

__all__ = ["unite"]

_PARTS = ("query", "body")


def unite(table: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    """The first table with what the other knows beyond it.

    Args:
        table, other: ``openai``, a version; ``paths``, of methods; and ``$defs``.
    """
    names: dict[str, str] = {}
    for name in other["$defs"]:
        names[name] = _unused(name, {*table["$defs"], *names.values()})
    theirs = {names[k]: rename_references(v, names) for k, v in other["$defs"].items()}
    union = _Union({**table["$defs"], **theirs})
    paths = {path: dict(methods) for path, methods in table["paths"].items()}
    for path, methods in rename_references(other["paths"], names).items():
        for method, operation in methods.items():
            known = paths.setdefault(path, {}).setdefault(method, operation)
            if known is not operation:
                added = {
                    part: union.merge_parameters(known[part], operation[part])
                    for part in _PARTS
                    if part in known and part in operation
                }
                paths[path][method] = known | added
    return {"openai": table["openai"], "paths": paths, "$defs": union.definitions}


class _Union:
    """Merges schemas, and keeps the definitions of what is merged."""

    def __init__(self, definitions: dict[str, Schema]) -> None:
        self.definitions = definitions
        self._merged: dict[tuple[str, str], str] = {}

    def _resolved(self, schema: Schema) -> Schema:
        name = schema.get("$ref")
        return schema if name is None else self.definitions[name]

    def _alternatives(self, schema: Schema) -> Iterator[Schema]:
        """What a schema allows, one after the other; references to single types stay."""
        inner = self._resolved(schema)
        if "anyOf" in inner:
            for one in inner["anyOf"]:
                yield from self._alternatives(one)
        else:
            yield {key: value for key, value in schema.items() if key != "nullable"}

    def _is_nullable(self, schema: Schema) -> bool:
        return bool(schema.get("nullable") or self._resolved(schema).get("nullable"))

    def _covers(
        self, schema: Schema, other: Schema, seen: frozenset[tuple[str, str]] = frozenset()
    ) -> bool:
        """Whether a schema allows all that another does."""
        pair = (schema.get("$ref", ""), other.get("$ref", ""))
        if all(pair):
            if pair in seen:
                return True
            seen |= {pair}
        if self._is_nullable(other) and not self._is_nullable(schema):
            return False
        mine = [self._resolved(one) for one in self._alternatives(schema)]
        return {} in mine or all(
            any(self._allows(one, self._resolved(their), seen) for one in mine)
            for their in self._alternatives(other)
        )

    def _allows(self, mine: Schema, their: Schema, seen: frozenset[tuple[str, str]]) -> bool:
        if mine == their:
            return True
        if "enum" in their:
            values = their["enum"]
            if "enum" in mine:
                return set(map(repr, values)) <= set(map(repr, mine["enum"]))
            return mine == {"type": "string"} and all(isinstance(one, str) for one in values)
        kind = their.get("type")
        if mine.get("type") != kind:
            return mine == {"type": "number"} and kind == "integer"
        if kind == "array":
            return self._covers(mine.get("items", {}), their.get("items", {}), seen)
        if kind != "object":
            return False
        if "properties" not in mine or "properties" not in their:
            free = "properties" not in mine and "properties" not in their
            more, theirs = mine.get("additionalProperties", {}), their.get("additionalProperties")
            return free and self._covers(more, {} if theirs is None else theirs, seen)
        known = mine["properties"]
        return set(mine.get("required", ())) <= set(their.get("required", ())) and all(
            name in known and self._covers(known[name], inner, seen)
            for name, inner in their["properties"].items()
        )

    def merge(self, schema: Schema, other: Schema) -> Schema:
        """A schema that allows what either does: the first itself, where it does already."""
        if self._covers(schema, other):
            return schema
        parts = list(self._alternatives(schema))
        for their in self._alternatives(other):
            if any(self._covers(one, their) for one in parts):
                continue
            at = self._partner(parts, their)
            if at is None:
                parts.append(their)
            else:
                parts[at] = self._joined(parts[at], their)
        made = any_of(parts)
        nullable = self._is_nullable(schema) or self._is_nullable(other)
        return made | {"nullable": True} if nullable else made

    def merge_parameters(self, schema: Schema, other: Schema) -> Schema:
        """The parameters of an endpoint: those of either, as one object if both are objects."""
        one, their = self._resolved(schema), self._resolved(other)
        if "properties" not in one or "properties" not in their or self._covers(schema, other):
            return self.merge(schema, other)
        return self._joined(schema, other)

    def _partner(self, parts: list[Schema], their: Schema) -> int | None:
        """The part that another release has otherwise: the same list, or object by its tags."""
        inner = self._resolved(their)
        kind, found = inner.get("type"), []
        for index, one in enumerate(map(self._resolved, parts)):
            if kind == "array" and one.get("type") == "array":
                return index
            if kind != "object" or "properties" not in one or "properties" not in inner:
                continue
            mine, theirs = _tags(one), _tags(inner)
            shared = mine.keys() & theirs.keys()
            if all(mine[name] == theirs[name] for name in shared):
                names, others = one["properties"].keys(), inner["properties"].keys()
                alike = len(names & others) / (len(names | others) or 1)
                found.append((len(shared), alike, -index))
        best = max(found, default=None)
        return None if best is None or best[:2] < (0, 0.5) else -best[2]

    def _joined(self, mine: Schema, their: Schema) -> Schema:
        """Two objects or two arrays as one; a new definition where the first had one."""
        one, other = self._resolved(mine), self._resolved(their)
        if one["type"] == "array":
            return one | {"items": self.merge(one.get("items", {}), other.get("items", {}))}
        if "$ref" not in mine:
            return self._object(one, other)
        pair = (mine["$ref"], their.get("$ref", ""))
        if pair not in self._merged or not pair[1]:
            name = _unused(mine["$ref"], self.definitions)
            self._merged[pair] = name
            self.definitions[name] = {}
            self.definitions[name] = self._object(one, other)
        return {"$ref": self._merged[pair]}

    def _object(self, one: Schema, other: Schema) -> Schema:
        properties = dict(one["properties"])
        for name, inner in other["properties"].items():
            mine = properties.get(name)
            properties[name] = inner if mine is None else self.merge(mine, inner)
        made: Schema = {"type": "object", "properties": properties}
        required = [r for r in one.get("required", ()) if r in other.get("required", ())]
        return made | ({"required": required} if required else {})


def _unused(name: str, names: Collection[str]) -> str:
    """The name, with another number if it is one of the names."""
    plain, n = name.rstrip("0123456789"), 1
    while name in names:
        n += 1
        name = f"{plain}{n}"
    return name


def _tags(schema: Schema) -> dict[str, Any]:
    """The members that tell objects apart: those with a single value."""
    return {
        name: inner["enum"]
        for name, inner in schema["properties"].items()
        if len(inner.get("enum", ())) == 1
    }


def main(arguments: list[str]) -> None:
    """Unite the tables of these files, the newest first, and what the present one has."""
    comparing = arguments[:1] == ["--compare"]
    tables = [decode(Path(name)) for name in arguments[comparing:]]
    present = FILE.read_bytes()
    made = decode(FILE) if comparing else tables.pop(0)
    for other in tables if comparing else [*tables, decode(FILE)]:
        made = unite(made, other)
    content = encode(made)
    if not comparing:
        FILE.write_bytes(content)
        return
    versions = ", ".join(table["openai"] for table in tables)
    knows = "knows all of" if content == present else "does not know all of"
    print(f"api/validation/schema.json {knows} the API schema of openai {versions}")
    print(*compare(decode(FILE), msgspec.json.decode(content)), sep="\n", end="")


if __name__ == "__main__":
    main(sys.argv[1:])
