"""The scheduler: which requests wait, which run, and when each token is generated.

Rules of this file: no I/O and no clock: every method is given the time, in seconds from any origin.
Nothing takes time proportional to the tokens of an answer.


Theory of operation
===================

A request goes through four phases:

    waiting  ->  overhead  ->  prefill  ->  decode  ->  (it has ended)
     queue      \\_________ it has a slot _________/

* It takes a slot if one is free, and otherwise waits in the queue, first come, first served.
* *overhead* is the constant part of ``Engine.prefill``. *prefill* processes the prompt, without the
  tokens that the prefix cache has. Its end is the first token.
* In *decode*, each step of the server adds one token to every request of the batch. How long a step
  takes depends on the size of the batch (`capacity.get_itl`), so all requests have the same pace.

The last point makes the scheduler fast. It counts steps, not the tokens of each request: `_steps`
is how many steps the server has made so far, as a real number that grows evenly between two events.
A request that begins to decode at step 100 and has 20 tokens to go ends at step 120, whatever
happens meanwhile. A heap of these ends says who is next. If a request comes or goes, only the pace
of `_steps` changes: one number, for all.

With ``max_batched_tokens``, prompts and decoding share the steps. Only the oldest prompt is
processed; a step takes as long as its tokens and its part of the prompt do together. So the prompt
has a pace, too, which changes at the same events. Without it, a prompt takes the time that its
tokens take, whatever else happens.

Example: ``Engine(slots=2, prefill=(0, 0.001), decode=(0.010, 0.010))``, that is, a step takes 10 ms
for one request and 20 ms for two. Three requests arrive at 0 s, each with a prompt of 100 tokens
and 11 tokens to answer:

    time   event                                    batch   _steps    pace of _steps
    0.00   1 and 2 take the slots, 3 waits            0        0
    0.10   1 and 2 have their first token             2        0      a step in 20 ms
    0.30   both have ended, after 10 more steps       0       10
           3 takes a slot
    0.40   3 has its first token                      1       10      a step in 10 ms
    0.50   3 has ended                                0       20

Had request 2 been cancelled at 0.20 s, after 5 steps, 3 would have begun there, and 1 would have
made its last 5 steps in 10 ms each, until 3 joined it.

`advance` moves from event to event and returns them, so that whoever plays the answers learns of
them. `next_event` is when to call it again. Between two events, `find_due` says when a token is
generated if nothing else happens.
"""

from __future__ import annotations

import copy
import heapq
import itertools
import math
from collections import Counter, OrderedDict, deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal
from zlib import crc32

from openai_mockserver.engine.admission import (
    Admission,
    Event,
    Reason,
    Refusal,
    Snapshot,
    Work,
)
from openai_mockserver.engine.capacity import Engine, get_itl
from openai_mockserver.engine.prefix import PrefixCache
from openai_mockserver.engine.windows import Claim, Level, Windows, make_windows

__all__ = ["Scheduler"]


@dataclass(eq=False, slots=True)
class _Run:
    """A request that has not ended."""

    id: int
    key: str
    completion_tokens: int | None
    uncached_tokens: int
    blocks: Sequence[int]
    phase: Literal["waiting", "overhead", "prefill", "decode", "over"] = "waiting"
    first_step: float = 0.0  # the step of its first token


