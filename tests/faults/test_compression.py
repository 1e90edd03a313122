"""Content codings, decoded event by event as a client would."""

from __future__ import annotations

import zlib
from collections.abc import Callable

import brotli
import pytest
import zstandard

from openai_mockserver import Reply, Script, sse
from openai_mockserver.api import chat
from openai_mockserver.exceptions import FaultError
from openai_mockserver.faults import content_length, encoded, reset
from openai_mockserver.script import Raw

STREAM = chat.render(Reply("Hello, world"))
PLAIN = sse.body(STREAM.steps)

DECODERS: dict[str, Callable[[], Callable[[bytes], bytes]]] = {
    "gzip": lambda: zlib.decompressobj(31).decompress,
    "deflate": lambda: zlib.decompressobj(15).decompress,
    "raw-deflate": lambda: zlib.decompressobj(-15).decompress,
    "br": lambda: brotli.Decompressor().process,
    "zstd": lambda: zstandard.ZstdDecompressor().decompressobj().decompress,
}


@pytest.mark.parametrize("coding", DECODERS)
def test_with_a_flush_per_event_each_event_can_be_decoded_on_arrival(coding: str) -> None:
    script = encoded(coding)(STREAM)
    decode, output = DECODERS[coding](), b""
    for step, plain in zip(script.steps, STREAM.steps, strict=False):
        assert isinstance(step, Raw)
        output += decode(step.data)
        assert output.endswith(sse.encode(plain))
    assert output == PLAIN
    assert script.head.header("content-encoding") == coding.removeprefix("raw-")


@pytest.mark.parametrize("coding", DECODERS)
def test_with_a_flush_at_the_end_nothing_can_be_decoded_before(coding: str) -> None:
    script = encoded(coding, flush="end")(STREAM)
    decode = DECODERS[coding]()
    *before, last = [sse.encode(step) for step in script.steps]
    assert b"".join(map(decode, before)).count(b"\n\n") == 0
    assert decode(last) == PLAIN


def test_gzip_members() -> None:
    script = encoded(members=True)(STREAM)
    parts = [zlib.decompress(sse.encode(step), 31) for step in script.steps]
    assert b"".join(parts) == PLAIN
    assert len([part for part in parts if part]) == 6


def test_cut_leaves_bytes_out() -> None:
    whole, cut = encoded(flush="end")(STREAM), encoded(flush="end", cut=20)(STREAM)
    assert sse.body(cut.steps) == sse.body(whole.steps)[:-20]
    with pytest.raises(FaultError, match="leaves no byte"):
        encoded(cut=100_000)(STREAM)


def test_events_are_still_counted() -> None:
    assert sum(map(sse.count_events, encoded()(STREAM).steps)) == 6
    assert sum(map(sse.count_events, reset(after=3)(encoded()(STREAM)).steps)) == 3


@pytest.mark.parametrize(("declare", "value"), [("auto", "gzip"), ("br", "br"), (None, None)])
def test_the_header_may_lie(declare: str | None, value: str | None) -> None:
    assert encoded(declare=declare)(STREAM).head.header("content-encoding") == value


def test_content_length_is_that_of_the_compressed_body() -> None:
    script: Script = encoded(flush="end")(content_length()(STREAM))
    assert script.head.header("content-length") == str(len(sse.body(script.steps)))


def test_the_same_body_has_the_same_bytes() -> None:
    assert encoded()(STREAM) == encoded()(STREAM)


@pytest.mark.parametrize("wrong", [{"coding": "lz4"}, {"flush": "never"}])
def test_an_unknown_coding_is_refused(wrong: dict[str, str]) -> None:
    with pytest.raises(FaultError, match=r"one of gzip|event or end"):
        encoded(**wrong)
