"""Completes the responses in a stream of the Responses API.

The documented misbehaviours of this API show events whose responses have only the members that
matter. Clients that check a response against OpenAI's schema raise at the first of them, so that
what the stream is to show would not be seen.

Rules of this file: pure functions; a response with a time of creation is complete.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import msgspec.json

from openai_mockserver.script import Event, Script, Step

__all__ = ["complete_responses"]

_REQUIRED: dict[str, Any] = {
    "created_at": 1,
    "error": None,
    "incomplete_details": None,
    "instructions": None,
    "metadata": {},
    "parallel_tool_calls": True,
    "temperature": 1.0,
    "tool_choice": "auto",
    "tools": [],
    "top_p": 1.0,
}
"""What a response has by OpenAI's schema, `Response`, besides what every row shows."""


def complete_responses(script: Script) -> Script:
    """Return a script whose responses have the members that OpenAI's schema requires."""
    steps = [_complete_step(step) for step in script.steps]
    return script if steps == list(script.steps) else script.with_steps(steps)


def _complete_step(step: Step) -> Step:
    if not isinstance(step, Event) or '"response"' not in step.data:
        return step
    try:
        value = msgspec.json.decode(step.data)
    except (msgspec.DecodeError, UnicodeError):
        return step
    response = value.get("response") if isinstance(value, dict) else None
    if not isinstance(response, dict) or "created_at" in response:
        return step
    completed = {**value, "response": {**_REQUIRED, **response}}
    return replace(step, data=msgspec.json.encode(completed).decode())
