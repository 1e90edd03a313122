"""The five steps of a request, and the options that they read."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from openai_mockserver import MockOpenAI, MockServerError, Pace, Request
from openai_mockserver.dispatch.choose import choose_answer
from openai_mockserver.dispatch.dress import dress_script
from openai_mockserver.dispatch.exchange import Exchange, Plan
from openai_mockserver.dispatch.render import render_answer
from openai_mockserver.dispatch.route import route_request
from openai_mockserver.dispatch.validate import validate_request
from openai_mockserver.faults import latency
from openai_mockserver.script import Script
from openai_mockserver.upstream import Upstream

Step = Callable[[Exchange], Exchange | Plan]
WALK: list[Step] = [
    route_request,
    validate_request,
    choose_answer,
    render_answer,
    dress_script,
]


def chat(path: str = "/v1/chat/completions", **more: Any) -> Request:
    body = {"model": "gpt-4o", "messages": [{"role": "user", "content": "Hi"}]} | more
    return Request("POST", path, body=json.dumps(body).encode())


def begin(mock: MockOpenAI, request: Request) -> Exchange:
    return mock._begin(mock.calls.add(request))


def walk(mock: MockOpenAI, request: Request, *steps: Step) -> Exchange:
    """Return the exchange after these steps."""
    exchange = begin(mock, request)
    for step in steps:
        result = step(exchange)
        assert isinstance(result, Exchange)
        exchange = result
    return exchange


def test_each_step_adds_its_result() -> None:
    mock = MockOpenAI()
    rule = mock.reply("Hello", faults=latency(1))
    exchange = walk(mock, chat("/groq/openai/v1/chat/completions"), route_request)
    assert exchange.dialect is not None
    assert (exchange.dialect.name, exchange.endpoint.path) == ("groq", "/v1/chat/completions")
    assert exchange.endpoint_request.parameters == {}
    exchange = walk(mock, chat(stream=True), *WALK[:2])
    assert exchange.endpoint_request.parameters["model"] == "gpt-4o"
    assert exchange.wants_stream
    assert exchange.answer is None
    exchange = walk(mock, chat(), *WALK[:3])
    assert exchange.answer is not None
    assert exchange.call.rule is rule
    assert exchange.script == Script()
    exchange = walk(mock, chat(), *WALK[:4])
    assert (exchange.script.head.status, exchange.script.head.delay) == (200, 0)
    assert walk(mock, chat(), *WALK).script.head.delay == 1


@pytest.mark.parametrize(
    ("request_", "steps", "status"),
    [
        (chat("/v1/nowhere"), 1, 404),
        (Request("PATCH", "/v1/chat/completions"), 1, 405),
        (chat(temperature=9), 2, 400),
        (chat(model="mockserver/there-is-none"), 3, 404),
        (chat(), 3, 400),
    ],
    ids=["no endpoint", "no method", "wrong parameter", "no stream", "no rule"],
)
def test_a_step_that_knows_the_outcome_returns_a_plan(
    request_: Request, steps: int, status: int
) -> None:
    mock = MockOpenAI()
    exchange = walk(mock, request_, *WALK[: steps - 1])
    plan = WALK[steps - 1](exchange)
    assert isinstance(plan, Script)
    assert plan.head.status == status
    assert mock.respond(request_).status == status


def test_the_plan_of_a_forwarded_request_is_its_upstream() -> None:
    mock = MockOpenAI(upstream="http://127.0.0.1:1/v1")
    exchange = walk(mock, chat(), *WALK[:2])
    assert choose_answer(exchange) == Upstream("http://127.0.0.1:1/v1")
    call = mock.respond(chat())
    assert (call.upstream, call.script) == (Upstream("http://127.0.0.1:1/v1"), Script())


def test_an_option_can_be_changed_later() -> None:
    mock = MockOpenAI()
    mock.reply("Hello")
    assert mock.respond(chat(stream=True)).script.seconds == 0
    mock.pace = Pace(ttft=1)
    assert mock.respond(chat(stream=True)).script.seconds == 1
    mock.seed = 1
    assert mock.respond(chat()).script == mock.respond(chat()).script
    assert (mock.seed, mock.options.seed) == (1, 1)
    with pytest.raises(MockServerError, match="unknown dialect 'nobody'"):
        mock.dialect = "nobody"
