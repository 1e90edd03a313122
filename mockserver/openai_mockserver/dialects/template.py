"""The layout of a JSON object: which members it has, in which order, and what is fixed in it.

Rules of this file: a layout is data. It is written in the notation of WIRE.md Annex C, as in
``id,object,choices[index,delta{content},finish_reason]``, with ``name=JSON`` for what is always
the same, ``name?`` for what is left out where there is nothing to say, and ``name=$other`` for what
takes another's value. Each name that takes a value is declared here, with what it means; a layout
with any other is refused when it is parsed, which for a provider's is when its file is imported.
"""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

__all__ = ["HOLES", "Hole", "OMITTED", "PLACEHOLDERS", "fill", "parse"]

PLACEHOLDERS: Mapping[str, str] = {
    # Of what is said.
    "piece": "the piece of text, reasoning or arguments that this chunk says",
    "text": "the piece of text that this chunk says; empty if it says something else",
    "so_far": "the text that all chunks of the choice have said, this one included",
    "thought": "the piece of reasoning between <thought> and </thought>",
    "said": "the chunk's own delta once more",
    # Null, empty or left out, whatever the member says elsewhere.
    "beside_reasoning": "null in a choice that holds reasoning; left out of others",
    "no_details_beside_reasoning": "[] in a choice that holds reasoning; left out of others",
    "unless_reasoning": "an empty text, but null in a choice that holds reasoning",
    "refusal_key": "null; left out of a response whose year had no refusals",
    "no_usage": "null if usage is asked for; else left out",
    # Usage and its like.
    "usage_if_asked": "the usage if it is asked for; else left out",
    "running_usage": "the usage as it is after this chunk",
    # How a choice ends.
    "native_finish": "the finish reason as the model behind the provider calls it",
    # Azure's content filter.
    "checked": "the filter's verdict on this chunk's text",
    "filtered": "the filter's verdict on a choice: what it found, or that all is safe",
    # Of errors.
    "status": "the HTTP status, a number",
    "status_text": "the HTTP status, a text of three digits",
}
"""What a layout may take under another name, by that name after the ``$``."""

_CHUNK = {
    "id": "the response's id",
    "object": "what it is: a chunk or a completion",
    "created": "when it was made, in seconds since 1970",
    "model": "the model that answers",
    "system_fingerprint": "the deployment's",
    "service_tier": "the tier that served the request",
    "usage": "the usage of the whole response, in the dialect's layout",
    "choices": "the choices, filled already",
    "choices.index": "the choice's number, from 0",
    "choices.finish_reason": "why the choice ends; null before its end",
    "choices.logprobs": "the log probabilities of what is said; null if none are asked for",
}
_DELTA = {
    "role": "assistant",
    "content": "the piece of text, or an empty one, or null",
    "refusal": "the piece of a refusal, or null",
    "reasoning_content": "the piece of reasoning",
    "reasoning": "the piece of reasoning, under its other name",
    "annotations": "the citations",
    "tool_calls.index": "the call's number, from 0",
    "tool_calls.id": "the call's id",
    "tool_calls.type": "function",
    "tool_calls.function.name": "the function's name",
    "tool_calls.function.arguments": "the piece of its arguments",
    "function_call.name": "the function's name, of the legacy kind",
    "function_call.arguments": "the piece of its arguments",
    "audio.id": "the id of the speech",
    "audio.transcript": "the piece of what is spoken",
    "audio.data": "the piece of its sound",
    "audio.expires_at": "until when it can be referred to, in seconds since 1970",
}
_MESSAGE = {
    "role": "assistant",
    "content": "the text",
    "refusal": "the refusal",
    "reasoning_content": "the reasoning",
    "annotations": "the citations",
    "tool_calls": "the calls, in the dialect's layout",
    "function_call": "the legacy call",
    "audio": "the speech",
}
_USAGE = {
    "prompt_tokens": "tokens of the prompt",
    "completion_tokens": "tokens of the answer",
    "total_tokens": "both together",
    "prompt_tokens_details.cached_tokens": "those of the prompt that were cached",
    "prompt_tokens_details.audio_tokens": "those of the prompt that are sound",
    "completion_tokens_details.reasoning_tokens": "those of the answer that are reasoning",
    "completion_tokens_details.audio_tokens": "those of the answer that are sound",
    "completion_tokens_details.accepted_prediction_tokens": "those that were predicted",
    "completion_tokens_details.rejected_prediction_tokens": "those predicted and not said",
}
_ERROR = {
    "message": "what went wrong, in a sentence",
    "type": "the kind of error",
    "code": "the error's code, or null",
    "param": "the parameter that is wrong, or null",
    "status": "the HTTP status, a number",
}
# A provider's own members: a dialect's ``extra`` says what a fresh response has there, an envelope
# what a recorded one had; else they are null.
_OWN = {
    "obfuscation": "random padding, OpenAI's and Azure's",
    "p": "random padding, Mistral's",
    "latency_checkpoint": "Azure's times within a response",
    "choices.content_filter_offsets.check_offset": "Azure's: from where on the filter looked",
    "choices.content_filter_offsets.start_offset": "Azure's: where what it looked at begins",
    "choices.content_filter_offsets.end_offset": "Azure's: where what it looked at ends",
    "choices.delta.channel": "Groq's: the channel of a gpt-oss model",
    "choices.delta.provider_metadata": "Vercel's: what the provider behind it said",
    "choices.delta.tool_calls.extra_content": "Gemini's: the signature of its thoughts",
    "citations": "Perplexity's: the addresses of its sources",
    "search_results": "Perplexity's: its sources",
    "provider": "OpenRouter's: who answered",
    "stream_options": "LiteLLM's: those of the request, as they came",
    "time_info": "Cerebras': seconds of each part of the work",
    "timings": "llama.cpp's: seconds and tokens of each part of the work",
    "x_groq.id": "Groq's: the request's id",
    "x_groq.seed": "Groq's: the seed",
}

