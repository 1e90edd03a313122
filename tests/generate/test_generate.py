"""Generated replies: equal for equal requests, and in the form that the request demands."""

from __future__ import annotations

import base64
import json
import os
import random
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openai.types.chat import ChatCompletion
from openai.types.responses import Response

from json_schema import validate
from openai_mockserver import Item, MockOpenAI, Reply, ReplyError, sse, tokens
from openai_mockserver.api import chat, responses
from openai_mockserver.api.audio import tones
from openai_mockserver.generate import generate, reply

REQUEST: dict[str, Any] = {
    "model": "gpt-4o",
    "messages": [{"role": "user", "content": "Tell me a story"}],
}
SEEDS = range(25)  # enough for every branch of a choice to be taken

Conforms = Callable[[object, Any], None]


@pytest.fixture(scope="session")
def conforms() -> Conforms:
    """Return a function that asserts that a value conforms to a JSON Schema and its formats."""
    pytest.importorskip("jsonschema")
    return validate


def tool(name: str, parameters: Any = None) -> dict[str, Any]:
    function = {"name": name} | ({} if parameters is None else {"parameters": parameters})
    return {"type": "function", "function": function}


def json_schema(schema: Any) -> dict[str, Any]:
    return {"type": "json_schema", "json_schema": {"name": "answer", "schema": schema}}


# A function of seed and request


def test_the_same_request_gets_the_same_reply() -> None:
    assert generate(REQUEST) == generate(dict(REQUEST))


def test_the_reply_is_text_that_stops() -> None:
    reply = generate(REQUEST)
    assert reply.text
    assert reply == Reply(str(reply.text), finish_reason="stop")


def test_no_reply_depends_on_those_before_it() -> None:
    first = generate(REQUEST)
    generate(REQUEST | {"tools": [tool("now")], "tool_choice": "required"})
    generate(REQUEST | {"model": "gpt-4o-mini"})
    assert generate(REQUEST) == first


def test_another_seed_gives_another_reply() -> None:
    assert len({generate(REQUEST, seed).text for seed in SEEDS}) == len(SEEDS)


def test_a_seed_may_be_a_number_or_its_text() -> None:
    # The command line knows only text.
    assert generate(REQUEST, 7) == generate(REQUEST, "7")


@pytest.mark.parametrize(
    "change",
    [
        {"model": "gpt-4o-mini"},
        {"messages": [{"role": "user", "content": "Tell me a joke"}]},
        {"messages": [{"role": "system", "content": "Tell me a story"}]},
        {"temperature": 0.5},
        {"seed": 1},
    ],
    ids=str,
)
def test_another_request_gets_another_reply(change: dict[str, Any]) -> None:
    assert generate(REQUEST | change) != generate(REQUEST)


@pytest.mark.parametrize(
    "form",
    [
        {"stream": True},
        {"stream": True, "stream_options": {"include_usage": True}},
        {"user": "someone"},
        {"metadata": {"a": "b"}},
        {"store": True},
    ],
    ids=str,
)
def test_how_the_answer_is_sent_does_not_change_the_text(form: dict[str, Any]) -> None:
    assert generate(REQUEST | form) == generate(REQUEST)


def test_the_order_of_the_parameters_does_not_matter() -> None:
    assert generate(dict(reversed(REQUEST.items()))) == generate(REQUEST)


def test_the_global_random_generator_does_not_matter() -> None:
    random.seed(1)
    first = generate(REQUEST)
    random.seed(2)
    assert generate(REQUEST) == first


@pytest.mark.parametrize(
    "environment",
    [
        {"PYTHONHASHSEED": "1", "LC_ALL": "C", "TZ": "Asia/Kathmandu"},
        {"PYTHONHASHSEED": "2", "LC_ALL": "tr_TR.UTF-8", "TZ": "America/Anchorage"},
    ],
    ids=str,
)
def test_another_process_gives_the_same_reply(environment: dict[str, str]) -> None:
    schema = {
        "type": "object",
        "properties": {name: {"enum": list("abcdefgh")} for name in ("one", "two", "three")},
    }
    requests = [
        REQUEST,
        REQUEST | {"tools": [tool("a", schema), tool("b", schema)], "tool_choice": "required"},
        REQUEST | {"response_format": json_schema(schema)},
        *({"model": "m", "input": f"Question {at}", "tools": TOOLS} for at in range(200)),
    ]
    program = (
        "import json, sys; from openai_mockserver.generate import generate\n"
        "for request in json.load(sys.stdin): print(repr(generate(request)))"
    )
    elsewhere = subprocess.run(
        [sys.executable, "-c", program],
        input=json.dumps(requests),
        env=os.environ | environment | {"PYTHONIOENCODING": "utf-8"},
        capture_output=True,
        encoding="utf-8",
        timeout=60,
        check=True,
    )
    assert elsewhere.stdout.splitlines() == [repr(generate(request)) for request in requests]


