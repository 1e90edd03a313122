"""What a consumer made of a stream, and one sentence on each thing that is not the right answer.

Rules of this file: nothing is run here, and no consumer is known. What a consumer cannot tell it is
not judged by; what it says in a `Manner` of its own is right where only the manner is its own.

* Text, reasoning, refusal: as wholes; None is nothing. Arguments: as JSON values, else as text.
* Where the stream has an error, any exception will do, but that of an API error says its message.
  Who tells that no reason to finish came need not raise because the stream is incomplete.
* With an exception, what was heard before it begins what is right; where all of that had arrived
  (`ARRIVED`), text, reasoning and refusal are whole: an application has shown what it was sent.
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
    "Raised",
    "Told",
    "answer_of",
    "wrong",
    "wrongs",
]

ARRIVED = frozenset({"api", "incomplete", "timeout"})
"""The errors that come after all that the right answer has; a reset may overtake what was sent."""

HANG, DEATH = "Hang", "Death"
"""The errors of who had to be ended, and of who ended: right for no stream."""


@dataclass(frozen=True)
class Manner:
    """How a consumer says what others say otherwise.

    Args:
        reasons: its words for OpenAI's finish reasons, where they are others; None is for none.
        refusal_as_text: a refusal is part of its text.
        refused: a word that it may have for the finish reason of a refusal, whatever that is.
    """

    reasons: Mapping[str | None, str] = field(default_factory=dict)
    refusal_as_text: bool = False
    refused: str | None = None


class Told(Protocol):
    """A stream with its right answer: of the catalogue, or drawn."""

    @property
    def script(self) -> Script: ...
    @property
    def reply(self) -> Reply | ApiError: ...
    @property
    def error(self) -> str | None: ...


def answer_of(stream: Told) -> Reply:
    """The right answer of a stream, or of the error that comes instead of one."""
    return Reply(error=stream.reply) if isinstance(stream.reply, ApiError) else stream.reply


class Function(msgspec.Struct, frozen=True):
    """A call in the legacy form. Arguments are text, or their JSON where that is all there is."""

    name: str
    arguments: str


class Call(msgspec.Struct, frozen=True):
    """A tool call, as far as it came."""

    name: str
    arguments: str
    id: str | None = None


class Counts(msgspec.Struct, frozen=True):
    """The usage, or what is told of it."""

    prompt_tokens: int | None = None
    completion_tokens: int | None = None


class Raised(msgspec.Struct, frozen=True):
    """What was raised: the name of its class, and what it says."""

    type: str
    message: str = ""


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What the application has in the end, whole or as far as it came before the error.

    What is unset, the consumer cannot tell. ``parsed`` are the arguments, as JSON, that it gives to
    run tools with; ``events`` are the data of the events, of who parses no more than these.
    """

    text: str | UnsetType | None = UNSET
    reasoning: str | UnsetType | None = UNSET
    refusal: str | UnsetType | None = UNSET
    calls: list[Call] | UnsetType = UNSET
    function_call: Function | UnsetType | None = UNSET
    parsed: list[str] | UnsetType = UNSET
    finish_reason: str | UnsetType | None = UNSET
    usage: Counts | UnsetType | None = UNSET
    error: Raised | None = None
    events: list[str] | UnsetType = UNSET


def wrong(stream: Told, outcome: Outcome, manner: Manner | None = None) -> str | None:
    """The first of `wrongs`; None where the outcome is right."""
    return next(iter(wrongs(stream, outcome, manner)), None)


def wrongs(stream: Told, outcome: Outcome, manner: Manner | None = None) -> list[str]:
    """How an outcome differs from the right answer, a sentence for each thing that does.

    Args:
        stream: what was played, and its right answer.
        outcome: what came of it.
        manner: the consumer's.
    """
    said = (check(stream, outcome, manner or Manner()) for check in _CHECKS)
    return [sentence for sentence in said if sentence is not None]


def _error(stream: Told, outcome: Outcome, manner: Manner) -> str | None:
    raised, due = outcome.error, stream.error
    if raised is None:
        # Who says that no reason to finish came has said that the answer is not whole; of several
        # choices, only the first one's is told here.
        quiet = outcome.finish_reason in (None, "", manner.reasons.get(None))
        if due is None or (due == "incomplete" and (quiet or len(answer_of(stream).choices) > 1)):
            return None
        return f"raises nothing, though the stream breaks off with an error ({due})"
    if raised.type in (HANG, DEATH):
        return f"{raised.type}: {raised.message}"
    if due is None:
        return f"raises {_shown(raised)}, though all is well"
    error = answer_of(stream).error
    if due == "api" and error is not None and not _tells(raised, error.message or ""):
        return f"raises {_shown(raised)}, and loses what the API said: {error.message!r}"
    return None


def _tells(raised: Raised, message: str) -> bool:
    """Whether an exception says this, as it is or as code has it."""
    return message in raised.message or repr(message)[1:-1] in raised.message


