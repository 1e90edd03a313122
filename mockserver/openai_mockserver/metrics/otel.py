"""Export of what a model server measures, over OTLP/HTTP.

The names, attributes and buckets are those of OpenTelemetry's conventions for servers of generative
AI: https://opentelemetry.io/docs/specs/semconv/gen-ai/gen-ai-metrics/

Rules of this file: OpenTelemetry's own environment variables configure the export, and its SDK
reads them. It is an optional dependency, which only this file imports.
"""

from __future__ import annotations

from collections.abc import Mapping

from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import MetricReader, PeriodicExportingMetricReader
from opentelemetry.sdk.resources import SERVICE_NAME, Resource

from openai_mockserver.metrics.counts import show_model
from openai_mockserver.metrics.families import OTEL_FAMILIES
from openai_mockserver.metrics.measure import GENERATING, Measurement

__all__ = ["TokenExporter"]

_NAME = "openai-mockserver"
_OPERATIONS = {"/v1/completions": "text_completion"}  # all others are chats
_STOP = 1.5  # seconds within which the last export must end


class TokenExporter:
    """Exports the times of a model server's answers, periodically and when it stops.

    Args:
        reader: what collects the metrics; by default one that sends them to the endpoint that
            ``OTEL_EXPORTER_OTLP_ENDPOINT`` names, every ``OTEL_METRIC_EXPORT_INTERVAL`` ms.
    """

    def __init__(self, reader: MetricReader | None = None) -> None:
        reader = reader or PeriodicExportingMetricReader(OTLPMetricExporter())
        resource = Resource.create()
        if str(resource.attributes.get(SERVICE_NAME, "")).startswith("unknown_service"):
            resource = resource.merge(Resource({SERVICE_NAME: _NAME}))
        self._provider = MeterProvider([reader], resource, shutdown_on_exit=False)
        meter = self._provider.get_meter(_NAME)
        self._first, self._per_token, self._duration = (
            meter.create_histogram(
                family.name,
                "s",
                family.meaning,
                explicit_bucket_boundaries_advisory=family.buckets,
            )
            for family in OTEL_FAMILIES.values()
        )

    def record(self, measurement: Measurement) -> None:
        """Record a call that has ended, if it was a request to generate text."""
        if measurement.endpoint not in GENERATING or measurement.method != "POST":
            return
        attributes = _describe(measurement)
        self._duration.record(measurement.latency, attributes)
        generation = measurement.generation
        if generation is None or "error.type" in attributes:
            return
        if generation.time_to_first_token is not None:
            self._first.record(generation.time_to_first_token, attributes)
        if generation.time_per_token is not None:
            self._per_token.record(generation.time_per_token, attributes)

    def stop(self) -> None:
        """Export what was recorded since the last export, and stop."""
        self._provider.shutdown(timeout_millis=_STOP * 1000)


def _describe(measurement: Measurement) -> Mapping[str, str]:
    """Return the attributes of a request."""
    attributes = {
        "gen_ai.operation.name": _OPERATIONS.get(measurement.endpoint, "chat"),
        "gen_ai.provider.name": "openai",
    }
    if (generation := measurement.generation) is None:
        return attributes | {"error.type": str(measurement.status)}
    attributes["gen_ai.request.model"] = show_model(generation.model)
    attributes["gen_ai.response.model"] = attributes["gen_ai.request.model"]
    if generation.finished_reason in ("abort", "error"):
        attributes["error.type"] = generation.finished_reason
    return attributes