@given(st.text(max_size=20), st.integers())
def test_every_message_and_seed_gets_a_reply(content: str, seed: int) -> None:
    reply = generate(REQUEST | {"messages": [{"role": "user", "content": content}]}, seed)
    assert reply.text


# Tools

WEATHER = {
    "type": "object",
    "properties": {
        "city": {"type": "string"},
        "unit": {"type": "string", "enum": ["celsius", "fahrenheit"]},
        "days": {"type": "integer", "minimum": 1, "maximum": 7},
    },
    "required": ["city", "unit", "days"],
    "additionalProperties": False,
}
MAIL = {
    "type": "object",
    "properties": {"to": {"type": "array", "items": {"type": "string", "format": "email"}}},
    "required": ["to"],
    "additionalProperties": False,
}
TOOLS = [tool("get_weather", WEATHER), tool("send_mail", MAIL)]


@pytest.mark.parametrize(
    ("name", "schema"), [("get_weather", WEATHER), ("send_mail", MAIL)], ids=str
)
def test_the_named_tool_is_called(name: str, schema: Any, conforms: Conforms) -> None:
    choice = {"type": "function", "function": {"name": name}}
    for seed in SEEDS:
        reply = generate(REQUEST | {"tools": TOOLS, "tool_choice": choice}, seed)
        (call,) = reply.tool_calls
        assert (call.name, reply.text, reply.finish_reason) == (name, None, "tool_calls")
        conforms(call.parsed, schema)


SCHEMA_OF = {"get_weather": WEATHER, "send_mail": MAIL}


def test_if_a_call_is_required_some_of_the_tools_are_called(conforms: Conforms) -> None:
    combinations = set()
    for seed in SEEDS:
        reply = generate(REQUEST | {"tools": TOOLS, "tool_choice": "required"}, seed)
        for call in reply.tool_calls:
            conforms(call.parsed, SCHEMA_OF[call.name])
        combinations.add(tuple(sorted(call.name for call in reply.tool_calls)))
    assert combinations >= {("get_weather",), ("send_mail",), ("get_weather", "send_mail")}


MANY = range(300)  # seeds enough to measure how often something happens


def share(request: dict[str, Any], is_counted: Callable[[Reply], object]) -> float:
    """Return the share of the replies to which a condition applies."""
    return sum(bool(is_counted(generate(request, seed))) for seed in MANY) / len(MANY)


@pytest.mark.parametrize("choice", [None, "auto"])
def test_an_optional_call_is_made_half_of_the_time(choice: str | None, conforms: Conforms) -> None:
    request = REQUEST | {"tools": TOOLS, "tool_choice": choice}
    assert 0.4 < share(request, lambda reply: reply.tool_calls) < 0.6
    assert 0.05 < share(request, lambda reply: reply.tool_calls and reply.text) < 0.25
    for seed in SEEDS:
        reply = generate(request, seed)
        assert reply.text or reply.tool_calls
        assert reply.finish_reason == ("tool_calls" if reply.tool_calls else "stop")
        for call in reply.tool_calls:
            conforms(call.parsed, SCHEMA_OF[call.name])


@pytest.mark.parametrize("choice", ["none", "of another kind"])
def test_if_no_call_is_allowed_the_reply_is_text(choice: str) -> None:
    request = REQUEST | {"tools": TOOLS, "tool_choice": choice}
    assert share(request, lambda reply: reply.text and not reply.tool_calls) == 1


def test_a_tool_that_cannot_be_called_is_an_error_only_if_it_is_required() -> None:
    request = REQUEST | {"tools": [tool("never", {"enum": []})]}
    assert share(request, lambda reply: reply.text) == 1
    with pytest.raises(ReplyError, match="no value was found"):
        generate(request | {"tool_choice": "required"})


# An agent's loop: the messages that a round adds, in each API.


def chat_round(at: int) -> list[dict[str, Any]]:
    call: dict[str, Any] = {"id": f"call_{at}", "type": "function"}
    call |= {"function": {"name": "get_weather", "arguments": "{}"}}
    return [
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": f"call_{at}", "content": "sunny"},
    ]


def responses_round(at: int) -> list[dict[str, Any]]:
    call = {"type": "function_call", "call_id": f"call_{at}", "name": "a", "arguments": "{}"}
    return [call, {"type": "function_call_output", "call_id": f"call_{at}", "output": "sunny"}]


