"""The events of a run at the times at which the model says what they hold.

Rules of this file: pure functions. The model's own stream has pauses, and may end early; a run has
the same pauses before the same pieces, and ends at the same one.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from openai_mockserver.api.assistants.writer import WrittenEvent
from openai_mockserver.script import Comment, Event, Head, Pause, Script, Step

__all__ = ["follow"]

_DONE = Event("[DONE]", event="done")
_LEAD = "thread.run.in_progress"
"""The last event before the model says something."""

# The deltas that a run has too: not those of reasoning.
_DELTA = re.compile(
    r'"type":\s*"response\.(?:output_text|refusal|function_call_arguments|'
    r'code_interpreter_call_code)\.delta"'
)


def follow(script: Script, events: Sequence[WrittenEvent]) -> Script:
    """Return the response with the events of a run.

    Args:
        script: the model's own stream.
        events: the events of the run, without the last, which is always the same.
    """
    names = [written.event.event for written in events]
    begun = names.index(_LEAD) + 1 if _LEAD in names else 0
    steps: list[Step] = [written.event for written in events[:begun]]
    waiting = list(events[begun:])
    for step in script.steps:
        if isinstance(step, Pause | Comment):
            steps.append(step)
        elif isinstance(step, Event) and _DELTA.search(step.data):
            while waiting:
                written = waiting.pop(0)
                steps.append(written.event)
                if written.is_delta:
                    break
    if script.end in ("finish", "close", "half_close"):
        steps += [*(written.event for written in waiting), _DONE]
    head = Head(200, script.head.headers, script.head.delay)
    return replace(script, head=head, steps=tuple(steps))
