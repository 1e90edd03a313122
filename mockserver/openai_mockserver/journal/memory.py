"""How much memory the kept calls take, as far as can be told from requests and responses.

Rules of this file: whoever calls holds the journal's lock.
"""

from __future__ import annotations

from collections import Counter

from openai_mockserver.api.disk_bytes import RawOnDisk, weigh
from openai_mockserver.journal.call import Call
from openai_mockserver.script import Event, Raw, Step

__all__ = ["Memory"]

# What a call takes beside its texts, and each of its steps, in bytes; measured on CPython 3.11.
_CALL_SIZE = 3_500
_STEP_SIZE = 175
_TIME_SIZE = 8


def _size_of_response(call: Call) -> int:
    """About how many bytes of memory a response and its times take."""
    times = _TIME_SIZE * call.moments
    if call.script.lazy is not None:  # its bytes belong to the reply
        return times
    steps = call.script.steps
    return sum(map(_size_of_step, steps)) + _STEP_SIZE * len(steps) + times


def _size_of_step(step: Step) -> int:
    if isinstance(step, RawOnDisk):
        return 0
    return len(step.data) if isinstance(step, Event | Raw) else 0


class Memory:
    """The bytes of memory that calls take."""

    def __init__(self) -> None:
        self.size = 0
        self._sizes: dict[int, int] = {}
        # What calls have of which others may have the same: its id and size by the call's id, and
        # by its own how many of the kept calls have it.
        self._shares: dict[int, tuple[int, int]] = {}
        self._sharers: Counter[int] = Counter()

    def add(self, call: Call) -> None:
        """Count a call that has no response yet."""
        self._measure(call, 0)

    def note_end(self, call: Call) -> bool:
        """Count the response too; whether the call is still kept."""
        if id(call) not in self._sizes:
            return False
        self._measure(call, _size_of_response(call))
        if (lazy := call.script.lazy) is not None:
            shared, size = lazy.shared_part
            self._shares[id(call)] = id(shared), size
            self._sharers[id(shared)] += 1
            self.size += size if self._sharers[id(shared)] == 1 else 0
        return True

    def forget(self, call: Call) -> None:
        """Count a call no more."""
        self.size -= self._sizes.pop(id(call), 0)
        if (share := self._shares.pop(id(call), None)) is not None:
            shared, size = share
            self._sharers[shared] -= 1
            if not self._sharers[shared]:
                del self._sharers[shared]
                self.size -= size

    def _measure(self, call: Call, response: int) -> None:
        size = _CALL_SIZE + weigh(call.content) + response
        self.size += size - self._sizes.get(id(call), 0)
        self._sizes[id(call)] = size

    def clear(self) -> None:
        """Forget all."""
        self._sizes.clear()
        self._shares.clear()
        self._sharers.clear()
        self.size = 0
