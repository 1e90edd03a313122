"""Templates in scenarios: what they read, what they must not do, and where their mistakes are."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from openai_mockserver import (
    ApiError,
    Call,
    MissingDependency,
    MockOpenAI,
    Reply,
    Request,
    ScenarioError,
)
from openai_mockserver.api import chat
from openai_mockserver.scenario import templates

Load = Callable[[str], MockOpenAI]


def ask(mock: MockOpenAI, user: str = "Hi", **parameters: Any) -> Call:
    headers = (("X-Team", "blue"),)
    messages = [{"role": "system", "content": "Be brief"}, {"role": "user", "content": user}]
    body = {"model": "gpt-4o", "messages": messages} | parameters
    return mock.respond(
        Request("POST", chat.PATH, headers, json.dumps(body).encode(), query="a=b&a=c")
    )


def read_text(call: Call) -> str | None:
    assert call.problem is None
    reply = chat.read(call.script)
    assert isinstance(reply, Reply)
    return reply.text


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("You said {{ request.user }}", "You said Hi"),
        ("{{ request.system }} {{ request.model }}", "Be brief gpt-4o"),
        ("{{ request.json.messages[-1].content|upper }}", "HI"),
        ("{{ request.json.metadata.items }}", "3"),
        ('{{ request.headers["x-team"] }} {{ request.query.a }}', "blue b"),
        ("{{ request.attempt }} {{ request.turn }} {{ request.stream }}", "1 0 False"),
        ("{% for one in request.messages %}{{ loop.index }}{{ one.role }} {% endfor %}", None),
        ("{% if request.json.temperature is defined %}hot{% else %}cold{% endif %}", "cold"),
        ("{{ request.json.metadata|tojson }}", '{"items": "3"}'),
        ('{{ request.messages|map(attribute="role")|join(", ") }}', "system, user"),
        ('{% set x = request.user ~ 1 ~ "!" %}{{ x.lower() }}', "hi1!"),
        ('{{ request.user|replace("i", "o") }} {{ 2 * 3 + 1 }}', "Ho 7"),
    ],
)
def test_a_template_reads_the_request(load: Load, template: str, expected: str | None) -> None:
    mock = load(f"rules: [{{reply: {{template: '{template}'}}}}]")
    text = read_text(ask(mock, metadata={"items": "3"}))
    assert text == (expected or "1system 2user ")


def test_all_strings_of_a_rule_may_be_templates(load: Load) -> None:
    mock = load(
        """
        rules:
        - template: true
          faults: [{latency: 1}]
          replies:
          - {tool_calls: [{name: weather, arguments: {city: "{{ request.user }}"}}]}
          - {error: {status: 429, message: "Not now, {{ request.user }}"}}
          - "{{ request.user }}"
        """
    )
    call = ask(mock, "Paris")
    reply = chat.read(call.script)
    assert isinstance(reply, Reply)
    assert reply.tool_calls[0].arguments == '{"city":"Paris"}'
    assert call.script.head.delay == 1, "the faults of the rule apply"
    error = chat.read(ask(mock, "Rome").script)
    assert isinstance(error, ApiError)
    assert error.message == "Not now, Rome"
    assert read_text(ask(mock, "Oslo")) == "Oslo"


def test_without_the_word_a_text_is_no_template(load: Load) -> None:
    assert read_text(ask(load("rules: [{reply: '{{ request.user }}'}]"))) == "{{ request.user }}"


@pytest.mark.parametrize(
    ("template", "sentence"),
    [
        ("{{ request.user", "line 1 of the template: "),
        ("a\\n\\n{% if %}", "line 3 of the template: "),
        ("{{ usr }}", "unknown variable 'usr' in the template: the only one is request"),
        ("{{ request.user|uper }}", "line 1 of the template: "),
        ("{% for a in [1] %}{% for b in [1] %}{% endfor %}{% endfor %}", "a loop within a loop"),
        ("{% for a in [1] recursive %}{% endfor %}", "a loop within a loop"),
        ("{% macro f() %}{% endmacro %}", "macro is not allowed"),
        ("{% include 'x' %}", "include is not allowed"),
        ("{{ 9 ** 9 }}", "pow is not allowed"),
        ("{% for a in range(9) %}{% endfor %}", "unknown variable 'range'"),
        ("{{ request.user|center(9) }}", "line 1 of the template: "),
        ("{{ request.usr }}", "request has no 'usr', but user, system, "),
        ("{{ request._request }}", "request has no '_request', but user"),
        ("{{ " + "9" * 5000 + " }}", "4300"),
        ("{% set a = [request.user, 1] %}", "it could grow without limit"),
        ("{% set a = {'b': [request.user]} %}", "it could grow without limit"),
    ],
)
def test_a_mistake_is_found_when_the_scenario_is_loaded(
    load: Load, tmp_path: Path, template: str, sentence: str
) -> None:
    text = template.replace("\\n", "\n")
    with pytest.raises(ScenarioError) as error:
        load(json.dumps({"rules": [{"reply": "a"}, {"reply": {"template": text}}]}))
    place = f"{tmp_path / 'scenario.yaml'}: rules[1].reply.template: "
    assert str(error.value).startswith(place)
    assert sentence in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    "template",
    [
        "{{ request.json.temperature }}",
        "{{ 1 // 0 }}",
        "{{ 'a' * 1000000000 }}",
        "{{ '%1000000000d' % 1 }}",
        "{% set a = 'x' %}" + "{% set a = a ~ a %}" * 40 + "{{ a }}",
        "{% set a = [1] %}" + "{% set a = a + a %}" * 40 + "{{ a|length }}",
        "{% set a = 9 %}" + "{% set a = a * a %}" * 40 + "{{ a }}",
        "{% set a = 'x' %}" + "{% set a = a|replace('x', 'xxxxxxxxxx') %}" * 40,
        "{% set a = 'xy' %}" + "{% set a = a|join(a) %}" * 40,
        "{{ ''.__class__.__mro__ }}",
        "{{ 'a'.format() }}",
        "{{ request.user.ljust(1000000000) }}",
    ],
)
def test_an_error_of_rendering_is_the_calls_problem(load: Load, template: str) -> None:
    mock = load(json.dumps({"rules": [{"reply": {"template": template}}]}))
    call = ask(mock)
    assert call.status == 400
    place = "on(): rules[0].reply.template: the template cannot be rendered: "
    assert str(call.problem).startswith(place)


def test_the_output_is_limited(load: Load) -> None:
    text = "x" * 50_000
    template = "{% for m in request.messages %}" + text + "{% endfor %}"
    mock = load(json.dumps({"rules": [{"reply": {"template": template}}]}))
    assert read_text(ask(mock)) == 2 * text
    messages = [{"role": "user", "content": "a"}] * 30
    assert "more than 1048576 characters" in str(ask(mock, messages=messages).problem)


def test_what_a_template_makes_is_checked(load: Load) -> None:
    mock = load(
        "rules: [{template: true, reply: {tool_calls: [{name: '{{ request.user|trim }}'}]}}]"
    )
    assert "rules[0].reply.tool_calls[0]" in str(ask(mock, " ").problem)


def test_a_file_is_no_template(load: Load, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("a")
    with pytest.raises(ScenarioError, match="must not be a file or chunks"):
        load("rules: [{template: true, reply: {file: a.txt}}]")


def test_the_error_without_jinja_says_what_to_install(
    load: Load, monkeypatch: pytest.MonkeyPatch
) -> None:
    templates._make_environment.cache_clear()
    monkeypatch.setitem(sys.modules, "jinja2", None)
    with pytest.raises(MissingDependency, match=r"openai-mockserver\[templates\]"):
        load("rules: [{reply: {template: a}}]")
