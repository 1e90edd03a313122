"""The input of a request as chat messages, whatever its endpoint.

Rules of this file: pure functions of the request. Malformed JSON results in fewer messages, never
in an exception.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

__all__ = ["call_ids", "read_messages"]

Json = dict[str, Any]

# Output items that a client sends back: they belong to the model's message.
_CALLS = {"function_call": "arguments", "custom_tool_call": "input"}


def read_messages(request: Mapping[str, Any]) -> list[Json]:
    """Return the messages of a request.

    >>> read_messages({"instructions": "Be brief.", "input": "Hi"})
    [{'role': 'system', 'content': 'Be brief.'}, {'role': 'user', 'content': 'Hi'}]
    """
    messages, prompt = request.get("messages"), request.get("prompt")
    if isinstance(messages, list):
        return [message for message in messages if isinstance(message, dict)]
    if isinstance(prompt, list):  # a legacy completion
        prompt = "\n".join(map(str, prompt))
    if isinstance(prompt, str):
        return [{"role": "user", "content": prompt}]
    return list(_read_input(request))


def call_ids(messages: Iterable[Mapping[str, Any]]) -> set[str]:
    """Return the ids of the tool calls in these messages."""
    return {str(call.get("id")) for one in messages for call in one.get("tool_calls") or ()}


def _read_input(request: Mapping[str, Any]) -> Iterator[Json]:
    """Convert ``instructions`` and ``input`` of the Responses API."""
    if isinstance(request.get("instructions"), str):
        yield {"role": "system", "content": request["instructions"]}
    items = request.get("input")
    if isinstance(items, str):
        yield {"role": "user", "content": items}
    calls: list[Json] = []
    for item in items if isinstance(items, list) else ():
        if not isinstance(item, dict):
            continue
        type_ = str(item.get("type") or "message")
        if type_ in _CALLS:
            # Consecutive calls are one message of the assistant.
            calls.append(_read_call(item, _CALLS[type_]))
            continue
        if calls:
            yield {"role": "assistant", "content": None, "tool_calls": calls}
            calls = []
        if type_ == "message":
            yield {"role": item.get("role"), "content": item.get("content")}
        elif type_.endswith("_call_output"):
            result = {"role": "tool", "tool_call_id": item.get("call_id")}
            yield result | {"content": item.get("output")}
    if calls:
        yield {"role": "assistant", "content": None, "tool_calls": calls}


def _read_call(item: Json, arguments_key: str) -> Json:
    function = {"name": item.get("name"), "arguments": item.get(arguments_key)}
    return {"id": item.get("call_id"), "type": "function", "function": function}
