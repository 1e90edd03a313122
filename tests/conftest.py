"""Where the real recordings are, and what skips without them."""

from __future__ import annotations

from pathlib import Path

import httpcore
import httpcore2
import httptools
import pytest
from hypothesis import HealthCheck, settings

from environments import has_index

# httpx and uvicorn import these when they first connect. Were that within a suite that pytester
# runs in this process, which forgets its modules, they would know the exceptions of a module that
# is no more.
assert httpcore
assert httpcore2
assert httptools

pytest_plugins = ["pytester"]

# Doctests would import them again, by when another of them is the module of this name.
collect_ignore = [str(file) for file in Path(__file__).parent.rglob("conftest.py")]

# How long an example takes says more of the machine than of us.
ours = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow], max_examples=100)
settings.register_profile("ours", ours)
settings.register_profile("few", ours, max_examples=20)


def _is_default_run(config: pytest.Config) -> bool:
    return "not slow" in config.option.markexpr


def pytest_configure(config: pytest.Config) -> None:
    """A property has few examples in the default run; see `properties`."""
    settings.load_profile("few" if _is_default_run(config) else "ours")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """With all its examples, a property is one of the slow tests."""
    for item in items if not _is_default_run(config) else ():
        is_property = getattr(getattr(item, "obj", None), "is_hypothesis_test", False)
        if is_property or item.get_closest_marker("hypothesis"):
            item.add_marker(pytest.mark.slow)


SHARED = Path(__file__).parents[2] / "shared"


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of measurements and recordings that lies beside the repository."""
    if not SHARED.is_dir():
        pytest.skip("the recordings (../shared) are not here")
    return SHARED


def pytest_runtest_setup(item: pytest.Item) -> None:
    if item.get_closest_marker("needs_index") is not None and not has_index():
        pytest.skip("no package index can be reached")
