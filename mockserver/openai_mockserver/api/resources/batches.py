"""``/v1/batches``: answer each line of an uploaded file like any other request.

Rules of this file: no I/O. The lines are answered when the batch is created, in their order; what
the client sees of that follows from the time. A batch that takes S seconds is

* validating until S/4, and then failed if its file has a mistake;
* in progress until 3/4 S, while the number of answered lines grows;
* finalizing until S, and then completed.

One that takes longer than its completion window expires, with the answers that it has by then. A
cancelled one needs another S/4 to stop. In the output file the answers stand in the order in which
they were made, which is not the order of the lines.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

import msgspec

from openai_mockserver import seed
from openai_mockserver.api.disk_bytes import DiskBytes
from openai_mockserver.api.endpoint import EndpointRequest
from openai_mockserver.api.jobs import End, Job, Jobs
from openai_mockserver.api.json_body import json_response
from openai_mockserver.api.multipart import File
from openai_mockserver.api.resources.batch_lines import (
    answer_line,
    count_usage,
    is_good,
    read_lines,
    refuse_line,
)
from openai_mockserver.api.resources.operations import CONTENT, Resource
from openai_mockserver.api.resources.states import has_ended
from openai_mockserver.api.store import Store
from openai_mockserver.script import Script

__all__ = ["ANSWERS", "BatchEnd", "BatchRun"]

_BATCHES = "/v1/batches"
_BATCH = Resource("POST", _BATCHES)
_RETRIEVE = Resource("GET", f"{_BATCHES}/{{batch_id}}")
_LIST = Resource("GET", _BATCHES)
_CANCEL = Resource("POST", f"{_BATCHES}/{{batch_id}}/cancel")
_FILE = Resource("POST", "/v1/files")

_RUNS = "batch run"
"""The kind of batches in the store that have not ended."""

_WINDOW = 24 * 3600.0
"""Seconds after which a batch expires; OpenAI offers no other window."""

_EXPIRED = "This request could not be executed before the completion window expired."

# All members of a batch, in the order of OpenAI's reference.
_MEMBERS = (
    "id",
    "object",
    "endpoint",
    "model",
    "errors",
    "input_file_id",
    "completion_window",
    "status",
    "output_file_id",
    "error_file_id",
    "created_at",
    "in_progress_at",
    "expires_at",
    "finalizing_at",
    "completed_at",
    "failed_at",
    "expired_at",
    "cancelling_at",
    "cancelled_at",
    "request_counts",
    "usage",
    "metadata",
)


@dataclass(frozen=True)
class BatchRun:
    """A batch with all that it will lead to.

    Args:
        batch: the batch when it was created.
        answers: the answers to its lines, in the order in which they are made.
        problems: the mistakes in its file; if there are some, there are no answers.
        file_ids: the ids of the output file and of the error file.
        expires_after: when these files expire, as the request says.
    """

    batch: dict[str, Any]
    answers: Sequence[dict[str, Any]]
    problems: Sequence[dict[str, Any]]
    file_ids: tuple[str, str]
    expires_after: Any


# Endpoints


def _create(request: EndpointRequest, store: Store, rng: Random) -> Script:
    """Create a batch, and answer its lines."""
    run = _make_run(request, store, rng)
    id = run.batch["id"]
    job = request.jobs.make(id, BatchEnd(bool(run.problems)))
    store.put_all(((_BATCHES, id, run.batch), (_RUNS, id, run)))
    _update(run, job, request.jobs, store, rng)
    request.jobs.start(job)
    return _show(id, request.jobs, store, rng)


def _retrieve(request: EndpointRequest, store: Store, rng: Random) -> Script:
    """Return the batch as it is now."""
    id = request.ids["batch_id"]
    if store.get(_RUNS, id) is None:
        return _RETRIEVE.retrieve(request, store, rng)
    request.jobs.poll(id)
    _update_one(id, request.jobs, store, rng)
    return _show(id, request.jobs, store, rng)


def _list(request: EndpointRequest, store: Store, rng: Random) -> Script:
    """Return a page of the batches as they are now."""
    for run in store.all(_RUNS):
        _update_one(run.batch["id"], request.jobs, store, rng)
    return _LIST.list(request, store, rng)


def _cancel(request: EndpointRequest, store: Store, rng: Random) -> Script:
    """Cancel the batch, unless it has ended; one that is being cancelled stays so."""
    id = request.ids["batch_id"]
    _update_one(id, request.jobs, store, rng)
    if store.get(_RUNS, id) is None:
        return _CANCEL.act(request, store, rng)
    request.jobs.end(id, "cancelled")
    _update_one(id, request.jobs, store, rng)
    return _show(id, request.jobs, store, rng)


def _show(id: str, jobs: Jobs, store: Store, rng: Random) -> Script:
    batch = store.get(_BATCHES, id)
    script = json_response(batch, rng)
    return script if has_ended(batch) else jobs.add_interval(script, id)


# Running


def _make_run(request: EndpointRequest, store: Store, rng: Random) -> BatchRun:
    """Answer the lines of a new batch."""
    id = _BATCH.new_id(request, store, rng)
    built = _BATCH.build(id, request, rng, with_end=False)
    data = store.get(CONTENT, f"/v1/files/{built['input_file_id']}")
    answers, problems, model = _answer_lines(request, data, rng)
    batch = {name: built.get(name) for name in _MEMBERS} | {
        "model": model,
        "status": "validating",
        "expires_at": built["created_at"] + int(_WINDOW),
        "request_counts": {"total": 0, "completed": 0, "failed": 0},
        "usage": count_usage(()),
    }
    file_ids = (_FILE.new_id(request, store, rng), _FILE.new_id(request, store, rng))
    expires_after = request.parameters.get("output_expires_after")
    return BatchRun(batch, _shuffle(answers, Random(id)), problems, file_ids, expires_after)


def _answer_lines(
    request: EndpointRequest, data: bytes | DiskBytes | None, rng: Random
) -> tuple[list[dict[str, Any]], list[Any], str | None]:
    """Return the answers to the lines, the mistakes in the file, and the model.

    A file that was never uploaded counts as one without lines, but is no mistake, so that code that
    only has its id can run.
    """
    if data is None or request.ask is None:
        return [], [], None
    lines, problems = read_lines(data, str(request.parameters.get("endpoint")))
    model = lines[0].body.get("model") if lines else None
    model = model if isinstance(model, str) else None
    if problems:
        return [], problems, model
    answers = [answer_line(line, request.ask, rng) for line in lines]
    for answer in filter(is_good, answers):
        answered_by = answer["response"]["body"].get("model")
        if isinstance(answered_by, str):  # a snapshot, such as gpt-4o-2024-08-06
            return answers, [], answered_by
    return answers, [], model


def _shuffle(answers: list[dict[str, Any]], rng: Random) -> list[dict[str, Any]]:
    """Return the answers in another order, if there are several."""
    shuffled = rng.sample(answers, len(answers))
    return shuffled[1:] + shuffled[:1] if shuffled == answers else shuffled


def _update_one(id: str, jobs: Jobs, store: Store, rng: Random) -> None:
    """Update a batch, unless it has ended."""
    run = store.get(_RUNS, id)
    if run is not None:
        _update(run, jobs.find(id) or Job(0.0, 0.0), jobs, store, rng)


def _update(run: BatchRun, job: Job, jobs: Jobs, store: Store, rng: Random) -> None:
    """Store a batch as it is now; if it has ended, also its files, and nothing else of it."""
    id, created_at = run.batch["id"], run.batch["created_at"]
    elapsed = jobs.measure(job)
    changes: dict[str, Any] = {}
    for moment, status in _list_states(job, bool(run.problems)):
        if moment <= elapsed:
            changes["status"] = status
            changes[f"{status}_at"] = created_at + int(moment)
    del changes["validating_at"]
    status = changes["status"]
    answers = run.answers[: _count_done(len(run.answers), job, elapsed)]
    if status != "validating":
        good = sum(map(is_good, answers))
        counts = {"completed": good, "failed": len(answers) - good}
        changes["request_counts"] = {"total": len(run.answers), **counts}
    if status == "failed":
        changes["errors"] = {"object": "list", "data": _list_errors(run, job)}
    elif has_ended({"status": status}):
        changes["usage"] = count_usage(answers)
        missing = run.answers[len(answers) :] if status == "expired" else ()
        answers = [*answers, *(refuse_line(one, _EXPIRED, "batch_expired") for one in missing)]
        files = (
            ("output_file_id", "output", [one for one in answers if is_good(one)]),
            ("error_file_id", "error", [one for one in answers if not is_good(one)]),
        )
        written_at = changes.get("finalizing_at") or changes[f"{status}_at"]
        for file_id, (member, name, lines) in zip(run.file_ids, files, strict=True):
            if lines:
                _write_file(file_id, f"{id}_{name}.jsonl", lines, run, store, rng, written_at)
                changes[member] = file_id
    new_batch = run.batch | changes

    def replace_batch(batch: dict[str, Any]) -> dict[str, Any]:
        return batch if has_ended(batch) else new_batch  # another request may have seen the end

    store.update(_BATCHES, id, replace_batch)
    if has_ended(new_batch):
        store.drop(_RUNS, id)


def _list_states(job: Job, has_problems: bool) -> list[tuple[float, str]]:
    """Return the states of a batch, each with the seconds after which it begins."""
    seconds, ending = job.seconds, job.ending
    states = [(0.0, "validating"), (seconds / 4, "failed" if has_problems else "in_progress")]
    if not has_problems:
        states += [(seconds * 3 / 4, "finalizing"), (seconds, "completed")]
    if seconds > _WINDOW:
        states = [one for one in states if one[0] < _WINDOW] + [(_WINDOW, "expired")]
    if ending is None or states[-1][0] <= ending.elapsed:
        return states
    end = ending.elapsed
    if ending.kind == "finished":
        return [(min(moment, end), status) for moment, status in states]
    states = [one for one in states if one[0] <= end]
    if ending.kind == "failed":
        return [*states, (end, "failed")]
    return [*states, (end, "cancelling"), (end + job.step, "cancelled")]


@dataclass(frozen=True, slots=True)
class BatchEnd:
    """Finds when the job of a batch ends, and how.

    Args:
        has_problems: whether there are mistakes in its file.
    """

    has_problems: bool

    def __call__(self, job: Job) -> End:
        moment, status = _list_states(job, self.has_problems)[-1]
        return End(moment, f"batch.{status}")


def _count_done(total: int, job: Job, elapsed: float) -> int:
    """Return how many of a batch's lines are answered some seconds after its start."""
    ending = job.ending
    if ending is not None and ending.kind != "finished":
        elapsed = min(elapsed, ending.elapsed)
    elif ending is not None and ending.elapsed <= elapsed:
        return total
    elapsed = min(elapsed, _WINDOW)
    begin, end = job.seconds / 4, job.seconds * 3 / 4
    if elapsed >= end:
        return total
    return int(total * max(0.0, elapsed - begin) / (end - begin))


