"""The object that comes with a response is the one that reading the response gives."""

from __future__ import annotations

import json
from random import Random
from typing import Any

import pytest

from each import each
from openai_mockserver import MockOpenAI, Reply, Request, Script, ToolCall, api, sse
from openai_mockserver.api import chat, responses
from openai_mockserver.api.chat import renderer as chat_renderer
from openai_mockserver.api.chat import store as chat_store
from openai_mockserver.api.context import make_context
from openai_mockserver.api.responses import renderer as responses_renderer
from openai_mockserver.api.responses import store as responses_store
from openai_mockserver.dialects import dialects
from openai_mockserver.reply import Usage

MESSAGES = [{"role": "user", "content": "Hi"}]
REPLIES = {
    "text": Reply("Hello, world"),
    "pieces": Reply(["Hel", "", "lo"], usage=Usage(3, 2, extra={"cost": 0.5})),
    "calls": Reply("Let me look.", tool_calls=[ToolCall("f", {"a": 1.5}), ToolCall("g")]),
    "reasoning": Reply("42", reasoning="Hm."),
    "refusal": Reply(refusal="I will not."),
    "length": Reply("Hello", finish_reason="length"),
}


def body(script: Script) -> Any:
    return json.loads(sse.body(script.steps))


@each(REPLIES, [None, "azure", "openrouter", "groq", "mistral"])
def test_a_completion_is_its_body(name: str, dialect: str | None) -> None:
    asked = {"model": "gpt-4o", "messages": MESSAGES, "logprobs": True, "top_logprobs": 1}
    rendered = chat_renderer.compose(
        REPLIES[name], make_context(asked, dialect=dialect, rng=Random(1))
    )
    assert rendered.make_object is not None
    assert rendered.make_object() == body(rendered.script)
    assert rendered.id == body(rendered.script)["id"]


@pytest.mark.parametrize("name", REPLIES)
def test_a_streamed_completion_is_what_it_would_have_been_as_a_body(name: str) -> None:
    asked: dict[str, Any] = {"model": "gpt-4o", "messages": MESSAGES}
    asked |= {"stream": True, "stream_options": {"include_usage": True}}
    rendered = chat_renderer.compose(REPLIES[name], make_context(asked, rng=Random(1)))
    assert rendered.make_object is not None
    assert rendered.make_object() == chat_store._read_completion(asked, rendered.script)


@each(REPLIES, [None, *dialects()], [False, True])
def test_a_response_is_what_its_last_event_says(
    name: str, dialect: str | None, stream: bool
) -> None:
    asked = {"model": "gpt-4o", "input": "Hi", "stream": stream}
    rendered = responses_renderer.compose(
        REPLIES[name], make_context(asked, dialect=dialect, rng=Random(1))
    )
    assert rendered.make_object is not None
    assert rendered.make_object() == responses_store._read_response(rendered.script)


def test_a_stream_that_breaks_off_leaves_the_response_as_it_was_begun() -> None:
    broken = Reply("Hello", finish_reason=None)
    asked = {"model": "gpt-4o", "input": "Hi", "stream": True}
    rendered = responses_renderer.compose(broken, make_context(asked, rng=Random(1)))
    assert rendered.make_object is not None
    begun = rendered.make_object()
    assert (begun["status"], begun["output"]) == ("in_progress", [])
    assert begun == responses_store._read_response(rendered.script)


@pytest.mark.parametrize(("path", "asked"), [(chat.PATH, "messages"), (responses.PATH, "input")])
@pytest.mark.parametrize("stream", [False, True])
def test_what_was_made_is_kept_and_not_read_again(
    path: str, asked: str, stream: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(*_: object) -> None:
        raise AssertionError("it was read off its bytes")

    monkeypatch.setattr(chat_store, "_read_completion", never)
    monkeypatch.setattr(responses_store, "_read_response", never)
    mock = MockOpenAI()
    mock.reply("Hello")
    content = {"model": "gpt-4o", asked: MESSAGES, "store": True, "stream": stream}
    call = mock.respond(Request("POST", path, body=json.dumps(content).encode()))
    assert call.problem is None
    said = api.read(call.script)
    assert isinstance(said, Reply)
    texts = sse.body(call.script.steps).decode()
    id = next(part for part in texts.split('"') if part.startswith(("chatcmpl-", "resp_")))
    kept = mock.respond(Request("GET", f"{path}/{id}"))
    assert kept.status == 200
    assert '"Hello"' in sse.body(kept.script.steps).decode()


def test_a_ready_made_script_is_read() -> None:
    mock = MockOpenAI()
    mock.reply(chat.render(Reply("Hello"), {"model": "gpt-4o", "messages": MESSAGES}))
    content = {"model": "gpt-4o", "messages": MESSAGES, "store": True}
    call = mock.respond(Request("POST", chat.PATH, body=json.dumps(content).encode()))
    id = body(call.script)["id"]
    kept = mock.respond(Request("GET", f"{chat.PATH}/{id}"))
    assert body(kept.script)["choices"] == body(call.script)["choices"]
