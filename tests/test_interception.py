"""Requests to known hosts come to the mock, whatever base URL the application sets."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Iterator
from typing import Any

import aiohttp
import httpx
import httpx2
import openai
import pytest
import requests

from openai_mockserver import MockOpenAI, MockServerError, Pace, sse
from openai_mockserver.dialects import dialects
from openai_mockserver.interception import HOSTS, Interception, find_dialect_of_host

URL = "https://api.openai.com/v1/chat/completions"
BODY: dict[str, Any] = {"model": "gpt-4o", "messages": [{"role": "user", "content": "Hi"}]}
HEADERS = {"authorization": "Bearer sk-own"}


def stream_httpx(library: Any, url: str) -> Iterator[bytes]:
    with library.Client() as client:
        with client.stream("POST", url, json=BODY | {"stream": True}, headers=HEADERS) as response:
            yield from response.iter_raw()


def stream_requests(url: str) -> Iterator[bytes]:
    with requests.Session() as session:
        body = BODY | {"stream": True}
        response = session.post(url, json=body, headers=HEADERS, stream=True, timeout=5)
        assert response.url == response.request.url == url
        yield from response.iter_content(None)


SYNC: dict[str, Any] = {
    "httpx": lambda url: stream_httpx(httpx, url),
    "httpx2": lambda url: stream_httpx(httpx2, url),
    "requests": stream_requests,
}


async def stream_async(library: Any, url: str) -> AsyncIterator[bytes]:
    body = BODY | {"stream": True}
    if library is aiohttp:
        async with aiohttp.ClientSession() as session:
            async with session.post(url, json=body, headers=HEADERS) as response:
                async for chunk in response.content.iter_any():
                    yield chunk
        return
    async with library.AsyncClient() as client:
        async with client.stream("POST", url, json=body, headers=HEADERS) as response:
            async for chunk in response.aiter_raw():
                yield chunk


@pytest.mark.parametrize("library", SYNC)
def test_a_sync_client_streams_from_the_mock(mock_openai: MockOpenAI, library: str) -> None:
    mock_openai.reply("one two three", pace=Pace(itl=0.02))
    mock_openai.intercept()
    chunks = list(SYNC[library](URL))
    assert len(chunks) > 3, "it arrives in pieces"
    assert b"".join(chunks).endswith(b"data: [DONE]\n\n")
    (call,) = mock_openai.calls
    assert (call.path, call.json["model"]) == ("/v1/chat/completions", "gpt-4o")
    assert call.headers["authorization"] == "Bearer sk-own"


@pytest.mark.parametrize("library", [httpx, httpx2, aiohttp])
async def test_an_async_client_streams_from_the_mock(mock_openai: MockOpenAI, library: Any) -> None:
    mock_openai.reply("one two three", pace=Pace(itl=0.02))
    mock_openai.intercept()
    chunks = [chunk async for chunk in stream_async(library, URL)]
    assert len(chunks) > 3, "it arrives in pieces"
    assert b"".join(chunks).endswith(b"data: [DONE]\n\n")


def test_an_application_with_its_own_base_url_is_answered(mock_openai: MockOpenAI) -> None:
    mock_openai.reply("Hello")
    groq = openai.OpenAI(base_url="https://api.groq.com/openai/v1", api_key="k")
    azure = openai.AzureOpenAI(
        azure_endpoint="https://mine.openai.azure.com", api_key="k", api_version="2024-10-21"
    )
    with mock_openai.intercept():
        for client in (groq, azure):
            completion = client.chat.completions.create(**BODY)
            assert completion.choices[0].message.content == "Hello"
    body = b"".join(sse.encode(step) for step in mock_openai.calls[0].script.steps)
    assert b"queue_time" in body, "the host selects the dialect"
    assert mock_openai.calls[0].headers["host"] == "api.groq.com"
    assert mock_openai.calls[1].deployment == "gpt-4o"


@pytest.mark.parametrize("library", SYNC)
def test_other_hosts_pass(mock_openai: MockOpenAI, library: str) -> None:
    mock_openai.intercept()
    with MockOpenAI() as other:
        other.reply("Hello")
        assert b"Hello" in b"".join(SYNC[library](f"{other.base_url}/chat/completions"))
        assert len(other.calls) == 1
    assert len(mock_openai.calls) == 0


@pytest.mark.parametrize(
    ("library", "error"),
    [
        ("httpx", httpx.ConnectError),
        ("httpx2", httpx2.ConnectError),
        ("requests", requests.ConnectionError),
    ],
)
def test_without_a_mock_a_known_host_is_refused(library: str, error: type[Exception]) -> None:
    with Interception(None):
        with pytest.raises(error, match=r"refuses requests to api\.openai\.com"):
            list(SYNC[library](URL))


async def test_without_a_mock_aiohttp_is_refused() -> None:
    with Interception(None):
        with pytest.raises(aiohttp.ClientConnectionError, match="refuses requests"):
            async for _ in stream_async(aiohttp, URL):
                pass


def list_methods() -> list[object]:
    return [
        httpx.HTTPTransport.handle_request,
        httpx.AsyncHTTPTransport.handle_async_request,
        httpx2.HTTPTransport.handle_request,
        httpx2.AsyncHTTPTransport.handle_async_request,
        requests.adapters.HTTPAdapter.send,
        aiohttp.ClientSession._request,
    ]


def test_it_is_undone_when_the_mock_stops() -> None:
    before = list_methods(), list(sys.meta_path)
    with MockOpenAI() as mock:
        mock.intercept()
        with MockOpenAI() as inner:
            inner.intercept()
        assert all(new is not old for new, old in zip(list_methods(), before[0], strict=True))
    assert (list_methods(), list(sys.meta_path)) == before


def test_the_newest_mock_answers() -> None:
    with MockOpenAI() as outer, MockOpenAI() as inner:
        outer.reply("outer")
        inner.reply("inner")
        texts = []
        with outer.intercept():
            interception = inner.intercept()
            for _ in range(2):
                texts.append(httpx.post(URL, json=BODY).json()["choices"][0]["message"]["content"])
                interception.stop()
                interception.stop()
        assert texts == ["inner", "outer"]


@pytest.mark.slow
def test_several_threads_may_intercept() -> None:
    failures: list[BaseException] = []

    def work() -> None:
        try:
            for _ in range(20):
                with Interception(None), pytest.raises(httpx.ConnectError):
                    httpx.get("https://api.openai.com/v1/models")
        except BaseException as error:
            failures.append(error)

    before = list_methods()
    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert list_methods() == before


def test_a_mock_with_an_upstream_is_asked_over_its_server() -> None:
    with MockOpenAI() as upstream:
        upstream.reply("Hello")
        with MockOpenAI(upstream=upstream.base_url) as proxy, proxy.intercept():
            response = httpx.post(URL, json=BODY)
    assert response.json()["choices"][0]["message"]["content"] == "Hello"


@pytest.mark.slow
def test_libraries_are_patched_when_they_are_imported() -> None:
    code = """
