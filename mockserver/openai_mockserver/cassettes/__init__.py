"""Recorded exchanges in files: stream files, cassettes, redaction and importers."""

from __future__ import annotations

from openai_mockserver.cassettes.stream_file import Exchange, dump, dumps, load, loads

__all__ = ["Exchange", "dump", "dumps", "load", "loads"]
