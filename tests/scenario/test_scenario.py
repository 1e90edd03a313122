"""Scenario files: every key has its effect, and every error names its place."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from openai_mockserver import (
    ApiError,
    Call,
    Choice,
    Event,
    FunctionCall,
    Message,
    MockOpenAI,
    Pause,
    Reasoning,
    Reply,
    Request,
    ScenarioError,
    ToolCall,
    Usage,
    items,
    scenario,
    stream,
)
from openai_mockserver.api import chat, responses
from openai_mockserver.cassettes import dumps
from openai_mockserver.engine import PROFILES, Engine, Limits
from openai_mockserver.scenario.loader import SHAPES
from openai_mockserver.scenario.rule_json import encode_engine

Load = Callable[[str], MockOpenAI]


def ask(mock: MockOpenAI, user: str = "Hi", **parameters: Any) -> Call:
    """Return the mock's answer to a request for a stream."""
    headers = parameters.pop("headers", {})
    body = {
        "model": "gpt-4o",
        "messages": [{"role": "user", "content": user}],
        "stream": True,
    } | parameters
    return mock.respond(
        Request("POST", chat.PATH, tuple(headers.items()), json.dumps(body).encode())
    )


def read_reply(call: Call) -> Reply:
    assert call.problem is None
    reply = chat.read(call.script)
    assert isinstance(reply, Reply)
    return reply


def texts(mock: MockOpenAI, *messages: str) -> list[str | None]:
    return [read_reply(ask(mock, user)).text for user in messages]


# The file


def test_a_scenario_may_be_json(tmp_path: Path) -> None:
    file = tmp_path / "scenario.json"
    file.write_text('{"rules": [{"reply": "Hello"}]}', encoding="utf-8")
    mock = MockOpenAI()
    scenario.add_rules(mock, str(file))
    assert texts(mock, "Hi") == ["Hello"]


def test_a_scenario_is_utf8(load: Load) -> None:
    assert texts(load("rules: [{reply: Grüß 世界 👋}]"), "Hi") == ["Grüß 世界 👋"]


def test_load_returns_the_content_unchecked(tmp_path: Path) -> None:
    file = tmp_path / "scenario.yml"
    file.write_text("rulez: [1, a]", encoding="utf-8")
    assert scenario.load(file) == {"rulez": [1, "a"]}


def test_a_rule_may_be_written_once_and_used_twice(load: Load) -> None:
    mock = load("rules: [{user: a, reply: &hello {text: Hello}}, {user: b, reply: *hello}]")
    assert texts(mock, "a", "b") == ["Hello", "Hello"]


def test_a_scenario_may_name_its_schema(load: Load) -> None:
    assert texts(load("{$schema: ./scenario.schema.json, rules: [{reply: Hello}]}"), "Hi") == [
        "Hello"
    ]


def test_arguments_without_names_keep_their_places(load: Load) -> None:
    reply = "{output: [{mcp_call: [server, tool, null, result]}]}"
    call = load(f"rules: [{{reply: {reply}}}]").respond(
        Request("POST", responses.PATH, body=b'{"model":"gpt-4o","input":"Hi","stream":true}')
    )
    expected = items.mcp_call("server", "tool", output="result")
    answer = responses.read(call.script)
    assert isinstance(answer, Reply)
    assert answer.output == (expected,)


# Options


def test_api_key_is_the_only_one_accepted(load: Load) -> None:
    mock = load("{api_key: sk-secret, rules: [{reply: Hello}]}")
    assert ask(mock).status == 401
    assert ask(mock, headers={"Authorization": "Bearer sk-secret"}).status == 200


@pytest.mark.parametrize("seed", ["7", "seven"])
def test_the_seed_fixes_the_ids(load: Load, seed: str) -> None:
    def id_of(call: Call) -> str:
        id: str = json.loads(call.script.events[0].data)["id"]
        return id

    mock, other = (load(f"{{seed: {value}, rules: [{{reply: Hello}}]}}") for value in (seed, "8"))
    assert id_of(ask(mock)) == id_of(ask(mock)) != id_of(ask(other))


def test_lenient_lets_unknown_parameters_pass(load: Load) -> None:
    assert ask(load("rules: [{reply: Hello}]"), temprature=1).status == 400
    assert ask(load("{lenient: true, rules: [{reply: Hello}]}"), temprature=1).status == 200


