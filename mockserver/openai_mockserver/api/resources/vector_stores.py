"""``/v1/vector_stores``: files that can be searched, by the words that they share with a query.

Rules of this file: no I/O; what is generic of stores, their files and batches is in `operations`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from random import Random
from typing import Any

from openai_mockserver.api.endpoint import Asked
from openai_mockserver.api.json_body import json_response
from openai_mockserver.api.resources.operations import CONTENT, Thing
from openai_mockserver.api.resources.pagination import paginate
from openai_mockserver.api.store import Store
from openai_mockserver.script import Script

__all__ = ["ANSWERS"]

_STORES = "/v1/vector_stores"
_ONE = f"{_STORES}/{{vector_store_id}}"
_FILES = f"{_ONE}/files"
_BATCHES = f"{_ONE}/file_batches"
_CHUNK = 800  # characters of a search result


def _create(asked: Asked, store: Store, rng: Random) -> Script:
    """A store, with the files that it begins with."""
    made = Thing("POST", _STORES).created(asked, store, rng)
    for file in asked.parameters.get("file_ids") or ():
        _attach(made["id"], {"file_id": file}, store, rng)
    return json_response(made, rng)


def _attach(vector_store: str, given: Mapping[str, Any], store: Store, rng: Random) -> Any:
    """Put a file into a store, and count it there."""
    where = f"{_STORES}/{vector_store}"
    ids = {"vector_store_id": vector_store}
    asked = Asked("POST", f"{where}/files", ids, parameters=given)
    file = Thing("POST", _FILES).created(asked, store, rng)
    file["usage_bytes"] = len(store.get(CONTENT, f"/v1/files/{file['id']}") or b"")
    if (whole := store.get(_STORES, vector_store)) is not None:
        files = store.all(f"{where}/files")
        whole["usage_bytes"] = sum(one["usage_bytes"] for one in files)
        whole["file_counts"] |= {"completed": len(files), "total": len(files)}
    return file


def _attach_one(asked: Asked, store: Store, rng: Random) -> Script:
    """A file in the store."""
    return json_response(_attach(asked.ids["vector_store_id"], asked.parameters, store, rng), rng)


def _attach_batch(asked: Asked, store: Store, rng: Random) -> Script:
    """Several files in the store at once."""
    given = asked.parameters
    files = given.get("files") or [
        {"file_id": id} | {k: given[k] for k in ("attributes", "chunking_strategy") if k in given}
        for id in given.get("file_ids") or ()
    ]
    made = Thing("POST", _BATCHES).created(asked, store, rng)
    made["file_counts"] |= {"completed": len(files), "total": len(files)}
    for file in files:
        attached = _attach(asked.ids["vector_store_id"], file, store, rng)
        store.put(f"{asked.path}/{made['id']}/files", attached["id"], attached)
    return json_response(made, rng)


def _text(store: Store, file: str) -> str:
    data: bytes = store.get(CONTENT, f"/v1/files/{file}") or b""
    return data.decode(errors="replace")


def _content(asked: Asked, store: Store, rng: Random) -> Script:
    """The text of a file."""
    said = {"type": "text", "text": _text(store, asked.ids["file_id"])}
    listed = {"object": "vector_store.file_content.page", "data": [said], "has_more": False}
    return json_response(listed | {"next_page": None}, rng)


def _words(text: str) -> set[str]:
    return set(re.findall(r"\w+", text.lower()))


def _search(asked: Asked, store: Store, rng: Random) -> Script:
    """The chunks of files that have most of the query's words."""
    given = asked.parameters
    queries = given["query"] if isinstance(given["query"], list) else [given["query"]]
    wanted = _words(" ".join(queries))
    found = []
    for file in store.all(asked.path.removesuffix("search") + "files"):
        if not _passes(file.get("attributes") or {}, given.get("filters")):
            continue
        text = _text(store, file["id"])
        kept = store.get("/v1/files", file["id"]) or {}
        for at in range(0, len(text), _CHUNK):
            chunk = text[at : at + _CHUNK]
            score = len(wanted & _words(chunk)) / (len(wanted) or 1)
            found.append(
                {
                    "file_id": file["id"],
                    "filename": kept.get("filename", file["id"]),
                    "score": score,
                    "attributes": file.get("attributes") or {},
                    "content": [{"type": "text", "text": chunk}],
                }
            )
    least = (given.get("ranking_options") or {}).get("score_threshold") or 0
    best = sorted((one for one in found if one["score"] > least), key=lambda one: -one["score"])
    limit = given.get("max_num_results") or 10
    answer = {
        "object": "vector_store.search_results.page",
        "search_query": queries,
        "data": best[:limit],
        "has_more": len(best) > limit,
        "next_page": None,
    }
    return json_response(answer, rng)


_COMPARED: dict[str, Callable[[Any, Any], bool]] = {
    "eq": lambda have, want: have == want,
    "ne": lambda have, want: have != want,
    "gt": lambda have, want: have is not None and have > want,
    "gte": lambda have, want: have is not None and have >= want,
    "lt": lambda have, want: have is not None and have < want,
    "lte": lambda have, want: have is not None and have <= want,
    "in": lambda have, want: have in want,
    "nin": lambda have, want: have not in want,
}


def _passes(attributes: Mapping[str, Any], wanted: Mapping[str, Any] | None) -> bool:
    """Whether a file's attributes are as a filter says."""
    if not wanted:
        return True
    if wanted["type"] in ("and", "or"):
        each: Iterable[bool] = (_passes(attributes, one) for one in wanted["filters"])
        return all(each) if wanted["type"] == "and" else any(each)
    try:
        return bool(_COMPARED[wanted["type"]](attributes.get(wanted["key"]), wanted["value"]))
    except TypeError:
        return False  # a text is neither more nor less than a number


def _list_files(asked: Asked, store: Store, rng: Random) -> Script:
    """Those that were attached, by pages."""
    query = dict(asked.query)
    wanted = query.pop("filter", None)
    return json_response(
        paginate(store.all(asked.path), query | ({"status": wanted} if wanted else {})), rng
    )


ANSWERS = {
    ("POST", _STORES): _create,
    ("POST", _FILES): _attach_one,
    ("GET", _FILES): _list_files,
    ("GET", f"{_FILES}/{{file_id}}/content"): _content,
    ("POST", _BATCHES): _attach_batch,
    ("GET", f"{_BATCHES}/{{batch_id}}/files"): _list_files,
    ("POST", f"{_ONE}/search"): _search,
}
