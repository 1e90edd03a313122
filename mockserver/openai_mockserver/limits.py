"""What a request that comes over a socket may have: the size of its body, the time to come, and the
share of the interpreter that answering it may take."""

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
    """What a request may have.

    Args:
        body: bytes of its body.
        upload: bytes of its body where that is a form with files.
        seconds: to come, its head and then its body; any number where it is None.

    Raises MockServerError, in the words of `MockOpenAI`'s arguments, for what is no limit.
    """

    body: int = BODY
    upload: int = UPLOAD
    seconds: float | None = TIMEOUT

    def __post_init__(self) -> None:
        for name, most in (("max_body", self.body), ("max_upload", self.upload)):
            if most < 0:
                raise MockServerError(f"{name}={most!r}: a number of bytes, 0 at least")
        if self.seconds is not None and not self.seconds > 0:
            raise MockServerError(f"request_timeout={self.seconds!r}: seconds, or None")


_BREATH = 20e-6  # seconds


def give_way() -> None:
    """Let other threads run, between the parts of a long computation.

    A thread that calls into C, and there gives the interpreter up for some microseconds, has it
    back before another wakes; and the other's time to insist on its turn begins anew each time. So
    a loop of such calls, as of a digest's updates, keeps the others out until it ends.
    """
    time.sleep(_BREATH)
