"""``/v1/evals``: an eval tells the schema of its items within that of its data; a run is cancelled
at its own path too, where SDKs before 3.0 do.

Rules of this file: no I/O; what is generic of evals and runs is in `operations`.
"""

from __future__ import annotations

from dataclasses import replace
from random import Random

from openai_mockserver.api.endpoint import Asked
from openai_mockserver.api.resources.operations import Thing
from openai_mockserver.api.store import Store
from openai_mockserver.script import Script

__all__ = ["ANSWERS"]

_EVALS = "/v1/evals"
_EVAL = Thing("POST", _EVALS)
_RUN = "/v1/evals/{eval_id}/runs/{run_id}"
_CANCEL = Thing("POST", f"{_RUN}/cancel")


def _cancel(asked: Asked, store: Store, rng: Random) -> Script:
    """The run, cancelled, unless it has ended already."""
    return _CANCEL.act(Asked("POST", f"{asked.path}/cancel", asked.ids), store, rng)


def _create(asked: Asked, store: Store, rng: Random) -> Script:
    """The eval; the schema of an item is a part of that of what a run is given."""
    parameters = dict(asked.parameters)
    config = parameters.get("data_source_config")
    if isinstance(config, dict) and "item_schema" in config:
        schema = {
            "type": "object",
            "properties": {"item": config["item_schema"]},
            "required": ["item"],
        }
        parameters["data_source_config"] = {"type": config.get("type", "custom"), "schema": schema}
    return _EVAL.create(replace(asked, parameters=parameters), store, rng)


ANSWERS = {("POST", _EVALS): _create, ("POST", _RUN): _cancel}
