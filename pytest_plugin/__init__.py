"""The pytest fixtures: `mock_openai` and the clients that talk to it.

Rules of this file: importing it costs nothing; httpx, openai, starlette and the rest come when a
fixture is used.
"""

from __future__ import annotations

import os
import time
from collections.abc import Generator, Iterator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    import openai

    from openai_mockserver import MockOpenAI, Stream
    from openai_mockserver.server import SharedAddress

    from .session_address import SessionAddress

__all__ = [
    "async_openai_client",
    "mock_openai",
    "openai_base_url",
    "openai_cassette",
    "openai_client",
    "openai_stream",
]

_MOCK = pytest.StashKey["MockOpenAI"]()
_NOT_ASKED = """\
no request reached the mock. Perhaps the client
- was made before the test, with the base URL of that time: `openai_mock_address = session` in
  pytest.ini keeps one base URL for the whole run;
- is given a base_url of its own, or reads another variable than OPENAI_BASE_URL;
- lives in a process that was started before the test."""
_ADDRESS: pytest.StashKey[SessionAddress] = pytest.StashKey()

_CASSETTE = frozenset(
    "path mode match ignore normalize normalize_patterns speed redactor".split()  # noqa: SIM905
)
"""What the marker ``openai_cassette`` takes."""


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("openai-mockserver")
    group.addoption(
        "--openai-record",
        choices=("none", "once", "new_episodes", "all"),
        help="What openai_cassette records; without it the marker's mode counts, else none.",
    )
    group.addoption(
        "--openai-upstream",
        metavar="URL",
        help="Where openai_cassette records from; by default OPENAI_BASE_URL, else OpenAI.",
    )
    parser.addini(
        "openai_fail_on_unmatched",
        "Fail a test whose requests to mock_openai no rule answered.",
        type="bool",
        default=True,
    )
    parser.addini(
        "openai_fail_on_unused",
        "Fail a test that gives mock_openai rules or replies which no request was given.",
        type="bool",
        default=False,
    )
    parser.addini(
        "openai_mock_address",
        "Where mock_openai and openai_cassette listen: 'test', at an address for each; or "
        "'session', at one for the whole run, in the environment before tests are collected.",
        default="test",
    )


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> None:
    # A conftest.py may import the application, and that make its client.
    _open_address(early_config)


def _open_address(config: pytest.Config) -> None:
    """Open the address of the run, if that is asked for, where tests are run."""
    where = config.getini("openai_mock_address")
    if where not in ("test", "session"):
        raise pytest.UsageError(f"openai_mock_address = {where}: 'test' or 'session'")
    if where == "test" or _ADDRESS in config.stash or _leaves_tests_to_workers(config):
        return
    from .session_address import SessionAddress

    address = config.stash[_ADDRESS] = SessionAddress()
    record = config.known_args_namespace.openai_record
    address.set_environment(keep_key=record not in (None, "none"))


def _leaves_tests_to_workers(config: pytest.Config) -> bool:
    """Whether pytest-xdist runs the tests, in other processes."""
    options = config.known_args_namespace
    distributes = getattr(options, "numprocesses", None) or getattr(options, "tx", None)
    return bool(distributes) and "PYTEST_XDIST_WORKER" not in os.environ


def pytest_unconfigure(config: pytest.Config) -> None:
    address = config.stash.get(_ADDRESS, None)
    if address is not None:
        address.stop()
        del config.stash[_ADDRESS]


def pytest_configure(config: pytest.Config) -> None:
    _open_address(config)  # unless the plugin came too late for that
    for marker in (
        "openai_mock(**options): options of the MockOpenAI behind mock_openai, "
        "such as api_key, seed, lenient, clock, pace, fail_on_unmatched, fail_on_unused",
        "openai_cassette(path=None, mode='none', match=('method', 'path', 'body'), ignore=(), "
        "normalize=(), normalize_patterns=(), speed=1.0): recordings that answer the "
        "requests of openai_cassette; by default in cassettes/MODULE/TEST.jsonl beside the test",
        "openai_streams(*names, family=None): run the test once for each of these ready-made "
        "streams, given as the openai_stream argument",
    ):
        config.addinivalue_line("markers", marker)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    markers = list(metafunc.definition.iter_markers("openai_streams"))
    if not markers or "openai_stream" not in metafunc.fixturenames:
        return
    from openai_mockserver import MockServerError, catalogue

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
    from openai_mockserver.clients import API_KEY
    from openai_mockserver.mock import MockOpenAI

    options: dict[str, Any] = {
        "fail_on_unmatched": request.config.getini("openai_fail_on_unmatched"),
        "fail_on_unused": request.config.getini("openai_fail_on_unused"),
    }
    for marker in reversed(list(request.node.iter_markers("openai_mock"))):
        if marker.args:
            raise pytest.UsageError(f"openai_mock() takes keywords, not {marker.args!r}")
        options |= marker.kwargs
    if not {"host", "port", "tls"} & options.keys():
        options["address"] = _find_address(request.config)
    try:
        made = MockOpenAI(**options)
    except TypeError as error:
        raise pytest.UsageError(f"openai_mock(): {error}") from None
    monkeypatch.setenv("OPENAI_API_KEY", made.api_key or API_KEY)
    yield from _open(made, request, monkeypatch)


