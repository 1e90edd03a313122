"""The OpenAPI document of the control API: it is true."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from commands import needs_index, run
from openai_mockserver.control import ROUTES, build_document
from steered import Steered


def test_each_route_is_described() -> None:
    document = build_document()
    described = {
        (method.upper(), path) for path, item in document["paths"].items() for method in item
    }
    routes = {(route.method, route.path) for route in ROUTES}
    assert described == routes | {("GET", "/_mock/openapi.json")}
    names = [op["operationId"] for item in document["paths"].values() for op in item.values()]
    assert len(set(names)) == len(names)
    references = set(re.findall(r'"#/components/schemas/(\w+)"', json.dumps(document)))
    assert references <= document["components"]["schemas"].keys()


def find_schema(method: str, path: str, status: int, media: str) -> dict[str, Any]:
    document = build_document()
    response = document["paths"][path][method.lower()]["responses"][str(status)]
    schema: dict[str, Any] = response["content"][media]["schema"]
    return {**schema, "components": document["components"]}


def test_what_is_sent_is_what_is_described(steered: Steered) -> None:
    steered.mock.on(user="Hi").reply("Hello")
    steered.mock.on(lambda request: False).reply("never")
    steered.ask(stream=True)
    with pytest.raises(Exception, match="no rule matches"):
        steered.ask("Ho")
    steered.http.post("/_mock/sandboxes", json={"id": "w1"})
    bodies: dict[str, Any] = {
        "/_mock/settings": {"seed": 1},
        "/_mock/sandboxes": {},
        "/_mock/rules": {"reply": "x"},
    }
    for route in ROUTES:
        if route.media != "application/json" or route.response is None:
            continue
        if route.method == "PUT" or (route.method != "GET" and route.path not in bodies):
            continue
        path = route.path.format(number=1, id="w1", name="x")
        body = bodies.get(route.path) if route.method != "GET" else None
        response = steered.http.request(route.method, path, json=body)
        assert response.status_code == route.status, route
        media = response.headers["content-type"]
        schema = find_schema(route.method, route.path, route.status, media)
        jsonschema.validate(response.json(), schema)
    problem = steered.http.get("/_mock/calls/99")
    media = problem.headers["content-type"]
    jsonschema.validate(problem.json(), find_schema("GET", "/_mock/calls/{number}", 404, media))


@pytest.mark.slow
@needs_index
def test_schemathesis_finds_nothing(tmp_path: Path, steered: Steered) -> None:
    """It has an environment of its own, because its pytest plugin would slow down every run."""
    run(sys.executable, "-m", "venv", tmp_path)
    run(tmp_path / "bin" / "python", "-m", "pip", "install", "--quiet", "schemathesis>=4.30")
    command = [tmp_path / "bin" / "schemathesis", "run", f"{steered.url}/_mock/openapi.json"]
    command += ["--seed=1", "--warnings=off", "--request-timeout=10", "--continue-on-failure"]
    # The one never ends, the other would send later requests to an upstream.
    endless = ("/_mock/calls/follow", "/_mock/recordings/start")
    # What rules, faults, paces and webhooks mean is more than their schema says, which is large.
    rules = ("/_mock/rules", "/_mock/settings", "/_mock/engine", "/_mock/sandboxes")
    large = (*rules, "/_mock/webhooks", "/_mock/webhooks/send")
    excluded = [word for path in (*endless, *large) for word in ("--exclude-path", path)]
    phases = "--phases=examples,coverage,fuzzing"
    run(*command, phases, "--max-examples=30", *excluded, cwd=tmp_path)
    included = [word for path in large for word in ("--include-path", path)]
    run(
        *command,
        "--phases=fuzzing",
        "--max-examples=5",
        "--exclude-checks=positive_data_acceptance",
        *included,
        cwd=tmp_path,
    )
