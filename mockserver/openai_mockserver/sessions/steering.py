"""Mid-turn steering: input that a client sends while a response of its connection runs.

Rules of this file: pure functions and values; `openai_mockserver.sessions.responses` decides when
they apply. What is accepted, where a response is cut and how input is given back follow OpenAI's
guide (https://developers.openai.com/api/docs/guides/steering) and the SDK's types. The greatest
number of inputs that may be pending is not documented.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

__all__ = [
    "Steer",
    "accept",
    "cut_response",
    "fail",
    "find_problem",
    "hold",
    "list_required_input",
    "merge_input",
    "supports_steering",
]

MOST_PENDING = 16

Json = dict[str, Any]

_EARLIER_MODELS = re.compile(r"(ft:)?(gpt-[345]|chatgpt|o\d|codex|computer-use)", re.I)
"""Models before GPT-6, which cannot be steered."""

_PARTS = ("input_text", "input_image", "input_file")

_REQUIRED: dict[str, tuple[str, tuple[str, ...]]] = {
    "function_call": ("function_call_output", ("call_id", "name")),
    "custom_tool_call": ("custom_tool_call_output", ("call_id",)),
    "computer_call": ("computer_call_output", ("call_id",)),
    "shell_call": ("shell_call_output", ("call_id",)),
    "local_shell_call": ("local_shell_call_output", ("call_id",)),
    "apply_patch_call": ("apply_patch_call_output", ("call_id",)),
}
"""The input that a call of the client waits for, and the members that identify it, by its type."""

_MESSAGES = {
    "response_not_found": "The response to steer was not found on this connection.",
    "steering_not_supported": "This response does not support steering.",
    "too_many_pending_steers": "Too much steering input is pending for this response.",
    "response_already_completed": "The response has already completed.",
    "response_not_active": "The response is no longer accepting steering input.",
    "successor_creation_failed": "The successor response could not be created.",
}


@dataclass(frozen=True, slots=True)
class Steer:
    """Accepted input.

    Args:
        id: the id of the submission.
        response_id: the response to steer.
        input: a text, or messages of the user.
    """

    id: str
    response_id: str
    input: Any


def find_problem(event: Mapping[str, Any]) -> str | None:
    """Return what is wrong with a ``response.steer``; None if it is valid."""
    if unknown := event.keys() - {"type", "previous_response_id", "input"}:
        return f"Unknown parameter: '{min(unknown)}'."
    if not isinstance(event.get("previous_response_id"), str):
        return "'previous_response_id' must be a string."
    items = event.get("input")
    if isinstance(items, str):
        return None
    if not isinstance(items, list) or not items:
        return "'input' must be a string or a non-empty array of messages."
    return next((problem for item in items if (problem := _find_item_problem(item))), None)


def _find_item_problem(item: object) -> str | None:
    if not isinstance(item, dict) or item.keys() - {"type", "role", "content"}:
        return "A message of 'input' may contain only 'type', 'role' and 'content'."
    if item.get("type", "message") != "message" or item.get("role") != "user":
        return "Steering accepts only messages with the 'user' role."
    content = item.get("content")
    if isinstance(content, str):
        return None
    is_valid = isinstance(content, list) and all(
        isinstance(part, dict) and part.get("type") in _PARTS for part in content
    )
    return None if is_valid else f"'content' must be a string or parts of {', '.join(_PARTS)}."


def supports_steering(request: Mapping[str, Any]) -> bool:
    """Return whether a response can be steered.

    Args:
        request: the parameters of its request.
    """
    is_bound = request.get("conversation") or request.get("context_management")
    return not is_bound and not _EARLIER_MODELS.match(str(request.get("model")))


# Server events


def accept(steer: Steer, number: int) -> Json:
    """Return the event that says that input is queued.

    Args:
        steer: the input.
        number: the sequence number of the event.
    """
    return {
        "type": "response.steer.accepted",
        "sequence_number": number,
        "steer": {"id": steer.id, "previous_response_id": steer.response_id},
    }


def hold(steer: Steer, number: int, required_input: Sequence[Json]) -> Json:
    """Return the event that says that input waits for the client's own."""
    return {
        "type": "response.steer.pending",
        "sequence_number": number,
        "steer": {"id": steer.id, "previous_response_id": steer.response_id},
        "reason": "waiting_for_required_input",
        "required_input": list(required_input),
    }


def fail(
    code: str, input: object, response_id: object, number: int = 0, message: str = "", id: str = ""
) -> Json:
    """Return the event that gives input back.

    Args:
        code: why it cannot be used.
        input: the input.
        response_id: the response to steer.
        number: the sequence number of the event.
        message: the reason in words.
        id: the id of the submission, if it was accepted.
    """
    steer = {"input": input, "previous_response_id": response_id}
    return {
        "type": "response.steer.failed",
        "error": {
            "code": code,
            "message": message or _MESSAGES[code],
            "type": "invalid_request_error",
        },
        "sequence_number": number,
        "steer": {"id": id, **steer} if id else steer,
    }


# The response, and the one that follows it


def list_required_input(response: Mapping[str, Any]) -> list[Json]:
    """Return what the client has to supply before a response can be continued."""
    stubs: list[Json] = []
    for item in response.get("output") or ():
        if item.get("type") == "mcp_approval_request":
            stubs.append({"type": "mcp_approval_response", "approval_request_id": item.get("id")})
        elif (required := _REQUIRED.get(str(item.get("type")))) is not None:
            name, members = required
            stubs.append({"type": name, **{member: item.get(member) for member in members}})
    return stubs


def cut_response(response: Mapping[str, Any], items: Sequence[Any], share: float) -> Json:
    """Return a response that was steered, with the items that had been finished.

    Args:
        response: the response as it would have been.
        items: the finished items.
        share: how much of its text had been sent, from 0 to 1.
    """
    cut = {
        **response,
        "status": "incomplete",
        "incomplete_details": {"reason": "steered"},
        "output": list(items),
    }
    usage = response.get("usage")
    if isinstance(usage, dict):
        output_tokens = round(usage.get("output_tokens", 0) * share)
        total_tokens = usage.get("input_tokens", 0) + output_tokens
        cut["usage"] = usage | {"output_tokens": output_tokens, "total_tokens": total_tokens}
    if "completed_at" in cut:
        cut["completed_at"] = None
    return cut


def merge_input(steers: Sequence[Steer], input: object = None) -> list[Any]:
    """Return the queued input in the order of its submission, before a request's own input."""
    items: list[Any] = []
    for part in (*(steer.input for steer in steers), input):
        if isinstance(part, str):
            items.append({"type": "message", "role": "user", "content": part})
        elif isinstance(part, list):
            items += [
                {"type": "message", **one} if isinstance(one, dict) and "role" in one else one
                for one in part
            ]
    return items
