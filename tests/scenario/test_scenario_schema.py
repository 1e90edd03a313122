"""The JSON Schema of scenarios: it accepts what the loader accepts, and refuses what it refuses."""

from __future__ import annotations

import ast
import copy
import json
import re
from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema
import msgspec
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from openai_mockserver import MockOpenAI, ScenarioError, scenario
from openai_mockserver.faults import FAULTS
from openai_mockserver.reply import serialization
from openai_mockserver.scenario import loader
from openai_mockserver.scenario_schema import build_schema
from openai_mockserver.sources import Folder, Sources
from properties import examples
from scenario_mistakes import MISTAKES

ROOT = Path(__file__).parents[2]
SCHEMA = build_schema()
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)
FOLDER = Folder(Path(__file__).parent, Sources())

Content = dict[str, Any]

UNKNOWN_TO_A_SCHEMA = {
    r"cannot read|cannot be read|No such file": "which files there are",
    r"\.regex: |the path .* has a syntax error|line \d+ of the template": "languages in strings",
    r"cannot be combined|cannot be served|leave out all else": "parts of a reply that exclude some",
    r"takes exactly one of|needs at least one of": "arguments of a fault that do",
    r"needs TLS": "how the server is started",
    r"must be sorted": "which of two numbers is greater",
    r"\.script: (?!line:1: )": "in which order a stream file's steps may come",
}
"""The loader's sentences about what a schema cannot know, and what that is."""


# Scenarios

