"""Layouts of JSON objects: their members, in order, with constants and holes for values.

Theory of operation
-------------------

`parse` turns a notation (WIRE.md Annex C) into a layout, once, when a provider's file is imported.
`fill` turns a layout into a JSON object, for each chunk and each body. A layout is the JSON object
itself, with a `Hole` in each place that takes a value. The notation lists members:

    notation         member
    id               takes the value of the hole ``id``
    seed?            the same, but left out if the value is None
    usage=null       the constant ``null``; any JSON may follow ``=``
    text=$piece      takes the value of another hole, or of a name in `PLACEHOLDERS`
    delta{content}   an object; its member takes the value of the hole ``delta.content``
    choices[index]   a list with one object; its member takes the value of ``choices.index``
    choices[]        an empty list
    type@typed       there only in the variant ``typed`` of the dialect
    created@!dated   not there in the variant ``dated``; a condition follows any of the above

The finish chunk of the dialect ``groq`` has, among others, these members:

    >>> layout = parse('choices[index,delta{},finish_reason],x_groq{id,seed?,usage=$usage}')
    >>> layout["x_groq"]["usage"]
    Hole(name='usage', optional=False)
    >>> values = {
    ...     "choices.index": 0,
    ...     "choices.finish_reason": "stop",
    ...     "x_groq.id": "req_1",
    ...     "usage": {"total_tokens": 10},
    ... }
    >>> filled = fill(layout, values.get)
    >>> filled["choices"]
    [{'index': 0, 'delta': {}, 'finish_reason': 'stop'}]
    >>> filled["x_groq"]
    {'id': 'req_1', 'usage': {'total_tokens': 10}}

`HOLES` declares every path that takes a value, and `PLACEHOLDERS` every ``$name`` that is not such
a path, each with its meaning. The values come from `api.chat`: from `sequence` those of a single
chunk, from `dialect_writer` those of the whole response.

Rules of this file: a layout is data; `parse` refuses a name that is not declared here.
"""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Callable, Collection, Mapping
from typing import Any, NamedTuple

__all__ = [
    "HOLES",
    "Hole",
    "NULL",
    "OMITTED",
    "PLACEHOLDERS",
    "PROVIDERS",
    "RECORDED",
    "fill",
    "omit_members",
    "parse",
]

PLACEHOLDERS: Mapping[str, str] = {
    # Content.
    "piece": "the piece of text, reasoning or arguments in this chunk",
    "text": "the piece of text in this chunk; empty if it has other content",
    "text_so_far": "the text in all chunks of the choice up to this one",
    "tagged_reasoning": "the piece of reasoning between <thought> and </thought>",
    "delta_copy": "a copy of the chunk's delta",
    # Null, empty or left out, independent of the content.
    "null_if_reasoning": "null if the choice has reasoning; else left out",
    "empty_list_if_reasoning": "[] if the choice has reasoning; else left out",
    "empty_text_unless_reasoning": "null if the choice has reasoning; else an empty string",
    "null_refusal": "null; left out if the response imitates one from before refusals existed",
    "null_usage_if_requested": "null if the request asks for usage; else left out",
    # Log probabilities.
    "bare_logprobs": "the log probabilities without a member for those of a refusal",
    # Usage.
    "usage_if_requested": "the usage if the request asks for it; else left out",
    "running_usage": "the usage up to this chunk",
    # Reasoning.
    "reasoning_details": "the reasoning in this chunk as a list of details",
    # The end of a choice.
    "native_finish_reason": "the finish reason of the model behind the provider",
    # Azure's content filter.
    "chunk_filter": "the filter's results for this chunk's text",
    "choice_filter": "the filter's results for the choice",
    # Errors.
    "status": "the HTTP status as a number",
    "status_text": "the HTTP status as a string",
}
"""The meaning of each name that a notation may use after ``$``, besides those of `HOLES`."""

