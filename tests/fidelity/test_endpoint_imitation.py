"""The imitation finds the format of a stream that was written with one of our tables."""

from __future__ import annotations

import re
from dataclasses import replace
from random import Random
from typing import Any

import pytest

from fidelity.endpoint_imitation import (
    imitate_completion,
    imitate_response,
    render_response,
    same_response,
)
from openai_mockserver import items, sse
from openai_mockserver.api import completions, responses
from openai_mockserver.dialects import Dialect, dialects
from openai_mockserver.dialects.providers.openai import COMPLETIONS_2023, RESPONSES
from openai_mockserver.reply import (
    ApiError,
    Choice,
    Item,
    Message,
    Output,
    Reasoning,
    Reply,
    ToolCall,
    url_citation,
)
from openai_mockserver.script import Comment, Event, Script

OUTPUT: list[Output] = [
    Reasoning(["Think"]),
    items.web_search("news"),
    ToolCall("now", {"zone": "CET"}, "call_1"),
    Message(["Hi", " there"], annotations=[url_citation("https://example.org")]),
]
REPLIES = {
    "whole": Reply(output=OUTPUT),
    "a call": Reply(tool_calls=ToolCall("now", {"zone": "CET"})),
    "incomplete": Reply(["Hi", " there"], finish_reason="length"),
    "refused": Reply(refusal="No"),
    "failed": Reply(["Hi"], error=ApiError(500, code="server_error")),
    "an error within": Reply(["Hi"], error=ApiError(400, "too long", code="too_long")),
    "an error alone": Reply(error=ApiError(503, code="server_error"), alone=True),
    "cut": Reply(choices=[Choice(output=[Message(["Hi", " the"])], finish_reason=None)]),
}
ERAS = [era for era in RESPONSES if era != "background"]
PROVIDERS = ("deepseek", "openrouter", "xai", "bedrock-mantle")


def imitate(script: Script, provider: str) -> tuple[bytes, bool]:
    """The body that the imitation renders, and whether it had to learn a layout."""
    found = imitate_response(script, provider)
    reply = responses.read(script)
    again = render_response(reply, **found.arguments, rng=Random(1))  # type: ignore[arg-type]
    return sse.body(again.steps), found.learned


def render(reply: Reply, dialect: Dialect, **request: Any) -> Script:
    request |= {"model": "gpt-5", "stream": True, "input": "Hi"}
    script = responses.render(reply, request, dialect=dialect, rng=Random(0))
    return Script(script.head, sse.parse(sse.body(script.steps)))


@pytest.mark.parametrize("name", REPLIES)
@pytest.mark.parametrize("era", ERAS)
def test_an_era_is_recognized(era: str, name: str) -> None:
    script = render(REPLIES[name], Dialect("of an era", responses=RESPONSES[era]))
    body, learned = imitate(script, "openai")
    assert same_response(body, sse.body(script.steps))
    assert not learned


@pytest.mark.parametrize("name", ["whole", "incomplete", "refused"])
def test_a_background_response_is_recognized(name: str) -> None:
    form = RESPONSES["background"]
    script = render(REPLIES[name], Dialect("in background", responses=form), background=True)
    body, learned = imitate(script, "openai")
    assert same_response(body, sse.body(script.steps))
    assert not learned


@pytest.mark.parametrize("name", REPLIES)
@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_provider_is_recognized(provider: str, name: str) -> None:
    script = render(REPLIES[name], dialects()[provider])
    body, learned = imitate(script, provider)
    assert same_response(body, sse.body(script.steps))
    assert not learned


def test_keepalives_and_comments_stay_in_their_places() -> None:
    script = render(REPLIES["whole"], dialects()["openrouter"])
    steps = (*script.steps[:5], Comment("OPENROUTER PROCESSING"), *script.steps[5:])
    script = replace(script, steps=steps)
    body, _ = imitate(script, "openrouter")
    assert same_response(body, sse.body(steps))


def test_a_recorder_that_encodes_json_again_is_recognized() -> None:
    script = render(Reply("Grüße"), Dialect("now", responses=RESPONSES["now"]))
    for old, new in ((":1.0,", ":1,"), (":0.0,", ":0,"), ("ü", "\\u00fc"), ("ß", "\\u00df")):
        steps = [
            replace(step, data=step.data.replace(old, new)) if isinstance(step, Event) else step
            for step in script.steps
        ]
        script = replace(script, steps=tuple(steps))
    body, learned = imitate(script, "openai")
    assert same_response(body, sse.body(script.steps))
    assert not learned


def test_the_lines_of_a_proxy_are_recognized() -> None:
    script = render(Reply("Hi"), Dialect("now", responses=RESPONSES["now"]))
    body = re.sub(rb"event: .*\n", b"", sse.body(script.steps)) + b"data: [DONE]\n\n"
    again, learned = imitate(Script(script.head, sse.parse(body)), "openai-via-proxy")
    assert same_response(again, body)
    assert not learned


def test_members_that_all_items_have_belong_to_the_envelope() -> None:
    request = {"model": "gpt-5", "stream": True}
    envelope = responses.Envelope.fresh(request, Random(0))
    envelope = replace(envelope, item_members={"message": {"metadata": {"turn_id": "t"}}})
    script = responses.render(REPLIES["whole"], request, envelope=envelope, rng=Random(0))
    body, learned = imitate(script, "chatgpt-codex")
    assert same_response(body, sse.body(script.steps))
    assert not learned


def test_an_unknown_item_counts_as_learned() -> None:
    output = [Item("novel_call", {"status": "completed", "result": "x"})]
    script = render(Reply(output=output), Dialect("now", responses=RESPONSES["now"]))
    body, learned = imitate(script, "openai")
    assert same_response(body, sse.body(script.steps))
    assert learned


def test_another_order_of_the_response_counts_as_learned() -> None:
    script = render(Reply("Hi"), Dialect("now", responses=RESPONSES["now"]))
    steps = [
        replace(
            step,
            data=step.data.replace(
                '"background":false,"completed_at":null,', '"completed_at":null,'
            ).replace('"error":null,', '"error":null,"background":false,'),
        )
        if isinstance(step, Event) and '"response":{' in step.data
        else step
        for step in script.steps[:2]
    ]
    _, learned = imitate(replace(script, steps=tuple(steps)), "openai")
    assert learned


def test_completions_of_2023_are_recognized_by_their_spaces() -> None:
    dialect = Dialect("openai-2023", completions=COMPLETIONS_2023)
    script = completions.render(Reply(["Grüße", " an"]), {"stream": True}, dialect=dialect)
    assert b'"text": "Gr\\u00fc\\u00dfe"' in sse.body(script.steps)
    found = imitate_completion(script, "openai")
    again = completions.render(completions.read(script), **found.arguments)
    assert sse.body(again.steps) == sse.body(script.steps)
