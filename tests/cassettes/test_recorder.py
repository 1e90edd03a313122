"""Exchanges being recorded: what is in the file at each moment, when bodies are compressed."""

from __future__ import annotations

import gzip
import zlib
from pathlib import Path

import brotli
import click
import pytest

from openai_mockserver import MockOpenAI, sse
from openai_mockserver.cassettes import Exchange, load
from openai_mockserver.cassettes.cassette import Cassette
from openai_mockserver.cassettes.recorded_request import key_of_exchange, recorded_key
from openai_mockserver.cassettes.recorder import ExchangeRecorder, Recorder
from openai_mockserver.cassettes.stream_file import explain_withheld
from openai_mockserver.files import add_files
from openai_mockserver.request import Request
from openai_mockserver.script import Head, Script
from openai_mockserver.show import as_json, draw

KEY = b"sk-proj-T3aV9sQx7Lm2Bn4Kp8Zr"
HIDDEN = b"X" * len(KEY)


def begin(folder: Path, coding: str, length: int | None = None) -> ExchangeRecorder:
    """A recording whose head has come."""
    exchange = Recorder(folder).begin(Request("POST", "/v1/responses", (), b"{}"), "http://up")
    sized = () if length is None else (("Content-Length", str(length)),)
    exchange.head(Head(200, (("Content-Encoding", coding), *sized)))
    return exchange


def read_file(folder: Path) -> Exchange:
    """What is on the disk, as after ``kill -9``."""
    ((found,),) = map(load, folder.iterdir())
    return found


def test_a_compressed_read_is_there_at_once_or_the_file_says_that_it_came(tmp_path: Path) -> None:
    made = zlib.compressobj(6, zlib.DEFLATED, 31)
    texts = [b"data: hello\n\n", b"data: my key is sk-proj", KEY[7:] + b"!", b"\n\ndata: x sk-"]
    reads = [made.compress(text) + made.flush(zlib.Z_SYNC_FLUSH) for text in texts]
    exchange = begin(tmp_path, "gzip")

    def say() -> tuple[bytes, int]:
        found = read_file(tmp_path)
        return zlib.decompressobj(31).decompress(sse.body(found.script.steps)), found.missing

    exchange.read(reads[0])
    assert say() == (texts[0], 0)
    exchange.read(reads[1])
    assert say() == (texts[0], len(reads[1])), "as many bytes as the client has and the file not"
    exchange.read(reads[2])
    hidden = b"".join(texts[:3]).replace(KEY, HIDDEN)
    assert say() == (hidden, 0)
    exchange.read(reads[3])
    assert say() == (hidden + b"\n\ndata: x ", 3), "written anew, what is held back is text"
    exchange.end("truncate")
    exchange.end("client left")
    exchange.close()
    assert say() == (hidden + b"\n\ndata: x sk-", 0)


@pytest.mark.parametrize("coding", ["gzip", "br"])
@pytest.mark.parametrize("text", [b'{"a": "' + KEY + b'"}', b'{"a": "no key"}'])
def test_a_body_of_known_length_is_there_before_its_end(
    tmp_path: Path, coding: str, text: bytes
) -> None:
    body = (gzip if coding == "gzip" else brotli).compress(text)
    exchange = begin(tmp_path, coding, len(body))
    exchange.read(body[:12])
    exchange.read(body[12:])
    found = read_file(tmp_path)
    assert not found.complete
    kept = sse.body(found.script.steps)
    assert found.missing == (0 if coding == "gzip" else len(body))
    assert found.missing or gzip.decompress(kept) == text.replace(KEY, HIDDEN)
    exchange.end("finish")
    exchange.close()
    assert [file.suffix for file in tmp_path.iterdir()] == [".jsonl"]
    found = read_file(tmp_path)
    kept = sse.body(found.script.steps)
    assert (brotli if coding == "br" else gzip).decompress(kept) == text.replace(KEY, HIDDEN)
    assert found.script.head.header("content-length") == str(len(kept))
    assert found.about.get("redacted", []) == (["what looks like a key"] if KEY in text else [])
    assert found.complete


