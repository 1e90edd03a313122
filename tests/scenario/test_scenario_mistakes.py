"""Mistakes in scenario files: each is one error that names its place."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from openai_mockserver import (
    MockOpenAI,
    ScenarioError,
    scenario,
)

Load = Callable[[str], MockOpenAI]


# The text, the place and our part of the message, empty if another library words all of it.
MISTAKES = [
    # unknown keys and names
    ("rulez: []", "rulez", "allowed keys are rules, api_key, seed, lenient, pace"),
    ("rules: [{reply: a, usr: x}]", "rules[0].usr", "there is no such key"),
    (
        "rules: [{reply: a}, {reply: b}, {reply: {text: c, finsh_reason: stop}}]",
        "rules[2].reply.finsh_reason",
        "there is no such key; allowed keys are text, ",
    ),
    (
        "rules: [{reply: {tool_calls: [{name: a}, {nam: b}]}}]",
        "rules[0].reply.tool_calls[1].nam",
        "allowed keys are name, arguments, id",
    ),
    (
        "rules: [{reply: {function_call: {nam: a}}}]",
        "rules[0].reply.function_call.nam",
        "allowed keys are name, arguments",
    ),
    (
        "rules: [{replies: [a, {choices: [{txt: b}]}]}]",
        "rules[0].replies[1].choices[0].txt",
        "there is no such key",
    ),
    (
        "rules: [{reply: {choices: [{text: a, usage: {}}]}}]",
        "rules[0].reply.choices[0].usage",
        "there is no such key",
    ),
    (
        "rules: [{reply: {text: a, usage: {promt_tokens: 1}}}]",
        "rules[0].reply.usage.promt_tokens",
        "allowed keys are prompt_tokens, ",
    ),
    (
        "rules: [{reply: {error: {stats: 1}}}]",
        "rules[0].reply.error.stats",
        "allowed keys are status, ",
    ),
    ("rules: [{reply: {stream: txt}}]", "rules[0].reply.stream", "did you mean text"),
    ("rules: [{reply: {stream: a/b}}]", "rules[0].reply.stream", "cannot read"),
    ("rules: [{replies: [{stream: x.jsonl}]}]", "rules[0].replies[0].stream", "cannot read"),
    ("rules: [{reply: a, user: {contians: b}}]", "rules[0].user.contians", "contains, regex"),
    (
        "rules: [{reply: a, user: {any_of: [b, {regx: c}]}}]",
        "rules[0].user.any_of[1].regx",
        "allowed keys are contains, regex, gt, ge, lt, le, any_of, all_of, not",
    ),
    ("rules: [{reply: a, user: {any_of: b}}]", "rules[0].user.any_of", "expected a list"),
    ("rules: [{reply: a, user: {any_of: []}}]", "rules[0].user.any_of", "at least one pattern"),
    ("rules: [{reply: a, user: {not: 1}}]", "rules[0].user.not", "expected a string"),
    ("rules: [{reply: a, turn: {gt: b}}]", "rules[0].turn.gt", "expected a number"),
    ("rules: [{reply: a, json: {a..b: 1}}]", "rules[0].json", "syntax error at character 2"),
    ("rules: [{reply: a, json: {a: {not: {gt: b}}}}]", "rules[0].json.a.not.gt", "a number"),
    ("rules: [{reply: a, query: {a: 1}}]", "rules[0].query.a", "expected a string"),
    ("rules: [{reply: a, pace: {ttf: 1}}]", "rules[0].pace.ttf", "ttft, itl, jitter, seed"),
    ("rules: [{reply: a, pace: warp}]", "rules[0].pace", "unknown pace 'warp'"),
    ("pace: {itll: 1}", "pace.itll", "ttft, itl, jitter, seed"),
    ("pace: warp", "pace", "unknown pace 'warp'"),
    ("rules: [{reply: a, faults: [lag]}]", "rules[0].faults[0]", "unknown fault 'lag'"),
    (
        "rules: [{reply: a, faults: [drop_done, {reset: {aftr: 3}}]}]",
        "rules[0].faults[1].reset",
        "'aftr'",
    ),
    (
        "rules: [{reply: a, faults: [{error_event: {error: {stats: 1}}}]}]",
        "rules[0].faults[0].error_event.error.stats",
        "allowed keys are status, ",
    ),
    # wrong types
    ("rules: Hello", "rules", ""),
    ("rules: [Hello]", "rules[0]", "expected a mapping, got a string"),
    ("api_key: 1", "api_key", ""),
    ("lenient: perhaps", "lenient", ""),
    ("seed: [1]", "seed", ""),
    ("rules: [{reply: 3}]", "rules[0].reply", "expected a mapping, got int"),
    ("rules: [{reply: }]", "rules[0].reply", "expected a mapping, got nothing"),
    ("rules: [{replies: a}]", "rules[0].replies", ""),
    ("rules: [{reply: {text: 1}}]", "rules[0].reply.text", ""),
    ("rules: [{reply: {text: [a, 1]}}]", "rules[0].reply.text[1]", ""),
    ("rules: [{reply: {tool_calls: {name: a}}}]", "rules[0].reply.tool_calls", ""),
    ("rules: [{reply: {tool_calls: [a]}}]", "rules[0].reply.tool_calls[0]", "expected a mapping"),
    ("rules: [{reply: {choices: [a]}}]", "rules[0].reply.choices[0]", "expected a mapping"),
    ("rules: [{reply: {usage: [1]}}]", "rules[0].reply.usage", "expected a mapping, got a list"),
    (
        "rules: [{reply: {usage: {prompt_tokens: many}}}]",
        "rules[0].reply.usage.prompt_tokens",
        "expected a number of tokens, got a string",
    ),
    ("rules: [{reply: {error: Sorry}}]", "rules[0].reply.error", "expected a mapping"),
    (
        "rules: [{reply: a, user: 3}]",
        "rules[0].user",
        "expected a string, or a mapping with contains",
    ),
    ("rules: [{reply: a, headers: {x: 3}}]", "rules[0].headers.x", "expected a string"),
    ("rules: [{reply: a, turn: first}]", "rules[0].turn", ""),
    ("rules: [{reply: a, times: twice}]", "rules[0].times", ""),
    ("rules: [{reply: a, stream: perhaps}]", "rules[0].stream", ""),
    ("rules: [{reply: a, endpoint: 1}]", "rules[0].endpoint", "expected a string"),
    ("rules: [{reply: a, faults: reset}]", "rules[0].faults", ""),
    ("rules: [{reply: a, faults: [3]}]", "rules[0].faults[0]", "a fault must be a name"),
    (
        "rules: [{reply: a, faults: [{comment: {text: 5}}]}]",
        "rules[0].faults[0].comment.text",
        "comment(text=5): ",
    ),
    ("rules: [{reply: a, faults: [{comment: 5}]}]", "rules[0].faults[0].comment", "comment(text=5"),
    (
        "rules: [{reply: {output: [{web_search: {sources: a}}]}}]",
        "rules[0].reply.output[0].web_search.sources",
        "web_search(sources='a'): ",
    ),
    (
        "rules: [{reply: {output: [{web_search: [a, 1]}]}}]",
        "rules[0].reply.output[0].web_search",
        "web_search(queries=1): ",
    ),
    (
        "rules: [{reply: a, faults: [{reset: [3]}]}]",
        "rules[0].faults[0].reset",
        "expected a mapping, or the first argument, got a list",
    ),
    ("rules: [{reply: a, pace: {ttft: soon}}]", "rules[0].pace.ttft", ""),
    # wrong counts and bounds
    ("rules: [{reply: a, tools: []}]", "rules[0]", "tools must be the name of a tool"),
    ("rules: [{reply: a, turn: {contains: b}}]", "rules[0].turn.contains", "keys are gt, ge, "),
    ("rules: [{user: Hi}]", "rules[0]", "a rule must have either reply or replies"),
    ("rules: [{reply: a, replies: [b]}]", "rules[0]", "a rule must have either reply or replies"),
    ("rules: [{replies: []}]", "rules[0]", "a rule needs at least one reply"),
    ("rules: [{reply: a, times: 0}]", "rules[0]", "must be a whole number, 1 or more"),
    ("rules: [{reply: {tool_calls: [{id: x}]}}]", "rules[0].reply.tool_calls[0]", ""),
    ("rules: [{reply: {tool_calls: [{name: ''}]}}]", "rules[0].reply.tool_calls[0]", "a non-empty"),
    ("rules: [{reply: {choices: []}}]", "rules[0].reply", "at least one choice"),
    ("rules: [{reply: {text: a, choices: [{text: b}]}}]", "rules[0].reply", "cannot be combined"),
    ("rules: [{reply: {stream: text, text: a}}]", "rules[0].reply", "no other keys beside stream"),
    ("rules: [{reply: [{}, a]}]", "rules[0].reply", "item 1 of the list is 'a'"),
    ("rules: [{replies: [a, []]}]", "rules[0].replies[1]", "the list of chunks is empty"),
    ("rules: [{reply: {file: nowhere}}]", "rules[0].reply.file", "No such file"),
    ("rules: [{reply: {file: a, text: b}}]", "rules[0].reply.text", "allowed keys are file"),
    ("rules: [{reply: {error: {status: 200}}}]", "rules[0].reply.error", "from 400 to 599"),
    ("rules: [{reply: a, user: {}}]", "rules[0].user", "must have one of contains, regex"),
    (
        "rules: [{reply: a, user: {contains: a, regex: b}}]",
        "rules[0].user",
        "must have one of contains, regex",
    ),
    ("rules: [{reply: a, user: {regex: '('}}]", "rules[0].user.regex", ""),
    ("rules: [{reply: a, tools: [b, {regex: '('}]}]", "rules[0].tools[1].regex", ""),
    (
        "rules: [{reply: a, headers: {x: {regex: '('}}}]",
        "rules[0].headers.x.regex",
        "",
    ),
    ("rules: [{reply: a, pace: {ttft: -1}}]", "rules[0].pace", "0 or more"),
    (
        "rules: [{reply: a, faults: [{reset: {}, stall: {}}]}]",
        "rules[0].faults[0]",
        "a mapping from one name to its arguments",
    ),
    (
        "rules: [{reply: a, faults: [{reset: {after: -1}}]}]",
        "rules[0].faults[0].reset",
        "0 or more",
    ),
    ("rules: [{reply: a, faults: [{reset: -1}]}]", "rules[0].faults[0].reset", "0 or more"),
    (
        "rules: [{reply: a, faults: [{variation: no rule}]}]",
        "rules[0].faults[0].variation",
        "did you mean 'no role'",
    ),
    ("rules: [{reply: a, faults: [latency]}]", "rules[0].faults[0]", "'seconds'"),
]


@pytest.mark.parametrize(
    ("text", "place", "sentence"), MISTAKES, ids=[f"{place}: {text}" for _, place, text in MISTAKES]
)
def test_an_error_names_its_place(
    load: Load, tmp_path: Path, text: str, place: str, sentence: str
) -> None:
    with pytest.raises(ScenarioError) as error:
        load(text)
    message = str(error.value)
    assert message.startswith(f"{tmp_path / 'scenario.yaml'}: {place}: ")
    assert sentence in message
    assert "\n" not in message


@pytest.mark.parametrize(
    ("text", "line", "column", "sentence"),
    [
        ("rules:\n- reply: [", 2, 11, ""),
        ("rules:\n\t- reply: a", 2, 1, ""),
        ("rules: []\nrules: []", 2, 1, "the key 'rules' occurs twice"),
        ("rules:\n- reply: a\n  reply: b", 3, 3, "the key 'reply' occurs twice"),
        ("rules: *missing", 1, 8, ""),
        ("rules: !!python/object:os.system x", 1, 8, ""),
    ],
)
def test_an_error_in_yaml_names_line_and_column(
    load: Load, tmp_path: Path, text: str, line: int, column: int, sentence: str
) -> None:
    with pytest.raises(ScenarioError) as error:
        load(text)
    assert str(error.value).startswith(f"{tmp_path / 'scenario.yaml'}:{line}:{column}: ")
    assert sentence in str(error.value)


def test_an_error_in_json_names_line_and_column(tmp_path: Path) -> None:
    file = tmp_path / "scenario.json"
    file.write_text('{\n "rules": ]\n}')
    with pytest.raises(ScenarioError) as error:
        scenario.load(file)
    assert str(error.value).startswith(f"{file}:2:11: ")


@pytest.mark.parametrize(
    ("text", "kind"), [("", "nothing"), ("- reply: a", "a list"), ("Hello", "a string")]
)
def test_a_scenario_must_be_a_mapping(load: Load, text: str, kind: str) -> None:
    with pytest.raises(
        ScenarioError, match=f"a scenario must be a mapping with rules, not {kind}$"
    ):
        load(text)


def test_a_scenario_must_be_utf8(tmp_path: Path) -> None:
    file = tmp_path / "scenario.yaml"
    file.write_bytes(b"rules: [{reply: caf\xe9}]")
    with pytest.raises(ScenarioError) as error:
        scenario.load(file)
    assert str(error.value).startswith(f"{file} is not UTF-8 text: ")


def test_the_error_for_a_missing_file_names_it(tmp_path: Path) -> None:
    with pytest.raises(ScenarioError) as error:
        scenario.load(tmp_path / "missing.yaml")
    assert str(error.value).startswith(f"cannot read {tmp_path / 'missing.yaml'}: ")


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ("{dance: 1}", "rules[0].reply.output[0]: unknown output item 'dance': must be"),
        ("{message: {txt: a}}", "rules[0].reply.output[0].message.txt: there is no such key"),
        (
            "{item: {type: a, members: {id: b}}}",
            "rules[0].reply.output[0].item: the members of a a must not",
        ),
        ("[a]", "rules[0].reply.output[0]: must be a string, or an object with one"),
    ],
)
def test_an_error_in_output_names_its_place(load: Load, entry: str, message: str) -> None:
    with pytest.raises(ScenarioError) as error:
        load(f"rules: [{{reply: {{output: [{entry}]}}}}]")
    assert message in str(error.value)


ALIASES = "\n".join(
    ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    + [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 8)]
)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (f"{ALIASES}\nrules: [{{reply: {{text: *a7}}}}]", "its aliases stand for more than 16 MiB"),
        (f"{ALIASES}\nrules: [{{<<: *a7}}]", "its aliases stand for more than 16 MiB"),
        ("rules: [{reply: &r {text: *r}}]", "the alias *r contains itself, line 1"),
        ("rules: " + "[" * 900, "it is nested too deeply, line 1"),
        ("rules: " + "[" * 100_000, "it is nested too deeply"),
    ],
)
def test_harmful_yaml_is_refused(load: Load, content: str, message: str) -> None:
    with pytest.raises(ScenarioError) as error:
        load(content)
    assert message in str(error.value)


@pytest.mark.parametrize("depth", [900, 100_000])
def test_harmful_json_is_refused(tmp_path: Path, depth: int) -> None:
    file = tmp_path / "scenario.json"
    file.write_text('{"rules": ' + "[" * depth + "]" * depth + "}")
    with pytest.raises(ScenarioError) as error:
        scenario.load(file)
    assert str(error.value) == f"{file}: it is nested too deeply"


def test_an_endless_scenario_is_read_up_to_the_limit() -> None:
    with pytest.raises(ScenarioError) as error:
        scenario.load("/dev/zero")
    assert str(error.value).startswith("/dev/zero: it is longer than 16 MiB")
