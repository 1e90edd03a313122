"""Jobs that take time: when each began, how long it takes, and whether it ended early.

Rules of this file: the state of a job is a function of time, and the files of the endpoints say
which function; nothing runs in between. On a virtual clock, time passes only when a job is polled,
and when an in-process client waits. A batch of an hour is therefore polled to its end in a few
milliseconds. But a stream over a socket takes real time, so that real time counts for a job from
the moment when its stream is read; on a real clock it counts for all.

What sends webhooks follows the jobs (`Jobs.follow`). It takes each job once, after its end
(`Jobs.take_ended`), whoever or whatever ended it. It is called when a job may have ended: when time
is moved forward, and when a job begins or ends early. Where real time lets jobs end, nobody calls;
`Jobs.find_delay` says how long to wait.

>>> jobs = Jobs(Store(), lambda: 3600.0)
>>> job = jobs.start(jobs.make("batch_1"))
>>> for _ in range(4):
...     jobs.poll("batch_1")
>>> jobs.measure(job) >= 3600
True
"""

from __future__ import annotations

import heapq
import math
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import count
from typing import Any, Literal, NamedTuple

from openai_mockserver.api.announcer import REGISTERED, Announcer
from openai_mockserver.api.store import Store
from openai_mockserver.exceptions import MockServerError
from openai_mockserver.script import Script

__all__ = ["AT_ONCE", "POLLS", "End", "EndedJob", "Ending", "Job", "Jobs"]

KIND = "job"
"""The kind of jobs in the store."""

_TAKEN = "taken job"
"""The kind of the processes in the store that have taken a job after its end."""

POLLS = 4
"""Polls after which a job on a virtual clock is done."""

_TOLERANCE = 1e-9  # seconds, for the sum of several polls


@dataclass(frozen=True, slots=True)
class Ending:
    """How a job ended before its time.

    Args:
        kind: what happened.
        elapsed: seconds after the start of the job.
        code, message: the error of a failed job.
    """

    kind: Literal["finished", "failed", "cancelled"]
    elapsed: float
    code: str = ""
    message: str = ""


class End(NamedTuple):
    """How a job will end if nothing else happens.

    Args:
        moment: seconds after the start of the job.
        event: the type of the webhook event that says so; empty if there is none.
    """

    moment: float
    event: str


class EndedJob(NamedTuple):
    """A job that has ended.

    Args:
        time: when, on the clock of the jobs.
        id: the id of its object.
        event: the type of the webhook event that says so.
    """

    time: float
    id: str
    event: str


@dataclass(frozen=True, slots=True)
class Job:
    """A job.

    Args:
        started: when it began, in virtual time.
        seconds: how long it takes.
        ending: how it ended early; None if it did not.
        watched: since when real time counts too, on the real clock; None if it does not.
        id: the id of its object.
        find_end: returns its end, given the job as it is by then; None if no event says so. A value
            of a class that `state.codec` knows, if processes are to share the job.
        paused: after how many seconds it was paused; None if it goes on.
    """

    started: float
    seconds: float
    ending: Ending | None = None
    watched: float | None = None
    id: str = ""
    find_end: Callable[[Job], End] | None = None
    paused: float | None = None

    @property
    def step(self) -> float:
        """The seconds that a client should wait between two polls."""
        return self.seconds / POLLS


class _Time(NamedTuple):
    """A moment: the seconds that were skipped until then, and what the real clock showed."""

    skipped: float
    clock: float


def _measure(job: Job, time: _Time) -> float:
    """Return how long a job has run at a moment, in seconds."""
    if job.paused is not None:
        return job.paused
    real = 0.0 if job.watched is None else time.clock - job.watched
    return time.skipped - job.started + real + _TOLERANCE


def _continue(job: Job, time: _Time) -> Job:
    """Return a job that is not paused, and has lost the time in which it was."""
    if job.paused is None:
        return job
    going_on = replace(job, paused=None)
    return replace(going_on, started=job.started + _measure(going_on, time) - job.paused)


class _OpenJob(NamedTuple):
    """A job that nobody has taken after its end."""

    key: float
    number: int
    job: Job
    end: End


