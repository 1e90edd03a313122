"""Writes the chunks and JSON bodies of chat completions in a dialect.

Theory of operation
-------------------

A dialect is a table of layouts, one for each kind of chunk (`chat.DELTAS` lists the kinds; a
combination such as ``role+text`` or ``text+finish`` has a layout too). A layout is a JSON object
with holes. Writing a chunk means choosing the layout of its kind and filling the holes:

    Reply ── split_choice ──▶ Parts ── interleave ──▶ ChunkWriter.chunk ──▶ Event

1. `sequence.split_choice` cuts each choice into parts, one `Part` for each chunk. A part is a kind
   and the values that only this chunk has, by the names of their holes.
2. `sequence.interleave` merges the parts of several choices into the order of the stream.
3. `ChunkWriter.chunk` fills the layout. It looks a hole's name up in this order: values that a
   recorded envelope repeats in turn (``envelope.turns``); the part's values; the values of the
   whole response (id, model, usage); the dialect's or the recording's own members (``extra``);
   values that are computed here (``text_so_far``, ``running_usage``, ``delta_copy``, padding). A
   hole without a value becomes null; a hole with ``?`` is then left out, and so is every hole with
   `OMITTED`.
4. The dialect's `Style` turns the object into JSON, and `Dialect.event` adds the framing.

An example: ``Reply(["Hi", " there"])`` in the dialect ``groq`` has these parts:

    Part("role",   {"choices.delta.content": ""})
    Part("text",   {"choices.delta.content": "Hi", "piece": "Hi", "text": "Hi"})
    Part("text",   {"choices.delta.content": " there", …})
    Part("finish", {"choices.finish_reason": "stop"})

`dialects.providers.groq` writes the layout of the last chunk as:

    id,object,created,model,system_fingerprint,choices[…],x_groq{id,usage=$usage},usage

``id`` stands for the hole ``id``, ``x_groq{id}`` for the hole ``x_groq.id``, and ``usage=$usage``
puts the value of the hole ``usage`` there. The defaults of `dialects.chat` fill in ``choices`` as
``[index,delta{},logprobs,finish_reason]``. With the values from 3. the chunk is:

    {"id":"chatcmpl-…","object":"chat.completion.chunk","created":…,"model":"llama-3.3-70b",
     "system_fingerprint":"fp_…","choices":[{"index":0,"delta":{},"logprobs":null,
     "finish_reason":"stop"}],"x_groq":{"id":"req_…","usage":{"queue_time":0.02,…}},"usage":{…}}

`dialects.template` has the notation and lists each ``$name``.

Rules of this file: it names no provider; the tables of `openai_mockserver.dialects` say what
differs. OpenAI's own stream is spliced by `openai_mockserver.api.chat.openai_writer`, which is
faster.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from random import Random
from typing import Any

import msgspec.json

from openai_mockserver import sse
from openai_mockserver.api import errors, headers
from openai_mockserver.api.chat.message import choice_json, encode_logprobs, require_finish
from openai_mockserver.api.chat.sequence import (
    DELTA,
    Part,
    add_extra,
    call_values,
    interleave,
    split_choice,
)
from openai_mockserver.api.envelope import Envelope
from openai_mockserver.api.ids import Padding
from openai_mockserver.dialects import Dialect, content_filter
from openai_mockserver.dialects import usage as usages
from openai_mockserver.dialects.dialect import ExtraStep
from openai_mockserver.dialects.json_style import COMPACT
from openai_mockserver.dialects.template import OMITTED, Hole, fill
from openai_mockserver.reply import (
    ApiError,
    Choice,
    Reply,
    ToolCall,
    Usage,
)
from openai_mockserver.script import Raw, Script, Step

__all__ = ["ChunkWriter", "insert_extra_steps"]

ALPHABET = "abcdefghijklmnopqrstuvwxyz0123456789"
_UPSTREAM_HAS_NOT = {"obfuscation", "prompt_filter_results", "content_filter_results"}


def reasoning_member(dialect: Dialect) -> str:
    """The member of a message that holds what was thought."""
    delta = dialect.layout("reasoning")["choices"][0]["delta"]
    return "reasoning" if "reasoning" in delta else "reasoning_content"


class ChunkWriter:
    """Lays out the chunks of one response."""

    def __init__(
        self,
        dialect: Dialect,
        envelope: Envelope,
        request: Mapping[str, Any],
        usage: Usage,
    ) -> None:
        options = request.get("stream_options") or {}
        self._dialect, self._envelope = dialect, envelope
        self._noise = Padding(envelope.noise)
        self._usage, self._rest = usage, dict.fromkeys(dialect.usage)
        self.with_usage = bool(options.get("include_usage"))
        self._padded = options.get("include_obfuscation") is not False
        counts = usages.write(usage, dialect.usage)
        self._values: dict[str, Any] = {
            "object": "chat.completion.chunk",
            **envelope_values(envelope),
            f"{DELTA}role": "assistant",
            "choices.index": 0,
            "usage": counts,
            "usage_if_requested": counts if self.with_usage else OMITTED,
            "null_usage_if_requested": None if self.with_usage else OMITTED,
            "usage.prompt_tokens": usage.prompt_tokens,
            "usage.completion_tokens": usage.completion_tokens,
            "null_refusal": OMITTED if "refusal" in envelope.omits else None,
            "stream_options": request.get("stream_options"),
            "text": "",
        }
        self._texts: dict[int, list[str]] = {}
        self._turns: Counter[str] = Counter()
        self._paddings = iter(envelope.paddings)

    def chunk(self, part: Part, index: int = 0) -> Step:
        """Return the chunk with a part of the choice of this index."""
        so_far = self._texts.setdefault(index, [])
        so_far.append(part.values.get("text", ""))
        layout = self._dialect.layout(part.kind)
        values = {"choices.index": index} | part.values
        if "null_refusal" in values or self._envelope.omits:
            values.setdefault("null_refusal", self._values["null_refusal"])
        return self._step(part.kind, layout, values, so_far)

    def error_chunk(self, error: ApiError, finish_reason: str) -> Step:
        """Return the chunk with an error beside the choice that it ends."""
        layout = self._dialect.layout("error")
        layout = layout | {"error": layout["error"] | dict(error.extra)}
        finish = {"choices.index": 0, "choices.finish_reason": finish_reason}
        values = errors.error_values(error) | finish
        return self._step("error", layout, values, self._texts.get(0, []))

    def extra_step(self, extra: ExtraStep) -> Step:
        """Return an extra step, which has no content."""
        if isinstance(extra.step, dict):
            return self._step("", extra.step, {}, [])
        step: Step = extra.step
        return step

    def _step(self, kind: str, layout: Any, values: dict[str, Any], so_far: list[str]) -> Step:
        response_values, envelope = self._values, self._envelope

        def value(name: str) -> Any:
            if name in envelope.turns:
                turn = envelope.turns[name]
                n = self._turns[name]
                self._turns[name] += 1
                return fill(turn[n % len(turn)], value)
            if name in values:
                return values[name]
            if name in response_values:
                return response_values[name]
            if name in envelope.extra and (name != "native_finish_reason" or _ends(values)):
                return envelope.extra[name]
            if name == "native_finish_reason":
                return values.get("choices.finish_reason")
            if name == "text_so_far":
                return "".join(so_far)
            if name == "running_usage" and _ends(values):
                return response_values["usage"]
            if name == "running_usage":
                count = sum(map(bool, so_far))
                return usages.write(Usage(self._usage.prompt_tokens, count), self._dialect.usage)
            if name == "reasoning_details":
                piece = {"type": "reasoning.text", "text": values.get("piece")}
                return [piece | {"format": "unknown", "index": 0}]
            if name == "delta_copy":
                return fill(layout["choices"][0]["delta"], value)
            if name in _PADDINGS:
                return "" if name == self._dialect.padding and self._padded else None
            return None

        members = fill(layout, value)
        if "call" in kind:
            add_extra(members["choices"][0]["delta"].get("tool_calls") or [], value)
        style = self._dialect.style
        if kind in self._dialect.spaced_kinds:
            style = style.with_other_spacing
        if members.get(self._dialect.padding) == "":
            members[self._dialect.padding] = self._padding(kind, members)
        return self._dialect.event(style.dumps(members))

    def _padding(self, kind: str, members: dict[str, Any]) -> str:
        if self._dialect.padding == "p":
            # WIRE.md §5: a prefix of the alphabet, of a random length.
            size = next(self._paddings, None) or self._noise.number(len(ALPHABET))
            return ALPHABET[:size]
        # WIRE.md §2: it pads the upstream's JSON, which lacks the members that the provider adds.
        bare = {k: v for k, v in members.items() if k not in _UPSTREAM_HAS_NOT}
        if "choices" in bare:
            bare["choices"] = [
                {k: v for k, v in choice.items() if k not in _UPSTREAM_HAS_NOT}
                for choice in bare["choices"]
            ]
        size = len(COMPACT.dumps(bare)) - (kind == "expiry")  # as recorded, which has one more
        return self._noise.letters(-size % 16)


def _ends(values: Mapping[str, Any]) -> bool:
    return values.get("choices.finish_reason") is not None


_PADDINGS = ("obfuscation", "p")


def envelope_values(envelope: Envelope) -> dict[str, Any]:
    """Return the values that every chunk of a response repeats."""
    return {
        "id": envelope.id,
        "created": envelope.created,
        "model": envelope.model,
        "system_fingerprint": envelope.system_fingerprint,
    } | ({} if "service_tier" in envelope.extra else {"service_tier": envelope.service_tier})


def insert_extra_steps(
    steps: list[Step], last_steps: list[Step], layer: ChunkWriter, extra_steps: Any
) -> list[Step]:
    """Return the steps with each extra step after as many others as it states."""
    queue = sorted(extra_steps, key=lambda extra: extra.after)
    if not queue:
        return steps + last_steps
    all_steps: list[Step] = []
    for n, step in enumerate([*steps, *last_steps]):
        while queue and queue[0].after <= n:
            all_steps.append(layer.extra_step(queue.pop(0)))
        all_steps.append(step)
    return all_steps + [layer.extra_step(extra) for extra in queue]


def whole_call(dialect: Dialect, index: int, call: ToolCall) -> dict[str, Any]:
    """Return a tool call of a message in a JSON body."""
    layout = dialect.layout("call")["choices"][0]["delta"]["tool_calls"][0]
    values = call_values(index, call, str(call.arguments))
    entry: dict[str, Any] = fill({k: v for k, v in layout.items() if k != "index"}, values.get)
    entry.setdefault("type", "function")
    function = layout["function"]
    if not isinstance(function.get("arguments"), Hole):
        entry["function"]["arguments"] = str(call.arguments)
    add_extra([entry], values.get)
    return entry


# Streams and bodies of another provider


def render_dialect_stream(
    reply: Reply,
    choices: list[Choice],
    usage: Usage,
    request: Mapping[str, Any],
    dialect: Dialect,
    envelope: Envelope,
    rng: Random,
) -> Script:
    top = request.get("top_logprobs") or 0
    layer = ChunkWriter(dialect, envelope, request, usage)
    error, ended_by = reply.error, choices[0].finish_reason
    only_error = reply.is_only_error
    is_in_chunk = error is not None and dialect.error_finish is not None and not only_error
    per_choice, ends = [], []
    for choice in choices:
        entries = None
        if request.get("logprobs"):
            entries = [msgspec.json.decode(entry) for entry in encode_logprobs(choice, top)]
        parts = split_choice(choice, dialect, entries, envelope.sequence)
        if "role" in envelope.omits:
            parts = [part for part in parts if part.kind != "role"]
        has_end = bool(parts) and parts[-1].kind == "finish"
        per_choice.append(parts[:-1] if has_end else parts)
        ends.append(parts[-1:] if has_end else [])
    if is_in_chunk:
        ends[0] = []
        ended_by = ended_by or dialect.error_finish
    all_parts = interleave(per_choice, ends, envelope.order)
    steps = [layer.chunk(part, index) for index, part in all_parts if not only_error]
    head = headers.make_dialect_head(dialect, envelope.model, None, rng)
    if error is not None and is_in_chunk:
        steps.append(layer.error_chunk(error, str(ended_by)))
    elif error is not None:
        steps.append(errors.dialect_error_event(error, dialect))
        extra_steps = () if reply.alone else envelope.extra_steps
        return Script(head, tuple(insert_extra_steps(steps, [], layer, extra_steps)))
    if dialect.usage_chunk == "always" or (dialect.usage_chunk == "requested" and layer.with_usage):
        finish = {"choices.finish_reason": ended_by}
        steps.append(layer.chunk(Part("usage", finish)))
    for index, choice in enumerate(choices):
        if choice.audio is not None and choice.audio.expires_at:
            expiry = {"choices.delta.audio.expires_at": choice.audio.expires_at}
            steps.append(layer.chunk(Part("expiry", expiry), index))
    last_steps = [dialect.event(sse.DONE.data)] if dialect.ends_with_done else []
    all_steps = insert_extra_steps(steps, last_steps, layer, envelope.extra_steps)
    return Script(head, tuple(all_steps))


def render_dialect_json(
    completion: Mapping[str, Any], dialect: Dialect, envelope: Envelope, rng: Random
) -> Script:
    """Return the response of a completion in the dialect."""
    data = dialect.style.dumps(completion).encode()
    return Script(headers.make_dialect_head(dialect, envelope.model, len(data), rng), (Raw(data),))


def dialect_completion_json(
    choices: list[Choice],
    usage: Usage,
    request: Mapping[str, Any],
    dialect: Dialect,
    envelope: Envelope,
) -> dict[str, Any]:
    """Return the completion as one object in the dialect."""
    with_logprobs, top = bool(request.get("logprobs")), request.get("top_logprobs") or 0
    values = envelope_values(envelope) | {
        "object": "chat.completion",
        "usage": usages.write(usage, dialect.usage),
    }
    values |= {path: value for path, value in envelope.extra.items() if "." not in path}
    layout = dialect.body["choices"][0]
    entries = []
    for index, choice in enumerate(choices):
        members = choice_json(index, require_finish(choice), with_logprobs, top, True)
        message = members["message"]
        if choice.tool_calls:
            calls = enumerate(choice.tool_calls)
            message["tool_calls"] = [whole_call(dialect, i, call) for i, call in calls]
        reasoning = message.pop("reasoning_content", None)
        if reasoning is not None:
            message[reasoning_member(dialect)] = reasoning
        message["annotations"] = message["annotations"] or None
        hit = content_filter.filter_results(choice) or content_filter.SAFE
        own_values = {f"choices.{name}": value for name, value in members.items()}
        own_values |= {f"choices.message.{name}": value for name, value in message.items()}
        own_values["choice_filter"] = hit
        entry = fill(layout, own_values.get)
        if "reasoning" in message:  # layouts have it under its other name
            entry["message"].setdefault("reasoning", message["reasoning"])
        entries.append(entry)
    values["choices"] = entries
    body: dict[str, Any] = fill({**dialect.body, "choices": Hole("choices")}, values.get)
    return body
