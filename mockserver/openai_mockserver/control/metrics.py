"""The metrics at ``/metrics``, where Prometheus looks for them.

Rules of this file: as for health, they need no token and are there without the control API. They
are not part of it, and not in its document.
"""

from __future__ import annotations

from openai_mockserver.control.problem import Problem
from openai_mockserver.control.routing import ControlRequest, Route
from openai_mockserver.control.steerable import Steerable
from openai_mockserver.control.version import get_version
from openai_mockserver.metrics import Gauges
from openai_mockserver.server.door import SideResponse

__all__ = ["METRICS_ROUTE"]


def get_metrics(mock: Steerable, request: ControlRequest) -> SideResponse:
    """Return the metrics of a server and its sandboxes, in a format that the client accepts."""
    try:
        from openai_mockserver.metrics.prometheus import encode_sums
    except ModuleNotFoundError:
        raise Problem(
            501,
            'metrics need the package prometheus_client: pip install "openai-mockserver[metrics]"',
        ) from None
    gauges = Gauges(len(mock.sandboxes), get_version(), str(mock.worker), mock.cache_use)
    page = encode_sums(mock.counts.copy_sums(), gauges, request.accept)
    headers = (
        ("content-type", page.media),
        ("content-length", str(len(page.content))),
        ("cache-control", "no-store"),
    )
    return SideResponse(200, headers, page.content)


METRICS_ROUTE = Route(
    method="GET",
    path="/metrics",
    handle=get_metrics,
    name="getMetrics",
    summary="The metrics, for Prometheus",
    place="server",
    is_open=True,
    workers="sum",
)
"""The route of the metrics."""
