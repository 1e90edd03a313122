"""Generic answers for all endpoints of the SDK that create, read, update, delete and list objects.

Rules of this file: what an operation does follows from its method and path, as in REST; the form
of its answer follows from the schema. A collection is identified by its path, such as
``/v1/vector_stores/vs_1/files``. Created objects are returned as they were created, and deleted
objects are not found. An unknown id gets a generated object, which is always the same for this id.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache, cached_property, wraps
from random import Random
from typing import Any
from urllib.parse import unquote

from openai_mockserver import seed
from openai_mockserver.api import errors, ids
from openai_mockserver.api.endpoint import Answer, Endpoint, EndpointRequest
from openai_mockserver.api.json_body import binary_response, json_response
from openai_mockserver.api.multipart import AnyFile
from openai_mockserver.api.resources.pagination import paginate
from openai_mockserver.api.resources.placeholders import DONE, adapt_members, make_placeholder
from openai_mockserver.api.resources.states import has_ended, refuse_action, settle
from openai_mockserver.api.store import CREATED, Store
from openai_mockserver.api.validation.checks import fits
from openai_mockserver.api.validation.parameters import parameters_of
from openai_mockserver.api.validation.schema import (
    Operation,
    Schema,
    operation,
    operations,
    resolve,
)
from openai_mockserver.reply import ApiError
from openai_mockserver.script import Script

__all__ = [
    "CONTENT",
    "Resource",
    "endpoints",
    "refuse_endpoint",
    "refuse_stream",
    "refuse_unknown_id",
    "require_websocket",
]

CONTENT = "content"
"""The kind of uploaded bytes in the store; their key is the path of the object that has them."""


# Unknown ids

# OpenAI's message and param for an unknown id, by the last collection of the path; the last entry
# applies to all other collections.
_NOT_FOUND: dict[str, tuple[str, str | None]] = {
    "files": ("No such File object: {id}", "id"),
    "vector_stores": ("Vector store with id '{id}' not found.", None),
    "conversations": ("Conversation with id '{id}' not found.", None),
    "responses": ("Response with id '{id}' not found.", None),
    "models": ("The model '{id}' does not exist", "model"),
    "": ("No {name} found with id '{id}'.", None),
}


def refuse_unknown_id(collection: str, id: str, rng: Random) -> Script:
    """Return OpenAI's 404 for an id that is not in this collection (a path)."""
    last = collection.rpartition("/")[2]
    message, param = _NOT_FOUND.get(last) or _NOT_FOUND[""]
    code = "model_not_found" if last == "models" else ""
    text = message.format(id=id, name=_make_singular(last).replace("_", " "))
    return errors.render(ApiError(404, text, None, code, param), rng)


def _make_singular(word: str) -> str:
    """Return the singular of the last word of a collection.

    >>> _make_singular("batches"), _make_singular("vector_stores"), _make_singular("policies")
    ('batch', 'vector_store', 'policy')
    """
    for suffix, replacement in (("ies", "y"), ("ches", "ch"), ("s", "")):
        if word.endswith(suffix):
            return word.removesuffix(suffix) + replacement
    return word


# Ids

# The prefix of ids and the number of letters after it, by the end of the collection's path.
_IDS: dict[str, tuple[str, int]] = {
    "/chat/completions": ("chatcmpl-", 29),
    "/containers": ("cntr_", 48),
    "/containers/{container_id}/files": ("cfile_", 48),
    "/files": ("file-", 22),
    "/file_batches": ("vsfb_", 32),
    "/vector_stores": ("vs_", 32),
    "/conversations": ("conv_", 48),
    "/items": ("msg_", 48),
    "/assistants": ("asst_", 24),
    "/messages": ("msg_", 24),
    "/jobs": ("ftjob-", 24),
    "/chatkit/sessions": ("cksess_", 48),
    "/chatkit/threads": ("cthr_", 48),
    "/permissions": ("cp_", 24),
    "/admin_api_keys": ("key_", 24),
    "/projects": ("proj_", 24),
    "/webhook_endpoints": ("whe_", 32),
    "/voice_consents": ("cons_", 24),
}


_OWN_IDS = frozenset({"/v1/containers/{container_id}/files"})
"""Collections whose objects always get new ids; elsewhere the request may name the id."""


def _id_format(collection: str) -> tuple[str, int]:
    suffixes = [suffix for suffix in _IDS if collection.endswith(suffix)]
    if suffixes:
        return _IDS[max(suffixes, key=len)]
    return f"{_make_singular(collection.rpartition('/')[2])}_", 32


