"""Response headers as OpenAI sends them: names, spelling and order of WIRE.md §4.

Rules of this file: the tables hold the measurements; the caller passes the values that vary.
"""

from __future__ import annotations

from collections.abc import Mapping
from email.utils import formatdate
from functools import lru_cache
from random import Random
from urllib.parse import quote

from openai_mockserver import seed
from openai_mockserver.api import ids
from openai_mockserver.dialects import Dialect
from openai_mockserver.script import Head

__all__ = [
    "audio_headers",
    "binary_headers",
    "completion_headers",
    "dialect_headers",
    "error_headers",
    "exhaust_limit",
    "json_headers",
    "make_dialect_head",
    "response_headers",
    "stream_headers",
]

Headers = tuple[tuple[str, str], ...]

_RATE_LIMITS: Headers = (
    ("x-ratelimit-limit-requests", "10000"),
    ("x-ratelimit-limit-tokens", "2000000"),
    ("x-ratelimit-remaining-requests", "9999"),
    ("x-ratelimit-remaining-tokens", "1999989"),
    ("x-ratelimit-reset-requests", "6ms"),
    ("x-ratelimit-reset-tokens", "0s"),
)


_COOKIE_BITS = 6  # each cookie has one of 64 values


@lru_cache(maxsize=2 << _COOKIE_BITS)
def _make_cookie(name: str, number: int) -> tuple[str, str]:
    value = ids.letters(43, Random(number))
    return "set-cookie", f"{name}={value}; path=/; HttpOnly; Secure; SameSite=None"


@lru_cache(maxsize=4)
def _format_date(seconds: int) -> str:
    return formatdate(seconds, usegmt=True)


def _framing_header(length: int | None) -> tuple[str, str]:
    if length is None:
        return "Transfer-Encoding", "chunked"
    return "Content-Length", str(length)


def _openai_headers(
    content_type: str, length: int | None, rng: Random, engine: bool = True
) -> Headers:
    milliseconds = str(129 + int(rng.random() * 372))
    engine_headers: Headers = (
        ("access-control-expose-headers", "X-Request-ID"),
        ("openai-organization", "mockserver"),
        ("openai-processing-ms", milliseconds),
        ("openai-project", "proj_mockserver"),
        ("openai-version", "2020-10-01"),
        *_RATE_LIMITS,
    )
    return (
        ("Date", _format_date(seed.now(rng))),
        ("Content-Type", content_type),
        _framing_header(length),
        ("Connection", "keep-alive"),
        # A request that never reached a model has neither limits nor a processing time.
        *(engine_headers if engine else (("vary", "Origin"),)),
        ("x-request-id", ids.request_id(rng)),
        ("x-openai-proxy-wasm", "v0.1"),
        ("cf-cache-status", "DYNAMIC"),
        _make_cookie("__cf_bm", rng.getrandbits(_COOKIE_BITS)),
        _make_cookie("_cfuvid", rng.getrandbits(_COOKIE_BITS)),
        ("strict-transport-security", "max-age=31536000; includeSubDomains; preload"),
        ("x-content-type-options", "nosniff"),
        ("Server", "cloudflare"),
        ("CF-RAY", f"{rng.getrandbits(64):016x}-SJC"),
        ("alt-svc", 'h3=":443"; ma=86400'),
    )


def stream_headers(rng: Random) -> Headers:
    """Return the headers of a chat stream. OpenAI sends no cache-control with it."""
    return _openai_headers("text/event-stream; charset=utf-8", None, rng)


_VISIBLE = "".join(map(chr, range(32, 127)))


def quote_value(text: str) -> str:
    """Return text of a request as a header value, with characters other than visible ASCII escaped.

    >>> quote_value("gpt-4o (new)"), quote_value("a\\nb")
    ('gpt-4o (new)', 'a%0Ab')
    """
    return quote(text, _VISIBLE, errors="replace")


def dialect_headers(
    patterns: Headers, content_type: str, length: int | None, rng: Random, model: str = ""
) -> Headers:
    """Return the headers of another provider.

    Args:
        patterns: the headers that only this provider sends; values are patterns of
            `ids.fill_pattern`.
        content_type: the content type.
        length: length of the body in bytes; None for a stream.
        rng: the source of ids.
        model: the requested model.
    """
    quoted_model = quote_value(model)
    return (
        ("Date", _format_date(seed.now(rng))),
        ("Content-Type", content_type),
        _framing_header(length),
        ("Connection", "keep-alive"),
        *[(name, ids.fill_pattern(value, rng, model=quoted_model)) for name, value in patterns],
    )


def make_dialect_head(dialect: Dialect, model: str, length: int | None, rng: Random) -> Head:
    """Return the head of another provider's response.

    Args:
        dialect: the provider.
        model: the requested model.
        length: length of the JSON body in bytes; None for a stream.
        rng: the source of ids.
    """
    content_type = dialect.content_type if length is None else "application/json"
    return Head(200, dialect_headers(dialect.headers, content_type, length, rng, model))


