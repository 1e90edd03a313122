"""The memory that calls take, estimated from their requests and responses.

Rules of this file: the caller holds the journal's lock.
"""

from __future__ import annotations

from collections import Counter

from openai_mockserver.api.disk_bytes import RawOnDisk, weigh
from openai_mockserver.journal.call import Call
from openai_mockserver.script import Event, Raw, Step

__all__ = ["Memory"]

# Bytes of a call, a step and a logged time without their texts; measured on CPython 3.11.
_CALL_SIZE = 3_500
_STEP_SIZE = 175
_TIME_SIZE = 8


def _size_of_response(call: Call) -> int:
    """Return the estimated bytes of memory that a response and its times take."""
    times = _TIME_SIZE * call.time_count + sum(
        _STEP_SIZE + len(message.data) for message in call.websocket_messages
    )
    if call.script.lazy is not None:  # the bytes belong to the reply, which `note_end` counts
        return times
    steps = call.script.steps
    return sum(map(_size_of_step, steps)) + _STEP_SIZE * len(steps) + times


def _size_of_step(step: Step) -> int:
    if isinstance(step, RawOnDisk):
        return 0
    return len(step.data) if isinstance(step, Event | Raw) else 0


class Memory:
    """Estimates how many bytes of memory calls take."""

    def __init__(self) -> None:
        self.size = 0
        self._sizes: dict[int, int] = {}
        # A compiled reply may be shared by several calls: its id and size, by the id of the call,
        # and the number of calls that share it, by its id.
        self._shared_parts: dict[int, tuple[int, int]] = {}
        self._share_counts: Counter[int] = Counter()

    def add(self, call: Call) -> None:
        """Add a call that has no response yet."""
        self._measure(call, 0)

    def note_end(self, call: Call) -> bool:
        """Add the response of a call; return whether the call is still in the journal."""
        if id(call) not in self._sizes:
            return False
        self._measure(call, _size_of_response(call))
        if (lazy := call.script.lazy) is not None:
            part, size = lazy.shared_part
            self._shared_parts[id(call)] = id(part), size
            self._share_counts[id(part)] += 1
            self.size += size if self._share_counts[id(part)] == 1 else 0
        return True

    def forget(self, call: Call) -> None:
        """Subtract a call."""
        self.size -= self._sizes.pop(id(call), 0)
        if (shared_part := self._shared_parts.pop(id(call), None)) is not None:
            part_id, size = shared_part
            self._share_counts[part_id] -= 1
            if not self._share_counts[part_id]:
                del self._share_counts[part_id]
                self.size -= size

    def _measure(self, call: Call, response: int) -> None:
        size = _CALL_SIZE + weigh(call.content) + response
        self.size += size - self._sizes.get(id(call), 0)
        self._sizes[id(call)] = size

    def clear(self) -> None:
        """Subtract all calls."""
        self._sizes.clear()
        self._shared_parts.clear()
        self._share_counts.clear()
        self.size = 0
