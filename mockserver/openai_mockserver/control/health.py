"""Handlers about the server's health."""

from __future__ import annotations

import math

from openai_mockserver.control.problem import Problem
from openai_mockserver.control.routing import ControlRequest
from openai_mockserver.control.shapes import Health
from openai_mockserver.control.steerable import Steerable
from openai_mockserver.control.version import get_version

__all__ = ["check_readiness", "get_health"]


def get_health(mock: Steerable, request: ControlRequest) -> Health:
    """Return that the server lives."""
    return Health("ok", get_version())


def check_readiness(mock: Steerable, request: ControlRequest) -> Health:
    """Return that requests are answered. Raises Problem while the engine refuses all of them."""
    seconds = mock.starts_in
    if seconds > 0:
        header = ("retry-after", f"{math.ceil(seconds)}")
        detail = f"the engine starts up; it is ready in {seconds:.1f} seconds"
        raise Problem(503, detail, headers=(header,))
    return get_health(mock, request)
