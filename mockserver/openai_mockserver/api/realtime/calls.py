"""Calls and client secrets of the Realtime API: what a browser needs, and what a phone line does.

Rules of this file: no I/O. The answer to an SDP offer accepts what the offer has, and names an
address at which nobody answers: media do not flow. A WebSocket that names a call or uses a client
secret begins with the configuration of that call or secret.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from random import Random
from typing import Any

import msgspec.json

from openai_mockserver import seed
from openai_mockserver.api import errors, ids
from openai_mockserver.api.endpoint import Endpoint, EndpointRequest
from openai_mockserver.api.headers import binary_headers
from openai_mockserver.api.json_body import json_response
from openai_mockserver.api.realtime.config import (
    Config,
    make_config,
    show_session,
    update_config,
)
from openai_mockserver.api.realtime.reader import read
from openai_mockserver.api.store import Store
from openai_mockserver.dialects.realtime import BETA, OPENAI
from openai_mockserver.reply import ApiError
from openai_mockserver.script import Head, Raw, Script

__all__ = ["ANSWERS", "ENDPOINTS", "answer_offer", "find_config", "is_client_secret"]

_CALLS, _SECRETS = "realtime_calls", "realtime_client_secrets"
_SECONDS = 600  # the life of a client secret
_ROOT = "/v1/realtime"


def find_config(store: Store, call_id: str | None, key: str) -> Config | None:
    """Return the configuration with which a WebSocket begins; None for the defaults.

    Args:
        store: the mock's objects.
        call_id: the call that it joins.
        key: its API key, which may be a client secret.
    """
    found = store.get(_CALLS, call_id) if call_id is not None else store.get(_SECRETS, key)
    return None if found is None else dict(found["config"])


def is_client_secret(store: Store, key: str, now: int) -> bool:
    """Whether a key is a client secret that has not expired."""
    secret = store.get(_SECRETS, key)
    return secret is not None and now < secret["expires_at"]


# Client secrets


def _configure(session: Mapping[str, Any]) -> Config:
    """Return the configuration that a session object describes. Raises ValueError, see there."""
    kind = str(session.get("type") or "realtime")
    model = str(session.get("model") or "gpt-realtime")
    return update_config(make_config(model, OPENAI, kind), {"type": kind, **session}, OPENAI)


def create_secret(request: EndpointRequest, store: Store, rng: Random) -> Script:
    """Create a client secret, and return it with the session that it opens."""
    try:
        config = _configure(request.parameters.get("session") or {})
    except ValueError as problem:
        return errors.render(problem.args[0], rng)
    expiry = request.parameters.get("expires_after") or {}
    value = f"ek_{ids.letters(40, rng)}"
    expires_at = seed.now(rng) + int(expiry.get("seconds") or _SECONDS)
    store.put(_SECRETS, value, {"config": config, "expires_at": expires_at})
    session = show_session(config, f"sess_{ids.letters(21, rng)}", 0, OPENAI)
    return json_response({"value": value, "expires_at": expires_at, "session": session}, rng)


def create_beta_session(request: EndpointRequest, store: Store, rng: Random) -> Script:
    """Create the client secret of a session, as in the beta."""
    parameters = dict(request.parameters)
    model = str(parameters.pop("model", None) or "gpt-4o-realtime-preview")
    try:
        config = update_config(make_config(model, BETA), parameters, BETA)
    except ValueError as problem:
        return errors.render(problem.args[0], rng)
    value = f"ek_{ids.letters(40, rng)}"
    expires_at = seed.now(rng) + 60
    known = {k: config[k] for k in make_config(model, OPENAI)}
    store.put(_SECRETS, value, {"config": known, "expires_at": expires_at})
    session = show_session(config, f"sess_{ids.letters(21, rng)}", 0, BETA)
    secret = {"value": value, "expires_at": expires_at}
    return json_response({**session, "client_secret": secret}, rng)


# Calls


def create_call(request: EndpointRequest, store: Store, rng: Random) -> Script:
    """Answer the SDP offer of a call over WebRTC."""
    offer, session = request.parameters.get("sdp"), request.parameters.get("session") or {}
    if request.content_type.startswith("application/sdp"):
        offer = bytes(request.content).decode(errors="replace")
    try:
        if isinstance(session, str):
            session = msgspec.json.decode(session)
        config = _configure(session)
        answer = answer_offer(str(offer or ""), rng)
    except ValueError as problem:  # msgspec's, too
        error = problem.args[0]
        return errors.render(error if isinstance(error, ApiError) else errors.invalid_json(), rng)
    id = f"rtc_u0_{ids.letters(21, rng)}"
    store.put(_CALLS, id, {"config": config})
    body = answer.encode()
    head = Head(201, binary_headers("text/plain; charset=utf-8", len(body), rng))
    headers = (*head.headers, ("location", f"{_ROOT}/calls/{id}"))
    return Script(replace(head, headers=headers), (Raw(body),))


def accept_call(request: EndpointRequest, store: Store, rng: Random) -> Script:
    """Accept an incoming call with the session that its WebSocket begins with."""
    try:
        config = _configure(request.parameters)
    except ValueError as problem:
        return errors.render(problem.args[0], rng)
    return _change_call(request, {"config": config}, store, rng)


def change_call(request: EndpointRequest, store: Store, rng: Random) -> Script:
    """Reject, transfer or end a call."""
    return _change_call(request, None, store, rng)


def _change_call(
    request: EndpointRequest, value: dict[str, Any] | None, store: Store, rng: Random
) -> Script:
    # A call that has come in by a webhook is known to nobody but the test.
    id = request.ids["call_id"]
    if store.is_gone(_CALLS, id):
        text = f"No session found with call_id {id!r}."
        return errors.render(ApiError(404, text, None, "call_id_not_found"), rng)
    if value is not None:
        store.put(_CALLS, id, value)
    elif not request.path.endswith("/refer"):
        store.delete(_CALLS, id)
    return Script(Head(200, binary_headers("text/plain; charset=utf-8", 0, rng)))


ANSWERS = {
    ("POST", f"{_ROOT}/client_secrets"): create_secret,
    ("POST", f"{_ROOT}/sessions"): create_beta_session,
    ("POST", f"{_ROOT}/calls"): create_call,
    ("POST", f"{_ROOT}/calls/{{call_id}}/accept"): accept_call,
    ("POST", f"{_ROOT}/calls/{{call_id}}/hangup"): change_call,
    ("POST", f"{_ROOT}/calls/{{call_id}}/refer"): change_call,
    ("POST", f"{_ROOT}/calls/{{call_id}}/reject"): change_call,
}


ENDPOINTS = (
    # The beta answers an offer here; a rule that names this endpoint may reply with a stream.
    Endpoint(path=_ROOT, method="POST", form=True, read=read, answer=create_call),
)


# SDP

_CODECS = ("opus/48000/2", "PCMU/8000", "PCMA/8000")


def answer_offer(offer: str, rng: Random) -> str:
    """Return the answer to an SDP offer (RFC 8866, 8829): the same media, with our codecs.

    Raises ValueError with an ApiError if it is none.
    """
    lines = offer.replace("\r\n", "\n").split("\n")
    starts = [n for n, line in enumerate(lines) if line.startswith("m=")]
    if not offer.startswith("v=0") or not starts:
        text = "Failed to parse SDP offer: it has no media."
        raise ValueError(ApiError(400, text, code="invalid_offer", param="sdp"))
    sections = [lines[a:b] for a, b in zip(starts, [*starts[1:], len(lines)], strict=True)]
    pairs = rng.randbytes(32).hex().upper()
    fingerprint = ":".join(pairs[n : n + 2] for n in range(0, 64, 2))
    ice = [f"a=ice-ufrag:{ids.letters(16, rng)}", f"a=ice-pwd:{ids.letters(32, rng)}"]
    mids = [_find(section, "a=mid:") or str(n) for n, section in enumerate(sections)]
    result = [
        "v=0",
        f"o=- {rng.getrandbits(62)} {seed.now(rng)} IN IP4 0.0.0.0",
        "s=-",
        "t=0 0",
        "a=msid-semantic:WMS *",
        f"a=fingerprint:sha-256 {fingerprint}",
        "a=ice-lite",
        f"a=group:BUNDLE {' '.join(mids)}",
    ]
    for section, mid in zip(sections, mids, strict=True):
        media = section[0].split()
        common = ["c=IN IP4 0.0.0.0", "a=setup:active", f"a=mid:{mid}", *ice]
        if media[0] == "m=audio":
            result += [*_answer_audio(section, media, common)]
        elif media[0] == "m=application":
            result += [f"m=application 9 {' '.join(media[2:])}", *common, "a=sendrecv"]
            result += ["a=sctp-port:5000", "a=max-message-size:1073741823"]
        else:  # port 0 refuses a medium
            result += [f"{media[0]} 0 {' '.join(media[2:])}", "c=IN IP4 0.0.0.0", f"a=mid:{mid}"]
    return "".join(f"{line}\r\n" for line in result)


def _find(lines: list[str], start: str) -> str | None:
    return next((line.removeprefix(start) for line in lines if line.startswith(start)), None)


def _answer_audio(section: list[str], media: list[str], common: list[str]) -> list[str]:
    maps = [line.removeprefix("a=rtpmap:").split() for line in section if "a=rtpmap:" in line]
    accepted = [(one[0], one[1]) for one in maps if len(one) == 2 and one[1] in _CODECS]
    types = " ".join(number for number, _ in accepted) or " ".join(media[3:])
    return [
        f"m=audio 9 {media[2]} {types}",
        *common,
        "a=rtcp-mux",
        "a=rtcp-rsize",
        *(f"a=rtpmap:{number} {codec}" for number, codec in accepted),
        "a=msid:realtimeapi audio",
        "a=sendrecv",
        "a=candidate:1 1 udp 2130706431 127.0.0.1 9 typ host",
    ]
