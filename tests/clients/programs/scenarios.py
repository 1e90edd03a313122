"""The scenarios of the Python programs; each prints one line of JSON for the tests.

Rules of this file: use only the standard library. A program defines how its client streams a text,
calls the tool, reports usage, and answers in a structure. The prompts are chosen here.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import inspect
import json
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

PROMPTS: dict[str, str] = json.loads((Path(__file__).parent / "prompts.json").read_text("utf-8"))
WEATHER = "sunny, 21 degrees"

Stream = Callable[[str], Iterator[str] | AsyncIterator[str]]
Ask = Callable[[str], dict[str, Any] | Awaitable[dict[str, Any]]]


def run(stream: Stream, **asks: Ask) -> None:
    """Run all scenarios with one client, and print the result of each.

    Args:
        stream: a generator function that yields the pieces of the answer to a prompt, and ends
            the client's stream when it is closed.
        asks: ``tool``, ``usage`` and ``structured``, as far as the client supports them.
    """
    with asyncio.Runner() as loop:

        def read(prompt: str, most: int | None = None) -> list[str]:
            pieces = stream(PROMPTS[prompt])
            if isinstance(pieces, AsyncIterator):
                return loop.run(_read_async(pieces, most))
            return _read(pieces, most)

        def ask(name: str) -> dict[str, Any]:
            answer = asks[name](PROMPTS[name])
            return loop.run(answer) if inspect.iscoroutine(answer) else answer

        def early_break() -> dict[str, Any]:
            gc.disable()  # shows clients that leave the stream to the garbage collector
            try:
                return {"pieces": read("early_break", 3), "again": read("again")}
            finally:
                gc.enable()

        def attempt(prompt: str) -> dict[str, Any]:
            try:
                return {"pieces": read(prompt)}
            except Exception as error:  # of any type: the test knows its name
                return {"raised": type(error).__name__, "message": str(error)}

        _report("text", lambda: {"pieces": read("text")})
        for name in asks:
            _report(name, lambda name=name: ask(name))
        _report("early_break", early_break)
        _report("busy", lambda: attempt("busy"))
        _report("refused", lambda: attempt("refused"))


def _read(pieces: Iterator[str], most: int | None) -> list[str]:
    """Return the pieces with text, at most ``most`` of them; then close the stream."""
    read: list[str] = []
    with contextlib.closing(pieces):
        for piece in pieces:
            read += [piece] if piece else []
            if len(read) == most:
                break
    return read


async def _read_async(pieces: AsyncIterator[str], most: int | None) -> list[str]:
    read: list[str] = []
    async with contextlib.aclosing(pieces):
        async for piece in pieces:
            read += [piece] if piece else []
            if len(read) == most:
                break
    return read


def _report(scenario: str, do: Callable[[], dict[str, Any]]) -> None:
    try:
        result = do()
    except Exception:
        result = {"failed": traceback.format_exc()}
    print(json.dumps({"scenario": scenario} | result), flush=True)
