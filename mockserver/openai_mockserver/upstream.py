"""The upstream of a proxy: where requests go that nothing here answers.

Rules of this file: no I/O. A request's target goes on byte for byte, so it is never decoded here.
"""

from __future__ import annotations

import urllib.parse
from dataclasses import dataclass

from openai_mockserver.exceptions import ServerError

__all__ = ["Upstream"]


@dataclass(frozen=True)
class Upstream:
    """Where requests go.

    Args:
        url: its base, as in ``https://api.openai.com/v1``; our ``/v1`` stands for its path.

    Raises ServerError for what is no such URL.
    """

    url: str

    def __post_init__(self) -> None:
        if not isinstance(self.url, str) or not self.url.startswith(("http://", "https://")):
            raise ServerError(f"an upstream is a URL with http:// or https://, not {self.url!r}")
        if "@" in self.url.partition("://")[2].partition("/")[0]:
            # It would stand in every recording.
            raise ServerError("an upstream's URL holds no credentials: requests bring their own")
        wrong = _find_fault(self.url)
        if wrong is not None:
            raise ServerError(f"the upstream {self.url!r} is no base URL: {wrong}")

    @property
    def authority(self) -> str:
        """Its host and port, as a request names them."""
        return _to_ascii(urllib.parse.urlsplit(self.url).netloc)

    def target(self, target: str) -> str:
        """The target of a request there.

        Args:
            target: that of the request here: the path as it came, and the query.

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


def _find_fault(url: str) -> str | None:
    """What is wrong with a base URL; None if nothing is."""
    for character in url:
        if ord(character) <= 0x20 or ord(character) == 0x7F:
            return f"it holds {character!r}"
    if "?" in url or "#" in url:
        return "it has a query or a fragment; requests bring their own"
    try:
        parsed = urllib.parse.urlsplit(url)
        host = parsed.hostname
    except ValueError:
        return "its host is no name and no address"
    if not host or not _is_host(host, parsed.netloc.startswith("[")):
        return "its host is no name and no address"
    try:
        port = parsed.port
    except ValueError:
        port = 0
    if port == 0:
        return "its port is no number from 1 to 65535"
    if not parsed.path.isascii():
        return "its path has to be percent-encoded"
    return None


def _is_host(host: str, bracketed: bool) -> bool:
    import ipaddress  # only a proxy needs it

    try:
        if bracketed:
            ipaddress.IPv6Address(host)
        else:
            _to_ascii(host)
    except ValueError:
        return False
    return True


def _to_ascii(name: str) -> str:
    """A host as DNS knows it (RFC 3490). Raises UnicodeError for what is none."""
    return name.encode("idna").decode("ascii")
