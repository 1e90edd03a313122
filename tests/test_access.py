"""Access control: a table of hosts and origins, and the answer to refused requests."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from openai_mockserver import MockOpenAI, MockServerError, ServerError
from openai_mockserver.access import Access, is_wildcard, preflight_headers, with_cors

ASKED = {"model": "gpt-4o", "messages": [{"role": "user", "content": "Hi"}]}
LOCAL = "http://localhost:3000"
EVIL = "http://evil.example"


def is_admitted(access: Access, method: str = "POST", **headers: str) -> bool:
    """Whether a request is admitted; ``sec_fetch_site`` is the header ``Sec-Fetch-Site``."""
    header_list = [(name.replace("_", "-").title(), value) for name, value in headers.items()]
    return access.find_refusal(method, header_list, "10.1.2.3") is None


HOSTS: list[tuple[str, list[str], bool]] = [
    # Host, allow_hosts, admitted?
    ("localhost", [], True),
    ("LOCALHOST:8000", [], True),
    ("localhost.:8000", [], True),
    ("mock.localhost:8000", [], True),
    ("127.0.0.1:8000", [], True),
    ("127.255.0.3", [], True),
    ("[::1]:8000", [], True),
    ("[::ffff:7f00:1]:8000", [], True),
    ("10.1.2.3:8000", [], True),  # the address that the client connected to
    ("[::ffff:10.1.2.3]:8000", [], True),
    ("10.1.2.4:8000", [], False),
    ("0.0.0.0:8000", [], False),
    ("evil.example", [], False),
    ("localhost.evil.example", [], False),
    ("evil-localhost", [], False),
    ("127.0.0.1.evil.example", [], False),
    ("127.0.0.1@evil.example", [], False),
    ("evil.example:127.0.0.1", [], False),
    ("localhost, evil.example", [], False),
    ("[::1", [], False),
    ("[evil]", [], False),
    ("*", ["mock"], False),
    ("mock:8000", ["mock"], True),
    ("MOCK", ["mock"], True),
    ("mock", ["Mock."], True),
    ("a.mock", ["mock"], False),
    ("a.b.mock.internal", ["*.mock.internal"], True),
    ("mock.internal", ["*.mock.internal"], False),
    ("evilmock.internal", ["*.mock.internal"], False),
    ("192.168.0.7:8000", ["192.168.0.7"], True),
    ("[fe80::1]:8000", ["fe80:0::1"], True),
    ("[fe80::1]:8000", ["[fe80::1]"], True),
    ("evil.example", ["mock", "*"], True),
]


@pytest.mark.parametrize(("host", "patterns", "should_pass"), HOSTS)
def test_hosts(host: str, patterns: list[str], should_pass: bool) -> None:
    assert is_admitted(Access(patterns), host=host) is should_pass


def test_every_host_header_is_checked() -> None:
    headers = [("Host", "localhost"), ("Host", "evil.example")]
    refusal = Access().find_refusal("GET", headers)
    assert refusal is not None
    assert refusal.startswith("the host 'evil.example' is not allowed: allow it with --allow-host")


def test_a_request_without_a_host_is_admitted() -> None:
    assert is_admitted(Access())


def test_the_servers_own_address_is_admitted() -> None:
    assert is_admitted(Access(own="0.0.0.0"), host="0.0.0.0:8000")
    assert is_admitted(Access(own="mock.internal"), host="mock.internal:8000")
    assert not is_admitted(Access(own="0.0.0.0"), host="evil.example:8000")


ORIGINS: list[tuple[str, list[str], bool]] = [
    # Origin, allow_origins, admitted?
    (LOCAL, [], True),
    ("https://127.0.0.1:8443", [], True),
    ("http://[::1]:5173", [], True),
    ("http://app.localhost:5173", [], True),
    ("http://10.1.2.3:8000", [], True),  # a page of this server
    ("http://10.1.2.3:8001", [], False),
    (EVIL, [], False),
    ("https://localhost.evil.example", [], False),
    ("http://localhost@evil.example", [], False),
    ("tauri://localhost", [], False),
    ("null", [], False),
    ("", [], False),
    ("localhost", [], False),
    (EVIL, ["http://evil.example"], True),
    ("https://evil.example", ["http://evil.example"], False),
    ("http://evil.example:81", ["http://evil.example"], False),
    (EVIL, ["HTTP://Evil.example:80/"], True),
    ("tauri://localhost", ["tauri://localhost"], True),
    ("null", ["null"], True),
    ("null", ["https://app.example"], False),
    (EVIL, ["*"], True),
    ("null", ["*"], True),
]


@pytest.mark.parametrize(("origin", "patterns", "should_pass"), ORIGINS)
def test_origins(origin: str, patterns: list[str], should_pass: bool) -> None:
    access = Access(origins=patterns)
    assert is_admitted(access, host="10.1.2.3:8000", origin=origin) is should_pass


# Browser requests without an Origin header: images, scripts, links.
SILENT: list[tuple[dict[str, str], bool, bool]] = [
    # headers, admitted?, admitted with an upstream?
    ({"sec_fetch_site": "none"}, True, True),
    ({"sec_fetch_site": "same-origin"}, True, True),
    ({"sec_fetch_mode": "cors"}, True, True),  # node's fetch
    ({"sec_fetch_site": "cross-site"}, False, False),
    ({"sec_fetch_site": "same-site"}, False, False),
    ({"sec_fetch_site": "cross-site", "referer": f"{LOCAL}/page"}, True, True),
    ({"sec_fetch_site": "cross-site", "referer": f"{LOCAL}@evil.example/"}, False, False),
    ({"sec_fetch_site": "cross-site", "referer": f"{EVIL}/{LOCAL}"}, False, False),
    ({"sec_fetch_site": "cross-site", "sec_fetch_mode": "navigate", "sec_fetch_dest": "document"},
     True, False),
    ({"sec_fetch_site": "cross-site", "sec_fetch_mode": "navigate", "sec_fetch_dest": "iframe"},
     False, False),
    ({"referer": "https://my.app.example/"}, True, True),  # some servers send it to OpenRouter
]  # fmt: skip


@pytest.mark.parametrize(("headers", "should_pass", "relays"), SILENT)
def test_requests_of_browsers_without_an_origin(
    headers: dict[str, str], should_pass: bool, relays: bool
) -> None:
    assert is_admitted(Access(), "GET", host="localhost:8000", **headers) is should_pass
    assert is_admitted(Access(relays=True), "GET", host="localhost:8000", **headers) is relays


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"hosts": ["http://mock"]}, "a name or an address without scheme and port"),
        ({"hosts": ["mock:8000"]}, "not 'mock:8000'"),
        ({"hosts": ["a:80"]}, "not 'a:80'"),
        ({"hosts": [""]}, "not ''"),
        ({"hosts": ["*mock"]}, r"not '\*mock'"),
        ({"hosts": [None]}, "not None"),
        ({"hosts": "mock"}, r"allow_hosts must be a list: allow_hosts=\['mock'\]"),
        ({"origins": ["app.example.com"]}, "an allowed origin must be a scheme and a host"),
        ({"origins": ["https://app.example.com/page"]}, "not 'https://app.example.com/page'"),
        ({"origins": ["https://*.example.com"]}, "an allowed origin must be a scheme and a host"),
        ({"origins": "*"}, r"allow_origins must be a list: allow_origins=\['\*'\]"),
        ({"origins": ["*"], "relays": True}, "name the origins"),
    ],
)
def test_invalid_hosts_and_origins(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(MockServerError, match=message):
        Access(**wrong)


def test_a_message_shortens_long_headers() -> None:
    refusal = Access().find_refusal("GET", [("Host", "e" * 10_000)])
    assert refusal is not None
    assert len(refusal) < 500


@pytest.mark.parametrize(
    ("host", "wildcard"), [("0.0.0.0", True), ("::", True), ("127.0.0.1", False), ("mock", False)]
)
def test_wildcard_addresses(host: str, wildcard: bool) -> None:
    assert is_wildcard(host) is wildcard


def test_a_preflight_answer_names_what_is_allowed() -> None:
    request_headers = [
        ("Origin", LOCAL),
        ("Access-Control-Request-Method", "DELETE"),
        ("Access-Control-Request-Headers", "authorization,x-stainless-lang"),
        ("Access-Control-Request-Private-Network", "true"),
    ]
    names = [(name, value) for name, value in preflight_headers(request_headers) if name != "vary"]
    assert names == [
        ("access-control-allow-origin", LOCAL),
        ("access-control-max-age", "600"),
        ("access-control-allow-methods", "DELETE"),
        ("access-control-allow-headers", "authorization,x-stainless-lang"),
        ("access-control-allow-private-network", "true"),
    ]


def test_cors_headers_replace_those_of_the_answer() -> None:
    response_headers = [("Access-Control-Allow-Origin", "*"), ("Vary", "Accept")]
    cors = [("access-control-allow-origin", LOCAL), ("vary", "Origin")]
    assert with_cors(response_headers, cors) == (("Vary", "Accept"), *cors)
    assert with_cors(response_headers, ()) == tuple(response_headers)


# Over a socket


@pytest.fixture
def client() -> Iterator[httpx2.Client]:
    with httpx2.Client(trust_env=False) as client:
        yield client


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE", "OPTIONS"])
@pytest.mark.parametrize("headers", [{"Origin": EVIL}, {"Host": "evil.example:80"}], ids=str)
def test_a_refused_request_gets_a_message_and_reaches_no_rule(
    client: httpx2.Client, method: str, headers: dict[str, str]
) -> None:
    request_headers = {"Access-Control-Request-Method": "POST"} if method == "OPTIONS" else {}
    with MockOpenAI() as mock:
        rule = mock.reply("Hello")
        url = f"{mock.base_url}/chat/completions"
        answer = client.request(
            method, url, headers=headers | request_headers, content=json.dumps(ASKED)
        )
        assert answer.status_code == 403
        message = answer.json()["error"]["message"]
        assert message.startswith("openai-mockserver: ")
        assert "evil.example" in message
        assert "\n" not in message
        assert not [name for name in answer.headers if name.startswith("access-control-allow")]
        assert rule.use_count == 0
        assert mock.calls[0].ended == "finished"
        assert (
            mock.calls[0]
            .line()
            .startswith(f"#1 {method} /v1/chat/completions -> 403 not allowed, finished")
        )
        assert mock.calls[0].body == b""
        with pytest.raises(AssertionError, match="is not allowed"):
            mock.check()
        assert client.get(f"{mock.base_url}/models").status_code == 200, "the connection lives"


def test_a_refused_body_is_read_so_that_the_client_reads_the_answer(client: httpx2.Client) -> None:
    with MockOpenAI() as mock:
        url = f"{mock.base_url}/chat/completions"
        answer = client.post(url, headers={"Origin": EVIL}, content=b"x" * 3_000_000)
        assert answer.status_code == 403
        assert len(mock.calls) == 1


def test_allowed_pages_read_the_answer(client: httpx2.Client) -> None:
    with MockOpenAI(allow_hosts=["mock.internal"], allow_origins=["https://app.example"]) as mock:
        mock.reply("Hello")
        headers = {"Host": "mock.internal", "Origin": "https://app.example"}
        url = f"{mock.base_url}/chat/completions"
        preflight = {
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "authorization,content-type",
        }
        for answer in (
            client.options(url, headers=headers | preflight),
            client.post(url, headers=headers, json=ASKED),
        ):
            assert answer.is_success
            assert answer.headers["access-control-allow-origin"] == "https://app.example"
            assert "Origin" in answer.headers.get_list("vary")
        assert len(mock.calls) == 1, "a preflight is no call"


def test_a_dialects_cors_header_is_replaced(client: httpx2.Client) -> None:
    with MockOpenAI(dialect="openrouter") as mock:
        mock.reply("Hello")
        url = f"{mock.base_url}/chat/completions"
        answer = client.post(url, headers={"Origin": LOCAL}, json=ASKED)
        assert answer.headers.get_list("access-control-allow-origin") == [LOCAL]
        answer = client.post(url, json=ASKED)
        assert answer.headers.get_list("access-control-allow-origin") == ["*"]


def test_a_recorder_forwards_no_request_of_a_foreign_page(
    client: httpx2.Client, tmp_path: Path
) -> None:
    with MockOpenAI() as upstream:
        upstream.reply("Hello")
        with MockOpenAI(upstream=upstream.base_url, record=tmp_path) as mock:
            url = f"{mock.base_url}/chat/completions"
            for headers in (
                {"Origin": EVIL, "Content-Type": "text/plain"},
                {"Origin": "null"},
                {"Host": "evil.example"},
                {"Sec-Fetch-Site": "cross-site"},
            ):
                answer = client.post(url, headers=headers, content=json.dumps(ASKED))
                assert answer.status_code == 403
            assert len(upstream.calls) == 0
            assert list(tmp_path.iterdir()) == []
            answer = client.post(url, headers={"Origin": LOCAL}, json=ASKED)
            assert answer.headers.get_list("access-control-allow-origin") == [LOCAL]
            assert len(upstream.calls) == 1
            assert mock.calls[-1].ended
        assert len(list(tmp_path.iterdir())) == 1


def test_a_server_on_every_address_does_not_admit_every_name(client: httpx2.Client) -> None:
    with MockOpenAI(host="0.0.0.0") as mock:
        port = httpx2.URL(mock.base_url).port
        assert client.get(f"http://127.0.0.2:{port}/v1/models").status_code == 200
        url = f"http://127.0.0.1:{port}/v1/models"
        assert client.get(url, headers={"Host": f"0.0.0.0:{port}"}).status_code == 200
        assert client.get(url, headers={"Host": f"evil.example:{port}"}).status_code == 403


def test_invalid_options_are_refused() -> None:
    with pytest.raises(MockServerError, match="not 'http://mock'"):
        MockOpenAI(allow_hosts=["http://mock"])
    with pytest.raises(MockServerError, match="name the origins"):
        MockOpenAI(upstream="http://localhost:1/v1", allow_origins=["*"])
    with pytest.raises(ServerError), MockOpenAI(host="") as mock:
        mock.start()
