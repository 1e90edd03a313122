"""Engines measured on recordings: streams of a known engine give that engine back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openai_mockserver.cassettes.analysis.engine_calibration import (
    calibrate_engines,
    encode_engines,
    fit_line,
)
from openai_mockserver.cassettes.analysis.statistics import Facts
from openai_mockserver.engine import Engine, Work, as_engine, simulate

START = datetime(2026, 1, 1, 0, 0, 0, 500, tzinfo=timezone.utc)  # noqa: UP017


def record(engine: Engine, load: Sequence[tuple[float, Work]]) -> list[Facts]:
    """Return what recordings of a simulation say."""
    facts = []
    for outcome in simulate(engine, load):
        tokens = outcome.work.completion_tokens or 0
        assert outcome.ttft is not None
        assert outcome.itl is not None
        facts.append(
            Facts(
                "vllm",
                "chat/completions",
                "llama",
                True,
                False,
                False,
                100,
                outcome.work.prompt_tokens,
                tokens,
                START + timedelta(seconds=outcome.arrival),
                outcome.ttft,
                (outcome.itl,) * (tokens - 1),
            )
        )
    return facts


def test_an_engine_is_found_in_its_recordings() -> None:
    engine = Engine(prefill=(0.05, 0.0002), decode=(0.01, 0.002))
    rng = Random(1)
    load = [(rng.uniform(0, 60), Work(rng.randrange(1000), 100)) for _ in range(100)]
    engines = calibrate_engines(record(engine, load))
    assert list(engines) == ["all", "vllm/llama"]
    found = engines["vllm/llama"]
    assert found.prefill == pytest.approx(engine.prefill, rel=0.02)
    assert found.decode == pytest.approx(engine.decode, rel=0.15)
    assert as_engine(encode_engines(engines)["all"]) == found


def test_without_tokens_and_times_there_are_two_numbers() -> None:
    engine = Engine(prefill=(0.05, 0.0), decode=(0.01, 0.0))
    facts = record(engine, [(n * 10.0, Work(n, 50)) for n in range(5)])
    bare = [replace(one, prompt_tokens=None, recorded=None) for one in facts]
    found = calibrate_engines(bare)["all"]
    assert found.prefill == pytest.approx((0.05, 0.0))
    assert found.decode == pytest.approx((0.01, 0.0))


def test_errors_and_broken_streams_do_not_count() -> None:
    (one,) = record(Engine(decode=(0.01, 0)), [(0.0, Work(1, 5))])
    for change in ({"is_error": True}, {"is_broken": True}, {"is_stream": False}, {"ttft": None}):
        assert calibrate_engines([replace(one, **change)]) == {}


@given(
    st.integers(0, 1000),
    st.integers(0, 1000),
    st.lists(st.integers(0, 100), min_size=5, unique=True, max_size=40),
    st.integers(0, 10**6),
)
def test_one_odd_point_changes_no_line(start: int, slope: int, places: list[int], odd: int) -> None:
    points = [(float(x), float(start + slope * x)) for x in places]
    points[len(points) // 2] = (points[len(points) // 2][0], float(odd))
    found_start, found_slope = fit_line(points)
    assert (found_start, found_slope) == pytest.approx((start, slope), abs=1e-6)
