"""Batches that take time: their states, their time stamps, their files and their mistakes."""

from __future__ import annotations

import itertools
import json
from typing import Any, Final

import openai
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from openai_mockserver import ApiError, MockOpenAI, MockServerError, Reply, Usage
from properties import examples

PATH: Final = "/v1/chat/completions"
HOUR, DAY = 3600, 24 * 3600
STATES = (
    "in_progress",
    "finalizing",
    "completed",
    "failed",
    "expired",
    "cancelling",
    "cancelled",
)
ENDED = ("completed", "failed", "expired", "cancelled")
NEXT = {
    "validating": STATES,
    "in_progress": STATES[1:],
    "finalizing": STATES[2:],
    "cancelling": ("cancelled",),
}


def make_line(id: str, text: str = "Hi", url: str = PATH, model: str = "gpt-4o") -> dict[str, Any]:
    messages = [{"role": "user", "content": text}]
    return {
        "custom_id": id,
        "method": "POST",
        "url": url,
        "body": {"model": model, "messages": messages},
    }


def create(client: openai.OpenAI, *lines: Any, **parameters: Any) -> Any:
    text = "\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines)
    file = client.files.create(file=("in.jsonl", text.encode()), purpose="batch")
    return client.batches.create(
        input_file_id=file.id, endpoint=PATH, completion_window="24h", **parameters
    )


def retrieve(client: openai.OpenAI, id: str) -> Any:
    """Return a batch, whose members the SDK declares as optional."""
    return client.batches.retrieve(id)


def cancel(client: openai.OpenAI, id: str) -> Any:
    """Cancel a batch, and return it."""
    return client.batches.cancel(id)


def read_answers(client: openai.OpenAI, file_id: str) -> list[Any]:
    return [json.loads(line) for line in client.files.content(file_id).text.splitlines()]


def get_times(batch: Any) -> dict[str, int]:
    """The time stamps that a batch has, in seconds since its creation."""
    times = {state: getattr(batch, f"{state}_at") for state in STATES}
    return {state: time - batch.created_at for state, time in times.items() if time is not None}


def poll_until(client: openai.OpenAI, id: str, status: str) -> Any:
    """The batch as soon as it has this status; a batch on a virtual clock has it in a few polls."""
    for _ in range(8):
        batch = retrieve(client, id)
        if batch.status == status:
            return batch
    raise AssertionError(f"the batch is {batch.status}, not {status}")


@pytest.fixture
def mock() -> MockOpenAI:
    return MockOpenAI(job_seconds=HOUR)


@pytest.fixture
def client(mock: MockOpenAI) -> openai.OpenAI:
    return mock.client(max_retries=0)


def test_polls_lead_a_batch_to_its_end(mock: MockOpenAI, client: openai.OpenAI) -> None:
    mock.reply(Reply("Hello", usage=Usage(prompt_tokens=3, completion_tokens=2)))
    batch = create(client, *(make_line(str(n)) for n in range(10)))
    assert (batch.status, batch.request_counts.total, batch.usage.total_tokens) == (
        "validating",
        0,
        0,
    )
    polls = [retrieve(client, batch.id) for _ in range(4)]
    assert [poll.status for poll in polls] == [
        "in_progress",
        "in_progress",
        "finalizing",
        "completed",
    ]
    assert [poll.request_counts.completed for poll in polls] == [0, 5, 10, 10]
    assert {poll.request_counts.total for poll in polls} == {10}
    assert [poll.output_file_id is None for poll in polls] == [True, True, True, False]
    last = polls[-1]
    assert get_times(last) == {"in_progress": 900, "finalizing": 2700, "completed": HOUR}
    assert last.expires_at == last.created_at + DAY
    assert last.model == "gpt-4o-2024-08-06"
    assert (last.usage.input_tokens, last.usage.output_tokens) == (30, 20)
    assert retrieve(client, batch.id) == last
    assert client.batches.list().data == [last]
    assert client.files.retrieve(last.output_file_id).created_at == last.finalizing_at


