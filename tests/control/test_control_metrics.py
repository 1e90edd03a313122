"""`GET /metrics`: what Prometheus reads from a server."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import openai
import pytest
from prometheus_client import Metric
from prometheus_client.openmetrics import parser as openmetrics
from prometheus_client.parser import text_string_to_metric_families as read_text

from commands import run
from openai_mockserver import ApiError, MockOpenAI, Reply, Usage
from openai_mockserver.engine import Engine
from openai_mockserver.faults import hold, reset
from openai_mockserver.metrics import FAMILIES
from steered import Steered

OPENMETRICS = "application/openmetrics-text; version=1.0.0"
MODEL = {"model_name": "gpt-4o", "engine": "0"}


def read_openmetrics(page: str) -> list[Metric]:
    """Return the metrics of a page in the format OpenMetrics."""
    return list(openmetrics.text_string_to_metric_families(page))  # type: ignore[no-untyped-call]


def read_values(page: str) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    """Return the value of each series of a page in the text format."""
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in read_text(page)
        for sample in family.samples
    }


class Scraped:
    """The metrics of a server, read once."""

    def __init__(self, http: httpx.Client) -> None:
        response = http.get("/metrics")
        assert response.status_code == 200
        assert response.headers["content-type"].startswith("text/plain; version=0.0.4")
        self.values = read_values(response.text)

    def get(self, name: str, **labels: str) -> float | None:
        """Return the value of a series; None if there is none."""
        return self.values.get((name, frozenset(labels.items())))


@pytest.fixture
def server() -> Iterator[Steered]:
    """A mock without the control API, as tests have it."""
    with MockOpenAI() as mock:
        one = Steered(mock)
        with one.http:
            yield one


def wait_for_end(mock: MockOpenAI) -> None:
    assert all(call.wait(5) for call in mock.calls)


def test_the_metrics_say_what_was_answered(server: Steered) -> None:
    server.mock.reply(Reply("Hello world", usage=Usage(8, 3, cached_tokens=4)))
    for _ in range(3):
        assert server.ask() == "Hello world"
    wait_for_end(server.mock)
    scraped = Scraped(server.http)
    assert scraped.get("vllm:prompt_tokens_total", **MODEL) == 24
    assert scraped.get("vllm:generation_tokens_total", **MODEL) == 9
    assert scraped.get("vllm:prefix_cache_hits_total", **MODEL) == 12
    assert scraped.get("vllm:request_success_total", finished_reason="stop", **MODEL) == 3
    assert scraped.get("vllm:request_success_total", finished_reason="abort", **MODEL) == 0
    assert scraped.get("vllm:num_requests_running", **MODEL) == 0
    assert scraped.get("vllm:e2e_request_latency_seconds_count", **MODEL) == 3
    assert scraped.get("vllm:e2e_request_latency_seconds_bucket", le="+Inf", **MODEL) == 3
    requests = {"endpoint": "/v1/chat/completions", "method": "POST", "status": "200"}
    assert scraped.get("openai_mockserver_requests_total", **requests) == 3


def test_a_stream_is_as_fast_as_its_pace(server: Steered) -> None:
    server.mock.reply("one two three four", pace="0.03,0.01")
    server.ask(stream=True)
    wait_for_end(server.mock)
    scraped = Scraped(server.http)
    first = scraped.get("vllm:time_to_first_token_seconds_sum", **MODEL)
    assert first is not None
    gaps = scraped.get("vllm:inter_token_latency_seconds_count", **MODEL)
    whole = scraped.get("vllm:inter_token_latency_seconds_sum", **MODEL)
    assert gaps is not None
    assert whole is not None
    assert gaps == 4, "three between tokens, and one before the finish reason"
    # How long it takes is certain, even if one event is late and the next is not.
    assert 0.068 <= first + whole < 5
    assert scraped.get("openai_mockserver_lateness_seconds_count") == 7


def test_a_stream_is_running_until_its_client_leaves(server: Steered) -> None:
    server.mock.reply("Hello", faults=[hold()])
    body = {"model": "gpt-4o", "stream": True, "messages": [{"role": "user", "content": "Hi"}]}
    with server.http.stream("POST", "/v1/chat/completions", json=body) as response:
        pieces = response.iter_raw()  # which would end the response if it were dropped
        next(pieces)
        with httpx.Client(base_url=server.url, trust_env=False) as other:
            scraped = Scraped(other)
        assert scraped.get("vllm:num_requests_running", **MODEL) == 1
        assert scraped.get("openai_mockserver_requests_in_progress") == 1
    wait_for_end(server.mock)
    scraped = Scraped(server.http)
    assert scraped.get("vllm:num_requests_running", **MODEL) == 0
    assert scraped.get("openai_mockserver_faults_total", fault="hold") == 1
    assert scraped.get("openai_mockserver_clients_gone_total") == 0, "the fault ends this way"


def test_a_client_that_leaves_is_counted(server: Steered) -> None:
    server.mock.reply("word " * 100, pace="0,0.1")
    body = {"model": "gpt-4o", "stream": True, "messages": [{"role": "user", "content": "Hi"}]}
    with server.http.stream("POST", "/v1/chat/completions", json=body) as response:
        next(response.iter_raw())
    wait_for_end(server.mock)
    scraped = Scraped(server.http)
    assert scraped.get("openai_mockserver_clients_gone_total") == 1
    assert scraped.get("vllm:request_success_total", finished_reason="abort", **MODEL) == 1


def test_errors_and_faults_are_counted(server: Steered) -> None:
    server.mock.on(user="Hi").reply(ApiError(429))
    server.mock.on(user="reset").reply("Hello", faults=[reset(after=1)])
    with pytest.raises(openai.RateLimitError):
        server.ask()
    with pytest.raises((openai.APIConnectionError, httpx.RemoteProtocolError, httpx.ReadError)):
        server.ask("reset", stream=True)
    with pytest.raises(openai.BadRequestError, match="no rule matches"):
        server.ask("What?")
    server.http.get("/v1/nothing")
    wait_for_end(server.mock)
    scraped = Scraped(server.http)
    chat = {"endpoint": "/v1/chat/completions", "method": "POST"}
    assert scraped.get("openai_mockserver_requests_total", status="429", **chat) == 1
    other = {"endpoint": "other", "method": "GET"}
    assert scraped.get("openai_mockserver_requests_total", status="404", **other) == 1
    assert scraped.get("openai_mockserver_faults_total", fault="reset") == 1
    assert scraped.get("openai_mockserver_problems_total") == 1
    assert scraped.get("vllm:request_success_total", finished_reason="error", **MODEL) == 1


def test_a_turn_of_a_websocket_counts_as_an_answer(server: Steered) -> None:
    server.mock.reply(Reply("Hello", usage=Usage(8, 2)))
    http = openai.DefaultHttpxClient(trust_env=False)
    with (
        openai.OpenAI(base_url=f"{server.url}/v1", api_key="k", http_client=http) as client,
        client.responses.connect() as connection,
    ):
        connection.response.create(model="gpt-4o", input="Hi")
        for event in connection:
            if event.type == "response.completed":
                break
    wait_for_end(server.mock)
    scraped = Scraped(server.http)
    assert scraped.get("vllm:generation_tokens_total", **MODEL) == 2
    responses = {"endpoint": "/v1/responses"}
    turns = scraped.get(
        "openai_mockserver_requests_total", method="POST", status="200", **responses
    )
    assert turns == 1


def test_sandboxes_count_with_their_server(steered: Steered) -> None:
    steered.mock.reply("Hello")
    with steered.mock.sandbox("one") as sandbox:
        sandbox.reply("Hello")
        steered.ask()
        steered.ask(sandbox="/s/one")
        wait_for_end(steered.mock)
        wait_for_end(sandbox)
        scraped = Scraped(steered.http)
        assert scraped.get("vllm:request_success_total", finished_reason="stop", **MODEL) == 2
        assert scraped.get("openai_mockserver_sandboxes") == 1
        assert steered.http.get("/s/one/metrics").status_code == 404
    scraped = Scraped(steered.http)
    assert scraped.get("openai_mockserver_sandboxes") == 0
    assert scraped.get("vllm:request_success_total", finished_reason="stop", **MODEL) == 2


def test_a_reset_does_not_turn_counters_back(steered: Steered) -> None:
    steered.mock.reply("Hello")
    steered.ask()
    wait_for_end(steered.mock)
    steered.http.post("/_mock/reset")
    scraped = Scraped(steered.http)
    assert scraped.get("vllm:request_success_total", finished_reason="stop", **MODEL) == 1


def test_openmetrics_says_the_same(server: Steered) -> None:
    server.mock.reply("Hello world")
    server.ask()
    wait_for_end(server.mock)
    response = server.http.get("/metrics", headers={"accept": OPENMETRICS})
    assert response.headers["content-type"].startswith(OPENMETRICS)
    samples = {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in read_openmetrics(response.text)
        for sample in family.samples
    }
    text = Scraped(server.http).values
    ours = {key for key in text if key[0].startswith(("vllm:", "openai_mockserver_"))}
    assert len(ours) > 200
    assert {key: samples[key] for key in ours} == {key: text[key] for key in ours}


def test_every_metric_of_the_table_is_there(server: Steered) -> None:
    server.mock.reply("Hello")
    server.ask()
    wait_for_end(server.mock)
    response = server.http.get("/metrics", headers={"accept": OPENMETRICS})
    families = {family.name: family for family in read_openmetrics(response.text)}
    for name, family in FAMILIES.items():
        one = families[name.removesuffix("_total")]
        assert (one.type, one.documentation) == (family.kind, family.meaning)
        labels = [sample.labels.keys() - {"le"} for sample in one.samples]
        assert all(found == set(family.labels) for found in labels), name
    process = {name for name in families if name.startswith("process_")}
    assert {"process_cpu_seconds", "process_resident_memory_bytes"} <= process


def test_a_page_without_requests_has_no_models(server: Steered) -> None:
    scraped = Scraped(server.http)
    assert not [name for name, _ in scraped.values if name.startswith("vllm:")]
    assert scraped.get("openai_mockserver_requests_in_progress") == 0


def test_scraping_is_no_call(server: Steered) -> None:
    Scraped(server.http)
    assert not server.mock.calls
    assert not server.mock.counts.copy_sums().requests


# Who may read


def test_metrics_need_no_key_and_no_token() -> None:
    with MockOpenAI(api_key="sk-1", control=True, control_token="s3cret") as mock:
        with httpx.Client(base_url=mock.base_url.removesuffix("/v1"), trust_env=False) as http:
            Scraped(http)
            assert http.head("/metrics").status_code == 200
            assert http.options("/metrics").headers["allow"] == "GET, HEAD, OPTIONS"
            assert http.post("/metrics").status_code == 405
            foreign = http.get("/metrics", headers={"host": "example.com"})
            assert foreign.status_code == 403


def test_without_the_library_the_answer_says_what_to_install(
    server: Steered, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(sys.modules, "openai_mockserver.metrics.prometheus", raising=False)
    monkeypatch.setitem(sys.modules, "prometheus_client", None)
    response = server.http.get("/metrics")
    assert response.status_code == 501
    assert response.json()["detail"].endswith('pip install "openai-mockserver[metrics]"')


def test_the_library_is_imported_when_somebody_asks() -> None:
    code = """
