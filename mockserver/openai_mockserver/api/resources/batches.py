"""``/v1/batches``: answer each line of an uploaded file like any other request, and at once.

Rules of this file: no I/O; `operations` does what batches share with other objects. Lines have the
form of OpenAI's Batch API reference. A problem with one line does not affect the others.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from random import Random
from typing import Any

import msgspec

from openai_mockserver import sse
from openai_mockserver.api.disk_bytes import DiskBytes, parts_of
from openai_mockserver.api.endpoint import EndpointRequest
from openai_mockserver.api.json_body import json_response
from openai_mockserver.api.multipart import File
from openai_mockserver.api.resources.operations import CONTENT, Resource
from openai_mockserver.api.resources.states import settle
from openai_mockserver.api.store import Store
from openai_mockserver.script import Script
from openai_mockserver.seed import now

__all__ = ["ANSWERS"]

_BATCHES = "/v1/batches"
_BATCH = Resource("POST", _BATCHES)
_FILE = Resource("POST", "/v1/files")
_BROKEN = frozenset({"truncate", "reset", "hold"})

_Send = Callable[[str, str, bytes], Script]


class _Line(msgspec.Struct):
    custom_id: str
    method: str
    url: str
    body: dict[str, Any]


def _create(request: EndpointRequest, store: Store, rng: Random) -> Script:
    """Create a completed batch; files hold the answers to its lines."""
    id = _BATCH.new_id(request, store, rng)
    batch = _BATCH.build(id, request, rng, with_end=False)
    data = store.get(CONTENT, f"/v1/files/{batch['input_file_id']}")
    if data is not None and request.ask is not None:
        batch |= _run_batch(id, data, request.ask, store, rng)
    batch = settle(batch, _BATCH.properties, now(rng))
    store.put(_BATCHES, id, batch)
    return json_response(batch, rng)


def _run_batch(
    id: str, data: bytes | DiskBytes, send: _Send, store: Store, rng: Random
) -> dict[str, Any]:
    """Answer the lines of a batch, and return the batch's fields about them."""
    lines, problems = _read_lines(data)
    if problems:
        errors = {"object": "list", "data": problems}
        return {"status": "failed", "errors": errors}
    answers = [_answer_line(line, send, rng) for line in lines]
    successes = [answer for answer in answers if _is_good(answer)]
    failures = [answer for answer in answers if not _is_good(answer)]
    return {
        "request_counts": {
            "total": len(answers),
            "completed": len(successes),
            "failed": len(failures),
        },
        "output_file_id": _write_file(successes, f"{id}_output.jsonl", store, rng),
        "error_file_id": _write_file(failures, f"{id}_error.jsonl", store, rng),
    }


def _is_good(answer: dict[str, Any]) -> bool:
    return answer["error"] is None and answer["response"]["status_code"] < 400


def _read_lines(data: bytes | DiskBytes) -> tuple[list[_Line], list[dict[str, Any]]]:
    """Return the valid lines, and an error for each invalid line."""
    lines, problems = [], []
    for number, text in enumerate(_split_lines(data), 1):
        if not text.strip():
            continue
        try:
            lines.append(msgspec.json.decode(text, type=_Line))
        except (msgspec.DecodeError, UnicodeError) as error:
            problem = {
                "code": "invalid_json_line",
                "message": f"This line is not a valid request: {error}",
            }
            problems.append(problem | {"line": number, "param": None})
    return lines, problems


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


def _answer_line(line: _Line, send: _Send, rng: Random) -> dict[str, Any]:
    """Return the answer to a line, as the output file or the error file holds it."""
    fields = {"id": f"batch_req_{rng.getrandbits(128):032x}", "custom_id": line.custom_id}
    if line.url.rstrip("/").endswith("/batches"):
        return fields | _fail_line("A line of a batch cannot create another batch.")
    try:
        script = send(line.method, line.url, msgspec.json.encode(line.body))
    except Exception as error:  # a rule may raise anything; the other lines are still answered
        return fields | _fail_line(str(error) or repr(error))
    if script.end in _BROKEN:
        return fields | _fail_line(f"The response to {line.method} {line.url} ended early.")
    try:
        body = msgspec.json.decode(sse.body(script.steps))
    except (msgspec.DecodeError, UnicodeError):
        kind = script.head.header("content-type")
        message = f"The response to {line.method} {line.url} is {kind}, not JSON."
        return fields | _fail_line(message)
    response = {
        "status_code": script.head.status,
        "request_id": script.head.header("x-request-id") or "",
        "body": body,
    }
    return fields | {"response": response, "error": None}


def _fail_line(message: str) -> dict[str, Any]:
    """Return the fields of a line that has no response."""
    return {"response": None, "error": {"code": "request_failed", "message": message}}


def _write_file(answers: list[dict[str, Any]], name: str, store: Store, rng: Random) -> str | None:
    """Create a file with these answers and return its id; None if there are no answers."""
    if not answers:
        return None
    data = b"".join(msgspec.json.encode(answer) + b"\n" for answer in answers)
    parameters = {"file": File(data, name), "purpose": "batch_output"}
    file = _FILE.create_object(
        EndpointRequest("POST", _FILE.path, parameters=parameters), store, rng
    )
    return str(file["id"])


ANSWERS = {("POST", _BATCHES): _create}
