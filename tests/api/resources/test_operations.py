"""Created objects have the values of the request, also when they are retrieved."""

from __future__ import annotations

import json
from collections.abc import Iterator
from random import Random
from typing import Any

import openai
import pytest

from openai_mockserver import MockOpenAI, Request, sse
from openai_mockserver.api.resources.placeholders import adapt_members
from openai_mockserver.api.validation.checks import fits
from openai_mockserver.api.validation.schema import Schema, operation, operations, resolve


@pytest.fixture
def client() -> Iterator[openai.OpenAI]:
    with MockOpenAI() as mock:
        yield mock.client()


def send(mock: MockOpenAI, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
    content = b"" if body is None else json.dumps(body).encode()
    call = mock.respond(Request(method, path, body=content))
    assert call.status == 200, sse.body(call.script.steps)
    return json.loads(sse.body(call.script.steps))


# Names of objects


def test_a_container_is_running(client: openai.OpenAI) -> None:
    container = client.containers.create(name="box")
    assert (container.object, container.status, container.name) == ("container", "running", "box")
    assert client.containers.retrieve(container.id).to_dict() == container.to_dict()
    assert [item.object for item in client.containers.list()] == ["container"]
    unknown = client.containers.retrieve("cntr_unseen")
    assert (unknown.object, unknown.status) == ("container", "running")


@pytest.mark.parametrize(
    ("path", "object_name"),
    [
        ("/v1/containers/cntr_1", "container.deleted"),
        ("/v1/evals/eval_1", "eval.deleted"),
        ("/v1/evals/eval_1/runs/evalrun_1", "eval.run.deleted"),
        ("/v1/models/ft:gpt-4o", "model"),
        ("/v1/organization/groups/g/roles/r", "group.role.deleted"),
        ("/v1/projects/p/users/u/roles/r", "user.role.deleted"),
    ],
)
def test_the_name_of_a_deleted_object(path: str, object_name: str) -> None:
    assert send(MockOpenAI(), "DELETE", path)["object"] == object_name


def test_a_page_is_a_list() -> None:
    path = "/v1/fine_tuning/checkpoints/ft:x/permissions"
    assert send(MockOpenAI(), "POST", path, {"project_ids": ["p"]})["object"] == "list"


# Values of the request


def test_an_eval_has_the_values_of_the_request(client: openai.OpenAI) -> None:
    item: dict[str, object] = {"type": "object", "properties": {"label": {"type": "string"}}}
    result = client.evals.create(
        name="Labels",
        data_source_config={"type": "custom", "item_schema": item, "include_sample_schema": True},
        testing_criteria=[
            {
                "type": "label_model",
                "name": "grader",
                "model": "gpt-4o",
                "input": [{"role": "developer", "content": "Say {{item.label}}"}],
                "labels": ["good", "bad"],
                "passing_labels": ["good"],
            }
        ],
    )
    schema = {"type": "object", "properties": {"item": item}, "required": ["item"]}
    assert result.data_source_config.to_dict() == {"type": "custom", "schema": schema}
    (criterion,) = result.testing_criteria
    fields = criterion.to_dict()
    assert (fields["labels"], fields["passing_labels"]) == (["good", "bad"], ["good"])
    assert fields["input"] == [{"role": "developer", "content": "Say {{item.label}}"}]
    assert client.evals.retrieve(result.id).to_dict() == result.to_dict()


def test_a_client_secret_has_the_settings_of_its_session(client: openai.OpenAI) -> None:
    secret = client.realtime.client_secrets.create(
        expires_after={"anchor": "created_at", "seconds": 60},
        session={
            "type": "realtime",
            "model": "gpt-realtime",
            "instructions": "Be brief.",
            "audio": {"output": {"voice": "marin"}},
        },
    )
    session: Any = secret.session.to_dict()
    assert (session["type"], session["model"]) == ("realtime", "gpt-realtime")
    assert session["instructions"] == "Be brief."
    assert session["audio"]["output"]["voice"] == "marin"


def test_an_update_of_a_part_keeps_the_rest() -> None:
    mock = MockOpenAI()
    agent = {"model": "gpt-5", "instructions": "Be brief.", "tools": []}
    session = send(
        mock, "POST", "/v1/agents/sessions", {"agent": agent, "environment": {"type": "none"}}
    )
    assert session["agent"]["instructions"] == "Be brief."
    result = send(
        mock, "POST", f"/v1/agents/sessions/{session['id']}", {"agent": {"model": "gpt-5.1"}}
    )
    assert result["agent"] == session["agent"] | {"model": "gpt-5.1"}


# All endpoints


def generate_samples(schema: Schema, depth: int = 0) -> list[Any]:
    """Return sample values of a schema, with all members."""
    schema = resolve(schema)
    if depth > 8:
        return []
    if "anyOf" in schema:
        return [
            value for inner in schema["anyOf"] for value in generate_samples(inner, depth + 1)[:2]
        ][:6]
    if "enum" in schema:
        return list(schema["enum"][:1])
    if schema.get("type") == "array":
        return [[value] for value in generate_samples(schema.get("items", {}), depth + 1)[:2]]
    if schema.get("type") != "object":
        return _SCALARS.get(schema.get("type"), [])
    member_samples = {
        name: generate_samples(inner, depth + 1)
        for name, inner in schema.get("properties", {}).items()
    }
    available = {name: values for name, values in member_samples.items() if values}
    count = min(3, max(map(len, available.values()), default=0))
    return [
        {name: values[min(number, len(values) - 1)] for name, values in available.items()}
        for number in range(count)
    ] or [{"k": "v"}]


_SCALARS: dict[Any, list[Any]] = {
    "string": ["text"],
    "integer": [7],
    "number": [0.5],
    "boolean": [True],
    None: [{"k": "v"}],
}

# Members that mean something else in the answer.
DIFFERENT_MEANING = {
    ("/v1/chat/completions", "moderation"),  # the request's are settings, the answer's results
    ("/v1/responses", "moderation"),
    ("/v1/responses", "conversation"),  # have code of their own
    ("/v1/responses", "image"),
    ("/v1/responses/compact", "image"),
    ("/v1/threads/{thread_id}/messages", "content"),
    ("/v1/evals", "data_source_config"),
    ("/v1/vector_stores/{vector_store_id}/files", "chunking_strategy"),
    ("/v1/live/sessions", "session"),  # the answer only has an id
    ("/v1/live/sessions/{session_id}/fork", "session"),
    ("/v1/realtime/sessions", "client_secret"),
    ("/v1/realtime/transcription_sessions", "client_secret"),
    ("/v1/vaults/{vault_id}/credentials/{credential_id}", "auth"),  # some types only have a secret
}


def common_members() -> Iterator[tuple[str, str, Schema, Schema]]:
    """Yield the members that the body of a POST and its answer both have."""
    for path, method in operations():
        types = operation(method, path)
        if method == "POST" and types.body is not None and types.answer is not None:
            body_schemas, answer_schemas = (
                resolve(schema).get("properties", {}) for schema in (types.body, types.answer)
            )
            for name in body_schemas:
                if name in answer_schemas and (path, name) not in DIFFERENT_MEANING:
                    yield path, name, body_schemas[name], answer_schemas[name]


def test_common_members_are_kept() -> None:
    rng, missing, count = Random(1), [], 0
    for path, name, body_schema, answer_schema in common_members():
        for value in generate_samples(body_schema):
            count += 1
            members = adapt_members({name: answer_schema}, {name: value}, rng)
            if name not in members or not fits(answer_schema, members[name]):
                missing.append((path, name, value))
    assert missing == []
    assert count > 400


def test_members_without_anything_in_common_are_left_out() -> None:
    member: Schema = {
        "type": "object",
        "properties": {"type": {"enum": ["a"]}, "text": {"type": "string"}},
        "required": ["type", "text"],
    }
    rng = Random(1)
    values: list[Any] = [{"type": "b", "text": "x"}, {"type": "a", "other": 1}, "text", 1, [], {}]
    for value in values:
        assert adapt_members({"m": member}, {"m": value, "unknown": 1}, rng) == {}
    assert adapt_members({"m": member}, {"m": {"text": "x", "other": 1}}, rng) == {
        "m": {"type": "a", "text": "x"}
    }
