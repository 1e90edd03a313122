"""Streams whose bytes are made once: what differs from response to response is a hole in them.

Theory of operation. Two streams that say the same differ in a few short values: the response's id,
the time, the ids of its items. So a stream is rendered once and cut at those values:

    data: {"id":"chatcmpl-D7Ti…","created":1770674929,"choices":[…"content":"Hello"…]}
    ├──────────┤├────────────┤├────────┤├────────┤├───────────────────────────────────┤
      literal      value 0     literal    value 1                literal

and each later one is a join of the same literals around its own values. The order says which pieces
an event is of, by their places in a table: first the values, then the literals, of which each is
kept once. Values have a fixed length, so that the sizes of HTTP chunks (RFC 9112 §7.1) are part of
the literals; a value of another length does not fit (`Compiled.fits`).

`CompiledSteps` is one such stream: a compiled one, its own values, and the silences that a pace
puts into it. It holds no object an event, and equals the steps that rendering would have given.
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Iterator, Sequence
from itertools import accumulate
from operator import itemgetter

from openai_mockserver import sse
from openai_mockserver.script import Frame, LazySteps, Pause, Raw, Step
from openai_mockserver.timeline import chunk_size, encode_chunk

__all__ = ["Compiled", "CompiledSteps", "compile_body", "compile_steps"]

_GROUP = 128 * 1024
"""Bytes of steps that are joined at once, at most, where they are more than one step."""


_NEAR = 100
"""Bytes between two values that are joined with them once for all steps."""


class _Group:
    """Steps in a row that are joined at once, from fewer and longer pieces than each alone.

    Literals in a row are one piece. Values that are near each other, and what is between them, are
    a run, which is joined once however many steps it is in. In chat there is one, and so a group is
    joined by it: ``run.join(tails)``.
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
        order: list[int] = []  # after each tail but the last, which run
        for run, tail in _split_runs(pieces):
            if run:
                order.append(runs.setdefault(run, len(runs)))
                tails.append(tail)
            else:
                tails[-1] += tail
        self._runs, self._tails = tuple(runs), tuple(tails)
        self._pick = itemgetter(*order) if len(runs) > 1 else None

    def join(self, values: Sequence[bytes]) -> bytes:
        """The steps, each an HTTP chunk, with these values in their holes."""
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
    """Runs of values that are near each other in a step, each with the literal after it."""
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


