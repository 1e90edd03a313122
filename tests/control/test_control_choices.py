"""What rules and settings can choose from."""

from __future__ import annotations

from typing import Any

from openai_mockserver.catalogue import names
from openai_mockserver.faults import FAULTS
from steered import Steered


def get(steered: Steered, path: str) -> Any:
    response = steered.http.get(f"/_mock/{path}")
    assert response.status_code == 200, response.text
    return response.json()


def test_the_choices(steered: Steered) -> None:
    choices = get(steered, "choices")
    assert {one["name"] for one in choices["faults"]} == set(FAULTS)
    (found,) = (one for one in choices["faults"] if one["name"] == "reset")
    assert [one["name"] for one in found["arguments"]] == ["after", "byte", "seconds"]
    assert found["arguments"][0] == {"name": "after", "type": "int", "default": "0", "choices": []}
    assert "groq" in choices["dialects"]
    assert {"name": "none", "ttft": 0.0, "itl": 0.0} in choices["paces"]
    streams = get(steered, "streams")
    assert {one["name"] for one in streams} == set(names())
    assert all(one["family"] and one["about"] for one in streams)
    name = streams[0]["name"]
    assert steered.http.post("/_mock/rules", json={"reply": {"stream": name}}).status_code == 201
