"""Where secrets stand in a text: in its URLs and JSON, and those that a request gave away.

Rules of this file: pure; every search is linear in the length of its text, and may be asked how
much of the end of a text could go on as a secret.
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
    "begun_secret",
    "blot",
    "is_telling",
    "open_member",
    "open_url",
    "parts",
    "ways_to_write",
]

Spans = Iterator[tuple[str, int, int]]

# A user and a password before a host; the slashes may be escaped, as JSON allows.
_USER = re.compile(r"""(?<=:)(?:\\?/){2}([^\s/?\#@:"'<>{}\\]*):([^\s/?\#@"'<>{}\\]+)@""")
# A parameter of a query within a text; ``&`` may be escaped, as JSON and HTML do.
_PARAMETER = re.compile(r"""(?:[?&#](?:amp;)?|\\u0026)([A-Za-z0-9_.%-]{1,40})=([^\s&#"'<>\\]+)""")
_OPEN_PARAMETER = re.compile(
    r"(?:[?&#](?:amp;)?|\\u0026)([A-Za-z0-9_.%-]{0,40})(=[^#\\]*)?", re.DOTALL
)
_OPEN_SCHEME = re.compile(r"[A-Za-z]:(?:\\?/?){0,2}\Z")
_MEMBER = re.compile(r'"([A-Za-z_-]{1,40})"\s{0,9}:\s{0,9}"((?:[^"\\]++|\\.)++)"', re.DOTALL)
_OPEN_MEMBER = re.compile(r'"([A-Za-z_-]{0,40})("\s{0,9}(?::\s{0,9}"?)?)?\Z')
_BEFORE_VALUE = re.compile(r'"([A-Za-z_-]{1,40})"\s{0,9}:\s{0,9}\Z')


def blot(text: str, spans: list[tuple[int, int]]) -> str:
    """A text with as many X as there are characters in the place of these parts."""
    if not spans:
        return text
    parts, done = [], 0
    for begin, end in spans:
        parts += [text[done:begin], "X" * (end - begin)]
        done = end
    return "".join(parts) + text[done:]


def _passwords(text: str, start: int) -> Spans:
    """Those of URLs, with their users where these are secret too."""
    for found in _USER.finditer(text, start) if "@" in text else ():
        if is_random(found[1]):
            yield "a password in a URL", *found.span(1)
        yield "a password in a URL", *found.span(2)


def _parameters(text: str, start: int) -> Spans:
    """The values of secret parameters of queries."""
    for found in _PARAMETER.finditer(text, start) if "=" in text else ():
        name, value = found[1], found[2]
        if not is_secret_parameter(name) or set(value) == {"X"}:
            continue
        # ``?key=`` is often an example of one.
        is_vague = name.lower() in ("key", "code", "token") or len(value) < 6
        if is_random(value, 8) or (not is_vague and any(map(str.isdigit, value))):
            yield unquote(name).lower(), *found.span(2)


def _members(text: str, start: int) -> Spans:
    """The texts of members of JSON with a secret name."""
    for found in _MEMBER.finditer(text, start) if '"' in text else ():
        if is_secret_member(found[1]) and set(found[2]) != {"X"}:
            yield found[1].lower(), *found.span(2)


SHAPES = (_passwords, _parameters, _members)
"""What is secret by where it stands: each gives what it is called, its beginning and its end."""


# What the request gives


def parts(value: str, cookie: bool) -> Iterator[str]:
    """A header's value, and what in it is secret on its own."""
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


def is_telling(secret: str) -> bool:
    """Whether a secret can be told from words: ``ollama`` and ``lm-studio`` are used as keys."""
    if len(secret) < 6:
        return False
    if any(map(str.isdigit, secret)):
        return len(secret) >= 8 or not secret.isdigit()
    return len(secret) >= (16 if secret.isalpha() else 12)


def ways_to_write(secret: str) -> set[str]:
    """A secret in the ways that bodies and URLs write it."""
    with_escapes = json.dumps(secret)[1:-1]
    ways = {secret, with_escapes, json.dumps(secret, ensure_ascii=False)[1:-1]}
    for form in ("\\u{:04x}", "\\u{:04X}"):
        ways.add("".join(form.format(ord(c)) if c in "&<>+'=`" else c for c in with_escapes))
        ways.add("".join(form.format(ord(c)) if c in "&<>" else c for c in with_escapes))
    ways |= {way.replace("/", "\\/") for way in ways}
    ways |= {quote(secret, safe=""), quote(secret), quote(secret, safe="").replace("%20", "+")}
    # Of bytes, each is a character of Latin-1 here.
    return ways | {way.encode().decode("latin-1") for way in ways}


# What two reads share


def open_url(tail: str) -> int:
    """How many characters may be a URL's password or parameter that goes on."""
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


def open_member(tail: str) -> int:
    """How many characters may be a member of JSON with a secret name that goes on."""
    keep, last = 0, tail[-70:]
    if (begun := _OPEN_MEMBER.search(last)) and is_secret_member(begun[1], begun[2] is None):
        keep = len(last) - begun.start()
    at = tail.rfind('"')
    while at > 0 and tail[at - 1] == "\\":
        at = tail.rfind('"', 0, at)
    if at < 0:
        return keep
    window = max(0, at - 70)
    named = _BEFORE_VALUE.search(tail[window:at])
    if named and is_secret_member(named[1]):
        keep = max(keep, len(tail) - window - named.start())
    return keep


def begun_secret(tail: str, secret: str) -> int:
    """How many characters at the end are the beginning of a secret."""
    at = tail.find(secret[0], max(0, len(tail) - len(secret) + 1))
    while at >= 0:
        if secret.startswith(tail[at:]):
            return len(tail) - at
        at = tail.find(secret[0], at + 1)
    return 0
