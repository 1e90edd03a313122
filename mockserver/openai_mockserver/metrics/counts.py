"""The sums: what all calls of a server have in common, in numbers.

Rules of this file: plain numbers in memory, for the life of the process; no library of metrics.
Only calls over sockets count, because those in process are played on a clock of their own. Methods
may be called from several threads.
"""

from __future__ import annotations

import threading
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import chain, pairwise
from operator import attrgetter
from typing import NamedTuple

from openai_mockserver.journal import Call, Runs
from openai_mockserver.metrics.alike import Alike, find_kind
from openai_mockserver.metrics.families import FAMILIES
from openai_mockserver.metrics.measure import (
    GENERATING,
    Generation,
    Measurement,
    measure_call,
)
from openai_mockserver.sensitive import hide_keys, spell_controls

__all__ = ["Counts", "Gauges", "Histogram", "ModelSums", "Sums"]

OTHER = "other"
"""The label of what has no place in the sums: an unknown path, or one model too many."""

_MOST_MODELS = 50
_LONGEST_LABEL = 100  # characters
_LONGEST_SHOWN = 4096  # characters of a model's name that are searched for secrets
_VALUES = 16  # numbers of a call, apart from those of its events
_MOST_VALUES = 2048  # numbers that are added at once, which takes less than a millisecond
_METHODS = frozenset({"DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"})


class Histogram:
    """Values in buckets.

    Args:
        bounds: upper bounds of the buckets, ascending; the last bucket has none.

    >>> histogram = Histogram((1.0, 2.0))
    >>> histogram.add_all([0.5, 1.0, 3.0])
    >>> histogram.counts, histogram.total
    ([2, 0, 1], 4.5)
    """

    __slots__ = ("bounds", "counts", "total")

    def __init__(self, bounds: tuple[float, ...]) -> None:
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.total = 0.0

    def add(self, value: float, times: int = 1) -> None:
        """Add a value, once or several times."""
        self.counts[bisect_left(self.bounds, value)] += times
        self.total += value * times

    def add_all(self, values: Sequence[float], times: int = 1) -> None:
        """Add several values, each once or several times."""
        ordered = sorted(values)
        ends = [bisect_right(ordered, bound) for bound in self.bounds]
        for index, (start, end) in enumerate(pairwise((0, *ends, len(ordered)))):
            self.counts[index] += (end - start) * times
        self.total += sum(ordered) * times

    def copy(self) -> Histogram:
        """Return a copy, which does not change."""
        copy = Histogram.__new__(Histogram)
        copy.bounds, copy.counts, copy.total = self.bounds, self.counts.copy(), self.total
        return copy


def _make_histograms(prefix: str) -> dict[str, Histogram]:
    return {
        family.name: Histogram(family.buckets)
        for family in FAMILIES.values()
        if family.kind == "histogram" and family.name.startswith(prefix)
    }


_COLUMNS: dict[str, Callable[[Generation], float | None]] = {
    "vllm:time_to_first_token_seconds": attrgetter("time_to_first_token"),
    "vllm:request_time_per_output_token_seconds": attrgetter("time_per_token"),
    "vllm:e2e_request_latency_seconds": attrgetter("latency"),
    "vllm:request_queue_time_seconds": attrgetter("queue"),
    "vllm:request_inference_time_seconds": attrgetter("inference"),
    "vllm:request_prefill_time_seconds": attrgetter("prefill"),
    "vllm:request_decode_time_seconds": attrgetter("decode"),
    "vllm:request_prompt_tokens": attrgetter("prompt_tokens"),
    "vllm:request_generation_tokens": attrgetter("generation_tokens"),
    "vllm:request_max_num_generation_tokens": lambda one: one.generation_tokens / one.n,
    "vllm:request_params_max_tokens": attrgetter("max_tokens"),
    "vllm:request_params_n": attrgetter("n"),
}
"""What each histogram has one value of for an answer; None is left out."""