# Resources

# The states that an action may lead to, in order of preference, by the last part of the path.
_ACTIONS: dict[str, tuple[str, ...]] = {
    "cancel": ("cancelled", "canceled", "cancelling"),
    "complete": ("completed",),
    "pause": ("paused",),
    "archive": ("archived",),
    "resume": DONE,
}
# The same for objects whose schema does not list the states: the runs of evals.
_OPEN_ACTIONS = {"cancel": "canceled"}
_REFUSED_WHEN_ENDED = frozenset({"cancel", "complete", "pause", "resume"})
"""Actions that are refused for an object that has ended."""

# Fields of new objects that are not complete at once, by their collection.
_INITIAL_FIELDS: dict[str, dict[str, Any]] = {"/v1/uploads": {"status": "pending"}}

# The status of objects whose schema allows any text for it, by their collection.
_OPEN_STATES = {"/v1/containers": "running", "/v1/organization/projects": "active"}

# The ``object`` of objects whose schema allows any text for it, if it is not the collection's name.
_OPEN_OBJECTS = {
    "/v1/organization/external_keys": "organization.external_key",
    "/v1/evals/{eval_id}/runs": "eval.run",
    "/v1/organization/groups/{group_id}/roles": "group.role",
    "/v1/organization/users/{user_id}/roles": "user.role",
    "/v1/projects/{project_id}/groups/{group_id}/roles": "group.role",
    "/v1/projects/{project_id}/users/{user_id}/roles": "user.role",
}

# The ``object`` of lists, if it is not ``list``.
_LISTS = {
    f"/v1/organization/{path}certificates/{verb}": f"organization.{name}certificate.{noun}"
    for path, name in (("", ""), ("projects/{project_id}/", "project."))
    for verb, noun in (("activate", "activation"), ("deactivate", "deactivation"))
}

# The default number of objects on a page, if it is not 20.
_PAGE_SIZES = {"/v1/files": 10_000}


