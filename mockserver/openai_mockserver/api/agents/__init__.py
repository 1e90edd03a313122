"""``/v1/agents/sessions``: sessions of agents, whose turns answer as the rules say."""

from __future__ import annotations

from openai_mockserver.api.agents.sessions import ANSWERS

__all__ = ["ANSWERS"]
