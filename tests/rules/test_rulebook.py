"""Looking a rule up by its literal texts finds the same rule as comparing every rule."""

from __future__ import annotations

import json
import re
import threading
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openai_mockserver import MockOpenAI, Request, contains
from openai_mockserver.rules import Answer, Rule, Rulebook, Unmatched
from openai_mockserver.rules.pattern import CONDITIONS, RequestValues, explain

TEXTS = ["a", "b", "ab", ""]
ENDPOINTS = ["/v1/chat/completions", "chat/completions", "completions", "v1/responses", "/groq/v1"]
PATHS = [
    "/v1/chat/completions",
    "/chat/completions",
    "/groq/openai/v1/chat/completions",
    "/v1/completions",
    "/v1/v1/completions",
    "/v1/responses",
    "/groq/v1",
    "/openai/deployments/a/chat/completions",
]

texts = st.sampled_from(TEXTS)
text_patterns = texts | st.sampled_from(
    [contains("a"), contains(""), re.compile("b$"), lambda text: text == "ab", lambda text: 1 / 0]
)
patterns = st.fixed_dictionaries(
    {},
    optional={
        "user": text_patterns,
        "system": text_patterns,
        "model": text_patterns,
        "tools": text_patterns | st.lists(text_patterns, min_size=1, max_size=3),
        "tool_result": text_patterns,
        "endpoint": st.sampled_from(ENDPOINTS) | st.just(re.compile("completions$")),
        "turn": st.integers(0, 1),
        "stream": st.booleans(),
    },
)
predicates = st.sampled_from([None, lambda request: request.stream, lambda request: 1 / 0])
rules = st.tuples(patterns, predicates, st.sampled_from([None, None, 1, 2]))


@st.composite
def requests(draw: st.DrawFn) -> Request:
    """Draw a request from a few texts, so that rules often match it."""
    body = {
        "model": draw(texts),
        "stream": draw(st.booleans()),
        "tools": [{"function": {"name": name}} for name in draw(st.lists(texts, max_size=3))],
        "messages": draw(
            st.lists(
                st.fixed_dictionaries(
                    {
                        "role": st.sampled_from(["user", "system", "assistant", "tool"]),
                        "content": texts,
                        "tool_call_id": texts,
                    }
                ),
                max_size=3,
            )
        ),
    }
    return Request("POST", draw(st.sampled_from(PATHS)), body=json.dumps(body).encode())


def make_rules(given_rules: list[tuple[dict[str, Any], Any, int | None]]) -> list[Rule]:
    """Return rules with different answers."""
    rule_list = []
    for number, (patterns, predicate, times) in enumerate(given_rules):
        rule = Rule(patterns, predicate)
        rule.set_answers([Answer({"rule": number})], times)
        rule_list.append(rule)
    return rule_list


def find_linearly(
    rule_list: list[Rule], request: Request, model_speaks: bool
) -> Answer | list[str]:
    """Compare every rule; return the newest match's answer, or why each rule does not match."""
    reasons = []
    for rule in reversed(rule_list):
        if not model_speaks and rule.is_about_model:
            continue
        answer = rule.take_answer(RequestValues(request))
        if isinstance(answer, Answer):
            return answer
        reasons.append(f"{answer}")
    return reasons


@given(st.lists(rules, max_size=8), st.lists(requests(), max_size=4), st.booleans())
def test_the_lookup_finds_the_same_rule_as_a_linear_search(
    given_rules: list[tuple[dict[str, Any], Any, int | None]],
    request_list: list[Request],
    model_speaks: bool,
) -> None:
    linear, book = make_rules(given_rules), Rulebook()
    for rule in make_rules(given_rules):
        book.add(rule)
    for request in request_list:
        expected = find_linearly(linear, request, model_speaks)
        result = book.current.find_answer(request, model_speaks)
        if isinstance(result, Unmatched):
            assert [str(reason) for _, reason in result.explain()] == expected
        else:
            assert result.answer == expected


def test_rules_with_other_literal_texts_are_not_compared() -> None:
    def never(text: str) -> bool:
        raise AssertionError("it was compared")

    book = Rulebook()
    for number in range(3):
        rule = Rule({"user": never, "model": f"m{number}"}, None)
        rule.set_answers([Answer({})])
        book.add(rule)
    request = Request("POST", "/v1/chat/completions", body=b'{"model": "m9"}')
    assert isinstance(book.current.find_answer(request), Unmatched)
    assert [rule.use_count for rule in book] == [0, 0, 0]


