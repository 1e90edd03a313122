"""`openai_mock_address = session`: one address for a run, for clients made at import."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import httpx2
import openai
import pytest

from openai_mockserver import MockOpenAI, MockServerError
from openai_mockserver.server import SharedAddress, bind

pytestmark = pytest.mark.slow

# An application that creates its client once, when it is imported.
APPLICATION = """
import openai

client = openai.OpenAI(max_retries=0)

def ask(text):
    stream = client.chat.completions.create(
        model="gpt-4o", stream=True, messages=[{"role": "user", "content": text}])
    return "".join(c.choices[0].delta.content or "" for c in stream if c.choices)
"""

TWO_TESTS = """
import my_app

def test_one(mock_openai):
    mock_openai.reply("Hello, world")
    assert my_app.ask("Hi") == "Hello, world"
    assert [call.user for call in mock_openai.calls] == ["Hi"]
    assert (mock_openai.calls[0].connection, mock_openai.calls[0].nth) == (1, 1)

def test_two(mock_openai):
    mock_openai.reply("Bye")
    assert my_app.ask("Ho") == "Bye"
    assert [call.user for call in mock_openai.calls] == ["Ho"]
    assert (mock_openai.calls[0].connection, mock_openai.calls[0].nth) == (1, 1)
"""


# Files of one suite, because starting a suite for each would take seconds.
SHARED_SUITE = {
    "client_made_at_import": TWO_TESTS.replace("my_app", "another_app"),
    "client_made_before": TWO_TESTS,
    "request_that_no_mock_claims": """
import openai
import pytest
import my_app

def test_without_the_fixture():
    with pytest.raises(openai.BadRequestError, match="no test's mock claims this request"):
        my_app.ask("Hi")

def test_with_it(mock_openai):
    mock_openai.reply("Hello")
    assert my_app.ask("Hi") == "Hello"

def test_without_it_again():
    with pytest.raises(openai.BadRequestError, match="no test's mock claims this request"):
        my_app.ask("Hi")
""",
    "stream_that_goes_on": """
import my_app
import openai
import pytest
from openai_mockserver import Pace

streams = []

def test_leaves_a_stream(mock_openai):
    mock_openai.reply("word " * 500, pace=Pace(itl=1.0))
    streams.append(my_app.client.chat.completions.create(
        model="m", stream=True, messages=[{"role": "user", "content": "Hi"}]))
    next(iter(streams[0]))

def test_finds_it_broken(mock_openai):
    with pytest.raises(openai.APIConnectionError):
        list(streams[0])
    assert len(mock_openai.calls) == 0
""",
    "port_of_its_own": """
import os
import pytest

shared = os.environ["OPENAI_BASE_URL"]

@pytest.mark.openai_mock(host="127.0.0.2")
def test_elsewhere(mock_openai):
    assert mock_openai.base_url == os.environ["OPENAI_BASE_URL"] != shared

def test_here(mock_openai):
    assert mock_openai.base_url == os.environ["OPENAI_BASE_URL"] == shared
""",
}


@pytest.fixture
def suite(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """A user's suite with the option and such an application."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:9/v1")
    monkeypatch.setenv("OPENAI_API_KEY", "sk-of-the-environment")
    pytester.makepyfile(my_app=APPLICATION)
    pytester.makeini(
        """
        [pytest]
        openai_mock_address = session
        filterwarnings =
            error
            ignore::pytest.PytestAssertRewriteWarning
        """
    )
    return pytester


def run(suite: pytest.Pytester, *arguments: str, **outcomes: int) -> pytest.RunResult:
    plugin = ("-p", "openai_mockserver.pytest_plugin", "-p", "no:cacheprovider")
    result = suite.runpytest_subprocess(*plugin, *arguments)
    result.assert_outcomes(**outcomes)
    return result


def test_each_test_of_several_files_has_its_own_mock(suite: pytest.Pytester) -> None:
    """Also for clients that a conftest or a test module creates when it is imported."""
    suite.makeconftest("import my_app")
    suite.makepyfile(another_app=APPLICATION)
    suite.makepyfile(**{f"test_{name}": tests for name, tests in SHARED_SUITE.items()})
    run(suite, passed=11)


@pytest.mark.slow
def test_each_worker_has_its_own(suite: pytest.Pytester) -> None:
    for name in ("a", "b", "c"):
        suite.makepyfile(**{f"test_{name}": TWO_TESTS})
    run(suite, "-p", "xdist", "-n2", passed=6)


@pytest.mark.slow
def test_a_request_during_collection_gets_the_same_error(suite: pytest.Pytester) -> None:
    suite.makepyfile(test_it="import my_app\nmy_app.ask('Hi')\n")
    result = run(suite, errors=1)
    result.stdout.fnmatch_lines(["*no test's mock claims this request*"])


