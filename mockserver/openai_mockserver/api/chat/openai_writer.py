"""OpenAI's own chunks and bodies of a chat completion.

A stream is spliced: every chunk begins with the same text, so only the tails are made anew.
"""

from __future__ import annotations

from collections.abc import Mapping
from random import Random
from typing import Any, NamedTuple

from openai_mockserver import sse
from openai_mockserver.api import errors, headers, ids
from openai_mockserver.api.chat import dialect_writer
from openai_mockserver.api.chat.message import (
    CALL_MEMBERS,
    call_json,
    choice_json,
    dumps,
    encode_logprobs,
    require_finish,
)
from openai_mockserver.api.chat.sequence import citations, interleave
from openai_mockserver.api.envelope import Envelope
from openai_mockserver.api.json_body import encode_large
from openai_mockserver.dialects import usage as usages
from openai_mockserver.dialects.template import fill
from openai_mockserver.reply import (
    Audio,
    Choice,
    Reply,
    ToolCall,
    Usage,
)
from openai_mockserver.script import Event, Head, Script, Step

# Streaming


class _Delta(NamedTuple):
    json: str
    logprobs: str | None = None
    usage_first: bool = False  # WIRE.md §1: in chunks of parallel calls


def render_stream(
    reply: Reply,
    choices: list[Choice],
    usage: Usage,
    request: Mapping[str, Any],
    envelope: Envelope,
    rng: Random,
) -> Script:
    options = request.get("stream_options") or {}
    with_usage = bool(options.get("include_usage"))
    splice = _Splicer(envelope, with_usage, options.get("include_obfuscation") is not False)
    asked = bool(request.get("logprobs"))
    logprobs = ',"logprobs":null' if envelope.logprobs_key or asked else ""
    refusals = "refusal" not in envelope.omits
    top = request.get("top_logprobs") or 0
    per_choice = [_deltas(choice, asked, top, refusals) for choice in choices]
    events: list[Step] = []
    if reply.is_only_error:
        per_choice = [[] for _ in choices]
    for index, delta in interleave(per_choice, [[] for _ in choices], envelope.order):
        stated = logprobs if delta.logprobs is None else f',"logprobs":{delta.logprobs}'
        spliced = f'{{"index":{index},"delta":{delta.json}{stated},"finish_reason":null}}'
        events.append(splice.chunk(spliced, delta.usage_first))
    if reply.error is not None:
        events.append(errors.error_event(reply.error))
        return Script(make_head(None, rng), tuple(events))
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
    steps = [*events, sse.DONE] if not envelope.extra_steps else splice.with_asides(events)
    return Script(make_head(None, rng), tuple(steps))


def make_head(length: int | None, rng: Random) -> Head:
    """The head of a stream; of a body, if its length in bytes is given."""
    sent = headers.stream_headers(rng) if length is None else headers.json_headers(length, rng)
    return Head(200, sent)


