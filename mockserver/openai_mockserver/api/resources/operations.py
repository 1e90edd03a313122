"""Every endpoint of the SDK where nothing but a thing's state is to be told: one generic answer.

Rules of this file: what an operation does follows from its path and method, as REST has it; what
its answer looks like from the schema. A collection is known by its path, as in
``/v1/vector_stores/vs_1/files``. What was created is answered as it was created, what was deleted
is not found, and an id never seen is that of a thing made up for it, always the same.
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
from openai_mockserver.api.endpoint import Answer, Asked, Endpoint
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

__all__ = ["CONTENT", "Thing", "endpoints", "not_found", "refuse_stream", "unsupported"]

CONTENT = "content"
"""The kind under which the store has uploaded bytes, by the path of what they belong to."""


# What is not there

# The last collection of a path: what OpenAI says of an id that it does not have, and of what
# parameter. Others are spoken of as the last entry has it.
_NOT_FOUND: dict[str, tuple[str, str | None]] = {
    "files": ("No such File object: {id}", "id"),
    "vector_stores": ("Vector store with id '{id}' not found.", None),
    "conversations": ("Conversation with id '{id}' not found.", None),
    "responses": ("Response with id '{id}' not found.", None),
    "models": ("The model '{id}' does not exist", "model"),
    "": ("No {name} found with id '{id}'.", None),
}


def not_found(collection: str, id: str, rng: Random) -> Script:
    """OpenAI's 404 for an id of this collection, a path."""
    last = collection.rpartition("/")[2]
    message, param = _NOT_FOUND.get(last) or _NOT_FOUND[""]
    code = "model_not_found" if last == "models" else ""
    told = message.format(id=id, name=_singular(last).replace("_", " "))
    return errors.render(ApiError(404, told, None, code, param), rng)


def _singular(word: str) -> str:
    """
    >>> _singular("batches"), _singular("vector_stores"), _singular("policies")
    ('batch', 'vector_store', 'policy')
    """
    for end, instead in (("ies", "y"), ("ches", "ch"), ("s", "")):
        if word.endswith(end):
            return word.removesuffix(end) + instead
    return word


# Ids

# By the end of a collection's path: what its ids begin with, and how many letters follow.
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
    "/voice_consents": ("cons_", 24),
}


_OWN_IDS = frozenset({"/v1/containers/{container_id}/files"})
"""The collections that copy what a request names; in others it goes by the same id."""


def _form(collection: str) -> tuple[str, int]:
    fitting = [end for end in _IDS if collection.endswith(end)]
    if fitting:
        return _IDS[max(fitting, key=len)]
    return f"{_singular(collection.rpartition('/')[2])}_", 32


# Things

# The last part of a path that acts on a thing: the states it may get into, the best first.
_ACTIONS: dict[str, tuple[str, ...]] = {
    "cancel": ("cancelled", "canceled", "cancelling"),
    "complete": ("completed",),
    "pause": ("paused",),
    "archive": ("archived",),
    "resume": DONE,
}
# The same of things whose states the schema leaves open, which are the runs of evals.
_OPEN_ACTIONS = {"cancel": "canceled"}
_ENDED_STAYS = frozenset({"cancel", "complete", "pause", "resume"})
"""What is not done to a thing that has ended."""

# How things begin that are not done at once.
_BEGIN: dict[str, dict[str, Any]] = {"/v1/uploads": {"status": "pending"}}

# The same of things whose states the schema leaves open, by their collection.
_OPEN_STATES = {"/v1/containers": "running", "/v1/organization/projects": "active"}

# What things are called whose schema leaves it open, by their collection, if not as it is.
_OPEN_OBJECTS = {
    "/v1/organization/external_keys": "organization.external_key",
    "/v1/evals/{eval_id}/runs": "eval.run",
    "/v1/organization/groups/{group_id}/roles": "group.role",
    "/v1/organization/users/{user_id}/roles": "user.role",
    "/v1/projects/{project_id}/groups/{group_id}/roles": "group.role",
    "/v1/projects/{project_id}/users/{user_id}/roles": "user.role",
}

# How many things are on a page, where that is not 20.
_PAGES = {"/v1/files": 10_000}


