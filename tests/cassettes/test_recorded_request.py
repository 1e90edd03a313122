"""Requests as they are recorded: URLs of all kinds, forms, bytes, and what is taken out."""

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
    key_of_exchange,
    key_of_request,
    recorded_key,
)
from openai_mockserver.cassettes.redact import Redactor, without_secrets
from openai_mockserver.files import add_files

SOUND = bytes(range(256)) * 20


def key_of(**request: Any) -> RequestKey:
    """The key of an exchange that states this request."""
    key = key_of_exchange(Exchange(Script(), {"request": request}))
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
def test_what_a_url_asks_for(url: str, path: str, query: str) -> None:
    key = key_of(url=url)
    assert (key.path, key.query) == (path, query)


def test_a_request_without_a_url_is_at_the_endpoint_of_its_response() -> None:
    said = Script(steps=(Event('{"object":"text_completion","choices":[]}'),))
    key = key_of_exchange(Exchange(said, {"request": {"json": {"prompt": "Hi"}}}))
    assert key is not None
    assert (key.method, key.path) == ("POST", "/v1/completions")
    assert key_of_exchange(Exchange(said, {})) is None


def test_secrets_of_the_query_are_taken_out_of_both() -> None:
    asked = key_of_request("GET", "/v1/models", "api-key=hidden&a=1", (), b"")
    assert asked.query == "api-key=XXXXXX&a=1"
    assert key_of(url="/v1/models?a=1&api-key=other1", method="get").parameters == asked.parameters


@pytest.mark.parametrize(
    "octets",
    [SOUND, "Grüße, 世界".encode(), "Grüße".encode("latin-1"), b"plain", b"\x80"],
    ids=["bytes", "utf-8", "latin-1", "ascii", "one byte"],
)
def test_bodies_that_are_no_json_are_compared_byte_for_byte(octets: bytes) -> None:
    asked = key_of_request("POST", "/v1/x", "", (), octets)
    assert asked.content is not None
    stated = {"url": "/v1/x", **asked.content}
    assert key_of(**stated) == asked
    assert key_of(url="/v1/x", base64=base64.b64encode(octets).decode()).body == asked.body
    assert key_of_request("POST", "/v1/x", "", (), octets + b"!").body != asked.body
    assert asked.to_request().body == octets


@pytest.mark.parametrize("octets", [SOUND, "Grüße, 世界".encode(), b"plain"])
def test_recordings_of_older_versions_have_a_character_for_each_byte(octets: bytes) -> None:
    asked = key_of_request("POST", "/v1/x", "", (), octets)
    assert key_of(url="/v1/x", text=octets.decode("latin-1")).body == asked.body
    assert key_of(url="/v1/x", text="Grüße").body == "Grüße", "imported texts are texts"


def test_what_is_no_base64_is_told_with_its_place() -> None:
    with pytest.raises(StreamFileError, match=r"^f:1: request\.base64: "):
        loads(b'{"mockserver": 1, "request": {"url": "/", "base64": "a"}}\n', "f")


def test_secrets_are_taken_out_of_bytes_too() -> None:
    octets = b"\xff key sk-0123456789abcdefg"
    exchange = Exchange(
        Script(), {"request": {"url": "/", "base64": base64.b64encode(octets).decode()}}
    )
    clean = without_secrets(exchange, Redactor()).about["request"]["base64"]
    assert base64.b64decode(clean) == b"\xff key " + b"X" * 20


def upload(url: str, sound: bytes = SOUND, model: str = "whisper-1") -> httpx.Response:
    """A transcription: httpx makes up a boundary for each."""
    return httpx.post(
        f"{url}/audio/transcriptions",
        files={"file": ("a.wav", sound, "audio/wav")},
        data={"model": model},
        trust_env=False,
    )


def test_an_upload_is_found_again_whatever_its_boundary(tmp_path: Path) -> None:
    """Through the recorder, from the fixture's cassette and as a file that is served."""
    with MockOpenAI() as upstream:
        upstream.reply("What was said")
        with MockOpenAI(upstream=upstream.base_url, record=tmp_path) as recorder:
            said = upload(recorder.base_url).json()
    (file,) = tmp_path.iterdir()
    assert "base64" in load(file)[0].about["request"]
    served = MockOpenAI()
    add_files(served, [tmp_path])
    for mock in (MockOpenAI(cassette=Cassette(file)), served):
        with mock:
            assert upload(mock.base_url).json() == said
            other = upload(mock.base_url, SOUND[1:], "gpt-4o-transcribe")
        told = other.json()["error"]["message"]
        assert '-    "model": "whisper-1"' in told
        assert '+    "model": "gpt-4o-transcribe"' in told
        assert f'"bytes": {len(SOUND) - 1},' in told


def test_a_recording_without_a_url_answers(tmp_path: Path) -> None:
    body = {"model": "m", "messages": [{"role": "user", "content": "Hi"}], "stream": True}
    said = Script(steps=(Event('{"choices":[]}'), Event("[DONE]")))
    dump(tmp_path / "a.jsonl", [Exchange(said, {"request": {"json": body}})])
    with MockOpenAI(cassette=Cassette(tmp_path / "a.jsonl")) as mock:
        answer = httpx.post(f"{mock.base_url}/chat/completions", json=body, trust_env=False)
    assert answer.text == 'data: {"choices":[]}\n\ndata: [DONE]\n\n'


def test_a_request_that_is_nested_too_deeply_is_told_with_its_file(tmp_path: Path) -> None:
    deep: dict[str, Any] = {}
    for _ in range(450):
        deep = {"a": deep}
    dump(tmp_path / "a.jsonl", [Exchange(Script(), {"request": {"url": "/", "json": deep}})])
    for read in (Cassette, lambda file: add_files(MockOpenAI(), [file])):
        with pytest.raises(StreamFileError, match=r"a\.jsonl: a request in it is nested too deep"):
            read(tmp_path / "a.jsonl")


def test_only_the_key_of_the_latest_request_is_kept() -> None:
    """The journal bounds the memory of the calls that it keeps: nothing else keeps bodies."""
    asked = Request("POST", "/v1/x", body=b'{"a": 1}')
    key = ref(recorded_key(asked))
    assert recorded_key(asked) is key()
    recorded_key(Request("POST", "/v1/x"))
    gc.collect()
    assert key() is None
