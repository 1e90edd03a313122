"""`openai-mockserver health`: what the HEALTHCHECK of a container runs."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest
from click.testing import CliRunner, Result

from openai_mockserver import MockOpenAI, MockServerError
from openai_mockserver.cli.health import ask_health
from openai_mockserver.cli.program import commands
from openai_mockserver.cli.tls import make_tls


def check(*arguments: str, **variables: str) -> Result:
    with pytest.MonkeyPatch.context() as patch:
        for name in ("HOST", "PORT", "TLS_CERT", "TLS_SELF_SIGNED"):
            patch.delenv(f"OPENAI_MOCKSERVER_{name}", raising=False)
        for name, value in variables.items():
            patch.setenv(f"OPENAI_MOCKSERVER_{name}", value)
        return CliRunner().invoke(commands, ["health", *arguments])


@pytest.mark.parametrize("key", [None, "sk-secret"])
def test_a_server_that_answers_is_healthy(key: str | None) -> None:
    with MockOpenAI(api_key=key) as mock:
        for url in (mock.base_url, mock.base_url.removesuffix("/v1"), mock.base_url[7:]):
            result = check(url)
            assert (result.exit_code, result.output) == (0, f"{url} is healthy\n")


def test_it_finds_the_server_of_its_environment() -> None:
    with MockOpenAI() as mock:
        port = str(httpx.URL(mock.base_url).port)
        for host in ("0.0.0.0", "127.0.0.1"):
            result = check(HOST=host, PORT=port)
            assert (result.exit_code, result.output) == (0, f"http://127.0.0.1:{port} is healthy\n")
    assert "not a port" in str(check(PORT="http").exception)


def test_the_certificate_of_the_server_need_not_be_trusted() -> None:
    tls = make_tls(None, None, True, ())
    assert tls is not None
    with MockOpenAI(tls=tls.context) as mock:
        port = str(httpx.URL(mock.base_url).port)
        assert check(PORT=port, TLS_SELF_SIGNED="true").exit_code == 0
        assert check(f"http://127.0.0.1:{port}").exit_code == 1


@contextmanager
def answering(data: bytes) -> Iterator[str]:
    """A server that answers a connection with some bytes."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answer() -> None:
            client, _ = listener.accept()
            with client:
                client.recv(65536)
                client.sendall(data)

        thread = threading.Thread(target=answer, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n", "it answered with status 503"),
        (b"HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n", "it answered with status 404"),
        (b"SSH-2.0\r\n", "does not answer: SSH-2.0"),
        (b"", "does not answer: Remote end closed connection"),
    ],
)
def test_anything_else_is_not(data: bytes, problem: str) -> None:
    with answering(data) as url:
        result = check(url)
    assert result.exit_code == 1
    assert isinstance(result.exception, MockServerError)
    assert problem in str(result.exception)


def test_a_server_that_is_not_there_or_silent_is_not() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with pytest.raises(MockServerError, match="does not answer: timed out"):
            ask_health(url, 0.05)
    with pytest.raises(MockServerError, match="does not answer: Connection refused"):
        ask_health(url, 1)


@pytest.mark.parametrize("url", ["ftp://127.0.0.1", "http://", "http://127.0.0.1:x"])
def test_what_is_no_address_is_one_sentence(url: str) -> None:
    with pytest.raises(MockServerError, match=r"not an address|Port could not be cast"):
        ask_health(url, 1)
