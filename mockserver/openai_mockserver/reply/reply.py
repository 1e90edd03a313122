"""The reply itself: what the model says, the value that every endpoint renders and reads.

Rules of this file: frozen values, checked when they are made, without endpoint, bytes, clock or
chance. What a reply consists of is in `openai_mockserver.reply.content`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from openai_mockserver import tokens
from openai_mockserver.exceptions import ReplyError
from openai_mockserver.reply.content import (
    Annotation,
    Audio,
    FunctionCall,
    Logprob,
    Message,
    Output,
    Reasoning,
    ToolCall,
    as_annotation,
    by_piece,
)
from openai_mockserver.reply.errors import ApiError
from openai_mockserver.reply.text import Json, Text, as_text, must_be, print_repr
from openai_mockserver.reply.usage import Usage

__all__ = ["Choice", "Reply", "as_reply"]

FINISH_REASONS = ("stop", "length", "tool_calls", "content_filter", "function_call")
"""The finish reasons of OpenAI's chat completions."""


@dataclass(frozen=True, slots=True, repr=False)
class Choice:
    """One of a reply's n answers. The arguments are those of `Reply`."""

    _repr_pretty_ = print_repr

    text: Text | None = None
    reasoning: Text | None = None
    refusal: Text | None = None
    tool_calls: tuple[ToolCall, ...] = ()
    function_call: FunctionCall | None = None
    logprobs: tuple[tuple[Logprob, ...], ...] | None = None
    finish_reason: str | None = None
    ordered: tuple[Output, ...] = ()
    audio: Audio | None = None
    annotations: tuple[Annotation, ...] = ()

    def __init__(
        self,
        text: str | Iterable[str] | None = None,
        *,
        reasoning: str | Iterable[str] | None = None,
        refusal: str | Iterable[str] | None = None,
        tool_calls: ToolCall | Iterable[ToolCall] = (),
        function_call: FunctionCall | None = None,
        logprobs: Iterable[Logprob | Iterable[Logprob]] | None = None,
        finish_reason: str | None = "auto",
        output: Iterable[Output | str] | None = None,
        audio: Audio | None = None,
        annotations: Iterable[Annotation | Mapping[str, Any]] = (),
    ) -> None:
        must_be(Audio, audio, "audio")
        must_be(Iterable, annotations, "annotations", optional=False)
        if output is not None:
            if tool_calls or annotations or (text, reasoning, refusal, logprobs) != (None,) * 4:
                raise ReplyError("a reply has output=[...] or text, reasoning and tool_calls")
            ordered, said = _said(output)
            text, reasoning, refusal = said.text, said.reasoning, said.refusal
            tool_calls, logprobs = said.tool_calls, said.logprobs
            annotations = said.annotations
        else:
            ordered = ()
        must_be(FunctionCall, function_call, "function_call")
        must_be(str, finish_reason, "finish_reason")
        calls: tuple[ToolCall, ...] = (tool_calls,) if isinstance(tool_calls, ToolCall) else ()
        if not calls:
            must_be(Iterable, tool_calls, "tool_calls", optional=False)
            calls = tuple(tool_calls)  # type: ignore[arg-type]
        for call in calls:
            if not isinstance(call, ToolCall):
                raise ReplyError(f"tool_calls holds ToolCall(name, arguments), not {call!r}")
        if finish_reason == "auto":
            finish_reason = (
                "tool_calls" if calls else "function_call" if function_call is not None else "stop"
            )
            if audio is not None:
                finish_reason = None  # WIRE.md §1: streams of audio have none
        put = object.__setattr__
        put(self, "text", as_text(text))
        put(self, "reasoning", as_text(reasoning))
        put(self, "refusal", as_text(refusal))
        put(self, "tool_calls", _distinct(calls))
        put(self, "function_call", function_call)
        put(self, "logprobs", by_piece(logprobs))
        put(self, "finish_reason", finish_reason)
        put(self, "ordered", ordered)
        put(self, "audio", audio)
        n = 0 if self.text is None else len(self.text.pieces)
        put(self, "annotations", tuple(as_annotation(value, n) for value in annotations))

    @property
    def output(self) -> tuple[Output, ...]:
        """All that is said and done, in order: thinking, then text, then calls unless told."""
        return self.ordered or _in_order(self)

    def __repr__(self) -> str:
        return f"Choice({_choice_arguments(self)})"


