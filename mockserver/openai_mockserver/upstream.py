"""The upstream of a proxy, which answers requests that nothing here answers.

Rules of this file: no I/O. A request's target is forwarded byte for byte, so never decode it here.
"""

from __future__ import annotations

import urllib.parse
from dataclasses import dataclass

from openai_mockserver.exceptions import ServerError

__all__ = ["Upstream"]


@dataclass(frozen=True)
class Upstream:
    """A server that requests are forwarded to.

    Args:
        url: its base URL, for example ``https://api.openai.com/v1``. The path of the URL replaces
            the leading ``/v1`` of a request's path.

    Raises ServerError for an invalid URL, and for one with credentials.
    """

    url: str

    def __post_init__(self) -> None:
        if not isinstance(self.url, str) or not self.url.startswith(("http://", "https://")):
            raise ServerError(f"an upstream must be an http:// or https:// URL, not {self.url!r}")
        if "@" in self.url.partition("://")[2].partition("/")[0]:
            # Every recording would contain them.
            raise ServerError(
                "an upstream's URL must not contain credentials: each request brings its own"
            )
        problem = _find_problem(self.url)
        if problem is not None:
            raise ServerError(f"the upstream {self.url!r} is not a valid base URL: {problem}")

    @property
    def authority(self) -> str:
        """Its host and port, as in a ``Host`` header."""
        return _to_ascii(urllib.parse.urlsplit(self.url).netloc)

    def target(self, target: str) -> str:
        """Return the request target to send to the upstream.

        Args:
            target: the target of the request here: the undecoded path and the query.

        >>> Upstream("https://openrouter.ai/api/v1").target("/v1/models/a%2Fb?limit=1")
        '/api/v1/models/a%2Fb?limit=1'
        """
        base = urllib.parse.urlsplit(self.url).path.rstrip("/")
        path = target.partition("?")[0]
        if base and (path == "/v1" or path.startswith("/v1/")):
            target = target.removeprefix("/v1")
        if not target.startswith(("/", "?")):
            return target or base or "/"
        return f"{base}{target}" if base or target.startswith("/") else f"/{target}"


def _find_problem(url: str) -> str | None:
    """Return what is wrong with a base URL; None if it is valid."""
    for character in url:
        if ord(character) <= 0x20 or ord(character) == 0x7F:
            return f"it contains {character!r}"
    if "?" in url or "#" in url:
        return "it has a query or a fragment"
    try:
        parts = urllib.parse.urlsplit(url)
        host = parts.hostname
    except ValueError:
        return "its host is neither a name nor an address"
    if not host or not _is_host(host, parts.netloc.startswith("[")):
        return "its host is neither a name nor an address"
    try:
        port = parts.port
    except ValueError:
        port = 0
    if port == 0:
        return "its port is not a number from 1 to 65535"
    if not parts.path.isascii():
        return "its path must be percent-encoded"
    return None


def _is_host(host: str, is_bracketed: bool) -> bool:
    import ipaddress  # only a proxy needs it

    try:
        if is_bracketed:
            ipaddress.IPv6Address(host)
        else:
            _to_ascii(host)
    except ValueError:
        return False
    return True


def _to_ascii(name: str) -> str:
    """Return a host name in ASCII (RFC 3490). Raises UnicodeError if it is invalid."""
    return name.encode("idna").decode("ascii")
