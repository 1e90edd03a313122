"""A chat completion's stream or JSON body, back to the reply."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from openai_mockserver.api.chat.message import CALL_MEMBERS
from openai_mockserver.api.decode import as_json_text, decode_completion, join_halves
from openai_mockserver.api.logprobs import read_logprob
from openai_mockserver.dialects import usage as usages
from openai_mockserver.reply import (
    ApiError,
    Audio,
    Choice,
    FunctionCall,
    Logprob,
    Reply,
    ToolCall,
)
from openai_mockserver.script import Script

__all__ = ["read"]

# Reading back


def read(script: Script) -> Reply | ApiError:
    """What a response says: the reply as far as it goes, or the error it is instead.

    Chunks that are not JSON objects are passed over. Takes the shapes of OpenAI and, in text,
    reasoning and tool calls, those of its imitators (WIRE.md §5).
    """
    return decode_completion(script, "a chat completion", _Message, _read_message, usages.read)


class _Call:
    """A tool call, as far as it has come."""

    def __init__(self) -> None:
        self.id: str | None = None
        self.name = ""
        self.pieces: list[str] = []
        self.has_empty_object = False
        self.custom = False
        self.extra: dict[str, Any] = {}

    def made(self) -> ToolCall:
        # Some send an empty object before the text of the arguments.
        pieces = join_halves(self.pieces or ["{}"] * self.has_empty_object)
        return ToolCall(
            self.name or "?", pieces, self.id or "", custom=self.custom, extra=self.extra
        )


_MEMBERS_OF_CALL = frozenset({"index", "id", "type", "function", "custom"})


def _read_extra(call: dict[str, Any]) -> dict[str, Any]:
    """The members of a call that OpenAI's do not have."""
    return {k: v for k, v in call.items() if k not in _MEMBERS_OF_CALL and v is not None}


class _Message:
    """A choice, as far as it has come."""

    def __init__(self) -> None:
        self.pieces: dict[str, list[str] | None] = {
            "text": None,
            "reasoning": None,
            "refusal": None,
        }
        self.calls: dict[object, _Call] = {}
        self.function: _Call | None = None
        self.logprobs: list[tuple[Logprob, ...]] | None = None
        self.finish_reason: str | None = None
        self.annotations: list[dict[str, Any]] = []
        self.audio: dict[str, Any] = {}

    def hear(self, audio: dict[str, Any]) -> None:
        """Take a delta of audio: pieces of the transcript and the sound, else members."""
        for name, value in audio.items():
            if name in ("transcript", "data"):
                self.audio.setdefault(name, []).append(value)
            else:
                self.audio[name] = value

    def take(self, choice: dict[str, Any]) -> None:
        finish = choice.get("finish_reason")
        delta = choice.get("delta") or self._instead(choice)
        _read_delta(self, delta, choice.get("logprobs"), finish is not None)
        if finish:
            self.finish_reason = finish

    def _instead(self, choice: dict[str, Any]) -> dict[str, Any]:
        """What some send in place of a delta: a whole message, not one that repeats it all."""
        if isinstance(text := choice.get("text"), str):
            return {"content": text}
        if self.calls or self.function or any(self.pieces.values()):
            return {}
        message: dict[str, Any] = choice.get("message") or {}
        return message

    def say(self, name: str, value: object, counts_if_empty: bool) -> None:
        if isinstance(value, int | float) and not isinstance(value, bool):
            value = str(value)  # Cloudflare sends digits as numbers
        if not isinstance(value, str):
            return
        pieces = self.pieces[name]
        if pieces is None:
            pieces = self.pieces[name] = []
            if name == "reasoning" and not any(self.pieces["text"] or ()):
                self.pieces["text"] = None if self.pieces["text"] is None else []
        if value or counts_if_empty:
            pieces.append(value)

    def choice(self) -> Choice:
        function = self.function
        said = {name: p and join_halves(p) for name, p in self.pieces.items()}
        refusal = said["refusal"]
        if not refusal and (said["text"] or self.calls or function):
            refusal = None  # some say an empty one beside what is said
        return Choice(
            said["text"],
            reasoning=said["reasoning"],
            refusal=refusal,
            tool_calls=[call.made() for call in self.calls.values()],
            function_call=None
            if function is None
            else FunctionCall(function.name, join_halves(function.pieces)),
            logprobs=self.logprobs,
            finish_reason=self.finish_reason,
            audio=_read_audio(self.audio) if self.audio else None,
            annotations=self.annotations,
        )


_MEMBERS = {
    "content": "text",
    "reasoning_content": "reasoning",
    "reasoning": "reasoning",
    "refusal": "refusal",
}


