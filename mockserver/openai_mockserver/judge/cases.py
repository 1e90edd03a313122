"""Cases: what a consumer is asked, one stream in one way of arriving.

Rules of this file: values and their selection; nothing is played here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from openai_mockserver import catalogue, faults
from openai_mockserver.exceptions import CheckError
from openai_mockserver.faults.reads import INSIDE, cut_script
from openai_mockserver.judge.comparison import get_answer
from openai_mockserver.judge.completion import complete_responses
from openai_mockserver.reply import Reply
from openai_mockserver.script import Pause, Script
from openai_mockserver.stream_value import Stream

__all__ = ["ENDPOINTS", "READS", "SILENCE", "Case", "select_cases"]

Cut = Callable[[Script], Script]

RECORDED = "recorded"

SILENCE = 1.0
"""Seconds of the longest pause in a case, unless another is chosen."""


def _cut_bytes(data: bytes) -> range:
    return range(1, len(data))


READS: dict[str, Cut | None] = {
    RECORDED: None,
    "whole": faults.join(),
    "events": partial(cut_script, cuts=INSIDE["events"]),
    "bytes": partial(cut_script, cuts=_cut_bytes),
    "utf8": partial(cut_script, cuts=INSIDE["utf8"]),
    "crlf": partial(cut_script, cuts=INSIDE["crlf"]),
}
"""How the bytes of a stream are cut into reads: as its file says; all at once; an event at a time;
a byte at a time; within each character of several bytes; between CR and LF."""

ENDPOINTS = {
    "chat": "/v1/chat/completions",
    "completions": "/v1/completions",
    "responses": "/v1/responses",
    "transcriptions": "/v1/audio/transcriptions",
}
"""The endpoints that cases are of, with their paths."""

SAMPLE = (
    "unicode",
    "tool-calls-parallel",
    "usage",
    "reasoning",
    "keep-alive-comments",
    "crlf-line-endings",
    "responses-text",
    "completions-text",
)
"""The streams that arrive in all reads by default: what breaks for one breaks for all."""

_SLOW_BYTES = 1024  # bytes; a stream that is longer takes seconds a byte at a time


@dataclass(frozen=True)
class Case:
    """What a consumer is asked: a stream, and how it arrives.

    Args:
        stream: the stream, with its right answer.
        reads: how its bytes are cut, one of `READS`.
        silence: seconds of the longest pause; longer ones are shortened.
        settle: seconds to wait for the end of its responses before it is graded.
    """

    stream: Stream
    reads: str = RECORDED
    silence: float = SILENCE
    settle: float = 0.0

    @property
    def name(self) -> str:
        """The name of the stream; with ``@`` and the reads, unless they are as recorded."""
        name = self.stream.name or "drawn"
        return name if self.reads == RECORDED else f"{name}@{self.reads}"

    @property
    def path(self) -> str:
        """The path of the endpoint that the request is sent to."""
        return self.stream.path or ENDPOINTS["chat"]

    @property
    def endpoint(self) -> str:
        """The name of the endpoint, one of `ENDPOINTS`; its path if it has no name."""
        return next((name for name, path in ENDPOINTS.items() if path == self.path), self.path)

    @property
    def request(self) -> Mapping[str, Any]:
        """The body of the request."""
        request = self.stream.request or _request_reply(get_answer(self.stream))
        return {**_DEFAULT_REQUESTS.get(self.endpoint, {}), **request, "stream": True}

    @property
    def scripts(self) -> tuple[Script, ...]:
        """What the mock answers: a script for each request, in order; the last one repeats."""
        cut = READS[self.reads]
        script = complete_responses(self.stream.script)
        script = script if cut is None else cut(script)
        return tuple(_shorten_pauses(one, self.silence) for one in (*self.stream.earlier, script))

    def __str__(self) -> str:
        return self.name


_MESSAGES = [{"role": "user", "content": "Hello"}]
_DEFAULT_REQUESTS: dict[str, Mapping[str, Any]] = {
    "chat": {"model": "gpt-4o-mini", "messages": _MESSAGES},
    "completions": {"model": "gpt-3.5-turbo-instruct", "prompt": "Hello"},
    "responses": {"model": "gpt-4o-mini", "input": "Hello"},
    "transcriptions": {"model": "gpt-4o-mini-transcribe"},
}


def _shorten_pauses(script: Script, seconds: float) -> Script:
    """Return a script without pauses of more than some seconds."""
    if script.seconds <= seconds:
        return script
    steps = (
        Pause(min(step.seconds, seconds)) if isinstance(step, Pause) else step
        for step in script.steps
    )
    return script.with_steps(list(steps))


def _request_reply(reply: Reply) -> dict[str, Any]:
    """Return the parameters with which a reply is requested: its tools, and how many choices."""
    names = dict.fromkeys(call.name for call in reply.tool_calls)
    parameters = {"type": "object", "properties": {}}
    tools = [
        {"type": "function", "function": {"name": name, "parameters": parameters}} for name in names
    ]
    count = len(reply.choices)
    return {**({"tools": tools} if tools else {}), **({"n": count} if count > 1 else {})}


def select_cases(
    *,
    names: Sequence[str] = (),
    families: Sequence[str] = (),
    endpoints: Sequence[str] = (),
    must_only: bool = False,
    reads: Iterable[str] | None = None,
    silence: float = SILENCE,
) -> tuple[Case, ...]:
    """Return the cases of the catalogue that have all of these properties.

    Args:
        names: names of streams, of cases such as ``unicode@utf8``, or paths of stream files; by
            default all of the catalogue.
        families: families of streams; by default all.
        endpoints: names of `ENDPOINTS`; by default all.
        must_only: only streams whose requirement is a MUST.
        reads: how their bytes are cut, names of `READS`; by default as recorded, and for a sample
            of ordinary streams in every way.
        silence: seconds of the longest pause; longer ones are shortened.

    Raises:
        CheckError: no case has these properties, or a name is unknown.
        UnknownStream: no stream or family has such a name.
    """
    _check_names("endpoint", endpoints, ENDPOINTS)
    chosen_reads = None if reads is None else tuple(reads)
    _check_names("way to read", chosen_reads or (), READS)
    listed = list(_list_streams(names, families))
    cases = [
        case
        for stream, own_reads in listed
        for case in _list_reads(stream, own_reads or chosen_reads, silence)
        if (not endpoints or case.endpoint in endpoints)
        and (not must_only or (stream.requirement and stream.requirement.level == "MUST"))
    ]
    if not cases:
        raise CheckError("no case of the catalogue has all of these properties")
    return tuple(cases)


def _check_names(kind: str, names: Iterable[str], known: Iterable[str]) -> None:
    for name in names:
        if name not in known:
            raise CheckError(f"no {kind} is called {name!r}; choose from {', '.join(known)}")


def _list_streams(
    names: Sequence[str], families: Sequence[str]
) -> Iterator[tuple[Stream, tuple[str, ...] | None]]:
    """Yield each chosen stream, with the reads that its name asks for."""
    for family in families:
        yield from ((stream, None) for stream in catalogue.streams(family))
    for name in names:
        stream_name, _, reads = name.partition("@")
        _check_names("way to read", [reads] if reads else [], READS)
        is_path = "/" in name or name.endswith(".jsonl")
        stream = catalogue.read_stream(Path(name)) if is_path else catalogue.stream(stream_name)
        yield stream, (reads,) if reads and not is_path else None
    if not names and not families:
        yield from ((stream, None) for stream in catalogue.streams())


def _list_reads(stream: Stream, reads: tuple[str, ...] | None, silence: float) -> Iterator[Case]:
    """Yield a case for each way of cutting that differs from those before."""
    is_default = reads is None
    if reads is None:
        reads = tuple(READS) if stream.name in SAMPLE else (RECORDED,)
    seen: list[Script] = []
    for name in reads:
        case = Case(stream, name, silence)
        if name != RECORDED and (stream.script.raw or not stream.script.steps):
            continue  # its bytes are cut as it says
        if name == "bytes" and is_default and len(stream.bytes()) > _SLOW_BYTES:
            continue
        script = case.scripts[-1]
        if script not in seen:
            seen.append(script)
            yield case
