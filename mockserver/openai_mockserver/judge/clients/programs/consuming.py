"""The loop of the Python programs: a line of JSON in for each task, a line with its outcome out.

Rules of this file: use only the standard library. A program defines how its client sends the
request of a task and accumulates the answer. Tasks and outcomes have the members of `Task` and
`Outcome` in `openai_mockserver.judge`.
"""

from __future__ import annotations

import asyncio
import inspect
import json
import os
import sys
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

Task = dict[str, Any]
Outcome = dict[str, Any]
Json = dict[str, Any]


def run(consume: Callable[[Task, Outcome], Awaitable[None] | None]) -> None:
    """Consume a stream for each line of input.

    Args:
        consume: sends one request, and fills in the outcome while the answer arrives; an exception
            keeps the outcome so far.
    """
    # Keep other output of the client apart, also that of handlers that have the old sys.stdout.
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    with asyncio.Runner() as loop:
        for line in sys.stdin:
            outcome: Outcome = {}
            try:
                consuming = consume(json.loads(line), outcome)
                if inspect.isawaitable(consuming):
                    loop.run(_await(consuming))
                outcome["error"] = None
            except Exception as error:
                outcome["error"] = {"type": type(error).__name__, "message": describe(error)}
            out.write(encode(outcome | spell_texts(outcome)) + "\n")
            out.flush()


def encode(outcome: Outcome) -> str:
    """Return an outcome as JSON, with U+FFFD for half a surrogate pair, which JSON cannot carry."""
    text = json.dumps(outcome, ensure_ascii=False)
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def spell_texts(outcome: Outcome) -> Outcome:
    """Return the texts of an outcome that are not text, such as lists, as JSON."""
    return {
        name: json.dumps(outcome[name])
        for name in ("text", "reasoning", "refusal", "finish_reason")
        if not isinstance(outcome.get(name), str | None)
    }


async def _await(consuming: Awaitable[None]) -> None:
    await consuming


def describe(error: BaseException) -> str:
    """Return the message of an error; for a group, those of all its errors."""
    if isinstance(error, BaseExceptionGroup):
        return "; ".join(describe(one) for one in error.exceptions)
    return str(error)


def choose(request: Json, *names: str) -> Json:
    """Return the parameters with these names that a request has; by default all but the usual."""
    if names:
        return {name: request[name] for name in names if name in request}
    usual = ("model", "messages", "input", "stream")
    return {name: value for name, value in request.items() if name not in usual}


def get_prompt(request: Json) -> str:
    """Return the text of the last message, or the input."""
    given = request.get("messages") or request["input"]
    return given if isinstance(given, str) else given[-1]["content"]


def list_functions(request: Json) -> list[Json]:
    """Return the functions that are offered as tools, each with its name and parameters."""
    return [
        {"description": "A tool.", **(tool.get("function") or tool)}
        for tool in request.get("tools") or ()
    ]


def describe_chat_usage(usage: Any) -> Json | None:
    """Return usage, from an object with the names of chat completions."""
    if usage is None:
        return None
    return {
        "prompt_tokens": usage.prompt_tokens,
        "completion_tokens": usage.completion_tokens,
    }


def describe_calls(calls: Iterable[Any]) -> list[Json]:
    """Return tool calls, from objects with the members of chat completions."""
    return [
        {
            "name": call.function.name or "",
            "arguments": call.function.arguments or "",
            "id": call.id,
        }
        for call in calls
    ]


def describe_completion(completion: Any) -> Outcome:
    """Return the outcome of a complete or partial completion of OpenAI's SDK."""
    choices = completion.choices if completion is not None else ()
    choice = next((choice for choice in choices if choice.index == 0), None)
    usage = describe_chat_usage(completion.usage) if completion is not None else None
    if choice is None:
        return {"text": None, "tool_calls": [], "finish_reason": None, "usage": usage}
    message = choice.message
    call = message.function_call
    return {
        "text": message.content,
        "reasoning": _get_reasoning(message),
        "refusal": message.refusal,
        "tool_calls": describe_calls(message.tool_calls or ()),
        "function_call": call and {"name": call.name or "", "arguments": call.arguments or ""},
        "finish_reason": choice.finish_reason,
        "usage": usage,
    }


def _get_reasoning(message: Any) -> str | None:
    """Return the reasoning from whichever member holds it; the SDK declares none."""
    reasoning = getattr(message, "reasoning_content", None) or getattr(message, "reasoning", None)
    details = getattr(message, "reasoning_details", None) or ()
    return reasoning or "".join(detail.get("text") or "" for detail in details) or None


class ApiFailure(Exception):
    """An error that a client reports as an event, which an application must raise."""


class ResponseReader:
    """The way an application reads the events of OpenAI's Responses API.

    The text comes from its deltas until the final response arrives, which then counts.
    """

    def __init__(self, outcome: Outcome) -> None:
        self._outcome = outcome
        self._outcome |= {"text": "", "refusal": "", "tool_calls": [], "finish_reason": None}

    def read_all(self, events: Iterable[Any]) -> None:
        """Read all events."""
        for event in events:
            self.read(event)

    def read(self, event: Any) -> None:
        """Read an event, an object of the SDK."""
        kind = getattr(event, "type", None)
        if kind == "response.output_text.delta":
            self._outcome["text"] += event.delta
        elif kind == "response.refusal.delta":
            self._outcome["refusal"] += event.delta
        elif kind == "error":
            raise ApiFailure(f"{event.code}: {event.message}")
        elif kind in ("response.completed", "response.incomplete", "response.failed"):
            self._outcome |= describe_response(event.response)
            if kind == "response.failed":
                error = event.response.error
                raise ApiFailure(f"{error.code}: {error.message}" if error else "failed")


def describe_response(response: Any) -> Outcome:
    """Return the outcome of a final response of OpenAI's SDK."""
    output = response.output or []
    parts = [part for item in output if item.type == "message" for part in item.content or ()]
    calls = [item for item in output if item.type == "function_call"]
    details = response.incomplete_details
    reason = "tool_calls" if calls else "stop"
    usage = response.usage
    return {
        "text": "".join(part.text for part in parts if part.type == "output_text"),
        "refusal": "".join(part.refusal for part in parts if part.type == "refusal"),
        "tool_calls": [
            {"name": call.name, "arguments": call.arguments, "id": call.call_id} for call in calls
        ],
        "finish_reason": details.reason if response.status == "incomplete" and details else reason,
        "usage": usage
        and {"prompt_tokens": usage.input_tokens, "completion_tokens": usage.output_tokens},
    }
