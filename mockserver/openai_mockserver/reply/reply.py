"""The reply: the content of a model's answer, which every endpoint renders and reads.

Rules of this file: frozen values, checked on creation, that know nothing of endpoints, bytes,
clocks or randomness. The parts of a reply are in `openai_mockserver.reply.content`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
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
    group_logprobs,
)
from openai_mockserver.reply.errors import ApiError
from openai_mockserver.reply.text import Json, Text, as_text, check_type, print_repr
from openai_mockserver.reply.usage import Usage

__all__ = ["Choice", "Reply", "as_reply"]

FINISH_REASONS = ("stop", "length", "tool_calls", "content_filter", "function_call")
"""The finish reasons of OpenAI's chat completions."""


@dataclass(frozen=True, slots=True, repr=False)
class Choice:
    """One of a reply's n answers. It takes the arguments of `Reply`.

    ``explicit_output`` is the ``output`` argument if its items are not in the usual order, else
    empty; ``text``, ``reasoning`` and the others then have its joined content.
    """

    _repr_pretty_ = print_repr

    text: Text | None = None
    reasoning: Text | None = None
    refusal: Text | None = None
    tool_calls: tuple[ToolCall, ...] = ()
    function_call: FunctionCall | None = None
    logprobs: tuple[tuple[Logprob, ...], ...] | None = None
    finish_reason: str | None = None
    explicit_output: tuple[Output, ...] = ()
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
        check_type(Audio, audio, "audio")
        check_type(Iterable, annotations, "annotations", optional=False)
        if output is not None:
            if tool_calls or annotations or (text, reasoning, refusal, logprobs) != (None,) * 4:
                raise ReplyError(
                    "output=[...] cannot be combined with text, reasoning, refusal, tool_calls, "
                    "logprobs or annotations"
                )
            explicit_output, content = _split_output(output)
            text, reasoning, refusal = content.text, content.reasoning, content.refusal
            tool_calls, logprobs = content.tool_calls, content.logprobs
            annotations = content.annotations
        else:
            explicit_output = ()
        check_type(FunctionCall, function_call, "function_call")
        check_type(str, finish_reason, "finish_reason")
        calls: tuple[ToolCall, ...] = (tool_calls,) if isinstance(tool_calls, ToolCall) else ()
        if not calls:
            check_type(Iterable, tool_calls, "tool_calls", optional=False)
            calls = tuple(tool_calls)  # type: ignore[arg-type]
        for call in calls:
            if not isinstance(call, ToolCall):
                raise ReplyError(
                    f"each of tool_calls must be a ToolCall(name, arguments), not {call!r}"
                )
        if finish_reason == "auto":
            finish_reason = (
                "tool_calls" if calls else "function_call" if function_call is not None else "stop"
            )
            if audio is not None:
                finish_reason = None  # WIRE.md §1: audio streams have no finish_reason
        put = object.__setattr__
        put(self, "text", as_text(text))
        put(self, "reasoning", as_text(reasoning))
        put(self, "refusal", as_text(refusal))
        put(self, "tool_calls", _make_ids_unique(calls))
        put(self, "function_call", function_call)
        put(self, "logprobs", group_logprobs(logprobs))
        put(self, "finish_reason", finish_reason)
        put(self, "explicit_output", explicit_output)
        put(self, "audio", audio)
        n = 0 if self.text is None else len(self.text.pieces)
        put(self, "annotations", tuple(as_annotation(value, n) for value in annotations))

    @property
    def output(self) -> tuple[Output, ...]:
        """All output items in order; by default reasoning, then text, then tool calls."""
        return self.explicit_output or _list_output(self)

    def __repr__(self) -> str:
        return f"Choice({_format_arguments(self)})"


def _list_output(choice: Choice | _Content) -> tuple[Output, ...]:
    """Return the output items in the usual order."""
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


class _Content(NamedTuple):
    text: Text | None
    reasoning: Text | None
    refusal: Text | None
    tool_calls: tuple[ToolCall, ...]
    logprobs: tuple[tuple[Logprob, ...], ...] | None
    annotations: tuple[Annotation, ...]


def _split_output(output: Iterable[Output | str]) -> tuple[tuple[Output, ...], _Content]:
    """Return output items, or none if they are in the usual order, and their joined content."""
    check_type(Iterable, output, "output", optional=False)
    items = tuple(Message(item) if isinstance(item, str) else item for item in output)
    for item in items:
        if not isinstance(item, Output):
            raise ReplyError(
                "each item of output must be a string, Message, Reasoning, ToolCall or Item, "
                f"not {item!r}"
            )
    messages = [item for item in items if isinstance(item, Message)]
    reasoning = [part for i in items if isinstance(i, Reasoning) for part in i.summary or i.content]
    logprobs = [m.logprobs for m in messages if m.logprobs is not None]
    content = _Content(
        _join_texts([m.text for m in messages if m.text is not None]),
        _join_texts(reasoning, "\n\n"),
        _join_texts([m.refusal for m in messages if m.refusal is not None]),
        _make_ids_unique(tuple(item for item in items if isinstance(item, ToolCall))),
        tuple(entry for entries in logprobs for entry in entries) if logprobs else None,
        tuple(_merge_citations(messages)),
    )
    calls = iter(content.tool_calls)
    items = tuple(next(calls) if isinstance(item, ToolCall) else item for item in items)
    return () if items == _list_output(content) else items, content


