"""Rate limits that several processes share, compared with those of one process."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import openai
import pytest

from openai_mockserver import MockOpenAI
from openai_mockserver.api.store import Store
from openai_mockserver.engine import Claim, Engine, Limits
from openai_mockserver.engine.windows import make_windows
from openai_mockserver.exceptions import BusyStateError
from openai_mockserver.state import StoredWindows, open_state
from redis_server import needs_redis, running_redis

REFILLS = ("sliding", "continuous")


class ClockedStore(Store):
    """A store in memory with a clock that a test sets."""

    now = 1000.0

    def read_clock(self) -> float:
        return self.now


def make_claims(requests: int, tokens: int) -> list[Claim]:
    return [
        Claim(("key", "gpt-4o", "requests"), 5, requests),
        Claim(("key", "gpt-4o", "tokens"), 100, tokens),
    ]


@pytest.mark.parametrize("refill", REFILLS)
@pytest.mark.parametrize("seed", range(20))
def test_it_decides_as_windows_of_one_process_do(refill: str, seed: int) -> None:
    rng, store = random.Random(seed), ClockedStore()
    local = make_windows(refill, 60.0)
    pair = [StoredWindows(store, refill, 60.0) for _ in range(2)]
    for _ in range(200):
        store.now += rng.choice([0.1, 1.0, 7.0, 70.0])  # longer than the parts of a window
        claims = make_claims(rng.choice([0, 1]), rng.choice([0, 10, 60, 101]))
        levels = rng.choice(pair).take(claims, rng.random())
        expected = local.take(claims, store.now)
        assert [level.used for level in levels] == [level.used for level in expected]
        for level, other in zip(levels, expected, strict=True):
            assert level.wait == pytest.approx(other.wait)
            assert level.reset == pytest.approx(other.reset)


@pytest.mark.parametrize("refill", REFILLS)
def test_a_request_takes_all_or_nothing(refill: str) -> None:
    store = ClockedStore()
    windows = StoredWindows(store, refill, 60.0)
    windows.take(make_claims(1, 90), 0.0)
    refused = windows.take(make_claims(1, 20), 0.0)
    assert [level.wait > 0 for level in refused] == [False, True]
    assert [level.used for level in windows.take(make_claims(0, 0), 0.0)] == [1, 90]
    assert math.isinf(windows.take(make_claims(1, 101), 0.0)[1].wait)


def test_many_uses_are_few_entries() -> None:
    store = ClockedStore()
    windows = StoredWindows(store, "sliding", 60.0)
    for _ in range(3000):
        store.now += 0.01
        windows.take([Claim(("key", "model", "requests"), 10_000, 1)], 0.0)
    data = store.get("rate limit", "key\0model")
    assert len(data["requests"]) <= 501
    assert sum(amount for _, amount in data["requests"]) == 3000


def test_looking_stores_nothing() -> None:
    store = ClockedStore()
    StoredWindows(store, "sliding", 60.0).take(make_claims(0, 0), 0.0)
    assert store.all("rate limit") == []


class LostStore(ClockedStore):
    """A store that can be lost."""

    is_lost = False

    def get(self, kind: str, id: str) -> Any:
        if self.is_lost:
            raise BusyStateError("it is away")
        return super().get(kind, id)


def test_what_was_seen_last_is_shown_while_the_store_is_away() -> None:
    store = LostStore()
    windows = StoredWindows(store, "sliding", 60.0)
    windows.take(make_claims(1, 30), 0.0)
    looks = make_claims(0, 0)
    assert [level.used for level in windows.take(looks, 0.0)] == [1, 30]
    store.is_lost = True
    assert [level.used for level in windows.take(looks, 0.0)] == [1, 30]
    with pytest.raises(BusyStateError):
        windows.take(make_claims(1, 30), 0.0)
    store.is_lost = False
    windows.take(make_claims(1, 30), 0.0)
    assert [level.used for level in windows.take(looks, 0.0)] == [2, 60]


@pytest.fixture(params=["sqlite", pytest.param("redis", marks=needs_redis)])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Any]:
    if request.param == "sqlite":
        yield tmp_path / "state.sqlite"
    else:
        with running_redis(tmp_path) as server:
            yield server.url


@pytest.mark.parametrize("refill", REFILLS)
def test_no_more_than_the_limit_is_taken_at_once(place: Any, refill: str) -> None:
    pair = [StoredWindows(open_state(place).make().objects, refill, 3600.0) for _ in range(2)]

    def take(number: int) -> bool:
        claims = [Claim(("key", "model", "requests"), 20, 1)]
        return pair[number % 2].take(claims, 0.0)[0].wait == 0

    with ThreadPoolExecutor(8) as threads:
        assert list(threads.map(take, range(60))).count(True) == 20


def test_two_servers_have_one_limit(place: Any) -> None:
    engine = Engine(limits=Limits(rpm=4))
    with ExitStack() as stack:
        clients = []
        for _ in range(2):
            mock = stack.enter_context(MockOpenAI(state=place, engine=engine, clock="real"))
            mock.reply("Hello")
            clients.append(openai.OpenAI(base_url=mock.base_url, api_key="k", max_retries=0))
        statuses = [ask(clients[number % 2]) for number in range(6)]
        assert statuses == [200] * 4 + [429] * 2
        mock.reset()
        mock.reply("Hello")
        assert ask(clients[1]) == 200, "a reset forgets what was used"
        for client in clients:
            client.close()


def ask(client: openai.OpenAI) -> int:
    messages: list[Any] = [{"role": "user", "content": "Hi"}]
    try:
        client.chat.completions.create(model="gpt-4o", messages=messages)
    except openai.RateLimitError as error:
        return error.status_code
    return 200
