"""The control API of `openai-mockserver serve`: its options, and what a reset keeps."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import openai
import pytest

from openai_mockserver import connect

pytestmark = pytest.mark.slow


@contextmanager
def serve(*arguments: str) -> Iterator[str]:
    """Run a server, and yield its URL."""
    command = [sys.executable, "-m", "openai_mockserver", "serve", "--port", "0", *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        too_late = threading.Timer(60, process.kill)
        too_late.start()
        try:
            line = process.stdout.readline()
            yield line.partition("answers on ")[2].partition("/v1")[0]
        finally:
            process.terminate()
            too_late.cancel()


def ask(base_url: str, text: str = "Hi") -> str:
    http = openai.DefaultHttpxClient(trust_env=False)
    with openai.OpenAI(base_url=base_url, api_key="k", http_client=http) as client:
        chat = client.chat.completions.create(
            model="gpt-4o", messages=[{"role": "user", "content": text}]
        )
        return str(chat.choices[0].message.content)


def test_it_is_on(tmp_path: Path) -> None:
    scenario = tmp_path / "scenario.yaml"
    scenario.write_text("rules:\n- reply: from the file\n")
    with serve(
        str(scenario), "--pace", "none", "--control-token", "t", "--sandbox-idle", "60"
    ) as url:
        mock = connect(url, token="t")
        rule = mock.on(user="Hi").reply("set")
        with mock.sandbox() as box:
            assert ask(box.base_url) == "from the file"
        assert (ask(mock.base_url), rule.use_count) == ("set", 1)
        mock.reset()
        assert ask(mock.base_url) == "from the file"
        with httpx.Client(trust_env=False) as http:
            assert http.get(f"{url}/_mock/rules").status_code == 401


def test_it_is_switched_off() -> None:
    with serve("--no-control") as url, httpx.Client(trust_env=False) as http:
        assert http.get(f"{url}/health").json()["status"] == "ok"
        assert "openai_mockserver_info{" in http.get(f"{url}/metrics").text
        assert http.get(f"{url}/_mock/rules").status_code == 404
