"""Webhooks: events that the mock sends to an application, signed as OpenAI signs them."""

from openai_mockserver.webhooks.event_types import EVENT_TYPES
from openai_mockserver.webhooks.message import WebhookRequest

__all__ = ["EVENT_TYPES", "WebhookRequest"]
