"""A mock with an engine over real sockets, in real time."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from statistics import median
from typing import Any

import openai
import pytest

from openai_mockserver import Call, MockOpenAI
from openai_mockserver.engine import Engine, Snapshot, Work, simulate

pytestmark = pytest.mark.slow

HI: Any = [{"role": "user", "content": "Hi"}]
LONG = "word " * 2000


@pytest.fixture
def mock() -> Iterator[MockOpenAI]:
    with MockOpenAI() as mock:
        mock.on(user="Hi").reply("one two three four five six seven eight nine ten")
        mock.on(user="Long").reply(LONG)
        yield mock


@pytest.fixture
def client(mock: MockOpenAI) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=mock.base_url, api_key="key", max_retries=0) as client:
        yield client


def open_stream(client: openai.OpenAI, user: str = "Hi") -> Any:
    messages: Any = [{"role": "user", "content": user}]
    return client.chat.completions.create(model="gpt-4o", messages=messages, stream=True)


def read_snapshot(mock: MockOpenAI) -> Snapshot:
    snapshot = mock.engine
    assert snapshot is not None
    return snapshot


def wait_for(condition: Callable[[], bool]) -> None:
    """Wait for what another thread is about to do."""
    deadline = time.monotonic() + 5
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.001)


def list_times(call: Call) -> list[float]:
    """Return when each event of a call was written, in seconds after the request."""
    return [handover.at for handover in call.times if handover.events]


def test_a_stream_keeps_the_engines_times(mock: MockOpenAI, client: openai.OpenAI) -> None:
    mock.engine = Engine(prefill=(0.1, 0.0), decode=(0.02, 0.0))
    assert len(list(open_stream(client))) == 12
    assert mock.calls[0].wait(5)
    times = list_times(mock.calls[0])
    assert 0.099 < times[0] < 2  # the first request loads a vocabulary
    assert median(b - a for a, b in pairwise(times[1:12])) == pytest.approx(0.02, abs=0.01)
    assert median(mock.calls[0].lateness) < 0.02


def test_streams_wait_for_each_other(mock: MockOpenAI, client: openai.OpenAI) -> None:
    mock.engine = Engine(slots=1, prefill=(0.05, 0.0), decode=(0.005, 0.0))

    def read_stream(number: int) -> float:
        list(open_stream(client))
        return time.monotonic()

    start = time.monotonic()
    with ThreadPoolExecutor(3) as pool:
        ends = sorted(pool.map(read_stream, range(3)))
    for number, end in enumerate(ends, 1):
        assert 0.099 * number < end - start < 0.1 * number + 2
    assert read_snapshot(mock).ended == 3


def test_a_client_that_leaves_frees_its_slot_at_once(
    mock: MockOpenAI, client: openai.OpenAI
) -> None:
    mock.engine = Engine(slots=1, decode=(1.0, 0.0))
    long = open_stream(client, "Long")
    next(iter(long))
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(open_stream, client, "Long")
        wait_for(lambda: read_snapshot(mock).waiting == 1)
        assert not waiting.done(), "the head comes with the first token"
        long.close()
        stream = waiting.result(2)
    snapshot = read_snapshot(mock)
    assert (snapshot.running, snapshot.waiting, snapshot.cancelled) == (1, 0, 1)
    stream.close()
    wait_for(lambda: read_snapshot(mock).running == 0)


def test_a_client_that_leaves_the_queue_frees_its_place(
    mock: MockOpenAI, client: openai.OpenAI
) -> None:
    mock.engine = Engine(slots=1, queue=1, decode=(1.0, 0.0))
    long = open_stream(client, "Long")
    impatient = client.with_options(timeout=0.2)
    with pytest.raises(openai.APITimeoutError):
        open_stream(impatient)
    wait_for(lambda: read_snapshot(mock).waiting == 0)
    with pytest.raises(openai.APITimeoutError):
        open_stream(impatient)
    wait_for(lambda: read_snapshot(mock).waiting == 0)
    assert read_snapshot(mock).refused == 0
    long.close()


def test_the_pace_changes_on_the_wire_when_another_stream_comes(
    mock: MockOpenAI, client: openai.OpenAI
) -> None:
    """Alone, a token takes 5 ms; of two streams, each takes 65 ms."""
    mock.engine = Engine(decode=(0.005, 0.06))
    long = open_stream(client, "Long")
    chunks = iter(long)
    for _ in range(30):
        next(chunks)
    list(open_stream(client))
    for _ in range(30):
        next(chunks)
    long.close()
    (first, second) = mock.calls
    assert first.wait(5)
    assert second.wait(5)
    gaps = [later - earlier for earlier, later in pairwise(list_times(first))]
    assert median(gaps[:25]) < 0.03
    assert sum(1 for gap in gaps if gap > 0.05) >= 8, "while the second has its eleven tokens"
    assert median(gaps[-20:]) < 0.03


def test_a_turn_of_a_websocket_takes_a_slot_and_has_its_times(
    mock: MockOpenAI, client: openai.OpenAI
) -> None:
    mock.engine = Engine(slots=1, prefill=(0.1, 0.0), decode=(0.01, 0.0))
    with client.responses.connect() as connection:
        start = time.monotonic()
        connection.response.create(model="gpt-4o", input="Hi")
        for event in connection:
            if event.type == "response.created":
                assert time.monotonic() - start > 0.095
            elif event.type == "response.completed":
                break
        assert time.monotonic() - start > 0.25
    wait_for(lambda: read_snapshot(mock).running == 0)
    assert read_snapshot(mock).admitted == 1


def test_many_streams_take_as_long_as_in_the_simulation(
    mock: MockOpenAI, client: openai.OpenAI
) -> None:
    engine = Engine(slots=6, prefill=(0.05, 0.0), decode=(0.01, 0.002), jitter=0.5)
    ends = [one.end or 0.0 for one in simulate(engine, [(0.0, Work(8, 11))] * 24)]
    assert max(ends) == pytest.approx(4 * (0.05 + 10 * 0.02), abs=0.1)
    list(open_stream(client))
    mock.engine = engine
    start = time.monotonic()
    with ThreadPoolExecutor(24) as pool:
        counts = list(pool.map(lambda _: len(list(open_stream(client))), range(24)))
    seconds = time.monotonic() - start
    assert counts == [12] * 24
    assert max(ends) - 0.1 < seconds < max(ends) + 0.5
