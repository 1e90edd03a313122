"""The OpenAI SDK that is installed as a table: its methods as endpoints, its types as JSON Schema.

Writes the file that it is given. `scripts/schema` unites the tables of several releases.

Rules of this file: endpoints are read from the SDK's source, types from its classes, by one walker
for parameters (`TypedDict`) and answers (models) alike. Nothing is known here of single endpoints.
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
    """Schemas of the SDK's types; those of its classes are kept under their names."""

    def __init__(self) -> None:
        self.definitions: dict[str, Schema] = {}
        self._names: dict[Any, str] = {}

    def schema(self, kind: Any) -> Schema:
        """The schema of a type."""
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
            return {"$ref": self._named(kind)}
        raise TypeError(f"a type that the walker does not know: {kind!r}")

    def _named(self, kind: Any) -> str:
        if kind not in self._names:
            plain = kind.__name__.partition("[")[0]  # of a page of something
            name, n = plain, 1
            while name in self.definitions:
                n += 1
                name = f"{plain}{n}"
            self._names[kind] = name
            self.definitions[name] = {}
            self.definitions[name] = self._class(kind)
        return self._names[kind]

    def _class(self, kind: Any) -> Schema:
        if typing_extensions.is_typeddict(kind):
            return self._object(key[1:] for key in _keys(kind))
        if issubclass(kind, BaseModel):
            return self._object(
                (field.alias or name, field.annotation, field.is_required())
                for name, field in kind.model_fields.items()
            )
        raise TypeError(f"a class that the walker does not know: {kind!r}")

    def _object(self, members: Iterable[tuple[str, Any, bool]]) -> Schema:
        described = [(name, self.schema(kind), needed) for name, kind, needed in members]
        made: Schema = {
            "type": "object",
            "properties": {name: schema for name, schema, _ in described},
        }
        if required := [name for name, _, needed in described if needed]:
            made["required"] = required
        return made


_REQUIRED: tuple[Any, ...] = (typing.Required, typing_extensions.Required)
_WRAPPERS: tuple[Any, ...] = (
    *_REQUIRED,
    typing.Annotated,
    typing.NotRequired,
    typing_extensions.NotRequired,
)
_ARRAYS = (list, Iterable, Sequence, openai._types.SequenceNotStr)
_FILES = (typing.IO, io.IOBase, os.PathLike, tuple)  # as `FileTypes` has them


def _keys(kind: Any) -> Iterator[tuple[str, str, Any, bool]]:
    """A TypedDict's keys: their name, the name as it is sent, the type, whether required."""
    hints = typing_extensions.get_type_hints(kind, include_extras=True)
    for name, hint in hints.items():
        required = name in kind.__required_keys__ and kind.__total__
        if typing.get_origin(hint) in _REQUIRED:
            required, hint = True, typing.get_args(hint)[0]
        notes = getattr(hint, "__metadata__", ())  # of what is annotated
        aliases = [note.alias for note in notes if isinstance(note, PropertyInfo) and note.alias]
        yield name, aliases[0] if aliases else name, hint, required


def any_of(schemas: Sequence[Schema]) -> Schema:
    """One of several, flat and without repetition; literals become one enum."""
    flat: list[Schema] = []
    literals: dict[Any, None] = {}
    nullable = False
    for schema in schemas:
        nullable = nullable or schema == _NULL or schema.get("nullable", False)
        bare = {key: value for key, value in schema.items() if key != "nullable"}
        for part in bare.get("anyOf", [bare]):
            if "enum" in part:
                literals |= dict.fromkeys(part["enum"])
            elif part not in flat and part != _NULL:
                flat.append(part)
    # Any string may be said where some are suggested.
    if literals and not (_SCALARS[str] in flat and all(isinstance(one, str) for one in literals)):
        flat.append({"enum": list(literals)})
    made = flat[0] if len(flat) == 1 else {"anyOf": flat}
    return made | {"nullable": True} if nullable else made


# Endpoints


