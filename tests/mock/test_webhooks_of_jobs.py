"""Jobs that end send a webhook by themselves, exactly once, whoever notices their end."""

from __future__ import annotations

import asyncio
import json
import queue
from typing import Any

import pytest

from openai_mockserver import ApiError, MockOpenAI, MockServerError, Reply
from openai_mockserver.webhooks import WebhookRequest, duplicate, late, out_of_order
from sdk_webhooks import make_client, unwrap

openai = pytest.importorskip("openai")

SECRET = "whsec_" + "c2VjcmV0" * 6
URL = "/v1/chat/completions"


class Hooks:
    """A receiver, which answers with these statuses in turn, and then with 200."""

    def __init__(self, mock: MockOpenAI, *statuses: int) -> None:
        self.mock = mock
        self.statuses = list(statuses)
        self.arrived: queue.SimpleQueue[tuple[str, str]] = queue.SimpleQueue()
        mock.webhooks.to(self, secret=SECRET)

    def __call__(self, request: WebhookRequest) -> int:
        event = unwrap(request, SECRET)
        assert request.json["data"].keys() == {"id"}
        self.arrived.put((event.type, event.data.id))
        return self.statuses.pop(0) if self.statuses else 200

    def list(self) -> list[tuple[str, str]]:
        """Return what has arrived since the last time."""
        self.mock.webhooks.wait()
        events = []
        while not self.arrived.empty():
            events.append(self.arrived.get())
        return events


@pytest.fixture
def mock() -> Any:
    with MockOpenAI(job_seconds=60) as mock:
        mock.reply("Hello, world")
        yield mock


@pytest.fixture
def client(mock: MockOpenAI) -> Any:
    return mock.client(max_retries=0)


@pytest.fixture
def hooks(mock: MockOpenAI) -> Hooks:
    make_client()
    return Hooks(mock)


def respond(client: Any, **more: Any) -> str:
    response = client.responses.create(model="gpt-5", input="Hi", background=True, **more)
    return str(response.id)


def start_batch(client: Any, text: str | None = None) -> str:
    body = {"model": "gpt-4o", "messages": [{"role": "user", "content": "Hi"}]}
    line = {"custom_id": "a", "method": "POST", "url": URL, "body": body}
    data = (json.dumps(line) if text is None else text).encode()
    file = client.files.create(file=("lines.jsonl", data), purpose="batch")
    batch = client.batches.create(input_file_id=file.id, endpoint=URL, completion_window="24h")
    return str(batch.id)


# Who notices an end


def test_polls_move_the_time_until_the_job_ends(client: Any, hooks: Hooks) -> None:
    id = respond(client)
    for _ in range(3):
        client.responses.retrieve(id)
        assert hooks.list() == []
    client.responses.retrieve(id)
    assert hooks.list() == [("response.completed", id)]
    client.responses.retrieve(id)
    hooks.mock.webhooks.advance(3600)
    assert hooks.list() == []


def test_the_time_is_that_of_all_jobs(client: Any, hooks: Hooks) -> None:
    first, second = respond(client), start_batch(client)
    for _ in range(4):
        client.responses.retrieve(first)
    assert sorted(hooks.list()) == [("batch.completed", second), ("response.completed", first)]


def test_advancing_the_clock_of_webhooks_ends_jobs_in_order(client: Any, hooks: Hooks) -> None:
    hooks.statuses = [500, 500, 200]
    id = respond(client)
    hooks.mock.webhooks.advance(20)
    later = respond(client)
    hooks.mock.webhooks.advance(3600)
    assert client.responses.retrieve(id).status == "completed"
    first, second = hooks.mock.webhooks.deliveries
    assert [attempt.time for attempt in first.attempts] == [60, 65, 365]
    assert [attempt.time for attempt in second.attempts] == [80]
    assert (first.event["data"], second.event["data"]) == ({"id": id}, {"id": later})
    assert hooks.mock.webhooks.now == 3620


