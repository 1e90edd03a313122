"""Reads responses for consumers that report bytes or events, as a correct consumer would.

Rules of this file: pure functions. What they make of a response is then judged, so the mistakes
that are found are those of whoever delivered the bytes or parsed the events.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec.json

from openai_mockserver import api, sse
from openai_mockserver.api.errors import read_error
from openai_mockserver.exceptions import ReplyError
from openai_mockserver.judge.outcome import Counts, Function, Outcome, RaisedError, ReportedCall
from openai_mockserver.judge.post import Response, describe_error
from openai_mockserver.reply import ApiError, Reply
from openai_mockserver.script import Event, Head, Raw, Script

__all__ = [
    "EVENT_STREAM",
    "accumulate",
    "describe_reply",
    "read_body",
    "read_json",
    "read_response",
]

CHAT = "/v1/chat/completions"

EVENT_STREAM = "text/event-stream"
"""The media type of an event stream."""


def accumulate(
    events: Iterable[str], error: RaisedError | None = None, path: str = CHAT
) -> Outcome:
    """Accumulate the data of events: what a correct consumer makes of them.

    Invalid JSON is an error, and so is an error object; ``[DONE]`` ends the stream.

    Args:
        events: the data of each event.
        error: the error with which the stream ended, if any.
        path: path of the endpoint.
    """
    chunks: list[Event] = []
    for data in events:
        if data.startswith("[DONE]"):
            error = None  # the answer is complete
            break
        try:
            chunk = msgspec.json.decode(data)
        except (msgspec.DecodeError, UnicodeError) as malformed:
            error = RaisedError("MalformedEvent", f"{malformed}: {data!r}")
            break
        if isinstance(chunk, dict) and (cause := read_error(chunk)) is not None:
            error = RaisedError("ApiError", cause.message or "")
            break
        # Encode again, so that any parser's data is valid in an event.
        kind = chunk.get("type") if isinstance(chunk, dict) else None
        name = kind if isinstance(kind, str) else None
        chunks.append(Event(msgspec.json.encode(chunk).decode(), event=name))
    reply = Reply(finish_reason=None)
    if chunks:
        try:
            reply = _read(path, Script(steps=tuple(chunks)))
        except ReplyError as problem:  # the chunks so far are not a reply
            error = error or RaisedError(type(problem).__name__, str(problem))
    return describe_reply(reply, error)


def read_body(body: bytes, error: RaisedError | None, path: str = CHAT) -> Outcome:
    """Return what a correct consumer makes of the body of an event stream.

    Args:
        body: the body, as far as it came.
        error: the error with which it ended, if any.
        path: path of the endpoint.
    """
    return accumulate((event.data for event in sse.decode(body)), error, path)


def read_json(body: bytes, path: str = CHAT) -> Outcome:
    """Return what a correct consumer makes of a JSON body.

    Args:
        body: the body.
        path: path of the endpoint.
    """
    head = Head(200, (("Content-Type", "application/json"),))
    try:
        reply = _read(path, Script(head, (Raw(body),)))
    except ReplyError as problem:
        return Outcome(error=RaisedError("MalformedBody", str(problem)))
    return describe_reply(reply, None)


def read_response(response: Response, path: str = CHAT) -> Outcome:
    """Return what a correct consumer makes of a response that should be OpenAI's.

    Args:
        response: the response, as far as it came.
        path: path of the endpoint.
    """
    error = describe_error(response)
    if response.status >= 400:
        message = response.body.decode("utf-8", "replace")
        return Outcome(error=RaisedError(f"HTTP {response.status}", message))
    if response.media_type == EVENT_STREAM:
        return read_body(response.body, error, path)
    return Outcome(error=error) if error is not None else read_json(response.body, path)


def _read(path: str, script: Script) -> Reply:
    """Return the reply of a response. Raises ReplyError if there is none."""
    endpoints, _ = api.ENDPOINTS.find(path, "POST")
    reader = (endpoints["POST"].read if "POST" in endpoints else None) or api.read
    reply = reader(script)
    return Reply(error=reply) if isinstance(reply, ApiError) else reply


def describe_reply(reply: Reply, error: RaisedError | None) -> Outcome:
    """Return the outcome of a consumer that reads this reply.

    Args:
        reply: the reply; its own error counts if there is no other.
        error: the error that the consumer surfaces.
    """
    if error is None and reply.error is not None:
        error = RaisedError("ApiError", reply.error.message or "")
    call, usage = reply.function_call, reply.usage
    return Outcome(
        text=str(reply.text or ""),
        reasoning=str(reply.reasoning or ""),
        refusal=str(reply.refusal or ""),
        tool_calls=[ReportedCall(one.name, str(one.arguments), one.id) for one in reply.tool_calls],
        function_call=Function(call.name, str(call.arguments)) if call is not None else None,
        finish_reason=reply.finish_reason,
        usage=Counts(usage.prompt_tokens, usage.completion_tokens) if usage is not None else None,
        error=error,
    )
