"""The stream file (``.jsonl``): exchanges as lines that a person can read, edit and compare.

An exchange is a head line, a line for each step, and a last line that says how it ended::

    {"mockserver": 1, "name": "hello", "response": {"status": 200, "headers": [["Date", "…"]]}}
    {"json": {"choices": [...]}}        an event whose data is the compact JSON of this value
    {"data": "[DONE]"}                  an event with this data; beside it "event", "id", "retry"
    {"comment": "keep-alive"}
    {"pause": 0.5}                      seconds
    {"text": "data: x\\r\\n\\r\\n"}         bytes that are UTF-8 text, as they are
    {"base64": "//4="}                  any other bytes
    {"boundary": true}                  wait until the client has read what came before
    {"end": "finish"}                   or close, truncate, reset, half_close, hold

Beside ``text`` and ``base64``, ``"events"`` may say how many events the bytes complete. In the
head, ``"raw": true`` says that the steps contain HTTP's own bytes too.

A line may begin with ``"t"``, its time in seconds since the request: recordings have it with each
network read and with the end; for the head it is ``response.delay``. The end of a recording may be
``client left``, which is played as ``truncate``. ``{"held": 12}`` says that 12 more bytes had
arrived by then; the next line contains them, and if there is none, they are missing.

Rules of this file: an exchange that is written and read again is equal; a misspelled key is an
error that names the file, the line and the key. A file without its last line contains what was
received so far.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import msgspec
import msgspec.json

from openai_mockserver import api
from openai_mockserver.bounded_input import InputProblem, read_file
from openai_mockserver.exceptions import StreamFileError
from openai_mockserver.reply import ApiError, Reply
from openai_mockserver.script import ENDS, Boundary, Comment, Event, Head, Pause, Raw, Script, Step
from openai_mockserver.sensitive import spell_controls

__all__ = [
    "CLIENT_LEFT",
    "PART",
    "WITHHELD_BODY",
    "WITHHELD_REQUEST",
    "Exchange",
    "dump",
    "dumps",
    "encode_step",
    "explain_withheld",
    "is_head",
    "is_json",
    "load",
    "loads",
]

VERSION = 1

PART = ".part"
"""The suffix of a recording that is in progress, or that a crash has cut off."""


@dataclass(frozen=True)
class Exchange:
    """A response and its metadata.

    Args:
        script: the response.
        about: the other members of the head line: name, description, request, citations…
        complete: whether the file has the exchange's last line.
        client_left: whether the recording ends because the client left.
        missing: bytes that the recording lacks, because it broke off or withheld them.
    """

    script: Script
    about: dict[str, Any]
    complete: bool = True
    client_left: bool = False
    missing: int = 0

    @property
    def withheld(self) -> list[str]:
        """The bodies that were not recorded because they could not be searched for secrets.

        Each entry names the body and the reason, as in ``the body: it is in compress, which cannot
        be decoded``; usually there is none.
        """
        entries = self.about.get("redacted")
        strings = entries if isinstance(entries, list) else []
        return [one for one in strings if isinstance(one, str) and one.startswith(_WITHHELD)]

    def as_reply(self) -> Reply | ApiError:
        """Return what the model says, to serve it through another endpoint or with faults.

        Raises:
            ReplyError: if the response is not a model's answer.
        """
        return api.read(self.script)


WITHHELD_BODY = "the body: "
"""The start of an entry in ``redacted`` for a withheld response body; the reason follows."""

WITHHELD_REQUEST = "the request's body: "
"""The start of an entry in ``redacted`` for a withheld request body; the reason follows."""

_WITHHELD = (WITHHELD_BODY, WITHHELD_REQUEST)


def explain_withheld(exchange: Exchange) -> list[str]:
    """Return a sentence for each body of an exchange that its recording withheld.

    Args:
        exchange: the exchange.
    """
    request = exchange.about.get("request")
    members = request if isinstance(request, dict) else {}
    request_line = f"{members.get('method', 'POST')} {members.get('url', '')}".strip()
    where, sentences = spell_controls(request_line), []
    for one in exchange.withheld:
        of_request = one.startswith(WITHHELD_REQUEST)
        subject = "the request" if of_request else "the response to"
        lacks = exchange.missing and not of_request
        sentences.append(
            f"the body of {subject} {where} was not recorded: "
            f"{one.partition(': ')[2]}{f'; {exchange.missing} bytes are missing' if lacks else ''}"
        )
    return sentences


class _Response(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    status: int = 200
    headers: list[tuple[str, str]] = []
    delay: float = 0.0
    raw: bool = False


class _Requirement(msgspec.Struct, forbid_unknown_fields=True):
    level: Literal["MUST", "SHOULD", "MAY"]
    text: str
    source: str


class _HeadLine(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    mockserver: int
    name: str | None = None
    family: str | None = None
    description: str | None = None
    citations: list[str] = []
    request: dict[str, Any] | None = None
    requirement: _Requirement | None = None
    expect: dict[str, Any] | None = None
    recorded: dict[str, Any] | None = None
    redacted: list[str] = []
    response: _Response = msgspec.field(default_factory=_Response)


class _StepLine(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    t: float | None = None
    json: Any = msgspec.UNSET
    data: str | msgspec.UnsetType = msgspec.UNSET
    event: str | None = None
    id: str | None = None
    retry: int | None = None
    comment: str | msgspec.UnsetType = msgspec.UNSET
    pause: float | msgspec.UnsetType = msgspec.UNSET
    text: str | msgspec.UnsetType = msgspec.UNSET
    base64: str | msgspec.UnsetType = msgspec.UNSET
    events: int | None = None
    boundary: Literal[True] | msgspec.UnsetType = msgspec.UNSET
    held: int | msgspec.UnsetType = msgspec.UNSET
    end: str | msgspec.UnsetType = msgspec.UNSET


def build_schema() -> dict[str, Any]:
    """Build the JSON Schema of a line, which is also in `stream_file.schema.json`."""
    (head, line), definitions = msgspec.json.schema_components(
        (_HeadLine, _StepLine), ref_template="#/$defs/{name}"
    )
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A line of an openai-mockserver stream file",
        "anyOf": [head, line],
        "$defs": definitions,
    }


_KINDS = ("json", "data", "comment", "pause", "text", "base64", "boundary", "held", "end")
_head_decoder = msgspec.json.Decoder(_HeadLine)
_step_decoder = msgspec.json.Decoder(_StepLine)


def loads(text: bytes, source: str = "<bytes>") -> list[Exchange]:
    """Parse the content of a stream file.

    Args:
        text: the content.
        source: the name of the file, for errors.

    Raises:
        StreamFileError: if a line is invalid; names ``source``, the line and the problem.
    """
    return list(_parse_exchanges(text, source))


def load(path: Path | str) -> list[Exchange]:
    """Read the exchanges of a stream file.

    Raises:
        StreamFileError: if the file cannot be read or a line is invalid.
    """
    try:
        content = read_file(Path(path))
    except OSError as error:
        raise StreamFileError(f"cannot read {path}: {error.strerror or error}") from None
    except InputProblem as error:
        raise StreamFileError(f"{path}: {error}") from None
    return loads(content, str(path))


def _parse_exchanges(text: bytes, source: str) -> Iterator[Exchange]:
    head: _HeadLine | None = None
    steps: list[Step] = []
    clock, missing = 0.0, 0
    *lines, last_line = text.split(b"\n")
    if last_line and is_json(last_line):
        lines.append(last_line)
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        where = f"{source}:{number}"
        if head is None or is_head(line):
            if head is not None:
                yield _build_exchange(head, steps, "truncate", False, missing)
            head, steps, missing = _read_head(line, where), [], 0
            clock = head.response.delay
            continue
        step_line = _decode_line(_step_decoder, line, where)
        kind, value = _read_step(step_line, where)
        if kind == "held":
            missing = value
            continue
        missing = missing if kind == "end" else 0
        if step_line.t is not None:
            if step_line.t > clock:
                steps.append(Pause(step_line.t - clock))
            clock = max(clock, step_line.t)
        if kind == "end":
            yield _build_exchange(head, steps, value, True, missing)
            head = None
        else:
            steps.append(value)
    if head is not None:
        yield _build_exchange(head, steps, "truncate", False, missing)


_HEAD = re.compile(rb'\s*\{\s*"mockserver"')


def is_head(line: bytes) -> bool:
    """Return whether a line is the head of an exchange."""
    return _HEAD.match(line) is not None


def is_json(line: bytes) -> bool:
    """Return whether a line is JSON; a crash may have cut off a last line without line end."""
    try:
        msgspec.json.decode(line)
    except (msgspec.DecodeError, UnicodeError):
        return False
    except RecursionError:
        return True  # reading the line reports the error
    return True


def _decode_line(decoder: Any, line: bytes, where: str) -> Any:
    try:
        return decoder.decode(line)
    except (msgspec.DecodeError, UnicodeError) as error:
        raise StreamFileError(f"{where}: {error}") from None
    except RecursionError:
        raise StreamFileError(f"{where}: it is nested too deeply") from None


_SESSION_HEAD = re.compile(rb'\s*\{\s*"mockserver"\s*:\s*\d+\s*,\s*"session"')


def _read_head(line: bytes, where: str) -> _HeadLine:
    if _SESSION_HEAD.match(line):
        raise StreamFileError(
            f"{where}: it begins a WebSocket session, which `serve` and replay_sessions() replay"
        )
    head: _HeadLine = _decode_line(_head_decoder, line, where)
    if head.mockserver != VERSION:
        raise StreamFileError(
            f"{where}: the format is version {head.mockserver}; only version {VERSION} is supported"
        )
    try:
        msgspec.convert((head.request or {}).get("headers"), list[tuple[str, str]] | None)
    except msgspec.ValidationError:
        raise StreamFileError(
            f"{where}: request.headers must be a list of pairs of name and value"
        ) from None
    try:
        base64.b64decode(str((head.request or {}).get("base64", "")), validate=True)
    except ValueError as error:
        raise StreamFileError(f"{where}: request.base64: {error}") from None
    return head


def _build_exchange(
    head: _HeadLine, steps: list[Step], end: Any, complete: bool, missing: int = 0
) -> Exchange:
    response = head.response
    client_left = end == CLIENT_LEFT
    end = "truncate" if client_left else end
    headers = tuple((name, value) for name, value in response.headers)
    about = msgspec.to_builtins(head)
    about.pop("response", None)
    about.pop("mockserver")
    response_head = Head(response.status, headers, response.delay)
    script = Script(response_head, tuple(steps), end, response.raw)
    return Exchange(script, about, complete, client_left, missing)


def _read_step(line: _StepLine, where: str) -> tuple[str, Any]:
    """Return the kind of a line and its value: a step, an end or a count of bytes."""
    kinds = [kind for kind in _KINDS if getattr(line, kind) is not msgspec.UNSET]
    if len(kinds) != 1:
        line_kinds = " and ".join(kinds) or "none"
        raise StreamFileError(
            f"{where}: a step must have one of {', '.join(_KINDS)}; this one has {line_kinds}"
        )
    (kind,) = kinds
    value = getattr(line, kind)
    try:
        if kind in ("json", "data"):
            data = value if kind == "data" else msgspec.json.encode(value).decode()
            return kind, Event(data, line.event, line.id, line.retry)
        if fields := [f for f in ("event", "id", "retry") if getattr(line, f) is not None]:
            raise ValueError(f"{fields[0]} is allowed with json or data only")
        if kind in ("text", "base64"):
            octets = value.encode() if kind == "text" else base64.b64decode(value, validate=True)
            return kind, Raw(octets, line.events)
        if line.events is not None:
            raise ValueError("events is allowed with text or base64 only")
        return kind, _READERS[kind](value)
    except (ValueError, binascii.Error) as error:
        raise StreamFileError(f"{where}: {kind}: {error}") from None


CLIENT_LEFT = "client left"


def _read_held(value: int) -> int:
    if value < 1:
        raise ValueError(f"{value} must be a number of bytes, 1 or more")
    return value


def _read_end(value: str) -> str:
    if value not in (*ENDS, CLIENT_LEFT):
        raise ValueError(f"{value!r} must be one of {', '.join(sorted(ENDS))}")
    return value


_READERS: dict[str, Callable[[Any], Any]] = {
    "end": _read_end,
    "comment": Comment,
    "pause": Pause,
    "boundary": lambda _: Boundary(),
    "held": _read_held,
}


def dumps(script: Script, about: dict[str, Any] | None = None, client_left: bool = False) -> bytes:
    """Return the lines of one exchange.

    Args:
        script: the response.
        about: more members of the head line, as in `Exchange`.
        client_left: whether the last line says that the client left.
    """
    head = script.head
    response: dict[str, Any] = {"status": head.status, "headers": head.headers}
    if head.delay:
        response["delay"] = head.delay
    if script.raw:
        response["raw"] = True
    lines: list[Any] = [{"mockserver": VERSION, **(about or {}), "response": response}]
    lines += map(encode_step, script.steps)
    lines.append({"end": CLIENT_LEFT if client_left else script.end})
    _decode_line(_head_decoder, msgspec.json.encode(lines[0]), "the head line")
    return b"".join(msgspec.json.encode(line) + b"\n" for line in lines)


def dump(path: Path | str, exchanges: Iterable[Exchange]) -> None:
    """Write exchanges to a file."""
    Path(path).write_bytes(b"".join(dumps(e.script, e.about, e.client_left) for e in exchanges))


def encode_step(step: Step) -> dict[str, Any]:
    """Return the line of a step."""
    if isinstance(step, Event):
        fields = {"event": step.event, "id": step.id, "retry": step.retry}
        return _encode_data(step.data) | {k: v for k, v in fields.items() if v is not None}
    if isinstance(step, Comment):
        return {"comment": step.text}
    if isinstance(step, Pause):
        return {"pause": step.seconds}
    if isinstance(step, Boundary):
        return {"boundary": True}
    events = {} if step.events is None else {"events": step.events}
    try:
        return {"text": step.data.decode(), **events}
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(step.data).decode(), **events}


def _encode_data(data: str) -> dict[str, Any]:
    try:
        value = msgspec.json.decode(data)
        if isinstance(value, dict | list) and msgspec.json.encode(value).decode() == data:
            return {"json": value}
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        pass  # not JSON, or spelled differently: stays text
    return {"data": data}
