"""A receiver of metrics over OTLP/HTTP, which decodes them with OpenTelemetry's own protobuf."""

from __future__ import annotations

import queue
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import uvicorn
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
    ExportMetricsServiceResponse,
)
from opentelemetry.proto.metrics.v1.metrics_pb2 import HistogramDataPoint, ResourceMetrics
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

__all__ = ["OtlpReceiver", "list_points", "receiving_metrics"]

TOO_LONG = 20.0  # seconds after which a test that waits fails


@dataclass
class OtlpReceiver:
    """A receiver, and the exports that have arrived."""

    url: str
    exports: queue.SimpleQueue[ResourceMetrics] = field(default_factory=queue.SimpleQueue)

    def next(self) -> ResourceMetrics:
        """Return the next export; raises queue.Empty if none comes for too long."""
        return self.exports.get(timeout=TOO_LONG)


def list_points(export: ResourceMetrics) -> dict[str, list[HistogramDataPoint]]:
    """Return the data points of an export, by the name of the metric."""
    return {
        metric.name: list(metric.histogram.data_points)
        for scope in export.scope_metrics
        for metric in scope.metrics
    }


@contextmanager
def receiving_metrics() -> Iterator[OtlpReceiver]:
    """Run a receiver."""
    listener = socket.create_server(("127.0.0.1", 0))
    receiver = OtlpReceiver(f"http://127.0.0.1:{listener.getsockname()[1]}")

    async def receive(request: Request) -> Response:
        assert request.headers["content-type"] == "application/x-protobuf"
        message = ExportMetricsServiceRequest.FromString(await request.body())
        for export in message.resource_metrics:
            receiver.exports.put(export)
        body = ExportMetricsServiceResponse().SerializeToString()
        return Response(body, media_type="application/x-protobuf")

    application = Starlette(routes=[Route("/v1/metrics", receive, methods=["POST"])])
    server = uvicorn.Server(uvicorn.Config(application, log_level="critical", lifespan="off"))
    thread = threading.Thread(target=server.run, args=([listener],))
    thread.start()
    try:
        yield receiver
    finally:
        server.should_exit = True
        thread.join(TOO_LONG)
        listener.close()
