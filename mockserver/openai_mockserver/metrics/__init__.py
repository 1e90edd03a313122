"""Metrics of a server: what was asked, how it was answered, and how fast.

`measure` turns a call that has ended into numbers, `counts` adds them up, `prometheus` encodes the
sums, and `otel` exports what a model server measures; `families` is the table of all metrics.

Rules of this package: nothing happens for each event. What a call has logged is added up once, when
it ends. The libraries that encode metrics are imported only when somebody asks for them.
"""

from openai_mockserver.metrics.counts import Counts, Gauges, ModelSums, Sums
from openai_mockserver.metrics.families import FAMILIES, OTEL_FAMILIES, Family
from openai_mockserver.metrics.measure import Generation, Measurement, measure_call

__all__ = [
    "FAMILIES",
    "OTEL_FAMILIES",
    "Counts",
    "Family",
    "Gauges",
    "Generation",
    "Measurement",
    "ModelSums",
    "Sums",
    "measure_call",
]