RULES = """
- reply: Hello
- replies: [one, {text: two}, {text: [thr, ee], finish_reason: length}]
- {user: Hi, system: {contains: brief}, model: {regex: mini}, reply: a}
- {user: {any_of: [a, {contains: b}]}, system: {all_of: [{regex: c}, {not: d}]}, reply: a}
- {tools: get_weather, tool_result: call_1, tool_content: {not: {contains: rain}}, reply: a}
- {tools: [get_weather, {regex: ^get_}], turn: 1, attempt: {gt: 1}, nth: {any_of: [1, 2]}, reply: a}
- {turn: {not: {le: 3}}, endpoint: {contains: chat}, stream: true, after: 1.5, reply: a}
- {headers: {x-a: b, x-b: {gt: 1}}, query: {v: {contains: p}}, reply: a}
- {json: {temperature: {gt: 1}, 'messages[0].role': user, a: {b: c}, d: null}, reply: a}
- {json: {a: {any_of: [1, [2], {not: {not: x}}, {all_of: [{lt: 2}]}]}, b: {}}, reply: a}
- {user: null, tools: null, headers: null, times: null, chance: null, pace: null, reply: a}
- {times: 2, chance: 0.5, dialect: azure, pace: gpt-4o, faults: [], reply: a}
- {dialect: '', pace: '0.1,0.2', faults: [reset, {stall: 3}], reply: a}
- reply: a
  pace: {ttft: 1, itl: 0.5, jitter: 0, seed: a, distribution: normal}
- {pace: {stall_chance: 0.5, stall_seconds: 1}, reply: a}
- {pace: {ttft_quantiles: [0.1, 0.2], itl_quantiles: [0, 0.01]}, reply: a}
- {reply: {template: 'You said {{ request.user }}'}}
- {template: true, replies: ['{{ request.user }}', {text: '{{ request.model }}'}, {error: {}}]}
- {template: false, reply: {stream: text}}
- {reply: {stream: text, text: null, file: null}}
- {reply: {json: {a: [1]}}}
- {reply: {script: [{mockserver: 1, response: {status: 200, headers: []}}, {end: finish}]}}
- replies:
  - {reply: Hello, faults: [reset, {stall: 3}], pace: gpt-4o}
  - {reply: {text: '{{ request.user }}'}, template: true}
  - {reply: {stream: text}, pace: null}
- {reply: [{choices: null}, {choices: []}]}
- {reply: {text: a, reasoning: [b, c], refusal: null, stream: null, finish_reason: null}}
- {reply: {refusal: a, usage: {prompt_tokens: 1, total_tokens: -1, extra: {cost: 1}}}}
- reply:
    tool_calls:
    - {name: a, arguments: {b: 1}, id: call_1, namespace: n, extra: {c: 1}}
    - {name: b, arguments: ['{"x', '":1}'], custom: false}
- {reply: {tool_calls: [{name: a, arguments: text, custom: true}]}}
- {reply: {function_call: {name: a, arguments: {b: 1}}}}
- reply:
    text: [a, b]
    logprobs: [{token: a, logprob: -0.5, bytes: [97], top: [{token: a, logprob: -inf}]}, []]
    annotations: [{type: url_citation}, {members: {type: x}, after: 1}]
- {reply: {audio: {transcript: [a], data: UklG, id: b, expires_at: 5}}}
- {reply: {choices: [{text: a}, {refusal: b, finish_reason: stop}]}}
- {reply: {error: {status: 429, message: a, type: b, code: c, param: d, retry_after: 1.5}}}
- {reply: {error: {headers: {x-a: b}, extra: {c: 1}}, finish_reason: null}}
- {reply: {error: {headers: [[x-a, b]]}, alone: true}}
- {reply: {text: a, error: {}}}
- {reply: {output: [{message: {refusal: [a], logprobs: [{token: a, logprob: 0}]}}]}}
- reply:
    output:
    - text
    - message: {text: [a], phase: commentary, annotations: [{type: x}]}
    - message: text
    - reasoning:
    - reasoning: {summary: [a, [b, c]], content: d, encrypted: e}
    - reasoning: text
    - tool_call: {name: a, arguments: {b: 1}, id: c, custom: false, namespace: d, extra: {}}
    - tool_call: [b, {c: 1}]
    - item: {type: a, members: {b: 1}}
    - web_search: [a, b]
    - web_search: {sources: [a]}
    - file_search: {results: [{a: 1}]}
    - code_interpreter: {code: [a, b], logs: c, images: [d], container: e}
    - mcp_list_tools: {server: a, tools: [{name: b}], error: c}
    - mcp_call: {server: a, name: b, arguments: {c: 1}, output: d, error: {e: 1}}
    - mcp_call: [a, b, null, c]
    - mcp_approval: {server: a, name: b, arguments: {c: 1}}
    - image_generation: {result: a, partial: [b], revised_prompt: c}
"""
FAULT_ARGUMENTS = """
reset: {after: 1, byte: 2, seconds: 0.5, chance: 0.5}
truncate: {after: 1, byte: 2, seconds: 0.5}
stop: {after: 1, byte: 2}
close:
half_close: {}
cut: {chance: 1}
hold:
drop_done: {chance: 0.5}
done: {at: 1, text: a, times: 2}
stall: {after: 1, seconds: 2}
latency: {seconds: 1.5}
malformed: {at: -1, data: a}
replace_event: {at: 1, raw: a}
insert: {raw: a, at: 1}
error_event: {after: 1, error: {status: 500, message: a}}
keepalive: {after: 3}
drop: {at: -1}
change: {at: 1, path: 'choices[0].delta', value: {a: 1}, remove: false, where: {b: 1}}
merge: {at: 1, count: 2}
line_ends: {kind: crlf}
no_space:
multi_line: {at: 1}
fields: {event: a, id: b, retry: 3, at: 1, alone: true}
comment: {text: a, at: 1}
heartbeat: {every: 0.5, text: a, event: b, data: {c: 1}}
bom: {at: 1}
blank_lines: {times: 2, at: 1}
unknown_field: {line: a}
single_newlines:
unterminated: {newlines: 0}
variation: {name: no role, at: 1}
slice: {at: [1, 2], raw: true}
join:
bandwidth: {rate: 1.5, size: 2}
status: {code: 500}
header: {name: a, value: null}
add_header: {name: a, value: b}
redirect: {location: a, code: 302}
content_length: {value: 1, 'off': 2, keep_open: true}
close_delimited:
http10:
lf_head:
informational: 103
raw_head: {data: a}
half_head: {end: reset, size: 2}
empty_response: {end: hold}
bad_chunk_size: {after: 1, text: a}
missing_chunk_crlf: {after: 1}
chunk_extension: {text: a}
trailers: {headers: {a: b}}
split_last_chunk: {seconds: 0.5}
late_end: {seconds: 0.5}
bytes_after_end: {data: a, seconds: 0.5}
reorder: {at: 2, before: 0}
websocket_binary: {at: 1}
websocket_close: {after: 1, code: 1013, reason: a}
websocket_fragments: {at: 1, parts: 3}
websocket_invalid_utf8: {at: 1}
websocket_mute: {after: 1}
websocket_padding: {at: 1, size: 2}
encoded: {coding: gzip, flush: end, members: true, cut: 1, declare: null}
"""
VALID: list[Content] = [
    {},
    {
        "$schema": "./scenario.schema.json",
        "api_key": "sk-a",
        "seed": 7,
        "lenient": True,
        "pace": "none",
        "dialect": "openai",
        "job_seconds": 2.5,
        "engine": "h100-8b,slots=4",
        "rules": [],
    },
    {"engine": "rpm=60"},
    {"engine": "openai-tier-1"},
    {"engine": {"profile": "h100-8b", "slots": 4, "queue": None, "limits": {"rpm": 60}}},
    {
        "engine": {
            "slots": 1,
            "queue": 0,
            "overload": 429,
            "prefill": [0.1, 0],
            "decode": [0.01, 0.001],
            "knee": 8,
            "collapse": 2,
            "max_batched_tokens": 512,
            "cache_blocks": 10,
            "prefix_block": 4,
            "prefix_minimum": 8,
            "cache_seconds": 60,
            "start_up": 1.5,
            "failure_rate": 0.5,
            "jitter": 1,
            "seed": "a",
            "limits": {
                "rpm": None,
                "tpm": 1,
                "concurrent": 2,
                "refill": "continuous",
                "seconds": 1,
            },
        }
    },
    {"seed": "seven", "pace": {"itl": 0.1}, "dialect": "groq"},
    {
        "api_key": None,
        "seed": None,
        "lenient": None,
        "pace": None,
        "dialect": None,
        "job_seconds": None,
        "engine": None,
    },
    *({"rules": [rule]} for rule in yaml.safe_load(RULES)),
    *(
        {"rules": [{"reply": "Hello", "faults": [{name: arguments}]}]}
        for name, arguments in yaml.safe_load(FAULT_ARGUMENTS).items()
        if name != "cut"  # is refused without TLS
    ),
]
INVALID: list[Content] = [
    {"rules": [rule]}
    for rule in yaml.safe_load(
        """
- {reply: a, turn: {contains: b}}
- {reply: a, turn: {not: {regex: b}}}
- {reply: a, tools: []}
- {reply: a, tools: [[b]]}
- {reply: a, endpoint: 5}
- {reply: a, chance: 2}
- {reply: a, json: {b: {any_of: [{c: 1}]}}}
- {reply: a, template: 1}
- {template: true, reply: {stream: text}}
- {template: true, reply: {template: b}}
- {template: true, replies: [a, [{choices: null}]]}
- {reply: {file: null}}
- {reply: {stream: no-such-stream}}
- {reply: {finish_reason: done}}
- {reply: {text: a, alone: true}}
- {reply: {usage: {prompt_tokens: -1}}}
- {reply: {logprobs: [{token: a, logprob: high}]}}
- {reply: {output: [{web_search: [1]}]}}
- {reply: {output: [{web_search: {sources: a}}]}}
- {reply: {output: [{web_search: {queries: [a]}}]}}
- {reply: {output: [{reasoning: [a, b]}]}}
- {reply: {output: [{mcp_call: [a]}]}}
- {reply: {output: [{item: {type: a, members: {id: b}}}]}}
- {reply: {output: [{tool_call: {name: ''}}]}}
- {reply: a, faults: [{reset: {chance: 2}}]}
- {reply: a, faults: [{reset: {after: null}}]}
- {reply: a, faults: [{line_ends: lines}]}
- {reply: a, faults: [{websocket_fragments: {parts: 1}}]}
- {reply: a, faults: [{reorder: {at: 1, before: true}}]}
- {reply: a, faults: [{status: 99}]}
- {reply: a, faults: [{half_head: later}]}
- {reply: a, faults: [{informational: {codes: 103}}]}
- {reply: a, faults: [{add_header: a}]}
- {reply: a, pace: '1'}
- {reply: a, pace: {distribution: even}}
"""
    )
]


