"""Deliveries: their schedule on the virtual clock, what statuses mean, and every receiver."""

from __future__ import annotations

import asyncio
import contextlib
import http.server
import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from openai_mockserver.exceptions import MockServerError
from openai_mockserver.webhooks import RETRY_DELAYS, WebhookRequest, Webhooks
from openai_mockserver.webhooks.schedule import Answer, decide
from sdk_webhooks import unwrap

openai = pytest.importorskip("openai")

SECRET = "whsec_" + "c2VjcmV0" * 6
HOUR = 3_600


@pytest.fixture
def webhooks() -> Iterator[Webhooks]:
    webhooks = Webhooks()
    yield webhooks
    webhooks.stop()


class Receiver:
    """A function that answers with these statuses in turn, and then with the last of them."""

    def __init__(self, *statuses: int | None) -> None:
        self.statuses = list(statuses)
        self.requests: list[WebhookRequest] = []

    def __call__(self, request: WebhookRequest) -> int | None:
        self.requests.append(request)
        return self.statuses.pop(0) if len(self.statuses) > 1 else self.statuses[0]


# The schedule


def test_a_delivery_is_tried_again_until_it_succeeds(webhooks: Webhooks) -> None:
    receiver = Receiver(500, 404, 200)
    webhooks.to(receiver, secret=SECRET)
    (delivery,) = webhooks.send("response.completed", {"id": "resp_1"})
    assert (delivery.state, delivery.due) == ("pending", 5)
    webhooks.advance(4.9)
    assert len(receiver.requests) == 1
    webhooks.advance(0.1)
    assert (len(receiver.requests), delivery.due) == (2, 305)
    webhooks.advance(HOUR)
    assert [attempt.time for attempt in delivery.attempts] == [0, 5, 305]
    assert [attempt.status for attempt in delivery.attempts] == [500, 404, 200]
    assert (delivery.state, delivery.due, webhooks.now) == ("delivered", None, 5 + HOUR)
    assert len({request.headers["webhook-id"] for request in receiver.requests}) == 1
    assert len({request.body for request in receiver.requests}) == 1
    assert [unwrap(request, SECRET).data.id for request in receiver.requests] == ["resp_1"] * 3
    assert webhooks.deliveries == [delivery]


def test_a_delivery_fails_within_72_hours(webhooks: Webhooks) -> None:
    webhooks.to(Receiver(500))
    (delivery,) = webhooks.send("response.failed")
    webhooks.finish()
    times = [attempt.time for attempt in delivery.attempts]
    assert times == [sum(RETRY_DELAYS[:n]) for n in range(9)]
    assert 51 * HOUR < times[-1] <= 72 * HOUR
    assert (delivery.state, delivery.due, webhooks.now) == ("failed", None, times[-1])


def test_attempts_are_made_in_the_order_of_their_times(webhooks: Webhooks) -> None:
    receiver = Receiver(500)
    webhooks.to(receiver)
    (first,) = webhooks.send("batch.completed")
    webhooks.advance(3)
    (second,) = webhooks.send("batch.failed")
    webhooks.advance(320)
    types = [request.json["type"] for request in receiver.requests]
    assert types == ["batch.completed", "batch.failed"] * 3
    assert [attempt.time for attempt in first.attempts] == [0, 5, 305]
    assert [attempt.time for attempt in second.attempts] == [3, 8, 308]


@pytest.mark.parametrize("status", [199, 300, 301, 307, 308, 400, 404, 429, 500, 503])
def test_only_2xx_is_success(status: int) -> None:
    assert decide(Answer(status), 1, 0).state == "pending"


def test_retry_after_makes_the_wait_longer_but_never_shorter() -> None:
    assert decide(Answer(503, retry_after=60), 1, 0).delay == 60
    assert decide(Answer(503, retry_after=60), 2, 5).delay == 300
    assert decide(Answer(503, retry_after=73 * HOUR), 1, 0).state == "failed"


def test_410_closes_the_endpoint(webhooks: Webhooks) -> None:
    gone, other = Receiver(500, 410, 200), Receiver(200)
    endpoint = webhooks.to(gone)
    webhooks.to(other)
    pending, _ = webhooks.send("batch.completed")
    refused, _ = webhooks.send("batch.failed")
    assert (pending.state, refused.state, endpoint.is_gone) == ("gone", "gone", True)
    later, delivered = webhooks.send("batch.expired")
    webhooks.finish()
    assert (later.state, later.attempts, delivered.state) == ("gone", (), "delivered")
    assert (len(gone.requests), len(other.requests)) == (2, 3)


