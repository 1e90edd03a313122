"""Cache of compiled responses: a repeated response is joined from pieces instead of rendered.

Rules of this file: a compiled response has exactly the bytes that rendering with the same envelope
would produce; this is verified with a second envelope before it is used. Responses that cannot be
compiled are rendered each time. A reply is compiled when it is sent for the second time to requests
of the same shape. The size of the cache, in bytes, is limited."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from hashlib import blake2b
from random import Random
from typing import Any

import msgspec.json
from msgspec.structs import replace as grow

from openai_mockserver import sse
from openai_mockserver.api.compiled import CompiledBody, CompiledSteps, compile_body, compile_steps
from openai_mockserver.api.context import Context
from openai_mockserver.api.endpoint import CompileHooks, Endpoint, Rendered
from openai_mockserver.dialects import Dialect
from openai_mockserver.reply import ApiError, Reply
from openai_mockserver.script import Raw, Script
from openai_mockserver.seed import Seeded

__all__ = ["CompiledReplies"]

_MOST_BYTES = 32 * 1024 * 1024  # of all compiled responses
_LARGEST = 1024 * 1024  # bytes of one compiled response
_LONG_SHAPE = 500  # bytes; a longer shape is replaced by its digest
_MOST_KEYS = 1024  # of replies that were rendered before

_Render = Callable[[Reply | ApiError, Context], Rendered]

_UNUSED_RNG = Random(0)  # for heads that are not sent

_TIMES = (1_600_000_001, 2_222_222_222)  # of the two envelopes with which a reply is compiled


class _RandomAt(Seeded):
    """A random generator with a clock that is frozen at a given time, in Unix seconds."""

    def __init__(self, moment: int) -> None:
        super().__init__(moment)
        self.moment = moment


@dataclass(frozen=True, slots=True)
class _Entry:
    """A compiled response of a reply; ``body`` is None if it cannot be compiled."""

    reply: Reply  # referenced so that its id() stays unique
    dialect: Dialect | None
    body: CompiledBody | None
    names: tuple[str, ...] = ()
    is_stream: bool = False
    has_object: bool = False

    @property
    def weight(self) -> int:
        return 1000 if self.body is None else self.body.weight


class CompiledReplies:
    """Renders replies, and caches compiled responses of those that are sent repeatedly.

    Args:
        max_bytes: memory limit in bytes; the least recently used responses are dropped.
    """

    def __init__(self, max_bytes: int = _MOST_BYTES) -> None:
        self._max_bytes = max_bytes
        self._entries: OrderedDict[object, _Entry] = OrderedDict()
        self._seen_keys: OrderedDict[object, None] = OrderedDict()
        self._weight = 0
        self._lock = threading.Lock()

    @property
    def weight(self) -> int:
        """Approximate memory use, in bytes."""
        return self._weight

    def render(
        self,
        endpoint: Endpoint,
        reply: Reply | ApiError,
        context: Context,
    ) -> Rendered:
        """Return the response of a reply, from the cache if possible.

        Raises:
            ReplyError: as the endpoint's `render` does.
        """
        render, hooks = endpoint.render, endpoint.compile_hooks
        if render is None:
            raise TypeError(f"{endpoint.path} does not return model output")
        if hooks is None or isinstance(reply, ApiError) or reply.error is not None:
            return render(reply, context)
        parameters, dialect, rng = context.parameters or {}, context.dialect, context.rng
        envelope = hooks.envelope(parameters, dialect, rng)
        shape = msgspec.json.encode(hooks.shape(parameters, dialect, context.history))
        if len(shape) > _LONG_SHAPE:
            shape = blake2b(shape).digest()
        request_key = (endpoint.path, id(reply), id(dialect), shape, context.cached_tokens)
        key = (request_key, envelope.noise)
        entry = self._find(key)
        if entry is None:
            if not self._is_repeated(request_key):
                return render(reply, grow(context, envelope=envelope))
            entry = _compile(render, reply, context, hooks, envelope.noise)
            self._add(key, entry)
        if entry.body is None:
            return render(reply, grow(context, envelope=envelope))
        values = envelope.values(entry.names)
        encoded_values = tuple([value.encode() for value in values])
        if not entry.body.fits(encoded_values):
            return render(reply, grow(context, envelope=envelope.replay(values)))
        script = _fill(entry.body, encoded_values, entry, hooks, envelope, rng)
        if not entry.has_object:
            return Rendered(script)
        # Only the head, which is not part of the object, depends on the random generator.
        object_context = grow(context, rng=_UNUSED_RNG)
        make_object = partial(_make_object, render, reply, object_context, envelope, values)
        return Rendered(script, envelope.id, make_object)

    def _find(self, key: object) -> _Entry | None:
        with self._lock:
            entry = self._entries.get(key)
            if entry is not None:
                self._entries.move_to_end(key)
            return entry

    def _is_repeated(self, request_key: object) -> bool:
        """Whether this reply was rendered before for this shape; record that it is now."""
        with self._lock:
            is_repeated = request_key in self._seen_keys
            self._seen_keys[request_key] = None
            self._seen_keys.move_to_end(request_key)
            if len(self._seen_keys) > _MOST_KEYS:
                self._seen_keys.popitem(last=False)
            return is_repeated

    def _add(self, key: object, entry: _Entry) -> None:
        with self._lock:
            previous = self._entries.pop(key, None)
            self._entries[key] = entry
            self._weight += entry.weight - (previous.weight if previous is not None else 0)
            while self._weight > self._max_bytes and len(self._entries) > 1:
                _, oldest = self._entries.popitem(last=False)
                self._weight -= oldest.weight


def _fill(
    body: CompiledBody,
    values: tuple[bytes, ...],
    entry: _Entry,
    hooks: CompileHooks,
    envelope: Any,
    rng: Random,
) -> Script:
    if entry.is_stream:
        head = hooks.head(envelope, entry.dialect, None, rng)
        return Script.of_lazy(head, CompiledSteps(body, values))
    data = body.data(0, values)
    return Script(hooks.head(envelope, entry.dialect, len(data), rng), (Raw(data),))


def _make_object(
    render: _Render, reply: Reply, context: Context, envelope: Any, values: tuple[str, ...]
) -> dict[str, Any]:
    """Return the final object of a compiled response, by rendering the same response."""
    response = render(reply, grow(context, envelope=envelope.replay(values)))
    assert response.make_object is not None
    return response.make_object()


def _compile(
    render: _Render, reply: Reply, context: Context, hooks: CompileHooks, noise: int
) -> _Entry:
    """Compile the response of a reply, and verify the result with another envelope."""
    parameters, dialect = context.parameters or {}, context.dialect
    envelopes = [
        replace(hooks.envelope(parameters, dialect, _RandomAt(time)), noise=noise)
        for time in _TIMES
    ]
    names = envelopes[0].vary(envelopes[1])
    scripts, values, has_object = [], [], False
    for envelope in envelopes:
        prefixes, envelope = envelope.watch()
        response = render(reply, grow(context, envelope=envelope, rng=_UNUSED_RNG))
        has_object = response.make_object is not None
        scripts.append(response.script)
        values.append((*envelope.values(names), *(id for _, id in prefixes)))
    names += tuple(prefix for prefix, _ in prefixes)
    first, second = scripts
    failure = _Entry(reply, dialect, None)
    if first.head.status != 200 or len(set(values[0])) != len(values[0]):
        return failure
    is_stream = first.is_stream
    if is_stream:
        body = compile_steps(first.steps, values[0])
    elif len(first.steps) == 1 and isinstance(first.steps[0], Raw):
        body = compile_body(first.steps[0].data, values[0])
    else:
        body = None
    encoded_values = tuple(value.encode() for value in values[1])
    if body is None or body.weight > _LARGEST or not body.fits(encoded_values):
        return failure
    data = b"".join([body.data(at, encoded_values) for at in range(len(body.sizes))])
    if data != sse.body(second.steps):
        return failure
    return _Entry(reply, dialect, body, names, is_stream, has_object)