def find_refusal(content: Content) -> str | None:
    """Return the loader's sentence about a scenario; None if it accepts it."""
    try:
        scenario.add_content(MockOpenAI(), content, FOLDER)
    except ScenarioError as error:
        return str(error)
    return None


def find_difference(content: Content) -> str | None:
    """Return what loader and schema say differently about a scenario."""
    refusal, is_valid = find_refusal(content), VALIDATOR.is_valid(content)
    if (refusal is None) is is_valid:
        return None
    if refusal is not None and any(re.search(words, refusal) for words in UNKNOWN_TO_A_SCHEMA):
        return None
    return f"{'accepted' if is_valid else 'refused'}, but the loader: {refusal}\n  {content}"


def test_the_schema_is_one() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


def test_the_shipped_schema_is_that_of_the_code() -> None:
    shipped = (files(scenario) / "scenario.schema.json").read_text("utf-8")
    assert json.loads(shipped) == SCHEMA, "run: openai-mockserver schema scenario > that file"


@pytest.mark.parametrize("content", VALID, ids=str)
def test_a_valid_scenario_is_accepted_by_both(content: Content) -> None:
    assert find_refusal(content) is None
    VALIDATOR.validate(content)


@pytest.mark.parametrize("content", INVALID, ids=str)
def test_an_invalid_scenario_is_refused_by_both(content: Content) -> None:
    assert find_refusal(content) is not None
    assert not VALIDATOR.is_valid(content)