def test_jobs_take_time(load: Load) -> None:
    assert load("{job_seconds: 2.5, rules: []}").options.job_seconds == 2.5
    with pytest.raises(ScenarioError, match=r"job_seconds.*0 or more"):
        load("{job_seconds: -1}")


def test_pace_applies_to_every_reply_without_its_own(load: Load) -> None:
    mock = load(
        """
        pace: {ttft: 1.5, itl: 0.25}
        rules:
        - {user: slow, reply: Hello}
        - {user: at once, reply: Hello, pace: none}
        """
    )
    assert ask(mock, "slow").script.head.delay == 1.5
    assert ask(mock, "at once").script.seconds == 0


# Conditions of a rule

A_TOOL = {"type": "function", "function": {"name": "get_weather"}}
A_CALL = {"type": "function", "function": {"name": "get_weather", "arguments": "{}"}}
AFTER_A_CALL = [
    {"role": "user", "content": "Hi"},
    {"role": "assistant", "tool_calls": [A_CALL | {"id": "call_1"}]},
    {"role": "tool", "tool_call_id": "call_1", "content": "Sunny"},
]


@pytest.mark.parametrize(
    ("condition", "matching_request"),
    [
        ("user: Tell me", {"user": "Tell me"}),
        ("user: {contains: ell}", {"user": "Tell me"}),
        ("user: {regex: '^T.*e$'}", {"user": "Tell me"}),
        ("system: Be brief", {"messages": [{"role": "system", "content": "Be brief"}]}),
        ("system: {contains: brief}", {"messages": [{"role": "developer", "content": "brief!"}]}),
        ("model: gpt-4o-mini", {"model": "gpt-4o-mini"}),
        ("model: {regex: mini$}", {"model": "gpt-4o-mini"}),
        ("tools: get_weather", {"tools": [A_TOOL]}),
        ("tools: [get_weather, {regex: ^get_}]", {"tools": [A_TOOL]}),
        ("tools: {contains: weather}", {"tools": [A_TOOL]}),
        ("tool_result: call_1", {"messages": AFTER_A_CALL}),
        ("turn: 1", {"messages": AFTER_A_CALL}),
        ("headers: {X-Trace: abc}", {"headers": {"x-trace": "abc"}}),
        ("headers: {x-trace: {contains: b}}", {"headers": {"X-Trace": "abc"}}),
        ("headers: {x-trace: {regex: c$}}", {"headers": {"X-Trace": "abc"}}),
        ("stream: false", {"stream": False}),
        ("user: {any_of: [Bye, {contains: ell}]}", {"user": "Tell me"}),
        ("user: {all_of: [{regex: ^T}, {not: Hi}]}", {"user": "Tell me"}),
        ("tool_content: {contains: unny}", {"messages": AFTER_A_CALL}),
        ("turn: {ge: 1}", {"messages": AFTER_A_CALL}),
        ("turn: {any_of: [1, 2]}", {"messages": AFTER_A_CALL}),
        ("headers: {x-trace: {not: {contains: b}}, x-n: {gt: 1}}", {"headers": {"x-n": "2"}}),
        ("json: {temperature: {gt: 1}}", {"temperature": 1.5}),
        ("json: {'messages[-1].role': tool}", {"messages": AFTER_A_CALL}),
        ("json: {metadata: {a: b}}", {"metadata": {"a": "b"}}),
    ],
)
def test_a_rule_answers_requests_that_match_its_condition(
    load: Load, condition: str, matching_request: dict[str, Any]
) -> None:
    # The newest rule that matches wins, so the first answers what the second does not.
    mock = load(f"rules: [{{reply: another}}, {{{condition}, reply: this}}]")
    assert read_reply(ask(mock)).text == "another"
    assert read_reply(ask(mock, **matching_request)).text == "this"


@pytest.mark.parametrize(
    ("endpoint", "matches"),
    [("chat/completions", True), ("/v1/chat/completions", True), ("embeddings", False)],
)
def test_a_rule_may_be_for_one_endpoint(load: Load, endpoint: str, matches: bool) -> None:
    mock = load(f"rules: [{{endpoint: {endpoint}, reply: Hello}}]")
    assert (ask(mock).problem is None) is matches


