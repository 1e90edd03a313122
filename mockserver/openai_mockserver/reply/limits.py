"""What a request cuts short: a choice as far as ``stop`` and ``max_tokens`` let it be said.

Rules of this file: choices in, choices out; no endpoint, bytes or chance.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from openai_mockserver.reply.content import FunctionCall
from openai_mockserver.reply.reply import Choice
from openai_mockserver.reply.text import Text

__all__ = ["changed", "limited", "size"]


def changed(choice: Choice, **changes: Any) -> Choice:
    """The same choice but for these of its arguments."""
    # What is changed has no order of its own any more.
    fields = {name: getattr(choice, name) for name in Choice.__slots__ if name != "ordered"}
    return Choice(**(fields | changes))


_TOKEN_LIMITS = ("max_completion_tokens", "max_tokens")


def limited(choice: Choice, request: Mapping[str, Any]) -> Choice:
    """The choice as far as ``stop`` and ``max_tokens`` let it be said."""
    stop = request.get("stop")
    if stop and choice.text:
        sequences = [stop] if isinstance(stop, str) else stop
        cuts = [at for s in sequences if s and (at := choice.text.find(s)) >= 0]
        if cuts:
            text = _first_characters(choice.text, min(cuts))
            stated = choice.logprobs
            choice = changed(
                choice,
                text=text,
                tool_calls=(),
                function_call=None,
                logprobs=None if stated is None else stated[: len(text.pieces)],
                finish_reason="stop",
            )
    limits = [request[name] for name in _TOKEN_LIMITS if request.get(name) is not None]
    if limits and size(choice) > min(limits):
        return _first_tokens(choice, min(limits))
    return choice


def _first_characters(text: Text, n: int) -> Text:
    kept: list[str] = []
    for piece in text.pieces:
        if n <= 0:
            break
        kept.append(piece[:n])
        n -= len(piece)
    return Text(kept, text.sizes[: len(kept)])


def _spoken(choice: Choice) -> Iterator[tuple[str, Text]]:
    """The member and its text, in the order in which they are said."""
    for name in ("reasoning", "text", "refusal"):
        if (text := getattr(choice, name)) is not None:
            yield name, text
    for call in choice.tool_calls:
        yield "call", call.arguments
    if choice.function_call is not None:
        yield "call", choice.function_call.arguments


def size(choice: Choice) -> int:
    """How many tokens the choice says, in all its parts."""
    return sum([text.tokens for _, text in _spoken(choice)])


def _first_tokens(choice: Choice, limit: int) -> Choice:
    kept: dict[str, Any] = {}
    arguments: list[Text] = []
    for name, text in _spoken(choice):
        part = text.first(limit)
        if name != "call":
            kept[name] = part
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
        aligned = kept.get("text", kept.get("refusal"))
        logprobs = logprobs[: len(aligned.pieces) if aligned is not None else 0]
    return changed(
        choice,
        **kept,
        tool_calls=calls,
        function_call=function,
        logprobs=logprobs,
        finish_reason="length",
    )