def test_an_endpoint_receives_the_types_that_it_wants(webhooks: Webhooks) -> None:
    batches, all = Receiver(200), Receiver(200)
    webhooks.to(batches, types=["batch.completed"])
    webhooks.to(all)
    assert len(webhooks.send("response.completed")) == 1
    assert len(webhooks.send("batch.completed")) == 2
    assert [request.json["type"] for request in batches.requests] == ["batch.completed"]
    assert len(all.requests) == 2


# Secrets


def test_both_secrets_are_valid_for_24_hours(webhooks: Webhooks) -> None:
    receiver = Receiver(200)
    endpoint = webhooks.to(receiver, secret=SECRET)
    new = endpoint.rotate_secret()
    webhooks.send("batch.completed")
    assert len(receiver.requests[-1].headers["webhook-signature"].split()) == 2
    assert unwrap(receiver.requests[-1], SECRET).type == "batch.completed"
    webhooks.advance(24 * HOUR + 1)
    webhooks.send("batch.completed")
    request = receiver.requests[-1]
    with pytest.raises(openai.InvalidWebhookSignatureError):
        unwrap(request, SECRET)
    assert unwrap(request, new).type == "batch.completed"


def test_the_secret_is_that_of_the_environment(
    webhooks: Webhooks, monkeypatch: pytest.MonkeyPatch
) -> None:
    receiver = Receiver(200)
    monkeypatch.setenv("OPENAI_WEBHOOK_SECRET", SECRET)
    webhooks.to(receiver)
    webhooks.send("batch.completed")
    assert unwrap(receiver.requests[0], SECRET).type == "batch.completed"


# Receivers in this process


def test_an_exception_is_status_500(webhooks: Webhooks) -> None:
    def fail(request: WebhookRequest) -> None:
        raise KeyError("no such response")

    webhooks.to(fail)
    (delivery,) = webhooks.send("response.completed")
    (attempt,) = delivery.attempts
    assert attempt.status == 500
    assert attempt.error == "KeyError: 'no such response'"
    assert delivery.endpoint == "fail"


def test_a_function_that_takes_too_long_times_out(webhooks: Webhooks) -> None:
    released = threading.Event()

    async def hang(request: WebhookRequest) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            released.set()

    webhooks.to(hang, timeout=0.02)
    webhooks.to(lambda request: time.sleep(0.02), timeout=0.01)
    for delivery in webhooks.send("response.completed"):
        assert delivery.attempts[0].status is None
        assert "no answer within" in str(delivery.attempts[0].error)
    assert released.is_set()


def test_a_receiver_may_send_another(webhooks: Webhooks) -> None:
    types = []

    async def answer(request: WebhookRequest) -> None:
        types.append(request.json["type"])
        if types == ["batch.completed"]:
            await webhooks.send_async("batch.expired")
            with pytest.raises(MockServerError, match="send_async"):
                webhooks.send("batch.failed")

    webhooks.to(answer)
    (delivery,) = webhooks.send("batch.completed")
    assert (types, delivery.state) == (["batch.completed", "batch.expired"], "delivered")


def make_fastapi(seen: list[WebhookRequest]) -> Any:
    fastapi = pytest.importorskip("fastapi")
    app = fastapi.FastAPI()

    async def receive(request: Any) -> Any:
        seen.append(WebhookRequest(dict(request.headers), await request.body()))
        return fastapi.Response(status_code=503, headers={"Retry-After": "60"})

    receive.__annotations__["request"] = fastapi.Request
    app.post("/hooks")(receive)
    return app


def make_flask(seen: list[WebhookRequest]) -> Any:
    flask = pytest.importorskip("flask")
    app = flask.Flask("receiver")

    @app.post("/hooks")  # type: ignore[untyped-decorator]
    def receive() -> Any:
        headers = {name.lower(): value for name, value in flask.request.headers.items()}
        seen.append(WebhookRequest(headers, flask.request.get_data()))
        return "", 503, {"Retry-After": "60"}

    return app


@pytest.mark.parametrize("make_app", [make_fastapi, make_flask])
def test_an_application_receives_webhooks(
    webhooks: Webhooks, make_app: Callable[[list[WebhookRequest]], Any]
) -> None:
    seen: list[WebhookRequest] = []
    app = make_app(seen)
    webhooks.to(app, path="/hooks", secret=SECRET)
    webhooks.to(app, path="/elsewhere", secret=SECRET)
    delivery, elsewhere = webhooks.send("response.completed", {"id": "resp_1"})
    assert (delivery.attempts[0].status, delivery.due) == (503, 60)
    assert elsewhere.attempts[0].status == 404
    (request,) = seen
    assert unwrap(request, SECRET).data.id == "resp_1"
    sent = delivery.attempts[0].request
    assert dict(sent.headers).items() <= dict(request.headers).items()
    assert request.headers["content-length"] == str(len(sent.body))


