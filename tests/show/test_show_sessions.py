"""What `show` says about a WebSocket session."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from openai_mockserver import RecordedSession, SessionEnd, SessionMessage
from openai_mockserver.cassettes.sessions.file import dump_session
from openai_mockserver.cli.show import show
from openai_mockserver.show.sessions import draw_session
from recordings import SHARED

DELTA = '{"type":"response.output_text.delta","delta":"%s"}'
SESSION = RecordedSession(
    "/v1/realtime?model=gpt-realtime",
    (
        SessionMessage(0.1, "server", '{"type":"session.created"}'),
        SessionMessage(0.25, "client", '{"type":"input_audio_buffer.append","audio":"AAAA"}'),
        SessionMessage(0.3, "client", '{"type":"input_audio_buffer.append","audio":"AAAA"}'),
        SessionMessage(1.5, "server", DELTA % "Hello, "),
        SessionMessage(1.6, "server", DELTA % "world"),
        SessionMessage(1.7, "server", '{"type":"error","error":{"message":"No\\u001b[31m"}}'),
        SessionMessage(1.8, "server", b"\x00\x01"),
        SessionMessage(1.9, "client", "nonsense"),
    ),
    SessionEnd(2.0, "server", 1011, "Oops"),
)


def test_each_message_is_a_row_and_deltas_are_joined() -> None:
    assert draw_session(SESSION, 80).plain.splitlines() == [
        "WebSocket /v1/realtime?model=gpt-realtime",
        "3 messages of the client, 5 of the server",
        "",
        "    0.100 s ← session.created",
        '    0.250 s → input_audio_buffer.append × 2  "[3 bytes][3 bytes]"',
        '    1.500 s ← response.output_text.delta × 2  "Hello, world"',
        '    1.700 s ← error  "No\\x1b[31m"',
        '    1.800 s ← binary  "[2 bytes]"',
        '    1.900 s → text  "nonsense"',
        "    2.000 s   ended by the server with code 1011, 'Oops'",
    ]


@pytest.mark.parametrize("width", [1, 20, 60])
def test_no_row_is_longer_than_the_width(width: int) -> None:
    rows = draw_session(SESSION, max(width, 40)).plain.splitlines()[3:-1]
    assert all(len(row) <= max(width, 40) for row in rows)


def test_the_command_draws_it(tmp_path: Path) -> None:
    file = tmp_path / "session.jsonl"
    file.write_bytes(dump_session(SESSION))
    assert "session.created" in CliRunner().invoke(show, [str(file)]).output
    facts = json.loads(CliRunner().invoke(show, [str(file), "--json"]).output)
    assert facts["messages"][0] == {
        "t": 0.1,
        "from": "server",
        "type": "session.created",
        "about": "",
        "size": 26,
    }
    assert facts["end"] == {"code": 1011, "from": "server"}


@pytest.mark.skipif(not SHARED.is_dir(), reason="needs the recorded sessions")
def test_real_sessions_are_drawn() -> None:
    result = CliRunner().invoke(show, [str(SHARED / "recordings-ws"), "--width", "100"])
    assert result.exit_code == 0, result.output
    assert result.output.count("WebSocket /v1/realtime") == 9
