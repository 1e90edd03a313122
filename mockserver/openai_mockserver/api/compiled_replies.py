"""Replies whose responses were made before: each later one is a join, not a rendering.

Rules of this file: what is compiled says the very bytes that rendering would say with the same
envelope, which is tried, with another envelope, before it is used; what cannot be compiled is
rendered each time. A reply is compiled when it is said for the second time to requests of the same
shape, and what is compiled is bounded in bytes.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from hashlib import blake2b
from random import Random
from typing import Any

import msgspec.json

from openai_mockserver import sse
from openai_mockserver.api.compiled import Compiled, CompiledSteps, compile_body, compile_steps
from openai_mockserver.api.endpoint import Endpoint, Individual, Rendered
from openai_mockserver.dialects import Dialect
from openai_mockserver.reply import ApiError, Reply
from openai_mockserver.script import Raw, Script
from openai_mockserver.seed import Seeded

__all__ = ["CompiledReplies"]

_MOST = 32 * 1024 * 1024  # bytes of compiled responses
_LARGEST = 1024 * 1024  # bytes of one
_LONG_SHAPE = 500  # bytes of which a digest is kept
_SEEN = 1024  # keys of replies that were said once

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
        parameters: Mapping[str, Any],
        dialect: Dialect | None,
        history: Any,
        rng: Random,
    ) -> Rendered:
        """The response that says a reply. Raises ReplyError as the endpoint's `render` does."""
        options: dict[str, Any] = {}
        if endpoint.dialects:
            options["dialect"] = dialect
        if endpoint.recall is not None:
            options["history"] = history
        compose = partial(_compose, endpoint, reply, parameters, options)
        own = endpoint.individual
        if own is None or isinstance(reply, ApiError) or reply.error is not None:
            return compose(rng=rng)
        envelope = own.envelope(parameters, dialect, rng)
        shape = msgspec.json.encode(own.shape(parameters, dialect, history))
        if len(shape) > _LONG_SHAPE:
            shape = blake2b(shape).digest()
        request_key = (endpoint.path, id(reply), id(dialect), shape)
        key = (request_key, envelope.noise)
        entry = self._find(key)
        if entry is None:
            if not self._is_said_again(request_key):
                return compose(envelope=envelope, rng=rng)
            entry = _compile(reply, dialect, own, parameters, compose, envelope.noise)
            self._keep(key, entry)
        if entry.compiled is None:
            return compose(envelope=envelope, rng=rng)
        values = envelope.values(entry.names)
        filled = tuple([value.encode() for value in values])
        if not entry.compiled.fits(filled):
            return compose(envelope=envelope.replay(values), rng=rng)
        script = _fill(entry.compiled, filled, entry, own, envelope, rng)
        if endpoint.compose is None:
            return Rendered(script)
        return Rendered(script, envelope.id, partial(_make_object, compose, envelope, values))

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


def _compose(
    endpoint: Endpoint,
    reply: Reply | ApiError,
    parameters: Mapping[str, Any],
    options: Mapping[str, Any],
    **chance: Any,
) -> Rendered:
    if endpoint.compose is not None:
        return endpoint.compose(reply, parameters, **options, **chance)
    if endpoint.render is None:
        raise TypeError(f"no model speaks at {endpoint.path}")
    return Rendered(endpoint.render(reply, parameters, **options, **chance))


def _fill(
    compiled: Compiled,
    values: tuple[bytes, ...],
    entry: _Entry,
    own: Individual,
    envelope: Any,
    rng: Random,
) -> Script:
    if entry.is_stream:
        head = own.head(envelope, entry.dialect, None, rng)
        return Script.of_lazy(head, CompiledSteps(compiled, values))
    body = compiled.data(0, values)
    return Script(own.head(envelope, entry.dialect, len(body), rng), (Raw(body),))


def _make_object(compose: Any, envelope: Any, values: tuple[str, ...]) -> Any:
    """The object that a filled response comes to: that of the same response, composed."""
    rendered: Rendered = compose(envelope=envelope.replay(values), rng=Random(0))
    assert rendered.make_object is not None
    return rendered.make_object()


def _compile(
    reply: Reply,
    dialect: Dialect | None,
    own: Individual,
    parameters: Mapping[str, Any],
    compose: Any,
    noise: int,
) -> _Entry:
    """How a reply is said, with holes; what it is compiled with is tried on another envelope."""
    envelopes = [
        replace(own.envelope(parameters, dialect, _OtherTime(moment)), noise=noise)
        for moment in _MOMENTS
    ]
    names = envelopes[0].vary(envelopes[1])
    scripts, values = [], []
    for envelope in envelopes:
        prefixes, envelope = envelope.watch()
        scripts.append(compose(envelope=envelope, rng=Random(0)).script)
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
    return _Entry(reply, dialect, compiled, names, is_stream)
