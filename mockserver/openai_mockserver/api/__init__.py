"""OpenAI's endpoints: from a reply to an endpoint's bytes, and back."""

from __future__ import annotations

from openai_mockserver.api.detection import detect_path
from openai_mockserver.api.endpoint import Endpoint, EndpointRequest, Rendered
from openai_mockserver.api.endpoints import ENDPOINTS, read

__all__ = ["ENDPOINTS", "EndpointRequest", "Endpoint", "Rendered", "detect_path", "read"]
