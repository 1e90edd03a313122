"""Encodes replies as JSON and decodes them, for stream files, the corpus and scenarios.

    {"text": "Hello", "finish_reason": "stop", "usage": {"prompt_tokens": 9}}

The members are the arguments of `Reply`, nested as objects: ``tool_calls``, ``function_call``,
``logprobs``, ``audio``, ``annotations``, ``usage``, ``error``, ``alone``, ``choices``. Text is a
string, or the list of the pieces it arrives in. Each item of ``output`` is a string, or an object
with one type name and its arguments, such as ``{"tool_call": {"name": "now"}}``.

Rules of this file: ``decode_reply(encode_reply(reply)) == reply`` for every reply; every error says
where the mistake is.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, TypeVar

from msgspec import field

from openai_mockserver.declared import (
    Strict,
    check_argument,
    check_positional,
    describe_kind,
    read_struct,
)
from openai_mockserver.exceptions import ReplyError
from openai_mockserver.reply.content import (
    Annotation,
    Audio,
    FunctionCall,
    Item,
    Logprob,
    Message,
    Output,
    Reasoning,
    ToolCall,
)
from openai_mockserver.reply.errors import ApiError
from openai_mockserver.reply.reply import Choice, Reply
from openai_mockserver.reply.text import Text
from openai_mockserver.reply.usage import USAGE_COUNTS, Usage

__all__ = ["OUTPUT", "SHAPES", "decode_error", "decode_reply", "encode_error", "encode_reply"]

T = TypeVar("T")
Json = dict[str, Any]


# The shapes


class _Call(Strict):
    name: str
    arguments: str | list[str] | dict[str, Any] = field(default_factory=dict)
    id: str | None = None
    custom: bool = False
    namespace: str | None = None
    extra: dict[str, Any] | None = None


class _Function(Strict):
    name: str
    arguments: str | list[str] | dict[str, Any] = field(default_factory=dict)


class _Logprob(Strict):
    token: str
    logprob: float | str
    bytes: list[int] | None = None
    top: list[Any] = field(default_factory=list)


class _Audio(Strict):
    transcript: str | list[str] = ""
    data: str | list[str] = ""
    id: str | None = None
    expires_at: int = 0


class _Message(Strict):
    text: str | list[str] | None = None
    refusal: str | list[str] | None = None
    annotations: list[Any] = field(default_factory=list)
    phase: str | None = None
    logprobs: list[Any] | None = None


class _Annotation(Strict):
    members: dict[str, Any]
    after: int | None = None


class _Error(Strict):
    status: int = 500
    message: str | None = None
    type: str | None = None
    code: str | None = None
    param: str | None = None
    retry_after: float | None = None
    headers: dict[str, str] | list[tuple[str, str]] = field(default_factory=dict)
    extra: dict[str, Any] = field(default_factory=dict)


class _Choice(Strict):
    text: str | list[str] | None = None
    reasoning: str | list[str] | None = None
    refusal: str | list[str] | None = None
    tool_calls: list[Any] = field(default_factory=list)
    function_call: Any = None
    logprobs: list[Any] | None = None
    finish_reason: str | None = "auto"
    output: list[Any] | None = None
    audio: Any = None
    annotations: list[Any] = field(default_factory=list)


class _Reply(_Choice):
    usage: Any = None
    choices: list[Any] | None = None
    error: Any = None
    alone: bool = False


SHAPES: Mapping[str, tuple[type[Strict], tuple[object, ...]]] = {
    "reply": (_Reply, (Reply,)),
    "choice": (_Choice, (Choice, Reply)),
    "call": (_Call, (ToolCall,)),
    "function": (_Function, (FunctionCall, ToolCall)),
    "logprob": (_Logprob, (Logprob,)),
    "audio": (_Audio, (Audio,)),
    "message": (_Message, (Message, Reply)),
    "annotation": (_Annotation, (Annotation,)),
    "error": (_Error, (ApiError,)),
}
"""The mappings of a reply, and what documents their members."""


# From JSON


def decode_reply(
    value: Any,
    at: str = "reply",
    output: Mapping[str, Callable[..., Output]] | None = None,
) -> Reply:
    """Decode a reply from JSON.

    Args:
        value: a string, or a mapping of members.
        at: place of the value in a file, for errors.
        output: constructors of more types of ``output`` items, besides those in `OUTPUT`.

    Raises:
        ReplyError: if a member is unknown or a value is invalid.

    >>> decode_reply({"text": ["Hel", "lo"], "finish_reason": "length"})
    Reply(['Hel', 'lo'], finish_reason='length')
    """
    if isinstance(value, str):
        return _construct(at, lambda: Reply(value))
    members = read_struct(_Reply, value, at, ReplyError)
    constructors = {**OUTPUT, **(output or {})}
    error = None if members.error is None else decode_error(members.error, f"{at}.error")
    choices = None
    if members.choices is not None:
        choices = [
            _decode_choice(choice, f"{at}.choices[{index}]", constructors)
            for index, choice in enumerate(members.choices)
        ]
    usage = None if members.usage is None else _decode_usage(members.usage, f"{at}.usage")
    content = _decode_content(members, at, constructors)
    return _construct(
        at,
        lambda: Reply(**content, usage=usage, choices=choices, error=error, alone=members.alone),
    )


def decode_error(value: Any, at: str = "error") -> ApiError:
    """Decode an error from JSON. Raises ReplyError if the value is not a valid error."""
    members = read_struct(_Error, value, at, ReplyError)
    return _construct(at, lambda: ApiError(**_collect_members(members)))


def _construct(at: str, constructor: Callable[[], T]) -> T:
    """Call a constructor, and add the place to the error that it may raise."""
    try:
        return constructor()
    except (ReplyError, TypeError, ValueError) as error:
        raise ReplyError(f"{at}: {error}") from None
    except RecursionError:
        raise ReplyError(f"{at}: it is nested too deeply") from None


def _collect_members(struct: Strict) -> Json:
    return {name: getattr(struct, name) for name in struct.__struct_fields__}


def _decode_choice(
    value: Any, at: str, constructors: Mapping[str, Callable[..., Output]]
) -> Choice:
    members = _decode_content(read_struct(_Choice, value, at, ReplyError), at, constructors)
    return _construct(at, lambda: Choice(**members))


def _decode_content(
    choice: _Choice, at: str, constructors: Mapping[str, Callable[..., Output]]
) -> dict[str, Any]:
    """Return the arguments of a choice."""
    function, audio, output = choice.function_call, choice.audio, choice.output
    return {
        "text": choice.text,
        "reasoning": choice.reasoning,
        "refusal": choice.refusal,
        "tool_calls": [
            _decode_struct(ToolCall, _Call, call, f"{at}.tool_calls[{index}]")
            for index, call in enumerate(choice.tool_calls)
        ],
        "function_call": None
        if function is None
        else _decode_struct(FunctionCall, _Function, function, f"{at}.function_call"),
        "logprobs": _decode_logprobs(choice.logprobs, f"{at}.logprobs"),
        "finish_reason": choice.finish_reason,
        "output": None
        if output is None
        else [
            _decode_output(item, f"{at}.output[{index}]", constructors)
            for index, item in enumerate(output)
        ],
        "audio": None if audio is None else _decode_struct(Audio, _Audio, audio, f"{at}.audio"),
        "annotations": _decode_annotations(choice.annotations, f"{at}.annotations"),
    }


def _decode_struct(constructor: Callable[..., T], kind: type[Strict], value: Any, at: str) -> T:
    members = _collect_members(read_struct(kind, value, at, ReplyError))
    return _construct(at, lambda: constructor(**members))


def _decode_logprobs(value: list[Any] | None, at: str) -> list[list[Logprob]] | None:
    """Decode the log probabilities: for each piece of text an entry, or a list of entries."""
    if value is None:
        return None
    return [
        [
            _decode_logprob(entry, f"{at}[{index}]")
            for entry in (entries if isinstance(entries, list) else [entries])
        ]
        for index, entries in enumerate(value)
    ]


def _decode_logprob(value: Any, at: str) -> Logprob:
    entry = read_struct(_Logprob, value, at, ReplyError)
    octets = None if entry.bytes is None else tuple(entry.bytes)
    top = tuple(_decode_logprob(other, f"{at}.top[{n}]") for n, other in enumerate(entry.top))
    return _construct(at, lambda: Logprob(entry.token, float(entry.logprob), octets, top))


def _decode_annotations(values: list[Any], at: str) -> list[Any]:
    """Decode citations: each is its JSON, or ``members`` with that JSON and ``after``."""
    return [
        _decode_struct(Annotation, _Annotation, value, f"{at}[{index}]")
        if isinstance(value, dict) and "members" in value
        else _construct(f"{at}[{index}]", partial(Annotation, value))
        for index, value in enumerate(values)
    ]


OUTPUT: Mapping[str, Callable[..., Output]] = {
    "message": Message,
    "reasoning": Reasoning,
    "tool_call": ToolCall,
    "item": Item,
}
"""The constructors of ``output`` items, by their type names in JSON."""


def _decode_output(
    value: Any, at: str, constructors: Mapping[str, Callable[..., Output]]
) -> Output | str:
    if isinstance(value, str):
        return value
    known_names = ", ".join(constructors)
    if not isinstance(value, dict) or len(value) != 1:
        raise ReplyError(f"{at}: must be a string, or an object with one of these: {known_names}")
    ((name, arguments),) = value.items()
    if name not in constructors:
        raise ReplyError(f"{at}: unknown output item {name!r}: must be one of {known_names}")
    at = f"{at}.{name}"
    if constructors[name] is Message and isinstance(arguments, dict):
        return _decode_message(arguments, at)
    constructor = constructors[name]
    if isinstance(arguments, dict):
        for argument, content in arguments.items():
            _construct(f"{at}.{argument}", partial(check_argument, constructor, argument, content))
        return _construct(at, lambda: constructor(**arguments))
    values = arguments if isinstance(arguments, list) else [arguments]
    positional = [] if arguments is None else values
    _construct(at, lambda: check_positional(constructor, positional))
    return _construct(at, lambda: constructor(*positional))


def _decode_message(value: dict[str, Any], at: str) -> Message:
    message = read_struct(_Message, value, at, ReplyError)
    annotations = _decode_annotations(message.annotations, f"{at}.annotations")
    logprobs = _decode_logprobs(message.logprobs, f"{at}.logprobs")
    return _construct(
        at,
        lambda: Message(
            message.text,
            refusal=message.refusal,
            annotations=annotations,
            phase=message.phase,
            logprobs=logprobs,
        ),
    )


def _decode_usage(value: Any, at: str) -> Usage:
    if not isinstance(value, dict):
        raise ReplyError(f"{at}: expected a mapping, got {describe_kind(value)}")
    for name, count in value.items():
        if name == "extra":
            if not isinstance(count, dict):
                raise ReplyError(f"{at}.extra: expected a mapping, got {describe_kind(count)}")
            continue
        if name not in USAGE_COUNTS:
            known_names = ", ".join((*USAGE_COUNTS, "extra"))
            raise ReplyError(f"{at}.{name}: there is no such key; allowed keys are {known_names}")
        if not isinstance(count, int) or isinstance(count, bool):
            raise ReplyError(
                f"{at}.{name}: expected a number of tokens, got {describe_kind(count)}"
            )
    return Usage(**value)


# To JSON


def encode_reply(reply: Reply, *, pieces: bool = False) -> Json:
    """Encode a reply as JSON: a mapping of its members that are not None, and finish_reason.

    Args:
        reply: the reply.
        pieces: whether to encode each text as the list of its pieces instead of as a string. Text
            with citations is always a list, because citations refer to its pieces.

    >>> encode_reply(Reply("Hello"))
    {'text': 'Hello', 'finish_reason': 'stop'}
    """
    outer: Json = {
        name: _encode_fields(value)
        for name, value in (("usage", reply.usage), ("error", reply.error))
        if value is not None
    }
    if reply.alone:
        outer["alone"] = True
    if len(reply.choices) > 1:
        return {"choices": [_encode_choice(choice, pieces) for choice in reply.choices], **outer}
    return _encode_choice(reply.choices[0], pieces) | outer


def encode_error(error: ApiError) -> Json:
    """Encode an error as JSON: the members that differ from their defaults."""
    return _encode_fields(error)


def _encode_choice(choice: Choice, pieces: bool) -> Json:
    if choice.explicit_output:
        members: Json = {
            "output": [_encode_output(item, pieces) for item in choice.explicit_output]
        }
    else:
        members = _encode_message(choice, pieces)
        if choice.reasoning is not None:
            members["reasoning"] = _encode_text(choice.reasoning, pieces)
        if choice.tool_calls:
            members["tool_calls"] = [_encode_call(call, pieces) for call in choice.tool_calls]
    if choice.function_call is not None:
        call = choice.function_call
        members["function_call"] = {
            "name": call.name,
            "arguments": _encode_text(call.arguments, pieces),
        }
    if choice.audio is not None:
        audio = choice.audio
        members["audio"] = {
            "transcript": _encode_text(audio.transcript, pieces),
            "data": _encode_text(audio.data, pieces),
            "id": audio.id,
            "expires_at": audio.expires_at,
        }
    return members | {"finish_reason": choice.finish_reason}


def _encode_message(message: Choice | Message, pieces: bool) -> Json:
    """Encode the members that choices and messages share: texts, citations, log probabilities."""
    pieces = pieces or bool(message.annotations)
    members: Json = {
        name: _encode_text(text, pieces)
        for name in ("text", "refusal")
        if (text := getattr(message, name)) is not None
    }
    if message.annotations:
        count = 0 if message.text is None else len(message.text.pieces)
        members["annotations"] = [
            _encode_json(annotation.members)
            if annotation.after == count and "members" not in annotation.members
            else {"members": _encode_json(annotation.members), "after": annotation.after}
            for annotation in message.annotations
        ]
    if message.logprobs is not None:
        members["logprobs"] = [list(map(_encode_logprob, entries)) for entries in message.logprobs]
    return members


def _encode_text(text: Text, pieces: bool) -> str | list[str]:
    return list(text.pieces) if pieces else str(text)


def _encode_call(call: ToolCall, pieces: bool) -> Json:
    members: Json = {
        "name": call.name,
        "arguments": _encode_text(call.arguments, pieces),
        "id": call.id,
    }
    if call.custom:
        members["custom"] = True
    if call.namespace is not None:
        members["namespace"] = call.namespace
    if call.extra:
        members["extra"] = _encode_json(call.extra)
    return members


def _encode_number(number: float) -> float | str:
    """Return a number; as a string if JSON cannot express it, such as ``-inf``."""
    return number if math.isfinite(number) else str(number)


def _encode_logprob(entry: Logprob) -> Json:
    members: Json = {
        "token": entry.token,
        "logprob": _encode_number(entry.logprob),
        "bytes": list(entry.bytes or ()),
    }
    return members | ({"top": list(map(_encode_logprob, entry.top))} if entry.top else {})


def _encode_output(item: Output, pieces: bool) -> Json:
    if isinstance(item, Message):
        phase = {} if item.phase is None else {"phase": item.phase}
        return {"message": _encode_message(item, pieces) | phase}
    if isinstance(item, Reasoning):
        members: Json = {
            name: [_encode_text(text, pieces) for text in texts]
            for name, texts in (("summary", item.summary), ("content", item.content))
            if texts
        }
        if item.encrypted is not None:
            members["encrypted"] = item.encrypted
        return {"reasoning": members}
    if isinstance(item, ToolCall):
        return {"tool_call": _encode_call(item, pieces)}
    return {"item": {"type": item.type, "members": _encode_json(item.members)}}


def _encode_json(value: Any) -> Any:
    """Return a JSON value in which each text is a plain string."""
    if isinstance(value, str):
        return str(value)
    if isinstance(value, Mapping):
        return {key: _encode_json(member) for key, member in value.items()}
    if isinstance(value, list | tuple):
        return [_encode_json(member) for member in value]
    return value


def _encode_fields(value: Usage | ApiError) -> Json:
    """Return the members of a value that differ from their defaults."""
    members: Json = {}
    for member in dataclasses.fields(value):
        factory = member.default_factory
        default = member.default if factory is dataclasses.MISSING else factory()
        if (content := getattr(value, member.name)) != default:
            members[member.name] = _encode_json(content)
    return members
