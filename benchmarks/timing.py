"""Measures the delay of events in many paced streams: 200 at once, with an event every 20 ms.

A client in another process reads them with one thread and epoll, and records when each event
arrives after the first of its stream. Goal: p99 of the delay at most 2 ms when the machine is
otherwise idle, and no drift.
"""

from __future__ import annotations

import json
import select
import socket
import subprocess
import sys
import time
from statistics import quantiles

STREAMS, EVENTS, ITL = 200, 100, 0.02
BODY = json.dumps(
    {"model": "m", "stream": True, "messages": [{"role": "user", "content": "Hi"}]}
).encode()
HEAD = b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n"
REQUEST = HEAD % len(BODY) + BODY


def read_streams(port: int) -> None:
    """Read all streams; print the delay of each event, in milliseconds, as JSON."""
    poll = select.epoll()
    event_times: list[list[float]] = []  # by stream
    streams: dict[int, tuple[socket.socket, list[float]]] = {}
    for _ in range(STREAMS):
        connection = socket.create_connection(("127.0.0.1", port))
        connection.sendall(REQUEST)
        streams[connection.fileno()] = (connection, [])
        poll.register(connection, select.EPOLLIN)
    while streams:
        for fileno, _ in poll.poll():
            connection, times = streams[fileno]
            now = time.perf_counter()
            data = connection.recv(65536)
            times += [now] * data.count(b"\n\n\r\n")
            if b"\r\n0\r\n\r\n" in data or not data:
                poll.unregister(connection)
                connection.close()
                event_times.append(streams.pop(fileno)[1])
    delays: list[list[float]] = []
    for times in event_times:
        # The role chunk and the first token arrive together; then one event per interval.
        paced_times = times[1 : EVENTS - 1]
        delays.append([(at - paced_times[0] - n * ITL) * 1000 for n, at in enumerate(paced_times)])
    print(json.dumps(delays))


def main() -> None:
    from openai_mockserver import MockOpenAI, Pace, Reply

    with MockOpenAI() as mock:
        mock.reply(Reply(["word "] * (EVENTS - 3)), pace=Pace(ttft=0.2, itl=ITL))
        port = mock.base_url.split(":")[2].split("/")[0]
        result = subprocess.run(
            [sys.executable, __file__, port], stdout=subprocess.PIPE, text=True, check=True
        )
        journal_delays = [delay * 1000 for call in mock.calls for delay in call.lateness]
    per_stream = json.loads(result.stdout)
    client_delays = [delay for stream in per_stream for delay in stream]
    cuts = quantiles(client_delays, n=100)
    drift = sum(stream[-1] - stream[len(stream) // 2] for stream in per_stream) / len(per_stream)
    journal_cuts = quantiles(journal_delays, n=100)
    print(f"{STREAMS} streams, {EVENTS} events {ITL * 1000:.0f} ms apart, ms late at the client:")
    print(f"p50 {cuts[49]:.2f}  p95 {cuts[94]:.2f}  p99 {cuts[98]:.2f} (goal 2)")
    print(f"drift from the middle to the end: {drift:.2f} (goal 0)")
    print(
        f"in the journal, from the request: p50 {journal_cuts[49]:.2f}  p99 {journal_cuts[98]:.2f}"
    )


if __name__ == "__main__":
    if len(sys.argv) > 1:
        read_streams(int(sys.argv[1]))
    else:
        main()
