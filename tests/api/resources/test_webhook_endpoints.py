"""The endpoints that an application registers with the SDK: secrets, tests and events of jobs."""

from __future__ import annotations

from typing import Any

import pytest

from openai_mockserver import MockOpenAI
from sdk_webhooks import make_client
from webhook_server import receiving

openai = pytest.importorskip("openai")
pytestmark = pytest.mark.openai3("2.x has no methods for webhook endpoints")

TYPES = ["response.completed", "batch.completed"]


@pytest.fixture
def mock() -> Any:
    with MockOpenAI(job_seconds=60) as mock:
        mock.reply("Hello")
        yield mock


@pytest.fixture
def hooks(mock: MockOpenAI) -> Any:
    return mock.client(max_retries=0).webhooks


def create(hooks: Any, url: str = "https://app.example/hook", **more: Any) -> Any:
    return hooks.create(name="mine", url=url, event_types=TYPES, **more)


def test_a_secret_is_shown_at_creation_and_rotation_only(hooks: Any) -> None:
    created = create(hooks)
    secret = created.signing_secret
    assert secret.startswith("whsec_")
    assert created.signing_secret_hint == f"whsec_...{secret[-4:]}"
    assert (created.name, created.event_types) == ("mine", TYPES)
    others = [hooks.retrieve(created.id), hooks.update(created.id, name="yours")]
    others += hooks.list().data
    for shown in others:
        assert "signing_secret" not in shown.model_fields_set
        assert shown.signing_secret_hint == created.signing_secret_hint
    rotated = hooks.rotate_secret(created.id)
    assert rotated.signing_secret != secret
    assert hooks.retrieve(created.id).signing_secret_hint == rotated.signing_secret_hint
    assert [one.name for one in hooks.list()] == ["yours"]


def test_only_a_change_is_a_change(hooks: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    created = create(hooks)
    monkeypatch.setattr("time.time", lambda: created.created_at + 100.0)
    assert hooks.update(created.id, name="mine").updated_at == created.created_at
    changed = hooks.update(created.id, event_types=["batch.failed"])
    assert (changed.event_types, changed.updated_at) == (["batch.failed"], created.created_at + 100)


def test_a_deleted_endpoint_is_gone(hooks: Any) -> None:
    id = create(hooks).id
    deleted = hooks.delete(id)
    assert (deleted.id, deleted.deleted, deleted.object) == (id, True, "webhook_endpoint.deleted")
    assert hooks.list().data == []
    for call in (hooks.retrieve, hooks.rotate_secret, hooks.delete):
        with pytest.raises(openai.NotFoundError):
            call(id)


def test_the_types_are_those_that_can_be_registered(hooks: Any) -> None:
    types = hooks.event_types.list().data
    assert {"response.completed", "video.failed", "safety.alert.created"} <= set(types)
    hooks.create(name="all", url="https://app.example", event_types=types)
    with pytest.raises(openai.BadRequestError):
        hooks.create(name="all", url="https://app.example", event_types=["batch.done"])


def test_an_unknown_endpoint_is_generated_and_sends_nothing(hooks: Any) -> None:
    for _ in range(2):
        assert hooks.update("whe_123", name="any").name == "any"
        assert hooks.test("whe_123", event_type="batch.failed").webhook_endpoint_id == "whe_123"
        assert hooks.rotate_secret("whe_123").object == "webhook_endpoint"
    assert create(hooks, "https://").url == "https://"  # as the SDK's own tests


@pytest.mark.parametrize("url", ["app.example", "ftp://app.example", "http://127.0.0.1:port"])
def test_an_invalid_url_is_refused(hooks: Any, url: str) -> None:
    with pytest.raises(openai.BadRequestError, match="webhook URL") as caught:
        create(hooks, url)
    assert caught.value.param == "url"
    id = create(hooks).id
    with pytest.raises(openai.BadRequestError, match="webhook URL"):
        hooks.update(id, url=url)
    assert hooks.retrieve(id).url == "https://app.example/hook"


# Sending


def test_a_test_really_sends(hooks: Any) -> None:
    with receiving("unknown") as receiver:
        created = create(hooks, receiver.url)
        assert hooks.test(created.id, event_type="video.completed").status_code == 400
        receiver.secret = created.signing_secret
        result = hooks.test(created.id, event_type="video.completed")
        assert (result.status_code, result.success) == (204, True)
        assert result.event_type == "video.completed"
        event = receiver.next()
        assert (event.type, event.data.id[:6]) == ("video.completed", "video_")
    with pytest.raises(openai.BadRequestError, match="did not answer"):
        hooks.test(created.id, event_type="video.completed")


def test_both_secrets_are_valid_for_a_day_if_the_application_wants_that(
    mock: MockOpenAI, hooks: Any
) -> None:
    with receiving() as receiver:
        created = create(hooks, receiver.url)
        receiver.secret = created.signing_secret
        hooks.rotate_secret(created.id, keep_old_secret_active_for_24_hours=True)
        assert hooks.test(created.id, event_type="batch.failed").status_code == 204
        mock.webhooks.advance(24 * 3600 + 1)
        assert hooks.test(created.id, event_type="batch.failed").status_code == 400
        receiver.secret = hooks.rotate_secret(created.id).signing_secret
        assert hooks.test(created.id, event_type="batch.failed").status_code == 204


def test_a_registered_endpoint_gets_the_events_of_jobs(mock: MockOpenAI, hooks: Any) -> None:
    client = mock.client()
    with receiving() as receiver:
        created = create(hooks, receiver.url)
        receiver.secret = created.signing_secret
        for _ in range(2):
            id = client.responses.create(model="gpt-5", input="Hi", background=True).id
            mock.jobs.finish(id)
            mock.webhooks.wait()
            hooks.update(created.id, event_types=["batch.completed"])
        (delivery,) = mock.webhooks.deliveries
        assert receiver.next().data.id == delivery.event["data"]["id"]
        with receiving(created.signing_secret) as other:
            hooks.update(created.id, url=other.url, event_types=TYPES)
            mock.webhooks.send("batch.completed", {"id": "batch_1"})
            assert other.next().data.id == "batch_1"
        hooks.delete(created.id)
        assert mock.webhooks.endpoints == []


def test_nothing_is_sent_to_a_host_that_nobody_gave(mock: MockOpenAI, hooks: Any) -> None:
    make_client()
    id = create(hooks).id
    assert mock.webhooks.endpoints == []
    with pytest.raises(openai.BadRequestError, match=r"sends nothing to https://app\.example"):
        hooks.test(id, event_type="batch.failed")
    mock.webhooks.to("https://app.example/other")
    create(hooks)
    assert [one.name for one in mock.webhooks.endpoints] == [
        "https://app.example/other",
        "https://app.example/hook",
    ]


def test_a_reset_removes_registered_endpoints(mock: MockOpenAI, hooks: Any) -> None:
    create(hooks, "http://127.0.0.1:1/")
    mock.reset()
    assert (mock.webhooks.endpoints, hooks.list().data) == ([], [])
    create(hooks, "http://[::1]:1/")
    assert len(mock.webhooks.endpoints) == 1
