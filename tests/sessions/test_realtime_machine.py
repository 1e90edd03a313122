"""A Realtime session under any sequence of client events: a state machine with its invariants.

* Each event has an id of its own, and is valid for the SDK's types, strictly.
* A response begins once, ends once, and has no event before or after; a conversation has at most
  one at a time, and an out-of-band response touches no conversation.
* An item is added once, with an id of its own, after an item that exists; it is done at most once.
* What was sent in pieces is what is done.
* The client can keep the conversation: what it learns is what the session has.
"""

from __future__ import annotations

from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from openai_mockserver import ApiError, MockOpenAI, Pace, Reply, ToolCall
from realtime_player import Json, RealtimePlayer, check_types

_TEXTS = ("quick", "slow", "tool", "fail", "cut", "refuse")
_HEARD = ("Hello", "World")


def _make_mock() -> MockOpenAI:
    mock = MockOpenAI()
    mock.reply("Hello, world")
    mock.on(user="slow").reply("one two three", pace=Pace(ttft=1.0, itl=0.25))
    call = ToolCall("get_weather", {"city": "Paris"})
    mock.on(user="tool").reply(Reply("Wait.", tool_calls=[call]), pace=Pace(itl=0.5))
    mock.on(user="fail").reply(Reply("Hel", error=ApiError(500)), pace=Pace(itl=0.5))
    mock.on(user="cut").reply(Reply("Hel", finish_reason=None))
    mock.on(user="refuse").reply(ApiError(429))
    mock.on(endpoint="audio/transcriptions").reply(*_HEARD, pace=Pace(itl=0.25))
    return mock


class RealtimeMachine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.player = RealtimePlayer(_make_mock())
        self.seen = 0
        self.event_ids: set[str] = set()
        self.items: list[str] = []  # the conversation, as the client knows it
        self.all_items: set[str] = set()
        self.done_items: set[str] = set()
        self.active: dict[str, Json] = {}  # responses that have begun and not ended
        self.ended: set[str] = set()
        self.deltas: dict[str, str] = {}

    # What the client does

    @rule(text=st.sampled_from(_TEXTS))
    def write(self, text: str) -> None:
        self.player.write(text)

    @rule(apart=st.booleans(), modality=st.sampled_from(["text", "audio"]))
    def ask(self, apart: bool, modality: str) -> None:
        response: Json = {"output_modalities": [modality]}
        response |= {"conversation": "none"} if apart else {}
        self.player.say("response.create", response=response)

    @rule()
    def cancel(self) -> None:
        self.player.say("response.cancel")

    @rule(data=st.data())
    def cancel_one(self, data: st.DataObject) -> None:
        ids = [*self.active, "resp_unknown"]
        self.player.say("response.cancel", response_id=data.draw(st.sampled_from(ids)))

    @rule(data=st.data(), action=st.sampled_from(["delete", "retrieve", "truncate"]))
    def touch(self, data: st.DataObject, action: str) -> None:
        id = data.draw(st.sampled_from([*self.items, "item_unknown"]))
        self.player.say(f"conversation.item.{action}", item_id=id, content_index=0, audio_end_ms=0)

    @rule(interrupts=st.booleans(), transcribes=st.booleans(), detects=st.booleans())
    def configure(self, interrupts: bool, transcribes: bool, detects: bool) -> None:
        detection = {"type": "server_vad", "interrupt_response": interrupts}
        hearing = {
            "turn_detection": detection if detects else None,
            "transcription": {"model": "whisper-1"} if transcribes else None,
        }
        session = {"type": "realtime", "audio": {"input": hearing}}
        self.player.say("session.update", session=session)

    @rule(is_loud=st.booleans(), seconds=st.sampled_from([0.1, 0.3]))
    def speak(self, is_loud: bool, seconds: float) -> None:
        self.player.speak((9000 if is_loud else 0, seconds))

    @rule(action=st.sampled_from(["commit", "clear"]))
    def handle_buffer(self, action: str) -> None:
        self.player.say(f"input_audio_buffer.{action}")

    @rule(seconds=st.sampled_from([0.0, 0.25, 1.0, 10.0]))
    def wait(self, seconds: float) -> None:
        self.player.run(seconds)

    # What it learns

    @invariant()
    def messages_are_right(self) -> None:
        messages = [message for _, message in self.player.sent[self.seen :]]
        self.seen += len(messages)
        check_types(messages)
        for message in messages:
            assert message["event_id"] not in self.event_ids
            self.event_ids.add(message["event_id"])
            self._check_response(message)
            self._check_item(message)

    @invariant()
    def a_conversation_has_one_active_response(self) -> None:
        ours = [one for one in self.active.values() if one["conversation_id"] is not None]
        assert len(ours) <= 1

    def _check_response(self, message: Json) -> None:
        type, response = message["type"], message.get("response")
        if type == "response.created":
            assert message["response"]["id"] not in self.active.keys() | self.ended
            self.active[message["response"]["id"]] = message["response"]
        elif type == "response.done":
            assert response is not None
            del self.active[response["id"]]
            self.ended.add(response["id"])
            assert all(item["status"] != "in_progress" for item in response["output"])
        elif "response_id" in message:
            assert message["response_id"] in self.active

    def _check_item(self, message: Json) -> None:
        type = message["type"]
        if type == "response.output_item.added":
            assert message["item"]["id"] not in self.all_items
            self.all_items.add(message["item"]["id"])
        elif type == "conversation.item.added":
            item, previous = message["item"], message["previous_item_id"]
            assert item["id"] not in self.items
            assert previous is None or previous in self.items
            self.items.insert(0 if previous is None else self.items.index(previous) + 1, item["id"])
        elif type == "conversation.item.deleted":
            self.items.remove(message["item_id"])
        elif type == "response.output_item.done":
            assert message["item"]["id"] not in self.done_items
            self.done_items.add(message["item"]["id"])
        elif type.startswith("response.") and type.endswith((".delta", ".done")):
            self._check_deltas(message)

    def _check_deltas(self, message: Json) -> None:
        key = f"{message.get('item_id')} {message['type'].rpartition('.')[0]}"
        if message["type"].endswith(".delta"):
            self.deltas[key] = self.deltas.get(key, "") + message["delta"]
            return
        said: Any = next(
            (message[k] for k in ("text", "transcript", "arguments") if k in message), ""
        )
        if said:
            assert self.deltas[key] == said

    def teardown(self) -> None:
        self.player.run(60)
        self.messages_are_right()
        session = self.player.session
        assert [item["id"] for item in session._conversation.items] == self.items
        for id in list(self.active):
            self.player.say("response.cancel", response_id=id)
        self.player.run(0)
        self.messages_are_right()
        assert self.active == {}


TestRealtimeMachine = RealtimeMachine.TestCase
TestRealtimeMachine.settings = settings(stateful_step_count=15)
