"""Events that are due at the same time share a write, unless coalescing is off."""

from __future__ import annotations

import json
import socket
import sys
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from openai_mockserver import MockOpenAI, Reply
from openai_mockserver.timeline import encode_chunk

REPLY = Reply(["word "] * 100)
BODY = json.dumps(
    {"model": "gpt-4o", "stream": True, "messages": [{"role": "user", "content": "Hi"}]}
).encode()
REQUEST = (
    b"POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer k\r\n"
    b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (len(BODY), BODY)
)


def connect(mock: MockOpenAI) -> socket.socket:
    url = urlsplit(mock.base_url)
    return socket.create_connection((url.hostname, url.port))


def count_writes() -> int:
    """Return the number of write system calls of this process (proc_pid_io(5))."""
    counts = dict(line.split(": ") for line in Path("/proc/self/io").read_text().splitlines())
    return int(counts["syscw"])


def ask(client: socket.socket) -> tuple[bytes, int]:
    """Return the bytes of a response, and how many writes it took."""
    before = count_writes()
    client.sendall(REQUEST)
    data = b""
    while not data.endswith(b"\r\n0\r\n\r\n"):
        data += client.recv(65536)
    return data, count_writes() - before


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux counts writes")
def test_each_event_is_a_separate_write_without_coalescing() -> None:
    with MockOpenAI(coalesce=False) as alone, MockOpenAI() as together:
        for mock in (alone, together):
            mock.reply(REPLY)
        with connect(alone) as client:
            first, again, compiled_write = ask(client), ask(client), ask(client)
        with connect(together) as client:
            ask(client)
            joined_write = ask(client)
    events = first[0].count(b"data: ")
    assert events == 103
    for data, writes in (first, again, compiled_write):
        assert len(data) == len(joined_write[0])
        assert data.count(b"data: ") == events
        assert writes >= events
    assert joined_write[1] < events


def test_a_client_that_reads_slowly_gets_every_byte() -> None:
    reply = Reply(["long " * 2000] * 300)  # 3 MB: more than a socket buffers
    with MockOpenAI(coalesce=False) as mock:
        mock.reply(reply)
        for _ in range(3):  # rendered, compiled, and replayed
            with connect(mock) as client:
                client.sendall(REQUEST)
                data = b""
                while not data.endswith(encode_chunk(b"data: [DONE]\n\n") + b"0\r\n\r\n"):
                    data += client.recv(4096)
            assert data.count(b"long ") == 300 * 2000
