"""The metrics of OpenTelemetry's conventions: names, attributes, buckets, and which calls count."""

from __future__ import annotations

from typing import Any

import pytest
from opentelemetry.sdk.metrics.export import InMemoryMetricReader

from openai_mockserver.metrics import Generation, Measurement
from openai_mockserver.metrics.otel import TokenExporter

CHAT = "/v1/chat/completions"
GENERATION = Generation("m", "stop", 0.2, (0.02, 0.04), 0, 0.26, 0.0, 0.06, 8, 0, 3, None, 1)
MEASUREMENT = Measurement(CHAT, "POST", 200, (), False, False, 0.26, 4, 400, (), (), GENERATION)
NAMES = {
    "gen_ai.server.time_to_first_token",
    "gen_ai.server.time_per_output_token",
    "gen_ai.server.request.duration",
}


def export(*measurements: Measurement) -> dict[str, Any]:
    """Return the data points of each metric after these calls; there is one for each metric."""
    reader = InMemoryMetricReader()
    exporter = TokenExporter(reader)
    for measurement in measurements:
        exporter.record(measurement)
    data = reader.get_metrics_data()
    exporter.stop()
    metrics = data.resource_metrics[0].scope_metrics[0].metrics if data else ()
    return {metric.name: list(metric.data.data_points) for metric in metrics}


def test_an_answer_has_all_three() -> None:
    points = export(MEASUREMENT, MEASUREMENT)
    assert set(points) == NAMES
    sums = {name: point.sum for name, (point,) in points.items()}
    assert sums["gen_ai.server.time_to_first_token"] == pytest.approx(0.4)
    assert sums["gen_ai.server.time_per_output_token"] == pytest.approx(0.06)
    assert sums["gen_ai.server.request.duration"] == pytest.approx(0.52)
    for (point,) in points.values():
        assert point.count == 2
        assert dict(point.attributes) == {
            "gen_ai.operation.name": "chat",
            "gen_ai.provider.name": "openai",
            "gen_ai.request.model": "m",
            "gen_ai.response.model": "m",
        }


def test_the_buckets_are_those_of_the_conventions() -> None:
    points = export(MEASUREMENT)
    bounds = {name: point.explicit_bounds for name, (point,) in points.items()}
    assert bounds["gen_ai.server.time_to_first_token"][:3] == (0.001, 0.005, 0.01)
    assert bounds["gen_ai.server.time_per_output_token"][-2:] == (1.0, 2.5)
    assert bounds["gen_ai.server.request.duration"][-2:] == (40.96, 81.92)


def test_legacy_completions_are_another_operation() -> None:
    points = export(MEASUREMENT._replace(endpoint="/v1/completions"))
    (point,) = points["gen_ai.server.request.duration"]
    assert point.attributes["gen_ai.operation.name"] == "text_completion"


@pytest.mark.parametrize(
    ("measurement", "error_type"),
    [
        (MEASUREMENT._replace(status=429, generation=None), "429"),
        (MEASUREMENT._replace(generation=GENERATION._replace(finished_reason="error")), "error"),
        (MEASUREMENT._replace(generation=GENERATION._replace(finished_reason="abort")), "abort"),
    ],
)
def test_an_answer_that_fails_has_only_a_duration(
    measurement: Measurement, error_type: str
) -> None:
    points = export(measurement)
    assert set(points) == {"gen_ai.server.request.duration"}
    (point,) = points["gen_ai.server.request.duration"]
    assert point.attributes["error.type"] == error_type


def test_a_body_without_an_engine_has_no_time_per_token() -> None:
    generation = GENERATION._replace(gaps=(), decode=0.0)
    points = export(MEASUREMENT._replace(generation=generation))
    assert set(points) == NAMES - {"gen_ai.server.time_per_output_token"}


def test_other_requests_do_not_count() -> None:
    assert export(MEASUREMENT._replace(endpoint="/v1/models", generation=None)) == {}
    assert export(MEASUREMENT._replace(method="GET", generation=None)) == {}


def test_a_name_of_the_service_may_be_set(monkeypatch: pytest.MonkeyPatch) -> None:
    def read_name() -> object:
        reader = InMemoryMetricReader()
        exporter = TokenExporter(reader)
        exporter.record(MEASUREMENT)
        data = reader.get_metrics_data()
        exporter.stop()
        assert data is not None
        return data.resource_metrics[0].resource.attributes["service.name"]

    assert read_name() == "openai-mockserver"
    monkeypatch.setenv("OTEL_SERVICE_NAME", "my-model")
    assert read_name() == "my-model"
