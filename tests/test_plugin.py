"""The pytest plugin, in test suites of its users."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence

import pytest

from openai_mockserver import streams

APPLICATION = """
from openai import OpenAI

def ask(text, **options):
    "An application that knows nothing of the mock."
    stream = OpenAI(**options).chat.completions.create(
        model="gpt-4o", stream=True, messages=[{"role": "user", "content": text}])
    return "".join(c.choices[0].delta.content or "" for c in stream if c.choices)
"""


@pytest.fixture
def suite(
    imported_server: None, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> pytest.Pytester:
    """A user's suite with an application to test and no plugins but ours."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    pytester.makepyfile(my_app=APPLICATION)
    pytester.makeini(
        """
        [pytest]
        filterwarnings =
            error
            ignore::pytest.PytestAssertRewriteWarning
        """
    )
    return pytester


def run(
    suite: pytest.Pytester,
    tests: str,
    arguments: Sequence[str] = (),
    process: bool = False,
    **outcomes: int,
) -> pytest.RunResult:
    """Run tests, in a separate process if ``process``."""
    suite.makepyfile(test_it=tests)
    run_pytest = suite.runpytest_subprocess if process else suite.runpytest_inprocess
    result = run_pytest(
        "-p", "openai_mockserver.pytest_plugin", "-p", "no:cacheprovider", *arguments
    )
    result.assert_outcomes(**outcomes)
    return result


def test_an_unchanged_application_is_answered(suite: pytest.Pytester) -> None:
    run(
        suite,
        """
        import my_app

        def test_answers(mock_openai):
            mock_openai.reply("Hello, world")
            assert my_app.ask("Hi") == "Hello, world"
            assert mock_openai.calls[0].messages[-1]["content"] == "Hi"
            assert mock_openai.calls[0].ended == "finished"

        def test_again_with_nothing_left_over(mock_openai):
            assert len(mock_openai.calls) == 0
            mock_openai.reply("Bye")
            assert my_app.ask("Hi") == "Bye"

        def test_base_url(openai_base_url, mock_openai):
            import os
            assert openai_base_url == mock_openai.base_url == os.environ["OPENAI_BASE_URL"]
        """,
        passed=3,
    )


def test_clients_run_on_a_virtual_clock(suite: pytest.Pytester) -> None:
    run(
        suite,
        """
        import time
        from openai_mockserver import Pace

        def test_is_fast_enough(mock_openai, openai_client):
            mock_openai.reply("word " * 500, pace=Pace(ttft=0.4, itl=0.02))
            started = time.monotonic()
            with openai_client.chat.completions.create(
                model="m", stream=True, messages=[{"role": "user", "content": "Hi"}]
            ) as stream:
                for _ in range(12):
                    next(stream)
            assert time.monotonic() - started < 5
            assert mock_openai.calls[0].ended == "client disconnected"
            assert mock_openai.calls[0].delivered.events == 12
        """,
        passed=1,
    )


def test_an_unmatched_request_fails_the_test_even_if_it_is_swallowed(
    suite: pytest.Pytester,
) -> None:
    result = run(
        suite,
        """
        import my_app

        def test_swallows(mock_openai):
            mock_openai.on(user="Bye").reply("Bye")
            try:
                my_app.ask("Hi")
            except Exception:
                pass
        """,
        passed=1,
        errors=1,
    )
    result.stdout.fnmatch_lines(
        [
            "the mock could not answer 1 request:",
            "#1 POST /v1/chat/completions gpt-4o 'Hi' -> 400 no rule matched, finished",
            "*on(user='Bye'): user is 'Hi', not 'Bye'",
        ]
    )


@pytest.mark.parametrize(
    ("statement", "marker"),
    [
        ("mock_openai.fail_on_unmatched = False", ""),
        ("pass", "@pytest.mark.openai_mock(fail_on_unmatched=False)"),
    ],
)
def test_the_failure_can_be_turned_off(suite: pytest.Pytester, statement: str, marker: str) -> None:
    run(
        suite,
        f"""
        import my_app, openai, pytest

        {marker}
        def test_refused(mock_openai):
            {statement}
            with pytest.raises(openai.BadRequestError, match="no rule matches"):
                my_app.ask("Hi")
        """,
        passed=1,
    )


def test_the_failure_can_be_turned_off_for_the_whole_suite(suite: pytest.Pytester) -> None:
    run(
        suite,
        """
        import my_app, openai, pytest

        def test_refused(mock_openai):
            with pytest.raises(openai.BadRequestError):
                my_app.ask("Hi")
        """,
        ["-o", "openai_fail_on_unmatched=false"],
        passed=1,
    )


def test_a_failing_test_shows_unused_rules(suite: pytest.Pytester) -> None:
    result = run(
        suite,
        """
        import my_app

        def test_fails(mock_openai):
            mock_openai.reply("Hello, world")
            mock_openai.on(user="Hello").reply("Bye")
            assert my_app.ask("Hi") == "Bye"
        """,
        failed=1,
    )
    result.stdout.fnmatch_lines(["*unused rules of mock_openai*", "on(user='Hello') answered no *"])


