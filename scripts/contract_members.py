"""Writes which members of answers OpenAI's document requires and the SDK's types leave open.

``contract_members.py DOCUMENT`` reads OpenAI's OpenAPI document and writes
``api/validation/answer_members.json``. In the SDK, each member that may be null may also be
missing; the document says which of them are always there.

Rules of this file: only names of members are taken, by the SDK's name of their type. A type that
requests have too is left out, and so is a member that one operation requires and another does not.
"""

from __future__ import annotations

import json
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from openai_mockserver.api.validation import schema as sdk

FILE = Path(sdk.__file__).parent / "answer_members.json"
DEPTH = 8

Schema = dict[str, Any]


class Members:
    """What the document says of the members of the SDK's types.

    Args:
        document: OpenAI's document.
    """

    def __init__(self, document: Schema) -> None:
        self._document = document
        self._types = sdk.read_definitions()
        # By type and member: whether each place at which it occurs requires it, and allows null.
        self._found: dict[str, dict[str, set[tuple[bool, bool]]]] = defaultdict(
            lambda: defaultdict(set)
        )
        self._seen: set[tuple[str, int]] = set()

    def read(self) -> dict[str, dict[str, list[str]]]:
        """Return the required members by type: those that may be null, and the others."""
        for path, method in sdk.operations():
            self._read_operation(method, path)
        in_requests = set(self._find_request_types())
        lists: dict[str, dict[str, list[str]]] = {"null": {}, "value": {}}
        for name, members in sorted(self._found.items()):
            if name in in_requests:
                continue
            for kind, wanted in (("null", (True, True)), ("value", (True, False))):
                known = self._types[name].get("required", ()) if kind == "null" else ()
                names = [
                    member
                    for member, places in members.items()
                    if places == {wanted} and member not in known
                ]
                if names:
                    lists[kind][name] = sorted(names)
        return lists

    def _find_request_types(self) -> Iterator[str]:
        """Yield the names of all types that parameters have."""
        waiting: list[Any] = []
        for path, method in sdk.operations():
            operation = sdk.operation(method, path)
            waiting += [operation.body, operation.query]
        seen = set()
        while waiting:
            value = waiting.pop()
            if isinstance(value, dict):
                name = value.get("$ref")
                if isinstance(name, str) and name not in seen:
                    seen.add(name)
                    yield name
                    waiting.append(self._types[name])
                waiting += value.values()
            elif isinstance(value, list):
                waiting += value

    def _read_operation(self, method: str, path: str) -> None:
        item = self._document["paths"].get(path.removeprefix("/v1"), {})
        responses = item.get(method.lower(), {}).get("responses", {})
        answer = sdk.operation(method, path).answer
        for status, response in responses.items():
            content = response.get("content") or {}
            stated = content.get("application/json", {}).get("schema")
            if status.startswith("2") and stated is not None and answer is not None:
                self._compare(answer, stated, 0)

    def _compare(self, own: Schema, stated: Schema, depth: int) -> None:
        """Note what the document's schema says of the members of the SDK's."""
        name = own.get("$ref")
        own, stated = self._types[name] if name else own, self._resolve(stated)
        if depth > DEPTH or (name is not None and (name, id(stated)) in self._seen):
            return
        self._seen.add((name or "", id(stated)))
        if "anyOf" in own:
            for one, other in self._pair(own["anyOf"], list(self._list_variants(stated))):
                self._compare(one, other, depth + 1)
            return
        stated = self._choose_object(stated)
        if own.get("type") == "array" and "items" in own and "items" in stated:
            self._compare(own["items"], stated["items"], depth + 1)
        elif own.get("type") == "object":
            properties, required = self._collect(stated)
            for member, schema in own.get("properties", {}).items():
                if member not in properties:
                    continue
                if name is not None and schema.get("nullable"):
                    is_required = member in required or member in own.get("required", ())
                    place = (is_required, self._is_nullable(properties[member]))
                    self._found[name][member].add(place)
                self._compare(schema, properties[member], depth + 1)

    def _resolve(self, schema: Schema) -> Schema:
        while "$ref" in schema:
            schema = self._document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
        return schema

    def _list_variants(self, schema: Schema) -> Iterator[Schema]:
        schema = self._resolve(schema)
        variants = schema.get("anyOf") or schema.get("oneOf")
        if variants is None:
            yield schema
        for variant in variants or ():
            yield from self._list_variants(variant)

    def _choose_object(self, schema: Schema) -> Schema:
        """Return the only alternative that is not null, if there are alternatives."""
        variants = [one for one in self._list_variants(schema) if one.get("type") != "null"]
        return variants[0] if len(variants) == 1 else schema

    def _pair(self, own: list[Schema], stated: list[Schema]) -> Iterator[tuple[Schema, Schema]]:
        """Yield the alternatives that belong together: those with the same ``type``."""
        for one in own:
            kinds = self._read_kinds(self._types[one["$ref"]] if "$ref" in one else one)
            for other in stated:
                if kinds and kinds == self._read_kinds(other):
                    yield one, other

    def _read_kinds(self, schema: Schema) -> list[Any]:
        kind = self._collect(schema)[0].get("type", {})
        kind = kind if isinstance(kind, dict) else {}
        kind = self._resolve(kind) if str(kind.get("$ref", "#")).startswith("#") else {}
        kinds: list[Any] = kind.get("enum") or ([kind["const"]] if "const" in kind else [])
        return kinds

    def _collect(self, schema: Schema) -> tuple[dict[str, Schema], set[str]]:
        """Return the members of an object, and the names of those that are required."""
        schema = self._resolve(schema) if str(schema.get("$ref", "")).startswith("#") else schema
        properties: dict[str, Schema] = {}
        required: set[str] = set()
        for part in schema.get("allOf", ()):
            more, names = self._collect(part)
            properties |= more
            required |= names
        return properties | schema.get("properties", {}), required | set(schema.get("required", ()))

    def _is_nullable(self, schema: Schema) -> bool:
        schema = self._resolve(schema)
        kind = schema.get("type")
        if kind == "null" or (isinstance(kind, list) and "null" in kind) or schema.get("nullable"):
            return True
        if None in schema.get("enum", ()):
            return True
        return any(self._is_nullable(x) for key in ("anyOf", "oneOf") for x in schema.get(key, ()))


def main(document: Path) -> None:
    """Write the file."""
    members = Members(yaml.load(document.read_text("utf-8"), Loader=yaml.CSafeLoader)).read()
    lines = [
        f'"{kind}":{{\n'
        + ",\n".join(f"{json.dumps(name)}:{json.dumps(names)}" for name, names in types.items())
        + "}"
        for kind, types in members.items()
    ]
    FILE.write_text("{" + ",\n".join(lines) + "}\n", "utf-8")
    counts = [sum(map(len, types.values())) for types in members.values()]
    print(f"{FILE.name}: {counts[0]} members may be null, {counts[1]} may not")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