def test_each_value_of_a_request_is_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    counts: list[str] = []
    for name in ("user", "model"):
        read = CONDITIONS[name].read

        def count_reads(request: Request, name: str = name, read: Any = read) -> Any:
            counts.append(name)
            return read(request)

        monkeypatch.setitem(CONDITIONS, name, CONDITIONS[name]._replace(read=count_reads))
    mock = MockOpenAI()
    mock.reply("Hello")
    for number in range(9):
        mock.on(user=contains(f"{number}"), model=re.compile("gpt")).reply("x")
    body = b'{"model": "gpt-4o", "messages": [{"role": "user", "content": "0?"}, '
    body += b'{"role": "user", "content": "none"}]}'
    assert mock.respond(Request("POST", "/v1/chat/completions", body=body)).status == 200
    assert counts == ["user"]


def test_a_predicate_is_called_once_even_if_nothing_matches() -> None:
    requests_seen: list[Request] = []
    mock = MockOpenAI()
    mock.on(requests_seen.append).reply("x")
    body = b'{"model": "m", "messages": [{"role": "user", "content": "Hi"}]}'
    call = mock.respond(Request("POST", "/v1/chat/completions", body=body))
    assert requests_seen == [call]
    assert "returned a false value" in str(call.problem)


def test_rules_are_added_and_removed_while_requests_are_answered() -> None:
    mock = MockOpenAI()
    mock.on(user="Hi").reply("old")
    mock.reply("any")
    body = b'{"model": "m", "messages": [{"role": "user", "content": "Hi"}]}'
    request = Request("POST", "/v1/chat/completions", body=body)
    stop_event = threading.Event()

    def add_rules() -> None:
        while not stop_event.is_set():
            mock.on(user="Hi").reply("new")
            mock.on(model=contains("x")).reply("other")
            if len(mock._rules) > 50:
                mock._rules.clear()
                mock.reply("any")

    adding = threading.Thread(target=add_rules)
    adding.start()
    try:
        problems = [mock.respond(request).problem for _ in range(300)]
    finally:
        stop_event.set()
        adding.join()
    assert not [p for p in problems if p and "no rule matches" not in p]


def test_reset_removes_all_rules() -> None:
    mock = MockOpenAI()
    mock.on(user="Hi").reply("x")
    mock.reply("y")
    mock.reset()
    assert list(mock._rules) == []
    body = b'{"model": "m", "messages": [{"role": "user", "content": "Hi"}]}'
    call = mock.respond(Request("POST", "/v1/chat/completions", body=body))
    assert "the mock has no rules" in str(call.problem)


@pytest.mark.parametrize("condition", ["user", "headers", "tools", "after"])
def test_a_match_has_no_explanation(condition: str) -> None:
    pattern: Any = {"user": "x", "headers": {}, "tools": [], "after": 1.0}[condition]
    value: Any = {"user": "x", "headers": {}, "tools": [], "after": 2.0}[condition]
    assert explain(condition, pattern, value) is None


def make_rule(user: str) -> Rule:
    rule = Rule({"user": user}, None)
    rule.set_answers([Answer({})])
    return rule


def test_what_began_with_rules_keeps_them_when_they_are_replaced() -> None:
    book = Rulebook()
    first, second, third = map(make_rule, "abc")
    book.add(first)
    book.add(second)
    before = book.current
    third.number = 1  # in the rulebook of another mock
    book.replace([first], [third])
    assert (list(before), list(book)) == ([first, second], [third, second])
    assert [rule.number for rule in book] == [3, 2]
    book.replace_all([first])
    assert list(book) == [first]
    assert not book.remove(99)
    assert book.remove(first.number)
    assert (len(book), len(before)) == (0, 2)


def test_pinned_rules_outlive_a_clear_and_begin_again() -> None:
    book = Rulebook()
    old, new, other = map(make_rule, "abc")
    book.add(old)
    book.pin()
    book.add(other)
    book.replace([old], [new])
    assert book.pinned_rules == (new,)
    body = b'{"model": "m", "messages": [{"role": "user", "content": "b"}]}'
    book.current.find_answer(Request("POST", "/v1/chat/completions", body=body))
    assert new.called_once
    book.clear()
    assert list(book) == [new]
    assert (new.number, new.use_count) == (1, 0)
    other.number = 0
    book.add(other)
    assert other.number == 2
