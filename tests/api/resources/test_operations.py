"""What a request gives to create a thing is what is answered, and found again."""

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


def ask(mock: MockOpenAI, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
    content = b"" if body is None else json.dumps(body).encode()
    call = mock.respond(Request(method, path, body=content))
    assert call.status == 200, sse.body(call.script.steps)
    return json.loads(sse.body(call.script.steps))


# What things are called


def test_a_container_is_a_container_that_runs(client: openai.OpenAI) -> None:
    made = client.containers.create(name="box")
    assert (made.object, made.status, made.name) == ("container", "running", "box")
    assert client.containers.retrieve(made.id).to_dict() == made.to_dict()
    assert [one.object for one in client.containers.list()] == ["container"]
    unseen = client.containers.retrieve("cntr_unseen")
    assert (unseen.object, unseen.status) == ("container", "running")


@pytest.mark.parametrize(
    ("path", "called"),
    [
        ("/v1/containers/cntr_1", "container.deleted"),
        ("/v1/evals/eval_1", "eval.deleted"),
        ("/v1/evals/eval_1/runs/evalrun_1", "eval.run.deleted"),
        ("/v1/models/ft:gpt-4o", "model"),
        ("/v1/organization/groups/g/roles/r", "group.role.deleted"),
        ("/v1/projects/p/users/u/roles/r", "user.role.deleted"),
    ],
)
def test_what_is_deleted_is_called_so(path: str, called: str) -> None:
    assert ask(MockOpenAI(), "DELETE", path)["object"] == called


def test_a_page_is_a_list() -> None:
    path = "/v1/fine_tuning/checkpoints/ft:x/permissions"
    assert ask(MockOpenAI(), "POST", path, {"project_ids": ["p"]})["object"] == "list"


# What is given


def test_an_eval_tells_what_it_was_given(client: openai.OpenAI) -> None:
    item: dict[str, object] = {"type": "object", "properties": {"label": {"type": "string"}}}
    made = client.evals.create(
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
    whole = {"type": "object", "properties": {"item": item}, "required": ["item"]}
    assert made.data_source_config.to_dict() == {"type": "custom", "schema": whole}
    (criterion,) = made.testing_criteria
    told = criterion.to_dict()
    assert (told["labels"], told["passing_labels"]) == (["good", "bad"], ["good"])
    assert told["input"] == [{"role": "developer", "content": "Say {{item.label}}"}]
    assert client.evals.retrieve(made.id).to_dict() == made.to_dict()


def test_a_client_secret_tells_its_session(client: openai.OpenAI) -> None:
    made = client.realtime.client_secrets.create(
        expires_after={"anchor": "created_at", "seconds": 60},
        session={
            "type": "realtime",
            "model": "gpt-realtime",
            "instructions": "Be brief.",
            "audio": {"output": {"voice": "marin"}},
        },
    )
    session: Any = made.session.to_dict()
    assert (session["type"], session["model"]) == ("realtime", "gpt-realtime")
    assert session["instructions"] == "Be brief."
    assert session["audio"]["output"]["voice"] == "marin"


def test_a_change_of_a_part_leaves_the_rest() -> None:
    mock = MockOpenAI()
    agent = {"model": "gpt-5", "instructions": "Be brief.", "tools": []}
    made = ask(
        mock, "POST", "/v1/agents/sessions", {"agent": agent, "environment": {"type": "none"}}
    )
    assert made["agent"]["instructions"] == "Be brief."
    changed = ask(
        mock, "POST", f"/v1/agents/sessions/{made['id']}", {"agent": {"model": "gpt-5.1"}}
    )
    assert changed["agent"] == made["agent"] | {"model": "gpt-5.1"}


# Of all things


def samples(schema: Schema, depth: int = 0) -> list[Any]:
    """Values of a schema, with all members."""
    schema = resolve(schema)
    if depth > 8:
        return []
    if "anyOf" in schema:
        return [value for one in schema["anyOf"] for value in samples(one, depth + 1)[:2]][:6]
    if "enum" in schema:
        return list(schema["enum"][:1])
    if schema.get("type") == "array":
        return [[value] for value in samples(schema.get("items", {}), depth + 1)[:2]]
    if schema.get("type") != "object":
        return _PLAIN.get(schema.get("type"), [])
    found = {name: samples(one, depth + 1) for name, one in schema.get("properties", {}).items()}
    known = {name: values for name, values in found.items() if values}
    most = min(3, max(map(len, known.values()), default=0))
    return [
        {name: values[min(n, len(values) - 1)] for name, values in known.items()}
        for n in range(most)
    ] or [{"k": "v"}]


_PLAIN: dict[Any, list[Any]] = {
    "string": ["text"],
    "integer": [7],
    "number": [0.5],
    "boolean": [True],
    None: [{"k": "v"}],
}

# Members of the same name that are something else in the answer.
OTHERS = {
    ("/v1/chat/completions", "moderation"),  # the request's are settings, the answer's results
    ("/v1/responses", "moderation"),
    ("/v1/responses", "conversation"),  # answered in files of their own
    ("/v1/responses", "image"),
    ("/v1/responses/compact", "image"),
    ("/v1/threads/{thread_id}/messages", "content"),
    ("/v1/evals", "data_source_config"),
    ("/v1/vector_stores/{vector_store_id}/files", "chunking_strategy"),
    ("/v1/live/sessions", "session"),  # the answer has an id alone
    ("/v1/live/sessions/{session_id}/fork", "session"),
    ("/v1/realtime/sessions", "client_secret"),
    ("/v1/realtime/transcription_sessions", "client_secret"),
    ("/v1/vaults/{vault_id}/credentials/{credential_id}", "auth"),  # some are but a secret
}


def common_members() -> Iterator[tuple[str, str, Schema, Schema]]:
    """The members that the body of a POST and its answer both have."""
    for path, method in operations():
        known = operation(method, path)
        if method == "POST" and known.body is not None and known.answer is not None:
            asked, told = (resolve(one).get("properties", {}) for one in (known.body, known.answer))
            for name in asked:
                if name in told and (path, name) not in OTHERS:
                    yield path, name, asked[name], told[name]


def test_no_member_that_an_answer_has_too_is_lost() -> None:
    rng, lost, count = Random(1), [], 0
    for path, name, asked, told in common_members():
        for value in samples(asked):
            count += 1
            found = adapt_members({name: told}, {name: value}, rng)
            if name not in found or not fits(told, found[name]):
                lost.append((path, name, value))
    assert lost == []
    assert count > 400


def test_what_has_nothing_in_common_is_left_out() -> None:
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
