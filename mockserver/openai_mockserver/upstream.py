"""The upstream of a proxy: where requests go that nothing here answers."""

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
    """

    url: str

    def __post_init__(self) -> None:
        parsed = urllib.parse.urlsplit(self.url)
        if parsed.scheme not in ("http", "https") or not parsed.hostname:
            raise ServerError(f"an upstream is a URL with http:// or https://, not {self.url!r}")
        if parsed.username is not None:
            # It would stand in every recording.
            raise ServerError("an upstream's URL holds no credentials: requests bring their own")

    def target(self, path: str, query: str) -> str:
        """The URL of a request."""
        base = self.url.rstrip("/")
        inner = urllib.parse.urlsplit(base).path
        path = path.removeprefix("/v1") if inner else path
        return f"{base}{path}{f'?{query}' if query else ''}"
