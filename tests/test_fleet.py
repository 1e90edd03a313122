"""Servers with the same seed answer the same requests with the same bytes."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from random import Random
from typing import Any

import httpx
import pytest

from openai_mockserver import MockOpenAI
from openai_mockserver.generate import generate
from openai_mockserver.request import Request

SCHEMA = {
    "type": "object",
    "properties": {
        "when": {"type": "string", "format": "date-time"},
        "who": {"type": "string", "format": "email"},
        "how_many": {"type": "number", "minimum": 0.1, "exclusiveMaximum": 0.7},
        "code": {"type": "string", "pattern": "^[A-Z]{2}-[0-9]{3,9}$"},
        "colour": {"enum": ["red", "green", "blue"]},
    },
    "required": ["when", "who", "how_many", "code", "colour"],
    "additionalProperties": False,
}
TOOL: dict[str, Any] = {"name": "save", "parameters": SCHEMA}
CHAT_TOOLS = [{"type": "function", "function": TOOL}]
MESSAGES = [{"role": "user", "content": "Tell me a story"}]
FORM = {"type": "json_schema", "json_schema": {"name": "answer", "schema": SCHEMA}}

CHAT = "/v1/chat/completions"
PATHS_AND_BODIES: list[tuple[str, dict[str, Any]]] = [
    (CHAT, {"model": "gpt-4o", "messages": MESSAGES}),
    (CHAT, {"model": "gpt-4o", "messages": MESSAGES, "n": 2, "logprobs": True}),
    (CHAT, {"model": "gpt-4o", "messages": MESSAGES, "tools": CHAT_TOOLS}),
    (
        CHAT,
        {"model": "o3", "messages": MESSAGES, "tools": CHAT_TOOLS, "tool_choice": "required"},
    ),
    (CHAT, {"model": "gpt-4o", "messages": MESSAGES, "response_format": FORM}),
    (CHAT, {"model": "gpt-4o", "messages": MESSAGES, "temprature": 1}),
    ("/groq/openai/v1/chat/completions", {"model": "llama", "messages": MESSAGES}),
    ("/v1/responses", {"model": "gpt-5", "input": "Hi"}),
    ("/v1/responses", {"model": "gpt-5", "input": "Hi", "tools": [TOOL | {"type": "function"}]}),
    (
        "/v1/responses",
        {
            "model": "gpt-5",
            "input": "Hi",
            "tools": [{"type": "web_search"}],
            "tool_choice": "required",
        },
    ),
    ("/v1/completions", {"model": "davinci-002", "prompt": ["One", "Two"], "n": 2}),
]
REQUESTS = [
    (path, body | {"stream": stream}) for path, body in PATHS_AND_BODIES for stream in (False, True)
]


@contextmanager
def start_server(*arguments: str, **environment: str) -> Iterator[str]:
    """Run `openai-mockserver serve`; yield its URL."""
    with subprocess.Popen(
        [
            sys.executable,
            "-m",
            "openai_mockserver",
            "serve",
            "--port",
            "0",
            "--pace",
            "none",
            *arguments,
        ],
        stdout=subprocess.PIPE,
        env=os.environ | environment,
        text=True,
    ) as process:
        try:
            assert process.stdout
            match = re.search(r"answers on (http://\S+)/v1 ", process.stdout.readline())
            assert match
            yield match[1]
        finally:
            process.kill()


def collect_bodies(url: str, order: int, threads: int) -> dict[str, set[bytes]]:
    """Send each request several times, shuffled by a seed; return all answers to each."""
    requests = [*REQUESTS, *REQUESTS, *REQUESTS]
    # Mix in requests that the other server does not receive.
    requests += [(CHAT, body | {"user": f"{order} {at}"}) for at, (_, body) in enumerate(REQUESTS)]
    Random(order).shuffle(requests)
    with httpx.Client(base_url=url, trust_env=False, timeout=60) as client:

        def send(request: tuple[str, dict[str, Any]]) -> tuple[str, bytes]:
            path, body = request
            return json.dumps(request), client.post(path, json=body).content

        with ThreadPoolExecutor(threads) as pool:
            answers = list(pool.map(send, requests))
    keys = set(map(json.dumps, REQUESTS))
    return {key: {b for k, b in answers if k == key} for key, _ in answers if key in keys}


@pytest.mark.slow
def test_two_servers_answer_with_the_same_bytes() -> None:
    with (
        start_server("--seed", "7", "--quiet", PYTHONHASHSEED="1", TZ="Asia/Tokyo") as one,
        start_server("--seed", "7", "--quiet", PYTHONHASHSEED="2", LC_ALL="C") as other,
    ):
        first, second = collect_bodies(one, 1, threads=1), collect_bodies(other, 2, threads=8)
    assert len(first) == len(REQUESTS)
    assert [len(answers) for answers in first.values()] == [1] * len(REQUESTS)
    assert first == second


@pytest.mark.slow
def test_another_seed_gives_other_answers() -> None:
    payload = {"model": "gpt-4o", "messages": MESSAGES}
    answers = []
    for seed in ("7", "8"):
        with start_server("--seed", seed, "--quiet") as url:
            answers.append(httpx.post(f"{url}{CHAT}", json=payload, trust_env=False).json())
    assert all(answers[0][name] != answers[1][name] for name in ("id", "choices"))


@pytest.mark.slow
def test_without_a_seed_only_the_text_is_the_same() -> None:
    payload = {"model": "gpt-4o", "messages": MESSAGES}
    with start_server("--quiet") as url:
        first, second = (
            httpx.post(f"{url}{CHAT}", json=payload, trust_env=False).json() for _ in range(2)
        )
    assert first["id"] != second["id"]
    assert first["choices"] == second["choices"]
    assert first["choices"][0]["message"]["content"] == generate(payload, "0").text


def make_mock(seed: int = 7) -> MockOpenAI:
    return MockOpenAI(seed=seed, default=lambda call: generate(call.json, seed))


def make_post(path: str, body: dict[str, Any]) -> Request:
    return Request("POST", path, body=json.dumps(body).encode())


@pytest.mark.parametrize(("path", "body"), REQUESTS, ids=str)
def test_mocks_in_process_send_the_same_bytes(
    path: str, body: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    first = make_mock().respond(make_post(path, body)).script
    assert first.head.status == (400 if "temprature" in body else 200)
    monkeypatch.setattr(time, "time", lambda: 4e9)  # another day
    other = make_mock()
    other.respond(make_post(CHAT, {"model": "m", "messages": []}))
    for _ in range(2):
        assert other.respond(make_post(path, body)).script == first  # heads too, with ids and dates


def test_the_order_of_json_keys_does_not_matter() -> None:
    path, body = REQUESTS[3]
    other = json.dumps(dict(reversed(body.items())), indent=2).encode()
    one, two = (
        make_mock().respond(r).script
        for r in (make_post(path, body), Request("POST", path, body=other))
    )
    assert one == two


@pytest.mark.parametrize(
    "request_",
    [
        make_post("/v1/images/generations", {"model": "gpt-image-1", "prompt": "a cat"}),
        make_post("/v1/embeddings", {"model": "text-embedding-3-small", "input": "Hi"}),
        make_post("/v1/conversations", {"items": [{"role": "user", "content": "Hi"}]}),
        make_post("/v1/vector_stores", {"expires_after": {"anchor": "last_active_at", "days": 1}}),
        make_post("/v1/responses/compact", {"model": "gpt-5", "input": "Hi"}),
        Request("GET", "/v1/models"),
        Request("GET", "/v1/files/file-unknown"),
        Request("GET", "/v1/responses/resp_unknown"),
        Request("POST", "/v1/batches/batch_unknown/cancel"),
    ],
    ids=lambda request: request.path,
)
def test_answers_without_a_model_are_the_same_too(
    request_: Request, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = make_mock().respond(request_).script
    assert first.head.status == 200
    monkeypatch.setattr(time, "time", lambda: 4e9)
    assert make_mock().respond(request_).script == first


def test_creating_twice_gives_two_objects() -> None:
    one = make_mock()
    scripts = [one.respond(make_post("/v1/conversations", {})).script for _ in range(2)]
    assert scripts[0] != scripts[1]
