"""``/v1/evals``: a run is cancelled at its own path too, where SDKs before 3.0 do.

Rules of this file: no I/O; what is generic of evals and runs is in `operations`.
"""

from __future__ import annotations

from random import Random

from openai_mockserver.api.endpoint import Asked
from openai_mockserver.api.resources.operations import Thing
from openai_mockserver.api.store import Store
from openai_mockserver.script import Script

__all__ = ["ANSWERS"]

_RUN = "/v1/evals/{eval_id}/runs/{run_id}"
_CANCEL = Thing("POST", f"{_RUN}/cancel")


def _cancel(asked: Asked, store: Store, rng: Random) -> Script:
    """The run, cancelled, unless it has ended already."""
    return _CANCEL.act(Asked("POST", f"{asked.path}/cancel", asked.ids), store, rng)


ANSWERS = {("POST", _RUN): _cancel}
