"""The ready-made streams: found by name and family, each with its right answer."""

from __future__ import annotations

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


def the_file_of(one: Stream) -> Exchange:
    file = files("openai_mockserver.fixtures") / one.family / f"{one.name}.jsonl"
    (exchange,) = loads(file.read_bytes(), one.name)
    return exchange


def test_there_are_at_least_two_dozen_streams() -> None:
    assert len(catalogue.names()) >= 24


def test_no_two_streams_share_a_name() -> None:
    # A name is all that a request has to go by, whatever the family.
    on_disk = [
        file.name
        for family in files("openai_mockserver.fixtures").iterdir()
        if family.is_dir()
        for file in family.iterdir()
        if file.name.endswith(".jsonl")
    ]
    assert sorted(f"{name}.jsonl" for name in catalogue.names()) == sorted(on_disk)


def test_every_family_is_there() -> None:
    assert set(catalogue.families()) >= FAMILIES


@each_stream
def test_a_stream_is_named_as_its_file_and_folder_are(one: Stream) -> None:
    about = the_file_of(one).about
    assert (about["name"], about["family"]) == (one.name, one.family)


@each_stream
def test_a_stream_says_in_a_sentence_what_it_is(one: Stream) -> None:
    assert one.description.endswith(".")
    assert "\n" not in one.description


@each_stream
def test_what_a_stream_says_is_its_right_answer(one: Stream) -> None:
    assert chat.read(one.script) == one.reply


@each_stream
def test_a_stream_says_which_error_a_right_consumer_surfaces(one: Stream) -> None:
    assert one.error in {None, "api", "connection", "incomplete", "malformed", "timeout"}


@each_stream
def test_only_a_stream_that_ends_cleanly_may_surface_no_error(one: Stream) -> None:
    assert one.script.end == "finish" or one.error is not None


@each_stream
def test_a_stream_comes_with_a_request_that_it_answers(one: Stream) -> None:
    assert one.request["stream"] is True
    assert one.request["messages"]


@each_stream
def test_the_file_of_a_stream_is_a_cassette_too(one: Stream, tmp_path: Path) -> None:
    file = tmp_path / "cassette.jsonl"
    dump(file, [the_file_of(one)])
    body = msgspec.json.encode(one.request)
    played = Cassette(file).find("POST", "/v1/chat/completions", (), body)
    assert isinstance(played, Script)
    assert chat.read(played) == one.reply


@each_stream
def test_what_a_stream_cites_is_a_web_page(one: Stream) -> None:
    assert all(citation.startswith("https://") for citation in one.citations)


@each_stream
def test_the_file_of_a_stream_has_its_last_line(one: Stream) -> None:
    assert the_file_of(one).complete


def test_a_stream_is_found_by_its_name() -> None:
    found = stream("tool-calls-parallel")
    assert (found.name, found.family) == ("tool-calls-parallel", "tool_calls")
    assert str(found) == "tool-calls-parallel"


def test_a_stream_is_read_once() -> None:
    assert stream("text") is stream("text")


@pytest.mark.parametrize("family", sorted(FAMILIES))
def test_a_family_gives_its_own_streams(family: str) -> None:
    found = streams(family)
    assert found
    assert {one.family for one in found} == {family}


def test_all_streams_are_those_of_all_families() -> None:
    of_families = [one for family in catalogue.families() for one in streams(family)]
    assert of_families == list(streams())
    assert tuple(one.name for one in streams()) == catalogue.names()


def test_a_misspelt_name_is_told_the_names_that_come_close() -> None:
    with pytest.raises(UnknownStream, match=r"'tool-cal'; did you mean .*\btool-call\b"):
        stream("tool-cal")


def test_a_name_like_no_other_is_told_all_the_names() -> None:
    with pytest.raises(UnknownStream) as caught:
        stream("§")
    assert all(name in str(caught.value) for name in catalogue.names())


def test_an_unknown_family_is_told_the_families() -> None:
    with pytest.raises(UnknownStream) as caught:
        streams("tool-calls")
    assert str(caught.value) == (
        f"no family is called 'tool-calls'; there are {', '.join(catalogue.families())}"
    )


def test_an_unknown_name_is_caught_as_any_error_of_the_package_and_as_a_lookup() -> None:
    with pytest.raises(MockServerError) as caught:
        stream("nosuch")
    assert isinstance(caught.value, LookupError)
