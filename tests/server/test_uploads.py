"""Long uploads are written to disk, served from there, and leave nothing behind."""

from __future__ import annotations

import errno
import gc
import io
import json
import os
import sys
import tempfile
import tracemalloc
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from random import Random
from typing import Any

import httpx2
import openai
import pytest

from benchmark import load_benchmark
from openai_mockserver import ApiError, MockOpenAI, Reply
from openai_mockserver.api.disk_bytes import DiskBytes
from openai_mockserver.api.multipart import FileOnDisk

pytestmark = pytest.mark.slow

MB = 1_000_000
LONG = Random(1).randbytes(3 * MB)


def connect(mock: MockOpenAI) -> openai.OpenAI:
    return openai.OpenAI(base_url=mock.base_url, api_key="k", max_retries=0)


def test_a_long_upload_is_stored_on_disk_and_served_from_there() -> None:
    with MockOpenAI() as mock, connect(mock) as client:
        file = client.files.create(file=("a.bin", io.BytesIO(LONG)), purpose="batch")
        content = client.files.content(file.id).content
        upload_call, content_call = mock.calls
    assert (file.bytes, file.filename, content) == (len(LONG), "a.bin", LONG)
    assert isinstance(upload_call.content, DiskBytes)
    assert LONG in upload_call.body
    assert isinstance(upload_call.form["file"], FileOnDisk)
    assert bytes(upload_call.form["file"]) == LONG
    assert content_call.delivered.bytes == len(LONG)


def test_a_short_upload_stays_in_memory() -> None:
    with MockOpenAI() as mock, connect(mock) as client:
        client.files.create(file=("a.bin", io.BytesIO(b"abc")), purpose="batch")
        (call,) = mock.calls
    assert isinstance(call.content, bytes)
    assert call.form["file"] == b"abc"


def test_a_file_of_long_parts() -> None:
    with MockOpenAI() as mock, connect(mock) as client:
        upload = client.uploads.create(
            bytes=2 * len(LONG) + 3, filename="a", mime_type="text/plain", purpose="batch"
        )
        parts = [
            client.uploads.parts.create(upload.id, data=("part", io.BytesIO(data))).id
            for data in (LONG, b"abc", LONG)
        ]
        upload = client.uploads.complete(upload.id, part_ids=parts)
        assert upload.file is not None
        assert upload.file.bytes == 2 * len(LONG) + 3
        assert client.files.content(upload.file.id).content == LONG + b"abc" + LONG


def test_a_long_batch() -> None:
    payload = {"model": "gpt-4o", "messages": [{"role": "user", "content": "x" * 300_000}]}
    lines = [
        {"custom_id": f"{n}", "method": "POST", "url": "/v1/chat/completions", "body": payload}
        for n in range(5)
    ]
    text = "\r\n".join(map(json.dumps, lines))
    with MockOpenAI() as mock, connect(mock) as client:
        mock.reply("Hello")
        file = client.files.create(file=("a.jsonl", io.BytesIO(text.encode())), purpose="batch")
        assert isinstance(mock.calls[0].content, DiskBytes)
        batch = client.batches.create(
            input_file_id=file.id, endpoint="/v1/chat/completions", completion_window="24h"
        )
        assert batch.request_counts is not None
        assert batch.request_counts.completed == 5


def test_a_transcript_does_not_depend_on_where_the_upload_is_stored() -> None:
    def transcribe(data: bytes, padding: int) -> str:
        """Return the transcript of an upload in a form with padding."""
        with MockOpenAI() as mock, connect(mock) as client:
            parameters: Any = {"prompt": "x" * padding}
            transcript = client.audio.transcriptions.create(
                model="whisper-1", file=("a.mp3", io.BytesIO(data)), **parameters
            )
            assert isinstance(mock.calls[0].content, DiskBytes) == bool(padding)
            return str(transcript.text)

    data = LONG[:900_000]
    assert transcribe(data, 0) == transcribe(data, 200_000)


