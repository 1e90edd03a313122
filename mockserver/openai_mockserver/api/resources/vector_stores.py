"""``/v1/vector_stores``: search files by the words that they share with a query.

Rules of this file: no I/O; `operations` does what stores, their files and batches share with other
objects, and `timed` what files and batches share with others that take time. The job of a file is
``STORE/FILE``, because a file may be in several stores; that of a batch ends those of its files.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterable, Mapping
from random import Random
from typing import Any
from urllib.parse import unquote

from openai_mockserver.api.endpoint import Answer, EndpointRequest
from openai_mockserver.api.jobs import Jobs
from openai_mockserver.api.json_body import json_response
from openai_mockserver.api.resources import timed
from openai_mockserver.api.resources.operations import CONTENT, Resource
from openai_mockserver.api.resources.pagination import paginate
from openai_mockserver.api.resources.states import has_ended
from openai_mockserver.api.resources.timed import Lifecycle, Moment, Timed
from openai_mockserver.api.store import Store
from openai_mockserver.script import Script

__all__ = ["ANSWERS", "make_timed_batch", "make_timed_file"]

_STORES = "/v1/vector_stores"
_ONE = f"{_STORES}/{{vector_store_id}}"
_FILES = f"{_ONE}/files"
_BATCHES = f"{_ONE}/file_batches"
_CHUNK = 800  # characters of a search result
_STATES = ((0.0, "in_progress"), (1.0, "completed"))


def _show_file(moment: Moment) -> dict[str, Any]:
    is_completed = moment.status == "completed"
    return {
        "status": moment.status,
        "usage_bytes": moment.final["usage_bytes"] if is_completed else 0,
        "last_error": moment.error,
    }


def _show_batch(moment: Moment) -> dict[str, Any]:
    return {"status": moment.status}


_FILE_LIFECYCLE = Lifecycle(states=_STATES, show=_show_file)
_BATCH_LIFECYCLE = Lifecycle(states=_STATES, show=_show_batch)


def make_timed_file(
    final: Mapping[str, Any], job_id: str, collection: str, details: object
) -> Timed:
    """Return a file that takes time; ``details`` is the id of its batch, if it has one."""
    kind = "vector store file"
    return Timed(collection, final, _FILE_LIFECYCLE, job_id, kind, details=details)


def make_timed_batch(
    final: Mapping[str, Any], job_id: str, collection: str, details: object = None
) -> Timed:
    """Return a batch of files that takes time."""
    return Timed(collection, final, _BATCH_LIFECYCLE, job_id, "vector store batch")


def _create(request: EndpointRequest, store: Store, rng: Random) -> Script:
    """Create a store with its initial files."""
    vector_store = Resource("POST", _STORES).create_object(request, store, rng)
    id = vector_store["id"]
    for file in request.parameters.get("file_ids") or ():
        _attach_file(id, {"file_id": file}, request.jobs, store, rng)
    return json_response(store.get(_STORES, id), rng)


def _attach_file(
    vector_store: str,
    parameters: Mapping[str, Any],
    jobs: Jobs,
    store: Store,
    rng: Random,
    batch: str | None = None,
) -> Any:
    """Add a file to a store, alone or with a batch, and update the store's counts."""
    path = f"{_STORES}/{vector_store}"
    ids = {"vector_store_id": vector_store}
    request = EndpointRequest("POST", f"{path}/files", ids, parameters=parameters)
    file = Resource("POST", _FILES).create_object(request, store, rng)
    file["usage_bytes"] = len(store.get(CONTENT, f"/v1/files/{file['id']}") or b"")
    job_id = f"{vector_store}/{file['id']}"
    store.put(f"{path}/files", file["id"], file)
    file = timed.begin(make_timed_file(file, job_id, f"{path}/files", batch), jobs, store)
    _update_store(vector_store, store)
    return file


def _update_store(id: str, store: Store) -> None:
    """Update what a store says of its files."""
    files = store.all(f"{_STORES}/{id}/files")
    counts = _count(files)
    changes = {
        "usage_bytes": sum(file["usage_bytes"] for file in files),
        "file_counts": counts,
        "status": "in_progress" if counts["in_progress"] else "completed",
    }
    store.update(_STORES, id, lambda value: None if value is None else value | changes)


def _count(files: list[Any]) -> dict[str, int]:
    """Return how many files are in each state, and in all."""
    states = [file["status"] for file in files]
    names = ("in_progress", "completed", "failed", "cancelled")
    return {name: states.count(name) for name in names} | {"total": len(files)}


def _create_file(request: EndpointRequest, store: Store, rng: Random) -> Script:
    """Add a file to the store."""
    id = request.ids["vector_store_id"]
    file = _attach_file(id, request.parameters, request.jobs, store, rng)
    return timed.show(file, f"{id}/{file['id']}", request.jobs, rng)


