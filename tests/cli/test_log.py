"""The log as JSON: one object a line for everything that the server says, and no secrets."""

from __future__ import annotations

import json
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from openai_mockserver import __version__
from running_server import COMMAND, TOO_LONG

pytestmark = pytest.mark.slow

KEY = "sk-proj-Zk3vW8qLr5TnY2bXc7Md"


def read_log(process: subprocess.Popen[str]) -> dict[str, Any]:
    assert process.stdout
    entry: dict[str, Any] = json.loads(process.stdout.readline())
    return entry


def test_each_line_of_a_json_log_is_an_object() -> None:
    command = [*COMMAND, "serve", "--port", "0", "--pace", "none", "--log", "json"]
    command += ["--allow-origin", "*", "--api-key", KEY]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            start = read_log(process)
            assert (start["event"], start["version"]) == ("start", __version__)
            assert KEY not in json.dumps(start)
            warning = read_log(process)
            assert (warning["event"], warning["level"]) == ("warning", "warning")
            headers = {"Authorization": f"Bearer {KEY}"}
            messages = [{"role": "user", "content": f"the key {KEY}\x1b[31m世"}]
            for body in ({"stream": True}, {"temprature": 1}):
                httpx.post(
                    f"{start['url']}/chat/completions?api_key={KEY}",
                    json={"model": "gpt-4o", "messages": messages, **body},
                    headers=headers,
                    trust_env=False,
                    timeout=TOO_LONG,
                )
            assert process.stdout
            line = process.stdout.readline()
            assert KEY[8:] not in line
            assert line.isascii()
            stream, refused = json.loads(line), read_log(process)
            assert abs((datetime.now(UTC) - datetime.fromisoformat(stream["time"])).seconds) < 60
            assert stream["event"] == "call"
            assert (stream["level"], stream["call"], stream["status"]) == ("info", 1, 200)
            assert (stream["method"], stream["path"]) == ("POST", "/v1/chat/completions")
            assert (stream["model"], stream["outcome"]) == ("gpt-4o", "finished")
            assert stream["events"] == stream["total_events"] > 0
            assert stream["bytes"] > 0
            assert stream["user"].startswith("the key ")
            assert (refused["status"], refused["attempt"]) == (400, 1)
        finally:
            process.terminate()
        assert read_log(process)["event"] == "stop"


def test_record_logs_json_too(tmp_path: Path) -> None:
    command = [*COMMAND, "record", "--upstream", "http://127.0.0.1:9/v1", "-o", str(tmp_path)]
    command += ["--port", "0", "--log", "json"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            start = read_log(process)
            assert start["upstream"] == "http://127.0.0.1:9/v1"
            httpx.get(f"{start['url']}/models", trust_env=False, timeout=TOO_LONG)
            assert read_log(process)["path"] == "/v1/models"
        finally:
            process.terminate()
            process.wait(TOO_LONG)