def response_headers(rng: Random) -> Headers:
    """Return the headers of a stream of the Responses API, in the order of 2026-08 (WIRE.md §4)."""
    return (
        ("date", _format_date(seed.now(rng))),
        ("content-type", "text/event-stream; charset=utf-8"),
        ("transfer-encoding", "chunked"),
        ("connection", "keep-alive"),
        ("cf-ray", f"{rng.getrandbits(64):016x}-SJC"),
        ("cf-cache-status", "DYNAMIC"),
        ("server", "cloudflare"),
        ("strict-transport-security", "max-age=31536000; includeSubDomains; preload"),
        ("x-content-type-options", "nosniff"),
        ("access-control-expose-headers", "CF-Ray"),
        ("access-control-expose-headers", "CF-Ray"),
        ("access-control-expose-headers", "X-Request-ID"),
        ("openai-organization", "mockserver"),
        ("openai-processing-ms", str(rng.randint(36, 568))),
        ("openai-project", "proj_mockserver"),
        ("openai-version", "2020-10-01"),
        *_RATE_LIMITS,
        ("x-request-id", ids.request_id(rng)),
        _make_cookie("__cf_bm", rng.getrandbits(_COOKIE_BITS)),
        ("alt-svc", 'h3=":443"; ma=86400'),
    )


def json_headers(length: int, rng: Random) -> Headers:
    """Return the headers of a JSON body; ``length`` is in bytes."""
    return _openai_headers("application/json", length, rng)


def binary_headers(content_type: str, length: int, rng: Random) -> Headers:
    """Return the headers of a body of another content type; ``length`` is in bytes."""
    return _openai_headers(content_type, length, rng)


def error_headers(length: int, rng: Random, engine: bool, limited: bool = False) -> Headers:
    """Return the headers of an error, from the engine or the gateway in front of it (WIRE.md §6).

    Args:
        length: length of the body, in bytes.
        rng: the source of ids.
        engine: whether the request reached a model.
        limited: whether the request exceeded a limit, in which case the gateway sends the limits.
    """
    content_type = "application/json" if engine else "application/json; charset=utf-8"
    headers = _openai_headers(content_type, length, rng, engine)
    return _insert_headers(headers, _RATE_LIMITS) if limited and not engine else headers


def exhaust_limit(headers: Headers, kind: str, wait: float | None) -> Headers:
    """Return the headers with one limit used up; unchanged if they contain no limits.

    Args:
        headers: the headers of a successful response.
        kind: the limit: ``requests`` or ``tokens``.
        wait: seconds until the limit is reset; None to leave the time in the headers.
    """
    replacements = {f"x-ratelimit-remaining-{kind}": "0"}
    if wait is not None:
        replacements[f"x-ratelimit-reset-{kind}"] = format_duration(wait)
    return tuple((name, replacements.get(name.lower(), value)) for name, value in headers)


def set_limits(headers: Headers, levels: Mapping[str, tuple[int, int, float]]) -> Headers:
    """Return the headers with these limits, in place of those that they contain.

    Args:
        headers: the headers of a response.
        levels: the limit, what remains of it, and the seconds until all of it does; by unit,
            ``requests`` or ``tokens``.

    >>> set_limits((), {"requests": (500, 499, 0.12)})[2]
    ('x-ratelimit-reset-requests', '120ms')
    """
    values = {
        f"x-ratelimit-{part}-{unit}": text
        for part, at in (("limit", 0), ("remaining", 1), ("reset", 2))
        for unit, level in levels.items()
        for text in [format_duration(level[2]) if at == 2 else str(level[at])]
    }
    names = {name.lower() for name, _ in headers}
    replaced = [(name, values.get(name.lower(), value)) for name, value in headers]
    return (*replaced, *[pair for pair in values.items() if pair[0] not in names])


def format_duration(seconds: float) -> str:
    """Format a duration as Go does, which is the format of the rate limit headers.

    >>> format_duration(0.006), format_duration(2), format_duration(61.5)
    ('6ms', '2s', '1m1.5s')
    """
    if seconds < 1:
        return f"{round(seconds * 1000)}ms" if seconds else "0s"
    minutes, seconds = divmod(round(seconds, 3), 60)
    hours, minutes = divmod(int(minutes), 60)
    prefix = (f"{hours}h" if hours else "") + (f"{minutes}m" if hours or minutes else "")
    return f"{prefix}{round(seconds, 3):g}s"


def completion_headers(model: str, rng: Random) -> Headers:
    """Return the headers of a stream of legacy completions, which have no charset."""
    extra = (("Cache-Control", "no-cache, must-revalidate"), ("openai-model", quote_value(model)))
    return _insert_headers(_openai_headers("text/event-stream", None, rng), extra)


def audio_headers(content_type: str, length: int | None, rng: Random) -> Headers:
    """Return the headers of a response of the audio endpoints.

    Args:
        content_type: the content type.
        length: length of the body in bytes; None for a stream.
        rng: the source of ids.
    """
    extra = (("Cache-Control", "no-store"),)
    return _insert_headers(_openai_headers(content_type, length, rng), extra)


def _insert_headers(headers: Headers, extra: Headers) -> Headers:
    """Return the headers with the extra ones after the four that every response starts with."""
    return (*headers[:4], *extra, *headers[4:])
