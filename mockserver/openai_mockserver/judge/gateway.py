"""A gateway as a consumer: a client asks it, it asks the mock, and both ends are compared.

What comes out must mean what went in, as our own reader reads both; the chunks must carry the same
choices and usage; events must come out while later ones are still to be sent; an error must stay an
error; and if its client leaves, a gateway must close its own connection, so that nobody pays for
tokens that are not read.

Rules of this file: it adds to `grading` what only two ends can show.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import msgspec.json

from openai_mockserver import sse
from openai_mockserver.judge.cases import Case
from openai_mockserver.judge.comparison import Manner, Mistake
from openai_mockserver.judge.consumer import Ask, Task, hang
from openai_mockserver.judge.grading import SentRequest, grade_outcome
from openai_mockserver.judge.outcome import Outcome
from openai_mockserver.judge.post import Response, check_url, post
from openai_mockserver.judge.reading import EVENT_STREAM, read_body, read_response
from openai_mockserver.reply import Reply, ToolCall
from openai_mockserver.script import Event, Head, Pause, Script
from openai_mockserver.stream_value import Requirement, Stream

__all__ = ["GatewayOutcome", "gateway_cases", "grade_gateway", "open_gateway"]

_STEP = 0.2  # seconds between the events of the cases that only a gateway has
_WORDS = ("One", " two", " three", " four", " five", " six")
_LEAVE = 2.0  # seconds until a gateway must have closed the connection of a client that left


class GatewayOutcome(Outcome, frozen=True, kw_only=True):
    """What a gateway's client gets, with the time of each read in seconds after the request."""

    times: list[float]


def _chunk(delta: Mapping[str, Any], reason: str | None = None) -> Event:
    choice = {"index": 0, "delta": delta, "finish_reason": reason}
    about = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1}
    chunk = {**about, "model": "gpt-4o-mini", "choices": [choice]}
    return Event(msgspec.json.encode(chunk).decode())


def _slow_script() -> Script:
    """Return a stream of some words, each after a pause."""
    steps: list[Event | Pause] = [_chunk({"role": "assistant", "content": ""})]
    for word in _WORDS:
        steps += [_chunk({"content": word}), Pause(_STEP)]
    head = Head(200, (("Content-Type", "text/event-stream"), ("Transfer-Encoding", "chunked")))
    return Script(head, (*steps, _chunk({}, "stop"), Event("[DONE]")))


_SLOW = Stream(
    _slow_script(),
    Reply("".join(_WORDS), finish_reason="stop"),
    name="gateway-passes-events-on",
    family="gateway",
    description="The words of the answer come a fifth of a second apart.",
    requirement=Requirement(
        "SHOULD", "Send each event on when it comes.", "HTML Standard, 9.2.7 Authoring notes"
    ),
)
_LEFT = replace(
    _SLOW,
    name="gateway-passes-disconnect-on",
    description="The client leaves after the first event.",
    requirement=Requirement(
        "SHOULD",
        "Close the connection to the server when the client has left.",
        "RFC 9110, 9.2.2 Idempotent Methods",
    ),
)


def gateway_cases(cases: Sequence[Case]) -> tuple[Case, ...]:
    """Return cases as a gateway has them: what went in is what must come out.

    Args:
        cases: the cases of the catalogue.

    Returns:
        the cases, each with what our own reader makes of its stream as the right answer, and
        those that only a gateway has.
    """
    return (*map(_expect_what_goes_in, cases), Case(_SLOW), Case(_LEFT, settle=_LEAVE))


def _expect_what_goes_in(case: Case) -> Case:
    stream = case.stream
    if stream.script.raw or stream.earlier or stream.error is not None:
        return case
    outcome = read_body(stream.bytes(), None, case.path)
    if outcome.error is not None:
        return case
    calls = outcome.tool_calls or []
    reply = stream.reply
    is_same = (reply.text or "") == outcome.text and len(calls) == len(reply.tool_calls)
    return case if is_same else replace(case, stream=replace(stream, reply=_as_reply(outcome)))


