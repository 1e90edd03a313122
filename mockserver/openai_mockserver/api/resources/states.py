"""How things end: what has ended stays as it is, and says when it ended.

Rules of this file: no I/O, and nothing is kept here. The messages of batches and runs are OpenAI's
as people report them; for others nothing is known, and they are alike.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from openai_mockserver.reply import ApiError

__all__ = ["has_ended", "refuse_action", "settle"]

_SUCCEEDED = frozenset({"completed", "succeeded"})
_ENDED = _SUCCEEDED | {"failed", "cancelled", "canceled", "expired", "incomplete"}

_STAMPS_BEFORE = ("started_at", "in_progress_at", "finalizing_at")
"""When a thing that has succeeded got so far."""

# The last collection of a path: the status and the message of OpenAI's error.
_REFUSED: dict[str, tuple[int, str]] = {
    "batches": (409, "Cannot {action} a batch with status '{status}'."),
    "runs": (400, "Cannot {action} run with status '{status}'."),
    "": (400, "Cannot {action} {name} with status '{status}'."),
}


def has_ended(value: Any) -> bool:
    """Whether a thing is in a state that it does not leave."""
    status = value.get("status") if isinstance(value, Mapping) else None
    return isinstance(status, str) and status in _ENDED


def refuse_action(action: str, collection: str, name: str, status: str) -> ApiError:
    """OpenAI's error for what cannot be done to a thing that has ended.

    Args:
        action: the last part of the path, as in ``cancel``.
        collection: the last collection of the path, as in ``batches``.
        name: what one of it is called.
        status: the thing's.
    """
    code, message = _REFUSED.get(collection) or _REFUSED[""]
    told = message.format(action=action, name=name, status=status)
    return ApiError(code, told, "invalid_request_error")


def settle(value: dict[str, Any], properties: Mapping[str, Any], now: int) -> dict[str, Any]:
    """A thing with the time at which it ended, if it has ended, and with all of its progress.

    Args:
        value: the thing.
        properties: the members that such a thing may have.
        now: the time, in seconds since 1970.

    >>> settle({"status": "completed"}, {"progress": {}, "completed_at": {}, "failed_at": {}}, 9)
    {'status': 'completed', 'completed_at': 9, 'progress': 100}
    """
    if not has_ended(value):
        return value
    succeeded = value["status"] in _SUCCEEDED
    stamps = [f"{value['status']}_at", "finished_at", *(_STAMPS_BEFORE if succeeded else ())]
    ended = {name: now for name in stamps if name in properties and value.get(name) is None}
    if succeeded and "progress" in properties:
        ended["progress"] = 100
    return value | ended
