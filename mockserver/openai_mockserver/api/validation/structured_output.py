"""Structured outputs: check the JSON Schemas of a request that are strict, as OpenAI does.

Rules of this file: return the first error of a request, or None. The messages are OpenAI's: the
first is in WIRE.md §6, the rules are in its guide to structured outputs.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from openai_mockserver.reply import ApiError

__all__ = ["check_structured"]


def check_structured(request: Mapping[str, Any]) -> ApiError | None:
    """Return OpenAI's error for the first invalid strict schema, or None.

    Args:
        request: the parameters of a chat completion or a response, with valid types.
    """
    for name, schema, place, code in _find_strict_schemas(request):
        if isinstance(schema, dict) and (problem := _find_problem(schema, ())):
            context, reason = problem
            message = f"Invalid schema for {name}: In context={context!r}, {reason}"
            return ApiError(400, message, None, code, place)
    return None


def _find_strict_schemas(request: Mapping[str, Any]) -> Iterator[tuple[str, Any, str, str]]:
    """Yield each strict schema as (name, schema, place in the request, code of the error)."""
    format = request.get("response_format")
    if isinstance(format, dict) and format.get("type") == "json_schema":
        json_schema = format["json_schema"]
        if json_schema.get("strict"):
            name = f"response_format '{json_schema.get('name')}'"
            yield name, json_schema.get("schema"), "response_format", "invalid_json_schema"
    text = request.get("text")
    format = text.get("format") if isinstance(text, dict) else None
    if isinstance(format, dict) and format.get("type") == "json_schema" and format.get("strict"):
        name = f"response_format '{format.get('name')}'"
        yield name, format.get("schema"), "text.format.schema", "invalid_json_schema"
    tools = request.get("tools")
    for index, tool in enumerate(tools if isinstance(tools, list) else ()):
        is_nested = isinstance(tool, dict) and isinstance(tool.get("function"), dict)
        function = tool["function"] if is_nested else tool
        if isinstance(function, dict) and function.get("strict"):
            place = f"tools[{index}]{'.function' * is_nested}.parameters"
            name = f"function '{function.get('name')}'"
            yield name, function.get("parameters"), place, "invalid_function_parameters"


def _find_problem(schema: Any, context: tuple[str, ...]) -> tuple[tuple[str, ...], str] | None:
    """Return where a schema is invalid, and why; None if it is valid."""
    if not isinstance(schema, dict):
        return None
    properties = schema.get("properties")
    if schema.get("type") == "object" or isinstance(properties, dict):
        if schema.get("additionalProperties") is not False:
            return context, "'additionalProperties' is required to be supplied and to be false."
        required = schema.get("required")
        members = properties if isinstance(properties, dict) else {}
        missing = [
            name for name in members if not (isinstance(required, list) and name in required)
        ]
        if missing:
            return context, (
                "'required' is required to be supplied and to be an array including every key in "
                f"properties. Missing '{missing[0]}'."
            )
    for place, inner in _list_subschemas(schema):
        if (problem := _find_problem(inner, (*context, *place))) is not None:
            return problem
    return None


def _list_subschemas(schema: dict[str, Any]) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Yield the schemas inside a schema, each with its place."""
    for name in ("properties", "$defs", "definitions"):
        if isinstance(schema.get(name), dict):
            for key, inner in schema[name].items():
                yield (name, key), inner
    if "items" in schema:
        yield ("items",), schema["items"]
    for index, inner in enumerate(schema.get("anyOf") or ()):
        yield ("anyOf", str(index)), inner
