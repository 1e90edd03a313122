"""The consumers that run in the tests' process.

Rules of this file: each is used as its documentation shows, through the mock's transport, whose
clock is virtual. For parsers of events, the judge's `accumulate` builds the outcome.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import openai
from httpx_sse import connect_sse
from msgspec.structs import replace

from openai_mockserver import MockOpenAI
from openai_mockserver.judge import (
    AnsweredStream,
    Counts,
    Function,
    Outcome,
    RaisedError,
    ReportedCall,
    get_answer,
)
from openai_mockserver.judge.reading import accumulate

__all__ = ["MESSAGES", "MODEL", "PATIENCE", "answer", "httpx_sse", "openai_python"]

Consume = Callable[[AnsweredStream], Outcome]

PATIENCE = 2.0
"""Seconds of silence after which a consumer gives up."""

MODEL = "gpt-4o-mini"
MESSAGES: list[Any] = [{"role": "user", "content": "Go on."}]


def answer(mock: MockOpenAI, stream: AnsweredStream) -> None:
    """Let a mock answer every request with a stream."""
    mock.reset()
    mock.reply(stream.script)


@contextmanager
def openai_python() -> Iterator[Consume]:
    """OpenAI's SDK: what `chat.completions.stream()` accumulates.

    No tools are offered, because the SDK itself parses the calls of offered tools, and raises.
    """
    with MockOpenAI(lenient=True, keep_calls=1) as mock:
        with mock.client(max_retries=0, timeout=PATIENCE) as client:

            def consume(stream: AnsweredStream) -> Outcome:
                answer(mock, stream)
                completion: Any = None
                try:
                    with client.chat.completions.stream(
                        model=MODEL,
                        messages=MESSAGES,
                        n=len(get_answer(stream).choices),
                        stream_options={"include_usage": True},
                    ) as events:
                        for _ in events:
                            completion = events.current_completion_snapshot
                        completion = events.get_final_completion()
                except (
                    openai.LengthFinishReasonError,
                    openai.ContentFilterFinishReasonError,
                ):
                    pass  # reports the finish reason, which the snapshot also has
                except Exception as error:
                    return replace(_read_completion(completion), error=describe_exception(error))
                return _read_completion(completion)

            yield consume


def _read_completion(completion: Any) -> Outcome:
    """Return the outcome of a complete or partial completion of the SDK."""
    choices = completion.choices if completion is not None else ()
    choice = next((choice for choice in choices if choice.index == 0), None)
    if choice is None:
        usage = _count_usage(completion.usage) if completion is not None else None
        return Outcome(text=None, tool_calls=[], finish_reason=None, usage=usage)
    message = choice.message
    call = message.function_call
    return Outcome(
        text=message.content,
        reasoning=_reasoning(message),
        refusal=message.refusal,
        tool_calls=[
            ReportedCall(call.function.name or "", call.function.arguments or "", call.id)
            for call in message.tool_calls or ()
        ],
        function_call=Function(call.name or "", call.arguments or "") if call else None,
        finish_reason=choice.finish_reason,
        usage=_count_usage(completion.usage),
    )


def _reasoning(message: Any) -> str | None:
    """Return the reasoning from whichever member holds it; the SDK declares none."""
    reasoning = getattr(message, "reasoning_content", None) or getattr(message, "reasoning", None)
    details = getattr(message, "reasoning_details", None) or ()
    return reasoning or "".join(detail.get("text") or "" for detail in details) or None


def _count_usage(usage: Any) -> Counts | None:
    return Counts(usage.prompt_tokens, usage.completion_tokens) if usage is not None else None


def describe_exception(error: Exception) -> RaisedError:
    """Return the name and message of an exception."""
    return RaisedError(type(error).__name__, str(error))


@contextmanager
def httpx_sse() -> Iterator[Consume]:
    """httpx-sse: the events of `connect_sse`."""
    with MockOpenAI(lenient=True, keep_calls=1) as mock:
        options = {"transport": mock.transport(), "timeout": PATIENCE, "trust_env": False}
        with httpx.Client(base_url="http://mockserver/v1", **options) as client:

            def consume(stream: AnsweredStream) -> Outcome:
                answer(mock, stream)
                payload = {
                    "model": MODEL,
                    "messages": MESSAGES,
                    "stream": True,
                    "n": len(get_answer(stream).choices),
                }
                events: list[str] = []
                error: RaisedError | None = None
                try:
                    with connect_sse(client, "POST", "/chat/completions", json=payload) as source:
                        if source.response.is_error:
                            raise RuntimeError(source.response.read().decode())
                        for event in source.iter_sse():
                            events.append(event.data)
                except Exception as failure:
                    error = describe_exception(failure)
                return accumulate(events, error)

            yield consume