def test_all_conditions_of_a_rule_must_match(load: Load) -> None:
    mock = load("rules: [{reply: another}, {user: Hi, model: gpt-4o-mini, reply: this}]")
    assert read_reply(ask(mock)).text == "another"
    assert read_reply(ask(mock, model="gpt-4o-mini")).text == "this"


# Replies


def test_replies_come_in_turn_and_the_last_one_repeats(load: Load) -> None:
    mock = load("rules: [{replies: [one, {text: two}]}]")
    assert texts(mock, "Hi", "Hi", "Hi") == ["one", "two", "two"]


def test_times_limits_how_often_a_rule_answers(load: Load) -> None:
    mock = load("rules: [{reply: later}, {reply: first, times: 2}]")
    assert texts(mock, "Hi", "Hi", "Hi") == ["first", "first", "later"]


@pytest.mark.parametrize(
    ("yaml_reply", "reply"),
    [
        ("Hello", Reply("Hello")),
        ("{text: Hello}", Reply("Hello")),
        ("{text: Hello, finish_reason: length}", Reply("Hello", finish_reason="length")),
        ("{text: Hello, finish_reason: null}", Reply("Hello", finish_reason=None)),
        ("{text: Four, reasoning: Let me think}", Reply("Four", reasoning="Let me think")),
        ("{refusal: I cannot}", Reply(refusal="I cannot")),
        (
            "{tool_calls: [{name: now, id: call_1}]}",
            Reply(tool_calls=ToolCall("now", {}, "call_1")),
        ),
        (
            "{tool_calls: [{name: a, arguments: {x: 1}}, {name: b, arguments: {y: [2]}}]}",
            Reply(tool_calls=[ToolCall("a", {"x": 1}), ToolCall("b", {"y": [2]})]),
        ),
        (
            "{tool_calls: [{name: a, arguments: 'not JSON'}]}",
            Reply(tool_calls=ToolCall("a", "not JSON")),
        ),
        (
            "{tool_calls: [{name: now, extra: {extra_content: {google: {thought_signature: c}}}}]}",
            Reply(
                tool_calls=ToolCall(
                    "now", extra={"extra_content": {"google": {"thought_signature": "c"}}}
                )
            ),
        ),
        (
            "{function_call: {name: now, arguments: {zone: UTC}}}",
            Reply(function_call=FunctionCall("now", {"zone": "UTC"})),
        ),
        ("{text: a, error: {message: Sorry}}", Reply("a", error=ApiError(500, "Sorry"))),
        ("{error: {message: Sorry}, finish_reason: null}", Reply(error=ApiError(500, "Sorry"))),
        ("{}", Reply()),
    ],
)
def test_a_reply_in_yaml(load: Load, yaml_reply: str, reply: Reply) -> None:
    assert read_reply(ask(load(f"rules: [{{reply: {yaml_reply}}}]"))) == reply


@pytest.mark.parametrize("member", ["text", "reasoning", "refusal"])
def test_a_list_of_texts_sets_the_pieces(load: Load, member: str) -> None:
    reply = read_reply(ask(load(f"rules: [{{reply: {{{member}: [Hel, lo, '!']}}}}]")))
    assert getattr(reply, member).pieces == ("Hel", "lo", "!")


def test_arguments_may_be_in_pieces(load: Load) -> None:
    mock = load("""rules: [{reply: {tool_calls: [{name: a, arguments: ['{"x', '":1}']}]}}]""")
    (call,) = read_reply(ask(mock)).tool_calls
    assert call.arguments.pieces == ('{"x', '":1}')
    assert call.parsed == {"x": 1}


def test_choices_are_the_answers_to_n(load: Load) -> None:
    mock = load("rules: [{reply: {choices: [{text: a}, {refusal: b}]}}]")
    assert read_reply(ask(mock, n=2)).choices == (Choice("a"), Choice(refusal="b"))


def test_usage_is_sent_as_written(load: Load) -> None:
    mock = load("rules: [{reply: {text: Hello, usage: {prompt_tokens: 5, cached_tokens: 3}}}]")
    usage = read_reply(ask(mock, stream_options={"include_usage": True})).usage
    assert usage == Usage(prompt_tokens=5, cached_tokens=3)


