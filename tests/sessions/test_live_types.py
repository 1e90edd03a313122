"""The events of Live sessions: those of the SDK's types, all of them but a few."""

from __future__ import annotations

from typing import Any, get_args

import pytest

from live_player import ROOT, LivePlayer, check_live_types
from openai_mockserver import MockOpenAI, Reply, ToolCall
from openai_mockserver.sessions.live.events import EVENTS
from realtime_player import encode, make_tone

pytestmark = pytest.mark.openai3("has no types of live sessions")

NEVER_SENT = {
    "session.input_audio.append",  # media do not flow: nothing is reflected
    "session.paused",  # of WebRTC that is idle
    "session.resumed",
    "transport.answered",  # of calls that somebody makes
    "transport.dtmf.received",
    "transport.dtmf.send",  # of older servers
    "transport.failed",
    "transport.ringing",
}
QUESTIONS = [{"type": "predicate", "instructions": "Is it so?"}]
DELEGATIONS: list[Any] = [
    {"type": "client"},
    {"type": "responses", "responses": {"model": "gpt-5.5"}},
    {"type": "decisions", "decisions": {"model": "gpt-6-luna", "questions": QUESTIONS}},
]


def list_models(union: Any) -> dict[str, Any]:
    """Return the models of a union of events, by their type."""
    models = get_args(get_args(union)[0])
    return {get_args(model.model_fields["type"].annotation)[0]: model for model in models}


def play_everything(mock: MockOpenAI) -> set[str]:
    """Return the types of what is sent in sessions in which everything happens."""
    types: set[str] = set()
    for delegation in DELEGATIONS:
        player = LivePlayer(mock)
        player.start(delegation=delegation)
        player.ask()
        for kind in ("instructions", "thinking", "commentary"):
            player.say(f"session.{kind}.append", content="Hm.", delegation_id=None)
        player.say("session.output_audio.fixture.play", audio=encode(make_tone(5000, 0.2)))
        player.run(1)
        player.say("session.input_audio.mute")
        player.say("session.input_audio.unmute")
        player.say("session.update", session={})
        player.say("decision.item.create", item={"role": "user", "content": "Hi", "id": "i"})
        player.say("decision.item.delete", item_id="i")
        player.say("response.create")
        player.run(1)
        player.say("session.close")
        player.run()
        types |= {message["type"] for _, message in player.sent}
    return types


def create_session(mock: MockOpenAI) -> str:
    """Return the id of a session over WebRTC with permissions for its data channel."""
    client: Any = {"data_channel": {"allowed_client_events": "all"}}
    session: Any = {"model": "gpt-live-1", "client": client}
    transport: Any = {"type": "webrtc", "sdp": "x"}
    return mock.client().live.create(session=session, transport=transport).session.id


def test_the_client_events_are_those_of_the_sdk() -> None:
    from openai.types import live

    models = list_models(live.ClientEvent) | list_models(live.ConnectClientEvent)
    members = {
        type: {name for name in model.model_fields if name not in ("type", "event_id")}
        for type, model in models.items()
    }
    assert {type: set(names) - {"event_id"} for type, names in EVENTS.items()} == members


def test_the_server_events_are_those_of_the_sdk() -> None:
    from openai.types import live

    mock = MockOpenAI()
    mock.on(endpoint="audio/transcriptions").reply("How are you?")
    mock.on(endpoint="live").reply(Reply("Let me see.", tool_calls=ToolCall("f")))
    mock.on(endpoint="responses").reply("Fine.")
    sent = play_everything(mock)
    for id in ("call", create_session(mock)):
        player = LivePlayer(mock, f"{ROOT}/{id}/attach", seed=1)
        player.say("transport.dtmf.send", event="1")
        messages = player.run(1)
        check_live_types(messages, is_sideband=True)
        sent |= {message["type"] for message in messages}
    known = {*list_models(live.ServerEvent), *list_models(live.ConnectServerEvent)}
    assert (known - sent, sent - known) == (NEVER_SENT, set())
