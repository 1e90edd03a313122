"""What every format writes of an exchange: the request with its URL, and the response's body.

Rules of this file: a body keeps its bytes. An exchange without a request gets the one that its
response shows, because most formats have no response without a request.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import urlsplit

from openai_mockserver import sse
from openai_mockserver.api.detection import detect_path
from openai_mockserver.cassettes.content_coding import Withheld, decode_body, is_readable
from openai_mockserver.cassettes.recorded_request import encode_content, split_url
from openai_mockserver.cassettes.stream_file import Exchange
from openai_mockserver.dialects import locate
from openai_mockserver.exceptions import ServerError
from openai_mockserver.upstream import Upstream

__all__ = [
    "Export",
    "ExportProblem",
    "Pairs",
    "SentRequest",
    "add_number",
    "decode_response",
    "encode_response",
    "find_request",
    "find_url",
    "get_phrase",
    "group_headers",
    "note_assumed_requests",
]

Pairs = tuple[tuple[str, str], ...]


class ExportProblem(Exception):
    """The reason why an exchange cannot be exported, without the name of its file."""


@dataclass(frozen=True)
class Export:
    """The files that a format makes of the exchanges in one recording.

    Args:
        files: the content of each file, by name.
        notes: what the format cannot express, a sentence for each.
    """

    files: Mapping[str, bytes]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class SentRequest:
    """The request of an exchange, with an absolute URL.

    Args:
        method, url, headers, body: as sent.
        is_assumed: whether the recording lacks the request, so that the response shows it.
    """

    method: str
    url: str
    headers: Pairs
    body: bytes
    is_assumed: bool = False


def find_request(exchange: Exchange) -> SentRequest:
    """Return the request of an exchange; without one, a POST to the endpoint of the response."""
    request = exchange.about.get("request")
    if not isinstance(request, Mapping):
        return SentRequest("POST", find_url(exchange), (), b"", True)
    headers = tuple((str(name), str(value)) for name, value in request.get("headers") or ())
    method = str(request.get("method", "POST")).upper()
    return SentRequest(method, find_url(exchange), headers, encode_content(request))


def note_assumed_requests(exchanges: Sequence[Exchange]) -> tuple[str, ...]:
    """Return a note about each exchange without a request."""
    return tuple(
        f"exchange {number} has no request; a POST to its endpoint stands for it"
        for number, exchange in enumerate(exchanges, 1)
        if find_request(exchange).is_assumed
    )


def find_url(exchange: Exchange) -> str:
    """Return the absolute URL of an exchange's request.

    A recording proxy writes the path that it was sent, and the upstream completes it. Of a path
    alone, and of one after a placeholder, nobody knows the host: it gets OpenAI's.
    """
    request = exchange.about.get("request") or {}
    url = str(request.get("url") or detect_path(exchange.script))
    if "://" in url:
        return url
    path, query = split_url(url)
    query = query and f"?{query}"
    with suppress(ServerError):
        upstream = Upstream(str((exchange.about.get("recorded") or {}).get("upstream")))
        origin = f"{urlsplit(upstream.url).scheme}://{upstream.authority}"
        return f"{origin}{upstream.target(path + query)}"
    place = locate(path)
    return f"https://api.openai.com{place.path if place.lacks_v1 else path}{query}"


def encode_response(exchange: Exchange) -> bytes:
    """Return the body of the response as it was sent. Raises ExportProblem."""
    if exchange.script.raw:
        raise ExportProblem("it contains HTTP's own bytes, which only a stream file can express")
    try:
        return sse.body(exchange.script.steps)
    except ValueError as error:
        raise ExportProblem(str(error)) from None


def decode_response(exchange: Exchange) -> tuple[bytes, Pairs]:
    """Return the body without content coding, and the headers that then describe it.

    A body that cannot be decoded stays as it is. Raises ExportProblem.
    """
    body, headers = encode_response(exchange), exchange.script.head.headers
    codings = [value.strip().lower() for name, value in headers if _is(name, "content-encoding")]
    coding = ", ".join(codings)
    if coding in ("", "identity") or not is_readable(coding):
        return body, headers
    try:
        plain = decode_body(coding, body)
    except Withheld:
        return body, headers
    if plain.endswith(body):  # not in this coding
        return body, headers
    dropped = ("content-encoding", "content-length")
    return plain, tuple(pair for pair in headers if not _is(pair[0], *dropped))


def _is(name: str, *names: str) -> bool:
    return name.lower() in names


def group_headers(headers: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    """Return the values of each header, in the order in which the names first occur."""
    groups: dict[str, list[str]] = {}
    for name, value in headers:
        groups.setdefault(name, []).append(value)
    return groups


_PHRASES: dict[int, str] = {one.value: one.phrase for one in HTTPStatus}


def get_phrase(status: int) -> str:
    """Return the reason phrase of an HTTP status; empty if it has none."""
    return _PHRASES.get(status, "")


def add_number(stem: str, number: int) -> str:
    """Return the name of the exchange with this number in its file, as an import names it."""
    return stem if number == 1 else f"{stem}-{number}"
