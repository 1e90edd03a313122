"""A webhook as data: the event, the message that carries it, and the request of one attempt.

Rules of this file: the body is encoded once, so that each attempt sends and signs the same bytes.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from random import Random
from typing import Any

import msgspec

from openai_mockserver.exceptions import MockServerError
from openai_mockserver.seed import now
from openai_mockserver.webhooks.event_types import EVENT_TYPES, make_id, sample_data
from openai_mockserver.webhooks.signing import sign_with_all

__all__ = ["USER_AGENT", "Message", "WebhookRequest", "make_message", "make_request"]

USER_AGENT = "OpenAI/1.0 (+https://platform.openai.com/docs/webhooks)"


@dataclass(frozen=True, slots=True)
class Message:
    """An event on its way to one receiver.

    Args:
        id: the ``webhook-id``, which is the same in each attempt.
        type: the type of the event.
        event: the event, as decoded JSON.
        body: the event, as it is sent.
    """

    id: str
    type: str
    event: Mapping[str, Any]
    body: bytes


@dataclass(frozen=True, slots=True)
class WebhookRequest:
    """What a receiver gets: an HTTP POST.

    Args:
        headers: the headers, with names in lower case.
        body: the body.
    """

    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The decoded body."""
        return json.loads(self.body)


def make_message(type: str, data: Mapping[str, Any] | None, rng: Random) -> Message:
    """Return a new event, in a message.

    Args:
        type: the type of the event.
        data: the event's data; by default that of an object which does not exist.
        rng: generates the ids, and knows the time.

    Raises MockServerError for an unknown type, and data that is not JSON.
    """
    if type not in EVENT_TYPES:
        similar = get_close_matches(type, EVENT_TYPES, n=1)
        hint = f"; did you mean {similar[0]!r}?" if similar else ""
        raise MockServerError(f"there is no webhook event {type!r}{hint}")
    created = now(rng)
    event = {
        "object": "event",
        "id": make_id("evt", created, rng),
        "type": type,
        "created_at": created,
        "data": sample_data(type, created, rng) if data is None else dict(data),
    }
    try:
        body = msgspec.json.encode(event)
    except (TypeError, ValueError) as error:
        raise MockServerError(f"the data of a webhook event must be JSON: {error}") from None
    return Message(make_id("wh", created, rng), type, json.loads(body), body)


def make_request(message: Message, secrets: Sequence[str], timestamp: int) -> WebhookRequest:
    """Return the request of an attempt.

    Args:
        message: the message.
        secrets: the valid secrets, the newest first.
        timestamp: the time of the attempt, in seconds since the epoch.
    """
    headers = {
        "user-agent": USER_AGENT,
        "content-type": "application/json",
        "webhook-id": message.id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": sign_with_all(secrets, message.id, timestamp, message.body),
    }
    return WebhookRequest(headers, message.body)
