"""The journal: attempts, connections, times, and outcomes."""

from __future__ import annotations

import gc
import json
import time
import tracemalloc
import weakref
from typing import Any

import httpx2
import openai
import pytest

from openai_mockserver import (
    ApiError,
    MockOpenAI,
    MockServerError,
    Pace,
    Reply,
    Request,
    UnmatchedRequest,
    faulty,
)
from openai_mockserver.api import chat, responses
from openai_mockserver.faults import empty_response, error_event, reset, truncate
from openai_mockserver.journal import Call, Journal
from openai_mockserver.timeline import frames

PAYLOAD: dict[str, Any] = {
    "model": "m",
    "stream": True,
    "messages": [{"role": "user", "content": "Hi"}],
}
PATH = "/v1/chat/completions"


def sdk(mock: MockOpenAI, **options: Any) -> openai.OpenAI:
    """Return the SDK's client over the socket."""
    http = httpx2.Client(trust_env=False, verify=False)
    return openai.OpenAI(base_url=mock.base_url, api_key="x", http_client=http, **options)


def read(client: openai.OpenAI, **more: Any) -> str:
    """Return the text that the SDK reads."""
    with client, client.chat.completions.create(**(PAYLOAD | more)) as stream:
        return "".join(c.choices[0].delta.content or "" for c in stream if c.choices)


# Attempts


def test_attempts_of_one_logical_call_are_grouped_with_their_gaps(
    mock_openai: MockOpenAI,
) -> None:
    mock_openai.reply(ApiError(500), ApiError(429), "third time lucky")
    assert read(sdk(mock_openai)) == "third time lucky"
    (logical,) = mock_openai.calls.logical
    assert [call.attempt for call in logical.attempts] == [1, 2, 3]
    assert [call.status for call in logical.attempts] == [500, 429, 200]
    assert all(0 < gap < 1 for gap in logical.gaps)


def test_a_new_call_is_not_a_retry(mock_openai: MockOpenAI) -> None:
    mock_openai.reply("Hello")
    for _ in range(2):
        read(sdk(mock_openai))
    assert [len(logical.attempts) for logical in mock_openai.calls.logical] == [1, 1]


def test_rules_can_match_the_attempt(mock_openai: MockOpenAI) -> None:
    mock_openai.on(attempt=1).reply(ApiError(503))
    mock_openai.on(attempt=2).reply("recovered")
    assert read(sdk(mock_openai)) == "recovered"


@pytest.mark.slow
def test_two_failed_attempts_before_success(mock_openai: MockOpenAI) -> None:
    mock_openai.reply(
        faulty("Hello", empty_response()), faulty("Hello", empty_response("reset")), "Hello"
    )
    assert read(sdk(mock_openai)) == "Hello"
    assert [call.ended for call in mock_openai.calls] == ["truncated", "reset", "finished"]


def test_retries_of_other_clients_are_found_by_body_or_key() -> None:
    journal = Journal()

    def add_call(body: bytes, *headers: tuple[str, str]) -> int:
        call = journal.add(Request("POST", PATH, headers, body))
        call.end()
        return call.attempt

    assert [add_call(b"a") for _ in range(2)] == [1, 1], "the first went well"
    journal = Journal()
    key = ("Idempotency-Key", "k")
    for attempt, body in enumerate((b"a", b"b"), 1):
        call = journal.add(Request("POST", PATH, (key,), body))
        call.script = reset()(call.script)
        call.end()
        assert call.attempt == attempt
    assert len(journal.logical) == 1


def test_long_bodies_that_differ_in_the_middle_only_are_not_retries() -> None:
    journal = Journal()
    for middle in (b"a", b"b", b"a"):
        call = add_call(journal, body=b"x" * 9999 + middle + b"x" * 9999)
        call.script = reset()(call.script)
        call.end()
    assert [len(logical.attempts) for logical in journal.logical] == [2, 1]


