"""What a run asks the model: the thread's messages as a request of the Responses API.

Rules of this file: pure functions. OpenAI's guide to the move from assistants to responses names
the same counterparts. Built-in tools have one there, so a rule's `file_search(...)` can answer.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

__all__ = ["build_request"]

Json = dict[str, Any]


def build_request(
    run: Mapping[str, Any],
    messages: Sequence[Mapping[str, Any]],
    steps: Sequence[Mapping[str, Any]],
    stream: bool,
) -> Json:
    """Return the body of the request.

    Args:
        run: the run.
        messages: the messages of its thread, the oldest first.
        steps: its steps so far, the oldest first.
        stream: whether to ask for a stream.
    """
    request: Json = {
        "model": run["model"],
        "instructions": run["instructions"] or None,
        "input": _list_input(run, messages, steps),
        "tools": [_convert_tool(tool, run["tool_resources"]) for tool in run["tools"]],
        "tool_choice": _convert_choice(run["tool_choice"]),
        "max_output_tokens": run["max_completion_tokens"],
        "text": _convert_format(run["response_format"]),
        "include": ["file_search_call.results", "code_interpreter_call.outputs"],
        "store": False,
        "stream": stream,
    }
    if run["reasoning_effort"] is not None:
        request["reasoning"] = {"effort": run["reasoning_effort"]}
    if run["parallel_tool_calls"] is False:
        request["parallel_tool_calls"] = False
    # A reasoning model accepts no other temperature than 1.
    request |= {name: run[name] for name in ("temperature", "top_p") if run[name] != 1}
    return {name: value for name, value in request.items() if value not in (None, [], "auto")} | {
        "input": request["input"]
    }


# Input


def _list_input(
    run: Mapping[str, Any],
    messages: Sequence[Mapping[str, Any]],
    steps: Iterable[Mapping[str, Any]],
) -> list[Json]:
    """Return the messages, and then what happened in the run so far."""
    own = {message["id"]: message for message in messages if message.get("run_id") == run["id"]}
    earlier = [message for message in messages if message["id"] not in own]
    last = run["truncation_strategy"].get("last_messages")
    if run["truncation_strategy"].get("type") == "last_messages" and isinstance(last, int):
        earlier = earlier[-last:] if last else []
    items = [_convert_message(message) for message in earlier]
    for step in steps:
        details = step["step_details"]
        if details["type"] == "message_creation":
            message = own.get(details["message_creation"]["message_id"])
            items += [] if message is None else [_convert_message(message)]
        else:
            calls = [call for call in details["tool_calls"] if call["type"] == "function"]
            items += [_convert_call(call) for call in calls]
            items += [_convert_output(call) for call in calls]
    return items


def _convert_message(message: Mapping[str, Any]) -> Json:
    role = message["role"]
    parts = [_convert_part(part, role) for part in message["content"]]
    is_plain = len(parts) == 1 and "text" in parts[0]
    return {"role": role, "content": parts[0]["text"] if is_plain else parts}


def _convert_part(part: Mapping[str, Any], role: str) -> Json:
    type_ = part.get("type")
    if type_ == "image_url":
        image = part["image_url"]
        detail = image.get("detail") or "auto"
        return {"type": "input_image", "image_url": image.get("url"), "detail": detail}
    if type_ == "image_file":
        image = part["image_file"]
        detail = image.get("detail") or "auto"
        return {"type": "input_image", "file_id": image.get("file_id"), "detail": detail}
    text = part["text"]["value"] if type_ == "text" else part.get("refusal") or ""
    return {"type": "output_text" if role == "assistant" else "input_text", "text": text}


def _convert_call(call: Mapping[str, Any]) -> Json:
    function = call["function"]
    names = {"name": function["name"], "arguments": function["arguments"]}
    return {"type": "function_call", "call_id": call["id"], **names}


def _convert_output(call: Mapping[str, Any]) -> Json:
    output = call["function"].get("output") or ""
    return {"type": "function_call_output", "call_id": call["id"], "output": output}


# Settings


def _convert_tool(tool: Mapping[str, Any], resources: Mapping[str, Any]) -> Json:
    type_ = tool["type"]
    own = resources.get(type_) or {}
    if type_ == "function":
        function = tool["function"]
        return {"type": "function", **function}
    if type_ == "file_search":
        return {"type": type_, "vector_store_ids": own.get("vector_store_ids") or []}
    if type_ == "code_interpreter":
        container = {"type": "auto", "file_ids": own.get("file_ids") or []}
        return {"type": type_, "container": container}
    return dict(tool)


def _convert_choice(choice: Any) -> Any:
    if isinstance(choice, dict) and isinstance(choice.get("function"), dict):
        return {"type": "function", "name": choice["function"].get("name")}
    return choice


def _convert_format(form: Any) -> Json | None:
    if not isinstance(form, dict):
        return None
    schema = form.get("json_schema") or {}
    return {"format": {"type": form["type"], **schema}}
