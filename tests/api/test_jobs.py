"""Jobs: the clock, and when to poll."""

from __future__ import annotations

import math
from typing import Any

import pytest

from openai_mockserver import MockOpenAI, MockServerError
from openai_mockserver.api.jobs import AT_ONCE, POLLS, Jobs
from openai_mockserver.api.store import Store
from openai_mockserver.script import Script


def test_without_seconds_there_is_no_job() -> None:
    job = AT_ONCE.start(AT_ONCE.make("a"))
    assert not AT_ONCE.is_running(job)
    assert AT_ONCE.find("a") is None


@pytest.mark.parametrize(("is_virtual", "interval"), [(True, "1"), (False, "25000")])
def test_only_a_virtual_clock_jumps(is_virtual: bool, interval: str) -> None:
    jobs = Jobs(Store(), lambda: 100.0)
    jobs.is_virtual = is_virtual
    job = jobs.start(jobs.make("a"))
    script = jobs.add_interval(Script(), "a")
    assert script.head.header("openai-poll-after-ms") == interval
    for _ in range(POLLS):
        assert jobs.is_running(job)
        jobs.poll("a")
    assert jobs.is_running(job) is not is_virtual


def test_an_early_end_stays() -> None:
    jobs = Jobs(Store(), lambda: 100.0)
    jobs.start(jobs.make("a"))
    jobs.end("a", "cancelled")
    ended_job = jobs.find("a")
    assert ended_job
    assert ended_job.ending
    assert not jobs.is_running(ended_job)
    jobs.end("a", "failed")
    assert jobs.find("a") == ended_job
    with pytest.raises(MockServerError, match="ended already"):
        jobs.finish("a")


@pytest.mark.parametrize("seconds", [-1, math.inf, math.nan, "1", True])
def test_impossible_seconds_are_refused(seconds: Any) -> None:
    with pytest.raises(MockServerError, match="job_seconds="):
        MockOpenAI(job_seconds=seconds)


def test_a_sandbox_has_jobs_of_its_own() -> None:
    with MockOpenAI(job_seconds=60) as mock:
        mock.reply("Hi")
        batch = mock.client().batches.create(
            input_file_id="file-1", endpoint="/v1/responses", completion_window="24h"
        )
        sandbox = mock.sandbox()
        with pytest.raises(MockServerError, match="there is no job"):
            sandbox.jobs.finish(batch.id)
        assert sandbox.jobs.takes_time()
        mock.jobs.finish(batch.id)
        mock.reset()
        with pytest.raises(MockServerError, match="there is no job"):
            mock.jobs.finish(batch.id)
