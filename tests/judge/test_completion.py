"""Responses that show only what matters are completed, so that clients that check them go on."""

from __future__ import annotations

import json

from openai_mockserver import Event, Script, stream
from openai_mockserver.judge.completion import complete_responses


def test_a_partial_response_gets_what_openai_s_schema_requires() -> None:
    partial = {"type": "response.created", "response": {"id": "resp_1", "tools": ["own"]}}
    (event,) = complete_responses(Script(steps=[Event(json.dumps(partial))])).events
    response = json.loads(event.data)["response"]
    assert (response["id"], response["tools"]) == ("resp_1", ["own"])
    assert {"created_at", "error", "metadata", "parallel_tool_calls"} <= response.keys()


def test_everything_else_stays_as_it_is() -> None:
    for name in ("text", "responses-text", "malformed-chunk"):
        script = stream(name).script
        assert complete_responses(script) is script
