"""Handlers about the server's health."""

from __future__ import annotations

from openai_mockserver.control.routing import ControlRequest
from openai_mockserver.control.shapes import Health
from openai_mockserver.control.steerable import Steerable
from openai_mockserver.control.version import get_version

__all__ = ["get_health"]


def get_health(mock: Steerable, request: ControlRequest) -> Health:
    """Return that the server lives; as soon as it answers, it is ready too."""
    return Health("ok", get_version())
