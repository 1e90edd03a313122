"""Jobs that several processes share: they agree on the time, and one of them tells of each end."""

from __future__ import annotations

from pathlib import Path

import pytest

from openai_mockserver.api.jobs import Jobs
from openai_mockserver.api.responses.background import ResponseEnd
from openai_mockserver.state import open_state


@pytest.fixture
def pair(tmp_path: Path) -> list[Jobs]:
    """The jobs of two processes, which follow each of them."""
    pair = []
    for _ in range(2):
        jobs = Jobs(open_state(tmp_path / "state.sqlite").make().objects, lambda: 60.0)
        jobs.follow(lambda: None)
        pair.append(jobs)
    return pair


def start(jobs: Jobs, id: str = "resp_1") -> None:
    jobs.start(jobs.make(id, ResponseEnd("completed")))


def test_a_job_takes_the_same_time_for_all(pair: list[Jobs]) -> None:
    start(pair[0])
    pair[1].advance(15)
    pair[0].advance(15)
    for jobs in pair:
        job = jobs.find("resp_1")
        assert job is not None
        assert jobs.measure(job) == pytest.approx(30)
        assert jobs.now == 30


def test_on_a_real_clock_all_processes_have_the_same_now(pair: list[Jobs]) -> None:
    for jobs in pair:
        jobs.is_virtual = False
    assert abs(pair[0].now - pair[1].now) < 5
    start(pair[0])
    job = pair[1].find("resp_1")
    assert job is not None
    assert 0 <= pair[1].measure(job) < 60


def test_an_end_is_taken_once(pair: list[Jobs]) -> None:
    start(pair[0])
    pair[1].follow(lambda: None)  # it knows of the job, as after a restart
    pair[0].advance(60)
    ends = [end for jobs in pair for end in (jobs.take_ended(), jobs.take_ended())]
    assert [end.event for end in ends if end is not None] == ["response.completed"]


def test_another_process_ends_a_job_and_tells_of_it(pair: list[Jobs]) -> None:
    start(pair[0])
    pair[1].end("resp_1", "cancelled")
    end = pair[1].take_ended()
    assert end is not None
    assert (end.id, end.event) == ("resp_1", "response.cancelled")
    pair[0].advance(60)
    assert pair[0].take_ended() is None


def test_a_job_that_another_process_has_paused_does_not_end(pair: list[Jobs]) -> None:
    start(pair[0])
    pair[1].pause("resp_1")
    pair[0].advance(100)
    assert pair[0].take_ended() is None
    pair[1].resume("resp_1")
    pair[0].advance(60)
    ends = [jobs.take_ended() for jobs in pair]
    assert [end.event for end in ends if end is not None] == ["response.completed"]


def test_ends_at_the_same_time_are_not_lost(pair: list[Jobs]) -> None:
    ids = {f"resp_{number}" for number in range(10)}
    for number, id in enumerate(sorted(ids)):
        start(pair[number % 2], id)
    pair[0].advance(60)
    taken = []
    for _ in range(11):
        taken += [end.id for jobs in pair if (end := jobs.take_ended()) is not None]
    assert sorted(taken) == sorted(ids)
