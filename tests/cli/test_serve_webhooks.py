"""`serve --webhook`: jobs that end send webhooks, signed with a secret that nobody sees."""

from __future__ import annotations

import click
import httpx
import pytest

from openai_mockserver import MockOpenAI
from openai_mockserver.cli.webhooks import add_endpoints
from running_server import serving
from webhook_server import SECRET, receiving

pytest.importorskip("openai")

BODY = {"model": "gpt-5", "input": "Hi", "background": True}


@pytest.mark.slow
def test_a_job_that_ends_sends_a_webhook_that_is_logged() -> None:
    with (
        receiving() as receiver,
        serving(
            *("--job-seconds", "0.05", "--webhook", f"{receiver.url}?key=abc"),
            *("--webhook-secret", SECRET),
        ) as server,
    ):
        answer = httpx.post(f"{server.url}/v1/responses", json=BODY, trust_env=False).json()
        assert answer["status"] == "queued"
        event = receiver.next()
        assert (event.type, event.data.id) == ("response.completed", answer["id"])
        lines = [*server.first_lines, server.line(), server.line()]
        text = "\n".join([*lines, server.stop()])
    assert f"Webhooks of jobs that end go to {receiver.url}?…." in lines
    sentence = f"webhook response.completed of {answer['id']} to {receiver.url}?…: 204"
    assert any(line.endswith(sentence) for line in lines)
    assert SECRET not in text
    assert "key=abc" not in text


def add(*urls: str, secret: str | None = None) -> list[str]:
    with MockOpenAI() as mock:
        return add_endpoints(mock, urls, secret, None)


def test_the_secret_may_be_that_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_WEBHOOK_SECRET", SECRET)
    assert add("http://a.example/hook", "http://b.example") == [
        "http://a.example/hook",
        "http://b.example",
    ]


@pytest.mark.parametrize(
    ("urls", "secret", "problem"),
    [
        (["http://a.example"], None, "--webhook-secret=SECRET or OPENAI_WEBHOOK_SECRET"),
        (["a.example"], SECRET, "--webhook: webhook URL 'a.example' must begin with http"),
        (["http://a.example"], "whsec_%", "must have base64"),
        ([], SECRET, "needs --webhook=URL"),
    ],
)
def test_mistakes_end_in_a_sentence(
    monkeypatch: pytest.MonkeyPatch, urls: list[str], secret: str | None, problem: str
) -> None:
    monkeypatch.delenv("OPENAI_WEBHOOK_SECRET", raising=False)
    with pytest.raises(click.UsageError) as caught:
        add(*urls, secret=secret)
    assert problem in caught.value.message
    assert secret is None or secret not in caught.value.message
