"""The errors of a Live session.

Rules of this file: functions that return one. The wording is ours, except where a recording has it.
"""

from __future__ import annotations

from dataclasses import replace

from openai_mockserver.reply import ApiError

__all__ = [
    "already_started",
    "fixture_is_active",
    "invalid_fixture",
    "invalid_value",
    "missing_member",
    "move_place",
    "needs_decisions",
    "needs_responses",
    "no_sip",
    "not_started",
    "primary_only",
    "response_is_active",
    "too_many_tokens",
    "unknown_delegation",
    "unknown_item",
    "unknown_member",
    "used_id",
    "wrong_type",
]


def not_started(type: str) -> ApiError:
    """Return the error for an event before ``session.start``."""
    text = f"Send 'session.start' before '{type}'."
    return ApiError(400, text, code="session_not_started", param="type")


def already_started() -> ApiError:
    """Return the error for a second ``session.start``."""
    return ApiError(400, "The session has started already.", code="session_already_started")


def primary_only(type: str) -> ApiError:
    """Return the error for an event that a sideband may not send."""
    text = f"'{type}' is only accepted on the session's primary connection."
    return ApiError(400, text, code="unsupported_event", param="type")


def no_sip() -> ApiError:
    """Return the error for a key that no telephone can receive."""
    text = "'transport.dtmf.send' is only supported for SIP calls."
    return ApiError(400, text, code="unsupported_event", param="type")


def missing_member(place: str) -> ApiError:
    """Return the error for a member that an event lacks."""
    text = f"Missing required parameter: '{place}'."
    return ApiError(400, text, code="missing_required_parameter", param=place)


def unknown_member(place: str) -> ApiError:
    """Return the error for a member that an event may not have."""
    text = f"Unknown parameter: '{place}'."
    return ApiError(400, text, code="unknown_parameter", param=place)


def wrong_type(place: str, expected: str) -> ApiError:
    """Return the error for a member of the wrong type, such as ``a string``."""
    text = f"Invalid type for '{place}': expected {expected}."
    return ApiError(400, text, code="invalid_type", param=place)


def invalid_value(place: str, problem: str) -> ApiError:
    """Return the error for a member whose value cannot be used."""
    return ApiError(400, f"Invalid '{place}'. {problem}", code="invalid_value", param=place)


def too_many_tokens(count: int, limit: int) -> ApiError:
    """Return the error for a text that is too long."""
    text = f"Invalid 'content': {count} tokens. Expected at most {limit}."
    return ApiError(400, text, code="string_above_max_length", param="content")


def unknown_delegation(id: object) -> ApiError:
    """Return the error for the id of a delegation that does not exist."""
    text = f"No delegation found with id {id!r:.200}."
    return ApiError(400, text, code="delegation_not_found", param="delegation_id")


def unknown_item(id: object) -> ApiError:
    """Return the error for the id of a decision item that does not exist."""
    text = f"No decision item found with id {id!r:.200}."
    return ApiError(400, text, code="item_not_found", param="item_id")


def used_id(place: str, id: object) -> ApiError:
    """Return the error for an id that has been used before."""
    text = f"Invalid '{place}': {id!r:.200} has been used in this session before."
    return ApiError(400, text, code="duplicate_id", param=place)


def needs_responses(type: str) -> ApiError:
    """Return the error for an event that only Responses delegation has, as recorded."""
    return ApiError(400, f"{type} requires Responses delegation.", code="invalid_request_error")


def needs_decisions(type: str) -> ApiError:
    """Return the error for an event that only Decisions delegation has."""
    return ApiError(400, f"{type} requires Decisions delegation.", code="invalid_request_error")


def response_is_active() -> ApiError:
    """Return the error for a second response of the backend at a time."""
    text = "The Responses backend is already generating a response. Wait until it has finished."
    return ApiError(400, text, code="conversation_already_has_active_response")


def fixture_is_active(type: str) -> ApiError:
    """Return the error for an event that must wait until an audio fixture has been played."""
    text = f"'{type}' is not accepted while an audio fixture is playing."
    return ApiError(400, text, code="output_audio_fixture_active")


def invalid_fixture(problem: str) -> ApiError:
    """Return the error for an audio fixture that cannot be played."""
    return invalid_value("audio", problem)


def move_place(error: ApiError) -> ApiError:
    """Return the error about a request's only input for the event that has it as ``item``."""
    message = str(error.message).replace("'input[0]", "'item", 1)
    param = str(error.param).replace("input[0]", "item", 1)
    return replace(error, message=message, param=param)
