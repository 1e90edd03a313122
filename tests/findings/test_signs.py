"""Signs: what streams with one habit or fault show, and those without do not."""

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


def of(script: Script) -> Stream:
    return Stream(script, Reply("Hi"))


@pytest.mark.parametrize("http", [encoded("gzip"), chunk_extension(), close_delimited()], ids=repr)
def test_they_look_at_what_http_carries(http: object) -> None:
    assert callable(http)
    assert signs.body(of(http(TEXT.script))) == TEXT.bytes()
    assert signs.starts_with_bom(of(http(bom()(TEXT.script))))


def test_they_look_at_a_body_that_breaks_off() -> None:
    cut = encoded("gzip")(TEXT.script)
    half = cut.with_steps(cut.steps[: len(cut.steps) // 2])
    assert TEXT.bytes().startswith(signs.body(of(half)))


@pytest.mark.parametrize(
    ("body", "sign", "shown"),
    [
        (b"retry: 1\n\ndata: {}\n\n", signs.block_without_data, True),
        (b"retry: 1\ndata: {}\n\n", signs.block_without_data, False),
        (b": ping\n\ndata: {}\n\n", signs.block_without_data, False),
        (b"id: 1\ndata: {}\n\n: ping\n\n", signs.nothing_after_id, True),
        (b": ping\n\nid: 1\ndata: {}\n\n", signs.nothing_after_id, False),
        (b"data: {}\n\ndata: {}\n", signs.unended, True),
        (b"data: {}\n\ndata: {}", signs.unended, True),
        (b"data: {}\r\n\r\n", signs.unended, False),
        (b"data: {}\n\ndata: [DONE]", signs.unended, False),
        (b"data: {}\r\r", signs.ends_with_cr, True),
        (b"data: {}\r\r\n", signs.ends_with_cr, False),
    ],
)
def test_fields_and_lines(body: bytes, sign: signs.Sign, shown: bool) -> None:
    assert sign(of(Script(steps=(Raw(body),)))) is shown


def test_events_that_are_no_chunks_are_passed_over() -> None:
    stream = of(Script(steps=(Raw(b"data: oops\n\ndata: []\n\ndata: [DONE]\n\n"),)))
    assert list(signs.deltas(stream)) == []


def test_line_ends_and_ids_change_no_other_sign() -> None:
    spelt = of(line_ends("crlf")(fields(id="1")(TEXT.script)))
    assert signs.carriage_returns(spelt)
    assert not signs.nothing_after_id(spelt)
    assert not signs.unended(spelt)