def test_unused_rules_can_fail_the_whole_suite(suite: pytest.Pytester) -> None:
    result = run(
        suite,
        """
        import my_app, pytest

        def test_unused(mock_openai):
            mock_openai.reply("Hello, world", "Bye")
            assert my_app.ask("Hi") == "Hello, world"

        @pytest.mark.openai_mock(fail_on_unused=False)
        def test_allowed(mock_openai):
            mock_openai.reply("Hello, world")
        """,
        ["-o", "openai_fail_on_unused=true"],
        passed=2,
        errors=1,
    )
    result.stdout.fnmatch_lines(["*on() gave only 1 of its 2 replies*"])


def test_a_failing_test_shows_each_call_on_a_line(suite: pytest.Pytester) -> None:
    result = run(
        suite,
        """
        import my_app

        def test_fails(mock_openai):
            mock_openai.reply("Hello, world", "Bye")
            my_app.ask("Hi")
            answer = my_app.ask("Hi again")
            assert all(call.wait(30) for call in mock_openai.calls)
            assert answer == "something else"
        """,
        failed=1,
    )
    result.stdout.fnmatch_lines(
        [
            "*- calls to mock_openai -*",
            "#1 POST /v1/chat/completions gpt-4o 'Hi' -> 200 6 of 6 events, finished",
            "#2 POST /v1/chat/completions gpt-4o 'Hi again' -> 200 4 of 4 events, finished",
        ]
    )


def test_a_key_is_never_shown(suite: pytest.Pytester) -> None:
    result = run(
        suite,
        """
        import my_app

        def test_fails(mock_openai):
            mock_openai.reply("Hello")
            my_app.ask("Hi", api_key="sk-canary-1234567890")
            headers = mock_openai.calls[0].headers
            assert headers["authorization"].endswith("canary-1234567890")
            print(headers, mock_openai.calls)
            assert False
        """,
        failed=1,
    )
    assert "Headers(" in result.stdout.str()
    lines = [line for line in result.outlines if "canary" in line]
    assert all(line.lstrip("> ").startswith(("my_app.ask", "assert")) for line in lines)


def test_options_of_the_mock(suite: pytest.Pytester) -> None:
    run(
        suite,
        """
        import os, my_app, openai, pytest

        @pytest.mark.openai_mock(api_key="sk-right", lenient=True)
        def test_key(mock_openai):
            mock_openai.reply("Hello")
            assert os.environ["OPENAI_API_KEY"] == "sk-right"
            assert my_app.ask("Hi") == "Hello"
            with pytest.raises(openai.AuthenticationError):
                my_app.ask("Hi", api_key="sk-wrong")
        """,
        passed=1,
    )


def test_streams_parametrize_a_test(suite: pytest.Pytester) -> None:
    result = run(
        suite,
        """
        import pytest
        from openai_mockserver import streams

        @pytest.mark.openai_streams(family="choices")
        def test_family(openai_stream, mock_openai, openai_client):
            mock_openai.reply(openai_stream)
            with openai_client.chat.completions.create(
                model="m", stream=True, messages=[{"role": "user", "content": "Hi"}]
            ) as stream:
                assert [chunk for chunk in stream]
            assert openai_stream.family == "choices"

        @pytest.mark.openai_streams("text", "refusal")
        def test_names(openai_stream):
            assert openai_stream.name in ("text", "refusal")

        @pytest.mark.openai_streams()
        def test_all(openai_stream):
            pass
        """,
        ["-v"],
        passed=len(streams("choices")) + 2 + len(streams()),
    )
    result.stdout.fnmatch_lines(["*test_family[[]n-3[]]*"])


@pytest.mark.parametrize(
    ("marker", "message"),
    [
        ("openai_streams('txt')", "no stream is called 'txt'; did you mean text"),
        ("openai_streams(family='x')", "no family is called 'x'; choose from audio, buffering"),
        ("openai_streams(famly='x')", "openai_streams() takes names and family=, not {'famly'}"),
        ("skipif(False, reason='')", "openai_stream needs @pytest.mark.openai_streams(...)"),
        ("openai_mock('x')", "openai_mock() takes keyword arguments only, not ('x',)"),
        ("openai_mock(api_kee='x')", "'api_kee'"),
    ],
)
def test_errors_in_markers_are_reported(suite: pytest.Pytester, marker: str, message: str) -> None:
    suite.makepyfile(
        f"""
        import pytest

        @pytest.mark.{marker}
        def test_it({"mock_openai" if "openai_mock" in marker else "openai_stream"}):
            pass
        """
    )
    result = suite.runpytest_inprocess("-p", "openai_mockserver.pytest_plugin")
    assert result.ret != 0
    assert message in result.stdout.str() + result.stderr.str()
    assert "Traceback" not in result.stdout.str() + result.stderr.str()