def test_a_ready_made_stream_is_played(load: Load) -> None:
    assert ask(load("rules: [{reply: {stream: unicode}}]")).script == stream("unicode").script


@pytest.mark.parametrize("name", ["own.jsonl", "./own", "inner/../own"])
def test_a_stream_of_ones_own_file_is_found_from_the_folder_of_the_scenario(
    name: str, load: Load, tmp_path: Path
) -> None:
    (tmp_path / "inner").mkdir()
    script = stream("unicode").script
    (tmp_path / Path(name).name).write_bytes(dumps(script))
    assert ask(load(f"rules: [{{reply: {{stream: {name}}}}}]")).script == script


def test_a_stream_of_several_exchanges_answers_in_turn(load: Load, tmp_path: Path) -> None:
    scripts = [stream("text").script, stream("unicode").script]
    (tmp_path / "own.jsonl").write_bytes(b"".join(map(dumps, scripts)))
    mock = load("rules: [{reply: {stream: own.jsonl}}]")
    assert [ask(mock).script for _ in range(3)] == [*scripts, scripts[1]]


def test_an_error_may_be_the_only_event(load: Load) -> None:
    script = ask(load("rules: [{reply: {error: {status: 503}, alone: true}}]")).script
    assert (script.head.status, len(script.events)) == (200, 1)


def test_a_list_of_mappings_is_a_stream_of_chunks(load: Load) -> None:
    mock = load("rules: [{reply: [{choices: null}, {choices: [{index: 0}]}]}]")
    assert [event.data for event in ask(mock).script.events] == [
        '{"choices":null}',
        '{"choices":[{"index":0}]}',
        "[DONE]",
    ]


def test_the_path_of_a_file_is_relative_to_the_scenario(load: Load, tmp_path: Path) -> None:
    (tmp_path / "dump.sse").write_bytes(b'data: {"choices": 1}\n\ndata: [DONE]\n\n')
    script = ask(load("rules: [{reply: {file: dump.sse}}]")).script
    assert [event.data for event in script.events] == ['{"choices": 1}', "[DONE]"]


def test_an_error_alone_replaces_the_reply(load: Load) -> None:
    mock = load(
        """
        rules:
        - reply:
            error:
              status: 429
              message: Slow down
              type: tokens
              code: rate_limit
              param: model
              retry_after: 2
              headers: {x-reason: many}
        """
    )
    call = ask(mock)
    assert chat.read(call.script) == ApiError(429, "Slow down", "tokens", "rate_limit", "model")
    assert call.script.head.header("retry-after") == "2"
    assert call.script.head.header("x-reason") == "many"


def test_an_error_has_the_defaults_of_its_status(load: Load) -> None:
    call = ask(load("rules: [{reply: {error: {status: 503}}}]"))
    assert chat.read(call.script) == ApiError(503)


# Faults and pace


@pytest.mark.parametrize(
    ("fault", "events", "end"),
    [
        ("reset: {after: 2}", 2, "reset"),
        ("truncate: {after: 3}", 3, "truncate"),
        ("stall: {after: 1}", 1, "hold"),
        ("error_event: {after: 1}", 2, "finish"),
        ("drop_done:", 3, "finish"),
    ],
)
def test_a_fault_is_a_name_with_arguments(load: Load, fault: str, events: int, end: str) -> None:
    script = ask(load(f"rules: [{{reply: Hello, faults: [{{{fault}}}]}}]")).script
    assert (len(script.events), script.end) == (events, end)


def test_a_fault_without_arguments_is_a_name(load: Load) -> None:
    script = ask(load("rules: [{reply: Hello, faults: [reset]}]")).script
    assert (script.steps, script.end) == ((), "reset")


def test_a_fault_may_have_its_first_argument_alone(load: Load) -> None:
    script = ask(load("rules: [{reply: Hello, faults: [{variation: no role}, {drop: -1}]}]")).script
    data = [event.data for event in script.events]
    assert len(data) == 3
    assert not [event for event in data if "role" in event]


def test_the_data_of_a_heartbeat_may_be_json(load: Load) -> None:
    mock = load("rules: [{reply: Hello, faults: [{heartbeat: {event: ping, data: {a: 1}}}]}]")
    assert ask(mock).script.events[1] == Event('{"a":1}', "ping")


