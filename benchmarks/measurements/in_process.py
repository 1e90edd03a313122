"""Sends requests to a mock in this process, without the SDK.

The work of httpx2 on a response and its stream is the same for every server. It is measured with a
minimal transport, which serves bytes from a list, so that it can be subtracted.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import httpx2

from openai_mockserver import MockOpenAI, Reply

__all__ = ["CHAT", "Exchange", "MinimalTransport", "ask_chat", "ask_responses", "make_exchange"]

CHAT, COMPLETIONS, RESPONSES = "/v1/chat/completions", "/v1/completions", "/v1/responses"
PIECES = 198
KEEP_CALLS = 10  # so that the journal does not grow during a long run


class MinimalTransport(httpx2.BaseTransport):
    """A transport that serves the same bytes each time."""

    def __init__(self, headers: list[tuple[bytes, bytes]], body: bytes) -> None:
        self._headers, self._body = headers, body

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(200, headers=self._headers, stream=_Body(self._body))


class _Body(httpx2.SyncByteStream):
    def __init__(self, body: bytes) -> None:
        self._body = body

    def __iter__(self) -> Iterator[bytes]:
        yield self._body


class Exchange(NamedTuple):
    """A request, and the transport that answers it."""

    name: str
    transport: Any
    request: httpx2.Request

    def read(self, note_first: Callable[[], object] = lambda: None) -> bytes:
        """Send the request and return the whole body; call ``note_first`` at its first bytes."""
        response = self.transport.handle_request(self.request)
        chunks = iter(response.stream)
        first: bytes = next(chunks)
        note_first()
        body = first + b"".join(chunks)
        response.stream.close()
        if response.status_code != 200:
            raise RuntimeError(f"{self.name}: {body[:500]!r}")
        return body


def ask_chat(content: str = "Hi", **more: Any) -> tuple[str, dict[str, Any]]:
    """Return the path and the body of a chat completion; ``more`` adds members to the body."""
    message = {"role": "user", "content": content}
    return CHAT, {"model": "gpt-4o", "stream": True, "messages": [message]} | more


def ask_responses() -> tuple[str, dict[str, Any]]:
    return RESPONSES, {"model": "gpt-4o", "stream": True, "input": "Hi"}


def ask_completions() -> tuple[str, dict[str, Any]]:
    return COMPLETIONS, {"model": "gpt-3.5-turbo-instruct", "stream": True, "prompt": "Hi"}


def make_exchange(
    name: str,
    path_and_body: tuple[str, dict[str, Any]],
    pieces: int = PIECES,
    dialect: str | None = None,
    rules: int = 0,
    keep_calls: int = KEEP_CALLS,
) -> Exchange:
    """Return a request and a mock that answers it, after comparing ``rules`` that do not match."""
    mock = MockOpenAI(dialect=dialect, keep_calls=keep_calls)
    mock.reply(Reply(["word "] * pieces))
    for n in range(rules):
        mock.on(user=f"question {n}").reply(f"answer {n}")
    path, body = path_and_body
    headers = {"Content-Type": "application/json", "Authorization": "Bearer sk-test"}
    request = httpx2.Request(
        "POST", f"http://localhost{path}", content=json.dumps(body).encode(), headers=headers
    )
    return Exchange(name, mock.transport(), request)


def make_minimal(exchange: Exchange) -> Exchange:
    """Return the same request with the minimal transport, which serves the bytes of the mock."""
    response = exchange.transport.handle_request(exchange.request)
    body = b"".join(response.stream)
    response.stream.close()
    transport = MinimalTransport(response.headers.raw, body)
    return exchange._replace(name="minimal transport", transport=transport)
