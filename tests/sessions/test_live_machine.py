"""A Live session under any sequence of client events: a state machine with its invariants.

* Each event has an id of its own if it has one, and is valid for the SDK's types, strictly.
* Nothing comes before the session has started or after it has closed; its id never changes.
* A delegation is created once, and only what has been created is answered. Each response of the
  backend begins once, ends once, and has no event before or after.
* Each decision is asked for by a delegation, or by a piece of a transcript that was sent before it.
* Times of transcripts never go back, and neither does the usage.
* An audio fixture that has been accepted is played to its end, unless the session closes.
* Every turn that is answered ends, unless the session closes.
"""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from live_player import LivePlayer, check_live_types
from openai_mockserver import ApiError, MockOpenAI, Pace, Reply, ToolCall
from realtime_player import Json, encode, make_tone

pytestmark = pytest.mark.openai3("has no types of live sessions")

_HEARD = ("quick", "slow", "delegate", "fail", "cut", "refuse")
_QUESTIONS = [{"type": "predicate", "instructions": "Is it so?"}]
_DELEGATIONS: dict[str, Json] = {
    "client": {"type": "client"},
    "responses": {"type": "responses", "responses": {"model": "gpt-5.5"}},
    "decisions": {
        "type": "decisions",
        "decisions": {"model": "gpt-6-luna", "questions": _QUESTIONS},
    },
}
_TRANSCRIPTS = ("session.input_transcript.delta", "session.output_transcript.delta")
_TRIGGERS = [
    {"type": "decisions", "event_type": type, "decisions": {"questions": _QUESTIONS}}
    for type in _TRANSCRIPTS
]


def _make_mock() -> MockOpenAI:
    mock = MockOpenAI()
    mock.reply("Hello, world")
    mock.on(user="slow").reply("one two three", pace=Pace(ttft=1.0, itl=0.25))
    mock.on(user="delegate").reply(Reply("Wait.", tool_calls=ToolCall("f")), pace=Pace(itl=0.25))
    mock.on(user="fail").reply(Reply("Hel", error=ApiError(500)), pace=Pace(itl=0.5))
    mock.on(user="cut").reply(Reply("Hel", finish_reason=None))
    mock.on(user="refuse").reply(ApiError(429))
    mock.on(endpoint="audio/transcriptions").reply(*_HEARD, pace=Pace(itl=0.25))
    mock.on(endpoint="responses").reply(
        ToolCall("f"), "Found it.", ApiError(500), pace=Pace(itl=0.25)
    )
    return mock