@pytest.mark.parametrize("text", [text for text, _, _ in MISTAKES])
def test_they_agree_about_mistakes(text: str) -> None:
    content = yaml.safe_load(text)
    assert find_refusal(content) is not None
    assert find_difference(content) is None


def test_the_valid_scenarios_have_every_key() -> None:
    """What they lack, no other test here would change."""
    shapes = [*loader.SHAPES.values(), *(shape for shape, _ in serialization.SHAPES.values())]
    members = {field.encode_name for shape in shapes for field in msgspec.structs.fields(shape)}
    keys = {place[-1] for content in VALID for place in list_places(content)}
    keys |= {"file", "cut"}  # which need a file and TLS
    assert members | {*FAULTS} | {*loader.OUTPUT} | {*serialization.OUTPUT} <= keys


# The documentation


@cache
def list_documented() -> list[Content]:
    """Return the scenarios in the documentation and of the images."""
    pages = [*(ROOT / "docs").rglob("*.md"), ROOT / "README.md"]
    texts = [
        text
        for page in pages
        for text in re.findall(r"```(?:yaml|json)\n(.*?)```", page.read_text("utf-8"), re.DOTALL)
    ]
    texts += [file.read_text("utf-8") for file in (ROOT / "deploy").rglob("scenario.yaml")]
    contents = map(read_yaml, texts)
    return [content for content in contents if isinstance(content, dict) and "rules" in content]


def read_yaml(text: str) -> Any:
    """Return what a text says; None if it is no YAML."""
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError:
        return None


def test_the_schema_accepts_the_documented_scenarios() -> None:
    assert len(list_documented()) > 5
    for content in list_documented():
        VALIDATOR.validate(content)


def test_they_agree_about_the_scenarios_in_tests() -> None:
    contents = []
    for file in Path(__file__).parent.glob("test_*.py"):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            text = getattr(node, "value", None) if isinstance(node, ast.Constant) else None
            if isinstance(text, str) and "rules" in text and isinstance(read_yaml(text), dict):
                contents.append(read_yaml(text))
    assert len(contents) > 30
    assert not list(filter(None, map(find_difference, contents)))


# Changes

VALUES: list[Any] = [None, True, 5, 0.5, "text", [], ["text"], [{}], {}, {"text": "a"}]
"""Values of all types of JSON. There is no 5.0: a schema takes it for a whole number."""


def list_places(value: Any, place: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the paths to the members of a value."""
    steps = value.items() if isinstance(value, dict) else enumerate(value)
    for step, inner in steps:
        yield (*place, step)
        if isinstance(inner, dict | list):
            yield from list_places(inner, (*place, step))


def name_type(value: Any) -> str:
    """Return the name of a value's type in JSON."""
    return "number" if type(value) in (int, float) else type(value).__name__


def list_changes(content: Content, place: tuple[Any, ...]) -> Iterator[Content]:
    """Yield a scenario with one member changed to each other type, left out, or with a new key."""
    changed = copy.deepcopy(content)
    holder = changed
    for step in place[:-1]:
        holder = holder[step]
    original = holder[place[-1]]
    for value in VALUES:
        if name_type(value) != name_type(original) or value == 0.5:
            holder[place[-1]] = copy.deepcopy(value)
            yield changed
    if isinstance(original, dict):
        holder[place[-1]] = {**original, "unknown": 1}
        yield changed
    del holder[place[-1]]
    yield changed


@cache
def list_right() -> list[Content]:
    """Return scenarios that the loader accepts; each has one rule at most."""
    rules = [rule for content in list_documented() for rule in content["rules"]]
    contents = [*VALID, *({"rules": [rule]} for rule in rules)]
    return [content for content in contents if content and find_refusal(content) is None]


@given(st.data())
@settings(max_examples=examples(300), deadline=None)
def test_they_agree_about_changed_scenarios(data: st.DataObject) -> None:
    content = data.draw(st.sampled_from(list_right()))
    place = data.draw(st.sampled_from(list(list_places(content))))
    for changed in list_changes(content, place):
        assert find_difference(changed) is None
