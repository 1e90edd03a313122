"""The consumers that streams are tried on: two in the tests' process, and known clients.

Rules of this file: a table, and how a drawn stream is shown to a known client of the judge.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from typing import Any

from findings.in_process import MESSAGES, MODEL, PATIENCE, Consume, answer, httpx_sse, openai_python
from openai_mockserver import MockOpenAI
from openai_mockserver.clients import API_KEY
from openai_mockserver.judge import AnsweredStream, Manner, Outcome, Task, get_answer
from openai_mockserver.judge.clients import Client, find_client, install, open_client
from openai_mockserver.judge.clients import find_versions as find_client_versions

__all__ = ["CONSUMERS", "Consumer", "explain_mismatch", "find_versions"]

_WAITING = frozenset({"openai-node"})
"""Clients whose timeout ends with the head: a silence after it is waited for."""


@dataclass(frozen=True, eq=False)
class Consumer:
    """A client or parser, used in one way.

    Args:
        name: its name on the command line and in the findings.
        open: returns a context manager that yields the function from streams to outcomes.
        client: the known client that it is; None runs in the tests' process.
    """

    name: str
    open: Callable[[], AbstractContextManager[Consume]]
    client: Client | None = None

    @property
    def manner(self) -> Manner:
        """How it reports things differently."""
        return self.client.manner if self.client is not None else Manner()


def explain_mismatch(consumer: Consumer, stream: AnsweredStream) -> str | None:
    """Return why a stream does not fit the requests of a consumer; None if it fits."""
    client = consumer.client
    if len(get_answer(stream).choices) > 1 and client is not None and "n" not in client.asks:
        return "it requests one answer, not several"
    if stream.error is None and stream.script.seconds > PATIENCE / 2:
        return "the stream is silent for longer than the consumer waits"
    if consumer.name in _WAITING and stream.error == "timeout":
        return "its timeout is for the head alone"
    if client is not None and stream.script.end == "close":
        return "the connection that closes after it may carry the next request"
    return None


def find_versions(consumer: Consumer) -> Mapping[str, str]:
    """Return the installed versions of a consumer's packages."""
    if consumer.client is None:
        return {consumer.name: version(consumer.name)}
    return find_client_versions(consumer.client.environment)


@contextmanager
def _open(client: Client) -> Iterator[Consume]:
    install(client.environment)
    with MockOpenAI(lenient=True, keep_calls=1) as mock, open_client(client) as ask:

        def consume(stream: AnsweredStream) -> Outcome:
            answer(mock, stream)
            return ask(_make_task(mock.base_url, stream))

        yield consume


def _make_task(base_url: str, stream: AnsweredStream) -> Task:
    """Return the task of a drawn stream: its tools accept any object."""
    reply = get_answer(stream)
    parameters = {"type": "object", "properties": {}, "additionalProperties": True}
    tools = [
        {"type": "function", "function": {"name": name, "parameters": parameters}}
        for name in dict.fromkeys(call.name for call in reply.tool_calls)
    ]
    request: dict[str, Any] = {
        "model": MODEL,
        "messages": MESSAGES,
        "stream": True,
        "stream_options": {"include_usage": True},
        **({"tools": tools} if tools else {}),
        **({"n": len(reply.choices)} if len(reply.choices) > 1 else {}),
    }
    return Task("drawn", base_url, API_KEY, "chat", "/chat/completions", request, PATIENCE)


def _row(name: str) -> Consumer:
    client = find_client(name)
    return Consumer(name, partial(_open, client), client)


CONSUMERS = (
    Consumer("openai", openai_python),
    Consumer("httpx-sse", httpx_sse),
    _row("openai-node"),
    _row("ai-sdk"),
    _row("ai-sdk compatible"),
    _row("langchain-openai"),
    _row("litellm"),
    _row("pydantic-ai"),
    _row("llama-index"),
    _row("llama-index openai-like"),
    _row("eventsource-parser"),
)
"""All consumers."""