def _text(member: str) -> Callable[[Told, Outcome, Manner], str | None]:
    def check(stream: Told, outcome: Outcome, manner: Manner) -> str | None:
        told: str | UnsetType | None = getattr(outcome, member)
        if told is UNSET:
            return None
        reply = answer_of(stream)
        right = str(getattr(reply, member) or "")
        if member == "text" and manner.refusal_as_text:
            right += reply.refusal or ""
        if outcome.error is not None and stream.error in ARRIVED and (told or "") != right:
            return f"{member} is {told or ''!r} when the error comes, not {right!r}"
        return _differs(member, told or "", right, outcome.error)

    return check


def _differs(what: str, told: str, right: str, error: Raised | None) -> str | None:
    """How a text differs; with an error, what came before it is enough."""
    if told == right or (error is not None and right.startswith(told)):
        return None
    if error is not None:
        return f"{what} is {told!r} before the error, which does not begin {right!r}"
    return f"{what} is {told!r}, not {right!r}"


def _calls(stream: Told, outcome: Outcome, manner: Manner) -> str | None:
    if outcome.calls is UNSET:
        return None
    told, right = outcome.calls, answer_of(stream).tool_calls
    if len(told) > len(right) or (outcome.error is None and len(told) < len(right)):
        return f"{_count(len(told))} ({_listed(told)}), not {len(right)} ({_listed(right)})"
    for n, (call, due) in enumerate(zip(told, right, strict=False), 1):
        if (sentence := _call(f"call {n}", call, due, outcome.error)) is not None:
            return sentence
        if call.id and call.id != due.id:
            return f"call {n} has the id {call.id!r}, not {due.id!r}"
    return None


def _call(
    which: str, call: Call | Function, due: ToolCall | FunctionCall, error: Raised | None
) -> str | None:
    if (sentence := _differs(f"the name of {which}", call.name, due.name, error)) is not None:
        return sentence
    right = _value(due.arguments)
    if right is not _NOTHING and _value(call.arguments) == right:
        return None
    return _differs(f"arguments of {which}", call.arguments, str(due.arguments), error)


def _function_call(stream: Told, outcome: Outcome, manner: Manner) -> str | None:
    told, due = outcome.function_call, answer_of(stream).function_call
    if told is UNSET:
        return None
    if told is None:
        lost = due is not None and outcome.error is None
        return f"the function_call of {due.name!r} is lost" if due is not None and lost else None
    if due is None:
        return f"a function_call of {told.name!r}, where there is none"
    return _call("function_call", told, due, outcome.error)


def _parsed(stream: Told, outcome: Outcome, manner: Manner) -> str | None:
    if outcome.parsed is UNSET or outcome.error is not None:
        return None
    right = [_value(call.arguments) for call in answer_of(stream).tool_calls]
    for arguments in outcome.parsed:
        if _value(arguments) not in right:
            return f"gives a tool the arguments {arguments}, which no call has"
    return None


def _finish_reason(stream: Told, outcome: Outcome, manner: Manner) -> str | None:
    told, right = outcome.finish_reason, answer_of(stream).finish_reason
    if told is UNSET or outcome.error is not None:
        return None
    if right is not None and right not in FINISH_REASONS:
        return None  # what to make of others' reasons, nobody has written down
    due = manner.reasons.get(right, right)
    if answer_of(stream).refusal and manner.refused is not None and told == manner.refused:
        return None
    return None if (told or None) == due else f"finish_reason is {told!r}, not {due!r}"


def _usage(stream: Told, outcome: Outcome, manner: Manner) -> str | None:
    told, right = outcome.usage, answer_of(stream).usage
    if told is UNSET or right is None or outcome.error is not None:
        return None
    due = Counts(right.prompt_tokens, right.completion_tokens)
    if told == due:
        return None
    if told is None:
        return f"usage is lost, which is {_counts(due)}"
    return f"usage is {_counts(told)}, not {_counts(due)}"


_CHECKS: tuple[Callable[[Told, Outcome, Manner], str | None], ...] = (
    _error,
    *map(_text, ("text", "reasoning", "refusal")),
    _calls,
    _function_call,
    _parsed,
    _finish_reason,
    _usage,
)

_NOTHING = object()


def _value(arguments: str) -> Any:
    """Arguments as a value; `_NOTHING` where they are no JSON. None at all are an empty object."""

    def refuse(constant: str) -> NoReturn:
        raise ValueError(constant)

    try:
        # Numbers as doubles: RFC 8259 §6 promises no more.
        return json.loads(arguments.strip() or "{}", parse_int=float, parse_constant=refuse)
    except ValueError:
        return _NOTHING


def _shown(raised: Raised) -> str:
    lines = raised.message.strip().splitlines() or [""]
    return f"{raised.type}({lines[0][:120]!r})"


def _count(n: int) -> str:
    return "one call" if n == 1 else f"{n or 'no'} calls"


def _listed(calls: Sequence[Call | ToolCall]) -> str:
    return ", ".join(f"{call.name}({call.arguments})" for call in calls) or "none"


def _counts(counts: Counts) -> str:
    return f"{counts.prompt_tokens} + {counts.completion_tokens} tokens"
