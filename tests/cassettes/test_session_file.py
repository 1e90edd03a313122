"""Session files: written, read again, and refused with one sentence."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openai_mockserver import (
    MockOpenAI,
    MockServerError,
    RecordedSession,
    SessionEnd,
    SessionMessage,
    StreamFileError,
)
from openai_mockserver.cassettes.sessions.file import dump_session, load_session, parse_session
from openai_mockserver.cassettes.sessions.formats import find_session, read_session
from recordings import SHARED

SESSIONS = [
    file
    for file in sorted((SHARED / "recordings-ws").glob("*.yaml"))
    if "kind: message" in file.read_text("utf-8")
]
HEAD = b'{"mockserver":1,"session":{"url":"/v1/realtime?model=m","headers":[]}}\n'

SECONDS = st.integers(0, 10**9).map(lambda n: n / 1e6)
SENDERS = st.sampled_from(["client", "server"])
DATA = st.text() | st.binary() | st.sampled_from(['{"a":1}', '{ "a": 1}', "1e400", '{"a":1.0}'])
MESSAGES = st.builds(SessionMessage, SECONDS, SENDERS, DATA)
ENDS = st.none() | st.builds(SessionEnd, SECONDS, SENDERS, st.integers(0, 65535), st.text())


@given(st.lists(MESSAGES).map(tuple), ENDS)
def test_a_session_that_is_written_is_read_again(
    messages: tuple[SessionMessage, ...], end: SessionEnd | None
) -> None:
    read = parse_session(dump_session(RecordedSession("/v1/realtime?model=m", messages, end)))
    assert (read.target, read.messages, read.end) == ("/v1/realtime?model=m", messages, end)
    assert parse_session(dump_session(read)) == read
    assert read.path == "/v1/realtime"


def test_a_file_without_its_end_contains_what_was_received() -> None:
    session = parse_session(HEAD + b'{"t":0.5,"from":"server","json":{"type":"a"}}\n')
    assert session.messages == (SessionMessage(0.5, "server", '{"type":"a"}'),)
    assert session.end is None


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "line 1"),
        (b"{}", "line 1: .*mockserver"),
        (HEAD.replace(b"1,", b"2,", 1), "line 1: version 2 is unknown"),
        (HEAD + b"{", "line 2"),
        (HEAD + b'{"t":1,"from":"nobody","text":""}', "line 2: .*nobody"),
        (HEAD + b'{"t":1,"from":"client"}', "one of json, text, base64 and close"),
        (HEAD + b'{"t":1,"from":"client","text":"","json":1}', "one of json, text, base64 and"),
        (HEAD + b'{"t":-1,"from":"client","text":""}', "t must be a number of seconds"),
        (HEAD + b'{"t":1,"from":"client","base64":"!"}', "line 2: base64 is invalid"),
        (HEAD + b'{"t":1,"from":"client","txt":""}', "line 2: .*txt"),
        (HEAD + b'{"t":1,"from":"client","close":1000}\n' * 2, "line 3: the session has ended"),
    ],
)
def test_a_damaged_file_is_an_error(content: bytes, problem: str) -> None:
    with pytest.raises(StreamFileError, match=f"^session.jsonl, {problem}|{problem}"):
        parse_session(content, "session.jsonl")


def test_what_is_no_session_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "other.jsonl"
    file.write_text("nothing")
    assert find_session(file) is None
    with MockOpenAI() as mock:
        with pytest.raises(StreamFileError, match="contains no WebSocket session"):
            mock.replay_sessions(file)
        with pytest.raises(StreamFileError, match=r"cannot read .*missing"):
            mock.replay_sessions(tmp_path / "missing.jsonl")
        with pytest.raises(MockServerError, match="speed must be a number"):
            mock.replay_sessions(speed=-1)
    with pytest.raises(StreamFileError, match="line 1"):
        load_session(file)


@pytest.mark.skipif(not SESSIONS, reason="needs the recorded sessions")
@pytest.mark.parametrize("file", SESSIONS, ids=lambda file: file.stem.partition("--")[2][:40])
def test_a_cassette_of_pydantic_ai_is_read(file: Path) -> None:
    session = read_session(file)
    assert len(session.messages) == file.read_text("utf-8").count("kind: message")
    assert {message.sender for message in session.messages} == {"client", "server"}
    assert parse_session(dump_session(session)).messages == session.messages