def test_the_same_upload_again_is_a_retry() -> None:
    body = (
        b'--b\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n%b\r\n'
        b'--b\r\nContent-Disposition: form-data; name="purpose"\r\n\r\nbatch\r\n--b--\r\n' % LONG
    )
    headers = {"Content-Type": "multipart/form-data; boundary=b"}
    with MockOpenAI(seed=1) as mock:
        mock.on(endpoint="/v1/files").reply(ApiError(500), {"id": "file-1"})
        url = f"{mock.base_url}/files"
        for data in (body, body, body.replace(b"batch", b"evals")):
            httpx2.post(url, content=data, headers=headers, trust_env=False)
        assert [len(call.attempts) for call in mock.calls.logical] == [2, 1]


@pytest.mark.skipif(sys.platform != "linux", reason="counts open files in /proc")
def test_dropped_files_are_removed_from_disk() -> None:
    def count_files() -> int:
        gc.collect()
        links = [file for file in Path("/proc/self/fd").iterdir() if file.is_symlink()]
        return sum(str(link.readlink()).startswith(tempfile.gettempdir()) for link in links)

    with MockOpenAI(keep_calls=1) as mock, connect(mock) as client:
        before = count_files()
        for _ in range(3):
            file = client.files.create(file=("a", io.BytesIO(LONG)), purpose="batch")
        assert client.files.content(file.id).content == LONG
        assert count_files() == before + 1
        client.files.delete(file.id)
        client.models.list()
        assert count_files() == before


def test_keep_bytes_also_limits_the_disk() -> None:
    with MockOpenAI(keep_bytes=1 << 20) as mock, connect(mock) as client:
        ids = [
            client.files.create(file=("a", io.BytesIO(LONG)), purpose="batch").id for _ in range(6)
        ]
        are_equal = [client.files.content(id).content == LONG for id in ids]
    assert are_equal == [False, False, True, True, True, True]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a full disk is /dev/full")
def test_a_full_disk_is_reported_and_affects_no_other_call(monkeypatch: pytest.MonkeyPatch) -> None:
    full = Path("/dev/full").open("r+b", buffering=0)  # noqa: SIM115
    messages: Any = [{"role": "user", "content": "Hi"}]
    with MockOpenAI() as mock, connect(mock) as client:
        mock.reply(Reply(["Hel", "lo"]))
        stream = client.chat.completions.create(model="gpt-4o", messages=messages, stream=True)
        chunks = [next(stream)]
        with monkeypatch.context() as patch:
            patch.setattr(tempfile, "TemporaryFile", lambda **_: full)
            with pytest.raises(openai.APIStatusError) as error:
                client.files.create(file=("a", io.BytesIO(LONG)), purpose="batch")
        chunks += stream
        file = client.files.create(file=("a", io.BytesIO(LONG)), purpose="batch")
    assert error.value.status_code == 507
    message = (
        f"cannot write the form to {tempfile.gettempdir()}: {os.strerror(errno.ENOSPC)}, after"
    )
    assert message in error.value.message
    assert "".join(c.choices[0].delta.content or "" for c in chunks if c.choices) == "Hello"
    assert file.bytes == len(LONG)


def test_a_long_upload_is_forwarded_from_disk() -> None:
    with MockOpenAI() as upstream, MockOpenAI(upstream=upstream.base_url) as mock:
        with connect(mock) as client:
            file = client.files.create(file=("a", io.BytesIO(LONG)), purpose="batch")
            assert client.files.content(file.id).content == LONG
        assert isinstance(mock.calls[0].content, DiskBytes)
        assert mock.calls[0].content == upstream.calls[0].content


uploads = load_benchmark("uploads")


def test_eight_concurrent_uploads_take_little_memory() -> None:
    size = 6 * MB
    with MockOpenAI() as mock, ThreadPoolExecutor(8) as threads:
        port = httpx2.URL(mock.base_url).port
        uploads.upload(port, 1, 0)
        tracemalloc.start()
        try:
            results = list(threads.map(lambda n: uploads.upload(port, size, n), range(8)))
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert [stored_size for stored_size, _ in results] == [size] * 8
    assert peak < 24 * MB, "half of what they are"


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_eight_uploads_of_500_mb_take_less_than_200() -> None:
    """They are also downloaded, byte for byte."""
    assert uploads.measure(500 * MB, 8).memory < 200
