"""What a choice says, cut into the parts of a stream and laid out as a dialect has it.

Rules of this file: no provider is named here; the tables of `openai_mockserver.api.dialects` say
what differs. OpenAI's own stream is spliced by `openai_mockserver.api.chat`, which is faster.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import zip_longest
from random import Random
from typing import Any, NamedTuple, TypeVar

from openai_mockserver.api import usage as usages
from openai_mockserver.api.dialects import Dialect
from openai_mockserver.api.ids import Aside, Envelope, letters
from openai_mockserver.api.layout import COMPACT, OMITTED, Hole, fill
from openai_mockserver.reply import Choice, ToolCall, Usage
from openai_mockserver.script import Step

__all__ = ["Layer", "Part", "in_order", "parts", "with_asides"]

T = TypeVar("T")
DELTA = "choices.delta."
CALL = "choices.delta.tool_calls."
ALPHABET = "abcdefghijklmnopqrstuvwxyz0123456789"
_UPSTREAM_HAS_NOT = {"obfuscation", "prompt_filter_results", "content_filter_results"}
SAFE = {
    name: {"filtered": False, "severity": "safe"}
    for name in ("hate", "self_harm", "sexual", "violence")
}
"""What Azure's content filter says of what it lets pass."""

_HIT = {
    "hate": {"filtered": False, "severity": "safe"},
    "self_harm": {"filtered": False, "severity": "safe"},
    "sexual": {"filtered": False, "severity": "safe"},
    "violence": {"filtered": True, "severity": "medium"},
}


class Part(NamedTuple):
    """What one chunk says: its kind and the values of its holes."""

    kind: str
    values: dict[str, Any]


GROUPS = {
    "reasoning": "reasoning",
    "text": "text",
    "refusal": "refusal",
    "transcript": "transcript",
    "sound": "sound",
    "call": "calls",
    "arguments": "calls",
    "function": "function",
    "function arguments": "function",
    "annotations": "annotations",
}
"""What the kinds of parts are parts of, in the order in which a choice says them."""


def _in_sequence(said: list[Part], sequence: Sequence[str]) -> list[Part]:
    """The parts in another order than the usual."""
    queues: dict[str, list[Part]] = {}
    for part in said:
        queues.setdefault(GROUPS[part.kind], []).append(part)
    ordered = []
    for groups in sequence:
        together = [queues[group].pop(0) for group in groups.split("+") if queues.get(group)]
        ordered += [joined(together)] if together else []
    return ordered + [part for queue in queues.values() for part in queue]


def joined(together: Sequence[Part]) -> Part:
    """What one chunk says that says several things; the second of a kind has names of its own."""
    values: dict[str, Any] = {}
    called = 0
    for n, part in enumerate(together):
        for name, value in part.values.items():
            if called and name.startswith(CALL):
                name = f"{CALL[:-1]}#{called}.{name.removeprefix(CALL)}"
            values[f"piece#{n}" if n and name == "piece" else name] = value
        called += part.kind in ("call", "arguments")
    return Part("+".join(part.kind for part in together), values)


