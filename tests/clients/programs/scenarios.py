"""What the Python programs share: the scenarios, and one line of JSON on each for the tests.

Rules of this file: only the standard library. A program says how its client streams a prompt's
text, calls the tool, tells its usage, and answers in a structure; what is asked is decided here.
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
    """Do all scenarios with one client, and print what came of each.

    Args:
        stream: a prompt's answer, as the pieces of text that the client gives; made by a generator
            that ends the client's stream where it is closed.
        asks: ``tool``, ``usage`` and ``structured``, as far as the client has them.
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
            gc.disable()  # who leaves it to the collector shall be seen to
            try:
                return {"pieces": read("early_break", 3), "again": read("again")}
            finally:
                gc.enable()

        def attempt(prompt: str) -> dict[str, Any]:
            try:
                return {"pieces": read(prompt)}
            except Exception as error:  # whichever the client has: the test knows its name
                return {"raised": type(error).__name__, "message": str(error)}

        _tell("text", lambda: {"pieces": read("text")})
        for name in asks:
            _tell(name, lambda name=name: ask(name))
        _tell("early_break", early_break)
        _tell("busy", lambda: attempt("busy"))
        _tell("refused", lambda: attempt("refused"))


def _read(pieces: Iterator[str], most: int | None) -> list[str]:
    """The pieces that say something, at most so many of them; then the stream is closed."""
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


def _tell(scenario: str, do: Callable[[], dict[str, Any]]) -> None:
    try:
        result = do()
    except Exception:
        result = {"failed": traceback.format_exc()}
    print(json.dumps({"scenario": scenario} | result), flush=True)
