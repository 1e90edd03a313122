"""The ready-made streams: found by name and family, each with its right answer."""

from __future__ import annotations

import json
import re
from importlib.resources import files
from pathlib import Path
from typing import Any

import httpx2
import msgspec.json
import pytest

from each import each
from openai_mockserver import (
    ApiError,
    Event,
    MockOpenAI,
    MockServerError,
    Pause,
    Raw,
    Reply,
    ReplyError,
    Request,
    Script,
    Stream,
    UnknownStream,
    catalogue,
    sse,
    stream,
    streams,
)
from openai_mockserver.api import ENDPOINTS
from openai_mockserver.cassettes import Exchange, dump, loads
from openai_mockserver.cassettes.cassette import Cassette
from openai_mockserver.catalogue import Requests
from ready_made import PLAYED

each_stream = each(streams())

FAMILIES = {
    "audio",
    "buffering",
    "choices",
    "completions",
    "compression",
    "connection",
    "content",
    "content_filter",
    "content_type",
    "encoding",
    "engines",
    "errors",
    "finish",
    "framing",
    "headers",
    "http_status",
    "ids",
    "logprobs",
    "reasoning",
    "refusal",
    "responses",
    "retry",
    "role",
    "shape",
    "termination",
    "text",
    "timing",
    "tool_call_identity",
    "tool_calls",
    "transcriptions",
    "transport",
    "usage",
}

NO_ANSWER = "it is neither an event stream nor JSON, and our reader reports that"
TAGS = "tags in a text are the model's, and a recording is to be read as it came"
REASONS = "a provider's own finish reason is kept, so that its dialect can send it again"
READ_OTHERWISE = {
    "204-or-no-body": NO_ANSWER,
    "choice-index-increments-per-chunk": "the reader does not know that one choice was asked for",
    "cloudflare-524": NO_ANSWER,
    "error-message-is-json-string": "the message is kept, so that it can be sent again",
    "error-status-stalled-body": NO_ANSWER,
    "finish-reason-end-turn": REASONS,
    "finish-reason-eos": REASONS,
    "html-or-empty-5xx-body": NO_ANSWER,
    "html-or-empty-5xx-body-empty": NO_ANSWER,
    "html-or-empty-5xx-body-no-reason": NO_ANSWER,
    "last-event-id-replay": "the last response is only what follows the first",
    "nan-infinity-json": "data that is not JSON is skipped",
    "ndjson-instead-of-sse": NO_ANSWER,
    "redirect-on-post-303": NO_ANSWER,
    "responses-args-truncated-but-response-completed": "the status is taken at its word",
    "responses-no-arguments-done-for-zero-arg-call": "arguments that are empty are kept empty",
    "responses-output-index-collision": "items are told apart by their index, not by their ids",
    "think-close-tag-split-across-chunks": TAGS,
    "think-close-tag-without-open-tag": TAGS,
    "think-tag-never-closed": TAGS,
    "tool-call-without-arguments-key": "arguments that are empty are kept empty",
}
"""The streams of which our own reader makes something else than their right answer, and why."""


DONE = Event("[DONE]")

ASKED_IN = {
    "/v1/audio/transcriptions": "file",
    "/v1/chat/completions": "messages",
    "/v1/completions": "prompt",
    "/v1/responses": "input",
}
"""In which member a request says what it asks, by path."""


def load_file(one: Stream) -> list[Exchange]:
    file = files("openai_mockserver.fixtures") / one.family / f"{one.name}.jsonl"
    return loads(file.read_bytes(), one.name)


def is_in_bytes_of_http(one: Stream) -> bool:
    """Whether only a client of HTTP can read a stream: `test_transport_rows` reads such streams."""
    return one.script.raw or one.script.head.header("content-encoding") is not None


def read(one: Stream) -> Reply | None:
    """What our own reader makes of a stream; None if it cannot be read."""
    endpoints, _ = ENDPOINTS.find(one.path)
    reader = endpoints["POST"].read
    assert reader is not None
    try:
        answer = reader(one.script)
    except ReplyError:
        return None
    return Reply(error=answer) if isinstance(answer, ApiError) else answer


def test_there_is_a_stream_for_each_documented_misbehaviour() -> None:
    assert len(catalogue.names()) >= 308


def test_the_streams_that_expensive_tests_play_are_a_part_of_all() -> None:
    assert set(PLAYED) < set(catalogue.names())


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


