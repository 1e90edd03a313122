"""Paces measured on recordings: a played stream has the recorded distribution of times."""

from __future__ import annotations

import itertools
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import pytest

from openai_mockserver import Head, MockOpenAI, MockServerError, Pace, Reply, Script
from openai_mockserver.api import chat
from openai_mockserver.cassettes import Exchange
from openai_mockserver.cassettes.analysis.calibration import (
    COUNT,
    Calibration,
    calibrate,
    find_quantiles,
    write_paces,
)
from openai_mockserver.cassettes.analysis.reading import Recorded
from openai_mockserver.pacing import find_pace
from openai_mockserver.scenario.loader import read_pace
from openai_mockserver.scenario.rule_json import encode_pace
from openai_mockserver.timeline import frames

STREAM = chat.render(Reply(["word "] * 150))


def record(script: Script, model: str = "gpt-4o") -> Recorded:
    request = {"method": "POST", "url": "/v1/chat/completions", "json": {"model": model}}
    return Recorded(Path("x.jsonl"), 1, Exchange(script, {"request": request}))


@pytest.fixture(scope="module")
def recordings() -> list[Recorded]:
    """Streams of two models; the gaps of one have two humps, which no jitter can imitate."""
    rng, recordings = Random(1), []
    for _ in range(10):
        slow, fast = rng.uniform(0.3, 0.9), rng.uniform(0.1, 0.2)
        recordings.append(record(Pace(ttft=fast, itl=0.005)(STREAM), "small"))
        paced = Pace(itl=0.02, jitter=0.004, seed=str(slow), stall_chance=0.2, stall_seconds=0.5)
        script = paced(STREAM)
        recordings.append(record(Script(Head(200, script.head.headers, slow), script.steps)))
    return recordings


@pytest.fixture(scope="module")
def calibrated(recordings: list[Recorded]) -> dict[str, Calibration]:
    return calibrate(recordings)


def measure(script: Script) -> tuple[float, list[float]]:
    """Return the TTFT of a script and its gaps, without playing it."""
    times = [script.head.delay + frame.due for frame in frames(script)]
    # The role comes with the first token, and the end with the finish reason.
    return times[0], [round(after - before, 6) for before, after in itertools.pairwise(times[1:-1])]


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("name", ["openai/gpt-4o", "openai/small", "all"])
def test_a_played_stream_has_the_recorded_quantiles(
    recordings: list[Recorded], calibrated: dict[str, Calibration], name: str, seed: int
) -> None:
    """ITL keeps within 2 % of the recorded ranks, TTFT, of which there are fewer, within 5 %."""
    recorded = [
        measure(one.exchange.script)
        for one in recordings
        if name == "all" or f"openai/{one.exchange.about['request']['json']['model']}" == name
    ]
    pace = calibrated[name].pace
    played = [measure(replace(pace, seed=f"{seed}, {n}")(STREAM)) for n in range(30)]
    recorded_gaps, played_gaps = (
        [gap for _, gaps in some for gap in gaps] for some in (recorded, played)
    )
    assert_same_distribution(recorded_gaps, played_gaps, tolerance=0.02)
    ttfts = [replace(pace, seed=f"{seed}, {n}")(Script()).head.delay for n in range(1000)]
    assert_same_distribution([ttft for ttft, _ in recorded], ttfts, tolerance=0.05)


def assert_same_distribution(recorded: list[float], played: list[float], tolerance: float) -> None:
    """Check that each quantile lies between the recorded ones a little below and above it."""
    for share in (0.1, 0.25, 0.5, 0.75, 0.9, 0.95):
        (value,) = find_at(played, share)
        low, high = find_at(recorded, max(0.0, share - tolerance), min(1.0, share + tolerance))
        # Between two of its quantiles, a profile draws evenly.
        room = 0.025 * (max(recorded) - min(recorded))
        assert low - room <= value <= high + room, share