def test_an_applications_own_retries_are_attempts(mock_openai: MockOpenAI) -> None:
    """The SDK counts from 0 in each of them, so its header does not show them."""
    mock_openai.reply(ApiError(500), ApiError(500), "third time lucky")
    client = sdk(mock_openai, max_retries=0)
    with client:
        for _ in range(2):
            with pytest.raises(openai.InternalServerError):
                client.chat.completions.create(**PAYLOAD)
        with client.chat.completions.create(**PAYLOAD) as stream:
            list(stream)
    assert [call.headers["x-stainless-retry-count"] for call in mock_openai.calls] == ["0"] * 3
    assert [call.attempt for call in mock_openai.calls] == [1, 2, 3]
    (logical,) = mock_openai.calls.logical
    assert len(logical.attempts) == 3


def test_retries_of_retries_continue_the_count(mock_openai: MockOpenAI) -> None:
    mock_openai.reply(*[ApiError(500)] * 4, "fifth time lucky")
    client = sdk(mock_openai, max_retries=1)
    with client:
        for _ in range(2):
            with pytest.raises(openai.InternalServerError):
                client.chat.completions.create(**PAYLOAD)
        client.chat.completions.create(**PAYLOAD).close()
    assert [call.attempt for call in mock_openai.calls] == [1, 2, 3, 4, 5]
    assert len(mock_openai.calls.logical) == 1


def add_call(journal: Journal, retries: int | None = None, body: bytes = b"{}") -> Call:
    retry_headers = () if retries is None else (("x-stainless-retry-count", str(retries)),)
    return journal.add(Request("POST", PATH, retry_headers, body))


@pytest.mark.parametrize("how", ["reset", "truncated", "client disconnected", "failed_call"])
@pytest.mark.parametrize("retries", [None, 0])
def test_an_incomplete_or_abandoned_attempt_is_retried(how: str, retries: int | None) -> None:
    journal = Journal()
    for attempt in (1, 2, 3):
        call = add_call(journal, retries)
        assert call.attempt == attempt
        call.end(how)


@pytest.mark.parametrize("render", [chat.render, responses.render])
def test_a_stream_that_ends_with_an_error_is_retried(render: Any) -> None:
    journal = Journal()
    failed_call = add_call(journal)
    failed_call.script = error_event(after=2)(render(Reply("Hello, world")))
    failed_call.end()
    assert failed_call.ended == "finished"
    again = add_call(journal)
    again.script = render(Reply("Hello, world"))
    again.end()
    assert (again.attempt, add_call(journal).attempt) == (2, 1)


def test_concurrent_equal_requests_are_separate_calls() -> None:
    journal = Journal()
    first, second = add_call(journal, 0), add_call(journal, 0)
    assert (first.attempt, second.attempt, len(journal.logical)) == (1, 1, 2)
    for call in (first, second):
        call.end("reset")
    assert [add_call(journal, 1).attempt for _ in range(2)] == [2, 2]
    assert [len(logical.attempts) for logical in journal.logical] == [2, 2]


def test_the_sdks_count_identifies_the_retried_call() -> None:
    journal = Journal()
    once, twice = add_call(journal, 0), add_call(journal, 0)
    twice.end("reset")
    again = add_call(journal, 1)
    once.end("reset")
    again.end("reset")
    third = add_call(journal, 2)
    assert third.attempt == 3
    assert [len(logical.attempts) for logical in journal.logical] == [1, 3]


def test_a_retry_keeps_its_number_after_earlier_attempts_are_dropped() -> None:
    journal = Journal(keep=1)
    add_call(journal, 0).end("reset")
    add_call(journal, body=b"another").end()
    retry = add_call(journal, 1)
    assert retry.attempt == 2
    retry.end("reset")
    assert add_call(journal, 0).attempt == 3


# Connections


def test_connections_and_the_requests_on_them_are_numbered(mock_openai: MockOpenAI) -> None:
    mock_openai.reply("Hello")
    with httpx2.Client(trust_env=False, verify=False) as one, httpx2.Client(trust_env=False) as two:
        for client in (one, one, two):
            client.post(f"{mock_openai.base_url}/chat/completions", json=PAYLOAD)
    assert [(call.connection, call.nth) for call in mock_openai.calls] == [(1, 1), (1, 2), (2, 1)]