def legacy_round(at: int) -> list[dict[str, Any]]:
    return [
        {"role": "assistant", "content": None, "function_call": {"name": "a", "arguments": "{}"}},
        {"role": "function", "name": "a", "content": "sunny"},
    ]


ROUNDS = {"messages": chat_round, "input": responses_round}


@pytest.mark.slow
@pytest.mark.parametrize("member", ROUNDS)
def test_the_loop_of_an_agent_ends(member: str) -> None:
    user = {"role": "user", "content": "How is the weather?"}
    shares = []
    for rounds in range(5):
        turns = [turn for at in range(rounds) for turn in ROUNDS[member](at)]
        request = {"model": "gpt-4o", member: [user, *turns], "tools": TOOLS}
        shares.append(share(request, lambda reply: reply.tool_calls))
        # A new user message begins a new loop.
        again = request | {member: [user, *turns, {"role": "assistant", "content": "Sunny."}, user]}
        assert 0.4 < share(again, lambda reply: reply.tool_calls) < 0.6
    assert shares == sorted(shares, reverse=True)
    assert shares[1] > 0.2
    assert shares[2] > 0.05
    assert shares[3:] == [0, 0]


def test_the_loop_of_an_agent_ends_with_legacy_functions_too() -> None:
    request: dict[str, Any] = {"functions": [offer["function"] for offer in TOOLS]}
    user = {"role": "user", "content": "Hi"}
    request |= {"messages": [user]}
    assert 0.4 < share(request, lambda reply: reply.function_call) < 0.6
    request |= {"messages": [user, *(turn for at in range(3) for turn in legacy_round(at))]}
    assert share(request, lambda reply: reply.function_call) == 0


@pytest.mark.parametrize("member", ["previous_response_id", "conversation"])
def test_results_of_calls_in_earlier_requests_get_text(member: str) -> None:
    request = {"model": "gpt-4o", "input": responses_round(1)[1:], "tools": TOOLS, member: "id"}
    assert share(request, lambda reply: reply.text and not reply.tool_calls) == 1


@pytest.mark.parametrize("messages", [[], [{"role": "assistant", "content": "And so"}]], ids=str)
def test_a_request_without_a_question_gets_text(messages: list[Any]) -> None:
    request = REQUEST | {"messages": messages, "tools": TOOLS}
    assert share(request, lambda reply: reply.text and not reply.tool_calls) == 1


@pytest.mark.parametrize("parameters", [None, {}, {"type": "object", "properties": {}}], ids=str)
def test_a_tool_without_parameters_is_called_with_none(parameters: Any) -> None:
    request = REQUEST | {"tools": [tool("now", parameters)], "tool_choice": "required"}
    for seed in SEEDS:
        (call,) = generate(request, seed).tool_calls  # equal calls are made once
        assert call.arguments == "{}"


# Both forms of a choice among tools: chat's and that of the Responses API.
FORMS: dict[str, tuple[list[Any], Callable[[str, str], dict[str, Any]]]] = {
    "chat": (TOOLS, lambda kind, name: {"type": kind, kind: {"name": name}}),
    "responses": (
        [{"type": "function", **offer["function"]} for offer in TOOLS],
        lambda kind, name: {"type": kind, "name": name},
    ),
}


@pytest.mark.parametrize("form", FORMS)
def test_a_choice_has_two_forms(form: str, conforms: Conforms) -> None:
    tools, choose = FORMS[form]
    request = REQUEST | {"tools": tools, "tool_choice": choose("function", "send_mail")}
    (call,) = generate(request).tool_calls
    assert call.name == "send_mail"
    conforms(call.parsed, MAIL)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("mode", ["auto", "required"])
def test_only_allowed_tools_are_called(form: str, mode: str) -> None:
    tools, choose = FORMS[form]
    details: dict[str, Any] = {"mode": mode, "tools": [choose("function", "get_weather")]}
    choice: dict[str, Any] = {"type": "allowed_tools", "allowed_tools": details}
    if form == "responses":
        choice = {"type": "allowed_tools", **details}
    has_calls = set()
    for seed in SEEDS:
        reply = generate(REQUEST | {"tools": tools, "tool_choice": choice}, seed)
        has_calls.add(bool(reply.tool_calls))
        assert {call.name for call in reply.tool_calls} <= {"get_weather"}
    assert has_calls == ({True} if mode == "required" else {True, False})


