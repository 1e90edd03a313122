"""The JSON of threads, messages, runs and steps, with all their members in OpenAI's order.

Rules of this file: pure functions. Members and their order are those of recorded streams of
October 2025; where the SDK's types differ, the recordings win: a run has ``tool_resources``, a step
has no ``metadata`` and no ``expired_at``, and usage has ``prompt_token_details``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from openai_mockserver.reply import Usage

__all__ = [
    "Envelope",
    "LIFETIME",
    "add_usage",
    "build_message",
    "build_run",
    "build_step",
    "build_thread",
    "build_usage",
    "convert_content",
]

Json = dict[str, Any]

LIFETIME = 600
"""Seconds after which a run expires."""

_RANKING = {"ranker": "default_2024_08_21", "score_threshold": 0.0}
_RESOURCES: Json = {"code_interpreter": {"file_ids": []}}


@dataclass(frozen=True, slots=True)
class Envelope:
    """The ids and times of new objects.

    Args:
        new_id: returns a new id, given the kind of its object, such as ``step``.
        now: returns the time, in seconds since the epoch; called whenever something happens.
    """

    new_id: Callable[[str], str]
    now: Callable[[], int]


def build_thread(id: str, parameters: Mapping[str, Any], created_at: int) -> Json:
    """Return a new thread with the metadata and the tool resources of a request."""
    return {
        "id": id,
        "object": "thread",
        "created_at": created_at,
        "metadata": parameters.get("metadata") or {},
        "tool_resources": _RESOURCES | (parameters.get("tool_resources") or {}),
    }


def convert_content(content: Any) -> list[Any]:
    """Return the content of a request in the form of a message, in which a text is an object.

    >>> convert_content("Hi")
    [{'type': 'text', 'text': {'value': 'Hi', 'annotations': []}}]
    """
    parts = [{"type": "text", "text": content}] if isinstance(content, str) else content
    return [
        part | {"text": {"value": part["text"], "annotations": []}}
        if part.get("type") == "text"
        else part
        for part in parts
    ]


def build_message(
    id: str, thread_id: str, created_at: int, run: Mapping[str, Any] | None = None
) -> Json:
    """Return a new message: an unfinished one of this run, or a finished one without content."""
    return {
        "id": id,
        "object": "thread.message",
        "created_at": created_at,
        "assistant_id": run["assistant_id"] if run else None,
        "thread_id": thread_id,
        "run_id": run["id"] if run else None,
        "status": "in_progress" if run else "completed",
        "incomplete_details": None,
        "incomplete_at": None,
        "completed_at": None if run else created_at,
        "role": "assistant" if run else "user",
        "content": [],
        "attachments": [],
        "metadata": {},
    }


def build_run(
    id: str,
    thread_id: str,
    parameters: Mapping[str, Any],
    assistant: Mapping[str, Any],
    created_at: int,
) -> Json:
    """Return a new run, which is queued.

    Args:
        id: its id.
        thread_id: the id of its thread.
        parameters: the parameters of the request, which win over those of the assistant.
        assistant: the assistant.
        created_at: the time.
    """

    def choose(name: str, default: Any = None) -> Any:
        value = parameters.get(name)
        value = assistant.get(name) if value is None else value
        return default if value is None else value

    instructions = choose("instructions")
    if more := parameters.get("additional_instructions"):
        instructions = f"{instructions}\n{more}" if instructions else more
    strategy = parameters.get("truncation_strategy") or {}
    resources = parameters.get("tool_resources") or assistant.get("tool_resources") or {}
    return {
        "id": id,
        "object": "thread.run",
        "created_at": created_at,
        "assistant_id": parameters["assistant_id"],
        "thread_id": thread_id,
        "status": "queued",
        "started_at": None,
        "expires_at": created_at + LIFETIME,
        "cancelled_at": None,
        "failed_at": None,
        "completed_at": None,
        "required_action": None,
        "last_error": None,
        "model": choose("model", "gpt-4o"),
        "instructions": instructions,
        "tools": [_complete_tool(tool) for tool in choose("tools", [])],
        "tool_resources": _RESOURCES | resources,
        "metadata": parameters.get("metadata") or {},
        "temperature": choose("temperature", 1.0),
        "top_p": choose("top_p", 1.0),
        "reasoning_effort": choose("reasoning_effort"),
        "max_completion_tokens": parameters.get("max_completion_tokens"),
        "max_prompt_tokens": parameters.get("max_prompt_tokens"),
        "truncation_strategy": {"type": "auto", "last_messages": None} | strategy,
        "incomplete_details": None,
        "usage": None,
        "response_format": choose("response_format", "auto"),
        "tool_choice": parameters.get("tool_choice") or "auto",
        "parallel_tool_calls": parameters.get("parallel_tool_calls") is not False,
    }


def _complete_tool(tool: Mapping[str, Any]) -> Json:
    """Return a tool with the members that OpenAI adds."""
    if tool.get("type") == "function":
        function = {"parameters": {"type": "object", "properties": {}}, "strict": False}
        return {"type": "function", "function": _put_last(tool.get("function") or {}, function)}
    if tool.get("type") == "file_search":
        search = tool.get("file_search") or {}
        ranking = _RANKING | (search.get("ranking_options") or {})
        ranking = {**ranking, "hybrid_search": ranking.get("hybrid_search")}
        return {"type": "file_search", "file_search": {**search, "ranking_options": ranking}}
    return dict(tool)


def _put_last(members: Mapping[str, Any], last: Mapping[str, Any]) -> Json:
    """Return these members, followed by the last ones, whose values are defaults."""
    first = {name: value for name, value in members.items() if name not in last}
    chosen = {name: members.get(name) for name in last}
    return first | {n: last[n] if value is None else value for n, value in chosen.items()}


def build_step(id: str, run: Mapping[str, Any], details: Json, created_at: int) -> Json:
    """Return a new step of a run, which is in progress."""
    return {
        "id": id,
        "object": "thread.run.step",
        "created_at": created_at,
        "run_id": run["id"],
        "assistant_id": run["assistant_id"],
        "thread_id": run["thread_id"],
        "type": details["type"],
        "status": "in_progress",
        "cancelled_at": None,
        "completed_at": None,
        "expires_at": run["expires_at"],
        "failed_at": None,
        "last_error": None,
        "step_details": details,
        "usage": None,
    }


def build_usage(usage: Usage) -> Json:
    """Return the usage of a step."""
    return {
        "prompt_tokens": usage.prompt_tokens,
        "completion_tokens": usage.completion_tokens,
        "total_tokens": usage.total_tokens,
        "prompt_token_details": {"cached_tokens": usage.cached_tokens},
        "completion_tokens_details": {"reasoning_tokens": usage.reasoning_tokens},
    }


def add_usage(usages: Iterable[Mapping[str, Any]]) -> Json:
    """Return the sum of the usages of steps: that of their run.

    >>> add_usage([build_usage(Usage(3, 2)), build_usage(Usage(4, 1))])["total_tokens"]
    10
    """
    total = build_usage(Usage())
    for usage in usages:
        total = _add(total, usage)
    return total


def _add(one: Mapping[str, Any], other: Mapping[str, Any]) -> Json:
    return {
        name: _add(value, other[name]) if isinstance(value, dict) else value + other[name]
        for name, value in one.items()
    }
