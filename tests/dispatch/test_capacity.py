"""A mock with an engine: what a client sees of its capacity, in process and on virtual time."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import anyio
import httpx
import openai
import pytest
from openai.types import CompletionUsage
from openai.types.chat import ChatCompletionChunk

from openai_mockserver import ApiError, MockOpenAI, Script, stream
from openai_mockserver.engine import Engine, Limits
from openai_mockserver.exceptions import MockServerError
from openai_mockserver.faults import latency, stall, truncate
from openai_mockserver.script import Event, Pause

HI: Any = [{"role": "user", "content": "Hi"}]
TEN = "one two three four five six seven eight nine ten"  # ten tokens

ONE_SLOT = Engine(slots=1, prefill=(0.1, 0.0), decode=(0.01, 0.0))


def open_stream(client: openai.OpenAI, **options: Any) -> Iterator[ChatCompletionChunk]:
    return iter(client.chat.completions.create(model="gpt-4o", messages=HI, stream=True, **options))


def list_times(mock: MockOpenAI, chunks: Iterator[ChatCompletionChunk]) -> list[float]:
    """Return when each chunk comes, in seconds of the mock's clock."""
    return [round(mock.clock.now, 6) for _ in chunks]


# Times


def test_a_stream_has_the_engines_times() -> None:
    """role, ten tokens, finish: the role comes with the first token."""
    with MockOpenAI(engine=ONE_SLOT) as mock:
        mock.reply(TEN)
        times = list_times(mock, open_stream(mock.client()))
        assert times == pytest.approx([0.1, *(0.1 + 0.01 * n for n in range(11))])


def test_a_body_comes_with_its_last_token() -> None:
    with MockOpenAI(engine=ONE_SLOT) as mock:
        mock.reply(TEN)
        mock.client().chat.completions.create(model="gpt-4o", messages=HI)
        assert mock.clock.now == pytest.approx(0.1 + 10 * 0.01)


def test_a_long_prompt_takes_longer() -> None:
    with MockOpenAI(engine=Engine(prefill=(0.1, 0.001))) as mock:
        mock.reply("Hello")
        completion = mock.client().chat.completions.create(model="gpt-4o", messages=HI)
        assert completion.usage is not None
        assert mock.clock.now == pytest.approx(0.1 + completion.usage.prompt_tokens * 0.001)


def test_the_second_stream_waits_for_the_slot_of_the_first() -> None:
    """The first goes on although nobody reads it."""
    with MockOpenAI(engine=ONE_SLOT) as mock:
        mock.reply(TEN)
        client = mock.client()
        first, second = open_stream(client), open_stream(client)
        assert list_times(mock, second)[0] == pytest.approx(0.2 + 0.1)
        assert len(list_times(mock, first)) == 12


def test_a_stream_becomes_slower_while_others_decode() -> None:
    with MockOpenAI(engine=Engine(decode=(0.01, 0.01))) as mock:
        mock.on(user="Hi").reply("word " * 100)
        mock.on(user="Short").reply(TEN)
        client = mock.client()
        stream = open_stream(client)
        assert list_times(mock, iter([next(stream) for _ in range(12)]))[-1] == pytest.approx(0.1)
        other = client.chat.completions.create(
            model="gpt-4o", messages=[{"role": "user", "content": "Short"}], stream=True
        )
        times = list_times(mock, stream)
        gaps = [round(later - earlier, 6) for earlier, later in pairwise(times)]
        assert gaps[:9] == [0.02] * 9
        assert gaps[-50:] == [0.01] * 50
        other.close()


def test_tasks_share_the_slots() -> None:
    """Four requests, two slots: the second two begin when the first two have ended."""

    async def run(mock: MockOpenAI) -> list[float]:
        client = mock.async_client()
        # The SDK's first request asks a thread for the platform, meanwhile the clock goes on.
        await client.models.list()

        async def ask() -> float:
            await client.chat.completions.create(model="gpt-4o", messages=HI)
            return round(mock.clock.now, 6)

        return await asyncio.gather(*(ask() for _ in range(4)))

    with MockOpenAI(engine=Engine(slots=2, decode=(0.01, 0.0))) as mock:
        mock.reply(TEN)
        assert asyncio.run(run(mock)) == pytest.approx([0.1, 0.1, 0.2, 0.2])


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_tasks_take_turns_at_one_slot(backend: str) -> None:
    """The clock goes on only when no task can go on without waiting."""

    async def run(mock: MockOpenAI, ends: list[float]) -> None:
        async def ask_twice() -> None:
            for _ in range(2):
                body = {"model": "gpt-4o", "messages": HI}
                await client.post("http://mock/v1/chat/completions", json=body)
                ends.append(round(mock.clock.now, 6))

        async with (
            httpx.AsyncClient(transport=mock.transport()) as client,
            anyio.create_task_group() as group,
        ):
            for _ in range(3):
                group.start_soon(ask_twice)

    with MockOpenAI(engine=Engine(slots=1, decode=(0.01, 0.0))) as mock:
        mock.reply(TEN)
        ends: list[float] = []
        anyio.run(run, mock, ends, backend=backend)
        assert ends == pytest.approx([0.1, 0.2, 0.3, 0.4, 0.5, 0.6])


