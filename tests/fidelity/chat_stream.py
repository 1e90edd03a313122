"""A recorded chat stream, taken apart into what renders it again.

Rules of this file: the reverse of `openai_mockserver.api.chat.sequence`. What a chunk says is left
to the reply. `by_table` leaves the layouts to a dialect, and takes over the values that only the
provider has; `learned` also takes over the layout of each kind of chunk.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cache, cached_property
from itertools import product
from typing import Any

from openai_mockserver import sse
from openai_mockserver.api import errors
from openai_mockserver.api.chat import reader
from openai_mockserver.api.chat.sequence import CALL, DELTA, GROUPS, Part, interleave, join_parts
from openai_mockserver.api.envelope import ORDERS, Envelope
from openai_mockserver.dialects import Dialect, dialects
from openai_mockserver.dialects import usage as usages
from openai_mockserver.dialects.chat import UNKNOWN
from openai_mockserver.dialects.dialect import ExtraStep
from openai_mockserver.dialects.json_style import Style
from openai_mockserver.dialects.template import NULL, OMITTED, RECORDED, Hole
from openai_mockserver.dialects.variants import COMMON
from openai_mockserver.reply import Reply
from openai_mockserver.script import Comment, Event, Raw

__all__ = ["ChatStream", "Imitation"]


@dataclass(frozen=True, slots=True)
class Imitation:
    """What renders a recording again.

    Args:
        dialect: the provider's manner; None for OpenAI's.
        envelope: what is around what the model says.
        request: what the client must have asked for.
        learned: whether the manner was learned from the recording, its table not sufficing.
    """

    dialect: Dialect | None
    envelope: Envelope
    request: Mapping[str, Any]
    learned: bool = False

    @property
    def arguments(self) -> dict[str, Any]:
        """The arguments of `chat.render`, but for the reply."""
        return {"request": self.request, "dialect": self.dialect, "envelope": self.envelope}


@dataclass
class _Choice:
    """A choice, as far as it has come."""

    opened: bool = False
    finished: str | None = None
    calls: dict[Any, str] = field(default_factory=dict)
    heads: list[str] = field(default_factory=list)  # the arguments that calls begin with
    text: list[str] = field(default_factory=list)


@dataclass
class _Observed:
    """What a stream shows.

    Args:
        layouts: the layout of each kind of chunk.
        turns: what changes from chunk to chunk.
        chunks: each chunk with its kind.
        extra_steps: comments, and chunks that say nothing.
        paddings: the lengths of the padding.
        order: the choice of each chunk, and whether it ends it.
        spaced: how many chunks of each kind have spaces in their JSON.
        heads: the arguments that calls begin with.
        error, error_event: the layout of the error that ends the stream, and its event's name.
    """

    layouts: dict[str, Any] = field(default_factory=dict)
    turns: dict[str, tuple[Any, ...]] = field(default_factory=dict)
    chunks: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    extra_steps: list[ExtraStep] = field(default_factory=list)
    paddings: list[int] = field(default_factory=list)
    order: list[tuple[int, bool]] = field(default_factory=list)
    spaced: Counter[str] = field(default_factory=Counter)
    heads: list[str] = field(default_factory=list)
    error: dict[str, Any] | None = None
    error_event: str | None = None


class ChatStream:
    """A recorded stream, taken apart."""

    def __init__(self, body: bytes) -> None:
        self.body = body
        self._fitting: dict[Style, int] = {}
        self.steps = sse.parse(body)
        self.chunks: list[dict[str, Any]] = []
        for event in sse.decode(body):
            chunk = _decoded(event)
            if isinstance(chunk, dict):
                self.chunks.append(chunk)
        self.datas = [event.data for event in sse.decode(body) if event.data.startswith("{")]
        ids = Counter(chunk["id"] for chunk in self.chunks if chunk.get("id"))
        self.id = ids.most_common(1)[0][0] if ids else ""
        self._look_ahead()
        self.done = any(event.data == "[DONE]" for event in sse.decode(body))
        self.eol = "\r\n" if b"\r\n\r\n" in body else "\n"
        self.usage = next((c["usage"] for c in reversed(self.chunks) if c.get("usage")), None)
        if self.usage is None:
            groq = [(c.get("x_groq") or {}).get("usage") for c in self.chunks]
            self.usage = next(filter(None, groq), None)

    def _look_ahead(self) -> None:
        """Find the chunk that ends each choice, and the one where its reasoning begins."""
        self.ends: dict[int, int] = {}
        self.thinks: dict[int, int] = {}
        bare: dict[int, bool] = {}
        for n, chunk in enumerate(self.chunks):
            for choice in chunk.get("choices") or ():
                index, finish = choice.get("index") or 0, choice.get("finish_reason")
                delta = choice.get("delta") or {}
                kinds = [kind for kind, _ in _says(delta, finish is not None, _Choice())]
                if "reasoning" in kinds:
                    self.thinks.setdefault(index, n)
                if finish and not (bare.get(index) and not kinds):
                    self.ends[index], bare[index] = n, not kinds

    def _first(self, name: str) -> Any:
        return next((chunk[name] for chunk in self.chunks if chunk.get(name)), None)

    def named(self) -> str:
        """The dialect whose mark the first chunks have."""
        head = self.datas[:3] + self.datas[-3:]
        for dialect in dialects().values():
            if dialect.mark is not None and any(map(dialect.mark.search, head)):
                return dialect.name
        return ""

    def _envelope(self, **known: Any) -> Envelope:
        return Envelope(
            self.id,
            self._first("created") or 0,
            self._first("model") or "",
            self._first("system_fingerprint"),
            self._first("service_tier"),
            **known,
        )

    # OpenAI's own

    def openais(self, reply: Reply) -> Imitation | None:
        """The imitation as OpenAI's own, whatever year it is of."""
        first = self.chunks[0]
        if not isinstance(first.get("choices"), list) or not first["choices"]:
            return None
        names = [name for name in first if name not in ("usage", "obfuscation")]
        members = ["id", "object", "created", "model", "system_fingerprint", "choices"]
        if [n for n in names if n != "service_tier"] not in (
            members,
            [m for m in members if m != "system_fingerprint"],
        ):
            return None
        delta = first["choices"][0].get("delta") or {}
        has_usage = "usage" in first or any(
            chunk.get("usage") and not chunk["choices"] for chunk in self.chunks
        )
        omits = {
            name
            for name, there in (
                ("refusal", "refusal" in delta or len(reply.tool_calls) > 1),
                ("system_fingerprint", "system_fingerprint" in first),
                ("usage", "usage" in first or not has_usage),
            )
            if not there
        }
        if self.usage is not None:
            omits |= _USAGE_MEMBERS - {path.rpartition(".")[2] for path in _paths(self.usage)}
        envelope = self._envelope(
            omits=frozenset(omits),
            logprobs_key="logprobs" in first["choices"][0],
            extra_steps=tuple(self._openais_asides()),
            order=self._order(self._openais_indexes(), len(reply.choices)),
        )
        request = self._request(reply, "obfuscation" in first, has_usage)
        return Imitation(None, envelope, request)

    def _openais_asides(self) -> Iterator[ExtraStep]:
        """Chunks without choices, and those with results of moderation."""
        count = 0
        for chunk in self.chunks:
            own = chunk.keys() - {"id", "object", "created", "model", "choices", "usage"}
            own -= {"service_tier", "system_fingerprint", "obfuscation"}
            if own or "choices" not in chunk:
                template = self._template(chunk, {}, "", "")
                yield ExtraStep(count, {k: v for k, v in template.items() if k != "obfuscation"})
            else:
                count += 1

    def _openais_indexes(self) -> list[tuple[int, bool]]:
        return [
            (choice.get("index") or 0, choice.get("finish_reason") is not None)
            for chunk in self.chunks
            for choice in chunk.get("choices") or ()
        ]

    def _order(self, indexes: list[tuple[int, bool]], n: int) -> str | tuple[int, ...]:
        """The order in which the choices' chunks came: the first that gives the same."""
        if n == 1:
            return ORDERS[0]
        contents: list[list[int]] = [[] for _ in range(n)]
        ends: list[list[int]] = [[] for _ in range(n)]
        for index, ends_it in indexes:
            (ends if ends_it else contents)[index].append(index)
        indexes_in_order = tuple(index for index, _ in indexes)
        for order in ORDERS:
            if tuple(i for i, _ in interleave(contents, ends, order)) == indexes_in_order:
                return order
        return indexes_in_order

    def _request(self, reply: Reply, obfuscation: bool, usage: bool) -> dict[str, Any]:
        return {
            "model": self._first("model") or "",
            "n": len(reply.choices),
            "stream": True,
            "stream_options": {"include_usage": usage, "include_obfuscation": obfuscation},
            "logprobs": any(choice.logprobs is not None for choice in reply.choices),
            "top_logprobs": 20,
        }

    # Of a table

    def may_be(self, dialect: Dialect) -> bool:
        """Whether a dialect has all members of the first chunk with a choice."""
        chunk = next((chunk for chunk in self.chunks if chunk.get("choices")), None)
        return chunk is not None and chunk.keys() <= _member_names(dialect.name)

    def starts(self, observed: Dialect, base: Dialect, reply: Reply) -> Iterator[tuple[str, ...]]:
        """The variants of every dialect that this stream shows: first none, then more and more."""
        yield ()
        fields = ["eol", "field", "ends_with_done", "spaced_kinds", "omits"]
        if self._fits(base.style) < self._fits(observed.style):
            fields += ["style.has_spaces", "style.html", "style.ascii", "style.floats"]
        spelling = _differing(observed, base, fields)
        yield spelling
        if any(choice.tool_calls for choice in reply.choices):
            habits = ["role", "calls"]
        else:
            habits = ["role"]
        if any(len(choice.annotations) > 1 for choice in reply.choices):
            habits.append("splits_citations")
        if reply.choices[0].finish_reason is not None:
            habits.append("finish")
        if base.usage_chunk not in (observed.usage_chunk, "requested"):
            habits.append("usage_chunk")
        rhythm = _differing(observed, base, habits)
        yield (*spelling, *rhythm)
        if all(_is_sorted(chunk) for chunk in self.chunks):
            yield (*spelling, "sorted")
            yield (*spelling, *rhythm, "sorted")

    def by_table(self, reply: Reply, dialect: Dialect, learned: Imitation) -> Imitation:
        """The imitation in a dialect: only the provider's own members are taken over."""
        observed = learned.dialect
        assert observed is not None
        envelope = replace(
            learned.envelope,
            extra=dialect.extra,
            turns=self._own_values(dialect),
            omits=self._omits(),
        )
        padded = dialect.padding is not None and self._first(dialect.padding) is not None
        has_usage = observed.usage_chunk == "always" or "usage" in self.chunks[0]
        request = self._request(reply, padded, has_usage)
        if dialect.padding is None:
            del request["stream_options"]["include_obfuscation"]
        return Imitation(replace(dialect, usage=observed.usage), envelope, request)

    def _omits(self) -> frozenset[str]:
        deltas = [c.get("delta") or {} for one in self.chunks for c in one.get("choices") or ()]
        omits = set() if any("refusal" in delta for delta in deltas) else {"refusal"}
        if next(iter(self._observed.layouts), "") == "usage":
            omits.add("role")
        return frozenset(omits)

    def _lacks(self, dialect: Dialect) -> frozenset[str]:
        """The members that no chunk has, although the dialect's chunks can have them."""
        expected = {path for layout in dialect.layouts.values() for path in _paths(layout)}
        seen = {path for chunk in self.chunks for path in _paths(chunk)}
        return frozenset(
            path for path in expected - seen if "." not in path or path.rpartition(".")[0] in seen
        )

    def _own_values(self, dialect: Dialect) -> dict[str, tuple[Any, ...]]:
        """The values that the chunks have for the provider's own members; one if all are equal."""
        values: dict[str, list[Any]] = {}
        for kind, chunk in self._observed.chunks:
            for name, value in _own_members(dialect.layout(kind), chunk):
                values.setdefault(name, []).append(value)
        return {
            name: (those[0],) if all(one == those[0] for one in those) else tuple(those)
            for name, those in values.items()
        }

    # Learned

    def learned(self, reply: Reply, base: Dialect | None) -> Imitation:
        """The imitation as learned from the stream alone."""
        seen = self._observed
        style = self._style()
        base = base or UNKNOWN
        dialect = replace(
            base,
            layouts={**base.layouts, **seen.layouts},
            usage=_usage_layout(self.usage) if self.usage else base.usage,
            usage_chunk="always" if "usage" in seen.layouts else "never",
            role="with" if next(iter(seen.layouts), "").startswith("role+") else "alone",
            calls=_calls(seen.heads, seen.layouts),
            finish="with" if any(kind.endswith("+finish") for kind in seen.layouts) else "alone",
            ends_with_done=self.done,
            eol=self.eol,
            field="data:" if b"data:{" in self.body else "data: ",
            style=style,
            splits_citations=sum(kind.endswith("annotations") for kind, _ in seen.chunks) > 1,
            omits=self._lacks(base),
            spaced_kinds=frozenset(
                kind for kind, count in seen.spaced.items() if bool(count) != style.has_spaces
            ),
            error=base.error if seen.error is None else seen.error,
            error_event=seen.error_event,
            padding=next((m for m in ("obfuscation", "p") if self._first(m) is not None), None),
        )
        envelope = self._envelope(
            turns=seen.turns,
            extra_steps=tuple(seen.extra_steps),
            paddings=tuple(seen.paddings),
            order=self._order(seen.order, len(reply.choices)),
            sequence=_sequence(kind for kind, _ in seen.chunks) if len(reply.choices) == 1 else (),
        )
        request = self._request(reply, True, "usage" in seen.layouts)
        return Imitation(dialect, envelope, request, True)

    @cached_property
    def _observed(self) -> _Observed:
        """What the stream shows, whatever dialect it may be in."""
        seen = _Observed()
        templates: dict[str, list[Any]] = {}
        choices: dict[int, _Choice] = {}
        number = 0
        for step in self.steps:
            events = sse.decode(sse.encode(step))
            chunk = _decoded(events[0]) if len(events) == 1 else None
            if events and events[0].data == "[DONE]":
                continue
            if not isinstance(chunk, dict):
                seen.extra_steps.append(ExtraStep(len(seen.chunks), _step(step)))
                continue
            if errors.read_error(chunk) is not None:
                seen.error, seen.error_event = _error_layout(chunk), events[0].event
                break
            kind, index, values, so_far = self._kind(chunk, number, choices)
            number += 1
            if not kind:
                values.pop("choices.index", None)  # an extra step is of one choice
            template = self._template(chunk, values, values.get("piece") or "", so_far)
            if not kind:
                own = {"p": chunk["p"]} if "p" in chunk else {}
                seen.extra_steps.append(ExtraStep(len(seen.chunks), template | own))
                continue
            if isinstance(chunk.get("p"), str):
                seen.paddings.append(len(chunk["p"]))
            if kind != "usage":
                seen.order.append((index, kind == "finish"))
            templates.setdefault(kind, []).append(template)
            seen.chunks.append((kind, chunk))
            seen.spaced[kind] += '": ' in events[0].data[:40]
        seen.heads = [head for choice in choices.values() for head in choice.heads]
        seen.layouts = {
            kind: _unified(same_kind, f"turn {kind} ", seen.turns)
            for kind, same_kind in templates.items()
        }
        return seen

    def _style(self) -> Style:
        """How its JSON is written: the first style that gives the most chunks back."""
        styles = [
            Style(spaced, html, ascii, floats)
            for spaced, html, ascii, floats in product(
                (False, True), (False, True), (False, True), ("ryu", "js", "python")
            )
        ]
        return max(styles, key=self._fits)

    def _fits(self, style: Style) -> int:
        """How many of the chunks are written in a style."""
        if style not in self._fitting:
            sample = [*zip(self.chunks, self.datas, strict=False)]
            sample = [one for one in sample if len(one[1]) < 50_000][-400:]
            self._fitting[style] = sum(style.dumps(chunk) == data for chunk, data in sample)
        return self._fitting[style]

    def _kind(
        self, chunk: dict[str, Any], number: int, choices: dict[int, _Choice]
    ) -> tuple[str, int, dict[str, Any], str]:
        """A chunk's kind, its choice, the values it says and the text so far."""
        chunk_choices = chunk.get("choices") or ()
        usage = isinstance(chunk.get("usage"), dict)
        if not chunk_choices:
            return ("usage" if usage else ""), 0, {}, ""
        choice = chunk_choices[0]
        index = choice.get("index") or 0
        state = choices.setdefault(index, _Choice())
        delta = choice.get("delta") or {}
        finish = choice.get("finish_reason")
        says = list(_says(delta, finish is not None, state))
        if number < self.thinks.get(index, 0):
            # As `chat.read`: empty text before any thought is no text.
            says = [(kind, part) for kind, part in says if kind != "text" or part["piece"]]
        kind, part_values = join_parts([Part(*one) for one in says])
        values: dict[str, Any] = {
            "choices.index": index,
            f"{DELTA}role": "assistant",
            **part_values,
        }
        state.text.append(values.get("text", ""))
        entries = (choice.get("logprobs") or {}).get("content") if says else None
        if isinstance(entries, list) and entries:
            values["logprobs"] = entries
            values["choices.logprobs"] = {"content": entries, "refusal": None}
        if usage and not says and not finish and number == len(self.chunks) - 1:
            kind = "usage"
        elif not state.opened and (says or not finish):
            kind = f"role+{kind}" if kind else "role"
            state.opened = True
        elif not says and state.finished and usage:
            values["choices.finish_reason"] = state.finished
            kind = "usage"
        if finish and number == self.ends.get(index):
            state.finished = finish
            values["choices.finish_reason"] = finish
            kind = f"{kind}+finish" if kind else "finish"
        return kind, index, values, "".join(state.text)

    def _template(
        self, chunk: dict[str, Any], values: Mapping[str, Any], piece: str, so_far: str
    ) -> Any:
        """A chunk with holes where it says what the reply or the envelope says."""
        names = {
            "object": "chat.completion.chunk",
            "model": self._first("model"),
            "system_fingerprint": self._first("system_fingerprint") or OMITTED,
            "service_tier": self._first("service_tier") or OMITTED,
        }

        piece_names = [name for name in values if name.startswith("piece")]

        def walk(value: Any, path: str) -> Any:
            if path in ("id", "created") and value:
                return Hole(path)
            if path in _PADDINGS:
                return Hole(path)
            known = path.replace("choices.message.", DELTA)
            for name in (path, known):
                if name in values and values[name] == value and type(values[name]) is type(value):
                    return Hole(name)
            if names.get(path, OMITTED) == value:
                return Hole(path)
            if isinstance(value, dict):
                if value == self.usage and list(value) == list(self.usage):
                    return Hole("usage")
                return {k: walk(v, f"{path}.{k}" if path else k) for k, v in value.items()}
            if isinstance(value, list):
                return [walk(v, f"{path}#{n}" if n else path) for n, v in enumerate(value)]
            if isinstance(value, str) and value:
                for name in piece_names:
                    if value == values[name]:
                        return Hole(name)
                if value == so_far and len(so_far) > len(piece):
                    return Hole("text_so_far")
            return value

        return walk(chunk, "")


