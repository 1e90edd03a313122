"""Jobs and webhooks over the control API, and with `connect`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from openai_mockserver import MockOpenAI, MockServerError, connect
from openai_mockserver.mock.remote import RemoteMock
from steered import Steered
from webhook_server import SECRET, WebhookServer, receiving

pytest.importorskip("openai")


@pytest.fixture
def receiver() -> Iterator[WebhookServer]:
    with receiving() as receiver:
        yield receiver


@pytest.fixture
def remote(steered: Steered) -> RemoteMock:
    steered.mock.reply("Hello")
    remote = connect(steered.url)
    assert remote.change_settings(job_seconds=60)["job_seconds"] == 60
    return remote


def respond(steered: Steered) -> str:
    body = {"model": "gpt-5", "input": "Hi", "background": True}
    return str(steered.http.post("/v1/responses", json=body).json()["id"])


def test_jobs_are_listed_finished_and_failed(steered: Steered, remote: RemoteMock) -> None:
    ids = [respond(steered) for _ in range(4)]
    remote.jobs.finish(ids[0])
    remote.jobs.fail(ids[1], "Too many.", "rate_limit_exceeded")
    steered.http.post(f"/v1/responses/{ids[2]}/cancel")
    jobs = remote.jobs.list()
    assert [job.id for job in jobs] == ids
    assert [job.state for job in jobs] == ["finished", "failed", "cancelled", "running"]
    assert {job.seconds for job in jobs} == {60}
    failed = steered.http.get(f"/v1/responses/{ids[1]}").json()
    assert failed["error"] == {"code": "rate_limit_exceeded", "message": "Too many."}
    remote.jobs.advance(60)
    assert remote.jobs.list()[3].state == "finished"
    assert remote.jobs.list()[3].elapsed == 60


@pytest.mark.parametrize("action", ["finish", "fail"])
def test_only_running_jobs_can_be_ended(steered: Steered, remote: RemoteMock, action: str) -> None:
    id = respond(steered)
    remote.jobs.finish(id)
    with pytest.raises(MockServerError, match="has ended already"):
        getattr(remote.jobs, action)(id)
    with pytest.raises(MockServerError, match="there is no job 'resp_1'"):
        getattr(remote.jobs, action)("resp_1")


def test_a_receiver_gets_what_is_sent(remote: RemoteMock, receiver: WebhookServer) -> None:
    endpoint = remote.webhooks.to(receiver.url, secret=SECRET, types=["batch.completed"])
    assert (endpoint.secret, endpoint.types) == (SECRET, ("batch.completed",))
    (delivery,) = remote.webhooks.send("batch.completed", {"id": "batch_1"}, faults=["late"])
    assert (delivery.state, delivery.event["data"]) == ("pending", {"id": "batch_1"})
    (attempt,) = delivery.attempts
    assert (attempt.status, attempt.faults) == (400, ("late",))
    remote.jobs.advance(5)
    assert receiver.next().data.id == "batch_1"
    assert remote.webhooks.send("response.failed") == []
    (listed,) = remote.webhooks.endpoints
    assert (listed.url, listed.secret) == (receiver.url, "")
    remote.webhooks.remove(listed)
    assert remote.webhooks.endpoints == []
    with pytest.raises(MockServerError, match="no webhook endpoint 1"):
        remote.webhooks.remove(listed)


def test_jobs_that_end_send_webhooks(
    steered: Steered, remote: RemoteMock, receiver: WebhookServer
) -> None:
    remote.webhooks.to(receiver.url, secret=SECRET)
    id = respond(steered)
    remote.jobs.finish(id)
    event = receiver.next()
    assert (event.type, event.data.id) == ("response.completed", id)
    steered.mock.webhooks.wait()
    (delivery,) = remote.webhooks.deliveries
    assert (delivery.number, delivery.state, delivery.endpoint) == (1, "delivered", receiver.url)
    assert remote.webhooks.list(after=1) == []


def test_a_reset_keeps_the_receivers_that_the_server_began_with(
    steered: Steered, remote: RemoteMock
) -> None:
    steered.mock.webhooks.to(lambda request: 500).is_pinned = True
    remote.webhooks.to("http://127.0.0.1:1/")
    steered.mock.webhooks.send("batch.completed")
    steered.http.post("/_mock/reset", json={"webhooks": False})
    assert (len(remote.webhooks.endpoints), len(remote.webhooks.deliveries)) == (2, 2)
    remote.reset()
    (endpoint,) = remote.webhooks.endpoints
    assert (endpoint.number, remote.webhooks.deliveries) == (1, [])
    assert remote.jobs.list() == []


def test_a_sandbox_has_its_own(remote: RemoteMock, receiver: WebhookServer) -> None:
    with remote.sandbox() as sandbox:
        sandbox.webhooks.to(receiver.url)
        assert remote.webhooks.endpoints == []


@pytest.mark.parametrize(
    ("path", "body", "status", "words"),
    [
        ("webhooks", {"url": "example.com"}, 422, "must begin with http"),
        ("webhooks", {"url": "http://a.example", "types": ["x"]}, 422, "no webhook event 'x'"),
        ("webhooks", {"url": "http://a.example", "timeout": 0}, 422, "timeout"),
        ("webhooks/send", {"type": "batch.completed"}, 409, "no webhook endpoint"),
        ("jobs/advance", {"seconds": -1}, 422, "seconds"),
        ("reset", {"job_seconds": 1}, 422, "no such key"),
    ],
)
def test_mistakes_are_problems(
    steered: Steered, path: str, body: Any, status: int, words: str
) -> None:
    response = steered.http.post(f"/_mock/{path}", json=body)
    assert response.status_code == status
    problem = response.json()
    assert words in f"{problem.get('place')} {problem['detail']}"


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"type": "batch.complete"}, "did you mean 'batch.completed'"),
        ({"type": "batch.completed", "faults": ["slow"]}, "no fault 'slow'"),
        ({"type": "batch.completed", "faults": ["old_signature"]}, "no older secret"),
    ],
)
def test_an_impossible_event_is_a_problem(steered: Steered, body: Any, words: str) -> None:
    steered.mock.webhooks.to(lambda request: 200)
    response = steered.http.post("/_mock/webhooks/send", json=body)
    assert (response.status_code, words in response.json()["detail"]) == (422, True)
    assert steered.mock.webhooks.deliveries == []


def test_a_receiver_that_asks_the_server_is_not_waited_for() -> None:
    texts: list[str] = []
    with MockOpenAI(control=True, job_seconds=60) as mock:
        mock.reply("Hello")
        steered = Steered(mock)

        def receive(request: Any) -> None:
            url = f"{steered.url}/v1/responses/{request.json['data']['id']}"
            texts.append(httpx.get(url, trust_env=False).json()["status"])

        mock.webhooks.to(receive)
        steered.http.post(f"/_mock/jobs/{respond(steered)}/finish")
        mock.webhooks.wait()
        steered.http.close()
    assert texts == ["completed"]
