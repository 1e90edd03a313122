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
from scenario_mistakes import MISTAKES

Load = Callable[[str], MockOpenAI]


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


@pytest.mark.slow
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