@dataclass(slots=True)
class ModelSums:
    """The sums of one model, by the names of the metrics."""

    counters: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    histograms: dict[str, Histogram] = field(default_factory=partial(_make_histograms, "vllm:"))

    def add_all(self, generations: Sequence[Generation]) -> None:
        """Add answers."""
        histograms = self.histograms
        self.reasons.update([one.finished_reason for one in generations])
        self._add_tokens(
            sum([one.prompt_tokens for one in generations]),
            sum([one.generation_tokens for one in generations]),
            sum([one.cached_tokens for one in generations]),
        )
        gaps = histograms["vllm:inter_token_latency_seconds"]
        gaps.add_all(list(chain.from_iterable([one.gaps for one in generations])))
        gaps.add(0.0, sum([one.instant_gaps for one in generations]))
        for name, get_value in _COLUMNS.items():
            values = map(get_value, generations)
            histograms[name].add_all([value for value in values if value is not None])

    def add_alike(self, alike: Alike, first: Generation) -> None:
        """Add answers that differ from the first one in nothing but their times."""
        count, histograms = len(alike), self.histograms
        self.reasons[first.finished_reason] += count
        self._add_tokens(
            count * first.prompt_tokens,
            count * first.generation_tokens,
            count * first.cached_tokens,
        )
        gaps = histograms["vllm:inter_token_latency_seconds"]
        gaps.add_all(alike.list_gaps())
        gaps.add(0.0, count * first.instant_gaps)
        latencies, first_tokens = alike.list_latencies(), alike.list_first_tokens()
        decode_times, steps = alike.list_decode_times(), len(first.gaps) + first.instant_gaps
        times: dict[str, Sequence[float]] = {
            "vllm:time_to_first_token_seconds": first_tokens,
            "vllm:request_time_per_output_token_seconds": [
                seconds / steps for seconds in decode_times if steps
            ],
            "vllm:e2e_request_latency_seconds": latencies,
            "vllm:request_inference_time_seconds": latencies,  # no engine has let it wait
            "vllm:request_prefill_time_seconds": first_tokens,
            "vllm:request_decode_time_seconds": decode_times,
        }
        for name, get_value in _COLUMNS.items():
            if name in times:
                histograms[name].add_all(times[name])
            elif (value := get_value(first)) is not None:
                histograms[name].add(value, count)

    def _add_tokens(self, prompt: int, generation: int, cached: int) -> None:
        self.counters["vllm:prompt_tokens_total"] += prompt
        self.counters["vllm:generation_tokens_total"] += generation
        self.counters["vllm:prefix_cache_queries_total"] += prompt
        self.counters["vllm:prefix_cache_hits_total"] += cached

    def copy(self) -> ModelSums:
        """Return a copy, which does not change."""
        histograms = {name: one.copy() for name, one in self.histograms.items()}
        return ModelSums(self.counters.copy(), self.reasons.copy(), histograms)


class Gauges(NamedTuple):
    """What is now, as the server knows it.

    Args:
        sandboxes: the number of sandboxes.
        version: the version of this package.
        engine: vLLM's label for one of several engines: the number of this worker.
        cache_use: the part of the prefix cache that is used, from 0 to 1.
    """

    sandboxes: int = 0
    version: str = ""
    engine: str = "0"
    cache_use: float = 0.0


@dataclass(slots=True)
class Sums:
    """All sums. Those of a `Counts` change; those that it returns do not.

    Args:
        models: the sums of each model.
        running: how many requests of each model are being answered.
        waiting: how many requests of each model wait for a slot of an engine.
        in_progress: how many requests have not ended.
        requests: numbers of requests, by endpoint, method and status.
        faults: numbers of faults, by name.
        counters: other numbers, by the name of the metric.
        lateness: the metric of this name.
    """

    models: dict[str, ModelSums] = field(default_factory=dict)
    running: Counter[str] = field(default_factory=Counter)
    waiting: Counter[str] = field(default_factory=Counter)
    in_progress: int = 0
    requests: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    counters: Counter[str] = field(default_factory=Counter)
    lateness: Histogram = field(
        default_factory=lambda: Histogram(FAMILIES["openai_mockserver_lateness_seconds"].buckets)
    )

    def add_all(self, measurements: Sequence[Measurement]) -> None:
        """Add calls that have ended."""
        self.requests.update(map(_label_request, measurements))
        counters = self.counters
        for name, get_number in _NUMBERS.items():
            counters[name] += sum(map(get_number, measurements))
        by_model: dict[str, list[Generation]] = {}
        for measurement in measurements:
            self.faults.update(measurement.faults)
            if (generation := measurement.generation) is not None:
                by_model.setdefault(generation.model, []).append(generation)
        self._add_lateness(measurements)
        for model, generations in by_model.items():
            self.find_model(model).add_all(generations)

    def add_alike(self, alike: Alike) -> None:
        """Add calls that have ended, and differ in nothing but their times."""
        first = alike.first
        self.requests[_label_request(first)] += len(alike)
        for name, get_number in _NUMBERS.items():
            self.counters[name] += len(alike) * get_number(first)
        for row, events in enumerate(alike.events):
            self.lateness.add_all(alike.list_lateness(row), events or 1)
        if (generation := first.generation) is not None:
            self.find_model(generation.model).add_alike(alike, generation)

    def _add_lateness(self, measurements: Sequence[Measurement]) -> None:
        singles: list[float] = []
        for measurement in measurements:
            events, lateness = measurement.late_events, measurement.lateness
            # A body has no events, but is late too.
            if events.count(1) == len(events) or not any(events):
                singles += lateness
                continue
            for seconds, times in zip(lateness, events, strict=True):
                self.lateness.add(seconds, times)
        self.lateness.add_all(singles)

    def find_model(self, name: str) -> ModelSums:
        """Return the sums of a model."""
        sums = self.models.get(name)
        if sums is None:
            sums = self.models.setdefault(self.find_label(name), ModelSums())
        return sums

    def find_label(self, name: str) -> str:
        """Return the label of a model."""
        if name in self.models:
            return name
        label = show_model(name)
        return label if label in self.models or len(self.models) < _MOST_MODELS else OTHER