@pytest.mark.parametrize("choice", ["auto", "required"])
def test_several_calls_are_made_unless_that_is_forbidden(choice: str) -> None:
    request = REQUEST | {"tools": TOOLS, "tool_choice": choice}
    for parallel, most in ((None, 3), (True, 3), (False, 1)):
        replies = [generate(request | {"parallel_tool_calls": parallel}, seed) for seed in MANY]
        counts = {len(reply.tool_calls) for reply in replies}
        assert max(counts) == most
        assert all(len({c.id for c in r.tool_calls}) == len(r.tool_calls) for r in replies)


def test_of_several_tools_the_one_that_suits_the_question_is_called() -> None:
    tools = [tool("searchFlights"), tool("get_weather"), tool("lookup")]
    tools[2]["function"]["description"] = "Find trains and their times"
    for question, name in (
        ("A flight to Rome", "searchFlights"),
        ("What's the weather in Rome?", "get_weather"),
        ("Which train goes to Rome?", "lookup"),
    ):
        messages = [{"role": "user", "content": question}]
        request = {"messages": messages, "tools": tools, "tool_choice": "required"}
        for seed in SEEDS:
            assert {call.name for call in generate(request, seed).tool_calls} == {name}
    request = REQUEST | {"tools": tools, "tool_choice": "required"}
    called = {call.name for seed in SEEDS for call in generate(request, seed).tool_calls}
    assert len(called) == len(tools)  # a question that suits none


CODE = {"type": "custom", "custom": {"name": "run", "format": {"type": "text"}}}
REGEX = {"syntax": "regex", "definition": r"SELECT [a-z]+ FROM (users|orders)"}


def test_a_custom_tool_is_called_with_text() -> None:
    request = REQUEST | {
        "tools": [CODE],
        "tool_choice": {"type": "custom", "custom": {"name": "run"}},
    }
    (call,) = generate(request).tool_calls
    assert (call.name, call.custom) == ("run", True)
    assert call.arguments


@pytest.mark.parametrize(
    "offer",
    [
        {
            "type": "custom",
            "custom": {"name": "sql", "format": {"type": "grammar", "grammar": REGEX}},
        },
        {"type": "custom", "name": "sql", "format": {"type": "grammar", **REGEX}},
    ],
    ids=FORMS,
)
def test_the_input_of_a_custom_tool_matches_its_grammar(offer: Any) -> None:
    for seed in SEEDS:
        calls = generate(REQUEST | {"tools": [offer], "tool_choice": "required"}, seed).tool_calls
        assert all(re.fullmatch(REGEX["definition"], call.arguments) for call in calls)


def test_a_grammar_in_larks_notation_is_followed() -> None:
    grammar = {"syntax": "lark", "definition": 'start: "GO" " " ("north" | "south")'}
    offer = {"type": "custom", "name": "move", "format": {"type": "grammar", **grammar}}
    request = {
        "model": "gpt-5",
        "input": "Hi",
        "tools": [offer],
        "tool_choice": "required",
    }
    texts = {str(generate(request, seed).tool_calls[0].arguments) for seed in SEEDS}
    assert texts == {"GO north", "GO south"}


def test_a_legacy_function_is_called_in_the_legacy_form(conforms: Conforms) -> None:
    functions = [offer["function"] for offer in TOOLS]
    request = REQUEST | {"functions": functions, "function_call": {"name": "send_mail"}}
    reply = generate(request)
    assert reply.function_call is not None
    assert (reply.function_call.name, reply.finish_reason) == ("send_mail", "function_call")
    conforms(reply.function_call.parsed, MAIL)
    assert generate(request | {"function_call": "none"}).text


@pytest.mark.parametrize(
    "choice", [{"type": "function", "function": {"name": "other"}}, {"type": "file_search"}]
)
def test_a_tool_that_is_not_offered_is_not_called(choice: Any) -> None:
    assert generate(REQUEST | {"tools": TOOLS, "tool_choice": choice}).text


def test_a_call_comes_before_the_form_of_the_text() -> None:
    request = {
        "tools": TOOLS,
        "tool_choice": "required",
        "response_format": {"type": "json_object"},
    }
    assert generate(REQUEST | request).tool_calls


