"""A response taken apart: its events with their times, what it says, and what is odd."""

from __future__ import annotations

import threading
from contextlib import suppress
from typing import Any

import httpx
import pytest

from openai_mockserver import ApiError, Reply, ToolCall
from openai_mockserver.faults import bom, stall, truncate
from openai_mockserver.show.lint import CHECKS
from openai_mockserver.show.meanings import MEANINGS
from steered import Steered


def get(steered: Steered, path: str) -> Any:
    response = steered.http.get(f"/_mock/{path}")
    assert response.status_code == 200, response.text
    return response.json()


def test_the_events_of_a_paced_stream(steered: Steered) -> None:
    steered.mock.reply("Hello, world", pace="0.03,0.01")
    steered.ask(stream=True)
    parts = get(steered, "calls/1/events")
    events = parts["events"]
    assert parts["total"] == len(events) == 6
    assert [event["number"] for event in events] == [1, 2, 3, 4, 5, 6]
    assert "".join(p["text"] for e in events for p in e["pieces"]) == "Hello, world"
    assert events[0]["due"] == pytest.approx(0.03)
    times = [event["at"] for event in events]
    assert times == sorted(times)
    assert all(event["at"] >= event["due"] - 0.001 for event in events)
    assert parts["reply"]["text"] == "Hello, world"
    assert (parts["end"], parts["odd"], parts["error"]) == ("finish", [], None)


def test_what_is_not_sent_has_no_time(steered: Steered) -> None:
    steered.mock.reply("Hello, world", faults=[stall(after=2, seconds=60)])
    body = {"model": "m", "messages": [{"role": "user", "content": "Hi"}], "stream": True}

    def ask() -> None:
        with suppress(httpx.HTTPError):
            steered.http.post("/v1/chat/completions", json=body)

    request = threading.Thread(target=ask)
    request.start()
    subscribe = steered.mock.calls.history.subscribe
    started = threading.Event()
    subscribe(started.set)
    if not len(steered.mock.calls):
        assert started.wait(5)
    events: list[Any] = []
    while [event["at"] is None for event in events[:3]] != [False, False, True]:
        response = steered.http.get("/_mock/calls/1/events")
        events = response.json()["events"] if response.status_code == 200 else []
    assert all(event["at"] is None for event in events[2:])
    steered.mock.stop()
    request.join(10)


def test_what_is_odd_and_what_it_means(steered: Steered) -> None:
    steered.mock.reply("Hello, world", faults=[bom(), truncate(after=2)])
    body = {"model": "m", "messages": [{"role": "user", "content": "Hi"}], "stream": True}
    with pytest.raises(httpx.RemoteProtocolError):
        steered.http.post("/v1/chat/completions", json=body)
    odd = {one["name"]: one for one in get(steered, "calls/1/events")["odd"]}
    assert odd.keys() == {"bom", "no-done", "no-finish"}
    assert odd["bom"]["fact"] == "the body begins with a BOM"
    assert odd["bom"]["meaning"] == MEANINGS["bom"]


def test_each_oddity_has_a_meaning() -> None:
    assert list(MEANINGS) == [name for name, _ in CHECKS]


def test_answers_without_events(steered: Steered) -> None:
    steered.mock.reply(Reply("Hi", tool_calls=[ToolCall("f", {"a": 1})]), ApiError(503, "later"))
    for _ in range(2):
        body = {"model": "m", "messages": [{"role": "user", "content": "Hi"}]}
        steered.http.post("/v1/chat/completions", json=body)
    reply = get(steered, "calls/1/events")["reply"]
    assert (reply["text"], reply["tool_calls"][0]["arguments"]) == ("Hi", '{"a":1}')
    parts = get(steered, "calls/2/events")
    assert parts["error"]["message"] == "later"
    assert parts["reply"] is None
