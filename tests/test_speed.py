"""The speed benchmarks run, and the guard fails if a request takes more work than before."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from benchmark import FOLDER, load_benchmark

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="processes are measured in /proc"),
]


def run_benchmark(name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, FOLDER / f"{name}.py", *arguments]
    return subprocess.run([*map(str, command)], capture_output=True, text=True)


def read_table(output: str) -> dict[str, list[str]]:
    """Return the rows of the printed table: the other cells by the first cell."""
    lines = [line.strip("| ") for line in output.splitlines() if line.startswith("|")]
    cells = [[cell.strip() for cell in line.split("|")] for line in lines[2:]]
    return {first: rest for first, *rest in cells}


@pytest.mark.skipif(shutil.which("cc") is None, reason="there is no C compiler")
def test_throughput_has_a_row_for_each_server() -> None:
    result = run_benchmark("speed", "--quick", "--no-peers", "throughput")
    assert result.returncode == 0, result.stderr
    rows = read_table(result.stdout)
    one_write, write_an_event, ours, _, starlette = rows.values()
    assert list(rows) == [
        "C, one write a stream",
        "C, a write an event",
        "openai-mockserver",
        "openai-mockserver --no-coalesce",
        "Starlette, `json.dumps` an event",
    ]
    for cells in rows.values():
        assert all(float(cell.replace(",", "").removeprefix("> ")) > 0 for cell in cells)
    # The ratios make sense: fewer writes cost less, and Python costs more than C.
    costs = [float(cells[0]) for cells in (one_write, write_an_event, starlette)]
    assert costs == sorted(costs)
    assert float(ours[0]) > costs[0]
    assert "CPU an event: " in result.stdout
    assert "(goal ≤ 1 µs: " in result.stdout


def test_an_unknown_table_is_an_error() -> None:
    result = run_benchmark("speed", "throughputs")
    assert result.returncode == 2
    assert "no table is called throughputs: throughput, paced, held, " in result.stderr


def read_tables(output: str) -> list[dict[str, list[str]]]:
    """Return the rows of each printed table; a blank line follows its title and its end."""
    return [read_table(part) for part in output.split("\n\n") if part.startswith("|")]


@pytest.mark.skipif(shutil.which("cc") is None, reason="there is no C compiler")
def test_a_fleet_has_a_row_for_each_number_of_workers() -> None:
    result = run_benchmark("fleet", "--quick", "1", "2")
    assert result.returncode == 0, result.stderr
    throughput, paced, held = read_tables(result.stdout)
    for table in (throughput, paced, held):
        assert list(table) == ["1", "2"]
    assert all(float(cells[0].replace(",", "")) > 0 for cells in throughput.values())
    assert [cells[0] for cells in paced.values()] == ["100", "200"]
    assert [cells[3] for cells in paced.values()] == ["100.0%", "100.0%"]
    fewest, most, _ = held["1"]
    assert (fewest, most) == ("500", "500")
    fewest, most, memory = held["2"]
    assert int(fewest) + int(most) == 500, "each stream is held by one of the two"
    assert float(memory) < 2 * float(held["1"][2]), "they share the program"


def test_a_fleet_without_workers_is_an_error() -> None:
    result = run_benchmark("fleet", "0")
    assert result.returncode == 2
    assert "there must be at least 1 worker" in result.stderr


def test_requests_take_no_more_work_than_the_baseline() -> None:
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    baseline = json.loads((FOLDER / "guard.json").read_text())
    if version not in baseline:
        pytest.skip(f"no baseline for Python {version}")
    result = run_benchmark("guard")
    assert result.returncode == 0, result.stdout + result.stderr
    assert set(read_table(result.stdout)) == set(baseline[version])


def test_the_guard_reports_a_request_that_takes_more_work(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    guard = load_benchmark("guard")
    exchange = guard.make_exchange("chat, one token", guard.ask_chat(), pieces=1)
    monkeypatch.setattr(guard, "list_exchanges", lambda: [exchange])
    monkeypatch.setattr(guard, "FILE", tmp_path / "guard.json")
    guard.FILE.write_text("{}")
    assert guard.main([]) == 0
    assert "no baseline for Python" in capsys.readouterr().out
    assert guard.main(["--update"]) == 0
    assert guard.main([]) == 0

    baseline = json.loads(guard.FILE.read_text())
    (counts,) = baseline[guard.VERSION].values()
    instructions = counts["instructions"]
    counts["instructions"] = int(instructions / 1.2)
    guard.FILE.write_text(json.dumps(baseline))
    capsys.readouterr()
    assert guard.main([]) == 1
    assert f"chat, one token: {instructions:,} instructions, " in capsys.readouterr().out