@pytest.mark.parametrize("seed", range(5))
def test_an_agent_that_runs_every_call_comes_to_an_end(seed: int) -> None:
    with MockOpenAI(default=lambda call: generate(call.json, seed)) as mock:
        chats: Any = mock.client().chat.completions
        messages: list[Any] = [{"role": "user", "content": "How is the weather?"}]
        for _ in range(4):
            message = (
                chats.create(model="gpt-4o", messages=messages, tools=TOOLS).choices[0].message
            )
            messages.append(message.to_dict())
            if not message.tool_calls:
                break
            messages += [
                {"role": "tool", "tool_call_id": call.id, "content": "sunny"}
                for call in message.tool_calls
            ]
        assert messages[-1]["role"] == "assistant"
        assert messages[-1]["content"]

        answers: Any = mock.client().responses
        tools = [{"type": "function", **offer["function"]} for offer in TOOLS]
        items: list[Any] = [{"role": "user", "content": "How is the weather?"}]
        for _ in range(4):
            response = answers.create(model="gpt-5", input=items, tools=tools)
            calls = [item for item in response.output if item.type == "function_call"]
            items += [item.to_dict() for item in response.output]
            items += [
                {"type": "function_call_output", "call_id": call.call_id, "output": "sunny"}
                for call in calls
            ]
            if not calls:
                break
        assert response.output_text


# Tools that the API runs itself

OWN: dict[str, tuple[dict[str, Any], list[str]]] = {
    "web_search": ({}, ["web_search_call"]),
    "file_search": ({"vector_store_ids": ["vs_1"]}, ["file_search_call"]),
    "code_interpreter": ({"container": {"type": "auto"}}, ["code_interpreter_call"]),
    "image_generation": ({}, ["image_generation_call"]),
    "mcp": (
        {"server_label": "a", "server_url": "https://a.example", "require_approval": "never"},
        ["mcp_list_tools", "mcp_call"],
    ),
}


@pytest.mark.parametrize("kind", OWN)
def test_tools_of_the_api_are_used_half_of_the_time(kind: str) -> None:
    members, types = OWN[kind]
    request = {"model": "gpt-5", "input": "Hi", "tools": [{"type": kind, **members}]}

    def kinds(reply: Reply) -> list[str]:
        body = sse.body(responses.render(reply, request).steps)
        return [item.type for item in Response.model_validate_json(body, strict=True).output]

    assert 0.4 < share(request, lambda reply: len(reply.output) > 1) < 0.6
    for seed in SEEDS:
        assert kinds(generate(request, seed)) in (["message"], [*types, "message"])
        reply = generate(request | {"tool_choice": {"type": kind}}, seed)
        assert kinds(reply) == [*types, "message"]
        assert bool(reply.annotations) == (kind == "web_search")
        assert kinds(generate(request | {"tool_choice": "none"}, seed)) == ["message"]


def test_a_call_that_needs_approval_waits_for_it() -> None:
    mcp = {"type": "mcp", "server_label": "a", "allowed_tools": ["look"]}
    request = {"model": "gpt-5", "input": "Hi", "tools": [mcp], "tool_choice": "required"}
    tool_list, approval = generate(request).output
    assert isinstance(tool_list, Item)
    assert isinstance(approval, Item)
    assert (approval.type, approval.members["name"]) == ("mcp_approval_request", "look")


# JSON