_CHUNK = {
    "id": "the response's id",
    "object": "the type of object: a chunk or a completion",
    "created": "time of creation, in seconds since the epoch",
    "model": "the model that answers",
    "system_fingerprint": "the fingerprint of the deployment",
    "service_tier": "the tier that served the request",
    "usage": "the usage of the whole response, in the dialect's layout",
    "choices": "the choices, filled already",
    "choices.index": "index of the choice, counted from 0",
    "choices.finish_reason": "why the choice ends; null before its end",
    "choices.logprobs": "the log probabilities of the chunk's text; null if not requested",
}
_DELTA = {
    "role": "assistant",
    "content": "the piece of text, an empty string, or null",
    "refusal": "the piece of a refusal, or null",
    "reasoning_content": "the piece of reasoning",
    "reasoning": "the piece of reasoning, under its other name",
    "annotations": "the citations",
    "tool_calls.index": "index of the call, counted from 0",
    "tool_calls.id": "id of the call",
    "tool_calls.type": "function",
    "tool_calls.function.name": "name of the function",
    "tool_calls.function.arguments": "the piece of its arguments",
    "function_call.name": "name of the function, in the legacy form",
    "function_call.arguments": "the piece of its arguments",
    "audio.id": "id of the audio",
    "audio.transcript": "the piece of the transcript",
    "audio.data": "the piece of the audio data",
    "audio.expires_at": "time until which requests can refer to it, in seconds since the epoch",
}
_MESSAGE = {
    "role": "assistant",
    "content": "the text",
    "refusal": "the refusal",
    "reasoning_content": "the reasoning",
    "annotations": "the citations",
    "tool_calls": "the calls, in the dialect's layout",
    "function_call": "the legacy call",
    "audio": "the audio",
}
_USAGE = {
    "prompt_tokens": "tokens of the prompt",
    "completion_tokens": "tokens of the answer",
    "total_tokens": "tokens of prompt and answer",
    "prompt_tokens_details.cached_tokens": "tokens of the prompt that were cached",
    "prompt_tokens_details.audio_tokens": "tokens of the prompt that are audio",
    "completion_tokens_details.reasoning_tokens": "tokens of the answer that are reasoning",
    "completion_tokens_details.audio_tokens": "tokens of the answer that are audio",
    "completion_tokens_details.accepted_prediction_tokens": "predicted tokens in the answer",
    "completion_tokens_details.rejected_prediction_tokens": "predicted tokens not in the answer",
}
_ERROR = {
    "message": "the error message",
    "type": "the error type",
    "code": "the error code, or null",
    "param": "the parameter that caused the error, or null",
    "status": "the HTTP status as a number",
}
PROVIDERS: Mapping[str, str] = {
    "obfuscation": "OpenAI and Azure: random padding",
    "p": "Mistral: random padding",
    "latency_checkpoint": "Azure: times within a response",
    "choices.content_filter_offsets.check_offset": "Azure: offset up to which text was checked",
    "choices.content_filter_offsets.start_offset": "Azure: start of the checked text",
    "choices.content_filter_offsets.end_offset": "Azure: end of the checked text",
    "choices.matched_stop": "SGLang: the text or token on which it stopped; null before",
    "choices.seed": "Together: the seed; null before the end",
    "choices.stop_reason": "vLLM: the text or token on which it stopped; null before",
    "choices.delta.token_id": "Together: id of the token",
    "choices.delta.phase": "Vercel: which phase of the answer the text belongs to",
    "choices.delta.channel": "Groq: the channel of a gpt-oss model",
    "choices.delta.provider_metadata": "Vercel: metadata of the provider behind it",
    "choices.delta.tool_calls.extra_content": "Gemini: the signature of its reasoning",
    "choices.delta.content.closed": "Mistral: whether the thinking is complete",
    "choices.delta.reasoning_details.id": "Snowflake: id of the reasoning",
    "copilot_usage": "Copilot: what the tokens cost",
    "cost": "Venice: what the answer costs",
    "citations": "Perplexity: URLs of the sources",
    "search_results": "Perplexity: the sources",
    "provider": "OpenRouter: the provider that answered",
    "stream_options": "LiteLLM: the request's stream_options, unchanged",
    "time_info": "Cerebras: seconds of each stage",
    "timings": "llama.cpp: seconds and tokens of each stage",
    "x_groq.id": "Groq: id of the request",
    "x_groq.seed": "Groq: the seed",
}
"""The meaning of each member that only single providers have.

Their values come from the dialect's ``extra`` in a generated response, and from the envelope in an
imitated recording; otherwise they are null.
"""

RECORDED = frozenset(PROVIDERS) | {
    "chunk_filter",
    "choice_filter",
    "null_if_reasoning",
    "empty_list_if_reasoning",
    "reasoning_details",
    "native_finish_reason",
    "null_usage_if_requested",
    "running_usage",
    "choices.finish_reason",
    "system_fingerprint",
    "service_tier",
}
"""The holes that an imitated recording can fill, chunk by chunk: what its upstream decides."""

