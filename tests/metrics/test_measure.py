"""What a call says in numbers: times, tokens, and how it ended."""

from __future__ import annotations

import json
from typing import Any

import pytest

from openai_mockserver import MockOpenAI, Reply, Request, Usage
from openai_mockserver.engine import Engine
from openai_mockserver.faults import heartbeat, reset, truncate
from openai_mockserver.http1 import wire_frames
from openai_mockserver.journal import CLIENT_DISCONNECTED, Call
from openai_mockserver.metrics import Generation, Measurement, measure_call
from openai_mockserver.script import Comment, Event, Script

CHAT, RESPONSES, COMPLETIONS = "/v1/chat/completions", "/v1/responses", "/v1/completions"
HI = [{"role": "user", "content": "Hi"}]


def ask(mock: MockOpenAI, path: str = CHAT, **parameters: Any) -> Call:
    """Return the call of a request, whose response nobody has played."""
    inputs: dict[str, Any] = {CHAT: {"messages": HI}, RESPONSES: {"input": "Hi"}}
    body = {"model": "gpt-4o", **inputs.get(path, {}), **parameters}
    headers = [("content-type", "application/json")]
    return mock.respond(Request("POST", path, headers, json.dumps(body).encode()))


def write(call: Call, *rows: tuple[float, int]) -> Measurement:
    """Log rows of events, each due 1 ms before, end the call, and return it in numbers."""
    for at, events in rows:
        call.log_write(at - 0.001, at, events, 100 * events)
    call.answer_delay = 0.0
    call.end()
    return measure_call(call)


def generation_of(measurement: Measurement) -> Generation:
    assert measurement.generation is not None
    return measurement.generation


def test_a_stream_has_a_first_token_and_gaps(mock_openai: MockOpenAI) -> None:
    mock_openai.reply(Reply("Hello world", usage=Usage(8, 3)))
    call = ask(mock_openai, stream=True, stream_options={"include_usage": True})
    # The role, two tokens, the finish reason, the usage, and [DONE].
    generation = generation_of(write(call, (0.3, 2), (0.32, 1), (0.35, 3)))
    assert generation.time_to_first_token == 0.3
    assert generation.gaps == pytest.approx([0.02, 0.03])
    assert generation.instant_gaps == 1, "the usage comes with the finish reason"
    assert generation.latency == 0.35
    assert generation.decode == pytest.approx(0.05)
    assert generation.prefill == 0.3
    assert generation.time_per_token == pytest.approx(0.05 / 3)
    assert (generation.prompt_tokens, generation.generation_tokens) == (8, 3)


def test_the_role_may_come_before_the_first_token(mock_openai: MockOpenAI) -> None:
    mock_openai.reply("Hello")
    call = ask(mock_openai, stream=True)
    generation = generation_of(write(call, (0.1, 1), (0.3, 1), (0.4, 1), (0.4, 1)))
    assert generation.time_to_first_token == 0.3
    assert generation.gaps == pytest.approx([0.1])


def test_a_stream_without_a_pace_has_gaps_of_zero(mock_openai: MockOpenAI) -> None:
    mock_openai.reply("one two three")
    generation = generation_of(write(ask(mock_openai, stream=True), (0.0, 6)))
    assert (generation.gaps, generation.instant_gaps) == ((), 3)
    assert generation.time_per_token == 0.0


def test_the_time_until_the_answer_is_known_counts(mock_openai: MockOpenAI) -> None:
    mock_openai.reply("Hello")
    call = ask(mock_openai, stream=True)
    assert 0 < call.answer_delay < 5
    call.answer_delay = 2.0
    call.log_write(0.5, 0.5, 4, 400)
    call.end()
    generation = generation_of(measure_call(call))
    assert (generation.time_to_first_token, generation.latency) == (2.5, 2.5)


def test_comments_are_no_tokens(mock_openai: MockOpenAI) -> None:
    mock_openai.reply("Hello", faults=[heartbeat(every=0.05)], pace="0.1,0.1")
    call = ask(mock_openai, stream=True)
    assert any(isinstance(step, Comment) for step in call.script.steps)
    generation = generation_of(write(call, (0.05, 0), (0.1, 2), (0.15, 0), (0.2, 1), (0.2, 1)))
    assert generation.time_to_first_token == 0.1
    assert generation.gaps == pytest.approx([0.1])