SCHEMAS: dict[str, Any] = {
    "string": {"type": "string"},
    "integer": {"type": "integer"},
    "number": {"type": "number"},
    "boolean": {"type": "boolean"},
    "null": {"type": "null"},
    "enum": {"type": "string", "enum": ["red", "green"]},
    "enum of mixed kinds": {"enum": [1, "two", None, False, [4]]},
    "enum of null": {"enum": [None]},
    "const": {"const": "fixed"},
    "const null": {"const": None},
    "const false": {"const": False},
    "optional": {"type": ["string", "null"]},
    "several types": {"type": ["integer", "array", "boolean"], "items": {"type": "string"}},
    "anyOf": {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "integer"}}]},
    "oneOf": {"oneOf": [{"const": 1}, {"const": 2}]},
    "anyOf in anyOf": {"anyOf": [{"anyOf": [{"const": "a"}, {"const": "b"}]}, {"type": "null"}]},
    "object": {
        "type": "object",
        "properties": {"name": {"type": "string"}, "age": {"type": "integer"}},
        "required": ["name", "age"],
        "additionalProperties": False,
    },
    "object without a type": {
        "properties": {"a": {"type": "integer"}},
        "required": ["a"],
    },
    "object without members": {"type": "object"},
    "nested": {
        "type": "object",
        "properties": {
            "user": {
                "type": "object",
                "properties": {
                    "tags": {
                        "type": "array",
                        "items": {
                            "type": "object",
                            "properties": {"key": {"type": "string"}, "on": {"type": "boolean"}},
                            "required": ["key", "on"],
                        },
                    }
                },
                "required": ["tags"],
            }
        },
        "required": ["user"],
    },
    "array": {"type": "array", "items": {"type": "integer"}},
    "array of arrays": {
        "type": "array",
        "items": {"type": "array", "items": {"type": "boolean"}, "minItems": 1},
    },
    "array of anything": {"type": "array"},
    "minItems": {"type": "array", "items": {"type": "integer"}, "minItems": 5},
    "maxItems": {"type": "array", "items": {"type": "integer"}, "maxItems": 1},
    "minItems and maxItems": {
        "type": "array",
        "items": {"type": "integer"},
        "minItems": 3,
        "maxItems": 3,
    },
    "no items allowed": {
        "type": "array",
        "items": {"type": "integer"},
        "minItems": 0,
        "maxItems": 0,
    },
    "minimum": {"type": "integer", "minimum": 1000},
    "maximum": {"type": "integer", "maximum": 3},
    "minimum and maximum": {"type": "integer", "minimum": -3, "maximum": -1},
    "minimum is maximum": {"type": "integer", "minimum": 7, "maximum": 7},
    "number in bounds": {"type": "number", "minimum": -0.5, "maximum": 0.5},
    "number above": {"type": "number", "minimum": 1e6},
    "definition": {
        "type": "object",
        "properties": {"from": {"$ref": "#/$defs/place"}, "to": {"$ref": "#/$defs/place"}},
        "required": ["from", "to"],
        "$defs": {
            "place": {
                "type": "object",
                "properties": {"lat": {"type": "number", "minimum": -90, "maximum": 90}},
                "required": ["lat"],
            }
        },
    },
    "definition of old": {
        "type": "object",
        "properties": {"colour": {"$ref": "#/definitions/colour"}},
        "required": ["colour"],
        "definitions": {"colour": {"enum": ["red", "blue"]}},
    },
    "definition of a definition": {
        "$ref": "#/$defs/a",
        "$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"type": "array", "items": {"const": 1}}},
    },
    "linked list": {
        "type": "object",
        "properties": {
            "value": {"type": "integer"},
            "next": {"anyOf": [{"$ref": "#"}, {"type": "null"}]},
        },
        "required": ["value", "next"],
    },
    "tree": {
        "$ref": "#/$defs/tree",
        "$defs": {
            "tree": {"anyOf": [{"$ref": "#/$defs/branch"}, {"$ref": "#/$defs/leaf"}]},
            "branch": {
                "type": "object",
                "properties": {"left": {"$ref": "#/$defs/tree"}, "right": {"$ref": "#/$defs/tree"}},
                "required": ["left", "right"],
            },
            "leaf": {
                "type": "object",
                "properties": {"value": {"type": "string"}},
                "required": ["value"],
            },
        },
    },
} | {
    f"format {name}": {"type": "string", "format": name}
    for name in ("date", "time", "email", "ipv4", "ipv6", "uuid")
}


# What references refer to: it stays beside the members.
AT_THE_ROOT = ("$defs", "definitions")


@pytest.mark.parametrize("schema", SCHEMAS.values(), ids=SCHEMAS)
def test_the_text_is_json_of_the_schema(schema: Any, conforms: Conforms) -> None:
    for seed in SEEDS:
        reply = generate(REQUEST | {"response_format": json_schema(schema)}, seed)
        assert reply.text is not None
        assert reply.finish_reason == "stop"
        conforms(json.loads(reply.text), schema)


@pytest.mark.parametrize("schema", SCHEMAS.values(), ids=SCHEMAS)
def test_the_arguments_of_a_call_are_of_the_schema(schema: Any, conforms: Conforms) -> None:
    parameters = {
        "type": "object",
        "properties": {"value": {k: v for k, v in schema.items() if k not in AT_THE_ROOT}},
        "required": ["value"],
        **{k: v for k, v in schema.items() if k in AT_THE_ROOT},
    }
    for seed in SEEDS:
        request = REQUEST | {"tools": [tool("save", parameters)], "tool_choice": "required"}
        calls = generate(request, seed).tool_calls
        assert calls
        for call in calls:
            conforms(call.parsed, parameters)