def find_at(values: list[float], *shares: float) -> list[float]:
    ordered = sorted(values)
    return [ordered[round(share * (len(ordered) - 1))] for share in shares]


def test_a_profile_keeps_the_long_tail(calibrated: dict[str, Calibration]) -> None:
    pace = calibrated["openai/gpt-4o"].pace
    assert len(pace.itl_quantiles) == COUNT
    assert pace.itl == pytest.approx(0.02, rel=0.1)
    assert pace.itl_quantiles[-1] > 0.5
    assert 0.3 <= pace.ttft_quantiles[0] < pace.ttft_quantiles[-1] <= 0.9


@pytest.mark.parametrize("suffix", [".json", ".yaml"])
def test_a_file_of_paces_is_read_back(
    calibrated: dict[str, Calibration], tmp_path: Path, suffix: str
) -> None:
    file = tmp_path / f"paces{suffix}"
    file.write_bytes(write_paces(calibrated, as_yaml=suffix == ".yaml"))
    assert find_pace(str(file)) == Pace.load(file) == calibrated["all"].pace
    assert find_pace(f"{file}:small") == calibrated["openai/small"].pace
    assert Pace.load(file, "openai/gpt-4o", seed=1).seed == 1
    with pytest.raises(MockServerError, match="contains no profile 'gpt-5': it has all, openai/"):
        Pace.load(file, "gpt-5")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "neither JSON nor YAML"),
        ("[]", "contains no paces"),
        ('{"pace": 2, "profiles": {"all": {}}}', "contains no paces"),
        ('{"pace": 1, "profiles": {"all": {"itt": 1}}}', "all: a pace has no itt"),
        ('{"pace": 1, "profiles": {"all": {"itl_quantiles": [2, 1]}}}', "must be sorted"),
        ('{"pace": 1, "profiles": {"all": {"itl_quantiles": [-1]}}}', "0 or more"),
        ('{"pace": 1, "profiles": {"all": 1}}', "must be a mapping"),
    ],
)
def test_a_mistake_in_a_file_of_paces_is_one_sentence(
    tmp_path: Path, content: str, message: str
) -> None:
    file = tmp_path / "paces.json"
    file.write_text(content)
    with pytest.raises(MockServerError, match=message) as error:
        Pace.load(file)
    assert str(error.value).startswith(str(file))
    assert "\n" not in str(error.value)


def test_a_pace_with_quantiles_stands_in_scenarios_too() -> None:
    pace = Pace(ttft_quantiles=(0.1, 0.2), itl_quantiles=(0.0, 0.01, 0.5), seed=1)
    assert read_pace(encode_pace(pace), "pace") == pace


def test_a_seeded_server_repeats_its_times_and_not_those_of_the_call_before() -> None:
    pace = Pace(ttft_quantiles=(0.0, 1000.0), itl_quantiles=(0.0, 1000.0))

    def list_seconds() -> list[float]:
        mock = MockOpenAI(seed=7, pace=pace)
        mock.reply("one two three")
        for _ in range(3):
            client = mock.client(timeout=None)
            request: Any = {"model": "m", "messages": [{"role": "user", "content": "Hi"}]}
            list(client.chat.completions.create(**request, stream=True))
        return [call.script.seconds for call in mock.calls]

    first = list_seconds()
    assert len(set(first)) == 3
    assert first == list_seconds()


def test_the_same_recordings_give_the_same_paces(
    recordings: list[Recorded], calibrated: dict[str, Calibration]
) -> None:
    assert write_paces(calibrate(reversed(recordings))) == write_paces(calibrated)


def test_recordings_without_times_are_refused() -> None:
    with pytest.raises(MockServerError, match="none of 1 recordings"):
        calibrate([record(STREAM)])


def test_quantiles_of_few_values() -> None:
    assert find_quantiles([]) == ()
    assert find_quantiles([0.5]) == (0.5,) * COUNT
    assert find_quantiles([1.0, 2.0], 3) == (1.0, 1.5, 2.0)
