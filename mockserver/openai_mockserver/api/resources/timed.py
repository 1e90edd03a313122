"""Objects that take time: fine-tuning jobs, videos, runs of evals, files of vector stores.

Rules of this file: no I/O. An object is made complete, as for a server whose jobs take no time. Its
`Lifecycle` says which states it goes through before that, and what it shows in each; what clients
see in the store is brought up to date when one asks for it, and after its end never again. Batches
and background responses have more to do, and their own files.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from random import Random
from typing import Any
from urllib.parse import unquote

from openai_mockserver.api.endpoint import Answer, EndpointRequest
from openai_mockserver.api.jobs import End, Job, Jobs
from openai_mockserver.api.json_body import json_response
from openai_mockserver.api.resources.operations import Resource
from openai_mockserver.api.resources.states import has_ended
from openai_mockserver.api.store import Store
from openai_mockserver.script import Script

__all__ = [
    "Lifecycle",
    "Moment",
    "Phases",
    "Timed",
    "begin",
    "by_id",
    "find_timed",
    "make_cancel",
    "make_list",
    "make_retrieve",
    "refresh",
    "refresh_all",
    "show",
]

KIND = "timed object"
"""The kind of these objects in the store, by the ids of their jobs."""


@dataclass(frozen=True)
class Moment:
    """An object that takes time, at one moment.

    Args:
        final: the object as it is when it has ended by itself.
        status: its status.
        elapsed: seconds since it began; after its end, until then.
        job: its job.
    """

    final: Mapping[str, Any]
    status: str
    elapsed: float
    job: Job

    @property
    def time(self) -> int:
        """The time of this moment, in seconds since the epoch."""
        return int(self.final["created_at"]) + int(self.elapsed)

    @property
    def error(self) -> dict[str, Any] | None:
        """The error of a failed object."""
        ending = self.job.ending
        if ending is None or ending.kind != "failed":
            return None
        return {"code": ending.code, "message": ending.message}

    def find_seconds(self) -> float:
        """Return how long it takes: less than planned if it was finished early."""
        ending = self.job.ending
        is_early = ending is not None and ending.kind == "finished"
        return self.elapsed if is_early else self.job.seconds

    def measure_progress(self, begin: float) -> float:
        """Return how much is done, from 0 to 1, of what begins at this part of the time."""
        share = (self.elapsed / self.job.seconds - begin) / (1 - begin)
        return min(1.0, max(0.0, share))


@dataclass(frozen=True, kw_only=True)
class Phases:
    """The states of a kind of objects. Called with a job, they find its end.

    Args:
        states: each state, and the part of the time after which it begins; the last is the end.
        cancelled: the state of one that was cancelled.
        events: the types of webhook events, by the state at the end.
        paused: the state of one that is paused.
    """

    states: tuple[tuple[float, str], ...]
    cancelled: str = "cancelled"
    events: Mapping[str, str] = field(default_factory=dict)
    paused: str = ""

    def find_status(self, job: Job, elapsed: float) -> str:
        """Return the state some seconds after the beginning."""
        if job.ending is not None:
            ends = {"failed": "failed", "cancelled": self.cancelled}
            return ends.get(job.ending.kind, self.states[-1][1])
        if job.paused is not None:
            return self.paused
        begun = [status for share, status in self.states if share * job.seconds <= elapsed]
        return begun[-1]

    def __call__(self, job: Job) -> End:
        moment = job.seconds if job.ending is None else job.ending.elapsed
        status = self.find_status(job, moment) if job.paused is None else ""
        return End(moment, self.events.get(status, ""))


@dataclass(frozen=True, kw_only=True)
class Lifecycle(Phases):
    """The states of a kind of objects, and what they show.

    Args:
        states, cancelled, events, paused: as for `Phases`.
        show: returns the members that depend on the moment.
    """

    show: Callable[[Moment], dict[str, Any]]

    def find_moment(self, final: Mapping[str, Any], job: Job, elapsed: float) -> Moment:
        """Return what an object is some seconds after its beginning."""
        end = job.seconds if job.ending is None else job.ending.elapsed
        return Moment(final, self.find_status(job, elapsed), min(elapsed, end), job)


@dataclass(frozen=True)
class Timed:
    """An object that takes time.

    Args:
        collection: the path of its collection.
        final: the object as it is when it has ended by itself.
        lifecycle: its states.
        job_id: the id of its job.
        kind: the name of the kind of objects; with the other data, it is enough to make this record
            again.
        finish: called with the moment of its end, to store what it has made.
        details: whatever its endpoints need to know of it.
    """

    collection: str
    final: Mapping[str, Any]
    lifecycle: Lifecycle
    job_id: str
    kind: str
    finish: Callable[[Moment, Store], object] | None = None
    details: Any = None

    def find_moment(self, jobs: Jobs) -> Moment:
        """Return what it is now."""
        job = jobs.find(self.job_id) or Job(0.0, 0.0)
        return self.lifecycle.find_moment(self.final, job, jobs.measure(job))


def begin(timed: Timed, jobs: Jobs, store: Store) -> Any:
    """Begin the job of an object, and return the object as it is now."""
    id = timed.final["id"]
    job = jobs.make(timed.job_id, timed.lifecycle)
    if job.seconds:
        store.put(KIND, timed.job_id, timed)
        shown = timed.lifecycle.show(timed.lifecycle.find_moment(timed.final, job, 0.0))
        store.put(timed.collection, id, {**timed.final, **shown})
    jobs.start(job)
    return store.get(timed.collection, id)


def find_timed(job_id: str, store: Store) -> Timed | None:
    """Return an object by the id of its job; None if it takes no time."""
    timed = store.get(KIND, job_id)
    return timed if isinstance(timed, Timed) else None


def refresh(job_id: str, jobs: Jobs, store: Store) -> Any:
    """Bring an object up to date and return it; None if it takes no time, or is gone."""
    timed = find_timed(job_id, store)
    if timed is None or jobs.find(job_id) is None:
        return None
    id = timed.final["id"]
    value = store.get(timed.collection, id)
    if value is None or has_ended(value):
        return value
    moment = timed.find_moment(jobs)
    changes = timed.lifecycle.show(moment)
    if has_ended(changes) and timed.finish is not None:
        timed.finish(moment, store)  # first, because who sees the end may ask for the results

    def show_moment(value: Any) -> Any:
        return value if value is None or has_ended(value) else {**value, **changes}

    return store.update(timed.collection, id, show_moment)


def refresh_all(collection: str, jobs: Jobs, store: Store) -> None:
    """Bring all objects of a collection up to date."""
    for timed in store.all(KIND):
        if timed.collection == collection:
            refresh(timed.job_id, jobs, store)


def show(value: Any, job_id: str, jobs: Jobs, rng: Random) -> Script:
    """Return the answer about an object, with the time of the next poll unless it has ended."""
    script = json_response(value, rng)
    return script if has_ended(value) else jobs.add_interval(script, job_id)


# Endpoints

FindJob = Callable[[EndpointRequest], str]
"""Returns the id of the job of the object that a request is about."""


def make_retrieve(path: str, find_job: FindJob) -> Answer:
    """Return the answer that retrieves an object, which is a poll."""
    generic = Resource("GET", path).answer

    def retrieve(request: EndpointRequest, store: Store, rng: Random) -> Script:
        job_id = find_job(request)
        request.jobs.poll(job_id)
        value = refresh(job_id, request.jobs, store)
        if value is None:
            return generic(request, store, rng)
        return show(value, job_id, request.jobs, rng)

    return retrieve


def make_list(path: str) -> Answer:
    """Return the answer that lists objects as they are now."""
    generic = Resource("GET", path).answer

    def list(request: EndpointRequest, store: Store, rng: Random) -> Script:
        refresh_all(request.path, request.jobs, store)
        return generic(request, store, rng)

    return list


def make_cancel(path: str, find_job: FindJob) -> Answer:
    """Return the answer that cancels an object, unless it has ended."""
    generic = Resource("POST", path).answer

    def cancel(request: EndpointRequest, store: Store, rng: Random) -> Script:
        job_id = find_job(request)
        value = refresh(job_id, request.jobs, store)
        if value is None or has_ended(value):
            return generic(request, store, rng)
        request.jobs.end(job_id, "cancelled")
        return json_response(refresh(job_id, request.jobs, store), rng)

    return cancel


def by_id(variable: str) -> FindJob:
    """Return what finds the job of an object whose id is a variable of the path."""
    return partial(_find_variable, variable)


def _find_variable(variable: str, request: EndpointRequest) -> str:
    return unquote(request.ids[variable])
