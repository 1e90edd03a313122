"""Files that say what a server answers: scenarios, recordings, stream files, and folders of them.

Rules of this file: a stream answers the request in its file; streams without a request answer all
other requests in turn. `openai_mockserver.cassettes.importers` reads recordings, as for `import`
and `show`; a file with a scenario's suffix that is not a recording is a scenario. An error is one
sentence that names the file. An unfinished recording (``.part``) is played as far as it goes, with
a warning.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random

import msgspec.json

from openai_mockserver import catalogue, sse
from openai_mockserver.api.headers import stream_headers
from openai_mockserver.cassettes import Exchange, load
from openai_mockserver.cassettes.importers.formats import find_format, import_file
from openai_mockserver.cassettes.importers.recording import STREAM_HEAD
from openai_mockserver.cassettes.matching import AS_RECORDED, IsRecorded, Matching
from openai_mockserver.cassettes.recorded_request import RequestKey, build_exchange_key
from openai_mockserver.cassettes.sessions.formats import find_session
from openai_mockserver.cassettes.stream_file import PART, explain_withheld
from openai_mockserver.exceptions import MockServerError, ReplyError, StreamFileError
from openai_mockserver.faults import Fault
from openai_mockserver.mock import MockOpenAI
from openai_mockserver.reply.serialization import decode_reply
from openai_mockserver.script import Script
from openai_mockserver.sources import Sources
from openai_mockserver.stream_value import Stream

__all__ = [
    "add_files",
    "check_exchange",
    "check_recording",
    "is_scenario",
    "is_stream_file",
    "list_files",
]

logger = logging.getLogger("openai_mockserver")


@dataclass(frozen=True, slots=True)
class _Answer:
    """An answer from a file, and the key of its request if the file contains one."""

    answer: Script | Stream
    key: RequestKey | None = None


def add_files(
    mock: MockOpenAI,
    files: Iterable[Path],
    names: Iterable[str] = (),
    faults: Iterable[Fault] = (),
    in_turn: bool = False,
    matching: Matching = AS_RECORDED,
    sources: Sources | None = None,
) -> None:
    """Add the answers from files to a mock.

    Args:
        mock: the mock that answers.
        files: scenarios, recordings in any format that `import` supports, stream files, recorded
            WebSocket sessions, and folders of ``.sse`` and stream files.
        names: ready-made streams to answer with, before those of the files.
        faults: faults of each stream.
        in_turn: whether streams from files with a request also answer other requests in turn;
            streams from files without a request always do.
        matching: how to compare requests with those in the files; without functions.
        sources: notes the files, and those that scenarios name.

    Raises:
        MockServerError: if a file cannot be read, or a name or format is unknown.
    """
    sources = Sources() if sources is None else sources
    all_files = [inner for file in files for inner in list_files(file, sources)]
    sessions = {file: one for file in all_files if (one := find_session(file)) is not None}
    if sessions:
        mock.replay_sessions(*sessions.values())
        all_files = [file for file in all_files if file not in sessions]
    scenarios = [file for file in all_files if is_scenario(file)]
    streams: list[Script | Stream] = [catalogue.stream(name) for name in names]
    recorded_answers = [
        one for file in all_files if file not in scenarios for one in _read_streams(file)
    ]
    fault_list = tuple(faults)
    _check_matching(matching, [one.key for one in recorded_answers if one.key is not None])
    unmatched_answers = [
        *streams,
        *(one.answer for one in recorded_answers if in_turn or one.key is None),
    ]
    if unmatched_answers:
        mock.reply(*unmatched_answers, faults=fault_list)
    # The newest rule wins: first the same request, then the same one with or without streaming.
    for exactly in (False, True):
        for key, answers in _group_by_request(recorded_answers, exactly, matching):
            rule = mock.on(IsRecorded(key, exactly, matching))
            rule.reply(*(one.answer for one in answers), faults=fault_list)
    for file in scenarios:
        from openai_mockserver import scenario  # imported late: needs the yaml package

        scenario.add_rules(mock, file, sources)


def list_files(file: Path, sources: Sources) -> list[Path]:
    """Return the file, or for a folder the recordings and stream files in it, sorted by name.

    Args:
        file: the file or folder.
        sources: notes it.

    Raises:
        MockServerError: if the folder contains none.
    """
    if _get_suffix(file) in (*_SCENARIOS, *_STREAMS) or not os.path.isdir(file):  # noqa: PTH112 - names of any length
        return [sources.note(file)]
    sources.note_folder(file, _is_stream)
    inner_files = sorted(inner for inner in file.iterdir() if _is_stream(inner))
    if not inner_files:
        raise MockServerError(f"{file}: the folder has no {' or '.join(_STREAMS)} files")
    return inner_files


def _is_stream(file: Path) -> bool:
    """Return whether a file of a folder is played."""
    return _get_suffix(file) in _STREAMS


def _get_suffix(file: Path) -> str:
    """Return the suffix of a file name, without that of an unfinished recording."""
    return Path(file.name.removesuffix(PART)).suffix.lower()


def _check_matching(matching: Matching, keys: list[RequestKey]) -> None:
    """Warn of criteria that no request in the files has.

    Raises:
        MockServerError: if a criterion is a function, or no file contains a request.
    """
    if matching.functions:
        raise MockServerError(
            "only the fixture openai_cassette can compare requests with a function"
        )
    if not keys and matching != AS_RECORDED:
        raise MockServerError("there is nothing to match: none of the files contains a request")
    if keys:
        for problem in matching.find_unknown_members(keys) + matching.find_unused_ignores(keys):
            logger.warning("%s", problem)


def _group_by_request(
    recorded_answers: list[_Answer], exactly: bool, matching: Matching
) -> Iterator[tuple[RequestKey, list[_Answer]]]:
    """Group the answers to the same request; answers without a request are left out."""
    groups: dict[bytes, tuple[RequestKey, list[_Answer]]] = {}
    for one in recorded_answers:
        if one.key is not None:
            selection = matching.select(one.key, exactly), exactly and one.key.is_stream
            group_key = msgspec.json.encode(selection, order="sorted")
            groups.setdefault(group_key, (one.key, []))[1].append(one)
    yield from groups.values()


def is_scenario(file: Path) -> bool:
    """Return whether a file has a scenario's suffix and is not a recording of another tool."""
    return _get_suffix(file) in _SCENARIOS and find_format(file) is None