def parts(
    choice: Choice,
    dialect: Dialect,
    logprobs: Sequence[Any] | None,
    sequence: Sequence[str] = (),
) -> list[Part]:
    """What a choice says, one part for each chunk.

    Args:
        choice: what is said.
        dialect: how tool calls, roles and finish reasons are put.
        logprobs: for each piece of the text or refusal, its entries.
        sequence: the `GROUPS` to which the parts belong, where they come otherwise than there.
    """
    said = [*_said(choice, dialect, logprobs)]
    if sequence:
        said = _in_sequence(said, sequence)
    thinks = choice.reasoning is not None
    common = {
        "beside_reasoning": None if thinks else OMITTED,
        "no_details_beside_reasoning": [] if thinks else OMITTED,
        "filtered": filtered(choice),
    }
    opening = {
        f"{DELTA}content": None if choice.text is None else "",
        f"{DELTA}refusal": None if choice.refusal is None else "",
        f"{DELTA}reasoning_content": "" if thinks else None,
        "unless_reasoning": None if thinks else "",
    }
    alone = choice.text is None and choice.refusal is None and not thinks
    single = dialect.role == "call" and alone and len(choice.tool_calls) == 1
    if said and (dialect.role == "with" or single):
        first = said[0]
        said[0] = Part(f"role+{first.kind}", opening | {f"{DELTA}content": None} | first.values)
    else:
        said.insert(0, Part("role", opening))
    if "checked" in dialect.layouts and choice.text is not None:
        said.append(Part("checked", _offsets(choice.text)))
    if choice.finish_reason is not None:
        finish = {"choices.finish_reason": choice.finish_reason}
        last = said[-1]
        if dialect.finish == "with" and last.kind not in ("role", "checked"):
            said[-1] = Part(f"{last.kind}+finish", last.values | finish)
        else:
            said.append(Part("finish", finish))
    return [Part(kind, common | values) for kind, values in said]


def filtered(choice: Choice) -> dict[str, Any]:
    """What Azure's content filter says where a choice ends."""
    return _HIT if choice.finish_reason == "content_filter" else {}


def thought_member(dialect: Dialect) -> str:
    """The member of a message that holds what was thought."""
    delta = dialect.layout("reasoning")["choices"][0]["delta"]
    return "reasoning" if "reasoning" in delta else "reasoning_content"


def _offsets(text: str) -> dict[str, Any]:
    at = "choices.content_filter_offsets."
    return {f"{at}check_offset": 0, f"{at}start_offset": 0, f"{at}end_offset": len(text)}


def _said(choice: Choice, dialect: Dialect, logprobs: Sequence[Any] | None) -> Iterator[Part]:
    for piece in choice.reasoning.pieces if choice.reasoning is not None else ():
        # Who has no member for it says it as text.
        yield Part(
            "reasoning",
            {
                f"{DELTA}reasoning_content": piece,
                f"{DELTA}reasoning": piece,
                "thought": f"<thought>{piece}</thought>",
                "piece": piece,
            },
        )
    for member in ("text", "refusal"):
        text = getattr(choice, member)
        for at, piece in enumerate(text.pieces if text is not None else ()):
            name = "content" if member == "text" else member
            values = {f"{DELTA}{name}": piece, "piece": piece}
            if member == "text":
                values["text"] = piece
            if logprobs is not None and (member == "text" or choice.text is None):
                values["logprobs"] = logprobs[at]
                other = "refusal" if name == "content" else "content"
                values["choices.logprobs"] = {name: logprobs[at], other: None}
            yield Part(member, values)
    if choice.audio is not None:
        yield from _heard(choice)
    for index, call in enumerate(choice.tool_calls):
        yield from _called(index, call, dialect.calls)
    if choice.function_call is not None:
        path = f"{DELTA}function_call."
        yield Part("function", {f"{path}name": choice.function_call.name, f"{path}arguments": ""})
        for piece in choice.function_call.arguments.pieces:
            yield Part("function arguments", {f"{path}arguments": piece, "piece": piece})
    if choice.annotations:
        yield Part("annotations", {f"{DELTA}annotations": citations(choice)})


def _heard(choice: Choice) -> Iterator[Part]:
    audio = choice.audio
    if audio is None:
        return
    at = f"{DELTA}audio."
    for n, piece in enumerate(audio.transcript.pieces):
        yield Part("transcript", {f"{at}id": None if n else audio.id, f"{at}transcript": piece})
    for n, piece in enumerate(audio.data.pieces):
        yield Part("sound", {f"{at}id": None if n else audio.id, f"{at}data": piece})


def citations(choice: Choice) -> list[dict[str, Any]]:
    """The citations of a choice: nested in chat, as they are flat in the Responses API."""
    nested = []
    for annotation in choice.annotations:
        members = dict(annotation.members)
        kind = members.pop("type", "url_citation")
        nested.append({"type": kind, kind: members})
    return nested


