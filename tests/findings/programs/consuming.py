"""What the Python programs share: a line of JSON in for each stream, a line with its outcome out.

Rules of this file: only the standard library. A program says how its client asks and accumulates;
what is told of it is what `tests/findings/judge.py` calls an outcome.
"""

from __future__ import annotations

import asyncio
import inspect
import json
import os
import sys
from collections.abc import Awaitable, Callable
from typing import Any

BASE_URL = os.environ["OPENAI_BASE_URL"]
API_KEY = os.environ["OPENAI_API_KEY"]
PATIENCE = float(os.environ["PATIENCE"])  # seconds of silence that a client bears
MODEL = "gpt-4o-mini"
PROMPT = "Go on."

Asked = dict[str, Any]
Told = dict[str, Any]


def functions(asked: Asked) -> list[dict[str, Any]]:
    """The tools to offer, which take any object."""
    parameters = {"type": "object", "properties": {}, "additionalProperties": True}
    return [
        {"type": "function", "function": {"name": name, "parameters": parameters}}
        for name in asked["tools"]
    ]


def run(consume: Callable[[Asked, Told], Awaitable[None] | None]) -> None:
    """Consume stream after stream, until there is no more line.

    Args:
        consume: makes one request and fills in what the client makes of the answer, as it comes:
            an exception leaves standing what was told before it.
    """
    # Clients print what they like, which is not ours to read.
    out, sys.stdout = sys.stdout, sys.stderr
    print("{}", file=out, flush=True)
    with asyncio.Runner() as loop:
        for line in sys.stdin:
            told: Told = {}
            try:
                consuming = consume(json.loads(line), told)
                if inspect.isawaitable(consuming):
                    loop.run(consuming)
                told["error"] = None
            except Exception as error:
                told["error"] = {"type": type(error).__name__, "message": str(error)}
            print(json.dumps(told), file=out, flush=True)
