"""The export of metrics that OpenTelemetry's environment variables ask for.

Rules of this file: without these variables nothing is imported. What is wrong with them is said
when the server starts. If a receiver cannot be reached, the log says so, and streams go on.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

from openai_mockserver.exceptions import MissingDependency, MockServerError
from openai_mockserver.sensitive import hide_keys

if TYPE_CHECKING:
    from openai_mockserver.cli.log import Log
    from openai_mockserver.metrics import Counts

__all__ = ["exporting_metrics", "find_endpoint"]

_ENDPOINTS = ("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
_PROTOCOLS = ("OTEL_EXPORTER_OTLP_METRICS_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
_PROTOCOL = "http/protobuf"


def find_endpoint(environment: Mapping[str, str]) -> str | None:
    """Return the endpoint that metrics are exported to; None if they are not.

    Args:
        environment: the variables, of which empty ones count as not set.

    Raises MockServerError for an endpoint or a protocol that cannot be used.
    """
    if environment.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        return None
    if environment.get("OTEL_METRICS_EXPORTER", "otlp").strip() not in ("", "otlp"):
        return None
    name, endpoint = _find_first(environment, _ENDPOINTS)
    if not endpoint:
        return None
    if not endpoint.startswith(("http://", "https://")):
        shown = hide_keys(endpoint, "…")
        raise MockServerError(f"{name}={shown!r:.200} must begin with http:// or https://")
    name, protocol = _find_first(environment, _PROTOCOLS)
    if protocol not in ("", _PROTOCOL):
        raise MockServerError(f"{name}={protocol!r:.200}: metrics are sent as {_PROTOCOL} only")
    return endpoint


def _find_first(environment: Mapping[str, str], names: tuple[str, ...]) -> tuple[str, str]:
    """Return the first of these variables that is set, and its value."""
    values = [(name, environment.get(name, "").strip()) for name in names]
    return next((one for one in values if one[1]), ("", ""))


@contextmanager
def exporting_metrics(counts: Counts, log: Log) -> Iterator[None]:
    """Export the metrics while the block runs, if the environment names an endpoint.

    Raises MissingDependency if the extra ``otel`` is not installed.
    """
    if find_endpoint(os.environ) is None:
        yield
        return
    try:
        from openai_mockserver.metrics.otel import TokenExporter
    except ModuleNotFoundError:
        raise MissingDependency(
            "OTEL_EXPORTER_OTLP_ENDPOINT is set: pip install 'openai-mockserver[otel]', or set "
            "OTEL_METRICS_EXPORTER=none"
        ) from None
    logger, handler = logging.getLogger("opentelemetry"), _Handler(log)
    logger.addHandler(handler)
    logger.propagate = False
    exporter = TokenExporter()
    counts.subscribe(exporter.record)
    try:
        yield
    finally:
        exporter.stop()
        handler.has_stopped = True


class _Handler(logging.Handler):
    """Writes the warnings of the export to the server's log, without tracebacks.

    It stays when the export has stopped, because a thread of the SDK may still have something to
    say, which is of no interest then.
    """

    def __init__(self, log: Log) -> None:
        super().__init__(logging.WARNING)
        self._log = log
        self.has_stopped = False

    def emit(self, record: logging.LogRecord) -> None:
        if self.has_stopped:
            return
        sentence = hide_keys(record.getMessage(), "…")
        self._log.report("telemetry", f"metrics: {sentence}", record.levelname.lower())
