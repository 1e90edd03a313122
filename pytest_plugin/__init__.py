"""The pytest fixtures: `mock_openai` and the clients that talk to it.

Rules of this file: importing it costs nothing; httpx, openai, starlette and the other packages are
imported when a test uses a fixture.
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
    from openai_mockserver.interception import Interception
    from openai_mockserver.server import SharedAddress

    from .conformance import ConformanceCase
    from .session_address import SessionAddress

__all__ = [
    "async_openai_client",
    "openai_case",
    "mock_openai",
    "openai_base_url",
    "openai_cassette",
    "openai_client",
    "openai_stream",
]

_MOCK = pytest.StashKey["MockOpenAI"]()
_NO_REQUEST = """\
no request reached the mock. Perhaps the client
- was created before the test, with an earlier base URL: `openai_mock_address = session` in
  pytest.ini keeps one base URL for the whole run;
- is given another base_url, or reads a variable other than OPENAI_BASE_URL;
- runs in a process that was started before the test."""
_ADDRESS: pytest.StashKey[SessionAddress] = pytest.StashKey()
_GUARD: pytest.StashKey[Interception] = pytest.StashKey()

_CASSETTE = frozenset(
    "path mode match ignore normalize normalize_patterns speed redactor".split()  # noqa: SIM905
)
"""The arguments of the marker ``openai_cassette``."""


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("openai-mockserver")
    group.addoption(
        "--openai-record",
        choices=("none", "once", "new_episodes", "all"),
        help="When openai_cassette records; by default the mode in the marker, or none if the "
        "marker sets no mode.",
    )
    group.addoption(
        "--openai-upstream",
        metavar="URL",
        help="Base URL of the server that openai_cassette records; by default OPENAI_BASE_URL, or "
        "OpenAI's own if that is not set.",
    )
    group.addoption(
        "--openai-seed",
        metavar="SEED",
        help="Seed of mock_openai, unless the marker sets one: fixes ids, pace and chance.",
    )
    group.addoption(
        "--openai-pace",
        metavar="PACE",
        help="Pace of mock_openai, unless the marker sets one, as gpt-4o or 0.5,0.02.",
    )
    group.addoption(
        "--openai-dialect",
        metavar="NAME",
        help="Provider that mock_openai imitates, unless the marker sets one, as azure.",
    )
    parser.addini(
        "openai_fail_on_unmatched",
        "Fail a test if no rule answers one of its requests to mock_openai.",
        type="bool",
        default=True,
    )
    parser.addini(
        "openai_fail_on_unused",
        "Fail a test if one of its rules or replies for mock_openai is never used.",
        type="bool",
        default=False,
    )
    parser.addini(
        "openai_intercept",
        "Answer requests of this process to api.openai.com and the other known hosts by "
        "mock_openai or openai_cassette, and refuse them in tests that use neither.",
        type="bool",
        default=False,
    )
    parser.addini(
        "openai_mock_address",
        "Address of mock_openai and openai_cassette: 'test' opens one for each test; 'session' "
        "opens one for the whole run and sets OPENAI_BASE_URL to it before tests are collected.",
        default="test",
    )


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> None:
    # A conftest.py may import the application, which may create its client then.
    _open_address(early_config)
    _refuse_known_hosts(early_config)


def _open_address(config: pytest.Config) -> None:
    """Open the address of the run if the ini option asks for it and this process runs tests."""
    where = config.getini("openai_mock_address")
    if where not in ("test", "session"):
        raise pytest.UsageError(f"openai_mock_address = {where}: must be 'test' or 'session'")
    if where == "test" or _ADDRESS in config.stash or _delegates_to_workers(config):
        return
    from .session_address import SessionAddress

    address = config.stash[_ADDRESS] = SessionAddress()
    record = config.known_args_namespace.openai_record
    address.set_environment(keep_key=record not in (None, "none"))


def _refuse_known_hosts(config: pytest.Config) -> None:
    """Refuse requests to known hosts for the whole run, if the ini option asks for it."""
    if config.getini("openai_intercept") and _GUARD not in config.stash:
        from openai_mockserver.interception import Interception

        config.stash[_GUARD] = Interception(None)


def _delegates_to_workers(config: pytest.Config) -> bool:
    """Return whether pytest-xdist runs the tests in other processes."""
    options = config.known_args_namespace
    distributes = getattr(options, "numprocesses", None) or getattr(options, "tx", None)
    return bool(distributes) and "PYTEST_XDIST_WORKER" not in os.environ


def pytest_unconfigure(config: pytest.Config) -> None:
    address = config.stash.get(_ADDRESS, None)
    if address is not None:
        address.stop()
        del config.stash[_ADDRESS]
    guard = config.stash.get(_GUARD, None)
    if guard is not None:
        guard.stop()
        del config.stash[_GUARD]


def pytest_configure(config: pytest.Config) -> None:
    # Only if the plugin was loaded too late for the hook above.
    _open_address(config)
    _refuse_known_hosts(config)
    for marker in (
        "openai_mock(**options): options of the MockOpenAI that mock_openai creates, "
        "such as api_key, seed, lenient, clock, pace, fail_on_unmatched, fail_on_unused",
        "openai_cassette(path=None, mode='none', match=('method', 'path', 'body'), ignore=(), "
        "normalize=(), normalize_patterns=(), speed=1.0): recordings that answer the "
        "requests of openai_cassette; by default in cassettes/MODULE/TEST.jsonl beside the test",
        "openai_streams(*names, family=None): run the test once for each of these ready-made "
        "streams, which it gets from the fixture openai_stream",
        "openai_conformance(*names, family=None, endpoint=None, must_only=False, reads=None, "
        "silence=1.0, patience=10.0, baseline=None): run the test once for each of these cases of "
        "the judge, which it gets from the fixture openai_case",
    ):
        config.addinivalue_line("markers", marker)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    _parametrize_streams(metafunc)
    _parametrize_cases(metafunc)


def _parametrize_cases(metafunc: pytest.Metafunc) -> None:
    markers = list(metafunc.definition.iter_markers("openai_conformance"))
    if not markers or "openai_case" not in metafunc.fixturenames:
        return
    from openai_mockserver import MockServerError

    from .conformance import select_parameters

    try:
        parameters = select_parameters(metafunc.definition.path, markers)
    except (MockServerError, TypeError) as error:
        raise pytest.UsageError(f"{metafunc.definition.nodeid}: {error}") from None
    ids = [str(case) for case, _, _ in parameters]
    metafunc.parametrize("openai_case", parameters, ids=ids, indirect=True)


def _parametrize_streams(metafunc: pytest.Metafunc) -> None:
    markers = list(metafunc.definition.iter_markers("openai_streams"))
    if not markers or "openai_stream" not in metafunc.fixturenames:
        return
    from openai_mockserver import MockServerError, catalogue

    selected_streams: list[Any] = []
    try:
        for marker in markers:
            if unknown := set(marker.kwargs) - {"family"}:
                raise MockServerError(f"openai_streams() takes names and family=, not {unknown}")
            selected_streams += map(catalogue.stream, marker.args)
            if not marker.args or "family" in marker.kwargs:
                selected_streams += catalogue.streams(marker.kwargs.get("family"))
    except MockServerError as error:
        raise pytest.UsageError(f"{metafunc.definition.nodeid}: {error}") from None
    metafunc.parametrize("openai_stream", selected_streams, ids=str)


@pytest.fixture
def openai_stream() -> Stream:
    """A ready-made stream that ``@pytest.mark.openai_streams(...)`` selects."""
    raise pytest.UsageError("openai_stream needs @pytest.mark.openai_streams(...)")


@pytest.fixture(scope="session")
def _conformance_mock() -> Iterator[MockOpenAI]:
    """The mock that plays the cases of the judge."""
    from openai_mockserver.judge import make_mock

    with make_mock() as mock:
        yield mock


@pytest.fixture
def openai_case(request: pytest.FixtureRequest, _conformance_mock: MockOpenAI) -> ConformanceCase:
    """A case of the judge that ``@pytest.mark.openai_conformance(...)`` selects."""
    from .conformance import ConformanceCase

    if not hasattr(request, "param"):
        raise pytest.UsageError("openai_case needs @pytest.mark.openai_conformance(...)")
    case, patience, known = request.param
    return ConformanceCase(case, _conformance_mock, patience, known)


@pytest.fixture
def mock_openai(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Iterator[MockOpenAI]:
    """A fake OpenAI for this test.

    ``OPENAI_BASE_URL`` and ``OPENAI_API_KEY`` point to it, so that code under test needs no change.
    At its end the test fails if no rule answered one of its requests.
    """
    from openai_mockserver.clients import API_KEY
    from openai_mockserver.exceptions import MockServerError
    from openai_mockserver.mock import MockOpenAI

    options: dict[str, Any] = {
        "fail_on_unmatched": request.config.getini("openai_fail_on_unmatched"),
        "fail_on_unused": request.config.getini("openai_fail_on_unused"),
    }
    for name in ("seed", "pace", "dialect"):
        if (value := request.config.getoption(f"--openai-{name}")) is not None:
            options[name] = value
    for marker in reversed(list(request.node.iter_markers("openai_mock"))):
        if marker.args:
            raise pytest.UsageError(
                f"openai_mock() takes keyword arguments only, not {marker.args!r}"
            )
        options |= marker.kwargs
    if not {"host", "port", "tls"} & options.keys():
        options["address"] = _find_address(request.config)
    try:
        mock = MockOpenAI(**options)
    except (TypeError, MockServerError) as error:
        raise pytest.UsageError(f"openai_mock(): {error}") from None
    monkeypatch.setenv("OPENAI_API_KEY", mock.api_key or API_KEY)
    yield from _open_mock(mock, request, monkeypatch)


def _find_address(config: pytest.Config) -> SharedAddress | None:
    """Return the address of the run, or None."""
    address = config.stash.get(_ADDRESS, None)
    return None if address is None else address.shared


def _find_variable(config: pytest.Config, name: str) -> str | None:
    """Return an environment variable as it is without the address of the run."""
    address = config.stash.get(_ADDRESS, None)
    return os.environ.get(name) if address is None else address.find_variable(name)


def _open_mock(
    mock: MockOpenAI, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Iterator[MockOpenAI]:
    """Open a mock, point the environment to it, and fail the test if the mock reports a problem."""
    with mock:
        request.node.stash[_MOCK] = mock
        monkeypatch.setenv("OPENAI_BASE_URL", mock.base_url)
        _bypass_proxies(monkeypatch)
        if request.config.getini("openai_intercept"):
            mock.intercept()
        yield mock
    message = None
    try:
        mock.check()
    except AssertionError as error:
        message = str(error)
    if message is not None:
        pytest.fail(message, pytrace=False)


def _bypass_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    """Exempt the loopback server from the proxies in the environment."""
    from openai_mockserver.clients import bypass_proxies

    for name, value in bypass_proxies().items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def openai_cassette(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Iterator[MockOpenAI]:
    """A mock that answers this test's requests from recordings, and records if the mode says so.

    As with `mock_openai`, ``OPENAI_BASE_URL`` points to it. Rules take precedence over recordings.
    With mode ``none`` it never uses the network, and the test fails if a request has no recording.
    """
    from openai_mockserver.cassettes.cassette import Cassette
    from openai_mockserver.clients import API_KEY
    from openai_mockserver.exceptions import MockServerError
    from openai_mockserver.mock import MockOpenAI

    options: dict[str, Any] = {}
    for marker in reversed(list(request.node.iter_markers("openai_cassette"))):
        if len(marker.args) > 1:
            raise pytest.UsageError(
                f"openai_cassette() takes a path and keyword arguments, not {marker.args!r}"
            )
        options |= dict(zip(("path",), marker.args, strict=False)) | marker.kwargs
    if unknown := set(options) - _CASSETTE:
        raise pytest.UsageError(
            f"openai_cassette() takes {', '.join(sorted(_CASSETTE))}, not {', '.join(unknown)}"
        )
    test = request.node
    default_path = (
        test.path.parent / "cassettes" / test.path.stem / f"{_build_file_name(test.name)}.jsonl"
    )
    path = options.pop("path", None)
    mode = request.config.getoption("--openai-record") or options.pop("mode", "none")
    options.pop("mode", None)
    try:
        cassette = Cassette(
            default_path if path is None else test.path.parent / path, mode, **options
        )
    except (TypeError, MockServerError) as error:
        raise pytest.UsageError(f"openai_cassette(): {error}") from None
    upstream = (
        request.config.getoption("--openai-upstream")
        or _find_variable(request.config, "OPENAI_BASE_URL")
        or "https://api.openai.com/v1"
    )
    key = _find_variable(request.config, "OPENAI_API_KEY") if cassette.records else None
    monkeypatch.setenv("OPENAI_API_KEY", key or API_KEY)
    mock = MockOpenAI(
        cassette=cassette,
        upstream=upstream if cassette.records else None,
        address=_find_address(request.config),
    )
    yield from _open_mock(mock, request, monkeypatch)


def _build_file_name(name: str) -> str:
    from openai_mockserver.cassettes.writer import shorten_name

    plain = "".join(letter if letter.isalnum() or letter in "-_." else "-" for letter in name)
    return shorten_name(
        plain, 240
    )  # of 255 bytes; ``.jsonl`` follows, and ``.parts`` while recording


@pytest.fixture
def openai_base_url(mock_openai: MockOpenAI) -> str:
    """The base URL of the loopback server, for OpenAI clients."""
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
    """Add the calls to the mock to the report of a failed test."""
    report = yield
    mock = item.stash.get(_MOCK, None)
    if report.failed and mock is not None:
        if mock.calls:
            until = time.monotonic() + 1.0
            for received_call in mock.calls:  # the server may not yet know how the last ones ended
                received_call.wait(max(0.0, until - time.monotonic()))
            lines = "\n".join(received_call.line() for received_call in mock.calls)
            report.sections.append(("calls to mock_openai", lines))
        else:
            report.sections.append(("calls to mock_openai", _NO_REQUEST))
        if mock.unused:
            report.sections.append(("unused rules of mock_openai", "\n".join(mock.unused)))
    return report
