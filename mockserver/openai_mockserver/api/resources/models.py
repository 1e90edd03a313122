"""``/v1/models``: list the known models; any other model can be retrieved as well.

Rules of this file: no I/O. The ``created`` time of a model is the date in its name, if it has one.
"""

from __future__ import annotations

import calendar
import re
from random import Random
from typing import Any

from openai_mockserver import models
from openai_mockserver.api.endpoint import EndpointRequest
from openai_mockserver.api.json_body import json_response
from openai_mockserver.api.store import Store
from openai_mockserver.script import Script

__all__ = ["ANSWERS"]

_LAUNCH = 1686935002


def _build_model(name: str) -> dict[str, Any]:
    date = re.search(r"-(\d{4})-(\d\d)-(\d\d)$", models.find_chat_model(name).snapshot)
    timestamp = _LAUNCH
    if date is not None:
        year, month, day = map(int, date.groups())
        timestamp = calendar.timegm((year, month, day, 0, 0, 0))
    owner = "user-mockserver" if name.startswith("ft:") else "system"
    return {"id": name, "object": "model", "created": timestamp, "owned_by": owner}


def _list(request: EndpointRequest, store: Store, rng: Random) -> Script:
    """List the known models."""
    names = {name for name, model in models.MODELS.items() if model.is_listed}
    sorted_names = sorted(names | {model.snapshot for model in models.CHAT_MODELS.values()})
    data = [_build_model(name) for name in sorted_names]
    return json_response({"object": "list", "data": data}, rng)


def _retrieve(request: EndpointRequest, store: Store, rng: Random) -> Script:
    """Return the model of any name."""
    return json_response(_build_model(request.ids["model"]), rng)


def _delete(request: EndpointRequest, store: Store, rng: Random) -> Script:
    """Confirm the deletion; the model can still be retrieved, since it never existed."""
    return json_response({"id": request.ids["model"], "object": "model", "deleted": True}, rng)


ANSWERS = {
    ("GET", "/v1/models"): _list,
    ("GET", "/v1/models/{model}"): _retrieve,
    ("DELETE", "/v1/models/{model}"): _delete,
}
