"""Gives each of the SDK's own tests a server that has seen no request: for ``scripts/sdk-tests``.

Rules of this file: a pytest plugin without our package. The tests are written for a server without
memory, and cancel the same object several times. Each worker gets a sandbox of the server, and
resets it before each test.
"""

from __future__ import annotations

import json
import os
from urllib.request import Request, urlopen

import pytest

SERVER = os.environ["MOCK_SERVER"]


def post(url: str) -> bytes:
    """Send an empty request, and return the body of the answer."""
    with urlopen(Request(url, method="POST")) as response:
        content: bytes = response.read()
        return content


ADDRESS = json.loads(post(f"{SERVER}/_mock/sandboxes"))["base_url"].removesuffix("/v1")
os.environ["TEST_API_BASE_URL"] = f"{ADDRESS}/v1"  # the tests read it when they are imported


@pytest.fixture(autouse=True)
def forget() -> None:
    """Forget the objects and calls of earlier tests."""
    post(f"{ADDRESS}/_mock/reset")