def _in_order(choice: Choice | _Said) -> tuple[Output, ...]:
    """The output of what is told in no order of its own."""
    output: list[Output] = []
    if choice.reasoning is not None:
        output.append(Reasoning([choice.reasoning]))
    if choice.text is not None or choice.refusal is not None:
        output.append(
            Message(
                choice.text,
                refusal=choice.refusal,
                annotations=choice.annotations,
                logprobs=choice.logprobs,
            )
        )
    return (*output, *choice.tool_calls)


class _Said(NamedTuple):
    text: Text | None
    reasoning: Text | None
    refusal: Text | None
    tool_calls: tuple[ToolCall, ...]
    logprobs: tuple[tuple[Logprob, ...], ...] | None
    annotations: tuple[Annotation, ...]


def _said(output: Iterable[Output | str]) -> tuple[tuple[Output, ...], _Said]:
    """Output as it is kept, which is not at all where its order is the usual one; what it says."""
    must_be(Iterable, output, "output", optional=False)
    items = tuple(Message(item) if isinstance(item, str) else item for item in output)
    for item in items:
        if not isinstance(item, Output):
            raise ReplyError(f"output holds text, Message, Reasoning, ToolCall, Item, not {item!r}")
    messages = [item for item in items if isinstance(item, Message)]
    thoughts = [part for i in items if isinstance(i, Reasoning) for part in i.summary or i.content]
    logprobs = [m.logprobs for m in messages if m.logprobs is not None]
    said = _Said(
        _joined([m.text for m in messages if m.text is not None]),
        _joined(thoughts, "\n\n"),
        _joined([m.refusal for m in messages if m.refusal is not None]),
        _distinct(tuple(item for item in items if isinstance(item, ToolCall))),
        tuple(entry for entries in logprobs for entry in entries) if logprobs else None,
        tuple(_cited(messages)),
    )
    calls = iter(said.tool_calls)
    items = tuple(next(calls) if isinstance(item, ToolCall) else item for item in items)
    return () if items == _in_order(said) else items, said


def _cited(messages: Iterable[Message]) -> Iterable[Annotation]:
    """The citations of all messages, as those of their joined text."""
    pieces = 0
    for message in messages:
        for one in message.annotations:
            yield replace(one, after=pieces + (one.after or 0))
        pieces += 0 if message.text is None else len(message.text.pieces)


def _joined(texts: list[Text], between: str = "") -> Text | None:
    if not texts:
        return None
    pieces, sizes = list(texts[0].pieces), list(texts[0].sizes)
    for text in texts[1:]:
        pieces += [between, *text.pieces] if between else text.pieces
        sizes += [1, *text.sizes] if between else text.sizes
    return Text(pieces, sizes)


def _distinct(calls: tuple[ToolCall, ...]) -> tuple[ToolCall, ...]:
    """Calls as they travel together: each with its own id, and their JSON as OpenAI cuts it."""
    if len(calls) < 2:
        return calls
    ids: set[str] = set()
    together: list[ToolCall] = []
    for call in calls:
        if call.has_derived_id:
            call = call.apart_from(ids)
        if call.id in ids and call.id:  # Gemini's calls had an empty one
            raise ReplyError(f"two tool calls of one reply have the id {call.id!r}")
        ids.add(call.id)
        if isinstance(call.arguments, Json):
            # WIRE.md §1: arguments of parallel calls are spaced, and cut in a cycle of 4, 5, 6.
            spaced = json.dumps(call.parsed, ensure_ascii=False)
            call = replace(call, arguments=Text(tokens.cycle(spaced)))
        together.append(call)
    return tuple(together)


_SHOWN = (
    "reasoning",
    "refusal",
    "tool_calls",
    "function_call",
    "logprobs",
    "audio",
    "annotations",
)


def _choice_arguments(choice: Choice) -> str:
    given = []
    if choice.ordered:
        given.append(f"output={list(choice.ordered)!r}")
    elif choice.text is not None:
        given.append(repr(choice.text))
    for name in _SHOWN:
        value = getattr(choice, name)
        if name not in ("function_call", "audio") and choice.ordered:
            continue
        if value is not None and (value != () or name == "logprobs"):
            given.append(f"{name}={value!r}")
    given.append(f"finish_reason={choice.finish_reason!r}")
    return ", ".join(given)