def test_rules_can_match_the_nth_request_on_a_connection(mock_openai: MockOpenAI) -> None:
    mock_openai.reply("Hello")
    mock_openai.on(nth=2).reply(faulty("x", truncate(after=1)))
    url = f"{mock_openai.base_url}/chat/completions"
    with httpx2.Client(trust_env=False, verify=False) as client:
        assert "Hello" in client.post(url, json=PAYLOAD).text
        with pytest.raises(httpx2.RemoteProtocolError):
            client.post(url, json=PAYLOAD)
        assert "Hello" in client.post(url, json=PAYLOAD).text


def test_in_process_there_are_no_connections(mock_openai: MockOpenAI) -> None:
    mock_openai.reply("Hello")
    read(mock_openai.client())
    assert (mock_openai.calls[0].connection, mock_openai.calls[0].nth) == (None, None)


# Time


def test_rules_can_match_the_time(mock_openai: MockOpenAI) -> None:
    mock_openai.reply("early")
    mock_openai.on(after=0.05).reply("late")
    began = time.monotonic()
    assert read(mock_openai.client()) == "early"
    while read(mock_openai.client()) == "early":
        assert time.monotonic() - began < 5
    assert time.monotonic() - began >= 0.05


def test_times_say_when_each_event_was_due_and_written(mock_openai: MockOpenAI) -> None:
    mock_openai.reply("one two three", pace=Pace(ttft=0.05, itl=0.02))
    read(sdk(mock_openai))
    call = mock_openai.calls[0]
    assert call.ended == "finished"
    due = [round(part.due, 3) for part in call.times if part.events]
    assert due == [0.05, 0.05, 0.07, 0.09, 0.11, 0.11]
    assert all(-0.002 <= late < 0.5 for late in call.lateness)


def test_in_process_time_is_that_of_the_clock(mock_openai: MockOpenAI) -> None:
    mock_openai.reply("one two", pace=Pace(ttft=5, itl=3))
    read(mock_openai.client())
    assert [part.at for part in mock_openai.calls[0].times] == [0, 0, 3, 6, 6]
    assert set(mock_openai.calls[0].lateness) == {0}


def test_left_says_when_the_client_left(mock_openai: MockOpenAI) -> None:
    mock_openai.reply("one two three four", pace=Pace(itl=0.05))
    with sdk(mock_openai) as client, client.chat.completions.create(**PAYLOAD) as stream:
        for _ in range(3):
            next(stream)
    call = mock_openai.calls[0]
    assert call.ended == "client disconnected"
    assert call.left is not None
    assert 0.04 < call.left < 1
    assert call.delivered.events == 3


def test_a_client_that_reads_it_all_and_leaves_has_finished(mock_openai: MockOpenAI) -> None:
    mock_openai.reply("one two three")
    for _ in range(20):
        read(sdk(mock_openai))
    assert {call.ended for call in mock_openai.calls} == {"finished"}


# Header faults


@pytest.mark.openai3("raises the exceptions of httpx while a stream is read")
@pytest.mark.openai_mock(header_faults=True)
def test_a_request_may_ask_for_faults(mock_openai: MockOpenAI) -> None:
    mock_openai.reply("Hello, world")
    client = mock_openai.client(default_headers={"x-mockserver-fault": "reset; after=3"})
    with pytest.raises(openai.APIConnectionError):
        read(client)
    assert mock_openai.calls[0].delivered.events == 3


def test_header_faults_must_be_enabled(mock_openai: MockOpenAI) -> None:
    mock_openai.reply("Hello")
    client = mock_openai.client(default_headers={"x-mockserver-fault": "reset; after=3"})
    assert read(client) == "Hello"


@pytest.mark.openai_mock(header_faults=True, fail_on_unmatched=False)
def test_an_invalid_header_fault_is_reported(mock_openai: MockOpenAI) -> None:
    mock_openai.reply("Hello")
    client = mock_openai.client(default_headers={"x-mockserver-fault": "rest; after=3"})
    with pytest.raises(openai.BadRequestError, match="unknown fault 'rest'"):
        read(client)