async def test_async_code_sends_without_blocking_its_loop(webhooks: Webhooks) -> None:
    receiver = Receiver(500, 200)
    webhooks.to(receiver)
    (delivery,) = await webhooks.send_async("response.completed")
    await webhooks.advance_async(5)
    assert delivery.state == "delivered"


# Receivers at a URL


class Server(http.server.ThreadingHTTPServer):
    """A server that records requests, and answers all with one status."""

    status = 200
    location = ""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.seen: list[tuple[str, WebhookRequest]] = []
        self.url = f"http://127.0.0.1:{self.server_port}"


class Handler(http.server.BaseHTTPRequestHandler):
    server: Server

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.server.seen.append((self.path, WebhookRequest(headers, body)))
        self.send_response(self.server.status)
        if self.server.location:
            self.send_header("Location", self.server.location)
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_GET = do_POST

    def log_message(self, *arguments: object) -> None:
        pass


@contextlib.contextmanager
def serve() -> Iterator[Server]:
    with Server() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_a_url_receives_webhooks(webhooks: Webhooks) -> None:
    with serve() as server:
        webhooks.to(f"{server.url}/hooks?app=1", secret=SECRET)
        (delivery,) = webhooks.send("response.completed", {"id": "resp_1"})
    assert delivery.state == "delivered"
    ((path, request),) = server.seen
    assert path == "/hooks?app=1"
    assert unwrap(request, SECRET).data.id == "resp_1"
    assert set(request.headers) == {*delivery.attempts[0].request.headers, "host", "content-length"}


def test_a_redirect_is_not_followed_and_no_proxy_is_used(
    webhooks: Webhooks, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serve() as server, serve() as other:
        monkeypatch.setenv("HTTP_PROXY", other.url)
        server.status, server.location = 307, f"{other.url}/hooks"
        webhooks.to(f"{server.url}/hooks")
        (delivery,) = webhooks.send("response.completed")
    assert (delivery.attempts[0].status, delivery.state) == (307, "pending")
    assert (len(server.seen), other.seen) == (1, [])


def test_a_url_that_does_not_answer_is_tried_again(webhooks: Webhooks) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"127.0.0.1:{silent.getsockname()[1]}"
        webhooks.to(f"http://{address}", timeout=0.05)
        (delivery,) = webhooks.send("response.completed")
    webhooks.advance(5)
    first, second = delivery.attempts
    assert first.error == "no answer within 0.05 s"
    assert "ConnectionRefusedError" in str(second.error)
    assert (first.status, second.status, delivery.state) == (None, None, "pending")


# Mistakes


@pytest.mark.parametrize(
    ("receiver", "problem"),
    [
        ("ftp://example.com", "http://"),
        ("example.com/hooks", "http://"),
        ("http://", "have a host"),
        ("http://example.com:x", "Port"),
        ("http://user@example.com", "user name"),
        ("http://example.com/a b", "visible ASCII"),
        (42, "receives no webhooks"),
        (lambda: None, "receives no webhooks"),
    ],
)
def test_what_cannot_receive_is_refused(webhooks: Webhooks, receiver: Any, problem: str) -> None:
    with pytest.raises(MockServerError, match=problem):
        webhooks.to(receiver)
    assert webhooks.endpoints == []


def test_mistakes_are_refused(webhooks: Webhooks) -> None:
    with pytest.raises(MockServerError, match="no webhook endpoint"):
        webhooks.send("response.completed")
    for options, problem in [
        ({"secret": "whsec_?"}, "base64"),
        ({"types": ["batch.done"]}, r"'batch\.done'"),
        ({"timeout": 0}, "seconds"),
        ({"timeout": float("inf")}, "seconds"),
        ({"path": "hooks"}, "begins with /"),
    ]:
        with pytest.raises(MockServerError, match=problem):
            webhooks.to(Receiver(200), **options)  # type: ignore[arg-type]
    with pytest.raises(MockServerError, match="path= is for applications"):
        webhooks.to("http://example.com", path="/hooks")
    for seconds in (-1, float("inf"), float("nan")):
        with pytest.raises(MockServerError, match="seconds"):
            webhooks.advance(seconds)
