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
from typing import Any, Literal, NamedTuple, NoReturn, Protocol

import msgspec.structs
from msgspec import UNSET, UnsetType

from openai_mockserver.judge.outcome import (
    DEATH,
    HANG,
    Counts,
    Function,
    Outcome,
    RaisedError,
    ReportedCall,
)
from openai_mockserver.reply import FINISH_REASONS, ApiError, FunctionCall, Reply, ToolCall
from openai_mockserver.script import Script

__all__ = [
    "GRADES",
    "AnsweredStream",
    "Grade",
    "Manner",
    "Mistake",
    "find_mistakes",
    "get_answer",
    "worst_grade",
]

Grade = Literal["pass", "unsupported", "lossy", "wrong", "silent", "crash", "hang"]

GRADES: dict[Grade, str] = {
    "pass": "the right answer, or the right error",
    "unsupported": "the consumer cannot be asked this",
    "lossy": "right, but something is missing",
    "wrong": "another answer",
    "silent": "an error is swallowed, or half an answer is given as a whole one",
    "crash": "an error where all was well",
    "hang": "no answer in time",
}
"""The grades, from the best to the worst, each with what it means."""


class Mistake(NamedTuple):
    """A way in which an outcome differs from the right answer: its grade, and a sentence."""

    grade: Grade
    sentence: str

    def __str__(self) -> str:
        return self.sentence


def worst_grade(mistakes: Sequence[Mistake]) -> Grade:
    """Return the worst grade of these mistakes; ``pass`` if there is none."""
    order: list[Grade] = list(GRADES)
    return max((mistake.grade for mistake in mistakes), key=order.index, default="pass")


ARRIVED = frozenset({"api", "incomplete", "timeout"})
"""The errors that follow the complete right answer; a reset may discard what was sent."""


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


def find_mistakes(
    stream: AnsweredStream, outcome: Outcome, manner: Manner | None = None
) -> list[Mistake]:
    """Return each way in which an outcome differs from the right answer.

    Args:
        stream: the stream that was played, and its right answer.
        outcome: the outcome of the consumer.
        manner: the manner of the consumer.
    """
    mistakes = (check(stream, outcome, manner or Manner()) for check in _CHECKS)
    return [mistake for mistake in mistakes if mistake is not None]


def _check_error(stream: AnsweredStream, outcome: Outcome, manner: Manner) -> Mistake | None:
    error, kind = outcome.error, stream.error
    if error is None:
        # A consumer without a finish reason has reported that the answer is incomplete. Of several
        # choices, only the first one's reason is known here.
        quiet = _read_reason(outcome, manner) in (None, manner.reasons.get(None))
        if kind is None or (
            kind == "incomplete" and (quiet or len(get_answer(stream).choices) > 1)
        ):
            return None
        return Mistake(
            "silent", f"raises nothing, though the stream breaks off with an error ({kind})"
        )
    if error.type in (HANG, DEATH):
        return Mistake("hang" if error.type == HANG else "crash", f"{error.type}: {error.message}")
    if kind is None:
        return Mistake("crash", f"raises {_format_error(error)}, though all is well")
    cause = get_answer(stream).error
    if kind == "api" and cause is not None and not _contains_message(error, cause.message or ""):
        return Mistake(
            "lossy",
            f"raises {_format_error(error)}, and loses what the API said: {cause.message!r}",
        )
    return None


def _contains_message(error: RaisedError, message: str) -> bool:
    """Whether an exception's message contains this, verbatim or as a Python literal."""
    return message in error.message or repr(message)[1:-1] in error.message


def _make_text_check(member: str) -> Callable[[AnsweredStream, Outcome, Manner], Mistake | None]:
    def check(stream: AnsweredStream, outcome: Outcome, manner: Manner) -> Mistake | None:
        actual: str | UnsetType | None = getattr(outcome, member)
        if actual is UNSET:
            return None
        reply = get_answer(stream)
        expected = str(getattr(reply, member) or "")
        if member == "text" and manner.refusal_as_text:
            expected += reply.refusal or ""
        if outcome.error is not None and stream.error in ARRIVED and (actual or "") != expected:
            grade: Grade = "lossy" if expected.startswith(actual or "") else "wrong"
            return Mistake(
                grade, f"{member} is {actual or ''!r} when the error comes, not {expected!r}"
            )
        is_optional = member != "text" and not actual
        return _compare_texts(
            member, actual or "", expected, outcome.error, "lossy" if is_optional else "wrong"
        )

    return check


def _compare_texts(
    what: str, actual: str, expected: str, error: RaisedError | None, grade: Grade = "wrong"
) -> Mistake | None:
    """Return how a text differs; with an error, a prefix is right."""
    if actual == expected or (error is not None and expected.startswith(actual)):
        return None
    shown, right = _quote_difference(actual, expected)
    if error is not None:
        return Mistake(grade, f"{what} is {shown} before the error, which does not begin {right}")
    return Mistake(grade, f"{what} is {shown}, not {right}")