class _OpenJobs:
    """The jobs that nobody has taken after their end; finds the one that ends first.

    A heap has those for which only virtual time counts, and another those for which real time
    counts too: within a heap, the order of the ends does not depend on the time. A job that has
    changed leaves its old entry behind, which is dropped when it comes first.
    """

    def __init__(self) -> None:
        self._current: dict[str, _OpenJob] = {}
        self._heaps: tuple[list[_OpenJob], list[_OpenJob]] = ([], [])
        self._numbers = count()

    def __contains__(self, id: str) -> bool:
        return id in self._current

    def put(self, job: Job, end: End) -> None:
        """Add a job, or replace it."""
        key = job.started + end.moment + (job.watched or 0.0)
        entry = self._current[job.id] = _OpenJob(key, next(self._numbers), job, end)
        if job.paused is None:  # otherwise it has no end
            heapq.heappush(self._heaps[job.watched is not None], entry)

    def find_first(self, is_watched: bool) -> _OpenJob | None:
        """Return the job that ends first, of those for which real time counts or does not."""
        heap = self._heaps[is_watched]
        while heap and self._current.get(heap[0].job.id) is not heap[0]:
            heapq.heappop(heap)
        return heap[0] if heap else None

    def remove(self, id: str) -> None:
        """Remove a job."""
        del self._current[id]

    def clear(self) -> None:
        """Remove all jobs."""
        self._current.clear()
        for heap in self._heaps:
            heap.clear()