HOLES: Mapping[str, str] = {
    **_CHUNK,
    **{f"choices.delta.{name}": meaning for name, meaning in _DELTA.items()},
    **{f"choices.message.{name}": meaning for name, meaning in _MESSAGE.items()},
    **_USAGE,
    **_ERROR,
    **{f"error.{name}": meaning for name, meaning in _ERROR.items()},
    **PROVIDERS,
}
"""The meaning of each hole, by the path of its member."""

_ALL = {**HOLES, **PLACEHOLDERS}


class Hole(NamedTuple):
    """A place in a layout that takes a value: its name is in `HOLES` or in `PLACEHOLDERS`."""

    name: str
    optional: bool = False


_MEMBER = re.compile(r"[\w./-]+")
_CONDITION = re.compile(r"@(!?)([\w-]+)")
_JSON = json.JSONDecoder()


def parse(
    notation: str, prefix: str = "", variants: frozenset[str] = frozenset()
) -> dict[str, Any]:
    """Parse a notation into a layout. The names of inner holes start with the path to them.

    Args:
        notation: the members, as this module describes.
        prefix: path of the object, with a dot at its end.
        variants: names of the variants that are chosen.

    Raises ValueError if the notation is malformed or uses a name that is not declared.

    >>> parse('id,choices[index,delta{content=""}]')["choices"]
    [{'index': Hole(name='choices.index', optional=False), 'delta': {'content': ''}}]
    """
    layout, end = _parse_members(notation, 0, prefix, variants)
    if end != len(notation):
        raise ValueError(f"the notation of a layout is malformed at {notation[end:]!r}")
    return layout


def _parse_members(
    notation: str, at: int, prefix: str, variants: frozenset[str]
) -> tuple[dict[str, Any], int]:
    members: dict[str, Any] = {}
    while match := _MEMBER.match(notation, at):
        name, at = match[0], match.end()
        member: Any
        path = f"{prefix}{name}"
        sign = notation[at : at + 1]
        if notation[at : at + 2] == "=$":
            hole = _MEMBER.match(notation, at + 2)
            if hole is None:
                break
            at = hole.end()
            optional = notation[at : at + 1] == "?"
            member = _make_hole(hole[0], optional, _ALL, f"${hole[0]}")
            at += optional
        elif sign == "=":
            member, at = _JSON.raw_decode(notation, at + 1)
        elif sign in ("{", "["):
            inner, at = _parse_members(notation, at + 1, f"{path}.", variants)
            member = [inner] if sign == "[" and inner else [] if sign == "[" else inner
            at += 1
        else:
            member = _make_hole(path, sign == "?", HOLES, path)
            at += sign == "?"
        is_chosen = True
        while condition := _CONDITION.match(notation, at):
            is_chosen &= (condition[2] in variants) != bool(condition[1])
            at = condition.end()
        if is_chosen:
            members[name] = member
        if notation[at : at + 1] != ",":
            break
        at += 1
    return members, at


def _make_hole(name: str, optional: bool, meanings: Mapping[str, str], notation: str) -> Hole:
    """Return the hole with this name. Raises ValueError if the name is not declared."""
    if name not in meanings:
        near = difflib.get_close_matches(name, meanings, 1)
        hint = f": did you mean {near[0]!r}?" if near else ""
        raise ValueError(f"a layout has {notation!r}, which is not declared{hint}")
    return Hole(name, optional)


def omit_members(layout: Any, paths: Collection[str], path: str = "") -> Any:
    """Return a layout without the members at these paths."""
    if isinstance(layout, list):
        return [omit_members(inner, paths, path) for inner in layout]
    if not isinstance(layout, dict):
        return layout
    members = {f"{path}.{name}" if path else name: name for name in layout}
    return {
        name: omit_members(layout[name], paths, inner)
        for inner, name in members.items()
        if inner not in paths
    }


OMITTED = object()
"""The value of a member that must be left out."""

NULL = object()
"""The value of a member that must be null, even if it is optional."""


def fill(layout: Any, value: Callable[[str], Any]) -> Any:
    """Return the layout with the value of each hole; an optional hole with None is left out."""
    kind = type(layout)
    if kind is Hole:
        return value(layout.name)
    if kind is dict:
        members = {}
        for name, inner in layout.items():
            member = fill(inner, value)
            if member is OMITTED or (member is None and type(inner) is Hole and inner.optional):
                continue
            members[name] = None if member is NULL else member
        return members
    if kind is list:
        return [fill(inner, value) for inner in layout]
    return layout
