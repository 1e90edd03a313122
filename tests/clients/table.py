"""The clients of the matrix: what to install, which program uses it, and its known behaviour.

Rules of this file: data only. A client's behaviour is listed if it differs from that of others, so
that a version that behaves differently fails a test.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

__all__ = ["CLIENTS", "Client"]


@dataclass(frozen=True, eq=False)
class Client:
    """A client, and its known behaviour: by way, or for all ways under ``*``.

    Args:
        name: its name on the command line, and that of its environment.
        packages: the packages to install with pip or npm; the first is the client itself.
        program: a file in `programs/`, in Python or, for Node.js, in JavaScript.
        ways: ways to use the client, each an argument of the program, such as an endpoint.
        refused: the exception for status 400, if it is not OpenAI's.
        busy: the exception for status 429, if the client does not retry.
        leaves: how an abandoned stream ends, if not immediately: ``disconnects late``, when it is
            garbage-collected, or ``reads on``, to its end.
        lacks: scenarios that the client does not support, and why, by scenario or WAY/scenario.
        breaks: scenarios that the client fails, and why, by the same keys.
        notes: other facts for users of the client and the mock.
    """

    name: str
    packages: tuple[str, ...]
    program: str
    ways: tuple[str, ...] = ("chat",)
    refused: Mapping[str, str] = field(default_factory=dict)
    busy: Mapping[str, str] = field(default_factory=dict)
    leaves: Mapping[str, str] = field(default_factory=dict)
    lacks: Mapping[str, str] = field(default_factory=dict)
    breaks: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @property
    def language(self) -> str:
        """The language of the program."""
        return "Python" if self.program.endswith(".py") else "JavaScript"


CLIENTS = (
    Client(
        "openai",
        ("openai",),
        "openai_python.py",
        ways=("chat", "chat async", "chat stream()", "responses"),
    ),
    Client(
        "openai-node",
        ("openai", "zod"),
        "openai_node.mjs",
        ways=("chat", "responses"),
    ),
    Client(
        "ai-sdk",
        ("ai", "@ai-sdk/openai", "@ai-sdk/openai-compatible", "zod"),
        "ai_sdk.mjs",
        ways=("chat", "compatible", "responses"),
        refused={"*": "AI_APICallError"},
    ),
    Client(
        "langchain-js",
        ("@langchain/openai", "@langchain/core", "zod"),
        "langchain_js.mjs",
        ways=("chat", "responses"),
        notes=(
            "a 429 without `retry-after` is not tried again, but is a `RateLimitCapacityError`",
        ),
    ),
    Client(
        "langchain-openai",
        ("langchain-openai",),
        "langchain_python.py",
        ways=("chat", "responses"),
        refused={"*": "OpenAIInvalidRequestError"},
        notes=(
            "it asks for usage only with `stream_usage=True` where the address is not OpenAI's",
        ),
    ),
    Client(
        "llama-index",
        ("llama-index-llms-openai", "llama-index-llms-openai-like"),
        "llama_index_python.py",
        ways=("chat", "openai-like", "responses"),
        leaves={"*": "disconnects late"},
    ),
    Client(
        "litellm",
        ("litellm", "mcp", "tenacity"),
        "litellm_python.py",
        ways=("chat", "responses"),
        busy={"responses": "RateLimitError"},
        leaves={"chat": "disconnects late"},
        notes=(
            "1.106.2 needs `mcp` for tools and for the Responses API, and `tenacity` for "
            "`num_retries`, and installs neither",
            "what `completion(stream=True)` returns has no `close()`",
        ),
    ),
    Client(
        "instructor",
        ("instructor",),
        "instructor_python.py",
        ways=("tools", "json_schema", "tools async", "responses"),
        refused={"*": "InstructorRetryException"},
        leaves={"*": "reads on", "tools async": "disconnects late"},
        lacks={"tool": "its tools are its answers, not called"},
        notes=("`create_partial()` gives a list, once the stream is over, unless it is async",),
    ),
    Client(
        "pydantic-ai",
        ("pydantic-ai-slim[openai]",),
        "pydantic_ai_python.py",
        ways=("chat", "responses"),
        refused={"*": "ModelRequestRejectedError"},
    ),
    Client(
        "openai-agents",
        ("openai-agents",),
        "openai_agents_python.py",
        ways=("chat", "responses"),
        notes=("of a chat it asks for usage only with `ModelSettings(include_usage=True)`",),
    ),
    Client(
        "openai-agents-js",
        ("@openai/agents", "zod"),
        "openai_agents_js.mjs",
        ways=("chat", "responses"),
    ),
    Client(
        "mirascope",
        ("mirascope[openai]",),
        "mirascope_python.py",
        ways=("chat", "responses"),
        leaves={"*": "disconnects late"},
    ),
    Client(
        "magentic",
        ("magentic",),
        "magentic_python.py",
        breaks={"tool": "it answers calls under ids of its own making, not the model's"},
        leaves={"*": "disconnects late"},
    ),
    Client(
        "any-llm",
        ("any-llm-sdk[openai]",),
        "any_llm_python.py",
        ways=("chat", "responses"),
    ),
    Client(
        "aisuite",
        ("aisuite[openai]",),
        "aisuite_python.py",
        refused={"*": "LLMError"},
        leaves={"*": "disconnects late"},
    ),
    Client(
        "agno",
        ("agno", "openai"),
        "agno_python.py",
        ways=("chat", "responses"),
        refused={"*": "RunError"},
        leaves={"*": "disconnects late"},
    ),
    Client(
        "haystack",
        ("haystack-ai",),
        "haystack_python.py",
        ways=("chat", "responses"),
        leaves={"*": "disconnects late"},
    ),
    Client(
        "llm",
        ("llm",),
        "llm_python.py",
        leaves={"*": "disconnects late"},
    ),
    Client(
        "smolagents",
        ("smolagents[openai]",),
        "smolagents_python.py",
        lacks={
            "tool": "it sends tools' results as text",
            "structured": "it parses no structures",
        },
        leaves={"*": "disconnects late"},
    ),
    Client(
        "autogen",
        ("autogen-ext[openai]", "autogen-agentchat"),
        "autogen_python.py",
        leaves={"*": "disconnects late"},
    ),
    Client(
        "semantic-kernel",
        ("semantic-kernel",),
        "semantic_kernel_python.py",
        refused={"*": "ServiceResponseException"},
        leaves={"*": "disconnects late"},
    ),
    Client(
        "dspy",
        ("dspy",),
        "dspy_python.py",
        refused={"*": "LMInvalidRequestError"},
        lacks={"tool": "its agents call tools by text"},
        breaks={"early_break": "streamify() that is left breaks its task group and its next use"},
    ),
)
