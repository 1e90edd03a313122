"""Sums in the formats of Prometheus: its text format, and OpenMetrics.

Rules of this file: prometheus_client writes the formats, and chooses one by the ``Accept`` header;
it keeps no number. It is an optional dependency, which only this file imports.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from itertools import accumulate
from typing import NamedTuple

from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.openmetrics import exposition as openmetrics
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString

from openai_mockserver.metrics.counts import Gauges, Histogram, ModelSums, Sums
from openai_mockserver.metrics.families import FAMILIES, Family

__all__ = ["Page", "encode_sums"]


class Page(NamedTuple):
    """The metrics in a format.

    Args:
        media: the content type.
        content: the bytes.
    """

    media: str
    content: bytes


def encode_sums(sums: Sums, gauges: Gauges, accept: str) -> Page:
    """Return all metrics in a format that a client accepts.

    Args:
        sums: the sums.
        gauges: what is now.
        accept: the client's ``Accept`` header; without OpenMetrics in it, the format is the text
            format (https://prometheus.io/docs/instrumenting/exposition_formats/).
    """
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Sums(sums, gauges))
    ProcessCollector(registry=registry)
    encode, media = choose_encoder(accept)
    if media.startswith("application/openmetrics-text"):
        # Of its own accord prometheus_client 0.26 writes `vllm_` here, although a colon is allowed.
        encode = partial(openmetrics.generate_latest, escaping=openmetrics.ALLOWUTF8)
    return Page(media, encode(registry))


class _Sums(Collector):
    """Gives prometheus_client the sums as its own values."""

    def __init__(self, sums: Sums, gauges: Gauges) -> None:
        self._values = _Values(sums, gauges)

    def collect(self) -> Iterator[Metric]:
        for family in FAMILIES.values():
            yield _MAKE[family.kind](family, list(self._values.list_rows(family)))


Value = float | Histogram
Row = tuple[tuple[str, ...], Value]
"""The values of a metric's labels, and its own."""


class _Values:
    """Finds the values of a metric."""

    def __init__(self, sums: Sums, gauges: Gauges) -> None:
        self._sums = sums
        self._gauges = gauges
        self._rows: dict[str, list[Row]] = {
            "openai_mockserver_info": [((gauges.version,), 1)],
            "openai_mockserver_sandboxes": [((), gauges.sandboxes)],
            "openai_mockserver_requests_in_progress": [((), sums.in_progress)],
            "openai_mockserver_requests_total": sorted(sums.requests.items()),
            "openai_mockserver_faults_total": [
                ((name,), count) for name, count in sorted(sums.faults.items())
            ],
            "openai_mockserver_lateness_seconds": [((), sums.lateness)],
        }

    def list_rows(self, family: Family) -> Iterator[Row]:
        """Yield the rows of a metric."""
        if family.name in self._rows:
            yield from self._rows[family.name]
        elif family.labels[:1] == ("model_name",):
            for name, model in self._sums.models.items():
                for labels, value in self._list_model_rows(family, name, model):
                    yield (name, self._gauges.engine, *labels), value
        else:
            yield (), self._sums.counters[family.name]

    def _list_model_rows(self, family: Family, name: str, model: ModelSums) -> Iterator[Row]:
        if family.name == "vllm:num_requests_running":
            yield (), self._sums.running[name]
        elif family.name == "vllm:num_requests_waiting":
            yield (), self._sums.waiting[name]
        elif family.name == "vllm:kv_cache_usage_perc":
            yield (), self._gauges.cache_use
        elif family.name == "vllm:request_success_total":
            for reason in FINISHED_REASONS:
                yield (reason,), model.reasons[reason]
        elif family.kind == "histogram":
            yield (), model.histograms[family.name]
        else:
            yield (), model.counters[family.name]


FINISHED_REASONS = ("stop", "length", "abort", "error")
"""The words of vLLM's ``FinishReason`` that occur here."""


def _make_counter(family: Family, rows: list[Row]) -> Metric:
    metric = CounterMetricFamily(family.name, family.meaning, labels=family.labels)
    for labels, value in rows:
        assert not isinstance(value, Histogram)
        metric.add_metric(labels, value)
    return metric


def _make_gauge(family: Family, rows: list[Row]) -> Metric:
    metric = GaugeMetricFamily(family.name, family.meaning, labels=family.labels)
    for labels, value in rows:
        assert not isinstance(value, Histogram)
        metric.add_metric(labels, value)
    return metric


def _make_histogram(family: Family, rows: list[Row]) -> Metric:
    metric = HistogramMetricFamily(family.name, family.meaning, labels=family.labels)
    for labels, value in rows:
        assert isinstance(value, Histogram)
        metric.add_metric(labels, _add_up(value), value.total)
    return metric


_MAKE = {"counter": _make_counter, "gauge": _make_gauge, "histogram": _make_histogram}


def _add_up(histogram: Histogram) -> list[tuple[str, float]]:
    """Return the buckets as Prometheus has them: each contains the values of those before."""
    bounds = [*map(floatToGoString, histogram.bounds), "+Inf"]
    return list(zip(bounds, accumulate(histogram.counts), strict=True))
