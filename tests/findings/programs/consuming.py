"""The loop of the Python programs: a line of JSON in for each stream, a line with its outcome out.

Rules of this file: use only the standard library. A program defines how its client sends a request
and accumulates the answer. An outcome has the fields of `Outcome` in `openai_mockserver.judge`.
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
PATIENCE = float(os.environ["PATIENCE"])  # seconds of silence after which a client gives up
MODEL = "gpt-4o-mini"
PROMPT = "Go on."

Request = dict[str, Any]
Outcome = dict[str, Any]


def functions(request: Request) -> list[dict[str, Any]]:
    """Return the tools to offer, which accept any object."""
    parameters = {"type": "object", "properties": {}, "additionalProperties": True}
    return [
        {"type": "function", "function": {"name": name, "parameters": parameters}}
        for name in request["tools"]
    ]


def run(consume: Callable[[Request, Outcome], Awaitable[None] | None]) -> None:
    """Consume a stream for each line of input.

    Args:
        consume: sends one request, and fills in the outcome while the answer arrives; an exception
            keeps the outcome so far.
    """
    # Keep other output of the client apart.
    out, sys.stdout = sys.stdout, sys.stderr
    print("{}", file=out, flush=True)
    with asyncio.Runner() as loop:
        for line in sys.stdin:
            outcome: Outcome = {}
            try:
                consuming = consume(json.loads(line), outcome)
                if inspect.isawaitable(consuming):
                    loop.run(consuming)
                outcome["error"] = None
            except Exception as error:
                outcome["error"] = {"type": type(error).__name__, "message": str(error)}
            print(json.dumps(outcome), file=out, flush=True)
