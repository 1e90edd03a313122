"""Headless Chromium for tests, controlled over its debugging pipe."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
from pathlib import Path
from typing import Any

import pytest

FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # Like an attacker's DNS: a foreign name that resolves to this machine.
    "--host-resolver-rules=MAP evil.example 127.0.0.1, MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
]

needs_chromium = pytest.mark.skipif(
    shutil.which("chromium") is None, reason="chromium is not installed: run scripts/install"
)

Message = dict[str, Any]


class Chromium:
    """A headless Chromium, controlled over its debugging pipe by NUL-terminated JSON messages."""

    def __init__(self, profile: Path) -> None:
        ours, theirs = socket.socketpair()
        ours.settimeout(30)
        with theirs:
            pipe = theirs.fileno()
            # Chromium reads its descriptor 3 and writes its descriptor 4.
            start = ["bash", "-c", f'exec chromium "$@" 3<&{pipe} 4>&{pipe}', "bash"]
            flags = [*FLAGS, f"--user-data-dir={profile}", "--remote-debugging-pipe"]
            self.process = subprocess.Popen(
                [*start, *flags], pass_fds=[pipe], stderr=subprocess.DEVNULL
            )
        self.socket = ours
        self.unread = b""
        self.sent = 0
        self.events: list[Message] = []

    def send(self, method: str, session: str | None = None, **params: object) -> int:
        self.sent += 1
        message = {"id": self.sent, "method": method, "params": params}
        if session is not None:
            message["sessionId"] = session
        self.socket.sendall(json.dumps(message).encode() + b"\0")
        return self.sent

    def receive(self, **fields: object) -> Message:
        """Return the next message with these fields."""
        while True:
            while b"\0" not in self.unread:
                data = self.socket.recv(65536)
                assert data, "chromium has ended"
                self.unread += data
            line, self.unread = self.unread.split(b"\0", 1)
            message: Message = json.loads(line)
            if "method" in message:
                self.events.append(message)
            if fields.items() <= message.items():
                return message

    def call(self, method: str, session: str | None = None, **params: object) -> Message:
        answer = self.receive(id=self.send(method, session, **params))
        assert "error" not in answer, answer["error"]
        result: Message = answer["result"]
        return result

    def close(self) -> None:
        self.call("Browser.close")
        self.process.wait(30)
        self.socket.close()


class Page:
    """One tab."""

    def __init__(self, chromium: Chromium) -> None:
        self.chromium = chromium
        self.target = chromium.call("Target.createTarget", url="about:blank")["targetId"]
        session = chromium.call("Target.attachToTarget", targetId=self.target, flatten=True)
        self.session: str = session["sessionId"]
        chromium.call("Page.enable", self.session)

    def open(self, url: str) -> None:
        self.chromium.send("Page.navigate", self.session, url=url)
        self.chromium.receive(method="Page.loadEventFired", sessionId=self.session)

    def evaluate(self, script: str) -> Any:
        answer = self.chromium.call(
            "Runtime.evaluate", self.session, expression=script, awaitPromise=True
        )
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def text(self, selector: str) -> str:
        text = self.evaluate(f"document.querySelector({selector!r}).textContent")
        assert isinstance(text, str)
        return text

    def wait_for(self, selector: str, text: str) -> None:
        """Wait until the element shows this text."""
        self.evaluate(f"""
            new Promise((resolve) => {{
                const check = () => {{
                    const element = document.querySelector({selector!r});
                    if (element?.textContent === {json.dumps(text)}) resolve();
                }};
                const changes = {{ subtree: true, childList: true, characterData: true }};
                new MutationObserver(check).observe(document, changes);
                check();
            }})
        """)

    def close(self) -> None:
        self.chromium.call("Target.closeTarget", targetId=self.target)
