"""Writes the installed OpenAI SDK as a table: methods as endpoints, types as JSON Schema.

The argument is the file to write. `scripts/schema` merges the tables of several releases.

Rules of this file: read endpoints from the SDK's source and types from its classes, with one walker
for parameters (`TypedDict`) and answers (models). Nothing here is specific to an endpoint.
"""

from __future__ import annotations

import ast
import datetime
import importlib
import io
import os
import sys
import types
import typing
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec.json
import openai
import typing_extensions
from openai import _legacy_response
from openai._models import BaseModel
from openai._types import NoneType
from openai._utils import PropertyInfo
from openai._utils._typing import is_type_alias_type

FILE = (
    Path(__file__).parents[1]
    / "mockserver"
    / "openai_mockserver"
    / "api"
    / "validation"
    / "schema.json"
)
PREFIX = "/v1"

Schema = dict[str, Any]

_METHODS = {
    "_get": "GET",
    "_get_api_list": "GET",
    "_post": "POST",
    "_put": "PUT",
    "_patch": "PATCH",
    "_delete": "DELETE",
}

_NULL: Schema = {"type": "null"}
_SCALARS: dict[Any, Schema] = {
    str: {"type": "string"},
    int: {"type": "integer"},
    bool: {"type": "boolean"},
    float: {"type": "number"},
    bytes: {"type": "string", "format": "binary"},
    datetime.datetime: {"type": "string", "format": "date-time"},
    datetime.date: {"type": "string", "format": "date"},
    NoneType: _NULL,
    None: _NULL,
    Any: {},
    object: {},
}

_ANYTHING: Schema = {}


class Types:
    """Converts the SDK's types to schemas; those of its classes are stored under their names."""

    def __init__(self) -> None:
        self.definitions: dict[str, Schema] = {}
        self._names: dict[Any, str] = {}

    def schema(self, kind: Any) -> Schema:
        """Return the schema of a type."""
        if is_type_alias_type(kind):
            return self.schema(kind.__value__)
        origin: Any = typing.get_origin(kind)
        arguments = typing.get_args(kind)
        if origin in _FILES or kind in _FILES:
            return _SCALARS[bytes]
        if origin in _WRAPPERS:
            return self.schema(arguments[0])
        if origin in (typing.Literal, typing_extensions.Literal):
            return {"enum": list(arguments)}
        if origin in (typing.Union, types.UnionType):
            return any_of([self.schema(part) for part in arguments])
        if origin in _ARRAYS:
            return {"type": "array", "items": self.schema(arguments[0])}
        if origin in (dict, Mapping):
            return {"type": "object", "additionalProperties": self.schema(arguments[1])}
        if kind in (list, dict):
            return {"type": "array" if kind is list else "object"}
        if kind in _SCALARS:
            return _SCALARS[kind]
        if isinstance(kind, typing.TypeVar):
            return _ANYTHING
        if isinstance(kind, type) or typing_extensions.is_typeddict(kind):
            return {"$ref": self._define(kind)}
        raise TypeError(f"unsupported type: {kind!r}")

    def _define(self, kind: Any) -> str:
        """Return the name of a class's definition, which is created on first use."""
        if kind not in self._names:
            base_name = kind.__name__.partition("[")[0]  # a generic class has brackets
            name, n = base_name, 1
            while name in self.definitions:
                n += 1
                name = f"{base_name}{n}"
            self._names[kind] = name
            self.definitions[name] = {}
            self.definitions[name] = self._convert_class(kind)
        return self._names[kind]

    def _convert_class(self, kind: Any) -> Schema:
        if typing_extensions.is_typeddict(kind):
            return self._object(key[1:] for key in _keys(kind))
        if issubclass(kind, BaseModel):
            return self._object(
                (field.alias or name, field.annotation, field.is_required())
                for name, field in kind.model_fields.items()
            )
        raise TypeError(f"unsupported class: {kind!r}")

    def _object(self, members: Iterable[tuple[str, Any, bool]]) -> Schema:
        rows = [(name, self.schema(kind), is_required) for name, kind, is_required in members]
        result: Schema = {
            "type": "object",
            "properties": {name: schema for name, schema, _ in rows},
        }
        if required_names := [name for name, _, is_required in rows if is_required]:
            result["required"] = required_names
        return result


_REQUIRED: tuple[Any, ...] = (typing.Required, typing_extensions.Required)
_WRAPPERS: tuple[Any, ...] = (
    *_REQUIRED,
    typing.Annotated,
    typing.NotRequired,
    typing_extensions.NotRequired,
)
_ARRAYS = (list, Iterable, Sequence, openai._types.SequenceNotStr)
_FILES = (typing.IO, io.IOBase, os.PathLike, tuple)  # the members of `FileTypes`


