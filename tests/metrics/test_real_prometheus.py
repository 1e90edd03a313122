"""A real Prometheus scrapes a server, and vLLM's dashboard finds its data there.

The queries are those of vLLM's dashboards, as of November 2026:
https://github.com/vllm-project/vllm/blob/main/examples/observability/prometheus_grafana/grafana.json
https://github.com/vllm-project/vllm/tree/main/examples/observability/dashboards/grafana
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from openai_mockserver.mock import MockOpenAI
from prometheus_server import (
    RANGE,
    Prometheus,
    needs_prometheus,
    requesting,
    running_prometheus,
)

pytestmark = [pytest.mark.slow, needs_prometheus]

LATENCIES = ("e2e_request_latency", "inter_token_latency", "time_to_first_token")
GRAFANA = (
    *(
        f"histogram_quantile({share}, sum by(le) "
        f'(rate(vllm:{name}_seconds_bucket{{model_name="$model_name"}}[$__rate_interval])))'
        for name in LATENCIES
        for share in ("0.99", "0.95", "0.9", "0.5")
    ),
    *(
        f'rate(vllm:{name}_seconds_sum{{model_name="$model_name"}}[$__rate_interval])\n/\n'
        f'rate(vllm:{name}_seconds_count{{model_name="$model_name"}}[$__rate_interval])'
        for name in LATENCIES
    ),
    'rate(vllm:prompt_tokens_total{model_name="$model_name"}[$__rate_interval])',
    'rate(vllm:generation_tokens_total{model_name="$model_name"}[$__rate_interval])',
    'vllm:num_requests_running{model_name="$model_name"}',
    'vllm:num_requests_waiting{model_name="$model_name"}',
    'vllm:kv_cache_usage_perc{model_name="$model_name"}',
    "sum by(le) "
    '(increase(vllm:request_prompt_tokens_bucket{model_name="$model_name"}[$__rate_interval]))',
    "sum by(le) "
    '(increase(vllm:request_generation_tokens_bucket{model_name="$model_name"}[$__rate_interval]))',
    "sum by(finished_reason) "
    '(increase(vllm:request_success_total{model_name="$model_name"}[$__rate_interval]))',
    'rate(vllm:request_queue_time_seconds_sum{model_name="$model_name"}[$__rate_interval])',
    'rate(vllm:request_prefill_time_seconds_sum{model_name="$model_name"}[$__rate_interval])',
    'rate(vllm:request_decode_time_seconds_sum{model_name="$model_name"}[$__rate_interval])',
    'rate(vllm:request_max_num_generation_tokens_sum{model_name="$model_name"}[$__rate_interval])',
)
STATISTICS = (
    'sum by (model_name) (\n  rate(vllm:request_success_total{model_name=~"$Deployment_id"}'
    "[$__rate_interval])\n)",
    "histogram_quantile(0.90, sum by(le, model_name) (rate(vllm:request_prompt_tokens_bucket"
    '{model_name=~"$Deployment_id"}[$__rate_interval])))',
    'sum(rate(vllm:prompt_tokens_total{model_name=~"$Deployment_id"}[$__rate_interval]))\n/\n'
    'sum(rate(vllm:request_success_total{model_name=~"$Deployment_id"}[$__rate_interval]))',
    "(sum(increase(vllm:time_to_first_token_seconds_sum[$__range])) / "
    "sum(increase(vllm:time_to_first_token_seconds_count[$__range])))",
)
VARIABLES = {
    "$model_name": "gpt-4o",
    "$Deployment_id": ".*",
    "$__rate_interval": RANGE,
    "$__range": RANGE,
}
"""What Grafana puts in the place of its variables."""


def fill(query: str) -> str:
    for name, value in VARIABLES.items():
        query = query.replace(name, value)
    return query


@pytest.fixture(scope="module")
def scraped(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    """A Prometheus that scrapes a server which answers requests all the time."""
    with MockOpenAI() as mock, requesting(mock):
        target = mock.base_url.split("/")[2]
        with running_prometheus(target, tmp_path_factory.mktemp("prometheus")) as prometheus:
            yield prometheus


def test_the_server_is_up(scraped: Prometheus) -> None:
    assert scraped.find_empty(["up == 1"]) == []


@pytest.mark.parametrize("queries", [GRAFANA, STATISTICS], ids=["grafana.json", "statistics"])
def test_every_query_of_the_dashboards_of_vllm_returns_data(
    scraped: Prometheus, queries: tuple[str, ...]
) -> None:
    assert scraped.find_empty(map(fill, queries)) == []


def test_our_own_metrics_return_data(scraped: Prometheus) -> None:
    queries = (
        'rate(openai_mockserver_requests_total{status="200"}[10s])',
        'rate(openai_mockserver_faults_total{fault="reset"}[10s]) > 0',
        "histogram_quantile(0.99, rate(openai_mockserver_lateness_seconds_bucket[10s]))",
        "openai_mockserver_info",
        "rate(process_cpu_seconds_total[10s])",
    )
    assert scraped.find_empty(queries) == []


def test_a_rate_is_that_of_the_requests(scraped: Prometheus) -> None:
    """A short answer has two tokens, and a long one has at least five."""
    mean = "sum(rate(vllm:request_generation_tokens_sum[10s])) / "
    mean += 'sum(rate(vllm:request_success_total{finished_reason!="error"}[10s]))'
    assert scraped.find_empty([mean]) == []
    assert 1 < scraped.query(mean)[0] < 10


def test_promtool_finds_nothing_but_the_colons_of_vllm() -> None:
    with MockOpenAI() as mock, httpx.Client(trust_env=False) as http:
        mock.reply("Hello")
        body = {"model": "gpt-4o", "messages": [{"role": "user", "content": "Hi"}]}
        http.post(f"{mock.base_url}/chat/completions", json=body)
        page = http.get(mock.base_url.replace("/v1", "/metrics")).text
    check = ["promtool", "check", "metrics"]
    ran = subprocess.run(check, input=page, text=True, capture_output=True)
    lines = (ran.stdout + ran.stderr).splitlines()
    assert len(lines) > 10
    colon = "metric names should not contain ':'"
    assert [line for line in lines if not (line.startswith("vllm:") and line.endswith(colon))] == []


def test_prometheus_would_notice_a_server_that_is_gone(tmp_path: Path) -> None:
    """If it did not, the tests above could not fail."""
    with MockOpenAI() as mock:
        target = mock.base_url.split("/")[2]
        with running_prometheus(target, tmp_path) as prometheus:
            assert prometheus.find_empty(["up == 1"]) == []
            mock.stop()
            assert prometheus.find_empty(["up == 0"]) == []
            assert prometheus.query("vllm:nothing") == []
