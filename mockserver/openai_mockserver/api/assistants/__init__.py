"""``/v1/threads``: threads keep messages, and runs answer them as the rules say."""

from __future__ import annotations

from openai_mockserver.api.assistants import runs, threads

__all__ = ["ANSWERS"]

ANSWERS = {**threads.ANSWERS, **runs.ANSWERS}
"""The endpoints of threads, messages and runs."""
