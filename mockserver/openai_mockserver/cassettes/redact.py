"""Redaction: removes the secrets of an exchange before a recording reaches the disk.

Rules of this file: pure. Each character of a secret becomes an X, so that lengths and framing stay
correct. The recording names the kinds of secrets that were removed, never the secrets. Because two
network reads may split a secret, the end of a read is held back while it may be the start of one.
Every search takes time linear in the length of the text.
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
from openai_mockserver.cassettes.content_coding import CodedBody, Withheld, decode_body, is_readable
from openai_mockserver.cassettes.secret_text import (
    SHAPES,
    count_open_member,
    count_open_url,
    count_secret_start,
    is_distinctive,
    list_spellings,
    mask_spans,
    split_secrets,
)
from openai_mockserver.cassettes.stream_file import WITHHELD_BODY, WITHHELD_REQUEST, Exchange
from openai_mockserver.json_path import Steps, change_members, parse_path
from openai_mockserver.script import Comment, Event, Raw, Step
from openai_mockserver.sensitive import (
    LONGEST_KEY,
    count_unfinished_key,
    find_keys,
    is_secret_header,
    is_secret_member,
    is_secret_parameter,
    is_whole_word,
)

__all__ = ["Redactor", "Redaction", "adjust_content_length", "redact_exchange"]

_MAX_LEARNED = 100  # most secrets of a request that are searched in the rest of its exchange
_CONTEXT = 8  # characters before a text, to see whether it starts within a word

# A container, the key or index in it, and the value there.
_Place = tuple[Any, Any, Any]


@dataclass(frozen=True)
class Redactor:
    """What to redact, in addition to what is always secret.

    Args:
        headers: names of more secret headers.
        paths: members of JSON bodies, as ``messages[*].name`` or ``user``; see `json_path`.
        patterns: more regular expressions; each match is masked as a whole.
        change: a function that takes a text and returns it without secrets.
        enabled: false redacts nothing.
    """

    headers: Iterable[str] = ()
    paths: Iterable[str] = ()
    patterns: Iterable[str | re.Pattern[str]] = ()
    change: Callable[[str], str] | None = None
    enabled: bool = True
    _expressions: tuple[re.Pattern[str], ...] = field(init=False, default=())
    _steps: tuple[Steps, ...] = field(init=False, default=())

    def __post_init__(self) -> None:
        for name in ("headers", "paths", "patterns"):
            several = getattr(self, name)
            # A single string would otherwise be split into its letters.
            one = isinstance(several, str | re.Pattern)
            object.__setattr__(self, name, (several,) if one else tuple(several))
        expressions = tuple(re.compile(p) for p in self.patterns)
        object.__setattr__(self, "_expressions", expressions)
        object.__setattr__(self, "_steps", tuple(map(parse_path, self.paths)))

    def begin(self, request_headers: Iterable[tuple[str, str]], query: str = "") -> Redaction:
        """Begin to redact one exchange; learn the secrets in the request's headers and query."""
        redaction = Redaction(self)
        for name, value in request_headers:
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
    """The redaction of one exchange: both heads, the request body, and the response's reads.

    ``redacted_kinds`` names what was removed so far, and ``withheld`` says why the response body is
    not recorded, or is empty.
    """

    def __init__(self, redactor: Redactor) -> None:
        self._redactor = redactor
        # Each spelling of a secret of the request; true if it counts only as a whole word.
        self._secrets: dict[str, bool] = {}
        self._learned_count = 0
        self._held_bytes = b""
        self._context = ""
        self._coded_body: CodedBody | None = None
        self.withheld = ""
        self.request_coding = ""
        self.is_form = False
        self.redacted_kinds: set[str] = set()

    # Secrets of the request

    def learn(self, value: str, cookie: bool = False) -> None:
        """Learn a secret of the request, to mask it everywhere in the exchange."""
        for secret in split_secrets(value, cookie):
            # Each learned secret costs a search of every text. In their own place all are masked.
            if is_distinctive(secret) and self._learned_count < _MAX_LEARNED:
                self._learned_count += 1
                alone = len(secret) < 16 or not any(map(str.isdigit, secret))
                self._secrets |= dict.fromkeys(list_spellings(secret), alone)

    # Heads

    def redact_headers(self, headers: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
        """Mask the secret values of headers."""
        if not self._redactor.enabled:
            return list(headers)
        return [(name, self._redact_header(name, value)) for name, value in headers]

    def _redact_header(self, name: str, value: str) -> str:
        if not self._redactor._is_secret(name):
            is_url = "?" in value and ("://" in value or value.startswith("/"))
            return self.redact_url(value) if is_url or "://" in value else self.redact_text(value)
        self.redacted_kinds.add(name.lower())
        return "X" * len(value)

    def redact_url(self, url: str) -> str:
        """Mask the secrets in a URL's user, path, query and fragment."""
        if not self._redactor.enabled:
            return url

        path, mark, query = _split_at_first(url, "?#")
        text = self.redact_text(path + mark + re.sub(r"[^?&#;]+", self._redact_parameter, query))
        # Some parts are recognized as a key only after decoding.
        return re.sub(r"[^/?&=#]+", self._redact_encoded_key, text) if "%" in text else text

    def _redact_parameter(self, match: re.Match[str]) -> str:
        name, _, value = match[0].partition("=")
        if not value or not is_secret_parameter(name):
            return match[0]
        self.redacted_kinds.add(unquote(name).lower())
        return f"{name}={'X' * len(value)}"

    def _redact_encoded_key(self, match: re.Match[str]) -> str:
        plain = unquote(match[0]) if "%" in match[0] else ""
        return match[0] if plain == self._mask_known_secrets(plain) else "X" * len(match[0])

    # Texts

    def redact_text(self, text: str) -> str:
        """Mask what looks like a key, and the secrets of the request, in a text."""
        if not self._redactor.enabled:
            return text
        return self._apply_user_rules(self._mask_known_secrets(text))

    def _mask_known_secrets(self, text: str, start: int = 0) -> str:
        for secret, alone in self._secrets.items():
            if secret in text:
                text = self._mask_secret(text, secret, alone, start)
        spans = list(find_keys(text, start))
        if spans:
            self.redacted_kinds.add("what looks like a key")
            text = mask_spans(text, spans)
        for shape in SHAPES:
            spans = []
            for name, begin, end in shape(text, start):
                self.redacted_kinds.add(name)
                spans.append((begin, end))
            text = mask_spans(text, spans)
        return text

    def _mask_secret(self, text: str, secret: str, alone: bool, start: int) -> str:
        spans, at = [], text.find(secret, start)
        while at >= 0:
            end = at + len(secret)
            if not alone or is_whole_word(text, at, end):
                spans.append((at, end))
            at = text.find(secret, end)
        if spans:
            self.redacted_kinds.add("a key of the request")
        return mask_spans(text, spans)

    def _apply_user_rules(self, text: str) -> str:
        """Mask the matches of the user's patterns, then apply the user's function."""
        for pattern in self._redactor._expressions:
            text = pattern.sub(self._mask_match, text)
        if self._redactor.change is not None:
            text = self._redactor.change(text)
        return text

    def _mask_match(self, match: re.Match[str]) -> str:
        self.redacted_kinds.add("what looks like a key")
        return "X" * len(match[0])

    # JSON

    def redact_json(self, value: Any) -> Any:
        """Mask the secret members and texts of a JSON value."""
        if not self._redactor.enabled:
            return value
        for steps in self._redactor._steps:
            value = change_members(value, steps, self._blank_member)
        # A secret of one member may also occur in an earlier member.
        self._learn_members(value)
        return self._redact_values(value)

    def _learn_members(self, value: Any) -> None:
        todo = [value]
        while todo:
            one = todo.pop()
            if isinstance(one, list):
                todo += one
            elif isinstance(one, Mapping):
                for name, member in one.items():
                    for secret in _find_member_secrets(one, name, member):
                        self.learn(secret)
                todo += one.values()

    def _redact_values(self, value: Any) -> Any:
        """Redact every text in a value, without recursion, because it may be nested deeply."""
        whole = [value]
        todo: list[_Place] = [(whole, 0, value)]
        while todo:
            into, at, one = todo.pop()
            if isinstance(one, str):
                into[at] = self.redact_text(one)
            elif isinstance(one, list):
                into[at] = copy = list(one)
                todo += ((copy, n, inner) for n, inner in enumerate(one))
            elif isinstance(one, Mapping):
                into[at], rest = self._redact_members(one)
                todo += rest
        return whole[0]

    def _redact_members(self, value: Mapping[str, Any]) -> tuple[dict[str, Any], list[_Place]]:
        """Mask the secret members and names of an object; return the places still to redact."""
        members: dict[str, Any] = {}
        rest: list[_Place] = []
        numbers: dict[str, int] = {}
        headers = value.get("headers")
        secret_headers = (
            _find_secret_headers(value, headers) if isinstance(headers, Mapping) else ()
        )
        for name, one in value.items():
            clean = _make_unique(self.redact_text(name), members, numbers)
            members[clean] = one
            if not any(True for _ in _find_member_secrets(value, name, one)):
                rest.append((members, clean, one))
                continue
            self.redacted_kinds.add(name.lower())
            if isinstance(one, str):
                members[clean] = "X" * len(one)
            else:
                masked_headers = {
                    k: "X" * len(v) if k in secret_headers else v for k, v in one.items()
                }
                rest.append((members, clean, masked_headers))
        return members, rest

    def _blank_member(self, value: Any) -> Any:
        self.redacted_kinds.add("a member of the body")
        return "X" * len(value) if isinstance(value, str) else None

    def redact_body(self, body: bytes) -> Any:
        """Return a request body without secrets, as JSON, as text, or as bytes in base64.

        A compressed body is decoded. JSON that is nested too deeply stays text.
        """
        if self._redactor.enabled:
            try:
                body = decode_body(self.request_coding, body)
            except Withheld as reason:
                self.redacted_kinds.add(f"{WITHHELD_REQUEST}{reason}")
                return {"text": ""}
        try:
            value = self.redact_json(msgspec.json.decode(body))
            if not is_deeper(value):
                return {"json": value}
            return {"text": msgspec.json.encode(value).decode()}
        except (msgspec.DecodeError, UnicodeError, RecursionError):
            text = body.decode("latin-1")
        text = self.redact_url(f"?{text}")[1:] if self.is_form else self.redact_text(text)
        octets = _encode_text(text)
        try:
            return {"text": octets.decode()}
        except UnicodeDecodeError:
            return {"base64": base64.b64encode(octets).decode()}

    # The response's body

    def redact_response_headers(self, headers: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
        """Mask the secret values of the response's headers; learn how its body is encoded."""
        headers = list(headers)
        codings = [v.strip().lower() for k, v in headers if k.lower() == "content-encoding"]
        coding = ", ".join(codings)
        if self._redactor.enabled and coding not in ("", "identity"):
            if is_readable(coding):
                self._coded_body = CodedBody(coding, self)
            elif any(one in coding for one in ("br", "zstd", "gzip", "deflate", "compress")):
                self.withheld = f"it is in {coding}, which cannot be decoded"
                self.redacted_kinds.add(f"{WITHHELD_BODY}{self.withheld}")
        return self.redact_headers(headers)

    @property
    def is_coded(self) -> bool:
        """Whether redaction may change the length of the body."""
        return self._coded_body is not None or bool(self.withheld)

    def read(self, data: bytes, t: float = 0.0) -> list[tuple[float, bytes]]:
        """Redact one network read; return the bytes that may be recorded now, with their times.

        The end of the read may be held back until the next one. Raises Withheld.
        """
        if not self._redactor.enabled:
            return [(t, data)]
        if self.withheld:
            return []
        if self._coded_body is not None:
            return self._coded_body.read(data, t)
        data = self._held_bytes + data
        if self._context == "" and b"\x1f\x8b".startswith(data[:2]):
            if len(data) < 2:
                self._held_bytes = data
                return []
            # The body is compressed although no header says so.
            self._held_bytes, self._coded_body = b"", CodedBody("gzip", self)
            return self._coded_body.read(data, t)
        keep = self.count_uncertain(data)
        self._held_bytes = data[len(data) - keep :]
        safe_data = self.mask(data[: len(data) - keep])
        return [(t, safe_data)] if safe_data else []

    @property
    def held_size(self) -> int:
        """Bytes that have arrived and that no call has returned yet."""
        return len(self._held_bytes) if self._coded_body is None else self._coded_body.held_size

    def flush(self, t: float = 0.0) -> list[tuple[float, bytes]]:
        """Return the bytes that were held back. Raises Withheld."""
        if self._coded_body is not None:
            return self._coded_body.flush()
        data, self._held_bytes = self._held_bytes, b""
        return [(t, self.mask(data))] if data else []

    def redact_bytes(self, data: bytes) -> bytes:
        """Redact bytes as `redact_text` redacts a text."""
        # Latin-1 maps every byte to one character and back, so lengths stay the same.
        return _encode_text(self.redact_text(data.decode("latin-1")))

    def mask(self, data: bytes) -> bytes:
        """Mask the secrets in the next bytes of the response's body."""
        text = data.decode("latin-1")
        begin = len(self._context)
        masked_text = self._mask_known_secrets(self._context + text, begin)[begin:]
        self._context = (self._context + text)[-_CONTEXT:]
        return _encode_text(self._apply_user_rules(masked_text))

    def count_uncertain(self, data: bytes) -> int:
        """Count the bytes at the end that may be the start of a secret."""
        longest = max(LONGEST_KEY, *map(len, self._secrets), 0)
        tail = (self._context.encode("latin-1") + data)[-longest:].decode("latin-1")
        keep = max(
            count_unfinished_key(tail),
            count_open_url(tail),
            count_open_member(tail),
            *(count_secret_start(tail, secret) for secret in self._secrets),
            0,
        )
        for secret in self._secrets:
            # Do not cut a complete secret where another one may begin.
            at = tail.rfind(secret, 0, len(tail) - keep + len(secret) - 1)
            if at >= 0 and at < len(tail) - keep < at + len(secret):
                keep = len(tail) - at
        # No secret is that long, and otherwise the held bytes could grow without limit.
        return 0 if keep >= longest else min(keep, len(data))


def _encode_text(text: str) -> bytes:
    """Encode Latin-1 text as bytes; other characters, from a user's function, as UTF-8."""
    try:
        return text.encode("latin-1")
    except UnicodeEncodeError:
        return b"".join(c.encode("latin-1" if c < "\u0100" else "utf-8") for c in text)


def _split_at_first(text: str, marks: str) -> tuple[str, str, str]:
    """Split a text at the first of some characters: before, the character, after."""
    at = min((text.find(mark) for mark in marks if mark in text), default=len(text))
    return text[:at], text[at : at + 1], text[at + 1 :]


def _make_unique(name: str, others: Mapping[str, Any], numbers: dict[str, int]) -> str:
    """Make a masked name unique by replacing its end with a number; the length stays.

    Args:
        name: the masked name, which other members may have too.
        others: the members with a name so far.
        numbers: the last number used for each name; this call updates it.
    """
    original = name
    while name in others:
        number = numbers[original] = numbers.get(original, 1) + 1
        name = original[: -len(str(number))] + str(number)
    return name


def _find_member_secrets(whole: Mapping[str, Any], name: str, value: Any) -> Iterator[str]:
    """Yield the secrets in a member of a request's JSON, by the member's name."""
    if isinstance(value, str):
        by_kind = name == "key" and whole.get("type") in ("api_key", "bearer", "basic")
        if value and (is_secret_member(name) or by_kind):
            yield value
    elif isinstance(value, Mapping) and name == "headers":
        yield from (value[k] for k in _find_secret_headers(whole, value))


def _find_secret_headers(whole: Mapping[str, Any], headers: Mapping[str, Any]) -> set[str]:
    """Return which of the headers for calling a tool are secret; for MCP, all of them."""
    return {
        name
        for name, value in headers.items()
        if isinstance(value, str) and (whole.get("type") == "mcp" or is_secret_header(name))
    }


# Whole recordings


def redact_exchange(exchange: Exchange, redactor: Redactor) -> Exchange:
    """Redact a recording, as if it had been redacted while it was recorded."""
    request = exchange.about.get("request") or {}
    request_headers = [(str(name), str(value)) for name, value in request.get("headers") or ()]
    redaction = redactor.begin(request_headers, str(request.get("url", "")).partition("?")[2])
    about = {
        k: v if k == "request" else redaction.redact_json(v) for k, v in exchange.about.items()
    }
    if request:
        redacted_request = dict(request)
        if "json" in redacted_request:
            redacted_request["json"] = redaction.redact_json(redacted_request["json"])
        if "text" in redacted_request:
            redacted_request["text"] = redaction.redact_text(str(redacted_request["text"]))
        if "base64" in redacted_request and redactor.enabled:
            with suppress(ValueError):
                octets = base64.b64decode(str(redacted_request.pop("base64")), validate=True)
                redacted_request |= redaction.redact_body(octets)
        if request_headers:
            redacted_request["headers"] = redaction.redact_headers(request_headers)
        about["request"] = redacted_request | {
            "url": redaction.redact_url(str(request.get("url", "")))
        }
    head = exchange.script.head
    headers = redaction.redact_response_headers(head.headers)
    steps = exchange.script.steps
    if redactor.enabled:
        try:
            steps = tuple(_redact_steps(steps, redaction))
        except Withheld as reason:
            redaction.redacted_kinds.add(f"{WITHHELD_BODY}{reason}")
            steps = ()
        if redaction.is_coded:
            sizes = (len(sse.body(s)) for s in (exchange.script.steps, steps))
            headers = adjust_content_length(headers, *sizes)
    about["redacted"] = sorted(redaction.redacted_kinds)
    script = replace(exchange.script, head=replace(head, headers=tuple(headers)), steps=steps)
    return replace(exchange, script=script, about=about)


def _redact_steps(steps: tuple[Step, ...], redaction: Redaction) -> Iterator[Step]:
    """Redact each step; masking keeps lengths, so the steps keep their bounds."""
    reads: dict[int, bytes] = {}
    for at, step in enumerate(steps):
        if isinstance(step, Raw):
            _add_reads(reads, redaction.read(step.data, at))
        elif isinstance(step, Event | Comment):
            _add_reads(reads, redaction.flush(at))
    _add_reads(reads, redaction.flush(len(steps) - 1))
    whole = b"".join(reads.values())
    if not redaction.is_coded and len(whole) == sum(
        len(s.data) for s in steps if isinstance(s, Raw)
    ):
        # Put bytes that were held back into the step they came from, and into no other.
        reads = {}
        for at, step in enumerate(steps):
            if isinstance(step, Raw):
                reads[at], whole = whole[: len(step.data)], whole[len(step.data) :]
    for at, step in enumerate(steps):
        if isinstance(step, Event):
            event = None if step.event is None else redaction.redact_text(step.event)
            name = None if step.id is None else redaction.redact_text(step.id)
            yield replace(step, data=redaction.redact_text(step.data), event=event, id=name)
        elif isinstance(step, Comment):
            yield replace(step, text=redaction.redact_text(step.text))
        elif not isinstance(step, Raw):
            yield step
        if data := reads.get(at):
            yield Raw(data, step.events if isinstance(step, Raw) else None)


def _add_reads(reads: dict[int, bytes], new_reads: Iterable[tuple[float, bytes]]) -> None:
    for at, data in new_reads:
        reads[int(at)] = reads.get(int(at), b"") + data


def adjust_content_length(
    headers: Iterable[tuple[str, str]], received_size: int, recorded_size: int
) -> list[tuple[str, str]]:
    """Change ``Content-Length`` by as many bytes as redaction has changed the body.

    A header that was wrong by some bytes stays wrong by the same number.
    """
    difference = recorded_size - received_size
    return [
        (k, str(int(v) + difference) if k.lower() == "content-length" and v.isdecimal() else v)
        for k, v in headers
    ]
