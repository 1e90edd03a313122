"""`connect`: a mock on another server, with the methods of `MockOpenAI`."""

from __future__ import annotations

import http.client
import itertools
import re
from collections.abc import Callable, Iterator
from typing import Any

import openai
import pytest

from openai_mockserver import (
    ApiError,
    Event,
    MockOpenAI,
    MockServerError,
    Pace,
    Script,
    ServerError,
    ToolCall,
    UnmatchedRequest,
    all_of,
    any_of,
    connect,
    contains,
    faulty,
    ge,
    gt,
    lt,
    not_,
    regex,
    stream,
)
from openai_mockserver.engine import Engine
from openai_mockserver.exceptions import UnusedRule
from openai_mockserver.faults import chance, reset, truncate
from openai_mockserver.mock.remote import RemoteMock
from openai_mockserver.scenario import read_rules
from openai_mockserver.scenario.rule_json import encode_rule


@pytest.fixture
def served() -> Iterator[MockOpenAI]:
    with MockOpenAI(control=True) as mock:
        yield mock


def ask(mock: RemoteMock | MockOpenAI, text: str = "Hi") -> str:
    with openai.DefaultHttpxClient(trust_env=False) as http:
        client = openai.OpenAI(base_url=mock.base_url, api_key="k", max_retries=0, http_client=http)
        messages: Any = [{"role": "user", "content": text}]
        chat = client.chat.completions.create(model="gpt-4o", messages=messages)
        return str(chat.choices[0].message.content)


def test_it_has_the_methods_of_a_mock(served: MockOpenAI) -> None:
    mock = connect(served.base_url)
    assert mock.base_url == served.base_url
    rule = mock.on(user=contains("H")).reply("Hello", ApiError(429))
    assert ask(mock) == "Hello"
    with pytest.raises(openai.RateLimitError):
        ask(mock)
    assert rule.use_count == 2
    first, second = mock.calls
    assert first.messages[-1]["content"] == "Hi"
    assert (first.status, second.status, first.ended) == (200, 429, "finished")
    mock.check(unused=True)
    mock.reply("never")
    with pytest.raises(UnusedRule, match="answered no request"):
        mock.check(unused=True)
    mock.reset()
    assert mock.calls == []
    with pytest.raises(openai.BadRequestError):
        ask(mock)
    with pytest.raises(UnmatchedRequest, match="no rule matches"):
        mock.check()
    assert len(mock.problems) == 1


def test_settings(served: MockOpenAI) -> None:
    mock = connect(served.base_url)
    mock.change_settings(pace=Pace(itl=0.5), faults=[reset(after=1)], dialect="groq")
    assert served.pace == Pace(itl=0.5)
    assert mock.settings["faults"] == [{"reset": {"after": 1}}]
    with pytest.raises(MockServerError, match=r"dialect: unknown"):
        mock.change_settings(dialect="nobody")


def test_an_engine(served: MockOpenAI) -> None:
    mock = connect(served.base_url)
    assert mock.engine is None
    mock.engine = Engine(slots=4)
    assert mock.engine is not None
    assert (mock.engine["slots"], mock.engine["running"]) == (4, 0)
    mock.engine = "h100-8b"
    assert mock.settings["engine"] == "h100-8b"
    mock.change_settings(engine=Engine(slots=5))
    assert served.options.engine == Engine(slots=5)
    mock.engine = None
    assert served.options.engine is None
    with pytest.raises(MockServerError, match="unknown engine"):
        mock.engine = "h200"


def test_a_sandbox(served: MockOpenAI) -> None:
    mock = connect(served.base_url)
    with mock.sandbox() as box:
        box.reply("boxed")
        assert ask(box) == "boxed"
        assert (len(box.calls), len(mock.calls)) == (1, 0)
        again = connect(box.base_url)
        assert len(again.calls) == 1
    assert not len(served.sandboxes)


@pytest.mark.parametrize(
    ("set_rule", "what"),
    [
        (lambda mock: mock.on(lambda request: True).reply("x"), "a function as condition"),
        (lambda mock: mock.on(user=str.isupper).reply("x"), "user="),
        (lambda mock: mock.reply("x", faults=[lambda script: script]), "a function as fault"),
    ],
)
def test_what_cannot_be_sent_is_named(
    served: MockOpenAI, set_rule: Callable[[RemoteMock], object], what: str
) -> None:
    with pytest.raises(MockServerError, match=f"^{what}.*cannot be sent to a server"):
        set_rule(connect(served.base_url))
    assert not served.rules


