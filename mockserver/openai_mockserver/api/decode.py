"""Decoding of responses: the JSON objects of a stream, and the JSON object of a body.

Rules of this file: no I/O. Data that is not a JSON object is ignored in a stream and is an error in
a body. A value of the wrong type, or nested too deeply, is a `ReplyError` from `explain_error` that
names the event or the body.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

import msgspec.json

from openai_mockserver import sse
from openai_mockserver.api import errors
from openai_mockserver.bounded_input import is_deep_json
from openai_mockserver.dialects import usage as usages
from openai_mockserver.exceptions import ReplyError
from openai_mockserver.reply import ApiError, Choice, Reply, Usage
from openai_mockserver.reply.text import check_type
from openai_mockserver.script import Event, Script

__all__ = [
    "DECODE_ERRORS",
    "ChoiceReader",
    "Decoded",
    "as_json_text",
    "check_depth",
    "decode_body",
    "decode_completion",
    "decode_data",
    "decode_events",
    "explain_error",
    "is_stream",
    "join_halves",
    "read_string",
]

DECODE_ERRORS = (
    ArithmeticError,
    AttributeError,
    LookupError,
    RecursionError,
    TypeError,
    ValueError,
    msgspec.DecodeError,
)
"""The exceptions that reading a value of an unexpected type can raise."""


def explain_error(what: str, error: Exception, content: object = None) -> ReplyError:
    """Return the error to raise after reading raised one of `DECODE_ERRORS`.

    Args:
        what: the problem, such as ``event 3 is not a chunk of a completion``.
        error: the exception that was raised.
        content: the value that raised it; the message quotes its beginning.
    """
    message = f"{what}: {_shorten(_explain_reason(error))}"
    if content and not (isinstance(error, RecursionError) and not isinstance(content, str)):
        message += f", in {_shorten(content if isinstance(content, str) else repr(content))}"
    return ReplyError(message)


_LONGEST = 300  # characters of a quotation in a message


def _shorten(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def _explain_reason(error: Exception) -> str:
    if isinstance(error, RecursionError):
        return "it is nested too deeply"
    if isinstance(error, KeyError):
        return f"it has no {error.args[0]!r}"
    if isinstance(error, msgspec.DecodeError):
        return f"it is not JSON: {error}"
    if isinstance(error, ValueError):  # the messages of our own are sentences
        return str(error)
    return f"it contains a value of an unexpected type ({error})"


class Decoded(NamedTuple):
    """A JSON object of a stream.

    Args:
        value: the object.
        event: the event that contains it.
        number: number of the event, counted from 1.
    """

    value: dict[str, Any]
    event: Event
    number: int


def is_stream(script: Script) -> bool:
    """Whether to read a response event by event."""
    return script.is_stream or bool(script.events)


def decode_events(script: Script) -> Iterator[Decoded]:
    """Return the JSON objects of a stream before ``[DONE]``, each with its event.

    Raises:
        ReplyError: if an object is nested too deeply.
    """
    body = sse.body(script.steps)
    if b"error:" in body:  # llama.cpp reports errors in a field that event streams do not have
        body = _ERROR_LINE.sub(rb"\1event: error\ndata:", body)
    for number, event in enumerate(sse.decode(body), 1):
        if event.data.startswith("[DONE]"):
            return
        try:
            payload = _decode_bounded(event.data)
        except RecursionError as error:
            raise explain_error(f"event {number} cannot be read", error, event.data) from None
        if event.event == "error" and errors.read_error(payload) is None:
            if not isinstance(payload, dict):
                payload = {"error": {"message": event.data}}
            elif isinstance(payload.get("message"), str) and "type" not in payload:
                payload = {"error": payload}
        if isinstance(payload, dict):
            yield Decoded(payload, event, number)


_ERROR_LINE = re.compile(rb"(\A|[\r\n])error:")


def decode_data(data: str) -> Any:
    """Decode the data of an event as JSON, in which a string may end in half a character.

    Returns:
        None if the data is not JSON, or if it is nested too deeply.
    """
    try:
        return _decode_bounded(data)
    except RecursionError:
        return None


def _decode_bounded(data: str) -> Any:
    """Decode like `decode_data`, but raise RecursionError for JSON that is nested too deeply."""
    try:
        value = msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeError):
        if "\\u" not in data:
            return None
        try:
            value = json.loads(data)  # accepts half of a surrogate pair
        except ValueError:
            return None
    check_depth(value, data)
    return value


def check_depth(value: object, text: str | bytes) -> None:
    """Raise RecursionError if this JSON value, decoded from this text, is nested too deeply."""
    if is_deep_json(value, text):
        raise RecursionError


def read_string(members: Mapping[str, Any], name: str) -> str:
    """Return a required string member, which may end in half a character.

    Args:
        members: the object that contains the member.
        name: name of the member.

    Raises:
        KeyError: if the member is missing.
        ReplyError: if the value is not a string.
    """
    value = members[name]
    if not isinstance(value, str):
        raise ReplyError(f"{name} must be a string, not {value!r}")
    return value


def join_halves(pieces: Sequence[str]) -> Sequence[str]:
    """Rejoin characters that were split between two pieces; they go into the later piece.

    Args:
        pieces: texts, each of which may begin or end with half of a surrogate pair.
    """
    if not any(map(_HALF.search, pieces)):
        return pieces
    whole_pieces, half = [], ""
    for piece in pieces:
        text, half = half + piece, ""
        if text and "\ud800" <= text[-1] <= "\udbff":
            text, half = text[:-1], text[-1]
        whole_pieces.append(_repair(text))
    return [*whole_pieces, _repair(half)] if half else whole_pieces


_HALF = re.compile("[\ud800-\udfff]")


def _repair(text: str) -> str:
    """Join adjacent halves of surrogate pairs, and replace single halves with U+FFFD."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def as_json_text(value: object) -> object:
    """Return arguments as JSON text: some providers send the object itself."""
    return msgspec.json.encode(value).decode() if isinstance(value, dict | list) else value