class Jobs:
    """The jobs of a mock.

    Its ``make_announcer`` makes what sends webhooks to the endpoints that applications register.

    Args:
        store: holds the jobs.
        get_seconds: returns how many seconds a new job takes.
    """

    def __init__(self, store: Store, get_seconds: Callable[[], float] = lambda: 0.0) -> None:
        self.is_virtual = True
        self.make_announcer: Callable[[], Announcer] | None = None
        self._announcer: Announcer | None = None
        self._store = store
        self._get_seconds = get_seconds
        # Processes that share the jobs began at different times, but must agree on the time.
        self._origin = 0.0 if store.is_shared else store.read_clock()
        self._lock = threading.Lock()
        self._on_change: Callable[[], object] | None = None
        self._open = _OpenJobs()

    # For users

    def finish(self, id: str) -> None:
        """End a job now, as it would have ended by itself.

        Args:
            id: the id of the response, batch or other object.

        Raises MockServerError if there is no such job, or if it has ended.
        """
        self._end_early(id, "finished")

    def fail(
        self,
        id: str,
        message: str = "The server had an error while processing the request.",
        code: str = "server_error",
    ) -> None:
        """Let a job fail now.

        Args:
            id: the id of the response, batch or other object.
            message, code: its error.

        Raises MockServerError if there is no such job, or if it has ended.
        """
        self._end_early(id, "failed", code, message)

    def list(self) -> list[Job]:
        """Return the jobs that are running or have ended, the oldest first."""
        return [job for job in self._store.all(KIND) if isinstance(job, Job)]

    def _end_early(
        self, id: str, kind: Literal["finished", "failed"], code: str = "", message: str = ""
    ) -> None:
        job = self.find(id)
        if job is None:
            raise MockServerError(
                f"there is no job {id!r}: a job is what takes time, in a mock with job_seconds="
            )
        if not self.is_running(job):
            raise MockServerError(f"the job {id!r} has ended already")
        self.end(id, kind, code, message)

    # For endpoints

    def takes_time(self) -> bool:
        """Whether a new job takes time."""
        return self._get_seconds() > 0

    def make(
        self,
        id: str,
        find_end: Callable[[Job], End] | None = None,
        is_watched: bool = False,
    ) -> Job:
        """Return a job that begins now; its object is stored before `start` is called.

        Args:
            id: the id of its object.
            find_end: as for `Job`.
            is_watched: whether the client reads a stream of it.
        """
        counts_real_time = is_watched or not self.is_virtual
        watched = self._store.read_clock() if counts_real_time else None
        return Job(self._store.skipped, self._get_seconds(), None, watched, id, find_end)

    def start(self, job: Job) -> Job:
        """Begin a job, and return it; one that takes no time has then ended."""
        if job.seconds:
            self._store.put(KIND, job.id, job)
        self._refresh_announcer()
        if self._on_change is not None and job.find_end is not None:
            end = job.find_end(job)
            with self._lock:
                self._open.put(job, end)
            self._on_change()
        return job

    def watch(self, id: str) -> Job | None:
        """Return a job whose stream a client begins to read; None if there is none."""
        now = self._store.read_clock()

        def watch_job(job: Job) -> Job:
            return job if job.watched is not None else replace(job, watched=now)

        return self._replace(id, watch_job)

    def find(self, id: str) -> Job | None:
        """Return a job; None for an object that was made at once."""
        job = self._store.get(KIND, id)
        return job if isinstance(job, Job) else None

    def end(
        self,
        id: str,
        kind: Literal["finished", "failed", "cancelled"],
        code: str = "",
        message: str = "",
    ) -> None:
        """End a job now; one that has ended early stays as it is."""
        time = self._read_time()

        def end_job(job: Job) -> Job:
            if job.ending is not None:
                return job
            job = _continue(job, time)
            # Without the tolerance, so that the end has been reached in spite of rounding.
            elapsed = max(0.0, _measure(job, time) - _TOLERANCE)
            return replace(job, ending=Ending(kind, elapsed, code, message))

        self._replace(id, end_job)

    def pause(self, id: str) -> None:
        """Let no time pass for a job."""
        time = self._read_time()

        def pause_job(job: Job) -> Job:
            return job if job.paused is not None else replace(job, paused=_measure(job, time))

        self._replace(id, pause_job)

    def resume(self, id: str) -> None:
        """Let time pass for a paused job again."""
        time = self._read_time()
        self._replace(id, lambda job: _continue(job, time))

    def _replace(self, id: str, change: Callable[[Job], Job]) -> Job | None:
        """Replace a job, and return the new one; None if there is none with this id."""
        jobs: list[Job] = []  # the old one and the new one

        def change_job(job: Any) -> Any:
            if not isinstance(job, Job):
                return job
            jobs[:] = job, change(job)
            return jobs[1]

        self._store.update(KIND, id, change_job)
        if not jobs:
            return None
        if jobs[1] is not jobs[0]:
            self._change(jobs[1])
        return jobs[1]

    def _read_time(self) -> _Time:
        return _Time(self._store.skipped, self._store.read_clock())

    def _change(self, job: Job) -> None:
        """Replace a job in the list of those that nobody has taken, and say so."""
        # A shared job may have begun in another process.
        is_foreign = self._store.is_shared and self._on_change is not None
        if job.find_end is None or not (is_foreign or job.id in self._open):
            return
        end = job.find_end(job)
        with self._lock:
            if is_foreign or job.id in self._open:
                self._open.put(job, end)
        if self._on_change is not None:
            self._on_change()

    def measure(self, job: Job) -> float:
        """Return the seconds since a job began, without those in which it was paused."""
        return _measure(job, self._read_time())

    def is_running(self, job: Job) -> bool:
        """Whether a job has neither ended early nor reached its end."""
        return job.ending is None and self.measure(job) < job.seconds

    def poll(self, id: str) -> None:
        """Move a virtual clock forward by the time that a client waits before it asks for a job.

        A job that was cancelled may still need time to stop. One that has ended is not waited for,
        so that a receiver of webhooks can ask for it without moving the time.
        """
        if not self.is_virtual or (job := self.find(id)) is None:
            return
        end = job.seconds if job.find_end is None else job.find_end(job).moment
        if self.measure(job) < end:
            self.advance(job.step)

    def advance(self, seconds: float) -> None:
        """Move the virtual time forward."""
        self._store.change_skipped(lambda skipped: skipped + seconds)
        if self._on_change is not None:
            self._on_change()

    def clear(self) -> None:
        """Forget which jobs may end, and the registered endpoints; the store forgets the rest."""
        with self._lock:
            self._open.clear()
        if self._announcer is not None:
            self._announcer.clear()

    def _refresh_announcer(self) -> None:
        """Learn of the endpoints that were registered with another process."""
        if not self._store.is_shared or self.make_announcer is None:
            return
        if self._announcer is not None or self._store.all(REGISTERED):
            self.find_announcer().refresh()

    def find_announcer(self) -> Announcer:
        """Return what sends webhooks to the endpoints that applications register."""
        if self._announcer is None:
            assert self.make_announcer is not None
            self._announcer = self.make_announcer()
        return self._announcer

    @property
    def real_now(self) -> float:
        """The time on the clock of the jobs without what was skipped, in seconds."""
        return 0.0 if self.is_virtual else self._store.read_clock() - self._origin

    # For webhooks

    @property
    def now(self) -> float:
        """The time on the clock of the jobs, in seconds."""
        return self._store.skipped + self.real_now

    def advance_to(self, moment: float) -> None:
        """Move the virtual time forward to this one, without telling anybody."""
        real = self.real_now
        self._store.change_skipped(lambda skipped: max(skipped, moment - real))

    def follow(self, on_change: Callable[[], object]) -> None:
        """Let the ends of jobs be taken from now on, of those that are running too.

        Args:
            on_change: called when a job may have ended, in any thread; it must not wait.
        """
        self._on_change = on_change
        for job in self._store.all(KIND):
            if self.is_running(job) and job.find_end is not None:
                self._open.put(job, job.find_end(job))

    def find_next_end(self) -> float | None:
        """Return when the next job ends, or the first has ended that nobody has taken."""
        with self._lock:
            first = self._find_first()
        return None if first is None else first.time

    def take_ended(self) -> EndedJob | None:
        """Return the first job that has ended, and was not returned before; None if there is none.

        So each job is taken once, whatever happens to it later, by one of those that share it.
        """
        while True:
            with self._lock:
                first = self._find_first()
                if first is None or first.time > self.now:
                    return None
                self._open.remove(first.id)
            if not self._store.is_shared or self._claim(first.id):
                self._refresh_announcer()
                return first

    def _claim(self, id: str) -> bool:
        """Whether a shared job has ended, and no other process has taken it."""
        job = self.find(id)
        if job is None:
            return True  # it took no time, or was forgotten: nobody else knows of it
        end = None if job.find_end is None else job.find_end(job)
        if end is None or job.paused is not None or self.measure(job) < end.moment:
            if end is not None:
                with self._lock:
                    self._open.put(job, end)  # another process has changed it
            return False
        return self._store.add(_TAKEN, id, self._store.process)

    def find_delay(self) -> float | None:
        """Return after how many seconds of real time the next job ends; None if none does."""
        with self._lock:
            first = self._open.find_first(is_watched=True)
        return None if first is None else first.end.moment - self.measure(first.job)

    def _find_first(self) -> EndedJob | None:
        """Return the job that ends first, of those that nobody has taken; the lock is held."""
        firsts = map(self._open.find_first, (False, True))
        ends = [
            (self._find_time(one.job, one.end), one.number, one)
            for one in firsts
            if one is not None
        ]
        if not ends:
            return None
        moment, _, one = min(ends)
        return EndedJob(moment, one.job.id, one.end.event)

    def _find_time(self, job: Job, end: End) -> float:
        """Return when a job ends, on the clock of the jobs; that is past only if it has ended."""
        now, remaining = self.now, end.moment - self.measure(job)
        moment = job.started + end.moment if job.watched is None else now + remaining
        if remaining > 0:
            return max(moment, now + 2 * _TOLERANCE + 4 * math.ulp(now))
        return now if remaining >= -2 * _TOLERANCE else min(now, moment)

    def add_interval(self, script: Script, id: str) -> Script:
        """Return the answer about an unfinished job with the header that tells when to poll again.

        On a virtual clock, that is at once.
        """
        job = self.find(id)
        if job is None:
            return script
        wait = min(job.step, max(0.0, job.seconds - self.measure(job)))
        milliseconds = 1 if self.is_virtual else max(1, math.ceil(wait * 1000))
        header = ("openai-poll-after-ms", str(milliseconds))
        return replace(script, head=replace(script.head, headers=(*script.head.headers, header)))


AT_ONCE = Jobs(Store())
"""Jobs that are done when they begin."""
