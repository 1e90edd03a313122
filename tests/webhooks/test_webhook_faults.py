"""Each fault, as a receiver with the SDK sees it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from openai_mockserver import webhooks as faults
from openai_mockserver.exceptions import FaultError
from openai_mockserver.webhooks import Endpoint, WebhookFault, WebhookRequest, Webhooks
from sdk_webhooks import unwrap

openai = pytest.importorskip("openai")


class Application:
    """A receiver that unwraps each event, and remembers what became of it."""

    def __init__(self) -> None:
        self.secret = ""
        self.results: list[str] = []
        self.requests: list[WebhookRequest] = []

    def __call__(self, request: WebhookRequest) -> int:
        self.requests.append(request)
        try:
            event = unwrap(request, self.secret)
        except (ValueError, openai.InvalidWebhookSignatureError) as error:
            self.results.append(str(error))
            return 400
        self.results.append(event.data.id)
        return 200


@pytest.fixture
def webhooks() -> Iterator[Webhooks]:
    webhooks = Webhooks()
    yield webhooks
    webhooks.stop()


@pytest.fixture
def app() -> Application:
    return Application()


@pytest.fixture
def endpoint(webhooks: Webhooks, app: Application) -> Endpoint:
    endpoint = webhooks.to(app)
    app.secret = endpoint.secret
    return endpoint


NO_MATCH = "The given webhook signature does not match the expected signature"


@pytest.mark.parametrize(
    ("fault", "refusal"),
    [
        (faults.late(), "Webhook timestamp is too old"),
        (faults.wrong_signature(), NO_MATCH),
        (faults.missing_signature(), "webhook-signature"),
        (faults.truncate(), NO_MATCH),
        (faults.reserialize(), NO_MATCH),
    ],
    ids=repr,
)
def test_a_fault_of_the_first_attempt_is_refused_and_the_retry_accepted(
    webhooks: Webhooks, app: Application, endpoint: Endpoint, fault: WebhookFault, refusal: str
) -> None:
    (delivery,) = webhooks.send("response.completed", {"id": "resp_1"}, faults=fault)
    assert refusal in app.results[0]
    assert delivery.state == "pending"
    webhooks.finish()
    assert app.results[1:] == ["resp_1"]
    assert [attempt.faults for attempt in delivery.attempts] == [(fault.name,), ()]
    assert [attempt.status for attempt in delivery.attempts] == [400, 200]


def test_an_event_just_within_the_tolerance_is_accepted(
    webhooks: Webhooks, app: Application, endpoint: Endpoint
) -> None:
    webhooks.send("response.completed", {"id": "resp_1"}, faults=faults.late(290))
    assert app.results == ["resp_1"]


def test_an_old_signature_is_that_of_the_secret_before(
    webhooks: Webhooks, app: Application, endpoint: Endpoint
) -> None:
    with pytest.raises(FaultError, match="no older secret"):
        webhooks.send("response.completed", faults=faults.old_signature())
    assert webhooks.deliveries == []
    old, new = endpoint.secret, endpoint.rotate_secret(keep_old=False)
    app.secret = new
    webhooks.send("response.completed", {"id": "resp_1"}, faults=faults.old_signature())
    app.secret = old
    webhooks.send("response.completed", {"id": "resp_2"}, faults=faults.old_signature())
    assert app.results == [NO_MATCH, "resp_2"]


def test_times_says_how_many_attempts_a_fault_has(
    webhooks: Webhooks, app: Application, endpoint: Endpoint
) -> None:
    (two,) = webhooks.send("batch.failed", {"id": "batch_1"}, faults=faults.truncate(times=2))
    webhooks.finish()
    assert app.results == [NO_MATCH, NO_MATCH, "batch_1"]
    (all,) = webhooks.send("batch.failed", faults=faults.truncate(times=None))
    webhooks.finish()
    assert (two.state, all.state, len(all.attempts)) == ("delivered", "failed", 9)


def test_a_duplicate_has_the_same_id_and_body(
    webhooks: Webhooks, app: Application, endpoint: Endpoint
) -> None:
    (delivery,) = webhooks.send(
        "batch.failed", {"id": "batch_1"}, faults=[faults.duplicate(2), faults.truncate()]
    )
    assert app.results == [NO_MATCH]
    webhooks.finish()
    assert app.results[1:] == ["batch_1"] * 3
    sent = {(r.headers["webhook-id"], r.body) for r in app.requests[1:]}
    assert len(sent) == 1
    assert (delivery.state, len(delivery.attempts)) == ("delivered", 4)


def test_events_out_of_order(webhooks: Webhooks, app: Application, endpoint: Endpoint) -> None:
    for id in ("one", "two"):
        webhooks.send("batch.failed", {"id": id}, faults=faults.out_of_order())
    assert app.results == []
    webhooks.send("batch.failed", {"id": "three"})
    assert app.results == ["three", "one", "two"]
    webhooks.send("batch.failed", {"id": "four"}, faults=faults.out_of_order())
    webhooks.advance(0)
    assert app.results[3:] == ["four"]


def test_a_slow_receiver_gets_the_event_again(
    webhooks: Webhooks, app: Application, endpoint: Endpoint
) -> None:
    (delivery,) = webhooks.send("batch.failed", {"id": "one"}, faults=faults.slow_receiver())
    assert (delivery.state, delivery.attempts[0].status) == ("pending", None)
    assert "no answer within" in str(delivery.attempts[0].error)
    webhooks.finish()
    assert app.results == ["one", "one"]
    assert delivery.state == "delivered"


def test_mistakes_are_refused() -> None:
    with pytest.raises(FaultError, match=r"late: .* 1 or more"):
        faults.late(0)
    with pytest.raises(FaultError, match=r"duplicate: .* 1 or more"):
        faults.duplicate(0)
    with pytest.raises(FaultError, match=r"truncate: .* 1 or more"):
        faults.truncate(0)
