"""Events and their signatures, as the SDK's `client.webhooks.unwrap` reads them."""

from __future__ import annotations

import time
from random import Random
from typing import Any, get_args, get_type_hints

import pytest

from openai_mockserver.exceptions import MockServerError
from openai_mockserver.seed import MOMENT, Seeded
from openai_mockserver.webhooks.event_types import EVENT_TYPES
from openai_mockserver.webhooks.message import (
    USER_AGENT,
    make_message,
    make_request,
)
from openai_mockserver.webhooks.signing import decode_secret, make_secret, sign
from sdk_webhooks import unwrap

openai = pytest.importorskip("openai")

SECRET = "whsec_" + "c2VjcmV0" * 6


def known_classes() -> dict[str, Any]:
    """Return the SDK's classes of events, by their types."""
    from openai.types.webhooks import unwrap_webhook_event

    (union, _) = get_args(unwrap_webhook_event.UnwrapWebhookEvent)
    return {get_args(kind.model_fields["type"].annotation)[0]: kind for kind in get_args(union)}


@pytest.mark.openai3("2.x knows fewer types")
def test_the_types_are_those_of_the_sdk() -> None:
    from openai.types.webhooks import webhook_create_params

    hints = get_type_hints(webhook_create_params.WebhookCreateParams)
    (types,) = get_args(hints["event_types"])
    assert set(EVENT_TYPES) == set(known_classes()) | set(get_args(types))
    assert list(EVENT_TYPES) == sorted(EVENT_TYPES)


@pytest.mark.openai3("2.x knows fewer types")
@pytest.mark.parametrize("type", sorted(known_classes()))
def test_the_sdk_accepts_each_event(type: str) -> None:
    request = make_request(make_message(type, None, Random()), [SECRET], int(time.time()))
    event = unwrap(request, SECRET)
    assert event.__class__ is known_classes()[type]
    event.__class__.model_validate(request.json, strict=True)
    assert set(request.json["data"]) <= set(type_of_data(event).model_fields)


def type_of_data(event: Any) -> Any:
    return event.data.__class__


def test_an_event_is_what_the_guide_shows() -> None:
    message = make_message("response.completed", {"id": "resp_abc123"}, Seeded("any"))
    assert list(message.event) == ["object", "id", "type", "created_at", "data"]
    event_id = message.event["id"]
    assert len(event_id) == len("evt_685343a1381c819085d44c354e1b330e")
    assert len(message.id) == len("wh_685342e6c53c8190a1be43f081506c52")
    assert message.id.startswith("wh_")
    assert message.body.decode() == (
        f'{{"object":"event","id":"{event_id}","type":"response.completed",'
        f'"created_at":{MOMENT},"data":{{"id":"resp_abc123"}}}}'
    )
    headers = make_request(message, [SECRET], 1750287078).headers
    assert headers["user-agent"] == USER_AGENT
    assert headers["content-type"] == "application/json"
    assert headers["webhook-timestamp"] == "1750287078"
    assert headers["webhook-signature"] == sign(SECRET, message.id, 1750287078, message.body)


def test_ids_follow_from_the_seed() -> None:
    first, second = (make_message("batch.failed", None, Seeded("any")) for _ in range(2))
    assert first == second
    assert first != make_message("batch.failed", None, Seeded("other"))


def test_either_of_two_secrets_verifies() -> None:
    message = make_message("batch.completed", {"id": "batch_1"}, Random())
    secrets = [make_secret(Random(n)) for n in range(3)]
    request = make_request(message, secrets[:2], int(time.time()))
    assert unwrap(request, secrets[0]).data.id == unwrap(request, secrets[1]).data.id == "batch_1"
    with pytest.raises(openai.InvalidWebhookSignatureError):
        unwrap(request, secrets[2])


def test_the_libraries_test_vector_has_its_signature() -> None:
    """The libraries of Standard Webhooks are tested with it."""
    secret, id = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "msg_p5jXN8AQM9LWM0D4loKWxJek"
    signature = sign(secret, id, 1614265330, b'{"test": 2432232314}')
    assert signature == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_a_secret_without_a_prefix_is_itself_the_key() -> None:
    assert decode_secret("plain") == b"plain"
    assert len(decode_secret(make_secret(Random()))) == 32


@pytest.mark.parametrize(
    ("secret", "problem"),
    [("whsec_not base64!", "base64"), ("whsec_", "empty"), ("", "empty"), ("whsec_abc", "base64")],
)
def test_an_invalid_secret_is_refused(secret: str, problem: str) -> None:
    with pytest.raises(MockServerError, match=problem):
        decode_secret(secret)


def test_an_invalid_event_is_refused() -> None:
    with pytest.raises(MockServerError, match=r"did you mean 'response\.completed'"):
        make_message("response.complete", None, Random())
    with pytest.raises(MockServerError, match="must be JSON"):
        make_message("response.completed", {"id": object()}, Random())
