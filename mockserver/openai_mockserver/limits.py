"""The limits of a request over a socket: the size of its body, and its time to arrive; and a way to
let other threads run during a long computation."""

from __future__ import annotations

import time
from dataclasses import dataclass

from openai_mockserver.exceptions import MockServerError

__all__ = ["BODY", "MIB", "TIMEOUT", "UPLOAD", "Limits", "give_way"]

MIB = 1 << 20

BODY = 32 * MIB
UPLOAD = 512 * MIB
TIMEOUT = 60.0


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits of a request.

    Args:
        body: maximum bytes of its body.
        upload: maximum bytes of its body if that is a form with files.
        seconds: seconds within which its head must arrive, and then its body; None sets no limit.

    Raises MockServerError for an invalid limit, naming the argument of `MockOpenAI`.
    """

    body: int = BODY
    upload: int = UPLOAD
    seconds: float | None = TIMEOUT

    def __post_init__(self) -> None:
        for name, limit in (("max_body", self.body), ("max_upload", self.upload)):
            if limit < 0:
                raise MockServerError(f"{name}={limit!r}: must be a number of bytes, 0 or more")
        if self.seconds is not None and not self.seconds > 0:
            raise MockServerError(
                f"request_timeout={self.seconds!r}: must be a positive number of seconds, or None"
            )


_SLEEP = 20e-6  # seconds


def give_way() -> None:
    """Let other threads run between two parts of a long computation.

    A C function may release the interpreter for only some microseconds and take it back before
    another thread wakes up, and each time that thread's wait starts again. A loop of such calls,
    for example of a digest's updates, therefore blocks all other threads until it ends.
    """
    time.sleep(_SLEEP)
