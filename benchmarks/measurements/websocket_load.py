"""The load of the table about WebSockets: sessions in one process, each with one response.

`python websocket_load.py PORT SESSIONS GAP SPREAD` prints the delay of each event as JSON: against
the first piece of its response and the gap. Frames are only counted and timed, not decoded.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
from collections.abc import Callable
from typing import cast

HANDSHAKE = (
    b"GET /v1/responses HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n"
    b"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)
CREATE = b'{"type":"response.create","model":"gpt-4o","input":"Hi"}'
FIRST_PIECE = 4  # created, in_progress, output_item.added and content_part.added come before it
LAST = b'{"type":"response.completed"'


def mask(payload: bytes) -> bytes:
    """Return a client's text frame with the mask 0 (RFC 6455 §5.3)."""
    return bytes([0x81, 0x80 | len(payload)]) + bytes(4) + payload


class Session(asyncio.Protocol):
    """One connection."""

    def __init__(self, on_end: Callable[[], None]) -> None:
        self._on_end = on_end
        self._buffer = bytearray()
        self._is_open = False
        self.times: list[float] = []
        self.asked = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)  # uvloop's is no subclass of it
        self._now = asyncio.get_running_loop().time
        self.transport.write(HANDSHAKE)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        if not self._is_open:
            end = self._buffer.find(b"\r\n\r\n")
            if end < 0:
                return
            assert self._buffer.startswith(b"HTTP/1.1 101"), bytes(self._buffer[:200])
            del self._buffer[: end + 4]
            self._is_open = True
            self.asked = self._now()
            self.transport.write(mask(CREATE))
        now, at = self._now(), 0
        while (end := self._find_end(at)) is not None:
            self.times.append(now)
            is_last = self._buffer.find(LAST, at, at + 40) >= 0
            at = end
            if is_last:
                self._on_end()
        del self._buffer[:at]

    def _find_end(self, at: int) -> int | None:
        """Return where the frame ends that begins at an index; None if it is not there yet."""
        if len(self._buffer) < at + 2:
            return None
        size, start = self._buffer[at + 1], at + 2
        if size > 125:
            width = 2 if size == 126 else 8
            if len(self._buffer) < start + width:
                return None
            size = int.from_bytes(self._buffer[start : start + width], "big")
            start += width
        return start + size if len(self._buffer) >= start + size else None


async def run(port: int, count: int, gap: float, spread: float) -> None:
    loop = asyncio.get_running_loop()
    left, has_ended = count, asyncio.Event()

    def note_end() -> None:
        nonlocal left
        left -= 1
        if not left:
            has_ended.set()

    sessions = []
    for number in range(count):
        _, session = await loop.create_connection(lambda: Session(note_end), "127.0.0.1", port)
        sessions.append(session)
        await asyncio.sleep(spread / count if number else 0)
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(60):
            await has_ended.wait()
    late = [
        (at - session.times[FIRST_PIECE] - n * gap) * 1000
        for session in sessions
        for n, at in enumerate(session.times[FIRST_PIECE:-4])
    ]
    events = sum(len(session.times) for session in sessions)
    print(json.dumps({"late": late, "events": events, "ended": count - left}))


if __name__ == "__main__":
    arguments = sys.argv[1:]
    try:
        import uvloop
    except ImportError:
        runner = asyncio.Runner()
    else:
        runner = asyncio.Runner(loop_factory=uvloop.new_event_loop)
    with runner:
        runner.run(
            run(int(arguments[0]), int(arguments[1]), float(arguments[2]), float(arguments[3]))
        )
