"""The table of the SDK's types: it is up to date, and every endpoint answers by it."""

from __future__ import annotations

import functools
import json
import subprocess
import sys
from pathlib import Path
from random import Random
from typing import Any

import httpx2
import openai
import pytest
from pydantic import TypeAdapter

import sdk_schema
import unite_schemas
from openai_mockserver import MockOpenAI, Request, sse
from openai_mockserver.api.validation import schema
from openai_mockserver.api.validation.schema import Schema, resolve


@functools.cache
def methods() -> dict[tuple[str, str], sdk_schema.Method]:
    """Return the SDK's methods by method and path; reading them takes seconds."""
    return {(method.method, method.path): method for method in sdk_schema.find_methods()}


OPERATIONS = [(method, path) for path, method in schema.operations()]
WIDER = pytest.mark.openai3("has narrower types, by which not all that the schema allows is valid")
MARKS = {
    ("POST", "/v1/responses"): [WIDER],
    ("POST", "/v1/conversations/{conversation_id}/items"): [WIDER],
    ("POST", "/v1/realtime/calls"): [
        pytest.mark.skip("its body is SDP, which no schema describes")
    ],
}


@pytest.mark.slow
def test_the_file_is_up_to_date(tmp_path: Path) -> None:
    if openai.__version__ > schema.version():
        pytest.skip(f"the file is of openai {schema.version()} and older")
    file = tmp_path / "schema.json"
    subprocess.run([sys.executable, sdk_schema.__file__, file], check=True)
    process = subprocess.run(
        [sys.executable, unite_schemas.__file__, "--compare", file],
        check=True,
        capture_output=True,
        text=True,
    )
    assert " knows all of " in process.stdout, "run scripts/schema"
    assert "changed" not in process.stdout


def test_the_file_has_endpoints_of_older_releases() -> None:
    assert ("POST", "/v1/evals/{eval_id}/runs/{run_id}") in OPERATIONS  # a path of 2.x


def test_creating_a_mock_reads_no_schema() -> None:
    code = (
        "from openai_mockserver import MockOpenAI; "
        "from openai_mockserver.api.validation import schema; "
        "mock = MockOpenAI(); mock.reply('Hi'); print(schema._load_file.cache_info().currsize)"
    )
    process = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert process.stdout == "0\n"


def generate_value(schema_: Schema, rng: Random, depth: int = 0) -> Any:
    """Return a random value that matches a schema and is within all bounds."""
    if schema_.get("nullable") and rng.random() < 0.3:
        return None
    schema_ = resolve(schema_)
    if "anyOf" in schema_:
        branches = schema_["anyOf"][:1] if depth > 4 else schema_["anyOf"]
        return generate_value(rng.choice(branches), rng, depth + 1)
    if "enum" in schema_:
        return rng.choice(schema_["enum"])
    if schema_.get("type") == "object":
        members = {
            name: generate_value(inner, rng, depth + 1)
            for name, inner in schema_.get("properties", {}).items()
            if name in schema_.get("required", ()) or (depth < 3 and rng.random() < 0.3)
        }
        if "additionalProperties" in schema_:
            members["key"] = generate_value(schema_["additionalProperties"], rng, depth + 1)
        return members
    if schema_.get("type") == "array":
        return [
            generate_value(schema_.get("items", {}), rng, depth + 1)
            for _ in range(rng.randint(1, 2))
        ]
    if schema_.get("format") == "binary":
        return rng.randbytes(9)
    scalars: dict[Any, Any] = {
        "string": rng.choice(["", "a", "naïve 😀", "1"]),
        "integer": rng.randint(1, 2),
        "number": rng.choice([1, 0.5]),
        "boolean": rng.random() < 0.5,
        None: rng.choice(["any", 1, {}]),
    }
    return scalars[schema_.get("type")]


def flatten(value: Any, name: str) -> list[tuple[str, Any]]:
    """Return a value as the fields of a form or a query."""
    if isinstance(value, dict):
        return [
            pair for k, v in value.items() for pair in flatten(v, f"{name}[{k}]" if name else k)
        ]
    if isinstance(value, list):
        return [pair for v in value for pair in flatten(v, f"{name}[]")]
    return [] if value is None else [(name, value)]


