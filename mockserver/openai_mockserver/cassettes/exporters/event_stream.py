"""The body of an event stream, in a file for each exchange."""

from __future__ import annotations

from collections.abc import Sequence

from openai_mockserver.cassettes.exporters.recording import (
    Export,
    add_number,
    decode_response,
)
from openai_mockserver.cassettes.stream_file import Exchange

__all__ = ["select_streams", "write_event_streams"]


def write_event_streams(exchanges: Sequence[Exchange], stem: str) -> Export:
    """Write the bodies of the event streams."""
    streams, notes = select_streams(exchanges)
    files = {
        f"{add_number(stem, number)}.sse": decode_response(exchange)[0]
        for number, exchange in streams
    }
    return Export(files, notes)


def select_streams(
    exchanges: Sequence[Exchange],
) -> tuple[list[tuple[int, Exchange]], tuple[str, ...]]:
    """Return the event streams with their numbers, and a note about each other exchange."""
    streams = [(n, one) for n, one in enumerate(exchanges, 1) if one.script.is_stream]
    others = [n for n, one in enumerate(exchanges, 1) if not one.script.is_stream]
    return streams, tuple(f"exchange {n} is not an event stream, and is left out" for n in others)