@dataclass(frozen=True)
class Thing:
    """One operation on one kind of thing.

    Args:
        method, path: the operation's.
    """

    method: str
    path: str

    @cached_property
    def operation(self) -> Operation:
        """What the SDK knows of it."""
        return operation(self.method, self.path)

    @cached_property
    def properties(self) -> Mapping[str, Schema]:
        """The members of what is answered."""
        return _properties(self.operation.answer or {})

    @cached_property
    def _acts(self) -> bool:
        """Whether the path ends in what is done to one thing."""
        return self.path.rpartition("/")[0].endswith("}") and (
            self.path.rpartition("/")[2] in _ACTIONS or self.path.endswith("/content")
        )

    @cached_property
    def does(self) -> Callable[[Thing, Asked, Store, Random], Script]:
        """What answers."""
        if self.operation.binary:
            return Thing.content
        if self._acts:
            return Thing.act
        if self.path.endswith("}"):
            return _ON_ONE[self.method]
        if self.operation.list and self.method == "GET":
            return Thing.list
        if self._is_single:
            return _ON_ONE[self.method]
        return Thing.create if self.method == "POST" else Thing.look

    @cached_property
    def _is_single(self) -> bool:
        """Whether there is one such thing only, at the path itself."""
        try:
            return not (found := operation("GET", self.path)).list and found.answer is not None
        except KeyError:
            return False

    def _where(self, path: str) -> tuple[str, str]:
        """The collection and the id of the thing that a request is about."""
        if self._acts:
            path = path.rpartition("/")[0]
        if not (self._acts or self.path.endswith("}")):
            return path, ""
        where, _, id = path.rpartition("/")
        return where, unquote(id)

    @cached_property
    def answer(self) -> Answer:
        """What answers, but with a stream: nothing is known of the order of its events."""
        does, operation = self.does, self.operation
        always = operation.event is not None and operation.answer == operation.event

        @wraps(does)
        def answered(asked: Asked, store: Store, rng: Random) -> Script:
            if always:
                return unsupported(asked, store, rng)
            if operation.event and asked.parameters.get("stream"):
                return refuse_stream(asked, store, rng)
            return does(self, asked, store, rng)

        return answered

    @cached_property
    def _collection(self) -> str:
        """The path of the collection that the operation is about, with its variables."""
        path = self.path.rpartition("/")[0] if self._acts else self.path
        return path.rpartition("/")[0] if path.endswith("}") else path

    def _open_members(self, properties: Mapping[str, Schema], deleted: bool = False) -> Any:
        """What a thing is called and its state, if the schema takes any text for them."""
        last = self._collection.rpartition("/")[2]
        called = _OPEN_OBJECTS.get(self._collection) or _singular(last)
        # A model that is deleted stays what it is.
        called += ".deleted" * (deleted and last != "models")
        called = "list" if self.operation.list else called
        found = {"object": called, "status": _OPEN_STATES.get(self._collection)}
        return {
            name: value
            for name, value in found.items()
            if value is not None and _is_open(properties.get(name))
        }

    def new_id(self, asked: Asked, store: Store, rng: Random) -> str:
        """The id of what is created: the one that the request puts there, or a new one."""
        named = asked.parameters.get(_variable(self.path) or "")
        if isinstance(named, str) and self.path not in _OWN_IDS:
            return named
        prefix, n = _form(self.path)
        # With a seed the same request draws the same id again.
        while True:
            id = prefix + ids.letters(n, rng)
            if store.get(CREATED, id) is None:
                store.put(CREATED, id, asked.path)
                return id

    def made(
        self,
        id: str,
        asked: Asked,
        rng: Random,
        schema: Schema | None = None,
        settled: bool = True,
    ) -> Any:
        """A thing of this id, with what the request says of it, and when it ended if it has."""
        schema = schema or self.operation.answer or {}
        properties = _properties(schema)
        told: dict[str, Any] = dict(asked.ids) | dict(asked.parameters)
        given = self._open_members(properties) | adapt_members(properties, told, rng)
        file = next((v for v in told.values() if isinstance(v, AnyFile)), None)
        if file is not None:
            given |= {"bytes": len(file), "filename": file.name or "upload"}
        if isinstance(told.get("expires_after"), dict) and "expires_at" in properties:
            after = told["expires_after"]
            seconds = after.get("seconds") or (after.get("days") or 0) * 86400
            given["expires_at"] = seed.now(rng) + int(seconds)
        given |= {"id": id} | _BEGIN.get(self.path, {})
        known = {k: v for k, v in given.items() if k in properties}
        value = make_placeholder(schema, rng, known)
        return settle(value, properties, seed.now(rng)) if settled and properties else value

    def created(self, asked: Asked, store: Store, rng: Random) -> Any:
        """Make a thing, with what the request says of it, and keep it."""
        id = self.new_id(asked, store, rng)
        value = self.made(id, asked, rng)
        if "id" in _properties(self.operation.answer or {}):
            store.put(asked.path, value["id"], value)
            for file in asked.parameters.values():
                if isinstance(file, AnyFile):
                    store.put(CONTENT, f"{asked.path}/{id}", file)
        return value

    def create(self, asked: Asked, store: Store, rng: Random) -> Script:
        """A new thing, which is kept."""
        value = self.created(asked, store, rng)
        return (
            binary_response(b"", rng)
            if self.operation.answer is None
            else json_response(value, rng)
        )

    def look(self, asked: Asked, store: Store, rng: Random) -> Script:
        """What is plausible."""
        return json_response(self.made("", asked, seed.derive_rng(rng, asked.path)), rng)

    def found(
        self, asked: Asked, store: Store, rng: Random, settled: bool = True
    ) -> tuple[str, str, Any]:
        """The collection, the id and the thing: as it is kept, or as it is made up."""
        where, id = self._where(asked.path)
        value = store.get(where, id)
        if value is None:
            bare = Asked(asked.method, asked.path, asked.ids)
            value = self.made(id, bare, seed.derive_rng(rng, f"{where}/{id}"), self._one, settled)
        return where, id, value

    @cached_property
    def _one(self) -> Schema | None:
        """The schema of one thing, which other methods at its path may not answer."""
        path = f"{self.path.rpartition('/')[0]}" if self._acts else self.path
        try:
            return operation("GET", path).answer or self.operation.answer
        except KeyError:
            return self.operation.answer

    def retrieve(self, asked: Asked, store: Store, rng: Random) -> Script:
        """The thing."""
        return json_response(self.found(asked, store, rng)[2], rng)

    def update(self, asked: Asked, store: Store, rng: Random) -> Script:
        """The thing as the request changes it."""
        where, id, value = self.found(asked, store, rng)
        properties = _properties(self.operation.answer or {})
        # Metadata is kept even where the SDK's type does not tell of it.
        changes = adapt_members({"metadata": {}} | dict(properties), asked.parameters, rng)
        value = value | {
            name: _change(value.get(name), new, asked.parameters[name])
            for name, new in changes.items()
        }
        store.put(where, id, value)
        return json_response(value, rng)

    def act(self, asked: Asked, store: Store, rng: Random) -> Script:
        """The thing in the state that the path names, unless it has ended already."""
        where, id, value = self.found(asked, store, rng, settled=False)
        action = self.path.rpartition("/")[2]
        if (refused := self.refused(action, where, id, store)) is not None:
            return errors.render(refused, rng)
        if self.operation.answer is None:
            return binary_response(b"", rng)
        if self.operation.answer != self._one:
            return self.look(asked, store, rng)
        properties = _properties(self.operation.answer)
        status = resolve(properties.get("status", {}))
        allowed = status.get("enum", ())
        state = next((state for state in _ACTIONS.get(action, ()) if state in allowed), None)
        if state is None and status.get("type") == "string" and not allowed:
            state = _OPEN_ACTIONS.get(action)
        if state is not None:
            value = value | {"status": state}
            stamp = f"{state}_at"
            if stamp in properties:
                value |= {stamp: seed.now(rng)}
            value = settle(value, properties, seed.now(rng))
        store.put(where, id, value)
        return json_response(value, rng)

    def refused(self, action: str, where: str, id: str, store: Store) -> ApiError | None:
        """OpenAI's error for what is not done to a thing that was created and has ended."""
        kept = store.get(where, id)
        if action not in _ENDED_STAYS or not has_ended(kept):
            return None
        last = where.rpartition("/")[2]
        name = _singular(last).replace("_", " ")
        return refuse_action(action, last, name, kept["status"])

    def delete(self, asked: Asked, store: Store, rng: Random) -> Script:
        """That the thing is gone."""
        where, id = self._where(asked.path)
        # What was made up for an id that nobody created can be made up again.
        forget = store.delete if store.get(CREATED, id) else store.drop
        forget(where, id)
        store.drop(CONTENT, asked.path)
        schema = self.operation.answer
        if schema is None:
            named = f"{_singular(self.path.split('/')[2])}.deleted"
            return json_response({"id": id, "object": named, "deleted": True}, rng)
        given = self._open_members(_properties(schema), deleted=True)
        given |= {"id": id, "deleted": True} | dict(asked.ids)
        known = {k: v for k, v in given.items() if k in _properties(schema)}
        return json_response(make_placeholder(schema, seed.derive_rng(rng, asked.path), known), rng)

    def list(self, asked: Asked, store: Store, rng: Random) -> Script:
        """Those that were created, by pages."""
        shown = paginate(store.all(asked.path), asked.query, limit=_PAGES.get(self.path, 20))
        item = _properties(self.operation.answer or {})["data"].get("items", {})
        for index, thing in enumerate(shown["data"]):
            if not fits(item, thing):  # what is listed may be told otherwise than what was created
                apart = seed.derive_rng(rng, str(thing.get("id")))
                known = adapt_members(_properties(item), thing, apart)
                shown["data"][index] = make_placeholder(item, apart, known)
        return json_response(shown, rng)

    def content(self, asked: Asked, store: Store, rng: Random) -> Script:
        """The bytes that were uploaded; of what never was, its id."""
        path = asked.path.removesuffix("/content")
        data = store.get(CONTENT, path)
        if data is None:
            data = path.rpartition("/")[2].encode()
        return binary_response(
            data, rng, getattr(data, "content_type", "") or "application/octet-stream"
        )


