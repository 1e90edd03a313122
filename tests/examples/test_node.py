"""The TypeScript example prints what it should, and the types of all TypeScript are right."""

from __future__ import annotations

import os
import shutil
import ssl
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import trustme

from openai_mockserver import MockOpenAI, Reply, ToolCall, Usage
from openai_mockserver.faults import stall

NODE = Path(__file__).parents[2] / "examples" / "node"
REACT = NODE.parent / "browser" / "react"
STREAM = ["node", "--import", "tsx", "stream.ts"]

pytestmark = [
    pytest.mark.slow,
    pytest.mark.node,
    pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed"),
    pytest.mark.skipif(
        not (NODE / "node_modules").is_dir(),
        reason="examples/node/node_modules is missing: run scripts/install",
    ),
]


@pytest.mark.parametrize("reason", ["stop", "length", "content_filter"])
def test_stream(mock_openai: MockOpenAI, reason: str) -> None:
    mock_openai.reply(Reply("Hello, world", finish_reason=reason))
    program = subprocess.run(STREAM, cwd=NODE, capture_output=True, text=True, timeout=60)
    assert program.stderr == ""
    assert program.stdout == f"Hello, world\nfinish reason: {reason}\n"


def test_pieces_are_printed_as_they_arrive(
    mock_openai: MockOpenAI, first_bytes: Callable[..., bytes]
) -> None:
    mock_openai.reply("Hello, world", faults=[stall(after=3)])  # the stream never ends
    assert first_bytes(len("Hello,"), STREAM, cwd=NODE) == b"Hello,"


def test_responses(mock_openai: MockOpenAI) -> None:
    call = ToolCall("wave", {"hands": 2})
    mock_openai.reply(Reply("Hello, world 👋🏽", tool_calls=call, usage=Usage(7, 5)))
    command = ["node", "--import", "tsx", "responses.ts"]
    program = subprocess.run(command, cwd=NODE, capture_output=True, text=True, timeout=60)
    assert program.stderr == ""
    assert program.stdout == 'Hello, world 👋🏽wave({"hands":2})\n\ncompleted, 12 tokens\n'


def test_responses_over_a_websocket(mock_openai: MockOpenAI) -> None:
    mock_openai.reply(Reply("Hello, world 👋🏽", usage=Usage(7, 5)))
    command = ["node", "--import", "tsx", "websocket.ts"]
    program = subprocess.run(command, cwd=NODE, capture_output=True, text=True, timeout=60)
    assert program.stderr == ""
    assert program.stdout == "Hello, world 👋🏽\ncompleted, 12 tokens\n"


def test_a_realtime_session(tmp_path: Path) -> None:
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    with MockOpenAI(tls=context) as mock:
        mock.on(user="Hello!").reply("Good morning")
        variables = {
            "OPENAI_BASE_URL": mock.base_url,
            "OPENAI_API_KEY": "key",
            "NODE_EXTRA_CA_CERTS": str(tmp_path / "ca.pem"),
        }
        program = subprocess.run(
            ["node", "--import", "tsx", "realtime.ts"],
            cwd=NODE,
            env=os.environ | variables,
            capture_output=True,
            text=True,
            timeout=60,
        )
    assert program.stderr == ""
    assert program.stdout == "Good morning\ncompleted\n"


@pytest.mark.slow
@pytest.mark.parametrize("folder", [NODE, REACT], ids=["node", "react"])
def test_types(folder: Path) -> None:
    if not (folder / "node_modules").is_dir():
        pytest.skip(f"{folder.name}/node_modules is missing: run scripts/install")
    tsc = subprocess.run(["npm", "run", "check"], cwd=folder, capture_output=True, text=True)
    assert tsc.returncode == 0, tsc.stdout