import sys
from openai_mockserver import MockOpenAI
with MockOpenAI() as mock:
    mock.reply("Hello")
    mock.intercept()
    assert not {"httpx", "requests"} & set(sys.modules)
    import httpx
    import requests
    body = {"model": "m", "messages": [{"role": "user", "content": "Hi"}]}
    for library in (httpx, requests):
        response = library.post("https://api.openai.com/v1/chat/completions", json=body)
        print(response.json()["choices"][0]["message"]["content"])
"""
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (ran.stdout, ran.stderr) == ("Hello\nHello\n", "")


@pytest.mark.parametrize(
    ("host", "dialect"),
    [
        ("api.openai.com", None),
        ("API.OpenAI.com.", None),
        ("mine.openai.azure.com", "azure"),
        ("api.groq.com", "groq"),
    ],
)
def test_known_hosts(host: str, dialect: str | None) -> None:
    assert find_dialect_of_host(host) == dialect


@pytest.mark.parametrize(
    "host", ["localhost", "127.0.0.1", "openai.com", "api.openai.com.evil.test", "openai.azure.com"]
)
def test_unknown_hosts(host: str) -> None:
    assert find_dialect_of_host(host) not in (None, *dialects())


def test_every_host_has_a_dialect_that_exists() -> None:
    assert set(HOSTS.values()) - {None} <= set(dialects())


def test_tls_cannot_be_intercepted(monkeypatch: pytest.MonkeyPatch) -> None:
    mock = MockOpenAI()
    monkeypatch.setattr(type(mock), "has_tls", True)
    with pytest.raises(MockServerError, match="tls="):
        mock.intercept()