_ON_ONE: dict[str, Callable[[Thing, Asked, Store, Random], Script]] = {
    "GET": Thing.retrieve,
    "POST": Thing.update,
    "PUT": Thing.update,
    "PATCH": Thing.update,
    "DELETE": Thing.delete,
}


def _properties(schema: Schema) -> Mapping[str, Schema]:
    """An object's members; of several objects, the first's."""
    schema = resolve(schema)
    if "anyOf" in schema:
        return _properties(schema["anyOf"][0])
    found: Mapping[str, Schema] = schema.get("properties", {})
    return found


def _change(old: Any, new: Any, stated: Any) -> Any:
    """A member as a request changes it: of one in another shape, what the request does not state
    stays as it was.
    """
    if new == stated or not all(isinstance(one, dict) for one in (old, new, stated)):
        return new
    return old | {
        name: _change(old.get(name), value, stated[name])
        for name, value in new.items()
        if name in stated
    }


def _is_open(schema: Schema | None) -> bool:
    """Whether any text will do."""
    known = resolve(schema or {})
    return known.get("type") == "string" and "enum" not in known


@cache
def _variable(path: str) -> str | None:
    """The variable that follows a collection's path in the path of one of its things."""
    for other, _ in operations():
        head, _, last = other.rpartition("/")
        if head == path and last.startswith("{"):
            return last[1:-1]
    return None


