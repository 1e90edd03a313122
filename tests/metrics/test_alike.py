"""Calls that differ in nothing but their times count as if each were measured alone."""

from __future__ import annotations

from random import Random

import pytest

from openai_mockserver import Call, MockOpenAI, Reply, Request, Usage
from openai_mockserver.faults import malformed
from openai_mockserver.journal import CLIENT_DISCONNECTED
from openai_mockserver.metrics.alike import find_kind
from openai_mockserver.metrics.counts import Counts, Sums
from openai_mockserver.metrics.measure import measure_call

STREAMS = [(6,), (1, 5), (1, 2, 2, 1), (2, 3, 1), (1, 1, 1, 1, 1, 1)]
"""How many events each write completed; there are six."""


def make_calls(mock: MockOpenAI, rows: tuple[int, ...], count: int, stream: bool) -> list[Call]:
    """Return calls that were written in these rows, each at times of its own."""
    rng, calls = Random(0), []
    flag = b"true" if stream else b"false"
    body = b'{"model":"m","stream":%b,"messages":[{"role":"user","content":"Hi"}]}' % flag
    headers = [("content-type", "application/json")]
    for _ in range(count):
        request = Request("POST", "/v1/chat/completions", headers, body, connection=1)
        call = mock.respond(request)
        call.answer_delay = rng.uniform(0, 0.01)
        at = 0.0
        for events in rows:
            at += rng.choice([0.001, 0.02, 0.3])
            call.log_write(0.0, at, events, 100)
        call.end()
        calls.append(call)
    return calls


def compare(calls: list[Call]) -> None:
    """Check that the sums are those of the calls, measured one by one."""
    counts, expected = Counts(), Sums()
    for call in calls:
        counts.note_start(call)
        counts.note_end(call)
    expected.add_all([measure_call(call) for call in calls])
    sums = counts.copy_sums()
    assert (sums.requests, sums.counters) == (expected.requests, expected.counters)
    assert sums.lateness.counts == expected.lateness.counts
    assert sums.models.keys() == expected.models.keys()
    for name, model in sums.models.items():
        other = expected.models[name]
        assert (model.counters, model.reasons) == (other.counters, other.reasons)
        for metric, histogram in model.histograms.items():
            assert histogram.counts == other.histograms[metric].counts, metric
            assert histogram.total == pytest.approx(other.histograms[metric].total), metric


@pytest.mark.parametrize("count", [1, 2, 300])
@pytest.mark.parametrize("rows", STREAMS, ids=str)
def test_streams_that_were_written_in_few_pieces(rows: tuple[int, ...], count: int) -> None:
    mock = MockOpenAI()
    mock.reply("one two three")
    calls = make_calls(mock, rows, count, stream=True)
    (kind,) = {find_kind(call, call.list_runs()) for call in calls}
    assert kind is not None
    compare(calls)


@pytest.mark.parametrize("count", [1, 300])
def test_bodies(count: int) -> None:
    mock = MockOpenAI()
    mock.reply(Reply("one two three", usage=Usage(8, 3, cached_tokens=4)))
    calls = make_calls(mock, (0,), count, stream=False)
    assert find_kind(calls[0], calls[0].list_runs()) is not None
    compare(calls)


def test_calls_of_several_kinds() -> None:
    mock = MockOpenAI()
    mock.on(stream=True).reply("one two three")
    mock.reply("four")
    streams = make_calls(mock, (1, 5), 40, stream=True)
    bodies = make_calls(mock, (0,), 40, stream=False)
    others = make_calls(mock, (2,) * 3, 1, stream=True)
    mixed = [call for pair in zip(streams, bodies, strict=True) for call in pair]
    compare([*mixed, *others])


def test_a_call_to_which_more_happened_is_measured_alone() -> None:
    mock = MockOpenAI()
    mock.reply("one two three", faults=[malformed(at=1)])
    (faulty,) = make_calls(mock, (6,), 1, stream=True)
    mock.reset()
    mock.reply("one two three")
    (paced,) = make_calls(mock, (1,) * 20, 1, stream=True)
    headers = [("content-type", "application/json")]
    left = mock.respond(Request("POST", "/v1/chat/completions", headers, b"{}", connection=1))
    left.log_write(0.0, 0.1, 1, 100)
    left.end(CLIENT_DISCONNECTED)
    assert [find_kind(call, call.list_runs()) for call in (faulty, paced, left)] == [None] * 3
    compare([faulty, paced, left])