HOLES: Mapping[str, str] = {
    **_CHUNK,
    **{f"choices.delta.{name}": meaning for name, meaning in _DELTA.items()},
    **{f"choices.message.{name}": meaning for name, meaning in _MESSAGE.items()},
    **_USAGE,
    **_ERROR,
    **{f"error.{name}": meaning for name, meaning in _ERROR.items()},
    **_OWN,
}
"""What a layout may take under its own name, by the member's path."""

_ALL = {**HOLES, **PLACEHOLDERS}


class Hole(NamedTuple):
    """A place in a layout that takes the value of this name: of `HOLES` or of `PLACEHOLDERS`."""

    name: str
    optional: bool = False


_MEMBER = re.compile(r"[\w./-]+")
_JSON = json.JSONDecoder()


def parse(notation: str, prefix: str = "") -> dict[str, Any]:
    """The layout that the notation writes. Names within braces are prefixed with the one before.

    Raises ValueError for what is no layout, and for a name that is not declared.

    >>> parse('id,choices[index,delta{content=""}]')["choices"]
    [{'index': Hole(name='choices.index', optional=False), 'delta': {'content': ''}}]
    """
    layout, end = _members(notation, 0, prefix)
    if end != len(notation):
        raise ValueError(f"a layout goes wrong at {notation[end:]!r}")
    return layout


def _members(notation: str, at: int, prefix: str) -> tuple[dict[str, Any], int]:
    members: dict[str, Any] = {}
    while match := _MEMBER.match(notation, at):
        name, at = match[0], match.end()
        path = f"{prefix}{name}"
        sign = notation[at : at + 1]
        if notation[at : at + 2] == "=$":
            hole = _MEMBER.match(notation, at + 2)
            if hole is None:
                break
            at = hole.end()
            optional = notation[at : at + 1] == "?"
            members[name] = _declared(hole[0], optional, _ALL, f"${hole[0]}")
            at += optional
        elif sign == "=":
            members[name], at = _JSON.raw_decode(notation, at + 1)
        elif sign in ("{", "["):
            inner, at = _members(notation, at + 1, f"{path}.")
            members[name] = [inner] if sign == "[" and inner else [] if sign == "[" else inner
            at += 1
        else:
            members[name] = _declared(path, sign == "?", HOLES, path)
            at += sign == "?"
        if notation[at : at + 1] != ",":
            break
        at += 1
    return members, at


def _declared(name: str, optional: bool, known: Mapping[str, str], written: str) -> Hole:
    """The hole of this name. Raises ValueError if nobody knows what it means."""
    if name not in known:
        near = difflib.get_close_matches(name, known, 1)
        hint = f": did you mean {near[0]!r}?" if near else ""
        raise ValueError(f"a layout has {written!r}, which is not declared{hint}")
    return Hole(name, optional)


OMITTED = object()
"""What is given for a member that is to be left out."""


def fill(layout: Any, value: Callable[[str], Any]) -> Any:
    """The layout with each hole's value; optional holes that get None are left out."""
    kind = type(layout)
    if kind is Hole:
        return value(layout.name)
    if kind is dict:
        filled = {}
        for name, inner in layout.items():
            got = fill(inner, value)
            if got is OMITTED or (got is None and type(inner) is Hole and inner.optional):
                continue
            filled[name] = got
        return filled
    if kind is list:
        return [fill(inner, value) for inner in layout]
    return layout
