"""`openai-mockserver listen`: the webhooks of a running server go to an application."""

from __future__ import annotations

import re
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from click.testing import CliRunner

from openai_mockserver import MockOpenAI, ServerError
from openai_mockserver.cli.program import commands
from running_server import COMMAND, QUICK, TOO_LONG
from webhook_server import SECRET, receiving

pytestmark = pytest.mark.slow

pytest.importorskip("openai")


@contextmanager
def listening(*arguments: str) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        [*COMMAND, "listen", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def read(process: subprocess.Popen[str], pattern: str) -> re.Match[str]:
    """Return the match of the next line, which must match."""
    assert process.stdout
    line = process.stdout.readline()
    match = re.search(pattern, line)
    assert match, line or process.communicate()
    return match


@pytest.mark.parametrize(
    "how", [signal.SIGINT, pytest.param(signal.SIGTERM, marks=pytest.mark.slow)], ids=str
)
def test_events_are_forwarded_until_the_end(how: signal.Signals) -> None:
    with (
        MockOpenAI(control=True) as mock,
        receiving("unknown") as receiver,
        listening(
            *("--forward-to", receiver.url, "--url", mock.base_url),
            *("--events", "batch.completed, batch.failed"),
        ) as process,
    ):
        receiver.secret = read(process, r"export OPENAI_WEBHOOK_SECRET=(whsec_\S+)")[1]
        read(process, re.escape(f"go to {receiver.url}"))
        mock.webhooks.send("batch.completed", {"id": "batch_1"})
        assert receiver.next().data.id == "batch_1"
        read(process, re.escape(f"webhook batch.completed of batch_1 to {receiver.url}: 204"))
        assert mock.webhooks.send("response.failed") == []
        receiver.secret = SECRET
        mock.webhooks.send("batch.failed", {"id": "batch_2"})
        read(process, r"batch.failed of batch_2 to .*: 400, again in 5 s")
        process.send_signal(how)
        output, errors = process.communicate(timeout=QUICK)
        assert (output, errors, process.returncode) == ("", "", 0)
        assert mock.webhooks.endpoints == []


def test_a_given_secret_is_not_printed() -> None:
    with (
        MockOpenAI(control=True) as mock,
        listening(
            *("--forward-to", "http://127.0.0.1:1/", "--url", mock.base_url, "--secret", SECRET)
        ) as process,
    ):
        assert SECRET not in read(process, r"go to http://127.0.0.1:1/").string
        assert mock.webhooks.endpoints[0].secret == SECRET


def test_it_ends_when_the_server_is_gone() -> None:
    with MockOpenAI(control=True) as mock:
        command = listening("--forward-to", "http://127.0.0.1:1/", "--url", mock.base_url)
        with command as process:
            read(process, "OPENAI_WEBHOOK_SECRET")
            read(process, "go to")
            mock.stop()
            output, errors = process.communicate(timeout=TOO_LONG)
    assert (output, process.returncode) == ("", 1)
    assert errors.startswith("Error: cannot reach http://127.0.0.1:")
    assert errors.count("\n") == 1


def test_a_server_that_does_not_answer_is_one_sentence() -> None:
    arguments = ["listen", "--forward-to", "http://127.0.0.1:1/", "--url", "http://127.0.0.1:1"]
    result = CliRunner().invoke(commands, arguments)
    assert isinstance(result.exception, ServerError)
    assert str(result.exception).startswith("cannot reach http://127.0.0.1:1")
