"""The ready-made streams: found by name and family, each with its right answer."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import replace
from importlib.resources import files
from pathlib import Path
from typing import Any

import msgspec.json
import openai
import pytest

import openai_mockserver.script
from each import each
from openai_mockserver import (
    ApiError,
    Event,
    Head,
    MockOpenAI,
    MockServerError,
    Pause,
    Raw,
    Reply,
    ReplyError,
    Request,
    Script,
    Stream,
    StreamFileError,
    Text,
    UnknownStream,
    api,
    catalogue,
    faulty,
    sse,
    stream,
    streams,
)
from openai_mockserver.api import ENDPOINTS
from openai_mockserver.api.chat import PATH
from openai_mockserver.cassettes import Exchange, dump, dumps, loads
from openai_mockserver.cassettes.cassette import Cassette
from openai_mockserver.catalogue import Requests, Requirement
from openai_mockserver.faults import drop_done, reset
from ready_made import PLAYED

each_stream = each(streams())

FAMILIES = {
    "audio",
    "buffering",
    "choices",
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


@each_stream
def test_a_stream_answers_a_request_that_names_it(one: Stream) -> None:
    asked = {**one.request, "model": f"mockserver/{one.name}"}
    call = MockOpenAI().respond(Request("POST", one.path, body=msgspec.json.encode(asked)))
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


# Streams of several exchanges, and of one's own files

BUSY = Script(
    Head(429, (("Retry-After-Ms", "1"), ("Content-Type", "text/plain"), ("Content-Length", "4"))),
    (Raw(b"busy"),),
)
SEVERAL = Stream(
    stream("text").script,
    stream("text").reply,
    earlier=(BUSY, Script(BUSY.head, (), "truncate")),
    requests=Requests(1, 3, (0.5,), ({}, {"Last-Event-ID": "1"})),
)
REQUEST: dict[str, Any] = {"model": "m", "messages": [{"role": "user", "content": "Hi"}]}


def collect_text(chunks: Iterable[Any]) -> str:
    """Return the text in the SDK's chunks."""
    return "".join(c.choices[0].delta.content or "" for c in chunks if c.choices)


def test_exchanges_are_played_in_order_and_then_the_last_again(mock_openai: MockOpenAI) -> None:
    mock_openai.reply(SEVERAL)
    request = Request("POST", PATH, body=msgspec.json.encode({**REQUEST, "stream": True}))
    calls = [mock_openai.respond(request) for _ in range(4)]
    assert [call.script for call in calls] == [*SEVERAL.scripts, SEVERAL.script]


def test_the_next_reply_follows_the_last_exchange(mock_openai: MockOpenAI) -> None:
    mock_openai.reply(SEVERAL, BUSY)
    request = Request("POST", PATH, body=msgspec.json.encode({**REQUEST, "stream": True}))
    calls = [mock_openai.respond(request) for _ in range(4)]
    assert [call.script for call in calls] == [*SEVERAL.scripts, BUSY]


def test_faults_change_the_last_exchange_only(mock_openai: MockOpenAI) -> None:
    mock_openai.reply(faulty(SEVERAL, drop_done()), faults=[reset(after=2)])
    request = Request("POST", PATH, body=msgspec.json.encode({**REQUEST, "stream": True}))
    calls = [mock_openai.respond(request) for _ in range(3)]
    assert [call.script.end for call in calls] == ["finish", "truncate", "reset"]
    assert [call.script for call in calls[:2]] == list(SEVERAL.earlier)


def test_the_sdk_retries_until_the_last_exchange(
    mock_openai: MockOpenAI, openai_client: openai.OpenAI
) -> None:
    mock_openai.reply(SEVERAL)
    client = openai_client.with_options(max_retries=2)
    chunks = client.chat.completions.create(stream=True, **REQUEST)
    assert collect_text(chunks) == SEVERAL.reply.text
    assert [call.status for call in mock_openai.calls] == [429, 429, 200]
    assert [call.attempt for call in mock_openai.calls] == [1, 2, 3]


def test_code_recreates_a_stream_of_several_exchanges() -> None:
    names = {**vars(openai_mockserver.script), **vars(catalogue), "Reply": Reply, "Text": Text}
    assert eval(SEVERAL.code(), names) == SEVERAL
    assert eval(repr(SEVERAL), names) == SEVERAL


def write_stream(path: Path, one: Stream, **about: Any) -> Path:
    """Write the exchanges of a stream into a file; `about` is in the first head line."""
    first, *others = one.scripts
    path.write_bytes(dumps(first, about) + b"".join(map(dumps, others)))
    return path


