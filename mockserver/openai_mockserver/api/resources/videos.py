"""``/v1/videos``: edits, extensions and remixes of a video are videos themselves.

Rules of this file: no I/O; `operations` does what videos share with other objects, and `timed` what
they share with others that take time. A video is queued for a quarter of its time, and then its
progress grows.
"""

from __future__ import annotations

from collections.abc import Mapping
from random import Random
from typing import Any

from openai_mockserver.api import errors
from openai_mockserver.api.endpoint import EndpointRequest
from openai_mockserver.api.json_body import binary_response
from openai_mockserver.api.resources import timed
from openai_mockserver.api.resources.mp4 import make_video
from openai_mockserver.api.resources.operations import Resource
from openai_mockserver.api.resources.timed import Lifecycle, Moment, Timed
from openai_mockserver.api.store import Store
from openai_mockserver.reply import ApiError
from openai_mockserver.script import Script

__all__ = ["ANSWERS", "make_timed"]

_VIDEOS = "/v1/videos"
_ONE = f"{_VIDEOS}/{{video_id}}"
_VIDEO = Resource("POST", _VIDEOS)
_CONTENT = Resource("GET", f"{_ONE}/content")

_QUEUED = 0.25


def _show(moment: Moment) -> dict[str, object]:
    is_completed = moment.status == "completed"
    return {
        "status": moment.status,
        "progress": 100 if is_completed else int(100 * moment.measure_progress(_QUEUED)),
        "completed_at": moment.time if is_completed else None,
        "error": moment.error,
    }


_LIFECYCLE = Lifecycle(
    states=((0.0, "queued"), (_QUEUED, "in_progress"), (1.0, "completed")),
    show=_show,
    events={"completed": "video.completed", "failed": "video.failed"},
)


def make_timed(
    final: Mapping[str, Any], job_id: str, collection: str, details: object = None
) -> Timed:
    """Return a video that takes time."""
    return Timed(collection, final, _LIFECYCLE, job_id, "video")


def _create(request: EndpointRequest, store: Store, rng: Random) -> Script:
    """Create and store a video."""
    source = request.ids.get("video_id")
    parameters = dict(request.parameters) | ({"remixed_from_video_id": source} if source else {})
    video = _VIDEO.create_object(
        EndpointRequest("POST", _VIDEOS, parameters=parameters), store, rng
    )
    video = timed.begin(make_timed(video, video["id"], _VIDEOS), request.jobs, store)
    return timed.show(video, video["id"], request.jobs, rng)


def _retrieve_content(request: EndpointRequest, store: Store, rng: Random) -> Script:
    """Return the file of a video that this server has made."""
    id = request.ids["video_id"]
    video = timed.refresh(id, request.jobs, store) or store.get(_VIDEOS, id)
    if video is None or request.query.get("variant", "video") != "video":
        return _CONTENT.answer(request, store, rng)
    if video["status"] != "completed":
        message = f"Video is not ready yet: its status is {video['status']}."
        return errors.render(ApiError(404, message, param="video_id"), rng)
    width, _, height = str(video.get("size")).partition("x")
    is_size = width.isdecimal() and height.isdecimal()
    size = (int(width), int(height)) if is_size else (720, 1280)
    seconds = str(video.get("seconds"))
    data = make_video(id, size, int(seconds) if seconds.isdecimal() else 4)
    return binary_response(data, rng, "video/mp4")


_find_job = timed.by_id("video_id")

ANSWERS = {
    ("POST", _VIDEOS): _create,
    ("POST", f"{_VIDEOS}/edits"): _create,
    ("POST", f"{_VIDEOS}/extensions"): _create,
    ("POST", f"{_ONE}/remix"): _create,
    ("GET", _VIDEOS): timed.make_list(_VIDEOS),
    ("GET", _ONE): timed.make_retrieve(_ONE, _find_job),
    ("GET", f"{_ONE}/content"): _retrieve_content,
}
