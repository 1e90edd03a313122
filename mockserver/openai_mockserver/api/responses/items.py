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
        emptied: paths of members that are empty there, such as ``action.commands``.
        is_bare: whether the item has no members there but id, type and status.
        opening: events directly after that one, without ``response.``.
        delta_member: path of the member that arrives in deltas; empty if none does.
        delta_stem: the name of its events, without ``response.`` and ``.delta`` or ``.done``.
        closing: events directly before ``response.output_item.done``, without ``response.``.
        has_status: whether items of this type have a status.
    """

    initial: Mapping[str, Any] = field(default_factory=dict)
    emptied: tuple[str, ...] = ()
    is_bare: bool = False
    opening: tuple[str, ...] = ()
    delta_member: str = ""
    delta_stem: str = ""
    closing: tuple[str, ...] = ()
    has_status: bool = True


COMMANDS = "action.commands"  # the path of a shell call's commands, each of which has deltas

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
        opening=(
            "web_search_call.in_progress",
            "web_search_call.searching",
            "web_search_call.completed",
        ),
    ),
    "file_search_call": Kind(
        {"queries": [], "results": None},
        opening=(
            "file_search_call.in_progress",
            "file_search_call.searching",
            "file_search_call.completed",
        ),
    ),
    "code_interpreter_call": Kind(
        {"code": "", "outputs": None},
        opening=("code_interpreter_call.in_progress",),
        delta_member="code",
        delta_stem="code_interpreter_call_code",
        closing=("code_interpreter_call.interpreting", "code_interpreter_call.completed"),
    ),
    "mcp_list_tools": Kind(
        {"tools": []},
        opening=("mcp_list_tools.in_progress", "mcp_list_tools.completed"),
        has_status=False,
    ),
    "mcp_call": Kind(
        {"arguments": "", "output": None, "error": None},
        opening=("mcp_call.in_progress",),
        delta_member="arguments",
        delta_stem="mcp_call_arguments",
        closing=("mcp_call.completed",),
        has_status=False,
    ),
    "image_generation_call": Kind(
        is_bare=True,
        opening=("image_generation_call.in_progress", "image_generation_call.generating"),
        closing=("image_generation_call.completed",),
    ),
    "tool_search_call": Kind({"arguments": {}}),
    "tool_search_output": Kind(),
    "mcp_approval_request": Kind(has_status=False),
    "local_shell_call": Kind(emptied=("action.command",)),
    "shell_call": Kind(emptied=(COMMANDS,)),
    "shell_call_output": Kind(emptied=("output",)),
    "apply_patch_call": Kind(
        emptied=("operation.diff",),
        delta_member="operation.diff",
        delta_stem="apply_patch_call_operation_diff",
    ),
    "program": Kind(emptied=("code", "fingerprint"), has_status=False),
    "program_output": Kind(emptied=("result",)),
    "computer_call": Kind(),
    "compaction": Kind(has_status=False),
}
"""How items arrive, by type."""

PARTIAL = "partial_images"
EVENTS = "stream_events"
STREAM_ONLY = frozenset({PARTIAL, EVENTS})
"""Members of an item that are sent as events and are not in its JSON.

``stream_events`` are all events of an item before ``response.output_item.done``, without ids and
numbers. The reader adds them to an item whose type is not in `KINDS`.
"""


def kind_of(type: str) -> Kind:
    """Return how items of this type arrive; an unknown type has no status and no extra events."""
    return KINDS.get(type) or Kind(has_status=False)


def _encode_text(value: Any) -> str:
    if isinstance(value, Text):
        return str(value)
    raise TypeError(f"{value!r} is not JSON")


def find_member(item: Mapping[str, Any], path: str) -> Any:
    """Return the value at a path such as ``action.commands``; None if there is none."""
    value: Any = item
    for name in path.split("."):
        value = value.get(name) if isinstance(value, Mapping) else None
    return value


def replace_member(item: Mapping[str, Any], path: str, value: Any) -> dict[str, Any]:
    """Return the item with another value at a path that it has."""
    name, _, rest = path.partition(".")
    return {**item, name: replace_member(item[name], rest, value) if rest else value}


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
    more_members: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Return the JSON object of a finished output item.

    Args:
        output: the item.
        id: the item's id.
        status: ``completed`` or ``incomplete``; ignored if items of this type have no status.
        form: the provider's format.
        with_logprobs: number of alternatives per token; None leaves log probabilities out.
        round_logprobs: round log probabilities to six digits, as streams do.
        more_members: members that all items of this type have.
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
        members |= {k: v for k, v in output.extra.items() if k not in members}
    else:
        members = {k: v for k, v in output.members.items() if k not in STREAM_ONLY}
    type_ = type_of(output)
    head = {"id": id, "type": type_}
    if not isinstance(output, Item) and _has_status(type_, form):
        head["status"] = status
    return form.item_order(type_).sort_members({**(more_members or {}), **head, **members})


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
    orders = form.item_parts
    return [orders[p["type"]].sort_members(p) if p["type"] in orders else p for p in parts]


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
    if form.with_logprobs and form.part_logprobs:
        part["logprobs"] = []
        if top is not None:
            flat = (entry for entries in message.logprobs or () for entry in entries)
            digits = 6 if round_logprobs and not form.has_full_logprobs else None
            part["logprobs"] = build_logprobs(flat, top, form, digits)
    return form.sort_part(part)


def build_new_part(form: ResponsesFormat) -> dict[str, Any]:
    """Return a text part as it is when it is added."""
    part: dict[str, Any] = {"type": "output_text", "annotations": [], "text": ""}
    if form.with_logprobs and form.new_part_logprobs:
        part["logprobs"] = []
    return form.sort_part(part)


def build_summary_part(text: str, form: ResponsesFormat) -> dict[str, Any]:
    """Return a part of a reasoning summary."""
    return form.sort_part({"type": "summary_text", "text": text})


def build_logprobs(
    entries: Iterable[Logprob], top: int, form: ResponsesFormat, digits: int | None = None
) -> list[dict[str, Any]]:
    """Return log probabilities with ``top`` alternatives, rounded if ``digits`` is given."""

    def build_entry(entry: Logprob) -> dict[str, Any]:
        logprob = entry.logprob if digits is None else round(entry.logprob, digits)
        if form.style.floats == "js" and logprob == int(logprob):
            logprob = int(logprob)
        return {"token": entry.token, "logprob": logprob, "bytes": entry.bytes}

    return [
        form.logprob.sort_members(
            build_entry(entry)
            | {
                "top_logprobs": [
                    form.logprob.sort_members(build_entry(other)) for other in entry.top[:top]
                ]
            }
        )
        for entry in entries
    ]
