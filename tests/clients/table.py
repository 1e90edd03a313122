"""The clients of the matrix: which program uses each, and its known behaviour.

Rules of this file: data only. A client's behaviour is listed if it differs from that of others, so
that a version that behaves differently fails a test.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from openai_mockserver.judge.clients import ENVIRONMENTS, Environment

__all__ = ["CLIENTS", "Client"]


@dataclass(frozen=True, eq=False)
class Client:
    """A client, and its known behaviour: by way, or for all ways under ``*``.

    Args:
        name: its name on the command line, and that of its environment in the judge's table.
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
    program: str
    ways: tuple[str, ...] = ("chat",)
    refused: Mapping[str, str] = field(default_factory=dict)
    busy: Mapping[str, str] = field(default_factory=dict)
    leaves: Mapping[str, str] = field(default_factory=dict)
    lacks: Mapping[str, str] = field(default_factory=dict)
    breaks: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @property
    def environment(self) -> Environment:
        """Where it is installed."""
        return ENVIRONMENTS[self.name]

    @property
    def language(self) -> str:
        """The language of the program."""
        return self.environment.language


CLIENTS = (
    Client(
        "openai",
        "openai_python.py",
        ways=("chat", "chat async", "chat stream()", "responses"),
    ),
    Client(
        "openai-node",
        "openai_node.mjs",
        ways=("chat", "responses"),
    ),
    Client(
        "ai-sdk",
        "ai_sdk.mjs",
        ways=("chat", "compatible", "responses"),
        refused={"*": "AI_APICallError"},
    ),
    Client(
        "langchain-js",
        "langchain_js.mjs",
        ways=("chat", "responses"),
        notes=(
            "a 429 without `retry-after` is not tried again, but is a `RateLimitCapacityError`",
        ),
    ),
    Client(
        "langchain-openai",
        "langchain_python.py",
        ways=("chat", "responses"),
        refused={"*": "OpenAIInvalidRequestError"},
        notes=(
            "it asks for usage only with `stream_usage=True` where the address is not OpenAI's",
        ),
    ),
    Client(
        "llama-index",
        "llama_index_python.py",
        ways=("chat", "openai-like", "responses"),
        leaves={"*": "disconnects late"},
    ),
    Client(
        "litellm",
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
        "instructor_python.py",
        ways=("tools", "json_schema", "tools async", "responses"),
        refused={"*": "InstructorRetryException"},
        leaves={"*": "reads on", "tools async": "disconnects late"},
        lacks={"tool": "its tools are its answers, not called"},
        notes=("`create_partial()` gives a list, once the stream is over, unless it is async",),
    ),
    Client(
        "pydantic-ai",
        "pydantic_ai_python.py",
        ways=("chat", "responses"),
        refused={"*": "ModelRequestRejectedError"},
    ),
    Client(
        "openai-agents",
        "openai_agents_python.py",
        ways=("chat", "responses"),
        notes=("of a chat it asks for usage only with `ModelSettings(include_usage=True)`",),
    ),
    Client(
        "openai-agents-js",
        "openai_agents_js.mjs",
        ways=("chat", "responses"),
    ),
    Client(
        "mirascope",
        "mirascope_python.py",
        ways=("chat", "responses"),
        leaves={"*": "disconnects late"},
    ),
    Client(
        "magentic",
        "magentic_python.py",
        breaks={"tool": "it answers calls under ids of its own making, not the model's"},
        leaves={"*": "disconnects late"},
    ),
    Client(
        "any-llm",
        "any_llm_python.py",
        ways=("chat", "responses"),
    ),
    Client(
        "aisuite",
        "aisuite_python.py",
        refused={"*": "LLMError"},
        leaves={"*": "disconnects late"},
    ),
    Client(
        "agno",
        "agno_python.py",
        ways=("chat", "responses"),
        refused={"*": "RunError"},
        leaves={"*": "disconnects late"},
    ),
    Client(
        "haystack",
        "haystack_python.py",
        ways=("chat", "responses"),
        leaves={"*": "disconnects late"},
    ),
    Client(
        "llm",
        "llm_python.py",
        leaves={"*": "disconnects late"},
    ),
    Client(
        "smolagents",
        "smolagents_python.py",
        lacks={
            "tool": "it sends tools' results as text",
            "structured": "it parses no structures",
        },
        leaves={"*": "disconnects late"},
    ),
    Client(
        "autogen",
        "autogen_python.py",
        leaves={"*": "disconnects late"},
    ),
    Client(
        "semantic-kernel",
        "semantic_kernel_python.py",
        refused={"*": "ServiceResponseException"},
        leaves={"*": "disconnects late"},
    ),
    Client(
        "dspy",
        "dspy_python.py",
        refused={"*": "LMInvalidRequestError"},
        lacks={"tool": "its agents call tools by text"},
        breaks={"early_break": "streamify() that is left breaks its task group and its next use"},
    ),
)