def _create_batch(request: EndpointRequest, store: Store, rng: Random) -> Script:
    """Add several files to the store at once."""
    parameters = request.parameters
    files = parameters.get("files") or [
        {"file_id": id}
        | {k: parameters[k] for k in ("attributes", "chunking_strategy") if k in parameters}
        for id in parameters.get("file_ids") or ()
    ]
    batch = Resource("POST", _BATCHES).create_object(request, store, rng)
    id, vector_store = batch["id"], request.ids["vector_store_id"]
    for file in files:
        stored_file = _attach_file(vector_store, file, request.jobs, store, rng, id)
        store.put(f"{request.path}/{id}/files", stored_file["id"], stored_file)
    timed.begin(make_timed_batch(batch, id, request.path), request.jobs, store)
    _update_batch(id, vector_store, request.jobs, store)
    return timed.show(store.get(request.path, id), id, request.jobs, rng)


# As time passes

_ENDINGS: Mapping[str, Any] = {
    "completed": "finished",
    "failed": "failed",
    "cancelled": "cancelled",
}
"""How the files of a batch end, by the state of the batch at its end."""


def _update_batch(id: str, vector_store: str, jobs: Jobs, store: Store) -> None:
    """Bring a batch, its files and its counts up to date; its end is that of its files."""
    collection = f"{_STORES}/{vector_store}/file_batches"
    timed.refresh(id, jobs, store)
    batch = store.get(collection, id)
    if batch is None:
        return
    files = f"{collection}/{id}/files"
    for file in store.all(files):
        job_id = f"{vector_store}/{file['id']}"
        if has_ended(batch) and (job := jobs.find(job_id)) is not None and jobs.is_running(job):
            jobs.end(job_id, _ENDINGS[batch["status"]], *_find_error(jobs, id))
        current = timed.refresh(job_id, jobs, store)
        store.put(files, file["id"], file if current is None else current)
    counts = _count(store.all(files))
    store.update(collection, id, lambda batch: batch and batch | {"file_counts": counts})
    _update_store(vector_store, store)


def _find_error(jobs: Jobs, id: str) -> tuple[str, str]:
    """Return the code and the message of a job that was made to fail; else empty texts."""
    job = jobs.find(id)
    ending = None if job is None else job.ending
    return ("", "") if ending is None else (ending.code, ending.message)


def _update_file(id: str, vector_store: str, jobs: Jobs, store: Store) -> None:
    """Bring a file up to date, and the batch that it came with."""
    job_id = f"{vector_store}/{id}"
    record = timed.find_timed(job_id, store)
    if record is not None and record.details is not None:
        _update_batch(record.details, vector_store, jobs, store)
    timed.refresh(job_id, jobs, store)
    _update_store(vector_store, store)


def _update_all(vector_store: str, jobs: Jobs, store: Store) -> None:
    """Bring all files of a store up to date."""
    for file in store.all(f"{_STORES}/{vector_store}/files"):
        if not has_ended(file):
            _update_file(file["id"], vector_store, jobs, store)


def _before(path: str, method: str, update: Callable[[EndpointRequest, Store], object]) -> Answer:
    """Return the generic answer, given after an update."""
    generic = Resource(method, path).answer

    def answer(request: EndpointRequest, store: Store, rng: Random) -> Script:
        update(request, store)
        return generic(request, store, rng)

    return answer


def _update_stores(request: EndpointRequest, store: Store) -> None:
    id = request.ids.get("vector_store_id")
    for one in [id] if id is not None else [value["id"] for value in store.all(_STORES)]:
        _update_all(unquote(one), request.jobs, store)


def _retrieve_file(request: EndpointRequest, store: Store, rng: Random) -> Script:
    """Return a file as it is now."""
    id, vector_store = request.ids["file_id"], request.ids["vector_store_id"]
    job_id = f"{vector_store}/{id}"
    request.jobs.poll(job_id)
    _update_file(id, vector_store, request.jobs, store)
    file = store.get(f"{_STORES}/{vector_store}/files", id)
    if file is None:
        return Resource("GET", f"{_FILES}/{{file_id}}").answer(request, store, rng)
    return timed.show(file, job_id, request.jobs, rng)


def _retrieve_batch(request: EndpointRequest, store: Store, rng: Random) -> Script:
    """Return a batch as it is now."""
    id, vector_store = request.ids["batch_id"], request.ids["vector_store_id"]
    request.jobs.poll(id)
    _update_batch(id, vector_store, request.jobs, store)
    batch = store.get(f"{_STORES}/{vector_store}/file_batches", id)
    if batch is None:
        return Resource("GET", f"{_BATCHES}/{{batch_id}}").answer(request, store, rng)
    return timed.show(batch, id, request.jobs, rng)


def _cancel_batch(request: EndpointRequest, store: Store, rng: Random) -> Script:
    """Cancel a batch with its files, unless it has ended."""
    id, vector_store = request.ids["batch_id"], request.ids["vector_store_id"]
    answer = timed.make_cancel(f"{_BATCHES}/{{batch_id}}/cancel", timed.by_id("batch_id"))
    script = answer(request, store, rng)
    if timed.find_timed(id, store) is None or script.head.status != 200:
        return script
    _update_batch(id, vector_store, request.jobs, store)
    return json_response(store.get(f"{_STORES}/{vector_store}/file_batches", id), rng)