def test_a_client_that_leaves_frees_its_slot_at_once() -> None:
    with MockOpenAI(engine=ONE_SLOT) as mock:
        mock.reply("word " * 1000)
        client = mock.client()
        first = client.chat.completions.create(model="gpt-4o", messages=HI, stream=True)
        next(iter(first))
        assert mock.engine is not None
        assert mock.engine.running == 1
        first.close()
        assert mock.engine.running == 0
        next(open_stream(client))
        assert mock.clock.now == pytest.approx(0.2)


def test_waiting_in_the_queue_counts_for_a_read_timeout() -> None:
    with MockOpenAI(engine=ONE_SLOT) as mock:
        mock.reply("word " * 1000)
        client = mock.client(timeout=5.0, max_retries=0)
        first = open_stream(client)
        with pytest.raises(openai.APITimeoutError):
            next(open_stream(client))
        assert mock.clock.now == pytest.approx(0.1 + 5.0)
        assert mock.engine is not None
        assert (mock.engine.running, mock.engine.waiting) == (1, 0)
        next(first)


def test_the_pauses_of_a_recording_give_way_to_the_engine() -> None:
    with MockOpenAI(engine=ONE_SLOT) as mock:
        events = [step for step in stream("text").script.steps if isinstance(step, Event)]
        mock.reply(Script(steps=[part for event in events for part in (Pause(9.0), event)]))
        times = list_times(mock, open_stream(mock.client()))
        assert times[0] == pytest.approx(0.1)
        assert times[-1] < 0.5


def test_a_stall_delays_what_the_engine_generates_meanwhile() -> None:
    with MockOpenAI(engine=ONE_SLOT) as mock:
        mock.reply(TEN, faults=[stall(after=3, seconds=30.0)])
        times = list_times(mock, open_stream(mock.client()))
        assert times[2] == pytest.approx(0.11)
        assert times[3:] == pytest.approx([30.11] * 9)


def test_latency_shifts_the_tokens() -> None:
    with MockOpenAI(engine=ONE_SLOT) as mock:
        mock.reply(TEN, faults=[latency(2.0)])
        times = list_times(mock, open_stream(mock.client()))
        assert (times[0], times[-1]) == pytest.approx((2.1, 2.2))


def test_an_engine_replaces_the_pace() -> None:
    with MockOpenAI(engine=ONE_SLOT, pace="0.5,0.5") as mock:
        mock.reply(TEN, pace="0.7,0.7")
        assert list_times(mock, open_stream(mock.client()))[-1] == pytest.approx(0.2)


def test_a_response_has_the_engines_times_too() -> None:
    with MockOpenAI(engine=ONE_SLOT) as mock:
        mock.reply(TEN)
        events = mock.client().responses.create(model="gpt-4o", input="Hi", stream=True)
        times = [round(mock.clock.now, 6) for _ in events]
        assert times[0] == pytest.approx(0.1)
        assert times[-1] == pytest.approx(0.1 + 0.01 * (len(times) - 2))


# Usage


def count_cached(usage: CompletionUsage | None) -> int:
    """Return the cached tokens that a usage states."""
    assert usage is not None
    assert usage.prompt_tokens_details is not None
    return usage.prompt_tokens_details.cached_tokens or 0


def test_usage_states_the_tokens_that_were_cached() -> None:
    engine = Engine(prefill=(0.0, 0.001), cache_blocks=1000, prefix_block=4)
    long: Any = [{"role": "user", "content": "word " * 100}]
    with MockOpenAI(engine=engine) as mock:
        mock.reply("Hello")
        client = mock.client()
        before = mock.clock.now
        usages = []
        seconds = []
        for _ in range(3):
            usages.append(client.chat.completions.create(model="gpt-4o", messages=long).usage)
            seconds.append(round(mock.clock.now - before, 6))
            before = mock.clock.now
        cached = [count_cached(usage) for usage in usages]
        prompt = usages[0].prompt_tokens if usages[0] else 0
        assert cached[0] == 0
        assert cached[1] == cached[2]
        assert prompt - 8 < cached[1] < prompt
        assert seconds == pytest.approx([0.001 * prompt, *[0.001 * (prompt - cached[1])] * 2])
        response = client.responses.create(model="gpt-4o", input="word " * 100)
        assert response.usage is not None
        assert response.usage.input_tokens_details.cached_tokens == cached[1]


