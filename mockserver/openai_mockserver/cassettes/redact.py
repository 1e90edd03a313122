"""Secrets taken out of what is recorded, before anything touches the disk.

Rules of this file: pure; a secret is replaced by as many X as it has characters, so that lengths
and framing stay true; what was taken out is named, never shown. A secret that two network reads
share is found too: a read whose end may be the beginning of one is held back.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import parse_qsl

import msgspec.json

from openai_mockserver.cassettes.stream_file import Exchange
from openai_mockserver.script import Event, Raw, Step
from openai_mockserver.sensitive import (
    KEY_PREFIXES,
    KEY_SHAPES,
    is_secret_header,
    is_secret_parameter,
)

__all__ = ["Redactor", "Redaction", "steps_of", "without_secrets"]

_LONGEST = 400  # bytes of a secret that two reads may share

DEEPEST = 100
"""Levels of JSON that are walked; Python's stack bears about three times as many."""


@dataclass(frozen=True)
class Redactor:
    """What is secret, besides what always is.

    Args:
        headers: more header names.
        paths: members of JSON bodies, as in ``messages[*].name`` or ``user``.
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

    def __post_init__(self) -> None:
        made = tuple(re.compile(p) for p in (KEY_SHAPES, *self.patterns))
        object.__setattr__(self, "_compiled", made)

    def stream(self, request: Iterable[tuple[str, str]], query: str = "") -> Redaction:
        """A redaction of one exchange, which knows the secrets that its request gives."""
        secrets = {value for name, value in request if self._is_secret(name)}
        secrets |= {value for name, value in parse_qsl(query) if is_secret_parameter(name)}
        secrets |= {value.removeprefix("Bearer ") for value in secrets}
        return Redaction(self, tuple(s for s in secrets if len(s) >= 6))

    def _is_secret(self, name: str) -> bool:
        return is_secret_header(name) or name.lower() in {h.lower() for h in self.headers}


class Redaction:
    """The redaction of one exchange: its heads, its request's body, its response's reads."""

    def __init__(self, redactor: Redactor, secrets: tuple[str, ...]) -> None:
        self._redactor = redactor
        self._secrets = secrets
        self._held = b""
        self.found: set[str] = set()

    def headers(self, headers: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
        """Headers without secret values."""
        if not self._redactor.enabled:
            return list(headers)
        return [(name, self._header(name, value)) for name, value in headers]

    def _header(self, name: str, value: str) -> str:
        if not self._redactor._is_secret(name):
            return self.text(value)
        self.found.add(name.lower())
        return "X" * len(value)

    def url(self, url: str) -> str:
        """A URL without the secrets in its query."""
        if not self._redactor.enabled:
            return url

        def masked(match: re.Match[str]) -> str:
            if not is_secret_parameter(match[1]):
                return match[0]
            self.found.add(match[1].lower())
            return f"{match[1]}={'X' * len(match[2])}"

        return self.text(re.sub(r"([^?&=]+)=([^&]*)", masked, url))

    def text(self, text: str) -> str:
        """A text without what looks like a key, or is one that the request gave."""
        if not self._redactor.enabled:
            return text
        for secret in self._secrets:
            if secret in text:
                self.found.add("a key of the request")
                text = text.replace(secret, "X" * len(secret))
        for pattern in self._redactor._compiled:
            text = pattern.sub(self._mask, text)
        if self._redactor.change is not None:
            text = self._redactor.change(text)
        return text

    def _mask(self, match: re.Match[str]) -> str:
        self.found.add("what looks like a key")
        return "X" * len(match[0])

    def json(self, value: Any) -> Any:
        """A JSON value without its secret members and texts."""
        if not self._redactor.enabled:
            return value
        for path in self._redactor.paths:
            value = self._without(value, steps_of(path))
        return self._each(value)

    def _each(self, value: Any) -> Any:
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, list):
            return [self._each(one) for one in value]
        if isinstance(value, Mapping):
            return {name: self._each(one) for name, one in value.items()}
        return value

    def _without(self, value: Any, steps: tuple[str | int | None, ...]) -> Any:
        if not steps:
            self.found.add("a member of the body")
            return "X" * len(value) if isinstance(value, str) else None
        step, rest = steps[0], steps[1:]
        if isinstance(value, list) and not isinstance(step, str):
            return [
                self._without(one, rest) if step in (None, at) else one
                for at, one in enumerate(value)
            ]
        if isinstance(value, Mapping) and step in value:
            return {k: self._without(v, rest) if k == step else v for k, v in value.items()}
        return value

    def body(self, body: bytes) -> Any:
        """A request's body as JSON where it is JSON, else as text; without its secrets.

        JSON that is nested very deeply is kept as text.
        """
        try:
            value = msgspec.json.decode(body)
        except (msgspec.DecodeError, UnicodeError, RecursionError):
            value = msgspec.UNSET
        if value is msgspec.UNSET or _is_deep(value):
            return {"text": self.text(body.decode("latin-1"))}
        return {"json": self.json(value)}

    def read(self, data: bytes) -> bytes:
        """A network read without secrets; its end may be held back for the next one."""
        if not self._redactor.enabled:
            return data
        data = self._held + data
        keep = self._uncertain(data)
        self._held = data[len(data) - keep :]
        return self.octets(data[: len(data) - keep])

    @property
    def held(self) -> int:
        """How many bytes are held back."""
        return len(self._held)

    def rest(self) -> bytes:
        """What was held back."""
        held, self._held = self._held, b""
        return self.octets(held)

    def octets(self, data: bytes) -> bytes:
        """Bytes without what `text` takes out of a text."""
        # Latin-1 maps every byte to one character and back, so lengths stay what they are.
        return self.text(data.decode("latin-1")).encode("latin-1")

    def _uncertain(self, data: bytes) -> int:
        """How many bytes at the end may be the beginning of a secret."""
        tail = data[-_LONGEST:].decode("latin-1")
        word = re.search(r"(?:Bearer )?[A-Za-z0-9_\-.=]*$", tail)
        begun = word[0] if word else ""
        for at in range(len(begun)):
            part = begun[at:]
            if any(part.startswith(p) or p.startswith(part) for p in KEY_PREFIXES):
                return len(part)
            if any(secret.startswith(part) for secret in self._secrets):
                return len(part)
        return 0


def _is_deep(value: Any) -> bool:
    """Whether JSON is nested more deeply than can be walked wherever a recording is read."""
    level = [value]
    for _ in range(DEEPEST):
        inner = [v for v in level if isinstance(v, dict | list)]
        if not inner:
            return False
        level = [v for one in inner for v in (one.values() if isinstance(one, dict) else one)]
    return True


def without_secrets(exchange: Exchange, redactor: Redactor) -> Exchange:
    """A recording without its secrets, as if it had been made so."""
    request = exchange.about.get("request") or {}
    given = [(str(name), str(value)) for name, value in request.get("headers") or ()]
    stream = redactor.stream(given, str(request.get("url", "")).partition("?")[2])
    about = dict(exchange.about)
    if request:
        said = request | {"url": stream.url(str(request.get("url", "")))}
        if given:
            said["headers"] = stream.headers(given)
        if "json" in said:
            said["json"] = stream.json(said["json"])
        if "text" in said:
            said["text"] = stream.text(str(said["text"]))
        about["request"] = said
    head = exchange.script.head
    head = replace(head, headers=tuple(stream.headers(head.headers)))
    # Event by event: a secret within one keeps its length, and so the steps stay what they are.
    steps = tuple(_clean(step, stream) for step in exchange.script.steps)
    about["redacted"] = sorted(stream.found)
    script = replace(exchange.script, head=head, steps=steps)
    return replace(exchange, script=script, about=about)


def _clean(step: Step, stream: Redaction) -> Step:
    if isinstance(step, Event):
        return replace(step, data=stream.text(step.data))
    if isinstance(step, Raw):
        return replace(step, data=stream.octets(step.data))
    return step


def steps_of(path: str) -> tuple[str | int | None, ...]:
    """``a[*].b[0]`` as steps; None stands for each."""
    found = re.findall(r"([^.\[\]]+)|\[(\d+|\*)\]", path)
    return tuple(name or (None if at == "*" else int(at)) for name, at in found)