class Scheduler:
    """The state of an engine that serves requests.

    Args:
        engine: the engine.
        now: when it starts, in seconds.
        windows: what keeps the use of the limits; by default in memory.
    """

    def __init__(self, engine: Engine, now: float = 0.0, windows: Windows | None = None) -> None:
        self.engine = engine
        self._start = self._now = now
        limits = engine.limits
        self._windows = windows or make_windows(limits.refill, limits.seconds)
        self._cache = PrefixCache(engine.cache_blocks, engine.cache_seconds)
        self._promised: Counter[int] = Counter()  # blocks whose prefill has not ended
        self._salt = crc32(str(engine.seed).encode("utf-8", "surrogatepass"))
        self._ids = itertools.count(1)
        self._runs: dict[int, _Run] = {}
        self._by_key: Counter[str] = Counter()
        self._running = 0
        self._batch = 0
        self._waiting: OrderedDict[int, _Run] = OrderedDict()
        self._overheads: list[tuple[float, int, _Run]] = []  # by the time at which each ends
        self._prefills: OrderedDict[int, _Run] = OrderedDict()
        self._prefilled = 0.0  # tokens of the first prefill that are processed
        self._steps = 0.0
        self._decodes: list[tuple[float, int, _Run]] = []  # by the step at which each ends
        self._counts: Counter[str] = Counter()
        self._limits: dict[tuple[str, ...], int] = {}  # those of which something may be used
        self._many_limits = _MANY_LIMITS
        self._events: list[Event] = []

    # What the outside does

    def admit(self, work: Work, now: float) -> Admission | Refusal:
        """Give a request a slot or a place in the queue, or refuse it.

        Args:
            work: what the request asks for.
            now: the time in seconds.
        """
        self._move_to(now)
        number = next(self._ids)
        refusal = self._find_reason(work, number)
        claims = self._make_claims(work)
        if refusal is not None:
            claims = [claim._replace(amount=0) for claim in claims]
        levels = self._take(claims)
        if refusal is None:
            refusal = _refuse_at_limit(claims, levels)
        if refusal is not None:
            self._counts["refused"] += 1
            return Refusal(
                refusal.reason, refusal.status, refusal.retry_after, levels, refusal.requested
            )
        return self._start_request(work, number, levels)

    def set_length(self, id: int, tokens: int, now: float) -> None:
        """Set the length of an answer that was not known when its request was admitted.

        Args:
            id: number of the request; one that has ended is ignored.
            tokens: tokens of the answer.
            now: the time in seconds.
        """
        self._move_to(now)
        run = self._runs.get(id)
        if run is None or run.completion_tokens is not None:
            return
        run.completion_tokens = tokens
        if run.phase == "decode":
            self._schedule_end(run)
            self._end_due()

    def cancel(self, id: int, now: float) -> None:
        """End a request whose client has left: its slot or its place in the queue is free at once.

        Args:
            id: number of the request; one that has ended is ignored.
            now: the time in seconds.
        """
        self._move_to(now)
        if (run := self._runs.get(id)) is not None:
            self._counts["cancelled"] += 1
            self._remove(run)

    def advance(self, now: float) -> list[Event]:
        """Let everything happen that happens until now, and return it in order.

        What happened during calls of other methods since the last call is included.

        Args:
            now: the time in seconds; one before the last is ignored.
        """
        self._move_to(now)
        events, self._events = self._events, []
        return events

    @property
    def next_event(self) -> float | None:
        """When something happens next, in seconds; None if nothing does until a request comes."""
        if self._events:
            return self._now
        if (upcoming := self._find_next()) is None:
            return None
        return upcoming[0]

    def find_due(self, id: int, token: float) -> float | None:
        """Return when a token of an answer is generated, if nothing else happens until then.

        Args:
            id: number of the request. Everything of one that has ended is due at once.
            token: which token, counted from 0; may lie between two.

        Returns:
            a time in seconds, or None if the first token is not generated yet.
        """
        run = self._runs.get(id)
        if run is None:
            return self._now
        if run.phase != "decode":
            return None
        varies = self.engine.jitter and 0 < token < (run.completion_tokens or math.inf) - 1
        shift = self.engine.jitter * (self._draw(id, int(token)) - 0.5) if varies else 0.0
        step_seconds, _ = self._get_pace()
        return self._now + (run.first_step + token + shift - self._steps) * step_seconds

    def forecast(self, id: int) -> tuple[float, float]:
        """Return when a request gets its first and its last token, if no other request comes.

        Takes time proportional to the number of requests. An unknown length counts as one token.

        Args:
            id: number of the request.

        Returns:
            two times in seconds; now for a request that has ended.
        """
        fork = self._fork()
        first = last = fork._now
        while id in fork._runs and (upcoming := fork._find_next()) is not None:
            fork._handle(*upcoming)
            for event in fork._events:
                if event.id == id:
                    first = event.time if event.kind == "first token" else first
                    last = event.time
            fork._events.clear()
        return first, last

    def take_snapshot(self, now: float) -> Snapshot:
        """Return the state of the engine.

        Args:
            now: the time in seconds.
        """
        self._move_to(now)
        return Snapshot(
            engine=self.engine,
            running=self._running,
            waiting=len(self._waiting),
            batch=self._batch,
            itl=get_itl(self.engine, max(1, self._batch)),
            cached_blocks=len(self._cache),
            admitted=self._counts["admitted"],
            refused=self._counts["refused"],
            ended=self._counts["ended"],
            cancelled=self._counts["cancelled"],
            prompt_tokens=self._counts["prompt"],
            cached_tokens=self._counts["cached"],
            limits=self._look_at_limits(),
        )

    # Admission

    def _find_reason(self, work: Work, number: int) -> Refusal | None:
        """Return why the server cannot serve a request now, apart from its rates."""
        engine, limits = self.engine, self.engine.limits
        start_up = self._start + engine.start_up - self._now
        if start_up > 0:
            return Refusal("start_up", 503, start_up)
        if limits.concurrent is not None and self._by_key[work.key] >= limits.concurrent:
            wait = self._forecast_end(work.key)
            return Refusal("concurrent", 429, wait, requested=1)
        if engine.failure_rate and self._draw(number, -2) < engine.failure_rate:
            return Refusal("failure", 500)
        is_full = engine.queue is not None and len(self._waiting) >= engine.queue
        if self._running >= engine.slots and is_full:
            return Refusal("overload", engine.overload, self._forecast_end(None))
        return None

    def _forecast_end(self, key: str | None) -> float | None:
        """Return the seconds until a request ends; with a key, one of this key.

        Copies what is needed to go on until then, and no request: a busy server refuses many.
        """
        now, steps, prefilled, batch = self._now, self._steps, self._prefilled, self._batch
        overheads = [entry for entry in self._overheads if entry[2].phase != "over"]
        decodes = [entry for entry in self._decodes if entry[2].phase != "over"]
        heapq.heapify(overheads)
        heapq.heapify(decodes)
        prefills = deque(self._prefills.values())
        while overheads or decodes or prefills:
            step, token = _find_pace(self.engine, batch, bool(prefills))
            end = now + max(0.0, decodes[0][0] - steps) * step if decodes else math.inf
            rest = prefills[0].uncached_tokens - prefilled if prefills else math.inf
            prompt_end = now + max(0.0, rest) * token if prefills else math.inf
            slot_end = max(now, overheads[0][0]) if overheads else math.inf
            time = min(end, prompt_end, slot_end)
            steps += (time - now) / step if batch and step else 0.0
            prefilled += (time - now) / token if prefills and token else 0.0
            now = time
            if time == end:
                run = heapq.heappop(decodes)[2]
                if key is None or run.key == key:
                    return now - self._now
                batch -= 1
                continue
            if time == prompt_end:
                run, prefilled = prefills.popleft(), 0.0
            else:
                run = heapq.heappop(overheads)[2]
                if self.engine.max_batched_tokens is not None and run.uncached_tokens:
                    prefills.append(run)
                    continue
            batch += 1
            if run.completion_tokens is not None:
                last = steps + max(1, run.completion_tokens) - 1
                heapq.heappush(decodes, (last, run.id, run))
        return None

    def _fork(self) -> Scheduler:
        """Return a copy in which time can go on; its limits and its cache are not for use."""
        fork = copy.copy(self)
        copies = {id: copy.copy(run) for id, run in self._runs.items()}
        fork._runs = copies
        for run in copies.values():
            if run.completion_tokens is None:
                run.completion_tokens = 1
        fork._waiting = OrderedDict((id, copies[id]) for id in self._waiting)
        fork._prefills = OrderedDict((id, copies[id]) for id in self._prefills)
        fork._overheads = [(t, id, copies[id]) for t, id, _ in self._overheads if id in copies]
        fork._decodes = [(step, id, copies[id]) for step, id, _ in self._decodes if id in copies]
        scheduled = {id for _, id, _ in fork._decodes}
        for id, run in copies.items():
            if run.phase == "decode" and id not in scheduled:
                fork._decodes.append((run.first_step, id, run))
        for heap in (fork._overheads, fork._decodes):
            heapq.heapify(heap)
        fork._cache, fork._promised = PrefixCache(0), Counter()
        fork._by_key, fork._counts, fork._events = Counter(self._by_key), Counter(), []
        return fork

    def _make_claims(self, work: Work) -> list[Claim]:
        limits = self.engine.limits
        tokens = work.prompt_tokens + work.max_tokens
        pairs = (("requests", limits.rpm, 1), ("tokens", limits.tpm, tokens))
        return [
            Claim((work.key, work.model, unit), limit, amount)
            for unit, limit, amount in pairs
            if limit is not None
        ]

    def _take(self, claims: Sequence[Claim]) -> dict[str, Level]:
        self._limits.update((claim.name, claim.limit) for claim in claims)
        if len(self._limits) > self._many_limits:
            self._look_at_limits()
            self._many_limits = max(_MANY_LIMITS, 2 * len(self._limits))
        levels = self._windows.take(claims, self._now)
        return {claim.name[-1]: level for claim, level in zip(claims, levels, strict=True)}

    def _look_at_limits(self) -> dict[tuple[str, ...], Level]:
        """Return the levels of all limits of which something is used, and forget the others."""
        names = list(self._limits)
        looks = [Claim(name, self._limits[name], 0) for name in names]
        levels = self._windows.take(looks, self._now)
        used = {name: level for name, level in zip(names, levels, strict=True) if level.used}
        self._limits = {name: used[name].limit for name in used}
        return used

    def _start_request(self, work: Work, number: int, levels: dict[str, Level]) -> Admission:
        has_slot = self._running < self.engine.slots
        cached = self._count_cached(work, has_slot)
        uncached = work.prompt_tokens - cached
        run = _Run(number, work.key, work.completion_tokens, uncached, work.blocks)
        self._runs[number] = run
        self._by_key[work.key] += 1
        self._promised.update(work.blocks)
        self._counts.update({"admitted": 1, "prompt": work.prompt_tokens, "cached": cached})
        if has_slot:
            self._give_slot(run)
        else:
            self._waiting[number] = run
        self._end_due()
        return Admission(number, cached, levels, has_slot)

    def _count_cached(self, work: Work, has_slot: bool) -> int:
        """Return how many tokens of a prompt are cached when its prefill begins.

        The prefill of a request that waits begins after that of all before it.
        """
        engine = self.engine
        if not engine.cache_blocks or work.prompt_tokens < engine.prefix_minimum:
            return 0
        promised = () if has_slot else self._promised
        hits = self._cache.count_hits(work.blocks, self._now, promised)
        # The last token is always processed: it makes the first of the answer.
        hits = min(hits, max(0, work.prompt_tokens - 1) // engine.prefix_block)
        tokens = hits * engine.prefix_block
        return tokens if tokens >= engine.prefix_minimum else 0

    def _draw(self, id: int, place: int) -> float:
        """Return a number from 0 to 1, without 1, that is always the same at the same place."""
        # A round of splitmix64 (https://prng.di.unimi.it/splitmix64.c).
        state = (self._salt << 32 ^ id * 0x9E3779B97F4A7C15 ^ place * 0xD1B54A32D192ED03) & _MASK
        state = (state ^ state >> 30) * 0xBF58476D1CE4E5B9 & _MASK
        state = (state ^ state >> 27) * 0x94D049BB133111EB & _MASK
        return ((state ^ state >> 31) >> 11) / 2**53

    # Phases

    def _give_slot(self, run: _Run) -> None:
        engine = self.engine
        self._running += 1
        run.phase = "overhead"
        overhead, each = engine.prefill
        if engine.jitter:
            overhead *= 1 + engine.jitter * (2 * self._draw(run.id, -1) - 1)
        if engine.max_batched_tokens is None:
            overhead += run.uncached_tokens * each
        self._events.append(Event(self._now, run.id, "slot"))
        heapq.heappush(self._overheads, (self._now + overhead, run.id, run))

    def _begin_prefill(self, run: _Run) -> None:
        if self.engine.max_batched_tokens is None or not run.uncached_tokens:
            self._begin_decode(run)
            return
        run.phase = "prefill"
        self._prefills[run.id] = run

    def _begin_decode(self, run: _Run) -> None:
        run.phase = "decode"
        run.first_step = self._steps
        self._batch += 1
        self._fulfil(run)
        self._cache.insert(run.blocks, self._now)
        self._events.append(Event(self._now, run.id, "first token"))
        if run.completion_tokens is not None:
            self._schedule_end(run)

    def _schedule_end(self, run: _Run) -> None:
        tokens = max(1, run.completion_tokens or 1)
        end = max(self._steps, run.first_step + tokens - 1)
        heapq.heappush(self._decodes, (end, run.id, run))

    def _fulfil(self, run: _Run) -> None:
        """Take back the promise that a request's blocks will be cached."""
        self._promised.subtract(run.blocks)
        for name in run.blocks:
            if self._promised[name] <= 0:
                del self._promised[name]

    def _remove(self, run: _Run) -> None:
        """Remove a request from whatever it is in, and give its slot to the next."""
        phase, run.phase = run.phase, "over"
        del self._runs[run.id]
        self._by_key[run.key] -= 1
        if not self._by_key[run.key]:
            del self._by_key[run.key]
        if phase == "waiting":
            del self._waiting[run.id]
        elif phase == "prefill":
            if next(iter(self._prefills)) == run.id:
                self._prefilled = 0.0
            del self._prefills[run.id]
        elif phase == "decode":
            self._batch -= 1
        if phase != "decode":
            self._fulfil(run)
        if phase != "waiting":
            self._running -= 1
            if self._waiting:
                self._give_slot(self._waiting.popitem(last=False)[1])
        if not self._batch:
            self._steps = 0.0  # the numbers stay small, and so exact
            self._decodes.clear()

    # Time

    def _get_pace(self) -> tuple[float, float]:
        """Return the seconds of a step, and of a token of the oldest prompt."""
        return _find_pace(self.engine, self._batch, bool(self._prefills))

    def _find_next(self) -> tuple[float, _Run] | None:
        """Return when a phase ends next, and whose; None if none does."""
        step_seconds, token_seconds = self._get_pace()
        upcoming: list[tuple[float, _Run]] = []
        for heap in (self._overheads, self._decodes):
            while heap and heap[0][2].phase == "over":
                heapq.heappop(heap)
        if self._decodes:
            step, _, run = self._decodes[0]
            upcoming.append((self._now + max(0.0, step - self._steps) * step_seconds, run))
        if self._prefills:
            run = next(iter(self._prefills.values()))
            rest = run.uncached_tokens - self._prefilled
            upcoming.append((self._now + max(0.0, rest) * token_seconds, run))
        if self._overheads:
            time, _, run = self._overheads[0]
            upcoming.append((max(time, self._now), run))
        return min(upcoming, key=_get_time) if upcoming else None

    def _move_to(self, now: float) -> None:
        while (upcoming := self._find_next()) is not None and upcoming[0] <= now:
            self._handle(*upcoming)
        if now > self._now:
            self._pass_time(now)

    def _end_due(self) -> None:
        """Let happen what takes no time."""
        self._move_to(self._now)

    def _pass_time(self, time: float) -> None:
        """Let time pass in which no phase ends."""
        step_seconds, token_seconds = self._get_pace()
        seconds = time - self._now
        if self._batch and step_seconds:
            self._steps += seconds / step_seconds
        if self._prefills and token_seconds:
            self._prefilled += seconds / token_seconds
        self._now = time

    def _handle(self, time: float, run: _Run) -> None:
        """Let time pass until a phase of a request ends, and begin its next."""
        self._pass_time(time)
        if run.phase == "overhead":
            heapq.heappop(self._overheads)
            self._begin_prefill(run)
        elif run.phase == "prefill":
            del self._prefills[run.id]
            self._prefilled = 0.0
            self._begin_decode(run)
        else:
            self._steps = max(self._steps, heapq.heappop(self._decodes)[0])
            self._events.append(Event(time, run.id, "end"))
            self._counts["ended"] += 1
            self._remove(run)


_MASK = 2**64 - 1
_MANY_LIMITS = 1000


def _find_pace(engine: Engine, batch: int, has_prompt: bool) -> tuple[float, float]:
    """Return the seconds of a step, and of a token of the oldest prompt.

    Args:
        engine: the engine.
        batch: number of requests that decode.
        has_prompt: whether a prompt shares the steps.
    """
    each = engine.prefill[1]
    step = get_itl(engine, batch) if batch else 0.0
    if not has_prompt or engine.max_batched_tokens is None:
        return step, 0.0
    if not batch:
        return 0.0, each
    share = max(1, engine.max_batched_tokens - batch)
    step += share * each
    return step, step / share


def _get_time(upcoming: tuple[float, _Run]) -> float:
    return upcoming[0]


def _refuse_at_limit(claims: Sequence[Claim], levels: dict[str, Level]) -> Refusal | None:
    """Return the refusal of a request that exceeds limits; the one that lasts longest counts."""
    exceeded = [claim for claim in claims if levels[claim.name[-1]].wait]
    if not exceeded:
        return None
    claim = max(exceeded, key=lambda one: levels[one.name[-1]].wait)
    unit: Reason = "requests" if claim.name[-1] == "requests" else "tokens"
    return Refusal(unit, 429, levels[unit].wait, requested=claim.amount)