@dataclass(frozen=True)
class Resource:
    """One operation on one kind of object.

    Args:
        method, path: method and path template of the operation.
    """

    method: str
    path: str

    @cached_property
    def operation(self) -> Operation:
        """The SDK's types of the operation."""
        return operation(self.method, self.path)

    @cached_property
    def properties(self) -> Mapping[str, Schema]:
        """The schemas of the answer's members."""
        return _properties(self.operation.answer or {})

    @cached_property
    def _is_action(self) -> bool:
        """Whether the path ends in an action on one object."""
        return self.path.rpartition("/")[0].endswith("}") and (
            self.path.rpartition("/")[2] in _ACTIONS or self.path.endswith("/content")
        )

    @cached_property
    def handler(self) -> Callable[[Resource, EndpointRequest, Store, Random], Script]:
        """The method that answers."""
        if self.operation.binary:
            return Resource.content
        if self._is_action:
            return Resource.act
        if self.path.endswith("}"):
            return _ON_ONE[self.method]
        if self.operation.list and self.method == "GET":
            return Resource.list
        if self._is_single:
            return _ON_ONE[self.method]
        return Resource.create if self.method == "POST" else Resource.answer_placeholder

    @cached_property
    def _is_single(self) -> bool:
        """Whether there is only one such object, at the path itself."""
        try:
            get = operation("GET", self.path)
            return not get.list and get.answer is not None
        except KeyError:
            return False

    def _locate(self, path: str) -> tuple[str, str]:
        """Return the collection and the id of the object that a path means."""
        if self._is_action:
            path = path.rpartition("/")[0]
        if not (self._is_action or self.path.endswith("}")):
            return path, ""
        collection, _, id = path.rpartition("/")
        return collection, unquote(id)

    @cached_property
    def answer(self) -> Answer:
        """The function that answers; it refuses streams, whose order of events is unknown."""
        handler, operation = self.handler, self.operation
        always_streams = operation.event is not None and operation.answer == operation.event

        @wraps(handler)
        def answer_request(request: EndpointRequest, store: Store, rng: Random) -> Script:
            if always_streams:
                return refuse_endpoint(request, store, rng)
            if operation.event and request.parameters.get("stream"):
                return refuse_stream(request, store, rng)
            return handler(self, request, store, rng)

        return answer_request

    @cached_property
    def _collection(self) -> str:
        """The path template of the collection that the operation is about."""
        path = self.path.rpartition("/")[0] if self._is_action else self.path
        return path.rpartition("/")[0] if path.endswith("}") else path

    def _open_members(self, properties: Mapping[str, Schema], is_deleted: bool = False) -> Any:
        """Return ``object`` and ``status``, if the schema allows any text for them."""
        last = self._collection.rpartition("/")[2]
        object_name = _OPEN_OBJECTS.get(self._collection) or _make_singular(last)
        # A deleted model is still called a model.
        object_name += ".deleted" * (is_deleted and last != "models")
        object_name = _LISTS.get(self.path, "list") if self.operation.list else object_name
        members = {"object": object_name, "status": _OPEN_STATES.get(self._collection)}
        return {
            name: value
            for name, value in members.items()
            if value is not None and _is_open(properties.get(name))
        }

    def new_id(self, request: EndpointRequest, store: Store, rng: Random) -> str:
        """Return the id of a new object: the one that the request names, or a new one."""
        requested_id = request.parameters.get(_id_variable(self.path) or "")
        if isinstance(requested_id, str) and self.path not in _OWN_IDS:
            return requested_id
        prefix, length = _id_format(self.path)
        # With a seed, the same request would get the same id again.
        while True:
            id = prefix + ids.letters(length, rng)
            if store.add(CREATED, id, request.path):
                return id

    def build(
        self,
        id: str,
        request: EndpointRequest,
        rng: Random,
        schema: Schema | None = None,
        with_end: bool = True,
    ) -> Any:
        """Return an object with this id and the values of the request.

        Args:
            id: the object's id.
            request: the request, whose parameters become members.
            rng: random generator of all other values.
            schema: schema of the object; by default, that of the operation's answer.
            with_end: add the times at which the object ended, if its status says that it has.
        """
        schema = schema or self.operation.answer or {}
        properties = _properties(schema)
        parameters: dict[str, Any] = dict(request.ids) | dict(request.parameters)
        members = self._open_members(properties) | adapt_members(properties, parameters, rng)
        file = next((v for v in parameters.values() if isinstance(v, AnyFile)), None)
        if file is not None:
            members |= {"bytes": len(file), "filename": file.name or "upload"}
        if isinstance(parameters.get("expires_after"), dict) and "expires_at" in properties:
            expiry = parameters["expires_after"]
            seconds = expiry.get("seconds") or (expiry.get("days") or 0) * 86400
            members["expires_at"] = seed.now(rng) + int(seconds)
        members |= {"id": id} | _INITIAL_FIELDS.get(self.path, {})
        known_members = {k: v for k, v in members.items() if k in properties}
        value = make_placeholder(schema, rng, known_members)
        return settle(value, properties, seed.now(rng)) if with_end and properties else value

    def create_object(self, request: EndpointRequest, store: Store, rng: Random) -> Any:
        """Create an object with the values of the request, store it and return it."""
        id = self.new_id(request, store, rng)
        value = self.build(id, request, rng)
        if "id" in _properties(self.operation.answer or {}):
            files = [file for file in request.parameters.values() if isinstance(file, AnyFile)]
            contents = [(CONTENT, f"{request.path}/{id}", file) for file in files]
            store.put_all([(request.path, value["id"], value), *contents])
        return value

    def create(self, request: EndpointRequest, store: Store, rng: Random) -> Script:
        """Create and store the object."""
        value = self.create_object(request, store, rng)
        return (
            binary_response(b"", rng)
            if self.operation.answer is None
            else json_response(value, rng)
        )

    def answer_placeholder(self, request: EndpointRequest, store: Store, rng: Random) -> Script:
        """Return a plausible object, which is not stored."""
        return json_response(self.build("", request, seed.derive_rng(rng, request.path)), rng)

    def find(
        self, request: EndpointRequest, store: Store, rng: Random, with_end: bool = True
    ) -> tuple[str, str, Any]:
        """Return the collection, the id and the object; one that is not stored is generated."""
        collection, id = self._locate(request.path)
        value = store.get(collection, id)
        if value is None:
            bare_request = EndpointRequest(request.method, request.path, request.ids)
            value = self.build(
                id,
                bare_request,
                seed.derive_rng(rng, f"{collection}/{id}"),
                self._object_schema,
                with_end,
            )
        return collection, id, value

    @cached_property
    def _object_schema(self) -> Schema | None:
        """The schema of one object, which the operation itself may not return."""
        path = f"{self.path.rpartition('/')[0]}" if self._is_action else self.path
        try:
            return operation("GET", path).answer or self.operation.answer
        except KeyError:
            return self.operation.answer

    def retrieve(self, request: EndpointRequest, store: Store, rng: Random) -> Script:
        """Return the object."""
        return json_response(self.find(request, store, rng)[2], rng)

    def update(self, request: EndpointRequest, store: Store, rng: Random) -> Script:
        """Update the object with the values of the request."""
        collection, id, value = self.find(request, store, rng)
        properties = _properties(self.operation.answer or {})
        # Metadata is stored even if the SDK's type lacks it.
        changes = adapt_members({"metadata": {}} | dict(properties), request.parameters, rng)
        value = value | {
            name: _merge_member(value.get(name), new, request.parameters[name])
            for name, new in changes.items()
        }
        store.put(collection, id, value)
        return json_response(value, rng)

    def act(self, request: EndpointRequest, store: Store, rng: Random) -> Script:
        """Move the object to the state named in the path, unless it has already ended."""
        collection, id, value = self.find(request, store, rng, with_end=False)
        action = self.path.rpartition("/")[2]
        if (error := self.check_action(action, collection, id, store)) is not None:
            return errors.render(error, rng)
        if self.operation.answer is None:
            return binary_response(b"", rng)
        if self.operation.answer != self._object_schema:
            return self.answer_placeholder(request, store, rng)
        properties = _properties(self.operation.answer)
        status = resolve(properties.get("status", {}))
        allowed_states = status.get("enum", ())
        state = next((state for state in _ACTIONS.get(action, ()) if state in allowed_states), None)
        if state is None and status.get("type") == "string" and not allowed_states:
            state = _OPEN_ACTIONS.get(action)
        if state is not None:
            value = value | {"status": state}
            time_field = f"{state}_at"
            if time_field in properties:
                value |= {time_field: seed.now(rng)}
            value = settle(value, properties, seed.now(rng))
        store.put(collection, id, value)
        return json_response(value, rng)

    def check_action(self, action: str, collection: str, id: str, store: Store) -> ApiError | None:
        """Return OpenAI's error if the stored object has ended and this action is then refused."""
        stored_object = store.get(collection, id)
        if action not in _REFUSED_WHEN_ENDED or not has_ended(stored_object):
            return None
        last = collection.rpartition("/")[2]
        name = _make_singular(last).replace("_", " ")
        return refuse_action(action, last, name, stored_object["status"])

    def delete(self, request: EndpointRequest, store: Store, rng: Random) -> Script:
        """Delete the object."""
        collection, id = self._locate(request.path)
        # An object that was only generated for an unknown id can be generated again.
        remove = store.delete if store.get(CREATED, id) else store.drop
        remove(collection, id)
        store.drop(CONTENT, request.path)
        schema = self.operation.answer
        if schema is None:
            object_name = f"{_make_singular(self.path.split('/')[2])}.deleted"
            return json_response({"id": id, "object": object_name, "deleted": True}, rng)
        members = self._open_members(_properties(schema), is_deleted=True)
        members |= {"id": id, "deleted": True} | dict(request.ids)
        known_members = {k: v for k, v in members.items() if k in _properties(schema)}
        return json_response(
            make_placeholder(schema, seed.derive_rng(rng, request.path), known_members), rng
        )

    def list(self, request: EndpointRequest, store: Store, rng: Random) -> Script:
        """Return a page of the objects that have been created."""
        page = paginate(
            store.all(request.path), request.query, limit=_PAGE_SIZES.get(self.path, 20)
        )
        answer = resolve(self.operation.answer or {})
        schema = answer["properties"]["data"].get("items", {})
        page |= {name: None for name in answer.get("required", ()) if name not in page}
        for index, item in enumerate(page["data"]):
            if not fits(schema, item):  # a list may have objects in another form
                own_rng = seed.derive_rng(rng, str(item.get("id")))
                members = adapt_members(_properties(schema), item, own_rng)
                page["data"][index] = make_placeholder(schema, own_rng, members)
        return json_response(page, rng)

    def content(self, request: EndpointRequest, store: Store, rng: Random) -> Script:
        """Return the uploaded bytes; an object without an upload gets its id as content."""
        path = request.path.removesuffix("/content")
        data = store.get(CONTENT, path)
        if data is None:
            data = path.rpartition("/")[2].encode()
        return binary_response(
            data, rng, getattr(data, "content_type", "") or "application/octet-stream"
        )