@pytest.mark.parametrize(
    ("name", "pattern"),
    [
        ("date-time", r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d"),
        ("hostname", r"[a-z0-9-]+(\.[a-z0-9-]+)+"),
        ("uri", r"https?://[^/\s]+/\S*"),
    ],
)
def test_the_formats_no_validator_checks_look_right(name: str, pattern: str) -> None:
    request = REQUEST | {"response_format": json_schema({"type": "string", "format": name})}
    for seed in SEEDS:
        text = generate(request, seed).text
        assert text is not None
        assert re.match(pattern, json.loads(text))


def test_an_unknown_format_is_a_word() -> None:
    request = REQUEST | {"response_format": json_schema({"type": "string", "format": "shoe-size"})}
    text = generate(request).text
    assert text is not None
    assert json.loads(text).isalpha()


def test_the_members_come_in_the_order_of_the_schema() -> None:
    schema = {"type": "object", "properties": {name: {"type": "string"} for name in "zma"}}
    text = generate(REQUEST | {"response_format": json_schema(schema)}).text
    assert text is not None
    assert list(json.loads(text)) == ["z", "m", "a"]


def test_json_mode_without_a_schema_gives_an_object() -> None:
    text = generate(REQUEST | {"response_format": {"type": "json_object"}}).text
    assert text is not None
    assert isinstance(json.loads(text), dict)


def test_the_responses_api_asks_for_json_in_its_own_form(conforms: Conforms) -> None:
    text_format = {"type": "json_schema", "name": "weather", "schema": WEATHER, "strict": True}
    request = {"model": "gpt-4o", "input": "Hi", "text": {"format": text_format}}
    reply = generate(request)
    assert reply.text is not None
    conforms(json.loads(reply.text), WEATHER)
    assert generate(request | {"text": {"format": {"type": "text"}, "verbosity": "low"}}).text


def test_a_custom_tool_whose_grammar_asks_for_too_much_is_an_error() -> None:
    for syntax, definition in (("lark", 'start: "a"~100000000'), ("regex", "a{100000000}")):
        form = {"type": "grammar", "grammar": {"syntax": syntax, "definition": definition}}
        offer = {"type": "custom", "custom": {"name": "run", "format": form}}
        with pytest.raises(ReplyError, match="too large"):
            generate({"model": "m", "tools": [offer], "tool_choice": "required"})


def test_replies_in_several_threads_are_the_same() -> None:
    requests = [
        {"model": "m", "messages": [{"role": "user", "content": f"{n}"}]} for n in range(40)
    ]
    with ThreadPoolExecutor(8) as threads:
        assert list(threads.map(generate, requests)) == list(map(generate, requests))


def test_a_schema_without_a_value_is_an_error() -> None:
    schema = {"type": "string", "enum": []}
    with pytest.raises(ReplyError, match="no value was found"):
        generate(REQUEST | {"response_format": json_schema(schema)})


# Texts of other endpoints


def test_a_prompt_is_completed_with_text() -> None:
    assert generate({"model": "davinci-002", "prompt": "Once upon"}).text


PREDICTION = "def area(radius):\n    return pi * radius ** 2\n"


@pytest.mark.parametrize("content", [PREDICTION, [{"type": "text", "text": PREDICTION}]], ids=type)
def test_a_prediction_is_repeated_with_one_word_changed(content: Any) -> None:
    request = REQUEST | {"prediction": {"type": "content", "content": content}}
    reply = generate(request)
    assert reply.text is not None
    assert reply.text != PREDICTION
    size = len(tokens.pieces(PREDICTION))
    assert len(tokens.pieces(reply.text)) == size
    usage = json.loads(sse.body(chat.render(reply, request).steps))["usage"]
    assert usage["completion_tokens_details"]["accepted_prediction_tokens"] == size - 1
    assert usage["completion_tokens_details"]["rejected_prediction_tokens"] == 1
    # Rejected tokens count as output.
    assert usage["completion_tokens"] == size + 1


def test_a_web_search_cites_a_page() -> None:
    reply = generate(REQUEST | {"web_search_options": {}})
    (annotation,) = reply.annotations
    members = annotation.members
    assert reply.text is not None
    assert f"]({members['url']}))" in reply.text[members["start_index"] : members["end_index"]]
    message = (
        ChatCompletion.model_validate_json(sse.body(chat.render(reply, REQUEST).steps), strict=True)
        .choices[0]
        .message
    )
    assert message.annotations
    assert message.annotations[0].url_citation.url == members["url"]


@pytest.mark.parametrize("form", ["wav", "pcm16", "mp3", "flac", "opus", "aac"])
def test_speech_has_the_format_of_the_request(form: str) -> None:
    audio = {"voice": "ash", "format": form}
    speech = generate(REQUEST | {"modalities": ["text", "audio"], "audio": audio}).audio
    assert speech is not None
    sound = tones.speak(str(speech.transcript), form.removesuffix("16"), "ash")
    assert base64.b64decode(speech.data) == sound


def test_a_response_format_of_text_is_text() -> None:
    reply = generate(REQUEST | {"response_format": {"type": "text"}})
    assert reply.text
    assert not reply.text.startswith(("{", "["))


def test_each_choice_is_another() -> None:
    request = REQUEST | {"n": 3, "tools": TOOLS}
    for seed in SEEDS:
        choices = generate(request, seed).choices
        assert len({repr(choice) for choice in choices}) == 3
        assert generate(request | {"stream": True}, seed).choices == choices


def test_the_answer_is_in_the_script_of_the_question() -> None:
    request = {"model": "gpt-5", "input": "Расскажи сказку", "text": {"format": {"type": "text"}}}
    assert re.search("[а-яґєії]", str(generate(request).text))


def test_verbosity_changes_the_length() -> None:
    lengths = []
    for verbosity in ("low", "medium", "high"):
        chat_form, responses_form = {"verbosity": verbosity}, {"text": {"verbosity": verbosity}}
        replies = [
            generate(REQUEST | form, s) for s in SEEDS for form in (chat_form, responses_form)
        ]
        lengths.append(sum(tokens.count(str(reply.text)) for reply in replies))
    assert lengths == sorted(lengths)


def test_every_branch_of_a_choice_is_taken_by_some_seed() -> None:
    schema = {"anyOf": [{"const": "a"}, {"enum": ["b", "c"]}]}
    texts = {
        generate(REQUEST | {"response_format": json_schema(schema)}, seed).text for seed in SEEDS
    }
    assert texts == {'"a"', '"b"', '"c"'}


# The budget of a request


def request_json(schema: Any, **more: Any) -> dict[str, Any]:
    form = {"type": "json_schema", "json_schema": {"name": "a", "schema": schema}}
    return {"messages": [], "response_format": form} | more


def request_call(tool: Any, **more: Any) -> dict[str, Any]:
    return {"messages": [], "tools": [tool], "tool_choice": "required"} | more


LONG = {"type": "string", "minLength": 900_000}
LONG_CALL = {"type": "function", "function": {"name": "f", "parameters": {
    "type": "object", "properties": {"a": LONG}, "required": ["a"]}}}  # fmt: skip
LONG_MATCH = {"type": "custom", "custom": {"name": "g", "format": {"type": "grammar", "grammar": {
    "syntax": "regex", "definition": "a{150000}"}}}}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize(
    "body", [request_json(LONG), request_call(LONG_CALL), request_call(LONG_MATCH)]
)
def test_all_choices_have_one_budget(body: dict[str, Any]) -> None:
    request = body | {"parallel_tool_calls": False}
    assert generate(request).choices
    with pytest.raises(ReplyError, match="too large to generate"):
        generate(request | {"n": 2})


@pytest.mark.parametrize(
    ("characters", "more"), [(260_000, {}), (45_000, {"logprobs": True, "top_logprobs": 20})]
)
def test_the_budget_bounds_a_predicted_output(characters: int, more: dict[str, Any]) -> None:
    request = {"messages": [], "prediction": {"content": "a " * (characters // 2)}} | more
    with pytest.raises(ReplyError, match="too large to generate"):
        generate(request)
    request["prediction"] = {"content": "a " * (characters * 4 // 10)}
    assert generate(request).text


def test_the_same_request_is_the_same_however_long() -> None:
    """A reply follows from the JSON with sorted keys, which is encoded a few items at a time."""
    messages = [{"role": "user", "content": f"é{n}"} for n in range(1001)]
    content = {"model": "m", "messages": messages, "stop": [], "metadata": {"b": "1", "a": {}}}
    assert "".join(reply._encode_parts(content)) == json.dumps(content, sort_keys=True)


# The recordings' own requests


def load_requests(shared: Path) -> Iterator[tuple[dict[str, Any], Any]]:
    """Yield recorded requests that demand a form, each with the schema of the answer."""
    for file in sorted((shared / "recordings").glob("*/*/*.json")):
        request = json.loads(file.read_text())["request"]["json"]
        if not isinstance(request, dict):
            continue
        for offer in request.get("tools") or ():
            if offer.get("type") == "function":
                function = offer.get("function") or offer
                choice = {"type": "function", "name": function["name"]}
                yield request | {"tool_choice": choice}, function.get("parameters") or {}
        form = request.get("response_format") or (request.get("text") or {}).get("format") or {}
        if form.get("type") == "json_schema":
            without = {
                name: v for name, v in request.items() if name not in ("tools", "tool_choice")
            }
            yield without, (form.get("json_schema") or form)["schema"]


def test_recorded_requests_get_the_form_that_they_demand(shared: Path, conforms: Conforms) -> None:
    demands = list(load_requests(shared))
    assert len(demands) >= 50
    for request, schema in demands:
        for seed in range(3):
            reply = generate(request, seed)
            calls = reply.tool_calls
            conforms(calls[0].parsed if calls else json.loads(reply.text or ""), schema)
