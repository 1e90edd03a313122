"""``/v1/uploads``: join the parts of an upload to a file when the upload is completed.

Rules of this file: no I/O; `operations` does what uploads, parts and files share with other
objects. An upload waits for its client, not for a job; but it expires after an hour on the clock of
the jobs.
"""

from __future__ import annotations

from random import Random

from openai_mockserver.api import errors
from openai_mockserver.api.disk_bytes import DiskBytes, join_bytes
from openai_mockserver.api.endpoint import EndpointRequest
from openai_mockserver.api.json_body import json_response
from openai_mockserver.api.multipart import File, FileOnDisk
from openai_mockserver.api.resources.operations import CONTENT, Resource
from openai_mockserver.api.resources.states import has_ended, refuse_action
from openai_mockserver.api.store import Store
from openai_mockserver.script import Script

__all__ = ["ANSWERS"]

_UPLOADS = "/v1/uploads"
_PATH = f"{_UPLOADS}/{{upload_id}}/complete"
_CANCEL = f"{_UPLOADS}/{{upload_id}}/cancel"
_CREATE = Resource("POST", _UPLOADS)
_UPLOAD = Resource("POST", _PATH)
_PARTS = "/v1/uploads/{upload_id}/parts"
_PART = Resource("POST", _PARTS)
_FILE = Resource("POST", "/v1/files")

_STARTS = "start of an upload"
"""The kind of the times in the store at which uploads began, on the clock of the jobs."""

_LIFETIME = 3600.0


def _create(request: EndpointRequest, store: Store, rng: Random) -> Script:
    """Create an upload."""
    upload = _CREATE.create_object(request, store, rng)
    store.put(_STARTS, upload["id"], request.jobs.now)
    return json_response(upload, rng)


def _expire(request: EndpointRequest, store: Store) -> None:
    """Let an upload expire, if its time is over."""
    id = request.ids["upload_id"]
    upload, start = store.get(_UPLOADS, id), store.get(_STARTS, id)
    is_late = start is not None and request.jobs.now - start >= _LIFETIME
    if is_late and upload is not None and not has_ended(upload):
        store.put(_UPLOADS, id, upload | {"status": "expired"})


def _cancel(request: EndpointRequest, store: Store, rng: Random) -> Script:
    """Cancel the upload, unless it has ended."""
    _expire(request, store)
    return Resource("POST", _CANCEL).answer(request, store, rng)


def _complete(request: EndpointRequest, store: Store, rng: Random) -> Script:
    """Complete the upload, and create the file of its parts."""
    _expire(request, store)
    collection, id, upload = _UPLOAD.find(request, store, rng, with_end=False)
    if (error := _UPLOAD.check_action("complete", collection, id, store)) is not None:
        return errors.render(error, rng)
    parts = (
        store.get(CONTENT, f"{collection}/{id}/parts/{part}")
        for part in request.parameters["part_ids"]
    )
    data = join_bytes(part or b"" for part in parts)
    name = upload["filename"]
    content = FileOnDisk(data, name) if isinstance(data, DiskBytes) else File(data, name)
    parameters = {"file": content, "purpose": upload["purpose"]}
    file = _FILE.create_object(
        EndpointRequest("POST", _FILE.path, parameters=parameters), store, rng
    )
    upload |= {"status": "completed", "file": file}
    store.put(collection, id, upload)
    return json_response(upload, rng)


def _add_part(request: EndpointRequest, store: Store, rng: Random) -> Script:
    """Add a part, unless the upload has ended."""
    _expire(request, store)
    upload = store.get(_UPLOADS, request.ids["upload_id"])
    if has_ended(upload):
        error = refuse_action("add parts to", "uploads", "upload", upload["status"])
        return errors.render(error, rng)
    return _PART.create(request, store, rng)


ANSWERS = {
    ("POST", _UPLOADS): _create,
    ("POST", _PATH): _complete,
    ("POST", _CANCEL): _cancel,
    ("POST", _PARTS): _add_part,
}
