"""Real consumers over the ready-made streams, as they are and in other legal spellings.

What they get wrong is in `findings.found`, or fails. OpenAI's SDK and httpx-sse always run;
`scripts/findings` installs and runs the others.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

import pytest

from findings.consumers import Consumer, unasked
from findings.found import unexplained
from findings.judge import Told
from openai_mockserver import ApiError, Reply, Script, catalogue
from openai_mockserver.api import chat, errors
from openai_mockserver.faults import (
    Fault,
    blank_lines,
    bom,
    comment,
    drop_done,
    encoded,
    fields,
    join,
    line_ends,
    multi_line,
    no_space,
    slice,
    stall,
    unknown_field,
)

# What the event-stream format and HTTP allow, and changes nothing that is said.
LEGAL: tuple[Fault, ...] = (
    bom(),
    line_ends("crlf"),
    line_ends("cr"),
    line_ends("mixed"),
    no_space(),
    multi_line(),
    fields(id="1"),
    fields(event="message"),
    fields(retry=3),
    comment(),
    comment("OPENROUTER PROCESSING", at=2),
    blank_lines(),
    unknown_field(),
    drop_done(),
    encoded("gzip"),
    join(),
    slice(7),
)
SPELT = ("unicode", "tool-call", "tool-calls-parallel", "usage")


@dataclass(frozen=True)
class Spelt:
    """A stream in another spelling."""

    script: Script
    reply: Reply | ApiError
    error: str | None = None


def held_up(name: str, fault: Fault, after: int) -> Told:
    """A stream that falls silent for ever after some events."""
    script = stall(after=after)(fault(catalogue.stream(name).script))
    reply = chat.read(script)
    assert isinstance(reply, Reply)
    return Spelt(script, reply, "timeout")


def refused(error: ApiError) -> Told:
    """An error instead of a stream."""
    return Spelt(errors.render(error, Random(1)), Reply(error=error), "api")


STREAMS: dict[str, Told] = {
    **{stream.name: stream for stream in catalogue.streams()},
    **{
        f"{stream.name} {fault!r}": Spelt(fault(stream.script), stream.reply)
        for stream in map(catalogue.stream, SPELT)
        for fault in LEGAL
    },
    **{
        f"text {kind} stall": held_up("text", line_ends(kind), after=4)
        for kind in ("lf", "crlf", "cr")
    },
    **{f"status {status}": refused(ApiError(status)) for status in (400, 429, 503)},
}


@pytest.mark.parametrize("name", STREAMS)
def test_streams(consumer: Consumer, judged: Callable[[Told], list[str]], name: str) -> None:
    stream = STREAMS[name]
    if reason := unasked(consumer, stream):
        pytest.skip(reason)
    assert unexplained(consumer.name, stream, judged(stream)) == []
