"""The SDK as a table: the file is what the walker makes, and every endpoint is answered by it."""

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
from openai_mockserver.api.validation.schema import Schema, resolved


@functools.cache
def methods() -> dict[tuple[str, str], sdk_schema.Method]:
    """The methods of the SDK by what they request: reading them takes seconds."""
    return {(method.method, method.path): method for method in sdk_schema.methods()}


OPERATIONS = [(method, path) for path, method in schema.operations()]
WIDER = pytest.mark.openai3("has narrower types, by which not all that the schema allows is valid")
MARKS = {
    ("POST", "/v1/responses"): [WIDER],
    ("POST", "/v1/conversations/{conversation_id}/items"): [WIDER],
}


@pytest.mark.slow
def test_the_file_knows_what_the_sdk_says(tmp_path: Path) -> None:
    if openai.__version__ > schema.version():
        pytest.skip(f"the file is of openai {schema.version()} and older")
    made = tmp_path / "schema.json"
    subprocess.run([sys.executable, sdk_schema.__file__, made], check=True)
    compared = subprocess.run(
        [sys.executable, unite_schemas.__file__, "--compare", made],
        check=True,
        capture_output=True,
        text=True,
    )
    assert " knows all of " in compared.stdout, "run scripts/schema"
    assert "changed" not in compared.stdout


def test_the_file_has_what_only_older_releases_know() -> None:
    assert ("POST", "/v1/evals/{eval_id}/runs/{run_id}") in OPERATIONS  # a path of 2.x


