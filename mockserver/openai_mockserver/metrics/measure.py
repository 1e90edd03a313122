"""What a call that has ended says in numbers.

Rules of this file: pure functions of a call. Nothing is decoded but the last events of a stream, or
a body, for what they state: usage and finish reason.


Theory of operation
===================

A model server counts tokens. Our server sends events, and takes each for a token, as its engine
does, with three exceptions: the first event, which brings the role, comes with the first token;
``[DONE]`` brings none; and how many tokens there are in total is what the response states, if it
states a usage.

Example: a chat stream with six events, written at these seconds after the request:

    0.30   {"delta":{"role":"assistant"}}     comes with the first token
    0.30   {"delta":{"content":"Hello"}}      first token: TTFT is 0.30
    0.32   {"delta":{"content":" world"}}     gap of 0.02
    0.35   {"finish_reason":"stop"}           gap of 0.03
    0.35   {"choices":[],"usage":{...}}       gap of 0.00
    0.35   [DONE]

The call has logged runs: rows of equal events, here (0.30, 2), (0.32, 1) and (0.35, 3). A gap
between two rows is the difference of their times, and within a row all gaps are 0, so that a stream
without a pace, which is one row, takes no time for each of its events.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import islice
from operator import sub
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

import msgspec
import msgspec.json

from openai_mockserver import tokens
from openai_mockserver.engine import Ticket
from openai_mockserver.faults import Fault
from openai_mockserver.journal import CLIENT_DISCONNECTED, Call, Runs
from openai_mockserver.request import Request
from openai_mockserver.script import Event, Raw, Script
from openai_mockserver.sse import DONE

__all__ = [
    "Generation",
    "Measurement",
    "find_stated",
    "find_token_rows",
    "is_generation",
    "measure_call",
    "read_numbers",
]

_CHAT = "/v1/chat/completions"
_COMPLETIONS = "/v1/completions"
_RESPONSES = "/v1/responses"
GENERATING = frozenset({_CHAT, _COMPLETIONS, _RESPONSES})
"""The endpoints at which a model generates text."""

_LONGEST_COUNTED = 64 * 1024
"""Bytes of the longest request whose prompt is counted; of a longer one it is estimated."""

_LONGEST_CACHED = 2048  # bytes of a request whose numbers are remembered
_BYTES_PER_TOKEN = 4  # of English, for the estimate


class Generation(NamedTuple):
    """What a model server measures of an answer. Times are in seconds.

    Args:
        model: the requested model.
        finished_reason: vLLM's word for how it ended.
        time_to_first_token: from the request to the first token; None if none was sent.
        gaps: between tokens that were not sent at once.
        instant_gaps: the number of gaps that are 0, and not among those.
        latency: from the request to the last byte.
        queue: until an engine gives it a slot.
        decode: from the first token to the last.
        prompt_tokens, cached_tokens, generation_tokens: numbers of tokens.
        max_tokens: the parameter; None if the request does not have it.
        n: the parameter.
    """

    model: str
    finished_reason: str
    time_to_first_token: float | None
    gaps: Sequence[float]
    instant_gaps: int
    latency: float
    queue: float
    decode: float
    prompt_tokens: int
    cached_tokens: int
    generation_tokens: int
    max_tokens: int | None
    n: int

    @property
    def inference(self) -> float:
        """Seconds for which it had a slot."""
        return max(0.0, self.latency - self.queue)

    @property
    def prefill(self) -> float | None:
        """Seconds from the slot to the first token."""
        first = self.time_to_first_token
        return None if first is None else max(0.0, first - self.queue)

    @property
    def time_per_token(self) -> float | None:
        """Mean seconds between two tokens; None if there are not two that came one by one."""
        steps = len(self.gaps) + self.instant_gaps
        return self.decode / steps if steps else None


class Measurement(NamedTuple):
    """A call in numbers.

    Args:
        endpoint: the path of its endpoint, with variables in braces; empty if there is none.
        method: its method.
        status: the status of the response.
        faults: the names of the faults that happened to it.
        is_gone: whether it did not end because the client had left.
        has_problem: whether it could not be answered or recorded.
        latency: seconds from the request to the last byte.
        events, size: the events, and bytes of the body, that the client was sent.
        lateness: seconds by which each row of events was late.
        late_events: the number of events in each row.
        generation: what a model server measures; None if no model answered.
    """

    endpoint: str
    method: str
    status: int
    faults: tuple[str, ...]
    is_gone: bool
    has_problem: bool
    latency: float
    events: int
    size: int
    lateness: Sequence[float]
    late_events: Sequence[int]
    generation: Generation | None


def is_generation(call: Call) -> bool:
    """Whether a model has answered a call."""
    return call.status == 200 and call.endpoint_path in GENERATING and call.method == "POST"


def measure_call(call: Call) -> Measurement:
    """Return a call that has ended in numbers."""
    runs, sent = call.list_runs(), call.sent
    return Measurement(
        call.endpoint_path,
        call.method,
        call.status,
        tuple([_name_fault(fault) for fault in call.faults]) if call.faults else (),
        call.outcome == CLIENT_DISCONNECTED and call.script.end != "hold",
        call.problem is not None or call.unrecorded is not None,
        call.answer_delay + (call.last_written or 0.0),
        sent.events,
        sent.bytes,
        list(map(sub, runs.times, runs.dues)),
        runs.events,
        _measure_generation(call, runs) if is_generation(call) else None,
    )


def _name_fault(fault: object) -> str:
    return fault.name if isinstance(fault, Fault) else "custom"


def _measure_generation(call: Call, runs: Runs) -> Generation:
    stated = find_stated(call.script) if call.is_finished else _Stated()
    times = _find_tokens(runs, stated.has_done, call.answer_delay)
    request = read_numbers(call)
    queue, cached_tokens = 0.0, stated.cached_tokens
    if (ticket := call.ticket) is not None:
        phases = ticket.phases
        queue = phases.decode or 0.0 if phases.queue is None else phases.queue
        cached_tokens = cached_tokens or ticket.admission.cached_tokens
        if times.first is not None and not call.script.is_stream:
            times = _find_tokens_of_body(ticket) or times
    return Generation(
        request.model,
        _name_reason(call, stated),
        times.first,
        times.gaps,
        times.instant_gaps,
        call.answer_delay + (call.last_written or 0.0),
        queue,
        times.decode,
        request.prompt_tokens if stated.prompt_tokens is None else stated.prompt_tokens,
        cached_tokens,
        times.tokens if stated.generation_tokens is None else stated.generation_tokens,
        request.max_tokens,
        request.n,
    )


# Times


class _TokenTimes(NamedTuple):
    """When tokens were sent, and how many they are."""

    first: float | None
    gaps: Sequence[float]
    instant_gaps: int
    decode: float
    tokens: int


def _find_tokens(runs: Runs, has_done: bool, start: float = 0.0) -> _TokenTimes:
    """Return when tokens were sent; those of a body, which has no events, are one.

    Args:
        runs: what was written.
        has_done: whether the last event is ``[DONE]``.
        start: seconds from the request to the time that the runs count from.

    >>> _find_tokens(Runs((), (0.25, 0.5, 0.75), (2, 1, 3)), True)
    _TokenTimes(first=0.25, gaps=[0.25, 0.25], instant_gaps=1, decode=0.5, tokens=4)
    """
    times, events = runs.times, runs.events
    if len(times) == 1 and events[0] > 1:  # without a pace
        count = events[0] - has_done
        count -= count > 1
        return _TokenTimes(start + times[0], (), max(0, count - 1), 0.0, count)
    if 0 in events:
        rows = [(at, count) for at, count in zip(times, events, strict=True) if count]
        if not rows:
            return _TokenTimes(start + times[-1], (), 0, 0.0, 0)
        times, events = [at for at, _ in rows], [count for _, count in rows]
    if not times:
        return _TokenTimes(None, (), 0, 0.0, 0)
    count = sum(events) - has_done
    token_rows = find_token_rows(events, has_done)
    first, last = token_rows.start, token_rows.stop
    count -= count > 1
    gaps = list(map(sub, islice(times, first + 1, last), islice(times, first, None)))
    decode = times[last - 1] - times[first]
    return _TokenTimes(
        start + times[first], gaps, max(0, count - 1 - len(gaps)), decode, max(0, count)
    )


def find_token_rows(events: Sequence[int], has_done: bool) -> range:
    """Return which rows of events bring tokens; at least one does.

    >>> find_token_rows((1, 3, 2, 1), True)
    range(1, 3)
    """
    last = len(events) - (has_done and events[-1] == 1)
    first = int(events[0] == 1 and last > 1)  # the role may be a row of its own
    return range(first, max(last, first + 1))


def _find_tokens_of_body(ticket: Ticket) -> _TokenTimes | None:
    """Return when the tokens of a body were generated, as the engine knows; None if they were not.

    The body itself comes with the last one.
    """
    phases, steps = ticket.phases, ticket.plan.tokens - 1
    if phases.prefill is None or phases.decode is None:
        return None
    decode = phases.decode - phases.prefill
    gaps = [decode / steps] * steps if steps else ()
    return _TokenTimes(phases.prefill, gaps, 0, decode, steps + 1)


# What the response states


class _Stated(NamedTuple):
    """What the end of a response states; None if it does not."""

    prompt_tokens: int | None = None
    generation_tokens: int | None = None
    cached_tokens: int = 0
    finish_reason: str | None = None
    has_done: bool = False  # whether it ends with [DONE]


class _Details(msgspec.Struct):
    cached_tokens: int | None = None


class _Usage(msgspec.Struct):
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    prompt_tokens_details: _Details | None = None
    input_tokens_details: _Details | None = None


class _Choice(msgspec.Struct):
    finish_reason: str | None = None


class _Payload(msgspec.Struct):
    """A chunk, a completion, an event of Responses or a response: what these functions read."""

    choices: list[_Choice] | None = None
    usage: _Usage | None = None
    status: str | None = None
    response: _Payload | None = None


_decode = msgspec.json.Decoder(_Payload).decode
_LAST = 3  # events: those with the finish reason, with the usage, and [DONE]
_REASONS = {"incomplete": "length"}
"""The finish reason of a status of Responses."""


_stated_by_part: WeakKeyDictionary[object, _Stated] = WeakKeyDictionary()


def find_stated(script: Script) -> _Stated:
    """Return what the end of a response states; that of a compiled reply is read once."""
    if (lazy := script.lazy) is None:
        return _read_end(script)
    part, _ = lazy.shared_part
    stated = _stated_by_part.get(part)
    if stated is None:
        stated = _stated_by_part[part] = _read_end(script)
    return stated


def _read_end(script: Script) -> _Stated:
    """Return what the last events of a stream, or a body, state.

    >>> body = b'{"choices":[{"finish_reason":"length"}],"usage":{"prompt_tokens":9}}'
    >>> stated = _read_end(Script(steps=(Raw(body),)))
    >>> stated.prompt_tokens, stated.finish_reason, stated.has_done
    (9, 'length', False)
    """
    usage: _Usage | None = None
    reason: str | None = None
    has_done = False
    for data in _list_last(script):
        if data in (DONE.data, DONE.data.encode()):
            has_done = True
            continue
        try:
            payload = _decode(data)
        except (msgspec.DecodeError, RecursionError):
            continue  # a recording that states nothing in OpenAI's way
        payload = payload.response or payload
        usage = usage or payload.usage
        reasons = [choice.finish_reason for choice in payload.choices or ()]
        reason = reason or next(filter(None, reasons), None) or _REASONS.get(payload.status or "")
        if usage is not None and reason is not None:
            break
    if usage is None:
        return _Stated(finish_reason=reason, has_done=has_done)
    details = usage.prompt_tokens_details or usage.input_tokens_details or _Details()
    return _Stated(
        usage.input_tokens if usage.prompt_tokens is None else usage.prompt_tokens,
        usage.output_tokens if usage.completion_tokens is None else usage.completion_tokens,
        details.cached_tokens or 0,
        reason,
        has_done,
    )


def _list_last(script: Script) -> Iterator[str | bytes]:
    """Yield the data of the last events, or a body, the last first."""
    return islice(_list_backwards(script), _LAST)


def _list_backwards(script: Script) -> Iterator[str | bytes]:
    is_stream = script.is_stream
    for step in reversed(script.steps):
        if isinstance(step, Event):
            yield step.data
        elif isinstance(step, Raw) and is_stream:  # as it was read from an upstream
            lines = reversed(step.data.splitlines())
            yield from (line[5:].strip() for line in lines if line.startswith(b"data:"))
        elif isinstance(step, Raw):
            yield step.data


def _name_reason(call: Call, stated: _Stated) -> str:
    """Return vLLM's word for how an answer ended."""
    if not call.is_finished:
        return "abort" if call.outcome == CLIENT_DISCONNECTED else "error"
    return "length" if stated.finish_reason == "length" else "stop"


