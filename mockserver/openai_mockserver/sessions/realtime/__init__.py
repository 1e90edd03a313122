"""Sessions of the Realtime API: `session` explains how they work."""

from openai_mockserver.sessions.realtime.session import RealtimeSession

__all__ = ["RealtimeSession"]