def decode_body(
    script: Script, what: str, member: str, read: Callable[[dict[str, Any]], Reply]
) -> Reply | ApiError:
    """Return the reply or error in a body that is not a stream.

    Args:
        script: the response.
        what: what the body should be, such as ``a chat completion``.
        member: the list that such a body contains; without it, the body must be an error.
        read: reads the reply from the JSON object.

    Raises:
        ReplyError: if the body is neither.
    """
    status, body = script.head.status, sse.body(script.steps)
    try:
        value = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeError) as error:
        raise ReplyError(f"the body is neither an event stream nor JSON: {error}") from None
    except RecursionError as error:
        raise explain_error(f"the body is not {what}", error) from None
    try:
        check_depth(value, body)
        if isinstance(value, dict) and isinstance(value.get(member), list):
            return read(value)
        if (api_error := errors.read_error(value)) is not None:
            return api_error.with_payload(status) if 400 <= status <= 599 else api_error
    except DECODE_ERRORS as wrong:
        raise explain_error(f"the body is not {what}", wrong, value) from None
    raise ReplyError(f"the body is not {what}: it has no {member}")


class ChoiceReader(Protocol):
    """Assembles one choice from the chunks of a stream."""

    def add_chunk(self, choice: dict[str, Any]) -> None:
        """Add the choice's part of a chunk."""

    def read_choice(self) -> Choice:
        """Return the choice, as far as it has arrived."""


def decode_completion(
    script: Script,
    what: str,
    make_reader: Callable[[], ChoiceReader],
    read_choice: Callable[[dict[str, Any]], Choice],
    read_usage: Callable[[dict[str, Any]], Usage],
) -> Reply | ApiError:
    """Return the reply in a chat or legacy completion, as far as it has arrived, or the error.

    Args:
        script: the response.
        what: what the response should be, such as ``a chat completion``.
        make_reader: returns a new reader for a choice of a stream.
        read_choice: reads a choice of a body that is not a stream.
        read_usage: reads the usage of a stream or body.

    Raises:
        ReplyError: if the response is neither a completion nor an error.
    """
    if not is_stream(script):

        def read(value: dict[str, Any]) -> Reply:
            counts = value.get("usage")
            choices = [read_choice(choice) for choice in value["choices"]]
            usage = read_usage(counts) if usages.has_counts(counts) else None
            return Reply(choices=choices, usage=usage)

        return decode_body(script, what, "choices", read)
    readers: dict[int, ChoiceReader] = {}
    counts: dict[str, Any] = {}
    error: ApiError | None = None
    for chunk, _, number in decode_events(script):
        try:
            error = error or errors.read_error(chunk)
            chunk_choices = chunk.get("choices") or ()
            if error is not None and not chunk_choices:
                break
            for choice in chunk_choices:
                if error is not None and choice.get("finish_reason") == "error":
                    choice = choice | {"finish_reason": None}  # adds nothing to the error
                check_type(int, index := choice.get("index"), "the index of a choice")
                readers.setdefault(index or 0, make_reader()).add_chunk(choice)
            if (chunk_usage := _find_usage(chunk)) is not None:
                counts = _merge_members(counts, chunk_usage)
        except DECODE_ERRORS as wrong:
            raise explain_error(f"event {number} is not a chunk of {what}", wrong, chunk) from None
    choices = []
    for index in sorted(readers):
        try:
            choices.append(readers[index].read_choice())
        except DECODE_ERRORS as wrong:
            raise explain_error(f"choice {index} is not a choice of {what}", wrong) from None
    try:
        usage = read_usage(counts) if usages.has_counts(counts) else None
    except DECODE_ERRORS as wrong:
        raise explain_error(f"the usage is not the usage of {what}", wrong, counts) from None
    return Reply(choices=choices or [make_reader().read_choice()], usage=usage, error=error)


def _find_usage(chunk: dict[str, Any]) -> dict[str, Any] | None:
    """Return the usage of a chunk: in the chunk, in a choice (Moonshot) or in ``x_groq`` (Groq)."""
    groq = chunk.get("x_groq")
    places = [chunk, *(chunk.get("choices") or ()), groq if isinstance(groq, dict) else {}]
    return next((use for place in places if isinstance(use := place.get("usage"), dict)), None)


def _merge_members(earlier: Mapping[str, Any], later: Mapping[str, Any]) -> dict[str, Any]:
    """Return the later members, and those of the earlier that the later do not have."""
    members = dict(later)
    for name, earlier_value in earlier.items():
        value = members.get(name)
        if value is None:
            members[name] = earlier_value
        elif isinstance(value, Mapping) and isinstance(earlier_value, Mapping):
            members[name] = _merge_members(earlier_value, value)
    return members