@dataclass(frozen=True, slots=True, repr=False)
class Reply:
    """What the model says to one request, and what a right consumer must end up with.

    Args:
        text: the answer, or the pieces it arrives in.
        reasoning: thinking that comes before the answer (``reasoning_content``).
        refusal: the model's refusal, instead of text.
        tool_calls: one call or several.
        function_call: one call in the legacy form.
        logprobs: for each piece of the text (or refusal) its `Logprob`, or several.
        finish_reason: OpenAI's five; by default what follows from the rest; None never finishes.
        usage: token counts; counted from the pieces when absent.
        choices: instead of all the above, n answers: `Choice` takes the same arguments.
        output: instead of text, reasoning, refusal and calls, all of it in an order of its own:
            texts, `Message`, `Reasoning`, `ToolCall`, `Item`.
        error: an error event that breaks the stream off after all this; nothing finishes then.
            With nothing before it, it is the only event of a stream whose status is 200.
        audio: speech, instead of text.
        annotations: what the text cites: `url_citation`, or the JSON of another `Annotation`.

    Raises:
        ReplyError: when an argument is not of its kind.

    >>> Reply("Hello, world").finish_reason
    'stop'
    >>> Reply(tool_calls=ToolCall("now")).finish_reason
    'tool_calls'
    """

    _repr_pretty_ = print_repr

    choices: tuple[Choice, ...]
    usage: Usage | None
    error: ApiError | None

    def __init__(
        self,
        text: str | Iterable[str] | None = None,
        *,
        reasoning: str | Iterable[str] | None = None,
        refusal: str | Iterable[str] | None = None,
        tool_calls: ToolCall | Iterable[ToolCall] = (),
        function_call: FunctionCall | None = None,
        logprobs: Iterable[Logprob | Iterable[Logprob]] | None = None,
        finish_reason: str | None = "auto",
        usage: Usage | None = None,
        choices: Iterable[Choice] | None = None,
        output: Iterable[Output | str] | None = None,
        error: ApiError | None = None,
        audio: Audio | None = None,
        annotations: Iterable[Annotation | Mapping[str, Any]] = (),
    ) -> None:
        must_be(Usage, usage, "usage")
        must_be(ApiError, error, "error")
        if error is not None and finish_reason == "auto":
            finish_reason = None
        if choices is None:
            one = Choice(
                text,
                reasoning=reasoning,
                refusal=refusal,
                tool_calls=tool_calls,
                function_call=function_call,
                logprobs=logprobs,
                finish_reason=finish_reason,
                audio=audio,
                annotations=annotations,
                output=output,
            )
            choices = (one,)
        else:
            must_be(Iterable, choices, "choices")
            said = (text, reasoning, refusal, function_call, logprobs, audio, output)
            # The finish reasons that an error, or nothing said, gives by itself.
            told = tool_calls or annotations or finish_reason not in ("auto", "stop", None)
            if told or any(value is not None for value in said):
                raise ReplyError(
                    "a reply has choices=[Choice(...), ...] or one choice's own arguments"
                )
        several = tuple(choices)
        for choice in several:
            if not isinstance(choice, Choice):
                raise ReplyError(f"choices holds Choice(...), not {choice!r}")
        if not several:
            raise ReplyError("a reply has at least one choice")
        object.__setattr__(self, "choices", several)
        object.__setattr__(self, "usage", usage)
        object.__setattr__(self, "error", error and error.with_payload(error.status))

    def __eq__(self, other: object) -> bool:
        """Whether it says the same. OpenAI's streams do not state the status of their error."""
        return isinstance(other, Reply) and self._compared == other._compared

    def __hash__(self) -> int:
        return hash(self._compared)

    @property
    def _compared(self) -> tuple[Any, ...]:
        return self.choices, self.usage, self.error and self.error.mid_stream

    @property
    def is_only_error(self) -> bool:
        """Whether nothing is said or finished before the error."""
        return self.error is not None and not any(
            choice.output or choice.function_call or choice.audio or choice.finish_reason
            for choice in self.choices
        )

    @property
    def text(self) -> Text | None:
        """The first choice's text."""
        return self.choices[0].text

    @property
    def reasoning(self) -> Text | None:
        """The first choice's reasoning."""
        return self.choices[0].reasoning

    @property
    def refusal(self) -> Text | None:
        """The first choice's refusal."""
        return self.choices[0].refusal

    @property
    def output(self) -> tuple[Output, ...]:
        """The first choice's output, in order."""
        return self.choices[0].output

    @property
    def tool_calls(self) -> tuple[ToolCall, ...]:
        """The first choice's tool calls."""
        return self.choices[0].tool_calls

    @property
    def function_call(self) -> FunctionCall | None:
        """The first choice's legacy function call."""
        return self.choices[0].function_call

    @property
    def logprobs(self) -> tuple[tuple[Logprob, ...], ...] | None:
        """The first choice's log probabilities, by piece."""
        return self.choices[0].logprobs

    @property
    def finish_reason(self) -> str | None:
        """The first choice's finish reason."""
        return self.choices[0].finish_reason

    @property
    def audio(self) -> Audio | None:
        """The first choice's speech."""
        return self.choices[0].audio

    @property
    def annotations(self) -> tuple[Annotation, ...]:
        """The first choice's annotations."""
        return self.choices[0].annotations

    def __repr__(self) -> str:
        if len(self.choices) == 1:
            given = [_choice_arguments(self.choices[0])]
        else:
            given = [f"choices=[{', '.join(map(repr, self.choices))}]"]
        if self.usage is not None:
            given.append(f"usage={self.usage!r}")
        if self.error is not None:
            given.append(f"error={self.error!r}")
        return f"Reply({', '.join(given)})"


