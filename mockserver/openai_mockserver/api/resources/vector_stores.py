"""``/v1/vector_stores``: search files by the words that they share with a query.

Rules of this file: no I/O; `operations` does what stores, their files and batches share with other
objects.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterable, Mapping
from random import Random
from typing import Any

from openai_mockserver.api.endpoint import EndpointRequest
from openai_mockserver.api.json_body import json_response
from openai_mockserver.api.resources.operations import CONTENT, Resource
from openai_mockserver.api.resources.pagination import paginate
from openai_mockserver.api.store import Store
from openai_mockserver.script import Script

__all__ = ["ANSWERS"]

_STORES = "/v1/vector_stores"
_ONE = f"{_STORES}/{{vector_store_id}}"
_FILES = f"{_ONE}/files"
_BATCHES = f"{_ONE}/file_batches"
_CHUNK = 800  # characters of a search result


def _create(request: EndpointRequest, store: Store, rng: Random) -> Script:
    """Create a store with its initial files."""
    vector_store = Resource("POST", _STORES).create_object(request, store, rng)
    for file in request.parameters.get("file_ids") or ():
        _attach_file(vector_store["id"], {"file_id": file}, store, rng)
    return json_response(vector_store, rng)


def _attach_file(
    vector_store: str, parameters: Mapping[str, Any], store: Store, rng: Random
) -> Any:
    """Add a file to a store, and update the store's counts."""
    path = f"{_STORES}/{vector_store}"
    ids = {"vector_store_id": vector_store}
    request = EndpointRequest("POST", f"{path}/files", ids, parameters=parameters)
    file = Resource("POST", _FILES).create_object(request, store, rng)
    file["usage_bytes"] = len(store.get(CONTENT, f"/v1/files/{file['id']}") or b"")
    if (stored_store := store.get(_STORES, vector_store)) is not None:
        files = store.all(f"{path}/files")
        stored_store["usage_bytes"] = sum(attached_file["usage_bytes"] for attached_file in files)
        stored_store["file_counts"] |= {"completed": len(files), "total": len(files)}
    return file


def _create_file(request: EndpointRequest, store: Store, rng: Random) -> Script:
    """Add a file to the store."""
    return json_response(
        _attach_file(request.ids["vector_store_id"], request.parameters, store, rng), rng
    )


def _create_batch(request: EndpointRequest, store: Store, rng: Random) -> Script:
    """Add several files to the store at once."""
    parameters = request.parameters
    files = parameters.get("files") or [
        {"file_id": id}
        | {k: parameters[k] for k in ("attributes", "chunking_strategy") if k in parameters}
        for id in parameters.get("file_ids") or ()
    ]
    batch = Resource("POST", _BATCHES).create_object(request, store, rng)
    batch["file_counts"] |= {"completed": len(files), "total": len(files)}
    for file in files:
        stored_file = _attach_file(request.ids["vector_store_id"], file, store, rng)
        store.put(f"{request.path}/{batch['id']}/files", stored_file["id"], stored_file)
    return json_response(batch, rng)


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
    results = []
    for file in store.all(request.path.removesuffix("search") + "files"):
        if not _matches_filter(file.get("attributes") or {}, parameters.get("filters")):
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


ANSWERS = {
    ("POST", _STORES): _create,
    ("POST", _FILES): _create_file,
    ("GET", _FILES): _list_files,
    ("GET", f"{_FILES}/{{file_id}}/content"): _retrieve_content,
    ("POST", _BATCHES): _create_batch,
    ("GET", f"{_BATCHES}/{{batch_id}}/files"): _list_files,
    ("POST", f"{_ONE}/search"): _search,
}
