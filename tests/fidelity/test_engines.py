"""Engines that are not ours, recorded: what a LiteLLM proxy makes of streams, kept and replayed.

Needs LiteLLM, in an environment of its own: `scripts/engines` makes one and runs this. Where
`OPENAI_MOCKSERVER_KEEP` names a folder the recordings go there, as ready-made streams.
"""

from __future__ import annotations

import os
import socket
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
import pytest

from openai_mockserver import MockOpenAI
from openai_mockserver.api import chat
from openai_mockserver.cassettes import dumps, load
from openai_mockserver.reply.serialization import decode_reply

COMMAND = os.environ.get("OPENAI_MOCKSERVER_LITELLM", "")
KEEP = os.environ.get("OPENAI_MOCKSERVER_KEEP", "")

pytestmark = [
    pytest.mark.engine,
    pytest.mark.skipif(not COMMAND, reason="no LiteLLM proxy is named: run scripts/engines"),
]

MODEL = "gpt-4o-mini"
CONFIG = """
model_list:
  - model_name: {model}
    litellm_params: {{model: openai/{model}, api_base: {base_url}, api_key: sk-of-the-upstream}}
litellm_settings: {{num_retries: 0, telemetry: false}}
router_settings: {{num_retries: 0, disable_cooldowns: true}}
"""
KEY = "sk-of-the-proxy-0123456789"


@dataclass(frozen=True)
class Case:
    """What the upstream says, as members of a `Reply`; what comes through where that differs."""

    name: str
    description: str
    says: dict[str, Any]
    request: dict[str, Any] = field(default_factory=dict)
    changed: dict[str, Any] = field(default_factory=dict)
    error: str | None = None

    @property
    def expected(self) -> dict[str, Any]:
        return {"finish_reason": "stop"} | self.says | self.changed


TOOL_CALLS = [
    {"name": "get_weather", "arguments": '{"city": "Zürich"}', "id": "call_Zr7Qw2Lm"},
    {"name": "get_time", "arguments": '{"zone": "CET"}', "id": "call_Tb4Nx9Kd"},
]
PREFIX = "litellm.APIConnectionError: APIConnectionError: OpenAIException - "
CASES = (
    Case(
        "litellm-text",
        "Text: the delta has no refusal, the choice no logprobs, a finish_reason only at the end.",
        {"text": "Grüezi 👋, how are you?"},
    ),
    Case(
        "litellm-usage",
        "The usage chunk has a choice; OpenAI sends an empty list.",
        {"text": "One, two.", "usage": {"prompt_tokens": 8, "completion_tokens": 4}},
        request={"stream_options": {"include_usage": True}},
    ),
    Case(
        "litellm-tool-calls",
        "Parallel tool calls: type is repeated in every fragment.",
        {"tool_calls": TOOL_CALLS, "finish_reason": "tool_calls"},
    ),
    Case(
        "litellm-length",
        "An answer with finish_reason length.",
        {"text": "Once upon a", "finish_reason": "length"},
    ),
    Case(
        "litellm-reasoning",
        "Reasoning in reasoning_content, then text.",
        {"reasoning": "Six times seven.", "text": "42"},
    ),
    Case(
        "litellm-error-mid-stream",
        "The upstream broke off with an error object; its code is a string, and its type is null.",
        {
            "text": "The answer is",
            "finish_reason": None,
            "error": {"message": "The server had an error."},
        },
        changed={
            "error": {"status": 500, "message": f"{PREFIX}The server had an error.", "code": "500"}
        },
        error="api",
    ),
)


@pytest.fixture(scope="module")
def upstream() -> Iterator[MockOpenAI]:
    with MockOpenAI() as mock:
        yield mock


@pytest.fixture(scope="module")
def engine(upstream: MockOpenAI, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The base URL of a LiteLLM proxy before our upstream."""
    config = tmp_path_factory.mktemp("litellm") / "config.yaml"
    config.write_text(CONFIG.format(model=MODEL, base_url=upstream.base_url))
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    local = {"LITELLM_MASTER_KEY": KEY, "LITELLM_LOCAL_MODEL_COST_MAP": "True"}
    with subprocess.Popen(
        [COMMAND, "--config", str(config), "--host", "127.0.0.1", "--port", str(port)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=os.environ | local,
        text=True,
    ) as proxy:
        assert proxy.stdout is not None
        said = []
        for line in proxy.stdout:
            said.append(line)
            if "Uvicorn running on" in line:
                break
        else:
            pytest.fail("the LiteLLM proxy did not start:\n" + "".join(said[-20:]))
        drain = threading.Thread(target=proxy.stdout.read)
        drain.start()
        yield f"http://127.0.0.1:{port}/v1"
        proxy.terminate()
        drain.join()


@pytest.fixture(scope="module")
def warm(upstream: MockOpenAI, engine: str) -> str:
    """The same, after its first request, which takes it a second."""
    upstream.reply("Warm.")
    ask(engine, {})
    return engine


def ask(base_url: str, more: dict[str, Any]) -> httpx2.Response:
    request = {"model": MODEL, "messages": [{"role": "user", "content": "Hello"}], "stream": True}
    with httpx2.Client(trust_env=False, timeout=60) as client:
        return client.post(
            f"{base_url}/chat/completions",
            json=request | more,
            headers={"Authorization": f"Bearer {KEY}"},
        )


@pytest.mark.parametrize("one", CASES, ids=lambda one: one.name)
def test_what_it_streams_is_recorded_and_replayed(
    one: Case, upstream: MockOpenAI, warm: str, tmp_path: Path
) -> None:
    upstream.reply(decode_reply(one.says))
    with MockOpenAI(upstream=warm, record=tmp_path) as recorder:
        received = ask(recorder.base_url, one.request)

    (file,) = tmp_path.iterdir()
    (exchange,) = load(file)
    assert exchange.complete
    assert chat.read(exchange.script) == decode_reply(one.expected)
    assert KEY.encode() not in file.read_bytes()

    with MockOpenAI() as mock:
        mock.reply(exchange.script)
        replayed = ask(mock.base_url, one.request)
    assert (replayed.status_code, replayed.content) == (received.status_code, received.content)

    if KEEP:
        version = received.headers["x-litellm-version"]
        about = {
            "name": one.name,
            "family": "engines",
            "description": f"{one.description} LiteLLM proxy {version}.",
            "request": exchange.about["request"],
            "expect": {"reply": one.expected} | ({"error": one.error} if one.error else {}),
            "recorded": exchange.about["recorded"],
            "redacted": exchange.about["redacted"],
        }
        folder = Path(KEEP)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{one.name}.jsonl").write_bytes(dumps(exchange.script, about))
