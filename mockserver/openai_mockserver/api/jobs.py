"""Jobs that take time: when each began, how long it takes, and whether it ended early.

Rules of this file: the state of a job is a function of time, and the files of the endpoints say
which function; nothing runs in between. On a virtual clock, time passes only when a job is polled,
and when an in-process client waits. A batch of an hour is therefore polled to its end in a few
milliseconds. But a stream over a socket takes real time, so that real time counts for a job from
the moment when its stream is read; on a real clock it counts for all.

>>> jobs = Jobs(Store(), lambda: 3600.0)
>>> job = jobs.start("batch_1")
>>> for _ in range(4):
...     jobs.poll("batch_1")
>>> jobs.measure(job) >= 3600
True
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

from openai_mockserver.api.store import Store
from openai_mockserver.exceptions import MockServerError
from openai_mockserver.script import Script

__all__ = ["AT_ONCE", "POLLS", "Ending", "Job", "Jobs"]

KIND = "job"
"""The kind of jobs in the store."""

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


@dataclass(frozen=True, slots=True)
class Job:
    """A job.

    Args:
        started: when it began, in virtual time.
        seconds: how long it takes.
        ending: how it ended early; None if it did not.
        watched: since when real time counts too, on the real clock; None if it does not.
    """

    started: float
    seconds: float
    ending: Ending | None = None
    watched: float | None = None

    @property
    def step(self) -> float:
        """The seconds that a client should wait between two polls."""
        return self.seconds / POLLS


class Jobs:
    """The jobs of a mock.

    Args:
        store: holds the jobs.
        get_seconds: returns how many seconds a new job takes.
    """

    def __init__(self, store: Store, get_seconds: Callable[[], float] = lambda: 0.0) -> None:
        self.is_virtual = True
        self._store = store
        self._get_seconds = get_seconds
        self._skipped = 0.0
        self._lock = threading.Lock()

    # For users

    def finish(self, id: str) -> None:
        """End a job now, as it would have ended by itself.

        Args:
            id: the id of the response or batch.

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
            id: the id of the response or batch.
            message, code: its error.

        Raises MockServerError if there is no such job, or if it has ended.
        """
        self._end_early(id, "failed", code, message)

    def _end_early(
        self, id: str, kind: Literal["finished", "failed"], code: str = "", message: str = ""
    ) -> None:
        job = self.find(id)
        if job is None:
            raise MockServerError(
                f"there is no job {id!r}: only the background responses and batches of a mock with "
                "job_seconds= are jobs"
            )
        if not self.is_running(job):
            raise MockServerError(f"the job {id!r} has ended already")
        self.end(id, kind, code, message)

    # For endpoints

    def takes_time(self) -> bool:
        """Whether a new job takes time."""
        return self._get_seconds() > 0

    def start(self, id: str, is_watched: bool = False) -> Job:
        """Begin a job with the id of its object, and return it.

        Args:
            id: the id.
            is_watched: whether the client reads a stream of it.
        """
        counts_real_time = is_watched or not self.is_virtual
        watched = time.monotonic() if counts_real_time else None
        job = Job(self._skipped, self._get_seconds(), watched=watched)
        if job.seconds:
            self._store.put(KIND, id, job)
        return job

    def watch(self, id: str) -> Job | None:
        """Return a job whose stream a client begins to read; None if there is none."""
        with self._lock:
            job = self.find(id)
            if job is not None and job.watched is None:
                job = replace(job, watched=time.monotonic())
                self._store.put(KIND, id, job)
            return job

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
        with self._lock:
            job = self.find(id)
            if job is not None and job.ending is None:
                ending = Ending(kind, self.measure(job), code, message)
                self._store.put(KIND, id, replace(job, ending=ending))

    def measure(self, job: Job) -> float:
        """Return the seconds since a job began."""
        real = 0.0 if job.watched is None else time.monotonic() - job.watched
        return self._skipped - job.started + real + _TOLERANCE

    def is_running(self, job: Job) -> bool:
        """Whether a job has neither ended early nor reached its end."""
        return job.ending is None and self.measure(job) < job.seconds

    def poll(self, id: str) -> None:
        """Move a virtual clock forward by the time that a client waits before it asks for a job.

        A job that was cancelled may still need time to stop.
        """
        job = self.find(id)
        if job is not None and self.is_virtual and self.measure(job) < 2 * job.seconds:
            self.advance(job.step)

    def advance(self, seconds: float) -> None:
        """Move the virtual time forward."""
        with self._lock:
            self._skipped += seconds

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
