"""Which requests are let in: by the host that they name, and by the page that they come from.

Rules of this file: no I/O. Every web page that is open in a browser on this machine can send
requests to a loopback server. A browser says where they come from, in two ways:

* ``Origin`` names the page's own address. A foreign page may send a plain POST without asking, so
  the request itself is refused, and not only the preflight.
* ``Host`` names the server as the page sees it. A page of ``evil.example`` whose name DNS suddenly
  resolves to 127.0.0.1 (DNS rebinding) is of the same origin as the server, but its ``Host`` is
  still ``evil.example``.

What comes from no browser names a loopback host or the server's own address, and no origin.
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
"""Lets every host or every origin in."""

Headers = Sequence[tuple[str, str]]

_HOST = r"(?P<name>\[[0-9a-f:.]+\]|[^\s\[\]:/?#@,*]+)(?::(?P<port>\d*))?"
_HOST_HEADER = re.compile(_HOST, re.IGNORECASE)
_ORIGIN = re.compile(rf"(?P<scheme>[a-z][a-z0-9+.-]*)://{_HOST}", re.IGNORECASE)
_REFERER = re.compile(rf"({_ORIGIN.pattern})(?:[/?#]|$)", re.IGNORECASE)
_DEFAULT_PORTS = {"http": "80", "https": "443"}
_PREFLIGHT_AGE = 600  # seconds for which a browser need not ask again
_SHOWN = 100  # characters of a header that a sentence shows


@dataclass(frozen=True)
class Access:
    """Which hosts and origins are let in, beside those of this machine.

    Args:
        hosts: names or addresses that a request's ``Host`` may have, without port;
            ``*.example.com`` is every name below that one, ``*`` is any.
        origins: pages that may ask, as in ``https://app.example.com``; ``null`` is a page
            without an address, such as a file; ``*`` is any.
        own: the address that the server listens on.
        relays: whether requests go on to an upstream: then not every origin can be let in.

    Raises MockServerError for what is no host or no origin.

    >>> access = Access(hosts=["mock.internal"])
    >>> access.refusal("GET", [("Host", "mock.internal:8000")]) is None
    True
    >>> access.refusal("GET", [("Host", "evil.example")])[:38]
    "the host 'evil.example' is not let in;"
    """

    hosts: Sequence[str] = ()
    origins: Sequence[str] = ()
    own: str = "127.0.0.1"
    relays: bool = False

    def __post_init__(self) -> None:
        for name, values in (("allow_hosts", self.hosts), ("allow_origins", self.origins)):
            if isinstance(values, str):
                raise MockServerError(f"{name} is a list, as in {name}=[{values!r}]")
        object.__setattr__(self, "hosts", tuple(map(_read_allowed_host, self.hosts)))
        object.__setattr__(self, "origins", tuple(map(_read_allowed_origin, self.origins)))
        if self.relays and ANY in self.origins:
            raise MockServerError(
                "with an upstream not every origin can be let in, or any web page could send "
                "requests there: name the origins"
            )

    def refusal(self, method: str, headers: Headers, address: str | None = None) -> str | None:
        """Why a request is not let in, as a sentence; None if it is.

        Args:
            method: the request's.
            headers: the request's.
            address: the server's own, to which the client has connected.
        """
        hosts = [value for name, value in headers if name.lower() == "host" and value]
        for host in hosts:
            if not self._lets_host_in(host, address):
                shown = _shorten(host)
                name = spell_controls(_shorten(_name_of(host) or host))
                return (
                    f"the host {shown!r} is not let in; allow it with --allow-host {name} "
                    f"or allow_hosts=[{name!r}]"
                )
        origin = _origin_of(method, headers, self.relays)
        if origin is None or self._lets_origin_in(origin, hosts):
            return None
        page = "a page that does not say its origin" if origin == "null" else f"a page of {origin}"
        page = spell_controls(_shorten(page))
        if self.relays:
            return f"{page} is not let in: it would send requests to the upstream"
        shown = _shorten(origin)
        return (
            f"{page} is not let in; allow it with --allow-origin {spell_controls(shown)} "
            f"or allow_origins=[{shown!r}]"
        )

    def _lets_host_in(self, value: str, address: str | None) -> bool:
        name = _name_of(value)
        if ANY in self.hosts:
            return True
        if name is None:
            return False
        known = (self.own.lower().rstrip("."), *((address,) if address else ()), *self.hosts)
        return is_loopback(name) or any(_is_of(name, allowed) for allowed in known)

    def _lets_origin_in(self, origin: str, hosts: Sequence[str]) -> bool:
        if ANY in self.origins or _normalize_origin(origin) in self.origins:
            return True
        found = _ORIGIN.fullmatch(origin)
        if found is None:
            return False
        own = found["scheme"].lower() in _DEFAULT_PORTS
        same = origin.partition("://")[2].lower() in [host.lower() for host in hosts]
        return own and (same or is_loopback(found["name"].lower().rstrip(".").strip("[]")))


def cors_headers(headers: Headers) -> tuple[tuple[str, str], ...]:
    """What an answer says so that the page that asked may read it; nothing to other clients.

    >>> cors_headers([("Origin", "http://localhost:3000")])
    (('access-control-allow-origin', 'http://localhost:3000'), ('vary', 'Origin'))
    """
    origin = _find(headers, "origin")
    if origin is None:
        return ()
    return (("access-control-allow-origin", origin), ("vary", "Origin"))


def is_preflight(method: str, headers: Headers) -> bool:
    """Whether a browser asks what a page may send, before it sends it."""
    asks = _find(headers, "access-control-request-method") is not None
    return method == "OPTIONS" and asks and _find(headers, "origin") is not None


def preflight_headers(headers: Headers) -> tuple[tuple[str, str], ...]:
    """The answer to a preflight: what was asked for is allowed, by name.

    ``*`` would not do: it does not stand for ``Authorization``.
    """
    allowed = [*cors_headers(headers), ("access-control-max-age", str(_PREFLIGHT_AGE))]
    for asked, answer in (
        ("access-control-request-method", "access-control-allow-methods"),
        ("access-control-request-headers", "access-control-allow-headers"),
        ("access-control-request-private-network", "access-control-allow-private-network"),
    ):
        value = _find(headers, asked)
        if value is not None:
            allowed.append((answer, value))
            allowed.append(("vary", asked))
    return tuple(allowed)


def with_cors(headers: Headers, cors: Headers) -> tuple[tuple[str, str], ...]:
    """An answer's headers with these instead of its own of the same names, ``Vary`` beside them."""
    replaced = {name.lower() for name, _ in cors} - {"vary"}
    kept = [(name, value) for name, value in headers if name.lower() not in replaced]
    return (*kept, *cors)


