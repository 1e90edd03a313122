"""Engines by name, each with where its numbers come from.

Rules of this file: a number that nobody measured says how it was derived. Times are seconds.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, NamedTuple

from openai_mockserver.engine.capacity import Engine, Limits, override, parse_overrides
from openai_mockserver.exceptions import MockServerError

__all__ = ["PROFILES", "Profile", "as_engine"]


class Profile(NamedTuple):
    """An engine with a name.

    Args:
        engine: the engine.
        sources: the URLs of the measurements.
        derivation: how the numbers follow from them.
    """

    engine: Engine
    sources: tuple[str, ...]
    derivation: str


_NIM = "https://docs.nvidia.com/nim/benchmarking/llm/1.0.0/performance"
_VLLM_DEFAULTS = "https://docs.vllm.ai/en/latest/configuration/optimization.html"
_GPT_4O_LIMITS = (
    "https://community.openai.com/t/gpt-4o-rate-limits-being-30k-tpm-and-90k-tpd-does-that-mean-i-"
    "can-only-do-90k-tokens-in-a-day/1028595/2"
)
_PROMPT_CACHING = "https://platform.openai.com/docs/guides/prompt-caching"

_GPT_4O = Engine(
    slots=10_000,
    queue=None,
    prefill=(0.305, 0.0),
    decode=(0.016, 0.0),
    cache_blocks=100_000,
    prefix_block=128,
    prefix_minimum=1024,
    cache_seconds=600.0,
    jitter=0.3,
)

PROFILES: dict[str, Profile] = {
    "h100-8b": Profile(
        Engine(
            prefill=(0.0066, 0.0000183),
            decode=(0.0046, 0.0000346),
            knee=150,
            max_batched_tokens=8192,
            cache_blocks=61_000,
        ),
        (_NIM, _VLLM_DEFAULTS),
        "Llama 3.1 8B in FP8 on one H100 (NIM 1.8.0): ITL 4.63 ms at concurrency 1, 7.57 at "
        "100, 9.81 at 150, 16.14 at 250, from where on the throughput stays the same. A token "
        "of the prompt takes 2 × 8 / 70 of the time that it takes h100-70b, with twice the "
        "GPUs; TTFT 10.26 ms. The cache is what is left of 72 GB after 8 GB, at 64 kB a "
        "token.",
    ),
    "h100-70b": Profile(
        Engine(
            prefill=(0.0079, 0.00008),
            decode=(0.0186, 0.00006),
            max_batched_tokens=8192,
            cache_blocks=28_000,
        ),
        (_NIM, _VLLM_DEFAULTS),
        "Llama 3.3 70B in FP8 on two H100 (NIM 1.8.0): TTFT 47.77 ms with 500 tokens of prompt "
        "and 406.77 ms with 5,000; with prompts of 5,000 tokens and answers of 500, ITL 18.58 "
        "ms at concurrency 1, 38.75 at 25 and 59.73 at 50, most of which is the time of the "
        "prompts. The cache is what is left of 144 GB after 70 GB, at 160 kB a token.",
    ),
    "a100-8b": Profile(
        Engine(
            prefill=(0.0083, 0.00008),
            decode=(0.0133, 0.0004),
            knee=64,
            max_batched_tokens=2048,
            cache_blocks=9_500,
        ),
        (
            "https://johnmusgrave.com/p/vllm-throughput-latency-sweep-on",
            "https://docs.nvidia.com/nim/llama-3-1-nemotron-safety-guard-8b/1.10.1/performance.md",
            _VLLM_DEFAULTS,
        ),
        "Llama 3.1 8B in BF16 on one A100 of 40 GB (vLLM 0.23): 75 tokens a second at "
        "concurrency 1, 6.6 times as many at 8, and more up to 64, where the measurement ends. "
        "TTFT 48.3 ms with 500 tokens of prompt (NIM, A100 of 80 GB), with an overhead as on an "
        "H100. The cache is what is left of 36 GB after 16 GB, at 128 kB a token.",
    ),
    "openai-gpt-4o": Profile(
        _GPT_4O,
        (_PROMPT_CACHING,),
        "The pace gpt-4o: TTFT is the median of openai-processing-ms in recordings (WIRE.md "
        "§4), and ITL is assumed. Prompts of 1,024 tokens and more are cached in steps of 128 "
        "tokens, for five to ten minutes. No limits.",
    ),
    "openai-tier-1": Profile(
        replace(_GPT_4O, limits=Limits(rpm=500, tpm=30_000, refill="continuous")),
        (_GPT_4O_LIMITS, "https://github.com/semanser/codel/issues/72", _PROMPT_CACHING),
        "openai-gpt-4o with the limits of gpt-4o for accounts of usage tier 1, which refill "
        "continuously: 30,000 tokens a minute, of which 9,321 took 18.642 s.",
    ),
}
"""Profiles by name."""


def as_engine(value: object) -> Engine | None:
    """Return an engine.

    Args:
        value: an `Engine`; the name of a profile, which overrides may follow, such as
            ``h100-8b,slots=4``, or overrides alone; a mapping of the fields of `Engine` and
            `Limits`, and optionally ``profile``, the name of one; or None for none.

    Raises MockServerError for an unknown profile, an unknown field or an impossible value.

    >>> as_engine("h100-8b,slots=4") == as_engine({"profile": "h100-8b", "slots": 4})
    True
    """
    if value is None or isinstance(value, Engine):
        return value
    if isinstance(value, str):
        name, comma, overrides = value.partition(",")
        if "=" in name:
            return parse_overrides(Engine(), value)
        return parse_overrides(find_profile(name), overrides if comma else "")
    if isinstance(value, Mapping):
        values: dict[str, Any] = {str(key): one for key, one in value.items()}
        name = values.pop("profile", None)
        return override(Engine() if name is None else find_profile(name), values)
    raise MockServerError(
        f"engine={value!r}: must be an Engine, the name of a profile or a mapping"
    )


def find_profile(name: object) -> Engine:
    """Return the engine of a profile. Raises MockServerError for an unknown name."""
    if not isinstance(name, str) or name not in PROFILES:
        names = ", ".join(PROFILES)
        raise MockServerError(f"unknown engine {name!r}: use one of {names}, or NAME=VALUE pairs")
    return PROFILES[name].engine
