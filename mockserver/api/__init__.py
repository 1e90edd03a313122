"""OpenAI's endpoints. Each module renders a reply to its bytes and reads them back."""

from __future__ import annotations

from mockserver.api import chat, stored
from mockserver.api.endpoint import Asked, Endpoint, Routes

__all__ = ["ENDPOINTS", "Asked", "Endpoint"]

ENDPOINTS = Routes([*chat.ENDPOINTS, *stored.ENDPOINTS])
"""The endpoints by path and method."""
