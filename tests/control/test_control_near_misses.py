"""Why each rule did not answer a call."""

from __future__ import annotations

from typing import Any

import pytest

from openai_mockserver import contains
from steered import Steered


def get(steered: Steered, path: str) -> Any:
    response = steered.http.get(f"/_mock/{path}")
    assert response.status_code == 200, response.text
    return response.json()


def test_secrets_are_not_in_the_reasons(steered: Steered) -> None:
    steered.mock.on(json={"metadata.password": "theirs"}).reply("x")
    steered.mock.on(json={"api_key": "sk-proj-theirs"}).reply("x")
    body = {"model": "m", "messages": [], "metadata": {"password": "ours"}}
    steered.http.post("/v1/chat/completions", json=body)
    text = steered.http.get("/_mock/calls/1/near-misses").text
    assert "metadata.password is …, not …" in text
    assert "ours" not in text
    assert "theirs" not in text


def test_near_misses(steered: Steered) -> None:
    steered.mock.on(user="Hi").reply("Hello", times=1)
    steered.mock.on(user=contains("weather")).reply("Sunny")
    steered.ask("Hi")
    with pytest.raises(Exception, match="no rule matches"):
        steered.ask("Hi")
    misses = get(steered, "calls/2/near-misses")
    assert "no rule matches" in misses["problem"]
    assert [(one["rule"], one["reason"]) for one in misses["rules"]] == [
        (1, "it has already answered 1 time"),
        (2, "user is 'Hi', not contains('weather')"),
    ]
    steered.mock.on(user="Hi").reply("Hello again")
    assert get(steered, "calls/2/near-misses")["rules"][0]["reason"] is None
    assert [rule.use_count for rule in steered.mock.rules] == [1, 0, 0]