_PADDINGS = ("obfuscation", "p")
_KINDS = {"content": "text", "reasoning_content": "reasoning", "reasoning": "reasoning"}


_USAGE_MEMBERS = frozenset(
    {
        "prompt_tokens_details",
        "cached_tokens",
        "completion_tokens_details",
        "reasoning_tokens",
        "accepted_prediction_tokens",
        "rejected_prediction_tokens",
        "audio_tokens",
    }
)
"""The members of OpenAI's usage that it has not always had."""


def _paths(value: Any, path: str = "") -> Iterator[str]:
    """The paths of the members of a value."""
    if isinstance(value, dict):
        for name, inner in value.items():
            at = f"{path}.{name}" if path else name
            yield at
            yield from _paths(inner, at)
    elif isinstance(value, list):
        for inner in value:
            yield from _paths(inner, path)


def _decoded(event: Event) -> Any:
    try:
        return json.loads(event.data)
    except ValueError:
        return None


def _step(step: Any) -> Any:
    return step if isinstance(step, Comment | Raw) else Raw(sse.encode(step))


def _says(
    delta: Mapping[str, Any], finishes: bool, state: _Choice
) -> Iterator[tuple[str, dict[str, Any]]]:
    """What a delta says, as `chat.read` takes it."""
    alone = len(delta) == 1 and not finishes
    thought = False
    for member in ("reasoning_content", "reasoning", "content", "refusal"):
        value = delta.get(member)
        kind = _KINDS.get(member, member)
        for part, piece in reader.text_parts(value, kind):
            if not isinstance(piece, str) or not (piece or alone):
                continue
            if part != "reasoning" or member == "content" or not thought:
                thought = thought or part == "reasoning"
                values = {f"{DELTA}{member}": piece, "piece": piece}
                if part == "reasoning":
                    values |= {f"{DELTA}reasoning_content": piece, f"{DELTA}reasoning": piece}
                if part == "text":
                    values["text"] = piece
                yield part, values
    if not delta.keys() & {"reasoning", "reasoning_content"}:
        for detail in delta.get("reasoning_details") or ():
            if piece := detail.get("text"):
                yield "reasoning", {"piece": piece}
    yield from _calls_of(delta, state)
    if function := delta.get("function_call"):
        at = f"{DELTA}function_call."
        piece = function.get("arguments") or ""
        values = {f"{at}arguments": piece, "piece": piece, f"{at}name": function.get("name")}
        yield ("function" if "name" in function else "function arguments"), values
    if audio := delta.get("audio"):
        values = {f"{DELTA}audio.{name}": value for name, value in audio.items()}
        kind_of_member = {"transcript": "transcript", "data": "sound", "expires_at": "expiry"}
        yield next(kind for name, kind in kind_of_member.items() if name in audio), values
    if delta.get("annotations"):
        yield "annotations", {f"{DELTA}annotations": delta["annotations"]}


