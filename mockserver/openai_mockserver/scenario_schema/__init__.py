"""The JSON Schema of scenario files, which is also in `scenario.schema.json` beside this file."""

from __future__ import annotations

from openai_mockserver.scenario_schema.schema import build_schema

__all__ = ["build_schema"]