def test_a_body_is_one_write(mock_openai: MockOpenAI) -> None:
    mock_openai.reply(Reply("Hello", usage=Usage(9, 4, cached_tokens=5)))
    measurement = write(ask(mock_openai), (0.25, 0))
    generation = generation_of(measurement)
    assert generation.time_to_first_token == generation.latency == 0.25
    assert generation.time_per_token is None
    tokens = generation.prompt_tokens, generation.cached_tokens, generation.generation_tokens
    assert tokens == (9, 5, 4)
    assert measurement.lateness == pytest.approx([0.001])


@pytest.mark.parametrize(
    ("path", "parameters", "prompt_tokens"),
    [
        (CHAT, {"stream": True}, 8),
        (RESPONSES, {"stream": True}, 8),
        (COMPLETIONS, {"stream": True, "prompt": "one two three"}, 3),
        (COMPLETIONS, {"stream": True, "prompt": [[1, 2, 3], [4]]}, 4),
    ],
)
def test_a_prompt_is_counted_if_the_response_states_no_usage(
    mock_openai: MockOpenAI, path: str, parameters: dict[str, Any], prompt_tokens: int
) -> None:
    mock_openai.reply("Hello")
    call = ask(mock_openai, path, **parameters)
    call.log_write(0.0, 0.0, 3, 100)
    call.end(CLIENT_DISCONNECTED)  # before the usage, if there is one
    assert generation_of(measure_call(call)).prompt_tokens == prompt_tokens


def test_a_long_prompt_is_estimated(mock_openai: MockOpenAI) -> None:
    mock_openai.reply("Hello")
    messages = [{"role": "user", "content": "word " * 40_000}]
    generation = generation_of(write(ask(mock_openai, stream=True, messages=messages), (0, 4)))
    assert generation.prompt_tokens == pytest.approx(50_000, rel=0.01)


@pytest.mark.parametrize(
    ("path", "parameters"),
    [
        (CHAT, {"max_tokens": 2}),
        (CHAT, {"max_completion_tokens": 2, "stream": True}),
        (RESPONSES, {"max_output_tokens": 16}),
        (RESPONSES, {"max_output_tokens": 16, "stream": True}),
        (COMPLETIONS, {"max_tokens": 2, "prompt": "Hi", "stream": True}),
    ],
)
def test_an_answer_that_is_cut_off_has_the_reason_length(
    mock_openai: MockOpenAI, path: str, parameters: dict[str, Any]
) -> None:
    mock_openai.reply(" ".join(["word"] * 50))
    call = ask(mock_openai, path, **parameters)
    generation = generation_of(write(call, (0.0, len(call.script.events))))
    assert generation.finished_reason == "length"
    assert generation.max_tokens == parameters.get("max_output_tokens", 2)


def test_a_call_that_has_not_finished_was_aborted_or_is_an_error(mock_openai: MockOpenAI) -> None:
    mock_openai.reply("Hello")
    mock_openai.on(user="reset").reply("Hello", faults=[reset(after=1)])
    call = ask(mock_openai, stream=True)
    call.end(CLIENT_DISCONNECTED)
    measurement = measure_call(call)
    assert measurement.is_gone
    assert generation_of(measurement).finished_reason == "abort"
    assert generation_of(measurement).time_to_first_token is None, "nothing was written"

    call = ask(mock_openai, stream=True, messages=[{"role": "user", "content": "reset"}])
    measurement = write(call, (0.0, 1))
    assert (measurement.is_gone, measurement.faults) == (False, ("reset",))
    assert generation_of(measurement).finished_reason == "error"


def test_faults_of_a_function_have_no_name(mock_openai: MockOpenAI) -> None:
    def shorten(script: Script) -> Script:
        return script.with_steps(script.steps[:1])

    mock_openai.reply("Hello", faults=[shorten, truncate(after=1)])
    assert write(ask(mock_openai, stream=True), (0.0, 1)).faults == ("custom", "truncate")


def test_only_an_answer_of_a_model_is_measured_as_one(mock_openai: MockOpenAI) -> None:
    mock_openai.reply("Hello")
    refused = write(ask(mock_openai, messages=[]), (0.0, 0))
    assert (refused.status, refused.generation) == (400, None)
    models = mock_openai.respond(Request("GET", "/v1/models/gpt-4o"))
    measurement = write(models, (0.0, 0))
    assert (measurement.endpoint, measurement.status) == ("/v1/models/{model}", 200)
    assert measurement.generation is None
    unknown = write(mock_openai.respond(Request("GET", "/v1/nothing")), (0.0, 0))
    assert (unknown.endpoint, unknown.status) == ("", 404)


