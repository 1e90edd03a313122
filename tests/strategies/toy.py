"""A consumer of chat streams, small and right, into which bugs can be planted."""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Iterable
from typing import Any

__all__ = ["BUGS", "consume", "right"]

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
    """What the reads of a body say: text, calls, how it ended."""
    said: Outcome = {"text": {}, "calls": {}, "finish": {}, "usage": None}
    for data in _events(reads, bug):
        if data == "[DONE]":
            break
        chunk = json.loads(data)
        choices = chunk.get("choices") or []
        usage = chunk.get("usage") or (chunk.get("x_groq") or {}).get("usage")
        if usage and not (bug == BUGS[7] and choices):
            said["usage"] = usage["completion_tokens"]
        for choice in choices[:1] if bug == BUGS[6] else choices:
            delta = choice.get("delta") or {}
            if (bug == BUGS[10] and not delta and not choice.get("finish_reason")) or (
                bug == BUGS[11] and "role" in delta and said["text"]
            ):
                return said
            _take(said, choice["index"], delta, bug)
            finish = choice.get("finish_reason")
            if finish or (bug == BUGS[3] and finish == ""):
                said["finish"].setdefault(choice["index"], finish)
                if bug == BUGS[3]:
                    return said
    return said


def _take(said: Outcome, n: int, delta: dict[str, Any], bug: str) -> None:
    text = delta.get("content") or delta.get("refusal") or ""
    if isinstance(text, list):  # Mistral's parts
        text = "".join(part.get("text", "") for part in text)
    said["text"][n] = said["text"].get(n, "") + text
    calls: list[dict[str, Any]] = said["calls"].setdefault(n, [])
    if legacy := delta.get("function_call"):
        fragments = [{"index": 0, "id": None, "function": legacy}]
    else:
        fragments = delta.get("tool_calls") or []
    for position, fragment in enumerate(fragments):
        function = fragment["function"]
        key = position if bug == BUGS[2] else fragment.get("index")
        # The last call that this may go on with; a new id with a name begins another.
        known = [c for c in calls if key is None or c["key"] == key]
        if fragment.get("id") and function.get("name"):
            known = [c for c in known if c["id"] == fragment["id"]] if bug != BUGS[2] else known
        if not known:
            calls.append({"key": key, "id": fragment.get("id"), "name": "", "arguments": ""})
            known = calls[-1:]
        known[-1]["name"] = known[-1]["name"] or function.get("name") or ""
        known[-1]["arguments"] += function.get("arguments") or ""


def _events(reads: Iterable[bytes], bug: str) -> list[str]:
    """The data of each event, as the event-stream format has it; the last may lack its end."""
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
    flushed = [""] if bug != "drops the last event without a blank line" else []
    for line in lines[:-1] + ([lines[-1]] if flushed else []) + flushed:
        name, _, value = line.partition(":")
        if not line and data:
            events.append(data[0] if bug == "joins no lines of data" else "\n".join(data))
            data = []
        elif name == "data":
            data.append(value.removeprefix(" "))
    return events


def right(reply: Any) -> Outcome:
    """The same of a right answer."""
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
