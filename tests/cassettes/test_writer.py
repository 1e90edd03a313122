"""Recordings on disk: names, numbers, and what a crash or a full disk leaves."""

from __future__ import annotations

import resource
import time
from pathlib import Path

import pytest

from openai_mockserver import sse
from openai_mockserver.cassettes import load
from openai_mockserver.cassettes.recorder import ExchangeRecorder, Recorder
from openai_mockserver.cassettes.writer import (
    Recording,
    RecordingFolder,
    append_recording,
    shorten_name,
)
from openai_mockserver.request import Request
from openai_mockserver.script import Head

HEAD = Head(200, (("Content-Type", "text/event-stream"),))
HEAD_LINE = {"mockserver": 1, "response": {"status": 200, "headers": []}}


def begin(folder: Path) -> ExchangeRecorder:
    """Begin a recording and record the head of the response."""
    request = Request("POST", "/v1/chat/completions", (), b"{}")
    exchange = Recorder(folder).begin(request, "http://up")
    exchange.record_head(HEAD)
    return exchange


def record(folder: RecordingFolder, stem: str) -> Path:
    recording = Recording(folder, stem)
    recording.write_lines(HEAD_LINE)
    recording.write_end({"end": "finish"})
    return recording.close()


# Names


@pytest.mark.slow
def test_the_thousandth_recording_costs_as_little_as_the_first(tmp_path: Path) -> None:
    """Also if an earlier run has left thousands."""
    for n in range(3000):
        (tmp_path / f"chat-completions-{n + 1:04d}.jsonl").touch()
    lookups = 0
    folder = RecordingFolder(tmp_path)
    assert record(folder, "chat/completions").name == "chat-completions-3001.jsonl"
    exists = Path.exists

    def count_lookup(path: Path) -> bool:
        nonlocal lookups
        lookups += 1
        return exists(path)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Path, "exists", count_lookup)
        began = time.perf_counter()
        for n in range(1000):
            assert record(folder, "chat/completions").name == f"chat-completions-{n + 3002}.jsonl"
    assert lookups == 1000, "it tries one name for each"
    assert time.perf_counter() - began < 10


def test_numbers_that_another_process_has_taken_are_skipped(tmp_path: Path) -> None:
    """Two processes may record into one folder."""
    one, other = RecordingFolder(tmp_path), RecordingFolder(tmp_path)
    names = [record(folder, "x").name for folder in (one, other, other, one, one, other)]
    assert names == [f"x-{n:04d}.jsonl" for n in range(1, 7)]


def test_the_remains_of_a_crash_are_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "x-0007.jsonl.part").write_text("what was received")
    assert record(RecordingFolder(tmp_path), "x").name == "x-0008.jsonl"
    assert (tmp_path / "x-0007.jsonl.part").read_text() == "what was received"


@pytest.mark.parametrize(
    ("stem", "name"),
    [
        ("a/b?c", "a-b-c"),
        ("", "exchange"),
        ("../..", "exchange"),
        (".hidden", "hidden"),
        ("é", "exchange"),
    ],
)
def test_file_names_have_plain_characters_only(tmp_path: Path, stem: str, name: str) -> None:
    assert record(RecordingFolder(tmp_path), stem) == tmp_path / f"{name}-0001.jsonl"


def test_a_shortened_name_keeps_its_start_and_is_unique() -> None:
    assert shorten_name("short") == "short"
    one, other = (shorten_name("é" * 200 + last) for last in "ab")
    assert one != other
    assert one.startswith("é" * 50)
    assert len(one.encode()) <= 120


# The state of the disk at each moment


def test_each_read_is_on_disk_at_once(tmp_path: Path) -> None:
    exchange = begin(tmp_path)
    for n in range(3):
        exchange.record_read(b"data: x\n\n")
        (recording,) = load(next(tmp_path.iterdir()))
        assert sse.body(recording.script.steps) == b"data: x\n\n" * (n + 1)
        assert (recording.complete, recording.missing) == (False, 0)
    exchange.close()


