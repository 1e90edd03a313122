"""`openai-mockserver show --web`: recorded exchanges on the page about calls."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx2
import pytest

from openai_mockserver import Pace, Reply
from openai_mockserver.api import chat
from openai_mockserver.cassettes import Exchange, dump

REQUEST: dict[str, Any] = {
    "method": "POST",
    "url": "https://api.openai.com/v1/chat/completions",
    "headers": [["Authorization", "Bearer sk-secret"]],
    "json": {"model": "gpt-4o", "messages": [{"role": "user", "content": "Hi"}], "stream": True},
}


@pytest.mark.slow
def test_recordings_are_calls_with_their_times(tmp_path: Path) -> None:
    script = Pace(ttft=30, itl=2)(chat.render(Reply(["Hel", "lo"]), REQUEST["json"]))
    dump(tmp_path / "a.jsonl", [Exchange(script, {"request": REQUEST}), Exchange(script, {})])
    opened = tmp_path / "opened"
    browser = tmp_path / "browser"
    browser.write_text(f"#!/bin/sh\necho $1 > {opened}\n")
    browser.chmod(0o700)
    command = [
        sys.executable,
        "-m",
        "openai_mockserver",
        "show",
        "--web",
        str(tmp_path / "a.jsonl"),
    ]
    environment = os.environ | {"BROWSER": f"{browser} %s"}
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            page = line.split()[0]
            assert line == f"{page} shows 2 exchanges; Ctrl-C ends it\n"
            with httpx2.Client(base_url=page, trust_env=False) as client:
                calls = client.get("_mock/calls").json()["calls"]
                first = client.get("_mock/calls/1").text
        finally:
            process.send_signal(signal.SIGINT)
            _, errors = process.communicate(timeout=10)
    assert (process.returncode, errors) == (0, "")
    assert opened.read_text().strip() == page
    assert [(call["path"], call["state"]) for call in calls] == [
        ("/v1/chat/completions", "finished")
    ] * 2
    assert calls[0]["ttft"] == 30
    assert "sk-secret" not in first
