"""The OpenAPI 3.1 document of the control API, made from the table of routes."""

from __future__ import annotations

import json
from collections.abc import Iterable
from functools import cache
from importlib.resources import files
from typing import Any

import msgspec

from openai_mockserver import scenario
from openai_mockserver.control.problem import PROBLEM_TYPE, ProblemShape
from openai_mockserver.control.routes import ROUTES
from openai_mockserver.control.routing import JSON, ControlRequest, Route
from openai_mockserver.control.shapes import SCHEMAS
from openai_mockserver.control.version import get_version

__all__ = ["OPENAPI_ROUTE", "build_document"]

Json = dict[str, Any]

_DESCRIPTION = """\
Steers a running openai-mockserver. Each sandbox has the same API under `/s/ID/_mock/`, without
sandboxes of its own. Bodies may be JSON or, with a content type that names it, YAML.
"""

_VARIABLES: dict[str, Json] = {
    "number": {"type": "integer", "minimum": 0, "maximum": 999_999_999},
    "id": {"type": "string", "pattern": "^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$"},
    "name": {"type": "string", "pattern": r"^[\w.-]{1,120}$"},
}


@cache
def build_document() -> Json:
    """Return the document."""
    routes = (*ROUTES, OPENAPI_ROUTE)
    types: list[Any] = list(dict.fromkeys(_list_types(routes)))
    schemas, components = msgspec.json.schema_components(types, ref_template=f"{SCHEMAS}{{name}}")
    components |= _read_scenario_schemas()
    schema_of = dict(zip(map(repr, types), schemas, strict=True))
    paths: dict[str, Json] = {}
    for route in routes:
        operation = _describe(route, schema_of)
        paths.setdefault(route.path, {})[route.method.lower()] = operation
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "openai-mockserver control",
            "version": get_version(),
            "description": _DESCRIPTION,
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [{"url": "/"}],
        "security": [{}, {"token": []}],
        "paths": paths,
        "components": {
            "schemas": components,
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }


def _read_scenario_schemas() -> Json:
    """Return the schemas of what scenario files contain, by name."""
    text = files(scenario).joinpath("scenario.schema.json").read_text("utf-8")
    definitions: Json = json.loads(text.replace('"#/$defs/', f'"{SCHEMAS}'))["$defs"]
    return definitions


def _list_types(routes: Iterable[Route]) -> Iterable[Any]:
    yield ProblemShape
    for route in routes:
        yield from route.body_shapes
        for shape in (route.body, route.response):
            if shape not in (None, Any):
                yield shape
        for field in msgspec.structs.fields(route.query):
            yield field.type


def _describe(route: Route, schema_of: dict[str, Json]) -> Json:
    parameters = [
        {"name": name, "in": "path", "required": True, "schema": _VARIABLES[name]}
        for name in route.variables
    ]
    for field in msgspec.structs.fields(route.query):
        schema = _drop_null(schema_of[repr(field.type)])
        if field.default not in (msgspec.NODEFAULT, None):
            schema = schema | {"default": field.default}
        parameters.append({"name": field.name, "in": "query", "schema": schema})
    if route.name == "followCalls":
        schema = {"type": "string"}
        parameters.append({"name": "Last-Event-ID", "in": "header", "schema": schema})
    operation: Json = {
        "operationId": route.name,
        "summary": route.summary,
        "parameters": parameters,
        "responses": _describe_responses(route, schema_of),
    }
    if route.body is not None:
        shapes = route.body_shapes or (route.body,)
        schemas = [schema_of[repr(shape)] for shape in shapes]
        schema = schemas[0] if len(schemas) == 1 else {"anyOf": schemas}
        required = not route.is_body_optional
        operation["requestBody"] = {"required": required, "content": {JSON: {"schema": schema}}}
    if route.is_open:
        operation["security"] = [{}]
    return operation


def _drop_null(schema: Json) -> Json:
    """Return the schema of a parameter, which is absent rather than null."""
    options = [one for one in schema.get("anyOf", ()) if one != {"type": "null"}]
    return options[0] if len(options) == 1 else schema


def _describe_responses(route: Route, schema_of: dict[str, Json]) -> Json:
    success: Json = {"description": route.summary}
    if route.response is not None:
        schema = schema_of[repr(route.response)]
        success["content"] = {route.media: {"schema": schema}}
    problem = {PROBLEM_TYPE: {"schema": schema_of[repr(ProblemShape)]}}
    statuses = {400, 403, 405, *route.errors}
    statuses |= set() if route.is_open else {401}
    statuses |= {404} if route.variables else set()
    statuses |= {413, 422} if route.body is not None else set()
    descriptions = {
        400: "The request cannot be read.",
        401: "The control token is missing or wrong.",
        403: "The host or the origin is not allowed.",
        404: "There is no such thing.",
        405: "The method is not allowed.",
        409: "It conflicts with what is there.",
        413: "The body is too large.",
        422: "The body is not valid.",
    }
    responses: Json = {str(route.status): success}
    for status in sorted(statuses):
        responses[str(status)] = {"description": descriptions[status], "content": problem}
    return responses


def _get_document(mock: object, request: ControlRequest) -> Json:
    return build_document()


OPENAPI_ROUTE = Route(
    method="GET",
    path="/_mock/openapi.json",
    handle=_get_document,
    name="getOpenApi",
    summary="Get this document",
    response=dict[str, Any],
)
"""The route of the document itself."""
