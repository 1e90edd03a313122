"""``/v1/fine_tuning/jobs``: jobs that take time, their events, their checkpoints and their results.

Rules of this file: no I/O. Of S seconds, a job validates its files until S/8, is queued until S/4,
and runs until S. It trains three epochs, and what it says of them follows from its id and the
training file. A paused job is shown as queued, because the SDK's type knows no other state for it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from random import Random
from typing import Any, NamedTuple

from openai_mockserver import seed, tokens
from openai_mockserver.api import ids
from openai_mockserver.api.endpoint import Answer, EndpointRequest
from openai_mockserver.api.json_body import json_response
from openai_mockserver.api.multipart import File
from openai_mockserver.api.resources import timed
from openai_mockserver.api.resources.operations import CONTENT, Resource
from openai_mockserver.api.resources.pagination import paginate
from openai_mockserver.api.resources.states import has_ended
from openai_mockserver.api.resources.timed import Lifecycle, Moment, Timed
from openai_mockserver.api.store import Store
from openai_mockserver.script import Script

__all__ = ["ANSWERS", "make_timed"]

_JOBS = "/v1/fine_tuning/jobs"
_ONE = f"{_JOBS}/{{fine_tuning_job_id}}"
_CREATE = Resource("POST", _JOBS)
_FILE = Resource("POST", "/v1/files")

_EPOCHS = 3
_QUEUED, _RUNNING = 0.125, 0.25
_MOST_METRICS = 100
"""How many steps are events with metrics, at most."""


class _Training(NamedTuple):
    """What is trained: how many steps an epoch has, how many tokens, and the model's name."""

    steps: int
    tokens: int
    model: str

    @property
    def total_steps(self) -> int:
        """The steps of all epochs."""
        return self.steps * _EPOCHS


def _measure_training(job: Mapping[str, Any], suffix: str, store: Store) -> _Training:
    data = store.get(CONTENT, f"/v1/files/{job['training_file']}") or b""
    text: str = data.decode(errors="replace")
    lines = [line for line in text.splitlines() if line.strip()]
    model = f"ft:{job['model']}:mockserver:{suffix}:{ids.letters(8, Random(job['id']))}"
    return _Training(max(1, len(lines)), _EPOCHS * tokens.count(text, job["model"]), model)


# States


def _show(training: _Training, moment: Moment) -> dict[str, Any]:
    """Return what a job shows at a moment."""
    final, status = moment.final, moment.status
    has_succeeded, is_running = status == "succeeded", status == "running"
    id = final["id"]
    has_trained = has_succeeded or is_running
    hyperparameters = dict(final.get("hyperparameters") or {})
    found = {"n_epochs": _EPOCHS, "batch_size": 1, "learning_rate_multiplier": 1.8}
    for name, value in found.items():
        if hyperparameters.get(name) in (None, "auto"):
            hyperparameters[name] = value if has_trained else "auto"
    error = moment.error
    return {
        "status": status,
        "finished_at": moment.time if has_ended({"status": status}) else None,
        "estimated_finish": int(final["created_at"] + moment.job.seconds) if is_running else None,
        "fine_tuned_model": training.model if has_succeeded else None,
        "trained_tokens": training.tokens if has_succeeded else None,
        "result_files": [_name_results(id)] if has_succeeded else [],
        "hyperparameters": hyperparameters,
        "error": None if error is None else {**error, "param": None},
    }


def _name_checkpoint(step: int, training: _Training) -> str:
    """Return the name of the model after a step; the last is the model itself."""
    is_last = step == training.total_steps
    return training.model if is_last else f"{training.model}:ckpt-step-{step}"


def _name_results(id: str) -> str:
    return f"file-{ids.letters(22, Random(f'{id} results'))}"


