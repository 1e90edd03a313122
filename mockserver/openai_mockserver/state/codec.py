"""The values of a store as bytes, and back.

Rules of this file: no I/O, and never pickle: a file or a Redis server may be written by others. A
value is JSON, ``[tag, data]``. The bytes of a file follow, after a NUL; a file on disk stays in
pieces, whose place the store chooses (`Blobs`). `_FORMS` says for each type what its tag
is, and which data make it again. What an object can do follows from its data: the end of a job, for
example, is a value of a class with a tag of its own, because a function could not be stored.

>>> encode({"id": "file-1"})
b'["json",{"id":"file-1"}]'
>>> decode(encode(({"role": "user"},)))
({'role': 'user'},)
>>> decode(encode(File(b"1,2", "a.csv"))).name
'a.csv'
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple, Protocol

import msgspec
import msgspec.json

from openai_mockserver import sse
from openai_mockserver.api.agents.live import Counts, LoggedEvent
from openai_mockserver.api.assistants.pending import Outcome
from openai_mockserver.api.disk_bytes import DiskBytes, Readable
from openai_mockserver.api.jobs import End, Ending, Job
from openai_mockserver.api.json_body import decode_json
from openai_mockserver.api.live.sessions import LiveRecord
from openai_mockserver.api.multipart import File, FileOnDisk
from openai_mockserver.api.resources import evals, fine_tuning, vector_stores, videos
from openai_mockserver.api.resources.batches import BatchEnd, BatchRun
from openai_mockserver.api.resources.timed import Phases, Timed
from openai_mockserver.api.responses.background import ResponseEnd
from openai_mockserver.api.responses.history import Writer
from openai_mockserver.api.responses.stored import ResponseText, StoredResponse
from openai_mockserver.exceptions import StateError
from openai_mockserver.script import STREAM_HEAD, Head, Raw, Script

__all__ = ["Blobs", "decode", "encode"]


class Blobs(Protocol):
    """Where a store keeps the bytes of files that are too large for memory."""

    def write(self, parts: Iterable[bytes]) -> str:
        """Store bytes, and return the name under which they are found."""

    def find(self, name: str) -> Readable:
        """Return what reads the bytes with this name."""


class _NoBlobs:
    """Stores no files on disk."""

    def write(self, parts: Iterable[bytes]) -> str:
        raise StateError("a file on disk needs a store that has a place for it")

    def find(self, name: str) -> Readable:
        raise StateError(f"there is no place for the file {name}")


class _Payload(NamedTuple):
    """What a value is made of: data that are JSON, and bytes."""

    data: Any
    raw: bytes = b""


class _Form(NamedTuple):
    """How the values of a type are encoded.

    Args:
        tag: the name of the type.
        take_apart: returns what a value is made of.
        make: makes the value again.
    """

    tag: str
    take_apart: Callable[[Any, Blobs], _Payload]
    make: Callable[[_Payload, Blobs], Any]


# Plain data


def _take_data(value: Any, blobs: Blobs) -> _Payload:
    return _Payload(value)


def _make_json(payload: _Payload, blobs: Blobs) -> Any:
    return payload.data


def _make_tuple(payload: _Payload, blobs: Blobs) -> Any:
    return tuple(payload.data)


def _describe_class(tag: str, cls: type) -> _Form:
    """Return the form of a class whose fields are plain data."""

    def make(payload: _Payload, blobs: Blobs) -> Any:
        return msgspec.convert(payload.data, cls)

    return _Form(tag, _take_data, make)


# Files


def _take_bytes(data: bytes, blobs: Blobs) -> _Payload:
    return _Payload(None, data)


def _make_bytes(payload: _Payload, blobs: Blobs) -> bytes:
    return payload.raw


def _take_file(file: File, blobs: Blobs) -> _Payload:
    return _Payload([file.name, file.content_type], file)


def _make_file(payload: _Payload, blobs: Blobs) -> File:
    name, content_type = msgspec.convert(payload.data, tuple[str, str])
    return File(payload.raw, name, content_type)


class _Place(NamedTuple):
    """Where the bytes of a file on disk are."""

    blob: str
    size: int
    digest: str

    def find_bytes(self, blobs: Blobs) -> DiskBytes:
        return DiskBytes.of(blobs.find(self.blob), self.size, bytes.fromhex(self.digest))


def _store_bytes(data: DiskBytes, blobs: Blobs) -> _Place:
    return _Place(blobs.write(data.parts()), len(data), data.digest.hex())


def _take_disk_bytes(data: DiskBytes, blobs: Blobs) -> _Payload:
    return _Payload(_store_bytes(data, blobs))


def _make_disk_bytes(payload: _Payload, blobs: Blobs) -> DiskBytes:
    return msgspec.convert(payload.data, _Place).find_bytes(blobs)


def _take_disk_file(file: FileOnDisk, blobs: Blobs) -> _Payload:
    return _Payload([_store_bytes(file, blobs), file.name, file.content_type])


def _make_disk_file(payload: _Payload, blobs: Blobs) -> FileOnDisk:
    place, name, content_type = msgspec.convert(payload.data, tuple[_Place, str, str])
    return FileOnDisk(place.find_bytes(blobs), name, content_type)


# Responses


class _Response(NamedTuple):
    """What a stored response is made of.

    Args:
        response: the final response object.
        was_streamed: whether it was sent as a stream; None if it was never sent.
        stream: the bytes of that stream, if a client may resume it or a test has written it. The
            others need not be written twice, once here and once to the client: they can be made
            again from the response.
        input, history, was_retrieved, stored_at: as for `StoredResponse`.
    """

    response: dict[str, Any]
    was_streamed: bool | None
    stream: bytes | None
    input: Any
    history: tuple[dict[str, Any], ...]
    was_retrieved: bool
    stored_at: float


def _take_response(value: StoredResponse, blobs: Blobs) -> _Payload:
    script, make = value.script, value.make_response
    # A text is stored as it is: encoded JSON is part of the JSON around it.
    response: Any = msgspec.Raw(make.text) if isinstance(make, ResponseText) else value.response
    was_streamed = None if script is None else script.is_stream
    stream = None
    if script is not None and was_streamed and (value.in_background or script.lazy is None):
        stream = sse.body(script.steps)
    return _Payload(
        _Response(
            response,
            was_streamed,
            stream,
            value.input,
            tuple(map(dict, value.history)),
            value.was_retrieved,
            value.stored_at,
        )
    )


def _make_response(payload: _Payload, blobs: Blobs) -> StoredResponse:
    data = msgspec.convert(payload.data, _Response)
    steps = () if data.stream is None else (Raw(data.stream),)
    script = None
    if data.was_streamed is not None:
        script = Script(STREAM_HEAD if data.was_streamed else Head(200), steps)
    return StoredResponse(
        lambda: data.response,
        script,
        data.input,
        data.history,
        data.was_retrieved,
        data.stored_at,
    )


# Jobs


class _JobData(NamedTuple):
    """What a job is made of; its end as a tag and data."""

    started: float
    seconds: float
    ending: Ending | None
    watched: float | None
    id: str
    end: tuple[str, Any] | None
    paused: float | None


_ENDS: Mapping[str, Any] = {"response": ResponseEnd, "batch": BatchEnd, "phases": Phases}
"""The classes that find the end of a job, by their tags."""


def _take_job(job: Job, blobs: Blobs) -> _Payload:
    fields = (job.started, job.seconds, job.ending, job.watched, job.id)
    return _Payload(_JobData(*fields, _take_end(job.find_end), job.paused))


def _take_end(find_end: Callable[[Job], End] | None) -> tuple[str, Any] | None:
    if find_end is None:
        return None
    for tag, cls in _ENDS.items():
        if isinstance(find_end, cls):
            names = [field.name for field in dataclasses.fields(cls)]
            return tag, {name: getattr(find_end, name) for name in names}
    raise StateError(f"the end of a job cannot be stored: {find_end!r}")


def _make_job(payload: _Payload, blobs: Blobs) -> Job:
    data = msgspec.convert(payload.data, _JobData)
    find_end: Callable[[Job], End] | None = None
    if data.end is not None:
        tag, fields = data.end
        find_end = msgspec.convert(fields, _ENDS[tag])
    return Job(
        data.started, data.seconds, data.ending, data.watched, data.id, find_end, data.paused
    )


class _TimedData(NamedTuple):
    """What an object that takes time is made of."""

    kind: str
    final: dict[str, Any]
    job_id: str
    collection: str
    details: Any


_TIMED: Mapping[str, Callable[[Mapping[str, Any], str, str, Any], Timed]] = {
    "eval run": evals.make_timed,
    "fine-tuning job": fine_tuning.make_timed,
    "vector store batch": vector_stores.make_timed_batch,
    "vector store file": vector_stores.make_timed_file,
    "video": videos.make_timed,
}
"""What makes the objects that take time, by their kinds."""


def _take_timed(value: Timed, blobs: Blobs) -> _Payload:
    fields = (value.kind, dict(value.final), value.job_id, value.collection, value.details)
    return _Payload(_TimedData(*fields))


def _make_timed(payload: _Payload, blobs: Blobs) -> Timed:
    data = msgspec.convert(payload.data, _TimedData)
    return _TIMED[data.kind](data.final, data.job_id, data.collection, data.details)


# All forms

_JSON = _Form("json", _take_data, _make_json)

_FORMS: Mapping[type, _Form] = {
    tuple: _Form("tuple", _take_data, _make_tuple),
    bytes: _Form("bytes", _take_bytes, _make_bytes),
    File: _Form("file", _take_file, _make_file),
    DiskBytes: _Form("bytes on disk", _take_disk_bytes, _make_disk_bytes),
    FileOnDisk: _Form("file on disk", _take_disk_file, _make_disk_file),
    StoredResponse: _Form("response", _take_response, _make_response),
    Job: _Form("job", _take_job, _make_job),
    Timed: _Form("timed object", _take_timed, _make_timed),
    BatchRun: _describe_class("batch run", BatchRun),
    Outcome: _describe_class("outcome", Outcome),
    LiveRecord: _describe_class("live session", LiveRecord),
    Writer: _describe_class("writer", Writer),
    Counts: _describe_class("counts", Counts),
    LoggedEvent: _describe_class("logged event", LoggedEvent),
}
"""How values are encoded, by their exact type; all others are JSON."""

_BY_TAG = {form.tag: form for form in (_JSON, *_FORMS.values())}


def encode(value: Any, blobs: Blobs | None = None) -> bytes:
    """Return a value of a store as bytes.

    Args:
        value: the value.
        blobs: the place for the bytes of files on disk.

    Raises:
        StateError: the value is of a type that cannot be stored.
    """
    form = _FORMS.get(type(value), _JSON)
    data, raw = form.take_apart(value, blobs or _NoBlobs())
    text = _encode_json([form.tag, data])
    return b"%b\0%b" % (text, raw) if raw or form.tag in ("bytes", "file") else text


def _encode_json(value: Any) -> bytes:
    try:
        return msgspec.json.encode(value, enc_hook=_convert)
    except (OverflowError, UnicodeEncodeError):  # huge numbers, halves of surrogate pairs
        return json.dumps(msgspec.to_builtins(value, enc_hook=_convert)).encode()


def _decode_json(text: bytes) -> Any:
    try:
        return decode_json(text)
    except (msgspec.DecodeError, UnicodeError):
        return json.loads(text)


def _convert(value: object) -> object:
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, msgspec.Raw):
        return _decode_json(bytes(value))
    raise StateError(f"a value of the type {type(value).__name__} cannot be stored")


def decode(data: bytes, blobs: Blobs | None = None) -> Any:
    """Return the value that these bytes stand for.

    Args:
        data: what `encode` has returned.
        blobs: as for `encode`.

    Raises:
        StateError: the bytes are damaged, or were written by a newer version.
    """
    try:
        text, _, raw = data.partition(b"\0")
        tag, content = _decode_json(text)
        return _BY_TAG[tag].make(_Payload(content, raw), blobs or _NoBlobs())
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        problem = f"{type(error).__name__}: {error}"
        raise StateError(f"a stored value is damaged: {data[:60]!r} ({problem:.200})") from None
