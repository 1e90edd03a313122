"""Between the second and the third step, and after the fourth: the capacity of a model server.

`admit_request` asks the engine for a slot, and `plan_tokens` tells it how long the answer is. The
players ask `Call.ticket` when each event is due.

Rules of this file: no I/O. Only requests to a model need a slot. A refused request takes no reply
of a rule. Without an engine, nothing happens here.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace as replace_fields
from typing import Any

import msgspec

from openai_mockserver import sse, tokens
from openai_mockserver.api import errors
from openai_mockserver.api.headers import format_duration, set_limits
from openai_mockserver.api.messages import read_messages
from openai_mockserver.dispatch.exchange import Exchange, Plan, replace
from openai_mockserver.engine import (
    Level,
    Limits,
    LiveEngine,
    Refusal,
    Ticket,
    TokenPlan,
    Work,
    chain_blocks,
)
from openai_mockserver.pacing import Pace
from openai_mockserver.reply import ApiError
from openai_mockserver.script import Pause, Raw, Script

__all__ = ["REAL_TIME", "admit_request", "plan_tokens", "release_slot"]


class _RealTime:
    """The clock of sockets."""

    virtual = False

    @property
    def now(self) -> float:
        return time.monotonic()

    def wait(self, seconds: float) -> None:
        time.sleep(seconds)


REAL_TIME = _RealTime()
"""The clock of a server: that of its event loop, which is the same for all loops of a process."""


# Admission


def admit_request(exchange: Exchange) -> Exchange | Plan:
    """Return the exchange with a ticket of the engine, or the error of an engine that refuses."""
    live = exchange.live
    if live is None or exchange.path not in _COUNTERS or exchange.call.method != "POST":
        return exchange
    key = exchange.call.headers.bearer or exchange.call.headers.get("api-key", "")
    if exchange.call.headers.get("x-stainless-retry-count", "0") != "0":
        live.skip_wait(key)
    arrival = exchange.call.arrival if live.clock is REAL_TIME else None
    answer = live.admit(_describe_work(exchange, live, key), arrival)
    if isinstance(answer, Ticket):
        exchange.call.ticket = answer
        return exchange
    error = _describe_refusal(answer, exchange, live)
    script = errors.render(error, exchange.rng, exchange.dialect)
    return _show_levels(script, answer.levels)


def _describe_work(exchange: Exchange, live: LiveEngine, key: str) -> Work:
    """Return what a request asks of the engine."""
    parameters = exchange.endpoint_request.parameters
    model = parameters.get("model")
    pieces: Iterator[str] = iter(())
    if live.engine.cache_blocks:
        pieces = _list_pieces(parameters, model)
    return Work(
        prompt_tokens=_COUNTERS[exchange.path](parameters, model),
        max_tokens=_find_max_tokens(parameters),
        key=key,
        model=model if isinstance(model, str) else "",
        blocks=chain_blocks(pieces, live.engine.prefix_block),
    )


def _find_max_tokens(parameters: Mapping[str, Any]) -> int:
    """Return the most tokens that the answer may have, as far as the request says."""
    for name in ("max_completion_tokens", "max_output_tokens", "max_tokens"):
        limit = parameters.get(name)
        if isinstance(limit, int) and not isinstance(limit, bool):
            n = parameters.get("n")
            return max(0, limit) * (n if isinstance(n, int) and n > 0 else 1)
    return 0


def _count_messages(parameters: Mapping[str, Any], model: object) -> int:
    return tokens.count_messages(read_messages(parameters), model)


def _count_prompts(parameters: Mapping[str, Any], model: object) -> int:
    return _count_text(parameters.get("prompt"), model)


def _count_inputs(parameters: Mapping[str, Any], model: object) -> int:
    return _count_text(parameters.get("input"), model)


def _count_text(value: object, model: object) -> int:
    """Return how many tokens a text, a list of tokens or a list of either has."""
    if isinstance(value, str):
        return tokens.count(value, model)
    if isinstance(value, list):
        return sum(1 if isinstance(one, int) else _count_text(one, model) for one in value)
    return 0


# How the tokens of the prompt are counted, by path: as in the usage that the endpoint states.
_COUNTERS: dict[str, Callable[[Mapping[str, Any], object], int]] = {
    "/v1/chat/completions": _count_messages,
    "/v1/responses": _count_messages,
    "/v1/completions": _count_prompts,
    "/v1/embeddings": _count_inputs,
}


def _list_pieces(parameters: Mapping[str, Any], model: object) -> Iterator[str]:
    """Yield the tokens of a prompt, for the prefix cache; of the messages, what is counted."""
    yield str(model)
    for message in read_messages(parameters):
        # As many tokens as are counted for the frame of a message.
        yield from ("<|message|>", str(message.get("role")), "<|content|>", "<|end|>")
        yield from _list_value(message, model)


def _list_value(value: object, model: object) -> Iterator[str]:
    if isinstance(value, str):
        yield from tokens.pieces(value, model)
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            if key not in ("role", "type"):
                yield from _list_value(inner, model)
    elif isinstance(value, list):
        for inner in value:
            yield from _list_value(inner, model)


# Refusals

_UNITS = {
    "requests": "requests per min (RPM)",
    "tokens": "tokens per min (TPM)",
    "concurrent": "concurrent requests",
}
_LEARN_MORE = "Visit https://platform.openai.com/account/rate-limits to learn more."
_OVERLOADED = {
    503: "The server is currently overloaded with other requests. Please try again later.",
    429: "The engine is currently overloaded, please try again later.",
}


def _describe_refusal(refusal: Refusal, exchange: Exchange, live: LiveEngine) -> ApiError:
    """Return OpenAI's error for a refusal."""
    model = exchange.endpoint_request.parameters.get("model")
    error = _ERRORS[refusal.reason](refusal, model, live.engine.limits)
    wait = refusal.retry_after
    if wait is None or math.isinf(wait):
        return error
    # A client in process waits in real time, of which a virtual clock knows nothing: see
    # `LiveEngine.skip_wait`.
    is_skipped = live.clock.virtual and exchange.options.fast_retries
    milliseconds = 1 if is_skipped else math.ceil(wait * 1000)
    return replace_fields(
        error,
        retry_after=math.ceil(wait),
        headers=(("retry-after-ms", str(milliseconds)),),
    )