def _make_lifecycle(training: _Training) -> Lifecycle:
    return Lifecycle(
        states=(
            (0.0, "validating_files"),
            (_QUEUED, "queued"),
            (_RUNNING, "running"),
            (1.0, "succeeded"),
        ),
        show=partial(_show, training),
        events={
            status: f"fine_tuning.job.{status}" for status in ("succeeded", "failed", "cancelled")
        },
        paused="queued",
    )


def make_timed(final: Mapping[str, Any], job_id: str, collection: str, details: Any) -> Timed:
    """Return a job that takes time; ``details`` are what is trained."""
    training = _Training(*details)
    finish = partial(_finish, training)
    lifecycle = _make_lifecycle(training)
    return Timed(collection, final, lifecycle, job_id, "fine-tuning job", finish, training)


def _create(request: EndpointRequest, store: Store, rng: Random) -> Script:
    """Create a job."""
    job = _CREATE.create_object(request, store, rng)
    training = _measure_training(job, request.parameters.get("suffix") or "", store)
    record = make_timed(job, job["id"], _JOBS, training)
    return timed.show(timed.begin(record, request.jobs, store), job["id"], request.jobs, rng)


def _finish(training: _Training, moment: Moment, store: Store) -> None:
    """Store the results of a job that has succeeded: what each step has measured."""
    if moment.status != "succeeded":
        return
    id = moment.final["id"]
    lines = ["step,train_loss,train_accuracy"]
    for step in range(1, training.total_steps + 1):
        metrics = _measure_step(id, step, training)
        lines.append(
            f"{step},{metrics['train_loss']:.5f},{metrics['train_mean_token_accuracy']:.5f}"
        )
    file = File("\n".join([*lines, ""]).encode(), "step_metrics.csv")
    parameters = {"file": file, "purpose": "fine-tune-results"}
    request = EndpointRequest("POST", _FILE.path, parameters=parameters)
    file_id = _name_results(id)
    value = _FILE.build(file_id, request, seed.Seeded(id)) | {"created_at": moment.time}
    store.put_all(((_FILE.path, file_id, value), (CONTENT, f"{_FILE.path}/{file_id}", file)))


def _measure_step(id: str, step: int, training: _Training) -> dict[str, float]:
    """Return the metrics of a step: the loss falls, with some noise."""
    noise = Random(f"{id} step {step}").uniform(-0.05, 0.05)
    done = step / training.total_steps
    loss = round(2.0 * (1 - done) + 0.3 + noise, 5)
    return {
        "step": float(step),
        "train_loss": loss,
        "train_mean_token_accuracy": round(0.5 + 0.4 * done + noise / 2, 5),
    }


# Pausing


def _make_pause(action: str) -> Answer:
    """Return the answer that pauses or resumes a job, unless it has ended."""
    generic = Resource("POST", f"{_ONE}/{action}").answer

    def answer(request: EndpointRequest, store: Store, rng: Random) -> Script:
        id = _find_job(request)
        job = timed.refresh(id, request.jobs, store)
        if job is None or has_ended(job):
            return generic(request, store, rng)
        (request.jobs.pause if action == "pause" else request.jobs.resume)(id)
        return json_response(timed.refresh(id, request.jobs, store), rng)

    return answer


# Events and checkpoints


class _Event(NamedTuple):
    """An event of a job, and after how many seconds it happens."""

    due: float
    message: str
    metrics: dict[str, float] | None = None
    level: str = "info"


def _list_events(request: EndpointRequest, store: Store, rng: Random) -> Script:
    """Return a page of what has happened to a job, by default the newest first."""
    events: list[Any] = []
    if (found := _find_moment(request, store)) is not None:
        moment, training = found
        id, created_at = moment.final["id"], int(moment.final["created_at"])
        events = [
            {
                "object": "fine_tuning.job.event",
                "id": f"ftevent-{ids.letters(24, Random(f'{id} event {number}'))}",
                "created_at": created_at + int(event.due),
                "level": event.level,
                "message": event.message,
                "data": event.metrics,
                "type": "message" if event.metrics is None else "metrics",
            }
            for number, event in enumerate(_make_events(moment, training))
            if event.due <= moment.elapsed
        ]
    return json_response(paginate(events, request.query), rng)