def _as_reply(outcome: Outcome) -> Reply:
    calls = outcome.tool_calls or []
    return Reply(
        outcome.text or None,
        reasoning=outcome.reasoning or None,
        refusal=outcome.refusal or None,
        tool_calls=[ToolCall(call.name, call.arguments, id=call.id) for call in calls],
        finish_reason=outcome.finish_reason or None,
    )


@contextmanager
def open_gateway(
    url: str, patience: float, headers: Mapping[str, str] | None = None
) -> Iterator[Ask]:
    """Open a gateway as a consumer.

    Args:
        url: its base URL, such as ``http://127.0.0.1:4000/v1``.
        patience: seconds after which it hangs.
        headers: headers to send, besides the key as a bearer.
    """
    check_url(url)

    def ask(task: Task) -> Outcome:
        sent = {
            "Content-Type": "application/json",
            "Accept": "text/event-stream",
            "Authorization": f"Bearer {task.api_key}",
            **(headers or {}),
        }
        leave_after = 1 if task.case == _LEFT.name else None
        body = msgspec.json.encode(task.request)
        response = post(url.rstrip("/") + task.path, body, sent, patience, leave_after)
        if isinstance(response.error, TimeoutError):
            return hang(patience)
        return _read_response(response, f"/v1{task.path}")

    yield ask


def _read_response(response: Response, path: str) -> GatewayOutcome:
    outcome = read_response(response, path)
    is_stream = response.status < 400 and response.media_type == EVENT_STREAM
    events = [event.data for event in sse.decode(response.body)] if is_stream else []
    members = {name: getattr(outcome, name) for name in Outcome.__struct_fields__}
    return GatewayOutcome(**members | {"events": events}, times=[at for at, _ in response.reads])


def grade_gateway(
    case: Case, outcome: Outcome, requests: Sequence[SentRequest], manner: Manner | None = None
) -> tuple[Mistake, ...]:
    """Return the mistakes of a gateway in one case: those of any consumer, and its own."""
    if case.stream.name == _LEFT.name:
        return tuple(_find_unpassed_leave(outcome, requests, manner, case))
    mistakes = list(grade_outcome(case, outcome, requests, manner))
    if isinstance(outcome, GatewayOutcome) and outcome.error is None:
        mistakes += _find_buffering(case, outcome)
        mistakes += _find_changed_chunks(case, outcome)
    return tuple(mistakes)


def _find_unpassed_leave(
    outcome: Outcome, requests: Sequence[SentRequest], manner: Manner | None, case: Case
) -> Iterator[Mistake]:
    if not requests:
        yield from grade_outcome(case, outcome, requests, manner)
    elif requests[0].left is None:
        yield Mistake(
            "wrong", "reads the whole answer, though its client left after the first read"
        )


def _find_buffering(case: Case, outcome: GatewayOutcome) -> Iterator[Mistake]:
    """Find an answer that comes only when it is complete, though it was sent in parts."""
    seconds = case.stream.script.seconds
    if seconds >= _STEP and outcome.times and outcome.times[0] >= seconds:
        yield Mistake(
            "lossy",
            f"sends the first event after {outcome.times[0]:.2f} s, when the whole answer had come "
            f"(it took {seconds:.2f} s)",
        )


def _find_changed_chunks(case: Case, outcome: GatewayOutcome) -> Iterator[Mistake]:
    """Find chunks whose choices or usage are not what went in."""
    if case.stream.script.raw or case.endpoint != "chat":
        return
    sent = list(_list_contents(event.data for event in sse.decode(case.stream.bytes())))
    came = list(_list_contents(outcome.events or ()))
    lost = [content for content in sent if content not in came]
    if lost:
        first = msgspec.json.encode(lost[0]).decode()
        count = f"{len(lost)} of {len(sent)} chunks"
        yield Mistake("lossy", f"changes or loses {count}, the first one {first[:200]}")


def _list_contents(events: Iterator[str] | Sequence[str]) -> Iterator[dict[str, Any]]:
    """Yield the choices and the usage of each chunk that has any."""
    for data in events:
        try:
            chunk = msgspec.json.decode(data)
        except (msgspec.DecodeError, UnicodeError):
            continue
        if isinstance(chunk, dict):
            content = {name: chunk[name] for name in ("choices", "usage") if chunk.get(name)}
            if content:
                yield content
