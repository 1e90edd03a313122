"""What a model server can do: its slots, its speed, its cache and its limits, as one frozen value.

Rules of this file: values and pure functions; times are seconds as floats.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any, Literal

from openai_mockserver.exceptions import MockServerError

__all__ = ["Engine", "Limits", "get_itl", "parse_overrides"]

Refill = Literal["sliding", "continuous"]


@dataclass(frozen=True, slots=True)
class Limits:
    """How much each API key may ask of each model.

    Args:
        rpm: requests a minute; None for no limit.
        tpm: tokens a minute, of prompts and the most tokens that may answer; None for no limit.
        concurrent: requests that wait or run at the same time; None for no limit.
        refill: how a limit refills. With ``sliding``, no minute contains more than the limit. With
            ``continuous`` the limit refills evenly, as OpenAI's does: a minute may contain what was
            left and what was refilled meanwhile.
        seconds: the length of the "minute", in seconds.

    Raises MockServerError for values that are not positive.

    OpenAI's limits refill continuously: a request for 24,754 tokens, when 14,567 of 30,000 were
    used, was told to try again in 18.642 s (https://github.com/semanser/codel/issues/72), and
    ``x-ratelimit-reset-requests`` is the minute divided by the limit (WIRE.md §2).
    """

    rpm: int | None = None
    tpm: int | None = None
    concurrent: int | None = None
    refill: Refill = "sliding"
    seconds: float = 60.0

    def __post_init__(self) -> None:
        for name in ("rpm", "tpm", "concurrent"):
            if getattr(self, name) is not None:
                _check_number("Limits", name, getattr(self, name), least=1, whole=True)
        _check_number("Limits", "seconds", self.seconds, least=0.001)
        if self.refill not in ("sliding", "continuous"):
            raise MockServerError(
                f"Limits(refill={self.refill!r}): must be 'sliding' or 'continuous'"
            )


@dataclass(frozen=True, slots=True)
class Engine:
    """The capacity of a model server.

    Args:
        slots: requests that run at the same time (vLLM's ``max-num-seqs``).
        queue: requests that wait for a slot at the same time; None for no limit.
        overload: status of the answer when the queue is full, 503 or 429. OpenAI and gateways in
            front of vLLM answer 503, Text Generation Inference answers 429.
        prefill: seconds until a prompt's first token: a constant, and for each token of the prompt
            that is not cached.
        decode: seconds between two tokens: when one request decodes, and for each further one.
        knee: number of decoding requests up to which a step takes as long as ``decode`` says; None
            if that is always so.
        collapse: how much each request past the knee slows the others down. With 1, all requests
            together generate as many tokens a second as at the knee; with 2, many requests generate
            half of that.
        max_batched_tokens: tokens of one step: each decoding request takes one, and the prompts
            share the rest, in order (vLLM's chunked prefill). So prompts slow down those that
            decode, and each other. None if each prompt is processed by itself, as by servers of
            their own.
        cache_blocks: blocks of prompts that the prefix cache holds; 0 for no cache.
        prefix_block: tokens of a block.
        prefix_minimum: the shortest prompt, in tokens, of which anything is cached.
        cache_seconds: seconds after which a block that nobody used is forgotten; None for never.
        limits: limits for each API key and model.
        start_up: seconds after its start during which the server refuses all requests with 503.
        failure_rate: probability that a request fails with 500, from 0 to 1.
        jitter: how much times vary, from 0 to 1: 0.5 moves each token by up to a quarter of the
            time between two, and the constant part of ``prefill`` by up to half.
        seed: chooses the variations and the failures.

    Raises MockServerError for impossible values.

    >>> engine = Engine(slots=8, decode=(0.010, 0.001))
    >>> round(get_itl(engine, 8), 3)
    0.017
    """

    slots: int = 256
    queue: int | None = 1000
    overload: int = 503
    prefill: tuple[float, float] = (0.0, 0.0)
    decode: tuple[float, float] = (0.0, 0.0)
    knee: int | None = None
    collapse: float = 1.0
    max_batched_tokens: int | None = None
    cache_blocks: int = 0
    prefix_block: int = 16
    prefix_minimum: int = 0
    cache_seconds: float | None = None
    limits: Limits = field(default_factory=Limits)
    start_up: float = 0.0
    failure_rate: float = 0.0
    jitter: float = 0.0
    seed: int | str = 0

    def __post_init__(self) -> None:
        for name, least in _WHOLE.items():
            if getattr(self, name) is not None or name not in _OPTIONAL:
                _check_number("Engine", name, getattr(self, name), least=least, whole=True)
        for name, most in _NUMBERS.items():
            if getattr(self, name) is not None or name not in _OPTIONAL:
                _check_number("Engine", name, getattr(self, name), most=most)
        for name in ("prefill", "decode"):
            object.__setattr__(self, name, _check_pair(name, getattr(self, name)))
        if self.overload not in (503, 429):
            raise MockServerError(f"Engine(overload={self.overload!r}): must be 503 or 429")
        if not isinstance(self.limits, Limits):
            raise MockServerError(f"Engine(limits={self.limits!r}): must be Limits")
        if isinstance(self.seed, bool) or not isinstance(self.seed, int | str):
            raise MockServerError(f"Engine(seed={self.seed!r}): must be a whole number or a text")


# The least value of each whole number, and the greatest of each other number.
_WHOLE = {
    "slots": 1,
    "queue": 0,
    "knee": 1,
    "max_batched_tokens": 1,
    "cache_blocks": 0,
    "prefix_block": 1,
    "prefix_minimum": 0,
}
_NUMBERS = {
    "collapse": math.inf,
    "cache_seconds": math.inf,
    "start_up": math.inf,
    "failure_rate": 1.0,
    "jitter": 1.0,
}
_OPTIONAL = frozenset({"queue", "knee", "max_batched_tokens", "cache_seconds"})


def _check_number(
    owner: str,
    name: str,
    value: object,
    least: float = 0,
    most: float = math.inf,
    whole: bool = False,
) -> None:
    kind: Any = int if whole else int | float
    is_number = isinstance(value, kind) and not isinstance(value, bool)
    if is_number and math.isfinite(value) and least <= value <= most:  # type: ignore[arg-type, operator]
        return
    upper_bound = f" and at most {most:g}" if most < math.inf else ""
    noun = "a whole number" if whole else "a number"
    raise MockServerError(
        f"{owner}({name}={value!r}): must be {noun}, {least:g} or more{upper_bound}"
    )


def _check_pair(name: str, value: object) -> tuple[float, float]:
    if not isinstance(value, tuple | list) or len(value) != 2:
        raise MockServerError(f"Engine({name}={value!r}): must be two numbers of seconds")
    for number in value:
        _check_number("Engine", name, number)
    return float(value[0]), float(value[1])


def get_itl(engine: Engine, batch: int) -> float:
    """Return the seconds between two tokens of a request, without a prompt in between.

    Args:
        engine: the engine.
        batch: number of requests that decode, 1 or more.

    >>> at_knee, past_knee = (get_itl(Engine(decode=(0.01, 0), knee=4), n) for n in (4, 8))
    >>> 4 / at_knee == 8 / past_knee
    True
    """
    first, each = engine.decode
    knee = engine.knee
    if knee is None or batch <= knee:
        return first + each * (batch - 1)
    at_knee = first + each * (knee - 1)
    return at_knee + max(each, engine.collapse * at_knee / knee) * (batch - knee)


# Overrides, as in "h100-8b,slots=4,rpm=60"

_ENGINE_FIELDS = {one.name: one for one in fields(Engine)}
_LIMIT_FIELDS = {one.name for one in fields(Limits)}


def override(engine: Engine, values: dict[str, Any]) -> Engine:
    """Return an engine with some fields replaced.

    Args:
        engine: the engine.
        values: fields of `Engine`, and those of `Limits`, by name. ``limits`` may be a mapping.

    Raises MockServerError for an unknown name or an impossible value.
    """
    if isinstance(values.get("limits"), Mapping):
        nested = {str(name): value for name, value in values["limits"].items()}
        if unknown := nested.keys() - _LIMIT_FIELDS:
            known = ", ".join(sorted(_LIMIT_FIELDS))
            raise MockServerError(f"limits have no {', '.join(sorted(unknown))}; they have {known}")
        values = {name: value for name, value in values.items() if name != "limits"} | nested
    limit_values = {name: value for name, value in values.items() if name in _LIMIT_FIELDS}
    engine_values = {name: value for name, value in values.items() if name not in _LIMIT_FIELDS}
    if unknown := engine_values.keys() - _ENGINE_FIELDS.keys():
        known = ", ".join(sorted((_ENGINE_FIELDS.keys() - {"limits"}) | _LIMIT_FIELDS))
        raise MockServerError(f"an engine has no {', '.join(sorted(unknown))}; it has {known}")
    if limit_values:
        limits = engine_values.get("limits", engine.limits)
        engine_values["limits"] = replace(limits, **limit_values)
    return replace(engine, **engine_values)


def parse_overrides(engine: Engine, text: str) -> Engine:
    """Return an engine with the fields replaced that a command's option names.

    Args:
        engine: the engine.
        text: pairs such as ``slots=4,rpm=60``. The two numbers of ``prefill`` and ``decode`` are
            separated by a colon, and ``none`` is None.

    Raises MockServerError for what is no pair, an unknown name or an impossible value.

    >>> parse_overrides(Engine(), "slots=4,decode=0.02:0.001,rpm=60").limits.rpm
    60
    """
    values: dict[str, Any] = {}
    for pair in filter(None, text.split(",")):
        name, equals, value = (part.strip() for part in pair.partition("="))
        if not equals:
            raise MockServerError(f"{pair!r}: write NAME=VALUE, such as slots=4")
        values[name] = _parse_value(name, value)
    return override(engine, values)


def _parse_value(name: str, text: str) -> object:
    if text.lower() == "none":
        return None
    if name in ("refill", "seed"):
        return text
    parts = [_parse_number(name, part) for part in text.split(":")]
    return parts[0] if len(parts) == 1 else tuple(parts)


def _parse_number(name: str, text: str) -> int | float:
    try:
        return int(text)
    except ValueError:
        pass  # it may have a fraction
    try:
        return float(text)
    except ValueError:
        raise MockServerError(f"{name}={text}: must be a number") from None
