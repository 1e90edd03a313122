"""Engines measured on recordings: how TTFT depends on the prompt, and ITL on the load.

A stream's load is how many recorded streams of the same model ran at the same time, on average, as
far as the recordings say when they began. Lines are fitted after Theil and Sen: the median of the
slopes between two streams, which one slow stream cannot change.

Rules of this file: the same recordings give the same engines; nothing is drawn.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations
from statistics import fmean, median
from typing import NamedTuple

from openai_mockserver.cassettes.analysis.statistics import Facts
from openai_mockserver.engine import Engine

__all__ = ["calibrate_engines", "encode_engines", "fit_line"]

_MOST_POINTS = 300  # of which all pairs are compared


class Stream(NamedTuple):
    """The times of a recorded stream.

    Args:
        begin: when its request was sent, in seconds since the epoch; None if that is not known.
        prompt_tokens: tokens of its prompt; None if it does not say.
        ttft: seconds to its first piece.
        itl: mean seconds between two pieces; None for a single one.
        seconds: seconds from the request to the last piece.
    """

    begin: float | None
    prompt_tokens: int | None
    ttft: float
    itl: float | None
    seconds: float


def calibrate_engines(facts: Iterable[Facts]) -> dict[str, Engine]:
    """Return the engines of recordings by name: ``all``, then ``PROVIDER/MODEL``, sorted.

    Args:
        facts: what is known of each recording.
    """
    groups: defaultdict[str, list[Stream]] = defaultdict(list)
    for one in facts:
        if one.ttft is not None and one.is_stream and not (one.is_error or one.is_broken):
            groups[f"{one.provider or 'unknown'}/{one.model or 'unknown'}"].append(_measure(one))
    whole = {"all": [stream for group in groups.values() for stream in group]} if groups else {}
    ordered = whole | dict(sorted(groups.items()))
    return {name: _fit_engine(group) for name, group in ordered.items()}


def _measure(facts: Facts) -> Stream:
    ttft, begin = facts.ttft or 0.0, facts.recorded
    # The time of a header has whole seconds, which say too little about the load.
    return Stream(
        begin.timestamp() if begin is not None and begin.microsecond else None,
        facts.prompt_tokens,
        ttft,
        fmean(facts.gaps) if facts.gaps else None,
        ttft + sum(facts.gaps),
    )


def _fit_engine(streams: Sequence[Stream]) -> Engine:
    prompts = [(one.prompt_tokens or 0, one.ttft) for one in streams]
    if any(one.prompt_tokens is None for one in streams):
        prompts = [(0, ttft) for _, ttft in prompts]
    paces = [
        (load - 1, one.itl)
        for one, load in zip(streams, _find_loads(streams), strict=True)
        if one.itl is not None
    ]
    overhead, each = fit_line(prompts)
    itl, by_batch = fit_line(paces)
    rounded = [round(number, 9) for number in (overhead, each, itl, by_batch)]
    return Engine(prefill=(rounded[0], rounded[1]), decode=(rounded[2], rounded[3]))


def _find_loads(streams: Sequence[Stream]) -> list[float]:
    """Return how many streams ran during each, on average; 1 for one whose time is not known."""
    spans = [
        (one.begin, one.begin + one.seconds)
        for one in streams
        if one.begin is not None and one.seconds
    ]
    loads = []
    for one in streams:
        if one.begin is None or not one.seconds:
            loads.append(1.0)
            continue
        begin, end = one.begin, one.begin + one.seconds
        shared = sum(max(0.0, min(end, other[1]) - max(begin, other[0])) for other in spans)
        loads.append(max(1.0, shared / one.seconds))
    return loads


def fit_line(points: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """Return where a line through points begins, and how it rises; neither is negative.

    >>> fit_line([(0, 1.0), (10, 2.0), (20, 3.0), (15, 99.0)])
    (1.0, 0.1)
    """
    if not points:
        return 0.0, 0.0
    ordered = sorted(points)
    few = ordered[:: -(-len(ordered) // _MOST_POINTS)]
    slopes = [(b[1] - a[1]) / (b[0] - a[0]) for a, b in combinations(few, 2) if b[0] > a[0]]
    slope = max(0.0, median(slopes)) if slopes else 0.0
    return max(0.0, median([y - slope * x for x, y in ordered])), slope


def encode_engines(engines: Mapping[str, Engine]) -> dict[str, dict[str, list[float]]]:
    """Return engines as a file of `cassettes calibrate` has them."""
    return {
        name: {"prefill": list(engine.prefill), "decode": list(engine.decode)}
        for name, engine in engines.items()
    }
