"""Reading responses back: the JSON objects of a stream, and the one of a body.

Rules of this file: no I/O; what is no JSON object in a stream is passed over, in a body it is an
error that says so. A value of the wrong kind, or nested too deeply, is one `ReplyError` that says
which event or body it is in, made by `explain_error`.
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
    "Decoded",
    "Heard",
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
"""What taking a value for another raises."""


def explain_error(what: str, error: Exception, content: object = None) -> ReplyError:
    """The error to raise where reading raised one of `DECODE_ERRORS`.

    Args:
        what: what cannot be read, and as what, as in ``event 3 is no chunk of a completion``.
        error: what was raised.
        content: what it was raised of; its beginning is told.
    """
    told = f"{what}: {_shorten(_reason(error))}"
    if content and not (isinstance(error, RecursionError) and not isinstance(content, str)):
        told += f", in {_shorten(content if isinstance(content, str) else repr(content))}"
    return ReplyError(told)


_MOST_TOLD = 300


def _shorten(text: str) -> str:
    return text if len(text) <= _MOST_TOLD else f"{text[: _MOST_TOLD - 1]}…"


def _reason(error: Exception) -> str:
    if isinstance(error, RecursionError):
        return "it is nested too deeply"
    if isinstance(error, KeyError):
        return f"it has no {error.args[0]!r}"
    if isinstance(error, msgspec.DecodeError):
        return f"it is not JSON: {error}"
    if isinstance(error, ValueError):  # our own are sentences
        return str(error)
    return f"a value in it is of another kind than is read there ({error})"


class Decoded(NamedTuple):
    """A JSON object of a stream.

    Args:
        value: the object.
        event: the event whose data it is.
        number: of the event, from 1.
    """

    value: dict[str, Any]
    event: Event
    number: int


def is_stream(script: Script) -> bool:
    """Whether a response is to be read event by event."""
    return script.is_stream or bool(script.events)


def decode_events(script: Script) -> Iterator[Decoded]:
    """The JSON objects of a stream until ``[DONE]``, each with its event.

    Raises:
        ReplyError: for one that is nested too deeply.
    """
    body = sse.body(script.steps)
    if b"error:" in body:  # a field of no event stream, in which llama.cpp tells its errors
        body = _ERROR_LINE.sub(rb"\1event: error\ndata:", body)
    for number, event in enumerate(sse.decode(body), 1):
        if event.data.startswith("[DONE]"):
            return
        try:
            said = _decode_bounded(event.data)
        except RecursionError as error:
            raise explain_error(f"event {number} cannot be read", error, event.data) from None
        if event.event == "error" and errors.read_error(said) is None:
            if not isinstance(said, dict):
                said = {"error": {"message": event.data}}
            elif isinstance(said.get("message"), str) and "type" not in said:
                said = {"error": said}
        if isinstance(said, dict):
            yield Decoded(said, event, number)


_ERROR_LINE = re.compile(rb"(\A|[\r\n])error:")


def decode_data(data: str) -> Any:
    """An event's data as JSON, in which a text may end within a character; None if it is none.

    What is nested too deeply is none either.

    Args:
        data: the data.
    """
    try:
        return _decode_bounded(data)
    except RecursionError:
        return None


def _decode_bounded(data: str) -> Any:
    """The same; raises RecursionError for what is nested too deeply."""
    try:
        value = msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeError):
        if "\\u" not in data:
            return None
        try:
            value = json.loads(data)  # which takes half a character for text
        except ValueError:
            return None
    check_depth(value, data)
    return value


def check_depth(value: object, text: str | bytes) -> None:
    """Raise RecursionError for a JSON value, of this text, that is nested too deeply to walk."""
    if is_deep_json(value, text):
        raise RecursionError


def read_string(members: Mapping[str, Any], name: str) -> str:
    """A member that has to be there and be a string, which may end within a character.

    Args:
        members: the object that has it.
        name: its name.

    Raises:
        KeyError: if it is missing.
        ReplyError: for a value of another kind.
    """
    value = members[name]
    if not isinstance(value, str):
        raise ReplyError(f"{name} is a text, not {value!r}")
    return value


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
        if (found := errors.read_error(value)) is not None:
            return found.with_payload(status) if 400 <= status <= 599 else found
    except DECODE_ERRORS as error:
        raise explain_error(f"the body is not {what}", error, value) from None
    raise ReplyError(f"the body is not {what}: it has no {member}")


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
            usage = read_usage(stated) if usages.has_counts(stated) else None
            return Reply(choices=choices, usage=usage)

        return decode_body(script, what, "choices", read)
    choices: dict[int, Heard] = {}
    counts: dict[str, Any] = {}
    error: ApiError | None = None
    for chunk, _, number in decode_events(script):
        try:
            error = error or errors.read_error(chunk)
            listed = chunk.get("choices") or ()
            if error is not None and not listed:
                break
            for choice in listed:
                if error is not None and choice.get("finish_reason") == "error":
                    choice = choice | {"finish_reason": None}  # which says no more than the error
                check_type(int, index := choice.get("index"), "the index of a choice")
                choices.setdefault(index or 0, heard()).take(choice)
            if (stated := _stated_usage(chunk)) is not None:
                counts = _merge(counts, stated)
        except DECODE_ERRORS as wrong:
            raise explain_error(f"event {number} is no chunk of {what}", wrong, chunk) from None
    said = []
    for index in sorted(choices):
        try:
            said.append(choices[index].choice())
        except DECODE_ERRORS as wrong:
            raise explain_error(f"choice {index} is none of {what}", wrong) from None
    try:
        usage = read_usage(counts) if usages.has_counts(counts) else None
    except DECODE_ERRORS as wrong:
        raise explain_error(f"the usage is none of {what}", wrong, counts) from None
    return Reply(choices=said or [heard().choice()], usage=usage, error=error)


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
