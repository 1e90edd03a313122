"""`openai-mockserver trigger`: one webhook, sent to a receiver that is running."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from click.testing import CliRunner, Result

from openai_mockserver.cli.program import commands
from openai_mockserver.webhooks import EVENT_TYPES, WebhookRequest
from sdk_webhooks import unwrap

SECRET = "whsec_" + "c2VjcmV0" * 6


def trigger(*arguments: str, secret: str | None = SECRET) -> Result:
    return CliRunner().invoke(
        commands, ["trigger", *arguments], env={"OPENAI_WEBHOOK_SECRET": secret}
    )


class Server(http.server.HTTPServer):
    """A receiver that accepts what the SDK unwraps."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.events: list[Any] = []
        self.url = f"http://127.0.0.1:{self.server_port}/webhooks"


class Handler(http.server.BaseHTTPRequestHandler):
    server: Server

    def do_POST(self) -> None:
        pytest.importorskip("openai")
        body = self.rfile.read(int(self.headers["content-length"]))
        try:
            self.server.events.append(unwrap(WebhookRequest(dict(self.headers), body), SECRET))
        except Exception:
            self.send_response(400)
        else:
            self.send_response(204)
        self.end_headers()

    def log_message(self, *arguments: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[Server]:
    pytest.importorskip("openai")
    with Server() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_it_sends_an_event(server: Server) -> None:
    result = trigger("response.completed", "--to", server.url)
    expected_output = f"{server.url} has accepted response.completed with status 204\n"
    assert (result.exit_code, result.output) == (0, expected_output)
    data = '{"id": "batch_1"}'
    assert trigger("batch.failed", "--to", server.url, "--data", data).exit_code == 0
    assert [event.type for event in server.events] == ["response.completed", "batch.failed"]
    assert server.events[1].data.id == "batch_1"


def test_it_says_that_an_event_was_refused(server: Server) -> None:
    result = trigger("response.completed", "--to", server.url, "--secret", "whsec_b3RoZXI=")
    assert result.exit_code == 1
    assert "has not accepted response.completed: it answered with status 400" in str(
        result.exception
    )
    assert server.events == []


def test_it_lists_the_types() -> None:
    assert trigger().output.split() == list(EVENT_TYPES)


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["batch.failed"], "--to=URL"),
        (["batch.failed", "--to", "http://127.0.0.1", "--data", "{"], "not JSON"),
        (["batch.failed", "--to", "http://127.0.0.1", "--data", "[]"], "a JSON object"),
        (["batch.fail", "--to", "http://127.0.0.1"], "did you mean 'batch.failed'"),
        (["batch.failed", "--to", "127.0.0.1"], "http://"),
    ],
)
def test_mistakes_end_in_a_sentence(arguments: list[str], problem: str) -> None:
    result = trigger(*arguments)
    assert result.exit_code != 0
    assert problem in result.output + str(result.exception)


def test_a_secret_is_needed() -> None:
    result = trigger("batch.failed", "--to", "http://127.0.0.1", secret=None)
    assert (result.exit_code, "OPENAI_WEBHOOK_SECRET" in result.output) == (2, True)
