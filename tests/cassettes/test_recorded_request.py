"""Request keys: URLs of all kinds, forms, bytes, and redaction."""

from __future__ import annotations

import base64
import gc
from pathlib import Path
from typing import Any
from weakref import ref

import httpx
import pytest

from openai_mockserver import Event, MockOpenAI, Request, Script, StreamFileError
from openai_mockserver.cassettes import Exchange, dump, load, loads
from openai_mockserver.cassettes.cassette import Cassette
from openai_mockserver.cassettes.recorded_request import (
    RequestKey,
    build_exchange_key,
    build_request_key,
    get_request_key,
)
from openai_mockserver.cassettes.redact import Redactor, redact_exchange
from openai_mockserver.files import add_files

SOUND = bytes(range(256)) * 20


def make_key(**request: Any) -> RequestKey:
    """Return the key of an exchange with this request."""
    key = build_exchange_key(Exchange(Script(), {"request": request}))
    assert key is not None
    return key


@pytest.mark.parametrize(
    ("url", "path", "query"),
    [
        ("https://api.openai.com/v1/models", "/v1/models", ""),
        ("https://api.openai.com/v1/models?after=m#stream", "/v1/models", "after=m"),
        ("https://api.openai.com/v1/models#stream", "/v1/models", ""),
        ("https://api.openai.com?x=1", "/", "x=1"),
        ("/v1/models?limit=2", "/v1/models", "limit=2"),
        ("//v1/models", "//v1/models", ""),
        ("v1/models", "/v1/models", ""),
        ("api.openai.com/v1/models", "/v1/models", ""),
        ("<API_BASE>/models", "/models", ""),
        ("http://[::1/v1/models", "/v1/models", ""),
        ("https://h/v1/models/meta%2dllama%2FLlama", "/v1/models/meta-llama%2FLlama", ""),
        ("https://h/v1/x?u=http://other/y", "/v1/x", "u=http://other/y"),
    ],
)
def test_a_url_is_split_into_path_and_query(url: str, path: str, query: str) -> None:
    key = make_key(url=url)
    assert (key.path, key.query) == (path, query)


def test_a_request_without_a_url_has_the_endpoint_of_its_response() -> None:
    script = Script(steps=(Event('{"object":"text_completion","choices":[]}'),))
    key = build_exchange_key(Exchange(script, {"request": {"json": {"prompt": "Hi"}}}))
    assert key is not None
    assert (key.method, key.path) == ("POST", "/v1/completions")
    assert build_exchange_key(Exchange(script, {})) is None


def test_secrets_in_the_query_are_redacted_in_both_requests() -> None:
    key = build_request_key("GET", "/v1/models", "api-key=hidden&a=1", (), b"")
    assert key.query == "api-key=XXXXXX&a=1"
    assert make_key(url="/v1/models?a=1&api-key=other1", method="get").parameters == key.parameters


@pytest.mark.parametrize(
    "octets",
    [SOUND, "Grüße, 世界".encode(), "Grüße".encode("latin-1"), b"plain", b"\x80"],
    ids=["bytes", "utf-8", "latin-1", "ascii", "one byte"],
)
def test_bodies_other_than_json_are_compared_byte_for_byte(octets: bytes) -> None:
    key = build_request_key("POST", "/v1/x", "", (), octets)
    assert key.content is not None
    request = {"url": "/v1/x", **key.content}
    assert make_key(**request) == key
    assert make_key(url="/v1/x", base64=base64.b64encode(octets).decode()).body == key.body
    assert build_request_key("POST", "/v1/x", "", (), octets + b"!").body != key.body
    assert key.to_request().body == octets


@pytest.mark.parametrize("octets", [SOUND, "Grüße, 世界".encode(), b"plain"])
def test_recordings_of_older_versions_have_a_character_for_each_byte(octets: bytes) -> None:
    key = build_request_key("POST", "/v1/x", "", (), octets)
    assert make_key(url="/v1/x", text=octets.decode("latin-1")).body == key.body
    assert make_key(url="/v1/x", text="Grüße").body == "Grüße", "imported texts stay text"


def test_the_error_for_invalid_base64_names_its_place() -> None:
    with pytest.raises(StreamFileError, match=r"^f:1: request\.base64: "):
        loads(b'{"mockserver": 1, "request": {"url": "/", "base64": "a"}}\n', "f")


def test_secrets_in_binary_bodies_are_redacted_too() -> None:
    octets = b"\xff key sk-0123456789abcdefg"
    exchange = Exchange(
        Script(), {"request": {"url": "/", "base64": base64.b64encode(octets).decode()}}
    )
    clean = redact_exchange(exchange, Redactor()).about["request"]["base64"]
    assert base64.b64decode(clean) == b"\xff key " + b"X" * 20


def upload(url: str, sound: bytes = SOUND, model: str = "whisper-1") -> httpx.Response:
    """Request a transcription; httpx chooses a new boundary for each."""
    return httpx.post(
        f"{url}/audio/transcriptions",
        files={"file": ("a.wav", sound, "audio/wav")},
        data={"model": model},
        trust_env=False,
    )


def test_a_recorded_upload_matches_whatever_its_boundary(tmp_path: Path) -> None:
    """With the fixture's cassette and with a served file."""
    with MockOpenAI() as upstream:
        upstream.reply("What was said")
        with MockOpenAI(upstream=upstream.base_url, record=tmp_path) as recorder:
            transcript = upload(recorder.base_url).json()
    (file,) = tmp_path.iterdir()
    assert "base64" in load(file)[0].about["request"]
    file_mock = MockOpenAI()
    add_files(file_mock, [tmp_path])
    for mock in (MockOpenAI(cassette=Cassette(file)), file_mock):
        with mock:
            assert upload(mock.base_url).json() == transcript
            other = upload(mock.base_url, SOUND[1:], "gpt-4o-transcribe")
        message = other.json()["error"]["message"]
        assert '-    "model": "whisper-1"' in message
        assert '+    "model": "gpt-4o-transcribe"' in message
        assert f'"bytes": {len(SOUND) - 1},' in message


def test_a_recording_without_a_url_answers(tmp_path: Path) -> None:
    body = {"model": "m", "messages": [{"role": "user", "content": "Hi"}], "stream": True}
    script = Script(steps=(Event('{"choices":[]}'), Event("[DONE]")))
    dump(tmp_path / "a.jsonl", [Exchange(script, {"request": {"json": body}})])
    with MockOpenAI(cassette=Cassette(tmp_path / "a.jsonl")) as mock:
        answer = httpx.post(f"{mock.base_url}/chat/completions", json=body, trust_env=False)
    assert answer.text == 'data: {"choices":[]}\n\ndata: [DONE]\n\n'


def test_the_error_for_a_request_nested_too_deeply_names_the_file(tmp_path: Path) -> None:
    deep: dict[str, Any] = {}
    for _ in range(450):
        deep = {"a": deep}
    dump(tmp_path / "a.jsonl", [Exchange(Script(), {"request": {"url": "/", "json": deep}})])
    for read in (Cassette, lambda file: add_files(MockOpenAI(), [file])):
        with pytest.raises(StreamFileError, match=r"a\.jsonl: a request in it is nested too deep"):
            read(tmp_path / "a.jsonl")


def test_only_the_key_of_the_latest_request_is_cached() -> None:
    """The journal limits the memory of its calls, so nothing else may keep their bodies."""
    request = Request("POST", "/v1/x", body=b'{"a": 1}')
    key = ref(get_request_key(request))
    assert get_request_key(request) is key()
    get_request_key(Request("POST", "/v1/x"))
    gc.collect()
    assert key() is None
