"""Cases: which there are, their names, and how their bytes arrive."""

from __future__ import annotations

from pathlib import Path

import pytest

from openai_mockserver import Pause, Reply, Script, Stream, ToolCall, catalogue, sse
from openai_mockserver.cassettes import dumps
from openai_mockserver.exceptions import CheckError, UnknownStream
from openai_mockserver.judge import READS, Case, select_cases
from openai_mockserver.judge.cases import ENDPOINTS, SAMPLE


def test_by_default_each_stream_of_the_catalogue_is_a_case() -> None:
    cases = select_cases()
    assert {case.stream.name for case in cases} == set(catalogue.names())
    assert len({case.name for case in cases}) == len(cases)


def test_the_sample_arrives_in_all_reads_that_differ() -> None:
    assert set(catalogue.names()) >= set(SAMPLE)
    names = {case.name for case in select_cases(names=["unicode"])}
    assert {"unicode", "unicode@whole", "unicode@utf8"} <= names
    assert "unicode@crlf" not in names  # it has no CR, so nothing can be cut there


@pytest.mark.parametrize("reads", READS)
def test_the_reads_do_not_change_the_bytes(reads: str) -> None:
    one = catalogue.stream("unicode")
    (script,) = Case(one, reads).scripts
    assert sse.body(script.steps) == one.bytes()


def test_a_case_in_certain_reads_is_found_by_its_name() -> None:
    (case,) = select_cases(names=["unicode@utf8"])
    assert (str(case), case.reads) == ("unicode@utf8", "utf8")


def test_cases_are_selected_by_all_properties() -> None:
    cases = select_cases(families=["responses"], endpoints=["responses"], must_only=True)
    assert cases
    for case in cases:
        assert case.path == ENDPOINTS["responses"]
        assert case.stream.requirement is not None
        assert case.stream.requirement.level == "MUST"


def test_reads_can_be_chosen_for_all() -> None:
    cases = select_cases(families=["text"], reads=["whole", "utf8"])
    assert {case.reads for case in cases} == {"whole", "utf8"}


def test_long_pauses_are_shortened() -> None:
    (case,) = select_cases(names=["stall"], silence=0.25)
    pauses = [step.seconds for step in case.scripts[-1].steps if isinstance(step, Pause)]
    assert pauses == [0.25]


def test_a_case_may_be_a_file(tmp_path: Path) -> None:
    file = tmp_path / "mine.jsonl"
    file.write_bytes(dumps(catalogue.stream("text").script))
    (case,) = select_cases(names=[str(file)])
    assert case.stream.reply.text == catalogue.stream("text").reply.text


def test_a_drawn_stream_is_asked_for_with_its_tools_and_choices() -> None:
    reply = Reply(tool_calls=[ToolCall("f", {}), ToolCall("f", {})])
    request = Case(Stream(Script(), reply)).request
    assert [tool["function"]["name"] for tool in request["tools"]] == ["f"]
    assert request["stream"] is True


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"names": ["txet"]}, UnknownStream, "did you mean text"),
        ({"names": ["text@bits"]}, CheckError, "no way to read is called 'bits'; choose from rec"),
        ({"families": ["txet"]}, UnknownStream, "no family is called 'txet'"),
        ({"endpoints": ["embeddings"]}, CheckError, "no endpoint is called 'embeddings'"),
        ({"reads": ["bits"]}, CheckError, "no way to read is called 'bits'"),
        ({"families": ["text"], "endpoints": ["responses"]}, CheckError, "no case of the cat"),
    ],
)
def test_what_does_not_exist_is_an_error(
    options: dict[str, list[str]], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        select_cases(**options)  # type: ignore[arg-type]
