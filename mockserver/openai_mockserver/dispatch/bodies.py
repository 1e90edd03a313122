"""Ready-made bodies that users pass as replies: chunks, bytes and files, as scripts.

Rules of this file: nothing is added or corrected that the user may have left out on purpose, apart
from the head and the ``[DONE]`` after chunks. A body that cannot be sent is refused here, when the
rule is created. If our reader can read a stream, its reply answers requests for no stream.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec.json

from openai_mockserver import api, sse
from openai_mockserver.api.decode import decode_events
from openai_mockserver.api.detection import RESPONSES, Look, find_look
from openai_mockserver.bounded_input import MOST_FILE, InputProblem
from openai_mockserver.exceptions import ReplyError, StreamFileError
from openai_mockserver.reply import Reply
from openai_mockserver.script import STREAM_HEAD, Event, Head, Raw, Script, Step
from openai_mockserver.stream_value import Stream

if TYPE_CHECKING:
    from openai_mockserver.cassettes.importers.file import RecordedFile
    from openai_mockserver.cassettes.importers.formats import Format

__all__ = ["chunks_to_stream", "encode_json", "bytes_to_script", "file_to_script"]


def chunks_to_stream(chunks: Sequence[object]) -> Script | Stream:
    """Return the event stream with these chunks.

    Events of the Responses API have the chunk's ``type`` as their name. ``[DONE]`` follows if the
    endpoint sends it, which is detected from the chunks; chat completions are the default.

    Args:
        chunks: the JSON objects of the events.

    Raises:
        ReplyError: there are none, or one of them is not a JSON object.
    """
    if not chunks:
        raise ReplyError("the list of chunks is empty; for an empty body, reply with Script()")
    payloads: list[dict[str, Any]] = []
    events: list[str] = []
    for index, chunk in enumerate(chunks):
        if not isinstance(chunk, Mapping):
            raise ReplyError(
                f"item {index} of the list is {chunk!r:.100}: in a list with a dict, every item "
                "must be a dict, which is the JSON of a chunk"
            )
        data = encode_json(chunk, f"item {index} of the list must be valid JSON")
        events.append(data.decode())
        payloads.append(msgspec.json.decode(data))
    look = find_look(("", payload) for payload in payloads)
    steps = [Event(d, _name_event(p, look)) for d, p in zip(events, payloads, strict=True)]
    return _as_stream(Script(STREAM_HEAD, _add_done(steps, look)))


def encode_json(value: Mapping[str, Any], problem: str) -> bytes:
    """Encode a mapping as JSON. Raises ReplyError with this problem if JSON cannot express it."""
    try:
        return msgspec.json.encode(dict(value))
    except (TypeError, ValueError, RecursionError) as error:
        raise ReplyError(f"{problem}: {error}") from None


def _name_event(payload: dict[str, Any], look: Look | None) -> str | None:
    """Return the name of the event with this payload; None if it has none."""
    from openai_mockserver.cassettes.importers.chunks import find_event_name  # rarely needed

    kind = payload.get("type")
    if look is not None and look.name == RESPONSES and isinstance(kind, str):
        return kind
    return find_event_name(payload)


def _add_done(steps: Sequence[Step], look: Look | None) -> Sequence[Step]:
    """Return the steps of a stream with ``[DONE]`` after them if the endpoint sends it."""
    is_named = any(isinstance(step, Event) and step.event is not None for step in steps)
    has_done = not is_named if look is None else look.path is not None and look.name != RESPONSES
    return (*steps, sse.DONE) if has_done else steps


def _as_stream(script: Script) -> Script | Stream:
    """Return a script with the reply that our reader reads from it, if it can."""
    try:
        reply = api.read(script)
    except ReplyError:
        return script
    return Stream(script, reply) if isinstance(reply, Reply) else script


def bytes_to_script(body: bytes, is_stream: bool | None = None) -> Script | Stream:
    """Return the response whose body consists of these bytes.

    Its head says what they look like: an event stream, JSON, HTML, other text, or none of these.

    Args:
        body: the bytes, sent as they are.
        is_stream: whether the body is an event stream; by default that is detected.

    Raises:
        ReplyError: there are no bytes.
    """
    from openai_mockserver.cassettes.importers.exchange import FIELD  # rarely needed

    if not body:
        raise ReplyError("there are no bytes in the body; for an empty one, reply with Script()")
    if is_stream is None:
        is_stream = bool(FIELD.match(body) and sse.decode(body))
    if is_stream:
        return _as_stream(Script(STREAM_HEAD, sse.parse(body)))
    headers = (("Content-Type", _find_type(body)), ("Content-Length", str(len(body))))
    return Script(Head(headers=headers), (Raw(body),))


def _find_type(body: bytes) -> str:
    """Return the content type of a body that is not an event stream."""
    if body.lstrip().startswith((b"{", b"[")):
        return "application/json"
    try:
        text = body.decode()
    except UnicodeDecodeError:
        return "application/octet-stream"
    kind = "html" if text.lstrip().startswith("<") else "plain"
    return f"text/{kind}; charset=utf-8"


def file_to_script(path: Path) -> Script | Stream:
    """Return the response in a file: a body, chunks, or a recording of one response.

    Args:
        path: a file with the bytes of an event stream, JSON or anything else; or in a format that
            ``openai-mockserver import`` reads, such as a stream file.

    Raises:
        ReplyError: it cannot be read, is empty or too large, or has several responses.
    """
    try:
        size = path.stat().st_size
    except (OSError, ValueError) as error:  # ValueError: a name with a NUL in it
        raise ReplyError(f"cannot read {path}: {getattr(error, 'strerror', error)}") from None
    try:
        if not path.is_file():
            raise InputProblem("it is not a file")
        if size > MOST_FILE:
            raise InputProblem(f"it is longer than {MOST_FILE // 2**20} MiB, which is the limit")
        return _read_file(path)
    except RecursionError:
        raise ReplyError(f"{path}: it is nested too deeply") from None
    except InputProblem as error:
        raise ReplyError(f"{path}: {error}") from None


def _read_file(path: Path) -> Script | Stream:
    from openai_mockserver.cassettes.importers.file import RecordedFile, read_content
    from openai_mockserver.cassettes.importers.formats import FORMATS, import_file
    from openai_mockserver.cassettes.stream_file import WITHHELD_BODY, explain_withheld

    file = RecordedFile(path, read_content(path))
    suffix = path.suffix.lower()
    form = next((form for form in FORMATS if _recognises(form, file)), None)
    is_body = (
        form is not None and form.note and suffix == ".json" and isinstance(file.document, dict)
    )
    if form is None or is_body:
        return bytes_to_script(file.content, suffix == ".sse" or None)
    try:
        exchanges = import_file(path)
    except StreamFileError as error:
        raise ReplyError(str(error)) from None
    if len(exchanges) != 1:
        raise InputProblem(
            f"it has {len(exchanges)} responses, and a reply is one; `openai-mockserver serve` and "
            "the fixture openai_cassette play all of them"
        )
    sentences = zip(exchanges[0].withheld, explain_withheld(exchanges[0]), strict=True)
    for entry, sentence in sentences:
        if entry.startswith(WITHHELD_BODY):
            raise InputProblem(sentence)
    script = exchanges[0].script
    if not script.is_stream:
        return script
    if form.note:  # its payloads only
        look = find_look((one.event.event or "", one.value) for one in decode_events(script))
        script = script.with_steps(_add_done(script.steps, look))
    return _as_stream(script)


def _recognises(form: Format, file: RecordedFile) -> bool:
    """Whether a file has this format; JSON that is cut off has none."""
    try:
        return form.recognises(file)
    except InputProblem:
        return False
