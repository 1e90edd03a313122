"""Response headers as OpenAI sends them: names, spelling and order of WIRE.md §4.

Rules of this file: the tables are the measurements; what varies comes from the caller.
"""

from __future__ import annotations

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
    "error_headers",
    "exhausted",
    "imitated",
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


_COOKIE_BITS = 6  # of a name there are 64 cookies, out of which each response has one


@lru_cache(maxsize=2 << _COOKIE_BITS)
def _make_cookie(name: str, number: int) -> tuple[str, str]:
    value = ids.letters(43, Random(number))
    return "set-cookie", f"{name}={value}; path=/; HttpOnly; Secure; SameSite=None"


@lru_cache(maxsize=4)
def _format_date(seconds: int) -> str:
    return formatdate(seconds, usegmt=True)


def _headers(content_type: str, length: int | None, rng: Random, engine: bool = True) -> Headers:
    sized = ("Transfer-Encoding", "chunked") if length is None else ("Content-Length", str(length))
    milliseconds = str(129 + int(rng.random() * 372))
    served: Headers = (
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
        sized,
        ("Connection", "keep-alive"),
        # What never reached a model has neither limits nor a processing time.
        *(served if engine else (("vary", "Origin"),)),
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
    """Of a chat stream. OpenAI sends no cache-control with it."""
    return _headers("text/event-stream; charset=utf-8", None, rng)


_VISIBLE = "".join(map(chr, range(32, 127)))


def quote_value(text: str) -> str:
    """A text of a request as a header's value may have it: the rest in percent signs.

    >>> quote_value("gpt-4o (new)"), quote_value("a\\nb")
    ('gpt-4o (new)', 'a%0Ab')
    """
    return quote(text, _VISIBLE, errors="replace")


def imitated(
    own: Headers, content_type: str, length: int | None, rng: Random, model: str = ""
) -> Headers:
    """Of another provider: what is its own, whose values may be forms of `ids.fill_pattern`."""
    sized = ("Transfer-Encoding", "chunked") if length is None else ("Content-Length", str(length))
    quoted = quote_value(model)
    return (
        ("Date", _format_date(seed.now(rng))),
        ("Content-Type", content_type),
        sized,
        ("Connection", "keep-alive"),
        *[(name, ids.fill_pattern(value, rng, model=quoted)) for name, value in own],
    )


def make_dialect_head(dialect: Dialect, model: str, length: int | None, rng: Random) -> Head:
    """The head of a stream of another provider; of a JSON body, if its length in bytes is given."""
    kind = dialect.content_type if length is None else "application/json"
    return Head(200, imitated(dialect.headers, kind, length, rng, model))


def response_headers(rng: Random) -> Headers:
    """Of a stream of the Responses API, in the order of 2026-08 (WIRE.md §4)."""
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
    """Of a JSON body of so many bytes."""
    return _headers("application/json", length, rng)


def binary_headers(content_type: str, length: int, rng: Random) -> Headers:
    """Of so many bytes of another type."""
    return _headers(content_type, length, rng)


def error_headers(length: int, rng: Random, engine: bool, limited: bool = False) -> Headers:
    """Of an error, from the engine or from the gateway before it (WIRE.md §6).

    Args:
        length: of its body, in bytes.
        rng: where ids come from.
        engine: whether a model was reached.
        limited: whether a limit was, which the gateway then states.
    """
    content_type = "application/json" if engine else "application/json; charset=utf-8"
    sent = _headers(content_type, length, rng, engine)
    return (*sent[:4], *_RATE_LIMITS, *sent[4:]) if limited and not engine else sent


def exhausted(sent: Headers, kind: str, wait: float | None) -> Headers:
    """Headers whose limit of this kind is reached; as they are where they state no limits.

    Args:
        sent: the headers, as of a response that succeeds.
        kind: ``requests`` or ``tokens``.
        wait: seconds until there is more; what is in the headers where nothing is known.
    """
    states = {f"x-ratelimit-remaining-{kind}": "0"}
    if wait is not None:
        states[f"x-ratelimit-reset-{kind}"] = _duration(wait)
    return tuple((name, states.get(name.lower(), value)) for name, value in sent)


def _duration(seconds: float) -> str:
    """Seconds as Go writes them, whose form the limits have.

    >>> _duration(0.006), _duration(2), _duration(61.5)
    ('6ms', '2s', '1m1.5s')
    """
    if seconds < 1:
        return f"{round(seconds * 1000)}ms" if seconds else "0s"
    minutes, rest = divmod(round(seconds, 3), 60)
    hours, minutes = divmod(int(minutes), 60)
    before = (f"{hours}h" if hours else "") + (f"{minutes}m" if hours or minutes else "")
    return f"{before}{round(rest, 3):g}s"


def completion_headers(model: str, rng: Random) -> Headers:
    """Of a stream of the legacy completions: cached by nobody, and without a charset."""
    own = (("Cache-Control", "no-cache, must-revalidate"), ("openai-model", quote_value(model)))
    return _beside(_headers("text/event-stream", None, rng), own)


def audio_headers(content_type: str, length: int | None, rng: Random) -> Headers:
    """Of what the audio endpoints send; a stream where it has no length."""
    return _beside(_headers(content_type, length, rng), (("Cache-Control", "no-store"),))


def _beside(sent: Headers, own: Headers) -> Headers:
    return (*sent[:4], *own, *sent[4:])