def test_a_fault_that_never_fires_fails_the_test(mock_openai: MockOpenAI) -> None:
    mock_openai.reply("Hello", faults=[reset(after=50)])
    with pytest.raises(openai.BadRequestError, match="the stream has 4 events"):
        read(mock_openai.client())
    with pytest.raises(AssertionError, match=r"reset\(after=50\) never happens"):
        mock_openai.check()
    mock_openai.reset()


def test_json_is_what_was_sent(mock_openai: MockOpenAI) -> None:
    mock_openai.reply("Hello")
    read(mock_openai.client(), temperature=0.5)
    call = mock_openai.calls[0]
    assert call.json == json.loads(call.body)
    assert call.json["temperature"] == 0.5


def test_keep_calls_limits_the_journal() -> None:
    mock = MockOpenAI(keep_calls=3)
    mock.reply("Hi")
    calls = [
        weakref.ref(mock.respond(Request("POST", "/v1/responses", body=b'{"input": "%d"}' % n)))
        for n in range(9)
    ]
    gc.collect()
    assert sum(call() is not None for call in calls) == 3
    assert len(mock.store.all("response")) == 3
    assert len(mock.calls.logical) == 3


def test_attempts_are_dropped_with_their_calls() -> None:
    mock = MockOpenAI(keep_calls=10, fail_on_unmatched=False)
    mock.reply(ApiError(500))
    body = b'{"model": "m", "messages": [{"role": "user", "content": "Hi"}]}'
    for _ in range(100):
        call = mock.respond(Request("POST", PATH, body=body))
        call.end()
    assert call.attempt == 100
    (logical,) = mock.calls.logical
    assert list(logical.attempts) == list(mock.calls)
    assert len(mock.calls) == 10


def test_repeated_equal_requests_take_no_memory() -> None:
    mock = MockOpenAI(keep_calls=10)
    mock.reply("Hello, world. " * 20)
    body = json.dumps(PAYLOAD).encode()

    def play(times: int) -> int:
        for _ in range(times):
            # Half of them are still open when the next arrives, as over several connections.
            calls = [mock.respond(Request("POST", PATH, body=body)) for _ in range(2)]
            calls[0].end()
        gc.collect()
        return tracemalloc.get_traced_memory()[0]

    tracemalloc.start()
    try:
        before = play(20)
        assert play(60) - before < 100_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    ("padding", "reply"),
    [(b" " * 1_000_000, "Hi"), (b"", "word " * 50_000)],
    ids=["request", "reply"],
)
def test_what_is_kept_is_bounded_in_bytes(padding: bytes, reply: str) -> None:
    mock = MockOpenAI(keep_bytes=5_000_000, default=lambda request: Reply((reply,)))
    payload = json.dumps(PAYLOAD).encode()
    for _ in range(30):
        call = mock.respond(Request("POST", PATH, body=payload + padding))
        call.end()
    assert 3 <= len(mock.calls) <= 19
    assert mock.calls[-1] is call
    assert len(mock.calls.logical) == len(mock.calls)


def test_shared_memory_counts_once() -> None:
    mock = MockOpenAI(keep_bytes=5_000_000)
    mock.reply(Reply(["word "] * 2000))

    def ask(n: int) -> None:
        for _ in range(n):
            body = json.dumps(PAYLOAD | {"stream": True}).encode()
            mock.respond(Request("POST", PATH, body=body)).end()

    ask(200)
    lazy = [call for call in mock.calls if call.script.lazy is not None]
    assert len(mock.calls) > 100
    assert len({id(call.script.lazy.shared_part[0]) for call in lazy}) <= 8  # type: ignore[union-attr]
    mock.reply("Hi")
    ask(2000)
    assert mock.calls.size < 5_000_000
    assert not [call for call in mock.calls if len(call.script.steps) > 100]
    assert mock.calls.size < 6_000 * len(mock.calls) + 100_000