def test_a_conversation_finds_its_earlier_turns_in_the_cache() -> None:
    engine = Engine(cache_blocks=1000, prefix_block=8)
    first: Any = [{"role": "user", "content": "word " * 100}]
    longer: Any = [*first, {"role": "assistant", "content": "Yes."}, *HI]
    other: Any = [{"role": "user", "content": "other " * 100}, *HI]
    with MockOpenAI(engine=engine) as mock:
        mock.reply("Hello")
        client = mock.client()
        cached = []
        for messages in (first, longer, other):
            usage = client.chat.completions.create(model="gpt-4o", messages=messages).usage
            cached.append(count_cached(usage))
        assert cached[0] == cached[2] == 0
        assert cached[1] >= 96


# Refusals


def test_a_limit_refuses_as_openai_does() -> None:
    engine = Engine(limits=Limits(rpm=500, tpm=30_000, refill="continuous"))
    with MockOpenAI(engine=engine) as mock:
        mock.reply("Hello")
        client = mock.client(max_retries=0)
        create = client.chat.completions.with_raw_response.create
        response = create(model="gpt-4o", messages=HI, max_tokens=14_559)
        assert response.headers["x-ratelimit-limit-requests"] == "500"
        assert response.headers["x-ratelimit-remaining-requests"] == "499"
        assert response.headers["x-ratelimit-reset-requests"] == "120ms"
        assert response.headers["x-ratelimit-remaining-tokens"] == "15433"
        with pytest.raises(openai.RateLimitError) as caught:
            create(model="gpt-4o", messages=HI, max_tokens=24_746)
        error = caught.value
        assert (error.code, error.type) == ("rate_limit_exceeded", "tokens")
        assert error.body["message"] == (  # type: ignore[index]
            "Rate limit reached for gpt-4o in organization org-mockserver on tokens per min (TPM): "
            "Limit 30000, Used 14567, Requested 24754. Please try again in 18.642s. Visit "
            "https://platform.openai.com/account/rate-limits to learn more."
        )
        assert error.response.headers["retry-after"] == "19"
        assert error.response.headers["x-ratelimit-remaining-tokens"] == "15433"


def test_a_request_that_is_too_large_is_not_retried() -> None:
    with MockOpenAI(engine=Engine(limits=Limits(tpm=100))) as mock:
        mock.reply("Hello")
        with pytest.raises(openai.RateLimitError, match="Request too large for gpt-4o") as caught:
            mock.client().chat.completions.create(model="gpt-4o", messages=HI, max_tokens=100)
        assert len(mock.calls) == 1
        assert "retry-after" not in caught.value.response.headers


def test_a_retry_passes_when_the_stated_time_is_over() -> None:
    """On the virtual clock that takes no time; a refused request takes no reply."""
    with MockOpenAI(engine=Engine(limits=Limits(rpm=1))) as mock:
        mock.reply("first", "second")
        client = mock.client()
        texts = [
            client.chat.completions.create(model="gpt-4o", messages=HI).choices[0].message.content
            for _ in range(2)
        ]
        assert texts == ["first", "second"]
        assert [call.status for call in mock.calls] == [200, 429, 200]
        assert mock.clock.now == pytest.approx(60.0)


def test_limits_are_those_of_the_key() -> None:
    with MockOpenAI(engine=Engine(limits=Limits(rpm=1))) as mock:
        mock.reply("Hello")
        for key in ("a", "b"):
            client = mock.client(api_key=key, max_retries=0)
            client.chat.completions.create(model="gpt-4o", messages=HI)
            with pytest.raises(openai.RateLimitError):
                client.chat.completions.create(model="gpt-4o", messages=HI)


@pytest.mark.parametrize(
    ("engine", "status", "code", "retry_after"),
    [
        (Engine(slots=1, queue=0, decode=(1.0, 0.0)), 503, "engine_overloaded", "10"),
        (Engine(slots=1, queue=0, decode=(1.0, 0.0), overload=429), 429, "engine_overloaded", "10"),
        (Engine(start_up=30.0), 503, "model_loading", "30"),
        (Engine(failure_rate=1.0), 500, None, None),
        (Engine(limits=Limits(concurrent=1), decode=(1.0, 0)), 429, "rate_limit_exceeded", "10"),
    ],
    ids=["full", "full-429", "starting", "failing", "concurrent"],
)
def test_a_server_refuses_for_many_reasons(
    engine: Engine, status: int, code: str | None, retry_after: str | None
) -> None:
    with MockOpenAI(engine=engine) as mock:
        mock.reply(TEN)
        client = mock.client(max_retries=0)
        with pytest.raises(openai.APIStatusError) as caught:
            open_stream(client)
            open_stream(client)
        assert caught.value.status_code == status
        assert caught.value.code == code
        assert caught.value.response.headers.get("retry-after") == retry_after


