"""Reads the reply of a chat completion's stream or JSON body."""

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


def read(script: Script) -> Reply | ApiError:
    """Return the reply of a response, as far as it was sent, or the error that came instead.

    Chunks that are not JSON objects are skipped. The shapes may be OpenAI's and, for text,
    reasoning and tool calls, those of other providers (WIRE.md §5).
    """
    return decode_completion(
        script, "a chat completion", _PartialChoice, _read_message, usages.read
    )


class _PartialCall:
    """A tool call, as far as it was received."""

    def __init__(self) -> None:
        self.id: str | None = None
        self.name = ""
        self.pieces: list[str] = []
        self.has_empty_object = False
        self.custom = False
        self.extra: dict[str, Any] = {}

    def build(self) -> ToolCall:
        # Some providers send an empty object before the text of the arguments.
        pieces = join_halves(self.pieces or ["{}"] * self.has_empty_object)
        return ToolCall(
            self.name or "?", pieces, self.id or "", custom=self.custom, extra=self.extra
        )


_MEMBERS_OF_CALL = frozenset({"index", "id", "type", "function", "custom"})


def _read_extra(call: dict[str, Any]) -> dict[str, Any]:
    """Return the members of a call that OpenAI's calls do not have."""
    return {k: v for k, v in call.items() if k not in _MEMBERS_OF_CALL and v is not None}


class _PartialChoice:
    """A choice, as far as it was received."""

    def __init__(self) -> None:
        self.pieces: dict[str, list[str] | None] = {
            "text": None,
            "reasoning": None,
            "refusal": None,
        }
        self.calls: dict[object, _PartialCall] = {}
        self.function: _PartialCall | None = None
        self.logprobs: list[tuple[Logprob, ...]] | None = None
        self.finish_reason: str | None = None
        self.annotations: list[dict[str, Any]] = []
        self.audio: dict[str, Any] = {}

    def add_audio(self, audio: dict[str, Any]) -> None:
        """Add a delta of audio: pieces of the transcript and the data, and other members."""
        for name, value in audio.items():
            if name in ("transcript", "data"):
                self.audio.setdefault(name, []).append(value)
            else:
                self.audio[name] = value

    def add_chunk(self, choice: dict[str, Any]) -> None:
        finish = choice.get("finish_reason")
        delta = choice.get("delta") or self._find_message(choice)
        _read_delta(self, delta, choice.get("logprobs"), finish is not None)
        if finish:
            self.finish_reason = finish

    def _find_message(self, choice: dict[str, Any]) -> dict[str, Any]:
        """Return the message that some providers send instead of a delta.

        A message that repeats what was already received is ignored.
        """
        if isinstance(text := choice.get("text"), str):
            return {"content": text}
        if self.calls or self.function or any(self.pieces.values()):
            return {}
        message: dict[str, Any] = choice.get("message") or {}
        return message

    def add_text(self, name: str, value: object, keep_empty: bool) -> None:
        if isinstance(value, int | float) and not isinstance(value, bool):
            value = str(value)  # Cloudflare sends digits as numbers
        if not isinstance(value, str):
            return
        pieces = self.pieces[name]
        if pieces is None:
            pieces = self.pieces[name] = []
            if name == "reasoning" and not any(self.pieces["text"] or ()):
                self.pieces["text"] = None if self.pieces["text"] is None else []
        if value or keep_empty:
            pieces.append(value)

    def read_choice(self) -> Choice:
        function = self.function
        texts = {name: p and join_halves(p) for name, p in self.pieces.items()}
        refusal = texts["refusal"]
        if not refusal and (texts["text"] or self.calls or function):
            refusal = None  # some providers send an empty one beside the answer
        return Choice(
            texts["text"],
            reasoning=texts["reasoning"],
            refusal=refusal,
            tool_calls=[call.build() for call in self.calls.values()],
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
    partial: _PartialChoice, delta: dict[str, Any], logprobs: dict[str, Any] | None, finishes: bool
) -> None:
    # An empty string is a piece if the delta has nothing else; otherwise it is a placeholder.
    is_alone = len(delta) == 1 and not finishes
    for member, name in _MEMBERS.items():
        # Some providers send the reasoning under both names.
        if member in delta and (member != "reasoning" or not delta.get("reasoning_content")):
            for kind, text in text_parts(delta[member], name):
                partial.add_text(kind, text, is_alone)
    if not delta.keys() & {"reasoning", "reasoning_content"}:
        for detail in delta.get("reasoning_details") or ():
            partial.add_text("reasoning", detail.get("text") or detail.get("summary"), False)
    if audio := delta.get("audio"):
        partial.add_audio(audio)
    partial.annotations += _read_annotations(delta)
    fragments = delta.get("tool_calls") or ()
    for fragment in [fragments] if isinstance(fragments, dict) else fragments:
        _read_call(partial, fragment)
    function = delta.get("function_call")
    if function and (partial.function or any(function.values())):  # else it is an empty stub
        partial.function = partial.function or _PartialCall()
        _read_function(partial.function, function, "name" in function)
    if logprobs and any(isinstance(v, list) for v in logprobs.values()):
        partial.logprobs = partial.logprobs if partial.logprobs is not None else []
        entries = logprobs.get("content") or logprobs.get("refusal")
        if entries:
            partial.logprobs.append(tuple(map(read_logprob, entries)))


def text_parts(value: object, name: str) -> Iterator[tuple[str, object]]:
    """Yield the texts of a member by kind; Mistral's content may be a list (WIRE.md §5)."""
    if not isinstance(value, list):
        yield name, value
        return
    for part in value:
        if part.get("type") == "thinking":
            for thinking_part in part.get("thinking") or ():
                yield "reasoning", thinking_part.get("text")
        else:
            yield name, part.get("text")


def _read_call(partial: _PartialChoice, fragment: dict[str, Any]) -> None:
    id_ = fragment.get("id")
    key = fragment.get("index")
    function = fragment.get("custom") or fragment.get("function") or {}
    if key is None:
        # Without an index a new id begins a call, and a missing id continues the last one. Gemini
        # sends whole calls with an empty id.
        is_whole = id_ == "" and bool(function.get("name"))
        key = id_ or (("", len(partial.calls)) if is_whole else next(reversed(partial.calls), 0))
    # Some providers use one index for all calls: then a new id with a name begins a call.
    earlier_call = partial.calls.get(key)
    if earlier_call is not None and id_ and earlier_call.id not in (None, id_):
        earlier_key = next((k for k, call in partial.calls.items() if call.id == id_), None)
        if earlier_key is not None:
            key = earlier_key
        elif function.get("name"):
            partial.calls[earlier_call.id, key] = partial.calls.pop(key)
    call = partial.calls.setdefault(key, _PartialCall())
    begins = call.id is None and bool(id_)
    if begins:
        call.id = id_
    call.custom = call.custom or "custom" in fragment
    call.extra |= _read_extra(fragment)
    _read_function(call, function, begins)


def _read_function(call: _PartialCall, function: dict[str, Any], begins: bool) -> None:
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
    """Return the citations, flat as in the Responses API."""
    return [
        {"type": kind, **annotation[kind]}
        for annotation in message.get("annotations") or ()
        if isinstance(annotation.get(kind := str(annotation.get("type"))), dict)
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
    is_custom = call.get("type") == "custom"
    kind, member = CALL_MEMBERS[is_custom]
    extra = _read_extra(call)
    return ToolCall(
        call[kind]["name"], call[kind][member], call["id"], custom=is_custom, extra=extra
    )
