"""The control API shows what went over a WebSocket."""

from __future__ import annotations

import json

import httpx2
from websockets.sync.client import connect

from openai_mockserver import MockOpenAI


def test_the_messages_of_both_sides_are_the_events_of_the_call() -> None:
    with MockOpenAI(control=True) as mock:
        mock.reply("Hello")
        url = mock.base_url.replace("http", "ws", 1) + "/responses"
        with connect(url, proxy=None) as client:
            client.send('{"type":"response.create","model":"gpt-5","input":"Hi"}')
            while json.loads(client.recv(timeout=10))["type"] != "response.completed":
                pass
        assert mock.calls[0].wait(10)
        base = mock.base_url.removesuffix("/v1")
        shown = httpx2.get(f"{base}/_mock/calls/1/events").json()
    assert shown["total"] == len(mock.calls[0].websocket_messages)
    first, second = shown["events"][:2]
    assert (first["kind"], first["event"]) == ("client", "response.create")
    assert first["says"] == "→ response.create"
    assert json.loads(first["data"])["input"] == "Hi"
    assert (second["kind"], second["event"]) == ("server", "response.created")
    assert 0 <= first["at"] <= second["at"] <= shown["seconds"]
    delta = next(one for one in shown["events"] if one["event"] == "response.output_text.delta")
    assert delta["says"] == "← response.output_text.delta  Hello"