def test_of_what_is_withheld_the_file_says_how_much_came(tmp_path: Path) -> None:
    exchange = begin(tmp_path, "br, compress", 9)
    exchange.read(b"opaque")
    assert (read_file(tmp_path).missing, sse.body(read_file(tmp_path).script.steps)) == (6, b"")
    exchange.read(b"too")
    assert read_file(tmp_path).missing == 9
    exchange.end("finish")
    exchange.close()
    found = read_file(tmp_path)
    why = "the body: it is in br, compress, which cannot be looked into"
    assert found.about["redacted"] == [why]
    assert found.script.head.header("content-length") == "0"
    assert (found.complete, found.missing, found.withheld) == (True, 9, [why])


SENTENCE = (
    "the body of the response to POST /v1/responses was withheld when it was recorded: "
    "it is in br, compress, which cannot be looked into; it lacks 9 bytes"
)


@pytest.fixture
def withheld(tmp_path: Path) -> Path:
    """A recording without the body, which could not be searched for secrets."""
    exchange = begin(tmp_path, "br, compress", 9)
    exchange.read(b"opaque123")
    exchange.end("finish")
    exchange.close()
    (file,) = tmp_path.iterdir()
    return file


def test_serve_and_the_fixture_warn_of_a_withheld_body(
    withheld: Path, caplog: pytest.LogCaptureFixture
) -> None:
    add_files(MockOpenAI(), [withheld])
    assert f"{withheld}: {SENTENCE}" in caplog.messages
    with pytest.warns(UserWarning, match="was withheld when it was recorded") as warned:
        Cassette(withheld)
    assert [str(one.message) for one in warned] == [f"{withheld}: {SENTENCE}"]


def test_show_says_that_a_body_was_withheld(withheld: Path) -> None:
    (exchange,) = load(withheld)
    facts = as_json(exchange)
    assert facts["withheld"] == [
        "the body: it is in br, compress, which cannot be looked into",
    ]
    assert {"name": "withheld", "fact": SENTENCE} in facts["odd"]
    assert " ".join(SENTENCE.split()[:9]) in " ".join(click.unstyle(draw(exchange)).split())


def test_a_withheld_body_of_a_request_is_told_too() -> None:
    about = {"request": {"method": "POST", "url": "/v1/x"}, "redacted": ["the request's body: no"]}
    told = explain_withheld(Exchange(Script(), about))
    assert told == ["the body of the request POST /v1/x was withheld when it was recorded: no"]
    assert explain_withheld(Exchange(Script(), {"redacted": ["a member of the body"]})) == []


def test_what_a_plain_body_lost_is_named_in_the_first_line(tmp_path: Path) -> None:
    exchange = begin(tmp_path, "identity")
    exchange.read(b'{"access_token": "opaque"}')
    assert "redacted" not in read_file(tmp_path).about
    exchange.end("finish")
    exchange.close()
    found = read_file(tmp_path)
    assert found.about["redacted"] == ["access_token"]
    assert sse.body(found.script.steps) == b'{"access_token": "XXXXXX"}'
    assert exchange.problem is None


def test_a_first_line_that_cannot_be_written_anew_leaves_the_recording_unfinished(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    exchange = begin(tmp_path, "identity")
    exchange.read(KEY)
    exchange.end("finish")
    monkeypatch.setattr(Path, "replace", _refuse)
    exchange.close()
    assert exchange.problem is not None
    assert exchange.problem.endswith("0001.jsonl.part failed: No space left on device")
    assert [file.suffix for file in tmp_path.iterdir()] == [".part"]
    assert sse.body(read_file(tmp_path).script.steps) == HIDDEN


def _refuse(path: Path, target: Path) -> Path:
    raise OSError(28, "No space left on device", str(target))


@pytest.mark.parametrize("body", ["schön".encode(), b"\xff\xfe form", b'{"a": "sch\xc3\xb6n"}'])
def test_a_recording_is_of_its_request_whatever_bytes_that_is(tmp_path: Path, body: bytes) -> None:
    request = Request("POST", "/v1/files", (), body)
    exchange = Recorder(tmp_path).begin(request, "http://up")
    exchange.head(Head(200))
    exchange.end("finish")
    exchange.close()
    key = key_of_exchange(read_file(tmp_path))
    assert key is not None
    assert key == recorded_key(request)
