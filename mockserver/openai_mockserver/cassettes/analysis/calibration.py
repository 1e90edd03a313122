"""Paces measured on recordings: the times of the first piece of output, and between pieces.

A profile has the quantiles of both times, evenly spaced from the shortest to the longest, so that a
`Pace` draws times with the recorded distribution, its long tail included. There is one profile for
each provider and model, and `all` for all of them together.

Rules of this file: the same recordings give the same profiles; nothing is drawn or smoothed.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec.json
import yaml

from openai_mockserver.cassettes.analysis.reading import Recorded
from openai_mockserver.cassettes.analysis.statistics import Facts, collect_facts
from openai_mockserver.exceptions import MockServerError
from openai_mockserver.pacing import Pace

__all__ = ["COUNT", "Calibration", "calibrate", "find_quantiles", "write_paces"]

COUNT = 41
"""How many quantiles a profile has: from 0 to 100 % in steps of 2.5 %."""


class Calibration(NamedTuple):
    """A measured pace, and how many streams and times between pieces it is made from."""

    pace: Pace
    streams: int
    gaps: int


def calibrate(recordings: Iterable[Recorded]) -> dict[str, Calibration]:
    """Return the paces of recordings by name: ``all``, then ``PROVIDER/MODEL``, sorted.

    Raises:
        MockServerError: if no recording has times.
    """
    groups: defaultdict[str, list[Facts]] = defaultdict(list)
    count = 0
    for recorded in recordings:
        facts = collect_facts(recorded.exchange)
        count += 1
        if facts.ttft is not None and facts.is_stream and not facts.is_error:
            groups[f"{facts.provider or 'unknown'}/{facts.model or 'unknown'}"].append(facts)
    if not groups:
        raise MockServerError(
            f"none of {count} recordings is a stream with times; those of other tools have none"
        )
    whole = {"all": [facts for group in groups.values() for facts in group]}
    return {name: _measure(group) for name, group in (whole | dict(sorted(groups.items()))).items()}


def _measure(streams: Sequence[Facts]) -> Calibration:
    ttfts = [facts.ttft for facts in streams if facts.ttft is not None]
    gaps = [gap for facts in streams for gap in facts.gaps]
    first, between = find_quantiles(ttfts), find_quantiles(gaps)
    pace = Pace(
        ttft=first[len(first) // 2] if first else 0.0,
        itl=between[len(between) // 2] if between else 0.0,
        ttft_quantiles=first,
        itl_quantiles=between,
    )
    return Calibration(pace, len(streams), len(gaps))


def find_quantiles(values: Sequence[float], count: int = COUNT) -> tuple[float, ...]:
    """Return evenly spaced quantiles, interpolated between the values; none of no values.

    >>> find_quantiles([1, 2, 3, 10], 3)
    (1, 2.5, 10)
    """
    ordered = sorted(values)
    return tuple(_interpolate(ordered, n / (count - 1)) for n in range(count)) if ordered else ()


def _interpolate(ordered: Sequence[float], share: float) -> float:
    place = share * (len(ordered) - 1)
    low = math.floor(place)
    if low == place:
        return round(ordered[low], 6)
    return round(ordered[low] + (place - low) * (ordered[low + 1] - ordered[low]), 6)


def write_paces(
    calibrations: Mapping[str, Calibration],
    as_yaml: bool = False,
    engines: Mapping[str, Any] | None = None,
) -> bytes:
    """Return the content of a file that `Pace.load` and ``serve --engine`` read.

    Args:
        calibrations: the measured paces by name.
        as_yaml: whether to write YAML instead of JSON.
        engines: the measured engines by name, from `encode_engines`.
    """
    profiles: dict[str, Any] = {}
    for name, (pace, _, _) in calibrations.items():
        profiles[name] = {
            "ttft": pace.ttft,
            "itl": pace.itl,
            "ttft_quantiles": list(pace.ttft_quantiles),
            "itl_quantiles": list(pace.itl_quantiles),
        }
    measured = {name: {"streams": one[1], "gaps": one[2]} for name, one in calibrations.items()}
    document = {"pace": 1, "measured": measured, "profiles": profiles}
    if engines:
        document["engines"] = dict(engines)
    if as_yaml:
        return yaml.safe_dump(document, sort_keys=False, default_flow_style=None).encode()
    return msgspec.json.format(msgspec.json.encode(document), indent=1) + b"\n"