def _calls_of(delta: Mapping[str, Any], state: _Choice) -> Iterator[tuple[str, dict[str, Any]]]:
    for fragment in delta.get("tool_calls") or ():
        id_, key = fragment.get("id"), fragment.get("index")
        function = fragment.get("function") or {}
        nameless = key is None and id_ == "" and bool(function.get("name"))  # Gemini's
        if key is None:
            key = id_ or (len(state.calls) if nameless else next(reversed(state.calls), 0))
        begins = key not in state.calls and (bool(id_) or nameless)
        if begins:
            state.calls[key] = id_
        piece = function.get("arguments")
        if begins:
            state.heads.append(piece or "")
        values = {
            f"{CALL}index": list(state.calls).index(key) if key in state.calls else 0,
            f"{CALL}id": state.calls.get(key),
            f"{CALL}type": "function",
            f"{CALL}function.name": function.get("name"),
            f"{CALL}function.arguments": piece or "",
            "piece": piece or "",
        }
        if begins:
            yield "call", values
        elif isinstance(piece, str):
            yield "arguments", values


def _sequence(kinds: Iterable[str]) -> tuple[str, ...]:
    """What the chunks say, where it is not in the usual order."""
    bare = (kind.removeprefix("role+").removesuffix("+finish") for kind in kinds)
    groups = [
        "+".join(GROUPS[one] for one in kind.split("+"))
        for kind in bare
        if kind not in ("role", "finish", "usage", "expiry")
    ]
    usual = list(dict.fromkeys(GROUPS.values()))
    if all(group in usual for group in groups) and groups == sorted(groups, key=usual.index):
        return ()
    return tuple(groups)


