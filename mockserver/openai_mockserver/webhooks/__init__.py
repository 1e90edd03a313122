"""Webhooks: events that the mock sends to an application, signed as OpenAI signs them."""

from openai_mockserver.webhooks.delivery import Attempt, Delivery
from openai_mockserver.webhooks.event_types import EVENT_TYPES
from openai_mockserver.webhooks.faults import (
    WebhookFault,
    duplicate,
    late,
    missing_signature,
    old_signature,
    out_of_order,
    reserialize,
    slow_receiver,
    truncate,
    wrong_signature,
)
from openai_mockserver.webhooks.message import WebhookRequest
from openai_mockserver.webhooks.schedule import RETRY_DELAYS
from openai_mockserver.webhooks.sender import Endpoint, Webhooks

__all__ = [
    "Attempt",
    "Delivery",
    "EVENT_TYPES",
    "Endpoint",
    "RETRY_DELAYS",
    "WebhookFault",
    "WebhookRequest",
    "Webhooks",
    "duplicate",
    "late",
    "missing_signature",
    "old_signature",
    "out_of_order",
    "reserialize",
    "slow_receiver",
    "truncate",
    "wrong_signature",
]