def test_the_output_is_not_in_the_order_of_the_input(
    mock: MockOpenAI, client: openai.OpenAI
) -> None:
    mock.reply("Hello")
    ids = [str(n) for n in range(5)]
    batch = create(client, *map(make_line, ids))
    mock.jobs.finish(batch.id)
    answers = read_answers(client, retrieve(client, batch.id).output_file_id)
    assert [answer["custom_id"] for answer in answers] != ids
    assert sorted(answer["custom_id"] for answer in answers) == ids


def test_the_order_of_the_output_is_never_that_of_the_input() -> None:
    """Also of two lines, half of whose orders are that of the input."""
    for seed in range(8):
        mock = MockOpenAI(seed=seed)
        mock.reply("Hello")
        client = mock.client()
        batch = create(client, make_line("a"), make_line("b"))
        answers = read_answers(client, batch.output_file_id)
        assert [answer["custom_id"] for answer in answers] == ["b", "a"]


def test_a_batch_whose_lines_all_fail_is_completed_without_output(
    mock: MockOpenAI, client: openai.OpenAI
) -> None:
    mock.reply(ApiError(429))
    batch = create(client, make_line("a"), make_line("b"))
    batch = poll_until(client, batch.id, "completed")
    assert batch.output_file_id is None
    assert (batch.request_counts.completed, batch.request_counts.failed) == (0, 2)
    answers = read_answers(client, batch.error_file_id)
    assert {answer["response"]["status_code"] for answer in answers} == {429}


def test_a_file_with_mistakes_makes_the_batch_fail(client: openai.OpenAI) -> None:
    batch = create(
        client,
        make_line("a"),
        "{",
        make_line("a"),
        make_line("b", url="/v1/embeddings"),
        "",
        make_line("c", model="gpt-4o-mini"),
    )
    assert (batch.status, batch.errors) == ("validating", None)
    batch = retrieve(client, batch.id)
    assert batch.status == "failed"
    assert [(e.line, e.code, e.param) for e in batch.errors.data] == [
        (2, "invalid_json_line", None),
        (3, "duplicate_custom_id", "custom_id"),
        (4, "url_mismatch", "url"),
        (6, "model_mismatch", "body.model"),
    ]
    assert get_times(batch) == {"failed": 900}
    assert (batch.output_file_id, batch.error_file_id) == (None, None)
    with pytest.raises(openai.ConflictError, match="Cannot cancel a batch with status 'failed'"):
        client.batches.cancel(batch.id)


def test_an_empty_file_is_a_mistake(client: openai.OpenAI) -> None:
    batch = create(client, "", " ")
    batch = retrieve(client, batch.id)
    assert [(error.code, error.line) for error in batch.errors.data] == [("empty_file", None)]


def test_a_cancelled_batch_has_what_was_done_before(
    mock: MockOpenAI, client: openai.OpenAI
) -> None:
    mock.reply("Hello")
    id = create(client, *(make_line(str(n)) for n in range(10))).id
    for _ in range(2):
        retrieve(client, id)
    batch = cancel(client, id)
    assert batch.status == "cancelling"
    assert get_times(batch) == {"in_progress": 900, "cancelling": 1800}
    assert cancel(client, id) == batch, "a second time changes nothing"
    batch = retrieve(client, id)
    assert batch.status == "cancelled"
    assert get_times(batch) == {"in_progress": 900, "cancelling": 1800, "cancelled": 2700}
    assert batch.request_counts.total == 10
    assert len(read_answers(client, batch.output_file_id)) == batch.request_counts.completed == 5
    assert batch.error_file_id is None
    with pytest.raises(openai.ConflictError, match="Cannot cancel a batch with status 'cancelled'"):
        client.batches.cancel(id)