def _error_layout(chunk: Mapping[str, Any]) -> dict[str, Any]:
    """The layout of an error: what `ApiError` holds is a hole, all else as it is."""
    known = ("message", "type", "code", "param")

    def holes(members: Mapping[str, Any], path: str) -> dict[str, Any]:
        return {
            name: holes(value, f"{name}.")
            if isinstance(value, dict)
            else Hole(path + name)
            if name in known and isinstance(value, str)
            else value
            for name, value in members.items()
        }

    return holes(chunk, "")


def _unified(seen: list[Any], path: str, turns: dict[str, tuple[Any, ...]]) -> Any:
    """One layout for all: what differs becomes a hole that takes its values in turn."""
    if all(one == seen[0] for one in seen[1:]):
        return seen[0]
    if all(type(one) is dict for one in seen):
        names = _merged([list(one) for one in seen])
        if names is not None:
            return {
                name: _unified([one.get(name, OMITTED) for one in seen], f"{path}.{name}", turns)
                for name in names
            }
    if all(type(one) is list for one in seen) and len({len(one) for one in seen}) == 1:
        columns = zip(*seen, strict=True)
        return [_unified(list(c), f"{path}.{n}", turns) for n, c in enumerate(columns)]
    turns[path] = tuple(seen)
    return Hole(path)


