"""Files that say what a server answers: scenarios, recordings and streams, and folders of these.

Rules of this file: a stream answers the request that its file says it answers, and all streams in
turn answer the others. Recordings are read by `openai_mockserver.cassettes.importers`, as `import`
and `show` do it; what has a scenario's name and is no recording is a scenario. A mistake is one
error that names the file. A recording that is not finished (``.part``) is played as far as it goes,
and that is told.
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
from openai_mockserver.cassettes.importers.formats import import_file, is_recording
from openai_mockserver.cassettes.importers.recording import STREAM_HEAD
from openai_mockserver.cassettes.matching import AS_RECORDED, IsRecorded, Matching
from openai_mockserver.cassettes.recorded_request import RequestKey, build_exchange_key
from openai_mockserver.cassettes.stream_file import PART, explain_withheld
from openai_mockserver.exceptions import MockServerError, ReplyError, StreamFileError
from openai_mockserver.faults import Fault
from openai_mockserver.mock import MockOpenAI
from openai_mockserver.reply.serialization import decode_reply
from openai_mockserver.script import Script
from openai_mockserver.stream_value import Stream

__all__ = ["add_files"]

logger = logging.getLogger("openai_mockserver")


@dataclass(frozen=True, slots=True)
class _Recorded:
    """What a file answers with, and the key of the request that it answers, if that is known."""

    answer: Script | Stream
    key: RequestKey | None = None


def add_files(
    mock: MockOpenAI,
    files: Iterable[Path],
    names: Iterable[str] = (),
    faults: Iterable[Fault] = (),
    in_turn: bool = False,
    matching: Matching = AS_RECORDED,
) -> None:
    """Let the mock answer as files say.

    Args:
        mock: who answers.
        files: scenarios, recordings of any kind that `import` knows, stream files, and folders of
            ``.sse`` and stream files.
        names: ready-made streams that answer too, before those of files.
        faults: what goes wrong with each stream.
        in_turn: whether streams whose files state their requests answer other requests too, in
            turn; streams whose files state none always do.
        matching: how a request is compared with those that files state, without functions.

    Raises:
        MockServerError: for what cannot be read or is not known.
    """
    found = [inner for file in files for inner in _within(file)]
    scenarios = [file for file in found if _is_scenario(file)]
    streams: list[Script | Stream] = [catalogue.stream(name) for name in names]
    played = [one for file in found if file not in scenarios for one in _read_streams(file)]
    wrong = tuple(faults)
    _check_matching(matching, [one.key for one in played if one.key is not None])
    for_any = [*streams, *(one.answer for one in played if in_turn or one.key is None)]
    if for_any:
        mock.reply(*for_any, faults=wrong)
    # The newest rule wins: a stream for who wants one, else what was asked, however it travels.
    for exactly in (False, True):
        for key, answers in _by_request(played, exactly, matching):
            rule = mock.on(IsRecorded(key, exactly, matching))
            rule.reply(*(one.answer for one in answers), faults=wrong)
    for file in scenarios:
        from openai_mockserver import scenario  # imports YAML

        scenario.add_rules(mock, file)


def _within(file: Path) -> list[Path]:
    """The file; of a folder the recordings and stream files in it, by name."""
    if _kind(file) in (*_SCENARIOS, *_STREAMS) or not os.path.isdir(file):  # noqa: PTH112 - names of any length
        return [file]
    found = sorted(inner for inner in file.iterdir() if _kind(inner) in _STREAMS)
    if not found:
        raise MockServerError(f"{file}: a folder without {' and '.join(_STREAMS)} files")
    return found


def _kind(file: Path) -> str:
    """What the name of a file ends in, but for the sign of a recording that is not finished."""
    return Path(file.name.removesuffix(PART)).suffix.lower()


def _check_matching(matching: Matching, keys: list[RequestKey]) -> None:
    """Tell of what is to be compared and cannot be.

    Raises MockServerError if there is nothing to compare with.
    """
    if matching.functions:
        raise MockServerError("a function compares requests for the fixture openai_cassette only")
    if not keys and matching != AS_RECORDED:
        raise MockServerError(
            "there is nothing to match: no file here states the request that it answers"
        )
    if keys:
        for problem in matching.find_unknown_members(keys) + matching.find_unused_ignores(keys):
            logger.warning("%s", problem)


def _by_request(
    played: list[_Recorded], exactly: bool, matching: Matching
) -> Iterator[tuple[RequestKey, list[_Recorded]]]:
    """The streams that answer the same request, of those that state theirs."""
    same: dict[bytes, tuple[RequestKey, list[_Recorded]]] = {}
    for one in played:
        if one.key is not None:
            selected = matching.select(one.key, exactly), exactly and one.key.is_stream
            told = msgspec.json.encode(selected, order="sorted")
            same.setdefault(told, (one.key, []))[1].append(one)
    yield from same.values()


def _is_scenario(file: Path) -> bool:
    """Whether a file has a scenario's name, and is not another tool's recording under that name."""
    return _kind(file) in _SCENARIOS and not is_recording(file)


def _read_streams(file: Path) -> list[_Recorded]:
    """The responses of a recording or a stream file."""
    if file.name.endswith(PART):
        exchanges = load(file)
        logger.warning("%s: %s", file, _what_is_there(exchanges))
    else:
        exchanges = [_with_head(exchange, file) for exchange in import_file(file)]
    for problem in (one for exchange in exchanges for one in explain_withheld(exchange)):
        logger.warning("%s: %s", file, problem)
    played = []
    for exchange in exchanges:
        told = (exchange.about.get("expect") or {}).get("reply")
        try:
            reply = None if told is None else decode_reply(told, "expect.reply")
            key = build_exchange_key(exchange)
        except (ReplyError, StreamFileError) as error:
            raise StreamFileError(f"{file}: {error}") from None
        script = exchange.script
        played.append(_Recorded(script if reply is None else Stream(script, reply), key))
    return played


def _with_head(exchange: Exchange, file: Path) -> Exchange:
    """A stream of which only the body was recorded gets the head that OpenAI sends."""
    head = exchange.script.head
    if head.headers != STREAM_HEAD:
        return exchange
    head = replace(head, headers=stream_headers(Random(file.name)))
    return replace(exchange, script=replace(exchange.script, head=head))


def _what_is_there(exchanges: list[Exchange]) -> str:
    """How far a recording goes whose name says that it is not finished."""
    if not exchanges:
        return "a recording that ended before the response began; it answers nothing"
    last = exchanges[-1]
    if last.complete:
        return "a recording that was not given its final name; it is whole"
    count = sse.count_all(last.script.steps)
    told = f"it breaks off after {count} event{'s' * (count != 1)}"
    told += f", and lacks {last.missing} bytes that had come" if last.missing else ""
    return f"a recording that is not finished; {told}"


_STREAMS = (".sse", ".jsonl")
"""What the names of the files in a folder end in that are played."""

_SCENARIOS = (".yaml", ".yml", ".json")
