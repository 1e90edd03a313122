"""The folder of the real recordings, and the tests that are deselected without it."""

from __future__ import annotations

import gc
from importlib.metadata import version
from pathlib import Path
from typing import Any

import httpcore
import httpcore2
import httptools
import pytest
from hypothesis import HealthCheck, settings

from commands import has_index
from recordings import SHARED

# httpx and uvicorn import these when they first connect. Were that within a suite that pytester
# runs in this process, which forgets its modules, they would know the exceptions of a module that
# is no more.
assert httpcore
assert httpcore2
assert httptools

pytest_plugins = ["pytester"]

# Doctests would import them again, by when another of them is the module of this name.
collect_ignore = [str(file) for file in Path(__file__).parent.rglob("conftest.py")]

# The time that an example takes depends on the machine.
ours = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow], max_examples=100)
settings.register_profile("ours", ours)
settings.register_profile("few", ours, max_examples=20)


def _is_default_run(config: pytest.Config) -> bool:
    return "not slow" in config.option.markexpr


def pytest_configure(config: pytest.Config) -> None:
    """Use few examples for each property in the default run; see `properties`."""
    settings.load_profile("few" if _is_default_run(config) else "ours")


OPENAI = version("openai")


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of measurements and recordings beside the repository.

    Tests that request it are deselected if the folder is missing.
    """
    return SHARED


@pytest.fixture(scope="session")
def imported_server() -> None:
    """Import what a server and the SDK import when they are first used.

    Each suite that pytester runs in this process would import it again, because pytester then
    forgets the modules that were not there before.
    """
    import openai

    from openai_mockserver import MockOpenAI

    http_client = openai.DefaultHttpxClient(trust_env=False)
    with MockOpenAI() as mock, http_client:
        mock.reply("Hello")
        client = openai.OpenAI(base_url=mock.base_url, api_key="key", http_client=http_client)
        client.chat.completions.create(model="m", messages=[{"role": "user", "content": "Hi"}])


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip tests that the installed packages or the network do not support."""
    if item.get_closest_marker("needs_index") is not None and not has_index():
        pytest.skip("no package index can be reached")
    marker = item.get_closest_marker("openai3")
    if marker and OPENAI.startswith("2."):
        pytest.skip(f"openai {OPENAI} {marker.args[0]}")


def pytest_collection_finish() -> None:
    """Freeze imported and collected objects, so that no garbage collection examines them."""
    gc.collect()
    gc.freeze()


DESELECTED = pytest.StashKey[int]()


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Before tests are selected, mark the slow ones, and deselect those that cannot run."""
    _mark_whole_properties(config, items)
    _leave_out_recordings(config, items)


def _mark_whole_properties(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Mark properties with all their examples as slow."""
    for item in items if not _is_default_run(config) else ():
        is_property = getattr(getattr(item, "obj", None), "is_hypothesis_test", False)
        if is_property or item.get_closest_marker("hypothesis"):
            item.add_marker(pytest.mark.slow)


def _leave_out_recordings(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Deselect the tests that need the folder `shared`, all at once, if it is missing."""
    if SHARED.is_dir():
        return
    needing = [item for item in items if "shared" in getattr(item, "fixturenames", ())]
    items[:] = [item for item in items if item not in needing]
    config.hook.pytest_deselected(items=needing)
    config.stash[DESELECTED] = len(needing)
    if hasattr(config, "workeroutput"):  # a worker of pytest-xdist, which does not report itself
        config.workeroutput["deselected"] = len(needing)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Take the count from a worker of pytest-xdist; all workers collect the same tests."""
    if "deselected" in getattr(node, "workeroutput", {}):
        node.config.stash[DESELECTED] = node.workeroutput["deselected"]


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """Print in one line how many tests were deselected."""
    if count := config.stash.get(DESELECTED, 0):
        terminalreporter.line(f"{count} tests need the recordings in ../shared, which is missing")
