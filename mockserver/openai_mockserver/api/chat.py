"""``/v1/chat/completions``: a reply to its stream or JSON body, and back.

Rules of this file: no I/O; bytes are those of WIRE.md §1 and §2; `read` is the inverse of `render`.
A stream is spliced: every chunk begins with the same text, so only the tails are made anew.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from random import Random
from typing import Any, NamedTuple

import msgspec.json

from openai_mockserver import sse, tokens
from openai_mockserver.api import bodies, chunks, errors, headers, ids
from openai_mockserver.api import usage as usages
from openai_mockserver.api.conversation import call_ids
from openai_mockserver.api.dialects import Dialect, named
from openai_mockserver.api.endpoint import Asked, Endpoint
from openai_mockserver.api.ids import Envelope
from openai_mockserver.api.layout import fill
from openai_mockserver.api.logprobs import likely, logprob_json, read_logprob
from openai_mockserver.api.parameters import parameters_of
from openai_mockserver.api.prediction import outcome
from openai_mockserver.api.reading import WRONG, completion
from openai_mockserver.api.store import CREATED, Store
from openai_mockserver.exceptions import ReplyError
from openai_mockserver.reply import (
    ApiError,
    Audio,
    Choice,
    FunctionCall,
    Logprob,
    Reply,
    Text,
    ToolCall,
    Usage,
    check_servable,
)
from openai_mockserver.reply.limits import changed, limited, size
from openai_mockserver.reply.retokenize import retokenize
from openai_mockserver.script import Event, Head, Raw, Script, Step

__all__ = ["ENDPOINTS", "PATH", "read", "render"]

PATH = "/v1/chat/completions"


def render(
    reply: Reply | ApiError,
    request: Mapping[str, Any] | None = None,
    *,
    dialect: str | Dialect | None = None,
    envelope: Envelope | None = None,
    rng: Random | None = None,
) -> Script:
    """The response that says this reply.

    Args:
        reply: what to say.
        request: the request's parameters. Without one, it is a request that streams the reply
            whole: with its n, its logprobs, and its usage if it states one.
        dialect: whose manner to say it in: a name of `dialects()`; OpenAI's own by default.
        envelope: id, time and model to answer with; fresh ones by default.
        rng: where ids and obfuscation come from.

    Raises:
        ReplyError: for a reply that cannot be served, or not to this request.

    >>> script = render(Reply("Hello"))
    >>> len(script.events), script.events[-1].data
    (4, '[DONE]')
    """
    rng = rng or Random()
    manner = named(dialect)
    if isinstance(reply, ApiError):
        return errors.render(reply, rng, manner)
    check_servable(reply, any_reason=manner is not None)
    if manner is not None and any(call.custom for c in reply.choices for call in c.tool_calls):
        raise ReplyError(f"nothing is known of custom tools in the dialect {manner.name!r}")
    if request is None:
        request = _asking_for(reply)
    envelope = envelope or fresh(request, manner, rng)
    whole = retokenize(tuple(_choices(reply, request)), request.get("model"))
    choices = [limited(choice, request) for choice in whole]
    usage = reply.usage
    if usage is None or any(a is not b for a, b in zip(choices, whole, strict=True)):
        usage = _count(choices, request, usage)
    if request.get("stream"):
        if manner is not None:
            return _imitated_stream(reply, choices, usage, request, manner, envelope, rng)
        return _stream(reply, choices, usage, request, envelope, rng)
    if reply.error is not None:
        return errors.render(reply.error, rng, manner)
    if manner is not None:
        return _imitated_json(choices, usage, request, manner, envelope, rng)
    return _json(choices, usage, request, envelope, rng)


def fresh(request: Mapping[str, Any], dialect: Dialect | None, rng: Random) -> Envelope:
    """A new envelope, as this provider would answer this request now."""
    made = Envelope.fresh(request, rng)
    if dialect is None:
        return made
    named_as = str(request.get("model") or "gpt-4o-mini")
    is_openais = dialect.id == "chatcmpl-{openai}"
    model = made.model if is_openais else named_as
    form = dialect.fingerprint
    return replace(
        made,
        id=ids.form(dialect.id, rng, made.created, model),
        model=model,
        # The fingerprint is the deployment's: the same for the same model.
        system_fingerprint=made.system_fingerprint
        if is_openais
        else None
        if form is None
        else ids.form(form, Random(model), made.created, model),
        service_tier=None,
        extra={
            path: ids.form(value, rng, made.created, model) if isinstance(value, str) else value
            for path, value in dialect.extra.items()
        },
        asides=dialect.asides,
    )


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
    taken = call_ids(request.get("messages") or ())
    fresh = [_with_fresh_ids(choice, taken) for choice in reply.choices]
    return fresh * (n if made == 1 else 1)


def _with_fresh_ids(choice: Choice, taken: set[str]) -> Choice:
    if not any(call.id in taken and call.has_derived_id for call in choice.tool_calls):
        return choice
    calls = tuple(c.apart_from(taken) if c.has_derived_id else c for c in choice.tool_calls)
    return changed(choice, tool_calls=calls)


def _count(choices: list[Choice], request: Mapping[str, Any], stated: Usage | None) -> Usage:
    prompt = tokens.count_messages(request.get("messages"), request.get("model"))
    if stated is not None:
        prompt = stated.prompt_tokens
    thought = sum(c.reasoning.tokens for c in choices if c.reasoning is not None)
    accepted, rejected = outcome(choices, request)
    return Usage(
        prompt,
        sum(map(size, choices)) + rejected,
        reasoning_tokens=thought,
        accepted_prediction_tokens=accepted,
        rejected_prediction_tokens=rejected,
    )


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
    refusals = "refusal" not in envelope.omits
    top = request.get("top_logprobs") or 0
    per_choice = [_deltas(choice, asked, top, refusals) for choice in choices]
    events: list[Step] = []
    for index, delta in chunks.in_order(per_choice, [[] for _ in choices], envelope.order):
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
    for index, choice in enumerate(choices):
        if choice.audio is not None and choice.audio.expires_at:
            expiry = f'{{"audio":{{"expires_at":{choice.audio.expires_at}}}}}'
            # The padding of this one is longer by one: one of the few exceptions of WIRE.md §2.
            events.append(splice.chunk(f'{{"index":{index},"delta":{expiry}}}', beyond=1))
    steps = [*events, sse.DONE] if not envelope.asides else splice.with_asides(events)
    return Script(Head(200, headers.stream_headers(rng)), tuple(steps))


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
        if "system_fingerprint" not in envelope.omits:
            members["system_fingerprint"] = envelope.system_fingerprint
        self._asides = envelope.asides
        self._values = chunks.names(envelope) | {"object": "chat.completion.chunk"}
        self._prefix = _dumps(members)[:-1]
        self._usage_null = ',"usage":null' if usage else ""
        self._noise = ids.letters(511, rng) if obfuscation else ""
        self._at = 0

    def chunk(self, choice: str, usage_first: bool = False, beyond: int = 0) -> Event:
        if usage_first:
            return self._close(f'{self._prefix}{self._usage_null},"choices":[{choice}]')
        return self._close(f'{self._prefix},"choices":[{choice}]{self._usage_null}', beyond)

    def usage(self, usage: Usage) -> Event:
        return self._close(f'{self._prefix},"choices":[],"usage":{_dumps(usages.write(usage))}')

    def with_asides(self, events: list[Step]) -> list[Step]:
        """The events, and among them the chunks that say nothing, as moderation results."""
        left = sorted(self._asides, key=lambda aside: aside.after)
        mixed: list[Step] = []
        for n, event in enumerate([*events, sse.DONE]):
            while left and left[0].after <= n:
                step = left.pop(0).step
                if isinstance(step, dict):
                    step = self._close(_dumps(fill(step, self._values.get))[:-1])
                mixed.append(step)
            mixed.append(event)
        return mixed

    def _close(self, members: str, beyond: int = 0) -> Event:
        if not self._noise:
            return Event(members + "}")
        # WIRE.md §2: pads the chunk without this member to a multiple of 16 characters.
        size = -(len(members) + 1 - beyond) % 16
        self._at = (self._at + 17) % 495
        return Event(f'{members},"obfuscation":"{self._noise[self._at : self._at + size]}"}}')


def _dumps(value: object) -> str:
    return msgspec.json.encode(value).decode()


def _deltas(choice: Choice, logprobs: bool, top: int, refusals: bool) -> list[_Delta]:
    if choice.audio is not None:
        return _heard(choice.audio)
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
    if refusals and (not parallel or said):
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
            kind, said_in = _SAID_IN[call.custom]
            fragment = f'{{"index":{index},"{kind}":{{"{said_in}":{_dumps(piece)}}}}}'
            add(_Delta(f'{{"tool_calls":[{fragment}]}}', None, parallel))
    for piece in function.arguments.pieces if function is not None else ():
        add(_Delta(f'{{"function_call":{{"arguments":{_dumps(piece)}}}}}'))
    if choice.annotations:
        add(_Delta(_dumps({"annotations": chunks.citations(choice)})))
    return deltas


def _heard(audio: Audio) -> list[_Delta]:
    """WIRE.md §1, audio: transcript and sound each begin with the id."""
    id_ = _dumps(audio.id)
    deltas = [_Delta('{"role":"assistant","refusal":null}')]
    for n, piece in enumerate(audio.transcript.pieces):
        said = f'"transcript":{_dumps(piece)}}}}}'
        first = f'{{"content":null,"audio":{{"id":{id_},{said}'
        deltas.append(_Delta(f'{{"audio":{{{said}' if n else first))
    for n, piece in enumerate(audio.data.pieces):
        heard = f'"data":{_dumps(piece)}}}}}'
        first = f'{{"role":"assistant","content":null,"refusal":null,"audio":{{"id":{id_},{heard}'
        deltas.append(_Delta(f'{{"audio":{{{heard}' if n else first))
    return deltas


# Whether a call is of a custom tool: its type, and the member that holds what it is given.
_SAID_IN = {False: ("function", "arguments"), True: ("custom", "input")}


def _call_header(index: int, call: ToolCall) -> dict[str, Any]:
    return {"index": index, **_call_json(call, "")}


def _call_json(call: ToolCall, said: str) -> dict[str, Any]:
    kind, said_in = _SAID_IN[call.custom]
    return {"id": call.id, "type": kind, kind: {"name": call.name, said_in: said}}


def _entries(choice: Choice, top: int) -> list[str]:
    """For each piece of what is said, the JSON of its log probabilities."""
    if choice.logprobs is not None:
        stated = choice.logprobs
    else:
        spoken = choice.text if choice.text is not None else choice.refusal
        stated = tuple((likely(p, top),) for p in (spoken.pieces if spoken is not None else ()))
    return [_dumps([logprob_json(entry, top) for entry in entries]) for entries in stated]


# In another's manner


def _imitated_stream(
    reply: Reply,
    choices: list[Choice],
    usage: Usage,
    request: Mapping[str, Any],
    dialect: Dialect,
    envelope: Envelope,
    rng: Random,
) -> Script:
    top = request.get("top_logprobs") or 0
    layer = chunks.Layer(dialect, envelope, request, usage, rng)
    said, ends = [], []
    for choice in choices:
        entries = None
        if request.get("logprobs"):
            entries = [msgspec.json.decode(entry) for entry in _entries(choice, top)]
        parts = chunks.parts(choice, dialect, entries, envelope.sequence)
        finished = parts[-1].kind == "finish"
        said.append(parts[:-1] if finished else parts)
        ends.append(parts[-1:] if finished else [])
    in_order = chunks.in_order(said, ends, envelope.order)
    steps = [layer.chunk(part, index) for index, part in in_order]
    head = Head(
        200, headers.imitated(dialect.headers, dialect.content_type, None, rng, envelope.model)
    )
    if reply.error is not None:
        steps.append(errors.imitated_event(reply.error, dialect))
        return Script(head, tuple(chunks.with_asides(steps, [], layer, envelope.asides)))
    if dialect.usage_chunk == "always" or (dialect.usage_chunk == "asked" and layer.with_usage):
        finish = {"choices.finish_reason": choices[0].finish_reason}
        steps.append(layer.chunk(chunks.Part("usage", finish)))
    for index, choice in enumerate(choices):
        if choice.audio is not None and choice.audio.expires_at:
            expiry = {"choices.delta.audio.expires_at": choice.audio.expires_at}
            steps.append(layer.chunk(chunks.Part("expiry", expiry), index))
    done = [dialect.event(sse.DONE.data)] if dialect.done else []
    ended = chunks.with_asides(steps, done, layer, envelope.asides)
    return Script(head, tuple(ended))


def _imitated_json(
    choices: list[Choice],
    usage: Usage,
    request: Mapping[str, Any],
    dialect: Dialect,
    envelope: Envelope,
    rng: Random,
) -> Script:
    asked, top = bool(request.get("logprobs")), request.get("top_logprobs") or 0
    values = chunks.names(envelope) | {
        "object": "chat.completion",
        "usage": usages.write(usage, dialect.usage),
    }
    values |= {path: value for path, value in envelope.extra.items() if "." not in path}
    inner = dialect.body["choices"][0]
    told = []
    for index, choice in enumerate(choices):
        made = _message_choice(index, _finished(choice), asked, top, True)
        message = made["message"]
        if choice.tool_calls:
            calls = enumerate(choice.tool_calls)
            message["tool_calls"] = [chunks.call_entry(dialect, i, call) for i, call in calls]
        thought = message.pop("reasoning_content", None)
        if thought is not None:
            message[chunks.thought_member(dialect)] = thought
        message["annotations"] = message["annotations"] or None
        hit = chunks.filtered(choice) or chunks.SAFE
        own = {"filtered": hit, **{f"choices.{name}": value for name, value in made.items()}}
        own |= {f"choices.message.{name}": value for name, value in message.items()}
        filled = fill(inner, own.get)
        if "reasoning" in message:  # the tables know it by its other name
            filled["message"].setdefault("reasoning", message["reasoning"])
        told.append(filled)
    body = fill({**dialect.body, "choices": told}, values.get)
    data = dialect.style.dumps(body).encode()
    head = headers.imitated(dialect.headers, "application/json", len(data), rng, envelope.model)
    return Script(Head(200, head), (Raw(data),))


# Not streaming


def _json(
    choices: list[Choice],
    usage: Usage,
    request: Mapping[str, Any],
    envelope: Envelope,
    rng: Random,
) -> Script:
    choices = [*map(_finished, choices)]
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
        "usage": usages.write(usage),
        "service_tier": envelope.service_tier,
        "system_fingerprint": envelope.system_fingerprint,
    }
    return bodies.json(completion, rng)


def _finished(choice: Choice) -> Choice:
    if choice.finish_reason is not None:
        return choice
    if choice.audio is not None:
        return changed(choice, finish_reason="stop")  # which streams of audio leave out
    raise ReplyError("a reply that never finishes can only be streamed; set stream=True")


def _message_choice(
    index: int, choice: Choice, asked: bool, top: int, logprobs_key: bool
) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": choice.text}
    if choice.reasoning is not None:
        message["reasoning_content"] = choice.reasoning
    if choice.tool_calls:
        message["tool_calls"] = [
            _call_json(call, str(call.arguments)) for call in choice.tool_calls
        ]
    if choice.function_call is not None:
        function = choice.function_call
        message["function_call"] = {"name": function.name, "arguments": str(function.arguments)}
    message["refusal"] = choice.refusal
    message["annotations"] = chunks.citations(choice)
    if choice.audio is not None:
        message["audio"] = {
            "id": choice.audio.id,
            "data": str(choice.audio.data),
            "expires_at": choice.audio.expires_at,
            "transcript": str(choice.audio.transcript),
        }
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
    return completion(script, "a chat completion", _Message, _read_message, usages.read)


class _Call:
    """A tool call, as far as it has come."""

    def __init__(self) -> None:
        self.id: str | None = None
        self.name = ""
        self.pieces: list[str] = []
        self.custom = False

    def made(self) -> ToolCall:
        return ToolCall(self.name or "?", self.pieces, self.id or "", custom=self.custom)


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
        self.annotations: list[dict[str, Any]] = []
        self.audio: dict[str, Any] = {}

    def hear(self, audio: dict[str, Any]) -> None:
        """Take a delta of audio: pieces of the transcript and the sound, else members."""
        for name, value in audio.items():
            if name in ("transcript", "data"):
                self.audio.setdefault(name, []).append(value)
            else:
                self.audio[name] = value

    def take(self, choice: dict[str, Any]) -> None:
        finish = choice.get("finish_reason")
        _read_delta(self, choice.get("delta") or {}, choice.get("logprobs"), finish is not None)
        if finish:
            self.finish_reason = finish

    def say(self, name: str, value: object, counts_if_empty: bool) -> None:
        if not isinstance(value, str):
            return
        pieces = self.pieces[name]
        if pieces is None:
            pieces = self.pieces[name] = []
            if name == "reasoning" and not any(self.pieces["text"] or ()):
                self.pieces["text"] = None if self.pieces["text"] is None else []
        if value or counts_if_empty:
            pieces.append(value)

    def choice(self) -> Choice:
        function = self.function
        refusal = self.pieces["refusal"]
        if not refusal and (self.pieces["text"] or self.calls or function):
            refusal = None  # some say an empty one beside what is said
        return Choice(
            self.pieces["text"],
            reasoning=self.pieces["reasoning"],
            refusal=refusal,
            tool_calls=[call.made() for call in self.calls.values()],
            function_call=None
            if function is None
            else FunctionCall(function.name, function.pieces),
            logprobs=self.logprobs,
            finish_reason=self.finish_reason,
            audio=_read_audio(self.audio) if self.audio else None,
            annotations=self.annotations,
        )


_MEMBERS = {
    "content": "text",
    "reasoning_content": "reasoning",
    "reasoning": "reasoning",
    "refusal": "refusal",
}


def _read_delta(
    message: _Message, delta: dict[str, Any], logprobs: dict[str, Any] | None, finishes: bool
) -> None:
    # An empty string is a piece where it is all that the delta says; else it is mere form.
    alone = len(delta) == 1 and not finishes
    for member, name in _MEMBERS.items():
        # Some say what they think under both names.
        if member in delta and (member != "reasoning" or not delta.get("reasoning_content")):
            for kind, text in parts_of(delta[member], name):
                message.say(kind, text, alone)
    if not delta.keys() & {"reasoning", "reasoning_content"}:
        for detail in delta.get("reasoning_details") or ():
            message.say("reasoning", detail.get("text"), False)
    if audio := delta.get("audio"):
        message.hear(audio)
    message.annotations += _read_annotations(delta)
    for fragment in delta.get("tool_calls") or ():
        _read_call(message, fragment)
    if function := delta.get("function_call"):
        message.function = message.function or _Call()
        _read_function(message.function, function, "name" in function)
    if logprobs and any(isinstance(v, list) for v in logprobs.values()):
        message.logprobs = message.logprobs if message.logprobs is not None else []
        entries = logprobs.get("content") or logprobs.get("refusal")
        if entries:
            message.logprobs.append(tuple(map(read_logprob, entries)))


def parts_of(value: object, name: str) -> Iterator[tuple[str, object]]:
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
    function = fragment.get("custom") or fragment.get("function") or {}
    # One index for all calls is seen too: then a new id with a new name tells where one begins.
    known = message.calls.get(key)
    if known is not None and id_ and known.id not in (None, id_) and function.get("name"):
        message.calls[known.id, key] = message.calls.pop(key)
    call = message.calls.setdefault(key, _Call())
    begins = call.id is None and bool(id_)
    if begins:
        call.id = id_
    call.custom = call.custom or "custom" in fragment
    _read_function(call, function, begins)


def _read_function(call: _Call, function: dict[str, Any], begins: bool) -> None:
    name = function.get("name")
    if name and name != call.name:
        call.name += name
    arguments = function.get("input" if call.custom else "arguments")
    if isinstance(arguments, str) and (arguments or not begins):
        call.pieces.append(arguments)


def _read_annotations(message: dict[str, Any]) -> list[dict[str, Any]]:
    """Citations, flat as in the Responses API."""
    return [
        {"type": kind, **one[kind]}
        for one in message.get("annotations") or ()
        if isinstance(one.get(kind := str(one.get("type"))), dict)
    ]


def _read_audio(audio: dict[str, Any]) -> Audio:
    return Audio(
        audio.get("transcript") or (),
        audio.get("data") or (),
        audio.get("id"),
        audio.get("expires_at") or 0,
    )


def _read_message(choice: dict[str, Any]) -> Choice:
    message = choice.get("message") or {}
    function = message.get("function_call")
    logprobs = choice.get("logprobs")
    entries = logprobs and (logprobs.get("content") or logprobs.get("refusal") or [])
    return Choice(
        message.get("content"),
        reasoning=message.get("reasoning_content", message.get("reasoning")),
        refusal=message.get("refusal"),
        tool_calls=[_read_whole_call(call) for call in message.get("tool_calls") or ()],
        function_call=function and FunctionCall(function["name"], function["arguments"]),
        logprobs=None if entries is None else [read_logprob(entry) for entry in entries],
        finish_reason=choice.get("finish_reason"),
        audio=_read_audio(audio) if (audio := message.get("audio")) else None,
        annotations=_read_annotations(message),
    )


def _read_whole_call(call: dict[str, Any]) -> ToolCall:
    custom = call.get("type") == "custom"
    kind, said_in = _SAID_IN[custom]
    return ToolCall(call[kind]["name"], call[kind][said_in], call["id"], custom=custom)


# Storing


def keep(asked: Asked, script: Script, store: Store) -> Script:
    """Remember a completion that is to be stored, and what it was asked."""
    if not asked.parameters.get("store") or script.head.status != 200:
        return script
    try:
        kept = _whole(asked.parameters, script)
        kept |= {"id": kept["id"], "metadata": asked.parameters.get("metadata") or {}}
    except (*WRONG, ReplyError, StopIteration):
        return script  # what a rule sent is no completion
    store.put(CREATED, kept["id"], PATH)
    store.put(PATH, kept["id"], kept)
    for index, message in enumerate(asked.parameters["messages"]):
        said = {"id": f"{kept['id']}-{index}"} | message
        store.put(f"{PATH}/{kept['id']}/messages", said["id"], said)
    return script


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
        path=PATH,
        parameters=parameters_of("POST", PATH),
        render=render,
        read=read,
        keep=keep,
        dialects=True,
    ),
)
