"""`serve` with OpenTelemetry's environment variables: what a receiver of OTLP/HTTP gets."""

from __future__ import annotations

import socket
import sys
from collections.abc import Mapping

import pytest

from commands import run
from openai_mockserver.cli.log import Log
from openai_mockserver.cli.telemetry import exporting_metrics, find_endpoint
from openai_mockserver.exceptions import MissingDependency, MockServerError
from openai_mockserver.metrics import Counts
from otlp_receiver import list_points, receiving_metrics
from running_server import serving

pytestmark = pytest.mark.slow

ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"
FIRST = "gen_ai.server.time_to_first_token"
DURATION = "gen_ai.server.request.duration"


def test_a_receiver_gets_the_metrics_while_the_server_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    with receiving_metrics() as receiver:
        monkeypatch.setenv(ENDPOINT, receiver.url)
        monkeypatch.setenv("OTEL_METRIC_EXPORT_INTERVAL", "100")
        with serving("--pace", "0.02,0.005") as server:
            with server.open_stream() as response:
                assert response.read().endswith(b"data: [DONE]\n\n")
            points = list_points(receiver.next())
            (first,) = points[FIRST]
            assert first.count == 1
            assert 0.015 < first.sum < 5
            (per_token,) = points["gen_ai.server.time_per_output_token"]
            assert 0 < per_token.sum < 1
            attributes = {one.key: one.value.string_value for one in first.attributes}
            assert attributes["gen_ai.request.model"] == "gpt-4o"


def test_a_server_that_stops_sends_what_it_has(monkeypatch: pytest.MonkeyPatch) -> None:
    with receiving_metrics() as receiver:
        monkeypatch.setenv(ENDPOINT, receiver.url)
        monkeypatch.setenv("OTEL_METRIC_EXPORT_INTERVAL", "3600000")
        with serving("--api-key", "sk-1", "--pace", "none") as server:
            assert server.ask("sk-1").status_code == 200
            assert server.ask("wrong").status_code == 401
            server.stop()
        export = receiver.next()
        statuses = {
            attribute.value.string_value
            for point in list_points(export)[DURATION]
            for attribute in point.attributes
            if attribute.key == "error.type"
        }
        assert statuses == {"401"}
        assert sum(point.count for point in list_points(export)[DURATION]) == 2
        resource = {one.key: one.value.string_value for one in export.resource.attributes}
        assert resource["service.name"] == "openai-mockserver"


def test_a_receiver_that_is_not_there_disturbs_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    monkeypatch.setenv(ENDPOINT, f"http://127.0.0.1:{port}")
    monkeypatch.setenv("OTEL_METRIC_EXPORT_INTERVAL", "50")
    with serving("--pace", "none", "--quiet") as server:
        assert server.ask().status_code == 200
        line = server.line()
        assert " metrics: " in line
        assert "Traceback" not in line
        assert server.ask().status_code == 200
        server.stop()  # or the test fails after a few seconds


def test_without_an_endpoint_nothing_is_imported() -> None:
    code = """
import sys
from openai_mockserver.cli.log import Log
from openai_mockserver.cli.telemetry import exporting_metrics
from openai_mockserver.metrics import Counts
with exporting_metrics(Counts(), Log("text", False)):
    print([name for name in sys.modules if name.startswith("opentelemetry.sdk")])
"""
    assert run(sys.executable, "-c", code).strip() == "[]"


def test_without_the_extra_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(ENDPOINT, "http://127.0.0.1:4318")
    monkeypatch.delitem(sys.modules, "openai_mockserver.metrics.otel", raising=False)
    monkeypatch.setitem(sys.modules, "opentelemetry.exporter.otlp.proto.http.metric_exporter", None)
    with pytest.raises(MissingDependency, match=r"pip install 'openai-mockserver\[otel\]'"):
        with exporting_metrics(Counts(), Log("text", False)):
            pytest.fail("it began without the extra")


@pytest.mark.parametrize(
    ("environment", "endpoint"),
    [
        ({}, None),
        ({ENDPOINT: ""}, None),
        ({ENDPOINT: "http://a:4318"}, "http://a:4318"),
        ({"OTEL_EXPORTER_OTLP_METRICS_ENDPOINT": "http://b/v1/metrics"}, "http://b/v1/metrics"),
        ({ENDPOINT: "http://a:4318", "OTEL_SDK_DISABLED": "true"}, None),
        ({ENDPOINT: "http://a:4318", "OTEL_METRICS_EXPORTER": "none"}, None),
        ({ENDPOINT: "http://a", "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf"}, "http://a"),
    ],
)
def test_the_variables_are_those_of_opentelemetry(
    environment: Mapping[str, str], endpoint: str | None
) -> None:
    assert find_endpoint(environment) == endpoint


@pytest.mark.parametrize(
    ("environment", "problem"),
    [
        ({ENDPOINT: "a:4317"}, f"{ENDPOINT}='a:4317' must begin with http:// or https://"),
        (
            {ENDPOINT: "http://a:4317", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"},
            "OTEL_EXPORTER_OTLP_PROTOCOL='grpc': metrics are sent as http/protobuf only",
        ),
    ],
)
def test_an_unusable_variable_is_an_error(environment: Mapping[str, str], problem: str) -> None:
    with pytest.raises(MockServerError) as raised:
        find_endpoint(environment)
    assert str(raised.value) == problem
