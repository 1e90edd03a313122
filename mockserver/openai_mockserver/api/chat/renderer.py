"""``/v1/chat/completions``: from a reply to its stream or JSON body.

Rules of this file: no I/O; bytes are those of WIRE.md §1 and §2; `read` is the inverse of `render`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from random import Random
from typing import Any

from openai_mockserver import tokens
from openai_mockserver.api import errors, headers, ids
from openai_mockserver.api.chat import openai_writer
from openai_mockserver.api.chat.dialect_writer import (
    dialect_completion_json,
    render_dialect_json,
    render_dialect_stream,
)
from openai_mockserver.api.chat.openai_writer import completion_json, render_stream
from openai_mockserver.api.context import Context, make_context
from openai_mockserver.api.endpoint import Rendered
from openai_mockserver.api.envelope import Envelope
from openai_mockserver.api.json_body import copy_plain, json_response
from openai_mockserver.api.messages import call_ids
from openai_mockserver.api.prediction import count_prediction_tokens
from openai_mockserver.dialects import Dialect
from openai_mockserver.exceptions import ReplyError
from openai_mockserver.reply import (
    ApiError,
    Choice,
    Reply,
    ToolCall,
    Usage,
    check_servable,
)
from openai_mockserver.reply.limits import count_tokens, limit_choice, replace_arguments
from openai_mockserver.reply.retokenize import retokenize
from openai_mockserver.script import Head, Script

__all__ = ["PATH", "compose", "make_head", "render", "shape"]

PATH = "/v1/chat/completions"


def render(
    reply: Reply | ApiError,
    request: Mapping[str, Any] | None = None,
    *,
    dialect: str | Dialect | None = None,
    envelope: Envelope | None = None,
    rng: Random | None = None,
) -> Script:
    """The response that says this reply.

    Args:
        reply: what to say.
        request: the request's parameters. Without one, it is a request that streams the reply
            whole: with its n, its logprobs, and its usage if it states one.
        dialect: whose dialect to say it in: a name of `dialects()`; OpenAI's own by default.
        envelope: id, time and model to answer with; fresh ones by default.
        rng: where ids and obfuscation come from.

    Raises:
        ReplyError: for a reply that cannot be served, or not to this request.

    >>> script = render(Reply("Hello"))
    >>> len(script.events), script.events[-1].data
    (4, '[DONE]')
    """
    context = make_context(request, dialect=dialect, rng=rng, envelope=envelope)
    return compose(reply, context).script


def compose(reply: Reply | ApiError, context: Context) -> Rendered:
    """Render a reply, and give its completion as an object too.

    Raises ReplyError for a reply that cannot be served, or not to this request.
    """
    rng, dialect = context.rng, context.dialect
    if isinstance(reply, ApiError):
        return Rendered(errors.render(reply, rng, dialect))
    check_servable(reply, any_reason=dialect is not None)
    if dialect is not None and any(call.custom for c in reply.choices for call in c.tool_calls):
        raise ReplyError(
            f"no custom tools in the dialect {dialect.name!r}: use a function tool, or "
            "OpenAI's dialect"
        )
    request = _default_request(reply) if context.parameters is None else context.parameters
    envelope = context.envelope or fresh_envelope(request, dialect, rng)
    whole = retokenize(tuple(_choices(reply, request)), request.get("model"))
    choices = [limit_choice(choice, request) for choice in whole]
    usage = reply.usage
    if usage is None or any(a is not b for a, b in zip(choices, whole, strict=True)):
        usage = _count_usage(choices, request, usage, context.cached_tokens)
    if request.get("stream"):
        if dialect is not None:
            script = render_dialect_stream(reply, choices, usage, request, dialect, envelope, rng)
        else:
            script = render_stream(reply, choices, usage, request, envelope, rng)
        if reply.error is not None:
            return Rendered(script)
        # Whatever dialect it is streamed in, OpenAI's has a place for all that is said.
        make = partial(completion_json, choices, usage, request, envelope)
        return Rendered(script, envelope.id, lambda: copy_plain(make()))
    if reply.error is not None:
        return Rendered(errors.render(reply.error, rng, dialect))
    if dialect is not None:
        completion = dialect_completion_json(choices, usage, request, dialect, envelope)
        script = render_dialect_json(completion, dialect, envelope, rng)
    else:
        completion = completion_json(choices, usage, request, envelope)
        script = json_response(completion, rng, None if usage.extra else completion["choices"])
    return Rendered(script, envelope.id, lambda: copy_plain(completion))


def fresh_envelope(request: Mapping[str, Any], dialect: Dialect | None, rng: Random) -> Envelope:
    """Return a new envelope, with the values that this provider would use for this request now."""
    envelope = Envelope.fresh(request, rng)
    if dialect is None:
        return envelope
    requested_model = str(request.get("model") or "gpt-4o-mini")
    is_openais = dialect.id == "chatcmpl-{openai}"
    model = envelope.model if is_openais else requested_model
    pattern = dialect.fingerprint
    return replace(
        envelope,
        id=ids.fill_pattern(dialect.id, rng, envelope.created, model),
        model=model,
        # The fingerprint belongs to the deployment: it is the same for the same model.
        system_fingerprint=envelope.system_fingerprint
        if is_openais
        else None
        if pattern is None
        else ids.fill_pattern(pattern, Random(model), envelope.created, model),
        service_tier=None,
        extra={
            path: ids.fill_pattern(value, rng, envelope.created, model)
            if isinstance(value, str)
            else value
            for path, value in dialect.extra.items()
        },
        extra_steps=dialect.extra_steps,
    )


def make_head(envelope: Envelope, dialect: Dialect | None, length: int | None, rng: Random) -> Head:
    """Return the head of a stream; of a body, if its length in bytes is given."""
    if dialect is None:
        return openai_writer.make_head(length, rng)
    return headers.make_dialect_head(dialect, envelope.model, length, rng)


def shape(request: Mapping[str, Any], dialect: Dialect | None, history: object) -> dict[str, Any]:
    """Return what a response depends on: of the messages only their tokens and the calls' ids."""
    messages, options = request.get("messages") or (), request.get("stream_options") or {}
    counts = dialect is not None or not request.get("stream") or options.get("include_usage")
    prompt = tokens.count_messages(messages, request.get("model")) if counts else None
    return {**request, "messages": (prompt, sorted(call_ids(messages)))}


