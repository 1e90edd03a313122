"""Files in other tools' formats, imported."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from openai_mockserver import StreamFileError, sse
from openai_mockserver.cassettes.importers import import_file
from openai_mockserver.cassettes.stream_file import Exchange, dumps, loads

STREAM = 'data: {"choices":[{"delta":{"content":"Olá"}}]}\n\n: ping\n\ndata: [DONE]\n\n'
PAYLOAD = {"model": "m", "stream": True}
URL = "https://api.example.org/v1/chat/completions"


def import_text(folder: Path, content: Any, name: str = "x.json") -> list[Exchange]:
    """Import a file with this content; check that a stream file keeps the exchanges."""
    file = folder / name
    if not isinstance(content, str | bytes):
        content = json.dumps(content, indent=2, ensure_ascii=False)
    file.write_bytes(content.encode() if isinstance(content, str) else content)
    exchanges = import_file(file)
    for exchange in exchanges:
        assert loads(dumps(exchange.script, exchange.about)) == [exchange]
    return exchanges


def body_of(exchange: Exchange) -> bytes:
    return sse.body(exchange.script.steps)


def error_of(folder: Path, content: Any, name: str = "x.json") -> str:
    """Return the error for a file that cannot be imported, without the file's name."""
    with pytest.raises(StreamFileError) as error:
        import_text(folder, content, name)
    start = f"{folder / name}: "
    assert str(error.value).startswith(start)
    assert "\n" not in str(error.value)
    return str(error.value).removeprefix(start)