def test_faults_happen_from_left_to_right(load: Load) -> None:
    mock = load("rules: [{reply: Hello, faults: [{latency: {seconds: 1.5}}, drop_done, truncate]}]")
    script = ask(mock).script
    assert (script.head.delay, script.steps, script.end) == (1.5, (), "truncate")


def test_a_chunk_may_be_malformed(load: Load) -> None:
    mock = load("rules: [{reply: Hello, faults: [{malformed: {at: 1, data: '{'}}]}]")
    assert ask(mock).script.events[1].data == "{"


def test_the_error_of_a_fault_is_written_like_that_of_a_reply(load: Load) -> None:
    mock = load(
        "rules: [{reply: Hello, faults: [{error_event: {after: 2, error: {message: Sorry}}}]}]"
    )
    assert read_reply(ask(mock)).error == ApiError(500, "Sorry")


@pytest.mark.parametrize(
    ("pace", "delay", "gaps"),
    [
        ("none", 0, []),
        ("'0.5,0.125'", 0.5, [0.125, 0.125]),
        ("{ttft: 0.5}", 0.5, []),
        ("{itl: 0.125}", 0, [0.125, 0.125]),
    ],
)
def test_pace_is_a_name_or_numbers(load: Load, pace: str, delay: float, gaps: list[float]) -> None:
    script = ask(load(f"rules: [{{reply: {{text: [a, b]}}, pace: {pace}}}]")).script
    assert script.head.delay == delay
    assert [step.seconds for step in script.steps if isinstance(step, Pause)] == gaps


def test_the_seed_of_a_pace_fixes_its_jitter(load: Load) -> None:
    def gaps(seed: str) -> list[float]:
        pace = f"{{itl: 1, jitter: 0.5, seed: {seed}}}"
        script = ask(load(f"rules: [{{reply: {{text: [a, b]}}, pace: {pace}}}]")).script
        return [step.seconds for step in script.steps if isinstance(step, Pause)]

    assert gaps("1") == gaps("1") != gaps("2")
    assert all(0.5 <= gap <= 1.5 for gap in gaps("1"))


def test_output_in_any_order(load: Load) -> None:
    mock = load(
        """
        rules:
          - reply:
              output:
                - reasoning: Think first.
                - web_search: [tallest building]
                - code_interpreter: {code: print(1), logs: "1"}
                - message: {text: Here., phase: commentary}
                - tool_call: {name: go, arguments: {n: 1}}
                - Done.
        """
    )
    call = mock.respond(
        Request("POST", responses.PATH, body=b'{"model":"gpt-4o","input":"Hi","stream":true}')
    )
    reply = responses.read(call.script)
    assert isinstance(reply, Reply)
    assert reply.output == (
        Reasoning("Think first."),
        items.web_search("tallest building"),
        items.code_interpreter("print(1)", logs="1"),
        Message("Here.", phase="commentary"),
        ToolCall("go", {"n": 1}),
        Message("Done."),
    )


# Capacity


def test_an_engine_is_a_name_or_a_mapping(load: Load) -> None:
    assert load("engine: h100-8b").options.engine == PROFILES["h100-8b"].engine
    mock = load("engine: {profile: openai-tier-1, slots: 4, limits: {rpm: 60}}")
    engine = mock.options.engine
    assert engine is not None
    assert engine.limits == Limits(rpm=60, tpm=30_000, refill="continuous")
    assert (engine.slots, engine.prefill) == (4, PROFILES["openai-tier-1"].engine.prefill)


def test_an_engine_reads_as_it_was_written(load: Load) -> None:
    for engine in (
        PROFILES["h100-8b"].engine,
        Engine(slots=4, decode=(0.01, 0.001), queue=None, limits=Limits(rpm=60)),
    ):
        content = {"engine": encode_engine(engine)}
        assert load(json.dumps(content)).options.engine == engine


def test_a_mapping_has_every_field_of_an_engine() -> None:
    names = {one.name for one in fields(Engine)}
    assert set(SHAPES["engine"].__struct_fields__) == names | {"profile"}
    assert set(SHAPES["limits"].__struct_fields__) == {one.name for one in fields(Limits)}
