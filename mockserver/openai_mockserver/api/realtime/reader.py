"""Read the events of a Realtime response back into a reply: the inverse of `compose`.

Rules of this file: no I/O. The events may be those of any provider. What they do not say, such as
audio that is only the text's, is not in the reply.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from openai_mockserver.api.decode import decode_events
from openai_mockserver.api.responses.envelope import INCOMPLETE
from openai_mockserver.exceptions import ReplyError
from openai_mockserver.reply import ApiError, Choice, Message, Output, Reply, ToolCall, Usage
from openai_mockserver.script import Script

__all__ = ["read"]

_TEXTS = (
    "response.output_text.delta",
    "response.output_audio_transcript.delta",
    "response.text.delta",
    "response.audio_transcript.delta",
    "response.function_call_arguments.delta",
)


def read(script: Script) -> Reply | ApiError:
    """Return what a response says.

    Raises ReplyError if the script has no events of a Realtime response.
    """
    pieces: dict[str, list[str]] = {}
    items: dict[str, Mapping[str, Any]] = {}
    response: Mapping[str, Any] = {}
    final: Mapping[str, Any] = {}
    for payload, _, _ in decode_events(script):
        type, id = payload.get("type"), str(payload.get("item_id"))
        item = payload.get("item")
        if type == "response.output_item.added" and isinstance(item, Mapping):
            items[str(item.get("id"))] = item
        elif type in _TEXTS:
            pieces.setdefault(id, []).append(str(payload.get("delta")))
        elif isinstance(payload.get("response"), Mapping):
            response = payload["response"]
            final = payload if type == "response.done" else {}
    if not response:
        raise ReplyError("these are no events of a Realtime response")
    return _build(list(_read_items(items, pieces)), response, final)


def _read_items(
    items: Mapping[str, Mapping[str, Any]], pieces: Mapping[str, list[str]]
) -> Iterator[Output]:
    for id, item in items.items():
        parts = pieces.get(id, [])
        if item.get("type") == "function_call":
            yield ToolCall(str(item.get("name")), parts, item.get("call_id"))
        else:
            yield Message(parts, phase=item.get("phase"))


def _build(output: list[Output], response: Mapping[str, Any], final: Mapping[str, Any]) -> Reply:
    status, details = response.get("status"), response.get("status_details")
    details = details if isinstance(details, Mapping) else {}
    error, finish_reason = None, None
    if status == "failed":
        fields = details.get("error") or {}
        code = str(fields.get("code") or "")
        error = ApiError(500, str(fields.get("message") or ""), fields.get("type"), code)
    elif status == "incomplete":
        reason = details.get("reason")
        finish_reason = next((k for k, v in INCOMPLETE.items() if v == reason), "length")
    elif status == "completed":
        finish_reason = "auto"
    usage = final.get("usage") or response.get("usage")
    return Reply(
        choices=[Choice(output=output, finish_reason=finish_reason)],
        usage=_read_usage(usage) if isinstance(usage, Mapping) and usage else None,
        error=error,
    )


def _read_usage(usage: Mapping[str, Any]) -> Usage:
    read, written = usage.get("input_token_details") or {}, usage.get("output_token_details") or {}
    return Usage(
        usage.get("input_tokens") or 0,
        usage.get("output_tokens") or 0,
        cached_tokens=read.get("cached_tokens") or 0,
        prompt_audio_tokens=read.get("audio_tokens") or 0,
        reasoning_tokens=written.get("reasoning_tokens") or 0,
    )
