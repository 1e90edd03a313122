"""Real consumers over the ready-made streams, in their original and in other valid spellings.

Their mistakes must be listed in `findings.found`. OpenAI's SDK and httpx-sse always run;
`scripts/findings` installs and runs the others.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

import pytest

from findings.consumers import Consumer, explain_mismatch
from findings.found import find_unexplained
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
from openai_mockserver.judge import AnsweredStream
from ready_made import PLAYED

# Changes that the event-stream format and HTTP allow, without another meaning.
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
RESPELLED = ("unicode", "tool-call", "tool-calls-parallel", "usage")


@dataclass(frozen=True)
class RespelledStream:
    """A stream in another spelling."""

    script: Script
    reply: Reply | ApiError
    error: str | None = None


def make_stalled(name: str, fault: Fault, after: int) -> AnsweredStream:
    """Return a stream that falls silent forever after some events."""
    script = stall(after=after)(fault(catalogue.stream(name).script))
    reply = chat.read(script)
    assert isinstance(reply, Reply)
    return RespelledStream(script, reply, "timeout")


def make_error(error: ApiError) -> AnsweredStream:
    """Return an error instead of a stream."""
    return RespelledStream(errors.render(error, Random(1)), Reply(error=error), "api")


STREAMS: dict[str, AnsweredStream] = {
    **{stream.name: stream for stream in map(catalogue.stream, PLAYED)},
    **{
        f"{stream.name} {fault!r}": RespelledStream(fault(stream.script), stream.reply)
        for stream in map(catalogue.stream, RESPELLED)
        for fault in LEGAL
    },
    **{
        f"text {kind} stall": make_stalled("text", line_ends(kind), after=4)
        for kind in ("lf", "crlf", "cr")
    },
    **{f"status {status}": make_error(ApiError(status)) for status in (400, 429, 503)},
}


@pytest.mark.slow
@pytest.mark.parametrize("name", STREAMS)
def test_streams(
    consumer: Consumer, judge_stream: Callable[[AnsweredStream], list[str]], name: str
) -> None:
    stream = STREAMS[name]
    if reason := explain_mismatch(consumer, stream):
        pytest.skip(reason)
    assert find_unexplained(consumer.name, stream, judge_stream(stream)) == []