def test_a_compiled_reply_says_what_the_first_said(mock_openai: MockOpenAI) -> None:
    mock_openai.reply(Reply("one two three", usage=Usage(8, 4)), pace="0.1,0.02")
    parameters: dict[str, Any] = {"stream": True, "stream_options": {"include_usage": True}}
    calls = [ask(mock_openai, **parameters) for _ in range(3)]
    assert [call.script.lazy is None for call in calls] == [True, False, False]
    measurements = []
    for call in calls:
        log = call.log_frame if call.script.lazy is None else call.log_lazy_frame
        for frame in wire_frames(call.script):
            if frame.events:
                log(frame, frame.due + 0.001)
        call.answer_delay = 0.0
        call.end()
        measurements.append(measure_call(call))
    first, *others = measurements
    assert generation_of(first).gaps == pytest.approx([0.02] * 4)
    for other in others:
        assert generation_of(other).gaps == pytest.approx(generation_of(first).gaps)
        assert other.generation == generation_of(first)._replace(gaps=generation_of(other).gaps)
        assert max(other.lateness) == pytest.approx(max(first.lateness))
        assert sum(other.late_events) == sum(first.late_events) == 7


@pytest.mark.parametrize(
    "data", ["not JSON", '{"usage":{"prompt_tokens":"nine"}}', '{"usage":null}', "[" * 5000]
)
def test_a_recording_may_state_its_usage_in_another_way(data: str, mock_openai: MockOpenAI) -> None:
    mock_openai.reply(Script(steps=(Event(data), Event(data))))
    generation = generation_of(write(ask(mock_openai, stream=True), (0.0, 2)))
    assert generation.generation_tokens == 1, "events count as tokens"


# With an engine


def test_a_request_waits_for_a_slot_of_the_engine() -> None:
    clock = SteppedClock()
    with MockOpenAI(engine=Engine(slots=1, prefill=(0.25, 0.0), decode=(0.125, 0.0))) as mock:
        mock.reply(Reply("one two three", usage=Usage(8, 3)))
        first, second = begin(mock, clock), begin(mock, clock)
        sums = mock.counts.copy_sums()
        assert (sums.running, sums.waiting) == ({"gpt-4o": 1}, {"gpt-4o": 1})
        clock.wait(0.75)  # the first has ended, and the second begun
        ended = [end_body(call) for call in (first, second)]
    assert [one.queue for one in ended] == pytest.approx([0.0, 0.625])
    assert ended[0].time_to_first_token == pytest.approx(0.25)
    assert ended[0].prefill == pytest.approx(0.25)
    assert ended[0].decode == pytest.approx(0.375), "a body comes when the finish reason would"
    assert ended[0].gaps == pytest.approx([0.125] * 3)
    assert ended[0].time_per_token == pytest.approx(0.125)


def test_a_request_may_leave_the_queue() -> None:
    clock = SteppedClock()
    with MockOpenAI(engine=Engine(slots=1, prefill=(10.0, 0.0))) as mock:
        mock.reply("Hello")
        _, second = begin(mock, clock), begin(mock, clock)
        clock.wait(2.0)
        second.end(CLIENT_DISCONNECTED)
        generation = generation_of(measure_call(second))
    assert generation.queue == pytest.approx(2.0)
    assert generation.prefill is None


def test_the_engine_says_what_was_cached() -> None:
    clock = SteppedClock()
    with MockOpenAI(engine=Engine(cache_blocks=10, prefix_block=2)) as mock:
        mock.reply("Hello")
        calls = [begin(mock, clock, stream=True) for _ in range(2)]
        for call in calls:
            call.log_write(0.0, 0.0, 4, 100)
            call.end()
        cached = [generation_of(measure_call(call)).cached_tokens for call in calls]
        assert cached[0] == 0
        assert cached[1] > 0
        assert 0 < mock.cache_use <= 1


class SteppedClock:
    """A clock that moves when the test says."""

    virtual = False

    def __init__(self) -> None:
        self.now = 100.0

    def wait(self, seconds: float) -> None:
        self.now += seconds


def begin(mock: MockOpenAI, clock: SteppedClock, **parameters: Any) -> Call:
    """Return the call of a request over a socket, which this clock times."""
    body = json.dumps({"model": "gpt-4o", "messages": HI, **parameters}).encode()
    headers = [("content-type", "application/json")]
    call = mock.begin(Request("POST", CHAT, headers, body, connection=1), clock)
    assert isinstance(call, Call)
    return call


def end_body(call: Call) -> Generation:
    call.answer_delay = 0.0
    call.log_write(0.5, 0.5, 0, 300)
    call.end()
    return generation_of(measure_call(call))
