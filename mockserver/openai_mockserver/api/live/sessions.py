"""The operations on Live sessions over HTTP, and what the mock remembers of a session.

Rules of this file: no I/O. Media do not flow: the answer to an SDP offer names an address at which
nobody answers. A session with an id that OpenAI would never make, such as ``session_id``, can be
anything, so that code that only has an id can run; an id that looks like OpenAI's must be known.
"""

from __future__ import annotations

import io
import re
import wave
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any

from openai_mockserver import seed
from openai_mockserver.api import errors
from openai_mockserver.api.audio.tones import RATE, speak
from openai_mockserver.api.endpoint import Endpoint, EndpointRequest
from openai_mockserver.api.headers import binary_headers
from openai_mockserver.api.json_body import binary_response, json_response
from openai_mockserver.api.live.config import (
    DEFAULT_MODEL,
    check_session,
    find_target,
    fork_config,
    make_session_id,
)
from openai_mockserver.api.live.reader import read
from openai_mockserver.api.realtime.calls import answer_offer
from openai_mockserver.api.resources.operations import require_websocket
from openai_mockserver.api.store import Store
from openai_mockserver.api.validation.parameters import parameters_of
from openai_mockserver.reply import ApiError
from openai_mockserver.script import Head, Script

__all__ = [
    "find_attachable",
    "find_stored",
    "ANSWERS",
    "ENDPOINTS",
    "LIFETIME",
    "LiveRecord",
    "find_record",
    "is_over",
    "keep_record",
]

LIFETIME = 3600.0
"""Seconds after which a session ends. OpenAI's own limit is not known."""

_SESSIONS = "live_sessions"
_REAL_ID = re.compile(r"live_u\d+_[0-9A-Za-z]{32}")
_PATH = "/v1/live/sessions"

_BACKEND = {"type": "responses", "responses": {"model": "gpt-5"}}
"""The delegation of a session that a test has made up, if a fork changes it."""


@dataclass(frozen=True, slots=True)
class LiveRecord:
    """What the mock remembers of a session.

    Args:
        config: its configuration.
        transport: ``websocket``, ``webrtc`` or ``sip``.
        expires_at: when it ends, in Unix seconds.
        items: what has been said, as the input of a request; it grows while the session is open.
        sound: what has been said, as PCM at 24 kHz, if the session is stored; likewise.
    """

    config: Mapping[str, Any]
    transport: str
    expires_at: int
    items: Sequence[dict[str, Any]] = ()
    sound: Sequence[bytes] = field(default=(), repr=False)


def find_record(store: Store, id: str, rng: Random) -> LiveRecord | None:
    """Return what is known of a session; None if its id is one that OpenAI would not know.

    Args:
        store: the mock's objects.
        id: the session's id; for one that a test has made up there is always a session.
        rng: source of times.
    """
    record = store.get(_SESSIONS, id)
    if isinstance(record, LiveRecord):
        return record
    if _REAL_ID.fullmatch(id):
        return None
    return LiveRecord({"model": DEFAULT_MODEL}, "sip", seed.now(rng) + int(LIFETIME))


def find_stored(store: Store, id: str, rng: Random) -> LiveRecord | None:
    """Return a session that can be forked, and whose recording can be downloaded; see there."""
    record = find_record(store, id, rng)
    if record is None or (_REAL_ID.fullmatch(id) and not record.config.get("store")):
        return None
    return record


def find_attachable(store: Store, id: str, rng: Random) -> LiveRecord | None:
    """Return a session over WebRTC or SIP, to which a sideband can be attached; see there."""
    record = find_record(store, id, rng)
    return None if record is None or record.transport == "websocket" else record


def keep_record(store: Store, id: str, record: LiveRecord) -> None:
    """Remember a session."""
    store.put(_SESSIONS, id, record)


def is_over(store: Store, id: str) -> bool:
    """Whether a request has ended a session."""
    return store.is_gone(_SESSIONS, id)


# Operations


def create_session(request: EndpointRequest, store: Store, rng: Random) -> Script:
    """Create a session over WebRTC, and answer its offer."""
    try:
        config = check_session(request.parameters.get("session"))
        answer = _answer_offer(request.parameters["transport"]["sdp"], rng)
    except ValueError as problem:
        return errors.render(problem.args[0], rng)
    return _answer_new(LiveRecord(config, "webrtc", _find_end(rng)), answer, store, rng)


def fork_session(request: EndpointRequest, store: Store, rng: Random) -> Script:
    """Create a session over WebRTC that continues a stored one."""
    record = find_stored(store, request.ids["session_id"], rng)
    if record is None:
        return _refuse_unknown(request, rng, "stored session")
    changes = request.parameters.get("session") or {}
    base = dict(record.config)
    is_made_up = not _REAL_ID.fullmatch(request.ids["session_id"])
    if is_made_up and changes.get("delegation") and find_target(base) != "responses":
        base["delegation"] = _BACKEND
    try:
        config = fork_config(base, changes, False)
        answer = _answer_offer(request.parameters["transport"]["sdp"], rng)
    except ValueError as problem:
        return errors.render(problem.args[0], rng)
    fork = LiveRecord(config, "webrtc", _find_end(rng), tuple(record.items))
    return _answer_new(fork, answer, store, rng)


