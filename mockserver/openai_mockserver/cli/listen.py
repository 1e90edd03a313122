"""``openai-mockserver listen``.

The command adds a receiver to a running server, over its control API, and removes it at the end.
The server itself sends the events there, signs them and tries again; the command shows what came of
it.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from contextlib import suppress
from types import FrameType
from typing import TYPE_CHECKING

import click

from openai_mockserver.cli.webhooks import describe_attempt
from openai_mockserver.exceptions import MockServerError

if TYPE_CHECKING:
    from openai_mockserver.mock.remote_jobs import RemoteDelivery, RemoteWebhooks

__all__ = ["listen"]

_INTERVAL = 0.2  # seconds between two looks at what the server has sent


@click.command()
@click.option(
    "--forward-to", required=True, metavar="URL", help="The receiver, as the server reaches it."
)
@click.option(
    "--events",
    metavar="TYPES",
    help="The types of events, separated by commas, such as response.completed,batch.completed.  "
    "[default: all]",
)
@click.option(
    "--url",
    default="http://127.0.0.1:8000",
    show_default=True,
    metavar="URL",
    help="The server's address, with or without /v1; also that of a sandbox.",
)
@click.option("--control-token", metavar="TOKEN", help="The token of the server's control API.")
@click.option(
    "--secret",
    envvar="OPENAI_WEBHOOK_SECRET",
    show_envvar=True,
    metavar="SECRET",
    help="The signing secret.  [default: a new one, which is printed]",
)
def listen(
    forward_to: str, events: str | None, url: str, control_token: str | None, secret: str | None
) -> None:
    """Send the webhooks of a running server to an application, until Ctrl-C.

    The server must be able to reach the application. Prints the secret that signs the events, and
    a line for each attempt to deliver one.
    """
    from random import SystemRandom

    from openai_mockserver.mock.remote import connect
    from openai_mockserver.webhooks.signing import make_secret

    mock = connect(url, token=control_token)
    new_secret = None if secret else make_secret(SystemRandom())
    types = None if events is None else [one.strip() for one in events.split(",") if one.strip()]
    begin = max((one.number for one in mock.webhooks.deliveries), default=0)
    endpoint = mock.webhooks.to(forward_to, secret=secret or new_secret, types=types)
    is_over = threading.Event()

    def end(number: int, frame: FrameType | None) -> None:
        is_over.set()

    earlier = {one: signal.signal(one, end) for one in (signal.SIGINT, signal.SIGTERM)}
    try:
        if new_secret is not None:
            click.echo(f"  export OPENAI_WEBHOOK_SECRET={new_secret}")
        click.echo(f"Webhooks of {url} go to {forward_to} (Ctrl-C stops them)")
        show = _Display(mock.webhooks, forward_to, begin)
        while not is_over.wait(_INTERVAL):
            show.update(click.echo)
        show.update(click.echo)
    finally:
        for one, handler in earlier.items():
            signal.signal(one, handler)
        with suppress(MockServerError):  # a reset has removed it, or the server is gone
            mock.webhooks.remove(endpoint)


class _Display:
    """Shows each attempt once.

    Args:
        webhooks: the webhooks of the server.
        url: the receiver; events to others are not shown.
        after: the number of the last delivery that is not shown.
    """

    def __init__(self, webhooks: RemoteWebhooks, url: str, after: int) -> None:
        self._webhooks = webhooks
        self._url = url
        self._after = after
        self._shown: dict[int, int] = {}  # how many attempts, by the number of the delivery

    def update(self, write: Callable[[str], object]) -> None:
        """Write a line for each new attempt."""
        deliveries = self._webhooks.list(self._after)
        for delivery in deliveries:
            if delivery.endpoint == self._url:
                self._show(delivery, write)
        for delivery in deliveries:  # what has ended need not be read again
            if delivery.state == "pending":
                break
            self._after = delivery.number
            self._shown.pop(delivery.number, None)

    def _show(self, delivery: RemoteDelivery, write: Callable[[str], object]) -> None:
        number = delivery.number
        for count in range(self._shown.get(number, 0) + 1, len(delivery.attempts) + 1):
            write(describe_attempt(delivery, count))
            self._shown[number] = count
