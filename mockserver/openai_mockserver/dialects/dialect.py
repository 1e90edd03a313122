"""The `Dialect` value: how one provider's streams, bodies and errors differ from OpenAI's.

Rules of this file: data. The providers are in `openai_mockserver.dialects.providers`, which is
imported when a dialect is first used.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from openai_mockserver.dialects import usage as usages
from openai_mockserver.dialects.completions import CompletionsFormat
from openai_mockserver.dialects.json_style import COMPACT, Style
from openai_mockserver.dialects.realtime import RealtimeFormat
from openai_mockserver.dialects.responses import ResponsesFormat
from openai_mockserver.dialects.template import omit_members
from openai_mockserver.dialects.variants import COMMON, Variant
from openai_mockserver.script import Event, Raw, Step

__all__ = ["Dialect", "ExtraStep"]


class ExtraStep(NamedTuple):
    """A step of a stream without content, sent after ``after`` chunks.

    ``step`` is a script's step (a comment, raw bytes) or the layout of a chunk without content.
    """

    after: int
    step: Any


Kind = str
"""A chunk's kind: a key of `chat.DELTAS`, with ``role+`` or ``+finish`` if it has these too."""


_PLACE = re.compile(r"\b(?:first|last) ")  # as in "first text": the kind of a piece by its place


@dataclass(frozen=True, slots=True)
class Dialect:
    """The format of one provider's chat completions, errors and headers.

    Args:
        name: name for `MockOpenAI` and in base paths.
        layouts: layout of each kind of chunk.
        usage: layout of the usage object.
        usage_chunk: when a separate chunk has the usage: ``always``, ``never``, or ``requested``.
        role: chunk that has the role: ``alone`` for a separate chunk, ``with`` for the first chunk
            with content, ``call`` for a separate chunk except that a single tool call has it.
        calls: how tool calls are sent: ``split`` for a header with empty arguments and then the
            pieces, ``first`` for a header with the first piece, ``whole`` for one chunk.
        finish: chunk that has the finish reason: ``alone`` for a separate chunk, ``with`` for the
            last chunk with content.
        splits_citations: whether each citation has a chunk of its own.
        calls_finish: finish reason that streams have instead of ``tool_calls``.
        ends_with_done: whether ``[DONE]`` ends the stream.
        eol: line end.
        field: text before an event's JSON.
        style: spelling of the JSON.
        spaced_kinds: kinds of chunks whose spacing is the opposite of ``style``.
        id, fingerprint: patterns; see `openai_mockserver.api.ids.fill_pattern`.
        extra: values of the provider's own members in a generated response, by path.
        extra_steps: comments and chunks without content in a generated response.
        padding: member with random padding; its name decides the rule.
        body: layout of the JSON body.
        error: layout of an error's JSON.
        errors: layouts of errors by code or status, if they differ from ``error``.
        error_event: name of the event with an error in the middle of a stream.
        error_finish: if set, an error in the middle of a stream is a member beside the choices of a
            chunk with this finish reason, and the stream then ends normally. If None, the error is
            a separate event, the last one.
        headers: headers besides the content type, which identify the provider.
        content_type: content type of streams.
        mark: pattern that identifies a stream of this provider.
        responses, completions, realtime: formats of these endpoints; None for OpenAI's, if none was
            recorded.
        omits: paths of members that its chunks lack, although its layouts have them.
        variants: the variants that it declares, by name.
        build: function that builds the dialect with some of them; see `with_variants`.
    """

    name: str
    layouts: Mapping[Kind, Any] = dataclasses.field(default_factory=dict)
    usage: Mapping[str, Any] = dataclasses.field(default_factory=lambda: usages.OPENAI)
    usage_chunk: str = "requested"
    role: str = "alone"
    calls: str = "split"
    finish: str = "alone"
    splits_citations: bool = False
    calls_finish: str | None = None
    ends_with_done: bool = True
    eol: str = "\n"
    field: str = "data: "
    style: Style = COMPACT
    spaced_kinds: frozenset[Kind] = frozenset()
    id: str = "chatcmpl-{uuid}"
    fingerprint: str | None = None
    extra: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    extra_steps: tuple[ExtraStep, ...] = ()
    padding: str | None = None
    body: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    error: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    errors: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    error_event: str | None = None
    error_finish: str | None = None
    headers: tuple[tuple[str, str], ...] = ()
    content_type: str = "text/event-stream"
    mark: re.Pattern[str] | None = None
    responses: ResponsesFormat | None = None
    completions: CompletionsFormat | None = None
    realtime: RealtimeFormat | None = None
    omits: frozenset[str] = frozenset()
    variants: Mapping[str, Variant] = dataclasses.field(default_factory=dict)
    build: Callable[[frozenset[str]], Dialect] | None = dataclasses.field(
        default=None, repr=False, compare=False
    )

    def has_variant(self, name: str) -> bool:
        """Whether it has a variant with this name, of its own or of `COMMON`."""
        return name in COMMON or name in self.variants

    def with_variants(self, names: Iterable[str]) -> Dialect:
        """Return the dialect with these variants, of its own and of `COMMON`.

        Raises KeyError if it has no variant of a name.
        """
        chosen = list(dict.fromkeys(names))
        if unknown := [name for name in chosen if not self.has_variant(name)]:
            raise KeyError(unknown[0])
        own = frozenset(chosen) - COMMON.keys()
        dialect = self.build(own) if own and self.build is not None else self
        for name in chosen:
            if name in COMMON:
                _, field, value = COMMON[name]
                dialect = dialect.with_field(field, value)
        layouts = dialect.layouts
        if dialect.omits:
            layouts = {kind: omit_members(one, dialect.omits) for kind, one in layouts.items()}
        name = "+".join([self.name, *chosen])
        return dataclasses.replace(dialect, name=name, layouts=layouts)

    def with_field(self, field: str, value: Any) -> Dialect:
        """Return the dialect with a value for a field, or for a field of its style."""
        owner, _, name = field.rpartition(".")
        if owner:
            name, value = owner, dataclasses.replace(self.style, **{name: value})
        elif isinstance(value, set):
            value = getattr(self, name) | value
        return dataclasses.replace(self, **{name: value})

    def event(self, data: str, name: str | None = None) -> Step:
        """Return an event with the provider's framing."""
        if self.eol == "\n" and self.field == "data: ":
            return Event(data, name)
        lines = [f"event: {name}"] if name else []
        return Raw(self.eol.join([*lines, f"{self.field}{data}", "", ""]).encode(), 1)

    def layout(self, kind: Kind) -> Any:
        """Return the layout of a kind; a combined kind falls back to the kind of its content."""
        layout = self.layouts.get(kind)
        if layout is None and (plain := _PLACE.sub("", kind)) != kind:
            layout = self.layout(plain)
        if layout is None and kind.startswith("role+"):
            layout = self.layout(kind.removeprefix("role+"))
        if layout is None and kind.endswith("+finish"):
            layout = self.layout(kind.removesuffix("+finish"))
        if layout is None and "+" in kind:
            layout = self.layout(kind.partition("+")[0])
        return layout
