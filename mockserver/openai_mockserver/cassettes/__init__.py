"""Streams in files: the project's own format, and what is read besides."""

from __future__ import annotations

from openai_mockserver.cassettes.stream_file import Exchange, dump, dumps, load, loads

__all__ = ["Exchange", "dump", "dumps", "load", "loads"]