def scalar_text(scalar: Any) -> str:
    """Return a scalar as a form or a query holds it."""
    return str(scalar).lower() if isinstance(scalar, bool) else str(scalar)


QUESTIONS = [
    {"type": "choice", "instructions": "?", "choices": [{"value": "a"}, {"value": True}]},
    {"type": "score", "instructions": "?", "levels": [{"label": "a"}]},
    {"type": "predicate", "instructions": [{"type": "input_text", "text": "?"}]},
]
LIVE_SESSION: dict[str, Any] = {
    "model": "gpt-live-1",
    "audio": {"output": {"voice": {"id": "voice_1"}}},
    "delegation": {"type": "decisions", "decisions": {"model": "m", "questions": QUESTIONS}},
    "input": [{"role": "user", "content": [{"text": "Hi"}]}],
    "store": True,
}
LIVE = "/v1/live/sessions"
MEANINGFUL: dict[tuple[str, str], dict[str, Any]] = {
    ("POST", "/v1/webhook_endpoints"): {"url": "http://127.0.0.1:1/hook"},
    ("POST", "/v1/decisions"): {"questions": QUESTIONS},
    ("POST", LIVE): {"session": LIVE_SESSION},
    ("POST", f"{LIVE}/{{session_id}}/accept"): {"session": {"type": "live"} | LIVE_SESSION},
    ("POST", f"{LIVE}/{{session_id}}/refer"): {"target_uri": "tel:+14155550123"},
    ("POST", f"{LIVE}/{{session_id}}/reject"): {"status_code": 486},
}
"""Values that need a meaning that the schema does not have."""


def build_request(method: str, path: str, rng: Random) -> httpx2.Request:
    """Return a random request that the schema allows."""
    operation, meaningful = schema.operation(method, path), MEANINGFUL.get((method, path), {})
    for part in path.split("/"):
        if part.startswith("{"):
            path = path.replace(part, f"{part[1:-1]}_{rng.randrange(10**9)}")
    query = flatten(generate_value(operation.query, rng), "") if operation.query else []
    url = httpx2.URL(f"http://mock{path}", params=[(k, scalar_text(v)) for k, v in query])
    body = generate_value(operation.body, rng) if operation.body else None
    if isinstance(body, dict):
        body |= meaningful
        body.pop("max_completion_tokens", None)  # it excludes max_tokens
    if not operation.form:
        return httpx2.Request(method, url, json=body)
    fields = flatten(body or {}, "")
    files = [(k, ("a.txt", v)) for k, v in fields if isinstance(v, bytes)]
    data: dict[str, Any] = {}
    for name, value in fields:
        if not isinstance(value, bytes):
            data.setdefault(name, []).append(scalar_text(value))
    return httpx2.Request(method, url, data=data, files=files)


COMPLETIONS = "/v1/completions"
SESSIONS = "/v1/agents/sessions"  # whose method states no type of events
EVENTS = f"{SESSIONS}/{{session_id}}/events"
UNSUPPORTED = "openai-mockserver does not implement"
UNSTREAMED = "but not with a stream"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("method", "path"),
    [pytest.param(*one, id=" ".join(one), marks=MARKS.get(one, ())) for one in OPERATIONS],
)
def test_every_endpoint_answers_valid_requests_with_the_sdks_types(method: str, path: str) -> None:
    if (method, path) not in methods():
        pytest.skip(f"openai {openai.__version__} does not have this endpoint")
    sdk = methods()[method, path]
    event_type = methods()["GET", EVENTS].answer if path == SESSIONS else sdk.event
    answer, event = (TypeAdapter(kind) for kind in (sdk.answer, event_type))
    with MockOpenAI(default=lambda request: "Hello", seed=0) as mock:
        for seed in range(5):
            rng = Random(f"{seed} {method} {path}")
            sent_request = build_request(method, path, rng)
            sent_request.read()
            call = mock.respond(
                Request(
                    method,
                    sent_request.url.path,
                    sent_request.headers.multi_items(),
                    sent_request.content,
                    sent_request.url.query.decode(),
                )
            )
            body = sse.body(call.script.steps)
            if call.status == 501:
                message = json.loads(body)["error"]["message"]
                assert UNSUPPORTED in message or UNSTREAMED in message
                continue
            assert call.status in (200, 201, 202), (sent_request.content, sent_request.url, body)
            if call.script.is_stream:
                events = [e for e in sse.decode(body) if e.data != "[DONE]"]
                assert events
                for one in events:
                    is_of_run = (one.event or "").startswith("thread.")
                    # The SDK adds the name of the event, which is not in its data.
                    data = f'{{"event":"{one.event}","data":{one.data}}}' if is_of_run else one.data
                    # OpenAI sends null until a choice has finished; the SDK's type lacks it.
                    fixed_data = data.replace('"finish_reason":null', '"finish_reason":"stop"')
                    event.validate_json(fixed_data if path == COMPLETIONS else data, strict=True)
            elif sdk.answer is not None:
                answer.validate_json(body, strict=True)


