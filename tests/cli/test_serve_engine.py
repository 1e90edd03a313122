"""``serve --engine``: a server with a capacity."""

from __future__ import annotations

from pathlib import Path

import pytest

from running_server import serving

pytestmark = pytest.mark.slow


def test_it_refuses_what_exceeds_its_limits() -> None:
    with serving("--quiet", "--engine", "h100-8b,slots=4,rpm=1") as server:
        first, second, other = server.ask("a"), server.ask("a"), server.ask("b")
        assert first.headers["x-ratelimit-remaining-requests"] == "0"
        assert (first.status_code, second.status_code, other.status_code) == (200, 429, 200)
        assert 55 < int(second.headers["retry-after"]) <= 60
        assert "requests per min (RPM): Limit 1, Used 1" in second.text


def test_the_command_line_wins_over_a_scenario(tmp_path: Path) -> None:
    scenario = tmp_path / "busy.yaml"
    scenario.write_text("engine: {limits: {rpm: 7}}\nrules: [{reply: Hello}]\n")
    for options, limit in (((), "7"), (("--engine", "rpm=9"), "9")):
        with serving(str(scenario), "--quiet", *options) as server:
            assert server.ask().headers["x-ratelimit-limit-requests"] == limit


def test_it_plays_a_measured_engine(tmp_path: Path) -> None:
    paces = tmp_path / "paces.yaml"
    paces.write_text("pace: 1\nengines: {openai/gpt-4o: {prefill: [0.2, 0], decode: [0, 0]}}\n")
    with serving("--quiet", "--engine", f"{paces}:gpt-4o,rpm=5") as server:
        response = server.ask()
        assert response.elapsed.total_seconds() > 0.2
        assert response.headers["x-ratelimit-limit-requests"] == "5"
