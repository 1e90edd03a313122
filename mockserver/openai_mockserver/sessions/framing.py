r"""Messages as WebSocket frames, for those that no library sends (RFC 6455 §5).

Rules of this file: pure functions. A server's frames are not masked (§5.1).

>>> encode_frame(TEXT, b"Hi")
b'\x81\x02Hi'
"""

from __future__ import annotations

from collections.abc import Callable

from openai_mockserver.script import Framing, SocketClose, SocketEvent

__all__ = ["BINARY", "TEXT", "encode_close", "encode_event", "encode_frame"]

CONTINUATION, TEXT, BINARY, CLOSE = 0x0, 0x1, 0x2, 0x8

_FIN = 0x80


def encode_frame(opcode: int, payload: bytes, fin: bool = True) -> bytes:
    """Return a frame (§5.2).

    Args:
        opcode: its opcode.
        payload: its payload.
        fin: whether it is the last frame of its message.
    """
    size = len(payload)
    if size < 126:
        length = size.to_bytes(1, "big")
    elif size < 1 << 16:
        length = b"\x7e" + size.to_bytes(2, "big")
    else:
        length = b"\x7f" + size.to_bytes(8, "big")
    return bytes([(_FIN if fin else 0) | opcode]) + length + payload


def encode_close(step: SocketClose) -> bytes:
    """Return a close frame (§5.5.1)."""
    return encode_frame(CLOSE, step.code.to_bytes(2, "big") + step.reason.encode())


def encode_event(event: SocketEvent) -> bytes:
    """Return the frames of a message."""
    return _ENCODERS[event.framing](event.data.encode(), event.size)


def _encode_fragments(data: bytes, count: int) -> bytes:
    """Return a message in this many frames (§5.4), the last of which may be empty."""
    step = -(-len(data) // count)
    parts = [data[i * step : (i + 1) * step] for i in range(count)]
    return b"".join(
        encode_frame(CONTINUATION if i else TEXT, part, fin=i == count - 1)
        for i, part in enumerate(parts)
    )


_ENCODERS: dict[Framing, Callable[[bytes, int], bytes]] = {
    "fragments": _encode_fragments,
    "binary": lambda data, size: encode_frame(BINARY, data),
    "invalid UTF-8": lambda data, size: encode_frame(TEXT, b"\xff" + data),
    "padding": lambda data, size: encode_frame(TEXT, data.ljust(size)),
}