def list_input_kinds() -> list[Schema]:
    """Return the schemas of all items that the input of a response can have."""
    body = schema.operation("POST", "/v1/responses").body or {}
    (items,) = (one for one in body["properties"]["input"]["anyOf"] if one.get("type") == "array")
    kinds: list[Schema] = items["items"]["anyOf"]
    return [one for one in kinds if one["$ref"] not in ("ItemReference", "CompactionTrigger")]


@pytest.mark.slow
@pytest.mark.parametrize("kind", list_input_kinds(), ids=lambda kind: kind["$ref"])
def test_input_items_of_every_kind_are_listed(kind: Schema) -> None:
    path = "/v1/responses/{response_id}/input_items"
    sdk = methods()["GET", path]
    answer: TypeAdapter[Any] = TypeAdapter(sdk.answer)
    mock = MockOpenAI(default=lambda request: "Hello", seed=0)
    for seed in range(5):
        item = generate_value(kind, Random(f"{seed} {kind}"))
        body = json.dumps({"model": "gpt-4o", "input": [item]}).encode()
        created = mock.respond(Request("POST", "/v1/responses", body=body))
        assert created.status == 200, sse.body(created.script.steps)
        id = json.loads(sse.body(created.script.steps))["id"]
        call = mock.respond(Request("GET", path.replace("{response_id}", id)))
        page = sse.body(call.script.steps)
        (listed,) = json.loads(page)["data"]
        assert listed["type"] == (item.get("type") or "message")
        answer.validate_json(page, strict=True)


ODD_VALUES: list[Any] = [None, True, 0, -1, 1.5, 10**30, "", "x" * 99, [], {}, [[]], [None]]
ODD_VALUES += [{"type": "x"}, {"type": None}, {"type": ["a"]}, [{"type": {}}], {"role": []}]


def damage(value: Any, rng: Random) -> Any:
    """Return a copy of a value, with random members replaced, removed or added."""
    if rng.random() < 0.15:
        return rng.choice(ODD_VALUES)
    if isinstance(value, dict):
        members = {k: damage(v, rng) for k, v in value.items() if rng.random() > 0.05}
        return members | ({"more": 1} if rng.random() < 0.05 else {})
    if isinstance(value, list):
        return [damage(item, rng) for item in value]
    return value.hex() if isinstance(value, bytes) else value


def test_invalid_requests_are_answered() -> None:
    mock = MockOpenAI(default=lambda request: "Hello", seed=0)
    for seed, (method, path) in enumerate(OPERATIONS * 3):
        rng, operation = Random(seed), schema.operation(method, path)
        for part in path.split("/"):
            if part.startswith("{"):
                path = path.replace(part, rng.choice(["a", "é", "..", "a b", "%"]))
        body = json.dumps(damage(generate_value(operation.body or {}, rng), rng)).encode()
        names = (operation.query or {}).get("properties", {})
        query = "&".join(f"{n}={rng.choice(['', '-1', 'x', 'true', '9' * 20])}" for n in names)
        call = mock.respond(Request(method, path, (), body, query))
        assert call.problem is None
        assert call.status in (200, 201, 202, 400, 404, 409, 501)  # 404: a call that has ended