def test_polls_move_the_time_of_retries_too(client: Any, hooks: Hooks) -> None:
    hooks.statuses = [500]
    (delivery,) = hooks.mock.webhooks.send("batch.completed")
    client.responses.retrieve(respond(client))  # 15 seconds
    hooks.mock.webhooks.wait()
    assert [attempt.time for attempt in delivery.attempts] == [0, 5]


def test_an_in_process_client_that_waits_moves_the_time(mock: MockOpenAI, hooks: Hooks) -> None:
    mock.on(user="slow").reply("Slow", pace="61,0")
    client = mock.client()
    id = respond(client)
    question: Any = [{"role": "user", "content": "slow"}]
    stream = client.chat.completions.create(
        model="gpt-4o", messages=question, stream=True, timeout=100
    )
    assert list(stream)
    assert hooks.list() == [("response.completed", id)]


@pytest.mark.parametrize("how", ["finish", "fail"])
def test_a_test_ends_jobs_early(client: Any, hooks: Hooks, how: str) -> None:
    id, batch = respond(client), start_batch(client)
    end = getattr(hooks.mock.jobs, how)
    end(id)
    end(batch)
    word = {"finish": "completed", "fail": "failed"}[how]
    assert hooks.list() == [(f"response.{word}", id), (f"batch.{word}", batch)]
    hooks.mock.webhooks.advance(7200)
    assert hooks.list() == []


def test_a_cancelled_response_says_so_at_once(client: Any, hooks: Hooks) -> None:
    id = respond(client)
    client.responses.cancel(id)
    client.responses.cancel(id)
    hooks.mock.webhooks.advance(3600)
    assert hooks.list() == [("response.cancelled", id)]


def test_a_cancelled_batch_says_so_when_it_has_stopped(client: Any, hooks: Hooks) -> None:
    id = start_batch(client)
    client.batches.retrieve(id)
    client.batches.cancel(id)
    assert hooks.list() == []
    assert client.batches.retrieve(id).status == "cancelled"
    assert hooks.list() == [("batch.cancelled", id)]


def test_ends_at_the_same_time_do_not_wait_for_each_other(client: Any, hooks: Hooks) -> None:
    batch_id = start_batch(client)
    for _ in range(2):
        client.batches.retrieve(batch_id)
    client.batches.cancel(batch_id)  # it stops a quarter of a job later
    response_id = respond(client)
    client.responses.retrieve(response_id)  # by now
    hooks.mock.jobs.finish(response_id)
    assert sorted(hooks.list()) == [
        ("batch.cancelled", batch_id),
        ("response.completed", response_id),
    ]


@pytest.mark.parametrize(
    ("reply", "event"),
    [
        (Reply("Hello", finish_reason="length"), "response.incomplete"),
        (Reply("Hello", error=ApiError(500, "Oh", code="server_error")), "response.failed"),
    ],
    ids=["incomplete", "failed"],
)
def test_the_reply_decides_how_a_response_ends(
    mock: MockOpenAI, client: Any, hooks: Hooks, reply: Reply, event: str
) -> None:
    mock.reply(reply)
    id = respond(client)
    mock.webhooks.advance(60)
    assert hooks.list() == [(event, id)]


def test_a_batch_fails_when_its_file_has_been_read(client: Any, hooks: Hooks) -> None:
    id = start_batch(client, "no JSON")
    hooks.mock.webhooks.advance(15)
    assert hooks.list() == [("batch.failed", id)]


def test_a_batch_expires_after_a_day() -> None:
    with MockOpenAI(job_seconds=200_000) as mock:
        mock.reply("Hello")
        hooks = Hooks(mock)
        id = start_batch(mock.client())
        mock.webhooks.advance(24 * 3600)
        assert hooks.list() == [("batch.expired", id)]


def test_a_foreground_response_sends_nothing(client: Any, hooks: Hooks) -> None:
    client.responses.create(model="gpt-5", input="Hi")
    hooks.mock.webhooks.advance(3600)
    assert hooks.list() == []


# With and without time


def test_a_job_that_takes_no_time_has_ended_when_it_begins() -> None:
    with MockOpenAI() as mock:
        mock.reply("Hello")
        hooks, client = Hooks(mock), mock.client()
        id, batch = respond(client), start_batch(client)
        assert sorted(hooks.list()) == [("batch.completed", batch), ("response.completed", id)]
        assert client.batches.retrieve(batch).output_file_id is not None


