"""The consumers that need no environment of their own: they run in the tests' process.

Rules of this file: each is asked as its documentation says, through the mock's transport, where
time is virtual; who parses events has them accumulated by `accumulated`, which is ours.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import msgspec.json
import openai
from httpx_sse import connect_sse
from msgspec.structs import replace

from findings.judge import Call, Counts, Function, Outcome, Raised, Told, answer_of
from openai_mockserver import ApiError, MockOpenAI, Reply, Script
from openai_mockserver.api import chat
from openai_mockserver.api.errors import read_error
from openai_mockserver.exceptions import ReplyError
from openai_mockserver.script import Event

__all__ = ["PATIENCE", "accumulated", "answer", "httpx_sse", "openai_python"]

Consume = Callable[[Told], Outcome]

PATIENCE = 2.0
"""Seconds of silence that a consumer bears."""

MODEL = "gpt-4o-mini"
MESSAGES: list[Any] = [{"role": "user", "content": "Go on."}]


def answer(mock: MockOpenAI, stream: Told) -> None:
    """Let a mock answer with a stream, whatever it is asked."""
    mock.reset()
    mock.reply(stream.script)


@contextmanager
def openai_python() -> Iterator[Consume]:
    """OpenAI's SDK: what `chat.completions.stream()` accumulates.

    No tools are offered: for those that are it parses and raises by itself, as documented.
    """
    with MockOpenAI(lenient=True, keep_calls=1) as mock:
        with mock.client(max_retries=0, timeout=PATIENCE) as client:

            def consume(stream: Told) -> Outcome:
                answer(mock, stream)
                heard: Any = None
                try:
                    with client.chat.completions.stream(
                        model=MODEL,
                        messages=MESSAGES,
                        n=len(answer_of(stream).choices),
                        stream_options={"include_usage": True},
                    ) as events:
                        for _ in events:
                            heard = events.current_completion_snapshot
                        heard = events.get_final_completion()
                except (
                    openai.LengthFinishReasonError,
                    openai.ContentFilterFinishReasonError,
                ):
                    pass  # its way to tell the finish reason, which the snapshot has, too
                except Exception as error:
                    return replace(_said(heard), error=raised(error))
                return _said(heard)

            yield consume


def _said(completion: Any) -> Outcome:
    """What a completion of the SDK says, or what there is of one."""
    choices = completion.choices if completion is not None else ()
    choice = next((choice for choice in choices if choice.index == 0), None)
    if choice is None:
        usage = _counted(completion.usage) if completion is not None else None
        return Outcome(text=None, calls=[], finish_reason=None, usage=usage)
    message = choice.message
    call = message.function_call
    return Outcome(
        text=message.content,
        reasoning=_reasoning(message),
        refusal=message.refusal,
        calls=[
            Call(call.function.name or "", call.function.arguments or "", call.id)
            for call in message.tool_calls or ()
        ],
        function_call=Function(call.name or "", call.arguments or "") if call else None,
        finish_reason=choice.finish_reason,
        usage=_counted(completion.usage),
    )


def _reasoning(message: Any) -> str | None:
    """The reasoning, which the SDK has no member for, in whichever it came."""
    told = getattr(message, "reasoning_content", None) or getattr(message, "reasoning", None)
    details = getattr(message, "reasoning_details", None) or ()
    return told or "".join(detail.get("text") or "" for detail in details) or None


def _counted(usage: Any) -> Counts | None:
    return Counts(usage.prompt_tokens, usage.completion_tokens) if usage is not None else None


def raised(error: Exception) -> Raised:
    """What is told of an exception."""
    return Raised(type(error).__name__, str(error))


@contextmanager
def httpx_sse() -> Iterator[Consume]:
    """httpx-sse: the events of `connect_sse`."""
    with MockOpenAI(lenient=True, keep_calls=1) as mock:
        options = {"transport": mock.transport(), "timeout": PATIENCE, "trust_env": False}
        with httpx.Client(base_url="http://mockserver/v1", **options) as client:

            def consume(stream: Told) -> Outcome:
                answer(mock, stream)
                asked = {
                    "model": MODEL,
                    "messages": MESSAGES,
                    "stream": True,
                    "n": len(answer_of(stream).choices),
                }
                events: list[str] = []
                error: Raised | None = None
                try:
                    with connect_sse(client, "POST", "/chat/completions", json=asked) as source:
                        if source.response.is_error:
                            raise RuntimeError(source.response.read().decode())
                        for event in source.iter_sse():
                            events.append(event.data)
                except Exception as failure:
                    error = raised(failure)
                return accumulated(events, error)

            yield consume


def accumulated(events: Iterable[str], error: Raised | None) -> Outcome:
    """What the data of events say, accumulated rightly, so that only their parser can be wrong.

    What is no JSON raises, and so does an error object; ``[DONE]`` ends it.
    """
    chunks: list[Event] = []
    for data in events:
        if data.startswith("[DONE]"):
            break
        try:
            said = msgspec.json.decode(data)
        except (msgspec.DecodeError, UnicodeError) as malformed:
            error = Raised("MalformedEvent", f"{malformed}: {data!r}")
            break
        if isinstance(said, dict) and (api := read_error(said)) is not None:
            error = Raised("ApiError", api.message or "")
            break
        # Said again, so that any parser's data can be carried.
        chunks.append(Event(msgspec.json.encode(said).decode()))
    try:
        reply = chat.read(Script(steps=tuple(chunks))) if chunks else Reply(finish_reason=None)
    except ReplyError as nothing:  # what is left of the chunks is no reply
        reply, error = Reply(finish_reason=None), error or raised(nothing)
    assert not isinstance(reply, ApiError)
    call = reply.function_call
    return Outcome(
        text=str(reply.text or ""),
        reasoning=str(reply.reasoning or ""),
        refusal=str(reply.refusal or ""),
        calls=[Call(call.name, call.arguments, call.id) for call in reply.tool_calls],
        function_call=Function(call.name, call.arguments) if call is not None else None,
        finish_reason=reply.finish_reason,
        usage=_counted(reply.usage),
        error=error,
    )