@dataclass(frozen=True)
class Method:
    """A method of the SDK: what it asks and what it is answered, as the SDK's types.

    Args:
        method, path: of the request.
        query, body: the types of the parameters, and the names of those that go there; any name
            where that is None.
        form: whether files go with it.
        answer: the type of the answer; None of one that is no JSON.
        event: the type of a stream's events.
        paged: whether the answer is a page.
        binary: whether the answer is bytes.
    """

    method: str
    path: str
    query: tuple[list[Any], set[str] | None] | None
    body: tuple[list[Any], set[str] | None] | None
    form: bool
    answer: Any
    event: Any
    paged: bool
    binary: bool


def methods() -> Iterator[Method]:
    """What the SDK can ask for; the longhand of each request before its shorthands."""
    root = Path(openai.__file__).parent
    found: set[tuple[str, str]] = set()
    for file in sorted((root / "resources").rglob("*.py")):
        parts = file.relative_to(root.parent).with_suffix("").parts
        names = vars(importlib.import_module(".".join(parts).removesuffix(".__init__")))
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Call) and _is_request(node):
                method = _method(node, names)
                key = method.method, method.path
                # A query in a path asks for a preview of another endpoint's next version.
                if key not in found and "?" not in method.path:
                    found.add(key)
                    yield method


def _is_request(call: ast.Call) -> bool:
    return (
        isinstance(call.func, ast.Attribute)
        and call.func.attr in _METHODS
        and isinstance(call.func.value, ast.Name)
        and call.func.value.id == "self"
    )


def _method(call: ast.Call, names: dict[str, Any]) -> Method:
    given = {keyword.arg: keyword.value for keyword in call.keywords}
    options = given.get("options")
    told = {k.arg: k.value for k in options.keywords} if isinstance(options, ast.Call) else {}
    assert isinstance(call.func, ast.Attribute)
    method = _METHODS[call.func.attr]
    if isinstance(said := given.get("method"), ast.Constant):
        method = str(said.value).upper()
    where = call.args[0]
    path = where.args[0] if isinstance(where, ast.Call) else where
    assert isinstance(path, ast.Constant)
    answer = _value(given.get("page") or given.get("cast_to"), names)
    binary = answer is _legacy_response.HttpxBinaryResponseContent
    stream = typing.get_args(_value(given.get("stream_cls"), names))
    return Method(
        method,
        PREFIX + str(path.value),
        _transformed(told.get("query"), names),
        _transformed(given.get("body"), names),
        "files" in given,
        None if binary or answer in (None, NoneType, str) else answer,
        stream[0] if stream else None,
        "page" in given,
        binary,
    )


def _transformed(
    node: ast.expr | None, names: dict[str, Any]
) -> tuple[list[Any], set[str] | None] | None:
    """The types of what goes through ``maybe_transform``, and the names of what is sent of them."""
    if not (isinstance(node, ast.Call) and len(node.args) == 2):
        return None
    value, kind = node.args
    kinds: list[Any] = []
    for branch in [kind.body, kind.orelse] if isinstance(kind, ast.IfExp) else [kind]:
        meant = _value(branch, names)
        kinds += typing.get_args(meant) if typing.get_origin(meant) is typing.Union else [meant]
    if not isinstance(value, ast.Dict):
        return kinds, None
    return kinds, {str(key.value) for key in value.keys if isinstance(key, ast.Constant)}


def _value(node: ast.expr | None, names: dict[str, Any]) -> Any:
    """What an expression of the SDK's source means, of types only."""
    if node is None:
        return None
    try:
        return eval(compile(ast.Expression(node), "<the SDK>", "eval"), {**names})
    except NameError:
        return None  # it depends on the call: a type that the caller chooses


