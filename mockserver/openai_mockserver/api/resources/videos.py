"""``/v1/videos``: what is made of another video is one more of them.

Rules of this file: no I/O; what is generic of videos is in `operations`.
"""

from __future__ import annotations

from random import Random

from openai_mockserver.api.endpoint import Asked
from openai_mockserver.api.json_body import json_response
from openai_mockserver.api.resources.operations import Thing
from openai_mockserver.api.store import Store
from openai_mockserver.script import Script

__all__ = ["ANSWERS"]

_VIDEOS = "/v1/videos"
_VIDEO = Thing("POST", _VIDEOS)


def _create(asked: Asked, store: Store, rng: Random) -> Script:
    """A new video, which is kept with the others."""
    source = asked.ids.get("video_id")
    given = dict(asked.parameters) | ({"remixed_from_video_id": source} if source else {})
    made = _VIDEO.created(Asked("POST", _VIDEOS, parameters=given), store, rng)
    return json_response(made, rng)


ANSWERS = {
    ("POST", f"{_VIDEOS}/edits"): _create,
    ("POST", f"{_VIDEOS}/extensions"): _create,
    ("POST", f"{_VIDEOS}/{{video_id}}/remix"): _create,
}
