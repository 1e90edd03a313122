"""The errors of a Realtime session, with OpenAI's codes.

Rules of this file: errors, and functions that return one. The wording is ours where no recording
has it.
"""

from __future__ import annotations

from typing import Any

from openai_mockserver.reply import ApiError

__all__ = [
    "EXPIRED",
    "buffer_too_small",
    "describe",
    "invalid_audio",
    "missing_item",
    "no_active_response",
    "no_responses",
    "response_is_active",
    "too_short",
    "unknown_call",
    "unknown_type",
]


EXPIRED = ApiError(
    400, "Your session hit the maximum duration of 60 minutes.", code="session_expired"
)


def describe(error: ApiError, event_id: object) -> dict[str, Any]:
    """Return an error as the events of a session show it.

    Args:
        error: the error.
        event_id: the id that the client has given its event.
    """
    return {
        "type": error.type,
        "code": error.code or None,
        "message": error.message,
        "param": error.param,
        "event_id": event_id if isinstance(event_id, str) else None,
    }


def unknown_type(type: object, known: list[str]) -> ApiError:
    """Return the error for a client event of an unknown type."""
    if type is None:
        return ApiError(
            400,
            "Missing required parameter: 'type'.",
            code="missing_required_parameter",
            param="type",
        )
    names = ", ".join(map(repr, known[:-1]))
    text = f"Invalid value: {type!r}. Supported values are: {names}, and {known[-1]!r}."
    return ApiError(400, text, code="invalid_value", param="type")


def response_is_active(id: str) -> ApiError:
    """Return the error for a response that would be the second of its conversation."""
    text = (
        f"Conversation already has an active response in progress: {id}. Wait until the response "
        "is finished before creating a new one."
    )
    return ApiError(400, text, code="conversation_already_has_active_response")


def no_active_response() -> ApiError:
    """Return the error for cancelling what is not there."""
    text = "Cancellation failed: no active response found"
    return ApiError(400, text, code="response_cancel_not_active")


def no_responses() -> ApiError:
    """Return the error for a response in a session that only transcribes."""
    text = "Responses cannot be created in a transcription session."
    return ApiError(400, text, code="invalid_request_error", param="type")


def missing_item(action: str, id: object) -> ApiError:
    """Return the error for an item that is not in the conversation.

    Args:
        action: what the client wanted, such as ``delete``.
        id: the id.
    """
    text = f"Cannot {action} the item: the item with id {id!r} does not exist."
    return ApiError(400, text, code=f"item_{action}_invalid_item_id", param="item_id")


def taken_id(id: str) -> ApiError:
    """Return the error for an item whose id another item has."""
    text = f"Error adding item: an item with id {id!r} already exists."
    return ApiError(400, text, code="item_create_duplicate_item_id", param="item.id")


def unknown_call(call_id: object) -> ApiError:
    """Return the error for the output of a call that the model has not made."""
    text = f"Error adding item: tool call ID {call_id!r} not found in conversation."
    return ApiError(400, text, code="invalid_tool_call_id", param="item.call_id")


def too_short(has_ms: int, asked_ms: object) -> ApiError:
    """Return the error for truncating audio after its end."""
    text = f"Audio content of {has_ms}ms is already shorter than {asked_ms}ms"
    return ApiError(400, text, code="invalid_value")


def invalid_audio(problem: str) -> ApiError:
    """Return the error for audio that cannot be used."""
    text = f"Invalid 'audio'. {problem}"
    return ApiError(400, text, code="invalid_value", param="audio")


def buffer_too_small(ms: float) -> ApiError:
    """Return the error for a commit of too little audio."""
    text = (
        "Error committing input audio buffer: buffer too small. Expected at least 100ms of audio, "
        f"but buffer only has {ms:.2f}ms of audio."
    )
    return ApiError(400, text, code="input_audio_buffer_commit_empty")