def _merge_citations(messages: Iterable[Message]) -> Iterable[Annotation]:
    """Yield the citations of all messages, with positions in the joined text."""
    pieces = 0
    for message in messages:
        for annotation in message.annotations:
            yield replace(annotation, after=pieces + (annotation.after or 0))
        pieces += 0 if message.text is None else len(message.text.pieces)


def _join_texts(texts: list[Text], separator: str = "") -> Text | None:
    if not texts:
        return None
    pieces, sizes = list(texts[0].pieces), list(texts[0].sizes)
    for text in texts[1:]:
        pieces += [separator, *text.pieces] if separator else text.pieces
        sizes += [1, *text.sizes] if separator else text.sizes
    return Text(pieces, sizes)


def _make_ids_unique(calls: tuple[ToolCall, ...]) -> tuple[ToolCall, ...]:
    """Give each parallel call a unique id, and cut its JSON as OpenAI cuts it."""
    if len(calls) < 2:
        return calls
    ids: set[str] = set()
    unique_calls: list[ToolCall] = []
    for call in calls:
        if call.has_derived_id:
            call = call.with_unique_id(ids)
        if call.id in ids and call.id:  # Gemini's calls have had empty ids
            raise ReplyError(f"two tool calls of one reply have the same id {call.id!r}")
        ids.add(call.id)
        if isinstance(call.arguments, Json):
            # WIRE.md §1: the JSON of parallel calls has spaces, and pieces of 4, 5, 6 characters.
            spaced_json = json.dumps(call.parsed, ensure_ascii=False)
            call = replace(call, arguments=Text(tokens.cycle(spaced_json)))
        unique_calls.append(call)
    return tuple(unique_calls)


_ARGUMENTS = (
    "reasoning",
    "refusal",
    "tool_calls",
    "function_call",
    "logprobs",
    "audio",
    "annotations",
)


def _format_arguments(choice: Choice) -> str:
    """Return code for the arguments that recreate a choice."""
    arguments = []
    if choice.explicit_output:
        arguments.append(f"output={list(choice.explicit_output)!r}")
    elif choice.text is not None:
        arguments.append(repr(choice.text))
    for name in _ARGUMENTS:
        value = getattr(choice, name)
        if name not in ("function_call", "audio") and choice.explicit_output:
            continue
        if value is not None and (value != () or name == "logprobs"):
            arguments.append(f"{name}={value!r}")
    arguments.append(f"finish_reason={choice.finish_reason!r}")
    return ", ".join(arguments)


