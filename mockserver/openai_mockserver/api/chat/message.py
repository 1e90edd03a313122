"""A choice as the message of a JSON body, and what chunks have in common with it."""

from __future__ import annotations

from typing import Any

import msgspec.json

from openai_mockserver.api.chat.sequence import citations
from openai_mockserver.api.logprobs import logprob_to_json, make_logprob
from openai_mockserver.exceptions import ReplyError
from openai_mockserver.reply import (
    Choice,
    Text,
    ToolCall,
)
from openai_mockserver.reply.limits import replace_arguments


def dumps(value: object) -> str:
    return msgspec.json.encode(value).decode()


# Whether a call is of a custom tool: its type, and the member that holds its arguments.
CALL_MEMBERS = {False: ("function", "arguments"), True: ("custom", "input")}


def call_json(call: ToolCall, arguments: str) -> dict[str, Any]:
    kind, member = CALL_MEMBERS[call.custom]
    return {"id": call.id, "type": kind, kind: {"name": call.name, member: arguments}, **call.extra}


def encode_logprobs(choice: Choice, top: int) -> list[str]:
    """Return the JSON of the log probabilities of each piece of the text or refusal."""
    logprobs = choice.logprobs
    if logprobs is None:
        text = choice.text if choice.text is not None else choice.refusal
        pieces = text.pieces if text is not None else ()
        logprobs = tuple((make_logprob(piece, top),) for piece in pieces)
    return [dumps([logprob_to_json(entry, top) for entry in entries]) for entries in logprobs]


def require_finish(choice: Choice) -> Choice:
    if choice.finish_reason is not None:
        return choice
    if choice.audio is not None:
        return replace_arguments(choice, finish_reason="stop")  # which streams of audio leave out
    raise ReplyError("a reply that never finishes can only be streamed; set stream=True")


def choice_json(
    index: int, choice: Choice, with_logprobs: bool, top: int, logprobs_key: bool
) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": choice.text}
    if choice.reasoning is not None:
        message["reasoning_content"] = choice.reasoning
    if choice.tool_calls:
        message["tool_calls"] = [call_json(call, str(call.arguments)) for call in choice.tool_calls]
    if choice.function_call is not None:
        function = choice.function_call
        message["function_call"] = {"name": function.name, "arguments": str(function.arguments)}
    message["refusal"] = choice.refusal
    message["annotations"] = citations(choice)
    if choice.audio is not None:
        message["audio"] = {
            "id": choice.audio.id,
            "data": str(choice.audio.data),
            "expires_at": choice.audio.expires_at,
            "transcript": str(choice.audio.transcript),
        }
    members: dict[str, Any] = {"index": index, "message": _plain(message)}
    if with_logprobs:
        flat = [
            entry for json in encode_logprobs(choice, top) for entry in msgspec.json.decode(json)
        ]
        is_refusal = choice.text is None and choice.refusal is not None
        members["logprobs"] = {
            "content": None if is_refusal else flat,
            "refusal": flat if is_refusal else None,
        }
    elif logprobs_key:
        members["logprobs"] = None
    return members | {"finish_reason": choice.finish_reason}


def _plain(message: dict[str, Any]) -> dict[str, Any]:
    """Convert `Text` to str, since msgspec does not encode subclasses of str."""
    return {k: str(v) if isinstance(v, Text) else v for k, v in message.items()}
