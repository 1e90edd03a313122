"""Replies whose responses were made before: each later one is a join, not a rendering.

Rules of this file: what is compiled says the very bytes that rendering would say with the same
envelope, which is tried, with another envelope, before it is used; what cannot be compiled is
rendered each time. A reply is compiled when it is said for the second time to requests of the same
shape, and what is compiled is bounded in bytes.
"""

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
from openai_mockserver.api.compiled import Compiled, CompiledSteps, compile_body, compile_steps
from openai_mockserver.api.context import Context
from openai_mockserver.api.endpoint import CompileHooks, Endpoint, Rendered
from openai_mockserver.dialects import Dialect
from openai_mockserver.reply import ApiError, Reply
from openai_mockserver.script import Raw, Script
from openai_mockserver.seed import Seeded

__all__ = ["CompiledReplies"]

_MOST = 32 * 1024 * 1024  # bytes of compiled responses
_LARGEST = 1024 * 1024  # bytes of one
_LONG_SHAPE = 500  # bytes of which a digest is kept
_SEEN = 1024  # keys of replies that were said once

_Render = Callable[[Reply | ApiError, Context], Rendered]

_HEAD_CHANCE = Random(0)  # for heads that nobody gets

_MOMENTS = (1_600_000_001, 2_222_222_222)  # of the two envelopes a reply is compiled with


class _OtherTime(Seeded):
    """Chance at a time of its own."""

    def __init__(self, moment: int) -> None:
        super().__init__(moment)
        self.moment = moment


@dataclass(frozen=True, slots=True)
class _Entry:
    """A compiled response of a reply: ``compiled`` is None if it cannot be compiled."""

    reply: Reply  # so that no other has its id meanwhile
    dialect: Dialect | None
    compiled: Compiled | None
    names: tuple[str, ...] = ()
    is_stream: bool = False
    has_object: bool = False

    @property
    def weight(self) -> int:
        return 1000 if self.compiled is None else self.compiled.weight


class CompiledReplies:
    """Renders replies, and keeps how those are said that are said again.

    Args:
        most: how many bytes of memory they may take; those that were not said lately are forgotten.
    """

    def __init__(self, most: int = _MOST) -> None:
        self._most = most
        self._entries: OrderedDict[object, _Entry] = OrderedDict()
        self._seen: OrderedDict[object, None] = OrderedDict()
        self._weight = 0
        self._lock = threading.Lock()

    @property
    def weight(self) -> int:
        """About how many bytes of memory they take."""
        return self._weight

    def render(
        self,
        endpoint: Endpoint,
        reply: Reply | ApiError,
        context: Context,
    ) -> Rendered:
        """Return the response of a reply, compiled if the same was rendered before.

        Raises:
            ReplyError: as the endpoint's `render` does.
        """
        render, own = endpoint.render, endpoint.compile_hooks
        if render is None:
            raise TypeError(f"no model speaks at {endpoint.path}")
        if own is None or isinstance(reply, ApiError) or reply.error is not None:
            return render(reply, context)
        parameters, dialect, rng = context.parameters or {}, context.dialect, context.rng
        envelope = own.envelope(parameters, dialect, rng)
        shape = msgspec.json.encode(own.shape(parameters, dialect, context.history))
        if len(shape) > _LONG_SHAPE:
            shape = blake2b(shape).digest()
        request_key = (endpoint.path, id(reply), id(dialect), shape)
        key = (request_key, envelope.noise)
        entry = self._find(key)
        if entry is None:
            if not self._is_said_again(request_key):
                return render(reply, grow(context, envelope=envelope))
            entry = _compile(render, reply, context, own, envelope.noise)
            self._keep(key, entry)
        if entry.compiled is None:
            return render(reply, grow(context, envelope=envelope))
        values = envelope.values(entry.names)
        filled = tuple([value.encode() for value in values])
        if not entry.compiled.fits(filled):
            return render(reply, grow(context, envelope=envelope.replay(values)))
        script = _fill(entry.compiled, filled, entry, own, envelope, rng)
        if not entry.has_object:
            return Rendered(script)
        # Chance makes only the head, which is not part of the object.
        frozen = grow(context, rng=_HEAD_CHANCE)
        again = partial(_make_object, render, reply, frozen, envelope, values)
        return Rendered(script, envelope.id, again)

    def _find(self, key: object) -> _Entry | None:
        with self._lock:
            entry = self._entries.get(key)
            if entry is not None:
                self._entries.move_to_end(key)
            return entry

    def _is_said_again(self, request_key: object) -> bool:
        """Whether a reply was said before to a request of this shape; from now on it was."""
        with self._lock:
            was_said = request_key in self._seen
            self._seen[request_key] = None
            self._seen.move_to_end(request_key)
            if len(self._seen) > _SEEN:
                self._seen.popitem(last=False)
            return was_said

    def _keep(self, key: object, entry: _Entry) -> None:
        with self._lock:
            before = self._entries.pop(key, None)
            self._entries[key] = entry
            self._weight += entry.weight - (before.weight if before is not None else 0)
            while self._weight > self._most and len(self._entries) > 1:
                _, oldest = self._entries.popitem(last=False)
                self._weight -= oldest.weight


def _fill(
    compiled: Compiled,
    values: tuple[bytes, ...],
    entry: _Entry,
    own: CompileHooks,
    envelope: Any,
    rng: Random,
) -> Script:
    if entry.is_stream:
        head = own.head(envelope, entry.dialect, None, rng)
        return Script.of_lazy(head, CompiledSteps(compiled, values))
    body = compiled.data(0, values)
    return Script(own.head(envelope, entry.dialect, len(body), rng), (Raw(body),))


def _make_object(
    render: _Render, reply: Reply, context: Context, envelope: Any, values: tuple[str, ...]
) -> dict[str, Any]:
    """Return the final object of a filled response, by rendering the same response."""
    rendered = render(reply, grow(context, envelope=envelope.replay(values)))
    assert rendered.make_object is not None
    return rendered.make_object()


def _compile(
    render: _Render, reply: Reply, context: Context, own: CompileHooks, noise: int
) -> _Entry:
    """Compile the response of a reply, and try the result on another envelope."""
    parameters, dialect = context.parameters or {}, context.dialect
    envelopes = [
        replace(own.envelope(parameters, dialect, _OtherTime(moment)), noise=noise)
        for moment in _MOMENTS
    ]
    names = envelopes[0].vary(envelopes[1])
    scripts, values, has_object = [], [], False
    for envelope in envelopes:
        prefixes, envelope = envelope.watch()
        rendered = render(reply, grow(context, envelope=envelope, rng=_HEAD_CHANCE))
        has_object = rendered.make_object is not None
        scripts.append(rendered.script)
        values.append((*envelope.values(names), *(id for _, id in prefixes)))
    names += tuple(prefix for prefix, _ in prefixes)
    first, second = scripts
    not_compiled = _Entry(reply, dialect, None)
    if first.head.status != 200 or len(set(values[0])) != len(values[0]):
        return not_compiled
    is_stream = first.is_stream
    if is_stream:
        compiled = compile_steps(first.steps, values[0])
    elif len(first.steps) == 1 and isinstance(first.steps[0], Raw):
        compiled = compile_body(first.steps[0].data, values[0])
    else:
        compiled = None
    filled = tuple(value.encode() for value in values[1])
    if compiled is None or compiled.weight > _LARGEST or not compiled.fits(filled):
        return not_compiled
    body = b"".join([compiled.data(at, filled) for at in range(len(compiled.sizes))])
    if body != sse.body(second.steps):
        return not_compiled
    return _Entry(reply, dialect, compiled, names, is_stream, has_object)
