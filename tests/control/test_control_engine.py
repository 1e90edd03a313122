"""The engine over the control API: its state, and setting it."""

from __future__ import annotations

import openai
import pytest

from openai_mockserver.engine import PROFILES, Engine
from steered import Steered


def test_without_an_engine_the_capacity_is_unlimited(steered: Steered) -> None:
    state = steered.http.get("/_mock/engine").json()
    assert (state["engine"], state["slots"], state["running"]) == (None, None, 0)
    assert steered.http.get("/_mock/settings").json()["engine"] is None


def test_it_is_set_and_shows_what_it_does(steered: Steered) -> None:
    engine = {"slots": 2, "queue": 3, "cache_blocks": 10, "limits": {"rpm": 1}}
    response = steered.http.put("/_mock/engine", json={"engine": engine})
    assert response.json()["engine"] == engine
    steered.mock.reply("Hello")
    steered.ask()
    with pytest.raises(openai.RateLimitError):
        steered.ask()
    state = steered.http.get("/_mock/engine").json()
    assert (state["slots"], state["queue"], state["running"], state["ended"]) == (2, 3, 0, 1)
    assert (state["admitted"], state["refused"], state["cache_blocks"]) == (1, 1, 10)
    (limit,) = state["limits"]
    assert (limit["unit"], limit["limit"], limit["used"]) == ("requests", 1, 1)
    assert limit["key"] == "…", "a key is not shown"
    assert steered.http.get("/_mock/settings").json()["engine"] == engine
    assert steered.http.put("/_mock/engine", json={"engine": None}).json()["engine"] is None
    steered.ask()


def test_it_is_one_of_the_settings(steered: Steered) -> None:
    changed = steered.http.patch("/_mock/settings", json={"engine": "h100-8b"}).json()
    assert changed["engine"] == "h100-8b"
    assert steered.mock.options.engine == PROFILES["h100-8b"].engine
    assert steered.http.get("/_mock/choices").json()["engines"] == list(PROFILES)
    steered.http.post("/_mock/reset", json={"settings": True})
    assert steered.mock.options.engine is None


def test_a_reset_of_objects_begins_again(steered: Steered) -> None:
    steered.mock.engine = Engine(failure_rate=1.0)
    with pytest.raises(openai.InternalServerError):
        steered.ask()
    assert steered.http.get("/_mock/engine").json()["refused"] == 1
    steered.http.post("/_mock/reset")
    assert steered.http.get("/_mock/engine").json()["refused"] == 0


@pytest.mark.parametrize(
    ("engine", "place", "sentence"),
    [
        ("h200", "engine", "unknown engine 'h200'"),
        ({"slot": 1}, "engine.slot", "allowed keys are profile, slots"),
        ({"slots": 0}, "engine", "must be a whole number, 1 or more"),
        (5, "engine", "expected a mapping"),
    ],
)
def test_a_mistake_is_named_with_its_place(
    steered: Steered, engine: object, place: str, sentence: str
) -> None:
    for method, path in (("PUT", "/_mock/engine"), ("PATCH", "/_mock/settings")):
        response = steered.http.request(method, path, json={"engine": engine})
        assert response.status_code == 422
        assert response.json()["place"] == place
        assert sentence in response.text