def test_a_dialect_says_it_in_its_own_words() -> None:
    with MockOpenAI(engine=Engine(limits=Limits(rpm=1)), dialect="groq") as mock:
        mock.reply("Hello")
        client = mock.client(max_retries=0)
        client.chat.completions.create(model="llama", messages=HI)
        with pytest.raises(openai.RateLimitError) as caught:
            client.chat.completions.create(model="llama", messages=HI)
        assert caught.value.response.headers["x-ratelimit-remaining-requests"] == "0"
        assert "Limit 1, Used 1" in str(caught.value)


# Slots that no model needs


def test_what_no_model_answers_needs_no_slot() -> None:
    engine = Engine(slots=1, queue=0, decode=(1.0, 0.0), limits=Limits(rpm=100))
    with MockOpenAI(engine=engine, fail_on_unmatched=False) as mock:
        mock.on(user="Hi").reply(ApiError(400, "No."))
        client = mock.client(max_retries=0)
        for _ in range(2):
            with pytest.raises(openai.BadRequestError) as caught:
                client.chat.completions.create(model="gpt-4o", messages=HI)
        assert caught.value.response.headers["x-ratelimit-remaining-requests"] == "98"
        for _ in range(2):
            with pytest.raises(openai.BadRequestError, match="no rule matches"):
                client.chat.completions.create(
                    model="gpt-4o", messages=[{"role": "user", "content": "Bye"}]
                )
        client.models.list()
        assert mock.engine is not None
        assert mock.engine.running == 0


def test_an_embedding_needs_a_slot_for_its_prompt() -> None:
    with MockOpenAI(engine=Engine(prefill=(0.1, 0.001))) as mock:
        client = mock.client()
        client.embeddings.create(model="text-embedding-3-small", input=["one two", "three"])
        assert mock.clock.now == pytest.approx(0.103)


def test_a_function_holds_the_slot_until_it_has_replied() -> None:
    with MockOpenAI(engine=Engine(slots=1, queue=0)) as mock:
        running: list[int] = []

        def reply(request: Any) -> str:
            assert mock.engine is not None
            running.append(mock.engine.running)
            if len(running) == 2:
                raise ValueError("oops")
            return TEN

        mock.reply(reply)
        client = mock.client(max_retries=0)
        client.chat.completions.create(model="gpt-4o", messages=HI)
        with pytest.raises(openai.APIStatusError, match="oops"):
            client.chat.completions.create(model="gpt-4o", messages=HI)
        assert running == [1, 1]
        assert mock.engine is not None
        assert mock.engine.running == 0


def test_a_truncated_stream_frees_its_slot() -> None:
    with MockOpenAI(engine=ONE_SLOT) as mock:
        mock.reply("word " * 1000, faults=[truncate(after=3)])
        with pytest.raises(openai.APIConnectionError):
            list_times(mock, open_stream(mock.client()))
        assert mock.engine is not None
        assert mock.engine.running == 0


# The mock's own view


def test_the_engine_shows_what_it_does_and_can_be_changed() -> None:
    with MockOpenAI(engine="h100-8b,slots=4,rpm=100") as mock:
        mock.reply(TEN)
        client = mock.client()
        stream = open_stream(client)
        assert mock.engine is not None
        assert (mock.engine.engine.slots, mock.engine.running) == (4, 1)
        (limit,) = mock.engine.limits.values()
        assert (limit.used, limit.limit) == (1, 100)
        mock.engine = Engine(slots=2)
        assert (mock.engine.engine.slots, mock.engine.running) == (2, 0)
        next(open_stream(client))
        assert mock.engine.running <= 1
        assert len(list(stream)) == 12, "it goes on in the old engine"
        mock.engine = None
        assert mock.engine is None
        before = mock.clock.now
        client.chat.completions.create(model="gpt-4o", messages=HI)
        assert mock.clock.now == before


def test_reset_begins_again_with_unused_limits() -> None:
    with MockOpenAI(engine=Engine(limits=Limits(rpm=1))) as mock:
        for _ in range(2):
            mock.reply("Hello")
            mock.client(max_retries=0).chat.completions.create(model="gpt-4o", messages=HI)
            mock.reset()


def test_an_unknown_engine_is_refused() -> None:
    with pytest.raises(MockServerError, match="unknown engine 'h200'"):
        MockOpenAI(engine="h200")
