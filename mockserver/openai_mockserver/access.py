"""Access control: which requests to admit, by the host they name and the page that sends them.

Rules of this file: no I/O. Every web page that is open in a browser on this machine can send
requests to a loopback server. Two headers tell where such a request comes from:

* ``Origin`` is the address of the page. A foreign page may send a plain POST without a preflight,
  so the request itself must be refused, not only the preflight.
* ``Host`` is the server's name as the page sees it. A page of ``evil.example`` whose name DNS
  suddenly resolves to 127.0.0.1 (DNS rebinding) has the same origin as the server, but its ``Host``
  is still ``evil.example``.

A client that is not a browser names a loopback host or the server's own address, and no origin.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from openai_mockserver.exceptions import MockServerError
from openai_mockserver.sensitive import spell_controls

if TYPE_CHECKING:
    from ipaddress import IPv4Address, IPv6Address

__all__ = [
    "ANY",
    "Access",
    "cors_headers",
    "is_loopback",
    "is_preflight",
    "is_wildcard",
    "preflight_headers",
    "with_cors",
]

ANY = "*"
"""Admits every host or every origin."""

Headers = Sequence[tuple[str, str]]

_HOST = r"(?P<name>\[[0-9a-f:.]+\]|[^\s\[\]:/?#@,*]+)(?::(?P<port>\d*))?"
_HOST_HEADER = re.compile(_HOST, re.IGNORECASE)
_ORIGIN = re.compile(rf"(?P<scheme>[a-z][a-z0-9+.-]*)://{_HOST}", re.IGNORECASE)
_REFERER = re.compile(rf"({_ORIGIN.pattern})(?:[/?#]|$)", re.IGNORECASE)
_DEFAULT_PORTS = {"http": "80", "https": "443"}
_PREFLIGHT_AGE = 600  # seconds for which a browser may cache a preflight
_MOST_SHOWN = 100  # maximum characters of a header in a message


@dataclass(frozen=True)
class Access:
    """Which hosts and origins to admit, besides those of this machine.

    Args:
        hosts: names or addresses that a request's ``Host`` may have, without a port;
            ``*.example.com`` admits every name below that one, ``*`` admits any.
        origins: origins of pages that may send requests, for example ``https://app.example.com``;
            ``null`` is a page without an address, such as a file; ``*`` admits any.
        own: the address that the server listens on.
        relays: whether requests are forwarded to an upstream; ``*`` is then refused as an origin.

    Raises MockServerError for an invalid host or origin.

    >>> access = Access(hosts=["mock.internal"])
    >>> access.find_refusal("GET", [("Host", "mock.internal:8000")]) is None
    True
    >>> access.find_refusal("GET", [("Host", "evil.example")])[:39]
    "the host 'evil.example' is not allowed:"
    """

    hosts: Sequence[str] = ()
    origins: Sequence[str] = ()
    own: str = "127.0.0.1"
    relays: bool = False

    def __post_init__(self) -> None:
        for name, values in (("allow_hosts", self.hosts), ("allow_origins", self.origins)):
            if isinstance(values, str):
                raise MockServerError(f"{name} must be a list: {name}=[{values!r}]")
        object.__setattr__(self, "hosts", tuple(map(_read_allowed_host, self.hosts)))
        object.__setattr__(self, "origins", tuple(map(_read_allowed_origin, self.origins)))
        if self.relays and ANY in self.origins:
            raise MockServerError(
                "allow_origins='*' is not allowed with an upstream, because any web page could "
                "send requests to it: name the origins"
            )

    def find_refusal(self, method: str, headers: Headers, address: str | None = None) -> str | None:
        """Return a sentence about why a request is refused; None if it is admitted.

        Args:
            method: the method of the request.
            headers: the headers of the request.
            address: the server's address that the client has connected to.
        """
        hosts = [value for name, value in headers if name.lower() == "host" and value]
        for host in hosts:
            if not self._allows_host(host, address):
                shortened = _shorten(host)
                name = spell_controls(_shorten(_parse_host(host) or host))
                return (
                    f"the host {shortened!r} is not allowed: allow it with --allow-host {name} "
                    f"or allow_hosts=[{name!r}]"
                )
        origin = _find_origin(method, headers, self.relays)
        if origin is None or self._allows_origin(origin, hosts):
            return None
        page = "a page without an origin" if origin == "null" else f"a page of {origin}"
        page = spell_controls(_shorten(page))
        if self.relays:
            return f"{page} is not allowed to send requests to the upstream"
        shortened = _shorten(origin)
        return (
            f"{page} is not allowed: allow it with --allow-origin {spell_controls(shortened)} "
            f"or allow_origins=[{shortened!r}]"
        )

    def _allows_host(self, value: str, address: str | None) -> bool:
        name = _parse_host(value)
        if ANY in self.hosts:
            return True
        if name is None:
            return False
        allowed_hosts = (
            self.own.lower().rstrip("."),
            *((address,) if address else ()),
            *self.hosts,
        )
        return is_loopback(name) or any(_matches_host(name, pattern) for pattern in allowed_hosts)

    def _allows_origin(self, origin: str, hosts: Sequence[str]) -> bool:
        if ANY in self.origins or _normalize_origin(origin) in self.origins:
            return True
        match = _ORIGIN.fullmatch(origin)
        if match is None:
            return False
        is_http = match["scheme"].lower() in _DEFAULT_PORTS
        same = origin.partition("://")[2].lower() in [host.lower() for host in hosts]
        return is_http and (same or is_loopback(match["name"].lower().rstrip(".").strip("[]")))


def cors_headers(headers: Headers) -> tuple[tuple[str, str], ...]:
    """Return the response headers that let the requesting page read the response.

    Clients other than web pages send no ``Origin``, and need none.

    >>> cors_headers([("Origin", "http://localhost:3000")])
    (('access-control-allow-origin', 'http://localhost:3000'), ('vary', 'Origin'))
    """
    origin = _find_header(headers, "origin")
    if origin is None:
        return ()
    return (("access-control-allow-origin", origin), ("vary", "Origin"))


def is_preflight(method: str, headers: Headers) -> bool:
    """Whether this is a browser's preflight request."""
    has_method = _find_header(headers, "access-control-request-method") is not None
    return method == "OPTIONS" and has_method and _find_header(headers, "origin") is not None