@pytest.mark.slow
def test_a_cassette_is_recorded_from_the_upstream_in_the_environment(
    suite: pytest.Pytester, mock_openai: MockOpenAI, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not from the shared address, and with the key in the environment."""
    mock_openai.reply("From upstream")
    monkeypatch.setenv("OPENAI_BASE_URL", mock_openai.base_url)
    monkeypatch.setenv("OPENAI_API_KEY", "sk-of-the-environment")
    suite.makepyfile(
        test_it="""
        import my_app

        def test_records(openai_cassette):
            assert my_app.ask("Hi") == "From upstream"
        """
    )
    run(suite, "--openai-record=once", passed=1)
    (call,) = mock_openai.calls
    assert call.headers["authorization"] == "Bearer sk-of-the-environment"
    mock_openai.calls.clear()
    run(suite, passed=1)
    assert len(mock_openai.calls) == 0


def test_a_run_that_uses_no_mock_imports_nothing_heavy(suite: pytest.Pytester) -> None:
    suite.makepyfile(
        test_it="""
        import sys

        def test_nothing():
            heavy = {"httpx", "httpx2", "openai", "starlette", "uvicorn", "faker", "msgspec"}
            assert not heavy & set(sys.modules)
        """
    )
    run(suite, passed=1)


def test_the_environment_is_restored(
    suite: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OPENAI_API_KEY")
    suite.makepyfile(test_it="def test_nothing(): pass")
    before = dict(os.environ)
    suite.runpytest_inprocess("-p", "openai_mockserver.pytest_plugin").assert_outcomes(passed=1)
    assert {k: v for k, v in os.environ.items() if "OPENAI" in k} == {
        k: v for k, v in before.items() if "OPENAI" in k
    }


def test_an_invalid_value_is_one_sentence(suite: pytest.Pytester) -> None:
    suite.makeini("[pytest]\nopenai_mock_address = module\n")
    result = suite.runpytest_subprocess("-p", "openai_mockserver.pytest_plugin")
    assert "openai_mock_address = module: must be 'test' or 'session'" in result.stderr.str()


# The shared address


def test_mocks_claim_the_address_in_turn() -> None:
    address = SharedAddress(bind("127.0.0.1", 0))
    try:
        with openai.OpenAI(base_url=f"{address.url}/v1", api_key="k", max_retries=0) as client:
            with MockOpenAI(address=address) as outer:
                outer.reply("outer")
                with MockOpenAI(address=address) as inner:
                    inner.reply("inner")
                    assert client.responses.create(model="m", input="Hi").output_text == "inner"
                assert client.responses.create(model="m", input="Hi").output_text == "outer"
                assert (len(outer.calls), len(inner.calls)) == (1, 1)
            with pytest.raises(openai.BadRequestError, match="no test's mock claims"):
                client.responses.create(model="m", input="Hi")
    finally:
        address.stop()


def test_a_connection_is_closed_when_a_mock_releases_the_address() -> None:
    """At once, because the next test might send its request on it."""
    address = SharedAddress(bind("127.0.0.1", 0))
    place = ("127.0.0.1", int(address.url.rpartition(":")[2]))
    try:
        for _ in range(50):
            with MockOpenAI(address=address) as mock, socket.create_connection(place) as client:
                client.sendall(b"GET /v1/models HTTP/1.1\r\nHost: localhost\r\n\r\n")
                assert client.recv(65536)
                mock.stop()
                client.setblocking(False)
                while client.recv(65536):
                    pass  # the rest of the answer
    finally:
        address.stop()


def test_a_mock_applies_its_own_limits_and_access() -> None:
    address = SharedAddress(bind("127.0.0.1", 0))
    try:
        with MockOpenAI(address=address, max_body=10, allow_hosts=["mock.internal"]) as mock:
            url = f"{mock.base_url}/chat/completions"
            assert httpx2.post(url, content=b"x" * 11).status_code == 413
            headers = {"host": "mock.internal"}
            assert httpx2.get(f"{mock.base_url}/models", headers=headers).status_code == 200
        with MockOpenAI(address=address):
            assert httpx2.get(f"{address.url}/v1/models", headers=headers).status_code == 403
    finally:
        address.stop()


def test_a_shared_address_takes_no_port() -> None:
    address = SharedAddress(bind("127.0.0.1", 0))
    try:
        with pytest.raises(MockServerError, match="address= cannot be combined with"):
            MockOpenAI(address=address, port=8000)
    finally:
        address.stop()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", int(address.url.rpartition(":")[2])))


def test_a_failing_test_without_requests_says_why(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    pytester.makepyfile(
        """
        def test_fails(mock_openai): assert not mock_openai.base_url
        def test_passes(mock_openai): pass
        """
    )
    plugin = ("-p", "openai_mockserver.pytest_plugin", "-p", "no:cacheprovider")
    result = pytester.runpytest_subprocess(*plugin)
    result.assert_outcomes(failed=1, passed=1)
    result.stdout.fnmatch_lines(["no request reached the mock. Perhaps the client"])
    pytester.makepyfile("def test_passes(mock_openai): pass")
    pytester.makeini("[pytest]\nopenai_fail_on_unused = true\n")
    result = pytester.runpytest_subprocess(*plugin)
    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(["no request reached the mock"])
