"""All mistakes of a file, each with its line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from openai_mockserver import catalogue
from openai_mockserver.mistakes import list_mistakes


def find(file: Path, text: str | bytes) -> list[tuple[int | None, str]]:
    """Return the lines and messages of the mistakes in a file with this content."""
    file.write_bytes(text.encode() if isinstance(text, str) else text)
    mistakes = list_mistakes(file)
    assert {mistake.file for mistake in mistakes} <= {file}
    return [(mistake.line, mistake.message) for mistake in mistakes]


def starts(found: list[tuple[int | None, str]]) -> list[tuple[int | None, str]]:
    """Return the mistakes with only the place of their messages."""
    return [(line, message.partition(": ")[0]) for line, message in found]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "scenario.yaml"


MANY = """\
paze: none
pace: {ttft: -1}
seed: [1]
rules:
  - reply: Hello
    usr: Hi
    user: {contain: x}
    tools:
      - get_weather
      - {regex: "("}
      - 5
    turn: one
  - reply:
      txt: Hello
      tool_calls:
        - {name: a}
        - {nme: b}
        - {name: ""}
      usage: {prompt_tokens: many}
    faults: [rezet, drop_done, {reset: {after: -1}}, 7]
  - user: no reply
  - replies: [one, {error: {status: 99}}, {stream: no-such-stream}]
    headers:
      x-a.b: {regex: "["}
  - {reply: right}
"""


def test_all_mistakes_of_a_scenario_are_found_with_their_lines(file: Path) -> None:
    assert starts(find(file, MANY)) == [
        (1, "paze"),
        (2, "pace"),
        (3, "seed"),
        (6, "rules[0].usr"),
        (7, "rules[0].user.contain"),
        (10, "rules[0].tools[1].regex"),
        (11, "rules[0].tools[2]"),
        (12, "rules[0].turn"),
        (14, "rules[1].reply.txt"),
        (17, "rules[1].reply.tool_calls[1].nme"),
        (18, "rules[1].reply.tool_calls[2]"),
        (19, "rules[1].reply.usage.prompt_tokens"),
        (20, "rules[1].faults[0]"),
        (20, "rules[1].faults[2].reset"),
        (20, "rules[1].faults[3]"),
        (21, "rules[2]"),
        (22, "rules[3].replies[1].error"),
        (22, "rules[3].replies[2].stream"),
        (24, "rules[3].headers.x-a.b.regex"),
    ]


def test_a_scenario_in_json_has_lines_too(file: Path) -> None:
    text = '{\n\t"rules": [\n\t\t{"reply": {"txt": "a"}},\n\t\t{"reply": 5}\n\t]\n}'
    found = find(file.with_suffix(".json"), text)
    assert starts(found) == [(3, "rules[0].reply.txt"), (4, "rules[1].reply")]


def test_a_mistake_in_a_merged_mapping_has_the_line_of_its_rule(file: Path) -> None:
    found = find(file, "rules:\n- &a {reply: x, usr: y}\n- {<<: *a, user: z}\n")
    assert starts(found) == [(2, "rules[0].usr"), (3, "rules[1].usr")]


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("rules:\n  - reply: [", 2, "expected the node content, but found '<stream end>'"),
        ("rules: []\nrules: []", 2, "the key 'rules' occurs twice, column 1"),
        ("- a", None, "a scenario must be a mapping with rules, not a list"),
        ("", None, "a scenario must be a mapping with rules, not nothing"),
        (b"\xff", None, "is not UTF-8 text"),
    ],
)
def test_a_file_that_cannot_be_parsed_has_one_mistake(
    file: Path, text: str, line: int, message: str
) -> None:
    ((found_line, found_message),) = find(file, text)
    assert found_message.startswith(message) or message in found_message
    assert found_line == line or text.startswith("rules:\n")


def test_endless_mistakes_are_not_all_listed(file: Path) -> None:
    assert len(find(file, "rules: [" + "{reply: {a: b}}, " * 300 + "]")) == 100


def test_all_lines_of_a_stream_file_are_checked(file: Path) -> None:
    lines = [
        '{"mockserver": 1, "nme": "x"}',
        '{"data": "a", "pause": 1}',
        "",
        '{"json": {}}',
        "{not json}",
        '{"end": "finish"}',
        '{"mockserver": 2}',
        '{"pause": -1}',
        '{"end": "soon"}',
        '{"mockserver": 1}',
        '{"boundary": false}',
    ]
    found = find(file.with_suffix(".jsonl"), "\n".join(lines) + "\n")
    assert [line for line, _ in found] == [1, 2, 5, 7, 8, 9, 11]
    assert "nme" in found[0][1]


def test_what_a_stream_should_say_is_checked_too(file: Path) -> None:
    right = {"mockserver": 1, "expect": {"reply": {"text": "Hello"}}}
    wrong = {"mockserver": 1, "expect": {"reply": {"txt": "Hello"}}}
    lines = [right, {"end": "finish"}, wrong, {"end": "finish"}, wrong, {"end": "finish"}]
    found = find(file.with_suffix(".jsonl"), "\n".join(map(json.dumps, lines)))
    assert starts(found) == [(3, "expect.reply.txt"), (5, "expect.reply.txt")]


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("a.sse", "", "it is empty"),
        ("a.sse", "Hello", "its format is unknown"),
        ("a.har", '{"log": {"entries": [{"request": 1}]}}', "it looks like a HAR, but "),
        ("a.yaml", "interactions: [{request: 1}]\n", "it looks like a vcrpy cassette, but "),
    ],
)
def test_a_recording_of_another_tool_has_one_mistake(
    tmp_path: Path, name: str, text: str, message: str
) -> None:
    ((_, found),) = find(tmp_path / name, text)
    assert found.startswith(message)


def test_a_folder_is_checked_file_by_file(tmp_path: Path) -> None:
    assert "has no .sse or .jsonl files" in list_mistakes(tmp_path)[0].message
    (tmp_path / "right.sse").write_bytes(catalogue.stream("text").bytes())
    for name in ("a.jsonl", "b.jsonl"):
        (tmp_path / name).write_text('{"mockserver": 3}\n', "utf-8")
    (tmp_path / "notes.txt").write_text("not played", "utf-8")
    found = list_mistakes(tmp_path)
    assert [str(one)[: len(str(tmp_path)) + 10] for one in found] == [
        f"{tmp_path}/a.jsonl:1",
        f"{tmp_path}/b.jsonl:1",
    ]


def test_a_missing_file_is_one_mistake(tmp_path: Path) -> None:
    for name in ("a.yaml", "a.sse", "folder"):
        (mistake,) = list_mistakes(tmp_path / name)
        assert str(mistake).count(str(tmp_path)) == 1
        assert "No such file" in str(mistake)
