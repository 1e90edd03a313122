"""The headers of each provider's streams are those that all its recordings have."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random

import pytest

from openai_mockserver import Reply
from openai_mockserver.api import chat
from openai_mockserver.dialects import dialects

OF_FOLDERS = {
    "gemini-compat": "gemini",
    "gpustack-llamabox": "llama-box",
    "huggingface-router": "huggingface",
    "litellm-proxy": "litellm",
    "vercel-gateway": "vercel",
}
"""The dialect of the recordings in a folder, where it has another name."""
OF_THE_TRANSFER = {
    "connection",
    "content-encoding",
    "content-length",
    "date",
    "keep-alive",
    "set-cookie",
    "transfer-encoding",
}
FOLDERS = [
    "ai21 avian azure cerebras cloudflare copilot dashscope databricks deepseek doubleword groq",
    "llamacpp mistral ollama ollama-cloud openrouter perplexity snowflake together venice vllm",
    "writer xai zai",
    *OF_FOLDERS,
]


@pytest.mark.parametrize("folder", " ".join(FOLDERS).split())
def test_a_dialect_has_the_headers_that_all_recordings_have(shared: Path, folder: str) -> None:
    recorded: list[dict[str, str]] = []
    for file in shared.glob(f"recordings*/{folder}/chat/*.json"):
        headers = json.loads(file.read_text())["response"].get("headers") or []
        recorded.append({name.lower(): value for name, value in headers})
    name = OF_FOLDERS.get(folder, folder)
    assert name in dialects()
    script = chat.render(Reply("Hi"), {"stream": True}, dialect=name, rng=Random(0))
    headers = {name.lower(): value for name, value in script.head.headers}
    in_all = set.intersection(*map(set, recorded)) - OF_THE_TRANSFER
    assert in_all - headers.keys() == set()
    types = {one["content-type"] for one in recorded if "content-type" in one}
    assert headers["content-type"] in types or not types
