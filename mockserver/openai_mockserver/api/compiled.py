"""Bodies that are rendered once and reused: values that vary are placeholders in their bytes.

Theory of operation. Two streams with the same content differ in a few short values: the id of the
response, the time, the ids of its items. So a stream is rendered once and cut at those values:

    data: {"id":"chatcmpl-D7Ti…","created":1770674929,"choices":[…"content":"Hello"…]}
    ├──────────┤├────────────┤├────────┤├────────┤├───────────────────────────────────┤
      literal      value 0     literal    value 1                literal

Each later stream joins the same literals around its own values. The order lists the pieces of each
event as indices into a table: first the values, then the literals, each of which is stored once.
Values have a fixed length, so the sizes of HTTP chunks (RFC 9112 §7.1) are part of the literals; a
value of a different length does not fit (`CompiledBody.fits`).

`CompiledSteps` is one such stream: a compiled body, the values of this response, and the pauses
that
a pace inserts. It creates no object per event, and equals the steps of a rendered stream."""

from __future__ import annotations

import re
from array import array
from collections.abc import Iterator, Sequence
from itertools import accumulate
from operator import itemgetter

from openai_mockserver import sse
from openai_mockserver.script import Frame, LazySteps, Pause, Raw, Step
from openai_mockserver.timeline import chunk_size, encode_chunk

__all__ = ["CompiledBody", "CompiledSteps", "compile_body", "compile_steps"]

_GROUP = 128 * 1024
"""The largest number of bytes in a group of several steps, which are joined in one call."""


_NEAR = 100
"""The largest number of bytes between two values of a run (see `_Group`)."""


class _Group:
    """Consecutive steps that are joined in one call, from fewer and longer pieces.

    Consecutive literals become one piece. Values that are near each other form a run, together with
    the literals between them; a run is joined once, even if several steps contain it. The steps of
    a chat stream contain a single run, so that joining the group is ``run.join(tails)``.
    """

    __slots__ = ("_pick", "_runs", "_tails", "ends", "events", "first", "last", "size")

    def __init__(
        self,
        pieces: Sequence[int | bytes],
        first: int,
        last: int,
        events: int,
        size: int,
        ends: Sequence[int],
    ) -> None:
        self.first, self.last, self.events, self.size = first, last, events, size
        self.ends = ends
        runs: dict[tuple[int | bytes, ...], int] = {}
        tails: list[bytes] = [b""]
        order: list[int] = []  # index of the run after each tail except the last
        for run, tail in _split_runs(pieces):
            if run:
                order.append(runs.setdefault(run, len(runs)))
                tails.append(tail)
            else:
                tails[-1] += tail
        self._runs, self._tails = tuple(runs), tuple(tails)
        self._pick = itemgetter(*order) if len(runs) > 1 else None

    def join(self, values: Sequence[bytes]) -> bytes:
        """Return the steps as HTTP chunks, with these values for the placeholders."""
        runs = [
            b"".join([values[piece] if isinstance(piece, int) else piece for piece in run])
            for run in self._runs
        ]
        if self._pick is None:
            return (runs[0] if runs else b"").join(self._tails)
        pieces = [b""] * (2 * len(self._tails) - 1)
        pieces[::2], pieces[1::2] = self._tails, self._pick(runs)
        return b"".join(pieces)


def _split_runs(
    pieces: Sequence[int | bytes],
) -> Iterator[tuple[tuple[int | bytes, ...], bytes]]:
    """Return the runs of values that are near each other, each with the literal after it."""
    run: list[int | bytes] = []
    tail = b""
    for piece in pieces:
        if isinstance(piece, bytes):
            tail += piece
            continue
        if run and len(tail) <= _NEAR and b"\n" not in tail:
            run += [tail, piece]
        else:
            yield tuple(run), tail
            run = [piece]
        tail = b""
    yield tuple(run), tail


class CompiledBody:
    """The bytes of a stream or body, with placeholders for the values that vary.

    Args:
        lengths: length of each value, in bytes.
        literals: the bytes between the values.
        order: the pieces of all steps: indices into the values, followed by the literals.
        starts: index in ``order`` at which each step begins, and the end of the last step.
        sizes: length of each step in bytes, without the framing of an HTTP chunk.
        kinds: see `LazySteps.kinds`.
    """

    __slots__ = (
        "__weakref__", "_groups", "_order", "_starts", "kinds", "lengths", "literals", "size",
        "sizes", "weight",
    )  # fmt: skip

    def __init__(
        self,
        lengths: tuple[int, ...],
        literals: tuple[bytes, ...],
        order: array[int],
        starts: array[int],
        sizes: array[int],
        kinds: bytes,
    ) -> None:
        self.lengths, self.literals = lengths, literals
        self._order, self._starts = order, starts
        self.sizes, self.kinds = sizes, kinds
        self.size = sum(sizes)
        self._groups: tuple[_Group, ...] | None = None
        # Approximate memory use in bytes, including the groups.
        self.weight = 2 * sum(map(len, literals)) + 80 * len(literals) + 24 * len(order)

    @property
    def groups(self) -> tuple[_Group, ...]:
        """The steps in groups of `_GROUP` bytes, made when a stream without pauses needs them."""
        if self._groups is None:
            self._groups = tuple(self._make_groups())
        return self._groups

    def _make_groups(self) -> Iterator[_Group]:
        first = size = 0
        for at, step_size in enumerate(self.sizes):
            if size and size + step_size > _GROUP:
                yield self._make_group(first, at, size)
                first, size = at, 0
            size += step_size
        if self.sizes:
            yield self._make_group(first, len(self.sizes), size)

    def _make_group(self, first: int, last: int, size: int) -> _Group:
        count, literals = len(self.lengths), self.literals
        order = self._order[self._starts[first] : self._starts[last]]
        pieces = [n if n < count else literals[n - count] for n in order]
        events = last - first - self.kinds.count(0, first, last)
        ends = array("L", accumulate(map(chunk_size, self.sizes[first:last])))
        return _Group(pieces, first, last, events, size, ends)

    def fits(self, values: Sequence[bytes]) -> bool:
        """Whether the values have the lengths of the placeholders."""
        return self.lengths == tuple(map(len, values))

    def chunk(self, at: int, values: Sequence[bytes]) -> bytes:
        """Return one step as an HTTP chunk."""
        count, literals = len(values), self.literals
        pieces = self._order[self._starts[at] : self._starts[at + 1]]
        return b"".join([values[n] if n < count else literals[n - count] for n in pieces])

    def data(self, at: int, values: Sequence[bytes]) -> bytes:
        """Return one step without the framing of an HTTP chunk."""
        return self.chunk(at, values)[-2 - self.sizes[at] : -2]


