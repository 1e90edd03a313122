"""Reading responses back: the JSON objects of a stream, and the one of a body.

Rules of this file: no I/O; what is no JSON object in a stream is passed over, in a body it is an
error that says so.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Protocol

import msgspec.json

from openai_mockserver import sse
from openai_mockserver.api import errors
from openai_mockserver.dialects import usage as usages
from openai_mockserver.exceptions import ReplyError
from openai_mockserver.reply import ApiError, Choice, Reply, Usage
from openai_mockserver.script import Event, Script

__all__ = [
    "DECODE_ERRORS",
    "Heard",
    "as_json_text",
    "decode_body",
    "decode_completion",
    "decode_data",
    "decode_events",
    "is_stream",
    "join_halves",
]

DECODE_ERRORS = (AttributeError, KeyError, TypeError, ValueError)
"""What taking a value for another raises."""


def is_stream(script: Script) -> bool:
    """Whether a response is to be read event by event."""
    return script.is_stream or bool(script.events)


def decode_events(script: Script) -> Iterator[tuple[dict[str, Any], Event]]:
    """The JSON objects of a stream until ``[DONE]``, each with its event."""
    body = sse.body(script.steps)
    if b"error:" in body:  # a field of no event stream, in which llama.cpp tells its errors
        body = _ERROR_LINE.sub(rb"\1event: error\ndata:", body)
    for event in sse.decode(body):
        if event.data.startswith("[DONE]"):
            return
        said = decode_data(event.data)
        if event.event == "error" and errors.read_error(said) is None:
            if not isinstance(said, dict):
                said = {"error": {"message": event.data}}
            elif isinstance(said.get("message"), str) and "type" not in said:
                said = {"error": said}
        if isinstance(said, dict):
            yield said, event


_ERROR_LINE = re.compile(rb"(\A|[\r\n])error:")


def decode_data(data: str) -> Any:
    """An event's data as JSON, in which a text may end within a character; None if it is none.

    Args:
        data: the data.
    """
    try:
        return msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        pass
    if "\\u" not in data:
        return None
    try:
        return json.loads(data)  # which takes half a character for text
    except (ValueError, RecursionError):
        return None


def join_halves(pieces: Sequence[str]) -> Sequence[str]:
    """Pieces in which a character whose halves came apart is whole again, in the later piece.

    Args:
        pieces: texts, each of which may begin or end with half of a surrogate pair.
    """
    if not any(map(_HALF.search, pieces)):
        return pieces
    joined, held = [], ""
    for piece in pieces:
        text, held = held + piece, ""
        if text and "\ud800" <= text[-1] <= "\udbff":
            text, held = text[:-1], text[-1]
        joined.append(_whole(text))
    return [*joined, _whole(held)] if held else joined


_HALF = re.compile("[\ud800-\udfff]")


def _whole(text: str) -> str:
    """Text with halves that are beside each other joined, and others replaced."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def as_json_text(value: object) -> object:
    """Arguments as the text that they should be, of those who send the object itself.

    Args:
        value: the arguments.
    """
    return msgspec.json.encode(value).decode() if isinstance(value, dict | list) else value


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
            return found.with_payload(status) if 400 <= status <= 599 else found
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
            usage = read_usage(stated) if usages.states_counts(stated) else None
            return Reply(choices=choices, usage=usage)

        return decode_body(script, what, "choices", read)
    choices: dict[int, Heard] = {}
    counts: dict[str, Any] = {}
    error: ApiError | None = None
    for chunk, _ in decode_events(script):
        try:
            error = error or errors.read_error(chunk)
            listed = chunk.get("choices") or ()
            if error is not None and not listed:
                break
            for choice in listed:
                if error is not None and choice.get("finish_reason") == "error":
                    choice = choice | {"finish_reason": None}  # which says no more than the error
                choices.setdefault(choice.get("index") or 0, heard()).take(choice)
            if (stated := _stated_usage(chunk)) is not None:
                counts = _merge(counts, stated)
        except DECODE_ERRORS as wrong:
            raise ReplyError(f"this is no chunk of {what} ({wrong!r}): {chunk}") from None
    said = [choices[index] for index in sorted(choices)] or [heard()]
    usage = read_usage(counts) if usages.states_counts(counts) else None
    return Reply(choices=[one.choice() for one in said], usage=usage, error=error)


def _stated_usage(chunk: dict[str, Any]) -> dict[str, Any] | None:
    """The usage of a chunk, also in a choice, as Moonshot's, or in Groq's own member."""
    own = chunk.get("x_groq")
    places = [chunk, *(chunk.get("choices") or ()), own if isinstance(own, dict) else {}]
    return next((use for one in places if isinstance(use := one.get("usage"), dict)), None)


def _merge(earlier: Mapping[str, Any], later: Mapping[str, Any]) -> dict[str, Any]:
    """What is stated last, and what was stated before that it does not repeat."""
    merged = dict(later)
    for name, before in earlier.items():
        value = merged.get(name)
        if value is None:
            merged[name] = before
        elif isinstance(value, Mapping) and isinstance(before, Mapping):
            merged[name] = _merge(before, value)
    return merged
