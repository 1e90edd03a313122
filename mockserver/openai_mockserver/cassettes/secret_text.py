"""Secrets in a text: in its URLs, in its JSON, and those known from a request.

Rules of this file: pure; every search takes time linear in the length of the text. The ``count_``
functions return how many characters at the end of a text may be an unfinished secret.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Iterator
from contextlib import suppress
from urllib.parse import quote, unquote

from openai_mockserver.sensitive import is_random, is_secret_member, is_secret_parameter

__all__ = [
    "SHAPES",
    "count_secret_start",
    "mask_spans",
    "is_distinctive",
    "count_open_member",
    "count_open_url",
    "split_secrets",
    "list_spellings",
]

Spans = Iterator[tuple[str, int, int]]

# A user and a password before a host; the slashes may be escaped, as in JSON.
_USER = re.compile(r"""(?<=:)(?:\\?/){2}([^\s/?\#@:"'<>{}\\]*):([^\s/?\#@"'<>{}\\]+)@""")
# A query parameter within a text; ``&`` may be escaped, as in JSON and HTML.
_PARAMETER = re.compile(r"""(?:[?&#](?:amp;)?|\\u0026)([A-Za-z0-9_.%-]{1,40})=([^\s&#"'<>\\]+)""")
_OPEN_PARAMETER = re.compile(
    r"(?:[?&#](?:amp;)?|\\u0026)([A-Za-z0-9_.%-]{0,40})(=[^#\\]*)?", re.DOTALL
)
_OPEN_SCHEME = re.compile(r"[A-Za-z]:(?:\\?/?){0,2}\Z")
_MEMBER = re.compile(r'"([A-Za-z_-]{1,40})"\s{0,9}:\s{0,9}"((?:[^"\\]++|\\.)++)"', re.DOTALL)
_OPEN_MEMBER = re.compile(r'"([A-Za-z_-]{0,40})("\s{0,9}(?::\s{0,9}"?)?)?\Z')
_BEFORE_VALUE = re.compile(r'"([A-Za-z_-]{1,40})"\s{0,9}:\s{0,9}\Z')


def mask_spans(text: str, spans: list[tuple[int, int]]) -> str:
    """Replace every character within these spans with an X."""
    if not spans:
        return text
    pieces, position = [], 0
    for begin, end in spans:
        pieces += [text[position:begin], "X" * (end - begin)]
        position = end
    return "".join(pieces) + text[position:]


def _find_passwords(text: str, start: int) -> Spans:
    """Find the passwords in URLs, and the user names that look random."""
    for match in _USER.finditer(text, start) if "@" in text else ():
        if is_random(match[1]):
            yield "a password in a URL", *match.span(1)
        yield "a password in a URL", *match.span(2)


def _find_parameters(text: str, start: int) -> Spans:
    """Find the values of secret query parameters."""
    for match in _PARAMETER.finditer(text, start) if "=" in text else ():
        name, value = match[1], match[2]
        if not is_secret_parameter(name) or set(value) == {"X"}:
            continue
        # A text often contains ``?key=`` as an example.
        is_vague = name.lower() in ("key", "code", "token") or len(value) < 6
        if is_random(value, 8) or (not is_vague and any(map(str.isdigit, value))):
            yield unquote(name).lower(), *match.span(2)


def _find_members(text: str, start: int) -> Spans:
    """Find the strings of JSON members with a secret name."""
    for match in _MEMBER.finditer(text, start) if '"' in text else ():
        if is_secret_member(match[1]) and set(match[2]) != {"X"}:
            yield match[1].lower(), *match.span(2)


SHAPES = (_find_passwords, _find_parameters, _find_members)
"""Searches for secrets by their context; each yields a name and the begin and end of the secret."""


# Secrets of the request


def split_secrets(value: str, cookie: bool) -> Iterator[str]:
    """Yield a header's value and the parts of it that are secrets by themselves."""
    value = value.strip()
    yield value
    if cookie:
        for pair in value.split(";"):
            yield pair.partition("=")[2].strip()
        return
    scheme, space, rest = value.partition(" ")
    if not space:
        return
    yield rest.strip()
    if scheme.lower() == "basic":
        with suppress(binascii.Error, ValueError):
            yield base64.b64decode(rest.strip(), validate=True).decode("latin-1").partition(":")[2]


def is_distinctive(secret: str) -> bool:
    """Return whether a secret differs from words: some use ``ollama`` or ``lm-studio`` as a key."""
    if len(secret) < 6:
        return False
    if any(map(str.isdigit, secret)):
        return len(secret) >= 8 or not secret.isdigit()
    return len(secret) >= (16 if secret.isalpha() else 12)


def list_spellings(secret: str) -> set[str]:
    """Return every spelling of a secret in bodies and URLs."""
    json_text = json.dumps(secret)[1:-1]
    spellings = {secret, json_text, json.dumps(secret, ensure_ascii=False)[1:-1]}
    for form in ("\\u{:04x}", "\\u{:04X}"):
        spellings.add("".join(form.format(ord(c)) if c in "&<>+'=`" else c for c in json_text))
        spellings.add("".join(form.format(ord(c)) if c in "&<>" else c for c in json_text))
    spellings |= {spelling.replace("/", "\\/") for spelling in spellings}
    spellings |= {quote(secret, safe=""), quote(secret), quote(secret, safe="").replace("%20", "+")}
    # Bytes are searched as Latin-1, one character for each byte.
    return spellings | {spelling.encode().decode("latin-1") for spelling in spellings}


# Secrets that continue in the next read


def count_open_url(tail: str) -> int:
    """Count the characters that may be an unfinished password or parameter of a URL."""
    run = tail[max(tail.rfind(c) for c in " \t\r\n\"'<>") + 1 :]
    keep = 0
    if scheme := _OPEN_SCHEME.search(run[-6:]):
        keep = len(scheme[0])
    for mark in ("://", ":\\/\\/"):
        at = run.rfind(mark)
        if at >= 0 and not any(c in run[at + len(mark) :] for c in "/?#@\\{}"):
            keep = max(keep, len(run) - at)
    begin = max(run.rfind(mark) for mark in ("?", "&", "#", "\\u0026"))
    if begin >= 0:
        parameter = _OPEN_PARAMETER.fullmatch(run, begin)
        if parameter and (parameter[2] is None or is_secret_parameter(parameter[1])):
            keep = max(keep, len(run) - begin)
    at = run.rfind("\\", max(0, len(run) - 5))
    if at >= 0 and "\\u0026".startswith(run[at:]):
        keep = max(keep, len(run) - at)
    return keep


def count_open_member(tail: str) -> int:
    """Count the characters that may be an unfinished JSON member with a secret name."""
    keep, window_text = 0, tail[-70:]
    if (open_name := _OPEN_MEMBER.search(window_text)) and is_secret_member(
        open_name[1], open_name[2] is None
    ):
        keep = len(window_text) - open_name.start()
    at = tail.rfind('"')
    while at > 0 and tail[at - 1] == "\\":
        at = tail.rfind('"', 0, at)
    if at < 0:
        return keep
    window = max(0, at - 70)
    member = _BEFORE_VALUE.search(tail[window:at])
    if member and is_secret_member(member[1]):
        keep = max(keep, len(tail) - window - member.start())
    return keep


def count_secret_start(tail: str, secret: str) -> int:
    """Count the characters at the end that are the start of a secret."""
    at = tail.find(secret[0], max(0, len(tail) - len(secret) + 1))
    while at >= 0:
        if secret.startswith(tail[at:]):
            return len(tail) - at
        at = tail.find(secret[0], at + 1)
    return 0
