"""Endpoints that an application registers itself, over the API.

Rules of this file: nothing is sent to a host that nobody has given to the mock. The URL of a
registered endpoint is what the application believes to be its address in production; events go
there only if it is this machine, or the host of an endpoint of `Webhooks.to`.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from urllib.parse import urlsplit

from openai_mockserver.api.announcer import REGISTERED
from openai_mockserver.api.store import Store
from openai_mockserver.exceptions import MockServerError
from openai_mockserver.webhooks.sender import Endpoint, Webhooks

__all__ = ["RegisteredEndpoints"]


class RegisteredEndpoints:
    """The registered endpoints of a mock, by their ids.

    Args:
        webhooks: sends to those that may receive something.
        store: if it is shared, holds what other processes must know of them.
    """

    def __init__(self, webhooks: Webhooks, store: Store) -> None:
        self._webhooks, self._store = webhooks, store
        self._endpoints: dict[str, Endpoint] = {}

    def refresh(self) -> None:
        """Learn of the endpoints that other processes with the same store have changed."""
        if not self._store.is_shared:
            return
        records = {record["id"]: record for record in self._store.all(REGISTERED)}
        for id in tuple(self._endpoints):
            if id not in records:
                self._forget(id)
        for id, record in records.items():
            endpoint = self._endpoints.get(id)
            if endpoint is None or endpoint.name != record["url"]:
                if endpoint is not None:
                    self._forget(id)
                endpoint = self._endpoints[id] = self._make(record["url"], record["types"])
            endpoint.types = tuple(record["types"])
            endpoint._set_secrets(record["secrets"])

    def _publish(self, id: str) -> None:
        """Tell the other processes of an endpoint."""
        if self._store.is_shared:
            endpoint = self._endpoints[id]
            record = {"id": id, "url": endpoint.name, "types": list(endpoint.types or ())}
            self._store.put(REGISTERED, id, record | {"secrets": endpoint._list_secrets()})

    def has(self, id: str) -> bool:
        """Whether it has an endpoint with this id."""
        self.refresh()
        return id in self._endpoints

    def add(self, id: str, url: str, types: Sequence[str]) -> str:
        """Add an endpoint, and return its secret. Raises MockServerError for an invalid URL."""
        endpoint = self._make(url, types)
        self._endpoints[id] = endpoint
        self._publish(id)
        return endpoint.secret

    def change(self, id: str, url: str, types: Sequence[str]) -> None:
        """Change an endpoint; its secrets stay. Raises MockServerError for an invalid URL."""
        endpoint = self._endpoints[id]
        if url != endpoint.name:
            other = self._make(url, types)
            self._forget(id)
            other._take_secrets(endpoint)
            self._endpoints[id] = other
        self._endpoints[id].types = tuple(types)
        self._publish(id)

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
        self._forget(id)
        self._store.drop(REGISTERED, id)

    def _forget(self, id: str) -> None:
        endpoint = self._endpoints.pop(id)
        if endpoint in self._webhooks.endpoints:
            self._webhooks.remove(endpoint)

    def clear(self) -> None:
        """Remove all endpoints."""
        for id in tuple(self._endpoints):
            self._forget(id)

    def rotate_secret(self, id: str, keep_old: bool) -> str:
        """Replace the secret of an endpoint, and return the new one."""
        secret = self._endpoints[id].rotate_secret(keep_old=keep_old)
        self._publish(id)
        return secret

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