class CompiledSteps(LazySteps):
    """The steps of a compiled stream, with the values of one response.

    Args:
        body: the compiled stream.
        values: the values for its placeholders.
        silences: seconds of silence before each step; None for no pauses.
    """

    __slots__ = ("_body", "_silences", "_values")

    def __init__(
        self,
        body: CompiledBody,
        values: tuple[bytes, ...],
        silences: Sequence[float] | None = None,
    ) -> None:
        self._body, self._values, self._silences = body, values, silences

    @property
    def kinds(self) -> bytes:
        return self._body.kinds

    @property
    def size(self) -> int:
        return self._body.size

    @property
    def shared_part(self) -> tuple[CompiledBody, int]:
        return self._body, self._body.weight

    @property
    def silences(self) -> Sequence[float] | None:
        return self._silences

    def with_silences(self, silences: Sequence[float]) -> CompiledSteps:
        return CompiledSteps(self._body, self._values, silences)

    def frames(
        self, start: float = 0.0, *, chunked: bool = False, merge_limit: int = 0
    ) -> Iterator[Frame]:
        body, values, silences = self._body, self._values, self._silences
        if merge_limit >= _GROUP and silences is None:
            for group in body.groups:
                if chunked:
                    data, ends = group.join(values), group.ends
                else:
                    steps = range(group.first, group.last)
                    data, ends = b"".join([body.data(at, values) for at in steps]), ()
                yield Frame(start, data, group.events, group.size, ends=ends)
            return
        encode, due = body.chunk if chunked else body.data, start
        for at, (kind, size) in enumerate(zip(body.kinds, body.sizes, strict=True)):
            if silences is not None:
                due += silences[at]
            yield Frame(due, encode(at, values), 1 if kind else 0, size)

    def __len__(self) -> int:
        pauses = 0 if self._silences is None else sum(1 for silence in self._silences if silence)
        return len(self._body.sizes) + pauses

    def _step(self, at: int) -> Step:
        data = self._body.data(at, self._values)
        return _read_step(data) or Raw(data, 1)

    def __iter__(self) -> Iterator[Step]:
        for at in range(len(self._body.sizes)):
            if self._silences is not None and self._silences[at]:
                yield Pause(self._silences[at])
            yield self._step(at)

    def __reversed__(self) -> Iterator[Step]:
        for at in reversed(range(len(self._body.sizes))):
            yield self._step(at)
            if self._silences is not None and self._silences[at]:
                yield Pause(self._silences[at])


def compile_steps(steps: Sequence[Step], values: Sequence[str]) -> CompiledBody | None:
    """Compile the steps of a stream: replace the values by placeholders.

    Args:
        steps: events and comments.
        values: the values that vary; each must occur only where it varies.

    Returns:
        None if a step is neither an event nor a comment, or is not a single block of lines.
    """
    blocks, kinds = [], bytearray()
    for step in steps:
        data = sse.encode(step)
        if not data or _read_step(data) != step:
            return None
        blocks.append(data)
        kinds.append(2 if step == sse.DONE else sse.count_events(step))
    return _compile(blocks, values, bytes(kinds))


def _read_step(data: bytes) -> Step | None:
    """Return the step with these bytes: a `Raw` if `sse` would spell the event differently."""
    steps = sse.parse(data)
    if len(steps) != 1:
        return None
    return Raw(data, 1) if isinstance(steps[0], Raw) else steps[0]


def compile_body(body: bytes, values: Sequence[str]) -> CompiledBody:
    """Compile a body of a single step that is not an event: replace the values by placeholders."""
    return _compile([body], values, b"\0")


def _compile(blocks: Sequence[bytes], values: Sequence[str], kinds: bytes) -> CompiledBody:
    encoded_values = [value.encode() for value in values]
    places = {value: n for n, value in enumerate(encoded_values)}
    longest = sorted(encoded_values, key=len, reverse=True)
    split = re.compile(b"(" + b"|".join(map(re.escape, longest)) + b")").split if longest else None
    order, starts, sizes = array("L"), array("L", [0]), array("L")
    literals: dict[bytes, int] = {}
    for block in blocks:
        framed_block = encode_chunk(block)
        for n, piece in enumerate(split(framed_block) if split else [framed_block]):
            if n % 2:
                order.append(places[piece])
            elif piece:
                order.append(len(values) + literals.setdefault(piece, len(literals)))
        starts.append(len(order))
        sizes.append(len(block))
    return CompiledBody(
        tuple(map(len, encoded_values)), tuple(literals), order, starts, sizes, kinds
    )