def _list_errors(run: BatchRun, job: Job) -> list[dict[str, Any]]:
    if run.problems or job.ending is None:
        return list(run.problems)
    error = {"code": job.ending.code, "message": job.ending.message}
    return [error | {"line": None, "param": None}]


def _write_file(
    id: str,
    name: str,
    answers: Sequence[dict[str, Any]],
    run: BatchRun,
    store: Store,
    rng: Random,
    created_at: int,
) -> None:
    """Store a file with these answers."""
    data = b"".join(msgspec.json.encode(answer) + b"\n" for answer in answers)
    file = File(data, name)
    parameters = {"file": file, "purpose": "batch_output", "expires_after": run.expires_after}
    request = EndpointRequest("POST", _FILE.path, parameters=parameters)
    value = _FILE.build(id, request, seed.derive_rng(rng, id)) | {"created_at": created_at}
    if isinstance(run.expires_after, dict):
        value["expires_at"] = created_at + int(run.expires_after.get("seconds") or 0)
    store.put_all(((_FILE.path, id, value), (CONTENT, f"{_FILE.path}/{id}", file)))


ANSWERS = {
    ("POST", _BATCHES): _create,
    ("GET", _BATCHES): _list,
    ("GET", f"{_BATCHES}/{{batch_id}}"): _retrieve,
    ("POST", f"{_BATCHES}/{{batch_id}}/cancel"): _cancel,
}
