"""``/v1/batches``: the lines of an uploaded file, each asked at once, as all else is answered.

Rules of this file: no I/O; what is generic of batches is in `operations`. The forms of lines are
those of OpenAI's Batch API reference. What goes wrong with a line is told of that line alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from random import Random
from typing import Any

import msgspec

from openai_mockserver import sse
from openai_mockserver.api.disk_bytes import DiskBytes, parts_of
from openai_mockserver.api.endpoint import Asked
from openai_mockserver.api.json_body import json_response
from openai_mockserver.api.multipart import File
from openai_mockserver.api.resources.operations import CONTENT, Thing
from openai_mockserver.api.resources.states import settle
from openai_mockserver.api.store import Store
from openai_mockserver.script import Script
from openai_mockserver.seed import now

__all__ = ["ANSWERS"]

_BATCHES = "/v1/batches"
_BATCH = Thing("POST", _BATCHES)
_FILE = Thing("POST", "/v1/files")
_BROKEN = frozenset({"truncate", "reset", "hold"})

_Ask = Callable[[str, str, bytes], Script]


class _Line(msgspec.Struct):
    custom_id: str
    method: str
    url: str
    body: dict[str, Any]


def _create(asked: Asked, store: Store, rng: Random) -> Script:
    """A batch that is done: what each line of its file was answered is in files."""
    id = _BATCH.new_id(asked, store, rng)
    made = _BATCH.made(id, asked, rng, settled=False)
    data = store.get(CONTENT, f"/v1/files/{made['input_file_id']}")
    if data is not None and asked.ask is not None:
        made |= _done(id, data, asked.ask, store, rng)
    made = settle(made, _BATCH.properties, now(rng))
    store.put(_BATCHES, id, made)
    return json_response(made, rng)


def _done(id: str, data: bytes | DiskBytes, ask: _Ask, store: Store, rng: Random) -> dict[str, Any]:
    """What is told of a batch when its lines are answered."""
    lines, wrong = _read(data)
    if wrong:
        errors = {"object": "list", "data": wrong}
        return {"status": "failed", "errors": errors}
    answers = [_answer(line, ask, rng) for line in lines]
    good = [one for one in answers if _is_good(one)]
    bad = [one for one in answers if not _is_good(one)]
    return {
        "request_counts": {"total": len(answers), "completed": len(good), "failed": len(bad)},
        "output_file_id": _written(good, f"{id}_output.jsonl", store, rng),
        "error_file_id": _written(bad, f"{id}_error.jsonl", store, rng),
    }


def _is_good(answer: dict[str, Any]) -> bool:
    return answer["error"] is None and answer["response"]["status_code"] < 400


def _read(data: bytes | DiskBytes) -> tuple[list[_Line], list[dict[str, Any]]]:
    """The lines, and what is wrong with those that are none."""
    lines, wrong = [], []
    for number, text in enumerate(_split_lines(data), 1):
        if not text.strip():
            continue
        try:
            lines.append(msgspec.json.decode(text, type=_Line))
        except (msgspec.DecodeError, UnicodeError) as error:
            told = {"code": "invalid_json_line", "message": f"This line is not a request: {error}"}
            wrong.append(told | {"line": number, "param": None})
    return lines, wrong


_LONGEST_LINE = 32 << 20


def _split_lines(data: bytes | DiskBytes) -> Iterator[bytes]:
    """The lines of a file; one that is too long is cut, and so no JSON."""
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


def _answer(line: _Line, ask: _Ask, rng: Random) -> dict[str, Any]:
    """The line of an output file that answers a line, or that of an error file."""
    named = {"id": f"batch_req_{rng.getrandbits(128):032x}", "custom_id": line.custom_id}
    if line.url.rstrip("/").endswith("/batches"):
        return named | _unanswered("A batch cannot be a line of a batch.")
    try:
        script = ask(line.method, line.url, msgspec.json.encode(line.body))
    except Exception as error:  # as elsewhere, whatever a rule raises; other lines go on
        return named | _unanswered(str(error) or repr(error))
    if script.end in _BROKEN:
        return named | _unanswered(f"The answer to {line.method} {line.url} broke off.")
    try:
        body = msgspec.json.decode(sse.body(script.steps))
    except (msgspec.DecodeError, UnicodeError):
        kind = script.head.header("content-type")
        told = f"The answer to {line.method} {line.url} is not JSON but {kind}."
        return named | _unanswered(told)
    response = {
        "status_code": script.head.status,
        "request_id": script.head.header("x-request-id") or "",
        "body": body,
    }
    return named | {"response": response, "error": None}


def _unanswered(message: str) -> dict[str, Any]:
    """What a line says that has no response."""
    return {"response": None, "error": {"code": "request_failed", "message": message}}


def _written(answers: list[dict[str, Any]], name: str, store: Store, rng: Random) -> str | None:
    """The id of a file with these answers; None where there are none."""
    if not answers:
        return None
    data = b"".join(msgspec.json.encode(one) + b"\n" for one in answers)
    given = {"file": File(data, name), "purpose": "batch_output"}
    file = _FILE.created(Asked("POST", _FILE.path, parameters=given), store, rng)
    return str(file["id"])


ANSWERS = {("POST", _BATCHES): _create}
