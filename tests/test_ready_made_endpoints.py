"""The ready-made streams of Responses, legacy completions and transcriptions, read by the SDK."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import openai
import pytest

from openai_mockserver import MockOpenAI, stream, streams


def play_events(mock: MockOpenAI, name: str, create: Callable[..., Any]) -> list[Any]:
    """Return the events that a method of the SDK yields for a stream."""
    mock.reply(stream(name))
    parameters = dict(stream(name).request)
    if "file" in parameters:
        parameters["file"] = (parameters["file"], b"RIFF")
    return list(create(**parameters))


RESPONSES = [
    ("responses-text", "completed", ["message"]),
    ("responses-tool-calls", "completed", ["function_call", "function_call"]),
    ("responses-reasoning", "completed", ["reasoning", "message"]),
    ("responses-web-search", "completed", ["web_search_call", "message"]),
    ("responses-incomplete", "incomplete", ["message"]),
    ("responses-refusal", "completed", ["message"]),
]


@pytest.mark.parametrize(("name", "status", "items"), RESPONSES)
def test_the_sdk_reads_the_responses(
    name: str, status: str, items: list[str], mock_openai: MockOpenAI
) -> None:
    reply = stream(name).reply
    events = play_events(mock_openai, name, mock_openai.client().responses.create)
    last = events[-1].response
    assert events[-1].type == f"response.{status}"
    assert (last.status, [item.type for item in last.output]) == (status, items)
    deltas = [event.delta for event in events if event.type == "response.output_text.delta"]
    assert "".join(deltas) == (reply.text or "")
    assert last.output_text == (reply.text or "")
    assert reply.usage is not None
    assert last.usage.output_tokens == reply.usage.completion_tokens


def test_the_sdk_reads_what_is_special_in_each_response(mock_openai: MockOpenAI) -> None:
    create = mock_openai.client().responses.create
    last = {name: play_events(mock_openai, name, create)[-1].response for name, _, _ in RESPONSES}
    calls = [(one.call_id, one.arguments) for one in last["responses-tool-calls"].output]
    expected_calls = stream("responses-tool-calls").reply.tool_calls
    assert calls == [(call.id, str(call.arguments)) for call in expected_calls]
    summary = last["responses-reasoning"].output[0].summary[0].text
    assert summary == stream("responses-reasoning").reply.reasoning
    (citation,) = last["responses-web-search"].output[1].content[0].annotations
    assert citation.url == "https://en.wikipedia.org/wiki/Burj_Khalifa"
    text = last["responses-web-search"].output_text
    assert text[citation.start_index : citation.end_index] == "(Wikipedia)"
    assert last["responses-incomplete"].incomplete_details.reason == "max_output_tokens"
    refusal = last["responses-refusal"].output[0].content[0].refusal
    assert refusal == stream("responses-refusal").reply.refusal


def test_the_sdk_raises_the_error_of_a_failed_response(mock_openai: MockOpenAI) -> None:
    reply = stream("responses-failed").reply
    mock_openai.reply(stream("responses-failed"))
    text = ""
    with pytest.raises(openai.APIError) as error:
        for event in mock_openai.client().responses.create(**stream("responses-failed").request):
            text += event.delta if event.type == "response.output_text.delta" else ""
    assert reply.error is not None
    assert (text, error.value.message) == (reply.text, reply.error.message)


@pytest.mark.parametrize("name", [one.name for one in streams("completions")])
def test_the_sdk_reads_the_legacy_completions(name: str, mock_openai: MockOpenAI) -> None:
    texts: dict[int, str] = {}
    reasons: dict[int, str] = {}
    for chunk in play_events(mock_openai, name, mock_openai.client().completions.create):
        for choice in chunk.choices:
            texts[choice.index] = texts.get(choice.index, "") + choice.text
            reasons |= {choice.index: choice.finish_reason} if choice.finish_reason else {}
    expected = enumerate(stream(name).reply.choices)
    assert [(n, texts[n], reasons[n]) for n in sorted(texts)] == [
        (n, choice.text, choice.finish_reason) for n, choice in expected
    ]


def test_the_sdk_reads_the_transcription(mock_openai: MockOpenAI) -> None:
    create = mock_openai.client().audio.transcriptions.create
    *deltas, done = play_events(mock_openai, "transcription-text", create)
    reply = stream("transcription-text").reply
    assert "".join(delta.delta for delta in deltas) == done.text == reply.text
    assert reply.usage is not None
    assert done.usage.output_tokens == reply.usage.completion_tokens
