"""Faults of what events say: one left out, several in one, a member of the JSON changed or removed.

See `openai_mockserver.faults.fault` for the rules.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from openai_mockserver import sse
from openai_mockserver.exceptions import FaultError, MockServerError
from openai_mockserver.faults.fault import (
    Change,
    decode_event,
    fault,
    find_event,
    never_happens,
    replace_body,
    replace_step,
)
from openai_mockserver.json_path import Steps, find_members, list_keys, parse_path
from openai_mockserver.script import Script, Step

__all__ = ["change", "drop", "merge"]


@fault
def drop(at: int) -> Change:
    """Leave out the event at index ``at``; -1 is the last one."""

    def apply(script: Script) -> Script:
        index = find_event(script, at, f"drop(at={at})")
        return script.with_steps((*script.steps[:index], *script.steps[index + 1 :]))

    return apply


@fault
def change(
    at: int | None,
    path: str,
    value: Any = None,
    remove: bool = False,
    where: Mapping[str, Any] | None = None,
) -> Change:
    """Set a member of the JSON of the event at index ``at``; None: of every event that has it.

    The body of a response that is not a stream counts as its one event.

    Args:
        at: index of the event; -1 is the last one.
        path: the member's path, as in ``choices.0.delta.content`` or ``choices[0].delta``; a
            negative number counts from the end of its array, and ``[*]`` is every element.
        value: the new value: anything that JSON can express. An array grows by one if the number
            is its length.
        remove: whether to remove the member instead.
        where: paths of other members, each with a value that one of them must have: only events
            that have all these are changed.
    """
    what = f"change({'' if at is None else f'at={at}, '}path={path!r})"
    keys = _parse_path(path, what)
    if not isinstance(where, Mapping | None):
        raise FaultError(f"{what}: where must be a mapping from paths to values, not {where!r}")
    conditions = [(_parse_path(key, what), wanted) for key, wanted in (where or {}).items()]
    try:
        json.dumps(value)
    except (TypeError, ValueError) as error:
        raise FaultError(f"{what}: value must be JSON: {error}") from None

    def change_json(text: str) -> str | None:
        try:
            payload = json.loads(text)
        except ValueError:
            return None
        if any(wanted not in list(find_members(payload, steps)) for steps, wanted in conditions):
            return None
        # Of a chosen event the member may be new; of all events, those that have it are changed.
        must_exist = remove or (at is None and not conditions)
        if not _change_member(payload, keys, value, remove, must_exist):
            return None
        return encode_like(text, payload)

    def change_step(step: Step) -> Step | None:
        if not sse.count_events(step):
            return None
        event = decode_event(step)
        data = change_json(event.data)
        return None if data is None else replace(event, data=data)

    def apply(script: Script) -> Script:
        if not script.is_stream:
            if at not in (None, 0, -1):
                raise never_happens(what, script)
            body = change_json(sse.body(script.steps).decode(errors="surrogateescape"))
            if body is None:
                raise FaultError(f"{what} never happens: the body has no such member")
            return replace_body(script, body.encode(errors="surrogateescape"))
        if at is not None:
            index = find_event(script, at, what)
            step = change_step(script.steps[index])
            if step is None:
                raise FaultError(f"{what} never happens: the event has no such member")
            return replace_step(script, index, step)
        changed_steps = list(map(change_step, script.steps))
        if not any(changed_steps):
            raise FaultError(f"{what} never happens: no event has such a member")
        return script.with_steps(
            [new or old for new, old in zip(changed_steps, script.steps, strict=True)]
        )

    return apply


@fault
def merge(at: int = 0, count: int | None = 2) -> Change:
    """Send ``count`` chunks as one, the first of which is the event at index ``at``.

    The texts, arguments and lists of the same choice are joined, so that the answer stays the same.

    Args:
        at: index of the first event; -1 is the last one.
        count: number of chunks; None for all that follow.
    """
    what = f"merge(at={at}, count={count})"

    def apply(script: Script) -> Script:
        first = last = find_event(script, at, what)
        chunk = _decode_chunk(script.steps[first])
        if chunk is None:
            raise FaultError(f"{what} never happens: the event is not a chunk with choices")
        number = 1
        for n in range(first + 1, len(script.steps)):
            if number == count:
                break
            step = script.steps[n]
            if sse.count_events(step):
                next_chunk = _decode_chunk(step)
                if next_chunk is None:
                    break
                chunk = _merge_values(chunk, next_chunk)
                last, number = n, number + 1
        if number < (count or 2):
            raise FaultError(f"{what} never happens: only {number} chunk{'s' * (number > 1)} there")
        event = decode_event(script.steps[first])
        between = [s for s in script.steps[first : last + 1] if not sse.count_events(s)]
        merged_event = replace(event, data=encode_like(event.data, chunk))
        return script.with_steps(
            (*script.steps[:first], *between, merged_event, *script.steps[last + 1 :])
        )

    return apply


def _decode_chunk(step: Step) -> Any:
    """Return the JSON of an event with a list of choices; None if the event has none."""
    try:
        payload = json.loads(decode_event(step).data)
    except (ValueError, RecursionError):
        return None
    has_choices = isinstance(payload, dict) and isinstance(payload.get("choices"), list)
    return payload if has_choices else None


_TEXTS = frozenset(
    [
        "content",
        "reasoning_content",
        "reasoning",
        "refusal",
        "text",
        "arguments",
        "input",
        "transcript",
        "data",
    ]
)
"""The members whose pieces form one text."""


def _merge_values(earlier: Any, later: Any, name: str = "") -> Any:
    """Return what two chunks, or the same member of two chunks, say together."""
    if isinstance(earlier, dict) and isinstance(later, dict):
        merged = {key: _merge_values(v, later.get(key), key) for key, v in earlier.items()}
        return merged | {key: value for key, value in later.items() if key not in earlier}
    if isinstance(earlier, list) and isinstance(later, list):
        return _merge_lists(earlier, later)
    if isinstance(earlier, str) and isinstance(later, str) and name in _TEXTS:
        return earlier + later
    return earlier if later is None or later == "" else later


def _merge_lists(earlier: list[Any], later: list[Any]) -> list[Any]:
    """Return the elements of both lists; those with the same index are merged."""
    merged = list(earlier)
    for element in later:
        index = element.get("index") if isinstance(element, dict) else None
        same = [
            n
            for n, other in enumerate(merged)
            if index is not None and isinstance(other, dict) and other.get("index") == index
        ]
        if same:
            merged[same[0]] = _merge_values(merged[same[0]], element)
        else:
            merged.append(element)
    return merged


def _parse_path(path: str, what: str) -> Steps:
    """Parse the path of a fault's argument."""
    try:
        return parse_path(path)
    except MockServerError as error:
        raise FaultError(f"{what}: {error}") from None


def _change_member(payload: Any, keys: Steps, value: Any, remove: bool, must_exist: bool) -> bool:
    """Set or remove the members at a path, in place; return False if there is no place for any."""
    step = keys[0]
    found_keys = list_keys(payload, step)
    if len(keys) > 1:
        changes = [
            _change_member(payload[key], keys[1:], value, remove, must_exist) for key in found_keys
        ]
        return any(changes)
    for key in reversed(found_keys):
        if remove:
            del payload[key]
        else:
            payload[key] = value
    if found_keys or must_exist or step is None:
        return bool(found_keys)
    if isinstance(payload, dict) and isinstance(step, str):
        payload[step] = value
        return True
    if isinstance(payload, list) and str(step) == str(len(payload)):
        payload.append(value)
        return True
    return False


def encode_like(original: str, payload: Any) -> str:
    """Encode JSON with the spacing and the escapes of the original."""
    has_spaces = re.match(r'\s*[{\[]\s*"(?:[^"\\]|\\.)*":\s', original) is not None
    separators = (", ", ": ") if has_spaces else (",", ":")
    return json.dumps(payload, separators=separators, ensure_ascii=original.isascii())