def preflight_headers(headers: Headers) -> tuple[tuple[str, str], ...]:
    """Return the headers of the answer to a preflight, which allow by name what it asks for.

    ``*`` is not enough, because it does not include ``Authorization``.
    """
    pattern = [*cors_headers(headers), ("access-control-max-age", str(_PREFLIGHT_AGE))]
    for request_header, answer in (
        ("access-control-request-method", "access-control-allow-methods"),
        ("access-control-request-headers", "access-control-allow-headers"),
        ("access-control-request-private-network", "access-control-allow-private-network"),
    ):
        value = _find_header(headers, request_header)
        if value is not None:
            pattern.append((answer, value))
            pattern.append(("vary", request_header))
    return tuple(pattern)


def with_cors(headers: Headers, cors: Headers) -> tuple[tuple[str, str], ...]:
    """Return the headers with ``cors`` in place of those with the same names; ``Vary`` is added."""
    replaced_names = {name.lower() for name, _ in cors} - {"vary"}
    other_headers = [(name, value) for name, value in headers if name.lower() not in replaced_names]
    return (*other_headers, *cors)


@lru_cache(maxsize=64)
def is_loopback(name: str) -> bool:
    """Whether a host's name or address always means this machine, whatever DNS says.

    >>> [is_loopback(name) for name in ("localhost", "127.0.0.5", "::1", "localhost.example")]
    [True, True, True, False]
    """
    if name == "localhost" or name.endswith(".localhost"):  # RFC 6761 §6.3
        return True
    address = _read_address(name)
    return address is not None and address.is_loopback


def is_wildcard(host: str) -> bool:
    """Whether a server that listens on ``host`` listens on every address of its machine."""
    address = _read_address(host)
    return address is not None and address.is_unspecified


@lru_cache(maxsize=64)
def _read_address(name: str) -> IPv4Address | IPv6Address | None:
    import ipaddress  # not needed by a mock without connections

    try:
        address = ipaddress.ip_address(name.strip("[]"))
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def _matches_host(name: str, pattern: str) -> bool:
    if pattern.startswith("*."):
        return name.endswith(pattern[1:])
    address = _read_address(name)
    return name == pattern or (address is not None and address == _read_address(pattern))


@lru_cache(maxsize=64)
def _parse_host(host: str) -> str | None:
    """Return the name in a ``Host`` header; None if the header is invalid."""
    match = _HOST_HEADER.fullmatch(host)
    return match["name"].lower().rstrip(".").strip("[]") if match else None


def _find_origin(method: str, headers: Headers, relays: bool) -> str | None:
    """Return the origin of the page that sends a request; None if it is no foreign page."""
    origin = _find_header(headers, "origin")
    if origin is not None:
        return origin
    # Requests for images and scripts have no Origin, but another header marks them as foreign.
    if _find_header(headers, "sec-fetch-site") not in ("cross-site", "same-site"):
        return None
    navigation = ("navigate", "document")
    is_link = (
        _find_header(headers, "sec-fetch-mode"),
        _find_header(headers, "sec-fetch-dest"),
    ) == navigation
    if is_link and method == "GET" and not relays:
        return None  # the user follows a link, whose page cannot see the response
    match = _REFERER.match(_find_header(headers, "referer") or "")
    return match[1] if match else "null"


def _find_header(headers: Headers, name: str) -> str | None:
    return next((value for key, value in headers if key.lower() == name), None)


def _normalize_origin(origin: str) -> str:
    match = _ORIGIN.fullmatch(origin)
    if match is None:
        return origin
    scheme, name, port = match["scheme"].lower(), match["name"].lower(), match["port"]
    default = not port or port == _DEFAULT_PORTS.get(scheme)
    return f"{scheme}://{name}{'' if default else f':{port}'}"


def _read_allowed_host(host: str) -> str:
    if host == ANY:
        return host
    name = host.removeprefix("*.") if isinstance(host, str) else ""
    is_name = ":" not in name and _HOST_HEADER.fullmatch(name) is not None
    if not is_name and _read_address(name) is None:
        raise MockServerError(
            "an allowed host must be a name or an address without scheme and port, for example "
            f"mock.internal, not {host!r}"
        )
    return host.lower().rstrip(".").strip("[]")


def _read_allowed_origin(origin: str) -> str:
    if origin in (ANY, "null"):
        return origin
    match = _ORIGIN.fullmatch(origin.removesuffix("/")) if isinstance(origin, str) else None
    if match is None:
        raise MockServerError(
            "an allowed origin must be a scheme and a host, for example https://app.example.com, "
            f"not {origin!r}"
        )
    return _normalize_origin(match[0])


def _shorten(text: str) -> str:
    return text if len(text) <= _MOST_SHOWN else f"{text[: _MOST_SHOWN - 1]}…"