def _read_streams(file: Path) -> list[_Answer]:
    """Read the answers of a recording or a stream file."""
    if file.name.endswith(PART):
        exchanges = load(file)
        logger.warning("%s: %s", file, _describe_extent(exchanges))
    else:
        exchanges = [_complete_head(exchange, file) for exchange in import_file(file)]
    for problem in (one for exchange in exchanges for one in explain_withheld(exchange)):
        logger.warning("%s: %s", file, problem)
    try:
        return [_make_answer(exchange) for exchange in exchanges]
    except (ReplyError, StreamFileError) as error:
        raise StreamFileError(f"{file}: {error}") from None


def _make_answer(exchange: Exchange) -> _Answer:
    """Return the answer of an exchange. Raises ReplyError or StreamFileError for a wrong head."""
    reply_json = (exchange.about.get("expect") or {}).get("reply")
    reply = None if reply_json is None else decode_reply(reply_json, "expect.reply")
    key = build_exchange_key(exchange)
    script = exchange.script
    return _Answer(script if reply is None else Stream(script, reply), key)


def check_recording(file: Path) -> None:
    """Raise StreamFileError if a recording or a stream file cannot be played."""
    for exchange in load(file) if file.name.endswith(PART) else import_file(file):
        try:
            _make_answer(exchange)
        except (ReplyError, StreamFileError) as error:
            raise StreamFileError(f"{file}: {error}") from None


def is_stream_file(file: Path) -> bool:
    """Return whether a file that can be read is a stream file, by its content or its name."""
    return file.name.endswith(PART) or find_format(file) == "stream file"


def check_exchange(exchange: Exchange) -> None:
    """Raise ReplyError or StreamFileError if an exchange cannot be an answer."""
    _make_answer(exchange)


def _complete_head(exchange: Exchange, file: Path) -> Exchange:
    """Give a stream whose recording has only the body the head that OpenAI sends."""
    head = exchange.script.head
    if head.headers != STREAM_HEAD:
        return exchange
    head = replace(head, headers=stream_headers(Random(file.name)))
    return replace(exchange, script=replace(exchange.script, head=head))


def _describe_extent(exchanges: list[Exchange]) -> str:
    """Say how far a recording with the suffix of an unfinished one goes."""
    if not exchanges:
        return "the recording ended before the response began, so it cannot answer"
    last = exchanges[-1]
    if last.complete:
        return "the recording is complete, but its file was not renamed from .part"
    count = sse.count_all(last.script.steps)
    extent = f"it ends after {count} event{'s' * (count != 1)}"
    extent += f" and lacks the last {last.missing} bytes that arrived" if last.missing else ""
    return f"the recording is unfinished: {extent}"


_STREAMS = (".sse", ".jsonl")
"""The suffixes of the files in a folder that are played."""

_SCENARIOS = (".yaml", ".yml", ".json")