# Endpoints

_WEB_SOCKETS = (
    "/v1/live/sessions",
    "/v1/live/sessions/{session_id}",
    "/v1/live/sessions/{session_id}/fork",
    "/v1/realtime",
    "/v1/realtime/translations",
    "/v1/responses",
)
"""Where the SDK opens WebSockets, which are not served."""


def unsupported(asked: Asked, store: Store, rng: Random) -> Script:
    """501: it is known, and not served."""
    told = ApiError(
        501,
        f"openai-mockserver does not implement {asked.method} {asked.path}.",
        "server_error",
        "not_implemented",
        headers=(("x-should-retry", "false"),),
    )
    return errors.render(told, rng)


def refuse_stream(asked: Asked, store: Store, rng: Random) -> Script:
    """501: it is answered, but not with a stream."""
    told = ApiError(
        501,
        f"openai-mockserver answers {asked.method} {asked.path}, but not with a stream: ask "
        "without stream=true, or give a rule for it a Script.",
        "server_error",
        "not_implemented",
        param="stream",
        headers=(("x-should-retry", "false"),),
    )
    return errors.render(told, rng)


def _unless_gone(path: str, answer: Answer) -> Answer:
    """What answers at a path template, but for what was deleted, and what is in it."""
    variables = [i for i, name in enumerate(path.split("/")) if name.startswith("{")]
    if not variables:
        return answer

    @wraps(answer)
    def answered(asked: Asked, store: Store, rng: Random) -> Script:
        parts = asked.path.split("/")
        for index in variables:
            where = "/".join(parts[:index])
            if store.is_gone(where, id := unquote(parts[index])):
                return not_found(where, id, rng)
        return answer(asked, store, rng)

    return answered


def endpoints(special: Mapping[tuple[str, str], Answer]) -> Iterator[Endpoint]:
    """An endpoint for each operation that the SDK knows.

    Args:
        special: the answers of those that need more than a thing's state.
    """
    for path, method in operations():
        known = operation(method, path)
        yield Endpoint(
            path=path,
            method=method,
            parameters=parameters_of(method, path) if known.body is not None else None,
            query=parameters_of(method, path, "query") if known.query is not None else None,
            form=known.form,
            answer=_unless_gone(path, special.get((method, path)) or Thing(method, path).answer),
        )
    for path in _WEB_SOCKETS:
        yield Endpoint(path=path, method="GET", answer=unsupported)
