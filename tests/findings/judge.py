"""The judge: compares a consumer's outcome with the right answer, with a sentence for each mistake.

Rules of this file: run nothing, and know no consumer. Fields that a consumer does not report are
not judged. A consumer may use its own words, which its `Manner` lists.

* Text, reasoning and refusal are compared as wholes; None is empty. Arguments are compared as JSON
  values if they are valid, and otherwise as text.
* If the stream has an error, any exception is right, but that of an API error must contain its
  message. A consumer that reports no finish reason need not raise for an incomplete stream.
* With an exception, the outcome so far must be a prefix of the right answer. If all of that had
  arrived (`ARRIVED`), text, reasoning and refusal must be complete.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NoReturn, Protocol

import msgspec
from msgspec import UNSET, UnsetType

from openai_mockserver import ApiError, FunctionCall, Reply, Script, ToolCall
from openai_mockserver.reply import FINISH_REASONS

__all__ = [
    "DEATH",
    "HANG",
    "Call",
    "Counts",
    "Function",
    "Manner",
    "Outcome",
    "RaisedError",
    "AnsweredStream",
    "get_answer",
    "find_mistake",
    "find_mistakes",
]

ARRIVED = frozenset({"api", "incomplete", "timeout"})
"""The errors that follow the complete right answer; a reset may discard what was sent."""

HANG, DEATH = "Hang", "Death"
"""The errors of a consumer that hangs, and of one that dies; never right."""


@dataclass(frozen=True)
class Manner:
    """The ways in which a consumer reports things differently.

    Args:
        reasons: its words for OpenAI's finish reasons, if different; None is no finish reason.
        refusal_as_text: it reports a refusal as text.
        refused: a word that it may report as the finish reason of any refusal.
    """

    reasons: Mapping[str | None, str] = field(default_factory=dict)
    refusal_as_text: bool = False
    refused: str | None = None


class AnsweredStream(Protocol):
    """A stream with its right answer, from the catalogue or a strategy."""

    @property
    def script(self) -> Script: ...
    @property
    def reply(self) -> Reply | ApiError: ...
    @property
    def error(self) -> str | None: ...


def get_answer(stream: AnsweredStream) -> Reply:
    """Return the right answer of a stream, or of an error instead of a stream."""
    return Reply(error=stream.reply) if isinstance(stream.reply, ApiError) else stream.reply


class Function(msgspec.Struct, frozen=True):
    """A call in the legacy form. Arguments are text, or JSON if the consumer reports only that."""

    name: str
    arguments: str


class Call(msgspec.Struct, frozen=True):
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

    An unset field is one that the consumer does not report. ``parsed`` holds the arguments, as
    JSON, that it passes to tools; ``events`` holds the data of the events, for a bare parser.
    """

    text: str | UnsetType | None = UNSET
    reasoning: str | UnsetType | None = UNSET
    refusal: str | UnsetType | None = UNSET
    calls: list[Call] | UnsetType = UNSET
    function_call: Function | UnsetType | None = UNSET
    parsed: list[str] | UnsetType = UNSET
    finish_reason: str | UnsetType | None = UNSET
    usage: Counts | UnsetType | None = UNSET
    error: RaisedError | None = None
    events: list[str] | UnsetType = UNSET


def find_mistake(
    stream: AnsweredStream, outcome: Outcome, manner: Manner | None = None
) -> str | None:
    """Return the first of `find_mistakes`; None if the outcome is right."""
    return next(iter(find_mistakes(stream, outcome, manner)), None)


def find_mistakes(
    stream: AnsweredStream, outcome: Outcome, manner: Manner | None = None
) -> list[str]:
    """Return a sentence for each way in which an outcome differs from the right answer.

    Args:
        stream: the stream that was played, and its right answer.
        outcome: the outcome of the consumer.
        manner: the manner of the consumer.
    """
    sentences = (check(stream, outcome, manner or Manner()) for check in _CHECKS)
    return [sentence for sentence in sentences if sentence is not None]


def _check_error(stream: AnsweredStream, outcome: Outcome, manner: Manner) -> str | None:
    error, kind = outcome.error, stream.error
    if error is None:
        # A consumer without a finish reason has reported that the answer is incomplete. Of several
        # choices, only the first one's reason is known here.
        quiet = outcome.finish_reason in (None, "", manner.reasons.get(None))
        if kind is None or (
            kind == "incomplete" and (quiet or len(get_answer(stream).choices) > 1)
        ):
            return None
        return f"raises nothing, though the stream breaks off with an error ({kind})"
    if error.type in (HANG, DEATH):
        return f"{error.type}: {error.message}"
    if kind is None:
        return f"raises {_format_error(error)}, though all is well"
    cause = get_answer(stream).error
    if kind == "api" and cause is not None and not _contains_message(error, cause.message or ""):
        return f"raises {_format_error(error)}, and loses what the API said: {cause.message!r}"
    return None


def _contains_message(error: RaisedError, message: str) -> bool:
    """Whether an exception's message contains this, verbatim or as a Python literal."""
    return message in error.message or repr(message)[1:-1] in error.message


def _make_text_check(member: str) -> Callable[[AnsweredStream, Outcome, Manner], str | None]:
    def check(stream: AnsweredStream, outcome: Outcome, manner: Manner) -> str | None:
        actual: str | UnsetType | None = getattr(outcome, member)
        if actual is UNSET:
            return None
        reply = get_answer(stream)
        expected = str(getattr(reply, member) or "")
        if member == "text" and manner.refusal_as_text:
            expected += reply.refusal or ""
        if outcome.error is not None and stream.error in ARRIVED and (actual or "") != expected:
            return f"{member} is {actual or ''!r} when the error comes, not {expected!r}"
        return _describe_difference(member, actual or "", expected, outcome.error)

    return check