def as_reply(value: object) -> Reply | ApiError:
    """A reply from what people write: text, a tool call, or a list of them.

    >>> as_reply("hi").text
    'hi'
    >>> [call.name for call in as_reply(["Let me look.", ToolCall("a"), ToolCall("b")]).tool_calls]
    ['a', 'b']
    """
    if isinstance(value, Reply | ApiError):
        return value
    if isinstance(value, str):
        return Reply(value)
    if isinstance(value, ToolCall):
        return Reply(tool_calls=value)
    if isinstance(value, FunctionCall):
        return Reply(function_call=value)
    if isinstance(value, Choice):
        return Reply(choices=[value])
    if isinstance(value, list | tuple) and value:
        texts = [v for v in value if isinstance(v, str)]
        calls = [v for v in value if isinstance(v, ToolCall)]
        if len(texts) + len(calls) == len(value):
            # Texts are the pieces of one; a single one beside calls is still to be cut.
            text = texts[0] if len(texts) == 1 and calls else texts
            return Reply(text or None, tool_calls=calls)
        if all(isinstance(v, Choice) for v in value):
            return Reply(choices=value)
    raise ReplyError(
        "a reply is text, a ToolCall, a list of these, a Reply, an ApiError, a Script or a stream, "
        f"not {value!r}"
    )


def check_servable(reply: Reply, any_reason: bool = False) -> None:
    """Raise ReplyError for what no OpenAI endpoint would say, with the choice and the reason.

    With ``any_reason`` finish reasons may be others than OpenAI's, as its imitators have them.
    """
    for index, choice in enumerate(reply.choices):
        for wrong, why in _UNSERVABLE:
            if wrong(choice) and not (any_reason and wrong is _unreasonable):
                where = f"choice {index}: " if len(reply.choices) > 1 else ""
                raise ReplyError(f"this reply cannot be served: {where}{why(choice)}")


def _misaligned(choice: Choice) -> bool:
    spoken = choice.text if choice.text is not None else choice.refusal
    pieces = spoken.pieces if spoken is not None else ()
    return choice.logprobs is not None and len(choice.logprobs) != len(pieces)


def _unreasonable(choice: Choice) -> bool:
    return choice.finish_reason is not None and choice.finish_reason not in FINISH_REASONS


_UNSERVABLE: tuple[tuple[Any, Any], ...] = (
    (
        lambda c: c.refusal is not None and (c.tool_calls or c.function_call),
        lambda c: "a model that refuses calls no tools; give refusal or tool_calls, not both",
    ),
    (
        lambda c: c.tool_calls and c.function_call,
        lambda c: "tool_calls and the legacy function_call do not come together",
    ),
    (
        _unreasonable,
        lambda c: f"finish_reason={c.finish_reason!r} is not one of {', '.join(FINISH_REASONS)}",
    ),
    (
        lambda c: c.audio is not None and (c.text is not None or c.refusal or c.tool_calls),
        lambda c: "speech comes alone: what is said goes into Audio(transcript, data)",
    ),
    (
        _misaligned,
        lambda c: (
            f"logprobs has {len(c.logprobs)} entries; it needs one for each piece of the text"
        ),
    ),
)