def _read_delta(
    message: _Message, delta: dict[str, Any], logprobs: dict[str, Any] | None, finishes: bool
) -> None:
    # An empty string is a piece where it is all that the delta says; else it is mere form.
    alone = len(delta) == 1 and not finishes
    for member, name in _MEMBERS.items():
        # Some say what they think under both names.
        if member in delta and (member != "reasoning" or not delta.get("reasoning_content")):
            for kind, text in text_parts(delta[member], name):
                message.say(kind, text, alone)
    if not delta.keys() & {"reasoning", "reasoning_content"}:
        for detail in delta.get("reasoning_details") or ():
            message.say("reasoning", detail.get("text") or detail.get("summary"), False)
    if audio := delta.get("audio"):
        message.hear(audio)
    message.annotations += _read_annotations(delta)
    fragments = delta.get("tool_calls") or ()
    for fragment in [fragments] if isinstance(fragments, dict) else fragments:
        _read_call(message, fragment)
    function = delta.get("function_call")
    if function and (message.function or any(function.values())):  # else a stub that says nothing
        message.function = message.function or _Call()
        _read_function(message.function, function, "name" in function)
    if logprobs and any(isinstance(v, list) for v in logprobs.values()):
        message.logprobs = message.logprobs if message.logprobs is not None else []
        entries = logprobs.get("content") or logprobs.get("refusal")
        if entries:
            message.logprobs.append(tuple(map(read_logprob, entries)))


def text_parts(value: object, name: str) -> Iterator[tuple[str, object]]:
    """A member's text; Mistral's content may be a list of parts (WIRE.md §5)."""
    if not isinstance(value, list):
        yield name, value
        return
    for part in value:
        if part.get("type") == "thinking":
            for thought in part.get("thinking") or ():
                yield "reasoning", thought.get("text")
        else:
            yield name, part.get("text")


def _read_call(message: _Message, fragment: dict[str, Any]) -> None:
    id_ = fragment.get("id")
    key = fragment.get("index")
    function = fragment.get("custom") or fragment.get("function") or {}
    if key is None:
        # Without an index a new id begins a call, and no id goes on with the last; Gemini's whole
        # calls had an empty one.
        begun = id_ == "" and bool(function.get("name"))
        key = id_ or (("", len(message.calls)) if begun else next(reversed(message.calls), 0))
    # One index for all calls is seen too: then a new id with a new name tells where one begins.
    known = message.calls.get(key)
    if known is not None and id_ and known.id not in (None, id_):
        before = next((k for k, call in message.calls.items() if call.id == id_), None)
        if before is not None:
            key = before
        elif function.get("name"):
            message.calls[known.id, key] = message.calls.pop(key)
    call = message.calls.setdefault(key, _Call())
    begins = call.id is None and bool(id_)
    if begins:
        call.id = id_
    call.custom = call.custom or "custom" in fragment
    call.extra |= _read_extra(fragment)
    _read_function(call, function, begins)


def _read_function(call: _Call, function: dict[str, Any], begins: bool) -> None:
    name = function.get("name")
    if name and name != call.name:
        call.name += name
    arguments = function.get("input" if call.custom else "arguments")
    if arguments == {}:
        call.has_empty_object = True
        return
    arguments = as_json_text(arguments)
    if isinstance(arguments, str) and (arguments or not begins):
        call.pieces.append(arguments)


def _read_annotations(message: dict[str, Any]) -> list[dict[str, Any]]:
    """Citations, flat as in the Responses API."""
    return [
        {"type": kind, **one[kind]}
        for one in message.get("annotations") or ()
        if isinstance(one.get(kind := str(one.get("type"))), dict)
    ]


def _read_audio(audio: dict[str, Any]) -> Audio:
    return Audio(
        audio.get("transcript") or (),
        audio.get("data") or (),
        audio.get("id"),
        audio.get("expires_at") or 0,
    )


def _read_message(choice: dict[str, Any]) -> Choice:
    message = choice.get("message") or {}
    function = message.get("function_call")
    logprobs = choice.get("logprobs")
    entries = logprobs and (logprobs.get("content") or logprobs.get("refusal") or [])
    return Choice(
        message.get("content"),
        reasoning=message.get("reasoning_content", message.get("reasoning")),
        refusal=message.get("refusal"),
        tool_calls=[_read_whole_call(call) for call in message.get("tool_calls") or ()],
        function_call=function and FunctionCall(function["name"], function["arguments"]),
        logprobs=None if entries is None else [read_logprob(entry) for entry in entries],
        finish_reason=choice.get("finish_reason"),
        audio=_read_audio(audio) if (audio := message.get("audio")) else None,
        annotations=_read_annotations(message),
    )


def _read_whole_call(call: dict[str, Any]) -> ToolCall:
    custom = call.get("type") == "custom"
    kind, said_in = CALL_MEMBERS[custom]
    extra = _read_extra(call)
    return ToolCall(call[kind]["name"], call[kind][said_in], call["id"], custom=custom, extra=extra)