def _describe_limit(refusal: Refusal, model: object, limits: Limits) -> ApiError:
    """Return the error for a limit that is reached.

    The sentences are OpenAI's, as in https://github.com/semanser/codel/issues/72 and
    https://github.com/TheR1D/shell_gpt/issues/653.
    """
    place = f"for {model} in organization org-mockserver on {_UNITS[refusal.reason]}"
    kind = "tokens" if refusal.reason == "tokens" else "requests"
    level = refusal.levels.get(refusal.reason)
    limit = level.limit if level is not None else limits.concurrent
    used = level.used if level is not None else limits.concurrent
    wait = refusal.retry_after
    if wait is not None and math.isinf(wait):
        message = (
            f"Request too large {place}: Limit {limit}, Requested {refusal.requested}. The input "
            f"or output tokens must be reduced in order to run successfully. {_LEARN_MORE}"
        )
        headers = (("x-should-retry", "false"),)
        return ApiError(429, message, kind, "rate_limit_exceeded", headers=headers)
    advice = ""
    if wait is not None:
        advice = f" Please try again in {format_duration(math.ceil(wait * 1000) / 1000)}."
    message = (
        f"Rate limit reached {place}: Limit {limit}, Used {used}, "
        f"Requested {refusal.requested}.{advice} {_LEARN_MORE}"
    )
    return ApiError(429, message, kind, "rate_limit_exceeded")


