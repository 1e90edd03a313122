"""``/v1/evals``: the schema of an eval's data contains that of its items. SDKs before 3.0 cancel a
run with a POST to the run's path, which works here too.

Rules of this file: no I/O; `operations` does what evals and runs share with other objects.
"""

from __future__ import annotations

from dataclasses import replace
from random import Random

from openai_mockserver.api.endpoint import EndpointRequest
from openai_mockserver.api.resources.operations import Resource
from openai_mockserver.api.store import Store
from openai_mockserver.script import Script

__all__ = ["ANSWERS"]

_EVALS = "/v1/evals"
_EVAL = Resource("POST", _EVALS)
_RUN = "/v1/evals/{eval_id}/runs/{run_id}"
_CANCEL = Resource("POST", f"{_RUN}/cancel")


def _cancel(request: EndpointRequest, store: Store, rng: Random) -> Script:
    """Cancel the run, unless it has already ended."""
    return _CANCEL.act(EndpointRequest("POST", f"{request.path}/cancel", request.ids), store, rng)


def _create(request: EndpointRequest, store: Store, rng: Random) -> Script:
    """Create an eval; its data schema wraps the schema of an item."""
    parameters = dict(request.parameters)
    config = parameters.get("data_source_config")
    if isinstance(config, dict) and "item_schema" in config:
        schema = {
            "type": "object",
            "properties": {"item": config["item_schema"]},
            "required": ["item"],
        }
        parameters["data_source_config"] = {"type": config.get("type", "custom"), "schema": schema}
    return _EVAL.create(replace(request, parameters=parameters), store, rng)


ANSWERS = {("POST", _EVALS): _create, ("POST", _RUN): _cancel}
