"""A small, correct consumer of chat streams, with optional bugs."""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Iterable
from typing import Any

__all__ = ["BUGS", "consume", "expected_outcome"]

BUGS = (
    "drops the last event without a blank line",
    "splits UTF-8",
    "keys tool calls by position",
    "takes an empty finish_reason for the end",
    "knows LF only",
    "takes no BOM away",
    "drops all but the first choice of a chunk",
    "needs usage to come without choices",
    "forgets the line that a read ends in",
    "joins no lines of data",
    "stops at an empty delta",
    "stops at a role that comes again",
)

Outcome = dict[str, Any]


def consume(reads: Iterable[bytes], bug: str = "") -> Outcome:
    """Return the content of a body's reads: text, calls, finish reasons, usage."""
    result: Outcome = {"text": {}, "calls": {}, "finish": {}, "usage": None}
    for data in _events(reads, bug):
        if data == "[DONE]":
            break
        chunk = json.loads(data)
        choices = chunk.get("choices") or []
        usage = chunk.get("usage") or (chunk.get("x_groq") or {}).get("usage")
        if usage and not (bug == BUGS[7] and choices):
            result["usage"] = usage["completion_tokens"]
        for choice in choices[:1] if bug == BUGS[6] else choices:
            delta = choice.get("delta") or {}
            if (bug == BUGS[10] and not delta and not choice.get("finish_reason")) or (
                bug == BUGS[11] and "role" in delta and result["text"]
            ):
                return result
            _take(result, choice["index"], delta, bug)
            finish = choice.get("finish_reason")
            if finish or (bug == BUGS[3] and finish == ""):
                result["finish"].setdefault(choice["index"], finish)
                if bug == BUGS[3]:
                    return result
    return result


def _take(result: Outcome, n: int, delta: dict[str, Any], bug: str) -> None:
    text = delta.get("content") or delta.get("refusal") or ""
    if isinstance(text, list):  # Mistral's parts
        text = "".join(part.get("text", "") for part in text)
    result["text"][n] = result["text"].get(n, "") + text
    calls: list[dict[str, Any]] = result["calls"].setdefault(n, [])
    if legacy := delta.get("function_call"):
        fragments = [{"index": 0, "id": None, "function": legacy}]
    else:
        fragments = delta.get("tool_calls") or []
    for position, fragment in enumerate(fragments):
        function = fragment["function"]
        key = position if bug == BUGS[2] else fragment.get("index")
        # A fragment continues the last call with its key; a new id with a name begins another.
        matches = [c for c in calls if key is None or c["key"] == key]
        if bug != BUGS[2] and fragment.get("id") and function.get("name"):
            matches = [c for c in matches if c["id"] == fragment["id"]]
        if not matches:
            calls.append({"key": key, "id": fragment.get("id"), "name": "", "arguments": ""})
            matches = calls[-1:]
        matches[-1]["name"] = matches[-1]["name"] or function.get("name") or ""
        matches[-1]["arguments"] += function.get("arguments") or ""


def _events(reads: Iterable[bytes], bug: str) -> list[str]:
    """Return the data of each event; the last may lack its blank line."""
    if bug == "splits UTF-8":
        text = "".join(read.decode("utf-8", "replace") for read in reads)
    elif bug == "forgets the line that a read ends in":
        text = b"".join(read[: read.rfind(b"\n") + 1] for read in reads).decode()
    else:
        decoder = codecs.getincrementaldecoder("utf-8")()
        text = "".join(map(decoder.decode, reads))
    if bug != "takes no BOM away":
        text = text.removeprefix("\ufeff")
    lines = text.split("\n") if bug == "knows LF only" else re.split("\r\n|\r|\n", text)
    events: list[str] = []
    data: list[str] = []
    lines = lines[:-1] if bug == "drops the last event without a blank line" else [*lines, ""]
    for line in lines:
        name, _, value = line.partition(":")
        if not line and data:
            events.append(data[0] if bug == "joins no lines of data" else "\n".join(data))
            data = []
        elif name == "data":
            data.append(value.removeprefix(" "))
    return events


def expected_outcome(reply: Any) -> Outcome:
    """Return the result of a correct consumer."""
    calls = [
        [(call.name, str(call.arguments)) for call in choice.tool_calls]
        or [(f.name, str(f.arguments)) for f in [choice.function_call] if f]
        for choice in reply.choices
    ]
    return {
        "text": [str(choice.text or choice.refusal or "") for choice in reply.choices],
        "calls": calls,
        "finish": [choice.finish_reason for choice in reply.choices],
        "usage": reply.usage and reply.usage.completion_tokens,
    }