def _describe_overload(refusal: Refusal, model: object, limits: Limits) -> ApiError:
    message = _OVERLOADED[refusal.status]
    return ApiError(refusal.status, message, "server_error", "engine_overloaded")


def _describe_start(refusal: Refusal, model: object, limits: Limits) -> ApiError:
    message = "The server is starting: the model is not loaded yet."
    return ApiError(refusal.status, message, "server_error", "model_loading")


def _describe_failure(refusal: Refusal, model: object, limits: Limits) -> ApiError:
    return ApiError(refusal.status)


_ERRORS: dict[str, Callable[[Refusal, object, Limits], ApiError]] = {
    "requests": _describe_limit,
    "tokens": _describe_limit,
    "concurrent": _describe_limit,
    "overload": _describe_overload,
    "start_up": _describe_start,
    "failure": _describe_failure,
}


# The answer


def plan_tokens(exchange: Exchange) -> Exchange:
    """Return the exchange with a script that the engine paces, and tell the engine its length."""
    ticket = exchange.call.ticket
    if ticket is None:
        return exchange
    script = _show_levels(exchange.script, ticket.admission.levels)
    if script.head.status != 200 or script.raw:
        release_slot(exchange)  # no model answers
        return replace(exchange, script=script)
    script = _remove_pauses(script)
    ticket.set_plan(_make_plan(script))
    if exchange.over_websocket:
        # A session sends the events of a turn when the script says; what follows does not count.
        first, last = ticket.forecast()
        steps = max(1, ticket.plan.tokens - 1)
        script = Pace(ttft=first, itl=(last - first) / steps)(script)
    return replace(exchange, script=script)


def release_slot(exchange: Exchange) -> None:
    """Free the slot of a request that no model answers, if it has one."""
    call = exchange.call
    if call.ticket is not None:
        call.ticket.release()
        call.ticket = None


def _make_plan(script: Script) -> TokenPlan:
    """Return which token each event of a script brings; a body comes with the last one."""
    if not script.is_stream:
        return TokenPlan(first=_count_completion(script))
    kinds = script.lazy.kinds if script.lazy is not None else bytes(_list_kinds(script))
    events = [kind for kind in kinds if kind]
    last = max((number for number, kind in enumerate(events) if kind == 1), default=0)
    return TokenPlan(last_event=last)


def _list_kinds(script: Script) -> Iterator[int]:
    """Yield a number for each event: 1, or 2 for ``[DONE]``."""
    for step in sse.apart(script.steps):
        if step == sse.DONE:
            yield 2
        else:
            yield from (1 for _ in range(sse.count_events(step)))


class _Counts(msgspec.Struct):
    completion_tokens: int = 0
    output_tokens: int = 0


class _Body(msgspec.Struct):
    usage: _Counts | None = None


def _count_completion(script: Script) -> int:
    """Return how many tokens the answer in a JSON body has, as far as it states that."""
    data = script.steps[0].data if script.steps and isinstance(script.steps[0], Raw) else b""
    try:
        usage = msgspec.json.decode(data, type=_Body).usage
    except msgspec.DecodeError:
        return 0  # it is no JSON, or states no usage
    return 0 if usage is None else max(usage.completion_tokens, usage.output_tokens)


def _remove_pauses(script: Script) -> Script:
    """Return the script without the times of whoever made it."""
    if script.head.delay:
        script = replace_fields(script, head=replace_fields(script.head, delay=0.0))
    if script.lazy is None and script.is_paced:
        return script.with_steps(step for step in script.steps if not isinstance(step, Pause))
    return script


# Headers


def _show_levels(script: Script, levels: Mapping[str, Level]) -> Script:
    """Return a response with the levels of the engine's limits in its headers."""
    if not levels or script.raw:
        return script
    values = {unit: (level.limit, level.remaining, level.reset) for unit, level in levels.items()}
    fields = set_limits(script.head.headers, values)
    return replace_fields(script, head=replace_fields(script.head, headers=fields))
