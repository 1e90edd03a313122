"""``/v1/batches``: the lines of an uploaded file, each asked at once, as all else is answered.

Rules of this file: no I/O; what is generic of batches is in `resources`. The forms of lines are
those of OpenAI's Batch API reference.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from random import Random
from typing import Any

import msgspec

from mockserver import sse
from mockserver.api.bodies import json
from mockserver.api.endpoint import Asked
from mockserver.api.forms import File
from mockserver.api.resources import CONTENT, Thing
from mockserver.api.store import Store
from mockserver.script import Script

__all__ = ["ANSWERS"]

_BATCHES = "/v1/batches"
_FILE = Thing("POST", "/v1/files")


class _Line(msgspec.Struct):
    custom_id: str
    method: str
    url: str
    body: dict[str, Any]


def _create(asked: Asked, store: Store, rng: Random) -> Script:
    """A batch that is done: what each line of its file was answered is in files."""
    made = Thing("POST", _BATCHES).created(asked, store, rng)
    data = store.get(CONTENT, f"/v1/files/{made['input_file_id']}")
    if data is None or asked.ask is None:
        return json(made, rng)
    lines, wrong = _read(data)
    if wrong:
        made |= {"status": "failed", "failed_at": int(time.time())}
        made["errors"] = {"object": "list", "data": wrong}
        return json(made, rng)
    answers = [_answer(line, asked.ask, rng) for line in lines]
    good = [one for one in answers if one["response"]["status_code"] < 400]
    bad = [one for one in answers if one["response"]["status_code"] >= 400]
    made |= {
        "completed_at": int(time.time()),
        "request_counts": {"total": len(answers), "completed": len(good), "failed": len(bad)},
        "output_file_id": _written(good, f"{made['id']}_output.jsonl", store, rng),
        "error_file_id": _written(bad, f"{made['id']}_error.jsonl", store, rng),
    }
    return json(made, rng)


def _read(data: bytes) -> tuple[list[_Line], list[dict[str, Any]]]:
    """The lines, and what is wrong with those that are none."""
    lines, wrong = [], []
    for number, text in enumerate(data.splitlines(), 1):
        if not text.strip():
            continue
        try:
            lines.append(msgspec.json.decode(text, type=_Line))
        except (msgspec.DecodeError, UnicodeError) as error:
            told = {"code": "invalid_json_line", "message": f"This line is not a request: {error}"}
            wrong.append(told | {"line": number, "param": None})
    return lines, wrong


def _answer(line: _Line, ask: Callable[[str, str, bytes], Script], rng: Random) -> dict[str, Any]:
    """The line of an output file that answers a line."""
    script = ask(line.method, line.url, msgspec.json.encode(line.body))
    response = {
        "status_code": script.head.status,
        "request_id": script.head.header("x-request-id") or "",
        "body": msgspec.json.decode(sse.body(script.steps)),
    }
    named = {"id": f"batch_req_{rng.getrandbits(128):032x}", "custom_id": line.custom_id}
    return named | {"response": response, "error": None}


def _written(answers: list[dict[str, Any]], name: str, store: Store, rng: Random) -> str | None:
    """The id of a file with these answers; None where there are none."""
    if not answers:
        return None
    data = b"".join(msgspec.json.encode(one) + b"\n" for one in answers)
    given = {"file": File(data, name), "purpose": "batch_output"}
    file = _FILE.created(Asked("POST", _FILE.path, parameters=given), store, rng)
    return str(file["id"])


ANSWERS = {("POST", _BATCHES): _create}