def test_a_batch_that_is_cancelled_at_once_has_no_files(
    mock: MockOpenAI, client: openai.OpenAI
) -> None:
    mock.reply("Hello")
    id = create(client, make_line("a")).id
    client.batches.cancel(id)
    batch = retrieve(client, id)
    assert (batch.status, batch.output_file_id, batch.error_file_id) == ("cancelled", None, None)


def test_a_batch_that_takes_too_long_expires() -> None:
    mock = MockOpenAI(job_seconds=2 * DAY)
    mock.reply("Hello")
    client = mock.client()
    expiry: Any = {"anchor": "created_at", "seconds": HOUR}
    id = create(client, *(make_line(str(n)) for n in range(10)), output_expires_after=expiry).id
    batch = poll_until(client, id, "expired")
    assert get_times(batch) == {"in_progress": DAY // 2, "expired": DAY}
    assert batch.expired_at == batch.expires_at
    counts = batch.request_counts
    assert (counts.total, counts.completed) == (10, 5)
    assert len(read_answers(client, batch.output_file_id)) == 5
    answers = read_answers(client, batch.error_file_id)
    assert [answer["error"]["code"] for answer in answers] == ["batch_expired"] * 5
    assert {answer["response"] for answer in answers} == {None}
    file = client.files.retrieve(batch.output_file_id)
    assert file.expires_at == batch.expired_at + HOUR


def test_a_test_can_end_a_batch(mock: MockOpenAI, client: openai.OpenAI) -> None:
    mock.reply("Hello")
    done, broken = (create(client, make_line("a")).id for _ in range(2))
    mock.jobs.finish(done)
    batch = retrieve(client, done)
    assert (batch.status, batch.request_counts.completed) == ("completed", 1)
    assert get_times(batch) == {"in_progress": 0, "finalizing": 0, "completed": 0}
    mock.jobs.fail(broken, "Out of quota.", "token_limit_exceeded")
    batch = retrieve(client, broken)
    assert batch.status == "failed"
    assert [(e.code, e.message) for e in batch.errors.data] == [
        ("token_limit_exceeded", "Out of quota.")
    ]
    for id, words in ((done, "ended already"), ("batch_x", "there is no job 'batch_x'")):
        with pytest.raises(MockServerError, match=words):
            mock.jobs.fail(id)


STEPS = st.lists(st.sampled_from(["retrieve", "list", "cancel", "finish", "fail"]), max_size=12)


@settings(max_examples=examples(100))
@given(steps=STEPS, lines=st.integers(0, 4), seconds=st.sampled_from([0.0, 60.0, 2.5 * DAY]))
def test_a_batch_never_goes_back(steps: list[str], lines: int, seconds: float) -> None:
    """Whatever happens to it: states follow each other, and what was stated once stays true."""
    mock = MockOpenAI(job_seconds=seconds)
    mock.reply(ApiError(429), "Hello")
    client = mock.client(max_retries=0)
    batches = [create(client, *(make_line(str(n)) for n in range(lines)))]
    id = batches[0].id
    for step in steps:
        if step == "list":
            batches += client.batches.list().data
            continue
        try:
            if step in ("retrieve", "cancel"):
                batches.append(getattr(client.batches, step)(id))
            else:
                getattr(mock.jobs, step)(id)
        except (MockServerError, openai.ConflictError):
            batches.append(retrieve(client, id))
            assert batches[-1].status in (*ENDED, "cancelling")
    for before, after in itertools.pairwise(batches):
        assert before.status not in ENDED or after == before
        assert after.status == before.status or after.status in NEXT[before.status]
        assert get_times(before).items() <= get_times(after).items()
        assert before.request_counts.completed <= after.request_counts.completed
    last = batches[-1]
    times = list(get_times(last).values())
    assert times == sorted(times)
    if last.status in ENDED:
        files = [last.output_file_id, last.error_file_id]
        answers = [len(read_answers(client, id)) if id else 0 for id in files]
        counts = last.request_counts
        assert answers[0] == counts.completed or last.status == "failed"
        assert sum(answers) <= lines
        assert sum(answers) == counts.total or last.status in ("failed", "cancelled")