def _make_events(moment: Moment, training: _Training) -> Iterator[_Event]:
    """Yield the events of a job."""
    job, seconds = moment.final, moment.find_seconds()
    yield _Event(0.0, f"Created fine-tuning job: {job['id']}")
    yield _Event(0.0, f"Validating training file: {job['training_file']}")
    yield _Event(_QUEUED * seconds, "Files validated, moving job to queued state")
    yield _Event(_RUNNING * seconds, "Fine-tuning job started")
    total = training.total_steps
    interval = -(-total // _MOST_METRICS)
    for step in range(1, total + 1):
        due = _find_due(step, training, seconds)
        if step % interval == 0:
            metrics = {"total_steps": total, **_measure_step(job["id"], step, training)}
            message = f"Step {step}/{total}: training loss={metrics['train_loss']:.2f}"
            yield _Event(due, message, metrics)
        if step % training.steps == 0 and step < total:
            name = _name_checkpoint(step, training)
            yield _Event(due, f"Checkpoint created at step {step}: {name}")
    if moment.status == "succeeded":
        yield _Event(moment.elapsed, f"New fine-tuned model created: {training.model}")
        yield _Event(moment.elapsed, "The job has successfully completed")
    elif moment.error is not None:
        yield _Event(moment.elapsed, moment.error["message"], None, "error")
    elif moment.status == "cancelled":
        yield _Event(moment.elapsed, "Fine-tuning job cancelled")


def _find_due(step: int, training: _Training, seconds: float) -> float:
    """Return after how many seconds a step has been made."""
    return seconds * (_RUNNING + (1 - _RUNNING) * step / training.total_steps)


def _list_checkpoints(request: EndpointRequest, store: Store, rng: Random) -> Script:
    """Return a page of the checkpoints: one after each epoch."""
    checkpoints: list[Any] = []
    if (found := _find_moment(request, store)) is not None:
        moment, training = found
        id, created_at = moment.final["id"], int(moment.final["created_at"])
        steps = {
            step: _find_due(step, training, moment.find_seconds())
            for step in range(training.steps, training.total_steps + 1, training.steps)
        }
        checkpoints = [
            {
                "object": "fine_tuning.job.checkpoint",
                "id": f"ftckpt_{ids.letters(24, Random(f'{id} checkpoint {step}'))}",
                "created_at": created_at + int(due),
                "fine_tuned_model_checkpoint": _name_checkpoint(step, training),
                "fine_tuning_job_id": id,
                "metrics": _measure_step(id, step, training),
                "step_number": step,
            }
            for step, due in steps.items()
            if due <= moment.elapsed
        ]
    return json_response(paginate(checkpoints, request.query), rng)


def _find_moment(request: EndpointRequest, store: Store) -> tuple[Moment, _Training] | None:
    """Return what a job is now, and what it trains; None if it takes no time."""
    id = _find_job(request)
    record = timed.find_timed(id, store)
    if record is None or timed.refresh(id, request.jobs, store) is None:
        return None
    return record.find_moment(request.jobs), record.details


_find_job = timed.by_id("fine_tuning_job_id")

ANSWERS: dict[tuple[str, str], Answer] = {
    ("POST", _JOBS): _create,
    ("GET", _JOBS): timed.make_list(_JOBS),
    ("GET", _ONE): timed.make_retrieve(_ONE, _find_job),
    ("POST", f"{_ONE}/cancel"): timed.make_cancel(f"{_ONE}/cancel", _find_job),
    ("POST", f"{_ONE}/pause"): _make_pause("pause"),
    ("POST", f"{_ONE}/resume"): _make_pause("resume"),
    ("GET", f"{_ONE}/events"): _list_events,
    ("GET", f"{_ONE}/checkpoints"): _list_checkpoints,
}
