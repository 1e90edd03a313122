"""The sums of all calls: histograms, models, and what does not count."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from openai_mockserver import Call, MockOpenAI, Request
from openai_mockserver.metrics.counts import Counts, Histogram, Sums, show_model
from openai_mockserver.metrics.families import FAMILIES
from openai_mockserver.metrics.measure import Generation, Measurement

MEASUREMENT = Measurement(
    "/v1/chat/completions", "POST", 200, (), False, False, 0.22, 4, 400, (0.001,), (4,), None
)
GENERATION = Generation("m", "stop", 0.2, (0.02,), 2, 0.22, 0.0, 0.02, 8, 0, 3, None, 1)
BODY = b'{"model":"m","messages":[{"role":"user","content":"Hi"}]}'


def make_request(connection: int | None = 1) -> Request:
    headers = [("content-type", "application/json")]
    return Request("POST", "/v1/chat/completions", headers, BODY, connection=connection)


@given(st.lists(st.floats(-1, 100)))
def test_values_are_added_at_once_or_one_by_one(values: list[float]) -> None:
    bounds = (0.0, 1.0, 2.5, 50.0)
    together, apart = Histogram(bounds), Histogram(bounds)
    together.add_all(values)
    for value in values:
        apart.add(value)
    assert together.counts == apart.counts
    assert abs(together.total - apart.total) < 1e-9 * (1 + sum(map(abs, values)))


def test_a_bound_belongs_to_its_bucket() -> None:
    histogram = Histogram((1.0, 2.0))
    histogram.add(1.0)
    histogram.add_all([1.0, 2.0])
    assert histogram.counts == [2, 1, 0]


def test_events_are_late_one_by_one_or_in_rows() -> None:
    sums = Sums()
    sums.add_all(
        [
            MEASUREMENT,
            MEASUREMENT._replace(lateness=(0.0, 0.02), late_events=(1, 1)),
            MEASUREMENT._replace(lateness=(0.5,), late_events=(0,)),  # a body
        ]
    )
    counts = dict(zip(sums.lateness.bounds, sums.lateness.counts, strict=False))
    assert {bound: count for bound, count in counts.items() if count} == {
        0.0001: 1,
        0.001: 4,
        0.025: 1,
        0.5: 1,
    }


def test_an_answer_adds_to_all_metrics_of_its_model() -> None:
    sums = Sums()
    sums.add_all([MEASUREMENT._replace(generation=GENERATION)] * 3)
    (model,) = sums.models.values()
    assert model.reasons == {"stop": 3}
    assert model.counters["vllm:prompt_tokens_total"] == 24
    assert model.counters["vllm:generation_tokens_total"] == 9
    gaps = model.histograms["vllm:inter_token_latency_seconds"]
    assert sum(gaps.counts) == 9
    assert gaps.counts[:2] == [6, 3]
    without = {"vllm:request_params_max_tokens"}  # which these requests do not have
    for name in model.histograms.keys() - without - {"vllm:inter_token_latency_seconds"}:
        assert sum(model.histograms[name].counts) == 3, name


def test_every_metric_of_a_model_is_filled() -> None:
    sums = Sums()
    sums.add_all([MEASUREMENT._replace(generation=GENERATION._replace(max_tokens=5))])
    (model,) = sums.models.values()
    empty = {name for name, one in model.histograms.items() if not any(one.counts)}
    assert empty == set()
    named = {name for name, family in FAMILIES.items() if family.kind == "histogram"}
    assert named - {"openai_mockserver_lateness_seconds"} == set(model.histograms)


def test_too_many_models_are_counted_together() -> None:
    sums = Sums()
    for number in range(250):
        generation = GENERATION._replace(model=f"m-{number}")
        sums.add_all([MEASUREMENT._replace(generation=generation)])
    assert len(sums.models) == 51
    assert sums.models["other"].reasons == {"stop": 200}
    assert sums.find_label("m-0") == "m-0"
    assert sums.find_label("m-249") == "other"


def test_the_name_of_a_model_shows_no_secret() -> None:
    assert show_model("sk-" + "a1b2c3d4" * 5) == "…"
    assert show_model("a\nb") == "a\\nb"


def test_a_model_with_a_strange_name_is_one_model() -> None:
    sums = Sums()
    for _ in range(2):
        generation = GENERATION._replace(model="a\nb")
        sums.add_all([MEASUREMENT._replace(generation=generation)])
    assert sums.models["a\\nb"].reasons == {"stop": 2}


def test_unknown_paths_and_methods_are_counted_together() -> None:
    sums = Sums()
    sums.add_all([MEASUREMENT._replace(endpoint="", method="BREW", status=404)])
    assert sums.requests == {("other", "other", "404"): 1}


def test_a_call_is_in_progress_until_it_ends(mock_openai: MockOpenAI) -> None:
    mock_openai.reply("Hello")
    call = mock_openai.respond(make_request())
    sums = mock_openai.counts.copy_sums()
    assert (sums.in_progress, sums.running) == (1, {"m": 1})
    assert not sums.requests
    call.end()
    sums = mock_openai.counts.copy_sums()
    assert (sums.in_progress, sums.running) == (0, {})
    assert sums.requests == {("/v1/chat/completions", "POST", "200"): 1}


def test_a_call_in_process_does_not_count(mock_openai: MockOpenAI) -> None:
    mock_openai.reply("Hello")
    mock_openai.respond(make_request(connection=None)).end()
    sums = mock_openai.counts.copy_sums()
    assert (sums.in_progress, sums.requests) == (0, {})


def test_many_calls_are_added_before_anybody_asks(mock_openai: MockOpenAI) -> None:
    mock_openai.reply("Hello")
    counts = Counts()
    call = mock_openai.respond(make_request())
    call.end()
    for _ in range(1000):
        counts.note_end(call)
    assert len(counts._ended) < 200
    assert counts.copy_sums().requests == {("/v1/chat/completions", "POST", "200"): 1000}


def test_a_copy_does_not_change(mock_openai: MockOpenAI) -> None:
    mock_openai.reply("Hello")
    mock_openai.respond(make_request()).end()
    sums = mock_openai.counts.copy_sums()
    before = sum(sums.models["m"].histograms["vllm:request_params_n"].counts)
    mock_openai.respond(make_request()).end()
    after = sum(sums.models["m"].histograms["vllm:request_params_n"].counts)
    assert before == after == 1


def test_the_callback_of_a_user_is_called_as_well() -> None:
    ended: list[Call] = []
    mock = MockOpenAI(on_end=ended.append)
    mock.reply("Hello")
    call = mock.respond(make_request())
    call.end()
    assert ended == [call]
    assert mock.counts.copy_sums().requests.total() == 1
