"""What a dialect is: how one provider's streams, bodies and errors differ from OpenAI's.

Rules of this file: data. The providers are in `openai_mockserver.dialects.providers`, which is
imported when a dialect is first asked for.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from openai_mockserver.dialects import usage as usages
from openai_mockserver.dialects.completions import CompletionsFormat
from openai_mockserver.dialects.json_style import COMPACT, Style
from openai_mockserver.dialects.responses import ResponsesFormat
from openai_mockserver.script import Event, Raw, Step

__all__ = ["Dialect", "ExtraStep"]


class ExtraStep(NamedTuple):
    """What a stream holds beside what the model says: after so many chunks, this.

    ``step`` is a step (a comment, odd bytes) or the layout of a chunk that says nothing.
    """

    after: int
    step: Any


Kind = str
"""What a chunk says: a key of `chat.DELTAS`; one with ``role+`` opens, with ``+finish`` ends."""


@dataclass(frozen=True, slots=True)
class Dialect:
    """How one provider speaks.

    Args:
        name: what `MockOpenAI` and base paths call it.
        layouts: of each kind of chunk.
        usage: the layout of its usage object.
        usage_chunk: whether usage has a chunk of its own: ``always``, ``never``, or when ``asked``
            for.
        role: where the role goes: in a chunk ``alone``, ``with`` the first that says something, or
            with a single tool ``call``.
        calls: whether tool calls come ``split`` after a header without arguments, with the
            ``first`` piece in it, or ``whole``.
        finish: whether the finish reason comes ``alone`` or ``with`` the last that is said.
        calls_finish: what its streams state for the finish reason ``tool_calls``, if not that.
        done: whether ``[DONE]`` ends the stream.
        eol: its line ends.
        field: what comes before an event's JSON.
        style: how it writes JSON.
        spaced: the kinds of chunks that are written with spaces although others are not.
        id, fingerprint: their forms; see `openai_mockserver.api.ids.fill_pattern`.
        extra: what its own members say in a fresh response, by path.
        extra_steps: comments and other chunks that a fresh response holds.
        padding: the member that is padded at random, and by which rule.
        body: the layout of the JSON answer.
        error: the layout of an error's JSON.
        errors: of those with this code or status, where it is another.
        error_event: the name of the event that carries an error mid-stream.
        error_finish: the finish reason of the chunk that an error comes in mid-stream, as one
            member beside the choices; the stream then ends as others do. Without one the error is
            an event of its own, and the last.
        headers: what it sends beside the content type, by which it is known.
        content_type: of its streams.
        mark: what its streams can be told by.
        responses, completions: its formats of these endpoints; OpenAI's where none was recorded.
    """

    name: str
    layouts: Mapping[Kind, Any] = dataclasses.field(default_factory=dict)
    usage: Mapping[str, Any] = dataclasses.field(default_factory=lambda: usages.OPENAI)
    usage_chunk: str = "asked"
    role: str = "alone"
    calls: str = "split"
    finish: str = "alone"
    calls_finish: str | None = None
    done: bool = True
    eol: str = "\n"
    field: str = "data: "
    style: Style = COMPACT
    spaced: frozenset[Kind] = frozenset()
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

    def event(self, data: str, name: str | None = None) -> Step:
        """An event as it writes them."""
        if self.eol == "\n" and self.field == "data: ":
            return Event(data, name)
        lines = [f"event: {name}"] if name else []
        return Raw(self.eol.join([*lines, f"{self.field}{data}", "", ""]).encode(), 1)

    def layout(self, kind: Kind) -> Any:
        """The layout of a kind of chunk; a compound without its own has that of what it says."""
        found = self.layouts.get(kind)
        if found is None and kind.startswith("role+"):
            found = self.layout(kind.removeprefix("role+"))
        if found is None and kind.endswith("+finish"):
            found = self.layout(kind.removesuffix("+finish"))
        if found is None and "+" in kind:
            found = self.layout(kind.partition("+")[0])
        return found
