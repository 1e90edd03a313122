"""``/v1/evals``: the schema of an eval's data contains that of its items. SDKs before 3.0 cancel a
run with a POST to the run's path, which works here too.

Rules of this file: no I/O; `operations` does what evals and runs share with other objects, and
`timed` what runs share with others that take time. Of S seconds, a run is queued until S/4; then
its items are graded one after the other, and each passes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from random import Random
from typing import Any

import msgspec

from openai_mockserver import seed
from openai_mockserver.api import ids
from openai_mockserver.api.endpoint import Answer, EndpointRequest
from openai_mockserver.api.resources import timed
from openai_mockserver.api.resources.operations import CONTENT, Resource
from openai_mockserver.api.resources.placeholders import make_placeholder
from openai_mockserver.api.resources.timed import Lifecycle, Moment, Timed
from openai_mockserver.api.store import Store
from openai_mockserver.script import Script

__all__ = ["ANSWERS", "make_timed"]

_EVALS = "/v1/evals"
_EVAL = Resource("POST", _EVALS)
_RUNS = "/v1/evals/{eval_id}/runs"
_RUN = f"{_RUNS}/{{run_id}}"
_ITEMS = f"{_RUN}/output_items"
_CREATE_RUN = Resource("POST", _RUNS)
_ITEM = Resource("GET", f"{_ITEMS}/{{output_item_id}}")
_LIST_ITEMS = Resource("GET", _ITEMS)


_QUEUED = 0.25


def _create(request: EndpointRequest, store: Store, rng: Random) -> Script:
    """Create an eval; its data schema wraps the schema of an item."""
    parameters = dict(request.parameters)
    config = parameters.get("data_source_config")
    if isinstance(config, dict) and "item_schema" in config:
        schema = {
            "type": "object",
            "properties": {"item": config["item_schema"]},
            "required": ["item"],
        }
        parameters["data_source_config"] = {"type": config.get("type", "custom"), "schema": schema}
    return _EVAL.create(replace(request, parameters=parameters), store, rng)


# Runs


def _show(items: int, criteria: list[str], moment: Moment) -> dict[str, Any]:
    """Return what a run shows at a moment, given how many items it has."""
    is_completed = moment.status == "completed"
    done = items if is_completed else int(items * moment.measure_progress(_QUEUED))
    return {
        "status": moment.status,
        "result_counts": {"total": items, "errored": 0, "failed": 0, "passed": done},
        "per_testing_criteria_results": [
            {"testing_criteria": name, "passed": done, "failed": 0} for name in criteria
        ],
        "error": moment.error or {"code": "", "message": ""},
    }


def _make_lifecycle(items: int, criteria: list[str]) -> Lifecycle:
    return Lifecycle(
        states=((0.0, "queued"), (_QUEUED, "in_progress"), (1.0, "completed")),
        show=partial(_show, items, criteria),
        cancelled="canceled",
        events={
            "completed": "eval.run.succeeded",
            "failed": "eval.run.failed",
            "canceled": "eval.run.canceled",
        },
    )


def make_timed(final: Mapping[str, Any], job_id: str, collection: str, details: Any) -> Timed:
    """Return a run that takes time; ``details`` are its items and its criteria."""
    items, criteria = details
    lifecycle = _make_lifecycle(len(items), [str(one.get("name")) for one in criteria])
    return Timed(collection, final, lifecycle, job_id, "eval run", details=details)


def _create_run(request: EndpointRequest, store: Store, rng: Random) -> Script:
    """Create a run."""
    run = _CREATE_RUN.create_object(request, store, rng)
    details = _read_items(request.parameters, store), _list_criteria(request, store)
    record = make_timed(run, run["id"], request.path, details)
    return timed.show(timed.begin(record, request.jobs, store), run["id"], request.jobs, rng)


def _list_criteria(request: EndpointRequest, store: Store) -> list[Mapping[str, Any]]:
    """Return the criteria of the eval."""
    value = store.get(_EVALS, request.ids["eval_id"]) or {}
    return list(value.get("testing_criteria") or ())


def _read_items(parameters: Mapping[str, Any], store: Store) -> list[dict[str, Any]]:
    """Return the items of a run's data: those in the request, or in an uploaded file."""
    source = (parameters.get("data_source") or {}).get("source") or {}
    if source.get("type") == "file_id":
        data = store.get(CONTENT, f"/v1/files/{source.get('id')}") or b""
        text: str = data.decode(errors="replace")
        lines = [_decode(line) for line in text.splitlines() if line.strip()]
    else:
        lines = list(source.get("content") or ())
    return [line for line in lines if isinstance(line, dict)]


def _decode(line: str) -> Any:
    try:
        return msgspec.json.decode(line)
    except msgspec.DecodeError:
        return None


def _list_items(request: EndpointRequest, store: Store, rng: Random) -> Script:
    """Return a page of the items that were graded."""
    _store_items(request, store)
    return _LIST_ITEMS.answer(request, store, rng)


def _retrieve_item(request: EndpointRequest, store: Store, rng: Random) -> Script:
    """Return an item."""
    _store_items(request, store)
    return _ITEM.answer(request, store, rng)


def _store_items(request: EndpointRequest, store: Store) -> None:
    """Store the items of a run that takes time, as far as they were graded by now."""
    id = request.ids["run_id"]
    run, record = timed.refresh(id, request.jobs, store), timed.find_timed(id, store)
    if run is None or record is None:
        return
    collection = f"{record.collection}/{id}/output_items"
    items, criteria = record.details
    for number, item in enumerate(items[: run["result_counts"]["passed"]]):
        item_id = f"outputitem_{ids.letters(32, Random(f'{id} item {number}'))}"
        if store.get(collection, item_id) is None:
            members = {
                "id": item_id,
                "object": "eval.run.output_item",
                "created_at": run["created_at"],
                "run_id": id,
                "eval_id": run["eval_id"],
                "status": "pass",
                "datasource_item_id": number,
                "datasource_item": item.get("item") or {},
                "results": [_make_result(criterion) for criterion in criteria],
            }
            schema = _ITEM.operation.answer or {}
            store.put(collection, item_id, make_placeholder(schema, seed.Seeded(item_id), members))


def _make_result(criterion: Mapping[str, Any]) -> dict[str, Any]:
    return {"name": str(criterion.get("name")), "passed": True, "score": 1.0, "sample": None}


_find_job = timed.by_id("run_id")
_cancel = timed.make_cancel(f"{_RUN}/cancel", _find_job)


def _cancel_by_post(request: EndpointRequest, store: Store, rng: Random) -> Script:
    """Cancel the run, unless it has already ended."""
    return _cancel(replace(request, path=f"{request.path}/cancel"), store, rng)


ANSWERS: dict[tuple[str, str], Answer] = {
    ("POST", _EVALS): _create,
    ("POST", _RUNS): _create_run,
    ("GET", _RUNS): timed.make_list(_RUNS),
    ("GET", _RUN): timed.make_retrieve(_RUN, _find_job),
    ("POST", _RUN): _cancel_by_post,
    ("POST", f"{_RUN}/cancel"): _cancel,
    ("GET", _ITEMS): _list_items,
    ("GET", f"{_ITEMS}/{{output_item_id}}"): _retrieve_item,
}
