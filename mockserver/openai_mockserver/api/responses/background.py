"""Responses in the background that take time: what a client sees of one at each moment.

Rules of this file: no I/O. A response that takes S seconds is queued until S/4, in progress until
S, and then what the reply made of it: completed, incomplete or failed. The events of its stream are
spread over that time; a client that resumes the stream gets the events that are due, and waits for
the others. No recording shows how the stream of a cancelled response ends; here it just ends.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import msgspec.json

from openai_mockserver import sse
from openai_mockserver.api.jobs import End, Job
from openai_mockserver.api.responses.envelope import clear_result
from openai_mockserver.script import Event, Pause, Script, Step

__all__ = [
    "UNFINISHED",
    "ResponseEnd",
    "find_status",
    "list_due_events",
    "pace_stream",
    "show_response",
]

UNFINISHED = ("queued", "in_progress")
"""The states of a response that a client polls."""


def find_status(response: Mapping[str, Any], job: Job, elapsed: float) -> str:
    """Return the status of a response some seconds after its start.

    >>> find_status({"status": "incomplete"}, Job(0, 60), 15)
    'in_progress'
    """
    if job.ending is not None and job.ending.kind != "finished":
        return job.ending.kind
    if job.ending is not None or elapsed >= job.seconds:
        return str(response["status"])
    return "queued" if elapsed < job.step else "in_progress"


@dataclass(frozen=True, slots=True)
class ResponseEnd:
    """Finds when the job of a response ends, and how.

    Args:
        status: the status of the final response.

    >>> ResponseEnd("incomplete")(Job(0, 60))
    End(moment=60, event='response.incomplete')
    """

    status: str

    def __call__(self, job: Job) -> End:
        moment = job.seconds if job.ending is None else job.ending.elapsed
        return End(moment, f"response.{find_status({'status': self.status}, job, moment)}")


def show_response(
    response: Mapping[str, Any], job: Job, elapsed: float, was_streamed: bool
) -> Mapping[str, Any]:
    """Return the response object some seconds after the start.

    Args:
        response: the final response.
        job: the job that leads to it.
        elapsed: seconds since the job began.
        was_streamed: whether its stream has stated when it was completed.
    """
    status = find_status(response, job, elapsed)
    ending = job.ending
    if ending is not None and ending.kind == "failed":
        error = {"code": ending.code, "message": ending.message}
        return clear_result(response, status) | {"error": error}
    if status != response["status"]:
        return clear_result(response, status)
    if was_streamed or response.get("completed_at") is None:
        return response
    seconds = job.seconds if ending is None else ending.elapsed
    return {**response, "completed_at": (response.get("created_at") or 0) + int(seconds)}


# Streams


def pace_stream(script: Script, job: Job) -> Script:
    """Return the stream of a new response, with its events spread over the time of its job."""
    events = sum(map(_is_event, script.steps))
    moments = iter(_list_moments(events, job))
    steps: list[Step] = []
    last = 0.0
    for step in script.steps:
        if _is_event(step):
            moment = next(moments)
            if moment > last:
                steps.append(Pause(moment - last))
            last = moment
        steps.append(step)
    return replace(script, steps=tuple(steps))


def _is_event(step: Step) -> bool:
    return step != sse.DONE and sse.count_events(step) > 0


def _list_moments(events: int, job: Job) -> list[float]:
    """Return when each event is sent: the first two at once, and the last when the job is done.

    >>> _list_moments(5, Job(0, 60))
    [0.0, 0.0, 15.0, 37.5, 60.0]
    """
    late = max(1, events - 3)
    rest = job.seconds - job.step
    return [0.0 if n < 2 else job.step + rest * (n - 2) / late for n in range(events)]


def list_due_events(
    events: Sequence[Event], response: Mapping[str, Any], job: Job, elapsed: float
) -> Iterator[tuple[float, Event]]:
    """Yield the events of a stream, each with the seconds after which it is due from now on.

    Args:
        events: the events of the whole stream.
        response: the final response.
        job: the job that leads to it.
        elapsed: seconds since the job began.
    """
    ending = job.ending
    number = 0
    for moment, event in zip(_list_moments(len(events), job), events, strict=True):
        if ending is not None and ending.kind != "finished" and moment > ending.elapsed:
            break
        yield (0.0 if ending is not None else max(0.0, moment - elapsed)), event
        number += 1
    if ending is not None and ending.kind == "failed":
        failed_response = show_response(response, job, elapsed, was_streamed=True)
        fields = {"type": "response.failed", "sequence_number": number}
        data = msgspec.json.encode(fields | {"response": failed_response}).decode()
        yield 0.0, Event(data, event="response.failed")
