"""How an application reads webhooks: with the SDK's client."""

from __future__ import annotations

import functools
from typing import Any

import pytest

from openai_mockserver.webhooks import WebhookRequest


@functools.cache
def make_client() -> Any:
    """Return a client, which takes a tenth of a second to make."""
    return pytest.importorskip("openai").OpenAI(api_key="any")


def unwrap(request: WebhookRequest, secret: str) -> Any:
    """Return the event of a request, whose signature is checked."""
    return make_client().webhooks.unwrap(request.body, dict(request.headers), secret=secret)
