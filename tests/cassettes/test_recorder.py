"""The recorder: what the file contains at each moment, also if the body is compressed."""

from __future__ import annotations

import gzip
import zlib
from pathlib import Path

import brotli
import pytest

from openai_mockserver import MockOpenAI, sse
from openai_mockserver.cassettes import Exchange, load
from openai_mockserver.cassettes.cassette import Cassette
from openai_mockserver.cassettes.recorded_request import build_exchange_key, get_request_key
from openai_mockserver.cassettes.recorder import ExchangeRecorder, Recorder
from openai_mockserver.cassettes.stream_file import explain_withheld
from openai_mockserver.files import add_files
from openai_mockserver.request import Request
from openai_mockserver.script import Head, Script
from openai_mockserver.show import as_json, draw

KEY = b"sk-proj-T3aV9sQx7Lm2Bn4Kp8Zr"
MASKED_KEY = b"X" * len(KEY)


def begin(folder: Path, coding: str, length: int | None = None) -> ExchangeRecorder:
    """Begin a recording and record the head of the response."""
    exchange = Recorder(folder).begin(Request("POST", "/v1/responses", (), b"{}"), "http://up")
    length_header = () if length is None else (("Content-Length", str(length)),)
    exchange.record_head(Head(200, (("Content-Encoding", coding), *length_header)))
    return exchange


def read_file(folder: Path) -> Exchange:
    """Read what is on the disk, as after ``kill -9``."""
    ((exchange,),) = map(load, folder.iterdir())
    return exchange


def test_a_compressed_read_is_on_disk_at_once_or_the_file_counts_its_bytes(tmp_path: Path) -> None:
    encoder = zlib.compressobj(6, zlib.DEFLATED, 31)
    texts = [b"data: hello\n\n", b"data: my key is sk-proj", KEY[7:] + b"!", b"\n\ndata: x sk-"]
    reads = [encoder.compress(text) + encoder.flush(zlib.Z_SYNC_FLUSH) for text in texts]
    exchange = begin(tmp_path, "gzip")

    def read_disk() -> tuple[bytes, int]:
        recording = read_file(tmp_path)
        return zlib.decompressobj(31).decompress(
            sse.body(recording.script.steps)
        ), recording.missing

    exchange.record_read(reads[0])
    assert read_disk() == (texts[0], 0)
    exchange.record_read(reads[1])
    assert read_disk() == (texts[0], len(reads[1])), "bytes that the client has and the file lacks"
    exchange.record_read(reads[2])
    masked_text = b"".join(texts[:3]).replace(KEY, MASKED_KEY)
    assert read_disk() == (masked_text, 0)
    exchange.record_read(reads[3])
    assert read_disk() == (masked_text + b"\n\ndata: x ", 3), (
        "encoded again, the held bytes are decoded ones"
    )
    exchange.record_end("truncate")
    exchange.record_end("client left")
    exchange.close()
    assert read_disk() == (masked_text + b"\n\ndata: x sk-", 0)


@pytest.mark.parametrize("coding", ["gzip", "br"])
@pytest.mark.parametrize("text", [b'{"a": "' + KEY + b'"}', b'{"a": "no key"}'])
def test_a_body_of_known_length_is_on_disk_before_its_end(
    tmp_path: Path, coding: str, text: bytes
) -> None:
    body = (gzip if coding == "gzip" else brotli).compress(text)
    exchange = begin(tmp_path, coding, len(body))
    exchange.record_read(body[:12])
    exchange.record_read(body[12:])
    recording = read_file(tmp_path)
    assert not recording.complete
    recorded_body = sse.body(recording.script.steps)
    assert recording.missing == (0 if coding == "gzip" else len(body))
    assert recording.missing or gzip.decompress(recorded_body) == text.replace(KEY, MASKED_KEY)
    exchange.record_end("finish")
    exchange.close()
    assert [file.suffix for file in tmp_path.iterdir()] == [".jsonl"]
    recording = read_file(tmp_path)
    recorded_body = sse.body(recording.script.steps)
    assert (brotli if coding == "br" else gzip).decompress(recorded_body) == text.replace(
        KEY, MASKED_KEY
    )
    assert recording.script.head.header("content-length") == str(len(recorded_body))
    assert recording.about.get("redacted", []) == (["what looks like a key"] if KEY in text else [])
    assert recording.complete