def endpoints(known: Types) -> dict[str, dict[str, Schema]]:
    """What the SDK can ask for, by path and method."""
    found: dict[str, dict[str, Schema]] = {}
    for method in methods():
        endpoint: Schema = {}
        for part, asked in (("query", method.query), ("body", method.body)):
            if asked is not None:
                endpoint[part] = _parameters(*asked, method.path, known)
        if method.form:
            endpoint["form"] = True
        if method.binary:
            endpoint["binary"] = True
        if method.answer is not None:
            endpoint["answer"] = known.schema(method.answer)
        if method.paged:
            endpoint["list"] = True
        if method.event is not None:
            endpoint["event"] = known.schema(method.event)
        found.setdefault(method.path, {})[method.method] = endpoint
    return {path: dict(sorted(found[path].items())) for path in sorted(found)}


def _parameters(kinds: list[Any], names: set[str] | None, path: str, known: Types) -> Schema:
    """Parameters that differ in whether they stream, as one: required is what all require.

    A type has the parameters of the path, the query and the body together.
    """
    if not all(map(typing_extensions.is_typeddict, kinds)):
        (kind,) = kinds
        return known.schema(kind)
    schemas: dict[str, list[Schema]] = {}
    needed: dict[str, int] = {}
    for kind in kinds:
        for name, sent, hint, required in _keys(kind):
            if (names is None or name in names) and f"{{{name}}}" not in path:
                schemas.setdefault(sent, []).append(known.schema(hint))
                needed[sent] = needed.get(sent, 0) + required
    made: Schema = {
        "type": "object",
        "properties": {name: any_of(several) for name, several in schemas.items()},
    }
    if always := [name for name in schemas if needed[name] == len(kinds)]:
        made["required"] = always
    return made


# The file


def _without_repetition(paths: Any, definitions: dict[str, Schema]) -> tuple[Any, Any]:
    """Equal definitions under one name, and none that nothing refers to."""
    while True:
        by_text: dict[bytes, str] = {}
        renamed: dict[str, str] = {}
        for name, schema in definitions.items():
            first = by_text.setdefault(msgspec.json.encode(schema), name)
            if first != name:
                renamed[name] = first
        if not renamed:
            break
        definitions = {
            k: rename_references(v, renamed) for k, v in definitions.items() if k not in renamed
        }
        paths = rename_references(paths, renamed)
    used = set(_references(paths))
    while more := {r for name in used for r in _references(definitions[name])} - used:
        used |= more
    return paths, {name: definitions[name] for name in sorted(used)}


def rename_references(value: Any, names: dict[str, str]) -> Any:
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


def table() -> dict[str, Any]:
    """The endpoints and the types of the SDK that is installed."""
    known = Types()
    found = endpoints(known)
    return {"openai": openai.__version__, "paths": found, "$defs": known.definitions}


def encode(table: Mapping[str, Any]) -> bytes:
    """The content of a file that has this table: an endpoint or a type in a line."""
    paths, definitions = _without_repetition(table["paths"], table["$defs"])
    paths = {path: dict(sorted(paths[path].items())) for path in sorted(paths)}
    lines = [f'{{"openai":"{table["openai"]}","paths":{{']
    lines.append(",\n".join(_line(name, value) for name, value in paths.items()))
    lines.append('},"$defs":{')
    lines.append(",\n".join(_line(name, value) for name, value in definitions.items()))
    return "\n".join([*lines, "}}", ""]).encode()


def _line(name: str, value: Any) -> str:
    return f'"{name}":{msgspec.json.encode(value).decode()}'


def compare(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[str]:
    """Say in what two tables differ, an endpoint or a type in a line."""
    for part, kind in (("paths", "endpoint"), ("$defs", "type")):
        for name in sorted(old[part].keys() | new[part].keys()):
            one, other = old[part].get(name), new[part].get(name)
            if one != other:
                change = "added" if one is None else "removed" if other is None else "changed"
                yield f"{change}: {kind} {name}"


def decode(file: Path) -> Any:
    """The table that a file has."""
    return msgspec.json.decode(file.read_bytes())


if __name__ == "__main__":
    # In a process of its own: of literals that are equal but for their order, `typing` remembers
    # the one that was imported first.
    Path(sys.argv[1]).write_bytes(encode(table()))
