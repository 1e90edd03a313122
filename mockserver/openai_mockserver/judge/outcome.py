"""Outcomes: what a consumer made of a stream, and how it reports that.

Rules of this file: values, and their decoding from what a consumer reports: JSON from a program,
or what a Python function returns. A field that is not reported is not judged.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import msgspec.json
from msgspec import UNSET, UnsetType

from openai_mockserver.declared import describe_kind
from openai_mockserver.exceptions import CheckError

__all__ = [
    "DEATH",
    "HANG",
    "ReportedCall",
    "Counts",
    "Function",
    "Outcome",
    "RaisedError",
    "decode_outcome",
    "decode_outcome_line",
    "spell_surrogates",
]

HANG, DEATH = "Hang", "Death"
"""The errors of a consumer that hangs, and of one that dies; never right."""

Json = Mapping[str, Any]


class Function(msgspec.Struct, frozen=True):
    """A call in the legacy form. Arguments are text, or JSON if the consumer reports only that."""

    name: str
    arguments: str


class ReportedCall(msgspec.Struct, frozen=True):
    """A tool call, as far as it arrived."""

    name: str
    arguments: str
    id: str | None = None


class Counts(msgspec.Struct, frozen=True):
    """The usage, as far as it is reported."""

    prompt_tokens: int | None = None
    completion_tokens: int | None = None


class RaisedError(msgspec.Struct, frozen=True):
    """An exception: the name of its class, and its message."""

    type: str
    message: str = ""


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What the application has in the end, complete or up to an error.

    An unset field is one that the consumer does not report.

    Args:
        text: the text of the first choice.
        reasoning: the reasoning, if there is any.
        refusal: the refusal.
        tool_calls: the tool calls in their order.
        function_call: the call in the legacy form.
        parsed: the arguments, as JSON, that it passes to tools.
        finish_reason: the finish reason; None if there was none.
        usage: the counts of tokens.
        error: the error that the application gets; None if there is none.
        unsupported: why the consumer cannot be asked this, such as ``no Responses API``.
        events: the data of the events, for a bare parser.
    """

    text: str | UnsetType | None = UNSET
    reasoning: str | UnsetType | None = UNSET
    refusal: str | UnsetType | None = UNSET
    tool_calls: list[ReportedCall] | UnsetType = UNSET
    function_call: Function | UnsetType | None = UNSET
    parsed: list[str] | UnsetType = UNSET
    finish_reason: str | UnsetType | None = UNSET
    usage: Counts | UnsetType | None = UNSET
    error: RaisedError | None = None
    unsupported: str | None = None
    events: list[str] | UnsetType = UNSET


def decode_outcome_line(line: bytes) -> Outcome:
    """Return the outcome that a program reports as a line of JSON.

    Raises:
        CheckError: the line is not JSON, or not an outcome; the message says where.
    """
    try:
        value = json.loads(line)  # it takes surrogates, which a consumer may have got
    except (ValueError, RecursionError) as error:
        text = line.decode("utf-8", "replace").strip()
        raise CheckError(f"a line of the program is not JSON: {error}: {text[:200]!r}") from None
    if not isinstance(value, dict):
        raise CheckError(f"a line of the program must be an object, not {describe_kind(value)}")
    return decode_outcome(value)


def decode_outcome(value: object) -> Outcome:
    """Return the outcome that a consumer reports.

    Args:
        value: an outcome, a text, None (nothing is reported), or a mapping with the members of
            `Outcome`. Tool calls may have the members of OpenAI's, and arguments may be objects;
            an error may be only its message.

    Raises:
        CheckError: a member is unknown or has the wrong type.

    >>> decode_outcome({"tool_calls": [{"function": {"name": "f", "arguments": {}}}]}).tool_calls
    [ReportedCall(name='f', arguments='{}', id=None)]
    """
    if isinstance(value, Outcome):
        return value
    if value is None:
        return Outcome()
    if isinstance(value, str):
        return Outcome(text=spell_surrogates(value))
    if not isinstance(value, Mapping):
        raise CheckError(
            f"an outcome must be a text or a mapping with its members, not {describe_kind(value)}"
        )
    if unknown := [name for name in value if name not in Outcome.__struct_fields__]:
        known = ", ".join(Outcome.__struct_fields__)
        raise CheckError(f"an outcome has no member {unknown[0]!r}; choose from {known}")
    members = {
        name: _DECODERS.get(name, _keep)(_spell_all(member)) for name, member in value.items()
    }
    try:
        return msgspec.convert(members, Outcome)
    except msgspec.ValidationError as error:
        raise CheckError(f"an outcome is invalid: {error}") from None


def spell_surrogates(text: str) -> str:
    r"""Return a text that UTF-8 can encode: surrogates that stand alone become escapes.

    >>> spell_surrogates("x\udcaf")
    'x\\udcaf'
    """
    return text.encode("utf-8", "backslashreplace").decode()


def _spell_all(value: Any) -> Any:
    """Return JSON in which surrogates that stand alone are escapes."""
    if isinstance(value, str):
        return spell_surrogates(value)
    if isinstance(value, list | tuple):
        return [_spell_all(item) for item in value]
    if isinstance(value, Mapping):
        return {key: _spell_all(item) for key, item in value.items()}
    return value


def _keep(value: object) -> object:
    return value


def _spell_arguments(arguments: object) -> object:
    """Return arguments as text."""
    if arguments is None or isinstance(arguments, str):
        return arguments or ""
    return msgspec.json.encode(arguments).decode()


def _flatten_call(call: object) -> object:
    """Return a call with the members of `ReportedCall`, from one of any form."""
    if not isinstance(call, Mapping):
        return call
    inner = call.get("function") or call.get("custom") or call
    if not isinstance(inner, Mapping):
        return call
    arguments = inner.get("arguments", inner.get("input", inner.get("args")))
    return {
        "name": inner.get("name") or "",
        "arguments": _spell_arguments(arguments),
        "id": call.get("call_id") or call.get("id"),
    }


def _flatten_calls(calls: object) -> object:
    return [_flatten_call(call) for call in calls] if isinstance(calls, list | tuple) else calls


def _flatten_usage(usage: object) -> object:
    """Return usage with the names of chat completions, from those of either endpoint."""
    if not isinstance(usage, Mapping):
        return usage
    return {
        "prompt_tokens": usage.get("prompt_tokens", usage.get("input_tokens")),
        "completion_tokens": usage.get("completion_tokens", usage.get("output_tokens")),
    }


def _flatten_error(error: object) -> object:
    return {"type": "Error", "message": error} if isinstance(error, str) else error


_DECODERS = {
    "tool_calls": lambda calls: _flatten_calls([] if calls is None else calls),
    "function_call": _flatten_call,
    "usage": _flatten_usage,
    "error": _flatten_error,
}
"""How the members that have several forms are decoded."""
