"""The webhook receivers do their work once, whatever goes wrong on the way."""

from __future__ import annotations

import runpy
from collections.abc import Callable
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

EXAMPLES = Path(__file__).parents[2] / "examples"
FAULTS = [duplicate(), late(), missing_signature(), reserialize(), slow_receiver(), truncate()]
Connect = Callable[[MockOpenAI], None]


@pytest.fixture(scope="module", params=["fastapi", "flask"])
def app(request: pytest.FixtureRequest) -> Any:
    """The application; its module makes a client, which takes time."""
    pytest.importorskip(request.param)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OPENAI_API_KEY", "any")
        return runpy.run_path(str(EXAMPLES / f"{request.param}_webhooks.py"))


@pytest.fixture
def connect(app: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> Connect:
    """Let a mock send webhooks to the application, whose client asks the mock."""

    def connect(mock: MockOpenAI) -> None:
        endpoint = mock.webhooks.to(app["app"], path="/webhooks")
        make_client = mock.client if "worker" in app else mock.async_client
        client = make_client(webhook_secret=endpoint.secret)
        monkeypatch.setitem(app["receive"].__globals__, "client", client)

    return connect


def read_output(app: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> str:
    """Return what the application has printed when it has done all its work."""
    if (worker := app.get("worker")) is not None:
        worker.submit(int).result()  # after what was submitted before
    return capsys.readouterr().out


@pytest.mark.parametrize("fault", [None, *FAULTS, wrong_signature()], ids=repr)
def test_it_does_its_work_once(
    mock_openai: MockOpenAI,
    app: dict[str, Any],
    connect: Connect,
    capsys: pytest.CaptureFixture[str],
    fault: WebhookFault | None,
) -> None:
    mock_openai.reply("Hello, world")
    response = mock_openai.client().responses.create(model="gpt-4o", input="Hi")
    connect(mock_openai)
    faults = () if fault is None else fault
    (delivery,) = mock_openai.webhooks.send(
        "response.completed", {"id": response.id}, faults=faults
    )
    mock_openai.webhooks.finish()
    assert delivery.state == "delivered"
    assert read_output(app, capsys) == "Hello, world\n"


@pytest.mark.openai_mock(job_seconds=60)
def test_it_hears_of_the_end_of_a_background_response(
    mock_openai: MockOpenAI,
    app: dict[str, Any],
    connect: Connect,
    capsys: pytest.CaptureFixture[str],
) -> None:
    mock_openai.reply("Hello, world")
    connect(mock_openai)
    client = mock_openai.client()
    response = client.responses.create(model="gpt-5", input="Hi", background=True)
    mock_openai.webhooks.advance(60)
    assert mock_openai.webhooks.deliveries[0].event["data"] == {"id": response.id}
    assert read_output(app, capsys) == "Hello, world\n"
