"""What a page shows of a result: both answers side by side, and what went over the wire.

Rules of this file: pure functions, which return JSON. Long texts and bodies lose their middle, and
say how much of it.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any

from msgspec import UNSET

from openai_mockserver.judge.comparison import get_answer
from openai_mockserver.judge.grading import Result
from openai_mockserver.judge.outcome import Function, ReportedCall
from openai_mockserver.reply import FunctionCall, ToolCall
from openai_mockserver.script import Script
from openai_mockserver.sensitive import show_header
from openai_mockserver.stream_value import ERRORS, Requests
from openai_mockserver.timeline import frames

__all__ = ["compare_answers", "encode_exchange", "list_rows", "shorten_texts"]

_LONG = 8192  # bytes of a body, or characters of a text, beyond which the middle is left out
_KEPT = 2048  # how much of each end is kept
_MOST_ROWS = 400
_KEPT_ROWS = 100  # of each end

Json = dict[str, Any]


def shorten_texts(value: Any) -> Any:
    """Return JSON in which long texts have lost their middle."""
    if isinstance(value, str):
        if len(value) <= _LONG:
            return value
        left_out = len(value) - 2 * _KEPT
        return f"{value[:_KEPT]} […{left_out:,} characters left out…] {value[-_KEPT:]}"
    if isinstance(value, Mapping):
        return {shorten_texts(name): shorten_texts(member) for name, member in value.items()}
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)  # which JSON cannot express
    return [shorten_texts(item) for item in value] if isinstance(value, list | tuple) else value


def compare_answers(result: Result) -> list[Json]:
    """Return the right answer beside what the consumer reported, a row for each field.

    A row has ``name``; ``expected`` and ``got`` as text, None for nothing; ``silent`` if the
    consumer does not report this field; and ``prose`` if the two are not to be equal texts.
    """
    return [row for row in _compare_fields(result) if not _is_empty(row)]


def _is_empty(row: Json) -> bool:
    return not row["expected"] and not row["got"] and row["name"] not in ("text", "error")


def _compare_fields(result: Result) -> Iterator[Json]:
    stream, outcome = result.case.stream, result.outcome
    reply, error = get_answer(stream), outcome.error
    for name in ("text", "reasoning", "refusal"):
        expected = getattr(reply, name)
        yield _make_row(name, None if expected is None else str(expected), getattr(outcome, name))
    calls = outcome.tool_calls
    yield _make_row(
        "tool_calls",
        _format_calls(reply.tool_calls) or None,
        UNSET if calls is UNSET else _format_calls(calls) or None,
    )
    function = outcome.function_call
    yield _make_row(
        "function_call",
        _format_call(reply.function_call) if reply.function_call else None,
        function and _format_call(function),
    )
    if outcome.parsed is not UNSET:
        yield _make_row("parsed", None, "\n".join(outcome.parsed) or None, prose=True)
    yield _make_row("finish_reason", reply.finish_reason, outcome.finish_reason)
    right, usage = reply.usage, outcome.usage
    yield _make_row(
        "usage",
        None if right is None else f"{right.prompt_tokens} + {right.completion_tokens} tokens",
        usage and f"{usage.prompt_tokens} + {usage.completion_tokens} tokens",
    )
    if outcome.events is not UNSET:
        yield _make_row("events", None, "\n".join(outcome.events) or None, prose=True)
    kind = stream.error
    yield _make_row(
        "error",
        kind and f"{kind}: {ERRORS.get(kind, 'an error')}",
        error and f"{error.type}: {error.message}".removesuffix(": "),
        prose=True,
    )
    if stream.requests is not None:
        count = len(result.requests)
        sent = f"{count} request{'s' * (count != 1)}"
        yield _make_row("requests", describe_requests(stream.requests), sent, prose=True)


def _make_row(name: str, expected: str | None, got: Any, *, prose: bool = False) -> Json:
    is_silent = got is UNSET
    return {
        "name": name,
        "expected": shorten_texts(expected),
        "got": None if is_silent else shorten_texts(got),
        "silent": is_silent,
        "prose": prose,
    }


def _format_calls(calls: Any) -> str:
    return "\n".join(map(_format_call, calls))


def _format_call(call: ToolCall | FunctionCall | ReportedCall | Function) -> str:
    """Return a call as text; arguments that are JSON in one way of writing."""
    arguments = str(call.arguments)
    with suppress(ValueError, RecursionError):
        value = json.loads(arguments.strip() or "{}")
        arguments = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return f"{call.name}({arguments})"


def describe_requests(requests: Requests) -> str:
    """Return which requests a correct consumer sends, as text.

    >>> describe_requests(Requests(2, 3, gaps=(1.0,)))
    '2 to 3 requests; number 2 after 1 s or later'
    """
    least, most = requests.least, requests.most
    if most is None:
        parts = [f"{least} or more requests"]
    else:
        count = f"{least}" if least == most else f"{least} to {most}"
        parts = [f"{count} request{'s' * (most != 1)}"]
    parts += [
        f"number {n} after {gap:g} s or later" for n, gap in enumerate(requests.gaps, 2) if gap
    ]
    for n, headers in enumerate(requests.headers, 1):
        parts += [f"number {n} with {name}: {value}" for name, value in headers.items()]
    return "; ".join(parts)


def encode_exchange(script: Script) -> Json:
    """Return what went over the wire for one response.

    Its members: ``status``, ``headers`` and ``delay`` of the head, whether it is ``raw``, ``end``,
    ``seconds``, ``reads`` and ``bytes`` (how many there are), and ``rows`` (see `list_rows`).
    """
    sizes = [len(frame.data) for frame in frames(script)]
    head = script.head
    return {
        "status": head.status,
        "headers": [[name, show_header(name, value)] for name, value in head.headers],
        "delay": head.delay,
        "raw": script.raw,
        "end": script.end,
        "seconds": script.seconds,
        "reads": len([size for size in sizes if size]),
        "bytes": sum(sizes),
        "rows": list_rows(script),
    }


def list_rows(script: Script) -> list[list[Any]]:
    r"""Return a row for each read of a script's body, without the middle of a long one.

    A row holds the seconds after the head, the number of bytes, and the bytes as text, of which
    those that are no UTF-8 are the surrogates U+DC80 to U+DCFF. A fourth item is 1 if the client
    had to read everything before. A row of two numbers says how many reads and bytes are left out.

    >>> from openai_mockserver.script import Pause, Raw
    >>> list_rows(Script(steps=(Raw(b"a\xff"), Pause(2), Raw(b"b"))))
    [[0.0, 2, 'a\udcff'], [2.0, 1, 'b']]
    """
    rows: list[list[Any]] = []
    listed = list(frames(script))
    total, position, last = sum(len(frame.data) for frame in listed), 0, len(listed) - 1
    for n, frame in enumerate(listed):
        size, start = len(frame.data), position
        position += size
        is_cut = total > _LONG and size and start >= _KEPT and position <= total - _KEPT
        if is_cut or (last >= _MOST_ROWS and _KEPT_ROWS <= n <= last - _KEPT_ROWS):
            if not rows or len(rows[-1]) != 2:
                rows.append([0, 0])
            rows[-1][0] += 1
            rows[-1][1] += size
            continue
        text = _decode_ends(frame.data) if total > _LONG else _decode(frame.data)
        rows.append([round(frame.due, 4), size, text, *([1] if frame.fence else [])])
    return rows


def _decode(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")


def _decode_ends(data: bytes) -> str:
    """Decode bytes, without the middle of long ones."""
    if len(data) <= 2 * _KEPT:
        return _decode(data)
    left_out = f" […{len(data) - 2 * _KEPT:,} bytes left out…] "
    return _decode(data[:_KEPT]) + left_out + _decode(data[-_KEPT:])