def test_on_a_real_clock_nobody_needs_to_poll() -> None:
    with MockOpenAI(job_seconds=0.05, clock="real") as mock:
        mock.reply("Hello")
        hooks = Hooks(mock)
        client = openai.OpenAI(base_url=mock.base_url, api_key="any", max_retries=0)
        id = respond(client)
        assert hooks.arrived.get(timeout=10) == ("response.completed", id)
        assert client.responses.retrieve(id).status == "completed"
        assert hooks.list() == []


def test_on_a_real_clock_attempts_are_made_again_in_real_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("openai_mockserver.webhooks.schedule.RETRY_DELAYS", (0.02, 0.02))
    with MockOpenAI(clock="real") as mock:
        hooks = Hooks(mock, 500, 500, 200)
        (delivery,) = mock.webhooks.send("batch.completed", {"id": "batch_1"})
        for _ in range(3):
            assert hooks.arrived.get(timeout=10) == ("batch.completed", "batch_1")
        mock.webhooks.wait()
        assert [attempt.status for attempt in delivery.attempts] == [500, 500, 200]
        times = [attempt.time for attempt in delivery.attempts]
        assert times[0] + 0.02 <= times[1] <= times[2] - 0.02


def test_a_stream_over_a_socket_takes_real_time_and_then_says_so() -> None:
    with MockOpenAI(job_seconds=0.1) as mock:
        mock.reply("Hello")
        hooks = Hooks(mock)
        client = openai.OpenAI(base_url=mock.base_url, api_key="any", max_retries=0)
        stream = client.responses.create(model="gpt-5", input="Hi", background=True, stream=True)
        events = list(stream)
        assert hooks.arrived.get(timeout=10) == ("response.completed", events[0].response.id)


# Other rules


def test_the_events_of_jobs_may_go_wrong_too(mock: MockOpenAI, client: Any) -> None:
    arrived: list[str] = []

    def receive(request: WebhookRequest) -> None:
        arrived.append(request.json["data"]["id"])

    mock.webhooks.to(receive, faults=[duplicate(), out_of_order()])
    mock.webhooks.to(lambda request: None, faults=late())
    first, second = respond(client), respond(client)
    mock.jobs.finish(first)
    mock.jobs.finish(second)
    mock.webhooks.wait()
    assert arrived == []
    client.responses.retrieve(respond(client))  # time passes
    mock.webhooks.wait()
    assert arrived == [first, first, second, second]
    faults = [one.attempts[0].faults for one in mock.webhooks.deliveries]
    assert faults == [("duplicate", "out_of_order"), ("late",)] * 2


def test_on_a_real_clock_an_event_is_held_until_the_next() -> None:
    arrived: queue.SimpleQueue[str] = queue.SimpleQueue()
    with MockOpenAI(clock="real", job_seconds=3600) as mock:
        mock.reply("Hello")
        mock.webhooks.to(lambda request: arrived.put(request.json["data"]["id"]))
        client = mock.client()
        first, second = respond(client), respond(client)
        (endpoint,) = mock.webhooks.endpoints
        endpoint.faults = (out_of_order(),)
        mock.jobs.finish(first)
        mock.webhooks.wait()
        endpoint.faults = ()
        mock.jobs.finish(second)
        assert [arrived.get(timeout=10), arrived.get(timeout=10)] == [second, first]


def test_an_event_is_held_until_the_next(mock: MockOpenAI, hooks: Hooks) -> None:
    mock.webhooks.send_later("batch.failed", {"id": "batch_1"}, faults=out_of_order())
    assert hooks.list() == []
    mock.webhooks.send_later("batch.failed", {"id": "batch_2"})
    assert hooks.list() == [("batch.failed", "batch_2"), ("batch.failed", "batch_1")]


