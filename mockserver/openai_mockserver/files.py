"""Files that say what a server answers: scenarios, recordings and streams, and folders of these.

Rules of this file: a stream answers the request that its file says it answers, and all streams in
turn answer the others; a kind of file is a row of a table. A mistake is one error that names the
file.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

from openai_mockserver import catalogue, scenario, sse
from openai_mockserver.api.headers import stream_headers
from openai_mockserver.cassettes import load
from openai_mockserver.exceptions import MockServerError, ReplyError, StreamFileError
from openai_mockserver.faults import Fault
from openai_mockserver.mock import MockOpenAI
from openai_mockserver.reply import Reply
from openai_mockserver.reply.serialization import decode_reply
from openai_mockserver.request import Request
from openai_mockserver.script import Head, Script

__all__ = ["add_files"]


@dataclass(frozen=True, slots=True)
class _Played:
    """A script, what it says if that is known, and the request that it answers."""

    script: Script
    reply: Reply | None = None
    request: Mapping[str, Any] = field(default_factory=dict)


def add_files(
    mock: MockOpenAI,
    files: Iterable[Path],
    names: Iterable[str] = (),
    faults: Iterable[Fault] = (),
) -> None:
    """Let the mock answer as files say.

    Args:
        mock: who answers.
        files: scenarios, recordings and stream files, and folders of recordings and stream files.
        names: ready-made streams that answer too, before those of files.
        faults: what goes wrong with each stream.

    Raises:
        MockServerError: for what cannot be read or is not known.
    """
    found = [inner for file in files for inner in _within(file)]
    streams: list[object] = [catalogue.stream(name) for name in names]
    played = [one for file in found for one in _STREAMS.get(file.suffix.lower(), _none)(file)]
    wrong = tuple(faults)
    if streams or played:
        mock.reply(*streams, *played, faults=wrong)
    for asked, answers in _by_request(played):
        mock.on(partial(_asks, asked)).reply(*answers, faults=wrong)
    for file in found:
        if file.suffix.lower() in _SCENARIOS:
            scenario.add_rules(mock, file)
        elif file.suffix.lower() not in _STREAMS:
            known = ", ".join((*_SCENARIOS, *_STREAMS))
            raise MockServerError(f"{file}: what kind of file is this? Known are {known}")


def _within(file: Path) -> list[Path]:
    """The file; of a folder the recordings and stream files in it, by name."""
    if file.suffix.lower() in (*_SCENARIOS, *_STREAMS) or not file.is_dir():
        return [file]
    found = sorted(inner for inner in file.iterdir() if inner.suffix.lower() in _STREAMS)
    if not found:
        raise MockServerError(f"{file}: a folder without {' and '.join(_STREAMS)} files")
    return found


def _by_request(played: list[_Played]) -> Iterator[tuple[dict[str, Any], list[_Played]]]:
    """The streams that answer the same request, of those that tell theirs."""
    same: dict[str, list[_Played]] = {}
    for one in played:
        if one.request:
            same.setdefault(json.dumps(_bare(one.request), sort_keys=True), []).append(one)
    for several in same.values():
        yield _bare(several[0].request), several


def _asks(asked: Mapping[str, Any], request: Request) -> bool:
    """Whether a request asks for this."""
    return _bare(request.json) == asked


def _bare(request: Mapping[str, Any]) -> dict[str, Any]:
    """What a request asks for, without how it is to travel."""
    return {k: v for k, v in request.items() if k not in ("stream", "stream_options")}


def _none(file: Path) -> list[_Played]:
    return []


def _recording(file: Path) -> list[_Played]:
    """The body of a stream, as it was recorded."""
    try:
        body = file.read_bytes()
    except OSError as error:
        raise StreamFileError(f"cannot read {file}: {error.strerror or error}") from None
    return [_Played(Script(Head(200, stream_headers(Random(file.name))), sse.parse(body)))]


def _stream_file(file: Path) -> list[_Played]:
    """The responses of a stream file."""
    exchanges = load(file)
    if not exchanges:
        raise StreamFileError(f"{file} holds no exchange")
    played = []
    for exchange in exchanges:
        told = (exchange.about.get("expect") or {}).get("reply")
        try:
            reply = None if told is None else decode_reply(told, "expect.reply")
        except ReplyError as error:
            raise StreamFileError(f"{file}: {error}") from None
        asked = (exchange.about.get("request") or {}).get("json")
        played.append(_Played(exchange.script, reply, asked if isinstance(asked, dict) else {}))
    return played


_STREAMS: dict[str, Callable[[Path], list[_Played]]] = {".sse": _recording, ".jsonl": _stream_file}
"""How files of streams are read."""

_SCENARIOS = (".yaml", ".yml", ".json")
