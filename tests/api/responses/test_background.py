"""Responses in the background that take time: polled, cancelled, failed, streamed and resumed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import openai
import pytest

from openai_mockserver import ApiError, MockOpenAI, Reply

TEXT = "one two three four"
REQUEST: dict[str, Any] = {"model": "gpt-4o", "input": "Go", "background": True}


@pytest.fixture
def mock() -> Iterator[MockOpenAI]:
    with MockOpenAI(job_seconds=60) as mock:
        mock.reply(TEXT)
        yield mock


@pytest.fixture
def client(mock: MockOpenAI) -> openai.OpenAI:
    return mock.client(max_retries=0)


def poll(client: openai.OpenAI, id: str, times: int = 4) -> list[Any]:
    return [client.responses.retrieve(id) for _ in range(times)]


def begin_stream(client: openai.OpenAI, last_type: str) -> list[Any]:
    """The events of a new stream up to one of this type, at which the client leaves."""
    events: list[Any] = []
    with client.responses.create(**REQUEST, stream=True) as stream:
        for event in stream:
            events.append(event)
            if event.type == last_type:
                break
    return events


def resume(client: openai.OpenAI, id: str, after: int) -> list[Any]:
    return list(client.responses.retrieve(id, stream=True, starting_after=after))


def get_types(events: list[Any]) -> list[str]:
    return [event.type.removeprefix("response.") for event in events]


# Polls


def test_polls_lead_a_response_to_its_end(client: openai.OpenAI) -> None:
    response = client.responses.create(**REQUEST)
    assert (response.status, response.output, response.usage) == ("queued", [], None)
    polls = poll(client, response.id, 5)
    assert [poll.status for poll in polls] == ["in_progress"] * 3 + ["completed"] * 2
    assert [poll.output_text for poll in polls] == [""] * 3 + [TEXT] * 2
    assert polls[3] == polls[4]
    assert polls[3].completed_at == response.created_at + 60
    assert {poll.created_at for poll in polls} == {response.created_at}


def test_a_poll_says_when_to_poll_again(client: openai.OpenAI) -> None:
    raw = client.responses.with_raw_response
    answers = [raw.create(**REQUEST)]
    id = answers[0].parse().id
    answers += [raw.retrieve(id) for _ in range(4)]
    intervals = [answer.headers.get("openai-poll-after-ms") for answer in answers]
    assert intervals == ["1", "1", "1", "1", None]


def test_on_a_real_clock_polls_change_nothing() -> None:
    mock = MockOpenAI(job_seconds=60, clock="real")
    mock.reply(TEXT)
    client = mock.client()
    raw = client.responses.with_raw_response
    id = client.responses.create(**REQUEST).id
    for _ in range(5):
        answer = raw.retrieve(id)
    assert answer.parse().status == "queued"
    assert answer.headers["openai-poll-after-ms"] == "15000"
    mock.jobs.finish(id)
    assert client.responses.retrieve(id).status == "completed"


@pytest.mark.parametrize(
    ("reply", "status"),
    [
        (Reply("Hi", finish_reason="length"), "incomplete"),
        (Reply("Hi", error=ApiError(500, "Oh", code="server_error")), "failed"),
    ],
)
def test_the_reply_decides_how_a_response_ends(
    mock: MockOpenAI, client: openai.OpenAI, reply: Reply, status: str
) -> None:
    mock.reply(reply)
    id = client.responses.create(**REQUEST).id
    *_, before, after = poll(client, id)
    assert (before.status, before.incomplete_details, before.error) == ("in_progress", None, None)
    assert after.status == status
    with pytest.raises(openai.BadRequestError, match=f"Cannot cancel an? {status} response"):
        client.responses.cancel(id)


def test_a_test_can_end_a_response(mock: MockOpenAI, client: openai.OpenAI) -> None:
    done, broken = (client.responses.create(**REQUEST).id for _ in range(2))
    mock.jobs.finish(done)
    assert client.responses.retrieve(done).output_text == TEXT
    mock.jobs.fail(broken, "Too many.", "rate_limit_exceeded")
    response = client.responses.retrieve(broken)
    assert (response.status, response.output) == ("failed", [])
    assert response.error
    assert (response.error.code, response.error.message) == ("rate_limit_exceeded", "Too many.")


def test_a_response_that_is_not_in_the_background_takes_no_time(client: openai.OpenAI) -> None:
    response = client.responses.create(model="gpt-4o", input="Go")
    assert response.status == "completed"
    assert client.responses.retrieve(response.id) == response


def test_over_a_socket_polls_move_the_time_too(mock: MockOpenAI) -> None:
    with (
        openai.DefaultHttpxClient(trust_env=False) as http,
        openai.OpenAI(base_url=mock.base_url, api_key="k", http_client=http) as client,
    ):
        id = client.responses.create(**REQUEST).id
        assert [response.status for response in poll(client, id)][2:] == [
            "in_progress",
            "completed",
        ]


# Cancelling


@pytest.mark.parametrize("polls", [0, 1, 3])
def test_an_unfinished_response_can_be_cancelled(client: openai.OpenAI, polls: int) -> None:
    id = client.responses.create(**REQUEST).id
    poll(client, id, polls)
    response = client.responses.cancel(id)
    assert (response.status, response.output) == ("cancelled", [])
    assert client.responses.cancel(id) == response, "a second time changes nothing"
    assert poll(client, id, 4) == [response] * 4


def test_a_response_that_has_ended_cannot_be_cancelled(
    mock: MockOpenAI, client: openai.OpenAI
) -> None:
    """Even if the client has not seen yet that it has ended."""
    id = client.responses.create(**REQUEST).id
    mock.jobs.finish(id)
    with pytest.raises(openai.BadRequestError, match=r"Cannot cancel a completed response\."):
        client.responses.cancel(id)


# Streams


@pytest.mark.parametrize(
    ("last_type", "status"),
    [
        ("response.created", "queued"),
        ("response.queued", "queued"),
        ("response.in_progress", "in_progress"),
        ("response.output_text.delta", "in_progress"),
        ("response.output_text.done", "in_progress"),
        ("response.completed", "completed"),
    ],
)
def test_a_stream_can_be_resumed_at_each_moment(
    mock: MockOpenAI, client: openai.OpenAI, last_type: str, status: str
) -> None:
    """The client reads, leaves, looks at the response, and reads the rest."""
    first_events = begin_stream(client, last_type)
    id = first_events[0].response.id
    mock.jobs.is_virtual = False  # this poll shall not move the time
    assert client.responses.retrieve(id).status == status
    events = first_events + resume(client, id, first_events[-1].sequence_number)
    assert [event.sequence_number for event in events] == list(range(len(events)))
    types = get_types(events)
    assert types[:3] == ["created", "queued", "in_progress"]
    assert types[-1] == "completed"
    assert [event.response.status for event in events[:3]] == ["queued", "queued", "in_progress"]
    assert "".join(e.delta for e in events if e.type == "response.output_text.delta") == TEXT
    assert client.responses.retrieve(id).status == "completed", "reading has taken its time"


def test_resuming_takes_the_rest_of_the_time(mock: MockOpenAI, client: openai.OpenAI) -> None:
    id = begin_stream(client, "response.in_progress")[0].response.id
    waits: list[float] = []
    mock.clock.on_advance.append(waits.append)
    resume(client, id, 2)
    assert sum(waits) == pytest.approx(45, abs=5)  # without the real time of this test
    waits.clear()
    resume(client, id, 2)
    assert waits == []


def test_a_response_that_was_not_streamed_can_be_streamed_later(client: openai.OpenAI) -> None:
    id = client.responses.create(**REQUEST).id
    events = resume(client, id, -1)
    assert get_types(events)[:3] == ["created", "queued", "in_progress"]
    assert events[-1].response.output_text == TEXT
    assert client.responses.retrieve(id).status == "completed"


def test_the_stream_of_a_failed_response_ends_with_its_error(
    mock: MockOpenAI, client: openai.OpenAI
) -> None:
    first_events = begin_stream(client, "response.output_text.delta")
    id, number = first_events[0].response.id, first_events[-1].sequence_number
    mock.jobs.fail(id, "Oh")
    (event,) = resume(client, id, number)
    assert (event.type, event.sequence_number) == ("response.failed", number + 1)
    assert (event.response.status, event.response.error.message) == ("failed", "Oh")
    assert resume(client, id, number + 1) == []


def test_the_stream_of_a_cancelled_response_just_ends(client: openai.OpenAI) -> None:
    first_events = begin_stream(client, "response.output_text.delta")
    id, number = first_events[0].response.id, first_events[-1].sequence_number
    client.responses.cancel(id)
    assert resume(client, id, number) == []
    assert resume(client, id, 0) == first_events[1:]


def test_the_stream_of_a_finished_response_does_not_wait(
    mock: MockOpenAI, client: openai.OpenAI
) -> None:
    id = begin_stream(client, "response.queued")[0].response.id
    mock.jobs.finish(id)
    waits: list[float] = []
    mock.clock.on_advance.append(waits.append)
    assert get_types(resume(client, id, 1))[-1] == "completed"
    assert waits == []


def test_over_a_socket_a_stream_takes_its_time() -> None:
    with MockOpenAI(job_seconds=0.2) as mock:
        mock.reply(TEXT)
        with (
            openai.DefaultHttpxClient(trust_env=False) as http,
            http.stream(
                "POST", f"{mock.base_url}/responses", json={**REQUEST, "stream": True}
            ) as answer,
        ):
            lines = [line for line in answer.iter_lines() if line.startswith("data: ")]
        assert json.loads(lines[-1][6:])["type"] == "response.completed"
        assert (mock.calls[0].last_written or 0) >= 0.19