def _merged(orders: Iterable[list[str]]) -> list[str] | None:
    """An order of names that agrees with all of these; None where there is none."""
    merged: list[str] = []
    for names in orders:
        at = 0
        for name in names:
            if name in merged:
                if merged.index(name) < at:
                    return None
                at = merged.index(name) + 1
            else:
                merged.insert(at, name)
                at += 1
    return merged


def _own_members(layout: Any, value: Any) -> Iterator[tuple[str, Any]]:
    """What a chunk has where its layout has a hole of the provider's own."""
    if isinstance(layout, dict) and isinstance(value, dict):
        for name, inner in layout.items():
            if type(inner) is Hole and inner.name in RECORDED:
                own = value.get(name, OMITTED)
                yield inner.name, NULL if own is None else own
            elif name in value:
                yield from _own_members(inner, value[name])
    elif isinstance(layout, list) and isinstance(value, list):
        for one, other in zip(layout, value, strict=False):
            yield from _own_members(one, other)


def _differing(observed: Dialect, base: Dialect, fields: Iterable[str]) -> tuple[str, ...]:
    """The names of the common variants that give a dialect the observed values of these fields."""
    return tuple(
        name
        for name, (_, field, value) in COMMON.items()
        if field in fields and _shows(_read(observed, field), value, _read(base, field))
    )