def accept_session(request: EndpointRequest, store: Store, rng: Random) -> Script:
    """Accept an incoming call with the session that its sideband begins with."""
    session = dict(request.parameters.get("session") or {})
    session.pop("type", None)
    try:
        config = check_session(session)
    except ValueError as problem:
        return errors.render(problem.args[0], rng)
    if find_record(store, id := request.ids["session_id"], rng) is None:
        return _refuse_unknown(request, rng)
    keep_record(store, id, LiveRecord(config, "sip", _find_end(rng)))
    return _succeed(rng)


def reject_session(request: EndpointRequest, store: Store, rng: Random) -> Script:
    """Reject an incoming call with a SIP status."""
    status = request.parameters.get("status_code")
    if not (isinstance(status, int) and 300 <= status <= 699):
        text = f"Invalid 'status_code': {status!r:.200}. Expected a SIP status from 300 to 699."
        return errors.render(ApiError(400, text, code="invalid_value", param="status_code"), rng)
    return hang_up(request, store, rng)


def refer_session(request: EndpointRequest, store: Store, rng: Random) -> Script:
    """Transfer a call to another address."""
    if not str(request.parameters.get("target_uri") or "").strip():
        text = "Invalid 'target_uri': expected a URI that is not blank."
        return errors.render(ApiError(400, text, code="invalid_value", param="target_uri"), rng)
    if find_record(store, request.ids["session_id"], rng) is None:
        return _refuse_unknown(request, rng)
    return _succeed(rng)


def hang_up(request: EndpointRequest, store: Store, rng: Random) -> Script:
    """End a session, and its connections within half a second."""
    id = request.ids["session_id"]
    if find_record(store, id, rng) is None:
        return _refuse_unknown(request, rng)
    store.delete(_SESSIONS, id)
    return _succeed(rng)


def download_recording(request: EndpointRequest, store: Store, rng: Random) -> Script:
    """Return what has been said in a stored session, as WAV at 24 kHz."""
    id = request.ids["session_id"]
    if (record := find_stored(store, id, rng)) is None:
        return _refuse_unknown(request, rng, "stored session")
    is_known = store.get(_SESSIONS, id) is not None
    data = b"".join(tuple(record.sound)) if is_known else speak(id, "pcm")
    file = io.BytesIO()
    with wave.open(file, "wb") as recording:
        recording.setnchannels(1)
        recording.setsampwidth(2)
        recording.setframerate(RATE)
        recording.writeframes(data)
    return binary_response(file.getvalue(), rng, "audio/wav")


def refuse_fork(request: EndpointRequest, store: Store, rng: Random) -> Script:
    """Answer a request that has not forked a session over a WebSocket."""
    if find_stored(store, request.ids["session_id"], rng) is None:
        return _refuse_unknown(request, rng, "stored session")
    return require_websocket(request, store, rng)


def refuse_sideband(request: EndpointRequest, store: Store, rng: Random) -> Script:
    """Answer a request that has not attached a sideband."""
    if find_attachable(store, request.ids["session_id"], rng) is None:
        return _refuse_unknown(request, rng, "session over WebRTC or SIP")
    return require_websocket(request, store, rng)


def _find_end(rng: Random) -> int:
    return seed.now(rng) + int(LIFETIME)


def _answer_offer(offer: str, rng: Random) -> str:
    """Return the answer to an SDP offer; one that a test has made up has no media."""
    return answer_offer(offer, rng) if offer.startswith("v=") else answer_offer(_BARE_OFFER, rng)


_BARE_OFFER = "v=0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=rtpmap:111 opus/48000/2\r\na=mid:0\r\n"


def _answer_new(record: LiveRecord, answer: str, store: Store, rng: Random) -> Script:
    id = make_session_id(rng)
    keep_record(store, id, record)
    body = {"session": {"id": id}, "transport": {"type": "webrtc", "sdp": answer}}
    script = json_response(body, rng)
    return replace(script, head=replace(script.head, status=201))


def _succeed(rng: Random) -> Script:
    return Script(Head(200, binary_headers("text/plain; charset=utf-8", 0, rng)))


def _refuse_unknown(request: EndpointRequest, rng: Random, kind: str = "session") -> Script:
    text = f"No {kind} found with session_id {request.ids['session_id']!r:.200}."
    return errors.render(ApiError(404, text, None, "session_not_found"), rng)


_SESSION = f"{_PATH}/{{session_id}}"

ANSWERS = {
    ("POST", f"{_SESSION}/accept"): accept_session,
    ("GET", f"{_SESSION}/content"): download_recording,
    ("POST", f"{_SESSION}/fork"): fork_session,
    ("POST", f"{_SESSION}/hangup"): hang_up,
    ("POST", f"{_SESSION}/refer"): refer_session,
    ("POST", f"{_SESSION}/reject"): reject_session,
}

ENDPOINTS = (
    # What is said in a session is read here, because its own endpoint exists in no path.
    Endpoint(
        path=_PATH,
        parameters=parameters_of("POST", _PATH),
        read=read,
        answer=create_session,
    ),
    Endpoint(path=_PATH, method="GET", answer=require_websocket),
    Endpoint(path=f"{_SESSION}/attach", method="GET", answer=refuse_sideband),
    Endpoint(path=f"{_SESSION}/fork", method="GET", answer=refuse_fork),
)
"""The path at which sessions are created, and those of WebSockets for a request without one."""
