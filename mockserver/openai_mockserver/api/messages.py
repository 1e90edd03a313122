"""What a request asks, as the messages of a chat, whichever endpoint it goes to.

Rules of this file: pure functions of the request; wrong JSON gives fewer messages, never an
exception.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

__all__ = ["call_ids", "read_messages"]

Json = dict[str, Any]

# Output items that a client gives back: they are the model's.
_CALLS = {"function_call": "arguments", "custom_tool_call": "input"}


def read_messages(request: Mapping[str, Any]) -> list[Json]:
    """The conversation.

    >>> read_messages({"instructions": "Be brief.", "input": "Hi"})
    [{'role': 'system', 'content': 'Be brief.'}, {'role': 'user', 'content': 'Hi'}]
    """
    stated, prompt = request.get("messages"), request.get("prompt")
    if isinstance(stated, list):
        return [message for message in stated if isinstance(message, dict)]
    if isinstance(prompt, list):  # of a legacy completion
        prompt = "\n".join(map(str, prompt))
    if isinstance(prompt, str):
        return [{"role": "user", "content": prompt}]
    return list(_of_input(request))


def call_ids(messages: Iterable[Mapping[str, Any]]) -> set[str]:
    """The ids of the tool calls that these messages make."""
    return {str(call.get("id")) for said in messages for call in said.get("tool_calls") or ()}


def _of_input(request: Mapping[str, Any]) -> Iterator[Json]:
    """Those of ``instructions`` and ``input`` of the Responses API."""
    if isinstance(request.get("instructions"), str):
        yield {"role": "system", "content": request["instructions"]}
    asked = request.get("input")
    if isinstance(asked, str):
        yield {"role": "user", "content": asked}
    calls: list[Json] = []
    for item in asked if isinstance(asked, list) else ():
        if not isinstance(item, dict):
            continue
        type_ = str(item.get("type") or "message")
        if type_ in _CALLS:
            # Several calls in a row are one message of the assistant.
            calls.append(_call(item, _CALLS[type_]))
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


def _call(item: Json, said: str) -> Json:
    function = {"name": item.get("name"), "arguments": item.get(said)}
    return {"id": item.get("call_id"), "type": "function", "function": function}
