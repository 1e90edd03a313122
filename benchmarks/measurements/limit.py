"""The C programs: the server that is the limit, and the load for every server.

The limit sends a recorded response of `serve`, with each event in a separate HTTP chunk.
"""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from itertools import accumulate
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

from measurements.processes import LOAD_CORE, Process, pin_to, start_server

__all__ = [
    "BODY",
    "EVENTS",
    "GAP",
    "Limit",
    "Recording",
    "Times",
    "build_limit",
    "frame_events",
    "list_due_times",
    "read_session",
    "read_response",
]

SOURCES = Path(__file__).parents[1] / "limit"
PIECES = 198
EVENTS = PIECES + 3  # the role before them, the finish reason and [DONE] after
GAP = 0.02  # seconds between the events of a paced stream

BODY = json.dumps(
    {"model": "gpt-4o", "stream": True, "messages": [{"role": "user", "content": "Hi"}]}
).encode()
REQUEST = (
    b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer sk-test\r\n"
    b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (len(BODY), BODY)
)

HANDSHAKE = (
    b"GET /v1/responses HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n"
    b"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)
SWITCHING = (
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"
)
CREATE = b'{"type":"response.create","model":"gpt-4o","input":"Hi"}'
LAST = b'{"type":"response.completed"'


class Recording(NamedTuple):
    """A recorded response: its head, and its body without the chunked framing."""

    head: bytes
    body: bytes


class Times(NamedTuple):
    """Percentiles and maximum, in milliseconds."""

    p50: float
    p99: float
    max: float


def read_response(port: int) -> Recording:
    """Send one request to a server, and return its response."""
    response = b""
    with socket.create_connection(("127.0.0.1", port), timeout=60) as client:
        client.sendall(REQUEST)
        while not response.endswith(b"\r\n0\r\n\r\n"):
            block = client.recv(65536)
            assert block, response[:500]
            response += block
    head, _, chunks = response.partition(b"\r\n\r\n")
    body = b""
    while chunks:
        size, _, rest = chunks.partition(b"\r\n")
        body += rest[: int(size, 16)]
        chunks = rest[int(size, 16) + 2 :]
    return Recording(head + b"\r\n\r\n", body)


def frame_events(recording: Recording) -> list[bytes]:
    """Return the response on the wire, split after each event, with a chunk for each event."""
    events = [event + b"\n\n" for event in recording.body.split(b"\n\n")[:-1]]
    chunks = [b"%x\r\n%s\r\n" % (len(event), event) for event in events]
    return [recording.head + chunks[0], *chunks[1:-1], chunks[-1] + b"0\r\n\r\n"]


def list_due_times(events: int, gap: float) -> list[float]:
    """Return when `Pace(itl=gap)` sends each event, in seconds after the first.

    The role is sent with the first piece, and [DONE] with the finish reason.
    """
    return [gap * max(0, min(n, events - 2) - 1) for n in range(events)]


def mask_frame(payload: bytes) -> bytes:
    """Return a short text frame of a client, with the mask 0 (RFC 6455 §5.3)."""
    return bytes([0x81, 0x80 | len(payload)]) + bytes(4) + payload


def read_session(port: int) -> list[bytes]:
    """Open a WebSocket, ask for a response, and return the frames that the server sends."""
    data = bytearray()
    with socket.create_connection(("127.0.0.1", port), timeout=60) as client:
        client.sendall(HANDSHAKE)
        while (head := data.find(b"\r\n\r\n")) < 0:
            data += client.recv(65536)
        assert data.startswith(b"HTTP/1.1 101"), bytes(data)
        del data[: head + 4]
        client.sendall(mask_frame(CREATE))
        frames: list[bytes] = []
        while not frames or LAST not in frames[-1]:
            while (size := measure_frame(data)) is None:
                block = client.recv(65536)
                assert block, frames[-1]
                data += block
            frames.append(bytes(data[:size]))
            del data[:size]
    return frames


def measure_frame(data: bytes | bytearray) -> int | None:
    """Return the length of the frame at the beginning; None if it is incomplete."""
    if len(data) < 2:
        return None
    size, start = data[1], 2
    if size > 125:
        start = 4 if size == 126 else 10
        size = int.from_bytes(data[2:start], "big")
    return start + size if len(data) >= start + size else None


class Limit:
    """The compiled programs, in a folder with their input files."""

    def __init__(self, folder: Path, recording: Recording) -> None:
        self.folder = folder
        self.body = recording.body
        self._frames = frame_events(recording)
        self.events = len(self._frames)
        (folder / "request").write_bytes(REQUEST)
        (folder / "response").write_bytes(b"".join(self._frames))

    @contextmanager
    def serve_frames(self, frames: Sequence[bytes], due: Sequence[float]) -> Iterator[Process]:
        """Run the server that opens each WebSocket and sends these frames when they are due."""
        ends = accumulate([len(SWITCHING) + len(frames[0]), *map(len, frames[1:])])
        (self.folder / "frames").write_bytes(SWITCHING + b"".join(frames))
        schedule = self.folder / "frame-schedule"
        lines = [f"{end} {at * 1e6:.0f}\n" for end, at in zip(ends, due, strict=True)]
        schedule.write_text("".join(lines))
        with start_server(
            [self.folder / "server", "paced", self.folder / "frames", schedule]
        ) as process:
            yield process

    @contextmanager
    def serve(self, mode: str, gap: float = 0.0) -> Iterator[Process]:
        """Run the server in a mode: ``stream``, ``event`` or ``paced``; ``gap`` is in seconds."""
        dues, end, lines = list_due_times(self.events, gap), 0, []
        for frame, due in zip(self._frames, dues, strict=True):
            end += len(frame)
            lines.append(f"{end} {due * 1e6:.0f}\n")
        schedule = self.folder / f"schedule-{gap}"
        schedule.write_text("".join(lines))
        with start_server(
            [self.folder / "server", mode, self.folder / "response", schedule]
        ) as process:
            yield process

    def measure_throughput(self, port: int, connections: int, seconds: float) -> dict[str, Any]:
        """Send each request as soon as the previous answer is complete."""
        return self._load("throughput", port, connections, seconds)

    def measure_paced(
        self, port: int, streams: int, due: list[float], spread: float, limit: float
    ) -> dict[str, Any]:
        """Read paced streams; ``late`` holds the delays of their events."""
        schedule = self.folder / "due"
        schedule.write_text("".join(f"{seconds * 1e6:.0f}\n" for seconds in due))
        return self._load("paced", port, streams, schedule, spread, limit)

    def measure_websockets(
        self, port: int, sessions: int, due: Sequence[float], spread: float, limit: float
    ) -> dict[str, Any]:
        """Read a paced response over each of many WebSockets, as `measure_paced` does."""
        schedule = self.folder / "message-due"
        schedule.write_text("".join(f"{seconds * 1e6:.0f}\n" for seconds in due))
        (self.folder / "handshake").write_bytes(HANDSHAKE)
        (self.folder / "message").write_bytes(mask_frame(CREATE))
        more = sessions, schedule, spread, limit, self.folder / "message"
        command = [self.folder / "load", "websocket", port, self.folder / "handshake", *more]
        return self._run(command)

    def measure_burst(self, port: int, requests: int, limit: float = 60) -> dict[str, Any]:
        """Send many requests at once."""
        return self._load("burst", port, requests, limit)

    @contextmanager
    def hold(self, port: int, streams: int, limit: float = 120) -> Iterator[dict[str, Any]]:
        """Hold streams open in this context; the dictionary is filled afterwards."""
        result: dict[str, Any] = {}
        command = self._command("held", port, streams, limit)
        pipe = subprocess.PIPE
        with pin_to(LOAD_CORE):
            process = subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True)
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "held\n"
            yield result
            result.update(json.loads(process.communicate()[0]))
        finally:
            process.kill()
            process.communicate()

    def _command(self, mode: str, port: int, connections: int, *more: object) -> list[str]:
        command = [self.folder / "load", mode, port, self.folder / "request", connections, *more]
        return [str(argument) for argument in command]

    def _load(self, mode: str, port: int, connections: int, *more: object) -> dict[str, Any]:
        return self._run(self._command(mode, port, connections, *more))

    def _run(self, command: Sequence[object]) -> dict[str, Any]:
        with pin_to(LOAD_CORE):
            completed_process = subprocess.run(
                list(map(str, command)), stdout=subprocess.PIPE, check=True
            )
        result: dict[str, Any] = json.loads(completed_process.stdout)
        for name in ("whole", "first_bytes", "late"):
            if name in result:
                result[name] = Times(**result[name])
        return result


@contextmanager
def build_limit(recording: Recording) -> Iterator[Limit]:
    """Compile the programs in a folder that is removed afterwards."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        for program in ("server", "load"):
            source = SOURCES / f"{program}.c"
            subprocess.run(
                [find_compiler(), "-O2", "-std=gnu99", "-o", folder / program, source], check=True
            )
        yield Limit(folder, recording)


@cache
def find_compiler() -> str:
    """Return the C compiler. Raises FileNotFoundError if there is none, or not on Linux."""
    compiler = shutil.which("cc")
    if compiler is None or sys.platform != "linux":
        raise FileNotFoundError("the limit and the load are C programs: they need Linux and `cc`")
    return compiler
