"""A fault that lets a stream be sent as another server would send it, by the name of the habit.

See `openai_mockserver.faults.fault` for the rules, and `openai_mockserver.faults.habits` for the
habits.
"""

from __future__ import annotations

import copy
import difflib
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from openai_mockserver import sse
from openai_mockserver.exceptions import FaultError
from openai_mockserver.faults.chunk_changes import Change as ChunkChange
from openai_mockserver.faults.chunk_changes import Chunk
from openai_mockserver.faults.fault import Change, decode_event, fault, never_happens
from openai_mockserver.faults.habits import HABITS
from openai_mockserver.faults.payloads import encode_like
from openai_mockserver.script import Event, Script, Step

__all__ = ["variation"]

VARIATIONS = tuple(HABITS)
"""The names of all variations: the habits of servers that do not change the answer."""


@fault
def variation(name: str, at: int = 1) -> Change:
    """Send the stream as another server sends it, for example ``call id empty later``.

    The answer stays the same. `VARIATIONS` has all names.

    Args:
        name: the name of the variation.
        at: place of what a variation inserts, such as a comment or a chunk without content.
    """
    if name not in HABITS:
        close_names = difflib.get_close_matches(str(name), HABITS, 3)
        hint = f"did you mean {' or '.join(map(repr, close_names))}?"
        if not close_names:
            hint = "openai_mockserver.faults.VARIATIONS has all names"
        raise FaultError(f"variation(name={name!r}): there is no such variation: {hint}")
    level, habit = HABITS[name]
    what = f"variation({name!r})"

    def apply(script: Script) -> Script:
        if not script.is_stream:
            raise never_happens(what, script)
        if level == "framing":
            changed_script: Script = habit.change(script, at)
            return changed_script
        if level == "json":
            return script.with_steps(_respell(step, habit.change) for step in script.steps)
        try:
            return _change_chunks(script, habit.change, at, what)
        except (AttributeError, LookupError, TypeError, ValueError) as error:
            raise FaultError(
                f"{what} never happens: a chunk does not have the expected shape ({error!r})"
            ) from None

    return apply


def _decode_json(step: Step) -> Any:
    """Return the JSON of the event that a step completes; None if there is none."""
    if sse.count_events(step) != 1:
        return None
    try:
        return json.loads(decode_event(step).data)
    except (ValueError, RecursionError):
        return None


def _respell(step: Step, dumps: Callable[[Any], str]) -> Step:
    """Return the event with its JSON spelled in another way."""
    payload = _decode_json(step)
    return replace(decode_event(step), data=dumps(payload)) if isinstance(payload, dict) else step


def _is_chunk(payload: Any) -> bool:
    """Whether a JSON value is a chunk of a chat completion."""
    choices = payload.get("choices") if isinstance(payload, dict) else None
    return isinstance(choices, list) and all(
        isinstance(choice, dict)
        and isinstance(choice.get("index"), int)
        and isinstance(choice.get("delta"), dict)
        for choice in choices
    )


def _change_chunks(script: Script, change: ChunkChange, place: int, what: str) -> Script:
    """Return the script with its chunks changed; a chunk that stays equal keeps its bytes.

    The changed chunks take the places of the original ones in turn, so that all else, such as
    pauses, stays where it is.
    """
    payloads = list(map(_decode_json, script.steps))
    places = [n for n, payload in enumerate(payloads) if _is_chunk(payload)]
    if not places:
        raise FaultError(f"{what} never happens: the stream has no chunks of a chat completion")
    originals = [script.steps[n] for n in places]
    steps_by_json = {_key(payloads[n]): script.steps[n] for n in places}
    chunks: list[Chunk] = change([copy.deepcopy(payloads[n]) for n in places], place)
    new_steps: list[Step] = []
    for n, chunk in enumerate(chunks):
        event = decode_event(originals[min(n, len(originals) - 1)])
        changed_event = Event(encode_like(event.data, chunk), event.event, event.id, event.retry)
        new_steps.append(steps_by_json.get(_key(chunk), changed_event))
    steps: list[Step] = []
    for n, step in enumerate(script.steps):
        if n not in places:
            steps.append(step)
        elif n == places[-1]:
            steps += new_steps
        else:
            steps += new_steps[:1]
            del new_steps[:1]
    return script.with_steps(steps)


def _key(chunk: Chunk) -> str:
    return json.dumps(chunk)