def test_a_stream_has_the_names_of_its_file_and_folder() -> None:
    for one in streams():
        about = load_file(one)[0].about
        assert (about["name"], about["family"]) == (one.name, one.family)


def test_the_description_of_a_stream_is_one_sentence() -> None:
    for one in streams():
        assert one.description.endswith(".")
        assert "\n" not in one.description


def test_a_stream_says_what_a_correct_consumer_does_and_whose_rule_that_is() -> None:
    for one in streams():
        assert one.requirement is not None
        assert one.requirement.text.endswith(".")
        assert "\n" not in one.requirement.text
        assert re.match(
            r"OpenAI's published schema, \w+|(HTML Standard|RFC \d+), \d|seen at \w",
            one.requirement.source,
        )


@pytest.mark.parametrize("one", [one for one in streams() if not is_in_bytes_of_http(one)], ids=str)
def test_the_content_of_a_stream_is_its_right_answer(one: Stream) -> None:
    assert (read(one) != one.reply) == (one.name in READ_OTHERWISE)


def test_a_stream_names_the_error_that_a_correct_consumer_reports() -> None:
    for one in streams():
        assert one.error in {None, "api", "connection", "incomplete", "malformed", "timeout"}


def test_what_is_read_otherwise_are_streams() -> None:
    assert READ_OTHERWISE.keys() <= set(catalogue.names())


def test_streams_in_the_bytes_of_http_are_of_transport() -> None:
    families = {one.family for one in streams() if is_in_bytes_of_http(one)}
    assert families == {"compression", "connection", "headers", "termination", "timing"}


def test_only_a_stream_that_ends_cleanly_or_after_done_may_lack_an_error() -> None:
    for one in streams():
        is_done = DONE in sse.decode(one.bytes())
        assert one.script.end == "finish" or is_done or one.error is not None


def test_a_stream_of_several_exchanges_ends_well_if_all_are_gone_through() -> None:
    for one in streams():
        assert not one.earlier or one.error is None


def test_gaps_and_headers_are_those_of_requests_that_may_come() -> None:
    for one in streams():
        requests = one.requests or Requests()
        most = requests.most or len(one.scripts)
        assert requests.least <= most
        assert len(requests.gaps) < most
        assert len(requests.headers) <= most
        assert len(one.scripts) <= most


def test_playing_a_stream_takes_no_long_silence() -> None:
    for one in streams():
        steps = [step for script in one.scripts for step in script.steps]
        pauses = [step.seconds for step in steps if isinstance(step, Pause)]
        assert max(pauses, default=0) <= 1 or one.name == "stall"
        assert max(script.head.delay for script in one.scripts) <= 1


def test_the_file_of_a_stream_is_small() -> None:
    for one in streams():
        file = files("openai_mockserver.fixtures") / one.family / f"{one.name}.jsonl"
        content = file.read_bytes()
        assert len(content) <= 150_000 or one.name == "long"
        assert max(map(len, content.splitlines())) <= 2**17


def test_a_stream_has_a_request_that_it_answers() -> None:
    for one in streams():
        assert one.request["stream"] is True
        assert one.request[ASKED_IN[one.path]]


def build_request(path: str, parameters: dict[str, Any]) -> Request:
    """Return a request: JSON, or a form if one of its parameters is a file."""
    if "file" not in parameters:
        return Request("POST", path, body=msgspec.json.encode(parameters))
    files = {"file": (parameters["file"], b"RIFF")}
    form = {name: str(value).lower() for name, value in parameters.items() if name != "file"}
    request = httpx2.Request("POST", f"http://localhost{path}", data=form, files=files)
    headers = (("content-type", request.headers["content-type"]),)
    return Request("POST", path, headers, request.read())


@each_stream
def test_a_stream_answers_a_request_that_names_it(one: Stream) -> None:
    parameters = {**one.request, "model": f"mockserver/{one.name}"}
    call = MockOpenAI().respond(build_request(one.path, parameters))
    assert call.script == one.scripts[0]
    assert call.problem is None


@each_stream
def test_the_file_of_a_stream_is_a_cassette_too(one: Stream, tmp_path: Path) -> None:
    file = tmp_path / "cassette.jsonl"
    dump(file, load_file(one))
    body = msgspec.json.encode(one.request)
    cassette = Cassette(file)
    for expected in one.scripts:
        script = cassette.find("POST", one.path, (), body)
        assert isinstance(script, Script)
        assert (sse.body(script.steps), script.end) == (sse.body(expected.steps), expected.end)


