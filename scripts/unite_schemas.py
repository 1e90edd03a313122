"""Merges several tables of the OpenAI SDK, so that the requests of every release are known.

``unite_schemas.py TABLE...`` writes ``api/validation/schema.json`` from the tables and the present
file. With ``--compare`` it does not change the file, and prints what the tables would change.

Rules of this file: the first table is the newest and defines the answers. The others add endpoints,
parameters and values that it lacks. A parameter is required if every release requires it. A table
that adds nothing changes nothing.
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
    """Return the first table with the additions of the other.

    Args:
        table: its keys are ``openai``, a version, ``paths``, which hold methods, and ``$defs``.
        other: a table of the same shape.
    """
    names: dict[str, str] = {}
    for name in other["$defs"]:
        names[name] = _find_free_name(name, {*table["$defs"], *names.values()})
    theirs = {names[k]: rename_references(v, names) for k, v in other["$defs"].items()}
    union = _Union({**table["$defs"], **theirs})
    paths = {path: dict(methods) for path, methods in table["paths"].items()}
    for path, methods in rename_references(other["paths"], names).items():
        for method, operation in methods.items():
            newest = paths.setdefault(path, {}).setdefault(method, operation)
            if newest is not operation:
                merged_parts = {
                    part: union.merge_parameters(newest[part], operation[part])
                    for part in _PARTS
                    if part in newest and part in operation
                }
                paths[path][method] = newest | merged_parts
    return {"openai": table["openai"], "paths": paths, "$defs": union.definitions}


class _Union:
    """Merges schemas, and holds their definitions."""

    def __init__(self, definitions: dict[str, Schema]) -> None:
        self.definitions = definitions
        self._merged_names: dict[tuple[str, str], str] = {}

    def _resolve(self, schema: Schema) -> Schema:
        name = schema.get("$ref")
        return schema if name is None else self.definitions[name]

    def _alternatives(self, schema: Schema) -> Iterator[Schema]:
        """Yield the alternatives of a schema; references to single types stay references."""
        inner = self._resolve(schema)
        if "anyOf" in inner:
            for one in inner["anyOf"]:
                yield from self._alternatives(one)
        else:
            yield {key: value for key, value in schema.items() if key != "nullable"}

    def _is_nullable(self, schema: Schema) -> bool:
        return bool(schema.get("nullable") or self._resolve(schema).get("nullable"))

    def _covers(
        self, schema: Schema, other: Schema, visited_pairs: frozenset[tuple[str, str]] = frozenset()
    ) -> bool:
        """Whether a schema allows everything that another allows."""
        pair = (schema.get("$ref", ""), other.get("$ref", ""))
        if all(pair):
            if pair in visited_pairs:
                return True
            visited_pairs |= {pair}
        if self._is_nullable(other) and not self._is_nullable(schema):
            return False
        mine = [self._resolve(one) for one in self._alternatives(schema)]
        return {} in mine or all(
            any(self._allows(one, self._resolve(their), visited_pairs) for one in mine)
            for their in self._alternatives(other)
        )

    def _allows(
        self, mine: Schema, their: Schema, visited_pairs: frozenset[tuple[str, str]]
    ) -> bool:
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
            return self._covers(mine.get("items", {}), their.get("items", {}), visited_pairs)
        if kind != "object":
            return False
        if "properties" not in mine or "properties" not in their:
            free = "properties" not in mine and "properties" not in their
            more, theirs = mine.get("additionalProperties", {}), their.get("additionalProperties")
            return free and self._covers(more, {} if theirs is None else theirs, visited_pairs)
        properties = mine["properties"]
        return set(mine.get("required", ())) <= set(their.get("required", ())) and all(
            name in properties and self._covers(properties[name], inner, visited_pairs)
            for name, inner in their["properties"].items()
        )

    def merge(self, schema: Schema, other: Schema) -> Schema:
        """Return a schema that allows what either allows: the first itself if it is enough."""
        if self._covers(schema, other):
            return schema
        parts = list(self._alternatives(schema))
        for their in self._alternatives(other):
            if any(self._covers(one, their) for one in parts):
                continue
            index = self._find_counterpart(parts, their)
            if index is None:
                parts.append(their)
            else:
                parts[index] = self._join(parts[index], their)
        result = any_of(parts)
        nullable = self._is_nullable(schema) or self._is_nullable(other)
        return result | {"nullable": True} if nullable else result

    def merge_parameters(self, schema: Schema, other: Schema) -> Schema:
        """Merge the parameters of an endpoint, into one object if both are objects."""
        one, their = self._resolve(schema), self._resolve(other)
        if "properties" not in one or "properties" not in their or self._covers(schema, other):
            return self.merge(schema, other)
        return self._join(schema, other)

    def _find_counterpart(self, parts: list[Schema], their: Schema) -> int | None:
        """Return the index of the part that another release defines differently.

        That is an array for an array, and the object with the same tags for an object.
        """
        inner = self._resolve(their)
        kind, scores = inner.get("type"), []
        for index, one in enumerate(map(self._resolve, parts)):
            if kind == "array" and one.get("type") == "array":
                return index
            if kind != "object" or "properties" not in one or "properties" not in inner:
                continue
            mine, theirs = _tags(one), _tags(inner)
            shared_tags = mine.keys() & theirs.keys()
            if all(mine[name] == theirs[name] for name in shared_tags):
                names, others = one["properties"].keys(), inner["properties"].keys()
                similarity = len(names & others) / (len(names | others) or 1)
                scores.append((len(shared_tags), similarity, -index))
        best = max(scores, default=None)
        return None if best is None or best[:2] < (0, 0.5) else -best[2]

    def _join(self, mine: Schema, their: Schema) -> Schema:
        """Merge two objects or two arrays; if the first is a definition, create a new one."""
        one, other = self._resolve(mine), self._resolve(their)
        if one["type"] == "array":
            return one | {"items": self.merge(one.get("items", {}), other.get("items", {}))}
        if "$ref" not in mine:
            return self._join_objects(one, other)
        pair = (mine["$ref"], their.get("$ref", ""))
        if pair not in self._merged_names or not pair[1]:
            name = _find_free_name(mine["$ref"], self.definitions)
            self._merged_names[pair] = name
            self.definitions[name] = {}
            self.definitions[name] = self._join_objects(one, other)
        return {"$ref": self._merged_names[pair]}

    def _join_objects(self, one: Schema, other: Schema) -> Schema:
        properties = dict(one["properties"])
        for name, inner in other["properties"].items():
            mine = properties.get(name)
            properties[name] = inner if mine is None else self.merge(mine, inner)
        result: Schema = {"type": "object", "properties": properties}
        required_names = [r for r in one.get("required", ()) if r in other.get("required", ())]
        return result | ({"required": required_names} if required_names else {})


def _find_free_name(name: str, names: Collection[str]) -> str:
    """Return the name, with a different number if it is one of ``names``."""
    base_name, n = name.rstrip("0123456789"), 1
    while name in names:
        n += 1
        name = f"{base_name}{n}"
    return name


def _tags(schema: Schema) -> dict[str, Any]:
    """Return the members that distinguish objects: those with a single allowed value."""
    return {
        name: inner["enum"]
        for name, inner in schema["properties"].items()
        if len(inner.get("enum", ())) == 1
    }


def main(arguments: list[str]) -> None:
    """Merge the tables of these files, newest first, and the present table."""
    is_comparison = arguments[:1] == ["--compare"]
    tables = [decode(Path(name)) for name in arguments[is_comparison:]]
    present = FILE.read_bytes()
    table = decode(FILE) if is_comparison else tables.pop(0)
    for other in tables if is_comparison else [*tables, decode(FILE)]:
        table = unite(table, other)
    content = encode(table)
    if not is_comparison:
        FILE.write_bytes(content)
        return
    versions = ", ".join(table["openai"] for table in tables)
    knows = "knows all of" if content == present else "does not know all of"
    print(f"api/validation/schema.json {knows} the API schema of openai {versions}")
    print(*compare(decode(FILE), msgspec.json.decode(content)), sep="\n", end="")


if __name__ == "__main__":
    main(sys.argv[1:])