def _describe_difference(
    what: str, actual: str, expected: str, error: RaisedError | None
) -> str | None:
    """Return how a text differs; with an error, a prefix is right."""
    if actual == expected or (error is not None and expected.startswith(actual)):
        return None
    if error is not None:
        return f"{what} is {actual!r} before the error, which does not begin {expected!r}"
    return f"{what} is {actual!r}, not {expected!r}"


def _check_calls(stream: AnsweredStream, outcome: Outcome, manner: Manner) -> str | None:
    if outcome.calls is UNSET:
        return None
    actual, expected = outcome.calls, get_answer(stream).tool_calls
    if len(actual) > len(expected) or (outcome.error is None and len(actual) < len(expected)):
        actual_calls = f"{_format_count(len(actual))} ({_format_calls(actual)})"
        return f"{actual_calls}, not {len(expected)} ({_format_calls(expected)})"
    for n, (call, expected_call) in enumerate(zip(actual, expected, strict=False), 1):
        if (sentence := _check_call(f"call {n}", call, expected_call, outcome.error)) is not None:
            return sentence
        if call.id and call.id != expected_call.id:
            return f"call {n} has the id {call.id!r}, not {expected_call.id!r}"
    return None


def _check_call(
    label: str,
    actual: Call | Function,
    expected: ToolCall | FunctionCall,
    error: RaisedError | None,
) -> str | None:
    name = f"the name of {label}"
    if (sentence := _describe_difference(name, actual.name, expected.name, error)) is not None:
        return sentence
    value = _decode_arguments(expected.arguments)
    if value is not _NOTHING and _decode_arguments(actual.arguments) == value:
        return None
    arguments = str(expected.arguments)
    return _describe_difference(f"arguments of {label}", actual.arguments, arguments, error)


def _check_function_call(stream: AnsweredStream, outcome: Outcome, manner: Manner) -> str | None:
    actual, expected = outcome.function_call, get_answer(stream).function_call
    if actual is UNSET:
        return None
    if actual is None:
        if expected is None or outcome.error is not None:
            return None
        return f"the function_call of {expected.name!r} is lost"
    if expected is None:
        return f"a function_call of {actual.name!r}, where there is none"
    return _check_call("function_call", actual, expected, outcome.error)


def _check_parsed(stream: AnsweredStream, outcome: Outcome, manner: Manner) -> str | None:
    if outcome.parsed is UNSET or outcome.error is not None:
        return None
    expected = [_decode_arguments(call.arguments) for call in get_answer(stream).tool_calls]
    for arguments in outcome.parsed:
        if _decode_arguments(arguments) not in expected:
            return f"gives a tool the arguments {arguments}, which no call has"
    return None


def _check_finish_reason(stream: AnsweredStream, outcome: Outcome, manner: Manner) -> str | None:
    actual, reason = outcome.finish_reason, get_answer(stream).finish_reason
    if actual is UNSET or outcome.error is not None:
        return None
    if reason is not None and reason not in FINISH_REASONS:
        return None  # other finish reasons have no documented meaning
    expected = manner.reasons.get(reason, reason)
    if get_answer(stream).refusal and manner.refused is not None and actual == manner.refused:
        return None
    return (
        None if (actual or None) == expected else f"finish_reason is {actual!r}, not {expected!r}"
    )


def _check_usage(stream: AnsweredStream, outcome: Outcome, manner: Manner) -> str | None:
    actual, usage = outcome.usage, get_answer(stream).usage
    if actual is UNSET or usage is None or outcome.error is not None:
        return None
    expected = Counts(usage.prompt_tokens, usage.completion_tokens)
    if actual == expected:
        return None
    if actual is None:
        return f"usage is lost, which is {_format_counts(expected)}"
    return f"usage is {_format_counts(actual)}, not {_format_counts(expected)}"


_CHECKS: tuple[Callable[[AnsweredStream, Outcome, Manner], str | None], ...] = (
    _check_error,
    *map(_make_text_check, ("text", "reasoning", "refusal")),
    _check_calls,
    _check_function_call,
    _check_parsed,
    _check_finish_reason,
    _check_usage,
)

_NOTHING = object()


def _decode_arguments(arguments: str) -> Any:
    """Decode arguments; `_NOTHING` if they are not valid JSON. Empty text is an empty object."""

    def refuse(constant: str) -> NoReturn:
        raise ValueError(constant)

    try:
        # Decode numbers as doubles, because RFC 8259 §6 guarantees no more.
        return json.loads(arguments.strip() or "{}", parse_int=float, parse_constant=refuse)
    except ValueError:
        return _NOTHING


def _format_error(error: RaisedError) -> str:
    lines = error.message.strip().splitlines() or [""]
    return f"{error.type}({lines[0][:120]!r})"


def _format_count(n: int) -> str:
    return "one call" if n == 1 else f"{n or 'no'} calls"


def _format_calls(calls: Sequence[Call | ToolCall]) -> str:
    return ", ".join(f"{call.name}({call.arguments})" for call in calls) or "none"


def _format_counts(counts: Counts) -> str:
    return f"{counts.prompt_tokens} + {counts.completion_tokens} tokens"