@pytest.mark.parametrize(
    ("conditions", "replies", "options"),
    [
        ({"user": re.compile("h.", re.IGNORECASE), "turn": 0}, ["Hello"], {"times": 3}),
        ({"headers": {"x-a": contains("b")}, "tools": ["a", contains("c")]}, ["Hello"], {}),
        ({"json": {"temperature": all_of(ge(0), lt(1)), "stop": None, "n": 1}}, ["Hello"], {}),
        ({"user": any_of("Hi", not_(regex("no"))), "turn": gt(1)}, ["Hello"], {"chance": 0.5}),
        ({}, [faulty("one", reset(after=1), chance=0.25), "two"], {}),
        ({}, [["Hel", "lo"], ToolCall("f", {"a": 1}, id="call_1")], {"pace": Pace(itl=0.25)}),
        ({}, [faulty("one", reset(after=1)), "two"], {}),
        ({}, ["x"], {"faults": [truncate(after=1)], "dialect": "groq", "pace": "gpt-4o"}),
        ({}, [ApiError(429, retry_after=2), ApiError(500, "no", headers=(("x-a", "b"),))], {}),
        ({}, [Script(steps=(Event('{"a":1}', "b"),), end="truncate"), {"a": [1]}], {}),
        ({}, [stream("tool-calls-parallel")], {}),
        ({}, [[{"choices": [{"index": 0, "delta": {"content": "Hi"}}]}], b"data: x\n\n"], {}),
    ],
)
def test_a_rule_is_the_same_on_the_server(
    served: MockOpenAI, conditions: Any, replies: Any, options: Any
) -> None:
    local = MockOpenAI().on(**conditions).reply(*replies, **options)
    connect(served.base_url).on(**conditions).reply(*replies, **options)
    (rule,) = served.rules
    assert repr(rule) == repr(local).replace("'h.'", "'(?i)h.'")
    assert (rule.times, rule.chance) == (local.times, local.chance)
    for sent, original in zip(rule.answers, local.answers, strict=True):
        assert type(sent.value) is type(original.value)
        assert sent.value == original.value
        assert sent.reply == original.reply
        assert repr(sent.faults) == repr(original.faults)
        assert (sent.pace, sent.dialect) == (original.pace, original.dialect)


def test_a_template_can_be_read_again(served: MockOpenAI) -> None:
    rules = [
        {"reply": {"template": "You said {{ request.user }}"}},
        {"reply": {"text": "{{ request.model }}"}, "template": True, "pace": "gpt-4o"},
    ]
    read_rules(served, rules)
    members = [encode_rule(rule) for rule in served.rules]
    read_rules(served, members)
    assert [encode_rule(rule) for rule in served.rules] == [*members, *members]
    assert ask(served) == "gpt-4o"


@pytest.mark.parametrize(
    ("set_rule", "what"),
    [
        (lambda mock: mock.on(json={"a": {"contains": "b"}}).reply("x"), "json"),
        (lambda mock: mock.reply("x", faults=chance(0.5, reset(), reset())), "several faults"),
    ],
)
def test_what_would_be_read_as_something_else(
    served: MockOpenAI, set_rule: Callable[[RemoteMock], object], what: str
) -> None:
    with pytest.raises(MockServerError, match=what):
        set_rule(connect(served.base_url))


def test_following_continues_after_a_cut(
    served: MockOpenAI, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = http.client.HTTPResponse.read1
    counts = itertools.count()

    def read_or_break(response: http.client.HTTPResponse, n: int = -1) -> bytes:
        if next(counts) % 2 == 1:
            raise ConnectionResetError("cut")
        return read(response, n)

    served.reply("Hello")
    events = connect(served.base_url).follow()
    monkeypatch.setattr(http.client.HTTPResponse, "read1", read_or_break)
    seen = []
    for number in range(1, 5):
        ask(served, f"{number}")
        seen += [(e.kind, e.data["number"]) for e in itertools.islice(events, 2)]
    assert seen == [(kind, number) for number in range(1, 5) for kind in ("start", "end")]
    assert next(counts) > 3, "it was cut at least twice"


def test_following_a_server_that_is_gone() -> None:
    with MockOpenAI(control=True) as mock:
        events = connect(mock.base_url, timeout=0.1).follow()
        mock.reply("Hello")
        ask(mock)
        next(events)
    with pytest.raises(ServerError, match="cannot follow"):
        list(events)


def test_errors_of_a_connection(served: MockOpenAI) -> None:
    with pytest.raises(ServerError, match="http://"):
        connect("localhost:8000")
    with pytest.raises(ServerError, match="cannot reach"):
        connect("http://127.0.0.1:9")
    with MockOpenAI() as plain, pytest.raises(ServerError, match="--no-control"):
        connect(plain.base_url)
    with MockOpenAI(control=True, control_token="t") as guarded:
        with pytest.raises(ServerError, match="token"):
            connect(guarded.base_url)
        assert connect(guarded.base_url, token="t").calls == []
