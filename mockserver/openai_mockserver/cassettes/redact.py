"""Secrets taken out of what is recorded, before anything touches the disk.

Rules of this file: pure; a secret is replaced by as many X as it has characters, so that lengths
and framing stay true; what was taken out is named, never shown. A secret that two network reads
share is found too: a read whose end may be the beginning of one is held back. Every search is
linear in the length of its text.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import parse_qsl, unquote

import msgspec.json

from openai_mockserver import sse
from openai_mockserver.bounded_input import is_deeper
from openai_mockserver.cassettes.content_coding import CodedBody, Withheld, decoded, is_readable
from openai_mockserver.cassettes.json_path import Steps, change_members, parse_path
from openai_mockserver.cassettes.secret_text import (
    SHAPES,
    begun_secret,
    blot,
    is_telling,
    open_member,
    open_url,
    parts,
    ways_to_write,
)
from openai_mockserver.cassettes.stream_file import WITHHELD_BODY, WITHHELD_REQUEST, Exchange
from openai_mockserver.script import Comment, Event, Raw, Step
from openai_mockserver.sensitive import (
    LONGEST_KEY,
    find_keys,
    is_secret_header,
    is_secret_member,
    is_secret_parameter,
    stands_alone,
    unfinished_key,
)

__all__ = ["Redactor", "Redaction", "resized", "without_secrets"]

_MOST_LEARNED = 100  # secrets of a request that are looked for in the rest of its exchange
_CONTEXT = 8  # characters before a text that tell whether it begins a word

# A container, where in it, and what is there.
_Place = tuple[Any, Any, Any]


@dataclass(frozen=True)
class Redactor:
    """What is secret, besides what always is.

    Args:
        headers: more header names.
        paths: members of JSON bodies, as in ``messages[*].name`` or ``user``; see `json_path`.
        patterns: more regular expressions; the whole match is taken out.
        change: any function of a text that gives it back without its secrets.
        enabled: false keeps everything.
    """

    headers: Iterable[str] = ()
    paths: Iterable[str] = ()
    patterns: Iterable[str | re.Pattern[str]] = ()
    change: Callable[[str], str] | None = None
    enabled: bool = True
    _compiled: tuple[re.Pattern[str], ...] = field(init=False, default=())
    _steps: tuple[Steps, ...] = field(init=False, default=())

    def __post_init__(self) -> None:
        for name in ("headers", "paths", "patterns"):
            several = getattr(self, name)
            # Of one text each letter would be taken for a name.
            one = isinstance(several, str | re.Pattern)
            object.__setattr__(self, name, (several,) if one else tuple(several))
        made = tuple(re.compile(p) for p in self.patterns)
        object.__setattr__(self, "_compiled", made)
        object.__setattr__(self, "_steps", tuple(map(parse_path, self.paths)))

    def stream(self, request: Iterable[tuple[str, str]], query: str = "") -> Redaction:
        """A redaction of one exchange, which knows the secrets that its request gives."""
        redaction = Redaction(self)
        for name, value in request:
            if name.lower() == "content-encoding":
                redaction.request_coding = value.strip().lower()
            if name.lower() == "content-type":
                redaction.is_form = "x-www-form-urlencoded" in value.lower()
            if name.lower() == "sec-websocket-protocol":
                for protocol in value.split(","):
                    redaction.learn(protocol.partition("openai-insecure-api-key.")[2])
            if self._is_secret(name):
                redaction.learn(value, cookie="cookie" in name.lower())
        for name, value in parse_qsl(query):
            if is_secret_parameter(name):
                redaction.learn(value)
        return redaction

    def _is_secret(self, name: str) -> bool:
        return is_secret_header(name) or name.lower() in {h.lower() for h in self.headers}


class Redaction:
    """The redaction of one exchange: its heads, its request's body, its response's reads."""

    def __init__(self, redactor: Redactor) -> None:
        self._redactor = redactor
        # Each secret of the request, as it may be written, and whether it stands only for itself.
        self._secrets: dict[str, bool] = {}
        self._learned = 0
        self._held = b""
        self._before = ""
        self._coded: CodedBody | None = None
        self.withheld = ""
        self.request_coding = ""
        self.is_form = False
        self.found: set[str] = set()

    # What the request gives

    def learn(self, value: str, cookie: bool = False) -> None:
        """A secret of the request, which is none anywhere else in the exchange either."""
        for secret in parts(value, cookie):
            # Each takes a search of every text. Where they stand all are taken out, however many.
            if is_telling(secret) and self._learned < _MOST_LEARNED:
                self._learned += 1
                alone = len(secret) < 16 or not any(map(str.isdigit, secret))
                self._secrets |= dict.fromkeys(ways_to_write(secret), alone)

    # Heads

    def headers(self, headers: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
        """Headers without secret values."""
        if not self._redactor.enabled:
            return list(headers)
        return [(name, self._header(name, value)) for name, value in headers]

    def _header(self, name: str, value: str) -> str:
        if not self._redactor._is_secret(name):
            is_url = "?" in value and ("://" in value or value.startswith("/"))
            return self.url(value) if is_url or "://" in value else self.text(value)
        self.found.add(name.lower())
        return "X" * len(value)

    def url(self, url: str) -> str:
        """A URL without the secrets in its user, its path, its query and its fragment."""
        if not self._redactor.enabled:
            return url

        path, mark, query = _at_first(url, "?#")
        text = self.text(path + mark + re.sub(r"[^?&#;]+", self._query_parameter, query))
        # What is a key only when it is decoded, part by part.
        return re.sub(r"[^/?&=#]+", self._encoded_key, text) if "%" in text else text

    def _query_parameter(self, match: re.Match[str]) -> str:
        name, _, value = match[0].partition("=")
        if not value or not is_secret_parameter(name):
            return match[0]
        self.found.add(unquote(name).lower())
        return f"{name}={'X' * len(value)}"

    def _encoded_key(self, match: re.Match[str]) -> str:
        plain = unquote(match[0]) if "%" in match[0] else ""
        return match[0] if plain == self._without_known(plain) else "X" * len(match[0])

    # Texts

    def text(self, text: str) -> str:
        """A text without what looks like a key, or is one that the request gave."""
        if not self._redactor.enabled:
            return text
        return self._without_own(self._without_known(text))

    def _without_known(self, text: str, start: int = 0) -> str:
        for secret, alone in self._secrets.items():
            if secret in text:
                text = self._without(text, secret, alone, start)
        spans = list(find_keys(text, start))
        if spans:
            self.found.add("what looks like a key")
            text = blot(text, spans)
        for shape in SHAPES:
            spans = []
            for name, begin, end in shape(text, start):
                self.found.add(name)
                spans.append((begin, end))
            text = blot(text, spans)
        return text

    def _without(self, text: str, secret: str, alone: bool, start: int) -> str:
        spans, at = [], text.find(secret, start)
        while at >= 0:
            end = at + len(secret)
            if not alone or stands_alone(text, at, end):
                spans.append((at, end))
            at = text.find(secret, end)
        if spans:
            self.found.add("a key of the request")
        return blot(text, spans)

    def _without_own(self, text: str) -> str:
        """Without what the patterns and the function of the redactor's owner take out."""
        for pattern in self._redactor._compiled:
            text = pattern.sub(self._mask, text)
        if self._redactor.change is not None:
            text = self._redactor.change(text)
        return text

    def _mask(self, match: re.Match[str]) -> str:
        self.found.add("what looks like a key")
        return "X" * len(match[0])

    # JSON

    def json(self, value: Any) -> Any:
        """A JSON value without its secret members and texts."""
        if not self._redactor.enabled:
            return value
        for steps in self._redactor._steps:
            value = change_members(value, steps, self._blank)
        # What a member gives away may stand in another that comes before it.
        self._learn_members(value)
        return self._each(value)

    def _learn_members(self, value: Any) -> None:
        todo = [value]
        while todo:
            one = todo.pop()
            if isinstance(one, list):
                todo += one
            elif isinstance(one, Mapping):
                for name, member in one.items():
                    for secret in _secrets_of(one, name, member):
                        self.learn(secret)
                todo += one.values()

    def _each(self, value: Any) -> Any:
        """A value with each of its texts cleaned; by no recursion, as it may be nested deeply."""
        whole = [value]
        todo: list[_Place] = [(whole, 0, value)]
        while todo:
            into, at, one = todo.pop()
            if isinstance(one, str):
                into[at] = self.text(one)
            elif isinstance(one, list):
                into[at] = copy = list(one)
                todo += ((copy, n, inner) for n, inner in enumerate(one))
            elif isinstance(one, Mapping):
                into[at], rest = self._members(one)
                todo += rest
        return whole[0]

    def _members(self, value: Mapping[str, Any]) -> tuple[dict[str, Any], list[_Place]]:
        """An object without its secret members and names, and what in it is to be cleaned yet."""
        out: dict[str, Any] = {}
        rest: list[_Place] = []
        numbers: dict[str, int] = {}
        headers = value.get("headers")
        secret_headers = _secret_headers(value, headers) if isinstance(headers, Mapping) else ()
        for name, one in value.items():
            clean = _number(self.text(name), out, numbers)
            out[clean] = one
            if not any(True for _ in _secrets_of(value, name, one)):
                rest.append((out, clean, one))
                continue
            self.found.add(name.lower())
            if isinstance(one, str):
                out[clean] = "X" * len(one)
            else:
                hidden = {k: "X" * len(v) if k in secret_headers else v for k, v in one.items()}
                rest.append((out, clean, hidden))
        return out, rest

    def _blank(self, value: Any) -> Any:
        self.found.add("a member of the body")
        return "X" * len(value) if isinstance(value, str) else None

    def body(self, body: bytes) -> Any:
        """A request's body without its secrets: as JSON, as text, or as bytes in base64.

        What is compressed is decoded. JSON that is nested as no request is stays text.
        """
        if self._redactor.enabled:
            try:
                body = decoded(self.request_coding, body)
            except Withheld as why:
                self.found.add(f"{WITHHELD_REQUEST}{why}")
                return {"text": ""}
        try:
            value = self.json(msgspec.json.decode(body))
            if not is_deeper(value):
                return {"json": value}
            return {"text": msgspec.json.encode(value).decode()}
        except (msgspec.DecodeError, UnicodeError, RecursionError):
            text = body.decode("latin-1")
        text = self.url(f"?{text}")[1:] if self.is_form else self.text(text)
        octets = _encode(text)
        try:
            return {"text": octets.decode()}
        except UnicodeDecodeError:
            return {"base64": base64.b64encode(octets).decode()}

    # The response's body

    def response(self, headers: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
        """The response's headers without secret values; its body follows."""
        headers = list(headers)
        codings = [v.strip().lower() for k, v in headers if k.lower() == "content-encoding"]
        coding = ", ".join(codings)
        if self._redactor.enabled and coding not in ("", "identity"):
            if is_readable(coding):
                self._coded = CodedBody(coding, self)
            elif any(one in coding for one in ("br", "zstd", "gzip", "deflate", "compress")):
                self.withheld = f"it is in {coding}, which cannot be looked into"
                self.found.add(f"{WITHHELD_BODY}{self.withheld}")
        return self.headers(headers)

    @property
    def is_coded(self) -> bool:
        """Whether the body's length may change."""
        return self._coded is not None or bool(self.withheld)

    def read(self, data: bytes, t: float = 0.0) -> list[tuple[float, bytes]]:
        """What may be kept after a network read, and of when it is, without secrets.

        Its end may be held back for the next one. Raises Withheld.
        """
        if not self._redactor.enabled:
            return [(t, data)]
        if self.withheld:
            return []
        if self._coded is not None:
            return self._coded.read(data, t)
        data = self._held + data
        if self._before == "" and b"\x1f\x8b".startswith(data[:2]):
            if len(data) < 2:
                self._held = data
                return []
            # Compressed, though no header says so.
            self._held, self._coded = b"", CodedBody("gzip", self)
            return self._coded.read(data, t)
        keep = self.uncertain(data)
        self._held = data[len(data) - keep :]
        sure = self.mask(data[: len(data) - keep])
        return [(t, sure)] if sure else []

    @property
    def held(self) -> int:
        """How many bytes that came are in nothing that was given back yet."""
        return len(self._held) if self._coded is None else self._coded.held

    def rest(self, t: float = 0.0) -> list[tuple[float, bytes]]:
        """What was held back. Raises Withheld."""
        if self._coded is not None:
            return self._coded.rest()
        held, self._held = self._held, b""
        return [(t, self.mask(held))] if held else []

    def octets(self, data: bytes) -> bytes:
        """Bytes without what `text` takes out of a text."""
        # Latin-1 maps every byte to one character and back, so lengths stay what they are.
        return _encode(self.text(data.decode("latin-1")))

    def mask(self, data: bytes) -> bytes:
        """The next bytes of the response's body without secrets."""
        text = data.decode("latin-1")
        begin = len(self._before)
        known = self._without_known(self._before + text, begin)[begin:]
        self._before = (self._before + text)[-_CONTEXT:]
        return _encode(self._without_own(known))

    def uncertain(self, data: bytes) -> int:
        """How many bytes at the end may be the beginning of a secret."""
        longest = max(LONGEST_KEY, *map(len, self._secrets), 0)
        tail = (self._before.encode("latin-1") + data)[-longest:].decode("latin-1")
        keep = max(
            unfinished_key(tail),
            open_url(tail),
            open_member(tail),
            *(begun_secret(tail, secret) for secret in self._secrets),
            0,
        )
        for secret in self._secrets:
            # One that is whole is not cut where another may begin.
            at = tail.rfind(secret, 0, len(tail) - keep + len(secret) - 1)
            if at >= 0 and at < len(tail) - keep < at + len(secret):
                keep = len(tail) - at
        # Nothing that long is a secret; what was held back would grow for ever.
        return 0 if keep >= longest else min(keep, len(data))


def _encode(text: str) -> bytes:
    """The bytes that are characters here; a user's function may have written others."""
    try:
        return text.encode("latin-1")
    except UnicodeEncodeError:
        return b"".join(c.encode("latin-1" if c < "\u0100" else "utf-8") for c in text)


def _at_first(text: str, marks: str) -> tuple[str, str, str]:
    """A text before, at and after the first of some characters."""
    at = min((text.find(mark) for mark in marks if mark in text), default=len(text))
    return text[:at], text[at : at + 1], text[at + 1 :]


def _number(name: str, others: Mapping[str, Any], numbers: dict[str, int]) -> str:
    """A masked name that no other member has, as long as it was.

    Args:
        name: the name, which others may have become too.
        others: the members there are.
        numbers: the last number that was given to each name; one is added.
    """
    last = name
    while name in others:
        number = numbers[last] = numbers.get(last, 1) + 1
        name = last[: -len(str(number))] + str(number)
    return name


def _secrets_of(whole: Mapping[str, Any], name: str, value: Any) -> Iterator[str]:
    """The secrets that a member of a request's JSON holds by its name."""
    if isinstance(value, str):
        by_kind = name == "key" and whole.get("type") in ("api_key", "bearer", "basic")
        if value and (is_secret_member(name) or by_kind):
            yield value
    elif isinstance(value, Mapping) and name == "headers":
        yield from (value[k] for k in _secret_headers(whole, value))


def _secret_headers(whole: Mapping[str, Any], headers: Mapping[str, Any]) -> set[str]:
    """The headers, among those that a tool is called with, which are secret: of an MCP all."""
    return {
        name
        for name, value in headers.items()
        if isinstance(value, str) and (whole.get("type") == "mcp" or is_secret_header(name))
    }


# Of a whole recording


def without_secrets(exchange: Exchange, redactor: Redactor) -> Exchange:
    """A recording without its secrets, as if it had been made so."""
    request = exchange.about.get("request") or {}
    given = [(str(name), str(value)) for name, value in request.get("headers") or ()]
    stream = redactor.stream(given, str(request.get("url", "")).partition("?")[2])
    about = {k: v if k == "request" else stream.json(v) for k, v in exchange.about.items()}
    if request:
        said = dict(request)
        if "json" in said:
            said["json"] = stream.json(said["json"])
        if "text" in said:
            said["text"] = stream.text(str(said["text"]))
        if "base64" in said and redactor.enabled:
            with suppress(ValueError):
                said |= stream.body(base64.b64decode(str(said.pop("base64")), validate=True))
        if given:
            said["headers"] = stream.headers(given)
        about["request"] = said | {"url": stream.url(str(request.get("url", "")))}
    head = exchange.script.head
    headers = stream.response(head.headers)
    steps = exchange.script.steps
    if redactor.enabled:
        try:
            steps = tuple(_clean(steps, stream))
        except Withheld as why:
            stream.found.add(f"{WITHHELD_BODY}{why}")
            steps = ()
        if stream.is_coded:
            received, kept = (len(sse.body(s)) for s in (exchange.script.steps, steps))
            headers = resized(headers, received, kept)
    about["redacted"] = sorted(stream.found)
    script = replace(exchange.script, head=replace(head, headers=tuple(headers)), steps=steps)
    return replace(exchange, script=script, about=about)


def _clean(steps: tuple[Step, ...], stream: Redaction) -> Iterator[Step]:
    """Step by step: a secret keeps its length, and so the steps stay what they are."""
    reads: dict[int, bytes] = {}
    for at, step in enumerate(steps):
        if isinstance(step, Raw):
            _put(reads, stream.read(step.data, at))
        elif isinstance(step, Event | Comment):
            _put(reads, stream.rest(at))
    _put(reads, stream.rest(len(steps) - 1))
    whole = b"".join(reads.values())
    if not stream.is_coded and len(whole) == sum(len(s.data) for s in steps if isinstance(s, Raw)):
        # What was held back is where it was.
        for at, step in enumerate(steps):
            if isinstance(step, Raw):
                reads[at], whole = whole[: len(step.data)], whole[len(step.data) :]
    for at, step in enumerate(steps):
        if isinstance(step, Event):
            event = None if step.event is None else stream.text(step.event)
            name = None if step.id is None else stream.text(step.id)
            yield replace(step, data=stream.text(step.data), event=event, id=name)
        elif isinstance(step, Comment):
            yield replace(step, text=stream.text(step.text))
        elif not isinstance(step, Raw):
            yield step
        if data := reads.get(at):
            yield Raw(data, step.events if isinstance(step, Raw) else None)


def _put(reads: dict[int, bytes], timed: Iterable[tuple[float, bytes]]) -> None:
    for at, data in timed:
        reads[int(at)] = reads.get(int(at), b"") + data


def resized(headers: Iterable[tuple[str, str]], received: int, kept: int) -> list[tuple[str, str]]:
    """Headers whose length is true of what is kept, and lacks what it lacked."""
    return [
        (k, str(int(v) - received + kept) if k.lower() == "content-length" and v.isdecimal() else v)
        for k, v in headers
    ]
