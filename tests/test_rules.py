"""Which reply answers which request."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import pytest

from openai_mockserver import (
    MockOpenAI,
    MockServerError,
    Pace,
    Reply,
    Request,
    Script,
    UnmatchedRequest,
    all_of,
    any_of,
    contains,
    faulty,
    ge,
    gt,
    le,
    lt,
    not_,
    regex,
)
from openai_mockserver.api import chat
from openai_mockserver.dispatch import Fault
from openai_mockserver.exceptions import UnusedRule, WrongOrder
from openai_mockserver.faults import blank_lines, latency, multi_line, reset, slice
from openai_mockserver.journal import Call
from openai_mockserver.reply import ApiError, Choice, ToolCall, as_reply
from openai_mockserver.rules import explain


def request(
    *messages: dict[str, Any], path: str = chat.PATH, headers: Any = (), **more: Any
) -> Request:
    """Return a chat request."""
    message_list = list(messages) or [{"role": "user", "content": "Tell me a story"}]
    body = {"model": "gpt-4o", "messages": message_list} | more
    return Request("POST", path, headers, json.dumps(body).encode())


def answer(mock: MockOpenAI, example: Request | None = None) -> str | None:
    """Return the text that a mock answers; None if no rule matches."""
    call = mock.respond(example or request())
    if call.problem is not None:
        return None
    reply = chat.read(call.script)
    return str(reply.message) if isinstance(reply, ApiError) else str(reply.text)


def make_tool_call(id: str) -> dict[str, Any]:
    """Return a tool call in a message."""
    return {"id": id, "type": "function", "function": {"name": "f", "arguments": "{}"}}


WEATHER = {"type": "function", "function": {"name": "get_weather"}}
TIME = {"type": "function", "function": {"name": "get_time"}}


def calling(*ids: str) -> dict[str, Any]:
    """Return a message with tool calls of these ids."""
    function = {"name": "get_weather", "arguments": "{}"}
    calls = [{"id": id, "type": "function", "function": function} for id in ids]
    return {"role": "assistant", "tool_calls": calls}


CONVERSATION: list[dict[str, Any]] = [
    {"role": "system", "content": "You are kind."},
    {"role": "user", "content": "Weather?"},
    {"role": "assistant", "tool_calls": [make_tool_call("call_0")]},
    {"role": "tool", "tool_call_id": "call_0", "content": "rain"},
    {"role": "assistant", "tool_calls": [make_tool_call("call_1"), make_tool_call("call_2")]},
    {"role": "tool", "tool_call_id": "call_1", "content": "sun"},
    {"role": "tool", "tool_call_id": "call_2", "content": "wind"},
]
PARTS = [
    {"type": "text", "text": "Tell me "},
    {"type": "image_url", "image_url": {"url": "x"}},
    {"type": "text", "text": "a story"},
]

MATCHING: list[tuple[dict[str, Any], Request]] = [
    ({"user": "Tell me a story"}, request()),
    ({"user": contains("story")}, request()),
    ({"user": re.compile("st.ry$")}, request()),
    ({"user": lambda text: len(text) > 3}, request()),
    ({"user": "Tell me a story"}, request({"role": "user", "content": PARTS})),
    ({"user": "Weather?"}, request(*CONVERSATION)),
    ({"system": "You are kind."}, request(*CONVERSATION)),
    ({"system": contains("kind")}, request({"role": "developer", "content": "Be kind"})),
    ({"model": "gpt-4o"}, request()),
    ({"model": re.compile("^gpt-")}, request()),
    ({"tools": "get_time"}, request(tools=[WEATHER, TIME])),
    ({"tools": ["get_time", "get_weather"]}, request(tools=[WEATHER, TIME])),
    ({"tools": re.compile("weather")}, request(tools=[WEATHER])),
    ({"tools": "f"}, request(functions=[{"name": "f"}])),
    ({"tool_result": "call_1"}, request(*CONVERSATION)),
    ({"tool_result": "call_2"}, request(*CONVERSATION)),
    ({"turn": 0}, request()),
    ({"turn": 2}, request(*CONVERSATION)),
    ({"endpoint": "/v1/chat/completions"}, request()),
    ({"endpoint": "chat/completions"}, request()),
    ({"headers": {"X-Team": "blue"}}, request(headers=(("x-team", "blue"),))),
    ({"headers": {"x-team": contains("lu")}}, request(headers=(("X-Team", "blue"),))),
    ({"stream": True}, request(stream=True)),
    ({"stream": False}, request()),
    ({"user": any_of("Hi", contains("story"))}, request()),
    ({"user": all_of(contains("story"), regex("^Tell"), not_("Hi"))}, request()),
    ({"system": "You are kind."}, request(*CONVERSATION, {"role": "developer", "content": "x"})),
    ({"system": "x"}, request(*CONVERSATION, {"role": "developer", "content": "x"})),
    ({"system": not_(contains("song"))}, request(*CONVERSATION)),
    ({"system": not_("x")}, request()),
    ({"tools": not_("search")}, request(tools=[WEATHER, TIME])),
    ({"tools": all_of("get_weather", "get_time")}, request(tools=[WEATHER, TIME])),
    ({"tools": any_of("search", "get_time")}, request(tools=[WEATHER, TIME])),
    ({"tool_content": "wind"}, request(*CONVERSATION)),
    ({"tool_content": not_("rain")}, request(*CONVERSATION)),
    ({"turn": gt(0)}, request(*CONVERSATION)),
    ({"turn": any_of(2, 5)}, request(*CONVERSATION)),
    ({"attempt": le(1)}, request()),
    ({"endpoint": any_of("responses", "chat/completions")}, request()),
    ({"headers": {"x-team": any_of("red", "blue")}}, request(headers=(("x-team", "blue"),))),
    ({"headers": {"x-team": not_("red")}}, request()),
    ({"headers": {"x-count": lt(10)}}, request(headers=(("x-count", "9"),))),
    ({"json": {"temperature": gt(1)}}, request(temperature=1.5)),
    ({"json": {"messages[0].role": "user", "model": contains("4o")}}, request()),
    ({"json": {"messages[*].role": "tool"}}, request(*CONVERSATION)),
    ({"json": {"messages[*].role": not_("function")}}, request(*CONVERSATION)),
    ({"json": {"stop": None}}, request(stop=None)),
    (
        {"json": {"stop": ["a", "b"], "metadata": {"a": "1"}}},
        request(stop=["a", "b"], metadata={"a": "1"}),
    ),
    ({"json": {"temperature": not_(ge(1))}}, request()),
    ({"json": {"n": lambda n: n == 1}}, request(n=1)),
]

DIFFERENT: list[tuple[dict[str, Any], Request, str]] = [
    ({"user": "story"}, request(), "user is 'Tell me a story', not 'story'"),
    ({"user": contains("song")}, request(), "not contains('song')"),
    ({"user": re.compile("song")}, request(), "not re.compile('song')"),
    ({"system": "x"}, request(), "system is None, not 'x'"),
    ({"model": "gpt-4"}, request(), "model is 'gpt-4o', not 'gpt-4'"),
    ({"tools": "f"}, request(tools=[WEATHER]), "tools ['get_weather'] does not include 'f'"),
    ({"tools": ["get_time", "f"]}, request(tools=[TIME]), "does not include 'f'"),
    ({"tool_result": "call_0"}, request(*CONVERSATION), "does not include 'call_0'"),
    ({"turn": 1}, request(), "turn is 0, not 1"),
    ({"endpoint": "completions2"}, request(), "endpoint is '/v1/chat/completions'"),
    ({"headers": {"x-team": "red"}}, request(), "header x-team is None, not 'red'"),
    ({"stream": True}, request(), "stream is False, not True"),
    ({"user": any_of("a", "b")}, request(), "user is 'Tell me a story', not any_of('a', 'b')"),
    (
        {"user": all_of(contains("story"), contains("sad"))},
        request(),
        "user is 'Tell me a story', not contains('sad')",
    ),
    (
        {"user": not_(contains("story"))},
        request(),
        "user is 'Tell me a story', which not_(contains('story')) excludes",
    ),
    (
        {"system": "x"},
        request(CONVERSATION[0], {"role": "developer", "content": "y"}),
        "system has 'You are kind.', 'y', none of which 'x' matches",
    ),
    (
        {"tools": not_("get_time")},
        request(tools=[TIME]),
        "tools ['get_time'] has what not_('get_time') excludes",
    ),
    ({"tool_content": "rain"}, request(*CONVERSATION), "['sun', 'wind'] does not include 'rain'"),
    ({"turn": gt(0)}, request(), "turn is 0, not gt(0)"),
    ({"endpoint": not_(contains("chat"))}, request(), "which not_(contains('chat')) excludes"),
    ({"headers": {"x-a": not_("b")}}, request(headers=(("x-a", "b"),)), "not_('b') excludes"),
    ({"query": {"limit": "5"}}, request(), "query has no limit, which must be '5'"),
    ({"json": {"temperature": gt(1)}}, request(), "json has no temperature, which must be gt(1)"),
    ({"json": {"temperature": gt(1)}}, request(temperature=1), "json temperature is 1, not gt(1)"),
    ({"json": {"n": True}}, request(n=1), "json n is 1, not True"),
    (
        {"json": {"messages[*].role": "tool"}},
        request(CONVERSATION[0], CONVERSATION[1]),
        "json messages[*].role has 'system', 'user', none of which 'tool' matches",
    ),
]


@pytest.mark.parametrize(("patterns", "example"), MATCHING)
def test_it_matches(patterns: dict[str, Any], example: Request) -> None:
    mock = MockOpenAI()
    mock.on(**patterns).reply("yes")
    assert answer(mock, example) == "yes"


@pytest.mark.parametrize(("patterns", "example", "reason"), DIFFERENT)
def test_it_does_not_match_and_says_why(
    patterns: dict[str, Any], example: Request, reason: str
) -> None:
    mock = MockOpenAI()
    mock.on(**patterns).reply("yes")
    assert answer(mock, example) is None
    with pytest.raises(UnmatchedRequest) as error:
        mock.check()
    assert reason in str(error.value)


def test_the_query_may_be_matched() -> None:
    mock = MockOpenAI()
    mock.on(endpoint="files", query={"limit": gt(3), "order": "desc"}).reply({"object": "list"})
    request = Request("GET", "/v1/files", query="limit=5&order=desc")
    assert mock.respond(request).rule is not None
    assert mock.respond(Request("GET", "/v1/files", query="limit=2&order=desc")).rule is None


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: any_of(), "at least one pattern"),
        (lambda: all_of(), "at least one pattern"),
        (lambda: gt("1"), "the limit must be a number"),  # type: ignore[arg-type]
        (lambda: regex("("), r"regex\('\('\)"),
        (lambda: MockOpenAI().on(user=any_of("a", 5)), "user must be a string, a pattern"),
        (lambda: MockOpenAI().on(turn=any_of("a", 5)), "turn must be a whole number"),
        (lambda: MockOpenAI().on(json={"a..b": 1}), "syntax error at character 2"),
        (lambda: MockOpenAI().on(json="a"), "json must be a mapping"),  # type: ignore[arg-type]
    ],
)
def test_patterns_that_could_never_match_are_refused(
    make: Callable[[], object], message: str
) -> None:
    with pytest.raises(MockServerError, match=message):
        make()


def test_all_patterns_must_match() -> None:
    mock = MockOpenAI()
    mock.on(user=contains("story"), model="gpt-4").reply("yes")
    assert answer(mock) is None


def test_any_predicate() -> None:
    mock = MockOpenAI()
    mock.reply("cold")
    mock.on(lambda r: r.json.get("temperature", 0) > 1).reply("hot")
    assert answer(mock, request(temperature=1.5)) == "hot"
    assert answer(mock, request(temperature=0.5)) == "cold"


def test_a_predicate_that_raises_does_not_match_and_says_so() -> None:
    mock = MockOpenAI()
    mock.on(lambda r: r.json["temperature"] > 1).reply("hot")
    assert answer(mock) is None
    assert "matching it raised KeyError('temperature')" in str(mock.problems[0].problem)
    mock.on(user=contains("song")).reply("la")
    assert answer(mock, request(temperature=2)) == "hot"


def test_the_newest_matching_rule_wins() -> None:
    mock = MockOpenAI()
    mock.reply("old")
    mock.reply("new")
    mock.on(user="else").reply("other")
    assert answer(mock) == "new"


def test_replies_come_in_turn_and_the_last_repeats() -> None:
    mock = MockOpenAI()
    rule = mock.reply("one", "two")
    assert [answer(mock) for _ in range(4)] == ["one", "two", "two", "two"]
    assert rule.use_count == 4


def test_times_limits_a_rule_before_older_ones_answer() -> None:
    mock = MockOpenAI()
    mock.reply("old")
    mock.reply("new", "newer", times=3)
    assert [answer(mock) for _ in range(5)] == ["new", "newer", "newer", "old", "old"]


def test_an_unmatched_request_lists_the_rules() -> None:
    mock = MockOpenAI()
    mock.on(user="a").reply("1", times=1)
    mock.on(model="b", turn=3).reply("2")
    assert answer(mock, request({"role": "user", "content": "a"})) == "1"
    call = mock.respond(request({"role": "user", "content": "a"}))
    assert call.status == 400
    assert call.script.head.header("x-should-retry") == "false"
    assert str(call.problem).splitlines() == [
        "no rule matches POST /v1/chat/completions model='gpt-4o' user='a'. "
        "The rules, closest first:",
        "  on(user='a'): it has already answered 1 time",
        "  on(model='b', turn=3): model is 'gpt-4o', not 'b'",
    ]


def test_the_closest_rules_are_listed_first_and_only_a_few() -> None:
    mock = MockOpenAI()
    mock.on(user="a", model="gpt-4o", turn=0).reply("1")
    mock.on(lambda request: False, model="gpt-4o").reply("2")
    mock.on(user="b", model="gpt-4o", turn=1).reply("3")
    for number in range(6):
        mock.on(user=f"{number}", turn=9).reply("4")
    lines = str(mock.respond(request()).problem).splitlines()
    assert [line.partition(":")[0] for line in lines[1:]] == [
        "  on(user='a', model='gpt-4o', turn=0)",
        lines[2].partition(":")[0],
        "  on(user='b', model='gpt-4o', turn=1)",
        "  on(user='5', turn=9)",
        "  on(user='4', turn=9)",
        "  and 4 other rules",
    ]
    assert "<lambda>" in lines[2]


def test_the_message_without_rules_says_what_to_do() -> None:
    call = MockOpenAI().respond(request())
    assert "the mock has no rules; call .reply(...) or .on(...).reply(...)" in str(call.problem)


def test_a_reply_that_does_not_fit_the_request_is_a_problem() -> None:
    mock = MockOpenAI()
    mock.reply(Reply(choices=[Choice("a"), Choice("b")]))
    assert answer(mock) is None
    with pytest.raises(
        UnmatchedRequest, match="the reply has 2 choices, but the request asks for n=1"
    ):
        mock.check()


def test_a_rule_without_reply_matches_nothing() -> None:
    mock = MockOpenAI()
    mock.on(user=contains("story"))
    assert answer(mock) is None
    assert "it has no reply yet" in str(mock.problems[0].problem)


def test_invalid_rules_are_refused_when_they_are_created() -> None:
    mock = MockOpenAI()
    with pytest.raises(TypeError, match="usr"):
        mock.on(usr="x")  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="fault"):
        mock.reply("x", fault=1)  # type: ignore[call-arg]
    with pytest.raises(MockServerError, match="at least one reply"):
        mock.reply()
    with pytest.raises(MockServerError, match="times=0"):
        mock.reply("x", times=0)
    with pytest.raises(MockServerError, match="not 'reset'"):
        mock.reply("x", faults=["reset"])  # type: ignore[list-item]
    with pytest.raises(MockServerError, match="not both"):
        mock.reply(Reply(refusal="no", tool_calls=ToolCall("f")))
    assert answer(mock) is None, "and no half-made rule stays behind"


def test_an_endpoint_must_match_completely() -> None:
    mock = MockOpenAI()
    mock.reply("chat")
    mock.on(endpoint="completions").reply("legacy")
    assert answer(mock) == "chat"


def test_a_mismatch_does_not_show_keys() -> None:
    mock = MockOpenAI()
    mock.on(headers={"authorization": "Bearer sk-mine"}).reply("yes")
    call = mock.respond(
        Request(
            "POST",
            chat.PATH,
            (("Authorization", "Bearer sk-secret"),),
            json.dumps({"model": "m", "messages": [{"role": "user", "content": "Hi"}]}).encode(),
        )
    )
    assert call.problem is not None
    assert "sk-" not in call.problem


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
def test_the_scheme_of_a_key_is_case_insensitive(scheme: str) -> None:
    """RFC 9110 §11.1."""
    mock = MockOpenAI(api_key="k")
    mock.reply("yes")
    body = json.dumps({"model": "m", "messages": [{"role": "user", "content": "Hi"}]}).encode()
    assert (
        mock.respond(Request("POST", chat.PATH, (("authorization", f"{scheme} k"),), body)).status
        == 200
    )


# Unused rules


def ask(mock: MockOpenAI, user: str = "Hi") -> Call:
    body = json.dumps({"model": "m", "messages": [{"role": "user", "content": user}]})
    return mock.respond(Request("POST", "/v1/chat/completions", body=body.encode()))


def test_unused_rules_are_reported() -> None:
    mock = MockOpenAI()
    mock.reply("Hello")
    mock.on(user="never").reply("x")
    mock.on(user="two").reply("one", faulty("two", reset(after=1)), ApiError(500))
    mock.on(user="times").reply("x", times=3)
    mock.on(user="mute")
    for user in ("Hi", "two", "times"):
        ask(mock, user)
    mock.check()
    sentences = [
        "on(user='never') answered no request",
        "on(user='two') gave only 1 of its 3 replies; faults never used: reset(after=1)",
        "on(user='times') answered 1 of its 3 times",
        "on(user='mute') has no reply",
    ]
    assert mock.unused == sentences
    with pytest.raises(UnusedRule, match="the mock has unused rules or replies") as error:
        mock.check(unused=True)
    assert all(line in str(error.value) for line in sentences)


def test_completely_used_rules_are_not_reported() -> None:
    mock = MockOpenAI(fail_on_unused=True)
    mock.reply("one", "two")
    with pytest.raises(UnusedRule):
        mock.check()
    for _ in range(3):
        ask(mock)
    assert mock.unused == []
    mock.check()


# Faults that change nothing


@pytest.mark.parametrize(
    "fault",
    [
        slice(inside="utf8"),
        multi_line(at=5),
        blank_lines(times=0),
        latency(0),
        lambda script: script,
    ],
    ids=["slice", "multi_line", "blank_lines", "latency", "own"],
)
def test_a_fault_that_changes_nothing_fails_the_test(fault: Fault) -> None:
    mock = MockOpenAI()
    mock.reply("one two three", faults=fault, pace=Pace(itl=0.01))
    body = {"model": "m", "stream": True, "messages": [{"role": "user", "content": "Hi"}]}
    example = Request("POST", "/v1/chat/completions", body=json.dumps(body).encode())
    assert mock.respond(example).status == 400
    with pytest.raises(UnmatchedRequest, match="never happens"):
        mock.check()


def test_a_fault_that_changes_nothing_can_be_a_warning() -> None:
    mock = MockOpenAI(lenient_faults=True)
    mock.reply("Hello", faults=[reset(after=50), latency(1)])
    call = ask(mock)
    assert (call.status, call.script.head.delay) == (200, 1)
    (warning,) = call.warnings
    assert "reset(after=50) never happens" in warning
    assert f"; warning: {warning}" in call.line()
    mock.check()


def test_a_fault_that_raises_is_reported_with_its_line() -> None:
    def raise_error(script: Script) -> Script:
        raise KeyError("oh")

    mock = MockOpenAI()
    mock.reply("Hello", faults=raise_error)
    ask(mock)
    line = raise_error.__code__.co_firstlineno + 1
    with pytest.raises(
        UnmatchedRequest, match=rf"KeyError\('oh'\) \(.*test_rules\.py, line {line}\)"
    ):
        mock.check()


def test_a_list_of_one_string_is_one_piece() -> None:
    reply = as_reply(["Hello, world"])
    assert isinstance(reply, Reply)
    events = chat.render(reply, {"stream": True}).events
    assert sum('"content":"Hello, world"' in event.data for event in events) == 1


def test_a_mismatch_shortens_long_texts() -> None:
    """The repr of many megabytes would block other streams for 20 ms."""

    class Text(str):
        def __repr__(self) -> str:
            raise AssertionError("the whole text was spelt out")

    reason = explain("user", "tick", Text("a" * 1000))
    assert reason == f"user is '{'a' * 78}…, not 'tick'"


# A rule and its calls


def test_a_rule_knows_its_calls() -> None:
    mock = MockOpenAI()
    any_rule = mock.reply("Hello")
    rule = mock.on(user="a").reply("A")
    assert (rule.called, rule.called_once, rule.calls) == (False, False, [])
    ask(mock)
    call = ask(mock, "a")
    assert (rule.called, rule.called_once, rule.calls) == (True, True, [call])
    ask(mock, "a")
    assert (rule.called, rule.called_once) == (True, False)
    assert [call.user for call in rule.calls] == ["a", "a"]
    assert any_rule.called_once


def test_requests_may_be_expected_in_order() -> None:
    mock = MockOpenAI()
    mock.reply("between")
    plan, act = mock.on(user="plan").reply("1"), mock.on(user="act").reply("2")
    mock.expect_in_order(plan, act, act)
    for user in ("plan", "Hi", "act", "act"):
        ask(mock, user)
    mock.check()


def test_a_retry_is_no_further_request() -> None:
    mock = MockOpenAI()
    plan, act = mock.on(user="plan").reply(ApiError(500), "1"), mock.on(user="act").reply("2")
    mock.expect_in_order(plan, act)
    client = mock.client()
    for user in ("plan", "act"):
        client.chat.completions.create(model="m", messages=[{"role": "user", "content": user}])
    assert len(mock.calls) == 3
    mock.check()


def test_another_order_fails_the_test() -> None:
    mock = MockOpenAI()
    plan, act = mock.on(user="plan").reply("1"), mock.on(user="act").reply("2")
    mock.expect_in_order(plan, act)
    for user in ("act", "plan", "act"):
        ask(mock, user)
    with pytest.raises(WrongOrder) as error:
        mock.check()
    assert str(error.value).splitlines()[1:] == [
        "  1. expected on(user='plan'), got call #1, answered by on(user='act')",
        "  2. expected on(user='act'), got call #2, answered by on(user='plan')",
        "  3. expected nothing, got call #3, answered by on(user='act')",
    ]
    mock.reset()
    mock.check()


def test_an_order_needs_rules_of_the_mock() -> None:
    mock = MockOpenAI()
    rule = mock.reply("1")
    with pytest.raises(MockServerError, match="two rules"):
        mock.expect_in_order(rule)
    with pytest.raises(MockServerError, match="not a rule of this mock"):
        mock.expect_in_order(rule, MockOpenAI().reply("2"))
