"""``/v1/models``: the models of which something is known; any other exists when asked for.

Rules of this file: no I/O. When a model was made is taken from its name, where that is dated.
"""

from __future__ import annotations

import calendar
import re
from random import Random
from typing import Any

from openai_mockserver import models
from openai_mockserver.api.endpoint import Asked
from openai_mockserver.api.json_body import json_response
from openai_mockserver.api.store import Store
from openai_mockserver.script import Script

__all__ = ["ANSWERS"]

_LAUNCH = 1686935002


def _model(name: str) -> dict[str, Any]:
    dated = re.search(r"-(\d{4})-(\d\d)-(\d\d)$", models.find_chat_model(name).snapshot)
    created = _LAUNCH
    if dated is not None:
        year, month, day = map(int, dated.groups())
        created = calendar.timegm((year, month, day, 0, 0, 0))
    owner = "user-mockserver" if name.startswith("ft:") else "system"
    return {"id": name, "object": "model", "created": created, "owned_by": owner}


def _list(asked: Asked, store: Store, rng: Random) -> Script:
    """Those of which something is known."""
    listed = {name for name, model in models.MODELS.items() if model.is_listed}
    known = sorted(listed | {model.snapshot for model in models.CHAT_MODELS.values()})
    data = [_model(name) for name in known]
    return json_response({"object": "list", "data": data}, rng)


def _retrieve(asked: Asked, store: Store, rng: Random) -> Script:
    """Any that is asked for."""
    return json_response(_model(asked.ids["model"]), rng)


def _delete(asked: Asked, store: Store, rng: Random) -> Script:
    """That it is gone; as it was never made here, it can be asked for again."""
    return json_response({"id": asked.ids["model"], "object": "model", "deleted": True}, rng)


ANSWERS = {
    ("GET", "/v1/models"): _list,
    ("GET", "/v1/models/{model}"): _retrieve,
    ("DELETE", "/v1/models/{model}"): _delete,
}