def test_the_file_counts_the_bytes_of_a_withheld_body(tmp_path: Path) -> None:
    exchange = begin(tmp_path, "br, compress", 9)
    exchange.record_read(b"opaque")
    assert (read_file(tmp_path).missing, sse.body(read_file(tmp_path).script.steps)) == (6, b"")
    exchange.record_read(b"too")
    assert read_file(tmp_path).missing == 9
    exchange.record_end("finish")
    exchange.close()
    recording = read_file(tmp_path)
    entry = "the body: it is in br, compress, which cannot be decoded"
    assert recording.about["redacted"] == [entry]
    assert recording.script.head.header("content-length") == "0"
    assert (recording.complete, recording.missing, recording.withheld) == (True, 9, [entry])


SENTENCE = (
    "the body of the response to POST /v1/responses was not recorded: "
    "it is in br, compress, which cannot be decoded; 9 bytes are missing"
)


@pytest.fixture
def withheld_file(tmp_path: Path) -> Path:
    """A recording without its body, which could not be searched for secrets."""
    exchange = begin(tmp_path, "br, compress", 9)
    exchange.record_read(b"opaque123")
    exchange.record_end("finish")
    exchange.close()
    (file,) = tmp_path.iterdir()
    return file


def test_serve_and_the_fixture_warn_of_a_withheld_body(
    withheld_file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    add_files(MockOpenAI(), [withheld_file])
    assert f"{withheld_file}: {SENTENCE}" in caplog.messages
    with pytest.warns(UserWarning, match="was not recorded") as warnings:
        Cassette(withheld_file)
    assert [str(one.message) for one in warnings] == [f"{withheld_file}: {SENTENCE}"]


def test_show_says_that_a_body_was_withheld(withheld_file: Path) -> None:
    (exchange,) = load(withheld_file)
    facts = as_json(exchange)
    assert facts["withheld"] == [
        "the body: it is in br, compress, which cannot be decoded",
    ]
    assert {"name": "withheld", "fact": SENTENCE} in facts["odd"]
    assert " ".join(SENTENCE.split()[:9]) in " ".join(draw(exchange).plain.split())


def test_a_withheld_request_body_has_a_sentence_too() -> None:
    about = {"request": {"method": "POST", "url": "/v1/x"}, "redacted": ["the request's body: no"]}
    sentences = explain_withheld(Exchange(Script(), about))
    assert sentences == ["the body of the request POST /v1/x was not recorded: no"]
    assert explain_withheld(Exchange(Script(), {"redacted": ["a member of the body"]})) == []


def test_the_first_line_names_what_was_redacted_in_a_plain_body(tmp_path: Path) -> None:
    exchange = begin(tmp_path, "identity")
    exchange.record_read(b'{"access_token": "opaque"}')
    assert "redacted" not in read_file(tmp_path).about
    exchange.record_end("finish")
    exchange.close()
    recording = read_file(tmp_path)
    assert recording.about["redacted"] == ["access_token"]
    assert sse.body(recording.script.steps) == b'{"access_token": "XXXXXX"}'
    assert exchange.problem is None


def test_a_recording_stays_unfinished_if_its_first_line_cannot_be_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    exchange = begin(tmp_path, "identity")
    exchange.record_read(KEY)
    exchange.record_end("finish")
    monkeypatch.setattr(Path, "replace", _refuse)
    exchange.close()
    assert exchange.problem is not None
    assert exchange.problem.endswith("0001.jsonl.part failed: No space left on device")
    assert [file.suffix for file in tmp_path.iterdir()] == [".part"]
    assert sse.body(read_file(tmp_path).script.steps) == MASKED_KEY


def _refuse(path: Path, target: Path) -> Path:
    raise OSError(28, "No space left on device", str(target))


@pytest.mark.parametrize("body", ["schön".encode(), b"\xff\xfe form", b'{"a": "sch\xc3\xb6n"}'])
def test_a_recording_matches_its_request_whatever_the_body(tmp_path: Path, body: bytes) -> None:
    request = Request("POST", "/v1/files", (), body)
    exchange = Recorder(tmp_path).begin(request, "http://up")
    exchange.record_head(Head(200))
    exchange.record_end("finish")
    exchange.close()
    key = build_exchange_key(read_file(tmp_path))
    assert key is not None
    assert key == get_request_key(request)
