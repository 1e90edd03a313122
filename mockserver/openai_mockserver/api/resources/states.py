"""Final states: an object that has ended does not change any more, and states when it ended.

Rules of this file: no I/O, no state. The messages for batches and runs are OpenAI's, as users
report them; those for other objects are unknown, and follow the same pattern.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from openai_mockserver.reply import ApiError

__all__ = ["has_ended", "refuse_action", "settle"]

_SUCCESS_STATES = frozenset({"completed", "succeeded"})
_FINAL_STATES = _SUCCESS_STATES | {"failed", "cancelled", "canceled", "expired", "incomplete"}

_EARLIER_TIMES = ("started_at", "in_progress_at", "finalizing_at")
"""Members with the times of earlier states, which a successful object has."""

# Status and message of OpenAI's error, by the last collection of the path.
_ERRORS: dict[str, tuple[int, str]] = {
    "batches": (409, "Cannot {action} a batch with status '{status}'."),
    "runs": (400, "Cannot {action} run with status '{status}'."),
    "": (400, "Cannot {action} {name} with status '{status}'."),
}


def has_ended(value: Any) -> bool:
    """Return whether an object is in a final state."""
    status = value.get("status") if isinstance(value, Mapping) else None
    return isinstance(status, str) and status in _FINAL_STATES


def refuse_action(action: str, collection: str, name: str, status: str) -> ApiError:
    """Return OpenAI's error for an action on an object that has ended.

    Args:
        action: the last part of the path, such as ``cancel``.
        collection: the last collection of the path, such as ``batches``.
        name: the name of one of its objects, such as ``batch``.
        status: status of the object.
    """
    code, message = _ERRORS.get(collection) or _ERRORS[""]
    text = message.format(action=action, name=name, status=status)
    return ApiError(code, text, "invalid_request_error")


def settle(value: dict[str, Any], properties: Mapping[str, Any], now: int) -> dict[str, Any]:
    """Return an object that has ended with its end times and full progress; others unchanged.

    Args:
        value: the object.
        properties: schemas of the object's members.
        now: the current time, as a Unix timestamp in seconds.

    >>> settle({"status": "completed"}, {"progress": {}, "completed_at": {}, "failed_at": {}}, 9)
    {'status': 'completed', 'completed_at': 9, 'progress': 100}
    """
    if not has_ended(value):
        return value
    has_succeeded = value["status"] in _SUCCESS_STATES
    names = [f"{value['status']}_at", "finished_at", *(_EARLIER_TIMES if has_succeeded else ())]
    changes = {name: now for name in names if name in properties and value.get(name) is None}
    if has_succeeded and "progress" in properties:
        changes["progress"] = 100
    return value | changes
