"""The conversation of a Realtime session: its items, and the same as the input of a request.

Rules of this file: no I/O. Items are as OpenAI writes them today, whatever the provider's format.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from openai_mockserver.dialects.realtime import RealtimeFormat
from openai_mockserver.reply import ApiError

__all__ = ["Conversation", "list_call_ids", "read_item", "write_input"]

Item = dict[str, Any]

_CONTENT = {
    "user": ("input_text", "input_audio", "input_image"),
    "assistant": ("output_text", "output_audio"),
    "system": ("input_text",),
}
"""The types of parts that messages of a role have."""

_REQUIRED = {
    "message": ("role", "content"),
    "function_call": ("name", "arguments"),
    "function_call_output": ("call_id", "output"),
    "mcp_approval_response": ("approval_request_id", "approve"),
    "mcp_list_tools": ("server_label", "tools"),
    "mcp_call": ("server_label", "name", "arguments"),
    "mcp_approval_request": ("server_label", "name", "arguments"),
}
"""The types of items, and the members that they must have."""


_STRINGS = ("id", "role", "call_id", "name", "arguments", "output")
"""The members that must be strings if an item has them."""


class Conversation:
    """The items of a conversation, in order."""

    def __init__(self, id: str) -> None:
        self.id = id
        self.items: list[Item] = []

    @property
    def last_id(self) -> str | None:
        """The id of the last item; None if there is none."""
        return self.items[-1]["id"] if self.items else None

    def find(self, id: object) -> Item | None:
        """Return the item with an id; None if there is none."""
        return next((item for item in self.items if item["id"] == id), None)

    def add(self, item: Item, after: str | None = None) -> str | None:
        """Add an item, and return the id of the one before it.

        Args:
            item: the item.
            after: the id of the item before it, or ``root``; by default, it becomes the last.
        """
        ids = [one["id"] for one in self.items]
        at = 0 if after == "root" else len(ids) if after is None else ids.index(after) + 1
        self.items.insert(at, item)
        return ids[at - 1] if at else None

    def remove(self, item: Item) -> None:
        """Remove an item."""
        self.items.remove(item)


def read_item(value: object, form: RealtimeFormat, param: str = "item") -> Item:
    """Return the item that a client has sent, without an id if it has none.

    Raises ValueError with an ApiError if it is invalid.
    """
    if not isinstance(value, Mapping):
        _refuse(f"Missing required parameter: '{param}'.", "missing_required_parameter", param)
        raise AssertionError
    type = value.get("type")
    if not isinstance(type, str) or type not in _REQUIRED:
        names = ", ".join(map(repr, _REQUIRED))
        text = f"Invalid value: {type!r}. Supported values are: {names}."
        _refuse(text, "invalid_value", f"{param}.type")
    for name in _REQUIRED[str(type)]:
        if name not in value:
            text = f"Missing required parameter: '{param}.{name}'."
            _refuse(text, "missing_required_parameter", f"{param}.{name}")
    for name in _STRINGS:
        if name in value and not isinstance(value[name], str):
            text = f"Invalid type for '{param}.{name}': expected a string."
            _refuse(text, "invalid_type", f"{param}.{name}")
    item = {k: v for k, v in value.items() if k not in ("object", "status")}
    if type == "message":
        item["content"] = _read_content(value, form, param)
    order = ("id", "type", "status", "role", "content", "name", "call_id", "arguments")
    if type != "function_call_output":
        item["status"] = "completed"
    return {k: item[k] for k in (*order, *item) if k in item}


def _read_content(message: Mapping[str, Any], form: RealtimeFormat, param: str) -> list[Item]:
    role, content = message["role"], message["content"]
    if role not in _CONTENT:
        names = ", ".join(map(repr, _CONTENT))
        text = f"Invalid value: {role!r}. Supported values are: {names}."
        _refuse(text, "invalid_value", f"{param}.role")
    if not isinstance(content, list) or not all(isinstance(part, Mapping) for part in content):
        text = f"Invalid type for '{param}.content': expected an array of objects."
        _refuse(text, "invalid_type", f"{param}.content")
    own_names = {shown: name for name, shown in form.parts.items()}
    parts = []
    for index, part in enumerate(content):
        type = own_names.get(str(part.get("type")), part.get("type"))
        if type not in _CONTENT[role]:
            choices = ", ".join(map(repr, _CONTENT[role]))
            text = f"Invalid value: {type!r}. Supported values are: {choices}."
            _refuse(text, "invalid_value", f"{param}.content[{index}].type")
        new_part = {**part, "type": type}
        if type == "input_audio":  # the audio itself is not repeated
            new_part = {"type": type, "transcript": part.get("transcript")}
        parts.append(new_part)
    return parts


def _refuse(message: str, code: str, param: str) -> None:
    raise ValueError(ApiError(400, message, code=code, param=param))


# Requests


def write_input(items: Iterable[Item]) -> list[Item]:
    """Return items as the input of a request to the Responses API; speech is its transcript."""
    return [written for item in items if (written := _write_item(item)) is not None]


def _write_item(item: Item) -> Item | None:
    type = item["type"]
    if type == "message":
        content = [_write_part(part) for part in item["content"]]
        return {"type": type, "role": item["role"], "content": content}
    if type == "function_call":
        return {k: item.get(k) for k in ("type", "call_id", "name", "arguments")}
    if type == "function_call_output":
        return {k: item.get(k) for k in ("type", "call_id", "output")}
    return None


def _write_part(part: Item) -> Item:
    if part["type"] == "input_image":
        return part
    text = part.get("text")
    text = part.get("transcript") if text is None else text
    type = "output_text" if part["type"].startswith("output") else "input_text"
    return {"type": type, "text": text or ""}


def list_call_ids(items: Iterable[Item]) -> frozenset[str]:
    """Return the ids of the calls among items."""
    return frozenset(str(item.get("call_id")) for item in items if item["type"] == "function_call")
