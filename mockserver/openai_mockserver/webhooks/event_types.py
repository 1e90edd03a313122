"""The types of webhook events, and what the data of each contains.

Rules of this file: the types are those that the SDK's `client.webhooks.unwrap` knows, and those for
which `client.webhooks.create` registers an endpoint; a test compares them. The data is thin: it
names an object that the receiver retrieves.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from random import Random
from typing import Any

__all__ = ["EVENT_TYPES", "make_id", "sample_data"]


def make_id(prefix: str, created: int, rng: Random) -> str:
    """Return a prefix and 32 hexadecimal digits, which begin with the time.

    >>> make_id("evt", 1750287265, Random(0))[:12]
    'evt_685343a1'
    """
    moment, tail = 4 * rng.randrange(0x4000), rng.getrandbits(64)
    return f"{prefix}_{created:08x}{moment:04x}8190{tail:016x}"


_SIP_HEADERS = [
    {"name": "From", "value": "sip:+14255550112@sip.example.com"},
    {"name": "To", "value": "sip:+18005550112@sip.example.com"},
    {"name": "Call-ID", "value": "03782086-4ce9-44bf-8b0d-4e303d2cc590"},
]

_Sample = Callable[[Callable[[str], str]], dict[str, Any]]
"""Returns data, with ids from a function of their prefix."""


def _object(prefix: str, **members: Any) -> _Sample:
    return lambda new_id: {"id": new_id(prefix), **members}


def _sip_call(member: str, prefix: str, **members: Any) -> _Sample:
    return lambda new_id: {member: new_id(prefix), "sip_headers": _SIP_HEADERS, **members}


def _live_connection(new_id: Callable[[str], str]) -> dict[str, Any]:
    return {"session_id": new_id("live"), "type": "webrtc"}


_SAMPLES: dict[str, _Sample] = {
    "agent.environment.expired": _object("env"),
    "agent.environment.failed": _object("env"),
    "agent.environment.ready": _object("env"),
    "agent.environment.suspended": _object("env"),
    "agent.session.action_required": _object("sess", required_action={"type": "function_call"}),
    "agent.session.created": _object("sess", environment_type="none"),
    "agent.session.failed": _object("sess", environment_type="none"),
    "agent.session.idle": _object("sess", environment_type="none"),
    "agent.session.in_progress": _object("sess", environment_type="none"),
    "batch.cancelled": _object("batch"),
    "batch.completed": _object("batch"),
    "batch.expired": _object("batch"),
    "batch.failed": _object("batch"),
    "eval.run.canceled": _object("evalrun"),
    "eval.run.failed": _object("evalrun"),
    "eval.run.succeeded": _object("evalrun"),
    "fine_tuning.job.cancelled": _object("ftjob"),
    "fine_tuning.job.failed": _object("ftjob"),
    "fine_tuning.job.succeeded": _object("ftjob"),
    "live.call.incoming": _sip_call("session_id", "live"),
    "live.transport.connected": _live_connection,
    "live.transport.incoming": _sip_call("session_id", "live", type="sip"),
    "realtime.call.incoming": _sip_call("call_id", "rtc"),
    "response.cancelled": _object("resp"),
    "response.completed": _object("resp"),
    "response.failed": _object("resp"),
    "response.incomplete": _object("resp"),
    "safety.alert.created": _object("alert"),
    "safety.deactivation_issued": _object("case"),
    "safety.org_alert.created": _object("alert"),
    "safety.warning_issued": _object("case"),
    "video.completed": _object("video"),
    "video.failed": _object("video"),
}

EVENT_TYPES = tuple(_SAMPLES)
"""The types of events, in alphabetical order."""


def sample_data(type: str, created: int, rng: Random) -> Mapping[str, Any]:
    """Return data of a type of event, with new ids."""
    return _SAMPLES[type](lambda prefix: make_id(prefix, created, rng))
