"""What can go wrong with a webhook, as values.

Rules of this file: a fault either changes what is signed, or what was signed, or when and how often
it is sent. Those that change the request apply to the first attempts only, ``times`` of them, so
that a retry of the same delivery succeeds; None means each attempt.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace

from openai_mockserver.exceptions import FaultError
from openai_mockserver.webhooks.message import Message, WebhookRequest, make_request

__all__ = [
    "FAULTS",
    "Draft",
    "WebhookFault",
    "duplicate",
    "late",
    "missing_signature",
    "old_signature",
    "out_of_order",
    "reserialize",
    "slow_receiver",
    "spoil",
    "truncate",
    "wrong_signature",
]


@dataclass(frozen=True, slots=True)
class Draft:
    """An attempt before it is signed.

    Args:
        message: the message to send.
        secrets: the secrets to sign with.
        retired_secrets: secrets that are no longer valid, the newest first.
        timestamp: the time of the attempt, in seconds since the epoch.
    """

    message: Message
    secrets: tuple[str, ...]
    retired_secrets: tuple[str, ...]
    timestamp: int


@dataclass(frozen=True, slots=True)
class WebhookFault:
    """A fault of a webhook, made by one of the functions of this module.

    Args:
        name: its name.
        times: to how many attempts it applies; None means each.
        before: changes what is signed.
        after: changes what was signed.
        copies: how often the event is sent again after it was delivered.
        is_held: whether the event waits for the next one.
        is_slow: whether the receiver's answer comes too late.
    """

    name: str
    times: int | None = 1
    before: Callable[[Draft], Draft] | None = None
    after: Callable[[WebhookRequest], WebhookRequest] | None = None
    copies: int = 0
    is_held: bool = False
    is_slow: bool = False

    def __post_init__(self) -> None:
        if self.times is not None and not (isinstance(self.times, int) and self.times >= 1):
            message = (
                f"{self.name}: times={self.times!r} must be a whole number, 1 or more, or None"
            )
            raise FaultError(message)

    def applies_to(self, number: int) -> bool:
        """Whether it applies to an attempt, counted from 1."""
        return self.times is None or number <= self.times

    def __repr__(self) -> str:
        return f"<webhook fault {self.name}>"


def spoil(draft: Draft, faults: Iterable[WebhookFault]) -> WebhookRequest:
    """Return the request of an attempt with these faults."""
    faults = tuple(faults)
    for fault in faults:
        draft = fault.before(draft) if fault.before else draft
    request = make_request(draft.message, draft.secrets, draft.timestamp)
    for fault in faults:
        request = fault.after(request) if fault.after else request
    return request


# When, and how often


def duplicate(copies: int = 1) -> WebhookFault:
    """Send the event again after it was delivered, with the same ``webhook-id`` and body."""
    if not (isinstance(copies, int) and copies >= 1):
        raise FaultError(f"duplicate: copies={copies!r} must be a whole number, 1 or more")
    return WebhookFault("duplicate", copies=copies)


def out_of_order() -> WebhookFault:
    """Hold the event back until the next was sent to the same endpoint, or time is advanced."""
    return WebhookFault("out_of_order", is_held=True)


def slow_receiver(times: int | None = 1) -> WebhookFault:
    """Ignore the answer, as if it came after the timeout: the receiver gets the event again."""
    return WebhookFault("slow_receiver", times, is_slow=True)


# What is signed


def late(seconds: int = 301, times: int | None = 1) -> WebhookFault:
    """Send a timestamp that is this old, validly signed; the SDK refuses one older than 300 s."""
    if not (isinstance(seconds, int) and seconds >= 1):
        raise FaultError(f"late: seconds={seconds!r} must be a whole number, 1 or more")

    def age(draft: Draft) -> Draft:
        return replace(draft, timestamp=draft.timestamp - seconds)

    return WebhookFault("late", times, before=age)


def old_signature(times: int | None = 1) -> WebhookFault:
    """Sign with the secret that `Endpoint.rotate_secret` has replaced, and with no other."""
    return WebhookFault("old_signature", times, before=_sign_with_old)


def _sign_with_old(draft: Draft) -> Draft:
    old = (*draft.secrets[1:], *draft.retired_secrets)
    if not old:
        raise FaultError("old_signature: the endpoint has no older secret; call rotate_secret()")
    return replace(draft, secrets=old[:1])


# What was signed


def wrong_signature(times: int | None = 1) -> WebhookFault:
    """Send a well-formed signature that fits no secret."""
    return WebhookFault("wrong_signature", times, after=_replace_signature)


def _replace_signature(request: WebhookRequest) -> WebhookRequest:
    signature = f"v1,{base64.b64encode(bytes(32)).decode()}"
    return replace(request, headers={**request.headers, "webhook-signature": signature})


def missing_signature(times: int | None = 1) -> WebhookFault:
    """Send no ``webhook-signature``."""
    return WebhookFault("missing_signature", times, after=_drop_signature)


def _drop_signature(request: WebhookRequest) -> WebhookRequest:
    headers: Mapping[str, str] = {
        name: value for name, value in request.headers.items() if name != "webhook-signature"
    }
    return replace(request, headers=headers)


def truncate(times: int | None = 1) -> WebhookFault:
    """Send the first half of the body only."""
    return WebhookFault("truncate", times, after=_halve_body)


def _halve_body(request: WebhookRequest) -> WebhookRequest:
    return replace(request, body=request.body[: len(request.body) // 2])


def reserialize(times: int | None = 1) -> WebhookFault:
    """Send the same JSON in other bytes, as a proxy does that decodes and encodes it."""
    return WebhookFault("reserialize", times, after=_encode_again)


def _encode_again(request: WebhookRequest) -> WebhookRequest:
    return replace(request, body=json.dumps(json.loads(request.body), indent=2).encode())


FAULTS: Mapping[str, Callable[[], WebhookFault]] = {
    fault.__name__: fault
    for fault in (
        duplicate,
        late,
        missing_signature,
        old_signature,
        out_of_order,
        reserialize,
        slow_receiver,
        truncate,
        wrong_signature,
    )
}
"""The faults by name; without arguments, each function uses its defaults."""