def _default_request(reply: Reply) -> dict[str, Any]:
    return {
        "model": "gpt-4o-mini",
        "n": len(reply.choices),
        "stream": True,
        "stream_options": {"include_usage": reply.usage is not None},
        "logprobs": any(choice.logprobs is not None for choice in reply.choices),
        "top_logprobs": 20,
    }


def _choices(reply: Reply, request: Mapping[str, Any]) -> list[Choice]:
    n, count = request.get("n") or 1, len(reply.choices)
    if count not in (1, n):
        raise ReplyError(f"the reply has {count} choices, but the request asks for n={n}")
    used_ids = call_ids(request.get("messages") or ())
    choices = [_with_unique_ids(choice, used_ids) for choice in reply.choices]
    return choices * (n if count == 1 else 1)


def _with_unique_ids(choice: Choice, used_ids: set[str]) -> Choice:
    if not any(call.id in used_ids and call.has_derived_id for call in choice.tool_calls):
        return choice
    calls = tuple(c.with_unique_id(used_ids) if c.has_derived_id else c for c in choice.tool_calls)
    if not choice.explicit_output:
        return replace_arguments(choice, tool_calls=calls)
    later_calls = iter(calls)
    output = [next(later_calls) if isinstance(i, ToolCall) else i for i in choice.explicit_output]
    return Choice(
        output=output,
        function_call=choice.function_call,
        finish_reason=choice.finish_reason,
        audio=choice.audio,
    )


def _count_usage(
    choices: list[Choice], request: Mapping[str, Any], usage: Usage | None, cached_tokens: int
) -> Usage:
    prompt = tokens.count_messages(request.get("messages"), request.get("model"))
    if usage is not None:
        prompt = usage.prompt_tokens
    reasoning = sum([c.reasoning.tokens for c in choices if c.reasoning is not None])
    accepted_tokens, rejected_tokens = count_prediction_tokens(choices, request)
    return Usage(
        prompt,
        sum(map(count_tokens, choices)) + rejected_tokens,
        cached_tokens=cached_tokens,
        reasoning_tokens=reasoning,
        accepted_prediction_tokens=accepted_tokens,
        rejected_prediction_tokens=rejected_tokens,
    )
