"""Where the real recordings are, and what skips without them."""

from __future__ import annotations

from pathlib import Path

import httpcore
import httpcore2
import httptools
import pytest
from hypothesis import HealthCheck, settings

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
settings.register_profile("ours", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("ours")

SHARED = Path(__file__).parents[2] / "shared"


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of measurements and recordings that lies beside the repository."""
    if not SHARED.is_dir():
        pytest.skip("the recordings (../shared) are not here")
    return SHARED
