"""Messages between a supervisor and its workers, over a pair of sockets.

Rules of this file: a message is MessagePack after its length, four bytes, the most significant
first. Nothing of it is on disk, so that no secret in a request is.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator

import msgspec.msgpack
from msgspec import Struct

__all__ = [
    "Answer",
    "Answers",
    "Ask",
    "Begin",
    "Command",
    "Decoder",
    "Do",
    "Done",
    "Message",
    "Ready",
    "encode",
    "read_messages",
    "send",
]


class Command(Struct, frozen=True):
    """A request to the control API.

    Args:
        method, path, query, headers, content: the request.
        is_change: whether it changes something, so that a worker that is started later needs it.
        key: identifies who follows the calls; empty for all other requests.
    """

    method: str
    path: str
    query: str = ""
    headers: list[tuple[str, str]] = []
    content: bytes = b""
    is_change: bool = False
    key: str = ""


class Answer(Struct, frozen=True):
    """A worker's answer to a command."""

    status: int
    headers: list[tuple[str, str]] = []
    body: bytes = b""


class Begin(Struct, frozen=True, tag=True):
    """To a worker: accept clients now."""


class Ready(Struct, frozen=True, tag=True):
    """From a worker: it accepts clients."""


class Ask(Struct, frozen=True, tag=True):
    """From a worker: all workers shall carry out a command."""

    number: int
    command: Command


class Do(Struct, frozen=True, tag=True):
    """To a worker: carry out a command."""

    number: int
    command: Command


class Done(Struct, frozen=True, tag=True):
    """From a worker: its answer to a command."""

    number: int
    answer: Answer


class Answers(Struct, frozen=True, tag=True):
    """To the worker that has asked: the answers by the slots of the workers."""

    number: int
    answers: dict[int, Answer]


Message = Begin | Ready | Ask | Do | Done | Answers

_WIDTH = 4
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Message).decode


def encode(message: Message) -> bytes:
    """Return a message as bytes, with its length.

    >>> Decoder().feed(encode(Ready()) + encode(Begin())[:5])
    [Ready()]
    """
    body = _encode(message)
    return len(body).to_bytes(_WIDTH, "big") + body


class Decoder:
    """Turns bytes, split anywhere, into messages."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> list[Message]:
        """Return the messages that these bytes complete."""
        buffer, messages = self._buffer, []
        buffer += data
        while len(buffer) >= _WIDTH:
            end = _WIDTH + int.from_bytes(buffer[:_WIDTH], "big")
            if len(buffer) < end:
                break
            messages.append(_decode(buffer[_WIDTH:end]))
            del buffer[:end]
        return messages


def read_messages(connection: socket.socket) -> Iterator[Message]:
    """Yield what arrives over a connection until its end."""
    decoder = Decoder()
    while True:
        try:
            data = connection.recv(1 << 16)
        except OSError:
            return
        if not data:
            return
        yield from decoder.feed(data)


def send(connection: socket.socket, lock: threading.Lock, message: Message) -> None:
    """Send a message; does nothing if the other side is gone, which the reader notices."""
    data = encode(message)
    with lock:
        try:
            connection.sendall(data)
        except OSError:
            return