ASYNC = """
import asyncio, pytest

{marker}
async def test_async(mock_openai, async_openai_client{extra}):
    mock_openai.reply("one two")
    stream = await async_openai_client.chat.completions.create(
        model="m", stream=True, messages=[{{"role": "user", "content": "Hi"}}])
    assert [c.choices[0].delta.content async for c in stream] == ["", "one", " two", None]

{marker}
async def test_over_the_socket(mock_openai{extra}):
    from openai import AsyncOpenAI
    mock_openai.reply("one two")
    async with AsyncOpenAI() as client:
        completion = await client.chat.completions.create(
            model="m", messages=[{{"role": "user", "content": "Hi"}}])
    assert completion.choices[0].message.content == "one two"
"""


def test_with_pytest_asyncio(suite: pytest.Pytester) -> None:
    options = ["-p", "pytest_asyncio.plugin", "-o", "asyncio_default_fixture_loop_scope=function"]
    run(suite, ASYNC.format(marker="@pytest.mark.asyncio", extra=""), options, passed=2)


@pytest.mark.slow
def test_with_anyio_on_asyncio_and_trio(suite: pytest.Pytester) -> None:
    marker = "@pytest.mark.anyio\n@pytest.mark.parametrize('anyio_backend', ['asyncio', 'trio'])"
    tests = ASYNC.format(marker=marker, extra=", anyio_backend")
    # On trio the SDK leaves its generators to the garbage collector.
    options = ["-p", "anyio", "-W", "ignore::pytest.PytestUnraisableExceptionWarning"]
    run(suite, tests, options, process=True, passed=4)


@pytest.mark.slow  # tests/test_session_address.py has another with it
def test_with_xdist(suite: pytest.Pytester) -> None:
    run(
        suite,
        """
        import my_app, pytest

        @pytest.mark.parametrize("n", range(8))
        def test_answers(mock_openai, n):
            mock_openai.reply(f"Hello {n}")
            assert my_app.ask("Hi") == f"Hello {n}"
        """,
        ["-p", "xdist", "-n", "2"],
        process=True,
        passed=8,
    )


def test_in_threads(suite: pytest.Pytester) -> None:
    run(
        suite,
        """
        import my_app
        from concurrent.futures import ThreadPoolExecutor

        def test_answers(mock_openai):
            for n in range(4):
                mock_openai.on(user=str(n)).reply(f"Hello {n}")
            with ThreadPoolExecutor(4) as pool:
                assert list(pool.map(my_app.ask, "0123")) == [f"Hello {n}" for n in range(4)]
        """,
        passed=1,
    )


def test_proxies_in_the_environment_are_bypassed(
    suite: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    run(
        suite,
        """
        import my_app

        def test_answers(mock_openai):
            mock_openai.reply("Hello")
            assert my_app.ask("Hi") == "Hello"
        """,
        passed=1,
    )


def test_importing_the_plugin_imports_nothing_heavy() -> None:
    heavy = {"httpx", "httpx2", "openai", "starlette", "uvicorn", "faker", "hypothesis", "msgspec"}
    code = f"""if True:
        import sys
        import pytest
        before = set(sys.modules)
        import openai_mockserver.pytest_plugin
        new = set(sys.modules) - before
        assert not {heavy} & new, {heavy} & new
        assert all(name.startswith("openai_mockserver") for name in new), new
    """
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_run_without_the_fixtures_imports_nothing_heavy(suite: pytest.Pytester) -> None:
    run(
        suite,
        """
        import sys

        def test_nothing():
            heavy = {"httpx", "httpx2", "openai", "starlette", "uvicorn", "faker", "msgspec"}
            assert not heavy & set(sys.modules)
        """,
        process=True,
        passed=1,
    )


def test_seed_pace_and_dialect_may_be_options(suite: pytest.Pytester) -> None:
    suite.makepyfile(
        """
        import pytest

        def test_options(mock_openai):
            assert (mock_openai.seed, mock_openai.dialect) == ("7", "groq")
            assert mock_openai.pace.ttft == 0.5

        @pytest.mark.openai_mock(seed=8, pace=None, dialect=None)
        def test_a_marker_comes_first(mock_openai):
            assert (mock_openai.seed, mock_openai.pace, mock_openai.dialect) == (8, None, None)
        """
    )
    options = ["--openai-seed=7", "--openai-pace=0.5,0.02", "--openai-dialect=groq"]
    suite.runpytest_inprocess("-p", "openai_mockserver.pytest_plugin", *options).assert_outcomes(
        passed=2
    )
    result = suite.runpytest_inprocess(
        "-p", "openai_mockserver.pytest_plugin", "--openai-dialect=nobody"
    )
    result.stdout.fnmatch_lines(["*unknown dialect 'nobody'*"])


def test_a_suite_may_intercept(suite: pytest.Pytester) -> None:
    with (suite.path / "tox.ini").open("a") as file:
        file.write("\nopenai_intercept = true\n")
    run(
        suite,
        """
        import httpx
        import my_app
        import pytest

        URL = "https://api.openai.com/v1"

        def test_it_is_answered(mock_openai):
            mock_openai.reply("Hello")
            assert my_app.ask("Hi", base_url=URL) == "Hello"

        def test_without_a_mock_it_is_refused():
            with pytest.raises(httpx.ConnectError, match="refuses requests to api.openai.com"):
                httpx.get(f"{URL}/models")
        """,
        passed=2,
    )