def _called(index: int, call: ToolCall, how: str) -> Iterator[Part]:
    pieces: tuple[str, ...] = call.arguments.pieces
    if how == "whole":
        pieces = (str(call.arguments),)
    elif how == "split" or not pieces:
        pieces = ("", *pieces)
    yield Part("call", call_values(index, call, pieces[0]) | {"piece": pieces[0]})
    for piece in pieces[1:]:
        values = {f"{CALL}index": index, f"{CALL}function.arguments": piece, "piece": piece}
        yield Part("arguments", values)


def call_values(index: int, call: ToolCall, arguments: str) -> dict[str, Any]:
    """The values of a tool call's holes."""
    return {
        f"{CALL}index": index,
        f"{CALL}id": call.id,
        f"{CALL}type": "function",
        f"{CALL}function.name": call.name,
        f"{CALL}function.arguments": arguments,
    }


def in_order(
    said: list[list[T]], ends: list[list[T]], order: str | tuple[int, ...]
) -> Iterator[tuple[int, T]]:
    """What several choices say, each with its index, in one of `ids.ORDERS` or as the indexes tell.

    ``interleaved`` is OpenAI's (WIRE.md §1, n > 1): each role chunk is followed by its first token,
    then round robin, and the ends come last.
    """
    if isinstance(order, tuple):
        left = [iter([*one, *end]) for one, end in zip(said, ends, strict=True)]
        yield from ((i, part) for i in order if (part := next(left[i], None)) is not None)
        yield from ((i, part) for i, one in enumerate(left) for part in one)
        return
    last = order in ("interleaved", "in turn, ends last")
    if not last:
        said = [[*one, *end] for one, end in zip(said, ends, strict=True)]
    if order.startswith("in turn"):
        yield from ((index, part) for index, one in enumerate(said) for part in one)
    else:
        opening = 2 if last else 0
        for index, one in enumerate(said):
            yield from ((index, part) for part in one[:opening])
        for turn in zip_longest(*(one[opening:] for one in said)):
            yield from ((i, part) for i, part in enumerate(turn) if part is not None)
    if last:
        yield from ((index, part) for index, end in enumerate(ends) for part in end)


