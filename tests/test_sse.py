"""The event-stream format, rule by rule (WHATWG HTML §9.2.6)."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openai_mockserver import sse
from openai_mockserver.script import Comment, Event, Pause, Raw

LINE = st.text(st.characters(exclude_characters="\r\n", exclude_categories=["Cs"]))
EVENTS = st.builds(
    Event,
    st.lists(LINE, min_size=1, max_size=3).map("\n".join),
    event=st.none() | LINE.filter(bool),
    id=st.none() | LINE.filter(lambda text: "\0" not in text),
    retry=st.none() | st.integers(0, 10**6),
)


@given(st.lists(EVENTS), st.data())
def test_decoding_what_was_encoded_gives_the_same_events_in_any_partition(
    events: list[Event], data: st.DataObject
) -> None:
    stream = b"".join(map(sse.encode, events))
    decoder = sse.Decoder()
    decoded_events: list[Event] = []
    while stream:
        size = data.draw(st.integers(1, len(stream)), label="read")
        decoded_events += decoder.feed(stream[:size])
        stream = stream[size:]
    assert decoded_events == events
    assert not decoder.pending


def messages(body: bytes) -> list[str]:
    """Return the data of a body's events; decoding byte by byte must give the same."""
    whole = [event.data for event in sse.decode(body)]
    decoder = sse.Decoder()
    bytewise = [e.data for at in range(len(body)) for e in decoder.feed(body[at : at + 1])]
    assert bytewise == whole
    return whole


RULES = [
    ("one leading BOM is stripped", b"\xef\xbb\xbfdata: a\n\n", ["a"]),
    ("a second BOM is part of the name", b"\xef\xbb\xbf\xef\xbb\xbfdata: a\n\ndata: b\n\n", ["b"]),
    ("a later BOM is part of the name", b"data: a\n\n\xef\xbb\xbfdata: b\n\n", ["a"]),
    ("lines end with LF", b"data: a\n\n", ["a"]),
    ("lines end with CR", b"data: a\r\r", ["a"]),
    ("lines end with CRLF", b"data: a\r\n\r\n", ["a"]),
    ("line ends may be mixed", b"data: a\r\ndata: b\n\rdata: c\r\n\n", ["a\nb", "c"]),
    (
        "no other character ends a line",
        "data: a\u2028b\u0085c\x0bd\n\n".encode(),
        ["a\u2028b\u0085c\x0bd"],
    ),
    ("a blank line without data dispatches nothing", b"\n\n\n", []),
    ("an event without data is none", b"event: x\n\n", []),
    ("a comment is ignored", b": hi\ndata: a\n: ho\n\n", ["a"]),
    ("a lone colon is a comment", b":\ndata: a\n\n", ["a"]),
    ("one space after the colon is removed", b"data:  a\n\n", [" a"]),
    ("no space after the colon is needed", b"data:a\n\n", ["a"]),
    ("a line without colon is a field with an empty value", b"data\n\n", [""]),
    ("empty data lines count", b"data\ndata:\n\n", ["\n"]),
    ("data lines are joined by LF", b"data: a\ndata: b\n\n", ["a\nb"]),
    ("a colon in the value stays", b"data: a:b\n\n", ["a:b"]),
    ("an unknown field is ignored", b"foo: a\ndata: b\n\n", ["b"]),
    ("names are case-sensitive", b"Data: a\n\ndata: b\n\n", ["b"]),
    ("a space before the name makes another name", b" data: a\n\ndata: b\n\n", ["b"]),
    ("NUL in data stays", b"data: a\0b\n\n", ["a\0b"]),
    ("bytes that are not UTF-8 are replaced", b"data: a\xffb\n\n", ["a\ufffdb"]),
    ("an event without its blank line is discarded", b"data: a\n\ndata: b\n", ["a"]),
]


@pytest.mark.parametrize(("body", "expected"), [r[1:] for r in RULES], ids=[r[0] for r in RULES])
def test_rule(body: bytes, expected: list[str]) -> None:
    assert messages(body) == expected


def test_the_type_is_that_of_the_block_and_does_not_last() -> None:
    first, second = sse.decode(b"event: x\nevent: y\ndata: a\n\ndata: b\n\n")
    assert (first.event, second.event) == ("y", None)


def test_the_last_id_lasts_and_a_nul_makes_an_id_void() -> None:
    decoder = sse.Decoder()
    decoder.feed(b"id: 1\ndata: a\n\nid: \x002\ndata: b\n\n")
    assert decoder.last_event_id == "1"
    decoder.feed(b"id\ndata: c\n\n")
    assert decoder.last_event_id == ""


@pytest.mark.parametrize(("value", "retry"), [("10", 10), ("1s", None), ("-1", None), ("", None)])
def test_retry_is_digits_only(value: str, retry: int | None) -> None:
    (event,) = sse.decode(f"retry: {value}\ndata: a\n\n".encode())
    assert event.retry == retry


def test_an_event_is_complete_with_its_last_byte_even_if_an_lf_may_follow() -> None:
    decoder = sse.Decoder()
    assert [e.data for e in decoder.feed(b"data: a\r\r")] == ["a"]
    assert decoder.feed(b"\n") == []
    assert [e.data for e in decoder.feed(b"data: b\r\n\r\n")] == ["b"]


@pytest.mark.parametrize(
    "event", [Event("a\rb"), Event("a", event="x\ny"), Event("a", id="x\ry"), Event("a\r", id="x")]
)
def test_an_event_that_the_format_cannot_express_is_refused(event: Event) -> None:
    with pytest.raises(ValueError, match="cannot hold"):
        sse.encode(event)


def test_a_pause_has_no_bytes_and_raw_has_its_own() -> None:
    assert sse.body((Pause(1), Raw(b"\xff"), Comment("a\nb"))) == b"\xff: a\n: b\n\n"


@given(
    st.binary() | st.lists(st.sampled_from([b"data: a", b"\n", b"\r", b": c", b"x"])).map(b"".join)
)
def test_a_parsed_body_has_the_same_bytes(body: bytes) -> None:
    assert sse.body(sse.parse(body)) == body


def test_events_are_counted_in_steps_of_any_kind() -> None:
    steps = (Event("a"), Comment("c"), Pause(1), Raw(b"data: b\r\n\r\n"), Raw(b"data: c"))
    assert [sse.count_events(step) for step in steps] == [1, 0, 0, 1, 0]


def test_the_conformance_cases_pass_whole_and_byte_by_byte(shared: Path) -> None:
    cases = [
        json.loads(line)
        for line in (shared / "catalogue" / "sse_conformance.jsonl").read_text().splitlines()
        if line.strip()
    ]
    wrong = []
    for case in cases:
        body = bytes.fromhex(case["wire_hex"])
        for size in (1, len(body) or 1):
            decoder = sse.Decoder()
            reads = [body[at : at + size] for at in range(0, len(body), size)]
            result = [(e.event or "message", e.data) for read in reads for e in decoder.feed(read)]
            if result != [(e["type"], e["data"]) for e in case["expect"]]:
                wrong.append((case["id"], size, result))
    assert len(cases) == 85
    assert wrong == []