_NUMBERS: dict[str, Callable[[Measurement], int]] = {
    "openai_mockserver_events_total": attrgetter("events"),
    "openai_mockserver_response_bytes_total": attrgetter("size"),
    "openai_mockserver_clients_gone_total": attrgetter("is_gone"),
    "openai_mockserver_problems_total": attrgetter("has_problem"),
}
"""What each counter has of a call."""


def _label_request(measurement: Measurement) -> tuple[str, str, str]:
    method = measurement.method if measurement.method in _METHODS else OTHER
    return measurement.endpoint or OTHER, method, str(measurement.status)


class Counts:
    """Counts the calls of a server and of its sandboxes."""

    def __init__(self) -> None:
        self._sums = Sums()
        # Those that are not added yet, because many at once are cheaper.
        self._ended: list[Measurement] = []
        self._alike: dict[Hashable, Alike] = {}
        self._values = 0  # approximately how many numbers they have
        self._open_calls: dict[Call, None] = {}
        self._listeners: list[Callable[[Measurement], object]] = []
        self._lock = threading.Lock()

    def note_start(self, call: Call) -> None:
        """Note that a call has begun."""
        if call.connection is not None:
            self._open_calls[call] = None

    def note_end(self, call: Call) -> None:
        """Add a call that has ended."""
        if call.connection is None:
            return
        self._open_calls.pop(call, None)
        runs = call.list_runs()
        kind = None if self._listeners else find_kind(call, runs)
        if kind is None:
            self._add_call(call)
        else:
            self._add_to_kind(kind, call, runs)

    def _add_call(self, call: Call) -> None:
        measurement = measure_call(call)
        with self._lock:
            self._ended.append(measurement)
            self._note_values(_VALUES + len(measurement.lateness))
        for listen in self._listeners:
            listen(measurement)

    def _add_to_kind(self, kind: Hashable, call: Call, runs: Runs) -> None:
        with self._lock:
            alike, values = self._alike.get(kind), 1
            if alike is None:
                alike, values = Alike(call), _VALUES
                self._alike[kind] = alike
            alike.add(call, runs)
            self._note_values(values + len(alike.events))

    def _note_values(self, count: int) -> None:
        self._values += count
        if self._values > _MOST_VALUES:
            self._add_ended()

    def subscribe(self, listen: Callable[[Measurement], object]) -> None:
        """Call a function with each call that ends, in the thread that plays it."""
        self._listeners.append(listen)

    def _add_ended(self) -> None:
        ended, kinds = self._ended, self._alike
        self._ended, self._alike, self._values = [], {}, 0
        for alike in kinds.values():
            if len(alike) > 1:
                self._sums.add_alike(alike)
            else:
                ended.append(alike.first)
        if ended:
            self._sums.add_all(ended)

    def copy_sums(self) -> Sums:
        """Return the sums as they are now."""
        open_calls = tuple(self._open_calls)
        calls = [call for call in open_calls if call.endpoint_path in GENERATING]
        running = [call.model for call in calls if not _is_waiting(call)]
        waiting = [call.model for call in calls if _is_waiting(call)]
        with self._lock:
            self._add_ended()
            sums = self._sums
            for model in (*running, *waiting):
                sums.find_model(model)
            return Sums(
                {name: one.copy() for name, one in sums.models.items()},
                Counter(map(sums.find_label, running)),
                Counter(map(sums.find_label, waiting)),
                len(open_calls),
                sums.requests.copy(),
                sums.faults.copy(),
                sums.counters.copy(),
                sums.lateness.copy(),
            )


def _is_waiting(call: Call) -> bool:
    return call.ticket is not None and call.ticket.phases.queue is None


def show_model(name: str) -> str:
    """Return the name of a model as a label: short, and without secrets.

    >>> show_model("gpt-4o"), show_model("a\\ud800"), len(show_model("a" * 1000))
    ('gpt-4o', 'a\\\\ud800', 100)
    """
    return spell_controls(hide_keys(name[:_LONGEST_SHOWN], "…"))[:_LONGEST_LABEL]
