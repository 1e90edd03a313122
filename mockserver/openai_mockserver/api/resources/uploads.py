"""``/v1/uploads``: join the parts of an upload to a file when the upload is completed.

Rules of this file: no I/O; `operations` does what uploads, parts and files share with other
objects.
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

_PATH = "/v1/uploads/{upload_id}/complete"
_UPLOAD = Resource("POST", _PATH)
_PARTS = "/v1/uploads/{upload_id}/parts"
_PART = Resource("POST", _PARTS)
_FILE = Resource("POST", "/v1/files")


def _complete(request: EndpointRequest, store: Store, rng: Random) -> Script:
    """Complete the upload, and create the file of its parts."""
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
    upload = store.get("/v1/uploads", request.ids["upload_id"])
    if has_ended(upload):
        error = refuse_action("add parts to", "uploads", "upload", upload["status"])
        return errors.render(error, rng)
    return _PART.create(request, store, rng)


ANSWERS = {("POST", _PATH): _complete, ("POST", _PARTS): _add_part}