def _shows(observed: Any, value: Any, usual: Any) -> bool:
    if isinstance(value, set):
        return bool(observed & value) and not usual & value
    return bool(observed == value != usual)


def _read(dialect: Dialect, field: str) -> Any:
    owner, _, name = field.rpartition(".")
    return getattr(dialect.style if owner else dialect, name)


def _is_sorted(value: Any) -> bool:
    if isinstance(value, dict):
        return list(value) == sorted(value) and all(map(_is_sorted, value.values()))
    return not isinstance(value, list) or all(map(_is_sorted, value))


@cache
def _member_names(name: str) -> frozenset[str]:
    """The names of all members of a dialect's chunks, also those of its variants."""
    dialect = dialects()[name]
    varied = dialect.with_variants(dialect.variants)
    both = [*dialect.layouts.values(), *varied.layouts.values()]
    return frozenset(member for layout in both if layout for member in layout)


def _usage_layout(usage: Mapping[str, Any]) -> dict[str, Any]:
    """The layout of a usage object: what is counted is a hole, what is null stays so."""
    read = usages.read(usage)
    return {
        name: None
        if value is None and name not in read.extra
        else {k: Hole(k) if v is not None else None for k, v in value.items()}
        if isinstance(value, dict) and name.endswith("_tokens_details")
        else Hole(name)
        for name, value in usage.items()
    }


def _calls(heads: list[str], kinds: Iterable[str]) -> str:
    """How tool calls come, of which these are the arguments in their headers."""
    if not any(heads):
        return "split"
    return "first" if any("arguments" in kind.split("+") for kind in kinds) else "whole"