class Layer:
    """Lays out the chunks of one response."""

    def __init__(
        self,
        dialect: Dialect,
        envelope: Envelope,
        request: Mapping[str, Any],
        usage: Usage,
        rng: Random,
    ) -> None:
        options = request.get("stream_options") or {}
        self._dialect, self._envelope, self._rng = dialect, envelope, rng
        self._usage, self._rest = usage, dict.fromkeys(dialect.usage)
        self.with_usage = bool(options.get("include_usage"))
        self._padded = options.get("include_obfuscation") is not False
        told = usages.write(usage, dialect.usage)
        self._values: dict[str, Any] = {
            "object": "chat.completion.chunk",
            **names(envelope),
            f"{DELTA}role": "assistant",
            "choices.index": 0,
            "usage": told,
            "usage_if_asked": told if self.with_usage else OMITTED,
            "no_usage": None if self.with_usage else OMITTED,
            "usage.prompt_tokens": usage.prompt_tokens,
            "usage.completion_tokens": usage.completion_tokens,
            "refusal_key": OMITTED if "refusal" in envelope.omits else None,
            "stream_options": request.get("stream_options"),
            "text": "",
        }
        self._said: dict[int, list[str]] = {}
        self._turns: Counter[str] = Counter()
        self._paddings = iter(envelope.paddings)

    def chunk(self, part: Part, index: int = 0) -> Step:
        """The chunk that says a part of the choice of this index."""
        so_far = self._said.setdefault(index, [])
        so_far.append(part.values.get("text", ""))
        layout = self._dialect.layout(part.kind)
        values = {"choices.index": index} | part.values
        if "refusal_key" in values or self._envelope.omits:
            values.setdefault("refusal_key", self._values["refusal_key"])
        return self._step(part.kind, layout, values, so_far)

    def aside(self, aside: Aside) -> Step:
        """A step that says nothing."""
        if isinstance(aside.step, dict):
            return self._step("", aside.step, {}, [])
        step: Step = aside.step
        return step

    def _step(self, kind: str, layout: Any, values: dict[str, Any], so_far: list[str]) -> Step:
        known, envelope = self._values, self._envelope

        def value(name: str) -> Any:
            if name in values:
                return values[name]
            if name in known:
                return known[name]
            if name in envelope.turns:
                turn = envelope.turns[name]
                n = self._turns[name]
                self._turns[name] += 1
                return fill(turn[n % len(turn)], value)
            if name in envelope.extra and (name != "native_finish" or _ends(values)):
                return envelope.extra[name]
            if name == "native_finish":
                return values.get("choices.finish_reason")
            if name == "so_far":
                return "".join(so_far)
            if name == "running_usage":
                count = sum(map(bool, so_far))
                return usages.write(Usage(self._usage.prompt_tokens, count), self._dialect.usage)
            if name == "said":
                return fill(layout["choices"][0]["delta"], value)
            if name in _PADDINGS:
                return "" if name == self._dialect.padding and self._padded else None
            return None

        members = fill(layout, value)
        style = self._dialect.style
        if kind in self._dialect.spaced:
            style = style.otherwise_spaced
        if members.get(self._dialect.padding) == "":
            members[self._dialect.padding] = self._padding(kind, members)
        return self._dialect.event(style.dumps(members))

    def _padding(self, kind: str, members: dict[str, Any]) -> str:
        if self._dialect.padding == "p":
            # WIRE.md §5: a prefix of the alphabet, as long as chance will have it.
            size = next(self._paddings, None) or self._rng.randint(1, len(ALPHABET))
            return ALPHABET[:size]
        # WIRE.md §2: of the upstream's JSON, which has none of what the provider adds.
        bare = {k: v for k, v in members.items() if k not in _UPSTREAM_HAS_NOT}
        if "choices" in bare:
            bare["choices"] = [
                {k: v for k, v in choice.items() if k not in _UPSTREAM_HAS_NOT}
                for choice in bare["choices"]
            ]
        size = len(COMPACT.dumps(bare)) - (kind == "expiry")  # as recorded, which has one more
        return letters(-size % 16, self._rng)


def _ends(values: Mapping[str, Any]) -> bool:
    return values.get("choices.finish_reason") is not None


_PADDINGS = ("obfuscation", "p")


def names(envelope: Envelope) -> dict[str, Any]:
    """The values that every chunk of a response repeats."""
    return {
        "id": envelope.id,
        "created": envelope.created,
        "model": envelope.model,
        "system_fingerprint": envelope.system_fingerprint,
    } | ({} if "service_tier" in envelope.extra else {"service_tier": envelope.service_tier})


def with_asides(steps: list[Step], done: list[Step], layer: Layer, asides: Any) -> list[Step]:
    """The steps, with what is said aside at its places: after so many of them."""
    left = sorted(asides, key=lambda aside: aside.after)
    if not left:
        return steps + done
    mixed: list[Step] = []
    for n, step in enumerate([*steps, *done]):
        while left and left[0].after <= n:
            mixed.append(layer.aside(left.pop(0)))
        mixed.append(step)
    return mixed + [layer.aside(aside) for aside in left]


def call_entry(dialect: Dialect, index: int, call: ToolCall) -> dict[str, Any]:
    """A tool call of a message that does not stream."""
    layout = dialect.layout("call")["choices"][0]["delta"]["tool_calls"][0]
    values = call_values(index, call, str(call.arguments))
    filled = fill({k: v for k, v in layout.items() if k != "index"}, values.get)
    filled.setdefault("type", "function")
    function = layout["function"]
    if not isinstance(function.get("arguments"), Hole):
        filled["function"]["arguments"] = str(call.arguments)
    entry: dict[str, Any] = filled
    return entry
