"""The lines of a batch: read them, answer them, and count what they used.

Rules of this file: no I/O. Lines have the form of OpenAI's Batch API reference. A file with a
mistake is refused as a whole, but a line that gets no answer does not affect the others. The codes
of mistakes are those that Azure's guide lists.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from random import Random
from typing import Any

import msgspec

from openai_mockserver import sse
from openai_mockserver.api.disk_bytes import DiskBytes, parts_of
from openai_mockserver.script import Script

__all__ = ["Line", "Send", "answer_line", "count_usage", "is_good", "read_lines", "refuse_line"]

_BROKEN = frozenset({"truncate", "reset", "hold"})

Send = Callable[[str, str, bytes], Script]
"""Sends the request of a line, by method, path and body."""


class Line(msgspec.Struct):
    """A request of a batch."""

    custom_id: str
    method: str
    url: str
    body: dict[str, Any]


# Reading


def read_lines(
    data: bytes | DiskBytes, endpoint: str
) -> tuple[list[Line], list[dict[str, str | int | None]]]:
    """Return the valid lines of an input file, and an error for each invalid line.

    Args:
        data: the file.
        endpoint: the batch's endpoint, at which all requests must be.

    >>> read_lines(b"{", "/v1/responses")[1][0]["code"]
    'invalid_json_line'
    """
    lines: list[Line] = []
    problems: list[dict[str, str | int | None]] = []
    taken_ids: set[str] = set()
    for number, text in enumerate(_split_lines(data), 1):
        if not text.strip():
            continue
        try:
            line = msgspec.json.decode(text, type=Line)
        except (msgspec.DecodeError, UnicodeError) as error:
            message = f"This line is not a valid request: {error}"
            problems.append(_describe_problem("invalid_json_line", message, number))
            continue
        problem = _find_problem(line, taken_ids, lines, endpoint)
        taken_ids.add(line.custom_id)
        if problem is None:
            lines.append(line)
        else:
            code, message, param = problem
            problems.append(_describe_problem(code, message, number, param))
    if not lines and not problems:
        message = "The input file is empty. It must contain at least one request."
        problems.append(_describe_problem("empty_file", message))
    return lines, problems


def _find_problem(
    line: Line, taken_ids: set[str], lines: list[Line], endpoint: str
) -> tuple[str, str, str] | None:
    """Return code, message and parameter of a line's mistake; None if it has none."""
    if line.custom_id in taken_ids:
        message = (
            f"The custom_id '{line.custom_id}' for this request is a duplicate of another request. "
            "The custom_id parameter must be unique for each request in a batch."
        )
        return "duplicate_custom_id", message, "custom_id"
    if line.url.removeprefix("/v1") != endpoint.removeprefix("/v1"):
        message = "The URL provided for this request does not match the batch endpoint."
        return "url_mismatch", message, "url"
    if lines and line.body.get("model") != lines[0].body.get("model"):
        message = (
            "The model provided for this request does not match the rest of the batch. Each batch "
            "must contain requests for a single model."
        )
        return "model_mismatch", message, "body.model"
    return None


def _describe_problem(
    code: str, message: str, line: int | None = None, param: str | None = None
) -> dict[str, str | int | None]:
    return {"code": code, "message": message, "line": line, "param": param}


_LONGEST_LINE = 32 << 20


def _split_lines(data: bytes | DiskBytes) -> Iterator[bytes]:
    """Yield the lines of a file; a line that is too long is split, and so is not valid JSON."""
    rest = b""
    for part in parts_of(data):
        lines = (rest + part).splitlines(keepends=True)
        rest = b"" if lines[-1].endswith(b"\n") else lines.pop()
        yield from lines
        if len(rest) > _LONGEST_LINE:
            yield rest
            rest = b""
    if rest:
        yield rest


# Answering


def answer_line(line: Line, send: Send, rng: Random) -> dict[str, Any]:
    """Return the answer to a line, as the output file or the error file holds it."""
    fields = {"id": f"batch_req_{rng.getrandbits(128):032x}", "custom_id": line.custom_id}
    try:
        script = send(line.method, line.url, msgspec.json.encode(line.body))
    except Exception as error:  # a rule may raise anything; the other lines are still answered
        return refuse_line(fields, str(error) or repr(error))
    if script.end in _BROKEN:
        return refuse_line(fields, f"The response to {line.method} {line.url} ended early.")
    try:
        body = msgspec.json.decode(sse.body(script.steps))
    except (msgspec.DecodeError, UnicodeError):
        kind = script.head.header("content-type")
        message = f"The response to {line.method} {line.url} is {kind}, not JSON."
        return refuse_line(fields, message)
    response = {
        "status_code": script.head.status,
        "request_id": script.head.header("x-request-id") or "",
        "body": body,
    }
    return {**fields, "response": response, "error": None}


def refuse_line(
    answer: Mapping[str, Any], message: str, code: str = "request_failed"
) -> dict[str, Any]:
    """Return the answer to a line that has no response, with the ids of another answer to it."""
    ids = {"id": answer["id"], "custom_id": answer["custom_id"]}
    return {**ids, "response": None, "error": {"code": code, "message": message}}


def is_good(answer: Mapping[str, Any]) -> bool:
    """Whether the answer belongs into the output file, not into the error file."""
    return answer["error"] is None and answer["response"]["status_code"] < 400


# Usage


def count_usage(answers: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the tokens that these answers used, in the form of the Responses API.

    >>> answer = {"response": {"body": {"usage": {"prompt_tokens": 3, "completion_tokens": 2}}}}
    >>> count_usage([answer, answer])["total_tokens"]
    10
    """
    sums = dict.fromkeys(_USAGE, 0)
    for answer in answers:
        body = (answer["response"] or {}).get("body")
        usage = body.get("usage") if isinstance(body, dict) else None
        for name, paths in _USAGE.items():
            sums[name] += next((n for path in paths if (n := _find_count(usage, path))), 0)
    return {
        "input_tokens": sums["input"],
        "input_tokens_details": {"cached_tokens": sums["cached"]},
        "output_tokens": sums["output"],
        "output_tokens_details": {"reasoning_tokens": sums["reasoning"]},
        "total_tokens": sums["input"] + sums["output"],
    }


# The members that hold a count: of the Responses API, and of all other endpoints.
_USAGE = {
    "input": (("input_tokens",), ("prompt_tokens",)),
    "cached": (
        ("input_tokens_details", "cached_tokens"),
        ("prompt_tokens_details", "cached_tokens"),
    ),
    "output": (("output_tokens",), ("completion_tokens",)),
    "reasoning": (
        ("output_tokens_details", "reasoning_tokens"),
        ("completion_tokens_details", "reasoning_tokens"),
    ),
}


def _find_count(usage: Any, path: tuple[str, ...]) -> int:
    for name in path:
        usage = usage.get(name) if isinstance(usage, dict) else None
    return usage if isinstance(usage, int) else 0