@lru_cache(maxsize=64)
def is_loopback(name: str) -> bool:
    """Whether a host's name or address is this machine's own, whatever DNS says.

    >>> [is_loopback(name) for name in ("localhost", "127.0.0.5", "::1", "localhost.example")]
    [True, True, True, False]
    """
    if name == "localhost" or name.endswith(".localhost"):  # RFC 6761 §6.3
        return True
    address = _read_address(name)
    return address is not None and address.is_loopback


def is_wildcard(host: str) -> bool:
    """Whether a server that listens there listens on every address of its machine."""
    address = _read_address(host)
    return address is not None and address.is_unspecified


@lru_cache(maxsize=64)
def _read_address(name: str) -> IPv4Address | IPv6Address | None:
    import ipaddress  # a mock that nobody connects to does without

    try:
        address = ipaddress.ip_address(name.strip("[]"))
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def _is_of(name: str, allowed: str) -> bool:
    if allowed.startswith("*."):
        return name.endswith(allowed[1:])
    address = _read_address(name)
    return name == allowed or (address is not None and address == _read_address(allowed))


@lru_cache(maxsize=64)
def _name_of(host: str) -> str | None:
    """The name in a ``Host`` header; None where it holds none."""
    found = _HOST_HEADER.fullmatch(host)
    return found["name"].lower().rstrip(".").strip("[]") if found else None


def _origin_of(method: str, headers: Headers, relays: bool) -> str | None:
    """The origin of the page that sends a request; None if no other site's page does."""
    origin = _find(headers, "origin")
    if origin is not None:
        return origin
    # An image or a script is asked for without an origin, but a browser says that it is foreign.
    if _find(headers, "sec-fetch-site") not in ("cross-site", "same-site"):
        return None
    opens = ("navigate", "document")
    is_link = (_find(headers, "sec-fetch-mode"), _find(headers, "sec-fetch-dest")) == opens
    if is_link and method == "GET" and not relays:
        return None  # the user follows a link to here: the page that has it sees nothing
    found = _REFERER.match(_find(headers, "referer") or "")
    return found[1] if found else "null"


def _find(headers: Headers, name: str) -> str | None:
    return next((value for key, value in headers if key.lower() == name), None)


def _normalize_origin(origin: str) -> str:
    found = _ORIGIN.fullmatch(origin)
    if found is None:
        return origin
    scheme, name, port = found["scheme"].lower(), found["name"].lower(), found["port"]
    default = not port or port == _DEFAULT_PORTS.get(scheme)
    return f"{scheme}://{name}{'' if default else f':{port}'}"


def _read_allowed_host(host: str) -> str:
    if host == ANY:
        return host
    name = host.removeprefix("*.") if isinstance(host, str) else ""
    is_name = ":" not in name and _HOST_HEADER.fullmatch(name) is not None
    if not is_name and _read_address(name) is None:
        raise MockServerError(
            f"a host that is let in is a name or an address without scheme and port, as in "
            f"mock.internal, not {host!r}"
        )
    return host.lower().rstrip(".").strip("[]")


def _read_allowed_origin(origin: str) -> str:
    if origin in (ANY, "null"):
        return origin
    found = _ORIGIN.fullmatch(origin.removesuffix("/")) if isinstance(origin, str) else None
    if found is None:
        raise MockServerError(
            f"an origin is a scheme and a host, as in https://app.example.com, not {origin!r}"
        )
    return _normalize_origin(found[0])


def _shorten(text: str) -> str:
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1]}…"