@dataclass(frozen=True, slots=True, repr=False)
class Reply:
    """The content of the answer to one request, which a correct consumer must reconstruct.

    Args:
        text: the answer, or the pieces it arrives in.
        reasoning: reasoning text before the answer (``reasoning_content``).
        refusal: the model's refusal, instead of text.
        tool_calls: one call or several.
        function_call: one call in the legacy form.
        logprobs: for each piece of the text (or refusal) its `Logprob`, or several.
        finish_reason: one of OpenAI's five; by default it follows from the other arguments; with
            None the answer never finishes.
        usage: token counts; if None, they are counted from the pieces.
        choices: n answers, instead of all the above; `Choice` takes the same arguments.
        output: items in any order, instead of text, reasoning, refusal and calls: strings,
            `Message`, `Reasoning`, `ToolCall`, `Item`. They are streamed in this order, unless the
            request's limits shorten them.
        error: an error event that ends the stream after the rest, before anything finishes. If
            there is nothing else, it is the only event of a chat completion or completion with
            status 200; a response begins with its usual events.
        alone: whether the error is the only event at every endpoint and in every dialect, as a
            gateway sends it that gets no answer; nothing but ``error`` may be given then.
        audio: speech, instead of text.
        annotations: citations in the text: `url_citation`, or the JSON of another `Annotation`.

    Raises:
        ReplyError: if an argument has the wrong type, or arguments exclude each other.

    >>> Reply("Hello, world").finish_reason
    'stop'
    >>> Reply(tool_calls=ToolCall("now")).finish_reason
    'tool_calls'
    """

    _repr_pretty_ = print_repr

    choices: tuple[Choice, ...]
    usage: Usage | None
    error: ApiError | None
    alone: bool

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
        alone: bool = False,
    ) -> None:
        check_type(Usage, usage, "usage")
        check_type(ApiError, error, "error")
        check_type(bool, alone, "alone", optional=False)
        if error is not None and finish_reason == "auto":
            finish_reason = None
        if choices is None:
            choice = Choice(
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
            choices = (choice,)
        else:
            check_type(Iterable, choices, "choices")
            content = (text, reasoning, refusal, function_call, logprobs, audio, output)
            # "stop" and None may be defaults: of an empty answer, and of one with an error.
            has_more = tool_calls or annotations or finish_reason not in ("auto", "stop", None)
            if has_more or any(value is not None for value in content):
                raise ReplyError(
                    "choices=[Choice(...), ...] cannot be combined with arguments of one choice"
                )
        all_choices = tuple(choices)
        for choice in all_choices:
            if not isinstance(choice, Choice):
                raise ReplyError(f"each of choices must be a Choice(...), not {choice!r}")
        if not all_choices:
            raise ReplyError("a reply needs at least one choice")
        object.__setattr__(self, "choices", all_choices)
        object.__setattr__(self, "usage", usage)
        object.__setattr__(self, "error", error and error.with_payload(error.status))
        object.__setattr__(self, "alone", alone)
        if alone and error is None:
            raise ReplyError("alone=True means that an error is the only event; give error too")
        if alone and (usage is not None or not self.is_only_error):
            raise ReplyError("with alone=True the error is the only event; leave out all else")

    def __eq__(self, other: object) -> bool:
        """Whether the content is equal.

        The status of an error, which no stream has, is ignored, and so is whether it is alone.
        """
        return isinstance(other, Reply) and self._comparison_key == other._comparison_key

    def __hash__(self) -> int:
        return hash(self._comparison_key)

    @property
    def _comparison_key(self) -> tuple[Any, ...]:
        return self.choices, self.usage, self.error and self.error.mid_stream

    @property
    def is_only_error(self) -> bool:
        """Whether there is no output and no finish_reason before the error."""
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
            arguments = [_format_arguments(self.choices[0])]
        else:
            arguments = [f"choices=[{', '.join(map(repr, self.choices))}]"]
        if self.usage is not None:
            arguments.append(f"usage={self.usage!r}")
        if self.error is not None:
            arguments.append(f"error={self.error!r}")
        if self.alone:
            arguments.append("alone=True")
        return f"Reply({', '.join(arguments)})"


def as_reply(value: object) -> Reply | ApiError:
    """Convert a value that users may pass as a reply: text, a tool call, or a list of these.

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
            # Several strings are the pieces of one text; a single one beside calls is a whole text.
            text = texts[0] if len(texts) == 1 and calls else texts
            return Reply(text or None, tool_calls=calls)
        if all(isinstance(v, Choice) for v in value):
            return Reply(choices=value)
        index, item = next((n, v) for n, v in enumerate(value) if not isinstance(v, str | ToolCall))
        raise ReplyError(
            f"item {index} of the list is {item!r:.100}: a list must consist of strings and "
            "ToolCalls, or of dicts, each of which is the JSON of a chunk"
        )
    if isinstance(value, list | tuple):
        raise ReplyError('a reply must not be an empty list; for no text, reply with ""')
    raise ReplyError(
        "a reply must be a string, a ToolCall, a list of these, a Reply, an ApiError, a Script, a "
        f"Stream, a dict, a list of chunks, bytes or a Path, not {value!r:.200}"
    )


def check_servable(reply: Reply, any_reason: bool = False) -> None:
    """Raise ReplyError if no OpenAI endpoint would send the reply.

    Args:
        reply: the reply.
        any_reason: whether to accept finish reasons that only other providers send.
    """
    for index, choice in enumerate(reply.choices):
        for find_problem in _PROBLEMS:
            if any_reason and find_problem is _find_unknown_reason:
                continue
            if (problem := find_problem(choice)) is not None:
                place = f"choice {index}: " if len(reply.choices) > 1 else ""
                raise ReplyError(f"this reply cannot be served: {place}{problem}")


def _find_refusal_with_calls(choice: Choice) -> str | None:
    if choice.refusal is not None and (choice.tool_calls or choice.function_call):
        return "a model that refuses calls no tools; give refusal or tool_calls, not both"
    return None


def _find_mixed_calls(choice: Choice) -> str | None:
    if choice.tool_calls and choice.function_call:
        return "give tool_calls or the legacy function_call, not both"
    return None


def _find_unknown_reason(choice: Choice) -> str | None:
    reason = choice.finish_reason
    if reason is not None and reason not in FINISH_REASONS:
        return f"finish_reason={reason!r} must be one of {', '.join(FINISH_REASONS)}"
    return None


def _find_audio_with_text(choice: Choice) -> str | None:
    has_more = choice.text is not None or choice.refusal or choice.tool_calls
    if choice.audio is not None and has_more:
        return (
            "audio cannot be combined with text, refusal or tool_calls; put the words into "
            "Audio(transcript, data)"
        )
    return None


def _find_misaligned_logprobs(choice: Choice) -> str | None:
    text = choice.text if choice.text is not None else choice.refusal
    pieces = text.pieces if text is not None else ()
    if choice.logprobs is not None and len(choice.logprobs) != len(pieces):
        return (
            f"logprobs has {len(choice.logprobs)} entries for {len(pieces)} pieces of text; each "
            "piece needs one"
        )
    return None


_PROBLEMS: tuple[Callable[[Choice], str | None], ...] = (
    _find_refusal_with_calls,
    _find_mixed_calls,
    _find_unknown_reason,
    _find_audio_with_text,
    _find_misaligned_logprobs,
)