def test_the_newest_call_is_kept_however_large() -> None:
    mock = MockOpenAI(keep_bytes=1)
    mock.reply("Hi")
    for _ in range(3):
        call = mock.respond(Request("POST", PATH, body=json.dumps(PAYLOAD).encode()))
        call.end()
        assert list(mock.calls) == [call]


@pytest.mark.slow
@pytest.mark.parametrize("is_known", [True, False], ids=["known reply", "new reply"])
def test_the_estimated_size_of_a_call_is_about_right(is_known: bool) -> None:
    """Otherwise ``keep_bytes`` would not limit the memory."""
    pieces = ["word "] * 250
    mock = MockOpenAI(keep_bytes=1 << 40, default=lambda request: Reply(pieces))
    if is_known:
        mock.reply(Reply(pieces))
    body = json.dumps(PAYLOAD | {"stream": True}).encode()

    def play(times: int) -> None:
        for _ in range(times):
            call = mock.respond(Request("POST", PATH, body=body))
            for frame in frames(call.script):
                call.log_frame(frame, 0.1)
            call.end()

    play(60)  # warm up: the first times are rendered
    tracemalloc.start()
    try:
        before, counted_size = tracemalloc.get_traced_memory()[0], mock.calls.size
        play(20)
        gc.collect()
        measured_size = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
    assert 0.5 < (mock.calls.size - counted_size) / measured_size < 2


@pytest.mark.slow
def test_a_call_takes_few_kilobytes_however_long_its_answer() -> None:
    mock = MockOpenAI()
    mock.reply(Reply(["word "] * 200))
    body = json.dumps(PAYLOAD | {"stream": True}).encode()

    def play(times: int) -> None:
        for _ in range(times):
            call = mock.respond(Request("POST", PATH, body=body, connection=1, nth=1))
            for frame in frames(call.script, merge_limit=1 << 20):
                call.log_frame(frame, 0.1)
            call.end()

    play(200)
    sizes = []
    for _ in range(4):
        tracemalloc.start()
        try:
            play(100)
            gc.collect()
            sizes.append(tracemalloc.get_traced_memory()[0] / 100)
        finally:
            tracemalloc.stop()
    assert min(sizes) < 3_000, sizes


def test_uploads_are_stored_once_and_limited() -> None:
    mock = MockOpenAI(keep_bytes=250_000)
    form = {"content-type": "multipart/form-data; boundary=x"}
    for _ in range(9):
        body = b'--x\r\nContent-Disposition: form-data; name="purpose"\r\n\r\nbatch\r\n'
        body += b'--x\r\nContent-Disposition: form-data; name="file"; filename="f"\r\n\r\n'
        body += b"a" * 100_000 + b"\r\n--x--\r\n"
        call = mock.respond(Request("POST", "/v1/files", tuple(form.items()), body))
        call.end()
        assert call.status == 200
        assert "form" not in vars(call)
    assert call.json["purpose"] == "batch", "the form can still be read"
    assert len(mock.calls) == 2
    assert [len(content) for content in mock.store.all("content")] == [100_000] * 2


def ask_unmatched(mock: MockOpenAI, n: int) -> Call:
    """Send a request that no rule answers."""
    body = json.dumps(PAYLOAD | {"model": f"m{n}"}).encode()
    call = mock.respond(Request("POST", PATH, body=body))
    call.end()
    return call


@pytest.mark.parametrize("limit", [{"keep_calls": 2}, {"keep_bytes": 1}])
def test_dropped_problems_are_counted(limit: dict[str, int]) -> None:
    (name,) = limit
    mock = MockOpenAI(**limit)  # type: ignore[arg-type]
    for n in range(5):
        ask_unmatched(mock, n)
    call_count = len(mock.calls)
    assert (len(mock.problems), mock.forgotten_problems) == (call_count, 5 - call_count)
    with pytest.raises(UnmatchedRequest) as error:
        mock.check()
    lines = str(error.value).splitlines()
    assert lines[0] == "the mock could not answer 5 requests:"
    assert (
        lines[-1]
        == f"and {5 - call_count} earlier ones, which the journal has dropped because of {name}"
    )
    mock.reset()
    assert mock.forgotten_problems == 0
    mock.check()


