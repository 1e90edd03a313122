"""Calls that differ in nothing but their times, which many do under load.

Rules of this file: pure functions of calls that have ended. To measure such calls one by one would
take longer than a short stream takes the server: what they have in common is measured once, and
their times are rows of numbers, of which all calls of a kind have as many.
"""

from __future__ import annotations

from array import array
from collections.abc import Hashable, Sequence
from operator import add, sub

from openai_mockserver.journal import Call, Runs
from openai_mockserver.metrics.measure import (
    Measurement,
    find_stated,
    find_token_rows,
    is_generation,
    measure_call,
    read_numbers,
)

__all__ = ["Alike", "find_kind"]

_MOST_ROWS = 8  # of equal events; a stream with a pace has more


def find_kind(call: Call, runs: Runs) -> Hashable | None:
    """Return what two calls have in common if they differ in nothing but their times.

    Args:
        call: the call, which has ended.
        runs: what was written for it.

    Returns:
        None for a call that is measured alone, because more happened to it than that it was
        written.
    """
    events = runs.events
    if (
        not 0 < len(events) <= _MOST_ROWS
        or (len(events) > 1 and 0 in events)
        or call.ticket is not None
        or call.faults
        or not call.is_finished
        or call.problem is not None
        or call.unrecorded is not None
    ):
        return None
    request = stated = None
    if is_generation(call):
        request, stated = read_numbers(call), find_stated(call.script)
    return call.endpoint_path, call.method, call.status, request, stated, tuple(events), call.sent


class Alike:
    """Calls of one kind.

    Args:
        call: the first of them, which is not added yet.
    """

    def __init__(self, call: Call) -> None:
        self.first: Measurement = measure_call(call)
        self.events = tuple(self.first.late_events)
        has_done = is_generation(call) and find_stated(call.script).has_done
        self._token_rows = find_token_rows(self.events, has_done)
        self._delays = array("d")
        self._times = array("d")
        self._dues = array("d")

    def __len__(self) -> int:
        return len(self._delays)

    def add(self, call: Call, runs: Runs) -> None:
        """Add a call, and what was written for it."""
        self._delays.append(call.answer_delay)
        self._times.extend(runs.times)
        self._dues.extend(runs.dues)

    def _get_times(self, row: int) -> Sequence[float]:
        return self._times[row :: len(self.events)]

    def list_lateness(self, row: int) -> list[float]:
        """Return by how many seconds a row of each call was late."""
        return list(map(sub, self._get_times(row), self._dues[row :: len(self.events)]))

    def list_latencies(self) -> list[float]:
        """Return the seconds from the request to the last byte."""
        return list(map(add, self._delays, self._get_times(len(self.events) - 1)))

    def list_first_tokens(self) -> list[float]:
        """Return the seconds from the request to the first token."""
        return list(map(add, self._delays, self._get_times(self._token_rows.start)))

    def list_decode_times(self) -> list[float]:
        """Return the seconds from the first token to the last."""
        rows = self._token_rows
        return list(map(sub, self._get_times(rows[-1]), self._get_times(rows.start)))

    def list_gaps(self) -> list[float]:
        """Return the seconds between the rows of tokens."""
        rows = self._token_rows
        return [
            gap
            for row in rows[1:]
            for gap in map(sub, self._get_times(row), self._get_times(row - 1))
        ]
