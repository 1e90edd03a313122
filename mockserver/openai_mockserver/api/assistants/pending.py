"""Runs that take time: what they lead to, and what a client sees of it by now.

Rules of this file: no I/O. A run of S seconds is queued until S/4, and then in progress. Its steps
and messages are seen when it has ended, or waits for outputs. A run whose client reads a stream of
it takes the time of the stream.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from openai_mockserver.api.assistants.threads import messages_of, runs_of
from openai_mockserver.api.jobs import Job, Jobs
from openai_mockserver.api.store import Store

__all__ = ["OPEN_USAGE", "Outcome", "settle_run", "settle_thread", "start_run", "steps_of"]

Json = dict[str, Any]

OPEN_USAGE = "usage of an open step"
"""The kind of usages in the store of steps that wait for outputs; their key is the run's id."""

_OUTCOMES = "outcome of a run"
"""The kind of outcomes in the store of runs that have not ended; their key is the run's id."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run leads to.

    Args:
        run: the run at its end, or when it waits for outputs.
        steps: all its steps.
        messages: its new messages.
        open_usage: the usage of the step that waits for outputs, if one does.
    """

    run: Json
    steps: Sequence[Json]
    messages: Sequence[Json]
    open_usage: Json | None


def steps_of(run: Mapping[str, Any]) -> str:
    """Return the path of a run's steps, which is their kind in the store."""
    return f"{runs_of(run['thread_id'])}/{run['id']}/steps"


def start_run(queued_run: Json, outcome: Outcome, jobs: Jobs, store: Store) -> None:
    """Store a run as it is when it is queued, until it has the outcome; at once without a job."""
    id = outcome.run["id"]
    job = jobs.start(jobs.make(id))
    store.put_all(((runs_of(queued_run["thread_id"]), id, queued_run), (_OUTCOMES, id, outcome)))
    if not job.seconds:
        _finish(outcome, store)


def settle_thread(thread_id: str, jobs: Jobs, store: Store, now: int) -> None:
    """Update all runs of a thread."""
    for run in store.all(runs_of(thread_id)):
        settle_run(run["id"], jobs, store, now)


def settle_run(id: str, jobs: Jobs, store: Store, now: int) -> None:
    """Store a run as it is now; if it has its outcome, also its steps and messages."""
    outcome, job = store.get(_OUTCOMES, id), jobs.find(id)
    if not isinstance(outcome, Outcome) or job is None:
        return
    if jobs.is_running(job):
        if jobs.measure(job) >= job.seconds / 4:
            _change(outcome, store, status="in_progress", started_at=outcome.run["started_at"])
    elif job.ending is not None and job.ending.kind != "finished":
        _end(outcome, job, store, now)
    else:
        _finish(outcome, store)


def _change(outcome: Outcome, store: Store, **changes: Any) -> None:
    kind, id = runs_of(outcome.run["thread_id"]), outcome.run["id"]
    store.update(kind, id, lambda run: None if run is None else run | changes)


def _end(outcome: Outcome, job: Job, store: Store, now: int) -> None:
    """End a run that was cancelled, or failed by hand."""
    assert job.ending is not None
    status = "cancelled" if job.ending.kind == "cancelled" else "failed"
    changes: Json = {"status": status, f"{status}_at": now, "expires_at": None}
    if status == "failed":
        changes["last_error"] = {"code": job.ending.code, "message": job.ending.message}
    _change(outcome, store, **changes)
    store.drop(_OUTCOMES, outcome.run["id"])


def _finish(outcome: Outcome, store: Store) -> None:
    """Store what a run has led to."""
    run = outcome.run
    entries: list[tuple[str, str, object]] = [
        *((messages_of(run["thread_id"]), message["id"], message) for message in outcome.messages),
        *((steps_of(run), step["id"], step) for step in outcome.steps),
        (runs_of(run["thread_id"]), run["id"], run),
    ]
    if outcome.open_usage is not None:
        entries.append((OPEN_USAGE, run["id"], outcome.open_usage))
    store.put_all(entries)
    store.drop(_OUTCOMES, run["id"])
