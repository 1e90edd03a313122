"""Client secrets and calls of the Realtime API, with the SDK and with recorded requests."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import Any

import httpx2
import openai
import pytest
import yaml
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect
from websockets.typing import Subprotocol

from openai_mockserver import MockOpenAI

OFFER = """v=0
o=- 1 1 IN IP4 127.0.0.1
s=-
t=0 0
a=group:BUNDLE 0 1 2
m=audio 9 UDP/TLS/RTP/SAVPF 111 0 9
c=IN IP4 0.0.0.0
a=mid:0
a=rtpmap:111 opus/48000/2
a=rtpmap:0 PCMU/8000
a=rtpmap:9 G722/8000
m=video 9 UDP/TLS/RTP/SAVPF 96
a=mid:1
m=application 9 UDP/DTLS/SCTP webrtc-datachannel
a=mid:2
"""


@pytest.fixture
def mock() -> Iterator[MockOpenAI]:
    with MockOpenAI() as mock:
        mock.reply("Hello")
        yield mock


@pytest.fixture
def client(mock: MockOpenAI) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=mock.base_url, api_key="key", max_retries=0) as client:
        yield client


def find_url(mock: MockOpenAI) -> str:
    return mock.base_url.replace("http", "ws", 1) + "/realtime"


def load(shared: Path, name: str) -> Any:
    text = (shared / "recordings-ws" / f"test_{name}.yaml").read_text()
    return yaml.safe_load(text)["interactions"][0]


# Client secrets


def test_a_secret_is_made_as_recorded(mock: MockOpenAI, shared: Path) -> None:
    recorded = load(shared, "webrtc--test_create_client_secret")
    url = f"{mock.base_url}/realtime/client_secrets"
    with httpx2.Client(trust_env=False) as http:
        answer = http.post(url, json=recorded["request"]["parsed_body"]).json()
    expected = recorded["response"]["parsed_body"]
    for one in (answer, expected):
        assert one.pop("value").startswith("ek_")
        assert one.pop("expires_at") > 0
        assert one["session"].pop("id").startswith("sess_")
    assert answer == expected


def test_a_secret_opens_its_session(mock: MockOpenAI, client: openai.OpenAI) -> None:
    mock.api_key = "key"
    secret = client.realtime.client_secrets.create(
        expires_after={"anchor": "created_at", "seconds": 30},
        session={"type": "realtime", "model": "gpt-realtime-2", "instructions": "Be brief."},
    )
    browser = client.with_options(api_key=secret.value)
    with browser.realtime.connect() as connection:
        created: Any = connection.recv()
        mock.store.delete("realtime_client_secrets", secret.value)  # as if it had expired
        connection.response.create(response={"output_modalities": ["text"]})
        assert [event.type for event in islice(connection, 10)][-1] == "response.done"
    assert created.session.model == "gpt-realtime-2"
    assert created.session.instructions == "Be brief."
    assert [call.status for call in mock.calls] == [200, 101, 200]
    with pytest.raises(InvalidStatus):
        with client.with_options(api_key="ek_other").realtime.connect():
            pass


def test_an_expired_secret_opens_nothing(mock: MockOpenAI, client: openai.OpenAI) -> None:
    mock.api_key = "key"
    body = {"expires_after": {"anchor": "created_at", "seconds": -1}}
    secret: Any = client.post("/realtime/client_secrets", body=body, cast_to=object)
    with pytest.raises(InvalidStatus):
        with client.with_options(api_key=secret["value"]).realtime.connect():
            pass


def test_a_browser_has_its_key_in_a_protocol(mock: MockOpenAI) -> None:
    mock.api_key = "right"
    for key, status in (("right", 101), ("wrong", 401)):
        offers = [Subprotocol("realtime"), Subprotocol(f"openai-insecure-api-key.{key}")]
        with suppress(InvalidStatus):
            with connect(find_url(mock), subprotocols=offers, proxy=None) as raw:
                assert raw.subprotocol == "realtime"
        assert mock.calls[-1].status == status
        assert key not in repr(mock.calls[-1].headers)


def test_a_beta_session_has_a_secret(mock: MockOpenAI, client: openai.OpenAI) -> None:
    session = client.beta.realtime.sessions.create(
        model="gpt-4o-realtime-preview", modalities=["text"], instructions="Be brief."
    )
    assert session.modalities == ["text"]
    with connect(
        find_url(mock),
        additional_headers={"Authorization": f"Bearer {session.client_secret.value}"},
        proxy=None,
    ) as raw:
        created = json.loads(raw.recv(timeout=10))
    assert created["session"]["instructions"] == "Be brief."
    assert created["session"]["output_modalities"] == ["text"]


def test_an_invalid_session_is_refused(client: openai.OpenAI) -> None:
    session: Any = {"type": "realtime", "output_modalities": ["text", "audio"]}
    with pytest.raises(openai.BadRequestError, match="Invalid modalities"):
        client.realtime.client_secrets.create(session=session)


# Calls


@pytest.mark.parametrize(
    "name", ["webrtc--test_answer_webrtc_offer", "openai_ws--test_webrtc_sideband_text_turn"]
)
def test_a_recorded_offer_is_answered(mock: MockOpenAI, shared: Path, name: str) -> None:
    recorded = load(shared, name)
    body, headers = recorded["request"]["body"], recorded["request"]["headers"]
    with httpx2.Client(trust_env=False) as http:
        response = http.post(
            f"{mock.base_url}/realtime/calls",
            content=body,
            headers={"content-type": headers["content-type"][0]},
        )
    assert response.status_code == recorded["response"]["status"]["code"] == 201
    expected = recorded["response"]["headers"]
    assert response.headers["content-type"] == expected["content-type"][0]
    pattern = r"/v1/realtime/calls/rtc_u\d_[A-Za-z0-9]{21}"
    for location in (response.headers["location"], expected["location"][0]):
        assert re.fullmatch(pattern, location)
    kinds = ("m=", "a=mid:", "a=group:", "a=rtpmap:", "a=sctp-port:", "a=setup:", "a=sendrecv")
    lines, expected_lines = (
        [line for line in text.split("\r\n") if line.startswith(kinds)]
        for text in (response.text, recorded["response"]["body"]["string"])
    )
    assert sorted(lines) == sorted(expected_lines)


def test_the_sdk_calls_and_joins(mock: MockOpenAI, client: openai.OpenAI) -> None:
    answer = client.realtime.calls.create(
        sdp=OFFER, session={"type": "realtime", "instructions": "Be brief."}
    )
    sections = answer.text.split("m=")
    assert [one.split(" ")[:2] for one in sections[1:]] == [
        ["audio", "9"],
        ["video", "0"],  # refused
        ["application", "9"],
    ]
    assert "a=rtpmap:111 opus/48000/2\r\na=rtpmap:0 PCMU/8000\r\n" in answer.text
    call_id = answer.response.headers["location"].rpartition("/")[2]
    with client.realtime.connect(call_id=call_id) as connection:
        created: Any = connection.recv()
    assert created.session.instructions == "Be brief."


def test_an_offer_without_a_session(client: openai.OpenAI) -> None:
    answer = client.realtime.calls.create(sdp=OFFER)
    assert answer.text.startswith("v=0\r\n")


def test_what_is_no_offer_is_refused(client: openai.OpenAI) -> None:
    with pytest.raises(openai.BadRequestError, match="Failed to parse SDP offer"):
        client.realtime.calls.create(sdp="Hello")


def test_an_incoming_call(client: openai.OpenAI) -> None:
    client.realtime.calls.accept("rtc_1", type="realtime", instructions="Be brief.")
    with client.realtime.connect(call_id="rtc_1") as connection:
        created: Any = connection.recv()
    assert created.session.instructions == "Be brief."
    client.realtime.calls.refer("rtc_1", target_uri="tel:+123")
    client.realtime.calls.hangup("rtc_1")
    with pytest.raises(openai.NotFoundError):
        client.realtime.calls.hangup("rtc_1")
    client.realtime.calls.reject("rtc_2", status_code=486)
