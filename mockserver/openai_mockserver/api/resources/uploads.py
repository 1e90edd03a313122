"""``/v1/uploads``: a file that comes in parts, and is one when the upload is complete.

Rules of this file: no I/O; what is generic of uploads, parts and files is in `operations`.
"""

from __future__ import annotations

from random import Random

from openai_mockserver.api import errors
from openai_mockserver.api.disk_bytes import DiskBytes, join_bytes
from openai_mockserver.api.endpoint import Asked
from openai_mockserver.api.json_body import json_response
from openai_mockserver.api.multipart import File, FileOnDisk
from openai_mockserver.api.resources.operations import CONTENT, Thing
from openai_mockserver.api.resources.states import has_ended, refuse_action
from openai_mockserver.api.store import Store
from openai_mockserver.script import Script

__all__ = ["ANSWERS"]

_PATH = "/v1/uploads/{upload_id}/complete"
_UPLOAD = Thing("POST", _PATH)
_PARTS = "/v1/uploads/{upload_id}/parts"
_PART = Thing("POST", _PARTS)
_FILE = Thing("POST", "/v1/files")


def _complete(asked: Asked, store: Store, rng: Random) -> Script:
    """The upload, and the file of its parts."""
    where, id, upload = _UPLOAD.found(asked, store, rng, settled=False)
    if (refused := _UPLOAD.refused("complete", where, id, store)) is not None:
        return errors.render(refused, rng)
    parts = (
        store.get(CONTENT, f"{where}/{id}/parts/{part}") for part in asked.parameters["part_ids"]
    )
    data = join_bytes(part or b"" for part in parts)
    name = upload["filename"]
    content = FileOnDisk(data, name) if isinstance(data, DiskBytes) else File(data, name)
    given = {"file": content, "purpose": upload["purpose"]}
    file = _FILE.created(Asked("POST", _FILE.path, parameters=given), store, rng)
    upload |= {"status": "completed", "file": file}
    store.put(where, id, upload)
    return json_response(upload, rng)


def _add_part(asked: Asked, store: Store, rng: Random) -> Script:
    """A new part, unless the upload has ended."""
    upload = store.get("/v1/uploads", asked.ids["upload_id"])
    if has_ended(upload):
        refused = refuse_action("add parts to", "uploads", "upload", upload["status"])
        return errors.render(refused, rng)
    return _PART.create(asked, store, rng)


ANSWERS = {("POST", _PATH): _complete, ("POST", _PARTS): _add_part}