# What the request says


class _RequestNumbers(NamedTuple):
    """The model of a request, and its numbers."""

    model: str
    prompt_tokens: int
    max_tokens: int | None
    n: int


def read_numbers(call: Call) -> _RequestNumbers:
    """Return the numbers of a request; a short one that was sent before is not read again."""
    content, path = call.content, call.endpoint_path
    if isinstance(content, bytes) and len(content) <= _LONGEST_CACHED and not call.history:
        return _read_short_request(content, path, call.deployment)
    return _read_request(call, path)


@lru_cache(maxsize=256)
def _read_short_request(content: bytes, path: str, deployment: str | None) -> _RequestNumbers:
    request = Request("POST", path, (), content)
    request.deployment = deployment
    return _read_request(request, path)


def _read_request(request: Request, path: str) -> _RequestNumbers:
    parameters, model = request.json, request.model
    if len(request.content) > _LONGEST_COUNTED:
        prompt_tokens = len(request.content) // _BYTES_PER_TOKEN
    elif path == _COMPLETIONS:
        prompt_tokens = _count_text(parameters.get("prompt"), model)
    else:
        prompt_tokens = tokens.count_messages(request.messages, model)
    limits = "max_completion_tokens", "max_output_tokens", "max_tokens"
    max_tokens, n = _find_number(parameters, *limits), _find_number(parameters, "n") or 1
    return _RequestNumbers(model, prompt_tokens, max_tokens, n)


def _find_number(parameters: Mapping[str, Any], *names: str) -> int | None:
    """Return the first of these parameters that is a whole number."""
    values = (parameters.get(name) for name in names)
    return next((n for n in values if isinstance(n, int) and not isinstance(n, bool)), None)


def _count_text(value: object, model: str) -> int:
    """Return how many tokens a text, a list of tokens or a list of either has."""
    if isinstance(value, str):
        return tokens.count(value, model)
    if isinstance(value, list):
        return sum(1 if isinstance(one, int) else _count_text(one, model) for one in value)
    return 0