_ON_ONE: dict[str, Callable[[Resource, EndpointRequest, Store, Random], Script]] = {
    "GET": Resource.retrieve,
    "POST": Resource.update,
    "PUT": Resource.update,
    "PATCH": Resource.update,
    "DELETE": Resource.delete,
}


def _properties(schema: Schema) -> Mapping[str, Schema]:
    """Return the schemas of an object's members; of several alternatives, the first's."""
    schema = resolve(schema)
    if "anyOf" in schema:
        return _properties(schema["anyOf"][0])
    properties: Mapping[str, Schema] = schema.get("properties", {})
    return properties


def _merge_member(old: Any, new: Any, request_value: Any) -> Any:
    """Return a member after an update.

    Args:
        old: the member before.
        new: the request's value in the form of the answer.
        request_value: the request's value; if its form differs, members that it lacks stay.
    """
    if new == request_value or not all(isinstance(one, dict) for one in (old, new, request_value)):
        return new
    return old | {
        name: _merge_member(old.get(name), value, request_value[name])
        for name, value in new.items()
        if name in request_value
    }


def _is_open(schema: Schema | None) -> bool:
    """Return whether a schema allows any text."""
    resolved_schema = resolve(schema or {})
    return resolved_schema.get("type") == "string" and "enum" not in resolved_schema