def test_a_mock_alone_reads_no_schema() -> None:
    code = (
        "from openai_mockserver import MockOpenAI; "
        "from openai_mockserver.api.validation import schema; "
        "mock = MockOpenAI(); mock.reply('Hi'); print(schema._file.cache_info().currsize)"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout == "0\n"


def value(given: Schema, rng: Random, depth: int = 0) -> Any:
    """A random value that is as a schema says, within all bounds."""
    if given.get("nullable") and rng.random() < 0.3:
        return None
    given = resolved(given)
    if "anyOf" in given:
        several = given["anyOf"][:1] if depth > 4 else given["anyOf"]
        return value(rng.choice(several), rng, depth + 1)
    if "enum" in given:
        return rng.choice(given["enum"])
    if given.get("type") == "object":
        members = {
            name: value(inner, rng, depth + 1)
            for name, inner in given.get("properties", {}).items()
            if name in given.get("required", ()) or (depth < 3 and rng.random() < 0.3)
        }
        if "additionalProperties" in given:
            members["key"] = value(given["additionalProperties"], rng, depth + 1)
        return members
    if given.get("type") == "array":
        return [value(given.get("items", {}), rng, depth + 1) for _ in range(rng.randint(1, 2))]
    if given.get("format") == "binary":
        return rng.randbytes(9)
    scalars: dict[Any, Any] = {
        "string": rng.choice(["", "a", "naïve 😀", "1"]),
        "integer": rng.randint(1, 2),
        "number": rng.choice([1, 0.5]),
        "boolean": rng.random() < 0.5,
        None: rng.choice(["any", 1, {}]),
    }
    return scalars[given.get("type")]


def pairs(given: Any, name: str) -> list[tuple[str, Any]]:
    """A value as a form or a query has it."""
    if isinstance(given, dict):
        return [pair for k, v in given.items() for pair in pairs(v, f"{name}[{k}]" if name else k)]
    if isinstance(given, list):
        return [pair for v in given for pair in pairs(v, f"{name}[]")]
    return [] if given is None else [(name, given)]


def text(given: Any) -> str:
    """A scalar as a form or a query has it."""
    return str(given).lower() if isinstance(given, bool) else str(given)


def request(method: str, path: str, rng: Random) -> httpx2.Request:
    """A request such as the schema allows."""
    operation = schema.operation(method, path)
    for part in path.split("/"):
        if part.startswith("{"):
            path = path.replace(part, f"{part[1:-1]}_{rng.randrange(10**9)}")
    query = pairs(value(operation.query, rng), "") if operation.query else []
    url = httpx2.URL(f"http://mock{path}", params=[(k, text(v)) for k, v in query])
    body = value(operation.body, rng) if operation.body else None
    if isinstance(body, dict):
        body.pop("max_completion_tokens", None)  # it excludes max_tokens
    if not operation.form:
        return httpx2.Request(method, url, json=body)
    fields = pairs(body or {}, "")
    files = [(k, ("a.txt", v)) for k, v in fields if isinstance(v, bytes)]
    data: dict[str, Any] = {}
    for name, one in fields:
        if not isinstance(one, bytes):
            data.setdefault(name, []).append(text(one))
    return httpx2.Request(method, url, data=data, files=files)


COMPLETIONS = "/v1/completions"
UNSUPPORTED = "openai-mockserver does not implement"
UNSTREAMED = "but not with a stream"


@pytest.mark.parametrize(
    ("method", "path"),
    [pytest.param(*one, id=" ".join(one), marks=MARKS.get(one, ())) for one in OPERATIONS],
)
def test_what_the_schema_allows_is_answered_as_the_sdk_wants_it(method: str, path: str) -> None:
    if (method, path) not in methods():
        pytest.skip(f"openai {openai.__version__} does not have this endpoint")
    sdk = methods()[method, path]
    answer, event = (TypeAdapter(kind) for kind in (sdk.answer, sdk.event))
    with MockOpenAI(default=lambda request: "Hello", seed=0) as mock:
        for seed in range(5):
            rng = Random(f"{seed} {method} {path}")
            asked = request(method, path, rng)
            asked.read()
            call = mock.respond(
                Request(
                    method,
                    asked.url.path,
                    asked.headers.multi_items(),
                    asked.content,
                    asked.url.query.decode(),
                )
            )
            body = sse.body(call.script.steps)
            if call.status == 501:
                message = json.loads(body)["error"]["message"]
                assert UNSUPPORTED in message or UNSTREAMED in message
                continue
            assert call.status == 200, (asked.content, asked.url, body)
            if call.script.is_stream:
                events = [e.data for e in sse.decode(body) if e.data != "[DONE]"]
                assert events
                for data in events:
                    # OpenAI says null where nothing has finished; the SDK's type does not know.
                    said = data.replace('"finish_reason":null', '"finish_reason":"stop"')
                    event.validate_json(said if path == COMPLETIONS else data, strict=True)
            elif sdk.answer is not None:
                answer.validate_json(body, strict=True)


ODD: list[Any] = [None, True, 0, -1, 1.5, 10**30, "", "x" * 99, [], {}, [[]], [None]]
ODD += [{"type": "x"}, {"type": None}, {"type": ["a"]}, [{"type": {}}], {"role": []}]


def spoilt(good: Any, rng: Random) -> Any:
    """A value with something wrong somewhere, perhaps."""
    if rng.random() < 0.15:
        return rng.choice(ODD)
    if isinstance(good, dict):
        kept = {k: spoilt(v, rng) for k, v in good.items() if rng.random() > 0.05}
        return kept | ({"more": 1} if rng.random() < 0.05 else {})
    if isinstance(good, list):
        return [spoilt(one, rng) for one in good]
    return good.hex() if isinstance(good, bytes) else good


def test_whatever_is_asked_is_answered() -> None:
    mock = MockOpenAI(default=lambda request: "Hello", seed=0)
    for seed, (method, path) in enumerate(OPERATIONS * 3):
        rng, operation = Random(seed), schema.operation(method, path)
        for part in path.split("/"):
            if part.startswith("{"):
                path = path.replace(part, rng.choice(["a", "é", "..", "a b", "%"]))
        body = json.dumps(spoilt(value(operation.body or {}, rng), rng)).encode()
        names = (operation.query or {}).get("properties", {})
        query = "&".join(f"{n}={rng.choice(['', '-1', 'x', 'true', '9' * 20])}" for n in names)
        call = mock.respond(Request(method, path, (), body, query))
        assert call.problem is None
        assert call.status in (200, 400, 409, 501)
