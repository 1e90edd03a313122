"""``/v1/webhook_endpoints``: the endpoints that an application itself registers for webhooks.

Rules of this file: no I/O. The secret is shown when an endpoint is created and when its secret is
rotated, and never stored here: what sends webhooks has it. OpenAI's form of the
hint is unknown.
"""

from __future__ import annotations

from random import Random
from typing import Any

from openai_mockserver import seed
from openai_mockserver.api import errors
from openai_mockserver.api.endpoint import Answer, EndpointRequest
from openai_mockserver.api.json_body import json_response
from openai_mockserver.api.resources.operations import Resource
from openai_mockserver.api.resources.pagination import paginate
from openai_mockserver.api.store import Store
from openai_mockserver.api.validation.schema import operation, resolve
from openai_mockserver.exceptions import MockServerError
from openai_mockserver.reply import ApiError
from openai_mockserver.script import Script

__all__ = ["ANSWERS"]

_ENDPOINTS = "/v1/webhook_endpoints"
_ONE = f"{_ENDPOINTS}/{{webhook_endpoint_id}}"
_TYPES = "/v1/webhook_event_types"

_CREATE = Resource("POST", _ENDPOINTS)
_DELETE = Resource("DELETE", _ONE)


def _create(request: EndpointRequest, store: Store, rng: Random) -> Script:
    """Create an endpoint, and show its secret."""
    announcer = request.jobs.find_announcer()
    parameters = request.parameters
    id = _CREATE.new_id(request, store, rng)
    try:
        secret = announcer.add(id, parameters["url"], parameters["event_types"])
    except MockServerError as error:
        return _refuse(str(error), "url", rng)
    now = seed.now(rng)
    endpoint = {
        "id": id,
        "object": "webhook_endpoint",
        "name": parameters["name"],
        "url": parameters["url"],
        "event_types": list(dict.fromkeys(parameters["event_types"])),
        "signing_secret_hint": _make_hint(secret),
        "created_at": now,
        "updated_at": now,
    }
    store.put(_ENDPOINTS, id, endpoint)
    return json_response(endpoint | {"signing_secret": secret}, rng)


def _update(request: EndpointRequest, store: Store, rng: Random) -> Script:
    """Change an endpoint; only a change advances its time."""
    id, endpoint = _find(request, store)
    names = ("name", "url", "event_types")
    changes = {name: request.parameters[name] for name in names if name in request.parameters}
    changed = endpoint | changes
    if changed != endpoint:
        try:
            request.jobs.find_announcer().change(id, changed["url"], changed["event_types"])
        except MockServerError as error:
            return _refuse(str(error), "url", rng)
        changed["updated_at"] = seed.now(rng)
        store.put(_ENDPOINTS, id, changed)
    return json_response(changed, rng)


def _list(request: EndpointRequest, store: Store, rng: Random) -> Script:
    """Return a page of the endpoints, without their secrets."""
    return json_response(paginate(store.all(_ENDPOINTS), request.query), rng)


def _delete(request: EndpointRequest, store: Store, rng: Random) -> Script:
    """Delete an endpoint, which then receives nothing more."""
    id, _ = _find(request, store)
    request.jobs.find_announcer().remove(id)
    return _DELETE.delete(request, store, rng)


def _rotate_secret(request: EndpointRequest, store: Store, rng: Random) -> Script:
    """Replace the secret of an endpoint, and show the new one."""
    id, endpoint = _find(request, store)
    keep_old = bool(request.parameters.get("keep_old_secret_active_for_24_hours"))
    secret = request.jobs.find_announcer().rotate_secret(id, keep_old)
    changes = {"signing_secret_hint": _make_hint(secret), "updated_at": seed.now(rng)}
    store.put(_ENDPOINTS, id, endpoint | changes)
    return json_response(endpoint | changes | {"signing_secret": secret}, rng)


def _test(request: EndpointRequest, store: Store, rng: Random) -> Script:
    """Send a sample of an event to an endpoint, once."""
    id, _ = _find(request, store)
    type = request.parameters["event_type"]
    try:
        status = request.jobs.find_announcer().test(id, type)
    except MockServerError as error:
        return _refuse(str(error), None, rng)
    result = {
        "object": "webhook_endpoint.test",
        "webhook_endpoint_id": id,
        "event_type": type,
        "status_code": status,
        "success": True,
    }
    return json_response(result, rng)


def _list_types(request: EndpointRequest, store: Store, rng: Random) -> Script:
    """Return the types of events that an endpoint can receive."""
    body = operation("POST", _ENDPOINTS).body or {}
    items = resolve(resolve(body)["properties"]["event_types"])["items"]
    return json_response({"object": "list", "data": list(resolve(items)["enum"])}, rng)


def _find(request: EndpointRequest, store: Store) -> tuple[str, dict[str, Any]]:
    """Return the id of the endpoint, and the endpoint."""
    id = request.ids["webhook_endpoint_id"]
    return id, store.get(_ENDPOINTS, id)


def _make_hint(secret: str) -> str:
    """Return a secret in which all but its prefix and its end is hidden.

    >>> _make_hint("whsec_c2VjcmV0c2VjcmV0")
    'whsec_...cmV0'
    """
    return f"whsec_...{secret[-4:]}"


def _refuse(sentence: str, param: str | None, rng: Random) -> Script:
    return errors.render(ApiError(400, sentence, param=param), rng)


def _for_known(method: str, path: str, answer: Answer) -> Answer:
    """Wrap the answer about one endpoint: an unknown id gets a generated answer."""
    generic = Resource(method, path).answer

    def answer_request(request: EndpointRequest, store: Store, rng: Random) -> Script:
        is_known = request.jobs.find_announcer().has(request.ids["webhook_endpoint_id"])
        return (answer if is_known else generic)(request, store, rng)

    return answer_request


_ON_ONE: dict[tuple[str, str], Answer] = {
    ("POST", _ONE): _update,
    ("DELETE", _ONE): _delete,
    ("POST", f"{_ONE}/rotate_secret"): _rotate_secret,
    ("POST", f"{_ONE}/test"): _test,
}

ANSWERS: dict[tuple[str, str], Answer] = {
    ("POST", _ENDPOINTS): _create,
    ("GET", _ENDPOINTS): _list,
    ("GET", _TYPES): _list_types,
    **{key: _for_known(*key, answer) for key, answer in _ON_ONE.items()},
}