def _list_batch_files(request: EndpointRequest, store: Store, rng: Random) -> Script:
    """Return a page of the files of a batch."""
    vector_store = request.ids["vector_store_id"]
    _update_batch(request.ids["batch_id"], vector_store, request.jobs, store)
    return _list_files(request, store, rng)


def _list_store_files(request: EndpointRequest, store: Store, rng: Random) -> Script:
    """Return a page of the files of a store."""
    _update_all(request.ids["vector_store_id"], request.jobs, store)
    return _list_files(request, store, rng)


def _read_text(store: Store, file: str) -> str:
    data: bytes = store.get(CONTENT, f"/v1/files/{file}") or b""
    return data.decode(errors="replace")


def _retrieve_content(request: EndpointRequest, store: Store, rng: Random) -> Script:
    """Return the text of a file."""
    part = {"type": "text", "text": _read_text(store, request.ids["file_id"])}
    page = {"object": "vector_store.file_content.page", "data": [part], "has_more": False}
    return json_response(page | {"next_page": None}, rng)


def _split_words(text: str) -> set[str]:
    return set(re.findall(r"\w+", text.lower()))


def _search(request: EndpointRequest, store: Store, rng: Random) -> Script:
    """Return the chunks of files that have the most words of the query."""
    parameters = request.parameters
    queries = (
        parameters["query"] if isinstance(parameters["query"], list) else [parameters["query"]]
    )
    query_words = _split_words(" ".join(queries))
    _update_all(request.ids["vector_store_id"], request.jobs, store)
    results = []
    for file in store.all(request.path.removesuffix("search") + "files"):
        if file["status"] != "completed" or not _matches_filter(
            file.get("attributes") or {}, parameters.get("filters")
        ):
            continue
        text = _read_text(store, file["id"])
        details = store.get("/v1/files", file["id"]) or {}
        for start in range(0, len(text), _CHUNK):
            chunk = text[start : start + _CHUNK]
            score = len(query_words & _split_words(chunk)) / (len(query_words) or 1)
            results.append(
                {
                    "file_id": file["id"],
                    "filename": details.get("filename", file["id"]),
                    "score": score,
                    "attributes": file.get("attributes") or {},
                    "content": [{"type": "text", "text": chunk}],
                }
            )
    threshold = (parameters.get("ranking_options") or {}).get("score_threshold") or 0
    best = sorted(
        (result for result in results if result["score"] > threshold),
        key=lambda result: -result["score"],
    )
    limit = parameters.get("max_num_results") or 10
    answer = {
        "object": "vector_store.search_results.page",
        "search_query": queries,
        "data": best[:limit],
        "has_more": len(best) > limit,
        "next_page": None,
    }
    return json_response(answer, rng)


_COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "eq": operator.eq,
    "ne": operator.ne,
    "gt": operator.gt,
    "gte": operator.ge,
    "lt": operator.lt,
    "lte": operator.le,
    "in": lambda value, allowed_values: value in allowed_values,
    "nin": lambda value, excluded_values: value not in excluded_values,
}


def _matches_filter(attributes: Mapping[str, Any], condition: Mapping[str, Any] | None) -> bool:
    """Return whether a file's attributes match a filter."""
    if not condition:
        return True
    if condition["type"] in ("and", "or"):
        each: Iterable[bool] = (
            _matches_filter(attributes, inner) for inner in condition["filters"]
        )
        return all(each) if condition["type"] == "and" else any(each)
    try:
        return bool(
            _COMPARISONS[condition["type"]](attributes.get(condition["key"]), condition["value"])
        )
    except TypeError:
        return False  # neither a missing value nor a text can be compared with a number


def _list_files(request: EndpointRequest, store: Store, rng: Random) -> Script:
    """Return a page of the attached files."""
    query = dict(request.query)
    status = query.pop("filter", None)
    return json_response(
        paginate(store.all(request.path), query | ({"status": status} if status else {})), rng
    )


ANSWERS: dict[tuple[str, str], Answer] = {
    ("POST", _STORES): _create,
    ("GET", _STORES): _before(_STORES, "GET", _update_stores),
    ("GET", _ONE): _before(_ONE, "GET", _update_stores),
    ("POST", _FILES): _create_file,
    ("GET", _FILES): _list_store_files,
    ("GET", f"{_FILES}/{{file_id}}"): _retrieve_file,
    ("GET", f"{_FILES}/{{file_id}}/content"): _retrieve_content,
    ("POST", _BATCHES): _create_batch,
    ("GET", f"{_BATCHES}/{{batch_id}}"): _retrieve_batch,
    ("POST", f"{_BATCHES}/{{batch_id}}/cancel"): _cancel_batch,
    ("GET", f"{_BATCHES}/{{batch_id}}/files"): _list_batch_files,
    ("POST", f"{_ONE}/search"): _search,
}
