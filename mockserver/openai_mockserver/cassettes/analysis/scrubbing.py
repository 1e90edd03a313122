"""Secrets in recordings: where they are, and the recordings without them.

Rules of this file: the rules for what is secret are those of `redact`, today's. Nothing here names
a secret, only its line and its kind. Of a stream file only the lines with a secret change, and the
head of their exchange, which says what was redacted; every other line keeps its bytes.

A stream file is read twice: without the times of its lines, so that each line is one step, which
can then be compared with the redacted one. A compressed body may be divided differently once it
is redacted; its exchange is then written anew, with its times as pauses.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import msgspec
import msgspec.json

from openai_mockserver import sse
from openai_mockserver.cassettes.redact import Redaction, Redactor, redact_exchange
from openai_mockserver.cassettes.stream_file import (
    WITHHELD_BODY,
    WITHHELD_REQUEST,
    Exchange,
    dumps,
    encode_step,
    is_head,
    is_json,
    loads,
)
from openai_mockserver.exceptions import StreamFileError
from openai_mockserver.script import Comment, Event, Raw, Script, Step
from openai_mockserver.sensitive import is_secret_header, is_secret_member

__all__ = ["Finding", "Scrubbed", "find_secrets", "scrub_stream_file", "scrub_text"]


class Finding(NamedTuple):
    """A secret: the number of its line, and what kind of secret it is."""

    line: int
    kind: str


@dataclass(frozen=True)
class Scrubbed:
    """A file without its secrets.

    Args:
        content: the new content; the old one if there was no secret.
        findings: the secrets that were there.
        notes: what could not be searched.
    """

    content: bytes
    findings: tuple[Finding, ...] = ()
    notes: tuple[str, ...] = ()


# Stream files


class _Lines(NamedTuple):
    """The lines of an exchange: where its head is, and where its steps are."""

    head: int
    steps: list[int]
    last: int


_members = msgspec.json.Decoder(dict[str, msgspec.Raw])


def scrub_stream_file(content: bytes, source: str, redactor: Redactor) -> Scrubbed:
    """Remove the secrets of a stream file.

    Args:
        content: the content of the file.
        source: its name, for errors.
        redactor: says what is secret.

    Raises:
        StreamFileError: if a line is invalid.
    """
    recorded = loads(content, source)  # reports the line that is wrong
    lines = content.split(b"\n")
    findings: list[Finding] = []
    notes: list[str] = []
    new_lines: dict[int, list[bytes]] = {}
    try:
        for exchange, place in zip(recorded, _find_exchanges(lines), strict=True):
            scrub = _ExchangeScrub(lines, place, redactor)
            notes += scrub.notes
            findings += scrub.findings
            new_lines |= scrub.write(exchange)
    except RecursionError:
        raise StreamFileError(f"{source}: a request in it is nested too deeply") from None
    if lines[-1] and not is_json(lines[-1]):  # a crash has cut it off
        rest = scrub_text(lines[-1], redactor)
        findings += (Finding(len(lines), one.kind) for one in rest.findings)
        new_lines[len(lines) - 1] = [rest.content]
    if not findings:
        return Scrubbed(content, (), tuple(notes))
    parts = (new_lines.get(number, [line]) for number, line in enumerate(lines))
    scrubbed = b"\n".join(line for part in parts for line in part)
    return Scrubbed(scrubbed, tuple(sorted(set(findings))), tuple(notes))


def _find_exchanges(lines: list[bytes]) -> Iterator[_Lines]:
    """Yield the lines of each exchange, as `loads` divides a file."""
    head, steps, last = -1, list[int](), -1
    for number, line in enumerate(lines):
        if not line.strip() or (number == len(lines) - 1 and not is_json(line)):
            continue
        if head < 0 or is_head(line):
            if head >= 0:
                yield _Lines(head, steps, last)
            head, steps, last = number, [], number
            continue
        members = _members.decode(line)
        last = number
        if "end" in members:
            yield _Lines(head, steps, last)
            head = -1
        elif "held" not in members:
            steps.append(number)
    if head >= 0:
        yield _Lines(head, steps, last)


class _ExchangeScrub:
    """The search for secrets in the lines of one exchange."""

    def __init__(self, lines: list[bytes], place: _Lines, redactor: Redactor) -> None:
        self._lines, self._place, self._redactor = lines, place, redactor
        parts = [lines[place.head], *(_remove_time(lines[number]) for number in place.steps)]
        (self._exchange,) = loads(b"\n".join(parts) + b"\n")
        self._redacted = redact_exchange(self._exchange, redactor)
        request = self._exchange.about.get("request")
        if request and "url" not in request:
            del self._redacted.about["request"]["url"]  # redaction has added an empty one
        self._kinds = _Kinds(self._exchange, redactor)
        self.notes = [one for one in self._redacted.withheld if one not in self._exchange.withheld]
        if any(one.startswith(WITHHELD_BODY) for one in self.notes):
            self._redacted = _keep_body(self._redacted, self._exchange)
        if any(one.startswith(WITHHELD_REQUEST) for one in self.notes):
            self._redacted.about["request"] = self._exchange.about["request"]
        old, new = self._exchange.script.steps, self._redacted.script.steps
        self._is_divided_anew = len(old) != len(new) and sse.body(old) != sse.body(new)
        self._changed = (
            [n for n, (a, b) in enumerate(zip(old, new, strict=True)) if a != b]
            if len(old) == len(new)
            else []
        )
        self.findings = list(self._list_findings())

    def _list_findings(self) -> Iterator[Finding]:
        head = self._place.head + 1
        for kind in _list_head_kinds(self._exchange, self._redacted, self._kinds):
            yield Finding(head, kind)
        for at in self._changed:
            for kind in self._kinds.name_step(self._exchange.script.steps[at]):
                yield Finding(self._place.steps[at] + 1, kind)
        if self._is_divided_anew:
            yield Finding(self._place.steps[0] + 1, "a secret in the compressed body")

    def write(self, recorded: Exchange) -> dict[int, list[bytes]]:
        """Return the new content of each line that changes.

        Args:
            recorded: the exchange with its times.
        """
        if not self.findings:
            return {}
        about = dict(self._redacted.about)
        about["redacted"] = sorted(
            {
                *(self._exchange.about.get("redacted") or ()),
                *(one for one in about["redacted"] if one not in self.notes),
            }
        )
        if self._is_divided_anew:
            return self._write_anew(recorded, about)
        new_lines = {self._place.head: [self._write_head(about)]}
        for at in self._changed:
            number = self._place.steps[at]
            step = encode_step(self._redacted.script.steps[at])
            new_lines[number] = [_replace_step(self._lines[number], step)]
        return new_lines

    def _write_head(self, about: dict[str, Any]) -> bytes:
        """Return the head line with the same members in the same order."""
        members = _members.decode(self._lines[self._place.head])
        for name, value in about.items():
            if name == "redacted" or value != self._exchange.about.get(name):
                members[name] = msgspec.Raw(msgspec.json.encode(value))
        headers = self._redacted.script.head.headers
        if headers != self._exchange.script.head.headers:
            response = _members.decode(members["response"])
            response["headers"] = msgspec.Raw(msgspec.json.encode(headers))
            members["response"] = msgspec.Raw(msgspec.json.encode(response))
        response_raw = members.pop("response", None)
        if response_raw is not None:  # stays the last one, behind a new `redacted`
            members["response"] = response_raw
        return msgspec.json.encode(members)

    def _write_anew(self, recorded: Exchange, about: dict[str, Any]) -> dict[int, list[bytes]]:
        redacted = redact_exchange(recorded, self._redactor)
        text = dumps(redacted.script, about, recorded.client_left).rstrip(b"\n")
        if not recorded.complete:
            text = text.rpartition(b"\n")[0]
        first, last = self._place.head, self._place.last
        return {first: [text], **{number: [] for number in range(first + 1, last + 1)}}


def _keep_body(redacted: Exchange, exchange: Exchange) -> Exchange:
    """Return a redacted exchange with its old body, which cannot be searched."""
    head = redacted.script.head
    headers = [
        (name, old if name.lower() == "content-length" else new)
        for (name, old), (_, new) in zip(exchange.script.head.headers, head.headers, strict=True)
    ]
    new_head = type(head)(head.status, tuple(headers), head.delay)
    script = exchange.script
    return Exchange(Script(new_head, script.steps, script.end, script.raw), redacted.about)


def _remove_time(line: bytes) -> bytes:
    members = _members.decode(line)
    return msgspec.json.encode({name: raw for name, raw in members.items() if name != "t"})


_STEP_MEMBERS = ("json", "data", "event", "id", "retry", "comment", "text", "base64", "events")


def _replace_step(line: bytes, step: Mapping[str, Any]) -> bytes:
    """Return a line with another step, and with its time."""
    members = _members.decode(line)
    rest: dict[str, Any] = {k: v for k, v in members.items() if k not in _STEP_MEMBERS}
    return msgspec.json.encode({**rest, **step})


# Kinds


class _Kinds:
    """The names of the kinds of secrets in the texts of one exchange."""

    def __init__(self, exchange: Exchange, redactor: Redactor) -> None:
        request = exchange.about.get("request") or {}
        headers = [(str(name), str(value)) for name, value in request.get("headers") or ()]
        query = str(request.get("url", "")).partition("?")[2]
        self._redaction: Redaction = redactor.begin(headers, query)
        for value in exchange.about.values():
            self._redaction.redact_json(value)  # learns the secrets of its members

    def name_text(self, text: str, name: str = "") -> set[str]:
        """Return the kinds of secrets in a text, which is the value of a member."""
        if is_secret_member(name) or is_secret_header(name):
            return {name.lower()}
        self._redaction.redacted_kinds.clear()
        self._redaction.redact_text(text)
        kinds = set(self._redaction.redacted_kinds)
        if not kinds and name == "url":
            self._redaction.redact_url(text)
            kinds = set(self._redaction.redacted_kinds)
        return kinds or {name.lower() or "a secret"}

    def name_step(self, step: Step) -> set[str]:
        """Return the kinds of secrets in a step."""
        return self.name_text(_get_text(step))


def _get_text(step: Step) -> str:
    if isinstance(step, Raw):
        return step.data.decode("latin-1")
    if isinstance(step, Event):
        return "\n".join(filter(None, (step.data, step.event, step.id)))
    return step.text if isinstance(step, Comment) else ""


def _list_head_kinds(old: Exchange, new: Exchange, kinds: _Kinds) -> Iterator[str]:
    return (kind for kind, _ in _compare_heads(old, new, kinds))


def _compare_heads(old: Exchange, new: Exchange, kinds: _Kinds) -> Iterator[tuple[str, str]]:
    """Yield the kind of each secret in a head line, and the secret."""
    pairs = zip(old.script.head.headers, new.script.head.headers, strict=True)
    yield from _compare_headers(pairs, kinds)
    for member, value in old.about.items():
        if member == "redacted" or value == new.about.get(member):
            continue
        if member != "request":
            yield from _compare_values(member, value, new.about[member], kinds)
            continue
        request = new.about[member]
        for name, part in value.items():
            if name == "headers":
                yield from _compare_headers(zip(part, request[name], strict=True), kinds)
            elif part != request.get(name):
                yield from _compare_values(name, part, request.get(name), kinds)


def _compare_headers(pairs: Any, kinds: _Kinds) -> Iterator[tuple[str, str]]:
    for (name, old), (_, new) in pairs:
        if old != new and name.lower() != "content-length":
            yield from ((kind, old) for kind in kinds.name_text(old, name))


def _compare_values(name: str, old: Any, new: Any, kinds: _Kinds) -> Iterator[tuple[str, str]]:
    """Yield the kind of each text that differs within a value, and what was masked of it."""
    if isinstance(old, str):
        for secret in _list_masked(old, new if isinstance(new, str) else ""):
            yield from ((kind, secret) for kind in kinds.name_text(old, name))
    elif isinstance(old, list) and isinstance(new, list):
        for before, after in zip(old, new, strict=True):
            if before != after:
                yield from _compare_values(name, before, after, kinds)
    elif isinstance(old, Mapping) and isinstance(new, Mapping):
        for (key, before), (new_key, after) in zip(old.items(), new.items(), strict=True):
            if key != new_key:
                yield from ((kind, key) for kind in kinds.name_text(key))
            if before != after:
                yield from _compare_values(key, before, after, kinds)
    elif old != new:
        yield "a secret", ""


def _list_masked(old: str, new: str) -> Iterator[str]:
    """Yield the parts of a text that another text of the same length masks with X."""
    if len(old) != len(new):
        yield old
        return
    at = 0
    while at < len(old):
        end = at
        while end < len(old) and new[end] == "X":
            end += 1
        if old[at:end] != new[at:end]:
            yield old[at:end]
        at = max(end, at + 1)


# Other files


def scrub_text(content: bytes, redactor: Redactor) -> Scrubbed:
    """Mask what looks like a secret in the lines of any text."""
    findings, lines = [], content.split(b"\n")
    for number, line in enumerate(lines, 1):
        redaction = redactor.begin(())
        masked = redaction.redact_bytes(line)
        if masked != line:
            findings += [Finding(number, kind) for kind in redaction.redacted_kinds]
            lines[number - 1] = masked
    return Scrubbed(b"\n".join(lines), tuple(findings))


def find_secrets(
    content: bytes, exchanges: list[Exchange], redactor: Redactor
) -> tuple[Finding, ...]:
    """Find the secrets in a recording of another tool.

    Args:
        content: the content of the file.
        exchanges: what was imported from it.
        redactor: says what is secret.
    """
    lines = content.decode("utf-8", "replace").split("\n")
    findings = set(scrub_text(content, redactor).findings)
    for exchange in exchanges:
        for kind, secret in _compare_exchange(exchange, redactor):
            places = [n for n, line in enumerate(lines, 1) if secret and secret in line]
            findings |= {Finding(place, kind) for place in places or [1]}
    return tuple(sorted(findings))


def _compare_exchange(exchange: Exchange, redactor: Redactor) -> Iterator[tuple[str, str]]:
    redacted, kinds = redact_exchange(exchange, redactor), _Kinds(exchange, redactor)
    yield from _compare_heads(exchange, redacted, kinds)
    old, new = exchange.script.steps, redacted.script.steps
    if len(old) != len(new):
        if sse.body(old) != sse.body(new):
            yield "a secret in the compressed body", ""
        return
    for before, after in zip(old, new, strict=True):
        if before != after:
            for secret in _list_masked(_get_text(before), _get_text(after)):
                yield from ((kind, secret) for kind in kinds.name_step(before))
