"""Hypothesis strategies: streams nobody wrote, each with its right answer.

Rules of this folder: what is drawn is a few strings of bytes, which `reply_bytes`, `variations`,
`splits` and `failures` turn into replies, streams and faults; zeros make the shortest and plainest
of them, so that Hypothesis shrinks towards these. What is drawn is a value whose `repr` is code.
"""

from __future__ import annotations

from openai_mockserver.exceptions import MissingDependency

try:
    import hypothesis as _hypothesis
except ImportError:
    raise MissingDependency("this needs the hypothesis package: pip install hypothesis") from None

from openai_mockserver.strategies.agent import AgentMachine
from openai_mockserver.strategies.conversation import Conversation, Turn
from openai_mockserver.strategies.strategy import (
    api_errors,
    conversations,
    faulty,
    partitions,
    replies,
    scripts,
    streams,
    tool_calls,
)

__all__ = [
    "AgentMachine",
    "Conversation",
    "Turn",
    "api_errors",
    "conversations",
    "faulty",
    "partitions",
    "replies",
    "scripts",
    "streams",
    "tool_calls",
]

assert _hypothesis
