"""A receiver of webhooks on a socket, which accepts what the SDK unwraps."""

from __future__ import annotations

import http.server
import queue
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from openai_mockserver.webhooks import WebhookRequest
from sdk_webhooks import make_client, unwrap

__all__ = ["SECRET", "WebhookServer", "receiving"]

SECRET = "whsec_" + "c2VjcmV0" * 6


class WebhookServer(http.server.ThreadingHTTPServer):
    """A receiver, and the events that have arrived."""

    def __init__(self, secret: str) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.secret = secret
        self.events: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self.url = f"http://127.0.0.1:{self.server_port}/webhooks"

    def next(self) -> Any:
        """Return the next event; raises queue.Empty if none comes for too long."""
        return self.events.get(timeout=20)


class _Handler(http.server.BaseHTTPRequestHandler):
    server: WebhookServer

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        try:
            event = unwrap(WebhookRequest(dict(self.headers), body), self.server.secret)
        except Exception:
            self.send_response(400)
        else:
            self.send_response(204)
            self.server.events.put(event)
        self.end_headers()

    def log_message(self, *arguments: object) -> None:
        pass


@contextmanager
def receiving(secret: str = SECRET) -> Iterator[WebhookServer]:
    """Run a receiver."""
    make_client()  # which takes longer than a test waits
    with WebhookServer(secret) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
