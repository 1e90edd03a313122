"""Reading responses back: the JSON objects of a stream, and the one of a body.

Rules of this file: no I/O; what is no JSON object in a stream is passed over, in a body it is an
error that says so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, Protocol

import msgspec.json

from openai_mockserver import sse
from openai_mockserver.api import errors
from openai_mockserver.exceptions import ReplyError
from openai_mockserver.reply import ApiError, Choice, Reply, Usage
from openai_mockserver.script import Event, Script

__all__ = [
    "DECODE_ERRORS",
    "Heard",
    "decode_body",
    "decode_completion",
    "decode_events",
    "is_stream",
]

DECODE_ERRORS = (AttributeError, KeyError, TypeError, ValueError)
"""What taking a value for another raises."""


def is_stream(script: Script) -> bool:
    """Whether a response is to be read event by event."""
    return script.is_stream or bool(script.events)


def decode_events(script: Script) -> Iterator[tuple[dict[str, Any], Event]]:
    """The JSON objects of a stream until ``[DONE]``, each with its event."""
    for event in sse.decode(sse.body(script.steps)):
        if event.data.startswith("[DONE]"):
            return
        try:
            said = msgspec.json.decode(event.data)
        except (msgspec.DecodeError, UnicodeError):
            continue
        if isinstance(said, dict):
            yield said, event


def decode_body(
    script: Script, what: str, member: str, read: Callable[[dict[str, Any]], Reply]
) -> Reply | ApiError:
    """What a body says that is no stream.

    Args:
        script: the response.
        what: what it should be, as in ``a chat completion``.
        member: the list that makes it one; without it, it is an error.
        read: makes the reply of it.

    Raises:
        ReplyError: for what is neither.
    """
    status = script.head.status
    try:
        value = msgspec.json.decode(sse.body(script.steps))
    except (msgspec.DecodeError, UnicodeError) as error:
        raise ReplyError(f"the body is neither an event stream nor JSON: {error}") from None
    if not isinstance(value, dict) or not isinstance(value.get(member), list):
        if (found := errors.read_error(value)) is not None:
            return replace(found, status=status) if 400 <= status <= 599 else found
        raise ReplyError(f"the body is not {what}: it has no {member}")
    try:
        return read(value)
    except DECODE_ERRORS as error:
        raise ReplyError(f"the body is not {what}: {error!r}") from None


class Heard(Protocol):
    """A choice, as far as it has come."""

    def take(self, choice: dict[str, Any]) -> None:
        """Hear what a chunk says of it."""

    def choice(self) -> Choice:
        """What was heard."""


def decode_completion(
    script: Script,
    what: str,
    heard: Callable[[], Heard],
    read_choice: Callable[[dict[str, Any]], Choice],
    read_usage: Callable[[dict[str, Any]], Usage],
) -> Reply | ApiError:
    """What a completion says, chat or legacy: a reply as far as it goes, or an error instead.

    Args:
        script: the response.
        what: what it should be, as in ``a chat completion``.
        heard: makes what hears a choice of a stream.
        read_choice: reads one of a body that is no stream.
        read_usage: reads the usage of either.

    Raises:
        ReplyError: for what is neither.
    """
    if not is_stream(script):

        def read(value: dict[str, Any]) -> Reply:
            stated = value.get("usage")
            choices = [read_choice(choice) for choice in value["choices"]]
            return Reply(choices=choices, usage=read_usage(stated) if stated else None)

        return decode_body(script, what, "choices", read)
    choices: dict[int, Heard] = {}
    usage: Usage | None = None
    error: ApiError | None = None
    for chunk, _ in decode_events(script):
        try:
            error = errors.read_error(chunk)
            if error is not None:
                break
            for choice in chunk.get("choices") or ():
                choices.setdefault(choice.get("index") or 0, heard()).take(choice)
            if isinstance(stated := chunk.get("usage"), dict):
                usage = read_usage(stated)
        except DECODE_ERRORS as wrong:
            raise ReplyError(f"this is no chunk of {what} ({wrong!r}): {chunk}") from None
    said = [choices[index] for index in sorted(choices)] or [heard()]
    return Reply(choices=[one.choice() for one in said], usage=usage, error=error)