def _keys(kind: Any) -> Iterator[tuple[str, str, Any, bool]]:
    """Yield a TypedDict's keys: name, name on the wire, type, and whether it is required."""
    hints = typing_extensions.get_type_hints(kind, include_extras=True)
    for name, hint in hints.items():
        is_required = name in kind.__required_keys__ and kind.__total__
        if typing.get_origin(hint) in _REQUIRED:
            is_required, hint = True, typing.get_args(hint)[0]
        notes = getattr(hint, "__metadata__", ())  # present on Annotated types
        aliases = [note.alias for note in notes if isinstance(note, PropertyInfo) and note.alias]
        yield name, aliases[0] if aliases else name, hint, is_required


def any_of(schemas: Sequence[Schema]) -> Schema:
    """Return a schema that allows any of several, flat and without duplicates.

    Literals become one enum.
    """
    flat: list[Schema] = []
    literals: dict[Any, None] = {}
    nullable = False
    for schema in schemas:
        nullable = nullable or schema == _NULL or schema.get("nullable", False)
        rest = {key: value for key, value in schema.items() if key != "nullable"}
        for part in rest.get("anyOf", [rest]):
            if "enum" in part:
                literals |= dict.fromkeys(part["enum"])
            elif part not in flat and part != _NULL:
                flat.append(part)
    # If any string is allowed, an enum of strings only makes suggestions.
    if literals and not (_SCALARS[str] in flat and all(isinstance(one, str) for one in literals)):
        flat.append({"enum": list(literals)})
    result = flat[0] if len(flat) == 1 else {"anyOf": flat}
    return result | {"nullable": True} if nullable else result


# Endpoints


@dataclass(frozen=True)
class Method:
    """A method of the SDK: its request and its answer, as the SDK's types.

    Args:
        method: the HTTP method of the request.
        path: the path of the request.
        query: the types of the query parameters, and their names; None allows any name.
        body: the same for the body.
        form: whether the request uploads files.
        answer: the type of the answer; None if it is not JSON.
        event: the type of a stream's events.
        is_page: whether the answer is a page.
        binary: whether the answer is bytes.
    """

    method: str
    path: str
    query: tuple[list[Any], set[str] | None] | None
    body: tuple[list[Any], set[str] | None] | None
    form: bool
    answer: Any
    event: Any
    is_page: bool
    binary: bool


def find_methods() -> Iterator[Method]:
    """Yield the SDK's methods; of several for the same endpoint, only the first."""
    root = Path(openai.__file__).parent
    known_keys: set[tuple[str, str]] = set()
    for file in sorted((root / "resources").rglob("*.py")):
        parts = file.relative_to(root.parent).with_suffix("").parts
        names = vars(importlib.import_module(".".join(parts).removesuffix(".__init__")))
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Call) and _is_request(node):
                method = _read_method(node, names)
                key = method.method, method.path
                # A query in a path requests a preview of another endpoint's next version.
                if key not in known_keys and "?" not in method.path:
                    known_keys.add(key)
                    yield method


def _is_request(call: ast.Call) -> bool:
    return (
        isinstance(call.func, ast.Attribute)
        and call.func.attr in _METHODS
        and isinstance(call.func.value, ast.Name)
        and call.func.value.id == "self"
    )


def _read_method(call: ast.Call, names: dict[str, Any]) -> Method:
    arguments = {keyword.arg: keyword.value for keyword in call.keywords}
    node = arguments.get("options")
    options = {k.arg: k.value for k in node.keywords} if isinstance(node, ast.Call) else {}
    assert isinstance(call.func, ast.Attribute)
    method = _METHODS[call.func.attr]
    if isinstance(explicit_method := arguments.get("method"), ast.Constant):
        method = str(explicit_method.value).upper()
    location = call.args[0]
    path = location.args[0] if isinstance(location, ast.Call) else location
    assert isinstance(path, ast.Constant)
    answer = _evaluate(arguments.get("page") or arguments.get("cast_to"), names)
    binary = answer is _legacy_response.HttpxBinaryResponseContent
    stream = typing.get_args(_evaluate(arguments.get("stream_cls"), names))
    return Method(
        method,
        PREFIX + str(path.value),
        _read_parameters(options.get("query"), names),
        _read_parameters(arguments.get("body"), names),
        "files" in arguments,
        None if binary or answer in (None, NoneType, str) else answer,
        stream[0] if stream else None,
        "page" in arguments,
        binary,
    )


def _read_parameters(
    node: ast.expr | None, names: dict[str, Any]
) -> tuple[list[Any], set[str] | None] | None:
    """Return the types that a call of ``maybe_transform`` names, and the keys that it sends."""
    if not (isinstance(node, ast.Call) and len(node.args) == 2):
        return None
    value, kind = node.args
    kinds: list[Any] = []
    for branch in [kind.body, kind.orelse] if isinstance(kind, ast.IfExp) else [kind]:
        result = _evaluate(branch, names)
        kinds += typing.get_args(result) if typing.get_origin(result) is typing.Union else [result]
    if not isinstance(value, ast.Dict):
        return kinds, None
    return kinds, {str(key.value) for key in value.keys if isinstance(key, ast.Constant)}


def _evaluate(node: ast.expr | None, names: dict[str, Any]) -> Any:
    """Return the type that an expression of the SDK's source denotes; None if it is not static."""
    if node is None:
        return None
    try:
        return eval(compile(ast.Expression(node), "<the SDK>", "eval"), {**names})
    except NameError:
        return None  # the caller chooses the type


