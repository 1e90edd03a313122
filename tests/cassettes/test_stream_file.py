"""The stream file: written exchanges are read back equal, and errors name their place."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec.json
import pytest
from hypothesis import given
from hypothesis import strategies as st

from openai_mockserver import Comment, Event, Head, Pause, Raw, Script, StreamFileError
from openai_mockserver.cassettes import Exchange, dump, dumps, load, loads
from openai_mockserver.script import ENDS

# Short texts find the same errors as long ones, as long as any character may occur.
texts = st.text(max_size=8)
seconds = st.floats(min_value=0, allow_nan=False, allow_infinity=False)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_infinity=False) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)
compact_json = json_values.map(lambda value: msgspec.json.encode(value).decode())
# Data that is valid JSON, but that our encoder would write differently.
odd_json = st.sampled_from(
    ['{"a": 1}', '{"a":1,"a":2}', "[1e2]", "[-0]", "[1.0]", "[18446744073709551616]", "[1e400]", ""]
)
events = st.builds(
    Event,
    texts | compact_json | odd_json | st.just("[DONE]"),
    event=st.none() | texts,
    id=st.none() | texts,
    retry=st.none() | st.integers(),
)
steps = st.one_of(
    events,
    st.builds(Comment, texts),
    st.builds(Raw, st.binary(max_size=8)),
    st.builds(Raw, texts.map(str.encode)),
    st.builds(Pause, seconds),
)
heads = st.builds(
    Head,
    status=st.integers(100, 599),
    headers=st.lists(st.tuples(texts, texts), max_size=3).map(tuple),
    delay=seconds,
)
scripts = st.builds(
    Script,
    head=heads,
    steps=st.lists(steps, max_size=6).map(tuple),
    end=st.sampled_from(sorted(ENDS)),
)

HEAD = b'{"mockserver":1}\n'


# Round trips


@given(scripts)
def test_a_written_exchange_is_read_back_equal(script: Script) -> None:
    (exchange,) = loads(dumps(script))
    assert exchange == Exchange(script, exchange.about, complete=True)


@given(st.lists(scripts, max_size=3))
def test_a_file_contains_several_exchanges_in_order(script_list: list[Script]) -> None:
    content = b"".join(map(dumps, script_list))
    assert [exchange.script for exchange in loads(content)] == script_list


@given(scripts)
def test_reading_and_writing_again_changes_no_byte(script: Script) -> None:
    (exchange,) = loads(content := dumps(script))
    assert dumps(exchange.script, exchange.about) == content


def test_a_file_on_disk_is_read_back_equal(tmp_path: Path) -> None:
    about: dict[str, Any] = {
        "name": "hello",
        "family": "text",
        "description": "A greeting.",
        "citations": ["https://example.org/hello"],
        "request": {"model": "gpt-4o", "stream": True},
        "requirement": {"level": "MUST", "text": "Greet back.", "source": "good manners, §1"},
        "expect": {"reply": {"text": "Hello"}},
    }
    exchanges = [
        Exchange(Script(Head(200, (("Date", "today"),), 0.5), (Event("a"),)), about),
        Exchange(Script(Head(500), (Raw(b"\xff"),), "reset"), {"name": "broken"}),
    ]
    dump(tmp_path / "two.jsonl", exchanges)
    assert load(tmp_path / "two.jsonl") == exchanges


# The lines of a file


@pytest.mark.parametrize(
    ("step", "line"),
    [
        (Event('{"a":[1,null]}'), b'{"json":{"a":[1,null]}}'),
        (Event("[DONE]"), b'{"data":"[DONE]"}'),
        (Event('{"a": 1}'), rb'{"data":"{\"a\": 1}"}'),
        (Event("x", "e", "7", 3), b'{"data":"x","event":"e","id":"7","retry":3}'),
        (Event("{}", id=""), b'{"json":{},"id":""}'),
        (Comment("keep-alive"), b'{"comment":"keep-alive"}'),
        (Pause(0.5), b'{"pause":0.5}'),
        (Raw("data: é\r\n\r\n".encode()), '{"text":"data: é\\r\\n\\r\\n"}'.encode()),
        (Raw(b"\xff\xfe"), b'{"base64":"//4="}'),
    ],
)
def test_a_step_is_a_readable_line(step: Any, line: bytes) -> None:
    assert dumps(Script(steps=(step,))).splitlines()[1] == line


@pytest.mark.parametrize("end", sorted(ENDS))
def test_the_last_line_says_how_the_exchange_ended(end: Any) -> None:
    assert dumps(Script(end=end)).splitlines()[-1] == b'{"end":"%b"}' % end.encode()


def test_the_head_line_has_version_status_and_headers() -> None:
    head, _ = dumps(Script(Head(429, (("retry-after", "1"),), 2.5)), {"name": "x"}).splitlines()
    assert head == (
        b'{"mockserver":1,"name":"x","response":'
        b'{"status":429,"headers":[["retry-after","1"]],"delay":2.5}}'
    )


def test_a_file_written_by_hand_needs_only_the_version() -> None:
    assert loads(HEAD + b'{"end":"finish"}') == [Exchange(Script(), {}, complete=True)]


def test_blank_lines_and_windows_line_ends_are_ignored() -> None:
    content = b'\r\n{"mockserver":1}\r\n\r\n{"data":"a"}\r\n  \n{"end":"hold"}\r\n\r\n'
    assert loads(content) == [Exchange(Script(Head(), (Event("a"),), "hold"), {})]


def test_an_empty_file_contains_no_exchange() -> None:
    assert loads(b"") == []


# A file that was cut off


@given(scripts.filter(lambda script: script.steps))
def test_a_file_cut_off_after_a_line_contains_the_steps_so_far(script: Script) -> None:
    lines = dumps(script).splitlines(keepends=True)
    for count in range(len(script.steps) + 1):
        (exchange,) = loads(b"".join(lines[: 1 + count]))
        assert exchange.script == Script(script.head, script.steps[:count], "truncate")
        assert not exchange.complete


def test_an_exchange_cut_off_before_the_next_one_is_read() -> None:
    first, second = loads(HEAD + b'{"data":"a"}\n' + HEAD + b'{"end":"finish"}\n')
    assert first == Exchange(Script(Head(), (Event("a"),), "truncate"), {}, complete=False)
    assert second == Exchange(Script(), {}, complete=True)


def test_a_complete_file_may_lack_its_last_line_end() -> None:
    (exchange,) = loads(dumps(Script(steps=(Event("a"),)))[:-1])
    assert exchange.complete


# Errors


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (b'{"jsn": {}}', "jsn"),
        (b'{"data": "a", "evnt": "x"}', "evnt"),
        (b"{}", "this one has none"),
        (b'{"event": "x"}', "this one has none"),
        (b'{"json": {}, "data": "a"}', "this one has json and data"),
        (b'{"pause": 1, "comment": "a"}', "this one has comment and pause"),
        (b'{"base64": "!"}', "base64: "),
        (b'{"base64": "//4"}', "base64: "),
        (b'{"pause": -1}', "pause: "),
        (b'{"pause": "1"}', "$.pause"),
        (b'{"data": 1}', "$.data"),
        (b'{"retry": "x", "data": "a"}', "$.retry"),
        (b'{"end": "finsh"}', "end: 'finsh' must be one of close"),
        (b"data: a", ""),
        (b"\xff", ""),
        (b"[]", ""),
    ],
)
def test_an_error_in_a_step_names_file_line_and_key(line: bytes, message: str) -> None:
    with pytest.raises(StreamFileError) as error:
        loads(HEAD + b'{"data":"a"}\n' + line + b"\n", "some.jsonl")
    assert str(error.value).startswith("some.jsonl:3: ")
    assert message in str(error.value)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (b'{"mockserver": 2}', "version 2"),
        (b'{"mockserver": "1"}', "$.mockserver"),
        (b'{"mockservr": 1}', "mockservr"),
        (b'{"data": "a"}', "data"),
        (b'{"mockserver": 1, "nme": "x"}', "nme"),
        (b'{"mockserver": 1, "name": 1}', "$.name"),
        (b'{"mockserver": 1, "response": {"staus": 1}}', "staus"),
        (
            b'{"mockserver": 1, "requirement": {"level": "must", "text": "a", "source": "b"}}',
            "$.requirement.level",
        ),
        (b'{"mockserver": 1, "requirement": {"level": "MUST", "text": "a"}}', "source"),
        (b'{"mockserver": 1, "response": {"headers": [["a"]]}}', "$.response.headers[0]"),
    ],
)
def test_an_error_in_the_head_names_file_line_and_key(line: bytes, message: str) -> None:
    complete = dumps(Script())
    with pytest.raises(StreamFileError) as error:
        loads(complete + line + b"\n", "some.jsonl")
    assert str(error.value).startswith("some.jsonl:3: ")
    assert message in str(error.value)


def test_an_error_in_a_file_names_its_path(tmp_path: Path) -> None:
    file = tmp_path / "wrong.jsonl"
    file.write_bytes(HEAD + b'{"jsn":1}\n')
    with pytest.raises(StreamFileError) as error:
        load(file)
    assert str(error.value).startswith(f"{file}:2: ")


def test_the_error_for_a_missing_file_names_it(tmp_path: Path) -> None:
    with pytest.raises(StreamFileError) as error:
        load(tmp_path / "missing.jsonl")
    assert str(error.value).startswith(f"cannot read {tmp_path / 'missing.jsonl'}: ")


def test_dumps_refuses_what_loads_could_not_read() -> None:
    with pytest.raises(StreamFileError, match="nme"):
        dumps(Script(), {"nme": "x"})