def test_a_stream_is_read_from_ones_own_file(tmp_path: Path) -> None:
    file = write_stream(
        tmp_path / "own.jsonl",
        SEVERAL,
        name="mine",
        description="My own.",
        citations=["https://example.com"],
        request={"url": "https://api.openai.com/v1/chat/completions", "json": REQUEST},
        requirement={"level": "MAY", "text": "Retry.", "source": "seen at us"},
        expect={
            "reply": {"text": "The answer is 42."},
            "requests": {"most": 3, "gaps": [0.5], "headers": [{}, {"Last-Event-ID": "1"}]},
        },
    )
    one = catalogue.read_stream(file)
    assert one == Stream(
        SEVERAL.script,
        Reply("The answer is 42."),
        None,
        "mine",
        "",
        "My own.",
        ("https://example.com",),
        REQUEST,
        PATH,
        Requirement("MAY", "Retry.", "seen at us"),
        SEVERAL.earlier,
        SEVERAL.requests,
    )
    assert str(one) == "mine"
    assert "name='mine'" in repr(one)  # it is not in the catalogue


ENDS_OF_TEXT: list[tuple[Script, str | None]] = [
    (stream("text").script, None),
    (replace(stream("text").script, end="reset"), None),  # after [DONE]
    (stream("missing-done").script, None),
    (stream("reset").script, "connection"),
    (stream("truncation").script, "incomplete"),
    (stream("silence").script, "timeout"),
    (stream("error-mid-stream").script, "api"),
    (stream("stream-ends-without-any-finish-reason").script, "incomplete"),
    (stream("responses-refusal-delta").script, None),
]


@pytest.mark.parametrize(("script", "error"), ENDS_OF_TEXT)
def test_without_expect_the_right_answer_is_what_is_read(
    script: Script, error: str | None, tmp_path: Path
) -> None:
    file = tmp_path / "own.jsonl"
    file.write_bytes(dumps(script))
    one = catalogue.read_stream(str(file))
    assert (one.name, one.reply, one.error) == ("own", api.read(script), error)


def test_without_expect_an_error_instead_of_a_stream_is_the_right_answer(tmp_path: Path) -> None:
    file = tmp_path / "own.jsonl"
    body = b'{"error":{"message":"No.","type":"t","code":"c"}}'
    file.write_bytes(dumps(Script(Head(400), (Raw(body),))))
    one = catalogue.read_stream(file)
    assert (one.reply, one.error) == (Reply(error=ApiError(400, "No.", "t", "c")), "api")


@pytest.mark.parametrize(
    ("script", "expect", "problem"),
    [
        (BUSY, None, "own.jsonl:1: without expect, the response must be readable: "),
        (Script(raw=True), None, "own.jsonl:1: a response of raw bytes needs expect"),
        (BUSY, {"replyy": {}}, "own.jsonl:1: expect.replyy: there is no such key"),
        (BUSY, {"reply": {"txt": ""}}, "own.jsonl:1: expect.reply.txt: there is no such key"),
        (BUSY, {"error": "eror"}, "own.jsonl:1: expect.error: 'eror' must be one of api, "),
        (BUSY, {"requests": {"mots": 1}}, "own.jsonl:1: expect.requests.mots: there is no such"),
        (BUSY, {"requests": {"least": 2, "most": 1}}, "own.jsonl:1: expect.requests: least must"),
        (BUSY, {"requests": {"gaps": [-1]}}, "own.jsonl:1: expect.requests.gaps: a gap must be"),
    ],
)
def test_the_error_for_a_file_that_is_no_stream_says_where(
    script: Script, expect: Any, problem: str, tmp_path: Path
) -> None:
    file = tmp_path / "own.jsonl"
    file.write_bytes(dumps(script, {} if expect is None else {"expect": expect}))
    with pytest.raises(StreamFileError) as error:
        catalogue.read_stream(file)
    assert str(error.value).startswith(f"{tmp_path}/{problem}")


def test_an_empty_file_is_no_stream(tmp_path: Path) -> None:
    (tmp_path / "own.jsonl").write_bytes(b"")
    with pytest.raises(StreamFileError, match=r"own\.jsonl: the file is empty"):
        catalogue.read_stream(tmp_path / "own.jsonl")


def test_a_file_that_does_not_exist_is_no_stream(tmp_path: Path) -> None:
    with pytest.raises(StreamFileError, match=r"cannot read .*none\.jsonl: No such file"):
        catalogue.read_stream(tmp_path / "none.jsonl")


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