def test_held_bytes_are_counted_until_they_are_on_disk(tmp_path: Path) -> None:
    """A read may end with the start of a key."""
    exchange = begin(tmp_path)

    def read_disk() -> tuple[bytes, int]:
        (recording,) = load(next(tmp_path.iterdir()))
        return sse.body(recording.script.steps), recording.missing

    exchange.record_read(b"data: my key is sk-pro")
    assert read_disk() == (b"data: my key is ", 6)
    exchange.record_read(b"j-0123456789")
    assert read_disk() == (b"data: my key is ", 18)
    exchange.record_read(b"abcdef.\n\n")
    assert read_disk() == (b"data: my key is " + b"X" * 24 + b".\n\n", 0)
    exchange.record_read(b"sk-")
    exchange.record_end("finish")
    exchange.close()
    assert read_disk() == (b"data: my key is " + b"X" * 24 + b".\n\nsk-", 0)


def test_the_end_can_be_corrected_until_the_recording_is_closed(tmp_path: Path) -> None:
    exchange = begin(tmp_path)
    exchange.record_read(b"data: x\n\n")
    exchange.record_end("finish")
    (recording,) = load(next(tmp_path.iterdir()))
    assert recording.complete, "before the name is final"
    exchange.record_end("client left")
    exchange.close()
    (path,) = tmp_path.iterdir()
    assert path.name == "chat-completions-0001.jsonl"
    (recording,) = load(path)
    assert (recording.complete, recording.client_left) == (True, True)


def test_a_recording_closed_without_an_end_says_that_the_client_left(tmp_path: Path) -> None:
    exchange = begin(tmp_path)
    exchange.close()
    exchange.close()
    assert load(tmp_path / "chat-completions-0001.jsonl")[0].client_left


def test_a_response_that_never_began_leaves_nothing(tmp_path: Path) -> None:
    exchange = Recorder(tmp_path / "new").begin(Request("GET", "/v1/models"), "http://up")
    exchange.close()
    assert exchange.problem is None
    assert list(tmp_path.iterdir()) == []


# Cassettes


@pytest.mark.parametrize(
    ("before", "count"),
    [
        (b"", 0),
        (b'{"mockserver":1}\n{"end":"finish"}\n', 1),
        (b'{"mockserver":1}\n{"end":"finish"}', 1),
        (b'{"mockserver":1}\n{"end":"finish"}\n{"mockserver":1,"na', 1),
        (b'{"mockserver":1,"na', 0),
        (b'{"mockserver":1}\n{"text":"' + b"x" * 99_999 + b'"}\n{"end":"fin', 1),
        (b'{"mockserver":1}\n{"end":"finish"}\n{"mockserver":1,"name":"' + b"x" * 99_999, 1),
    ],
    ids=["new", "whole", "no line end", "cut off", "cut off at once", "long", "cut off late"],
)
def test_a_recording_goes_to_the_end_of_a_cassette(
    tmp_path: Path, before: bytes, count: int
) -> None:
    """Also if a person or a crash has left its last line incomplete."""
    cassette = tmp_path / "some" / "cassette.jsonl"
    if before:
        cassette.parent.mkdir()
        cassette.write_bytes(before)
    recording = record(RecordingFolder(tmp_path), "x")
    append_recording(cassette, recording)
    assert len(load(cassette)) == count + 1
    assert load(cassette)[-1].complete
    assert not recording.exists()


def test_a_full_disk_leaves_the_cassette_and_the_recording(tmp_path: Path) -> None:
    cassette = tmp_path / "cassette.jsonl"
    before = b'{"mockserver":1,"name":"' + b"x" * 1000 + b'"}\n'
    cassette.write_bytes(before)
    exchange = Recorder(
        tmp_path / "parts", on_finish=lambda path: append_recording(cassette, path)
    ).begin(Request("POST", "/v1/x"), "http://up")
    exchange.record_head(HEAD)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(before) + 10, hard))
    try:
        exchange.record_end("finish")
        exchange.close()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    where = tmp_path / "parts" / "x-0001.jsonl"
    assert exchange.problem == f"recording into {where} failed: File too large"
    assert cassette.read_bytes() == before
    assert load(where)[0].complete