def test_check_raises_even_if_all_problems_were_dropped() -> None:
    mock = MockOpenAI(keep_calls=1)
    ask_unmatched(mock, 1)
    mock.reply("Hi")
    mock.respond(Request("POST", PATH, body=json.dumps(PAYLOAD).encode())).end()
    assert mock.problems == []
    with pytest.raises(UnmatchedRequest) as error:
        mock.check()
    assert str(error.value) == (
        "the mock could not answer 1 request; the journal has dropped it because of keep_calls"
    )
    mock.fail_on_unmatched = False
    mock.check()


def test_a_problem_of_a_dropped_call_is_counted() -> None:
    mock = MockOpenAI(keep_calls=1)
    mock.reply("Hi")
    first, second = (mock.respond(Request("POST", PATH, body=b'{"n":%d}' % n)) for n in range(2))
    assert list(mock.calls) == [second]
    first.unrecorded = "the disk is full"
    first.problem = "playing it failed"
    first.unrecorded = "the disk is full"  # reported again with each read
    assert mock.forgotten_problems == 1
    with pytest.raises(UnmatchedRequest) as error:
        mock.check()
    assert (
        "the mock could not record 1 response; the journal has dropped it because of keep_calls"
        in str(error.value)
    )


@pytest.mark.parametrize("limit", [0, -1, 1.5, "10"])
@pytest.mark.parametrize("name", ["keep_calls", "keep_bytes"])
def test_a_limit_must_be_a_whole_number(name: str, limit: Any) -> None:
    with pytest.raises(MockServerError, match=f"{name}=.* must be a whole number, 1 or more"):
        MockOpenAI(**{name: limit})


@pytest.mark.parametrize("body", [b"[" * 200_000, b'{"a":' * 100_000])
def test_a_deeply_nested_request_is_reported_like_any_other(body: bytes) -> None:
    mock = MockOpenAI()
    call = mock.respond(Request("POST", "/v1/chat/completions", body=body))
    assert call.status == 400
    assert "chat/completions" in repr(call)


# Snapshots


def test_a_call_as_a_dictionary_is_the_same_in_every_run() -> None:
    snapshots = []
    for key in ("sk-first-1234567890abcdef", "sk-second-1234567890abcdef0"):
        with MockOpenAI() as mock:
            mock.on(user="Hi").reply("Hello")
            with openai.OpenAI(base_url=mock.base_url, api_key=key) as client:
                client.chat.completions.create(
                    model="gpt-4o",
                    messages=[
                        {"role": "user", "content": "Hi"},
                        {"role": "tool", "tool_call_id": f"call_{key[3:8]}{time.time_ns()}"}
                        | {"content": f"the key is {key}"},  # type: ignore[list-item]
                    ],
                )
            snapshots.append(mock.calls[0].to_dict())
    assert "sk-" not in json.dumps(snapshots)
    for snapshot in snapshots:
        # A masked key is as long as the key.
        snapshot["request"]["json"]["messages"][1].pop("content")
    assert snapshots[0] == snapshots[1]
    assert list(snapshots[0]) == ["request", "attempt", "rule", "status", "ended", "problem"]
    assert snapshots[0]["request"] == {
        "method": "POST",
        "path": "/v1/chat/completions",
        "query": [],
        "headers": {
            "accept": "application/json",
            "authorization": "…",
            "content-type": "application/json",
        },
        "json": {
            "messages": [
                {"role": "user", "content": "Hi"},
                {"role": "tool", "tool_call_id": "<id>"},
            ],
            "model": "gpt-4o",
        },
    }
    rest = {"attempt": 1, "rule": "on(user='Hi')", "status": 200, "ended": "finished"}
    assert snapshots[0].items() >= rest.items()


def test_a_form_as_a_dictionary_has_no_boundary() -> None:
    mock = MockOpenAI()
    mock.client().files.create(file=b"{}", purpose="batch")
    request = mock.calls[0].to_dict()["request"]
    assert request["headers"]["content-type"] == "multipart/form-data"
    assert request["form"]["purpose"] == "batch"
    json.dumps(request)
