"""Structured outputs: what OpenAI demands of a JSON Schema that is to be kept strictly.

Rules of this file: a request in, the first error or None out. The messages are OpenAI's: the first
is in WIRE.md §6, the rules in its guide to structured outputs.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from openai_mockserver.reply import ApiError

__all__ = ["check_structured"]


def check_structured(request: Mapping[str, Any]) -> ApiError | None:
    """The error for a strict schema that OpenAI does not take.

    Args:
        request: the parameters of a chat completion or a response, whose types are right.
    """
    for what, schema, place, code in _strict(request):
        if isinstance(schema, dict) and (wrong := _wrong(schema, ())):
            context, told = wrong
            message = f"Invalid schema for {what}: In context={context!r}, {told}"
            return ApiError(400, message, None, code, place)
    return None


def _strict(request: Mapping[str, Any]) -> Iterator[tuple[str, Any, str, str]]:
    """Each schema to be kept strictly: of what, its place in the request, the error's code."""
    wanted = request.get("response_format")
    if isinstance(wanted, dict) and wanted.get("type") == "json_schema":
        inner = wanted["json_schema"]
        if inner.get("strict"):
            name = f"response_format '{inner.get('name')}'"
            yield name, inner.get("schema"), "response_format", "invalid_json_schema"
    text = request.get("text")
    wanted = text.get("format") if isinstance(text, dict) else None
    if isinstance(wanted, dict) and wanted.get("type") == "json_schema" and wanted.get("strict"):
        name = f"response_format '{wanted.get('name')}'"
        yield name, wanted.get("schema"), "text.format.schema", "invalid_json_schema"
    tools = request.get("tools")
    for index, tool in enumerate(tools if isinstance(tools, list) else ()):
        inside = isinstance(tool, dict) and isinstance(tool.get("function"), dict)
        function = tool["function"] if inside else tool
        if isinstance(function, dict) and function.get("strict"):
            place = f"tools[{index}]{'.function' * inside}.parameters"
            name = f"function '{function.get('name')}'"
            yield name, function.get("parameters"), place, "invalid_function_parameters"


def _wrong(schema: Any, context: tuple[str, ...]) -> tuple[tuple[str, ...], str] | None:
    """Where a schema is wrong, and how."""
    if not isinstance(schema, dict):
        return None
    properties = schema.get("properties")
    if schema.get("type") == "object" or isinstance(properties, dict):
        if schema.get("additionalProperties") is not False:
            return context, "'additionalProperties' is required to be supplied and to be false."
        required = schema.get("required")
        named = properties if isinstance(properties, dict) else {}
        missing = [n for n in named if not (isinstance(required, list) and n in required)]
        if missing:
            return context, (
                "'required' is required to be supplied and to be an array including every key in "
                f"properties. Missing '{missing[0]}'."
            )
    for place, inner in _inner(schema):
        if (wrong := _wrong(inner, (*context, *place))) is not None:
            return wrong
    return None


def _inner(schema: dict[str, Any]) -> Iterator[tuple[tuple[str, ...], Any]]:
    """The schemas inside one, and where they are."""
    for name in ("properties", "$defs", "definitions"):
        if isinstance(schema.get(name), dict):
            for key, inner in schema[name].items():
                yield (name, key), inner
    if "items" in schema:
        yield ("items",), schema["items"]
    for index, inner in enumerate(schema.get("anyOf") or ()):
        yield ("anyOf", str(index)), inner
