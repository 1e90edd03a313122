"""The table of metrics: name, kind, labels, meaning, buckets.

Rules of this file: data only. Names, labels and buckets with ``vllm:`` are those of vLLM's
``vllm/v1/metrics/loggers.py``, so that its dashboards and the autoscalers that read it work here.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain, product
from typing import Literal

__all__ = [
    "BUCKETS_OF_TOKENS",
    "FAMILIES",
    "OTEL_FAMILIES",
    "Family",
    "Kind",
    "build_token_buckets",
]

Kind = Literal["counter", "gauge", "histogram"]


@dataclass(frozen=True, slots=True)
class Family:
    """A metric.

    Args:
        name: the name; that of a counter ends with ``_total``, and a histogram has series with
            ``_bucket``, ``_sum`` and ``_count`` after it.
        kind: what it is.
        labels: the names of its labels, in order.
        meaning: what it measures, in one sentence.
        buckets: upper bounds of a histogram's buckets, without infinity.
    """

    name: str
    kind: Kind
    labels: tuple[str, ...]
    meaning: str
    buckets: tuple[float, ...] = ()


def build_token_buckets(longest: int) -> tuple[float, ...]:
    """Return 1, 2, 5, 10, 20, 50 and so on, up to the longest context.

    Args:
        longest: tokens of the longest context.

    >>> build_token_buckets(100)
    (1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0)
    """
    powers = range(len(str(longest)))
    bounds = (factor * 10.0**power for power, factor in product(powers, (1, 2, 5)))
    return tuple(bound for bound in bounds if bound <= longest)


BUCKETS_OF_TOKENS = build_token_buckets(131_072)
"""vLLM's end at the length of the model's context; this is that of many models."""

_TTFT = (
    0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0,
    20.0, 40.0, 80.0, 160.0, 640.0, 2560.0,
)  # fmt: skip
_ITL = (
    0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0, 20.0,
    40.0, 80.0,
)  # fmt: skip
_LATENCY = (
    0.3, 0.5, 0.8, 1.0, 1.5, 2.0, 2.5, 5.0, 10.0, 15.0, 20.0, 30.0, 40.0, 50.0, 60.0, 120.0,
    240.0, 480.0, 960.0, 1920.0, 7680.0,
)  # fmt: skip
_N = (1.0, 2.0, 5.0, 10.0, 20.0)
_LATENESS = (
    0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0,
)  # fmt: skip

_MODEL = ("model_name", "engine")


def _list_vllm() -> Iterator[Family]:
    """Yield the metrics that vLLM has too."""
    gauges = {
        "num_requests_running": "Requests that are being answered.",
        "num_requests_waiting": "Requests that wait for a slot.",
        "kv_cache_usage_perc": "Part of the KV cache that is used, from 0 to 1.",
    }
    for name, meaning in gauges.items():
        yield Family(f"vllm:{name}", "gauge", _MODEL, meaning)
    counters = {
        "prompt_tokens": "Tokens of prompts.",
        "generation_tokens": "Tokens of answers.",
        "prefix_cache_queries": "Tokens of prompts that were looked up in the prefix cache.",
        "prefix_cache_hits": "Those of them that were cached.",
        "num_preemptions": "Requests that were preempted; always 0.",
    }
    for name, meaning in counters.items():
        yield Family(f"vllm:{name}_total", "counter", _MODEL, meaning)
    yield Family(
        "vllm:request_success_total",
        "counter",
        (*_MODEL, "finished_reason"),
        "Answers that have ended, by reason: stop, length, abort or error.",
    )
    histograms = {
        "time_to_first_token_seconds": ("Seconds from the request to the first token.", _TTFT),
        "inter_token_latency_seconds": ("Seconds between two tokens.", _ITL),
        "request_time_per_output_token_seconds": (
            "Mean seconds between two tokens of an answer.",
            _ITL,
        ),
        "e2e_request_latency_seconds": ("Seconds from the request to the last byte.", _LATENCY),
        "request_queue_time_seconds": ("Seconds for which a request waits for a slot.", _LATENCY),
        "request_inference_time_seconds": ("Seconds for which a request has a slot.", _LATENCY),
        "request_prefill_time_seconds": ("Seconds from the slot to the first token.", _LATENCY),
        "request_decode_time_seconds": ("Seconds from the first token to the last.", _LATENCY),
        "request_prompt_tokens": ("Tokens of a prompt.", BUCKETS_OF_TOKENS),
        "request_generation_tokens": ("Tokens of an answer.", BUCKETS_OF_TOKENS),
        "request_max_num_generation_tokens": (
            "Tokens of one of the n answers, if they are equally long.",
            BUCKETS_OF_TOKENS,
        ),
        "request_params_max_tokens": (
            "The parameter max_tokens, or its newer names, of requests that have it.",
            BUCKETS_OF_TOKENS,
        ),
        "request_params_n": ("The parameter n.", _N),
    }
    for name, (meaning, buckets) in histograms.items():
        yield Family(f"vllm:{name}", "histogram", _MODEL, meaning, buckets)


_OURS = (
    Family("info", "gauge", ("version",), "Always 1; the label says which version runs."),
    Family(
        "requests_total",
        "counter",
        ("endpoint", "method", "status"),
        "Requests whose response has ended, also those that are refused.",
    ),
    Family("requests_in_progress", "gauge", (), "Requests whose response has not ended."),
    Family("events_total", "counter", (), "Events and messages that clients were sent."),
    Family("response_bytes_total", "counter", (), "Bytes of the bodies that clients were sent."),
    Family("faults_total", "counter", ("fault",), "Faults that happened to responses."),
    Family(
        "clients_gone_total",
        "counter",
        (),
        "Responses that did not end because their client had left.",
    ),
    Family("problems_total", "counter", (), "Requests that could not be answered or recorded."),
    Family(
        "lateness_seconds",
        "histogram",
        (),
        "Seconds by which an event was written after it was due.",
        _LATENESS,
    ),
    Family("sandboxes", "gauge", (), "Sandboxes that exist."),
)

FAMILIES: dict[str, Family] = {
    family.name: family
    for family in chain(
        _list_vllm(),
        (
            Family(f"openai_mockserver_{one.name}", one.kind, one.labels, one.meaning, one.buckets)
            for one in _OURS
        ),
    )
}
"""The metrics by name, in the order in which they are shown."""

_ATTRIBUTES = (
    "gen_ai.operation.name", "gen_ai.provider.name", "gen_ai.request.model",
    "gen_ai.response.model", "error.type",
)  # fmt: skip

OTEL_FAMILIES: dict[str, Family] = {
    family.name: family
    for family in (
        Family(
            "gen_ai.server.time_to_first_token",
            "histogram",
            _ATTRIBUTES[:-1],
            "Seconds from the request to the first token of an answer that succeeds.",
            _TTFT[: _TTFT.index(10.0) + 1],
        ),
        Family(
            "gen_ai.server.time_per_output_token",
            "histogram",
            _ATTRIBUTES[:-1],
            "Mean seconds between two tokens of an answer that succeeds.",
            _ITL[: _ITL.index(2.5) + 1],
        ),
        Family(
            "gen_ai.server.request.duration",
            "histogram",
            _ATTRIBUTES,
            "Seconds from the request to the last byte, also of errors.",
            tuple(0.01 * 2**power for power in range(14)),
        ),
    )
}
"""The metrics of OpenTelemetry's conventions for servers of generative AI, by name.

https://opentelemetry.io/docs/specs/semconv/gen-ai/gen-ai-metrics/
"""
