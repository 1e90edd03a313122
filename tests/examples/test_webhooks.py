"""The webhook receiver does its work once, whatever goes wrong on the way."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any

import pytest

from openai_mockserver import MockOpenAI
from openai_mockserver.webhooks import (
    WebhookFault,
    duplicate,
    late,
    missing_signature,
    reserialize,
    slow_receiver,
    truncate,
    wrong_signature,
)

openai = pytest.importorskip("openai")
pytest.importorskip("fastapi")

EXAMPLE = Path(__file__).parents[2] / "examples" / "fastapi_webhooks.py"
FAULTS = [duplicate(), late(), missing_signature(), reserialize(), slow_receiver(), truncate()]


@pytest.fixture(scope="module")
def app() -> Any:
    """The application; its module makes a client, which takes time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OPENAI_API_KEY", "any")
        return runpy.run_path(str(EXAMPLE))


@pytest.mark.parametrize("fault", [None, *FAULTS, wrong_signature()], ids=repr)
def test_fastapi_webhooks(
    mock_openai: MockOpenAI,
    app: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    fault: WebhookFault | None,
) -> None:
    mock_openai.reply("Hello, world")
    response = mock_openai.client().responses.create(model="gpt-4o", input="Hi")
    endpoint = mock_openai.webhooks.to(app["app"], path="/webhooks")
    client = mock_openai.async_client(webhook_secret=endpoint.secret)
    monkeypatch.setitem(app["receive"].__globals__, "client", client)
    faults = () if fault is None else fault
    (delivery,) = mock_openai.webhooks.send(
        "response.completed", {"id": response.id}, faults=faults
    )
    mock_openai.webhooks.finish()
    assert delivery.state == "delivered"
    assert capsys.readouterr().out == "Hello, world\n"
