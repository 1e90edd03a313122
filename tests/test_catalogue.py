"""The ready-made streams: found by name and family, each with its right answer."""

from __future__ import annotations

import re
from importlib.resources import files
from pathlib import Path

import msgspec.json
import pytest

from openai_mockserver import (
    MockServerError,
    Script,
    Stream,
    UnknownStream,
    catalogue,
    stream,
    streams,
)
from openai_mockserver.api import chat
from openai_mockserver.cassettes import Exchange, dump, loads
from openai_mockserver.cassettes.cassette import Cassette

each_stream = pytest.mark.parametrize("one", streams(), ids=str)

FAMILIES = {
    "choices",
    "engines",
    "errors",
    "finish",
    "framing",
    "logprobs",
    "reasoning",
    "refusal",
    "text",
    "tool_calls",
    "transport",
    "usage",
}


def load_file(one: Stream) -> Exchange:
    file = files("openai_mockserver.fixtures") / one.family / f"{one.name}.jsonl"
    (exchange,) = loads(file.read_bytes(), one.name)
    return exchange


def test_there_are_at_least_two_dozen_streams() -> None:
    assert len(catalogue.names()) >= 24


def test_no_two_streams_share_a_name() -> None:
    # Users select a stream by its name alone, without the family.
    on_disk = [
        file.name
        for family in files("openai_mockserver.fixtures").iterdir()
        if family.is_dir()
        for file in family.iterdir()
        if file.name.endswith(".jsonl")
    ]
    assert sorted(f"{name}.jsonl" for name in catalogue.names()) == sorted(on_disk)


def test_every_family_exists() -> None:
    assert set(catalogue.families()) >= FAMILIES


@each_stream
def test_a_stream_has_the_names_of_its_file_and_folder(one: Stream) -> None:
    about = load_file(one).about
    assert (about["name"], about["family"]) == (one.name, one.family)


@each_stream
def test_the_description_of_a_stream_is_one_sentence(one: Stream) -> None:
    assert one.description.endswith(".")
    assert "\n" not in one.description


@each_stream
def test_a_stream_says_what_a_correct_consumer_does_and_whose_rule_that_is(one: Stream) -> None:
    assert one.requirement is not None
    assert one.requirement.text.endswith(".")
    assert "\n" not in one.requirement.text
    assert re.match(
        r"OpenAI's published schema, \w+|(HTML Standard|RFC \d+), \d|seen at \w",
        one.requirement.source,
    )


@each_stream
def test_the_content_of_a_stream_is_its_right_answer(one: Stream) -> None:
    assert chat.read(one.script) == one.reply


@each_stream
def test_a_stream_names_the_error_that_a_correct_consumer_reports(one: Stream) -> None:
    assert one.error in {None, "api", "connection", "incomplete", "malformed", "timeout"}


@each_stream
def test_only_a_stream_that_ends_cleanly_may_lack_an_error(one: Stream) -> None:
    assert one.script.end == "finish" or one.error is not None


@each_stream
def test_a_stream_has_a_request_that_it_answers(one: Stream) -> None:
    assert one.request["stream"] is True
    assert one.request["messages"]


@each_stream
def test_the_file_of_a_stream_is_a_cassette_too(one: Stream, tmp_path: Path) -> None:
    file = tmp_path / "cassette.jsonl"
    dump(file, [load_file(one)])
    body = msgspec.json.encode(one.request)
    script = Cassette(file).find("POST", "/v1/chat/completions", (), body)
    assert isinstance(script, Script)
    assert chat.read(script) == one.reply


@each_stream
def test_the_citations_of_a_stream_are_web_pages(one: Stream) -> None:
    assert all(citation.startswith("https://") for citation in one.citations)


@each_stream
def test_the_file_of_a_stream_has_its_last_line(one: Stream) -> None:
    assert load_file(one).complete


def test_a_stream_is_found_by_its_name() -> None:
    one = stream("tool-calls-parallel")
    assert (one.name, one.family) == ("tool-calls-parallel", "tool_calls")
    assert str(one) == "tool-calls-parallel"


def test_a_stream_is_read_once() -> None:
    assert stream("text") is stream("text")


@pytest.mark.parametrize("family", sorted(FAMILIES))
def test_a_family_has_its_own_streams(family: str) -> None:
    family_streams = streams(family)
    assert family_streams
    assert {one.family for one in family_streams} == {family}


def test_all_streams_are_those_of_all_families() -> None:
    of_families = [one for family in catalogue.families() for one in streams(family)]
    assert of_families == list(streams())
    assert tuple(one.name for one in streams()) == catalogue.names()


def test_the_error_for_a_misspelled_name_suggests_similar_names() -> None:
    with pytest.raises(UnknownStream, match=r"'tool-cal'; did you mean .*\btool-call\b"):
        stream("tool-cal")


def test_the_error_for_a_name_like_no_other_lists_all_names() -> None:
    with pytest.raises(UnknownStream) as error:
        stream("§")
    assert all(name in str(error.value) for name in catalogue.names())


def test_the_error_for_an_unknown_family_lists_the_families() -> None:
    with pytest.raises(UnknownStream) as error:
        streams("tool-calls")
    assert str(error.value) == (
        f"no family is called 'tool-calls'; choose from {', '.join(catalogue.families())}"
    )


def test_an_unknown_name_is_caught_as_any_error_of_the_package_and_as_a_lookup() -> None:
    with pytest.raises(MockServerError) as error:
        stream("nosuch")
    assert isinstance(error.value, LookupError)
