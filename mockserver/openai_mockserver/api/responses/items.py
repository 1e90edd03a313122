"""The items of a response's output: what each type of item is, and its JSON.

Rules of this file: no I/O; sequences are those of WIRE.md §3, and tables state how the types of
items differ. An item that is not in the tables is added and then done.
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

__all__ = ["KINDS", "Kind", "encode_json", "item_json", "kind_of", "type_of"]


@dataclass(frozen=True, slots=True)
class Kind:
    """How items of one type come about.

    Args:
        begun: members as they are before anything has happened.
        before: events after the item is added.
        streamed: the member that arrives in pieces, if one does.
        stem: of the events in which it does.
        after: events before the item is done.
        status: whether the item has one while it comes about.
    """

    begun: Mapping[str, Any] = field(default_factory=dict)
    before: tuple[str, ...] = ()
    streamed: str = ""
    stem: str = ""
    after: tuple[str, ...] = ()
    status: bool = True


KINDS: Mapping[str, Kind] = {
    "message": Kind({"content": []}),
    "reasoning": Kind({"summary": [], "content": []}, status=False),
    "function_call": Kind({"arguments": ""}, streamed="arguments", stem="function_call_arguments"),
    "custom_tool_call": Kind({"input": ""}, streamed="input", stem="custom_tool_call_input"),
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
        status=False,
    ),
    "mcp_call": Kind(
        {"arguments": "", "output": None, "error": None},
        ("mcp_call.in_progress",),
        "arguments",
        "mcp_call_arguments",
        ("mcp_call.completed",),
        status=False,
    ),
    "image_generation_call": Kind(
        {"result": None, "revised_prompt": None},
        ("image_generation_call.in_progress", "image_generation_call.generating"),
        after=("image_generation_call.completed",),
    ),
    "tool_search_call": Kind({"arguments": {}}),
    "tool_search_output": Kind(),
    "mcp_approval_request": Kind(status=False),
    "local_shell_call": Kind(),
    "shell_call": Kind(),
    "shell_call_output": Kind(),
    "apply_patch_call": Kind(),
    "computer_call": Kind(),
    "compaction": Kind(status=False),
}
"""The kinds of output items by type."""

PARTIAL = "partial_images"  # members of an item that are events and not JSON


def kind_of(type: str) -> Kind:
    """How items of this type come about; of one that nobody told us of, as plainly as can be."""
    return KINDS.get(type) or Kind(status=False)


def _plain(value: Any) -> str:
    if isinstance(value, Text):
        return str(value)
    raise TypeError(f"{value!r} is not JSON")


_encoder = msgspec.json.Encoder(enc_hook=_plain)


def encode_bytes(value: object) -> bytes:
    """The octets of `encode_json`."""
    return _encoder.encode(value)


def encode_json(value: object) -> str:
    """Compact JSON, in the very bytes OpenAI sends (WIRE.md §0.4)."""
    return _encoder.encode(value).decode()


# Items as JSON


def item_json(
    output: Output,
    id: str,
    status: str,
    form: ResponsesFormat,
    with_logprobs: int | None = None,
    rounded: bool = False,
) -> dict[str, Any]:
    """An output item as it is when it is done.

    Args:
        output: the item.
        id: its id.
        status: ``completed`` or ``incomplete``, where items of its type have one.
        form: how it is written.
        with_logprobs: how many alternatives the log probabilities have; None tells none at all.
        rounded: whether they have six digits, as in streams.
    """
    if isinstance(output, Message):
        content = _content(output, form, with_logprobs, rounded)
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
        members["summary"] = [summary_part(text, form) for text in output.summary]
    elif isinstance(output, ToolCall):
        said = "input" if output.custom else "arguments"
        members = {said: output.arguments, "call_id": output.id, "name": output.name}
        if output.namespace is not None:
            members["namespace"] = output.namespace
    else:
        members = {k: v for k, v in output.members.items() if k != PARTIAL}
    type_ = type_of(output)
    own = {"id": id, "type": type_}
    if not isinstance(output, Item) and _has_status(type_, form):
        own["status"] = status
    return form.item_order(type_).sort_members(own | members)


def type_of(output: Output) -> str:
    """The type of an output item."""
    if isinstance(output, Item):
        return output.type
    if isinstance(output, ToolCall):
        return "custom_tool_call" if output.custom else "function_call"
    return "message" if isinstance(output, Message) else "reasoning"


def _has_status(type_: str, form: ResponsesFormat) -> bool:
    return kind_of(type_).status or type_ in form.with_status


def _content(
    message: Message, form: ResponsesFormat, top: int | None, rounded: bool
) -> list[dict[str, Any]]:
    parts = []
    if message.text is not None:
        parts.append(text_part(message, message.text, message.annotations, form, top, rounded))
    if message.refusal is not None:
        parts.append(form.sort_part({"type": "refusal", "refusal": message.refusal}))
    return parts


def text_part(
    message: Message,
    text: str,
    annotations: tuple[Annotation, ...],
    form: ResponsesFormat,
    top: int | None = None,
    rounded: bool = False,
) -> dict[str, Any]:
    part: dict[str, Any] = {
        "type": "output_text",
        "annotations": [form.sort_part(annotation.members) for annotation in annotations],
        "text": text,
    }
    if form.with_logprobs:
        part["logprobs"] = []
        if top is not None:
            flat = (entry for entries in message.logprobs or () for entry in entries)
            part["logprobs"] = logprobs_json(flat, top, 6 if rounded else None)
    return form.sort_part(part)


def summary_part(text: str, form: ResponsesFormat) -> dict[str, Any]:
    return form.sort_part({"type": "summary_text", "text": text})


def logprobs_json(
    entries: Iterable[Logprob], top: int, digits: int | None = None
) -> list[dict[str, Any]]:
    return [
        {
            "bytes": entry.bytes,
            "logprob": _rounded(entry.logprob, digits),
            "token": entry.token,
            "top_logprobs": [
                {
                    "bytes": other.bytes,
                    "logprob": _rounded(other.logprob, digits),
                    "token": other.token,
                }
                for other in entry.top[:top]
            ],
        }
        for entry in entries
    ]


def _rounded(number: float, digits: int | None) -> float:
    return number if digits is None else round(number, digits)
