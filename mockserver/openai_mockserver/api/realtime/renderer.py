"""Render a reply as the events of a Realtime response.

Rules of this file: no I/O. A reply has one choice, with text and function calls; reasoning counts
in the usage only, because Realtime does not show it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from openai_mockserver import tokens
from openai_mockserver.api.context import Context
from openai_mockserver.api.endpoint import Rendered
from openai_mockserver.api.messages import read_messages
from openai_mockserver.api.realtime.events import ResponseEvents, ResponsePlan, make_ids
from openai_mockserver.api.responses.envelope import INCOMPLETE
from openai_mockserver.api.responses.limits import count_tokens, limit_output
from openai_mockserver.dialects.realtime import arrange
from openai_mockserver.exceptions import ReplyError
from openai_mockserver.reply import (
    ApiError,
    Audio,
    Message,
    Output,
    Reasoning,
    Reply,
    Text,
    ToolCall,
    check_servable,
)
from openai_mockserver.reply.retokenize import retokenize
from openai_mockserver.script import Event, Head, Script

__all__ = ["compose", "describe_failure"]

AUDIO_TOKENS = 20
"""Tokens for a second of the model's speech; a second of the user's has half as many."""


def compose(reply: Reply | ApiError, context: Context, plan: ResponsePlan) -> Rendered:
    """Return the events of a response as a script.

    Raises ReplyError for a reply that a Realtime session cannot have.
    """
    events = ResponseEvents(plan, make_ids(plan.form, context.rng), context.rng)
    events.start()
    if isinstance(reply, ApiError):
        events.finish("failed", describe_failure(reply), None)
    else:
        _write_reply(reply, context, plan, events)
    return Rendered(Script(Head(), tuple(map(Event, events.texts))))


def _write_reply(
    reply: Reply, context: Context, plan: ResponsePlan, events: ResponseEvents
) -> None:
    check_servable(reply, any_reason=True)
    if len(reply.choices) > 1:
        raise ReplyError(f"a Realtime response has one choice; this reply has {len(reply.choices)}")
    (choice,) = reply.choices
    if choice.function_call is not None:
        raise ReplyError("a Realtime response has no function_call; use tool_calls")
    model = plan.config.get("model")
    limit = plan.config.get("max_output_tokens")
    limits = {"max_output_tokens": limit} if isinstance(limit, int) else {}
    output, is_truncated = limit_output(retokenize(choice.output, model), limits)
    finish_reason = "length" if is_truncated else choice.finish_reason
    if choice.audio is not None:
        finish_reason = finish_reason or "stop"  # a chat completion with audio states none
    phase = "final_answer" if plan.is_newer else None
    used_ids = set(plan.call_ids)
    last = len(output) - 1
    if choice.audio is not None:
        _write_audio(choice.audio, events, phase)
    for index, item in enumerate(output):
        is_cut = index == last and (finish_reason in INCOMPLETE or reply.error is not None)
        status = "incomplete" if is_cut else "completed"
        if index == last and finish_reason is None and reply.error is None:
            status = ""
        _write_item(item, plan, events, status, phase, used_ids)
    if reply.error is not None:
        events.finish("failed", describe_failure(reply.error), None)
    elif finish_reason is not None:
        details = None
        if finish_reason in INCOMPLETE:
            details = {"type": "incomplete", "reason": INCOMPLETE[finish_reason]}
        usage = _build_usage(reply, output, context, plan, events.spoken)
        events.finish("incomplete" if details else "completed", details, usage)


def _write_audio(audio: Audio, events: ResponseEvents, phase: str | None) -> None:
    events.write_message(audio.transcript, "completed", phase, audio.data.pieces)


def _write_item(
    item: Output,
    plan: ResponsePlan,
    events: ResponseEvents,
    status: str,
    phase: str | None,
    used_ids: set[str],
) -> None:
    if isinstance(item, Message):
        text = item.text if item.text is not None else item.refusal
        events.write_message(Text("") if text is None else text, status, item.phase or phase)
    elif isinstance(item, ToolCall) and not item.custom:
        call_id = item.id
        if item.has_derived_id and plan.form.pattern("call") != "call_{alnum16}":
            call_id = events.new_id("call")
        elif item.has_derived_id:
            call_id = item.with_unique_id(used_ids).id
        used_ids.add(call_id)
        events.write_call(item.name, call_id, item.arguments, status)
    elif not isinstance(item, Reasoning):
        raise ReplyError(f"a Realtime response has no {item!r:.200}")


def describe_failure(error: ApiError) -> dict[str, Any]:
    """Return the details of the status of a response that fails."""
    fields = {"type": error.type, "code": error.code or None, "message": error.message}
    return {"type": "failed", "error": fields}


def _build_usage(
    reply: Reply,
    output: Iterable[Output],
    context: Context,
    plan: ResponsePlan,
    spoken: float,
) -> dict[str, Any]:
    """Return the usage: as the reply states it, or counted."""
    request = context.parameters or {}
    written = sum(map(count_tokens, output))
    reasoning = sum(count_tokens(item) for item in output if isinstance(item, Reasoning))
    output_audio = round(AUDIO_TOKENS * spoken)
    input_audio = int(AUDIO_TOKENS / 2 * plan.input_seconds)
    read = tokens.count_messages(read_messages(request), plan.config.get("model"))
    cached = 0
    if reply.usage is not None:
        usage = reply.usage
        input_audio, cached = usage.prompt_audio_tokens, usage.cached_tokens
        reasoning = usage.reasoning_tokens
        read = max(0, usage.prompt_tokens - input_audio)
        output_audio = min(output_audio, usage.completion_tokens)
        written = usage.completion_tokens - output_audio
    total = {
        "total_tokens": read + input_audio + written + output_audio,
        "input_tokens": read + input_audio,
        "output_tokens": written + output_audio,
    }
    counts: dict[str, Any]
    if kinds := plan.form.token_kinds:
        counts = {
            **total,
            "input_token_details": {"text_tokens": read, "audio_tokens": input_audio, **kinds},
            "output_token_details": {"text_tokens": written, "audio_tokens": output_audio, **kinds},
            "output_audio_seconds": spoken,
            "billable_audio_seconds": max(1, round(spoken)),
        }
    else:
        counts = {
            **total,
            "input_token_details": {
                "text_tokens": read,
                "audio_tokens": input_audio,
                "image_tokens": 0,
                "cached_tokens": cached,
                "cached_tokens_details": {
                    "text_tokens": cached,
                    "audio_tokens": 0,
                    "image_tokens": 0,
                },
            },
            "output_token_details": {"text_tokens": written, "audio_tokens": output_audio},
        }
        if plan.is_newer or plan.form.has_voice_objects:
            counts["output_token_details"]["reasoning_tokens"] = reasoning
    for name, layout in plan.form.usage.items():
        if name:
            counts[name] = arrange(layout, counts[name])
    return arrange(plan.form.usage.get(""), counts)