def test_a_receiver_may_retrieve_what_has_ended(mock: MockOpenAI, client: Any) -> None:
    texts: list[str] = []

    def receive(request: WebhookRequest) -> None:
        texts.append(client.responses.retrieve(request.json["data"]["id"]).output_text)

    mock.webhooks.to(receive)
    mock.jobs.finish(respond(client))
    mock.webhooks.wait()
    assert (texts, mock.webhooks.now) == (["Hello, world"], 0)


def test_jobs_that_run_when_the_first_endpoint_is_added_are_noticed(
    mock: MockOpenAI, client: Any
) -> None:
    ended, running = respond(client), respond(client)
    mock.jobs.finish(ended)
    hooks = Hooks(mock)
    mock.jobs.finish(running)
    assert hooks.list() == [("response.completed", running)]


def test_an_endpoint_gets_the_types_that_it_wants(mock: MockOpenAI, client: Any) -> None:
    mock.webhooks.to(lambda request: 200, types=["batch.completed"])
    mock.jobs.finish(respond(client))
    mock.webhooks.wait()
    assert mock.webhooks.deliveries == []


def test_a_reset_forgets_the_jobs(mock: MockOpenAI, client: Any) -> None:
    hooks = Hooks(mock)
    respond(client)
    mock.reset()
    hooks = Hooks(mock)
    mock.webhooks.advance(3600)
    assert hooks.list() == []


def test_a_sandbox_sends_its_own(mock: MockOpenAI, hooks: Hooks) -> None:
    sandbox = mock.sandbox()
    sandbox.reply("Hello")
    other = Hooks(sandbox)
    id = respond(sandbox.client())
    sandbox.jobs.finish(id)
    assert (other.list(), hooks.list()) == ([("response.completed", id)], [])


def test_only_the_newest_deliveries_are_kept() -> None:
    with MockOpenAI(keep_calls=2) as mock:
        mock.webhooks.to(lambda request: 500)
        first, second, third = (mock.webhooks.send("batch.completed")[0] for _ in range(3))
        assert mock.webhooks.deliveries == [second, third]
        assert (first.state, second.state) == ("failed", "pending")
        mock.webhooks.advance(5)
        assert (len(first.attempts), len(second.attempts)) == (1, 2)


def test_a_removed_endpoint_receives_nothing_more(mock: MockOpenAI) -> None:
    endpoint = mock.webhooks.to(lambda request: 500)
    (delivery,) = mock.webhooks.send("batch.completed")
    mock.webhooks.remove(endpoint)
    mock.webhooks.finish()
    assert (len(delivery.attempts), delivery.state, mock.webhooks.endpoints) == (1, "gone", [])
    with pytest.raises(MockServerError, match="not one of the endpoints"):
        mock.webhooks.remove(endpoint)


def test_an_event_that_is_sent_later_is_sent_by_the_thread(mock: MockOpenAI, hooks: Hooks) -> None:
    (delivery,) = mock.webhooks.send_later("batch.failed", {"id": "batch_1"})
    assert hooks.list() == [("batch.failed", "batch_1")]
    assert delivery.state == "delivered"


async def test_an_async_test_whose_own_loop_serves_the_receiver_can_wait() -> None:
    statuses: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        statuses.append(await reader.readline())
        writer.write(b"HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        with MockOpenAI(job_seconds=60) as mock:
            mock.reply("Hello")
            mock.webhooks.to(f"http://127.0.0.1:{port}/hook")
            client = mock.async_client()
            response = await client.responses.create(model="gpt-5", input="Hi", background=True)
            mock.jobs.finish(response.id)
            await mock.webhooks.wait_async()
            (delivery,) = mock.webhooks.deliveries
            assert (delivery.state, statuses) == ("delivered", [b"POST /hook HTTP/1.1\r\n"])


async def test_an_async_receiver_cannot_wait(mock: MockOpenAI) -> None:
    problems: list[str] = []

    async def receive(request: WebhookRequest) -> None:
        with pytest.raises(MockServerError) as caught:
            mock.webhooks.wait()
        problems.append(str(caught.value))

    mock.webhooks.to(receive)
    await mock.webhooks.send_async("batch.completed")
    assert len(problems) == 1
    assert "cannot wait" in problems[0]