def list_endpoints(converter: Types) -> dict[str, dict[str, Schema]]:
    """Return the SDK's endpoints by path and method."""
    result: dict[str, dict[str, Schema]] = {}
    for method in find_methods():
        endpoint: Schema = {}
        for part, parameters in (("query", method.query), ("body", method.body)):
            if parameters is not None:
                endpoint[part] = _merge_parameters(*parameters, method.path, converter)
        if method.form:
            endpoint["form"] = True
        if method.binary:
            endpoint["binary"] = True
        if method.answer is not None:
            endpoint["answer"] = converter.schema(method.answer)
        if method.is_page:
            endpoint["list"] = True
        if method.event is not None:
            endpoint["event"] = converter.schema(method.event)
        result.setdefault(method.path, {})[method.method] = endpoint
    return {path: dict(sorted(result[path].items())) for path in sorted(result)}


def _merge_parameters(
    kinds: list[Any], names: set[str] | None, path: str, converter: Types
) -> Schema:
    """Merge parameter types that differ in streaming; a key is required if all types require it.

    A type has the parameters of the path, the query and the body together.
    """
    if not all(map(typing_extensions.is_typeddict, kinds)):
        (kind,) = kinds
        return converter.schema(kind)
    schemas: dict[str, list[Schema]] = {}
    required_counts: dict[str, int] = {}
    for kind in kinds:
        for name, wire_name, hint, is_required in _keys(kind):
            if (names is None or name in names) and f"{{{name}}}" not in path:
                schemas.setdefault(wire_name, []).append(converter.schema(hint))
                required_counts[wire_name] = required_counts.get(wire_name, 0) + is_required
    result: Schema = {
        "type": "object",
        "properties": {name: any_of(parts) for name, parts in schemas.items()},
    }
    if required_names := [name for name in schemas if required_counts[name] == len(kinds)]:
        result["required"] = required_names
    return result


# The file


def _remove_duplicates(paths: Any, definitions: dict[str, Schema]) -> tuple[Any, Any]:
    """Merge equal definitions, and remove those that nothing refers to."""
    while True:
        by_text: dict[bytes, str] = {}
        new_names: dict[str, str] = {}
        for name, schema in definitions.items():
            first = by_text.setdefault(msgspec.json.encode(schema), name)
            if first != name:
                new_names[name] = first
        if not new_names:
            break
        definitions = {
            k: rename_references(v, new_names) for k, v in definitions.items() if k not in new_names
        }
        paths = rename_references(paths, new_names)
    references = set(_references(paths))
    while more := {r for name in references for r in _references(definitions[name])} - references:
        references |= more
    return paths, {name: definitions[name] for name in sorted(references)}


def rename_references(value: Any, names: dict[str, str]) -> Any:
    """Return a JSON value whose references have new names.

    Args:
        value: schemas, or a part of a table that holds them.
        names: new names by old name.
    """
    if isinstance(value, dict):
        return {
            k: names.get(v, v)
            if k == "$ref" and isinstance(v, str)
            else rename_references(v, names)
            for k, v in value.items()
        }
    return [rename_references(v, names) for v in value] if isinstance(value, list) else value


def _references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for key, inner in value.items():
            if key == "$ref" and isinstance(inner, str):
                yield inner
            else:
                yield from _references(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _references(inner)


def build_table() -> dict[str, Any]:
    """Return the endpoints and types of the installed SDK."""
    converter = Types()
    paths = list_endpoints(converter)
    return {"openai": openai.__version__, "paths": paths, "$defs": converter.definitions}


def encode(table: Mapping[str, Any]) -> bytes:
    """Return a table as the content of a file, with one endpoint or type per line."""
    paths, definitions = _remove_duplicates(table["paths"], table["$defs"])
    paths = {path: dict(sorted(paths[path].items())) for path in sorted(paths)}
    lines = [f'{{"openai":"{table["openai"]}","paths":{{']
    lines.append(",\n".join(_format_line(name, value) for name, value in paths.items()))
    lines.append('},"$defs":{')
    lines.append(",\n".join(_format_line(name, value) for name, value in definitions.items()))
    return "\n".join([*lines, "}}", ""]).encode()


def _format_line(name: str, value: Any) -> str:
    return f'"{name}":{msgspec.json.encode(value).decode()}'


def compare(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[str]:
    """Yield the differences of two tables, with one endpoint or type per line."""
    for part, kind in (("paths", "endpoint"), ("$defs", "type")):
        for name in sorted(old[part].keys() | new[part].keys()):
            before, after = old[part].get(name), new[part].get(name)
            if before != after:
                change = "added" if before is None else "removed" if after is None else "changed"
                yield f"{change}: {kind} {name}"


def decode(file: Path) -> Any:
    """Return the table in a file."""
    return msgspec.json.decode(file.read_bytes())


if __name__ == "__main__":
    # Run in a separate process: of literals that differ only in order, `typing` caches the one that
    # was imported first.
    Path(sys.argv[1]).write_bytes(encode(build_table()))
