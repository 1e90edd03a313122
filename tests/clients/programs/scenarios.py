"""What the Python programs share: the scenarios, and one line of JSON on each for the tests.

Rules of this file: only the standard library. A program says how its client streams a prompt's text,
calls the tool, tells its usage, and answers in a structure; what is asked of it is decided here.
"""

from __future__ import annotations

import asyncio
import inspect
import json
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

PROMPTS: dict[str, str] = json.loads((Path(__file__).parent / "prompts.json").read_text("utf-8"))
WEATHER = "sunny, 21 degrees"
PIECES_READ = 3

Stream = Callable[[str], Iterator[str] | AsyncIterator[str]]
Ask = Callable[[str], dict[str, Any] | Awaitable[dict[str, Any]]]


def run(stream: Stream, **asks: Ask) -> None:
    """Do all scenarios with one client, and print what came of each.

    Args:
        stream: a prompt's answer, as the pieces of text that the client gives; made by a generator
            that ends the client's stream where it is closed.
        asks: ``tool``, ``usage`` and ``structured``, as far as the client has them.
    """
    asyncio.run(_run(stream, asks))


async def _run(stream: Stream, asks: dict[str, Ask]) -> None:
    async def text() -> dict[str, Any]:
        return {"pieces": await _read(stream(PROMPTS["text"]))}

    async def early_break() -> dict[str, Any]:
        pieces = await _read(stream(PROMPTS["early_break"]), PIECES_READ)
        return {"pieces": pieces, "again": await _read(stream(PROMPTS["again"]))}

    async def attempt(prompt: str) -> dict[str, Any]:
        try:
            return {"pieces": await _read(stream(prompt))}
        except Exception as error:  # whichever the client has: the test knows its name
            return {"raised": type(error).__name__, "message": str(error)}

    await _tell("text", text)
    for name, ask in asks.items():
        await _tell(name, lambda ask=ask, name=name: ask(PROMPTS[name]))  # type: ignore[misc]
    await _tell("early_break", early_break)
    await _tell("busy", lambda: attempt(PROMPTS["busy"]))
    await _tell("refused", lambda: attempt(PROMPTS["refused"]))


async def _read(pieces: Iterator[str] | AsyncIterator[str], most: int | None = None) -> list[str]:
    """The pieces that say something, at most so many of them, and then the stream is closed."""
    read: list[str] = []
    if isinstance(pieces, AsyncIterator):
        async for piece in pieces:
            read += [piece] if piece else []
            if len(read) == most:
                break
        await pieces.aclose()  # type: ignore[attr-defined]
    else:
        for piece in pieces:
            read += [piece] if piece else []
            if len(read) == most:
                break
        pieces.close()  # type: ignore[attr-defined]
    return read


async def _tell(scenario: str, do: Callable[[], Any]) -> None:
    try:
        result = do()
        if inspect.isawaitable(result):
            result = await result
    except Exception:
        result = {"failed": traceback.format_exc()}
    print(json.dumps({"scenario": scenario} | result), flush=True)
