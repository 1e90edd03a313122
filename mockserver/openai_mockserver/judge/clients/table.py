"""The known clients: what to install, which program asks them, and how they report.

Rules of this file: data only. A row is a client or parser used in one way, in the environment that
it shares with its other ways.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from difflib import get_close_matches

from openai_mockserver.exceptions import CheckError
from openai_mockserver.judge.comparison import Manner

__all__ = ["CLIENTS", "ENVIRONMENTS", "Client", "Environment", "find_client"]


@dataclass(frozen=True)
class Environment:
    """What is installed together, in a folder of its own.

    Args:
        name: its name, and that of the folder.
        packages: the packages to install with pip or npm; the first is the client itself.
        language: ``Python`` or ``JavaScript``.
    """

    name: str
    packages: tuple[str, ...]
    language: str = "Python"


@dataclass(frozen=True, eq=False)
class Client:
    """A client or parser, used in one way.

    Args:
        environment: where it is installed.
        program: a file in `programs/`.
        way: how the program uses it, its argument.
        endpoint: the endpoint that it asks.
        asks: those of `RARE` that it can send.
        is_parser: it only parses events: it sends no retries, and reasons about no answer.
        manner: how it reports things differently.
        notes: what it is, and which part of it is judged.
    """

    environment: Environment
    program: str
    way: str
    endpoint: str = "chat"
    asks: frozenset[str] = frozenset()
    is_parser: bool = False
    manner: Manner = field(default_factory=Manner)
    notes: str = ""

    @property
    def name(self) -> str:
        """Its name: that of the environment, and the way unless it is the first one."""
        is_first = not self.way or self.way == "chat"
        return self.environment.name if is_first else f"{self.environment.name} {self.way}"

    @property
    def language(self) -> str:
        """The language of its program."""
        return self.environment.language


RARE = {
    "n": "several choices",
    "functions": "functions in the legacy form",
    "modalities": "audio",
}
"""The parameters that only some clients can send; without them a stream is not what was asked."""

_JAVASCRIPT = {
    "openai-node": ("openai", "zod"),
    "ai-sdk": ("ai", "@ai-sdk/openai", "@ai-sdk/openai-compatible", "zod"),
    "langchain-js": ("@langchain/openai", "@langchain/core", "zod"),
    "openai-agents-js": ("@openai/agents", "zod"),
    "eventsource-parser": ("eventsource-parser",),
}
_PYTHON = {
    "openai": ("openai",),
    "langchain-openai": ("langchain-openai",),
    "llama-index": ("llama-index-llms-openai", "llama-index-llms-openai-like"),
    "litellm": ("litellm", "mcp", "tenacity"),
    "instructor": ("instructor",),
    "pydantic-ai": ("pydantic-ai-slim[openai,openai-realtime]",),
    "openai-agents": ("openai-agents",),
    "mirascope": ("mirascope[openai]",),
    "magentic": ("magentic",),
    "any-llm": ("any-llm-sdk[openai]",),
    "aisuite": ("aisuite[openai]",),
    "agno": ("agno", "openai"),
    "haystack": ("haystack-ai",),
    "llm": ("llm",),
    "smolagents": ("smolagents[openai]",),
    "autogen": ("autogen-ext[openai]", "autogen-agentchat"),
    "semantic-kernel": ("semantic-kernel",),
    "dspy": ("dspy",),
    "httpx-sse": ("httpx-sse", "httpx"),
}
ENVIRONMENTS = {
    **{name: Environment(name, packages) for name, packages in _PYTHON.items()},
    **{name: Environment(name, packages, "JavaScript") for name, packages in _JAVASCRIPT.items()},
}
"""All environments, by name."""

_ALL = frozenset(RARE)
_N = frozenset({"n"})
_AI_SDK = Manner(
    {
        None: "other",
        "tool_calls": "tool-calls",
        "function_call": "tool-calls",
        "content_filter": "content-filter",
    },
    refusal_as_text=True,
    refused="content-filter",
)
_PYDANTIC_AI = Manner(
    {"tool_calls": "tool_call", "function_call": "tool_call"}, refused="content_filter"
)

_AUTOGEN = Manner(
    {None: "unknown", "tool_calls": "function_calls", "function_call": "function_calls"}
)
_REFUSAL_AS_TEXT = Manner(refusal_as_text=True)


def _row(name: str, program: str, way: str = "chat", **more: object) -> Client:
    endpoint = "responses" if way == "responses" else "chat"
    return Client(ENVIRONMENTS[name], program, way, endpoint, **more)  # type: ignore[arg-type]


CLIENTS = (
    _row("openai", "openai_python.py", asks=_ALL, notes="`chat.completions.stream()`"),
    _row("openai", "openai_python.py", "async", asks=_ALL, notes="the same of `AsyncOpenAI`"),
    _row(
        "openai",
        "openai_python.py",
        "create",
        asks=_ALL,
        notes="the chunks of `create(stream=True)`, accumulated correctly",
    ),
    _row("openai", "openai_python.py", "responses", notes="`responses.stream()`"),
    _row("openai-node", "openai_node.mjs", asks=_ALL, notes="`chat.completions.stream()`"),
    _row(
        "openai-node",
        "openai_node.mjs",
        "create",
        asks=_ALL,
        notes="the chunks of `create({ stream: true })`, accumulated correctly",
    ),
    _row("openai-node", "openai_node.mjs", "responses", notes="`responses.stream()`"),
    _row("ai-sdk", "ai_sdk.mjs", manner=_AI_SDK, notes="`streamText()` of `openai.chat()`"),
    _row(
        "ai-sdk",
        "ai_sdk.mjs",
        "compatible",
        manner=_AI_SDK,
        notes="`streamText()` of `createOpenAICompatible()`",
    ),
    _row(
        "ai-sdk",
        "ai_sdk.mjs",
        "responses",
        manner=_AI_SDK,
        notes="`streamText()` of `openai.responses()`",
    ),
    _row(
        "langchain-openai",
        "langchain_python.py",
        asks=frozenset({"functions"}),
        notes="`ChatOpenAI.stream()`, its chunks added up",
    ),
    _row(
        "langchain-openai",
        "langchain_python.py",
        "responses",
        notes="the same with `use_responses_api=True`",
    ),
    _row(
        "litellm",
        "litellm_python.py",
        asks=_N | {"functions"},
        notes="`completion(stream=True)` and `stream_chunk_builder()`",
    ),
    _row("litellm", "litellm_python.py", "responses", notes="the events of `responses()`"),
    _row(
        "pydantic-ai",
        "pydantic_ai_python.py",
        manner=_PYDANTIC_AI,
        notes="`model_request_stream()` of `OpenAIChatModel`",
    ),
    _row(
        "pydantic-ai",
        "pydantic_ai_python.py",
        "responses",
        manner=_PYDANTIC_AI,
        notes="the same of `OpenAIResponsesModel`",
    ),
    _row("llama-index", "llama_index_python.py", notes="`OpenAI.stream_chat()`"),
    _row("llama-index", "llama_index_python.py", "openai-like", notes="`OpenAILike.stream_chat()`"),
    _row(
        "llama-index",
        "llama_index_python.py",
        "responses",
        notes="`OpenAIResponses.stream_chat()`",
    ),
    _row(
        "langchain-js",
        "langchain_js.mjs",
        asks=frozenset({"functions"}),
        notes="`ChatOpenAI.stream()`, its chunks added up",
    ),
    _row(
        "langchain-js",
        "langchain_js.mjs",
        "responses",
        notes="the same with `useResponsesApi: true`",
    ),
    _row("openai-agents", "openai_agents_python.py", notes="`Runner.run_streamed()`"),
    _row("openai-agents", "openai_agents_python.py", "responses", notes="`Runner.run_streamed()`"),
    _row("openai-agents-js", "openai_agents_js.mjs", notes="`run(agent, …, { stream: true })`"),
    _row(
        "openai-agents-js",
        "openai_agents_js.mjs",
        "responses",
        notes="`run(agent, …, { stream: true })`",
    ),
    _row("agno", "agno_python.py", notes="`Agent.run(stream=True)` with `OpenAIChat`"),
    _row("agno", "agno_python.py", "responses", notes="the same with `OpenAIResponses`"),
    _row("smolagents", "smolagents_python.py", notes="`OpenAIModel.generate_stream()`"),
    _row(
        "mirascope",
        "mirascope_python.py",
        manner=_REFUSAL_AS_TEXT,
        notes="`llm.Model.stream()`, without a timeout",
    ),
    _row(
        "mirascope",
        "mirascope_python.py",
        "responses",
        manner=_REFUSAL_AS_TEXT,
        notes="`llm.Model.stream()`, without a timeout",
    ),
    _row(
        "autogen",
        "autogen_python.py",
        manner=_AUTOGEN,
        notes="`OpenAIChatCompletionClient.create_stream()`",
    ),
    _row(
        "semantic-kernel",
        "semantic_kernel_python.py",
        notes="`OpenAIChatCompletion`, its messages added up",
    ),
    _row("haystack", "haystack_python.py", notes="`OpenAIChatGenerator` with a callback"),
    _row(
        "haystack",
        "haystack_python.py",
        "responses",
        notes="`OpenAIResponsesChatGenerator` with a callback",
    ),
    _row("llm", "llm_python.py", notes="`Model.prompt()`, without a timeout"),
    _row(
        "any-llm",
        "any_llm_python.py",
        asks=_N,
        notes="the chunks of `completion(stream=True)`, accumulated correctly",
    ),
    _row("any-llm", "any_llm_python.py", "responses", notes="the events of `responses()`"),
    _row(
        "aisuite",
        "aisuite_python.py",
        asks=_N,
        notes="the chunks of `create(stream=True)`, accumulated correctly",
    ),
    _row(
        "httpx-sse",
        "httpx_sse_python.py",
        asks=_ALL,
        is_parser=True,
        notes="the events of `connect_sse()`, accumulated correctly",
    ),
    _row(
        "eventsource-parser",
        "eventsource_parser.mjs",
        asks=_ALL,
        is_parser=True,
        notes="the events of `EventSourceParserStream`, accumulated correctly",
    ),
)
"""All known clients."""


def find_client(name: str) -> Client:
    """Return the client with this name.

    Raises:
        CheckError: there is none; the message suggests similar names.
    """
    by_name = {client.name: client for client in CLIENTS}
    if name not in by_name:
        close = get_close_matches(name, by_name, 3, 0.5)
        hint = f"did you mean {', '.join(close)}?" if close else "--clients lists them"
        raise CheckError(f"no client is called {name!r}; {hint}")
    return by_name[name]
