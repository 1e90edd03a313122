"""When a delivery is tried again, and when it ends.

The schedule is that of Standard Webhooks 1.0. Its last attempt, after 75 hours, is left out,
because OpenAI gives up after 72. A receiver's ``Retry-After`` makes the wait longer, never shorter.
Waits have no jitter, so that a test knows them.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

__all__ = ["LIFETIME", "RETRY_DELAYS", "Answer", "State", "Step", "decide"]

RETRY_DELAYS = (5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000)
"""Seconds to wait after each attempt that failed."""

LIFETIME = 72 * 3_600
"""Seconds after the first attempt in which a delivery is tried again."""

State = Literal["pending", "delivered", "failed", "gone"]


class Answer(NamedTuple):
    """What a receiver answered.

    Args:
        status: the HTTP status; None if there was none.
        error: what went wrong, if there was no status, or the receiver raised an exception.
        retry_after: the seconds that the receiver asks to wait.
    """

    status: int | None = None
    error: str | None = None
    retry_after: float = 0.0


class Step(NamedTuple):
    """What follows an attempt.

    Args:
        state: the state of the delivery.
        delay: seconds until the next attempt, if the delivery is still pending.
    """

    state: State
    delay: float = 0.0


def decide(answer: Answer, attempts: int, elapsed: float) -> Step:
    """Return what follows an attempt.

    A status of 2xx is success, and 410 means that the receiver wants no more events. Everything
    else fails: a redirect too, which is not followed.

    Args:
        answer: the answer to the last attempt.
        attempts: how many attempts there were.
        elapsed: seconds since the first.

    >>> decide(Answer(204), 1, 0), decide(Answer(410), 1, 0)
    (Step(state='delivered', delay=0.0), Step(state='gone', delay=0.0))
    >>> decide(Answer(307), 1, 0), decide(Answer(503, retry_after=60), 1, 0)
    (Step(state='pending', delay=5), Step(state='pending', delay=60))
    """
    if answer.status is not None and 200 <= answer.status < 300:
        return Step("delivered")
    if answer.status == 410:
        return Step("gone")
    if attempts > len(RETRY_DELAYS):
        return Step("failed")
    delay = max(RETRY_DELAYS[attempts - 1], answer.retry_after)
    return Step("pending", delay) if elapsed + delay <= LIFETIME else Step("failed")
