"""Real clients against the mock: each in an environment of its own, as its documentation uses it.

Needs the clients: `scripts/clients` installs them, outside the repository, and runs this. What the
clients said is compared with what was served, and with what the journal saw.
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
        reason="no client is named: run scripts/clients",
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
def expected(request: pytest.FixtureRequest, run: Run) -> None:
    """Skips what a client has no means for, and expects the failure of what it breaks."""
    scenario = request.function.__name__.removeprefix("test_")

    def why(about: Mapping[str, str]) -> str | None:
        return about.get(f"{run.way}/{scenario}", about.get(scenario))

    if reason := why(run.client.lacks):
        assert scenario not in run.said, f"it does have means: {run.said[scenario]}"
        pytest.skip(reason)
    if reason := why(run.client.breaks):
        request.applymarker(pytest.mark.xfail(reason=reason, strict=True))


def test_text(run: Run) -> None:
    pieces = run["text"]["pieces"]
    assert "".join(pieces) == TEXT
    assert len(pieces) > 1
    (call,) = run.calls("text")
    assert call.stream
    assert call.ended == "finished"


def test_tool(run: Run) -> None:
    said = run["tool"]
    assert said["calls"] == [{"name": "get_weather", "arguments": CITY}]
    assert said["text"] == TEXT

    asked, answered = run.calls("tool")
    (offered,) = asked.tools
    assert offered in TOOLS
    *_, asking, result = answered.messages
    assert tool_calls(asking) == [(CALL_ID, offered, CITY)]
    assert (result["role"], result["tool_call_id"]) == ("tool", CALL_ID)
    assert "sunny, 21 degrees" in json.dumps(result["content"])


def tool_calls(message: Mapping[str, Any]) -> list[tuple[str, str, Any]]:
    """The tool calls of a message: ids, names, arguments."""
    made = [(call["id"], call["function"]) for call in message["tool_calls"]]
    return [(call_id, one["name"], json.loads(one["arguments"])) for call_id, one in made]


def test_usage(run: Run) -> None:
    said = run["usage"]
    assert {"input", "output"} <= said.keys()
    assert said == {name: COUNTS[name] for name in said}


def test_early_break(run: Run, cell: Cell) -> None:
    said = run["early_break"]
    assert 0 < len(said["pieces"]) < PIECES
    assert set("".join(said["pieces"]).split()) == {"word"}
    assert "".join(said["again"]) == TEXT

    (left,) = run.calls("early_break")
    (again,) = run.calls("again")
    assert again.ended == "finished"
    assert left.wait(10)
    how = run.known(run.client.leaves, "disconnects")
    if how == "reads on":
        assert left.ended == "finished"
    else:
        assert left.ended == "client disconnected"
        assert left.delivered.events < PIECES
        assert left.left is not None
        at_once = left.arrival + left.left < again.arrival + TTFT
        assert how == ("disconnects" if at_once else "disconnects late")
    cell(f"✓ {how}")


def test_busy(run: Run, cell: Cell) -> None:
    said = run["busy"]
    statuses = [call.status for call in run.calls("busy")]
    raises = run.known(run.client.busy, "")
    if raises:
        assert (said.get("raised"), statuses) == (raises, [429])
        cell(f"✓ `{raises}`")
    else:
        assert ("".join(said.get("pieces", ())), statuses) == (TEXT, [429, 200]), said
        cell("✓ tries again")


def test_refused(run: Run, cell: Cell) -> None:
    said = run["refused"]
    raises = run.known(run.client.refused, "BadRequestError")
    assert said.get("raised") == raises, said
    assert "That is too hot." in said["message"]
    assert [call.status for call in run.calls("refused")] == [400]
    cell(f"✓ `{raises}`")


def test_structured(run: Run) -> None:
    said = run["structured"]
    assert said == READING
    (call,) = run.calls("structured")
    assert asks_for_structure(call.json)


def asks_for_structure(request: dict[str, Any]) -> bool:
    """Whether a request asks for JSON by a schema, or by a tool that it forces."""
    schemas = [request.get("response_format"), (request.get("text") or {}).get("format")]
    named = [one["type"] for one in schemas if one]
    return "json_schema" in named or isinstance(request.get("tool_choice"), dict)
