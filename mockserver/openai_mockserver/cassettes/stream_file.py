"""The stream file (``.jsonl``): exchanges as lines that a person can read, edit and compare.

An exchange is a head line, a line a step, and a last line that says how it ended::

    {"mockserver": 1, "name": "hello", "response": {"status": 200, "headers": [["Date", "…"]]}}
    {"json": {"choices": [...]}}        an event whose data is the compact JSON of this value
    {"data": "[DONE]"}                  an event with this data; beside it "event", "id", "retry"
    {"comment": "keep-alive"}
    {"pause": 0.5}                      seconds
    {"text": "data: x\\r\\n\\r\\n"}         bytes that are UTF-8 text, as they are
    {"base64": "//4="}                  bytes that are not
    {"boundary": true}                  the client has read what came before
    {"end": "finish"}                   or close, truncate, reset, half_close, hold

Beside ``text`` and ``base64``, ``"events"`` may say how many events the bytes complete; in the head
``"raw": true`` says that the steps hold HTTP's own bytes too.

A line may begin with ``"t"``, its time in seconds since the request: recordings have it with each
network read, and with the end; the head's is ``response.delay``. The end of a recording may be
``client left``, which is played as ``truncate``. ``{"held": 12}`` says that 12 bytes more had come
then, which are in the next line: where that is missing, so are they.

Rules of this file: what is written is read back equal; a misspelt key is an error that names the
file, the line and the key. A file without its last line holds what was received so far.
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
    "explain_withheld",
    "is_json",
    "load",
    "loads",
    "step_line",
]

VERSION = 1

PART = ".part"
"""What the name of a recording ends in while it is going on, and after a crash."""


@dataclass(frozen=True)
class Exchange:
    """A response and what is known of it.

    Args:
        script: the response.
        about: the other members of the head line: name, description, request, citations…
        complete: whether the last line was there.
        client_left: whether the recording ends because the client left.
        missing: bytes that had come when an incomplete recording broke off, or that were withheld
            from one, and are not in it.
    """

    script: Script
    about: dict[str, Any]
    complete: bool = True
    client_left: bool = False
    missing: int = 0

    @property
    def withheld(self) -> list[str]:
        """What of it was not recorded as it could not be searched for secrets, and why.

        The body of the response or of the request, as in ``the body: it is in compress, which
        cannot be looked into``; mostly nothing.
        """
        found = self.about.get("redacted")
        listed = found if isinstance(found, list) else []
        return [one for one in listed if isinstance(one, str) and one.startswith(_WITHHELD)]

    def as_reply(self) -> Reply | ApiError:
        """What was said, to be served through another endpoint or with faults.

        Raises ReplyError where no model speaks.
        """
        return api.read(self.script)


WITHHELD_BODY = "the body: "
"""What the name of a response's body begins with among what was taken out; a reason follows."""

WITHHELD_REQUEST = "the request's body: "
"""The same of a request's body."""

_WITHHELD = (WITHHELD_BODY, WITHHELD_REQUEST)


def explain_withheld(exchange: Exchange) -> list[str]:
    """Sentences that say what of an exchange was withheld when it was recorded.

    Args:
        exchange: the exchange.
    """
    request = exchange.about.get("request")
    members = request if isinstance(request, dict) else {}
    asked = f"{members.get('method', 'POST')} {members.get('url', '')}".strip()
    where, told = spell_controls(asked), []
    for one in exchange.withheld:
        of_request = one.startswith(WITHHELD_REQUEST)
        subject = "the request" if of_request else "the response to"
        lacks = exchange.missing and not of_request
        told.append(
            f"the body of {subject} {where} was withheld when it was recorded: "
            f"{one.partition(': ')[2]}{f'; it lacks {exchange.missing} bytes' if lacks else ''}"
        )
    return told


