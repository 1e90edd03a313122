"""Writes OpenAI's own chunks and bodies of a chat completion.

All chunks of a stream begin with the same text, so only their tails are encoded one by one.
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
from openai_mockserver.api.chat.sequence import arrange_parts, citations, interleave
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

# Streams


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
    with_logprobs = bool(request.get("logprobs"))
    no_logprobs = ',"logprobs":null' if envelope.logprobs_key or with_logprobs else ""
    with_refusal = "refusal" not in envelope.omits
    top = request.get("top_logprobs") or 0
    per_choice = [_build_deltas(choice, with_logprobs, top, with_refusal) for choice in choices]
    events: list[Step] = []
    if reply.is_only_error:
        per_choice = [[] for _ in choices]
    for index, delta in interleave(per_choice, [[] for _ in choices], envelope.order):
        logprobs = no_logprobs if delta.logprobs is None else f',"logprobs":{delta.logprobs}'
        fragment = f'{{"index":{index},"delta":{delta.json}{logprobs},"finish_reason":null}}'
        events.append(splice.chunk(fragment, delta.usage_first))
    if reply.error is not None:
        events.append(errors.error_event(reply.error))
        return Script(make_head(None, rng), tuple(events))
    for index, choice in enumerate(choices):
        if choice.finish_reason is not None:
            finish = f'"finish_reason":"{choice.finish_reason}"'
            events.append(splice.chunk(f'{{"index":{index},"delta":{{}}{no_logprobs},{finish}}}'))
    if with_usage:
        events.append(splice.usage(usage))
    for index, choice in enumerate(choices):
        if choice.audio is not None and choice.audio.expires_at:
            expiry = f'{{"audio":{{"expires_at":{choice.audio.expires_at}}}}}'
            # The padding of this one is longer by one: one of the few exceptions of WIRE.md §2.
            events.append(splice.chunk(f'{{"index":{index},"delta":{expiry}}}', beyond=1))
    steps = [*events, sse.DONE] if not envelope.extra_steps else splice.insert_extra_steps(events)
    return Script(make_head(None, rng), tuple(steps))


def make_head(length: int | None, rng: Random) -> Head:
    """Return the head of a stream; of a body, if its length in bytes is given."""
    fields = headers.stream_headers(rng) if length is None else headers.json_headers(length, rng)
    return Head(200, fields)


class _Splicer:
    """Builds the chunks of one response from the parts in which they differ."""

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
        self._omits = envelope.omits
        self._extra_steps = envelope.extra_steps
        self._values = dialect_writer.envelope_values(envelope) | {
            "object": "chat.completion.chunk"
        }
        self._prefix = dumps(members)[:-1]
        self._usage_null = ',"usage":null' if usage and "usage" not in envelope.omits else ""
        self._padding = ids.Padding(envelope.noise) if obfuscation else None

    def chunk(self, choice: str, usage_first: bool = False, beyond: int = 0) -> Event:
        if usage_first:
            return self._close(f'{self._prefix}{self._usage_null},"choices":[{choice}]')
        return self._close(f'{self._prefix},"choices":[{choice}]{self._usage_null}', beyond)

    def usage(self, usage: Usage) -> Event:
        counts = _omit_members(usages.write(usage), self._omits)
        return self._close(f'{self._prefix},"choices":[],"usage":{dumps(counts)}')

    def insert_extra_steps(self, events: list[Step]) -> list[Step]:
        """Return the events with the extra chunks without content, such as moderation results."""
        queue = sorted(self._extra_steps, key=lambda extra: extra.after)
        steps: list[Step] = []
        for n, event in enumerate([*events, sse.DONE]):
            while queue and queue[0].after <= n:
                step = queue.pop(0).step
                if isinstance(step, dict):
                    step = self._close(dumps(fill(step, self._values.get))[:-1])
                steps.append(step)
            steps.append(event)
        return steps

    def _close(self, members: str, beyond: int = 0) -> Event:
        if self._padding is None:
            return Event(members + "}")
        # WIRE.md §2: padding fills the chunk without this member up to a multiple of 16 characters.
        size = -(len(members) + 1 - beyond) % 16
        return Event(f'{members},"obfuscation":"{self._padding.letters(size)}"}}')


def _build_deltas(
    choice: Choice, with_logprobs: bool, top: int, with_refusal: bool
) -> list[_Delta]:
    if choice.audio is not None:
        return _build_audio_deltas(choice.audio)
    calls, function = choice.tool_calls, choice.function_call
    has_words = (
        choice.text is not None or choice.reasoning is not None or choice.refusal is not None
    )
    role: dict[str, Any] = {"role": "assistant", "content": None if choice.text is None else ""}
    is_parallel = len(calls) > 1
    if len(calls) == 1 and not has_words:
        # The header of a single call is part of the first chunk; several have own chunks (§1).
        role["tool_calls"] = [_call_header(0, calls[0])]
    if function is not None:
        role["function_call"] = {"name": function.name, "arguments": ""}
    if choice.reasoning is not None:
        role["reasoning_content"] = ""
    if with_refusal and (not is_parallel or has_words):
        role["refusal"] = None if choice.refusal is None else ""
    entries = encode_logprobs(choice, top) if with_logprobs else None
    first = '{"content":[],"refusal":null}' if with_logprobs else None
    deltas = [_Delta(dumps(role), first, usage_first=is_parallel and not has_words)]
    add = deltas.append
    for piece in choice.reasoning.pieces if choice.reasoning is not None else ():
        add(_Delta(f'{{"reasoning_content":{dumps(piece)}}}'))
    for at, piece in enumerate(choice.text.pieces if choice.text is not None else ()):
        logprobs = f'{{"content":{entries[at]},"refusal":null}}' if entries is not None else None
        add(_Delta(f'{{"content":{dumps(piece)}}}', logprobs))
    for at, piece in enumerate(choice.refusal.pieces if choice.refusal is not None else ()):
        logprobs = None
        if entries is not None and choice.text is None:
            logprobs = f'{{"content":null,"refusal":{entries[at]}}}'
        add(_Delta(f'{{"refusal":{dumps(piece)}}}', logprobs))
    for index, call in enumerate(calls):
        if has_words or is_parallel:
            add(_Delta(dumps({"tool_calls": [_call_header(index, call)]}), None, is_parallel))
        for piece in call.arguments.pieces:
            kind, member = CALL_MEMBERS[call.custom]
            fragment = f'{{"index":{index},"{kind}":{{"{member}":{dumps(piece)}}}}}'
            add(_Delta(f'{{"tool_calls":[{fragment}]}}', None, is_parallel))
    for piece in function.arguments.pieces if function is not None else ():
        add(_Delta(f'{{"function_call":{{"arguments":{dumps(piece)}}}}}'))
    if choice.annotations:
        add(_Delta(dumps({"annotations": citations(choice)})))
    return _arrange_deltas(choice, deltas) if choice.explicit_output else deltas


def _arrange_deltas(choice: Choice, deltas: list[_Delta]) -> list[_Delta]:
    """Return the deltas, of which the first has the role, in the order of the output items."""
    kinds: list[str] = []
    for kind in ("reasoning", "text", "refusal"):
        text = getattr(choice, kind)
        kinds += [kind] * len(text.pieces if text is not None else ())
    for call in choice.tool_calls:
        kinds += ["call", *["arguments"] * len(call.arguments.pieces)]
    kinds = kinds[: len(deltas) - 1]
    end = 1 + len(kinds)
    return [deltas[0], *arrange_parts(choice, kinds, deltas[1:end]), *deltas[end:]]


def _build_audio_deltas(audio: Audio) -> list[_Delta]:
    """Return the deltas of audio: transcript and data each begin with the id (WIRE.md §1)."""
    id_ = dumps(audio.id)
    deltas = [_Delta('{"role":"assistant","refusal":null}')]
    for n, piece in enumerate(audio.transcript.pieces):
        tail = f'"transcript":{dumps(piece)}}}}}'
        first = f'{{"content":null,"audio":{{"id":{id_},{tail}'
        deltas.append(_Delta(f'{{"audio":{{{tail}' if n else first))
    for n, piece in enumerate(audio.data.pieces):
        tail = f'"data":{dumps(piece)}}}}}'
        first = f'{{"role":"assistant","content":null,"refusal":null,"audio":{{"id":{id_},{tail}'
        deltas.append(_Delta(f'{{"audio":{{{tail}' if n else first))
    return deltas


def _call_header(index: int, call: ToolCall) -> dict[str, Any]:
    return {"index": index, **call_json(call, "")}


def _omit_members(counts: dict[str, Any], names: frozenset[str]) -> dict[str, Any]:
    """Return the counts without those that a response from an earlier year lacks."""
    if not names:
        return counts
    return {
        name: _omit_members(value, names) if isinstance(value, dict) else value
        for name, value in counts.items()
        if name not in names
    }


# JSON bodies


def completion_json(
    choices: list[Choice], usage: Usage, request: Mapping[str, Any], envelope: Envelope
) -> dict[str, Any]:
    """Return the completion as one object; its large parts are encoded already."""
    choices = [*map(require_finish, choices)]
    with_logprobs, top = bool(request.get("logprobs")), request.get("top_logprobs") or 0
    items = (
        choice_json(index, choice, with_logprobs, top, envelope.logprobs_key)
        for index, choice in enumerate(choices)
    )
    return {
        "id": envelope.id,
        "object": "chat.completion",
        "created": envelope.created,
        "model": envelope.model,
        "choices": [*map(encode_large, items)] if len(choices) > 1 else [*items],
        "usage": usages.write(usage),
        "service_tier": envelope.service_tier,
        "system_fingerprint": envelope.system_fingerprint,
    }
