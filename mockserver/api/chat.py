"""``/v1/chat/completions``: a reply to its stream or JSON body, and back.

Rules of this file: no I/O; bytes are those of WIRE.md §1 and §2; `read` is the inverse of `render`.
A stream is spliced: every chunk begins with the same text, so only the tails are made anew.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import zip_longest
from random import Random
from typing import Any, NamedTuple

import msgspec.json

from mockserver import sse, tokens
from mockserver.api import bodies, errors, headers, ids
from mockserver.api.endpoint import Asked, Endpoint
from mockserver.api.ids import Envelope
from mockserver.api.parameters import parameters_of
from mockserver.api.store import CREATED, Store
from mockserver.exceptions import ReplyError
from mockserver.reply import (
    ApiError,
    Choice,
    FunctionCall,
    Logprob,
    Reply,
    Text,
    ToolCall,
    Usage,
    check_servable,
)
from mockserver.script import Event, Head, Script

__all__ = ["ENDPOINTS", "PATH", "read", "render"]

PATH = "/v1/chat/completions"


def render(
    reply: Reply | ApiError,
    request: Mapping[str, Any] | None = None,
    *,
    envelope: Envelope | None = None,
    rng: Random | None = None,
) -> Script:
    """The response that says this reply.

    Args:
        reply: what to say.
        request: the request's parameters. Without one, it is a request that streams the reply
            whole: with its n, its logprobs, and its usage if it states one.
        envelope: id, time and model to answer with; fresh ones by default.
        rng: where ids and obfuscation come from.

    Raises:
        ReplyError: for a reply that cannot be served, or not to this request.

    >>> script = render(Reply("Hello"))
    >>> len(script.events), script.events[-1].data
    (4, '[DONE]')
    """
    rng = rng or Random()
    if isinstance(reply, ApiError):
        return errors.render(reply, rng)
    check_servable(reply)
    if request is None:
        request = _asking_for(reply)
    envelope = envelope or Envelope.fresh(request, rng)
    whole = _choices(reply, request)
    choices = [_limited(choice, request) for choice in whole]
    usage = reply.usage
    if usage is None or any(a is not b for a, b in zip(choices, whole, strict=True)):
        usage = _count(choices, request, usage)
    if request.get("stream"):
        return _stream(reply, choices, usage, request, envelope, rng)
    if reply.error is not None:
        return errors.render(reply.error, rng)
    return _json(choices, usage, request, envelope, rng)


def _asking_for(reply: Reply) -> dict[str, Any]:
    return {
        "model": "gpt-4o-mini",
        "n": len(reply.choices),
        "stream": True,
        "stream_options": {"include_usage": reply.usage is not None},
        "logprobs": any(choice.logprobs is not None for choice in reply.choices),
        "top_logprobs": 20,
    }


def _choices(reply: Reply, request: Mapping[str, Any]) -> list[Choice]:
    n, made = request.get("n") or 1, len(reply.choices)
    if made not in (1, n):
        raise ReplyError(f"the reply has {made} choices, the request asks for n={n}")
    taken = _ids_of(request)
    fresh = [_with_fresh_ids(choice, taken) for choice in reply.choices]
    return fresh * (n if made == 1 else 1)


def _ids_of(request: Mapping[str, Any]) -> set[str]:
    """The tool call ids that the conversation has used."""
    return {
        str(call.get("id"))
        for message in request.get("messages") or ()
        for call in message.get("tool_calls") or ()
    }


def _with_fresh_ids(choice: Choice, taken: set[str]) -> Choice:
    if not any(call.id in taken and call.has_derived_id for call in choice.tool_calls):
        return choice
    calls = tuple(c.apart_from(taken) if c.has_derived_id else c for c in choice.tool_calls)
    return _with(choice, tool_calls=calls)


def _with(choice: Choice, **changes: Any) -> Choice:
    fields = {name: getattr(choice, name) for name in Choice.__slots__}
    return Choice(**(fields | changes))


# What a request cuts short


def _limited(choice: Choice, request: Mapping[str, Any]) -> Choice:
    """The choice as far as ``stop`` and ``max_tokens`` let it be said."""
    stop = request.get("stop")
    if stop and choice.text:
        sequences = [stop] if isinstance(stop, str) else stop
        cuts = [at for s in sequences if s and (at := choice.text.find(s)) >= 0]
        if cuts:
            choice = _with(
                choice,
                text=_first_characters(choice.text, min(cuts)),
                tool_calls=(),
                function_call=None,
                logprobs=None,
                finish_reason="stop",
            )
    limits = [
        limit
        for name in ("max_completion_tokens", "max_tokens")
        if (limit := request.get(name)) is not None
    ]
    if limits and _size(choice) > min(limits):
        return _first_tokens(choice, min(limits))
    return choice


def _first_characters(text: Text, n: int) -> Text:
    kept: list[str] = []
    for piece in text.pieces:
        if n <= 0:
            break
        kept.append(piece[:n])
        n -= len(piece)
    return Text(kept)


def _spoken(choice: Choice) -> Iterator[tuple[str, Text]]:
    """The member and its text, in the order in which they are said."""
    for name in ("reasoning", "text", "refusal"):
        if (text := getattr(choice, name)) is not None:
            yield name, text
    for call in choice.tool_calls:
        yield "call", call.arguments
    if choice.function_call is not None:
        yield "call", choice.function_call.arguments


def _size(choice: Choice) -> int:
    return sum(len(text.pieces) for _, text in _spoken(choice))


def _first_tokens(choice: Choice, limit: int) -> Choice:
    kept: dict[str, Any] = {}
    arguments: list[Text] = []
    for name, text in _spoken(choice):
        part = Text(text.pieces[:limit])
        if name != "call":
            kept[name] = part
        elif limit > 0:
            arguments.append(part)
        limit = max(0, limit - len(text.pieces))
    calls = [
        ToolCall(call.name, text, call.id)
        for call, text in zip(choice.tool_calls, arguments, strict=False)
    ]
    function = choice.function_call
    if function is not None:
        function = FunctionCall(function.name, arguments[0]) if arguments else None
    logprobs = choice.logprobs
    if logprobs is not None:
        aligned = kept.get("text", kept.get("refusal"))
        logprobs = logprobs[: len(aligned.pieces) if aligned is not None else 0]
    return _with(
        choice,
        **kept,
        tool_calls=calls,
        function_call=function,
        logprobs=logprobs,
        finish_reason="length",
    )


def _count(choices: list[Choice], request: Mapping[str, Any], stated: Usage | None) -> Usage:
    prompt = tokens.count_messages(request.get("messages"))
    if stated is not None:
        prompt = stated.prompt_tokens
    thought = sum(len(c.reasoning.pieces) for c in choices if c.reasoning is not None)
    return Usage(prompt, sum(map(_size, choices)), reasoning_tokens=thought)


# Streaming


class _Delta(NamedTuple):
    json: str
    logprobs: str | None = None
    usage_first: bool = False  # WIRE.md §1: in chunks of parallel calls


def _stream(
    reply: Reply,
    choices: list[Choice],
    usage: Usage,
    request: Mapping[str, Any],
    envelope: Envelope,
    rng: Random,
) -> Script:
    options = request.get("stream_options") or {}
    with_usage = bool(options.get("include_usage"))
    splice = _Splicer(envelope, with_usage, options.get("include_obfuscation") is not False, rng)
    asked = bool(request.get("logprobs"))
    logprobs = ',"logprobs":null' if envelope.logprobs_key or asked else ""
    per_choice = [_deltas(choice, asked, request.get("top_logprobs") or 0) for choice in choices]
    events = []
    for index, delta in _interleaved(per_choice):
        stated = logprobs if delta.logprobs is None else f',"logprobs":{delta.logprobs}'
        spliced = f'{{"index":{index},"delta":{delta.json}{stated},"finish_reason":null}}'
        events.append(splice.chunk(spliced, delta.usage_first))
    if reply.error is not None:
        events.append(errors.error_event(reply.error))
        return Script(Head(200, headers.stream_headers(rng)), tuple(events))
    for index, choice in enumerate(choices):
        if choice.finish_reason is not None:
            finish = f'"finish_reason":"{choice.finish_reason}"'
            events.append(splice.chunk(f'{{"index":{index},"delta":{{}}{logprobs},{finish}}}'))
    if with_usage:
        events.append(splice.usage(usage))
    return Script(Head(200, headers.stream_headers(rng)), (*events, sse.DONE))


class _Splicer:
    """Makes the chunks of one response from the part that differs."""

    def __init__(self, envelope: Envelope, usage: bool, obfuscation: bool, rng: Random) -> None:
        members: dict[str, Any] = {
            "id": envelope.id,
            "object": "chat.completion.chunk",
            "created": envelope.created,
            "model": envelope.model,
        }
        if envelope.service_tier is not None:
            members["service_tier"] = envelope.service_tier
        members["system_fingerprint"] = envelope.system_fingerprint
        self._prefix = _dumps(members)[:-1]
        self._usage_null = ',"usage":null' if usage else ""
        self._noise = ids.letters(511, rng) if obfuscation else ""
        self._at = 0

    def chunk(self, choice: str, usage_first: bool = False) -> Event:
        if usage_first:
            return self._close(f'{self._prefix}{self._usage_null},"choices":[{choice}]')
        return self._close(f'{self._prefix},"choices":[{choice}]{self._usage_null}')

    def usage(self, usage: Usage) -> Event:
        return self._close(f'{self._prefix},"choices":[],"usage":{_dumps(_usage(usage))}')

    def _close(self, members: str) -> Event:
        if not self._noise:
            return Event(members + "}")
        # WIRE.md §2: pads the chunk without this member to a multiple of 16 characters.
        size = -(len(members) + 1) % 16
        self._at = (self._at + 17) % 495
        return Event(f'{members},"obfuscation":"{self._noise[self._at : self._at + size]}"}}')


def _dumps(value: object) -> str:
    return msgspec.json.encode(value).decode()


def _interleaved(per_choice: list[list[_Delta]]) -> Iterator[tuple[int, _Delta]]:
    """WIRE.md §1, n > 1: each role chunk is followed by its first token, then round robin."""
    for index, deltas in enumerate(per_choice):
        for delta in deltas[:2]:
            yield index, delta
    for turn in zip_longest(*(deltas[2:] for deltas in per_choice)):
        for index, delta in enumerate(turn):
            if delta is not None:
                yield index, delta


def _deltas(choice: Choice, logprobs: bool, top: int) -> list[_Delta]:
    calls, function = choice.tool_calls, choice.function_call
    said = choice.text is not None or choice.reasoning is not None or choice.refusal is not None
    role: dict[str, Any] = {"role": "assistant", "content": None if choice.text is None else ""}
    parallel = len(calls) > 1
    if len(calls) == 1 and not said:
        # A single call's header is merged into the first chunk; several stand apart (WIRE.md §1).
        role["tool_calls"] = [_call_header(0, calls[0])]
    if function is not None:
        role["function_call"] = {"name": function.name, "arguments": ""}
    if choice.reasoning is not None:
        role["reasoning_content"] = ""
    if not parallel or said:
        role["refusal"] = None if choice.refusal is None else ""
    entries = _entries(choice, top) if logprobs else None
    first = '{"content":[],"refusal":null}' if logprobs else None
    deltas = [_Delta(_dumps(role), first, usage_first=parallel and not said)]
    add = deltas.append
    for piece in choice.reasoning.pieces if choice.reasoning is not None else ():
        add(_Delta(f'{{"reasoning_content":{_dumps(piece)}}}'))
    for at, piece in enumerate(choice.text.pieces if choice.text is not None else ()):
        given = f'{{"content":{entries[at]},"refusal":null}}' if entries is not None else None
        add(_Delta(f'{{"content":{_dumps(piece)}}}', given))
    for at, piece in enumerate(choice.refusal.pieces if choice.refusal is not None else ()):
        given = None
        if entries is not None and choice.text is None:
            given = f'{{"content":null,"refusal":{entries[at]}}}'
        add(_Delta(f'{{"refusal":{_dumps(piece)}}}', given))
    for index, call in enumerate(calls):
        if said or parallel:
            add(_Delta(_dumps({"tool_calls": [_call_header(index, call)]}), None, parallel))
        for piece in call.arguments.pieces:
            fragment = f'{{"index":{index},"function":{{"arguments":{_dumps(piece)}}}}}'
            add(_Delta(f'{{"tool_calls":[{fragment}]}}', None, parallel))
    for piece in function.arguments.pieces if function is not None else ():
        add(_Delta(f'{{"function_call":{{"arguments":{_dumps(piece)}}}}}'))
    return deltas


def _call_header(index: int, call: ToolCall) -> dict[str, Any]:
    function = {"name": call.name, "arguments": ""}
    return {"index": index, "id": call.id, "type": "function", "function": function}


def _entries(choice: Choice, top: int) -> list[str]:
    """For each piece of what is said, the JSON of its log probabilities."""
    if choice.logprobs is not None:
        stated = choice.logprobs
    else:
        spoken = choice.text if choice.text is not None else choice.refusal
        stated = tuple((_likely(p, top),) for p in (spoken.pieces if spoken is not None else ()))
    return [_dumps([_logprob(entry, top) for entry in entries]) for entries in stated]


def _likely(piece: str, top: int) -> Logprob:
    """A plausible log probability, the same for the same piece."""
    rng = Random(piece)
    logprob = -rng.expovariate(4.0)
    others = (Logprob(rng.choice(_OTHERS), logprob - rng.uniform(1, 9)) for _ in range(top - 1))
    alternatives = sorted(others, key=lambda entry: -entry.logprob)
    return Logprob(piece, logprob, None, (Logprob(piece, logprob), *alternatives) if top else ())


_OTHERS = (" the", " a", " to", " and", " of", ",", ".", " in", " is", " it")


def _logprob(entry: Logprob, top: int | None) -> dict[str, Any]:
    members: dict[str, Any] = {
        "token": entry.token,
        "logprob": entry.logprob,
        "bytes": entry.bytes,
    }
    if top is not None:
        members["top_logprobs"] = [_logprob(other, None) for other in entry.top[:top]]
    return members


def _usage(usage: Usage) -> dict[str, Any]:
    return {
        "prompt_tokens": usage.prompt_tokens,
        "completion_tokens": usage.completion_tokens,
        "total_tokens": usage.total_tokens,
        "prompt_tokens_details": {
            "cached_tokens": usage.cached_tokens,
            "audio_tokens": usage.prompt_audio_tokens,
        },
        "completion_tokens_details": {
            "reasoning_tokens": usage.reasoning_tokens,
            "audio_tokens": usage.audio_tokens,
            "accepted_prediction_tokens": usage.accepted_prediction_tokens,
            "rejected_prediction_tokens": usage.rejected_prediction_tokens,
        },
    }


# Not streaming


def _json(
    choices: list[Choice],
    usage: Usage,
    request: Mapping[str, Any],
    envelope: Envelope,
    rng: Random,
) -> Script:
    for choice in choices:
        if choice.finish_reason is None:
            raise ReplyError("a reply that never finishes can only be streamed; set stream=True")
    asked, top = bool(request.get("logprobs")), request.get("top_logprobs") or 0
    completion: dict[str, Any] = {
        "id": envelope.id,
        "object": "chat.completion",
        "created": envelope.created,
        "model": envelope.model,
        "choices": [
            _message_choice(index, choice, asked, top, envelope.logprobs_key)
            for index, choice in enumerate(choices)
        ],
        "usage": _usage(usage),
        "service_tier": envelope.service_tier,
        "system_fingerprint": envelope.system_fingerprint,
    }
    return bodies.json(completion, rng)


def _message_choice(
    index: int, choice: Choice, asked: bool, top: int, logprobs_key: bool
) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": choice.text}
    if choice.reasoning is not None:
        message["reasoning_content"] = choice.reasoning
    if choice.tool_calls:
        message["tool_calls"] = [
            {
                "id": call.id,
                "type": "function",
                "function": {"name": call.name, "arguments": str(call.arguments)},
            }
            for call in choice.tool_calls
        ]
    if choice.function_call is not None:
        function = choice.function_call
        message["function_call"] = {"name": function.name, "arguments": str(function.arguments)}
    message["refusal"] = choice.refusal
    message["annotations"] = []
    members: dict[str, Any] = {"index": index, "message": _plain(message)}
    if asked:
        flat = [entry for json in _entries(choice, top) for entry in msgspec.json.decode(json)]
        refused = choice.text is None and choice.refusal is not None
        members["logprobs"] = {
            "content": None if refused else flat,
            "refusal": flat if refused else None,
        }
    elif logprobs_key:
        members["logprobs"] = None
    return members | {"finish_reason": choice.finish_reason}


def _plain(message: dict[str, Any]) -> dict[str, Any]:
    """msgspec encodes str, not its subclasses."""
    return {k: str(v) if isinstance(v, Text) else v for k, v in message.items()}


# Reading back


def read(script: Script) -> Reply | ApiError:
    """What a response says: the reply as far as it goes, or the error it is instead.

    Chunks that are not JSON objects are passed over. Takes the shapes of OpenAI and, in text,
    reasoning and tool calls, those of its imitators (WIRE.md §5).
    """
    body = sse.body(script.steps)
    if not script.is_stream and not script.events:
        return _read_json(body, script.head.status)
    reader = _Reader()
    for event in sse.decode(body):
        if event.data.startswith("[DONE]"):
            break
        try:
            chunk = msgspec.json.decode(event.data)
        except (msgspec.DecodeError, UnicodeError):
            continue
        try:
            if isinstance(chunk, dict) and reader.feed(chunk):
                break
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise ReplyError(
                f"this is no chunk of a chat completion ({error!r}): {chunk}"
            ) from None
    return reader.reply()


class _Call:
    """A tool call, as far as it has come."""

    def __init__(self) -> None:
        self.id: str | None = None
        self.name = ""
        self.pieces: list[str] = []


class _Message:
    """A choice, as far as it has come."""

    def __init__(self) -> None:
        self.pieces: dict[str, list[str] | None] = {
            "text": None,
            "reasoning": None,
            "refusal": None,
        }
        self.calls: dict[object, _Call] = {}
        self.function: _Call | None = None
        self.logprobs: list[tuple[Logprob, ...]] | None = None
        self.finish_reason: str | None = None

    def take(self, name: str, value: object, counts_if_empty: bool) -> None:
        if not isinstance(value, str):
            return
        pieces = self.pieces[name]
        if pieces is None:
            pieces = self.pieces[name] = []
        if value or counts_if_empty:
            pieces.append(value)

    def choice(self) -> Choice:
        function = self.function
        return Choice(
            self.pieces["text"],
            reasoning=self.pieces["reasoning"],
            refusal=self.pieces["refusal"],
            tool_calls=[ToolCall(c.name or "?", c.pieces, c.id or "") for c in self.calls.values()],
            function_call=None
            if function is None
            else FunctionCall(function.name, function.pieces),
            logprobs=self.logprobs,
            finish_reason=self.finish_reason,
        )


_MEMBERS = {
    "content": "text",
    "reasoning_content": "reasoning",
    "reasoning": "reasoning",
    "refusal": "refusal",
}


class _Reader:
    def __init__(self) -> None:
        self._messages: dict[int, _Message] = {}
        self._usage: Usage | None = None
        self._error: ApiError | None = None

    def feed(self, chunk: dict[str, Any]) -> bool:
        """Take a chunk; true where the stream is over by an error."""
        self._error = errors.read_error(chunk)
        if self._error is not None:
            return True
        for choice in chunk.get("choices") or ():
            message = self._messages.setdefault(choice.get("index") or 0, _Message())
            delta = choice.get("delta") or {}
            finish = choice.get("finish_reason")
            _read_delta(message, delta, choice.get("logprobs"), finish is not None)
            if finish:
                message.finish_reason = finish
        if isinstance(usage := chunk.get("usage"), dict):
            self._usage = _read_usage(usage)
        return False

    def reply(self) -> Reply:
        messages = [self._messages[index] for index in sorted(self._messages)] or [_Message()]
        return Reply(
            choices=[message.choice() for message in messages],
            usage=self._usage,
            error=self._error,
        )


def _read_delta(
    message: _Message, delta: dict[str, Any], logprobs: dict[str, Any] | None, finishes: bool
) -> None:
    # An empty string is a piece where it is all that the delta says; else it is mere form.
    alone = len(delta) == 1 and not finishes
    for member, name in _MEMBERS.items():
        if member in delta:
            for kind, text in _parts(delta[member], name):
                message.take(kind, text, alone)
    for fragment in delta.get("tool_calls") or ():
        _read_call(message, fragment)
    if function := delta.get("function_call"):
        message.function = message.function or _Call()
        _read_function(message.function, function, "name" in function)
    if logprobs is not None:
        message.logprobs = message.logprobs if message.logprobs is not None else []
        entries = logprobs.get("content") or logprobs.get("refusal")
        if entries:
            message.logprobs.append(tuple(map(_read_logprob, entries)))


def _parts(value: object, name: str) -> Iterator[tuple[str, object]]:
    """A member's text; Mistral's content may be a list of parts (WIRE.md §5)."""
    if not isinstance(value, list):
        yield name, value
        return
    for part in value:
        if part.get("type") == "thinking":
            for thought in part.get("thinking") or ():
                yield "reasoning", thought.get("text")
        else:
            yield name, part.get("text")


def _read_call(message: _Message, fragment: dict[str, Any]) -> None:
    id_ = fragment.get("id")
    key = fragment.get("index")
    if key is None:
        # Without an index a new id begins a call, and no id goes on with the last.
        key = id_ or next(reversed(message.calls), 0)
    call = message.calls.setdefault(key, _Call())
    begins = call.id is None and bool(id_)
    if begins:
        call.id = id_
    _read_function(call, fragment.get("function") or {}, begins)


def _read_function(call: _Call, function: dict[str, Any], begins: bool) -> None:
    name = function.get("name")
    if name and name != call.name:
        call.name += name
    arguments = function.get("arguments")
    if isinstance(arguments, str) and (arguments or not begins):
        call.pieces.append(arguments)


def _read_logprob(entry: dict[str, Any]) -> Logprob:
    octets = entry.get("bytes")
    return Logprob(
        entry["token"],
        entry["logprob"],
        None if octets is None else tuple(octets),
        tuple(map(_read_logprob, entry.get("top_logprobs") or ())),
    )


def _read_usage(usage: dict[str, Any]) -> Usage:
    prompt = usage.get("prompt_tokens_details") or {}
    completion = usage.get("completion_tokens_details") or {}
    return Usage(
        usage.get("prompt_tokens") or 0,
        usage.get("completion_tokens") or 0,
        -1 if (total := usage.get("total_tokens")) is None else total,
        prompt.get("cached_tokens") or 0,
        prompt.get("audio_tokens") or 0,
        completion.get("reasoning_tokens") or 0,
        completion.get("audio_tokens") or 0,
        completion.get("accepted_prediction_tokens") or 0,
        completion.get("rejected_prediction_tokens") or 0,
    )


def _read_json(body: bytes, status: int) -> Reply | ApiError:
    try:
        value = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeError) as error:
        raise ReplyError(f"the body is neither an event stream nor JSON: {error}") from None
    if (found := errors.read_error(value)) is not None:
        return replace(found, status=status) if 400 <= status <= 599 else found
    if not isinstance(value, dict) or not isinstance(value.get("choices"), list):
        raise ReplyError("the body is not a chat completion: it has no choices")
    try:
        return Reply(
            choices=[_read_message(choice) for choice in value["choices"]],
            usage=_read_usage(value["usage"]) if value.get("usage") else None,
        )
    except (AttributeError, KeyError, TypeError) as error:
        raise ReplyError(f"the body is not a chat completion: {error!r}") from None


def _read_message(choice: dict[str, Any]) -> Choice:
    message = choice.get("message") or {}
    function = message.get("function_call")
    logprobs = choice.get("logprobs")
    entries = logprobs and (logprobs.get("content") or logprobs.get("refusal") or [])
    return Choice(
        message.get("content"),
        reasoning=message.get("reasoning_content"),
        refusal=message.get("refusal"),
        tool_calls=[
            ToolCall(call["function"]["name"], call["function"]["arguments"], call["id"])
            for call in message.get("tool_calls") or ()
        ],
        function_call=function and FunctionCall(function["name"], function["arguments"]),
        logprobs=None if entries is None else [_read_logprob(entry) for entry in entries],
        finish_reason=choice.get("finish_reason"),
    )


# Storing


def keep(asked: Asked, script: Script, store: Store) -> None:
    """Remember a completion that is to be stored, and what it was asked."""
    if not asked.parameters.get("store") or script.head.status != 200:
        return
    try:
        kept = _whole(asked.parameters, script)
        kept |= {"id": kept["id"], "metadata": asked.parameters.get("metadata") or {}}
    except (KeyError, ReplyError, StopIteration, msgspec.DecodeError):
        return  # what a rule sent is no completion
    store.put(CREATED, kept["id"], PATH)
    store.put(PATH, kept["id"], kept)
    for index, message in enumerate(asked.parameters["messages"]):
        said = {"id": f"{kept['id']}-{index}"} | message
        store.put(f"{PATH}/{kept['id']}/messages", said["id"], said)


def _whole(request: Mapping[str, Any], script: Script) -> dict[str, Any]:
    """The completion that a response holds, as one object."""
    body = sse.body(script.steps)
    if script.is_stream:
        chunk = msgspec.json.decode(next(iter(sse.decode(body))).data)
        envelope = Envelope(
            chunk["id"],
            chunk["created"],
            chunk["model"],
            chunk.get("system_fingerprint"),
            chunk.get("service_tier"),
        )
        options = dict(request) | {"stream": False}
        body = sse.body(render(read(script), options, envelope=envelope).steps)
    whole: dict[str, Any] = msgspec.json.decode(body)
    return whole


ENDPOINTS = (
    Endpoint(
        path=PATH, parameters=parameters_of("POST", PATH), render=render, read=read, keep=keep
    ),
)
