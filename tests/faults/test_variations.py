"""The habits of other servers as faults."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest

from openai_mockserver import FaultError, MockOpenAI, Pace, Reply, ToolCall, Usage, sse
from openai_mockserver.api import chat, responses
from openai_mockserver.faults import VARIATIONS, variation
from openai_mockserver.script import Comment, Event, Pause, Script

REPLY = Reply(
    "Hello/wörld",
    reasoning="Hm",
    tool_calls=[ToolCall("f", {"x": 1}, id="c1"), ToolCall("g", {"y": 2}, id="c2")],
    usage=Usage(9, 5),
)
STREAM = chat.render(REPLY)
PACED = Pace(itl=0.5)(chat.render(Reply("Hello", usage=Usage(1, 1))))
UNCHANGED = {
    *("no call index", "call index always 0"),  # they need an id in each fragment of a call
    *("choices in turn", "choices together"),  # they need several choices
    *("usage null", "logprobs null"),  # OpenAI sends them too
}
"""The variations that change nothing in this stream."""


def payloads(script: Script) -> list[Any]:
    events = sse.decode(sse.body(script.steps))
    return [json.loads(event.data) for event in events if event.data != "[DONE]"]


@pytest.mark.parametrize("name", VARIATIONS)
def test_a_variation_changes_the_bytes_and_not_the_answer(name: str) -> None:
    script = variation(name)(STREAM)
    assert script.end == STREAM.end
    assert (script == STREAM) is (name in UNCHANGED)
    if name != "no [DONE], no blank line at the end":  # it loses the usage
        assert chat.read(script) == REPLY


@pytest.mark.parametrize("name", sorted(UNCHANGED))
def test_a_variation_of_what_the_stream_does_not_have_changes_nothing(name: str) -> None:
    assert variation(name)(STREAM) == STREAM


def test_only_the_chunks_of_the_calls_change() -> None:
    script = variation("call id empty later")(STREAM)
    pairs = zip(STREAM.events, script.events, strict=True)
    changed = [n for n, pair in enumerate(pairs) if len({*pair}) > 1]
    calls = [
        (payload["choices"][0]["delta"]["tool_calls"][0], n)
        for n, payload in enumerate(payloads(script))
        if payload["choices"] and "tool_calls" in payload["choices"][0]["delta"]
    ]
    assert changed == [n for call, n in calls if call["id"] == ""]
    assert len(calls) - len(changed) == 2


def test_a_chunk_that_is_inserted_has_the_id_of_the_others() -> None:
    script = variation("empty delta", at=3)(STREAM)
    before, after = payloads(STREAM), payloads(script)
    assert after[3]["choices"][0]["delta"] == {}
    assert (after[3]["id"], after[3]["model"]) == (before[0]["id"], before[0]["model"])
    assert [*after[:3], *after[4:]] == before


@pytest.mark.parametrize("name", ["empty delta", "finish with last", "usage with finish", "bom"])
def test_the_pauses_stay(name: str) -> None:
    script = variation(name)(PACED)
    assert [step for step in script.steps if isinstance(step, Pause)] == [
        step for step in PACED.steps if isinstance(step, Pause)
    ]


def test_reads_are_joined_between_pauses() -> None:
    silence = Script(steps=[Event("a"), Event("b"), Pause(1), Event("c"), Comment("d")])
    script = variation("one read")(silence)
    assert len(script.steps) == 3
    assert sse.body(script.steps) == sse.body(silence.steps)


def test_json_is_spelled_in_another_way_in_every_endpoint() -> None:
    stream = responses.render(Reply("é"))
    script = variation("escaped")(stream)
    assert payloads(script) == payloads(stream)
    assert any("\\u00e9" in event.data for event in script.events)
    assert [event.event for event in script.events] == [event.event for event in stream.events]


@pytest.mark.parametrize(
    ("name", "script", "message"),
    [
        ("call id empty", STREAM, "did you mean '.*call id empty later'"),
        ("xyzzy", STREAM, "VARIATIONS has all names"),
        (5, STREAM, "there is no such variation"),
        ("no role", chat.render(REPLY, {"model": "gpt-4o"}), "the response is not a stream"),
        ("no role", responses.render(Reply("Hi")), "the stream has no chunks of a chat completion"),
        ("call id null later", Script(steps=[Event('{"choices":[{"index":0,"delta":{'
         '"tool_calls":[{}]}}]}')]), "a chunk does not have the expected shape"),
    ],
)  # fmt: skip
def test_a_variation_that_cannot_happen_is_an_error(
    name: Any, script: Script, message: str
) -> None:
    with pytest.raises(FaultError, match=message):
        variation(name)(script)


def test_the_sdk_reads_a_variation(mock_openai: MockOpenAI) -> None:
    mock_openai.reply("Hello", faults=variation("finish with last"))
    chunks = list(
        mock_openai.client().chat.completions.create(
            model="gpt-4o", messages=[{"role": "user", "content": "Hi"}], stream=True
        )
    )
    assert [(c.choices[0].delta.content, c.choices[0].finish_reason) for c in chunks] == [
        ("", None),
        ("Hello", "stop"),
    ]


def test_faults_do_not_need_hypothesis() -> None:
    code = "import sys, openai_mockserver.faults; sys.exit('hypothesis' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