class LiveMachine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.player = LivePlayer(_make_mock())
        self.seen = 0
        self.event_ids: set[str] = set()
        self.session_id = ""
        self.is_closed = False
        self.delegations: dict[str, str] = {}  # targets by id
        self.pieces: dict[str, str] = {}  # types of transcripts by the id of their event
        self.active: set[str] = set()  # responses that have begun and not ended
        self.ended: set[str] = set()
        self.times = dict.fromkeys(_TRANSCRIPTS, 0)
        self.seconds = 0
        self.fixtures = 0  # that are being played
        self.count = 0

    @initialize(owner=st.sampled_from([*_DELEGATIONS]), fires=st.booleans())
    def start(self, owner: str, fires: bool) -> None:
        triggers = _TRIGGERS if fires else []
        self.player.say("session.input_audio.mute")
        assert self.player.run(0)[0]["error"]["code"] == "session_not_started"
        self.seen = 1
        self.player.start(delegation=_DELEGATIONS[owner], triggers=triggers)

    # What the client does

    @rule(is_loud=st.booleans(), seconds=st.sampled_from([0.1, 0.3, 0.6]))
    def speak(self, is_loud: bool, seconds: float) -> None:
        self.player.speak((9000 if is_loud else 0, seconds))

    @rule()
    def speak_and_pause(self) -> None:
        self.player.speak((9000, 0.2), (0, 0.6))

    @rule(action=st.sampled_from(["mute", "unmute"]))
    def mute(self, action: str) -> None:
        self.player.say(f"session.input_audio.{action}")

    @rule(kind=st.sampled_from(["instructions", "thinking", "commentary"]), data=st.data())
    def append(self, kind: str, data: st.DataObject) -> None:
        id = data.draw(st.sampled_from([None, "item_unknown", *self.delegations]))
        self.player.say(f"session.{kind}.append", content="Hm.", delegation_id=id)

    @rule()
    def play(self) -> None:
        self.player.say("session.output_audio.fixture.play", audio=encode(make_tone(5000, 0.25)))

    @rule()
    def ask_backend(self) -> None:
        self.player.say("response.create")

    @rule()
    def give_result(self) -> None:
        calls = [i for i in self.player.session._backend.items if i["type"] == "function_call"]
        id = calls[-1]["call_id"] if calls else "call_unknown"
        item = {"type": "function_call_output", "call_id": id, "output": "1"}
        self.player.say("response.item.create", item=item)

    @rule(is_new=st.booleans())
    def decide(self, is_new: bool) -> None:
        self.count += is_new
        self.player.say("decision.create", event_id=f"decide {self.count}")

    @rule(id=st.sampled_from(["i1", "i2"]), adds=st.booleans())
    def change_item(self, id: str, adds: bool) -> None:
        if adds:
            item = {"role": "user", "content": "Hi", "id": id}
            self.player.say("decision.item.create", item=item)
        else:
            self.player.say("decision.item.delete", item_id=id)

    @rule(owner=st.sampled_from([*_DELEGATIONS]), fires=st.booleans())
    def update(self, owner: str, fires: bool) -> None:
        session = {"delegation": {"type": owner}, "triggers": _TRIGGERS if fires else []}
        self.player.say("session.update", session=session)

    @rule(seconds=st.sampled_from([0.0, 0.1, 0.25, 1.0, 10.0]))
    def wait(self, seconds: float) -> None:
        self.player.run(seconds)

    @precondition(lambda self: self.seen > 5)
    @rule()
    def close(self) -> None:
        self.player.say("session.close")
        self.player.run(0)
        assert self.is_closed or self.player.ends

    # What it learns

    @invariant()
    def messages_are_right(self) -> None:
        messages = [message for _, message in self.player.sent[self.seen :]]
        self.seen += len(messages)
        check_live_types(messages)
        for message in messages:
            assert not self.is_closed
            if message["type"] != "session.output_audio.delta":
                assert message["event_id"] not in self.event_ids
                self.event_ids.add(message["event_id"])
            check = _CHECKS.get(message["type"])
            if check is not None:
                check(self, message)

    def check_session(self, message: Json) -> None:
        assert self.session_id in ("", message["session"]["id"])
        self.session_id = message["session"]["id"]
        if message["type"] == "session.closed":
            self.is_closed = True
            self.check_usage(message)

    def check_usage(self, message: Json) -> None:
        assert message["usage"]["seconds"] >= self.seconds
        self.seconds = message["usage"]["seconds"]

    def check_transcript(self, message: Json) -> None:
        type = message["type"]
        assert self.times[type] <= message["start_ms"] < message["end_ms"]
        self.times[type] = message["start_ms"]
        self.pieces[message["event_id"]] = type

    def check_delegation(self, message: Json) -> None:
        delegation = message["delegation"]
        assert delegation["id"] not in self.delegations
        self.delegations[delegation["id"]] = delegation["target"]

    def check_response(self, message: Json) -> None:
        if "delegation_id" in message:
            assert self.delegations[message["delegation_id"]] == "responses"
        event: Any = message["event"]
        id = event.get("response", {}).get("id")
        if event["type"] == "response.created":
            assert id not in self.active | self.ended
            self.active.add(id)
        elif event["type"] in ("response.completed", "response.incomplete", "response.failed"):
            self.active.remove(id)
            self.ended.add(id)
        else:
            assert self.active

    def check_decision(self, message: Json) -> None:
        if message["delegation_id"] is not None:
            assert self.delegations[message["delegation_id"]] == "decisions"
        else:
            assert self.pieces[message["source_event_id"]] == message["source_event_type"]
        assert len(message["event"]["decision"]["answers"]) == len(_QUESTIONS)

    def check_fixture(self, message: Json) -> None:
        self.fixtures += 1 if message["type"].endswith("playing") else -1
        assert self.fixtures in (0, 1)

    def teardown(self) -> None:
        if not self.is_closed and self.session_id:
            self.player.run(60)
            self.messages_are_right()
            assert (self.active, self.fixtures) == (set(), 0)
            assert self.player.open_turns == set()
            self.player.say("session.close")
        self.player.run(60)
        self.messages_are_right()
        assert self.is_closed or not self.session_id


_CHECKS: dict[str, Any] = {
    "session.started": LiveMachine.check_session,
    "session.updated": LiveMachine.check_session,
    "session.closed": LiveMachine.check_session,
    "session.usage.updated": LiveMachine.check_usage,
    **dict.fromkeys(_TRANSCRIPTS, LiveMachine.check_transcript),
    "session.delegation.created": LiveMachine.check_delegation,
    "response.event": LiveMachine.check_response,
    "decision.event": LiveMachine.check_decision,
    "session.output_audio.fixture.playing": LiveMachine.check_fixture,
    "session.output_audio.fixture.played": LiveMachine.check_fixture,
}

TestLiveMachine = LiveMachine.TestCase
TestLiveMachine.settings = settings(stateful_step_count=15)
