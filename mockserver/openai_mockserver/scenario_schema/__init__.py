"""Makes the JSON Schema of scenario files, which is in `scenario/scenario.schema.json`."""

from __future__ import annotations

from openai_mockserver.scenario_schema.schema import build_schema

__all__ = ["build_schema"]
