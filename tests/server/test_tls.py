"""TLS on request: correct, and with wrong endings."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Iterator

import httpx2
import openai
import pytest
import trustme

from openai_mockserver import FaultError, MockOpenAI, MockServerError
from openai_mockserver.faults import close_delimited, cut, half_close, reset

BODY = b'{"model":"m","stream":true,"messages":[{"role":"user","content":"Hi"}]}'


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    """A certificate authority in memory."""
    return trustme.CA()


@pytest.fixture
def secure(authority: trustme.CA) -> Iterator[MockOpenAI]:
    """A mock with TLS."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    with MockOpenAI(tls=context) as mock:
        yield mock


@pytest.fixture
def trusting(authority: trustme.CA) -> ssl.SSLContext:
    """A TLS context that trusts the authority."""
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return context


def test_the_sdk_streams_over_tls(secure: MockOpenAI, trusting: ssl.SSLContext) -> None:
    secure.reply("Hello, world")
    assert secure.base_url.startswith("https://127.0.0.1:")
    with httpx2.Client(verify=trusting, trust_env=False) as http:
        client = openai.OpenAI(base_url=secure.base_url, api_key="x", http_client=http)
        chunks = client.chat.completions.create(
            model="m", messages=[{"role": "user", "content": "Hi"}], stream=True
        )
        assert "".join(c.choices[0].delta.content or "" for c in chunks) == "Hello, world"
    assert secure.calls[0].ended == "finished"


def read_to_end(mock: MockOpenAI, context: ssl.SSLContext) -> tuple[int, str]:
    """Return how many events a TLS client gets, and how the TCP connection below it ends."""
    url = httpx2.URL(mock.base_url)
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = context.wrap_bio(incoming, outgoing, server_hostname=url.host)
    request = b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\n"
    request += b"Content-Length: %d\r\n\r\n%b"
    data, is_sent = b"", False
    with socket.create_connection((url.host, url.port or 0), timeout=5) as tcp:
        while True:
            try:
                tls.do_handshake()
                if not is_sent:
                    tls.write(request % (len(BODY), BODY))
                    is_sent = True
                while part := tls.read(65536):
                    data += part
                return data.count(b"\n\n"), "close_notify"
            except ssl.SSLWantReadError:
                pass
            try:
                tcp.sendall(outgoing.read())
                read = tcp.recv(65536)
            except ConnectionResetError:
                return data.count(b"\n\n"), "RST"
            if not read:
                return data.count(b"\n\n"), "FIN without close_notify"
            incoming.write(read)


def test_a_clean_close(secure: MockOpenAI, trusting: ssl.SSLContext) -> None:
    secure.reply("Hello, world", faults=[close_delimited()])
    assert read_to_end(secure, trusting) == (6, "close_notify")


def test_a_fin_without_close_notify(secure: MockOpenAI, trusting: ssl.SSLContext) -> None:
    secure.reply("Hello, world", faults=[close_delimited(), cut()])
    assert read_to_end(secure, trusting) == (6, "FIN without close_notify")
    assert secure.calls[0].ended == "truncated"


def test_a_reset(secure: MockOpenAI, trusting: ssl.SSLContext) -> None:
    secure.reply("Hello, world", faults=[reset(after=3)])
    # A reset discards what a busy client has not read yet.
    seen = [read_to_end(secure, trusting) for _ in range(3)]
    assert (3, "RST") in seen
    assert {end for _, end in seen} == {"RST"}


def test_an_impossible_end_is_refused_when_the_rule_is_created(
    mock_openai: MockOpenAI, secure: MockOpenAI
) -> None:
    with pytest.raises(FaultError, match="so it needs TLS"):
        mock_openai.reply("Hello", faults=[cut()])
    with pytest.raises(FaultError, match="impossible over TLS"):
        secure.reply("Hello", faults=[half_close()])


@pytest.mark.openai3("makes any exception in a transport an APIConnectionError")
def test_in_process_cut_is_refused_when_it_is_played(secure: MockOpenAI) -> None:
    secure.reply("Hello", faults=[cut()])
    with pytest.raises(MockServerError, match="which an in-process client does not have"):
        secure.client(max_retries=0).chat.completions.create(
            model="m", messages=[{"role": "user", "content": "Hi"}]
        )


@pytest.mark.parametrize("sent", [b"", b"\x16\x03\x01\x02", b"GET / HTTP/1.1\r\n\r\n"])
def test_a_client_without_a_handshake_does_not_delay_a_stop(
    secure: MockOpenAI, trusting: ssl.SSLContext, sent: bytes
) -> None:
    url = httpx2.URL(secure.base_url)
    with httpx2.Client(verify=trusting, trust_env=False) as http:
        http.get(url)  # the server has started
        with socket.create_connection((url.host, url.port or 0), timeout=10) as tcp:
            tcp.sendall(sent)
            http.get(url)  # the client before has been accepted
            secure.stop()
            try:
                while tcp.recv(1000):
                    pass
            except ConnectionError:
                pass  # a reset says too that the server has gone
    assert not [one for one in threading.enumerate() if one.name == "openai-mockserver"]


def test_an_untrusted_certificate_leaves_nothing_behind(secure: MockOpenAI) -> None:
    secure.reply("Hello")
    with httpx2.Client(trust_env=False) as http, pytest.raises(httpx2.ConnectError):
        http.get(secure.base_url)
    assert not list(secure.calls)
