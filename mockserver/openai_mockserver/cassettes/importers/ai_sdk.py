"""Stream parts of the AI SDK: what its mock models and ``simulateReadableStream`` are given.

The parts of a model are read, in the forms of versions 1 to 3, and those of a UI message stream::

    [{"type": "text-delta", "id": "0", "delta": "Hi"}, {"type": "finish", "finishReason": "stop"}]

Rules of this file: a part that a chat completion cannot express is an error.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from openai_mockserver.cassettes.importers.file import RecordedFile
from openai_mockserver.cassettes.importers.recording import (
    ImportProblem,
    RecordedExchange,
    encode_json,
    read_milliseconds,
)
from openai_mockserver.cassettes.importers.rendered import render_stream
from openai_mockserver.exceptions import ReplyError
from openai_mockserver.reply import ApiError, Reply, ToolCall, Usage

Part = dict[str, Any]


def is_ai_sdk(file: RecordedFile) -> bool:
    """Return whether the file is a list of parts, or an object with one as ``chunks``."""
    parts = _find_parts(file.document)
    if not isinstance(parts, list) or not parts:
        return False
    return all(
        isinstance(part, dict)
        and isinstance(part.get("type"), str)
        and "sequence_number" not in part
        and "response" not in part
        for part in parts
    ) and any(part["type"] in _TELLING for part in parts)


def _find_parts(document: Any) -> Any:
    return document.get("chunks") if isinstance(document, dict) else document


_TELLING = {"stream-start", "response-metadata", "text-delta", "text-start", "reasoning-delta"}
_TELLING |= {"tool-call", "tool-input-start", "tool-call-delta", "start-step", "finish-step"}


@dataclass
class _Call:
    name: str = ""
    pieces: list[str] = field(default_factory=list)
    arguments: str | None = None


@dataclass
class _Answer:
    """What the parts have said so far."""

    text: list[str] = field(default_factory=list)
    reasoning: list[str] = field(default_factory=list)
    calls: dict[str, _Call] = field(default_factory=dict)
    finish_reason: str = "stop"
    usage: Usage | None = None
    error: ApiError | None = None
    envelope: dict[str, Any] = field(default_factory=dict)


def read_ai_sdk(file: RecordedFile) -> list[RecordedExchange]:
    """Read the parts of one stream."""
    parts = _find_parts(file.document)
    answer = _Answer()
    for number, part in enumerate(parts, 1):
        kind = part["type"]
        if kind in _SILENT or kind.startswith("data-"):
            continue
        if (add := _ADDERS.get(kind)) is None:
            raise ImportProblem(
                f"part {number} is a {kind!r}, which a chat completion cannot express"
            )
        try:
            add(answer, part)
        except (KeyError, TypeError, ValueError) as error:
            raise ImportProblem(f"part {number} is invalid: {error!r}") from None
    exchange = render_stream(_build_reply(answer), {}, answer.envelope)
    if isinstance(file.document, dict):
        count = exchange.body.count(b"\n\n")
        exchange = replace(
            exchange,
            delay=_read_time(file.document.get("initialDelayInMs")),
            duration=_read_time(file.document.get("chunkDelayInMs")) * count,
        )
    return [exchange]


def _read_time(value: Any) -> float:
    return read_milliseconds(value) if isinstance(value, int | float) else 0.0


_SILENT = {"stream-start", "start", "start-step", "finish-step", "text-start", "text-end", "raw"}
_SILENT |= {"reasoning-start", "reasoning-end", "tool-input-end", "message-metadata"}


def _build_reply(answer: _Answer) -> Reply:
    try:
        calls = [
            ToolCall(call.name, call.pieces or call.arguments or "{}", call_id)
            for call_id, call in answer.calls.items()
        ]
        return Reply(
            answer.text if answer.text or not calls else None,
            reasoning=answer.reasoning or None,
            tool_calls=calls,
            finish_reason=answer.finish_reason if answer.error is None else None,
            usage=answer.usage,
            error=answer.error,
        )
    except (ReplyError, TypeError, ValueError) as error:
        raise ImportProblem(f"its parts are no reply: {error}") from None


# The parts


def _get_text(part: Part) -> str:
    for name in ("delta", "textDelta", "text"):
        if isinstance(part.get(name), str):
            return str(part[name])
    raise ValueError("it has no text")


def _add_text(answer: _Answer, part: Part) -> None:
    answer.text.append(_get_text(part))


def _add_reasoning(answer: _Answer, part: Part) -> None:
    answer.reasoning.append(_get_text(part))


def _get_call(answer: _Answer, part: Part) -> _Call:
    call_id = str(part["toolCallId"] if "toolCallId" in part else part["id"])
    call = answer.calls.setdefault(call_id, _Call())
    call.name = str(part.get("toolName") or call.name)
    return call


def _start_call(answer: _Answer, part: Part) -> None:
    _get_call(answer, part)


def _add_arguments(answer: _Answer, part: Part) -> None:
    for name in ("delta", "argsTextDelta", "inputTextDelta"):
        if isinstance(part.get(name), str):
            _get_call(answer, part).pieces.append(part[name])
            return
    raise ValueError("it has no delta")


def _add_call(answer: _Answer, part: Part) -> None:
    value = part["input"] if "input" in part else part["args"]
    text = value if isinstance(value, str) else encode_json(value).decode()
    _get_call(answer, part).arguments = text


def _set_metadata(answer: _Answer, part: Part) -> None:
    names = (("id", "id"), ("modelId", "model"))
    answer.envelope |= {
        member: part[name] for name, member in names if isinstance(part.get(name), str)
    }


def _finish(answer: _Answer, part: Part) -> None:
    reason = part.get("finishReason")
    reason = reason.get("unified") if isinstance(reason, dict) else reason
    answer.finish_reason = _FINISH_REASONS.get(str(reason), "stop")
    if not answer.calls and answer.finish_reason == "tool_calls":
        answer.finish_reason = "stop"
    usage = part.get("usage", part.get("totalUsage"))
    if isinstance(usage, dict) and usage:
        prompt = _count(usage, "inputTokens", "promptTokens")
        answer.usage = Usage(prompt, _count(usage, "outputTokens", "completionTokens"))


_FINISH_REASONS = {
    "length": "length",
    "content-filter": "content_filter",
    "tool-calls": "tool_calls",
}


def _count(usage: Part, *names: str) -> int:
    """Return a number of tokens, which version 3 breaks down."""
    for name in names:
        value = usage.get(name)
        value = value.get("total") if isinstance(value, dict) else value
        if isinstance(value, int):
            return value
    return 0


def _fail(answer: _Answer, part: Part) -> None:
    error = part.get("error", part.get("errorText"))
    message = error.get("message") if isinstance(error, dict) else error
    answer.error = ApiError(500, str(message or "error"))


_ADDERS: dict[str, Callable[[_Answer, Part], None]] = {
    "text-delta": _add_text,
    "text": _add_text,
    "reasoning": _add_reasoning,
    "reasoning-delta": _add_reasoning,
    "tool-input-start": _start_call,
    "tool-call-streaming-start": _start_call,
    "tool-input-delta": _add_arguments,
    "tool-call-delta": _add_arguments,
    "tool-call": _add_call,
    "tool-input-available": _add_call,
    "response-metadata": _set_metadata,
    "finish": _finish,
    "error": _fail,
}