class _Response(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    status: int = 200
    headers: list[tuple[str, str]] = []
    delay: float = 0.0
    raw: bool = False


class _HeadLine(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    mockserver: int
    name: str | None = None
    family: str | None = None
    description: str | None = None
    citations: list[str] = []
    request: dict[str, Any] | None = None
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


def schema() -> dict[str, Any]:
    """The JSON Schema of a line; `stream_file.schema.json` beside this file has it."""
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
    """The exchanges of a stream file's content.

    Raises StreamFileError that names ``source``, the line and what is wrong with it.
    """
    return list(_exchanges(text, source))


def load(path: Path | str) -> list[Exchange]:
    """The exchanges of a stream file.

    Raises StreamFileError where it cannot be read.
    """
    try:
        content = read_file(Path(path))
    except OSError as error:
        raise StreamFileError(f"cannot read {path}: {error.strerror or error}") from None
    except InputProblem as error:
        raise StreamFileError(f"{path}: {error}") from None
    return loads(content, str(path))


def _exchanges(text: bytes, source: str) -> Iterator[Exchange]:
    head: _HeadLine | None = None
    steps: list[Step] = []
    clock, missing = 0.0, 0
    *lines, cut_off = text.split(b"\n")
    if cut_off and is_json(cut_off):
        lines.append(cut_off)
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        where = f"{source}:{number}"
        if head is None or _HEAD.match(line):
            if head is not None:
                yield _exchange(head, steps, "truncate", False, missing)
            head, steps, missing = _read_head(line, where), [], 0
            clock = head.response.delay
            continue
        read = _decode(_step_decoder, line, where)
        kind, value = _read_step(read, where)
        if kind == "held":
            missing = value
            continue
        missing = missing if kind == "end" else 0
        if read.t is not None:
            if read.t > clock:
                steps.append(Pause(read.t - clock))
            clock = max(clock, read.t)
        if kind == "end":
            yield _exchange(head, steps, value, True, missing)
            head = None
        else:
            steps.append(value)
    if head is not None:
        yield _exchange(head, steps, "truncate", False, missing)


_HEAD = re.compile(rb'\s*\{\s*"mockserver"')


def is_json(line: bytes) -> bool:
    """Whether a line is JSON: a last one without its line end may have been cut off by a crash."""
    try:
        msgspec.json.decode(line)
    except (msgspec.DecodeError, UnicodeError):
        return False
    except RecursionError:
        return True  # what is wrong with it is told where it is read
    return True


def _decode(decoder: Any, line: bytes, where: str) -> Any:
    try:
        return decoder.decode(line)
    except (msgspec.DecodeError, UnicodeError) as error:
        raise StreamFileError(f"{where}: {error}") from None
    except RecursionError:
        raise StreamFileError(f"{where}: it is nested too deeply") from None


def _read_head(line: bytes, where: str) -> _HeadLine:
    head: _HeadLine = _decode(_head_decoder, line, where)
    if head.mockserver != VERSION:
        raise StreamFileError(
            f"{where}: this is version {head.mockserver} of the format; version {VERSION} is known"
        )
    try:
        msgspec.convert((head.request or {}).get("headers"), list[tuple[str, str]] | None)
    except msgspec.ValidationError:
        raise StreamFileError(
            f"{where}: request.headers: a list of names and values is expected"
        ) from None
    try:
        base64.b64decode(str((head.request or {}).get("base64", "")), validate=True)
    except ValueError as error:
        raise StreamFileError(f"{where}: request.base64: {error}") from None
    return head


def _exchange(
    head: _HeadLine, steps: list[Step], end: Any, complete: bool, missing: int = 0
) -> Exchange:
    response = head.response
    left = end == CLIENT_LEFT
    end = "truncate" if left else end
    headers = tuple((name, value) for name, value in response.headers)
    about = msgspec.to_builtins(head)
    about.pop("response", None)
    about.pop("mockserver")
    head_sent = Head(response.status, headers, response.delay)
    script = Script(head_sent, tuple(steps), end, response.raw)
    return Exchange(script, about, complete, left, missing)


def _read_step(line: _StepLine, where: str) -> tuple[str, Any]:
    """A line's kind, and the step or end that it is."""
    given = [kind for kind in _KINDS if getattr(line, kind) is not msgspec.UNSET]
    if len(given) != 1:
        found = " and ".join(given) or "none"
        raise StreamFileError(f"{where}: a step has one of {', '.join(_KINDS)}; here is {found}")
    (kind,) = given
    value = getattr(line, kind)
    try:
        if kind in ("json", "data"):
            data = value if kind == "data" else msgspec.json.encode(value).decode()
            return kind, Event(data, line.event, line.id, line.retry)
        if fields := [f for f in ("event", "id", "retry") if getattr(line, f) is not None]:
            raise ValueError(f"{fields[0]} goes with json or data only")
        if kind in ("text", "base64"):
            octets = value.encode() if kind == "text" else base64.b64decode(value, validate=True)
            return kind, Raw(octets, line.events)
        if line.events is not None:
            raise ValueError("events goes with text or base64 only")
        return kind, _READERS[kind](value)
    except (ValueError, binascii.Error) as error:
        raise StreamFileError(f"{where}: {kind}: {error}") from None


CLIENT_LEFT = "client left"


def _held(value: int) -> int:
    if value < 1:
        raise ValueError(f"{value} is no number of bytes that are held back")
    return value


def _end(value: str) -> str:
    if value not in (*ENDS, CLIENT_LEFT):
        raise ValueError(f"{value!r} is not one of {', '.join(sorted(ENDS))}")
    return value


_READERS: dict[str, Callable[[Any], Any]] = {
    "end": _end,
    "comment": Comment,
    "pause": Pause,
    "boundary": lambda _: Boundary(),
    "held": _held,
}


def dumps(script: Script, about: dict[str, Any] | None = None, client_left: bool = False) -> bytes:
    """The lines of one exchange.

    Args:
        script: the response.
        about: more members of the head line, as in `Exchange`.
        client_left: say so in the last line.
    """
    head = script.head
    response: dict[str, Any] = {"status": head.status, "headers": head.headers}
    if head.delay:
        response["delay"] = head.delay
    if script.raw:
        response["raw"] = True
    lines: list[Any] = [{"mockserver": VERSION, **(about or {}), "response": response}]
    lines += map(step_line, script.steps)
    lines.append({"end": CLIENT_LEFT if client_left else script.end})
    _decode(_head_decoder, msgspec.json.encode(lines[0]), "the head line")
    return b"".join(msgspec.json.encode(line) + b"\n" for line in lines)


def dump(path: Path | str, exchanges: Iterable[Exchange]) -> None:
    """Write exchanges to a file."""
    Path(path).write_bytes(b"".join(dumps(e.script, e.about, e.client_left) for e in exchanges))


def step_line(step: Step) -> dict[str, Any]:
    if isinstance(step, Event):
        fields = {"event": step.event, "id": step.id, "retry": step.retry}
        return _data(step.data) | {k: v for k, v in fields.items() if v is not None}
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


def _data(data: str) -> dict[str, Any]:
    try:
        value = msgspec.json.decode(data)
        if isinstance(value, dict | list) and msgspec.json.encode(value).decode() == data:
            return {"json": value}
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        pass  # not JSON, or not as we would write it: kept as text
    return {"data": data}
