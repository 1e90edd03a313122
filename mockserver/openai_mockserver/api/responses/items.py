"""The items of a response's output: a table of their types, and their JSON.

`events` explains how an item arrives as events.

Rules of this file: no I/O; sequences of events follow WIRE.md §3, and `KINDS` states how the types
of items differ. An item of any other type has two events, ``added`` and ``done``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec.json

from openai_mockserver.dialects.responses import ResponsesFormat
from openai_mockserver.reply import (
    Annotation,
    Item,
    Logprob,
    Message,
    Output,
    Reasoning,
    Text,
    ToolCall,
)

__all__ = ["KINDS", "Kind", "encode_json", "build_item", "kind_of", "type_of"]


@dataclass(frozen=True, slots=True)
class Kind:
    """How items of one type arrive.

    Args:
        initial: members of the item in ``response.output_item.added``.
        opening: events directly after that one, without ``response.``.
        delta_member: the member that arrives in deltas; empty if none does.
        delta_stem: the name of its events, without ``response.`` and ``.delta`` or ``.done``.
        closing: events directly before ``response.output_item.done``, without ``response.``.
        has_status: whether items of this type have a status.
    """

    initial: Mapping[str, Any] = field(default_factory=dict)
    opening: tuple[str, ...] = ()
    delta_member: str = ""
    delta_stem: str = ""
    closing: tuple[str, ...] = ()
    has_status: bool = True


KINDS: Mapping[str, Kind] = {
    "message": Kind({"content": []}),
    "reasoning": Kind({"summary": [], "content": []}, has_status=False),
    "function_call": Kind(
        {"arguments": ""}, delta_member="arguments", delta_stem="function_call_arguments"
    ),
    "custom_tool_call": Kind(
        {"input": ""}, delta_member="input", delta_stem="custom_tool_call_input"
    ),
    "web_search_call": Kind(
        {"action": {"type": "search"}},
        (
            "web_search_call.in_progress",
            "web_search_call.searching",
            "web_search_call.completed",
        ),
    ),
    "file_search_call": Kind(
        {"queries": [], "results": None},
        (
            "file_search_call.in_progress",
            "file_search_call.searching",
            "file_search_call.completed",
        ),
    ),
    "code_interpreter_call": Kind(
        {"code": "", "outputs": None},
        ("code_interpreter_call.in_progress",),
        "code",
        "code_interpreter_call_code",
        ("code_interpreter_call.interpreting", "code_interpreter_call.completed"),
    ),
    "mcp_list_tools": Kind(
        {"tools": []},
        ("mcp_list_tools.in_progress", "mcp_list_tools.completed"),
        has_status=False,
    ),
    "mcp_call": Kind(
        {"arguments": "", "output": None, "error": None},
        ("mcp_call.in_progress",),
        "arguments",
        "mcp_call_arguments",
        ("mcp_call.completed",),
        has_status=False,
    ),
    "image_generation_call": Kind(
        {"result": None, "revised_prompt": None},
        ("image_generation_call.in_progress", "image_generation_call.generating"),
        closing=("image_generation_call.completed",),
    ),
    "tool_search_call": Kind({"arguments": {}}),
    "tool_search_output": Kind(),
    "mcp_approval_request": Kind(has_status=False),
    "local_shell_call": Kind(),
    "shell_call": Kind(),
    "shell_call_output": Kind(),
    "apply_patch_call": Kind(),
    "computer_call": Kind(),
    "compaction": Kind(has_status=False),
}
"""How items arrive, by type."""

PARTIAL = "partial_images"  # a member of an item that is sent as events and not in its JSON


def kind_of(type: str) -> Kind:
    """Return how items of this type arrive; an unknown type has no status and no extra events."""
    return KINDS.get(type) or Kind(has_status=False)


def _encode_text(value: Any) -> str:
    if isinstance(value, Text):
        return str(value)
    raise TypeError(f"{value!r} is not JSON")


_encoder = msgspec.json.Encoder(enc_hook=_encode_text)


def encode_bytes(value: object) -> bytes:
    """Return compact JSON as bytes; see `encode_json`."""
    return _encoder.encode(value)


def encode_json(value: object) -> str:
    """Return compact JSON, byte for byte as OpenAI sends it (WIRE.md §0.4)."""
    return _encoder.encode(value).decode()


# Items as JSON


def build_item(
    output: Output,
    id: str,
    status: str,
    form: ResponsesFormat,
    with_logprobs: int | None = None,
    round_logprobs: bool = False,
) -> dict[str, Any]:
    """Return the JSON object of a finished output item.

    Args:
        output: the item.
        id: the item's id.
        status: ``completed`` or ``incomplete``; ignored if items of this type have no status.
        form: the provider's format.
        with_logprobs: number of alternatives per token; None leaves log probabilities out.
        round_logprobs: round log probabilities to six digits, as streams do.
    """
    if isinstance(output, Message):
        content = _build_content(output, form, with_logprobs, round_logprobs)
        members: dict[str, Any] = {"content": content}
        if output.phase is not None:
            members["phase"] = output.phase
        members["role"] = "assistant"
    elif isinstance(output, Reasoning):
        members = {}
        if output.content:
            members["content"] = [
                form.sort_part({"type": "reasoning_text", "text": text}) for text in output.content
            ]
        elif form.has_hidden_content:
            members["content"] = []
        if output.encrypted is not None:
            members |= {"encrypted_content": output.encrypted, **form.encrypted_reasoning}
        members["summary"] = [build_summary_part(text, form) for text in output.summary]
    elif isinstance(output, ToolCall):
        input_key = "input" if output.custom else "arguments"
        members = {input_key: output.arguments, "call_id": output.id, "name": output.name}
        if output.namespace is not None:
            members["namespace"] = output.namespace
    else:
        members = {k: v for k, v in output.members.items() if k != PARTIAL}
    type_ = type_of(output)
    head = {"id": id, "type": type_}
    if not isinstance(output, Item) and _has_status(type_, form):
        head["status"] = status
    return form.item_order(type_).sort_members(head | members)


def type_of(output: Output) -> str:
    """Return the type of an output item."""
    if isinstance(output, Item):
        return output.type
    if isinstance(output, ToolCall):
        return "custom_tool_call" if output.custom else "function_call"
    return "message" if isinstance(output, Message) else "reasoning"


def _has_status(type_: str, form: ResponsesFormat) -> bool:
    return kind_of(type_).has_status or type_ in form.with_status


def _build_content(
    message: Message, form: ResponsesFormat, top: int | None, round_logprobs: bool
) -> list[dict[str, Any]]:
    parts = []
    if message.text is not None:
        parts.append(
            build_text_part(message, message.text, message.annotations, form, top, round_logprobs)
        )
    if message.refusal is not None:
        parts.append(form.sort_part({"type": "refusal", "refusal": message.refusal}))
    return parts


def build_text_part(
    message: Message,
    text: str,
    annotations: tuple[Annotation, ...],
    form: ResponsesFormat,
    top: int | None = None,
    round_logprobs: bool = False,
) -> dict[str, Any]:
    """Return a text part with this text and these annotations; see `build_item`."""
    part: dict[str, Any] = {
        "type": "output_text",
        "annotations": [form.sort_part(annotation.members) for annotation in annotations],
        "text": text,
    }
    if form.with_logprobs:
        part["logprobs"] = []
        if top is not None:
            flat = (entry for entries in message.logprobs or () for entry in entries)
            part["logprobs"] = build_logprobs(flat, top, 6 if round_logprobs else None)
    return form.sort_part(part)


def build_summary_part(text: str, form: ResponsesFormat) -> dict[str, Any]:
    """Return a part of a reasoning summary."""
    return form.sort_part({"type": "summary_text", "text": text})


def build_logprobs(
    entries: Iterable[Logprob], top: int, digits: int | None = None
) -> list[dict[str, Any]]:
    """Return log probabilities with ``top`` alternatives, rounded if ``digits`` is given."""
    return [
        {
            "bytes": entry.bytes,
            "logprob": _round_logprob(entry.logprob, digits),
            "token": entry.token,
            "top_logprobs": [
                {
                    "bytes": other.bytes,
                    "logprob": _round_logprob(other.logprob, digits),
                    "token": other.token,
                }
                for other in entry.top[:top]
            ],
        }
        for entry in entries
    ]


def _round_logprob(number: float, digits: int | None) -> float:
    return number if digits is None else round(number, digits)
