"""The options of ``serve`` about webhooks.

Rules of this file: a secret is never printed, and a URL only without its query, which may have one.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import urlsplit

import click

from openai_mockserver.exceptions import MockServerError

if TYPE_CHECKING:
    from openai_mockserver.mock import MockOpenAI
    from openai_mockserver.mock.remote_jobs import RemoteDelivery
    from openai_mockserver.webhooks import Delivery

__all__ = ["add_endpoints", "describe_attempt", "hide_query", "webhook_options"]

_SECRET_VARIABLE = "OPENAI_WEBHOOK_SECRET"

_Command = TypeVar("_Command", bound=Callable[..., object])


def webhook_options(command: _Command) -> _Command:
    """Decorate a command: add the options ``--webhook`` and ``--webhook-secret``."""
    for option in (
        click.option(
            "--webhook-secret",
            metavar="SECRET",
            help="The secret that signs webhooks.  [default: that in OPENAI_WEBHOOK_SECRET]",
        ),
        click.option(
            "--webhook",
            "webhook_urls",
            multiple=True,
            metavar="URL",
            help="Send a webhook here when a job ends, such as a background response; may be "
            "repeated.",
        ),
    ):
        command = option(command)
    return command


def add_endpoints(
    mock: MockOpenAI,
    urls: Sequence[str],
    secret: str | None,
    report: Callable[[str, str], None] | None,
) -> list[str]:
    """Let a mock send webhooks to these URLs, and return them without their queries.

    Args:
        mock: the mock.
        urls: the URLs.
        secret: signs the webhooks; by default that of the environment.
        report: logs an event, which it gets by its name, with a sentence.

    Raises click.UsageError for a wrong or missing value.
    """
    if not urls:
        if secret is not None:
            raise click.UsageError("--webhook-secret needs --webhook=URL")
        return []
    secret = secret or os.environ.get(_SECRET_VARIABLE)
    if not secret:
        raise click.UsageError(
            f"--webhook needs --webhook-secret=SECRET or {_SECRET_VARIABLE}, to sign with"
        )
    webhooks = mock.webhooks
    try:
        for url in urls:
            webhooks.to(url, secret=secret).is_pinned = True
    except MockServerError as error:
        raise click.UsageError(f"--webhook: {error}") from None
    if report is not None:
        webhooks.on_attempt = lambda delivery: report("webhook", describe_attempt(delivery))
    return [hide_query(url) for url in urls]


def hide_query(url: str) -> str:
    """Return a URL without its query.

    >>> hide_query("https://example.com/hook?key=abc")
    'https://example.com/hook?…'
    """
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}{parts.path}{'?…' if parts.query else ''}"


def describe_attempt(delivery: Delivery | RemoteDelivery, number: int | None = None) -> str:
    """Return a sentence about an attempt of a delivery.

    Args:
        delivery: the delivery.
        number: which attempt, counted from 1; the last by default.
    """
    attempts = delivery.attempts
    attempt = attempts[-1 if number is None else number - 1]
    id = delivery.event["data"].get("id", delivery.event["id"])
    result = attempt.error if attempt.status is None else str(attempt.status)
    is_last = number is None or number == len(attempts)
    again = f", again in {delivery.due - attempt.time:g} s" if is_last and delivery.due else ""
    return f"webhook {delivery.type} of {id} to {hide_query(delivery.endpoint)}: {result}{again}"