class Compiled:
    """A stream with holes.

    Args:
        lengths: how long the values are that fill the holes, in bytes.
        literals: what is between them.
        order: the pieces of all steps, each an index into the values and then the literals.
        starts: where the pieces of each step begin in the order, and where the last one's end.
        sizes: how long each step is, in bytes, without the framing of an HTTP chunk.
        kinds: as `LazySteps.kinds`.
    """

    __slots__ = (
        "_groups", "_order", "_starts", "kinds", "lengths", "literals", "size", "sizes", "weight"
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
        # About how many bytes of memory it takes, with its groups.
        self.weight = 2 * sum(map(len, literals)) + 80 * len(literals) + 24 * len(order)

    @property
    def groups(self) -> tuple[_Group, ...]:
        """The steps in groups of `_GROUP` bytes; made for the first stream without pauses."""
        if self._groups is None:
            self._groups = tuple(self._make_groups())
        return self._groups

    def _make_groups(self) -> Iterator[_Group]:
        first = size = 0
        for at, own in enumerate(self.sizes):
            if size and size + own > _GROUP:
                yield self._make_group(first, at, size)
                first, size = at, 0
            size += own
        if self.sizes:
            yield self._make_group(first, len(self.sizes), size)

    def _make_group(self, first: int, last: int, size: int) -> _Group:
        known, literals = len(self.lengths), self.literals
        order = self._order[self._starts[first] : self._starts[last]]
        pieces = [n if n < known else literals[n - known] for n in order]
        events = last - first - self.kinds.count(0, first, last)
        ends = array("L", accumulate(map(chunk_size, self.sizes[first:last])))
        return _Group(pieces, first, last, events, size, ends)

    def fits(self, values: Sequence[bytes]) -> bool:
        """Whether values are as long as the holes."""
        return self.lengths == tuple(map(len, values))

    def chunk(self, at: int, values: Sequence[bytes]) -> bytes:
        """One step as an HTTP chunk."""
        known, literals = len(values), self.literals
        pieces = self._order[self._starts[at] : self._starts[at + 1]]
        return b"".join([values[n] if n < known else literals[n - known] for n in pieces])

    def data(self, at: int, values: Sequence[bytes]) -> bytes:
        """One step as it is."""
        return self.chunk(at, values)[-2 - self.sizes[at] : -2]


class CompiledSteps(LazySteps):
    """The steps of a compiled stream, with values of its own in its holes.

    Args:
        compiled: the stream.
        values: what fills its holes.
        silences: the seconds of silence before each step.
    """

    __slots__ = ("_compiled", "_silences", "_values")

    def __init__(
        self,
        compiled: Compiled,
        values: tuple[bytes, ...],
        silences: Sequence[float] | None = None,
    ) -> None:
        self._compiled, self._values, self._silences = compiled, values, silences

    @property
    def kinds(self) -> bytes:
        return self._compiled.kinds

    @property
    def size(self) -> int:
        return self._compiled.size

    @property
    def shared_part(self) -> tuple[Compiled, int]:
        return self._compiled, self._compiled.weight

    @property
    def silences(self) -> Sequence[float] | None:
        return self._silences

    def with_silences(self, silences: Sequence[float]) -> CompiledSteps:
        return CompiledSteps(self._compiled, self._values, silences)

    def frames(
        self, start: float = 0.0, *, chunked: bool = False, merge_limit: int = 0
    ) -> Iterator[Frame]:
        compiled, values, silences = self._compiled, self._values, self._silences
        if merge_limit >= _GROUP and silences is None:
            for group in compiled.groups:
                if chunked:
                    data, ends = group.join(values), group.ends
                else:
                    steps = range(group.first, group.last)
                    data, ends = b"".join([compiled.data(at, values) for at in steps]), ()
                yield Frame(start, data, group.events, group.size, ends=ends)
            return
        make, due = compiled.chunk if chunked else compiled.data, start
        for at, (kind, size) in enumerate(zip(compiled.kinds, compiled.sizes, strict=True)):
            if silences is not None:
                due += silences[at]
            yield Frame(due, make(at, values), 1 if kind else 0, size)

    def __len__(self) -> int:
        pauses = 0 if self._silences is None else sum(1 for silence in self._silences if silence)
        return len(self._compiled.sizes) + pauses

    def _step(self, at: int) -> Step:
        data = self._compiled.data(at, self._values)
        return _read_step(data) or Raw(data, 1)

    def __iter__(self) -> Iterator[Step]:
        for at in range(len(self._compiled.sizes)):
            if self._silences is not None and self._silences[at]:
                yield Pause(self._silences[at])
            yield self._step(at)

    def __reversed__(self) -> Iterator[Step]:
        for at in reversed(range(len(self._compiled.sizes))):
            yield self._step(at)
            if self._silences is not None and self._silences[at]:
                yield Pause(self._silences[at])


def compile_steps(steps: Sequence[Step], values: Sequence[str]) -> Compiled | None:
    """The stream of these steps with holes in place of the values.

    Args:
        steps: events and comments.
        values: what differs from stream to stream; each is a text that occurs nowhere else.

    Returns:
        None if the steps are others than events and comments, each of one block of lines.
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
    """The step that has these bytes: of an event that is written otherwise than we do, a `Raw`."""
    steps = sse.parse(data)
    if len(steps) != 1:
        return None
    return Raw(data, 1) if isinstance(steps[0], Raw) else steps[0]


def compile_body(body: bytes, values: Sequence[str]) -> Compiled:
    """A body with holes in place of the values: its one step, which is no event."""
    return _compile([body], values, b"\0")


def _compile(blocks: Sequence[bytes], values: Sequence[str], kinds: bytes) -> Compiled:
    encoded = [value.encode() for value in values]
    places = {value: n for n, value in enumerate(encoded)}
    longest = sorted(encoded, key=len, reverse=True)
    cut = re.compile(b"(" + b"|".join(map(re.escape, longest)) + b")").split if longest else None
    order, starts, sizes = array("L"), array("L", [0]), array("L")
    literals: dict[bytes, int] = {}
    for block in blocks:
        framed = encode_chunk(block)
        for n, piece in enumerate(cut(framed) if cut else [framed]):
            if n % 2:
                order.append(places[piece])
            elif piece:
                order.append(len(values) + literals.setdefault(piece, len(literals)))
        starts.append(len(order))
        sizes.append(len(block))
    return Compiled(tuple(map(len, encoded)), tuple(literals), order, starts, sizes, kinds)