@cache
def _id_variable(path: str) -> str | None:
    """Return the name of the path variable with the id of an object in this collection."""
    for other, _ in operations():
        head, _, last = other.rpartition("/")
        if head == path and last.startswith("{"):
            return last[1:-1]
    return None


# Endpoints


def refuse_endpoint(request: EndpointRequest, store: Store, rng: Random) -> Script:
    """Return a 501: the server does not implement this endpoint."""
    error = ApiError(
        501,
        f"openai-mockserver does not implement {request.method} {request.path}.",
        "server_error",
        "not_implemented",
        headers=(("x-should-retry", "false"),),
    )
    return errors.render(error, rng)


def require_websocket(request: EndpointRequest, store: Store, rng: Random) -> Script:
    """Return a 426: a WebSocket is opened here, but not over this door.

    A server gets such a request only if it has no package that speaks WebSockets.
    """
    if request.headers.get("upgrade", "").lower() == "websocket":
        reason = "needs the package websockets: pip install 'openai-mockserver[websockets]'"
    else:
        reason = "is answered with a WebSocket only"
    error = ApiError(
        426,
        f"openai-mockserver: {request.method} {request.path} {reason}.",
        "mockserver_error",
        "upgrade_required",
        headers=(("upgrade", "websocket"), ("x-should-retry", "false")),
    )
    return errors.render(error, rng)


def refuse_stream(request: EndpointRequest, store: Store, rng: Random) -> Script:
    """Return a 501: the server implements this endpoint, but not with a stream."""
    error = ApiError(
        501,
        f"openai-mockserver answers {request.method} {request.path}, but not with a stream: set "
        "stream=false, or add a rule that replies with a Script.",
        "server_error",
        "not_implemented",
        param="stream",
        headers=(("x-should-retry", "false"),),
    )
    return errors.render(error, rng)


def _refuse_deleted(path: str, answer: Answer) -> Answer:
    """Wrap the answer of a path template: deleted objects, and all inside them, are not found."""
    variables = [i for i, name in enumerate(path.split("/")) if name.startswith("{")]
    if not variables:
        return answer

    @wraps(answer)
    def answer_request(request: EndpointRequest, store: Store, rng: Random) -> Script:
        parts = request.path.split("/")
        for index in variables:
            collection = "/".join(parts[:index])
            if store.is_gone(collection, id := unquote(parts[index])):
                return refuse_unknown_id(collection, id, rng)
        return answer(request, store, rng)

    return answer_request


def endpoints(special: Mapping[tuple[str, str], Answer]) -> Iterator[Endpoint]:
    """Yield an endpoint for each operation of the SDK.

    Args:
        special: answers of operations for which the generic answer is not enough.
    """
    for path, method in operations():
        types = operation(method, path)
        yield Endpoint(
            path=path,
            method=method,
            parameters=parameters_of(method, path) if types.body is not None else None,
            query=parameters_of(method, path, "query") if types.query is not None else None,
            form=types.form,
            answer=_refuse_deleted(
                path, special.get((method, path)) or Resource(method, path).answer
            ),
        )
    for path in ("/v1/responses", "/v1/realtime", "/v1/realtime/translations"):
        yield Endpoint(path=path, method="GET", answer=require_websocket)
