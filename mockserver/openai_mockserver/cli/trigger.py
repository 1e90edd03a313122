"""``openai-mockserver trigger``."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from openai_mockserver.exceptions import MockServerError

if TYPE_CHECKING:
    from openai_mockserver.webhooks import Attempt

__all__ = ["trigger"]


@click.command()
@click.argument("type", required=False)
@click.option("--to", "url", metavar="URL", help="The receiver's URL.")
@click.option(
    "--secret",
    envvar="OPENAI_WEBHOOK_SECRET",
    show_envvar=True,
    metavar="SECRET",
    help="The signing secret, which the receiver must know.",
)
@click.option(
    "--data",
    metavar="JSON",
    help="The event's data; by default that of an object which does not exist.",
)
@click.option(
    "--timeout",
    default=15.0,
    show_default=True,
    type=click.FloatRange(0, min_open=True),
    help="Seconds to wait for the answer.",
)
def trigger(
    type: str | None, url: str | None, secret: str | None, data: str | None, timeout: float
) -> None:
    """Send a webhook of this TYPE once, for example response.completed.

    Exits with 1 unless the receiver answers with 2xx. Without TYPE, lists the types.
    """
    from openai_mockserver.webhooks import EVENT_TYPES, Webhooks

    if type is None:
        click.echo("\n".join(EVENT_TYPES))
        return
    if url is None:
        raise click.UsageError("--to=URL says where the webhook goes")
    if not secret:
        raise click.UsageError("--secret=SECRET or OPENAI_WEBHOOK_SECRET says how to sign it")
    webhooks = Webhooks()
    webhooks.to(url, secret=secret, timeout=timeout)
    (delivery,) = webhooks.send(type, _read_data(data))
    (attempt,) = delivery.attempts
    if delivery.state != "delivered":
        raise MockServerError(f"{url} has not accepted {type}: {_describe(attempt)}")
    click.echo(f"{url} has accepted {type} with status {attempt.status}")


def _read_data(text: str | None) -> dict[str, Any] | None:
    """Return the data of an event, which must be a JSON object."""
    if text is None:
        return None
    try:
        data = json.loads(text)
    except ValueError as error:
        raise click.UsageError(f"--data is not JSON: {error}") from None
    if not isinstance(data, dict):
        raise click.UsageError('--data must be a JSON object, such as {"id": "resp_123"}')
    return data


def _describe(attempt: Attempt) -> str:
    return attempt.error or f"it answered with status {attempt.status}"