import sys, urllib.request
from openai_mockserver import MockOpenAI
with MockOpenAI() as mock:
    url = mock.base_url.removesuffix("/v1")
    urllib.request.urlopen(f"{url}/health").read()
    print("prometheus_client" in sys.modules)
    urllib.request.urlopen(f"{url}/metrics").read()
    print("prometheus_client" in sys.modules)
"""
    assert run(sys.executable, "-c", code).split() == ["False", "True"]


def test_scrapes_at_the_same_time_as_streams_lose_nothing(server: Steered) -> None:
    server.mock.reply("one two three", pace="0.001,0.001")
    pages: list[Scraped] = []

    def scrape() -> None:
        with httpx.Client(base_url=server.url, trust_env=False) as http:
            pages.extend(Scraped(http) for _ in range(10))

    thread = threading.Thread(target=scrape)
    thread.start()
    for _ in range(20):
        server.ask(stream=True)
    thread.join(30)
    assert len(pages) == 10
    wait_for_end(server.mock)
    ends = {"finished_reason": "stop", **MODEL}
    counts: list[Any] = [page.get("vllm:request_success_total", **ends) or 0 for page in pages]
    assert counts == sorted(counts)
    assert Scraped(server.http).get("vllm:request_success_total", **ends) == 20


def test_the_queue_of_an_engine_is_seen(steered: Steered) -> None:
    steered.mock.engine = Engine(slots=1, prefill=(0.05, 0.0), decode=(0.05, 0.0), cache_blocks=8)
    steered.mock.reply("one two three four five six seven eight nine ten")
    with ThreadPoolExecutor(2) as threads:
        answers = [threads.submit(steered.ask, stream=True) for _ in range(2)]
        waiting: list[float] = []
        while not all(answer.done() for answer in answers):
            scraped = Scraped(steered.http)
            waiting.append(scraped.get("vllm:num_requests_waiting", **MODEL) or 0)
        assert [answer.result().split()[-1] for answer in answers] == ["ten", "ten"]
    assert max(waiting) == 1
    wait_for_end(steered.mock)
    scraped = Scraped(steered.http)
    queued = scraped.get("vllm:request_queue_time_seconds_sum", **MODEL)
    assert queued is not None
    assert 0.4 < queued < 5, "the second waits for the first, which takes 0.6 s"
    assert scraped.get("vllm:num_requests_waiting", **MODEL) == 0


def test_relayed_answers_are_measured_too(server: Steered) -> None:
    answer = Reply("one two three four", usage=Usage(99, 4))
    server.mock.reply(answer, pace="0.03,0.01", dialect="groq")  # which always states its usage
    with MockOpenAI(upstream=server.mock.base_url) as proxy:
        one = Steered(proxy)
        with one.http:
            one.ask(stream=True)
            wait_for_end(proxy)
            scraped = Scraped(one.http)
    assert scraped.get("vllm:prompt_tokens_total", **MODEL) == 99
    assert scraped.get("vllm:generation_tokens_total", **MODEL) == 4
    assert scraped.get("vllm:inter_token_latency_seconds_count", **MODEL) == 4
    first = scraped.get("vllm:time_to_first_token_seconds_sum", **MODEL)
    assert first is not None
    assert first > 0.02
