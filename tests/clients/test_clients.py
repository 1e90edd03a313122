"""Real clients against the mock, each in a separate environment, used as its documentation shows.

`scripts/clients` installs the clients outside the repository, and runs these tests. The results of
the clients are compared with the served replies, and with the journal.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from clients.matrix import CALL_ID, CITY, PIECES, READING, TEXT, TOOLS, TTFT, USAGE, Run

pytestmark = [
    pytest.mark.client,
    pytest.mark.skipif(
        not os.environ.get("OPENAI_MOCKSERVER_CLIENTS"),
        reason="no client was requested: run scripts/clients",
    ),
]

Cell = Callable[[str], None]
COUNTS = {
    "input": USAGE.prompt_tokens,
    "output": USAGE.completion_tokens,
    "cached": USAGE.cached_tokens,
    "reasoning": USAGE.reasoning_tokens,
}


@pytest.fixture(autouse=True)
def check_support(request: pytest.FixtureRequest, run: Run) -> None:
    """Skip what a client does not support, and expect what it breaks to fail."""
    scenario = request.function.__name__.removeprefix("test_")

    def find_reason(reasons: Mapping[str, str]) -> str | None:
        return reasons.get(f"{run.way}/{scenario}", reasons.get(scenario))

    if reason := find_reason(run.client.lacks):
        assert scenario not in run.results, f"it is supported: {run.results[scenario]}"
        pytest.skip(reason)
    if reason := find_reason(run.client.breaks):
        request.applymarker(pytest.mark.xfail(reason=reason, strict=True))


def test_text(run: Run) -> None:
    pieces = run["text"]["pieces"]
    assert "".join(pieces) == TEXT
    assert len(pieces) > 1
    (call,) = run.calls("text")
    assert call.stream
    assert call.ended == "finished"


def test_tool(run: Run) -> None:
    result = run["tool"]
    assert result["calls"] == [{"name": "get_weather", "arguments": CITY}]
    assert result["text"] == TEXT

    first_call, second_call = run.calls("tool")
    (tool,) = first_call.tools
    assert tool in TOOLS
    *_, message, tool_message = second_call.messages
    assert list_tool_calls(message) == [(CALL_ID, tool, CITY)]
    assert (tool_message["role"], tool_message["tool_call_id"]) == ("tool", CALL_ID)
    assert "sunny, 21 degrees" in json.dumps(tool_message["content"])


def list_tool_calls(message: Mapping[str, Any]) -> list[tuple[str, str, Any]]:
    """Return the tool calls of a message: ids, names, arguments."""
    calls = [(call["id"], call["function"]) for call in message["tool_calls"]]
    return [(call_id, one["name"], json.loads(one["arguments"])) for call_id, one in calls]


def test_usage(run: Run) -> None:
    result = run["usage"]
    assert {"input", "output"} <= result.keys()
    assert result == {name: COUNTS[name] for name in result}


def test_early_break(run: Run, cell: Cell) -> None:
    result = run["early_break"]
    assert 0 < len(result["pieces"]) < PIECES
    assert set("".join(result["pieces"]).split()) == {"word"}
    assert "".join(result["again"]) == TEXT

    (first,) = run.calls("early_break")
    (again,) = run.calls("again")
    assert again.ended == "finished"
    assert first.wait(10)
    outcome = run.look_up(run.client.leaves, "disconnects")
    if outcome == "reads on":
        assert first.ended == "finished"
    else:
        assert first.ended == "client disconnected"
        assert first.delivered.events < PIECES
        assert first.left is not None
        at_once = first.arrival + first.left < again.arrival + TTFT
        assert outcome == ("disconnects" if at_once else "disconnects late")
    cell(f"✓ {outcome}")


def test_busy(run: Run, cell: Cell) -> None:
    result = run["busy"]
    statuses = [call.status for call in run.calls("busy")]
    raises = run.look_up(run.client.busy, "")
    if raises:
        assert (result.get("raised"), statuses) == (raises, [429])
        cell(f"✓ `{raises}`")
    else:
        assert ("".join(result.get("pieces", ())), statuses) == (TEXT, [429, 200]), result
        cell("✓ tries again")


def test_refused(run: Run, cell: Cell) -> None:
    result = run["refused"]
    raises = run.look_up(run.client.refused, "BadRequestError")
    assert result.get("raised") == raises, result
    assert "That is too hot." in result["message"]
    assert [call.status for call in run.calls("refused")] == [400]
    cell(f"✓ `{raises}`")


def test_structured(run: Run) -> None:
    result = run["structured"]
    assert result == READING
    (call,) = run.calls("structured")
    assert asks_for_structure(call.json)


def asks_for_structure(request: dict[str, Any]) -> bool:
    """Whether a request asks for JSON by a schema, or by a forced tool."""
    schemas = [request.get("response_format"), (request.get("text") or {}).get("format")]
    types = [one["type"] for one in schemas if one]
    return "json_schema" in types or isinstance(request.get("tool_choice"), dict)
