"""A counter that several processes share.

Rules of this file: it takes its turns by a lock of the system on a file without a name, which a
process that is killed releases too; so the number of a call costs two system calls more.
"""

from __future__ import annotations

import fcntl
import mmap
import tempfile
import threading

__all__ = ["SharedCounter"]

_WIDTH = 8


class SharedCounter:
    """Counts from 1, in this process and in those that are forked from it.

    >>> counter = SharedCounter()
    >>> counter.take(), counter.take()
    (1, 2)
    >>> counter.close()
    """

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile()  # noqa: SIM115
        self._file.truncate(_WIDTH)
        self._memory = mmap.mmap(self._file.fileno(), _WIDTH)
        self._lock = threading.Lock()  # the system's lock is one of processes

    def take(self) -> int:
        """Return the next number."""
        descriptor = self._file.fileno()
        with self._lock:
            fcntl.lockf(descriptor, fcntl.LOCK_EX)
            try:
                number = int.from_bytes(self._memory[:_WIDTH], "little") + 1
                self._memory[:_WIDTH] = number.to_bytes(_WIDTH, "little")
            finally:
                fcntl.lockf(descriptor, fcntl.LOCK_UN)
        return number

    def close(self) -> None:
        """Give the memory back."""
        self._memory.close()
        self._file.close()