class _Splicer:
    """Makes the chunks of one response from the part that differs."""

    def __init__(self, envelope: Envelope, usage: bool, obfuscation: bool) -> None:
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
        self._extra_steps = envelope.extra_steps
        self._values = dialect_writer.envelope_values(envelope) | {
            "object": "chat.completion.chunk"
        }
        self._prefix = dumps(members)[:-1]
        self._usage_null = ',"usage":null' if usage else ""
        self._padding = ids.Padding(envelope.noise) if obfuscation else None

    def chunk(self, choice: str, usage_first: bool = False, beyond: int = 0) -> Event:
        if usage_first:
            return self._close(f'{self._prefix}{self._usage_null},"choices":[{choice}]')
        return self._close(f'{self._prefix},"choices":[{choice}]{self._usage_null}', beyond)

    def usage(self, usage: Usage) -> Event:
        return self._close(f'{self._prefix},"choices":[],"usage":{dumps(usages.write(usage))}')

    def with_asides(self, events: list[Step]) -> list[Step]:
        """The events, and among them the chunks that say nothing, as moderation results."""
        left = sorted(self._extra_steps, key=lambda extra: extra.after)
        mixed: list[Step] = []
        for n, event in enumerate([*events, sse.DONE]):
            while left and left[0].after <= n:
                step = left.pop(0).step
                if isinstance(step, dict):
                    step = self._close(dumps(fill(step, self._values.get))[:-1])
                mixed.append(step)
            mixed.append(event)
        return mixed

    def _close(self, members: str, beyond: int = 0) -> Event:
        if self._padding is None:
            return Event(members + "}")
        # WIRE.md §2: pads the chunk without this member to a multiple of 16 characters.
        size = -(len(members) + 1 - beyond) % 16
        return Event(f'{members},"obfuscation":"{self._padding.letters(size)}"}}')


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
    entries = encode_logprobs(choice, top) if logprobs else None
    first = '{"content":[],"refusal":null}' if logprobs else None
    deltas = [_Delta(dumps(role), first, usage_first=parallel and not said)]
    add = deltas.append
    for piece in choice.reasoning.pieces if choice.reasoning is not None else ():
        add(_Delta(f'{{"reasoning_content":{dumps(piece)}}}'))
    for at, piece in enumerate(choice.text.pieces if choice.text is not None else ()):
        given = f'{{"content":{entries[at]},"refusal":null}}' if entries is not None else None
        add(_Delta(f'{{"content":{dumps(piece)}}}', given))
    for at, piece in enumerate(choice.refusal.pieces if choice.refusal is not None else ()):
        given = None
        if entries is not None and choice.text is None:
            given = f'{{"content":null,"refusal":{entries[at]}}}'
        add(_Delta(f'{{"refusal":{dumps(piece)}}}', given))
    for index, call in enumerate(calls):
        if said or parallel:
            add(_Delta(dumps({"tool_calls": [_call_header(index, call)]}), None, parallel))
        for piece in call.arguments.pieces:
            kind, said_in = CALL_MEMBERS[call.custom]
            fragment = f'{{"index":{index},"{kind}":{{"{said_in}":{dumps(piece)}}}}}'
            add(_Delta(f'{{"tool_calls":[{fragment}]}}', None, parallel))
    for piece in function.arguments.pieces if function is not None else ():
        add(_Delta(f'{{"function_call":{{"arguments":{dumps(piece)}}}}}'))
    if choice.annotations:
        add(_Delta(dumps({"annotations": citations(choice)})))
    return deltas


def _heard(audio: Audio) -> list[_Delta]:
    """WIRE.md §1, audio: transcript and sound each begin with the id."""
    id_ = dumps(audio.id)
    deltas = [_Delta('{"role":"assistant","refusal":null}')]
    for n, piece in enumerate(audio.transcript.pieces):
        said = f'"transcript":{dumps(piece)}}}}}'
        first = f'{{"content":null,"audio":{{"id":{id_},{said}'
        deltas.append(_Delta(f'{{"audio":{{{said}' if n else first))
    for n, piece in enumerate(audio.data.pieces):
        heard = f'"data":{dumps(piece)}}}}}'
        first = f'{{"role":"assistant","content":null,"refusal":null,"audio":{{"id":{id_},{heard}'
        deltas.append(_Delta(f'{{"audio":{{{heard}' if n else first))
    return deltas


def _call_header(index: int, call: ToolCall) -> dict[str, Any]:
    return {"index": index, **call_json(call, "")}


# Not streaming


def completion_json(
    choices: list[Choice], usage: Usage, request: Mapping[str, Any], envelope: Envelope
) -> dict[str, Any]:
    """The completion as one object, in which what is large is encoded already."""
    choices = [*map(require_finish, choices)]
    asked, top = bool(request.get("logprobs")), request.get("top_logprobs") or 0
    made = (
        choice_json(index, choice, asked, top, envelope.logprobs_key)
        for index, choice in enumerate(choices)
    )
    return {
        "id": envelope.id,
        "object": "chat.completion",
        "created": envelope.created,
        "model": envelope.model,
        "choices": [*map(encode_large, made)] if len(choices) > 1 else [*made],
        "usage": usages.write(usage),
        "service_tier": envelope.service_tier,
        "system_fingerprint": envelope.system_fingerprint,
    }
