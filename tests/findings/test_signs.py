"""Signs: streams with a habit or fault have its sign, and others do not."""

from __future__ import annotations

import pytest

from findings import signs
from openai_mockserver import Reply, Script, Stream, catalogue
from openai_mockserver.faults import (
    bom,
    chunk_extension,
    close_delimited,
    encoded,
    fields,
    line_ends,
)
from openai_mockserver.script import Raw

TEXT = catalogue.stream("text")


def make_stream(script: Script) -> Stream:
    return Stream(script, Reply("Hi"))


@pytest.mark.parametrize("http", [encoded("gzip"), chunk_extension(), close_delimited()], ids=repr)
def test_signs_read_the_body_that_http_carries(http: object) -> None:
    assert callable(http)
    assert signs.body(make_stream(http(TEXT.script))) == TEXT.bytes()
    assert signs.starts_with_bom(make_stream(http(bom()(TEXT.script))))


def test_signs_read_an_incomplete_body() -> None:
    cut = encoded("gzip")(TEXT.script)
    half = cut.with_steps(cut.steps[: len(cut.steps) // 2])
    assert TEXT.bytes().startswith(signs.body(make_stream(half)))


@pytest.mark.parametrize(
    ("body", "sign", "is_shown"),
    [
        (b"retry: 1\n\ndata: {}\n\n", signs.block_without_data, True),
        (b"retry: 1\ndata: {}\n\n", signs.block_without_data, False),
        (b": ping\n\ndata: {}\n\n", signs.block_without_data, False),
        (b"id: 1\ndata: {}\n\n: ping\n\n", signs.nothing_after_id, True),
        (b": ping\n\nid: 1\ndata: {}\n\n", signs.nothing_after_id, False),
        (b"data: {}\n\ndata: {}\n", signs.last_event_unended, True),
        (b"data: {}\n\ndata: {}", signs.last_event_unended, True),
        (b"data: {}\r\n\r\n", signs.last_event_unended, False),
        (b"data: {}\n\ndata: [DONE]", signs.last_event_unended, False),
        (b"data: {}\r\r", signs.ends_with_cr, True),
        (b"data: {}\r\r\n", signs.ends_with_cr, False),
    ],
)
def test_fields_and_lines(body: bytes, sign: signs.Sign, is_shown: bool) -> None:
    assert sign(make_stream(Script(steps=(Raw(body),)))) is is_shown


def test_events_that_are_not_chunks_are_skipped() -> None:
    stream = make_stream(Script(steps=(Raw(b"data: oops\n\ndata: []\n\ndata: [DONE]\n\n"),)))
    assert list(signs.deltas(stream)) == []


def test_line_ends_and_ids_do_not_change_other_signs() -> None:
    respelled = make_stream(line_ends("crlf")(fields(id="1")(TEXT.script)))
    assert signs.carriage_returns(respelled)
    assert not signs.nothing_after_id(respelled)
    assert not signs.last_event_unended(respelled)
