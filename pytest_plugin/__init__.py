"""The pytest fixtures: `mock_openai` and the clients that talk to it.

Rules of this file: importing it costs nothing; httpx, openai, starlette and the rest come when a
fixture is used.
"""

from __future__ import annotations

import os
from collections.abc import Generator, Iterator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    import openai

    from mockserver import MockOpenAI, Stream

__all__ = [
    "async_openai_client",
    "mock_openai",
    "openai_base_url",
    "openai_client",
    "openai_stream",
]

_MOCK = pytest.StashKey["MockOpenAI"]()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addini(
        "openai_fail_on_unmatched",
        "Fail a test whose requests to mock_openai no rule answered.",
        type="bool",
        default=True,
    )


def pytest_configure(config: pytest.Config) -> None:
    for marker in (
        "openai_mock(**options): options of the MockOpenAI behind mock_openai, "
        "such as api_key, seed, lenient, clock, pace, fail_on_unmatched",
        "openai_streams(*names, family=None): run the test once for each of these ready-made "
        "streams, given as the openai_stream argument",
    ):
        config.addinivalue_line("markers", marker)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    markers = list(metafunc.definition.iter_markers("openai_streams"))
    if not markers or "openai_stream" not in metafunc.fixturenames:
        return
    from mockserver import MockServerError, catalogue

    chosen: list[Any] = []
    try:
        for marker in markers:
            if unknown := set(marker.kwargs) - {"family"}:
                raise MockServerError(f"openai_streams() takes names and family=, not {unknown}")
            chosen += map(catalogue.stream, marker.args)
            if not marker.args or "family" in marker.kwargs:
                chosen += catalogue.streams(marker.kwargs.get("family"))
    except MockServerError as error:
        raise pytest.UsageError(f"{metafunc.definition.nodeid}: {error}") from None
    metafunc.parametrize("openai_stream", chosen, ids=str)


@pytest.fixture
def openai_stream() -> Stream:
    """Each of the ready-made streams that ``@pytest.mark.openai_streams(...)`` names, in turn."""
    raise pytest.UsageError("openai_stream needs @pytest.mark.openai_streams(...)")


@pytest.fixture
def mock_openai(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Iterator[MockOpenAI]:
    """A fake OpenAI for this test.

    ``OPENAI_BASE_URL`` and ``OPENAI_API_KEY`` point to it, so that code under test needs no change.
    The test fails at its end where a request came that no rule answered.
    """
    from mockserver.mock import API_KEY, MockOpenAI

    options: dict[str, Any] = {
        "fail_on_unmatched": request.config.getini("openai_fail_on_unmatched")
    }
    for marker in reversed(list(request.node.iter_markers("openai_mock"))):
        if marker.args:
            raise pytest.UsageError(f"openai_mock() takes keywords, not {marker.args!r}")
        options |= marker.kwargs
    try:
        made = MockOpenAI(**options)
    except TypeError as error:
        raise pytest.UsageError(f"openai_mock(): {error}") from None
    with made as mock:
        request.node.stash[_MOCK] = mock
        monkeypatch.setenv("OPENAI_BASE_URL", mock.base_url)
        monkeypatch.setenv("OPENAI_API_KEY", mock.api_key or API_KEY)
        _go_around_proxies(monkeypatch)
        yield mock
    complaint = None
    try:
        mock.check()
    except AssertionError as error:
        complaint = str(error)
    if complaint is not None:
        pytest.fail(complaint, pytrace=False)


def _go_around_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no proxy of the environment stand between the test and the loopback server."""
    if any(name.lower() in ("http_proxy", "all_proxy") for name in os.environ):
        for name in ("NO_PROXY", "no_proxy"):
            around = [*filter(None, [os.environ.get(name)]), "127.0.0.1", "localhost"]
            monkeypatch.setenv(name, ",".join(around))


@pytest.fixture
def openai_base_url(mock_openai: MockOpenAI) -> str:
    """The URL of the loopback server, as OpenAI clients take it."""
    return mock_openai.base_url


@pytest.fixture
def openai_client(mock_openai: MockOpenAI) -> openai.OpenAI:
    """An `openai.OpenAI` that talks to `mock_openai` in process, on its clock."""
    return mock_openai.client()


@pytest.fixture
def async_openai_client(mock_openai: MockOpenAI) -> openai.AsyncOpenAI:
    """An `openai.AsyncOpenAI` that talks to `mock_openai` in process, on its clock."""
    return mock_openai.async_client()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show what the server saw where a test fails."""
    report = yield
    mock = item.stash.get(_MOCK, None)
    if report.failed and mock is not None and mock.calls:
        lines = "\n".join(seen.line() for seen in mock.calls)
        report.sections.append(("calls to mock_openai", lines))
    return report