def _find_address(config: pytest.Config) -> SharedAddress | None:
    """The address of the run, if it has one."""
    address = config.stash.get(_ADDRESS, None)
    return None if address is None else address.shared


def _find_variable(config: pytest.Config, name: str) -> str | None:
    """A variable of the environment, as it is without the address of the run."""
    address = config.stash.get(_ADDRESS, None)
    return os.environ.get(name) if address is None else address.find_variable(name)


def _open(
    made: MockOpenAI, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Iterator[MockOpenAI]:
    """The mock, where the code under test looks for OpenAI; and its complaint at the end."""
    with made as mock:
        request.node.stash[_MOCK] = mock
        monkeypatch.setenv("OPENAI_BASE_URL", mock.base_url)
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
def openai_cassette(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Iterator[MockOpenAI]:
    """Recordings that answer this test's requests, and take new ones if the mode says so.

    As with `mock_openai`, ``OPENAI_BASE_URL`` points to it; rules go before recordings. With mode
    ``none`` the network is never touched, and the test fails where a request was not recorded.
    """
    from openai_mockserver.cassettes.cassette import Cassette
    from openai_mockserver.clients import API_KEY
    from openai_mockserver.exceptions import MockServerError
    from openai_mockserver.mock import MockOpenAI

    options: dict[str, Any] = {}
    for marker in reversed(list(request.node.iter_markers("openai_cassette"))):
        if len(marker.args) > 1:
            raise pytest.UsageError(
                f"openai_cassette() takes a path and keywords, not {marker.args!r}"
            )
        options |= dict(zip(("path",), marker.args, strict=False)) | marker.kwargs
    if unknown := set(options) - _CASSETTE:
        raise pytest.UsageError(
            f"openai_cassette() takes {', '.join(sorted(_CASSETTE))}, not {', '.join(unknown)}"
        )
    test = request.node
    here = test.path.parent / "cassettes" / test.path.stem / f"{_file_name(test.name)}.jsonl"
    path = options.pop("path", None)
    mode = request.config.getoption("--openai-record") or options.pop("mode", "none")
    options.pop("mode", None)
    try:
        cassette = Cassette(here if path is None else test.path.parent / path, mode, **options)
    except (TypeError, MockServerError) as error:
        raise pytest.UsageError(f"openai_cassette(): {error}") from None
    upstream = (
        request.config.getoption("--openai-upstream")
        or _find_variable(request.config, "OPENAI_BASE_URL")
        or "https://api.openai.com/v1"
    )
    key = _find_variable(request.config, "OPENAI_API_KEY") if cassette.records else None
    monkeypatch.setenv("OPENAI_API_KEY", key or API_KEY)
    made = MockOpenAI(
        cassette=cassette,
        upstream=upstream if cassette.records else None,
        address=_find_address(request.config),
    )
    yield from _open(made, request, monkeypatch)


def _file_name(name: str) -> str:
    from openai_mockserver.cassettes.writer import shorten_name

    plain = "".join(letter if letter.isalnum() or letter in "-_." else "-" for letter in name)
    return shorten_name(plain, 240)  # of 255; ``.jsonl`` follows, and while recording ``.parts``


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
    if report.failed and mock is not None:
        if mock.calls:
            until = time.monotonic() + 1.0
            for seen in mock.calls:  # the server is about to notice how the last ones ended
                seen.wait(max(0.0, until - time.monotonic()))
            lines = "\n".join(seen.line() for seen in mock.calls)
            report.sections.append(("calls to mock_openai", lines))
        else:
            report.sections.append(("calls to mock_openai", _NOT_ASKED))
        if mock.unused:
            report.sections.append(("never used of mock_openai", "\n".join(mock.unused)))
    return report
