"""How two recordings differ: first in what was said, then on the wire.

What was said is text, reasoning, refusal, calls, finish reason, usage and error, read as a client
reads them, so that two streams may say the same in different chunks. On the wire, chunks are
aligned, so that an additional one does not make all the following ones differ.

Rules of this file: the same differences for the same recordings; the order is that of the response.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any, Literal

from openai_mockserver.cassettes.analysis.wire_form import (
    Block,
    WireForm,
    read_form,
    replace_ignored,
)
from openai_mockserver.cassettes.stream_file import Exchange
from openai_mockserver.reply import ApiError, Choice, Reply
from openai_mockserver.reply.serialization import encode_error, encode_reply
from openai_mockserver.show.decode import ReceivedResponse, receive

__all__ = ["Change", "Difference", "compare_exchanges", "compare_values"]


@dataclass(frozen=True)
class Change:
    """A difference.

    Args:
        place: where it is, as ``choices[0].text`` or ``chunk 3: usage``.
        kind: whether it is in the second recording only, in the first only, or different.
        old, new: the two values; None for a missing one.
    """

    place: str
    kind: Literal["added", "removed", "changed"]
    old: Any = None
    new: Any = None


@dataclass(frozen=True)
class Difference:
    """All differences of two recordings."""

    said: tuple[Change, ...]
    wire: tuple[Change, ...]

    def __bool__(self) -> bool:
        return bool(self.said or self.wire)


def compare_exchanges(old: Exchange, new: Exchange, exact: bool = False) -> Difference:
    """Compare two recordings.

    Args:
        old, new: the recordings.
        exact: whether ids, times and padding count too.
    """
    first, second = receive(old), receive(new)
    said = compare_values(_read_meaning(first, exact), _read_meaning(second, exact))
    wire = _compare_forms(read_form(first, exact), read_form(second, exact))
    return Difference(tuple(said), tuple(wire))


# What was said


def _read_meaning(response: ReceivedResponse, exact: bool) -> dict[str, Any]:
    reply = response.reply
    meaning: dict[str, Any] = {}
    if isinstance(reply, Reply):
        several = len(reply.choices) > 1
        for n, choice in enumerate(reply.choices):
            parts = _describe_choice(choice)
            meaning |= {f"choices[{n}]": parts} if several else parts
        members = encode_reply(reply)
        meaning |= {name: members[name] for name in ("usage", "error") if name in members}
    elif isinstance(reply, ApiError):
        meaning["error"] = encode_error(reply)
    else:
        meaning["unreadable"] = reply
    if not exact:
        meaning = replace_ignored(meaning)
    return meaning


def _describe_choice(choice: Choice) -> dict[str, Any]:
    parts: dict[str, Any] = {
        "reasoning": choice.reasoning,
        "text": choice.text,
        "refusal": choice.refusal,
        "tool_calls": [
            {"name": call.name, "arguments": str(call.arguments), "id": call.id}
            for call in choice.tool_calls
        ],
        "function_call": choice.function_call
        and {
            "name": choice.function_call.name,
            "arguments": str(choice.function_call.arguments),
        },
        "output": [getattr(item, "type", type(item).__name__) for item in choice.explicit_output],
        "audio": choice.audio and {"transcript": str(choice.audio.transcript)},
        "finish_reason": choice.finish_reason,
    }
    for name in ("reasoning", "text", "refusal"):
        parts[name] = None if parts[name] is None else str(parts[name])
    return {name: value for name, value in parts.items() if value not in (None, [])}


# Values


def compare_values(old: Any, new: Any, place: str = "") -> Iterator[Change]:
    """Yield the differences of two JSON values, member by member.

    >>> list(compare_values({"a": [1, 2]}, {"a": [1], "b": 0}))
    [Change(place='a[1]', kind='removed', old=2, new=None), \
Change(place='b', kind='added', old=None, new=0)]
    """
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        for name in [*old, *(name for name in new if name not in old)]:
            inner = f"{place}.{name}" if place and not place.endswith(" ") else f"{place}{name}"
            if name not in new:
                yield Change(inner, "removed", old[name])
            elif name not in old:
                yield Change(inner, "added", None, new[name])
            else:
                yield from compare_values(old[name], new[name], inner)
    elif isinstance(old, list) and isinstance(new, list):
        for n in range(max(len(old), len(new))):
            inner = f"{place}[{n}]"
            if n >= len(new):
                yield Change(inner, "removed", old[n])
            elif n >= len(old):
                yield Change(inner, "added", None, new[n])
            else:
                yield from compare_values(old[n], new[n], inner)
    elif old != new or isinstance(old, bool) is not isinstance(new, bool):
        yield Change(place, "changed", old, new)


# The wire


def _compare_forms(old: WireForm, new: WireForm) -> Iterator[Change]:
    if old.status != new.status:
        yield Change("status", "changed", old.status, new.status)
    yield from compare_values(_group(old.headers), _group(new.headers), "header ")
    yield from compare_values(dict(old.framing), dict(new.framing), "framing: ")
    yield from _compare_blocks(old.blocks, new.blocks)


def _group(headers: tuple[tuple[str, str], ...]) -> dict[str, str]:
    groups: dict[str, str] = {}
    for name, value in headers:
        groups[name] = f"{groups[name]}, {value}" if name in groups else value
    return groups


def _compare_blocks(old: tuple[Block, ...], new: tuple[Block, ...]) -> Iterator[Change]:
    """Yield the differences of aligned chunks; their numbers are those of the first recording."""
    matcher = SequenceMatcher(None, [b.key for b in old], [b.key for b in new], autojunk=False)
    for tag, a, b, c, d in matcher.get_opcodes():
        if tag == "equal":
            for n, (one, other) in enumerate(zip(old[a:b], new[c:d], strict=True), a + 1):
                if one.exact != other.exact:
                    yield Change(f"chunk {n}: order of members", "changed", one.exact, other.exact)
            continue
        both = min(b - a, d - c)
        for n in range(both):
            yield from _compare_pair(a + n + 1, old[a + n], new[c + n])
        for n in range(a + both, b):
            yield Change(f"chunk {n + 1}", "removed", _show(old[n]))
        for n in range(c + both, d):
            after = f" after {b}" if b else ""
            yield Change(f"chunk{after}", "added", None, _show(new[n]))


def _compare_pair(number: int, old: Block, new: Block) -> Iterator[Change]:
    if old.kind != new.kind:
        yield Change(f"chunk {number}", "changed", _show(old), _show(new))
        return
    if old.name != new.name:
        yield Change(f"chunk {number}: event name", "changed", old.name, new.name)
    yield from compare_values(old.value, new.value, f"chunk {number}: ")


def _show(block: Block) -> Any:
    return block.value if block.kind == "event" else {block.kind: block.value}
