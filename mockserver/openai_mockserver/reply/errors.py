"""An error of the API, and OpenAI's error message for each status."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from openai_mockserver.exceptions import ReplyError
from openai_mockserver.reply.text import check_type, print_repr

__all__ = ["ApiError"]

ERRORS: dict[int, tuple[str, str, str | None]] = {
    # status: (type, message, code), from OpenAI's error reference and WIRE.md §6
    400: ("invalid_request_error", "The request is invalid.", None),
    401: (
        "invalid_request_error",
        "Incorrect API key provided. "
        "You can find your API key at https://platform.openai.com/account/api-keys.",
        "invalid_api_key",
    ),
    403: ("invalid_request_error", "You are not allowed to sample from this model", None),
    404: (
        "invalid_request_error",
        "The model does not exist or you do not have access to it.",
        "model_not_found",
    ),
    408: ("server_error", "The request timed out.", None),
    409: ("invalid_request_error", "The resource was updated by another request.", None),
    413: ("invalid_request_error", "The request is too large.", None),
    415: ("invalid_request_error", "The content type of the request is not supported.", None),
    422: ("invalid_request_error", "The request could not be processed.", None),
    429: ("requests", "Rate limit reached. Please try again later.", "rate_limit_exceeded"),
    500: (
        "server_error",
        "The server had an error processing your request. Sorry about that!",
        None,
    ),
    502: ("server_error", "Bad gateway.", None),
    503: ("server_error", "The server is currently overloaded. Please try again later.", None),
    504: ("server_error", "Gateway timeout.", None),
}
"""The default type, message and code of an error, by status."""


def _find_defaults(status: int) -> tuple[str, str, str | None]:
    """Return the default type, message and code of a status."""
    return ERRORS.get(status) or ERRORS[400 if status < 500 else 500]


@dataclass(frozen=True, slots=True, repr=False)
class ApiError:
    """An error of the API: instead of a stream, or in the middle of one.

    Args:
        status: the HTTP status. In the middle of a stream it only chooses the defaults, and fills
            the member in which some providers repeat it, such as OpenRouter's ``code``.
        message: the message; OpenAI's for this status if None.
        type: the type; OpenAI's for this status if None.
        code: the code; OpenAI's for this status if None, null if empty.
        param: the parameter that caused the error.
        retry_after: value of the ``retry-after`` header, in seconds.
        headers: more headers, sent unchanged.
        extra: more members of the error, such as Groq's ``failed_generation``.
    """

    _repr_pretty_ = print_repr

    status: int = 500
    message: str | None = None
    type: str | None = None
    code: str | None = None
    param: str | None = None
    retry_after: float | None = None
    headers: tuple[tuple[str, str], ...] = ()
    extra: Mapping[str, Any] = field(default_factory=dict, hash=False)

    def __post_init__(self) -> None:
        if not isinstance(self.status, int) or not 400 <= self.status <= 599:
            raise ReplyError(f"an API error needs a status from 400 to 599, not {self.status!r}")
        for name in ("message", "type", "code", "param"):
            check_type(str, getattr(self, name), f"ApiError.{name}")
        retry = self.retry_after
        if retry is not None and not (isinstance(retry, int | float) and retry >= 0):
            raise ReplyError(
                f"retry_after={self.retry_after!r}: must be a number of seconds, 0 or more"
            )
        check_type(Mapping, self.extra, "ApiError.extra", optional=False)
        pairs = self.headers.items() if isinstance(self.headers, Mapping) else self.headers
        kind, message, code = _find_defaults(self.status)
        put = object.__setattr__
        put(self, "extra", dict(self.extra))
        put(self, "headers", tuple((str(k), str(v)) for k, v in pairs))
        for name, value in self.headers:
            if not name or any(character in name + value for character in "\r\n\0"):
                raise ReplyError(
                    f"the error's header {name!r}: {value!r} cannot be sent: a header must have a "
                    "name, and must not contain CR, LF or NUL"
                )
        put(self, "message", message if self.message is None else self.message)
        put(self, "type", kind if self.type is None else self.type)
        put(self, "code", code if self.code is None else self.code)

    @property
    def mid_stream(self) -> ApiError:
        """The error as OpenAI sends it in the middle of a stream: its payload without status."""
        return self.with_payload(500)

    def with_payload(self, status: int) -> ApiError:
        """Return an error with the same payload, another HTTP status and no headers."""
        code = self.code or (None if _find_defaults(status)[2] is None else "")
        return ApiError(status, self.message, self.type, code, self.param, extra=self.extra)

    def __repr__(self) -> str:
        names = [f.name for f in fields(self) if f.name != "extra" or self.extra]
        return f"ApiError({', '.join(f'{name}={getattr(self, name)!r}' for name in names)})"