def test_the_citations_of_a_stream_are_web_pages() -> None:
    for one in streams():
        assert all(citation.startswith("https://") for citation in one.citations)


def test_the_file_of_a_stream_has_its_last_line() -> None:
    for one in streams():
        assert all(exchange.complete for exchange in load_file(one))


def test_the_first_head_line_says_what_a_stream_is() -> None:
    for one in streams():
        assert all(exchange.about.keys() <= {"request"} for exchange in load_file(one)[1:])


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


def test_the_error_for_a_misspelled_name_of_many_words_suggests_the_right_one_first() -> None:
    with pytest.raises(UnknownStream, match=r"did you mean tool-call-index-missing, "):
        stream("tool-call-index-mising")


def test_the_error_for_some_words_of_a_name_suggests_the_names_that_have_them() -> None:
    with pytest.raises(UnknownStream, match=r"did you mean crlf-line-endings, crlf-split"):
        stream("crlf")
    with pytest.raises(UnknownStream, match=r"did you mean tool-call-index-missing, "):
        stream("index missing")


def test_the_error_for_the_name_of_a_family_says_which_streams_it_has() -> None:
    with pytest.raises(UnknownStream, match=r"that is a family: audio-delta-.*, …"):
        stream("audio")


def test_the_error_for_a_name_like_no_other_says_how_to_list_the_names() -> None:
    with pytest.raises(UnknownStream) as error:
        stream("§")
    assert str(error.value) == (
        "no stream is called '§'; openai_mockserver.catalogue.names() and "
        "`openai-mockserver streams` list them"
    )


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


# The documented misbehaviours

IN_THE_ROW = "the row itself spells how the body ends"
ERROR_ENDS = "the server reports an error, and ends the body"
WITHOUT_DONE = {
    "chat-consumer-given-responses-events": "the Responses API has no [DONE]",
    "content-filter-finish-then-eof-without-done": "that is what the row shows",
    "error-under-misspelt-key": ERROR_ENDS,
    "first-frame-is-error-with-null-code": ERROR_ENDS,
    "json-mode-trailing-whitespace-flood": "the stream never ends",
    "midstream-bare-error-frame-no-done": "that is what the row shows",
    "nonstandard-error-sse-field-at-200": IN_THE_ROW,
    "nonstream-json-body-followed-by-done": IN_THE_ROW,
    "tool-args-truncated-by-dropped-stream": "the connection closes before",
}
"""The streams that are not of the Responses API and to which no event [DONE] was added, and why."""


def list_steps(wire: list[Any]) -> list[Any]:
    """What a row's wire says of the steps: a JSON value, data as it is spelt, or bytes."""
    steps: list[Any] = []
    for entry in wire:
        if isinstance(entry, dict) and "$repeat" in entry:
            repeat = entry["$repeat"]
            steps.append(Raw((repeat["raw"] * repeat["count"]).encode()))
        elif isinstance(entry, str):
            steps.append(Raw(entry.encode()) if entry.endswith("\n") else Event(entry))
        else:
            steps.append(entry)
    return steps


def spell(value: Any) -> str:
    """JSON of which two are the same only if the values are, 1 and 1.0 and true apart."""
    return json.dumps(value, sort_keys=True)


def test_each_documented_misbehaviour_is_a_stream_as_it_was_documented(shared: Path) -> None:
    lines = (shared / "catalogue" / "chunks.jsonl").read_text().splitlines()
    for row in map(json.loads, lines):
        one = stream(row["slug"])
        assert list(one.citations) == row["citations"], one
        wire, steps = list_steps(row["wire"]), list(one.script.steps)
        if one.path != "/v1/responses" and one.name not in WITHOUT_DONE:
            assert steps.pop() == DONE, one
        assert len(steps) == len(wire), one
        for step, entry in zip(steps, wire, strict=True):
            if isinstance(entry, Event | Raw):
                assert step == entry, one
            else:
                assert isinstance(step, Event), one
                assert spell(json.loads(step.data)) == spell(entry), one
                assert step.event in (None, entry.get("type")), one
    assert len(lines) == 144


@pytest.mark.parametrize("one", streams("responses"), ids=str)
def test_events_of_the_responses_api_are_named_and_none_is_done(one: Stream) -> None:
    steps = [step for step in one.script.steps if isinstance(step, Event)]
    assert [step.event for step in steps] == [json.loads(step.data)["type"] for step in steps]
    assert one.path == "/v1/responses"
