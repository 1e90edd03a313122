"""``/v1/videos``: edits, extensions and remixes of a video are videos themselves.

Rules of this file: no I/O; `operations` does what videos share with other objects.
"""

from __future__ import annotations

from random import Random

from openai_mockserver.api.endpoint import EndpointRequest
from openai_mockserver.api.json_body import json_response
from openai_mockserver.api.resources.operations import Resource
from openai_mockserver.api.store import Store
from openai_mockserver.script import Script

__all__ = ["ANSWERS"]

_VIDEOS = "/v1/videos"
_VIDEO = Resource("POST", _VIDEOS)


def _create(request: EndpointRequest, store: Store, rng: Random) -> Script:
    """Create and store a video."""
    source = request.ids.get("video_id")
    parameters = dict(request.parameters) | ({"remixed_from_video_id": source} if source else {})
    video = _VIDEO.create_object(
        EndpointRequest("POST", _VIDEOS, parameters=parameters), store, rng
    )
    return json_response(video, rng)


ANSWERS = {
    ("POST", f"{_VIDEOS}/edits"): _create,
    ("POST", f"{_VIDEOS}/extensions"): _create,
    ("POST", f"{_VIDEOS}/{{video_id}}/remix"): _create,
}
