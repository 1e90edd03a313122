"""Limits a choice to ``stop`` and ``max_tokens`` of the request.

Rules of this file: functions from choices to choices; no endpoints, bytes or randomness.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from openai_mockserver.reply.content import FunctionCall
from openai_mockserver.reply.reply import Choice
from openai_mockserver.reply.text import Text

__all__ = ["count_tokens", "limit_choice", "replace_arguments"]


def replace_arguments(choice: Choice, **changes: Any) -> Choice:
    """Return the choice with some arguments replaced, and its output in the usual order."""
    names = [name for name in Choice.__slots__ if name != "explicit_output"]
    return Choice(**({name: getattr(choice, name) for name in names} | changes))


_TOKEN_LIMITS = ("max_completion_tokens", "max_tokens")


def limit_choice(choice: Choice, request: Mapping[str, Any]) -> Choice:
    """Return the choice, cut at the request's ``stop`` sequences and ``max_tokens``."""
    stop = request.get("stop")
    if stop and choice.text:
        sequences = [stop] if isinstance(stop, str) else stop
        cuts = [at for s in sequences if s and (at := choice.text.find(s)) >= 0]
        if cuts:
            text = _first_characters(choice.text, min(cuts))
            logprobs = choice.logprobs
            choice = replace_arguments(
                choice,
                text=text,
                tool_calls=(),
                function_call=None,
                logprobs=None if logprobs is None else logprobs[: len(text.pieces)],
                finish_reason="stop",
            )
    limits = [request[name] for name in _TOKEN_LIMITS if request.get(name) is not None]
    if limits and count_tokens(choice) > min(limits):
        return _first_tokens(choice, min(limits))
    return choice


def _first_characters(text: Text, n: int) -> Text:
    pieces: list[str] = []
    for piece in text.pieces:
        if n <= 0:
            break
        pieces.append(piece[:n])
        n -= len(piece)
    return Text(pieces, text.sizes[: len(pieces)])


def _list_texts(choice: Choice) -> Iterator[tuple[str, Text]]:
    """Yield each text of the choice with the name of its member, in the order they are sent."""
    for name in ("reasoning", "text", "refusal"):
        if (text := getattr(choice, name)) is not None:
            yield name, text
    for call in choice.tool_calls:
        yield "call", call.arguments
    if choice.function_call is not None:
        yield "call", choice.function_call.arguments


def count_tokens(choice: Choice) -> int:
    """Return the number of tokens in all parts of the choice."""
    return sum([text.tokens for _, text in _list_texts(choice)])


def _first_tokens(choice: Choice, limit: int) -> Choice:
    texts: dict[str, Any] = {}
    arguments: list[Text] = []
    for name, text in _list_texts(choice):
        part = text.first(limit)
        if name != "call":
            texts[name] = part
        elif limit > 0:
            arguments.append(part)
        limit = max(0, limit - text.tokens)
    calls = [
        replace(call, arguments=text)
        for call, text in zip(choice.tool_calls, arguments, strict=False)
    ]
    function = choice.function_call
    if function is not None:
        function = FunctionCall(function.name, arguments[0]) if arguments else None
    logprobs = choice.logprobs
    if logprobs is not None:
        aligned_text = texts.get("text", texts.get("refusal"))
        logprobs = logprobs[: len(aligned_text.pieces) if aligned_text is not None else 0]
    return replace_arguments(
        choice,
        **texts,
        tool_calls=calls,
        function_call=function,
        logprobs=logprobs,
        finish_reason="length",
    )