def _quote_difference(actual: str, expected: str) -> tuple[str, str]:
    """Return two texts as they are shown: long ones from shortly before their first difference."""
    if max(len(actual), len(expected)) <= _MOST_SHOWN:
        return repr(actual), repr(expected)
    pairs = enumerate(zip(actual, expected, strict=False))
    same = next((at for at, (a, b) in pairs if a != b), min(len(actual), len(expected)))
    start = max(0, same - _MOST_SHOWN // 4)
    return _quote_part(actual, start), _quote_part(expected, start)


def _quote_part(text: str, start: int) -> str:
    """Return a part of a text, with … for what is left out."""
    part = text[start : start + _MOST_SHOWN]
    before, after = "… " * bool(start), " …" * (start + _MOST_SHOWN < len(text))
    return f"{before}{part!r}{after}"


def _check_calls(stream: AnsweredStream, outcome: Outcome, manner: Manner) -> Mistake | None:
    if outcome.tool_calls is UNSET:
        return None
    actual, expected = outcome.tool_calls, get_answer(stream).tool_calls
    if len(actual) > len(expected) or (outcome.error is None and len(actual) < len(expected)):
        actual_calls = f"{_format_count(len(actual))} ({_format_calls(actual)})"
        return Mistake("wrong", f"{actual_calls}, not {len(expected)} ({_format_calls(expected)})")
    for n, (call, expected_call) in enumerate(zip(actual, expected, strict=False), 1):
        if (mistake := _check_call(f"call {n}", call, expected_call, outcome.error)) is not None:
            return mistake
        if call.id and expected_call.id and call.id != expected_call.id:
            return Mistake("wrong", f"call {n} has the id {call.id!r}, not {expected_call.id!r}")
    return None


def _check_call(
    label: str,
    actual: ReportedCall | Function,
    expected: ToolCall | FunctionCall,
    error: RaisedError | None,
) -> Mistake | None:
    name = f"the name of {label}"
    if (mistake := _compare_texts(name, actual.name, expected.name, error)) is not None:
        return mistake
    value = _decode_arguments(expected.arguments)
    if value is not _NOTHING and _decode_arguments(actual.arguments) == value:
        return None
    arguments = str(expected.arguments)
    return _compare_texts(f"arguments of {label}", actual.arguments, arguments, error)


def _check_function_call(
    stream: AnsweredStream, outcome: Outcome, manner: Manner
) -> Mistake | None:
    actual, expected = outcome.function_call, get_answer(stream).function_call
    if actual is UNSET:
        return None
    if actual is None:
        if expected is None or outcome.error is not None:
            return None
        return Mistake("wrong", f"the function_call of {expected.name!r} is lost")
    if expected is None:
        return Mistake("wrong", f"a function_call of {actual.name!r}, where there is none")
    return _check_call("function_call", actual, expected, outcome.error)


def _check_parsed(stream: AnsweredStream, outcome: Outcome, manner: Manner) -> Mistake | None:
    if outcome.parsed is UNSET or outcome.error is not None:
        return None
    expected = [_decode_arguments(call.arguments) for call in get_answer(stream).tool_calls]
    for arguments in outcome.parsed:
        if _decode_arguments(arguments) not in expected:
            return Mistake("wrong", f"gives a tool the arguments {arguments}, which no call has")
    return None


def _check_finish_reason(
    stream: AnsweredStream, outcome: Outcome, manner: Manner
) -> Mistake | None:
    actual, reason = _read_reason(outcome, manner), get_answer(stream).finish_reason
    if actual is UNSET or outcome.error is not None:
        return None
    if reason is not None and reason not in FINISH_REASONS:
        return None  # other finish reasons have no documented meaning
    expected = manner.reasons.get(reason, reason)
    if get_answer(stream).refusal and manner.refused is not None and actual == manner.refused:
        return None
    if actual == expected:
        return None
    return Mistake("wrong" if actual else "lossy", f"finish_reason is {actual!r}, not {expected!r}")


def _read_reason(outcome: Outcome, manner: Manner) -> str | UnsetType | None:
    """Return the reported finish reason in OpenAI's words, unless the manner lists others."""
    reason = outcome.finish_reason
    if isinstance(reason, UnsetType):
        return reason
    if not reason or manner.reasons:
        return reason or None
    word = reason.lower().replace("-", "_")
    return _SYNONYMS.get(word, reason if word not in FINISH_REASONS else word)


def _check_usage(stream: AnsweredStream, outcome: Outcome, manner: Manner) -> Mistake | None:
    actual, usage = outcome.usage, get_answer(stream).usage
    if actual is UNSET or usage is None or outcome.error is not None:
        return None
    expected = Counts(usage.prompt_tokens, usage.completion_tokens)
    if actual == expected:
        return None
    if actual is None:
        return Mistake("lossy", f"usage is lost, which is {_format_counts(expected)}")
    parts = zip(msgspec.structs.astuple(actual), msgspec.structs.astuple(expected), strict=True)
    is_part = all(count in (None, right) for count, right in parts)
    return Mistake(
        "lossy" if is_part else "wrong",
        f"usage is {_format_counts(actual)}, not {_format_counts(expected)}",
    )


_CHECKS: tuple[Callable[[AnsweredStream, Outcome, Manner], Mistake | None], ...] = (
    _check_error,
    *map(_make_text_check, ("text", "reasoning", "refusal")),
    _check_calls,
    _check_function_call,
    _check_parsed,
    _check_finish_reason,
    _check_usage,
)

_SYNONYMS = {
    "tool_call": "tool_calls",
    "tool_use": "tool_calls",
    "max_tokens": "length",
    "max_output_tokens": "length",
    "end_turn": "stop",
    "eos": "stop",
    "completed": "stop",
    "other": None,
    "unknown": None,
}
"""Words of SDKs and of other endpoints for OpenAI's finish reasons."""

_NOTHING = object()

_MOST_SHOWN = 160  # characters of a text in a sentence


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
    line = lines[-1 if lines[0].startswith("Traceback ") else 0]
    return f"{error.type}({line[:120]!r})"


def _format_count(n: int) -> str:
    return "one call" if n == 1 else f"{n or 'no'} calls"


def _format_calls(calls: Sequence[ReportedCall | ToolCall]) -> str:
    return ", ".join(f"{call.name}({call.arguments})" for call in calls) or "none"


def _format_counts(counts: Counts) -> str:
    return f"{counts.prompt_tokens} + {counts.completion_tokens} tokens"
