"""Endpoints that an application registers itself, over the API.

Rules of this file: nothing is sent to a host that nobody has given to the mock. The URL of a
registered endpoint is what the application believes to be its address in production; events go
there only if it is this machine, or the host of an endpoint of `Webhooks.to`.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from urllib.parse import urlsplit

from openai_mockserver.exceptions import MockServerError
from openai_mockserver.webhooks.sender import Endpoint, Webhooks

__all__ = ["RegisteredEndpoints"]


class RegisteredEndpoints:
    """The registered endpoints of a mock, by their ids.

    Args:
        webhooks: sends to those that may receive something.
    """

    def __init__(self, webhooks: Webhooks) -> None:
        self._webhooks = webhooks
        self._endpoints: dict[str, Endpoint] = {}

    def has(self, id: str) -> bool:
        """Whether it has an endpoint with this id."""
        return id in self._endpoints

    def add(self, id: str, url: str, types: Sequence[str]) -> str:
        """Add an endpoint, and return its secret. Raises MockServerError for an invalid URL."""
        endpoint = self._make(url, types)
        self._endpoints[id] = endpoint
        return endpoint.secret

    def change(self, id: str, url: str, types: Sequence[str]) -> None:
        """Change an endpoint; its secrets stay. Raises MockServerError for an invalid URL."""
        endpoint = self._endpoints[id]
        if url != endpoint.name:
            other = self._make(url, types)
            self.remove(id)
            other._take_secrets(endpoint)
            self._endpoints[id] = other
        self._endpoints[id].types = tuple(types)

    def _make(self, url: str, types: Sequence[str]) -> Endpoint:
        """Make an endpoint, which receives events if its host is known."""
        if not url.startswith(("http://", "https://")):
            raise MockServerError(f"The webhook URL {url!r:.200} must begin with https://.")
        if self._may_receive(url):
            return self._webhooks.to(url, secret=self._webhooks._make_secret(), types=types)
        endpoint = self._webhooks._make_endpoint(lambda request: None, types=types)
        endpoint.name = url
        return endpoint

    def remove(self, id: str) -> None:
        """Remove an endpoint."""
        endpoint = self._endpoints.pop(id)
        if endpoint in self._webhooks.endpoints:
            self._webhooks.remove(endpoint)

    def clear(self) -> None:
        """Remove all endpoints."""
        for id in tuple(self._endpoints):
            self.remove(id)

    def rotate_secret(self, id: str, keep_old: bool) -> str:
        """Replace the secret of an endpoint, and return the new one."""
        return self._endpoints[id].rotate_secret(keep_old=keep_old)

    def test(self, id: str, type: str) -> int:
        """Send an event to an endpoint once, and return the status of its answer."""
        endpoint = self._endpoints[id]
        if endpoint not in self._webhooks.endpoints:
            raise MockServerError(
                f"openai-mockserver sends nothing to {endpoint.name}, because its host is not this "
                "machine: give it to webhooks.to() or --webhook first"
            )
        attempt = self._webhooks._send_once(type, endpoint).attempts[0]
        if attempt.status is None:
            raise MockServerError(f"The webhook endpoint did not answer: {attempt.error}.")
        return attempt.status

    def _may_receive(self, url: str) -> bool:
        try:
            host = urlsplit(url).hostname or ""
        except ValueError:
            return False
        hosts = {urlsplit(one.name).hostname for one in self._webhooks.endpoints}
        return host in hosts or _is_this_machine(host)


def _is_this_machine(host: str) -> bool:
    """Whether a host is this machine, without looking it up.

    >>> _is_this_machine("localhost"), _is_this_machine("127.0.0.2"), _is_this_machine("127.1.io")
    (True, True, False)
    """
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
