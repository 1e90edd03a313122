"""Events in words: phrases, each of a kind that chooses its style.

Rules of this file: an event that cannot be understood is shown as it came. Tables say which shapes
events have (`_SHAPES`), how the members of a delta are described (`_DELTA`) and how each kind looks
(`STYLES`).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from openai_mockserver.script import Event
from openai_mockserver.show.format import (
    BROKEN,
    TOO_DEEP,
    as_object,
    as_objects,
    as_text,
    cut_middle,
    format_size,
    list_choices,
    quote,
    shorten,
    shorten_json,
)

__all__ = ["PIECES", "Phrase", "STYLES", "describe_item", "list_phrases", "measure_base64"]


class Phrase(NamedTuple):
    """A part of an event: its kind, how it is shown, and the piece of model output it carries."""

    kind: str
    text: str
    piece: str = ""


def list_phrases(event: Event, value: Any, several: bool) -> Iterator[Phrase]:
    """Yield the phrases of an event.

    Args:
        event: the event.
        value: its data as `format.decode_json` returns it.
        several: whether the stream has several choices, which are then numbered.
    """
    if event.data.startswith("[DONE]"):
        yield Phrase("done", event.data)
    elif value is BROKEN:
        yield Phrase("broken", f"not JSON: {cut_middle(event.data)}")
    elif value is TOO_DEEP:
        yield Phrase("broken", f"nested too deeply: {cut_middle(event.data)}")
    elif not isinstance(value, dict):
        yield Phrase("json", shorten_json(value))
    else:
        phrases = [p for shape in _SHAPES for p in shape(event, value, several)]
        yield from phrases or [Phrase("json", shorten_json(value))]


def _describe_choices(event: Event, value: dict[str, Any], several: bool) -> Iterator[Phrase]:
    for choice in list_choices(value):
        if several:
            yield Phrase("index", f"[{choice.get('index')}]")
        yield from _describe_choice(choice)
    if "choices" not in value and value.get("object") == "chat.completion.chunk":
        own = {name: member for name, member in value.items() if name not in _ENVELOPE}
        yield Phrase("empty", f"no choices{', but ' if own else ''}{', '.join(own)}")
    if value.get("choices") == []:
        has_filter = "prompt_filter_results" in value
        if has_filter or not value.get("usage"):
            yield Phrase("empty", "no choices" + ", but filter results" * has_filter)


_ENVELOPE = frozenset(
    [
        "id",
        "object",
        "created",
        "model",
        "service_tier",
        "system_fingerprint",
        "usage",
        "obfuscation",
    ]
)
"""The members of a chunk that are around its choices."""


def _describe_choice(choice: dict[str, Any]) -> Iterator[Phrase]:
    delta = choice.get("delta", choice.get("message"))
    phrases = list(_describe_delta(delta)) if isinstance(delta, dict) else []
    if "text" in choice and not phrases:
        phrases = list(_describe_text("text")(choice["text"]))
    finish = choice.get("finish_reason")
    if finish is not None:
        phrases = [p for p in phrases if p.kind != "empty"]
        phrases.append(Phrase("finish", f"finish_reason {as_text(finish)}"))
    yield from phrases or [Phrase("empty", "no delta")]


def _describe_delta(delta: dict[str, Any]) -> Iterator[Phrase]:
    phrases = [
        phrase
        for name, describe in _DELTA.items()
        if delta.get(name) is not None
        for phrase in describe(delta[name])
    ]
    # Beside other members, an empty text means nothing.
    full = [p for p in phrases if p.text not in ('""', 'reasoning ""', 'refusal ""')]
    members = {name: value for name, value in delta.items() if value is not None}
    json = Phrase("json", shorten_json(members)) if members else Phrase("empty", "empty delta")
    yield from full or phrases[:1] or [json]


def _describe_text(kind: str) -> Callable[[Any], Iterator[Phrase]]:
    label = "" if kind == "text" else f"{kind} "

    def describe(value: Any) -> Iterator[Phrase]:
        if isinstance(value, str):
            yield Phrase(kind, label + quote(value), value)
        elif isinstance(value, list):
            for part in value:
                yield from _describe_part(part, kind)
        else:
            yield Phrase("json", label + shorten_json(value))

    return describe


def _describe_part(part: Any, kind: str) -> Iterator[Phrase]:
    """Describe a part of a message; Mistral sends parts when a model thinks (WIRE.md §5)."""
    part = as_object(part)
    if "thinking" in part:
        yield from _describe_text("reasoning")(part["thinking"])
    elif "text" in part:
        yield from _describe_text(kind)(part["text"])
    else:
        yield Phrase("json", shorten_json(part))


def _describe_role(value: Any) -> Iterator[Phrase]:
    yield Phrase("role", f"role {as_text(value)}")


def _describe_function_call(value: Any) -> Iterator[Phrase]:
    yield _build_call("function_call", as_object(value))


def _describe_calls(value: Any) -> Iterator[Phrase]:
    for call in as_objects(value):
        function = as_object(call.get("function"))
        index = "?" if call.get("index") is None else shorten_json(call["index"])
        yield _build_call(f"tool_call[{index}]", function)


def _build_call(label: str, function: dict[str, Any]) -> Phrase:
    name, arguments = function.get("name"), function.get("arguments")
    shown = [label] if not name else [label, str(name)]
    if arguments:
        shown.append(arguments if isinstance(arguments, str) else shorten_json(arguments))
    return Phrase("tool_call", " ".join(shown), arguments if isinstance(arguments, str) else "")


def _describe_audio(value: Any) -> Iterator[Phrase]:
    audio = as_object(value)
    if isinstance(transcript := audio.get("transcript"), str):
        yield Phrase("audio", f"audio {quote(transcript)}", transcript)
    if isinstance(data := audio.get("data"), str):
        yield Phrase("audio", f"audio, {measure_base64(data)}")
    if isinstance(expiry := audio.get("expires_at"), int):
        when = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(expiry))
        yield Phrase("audio", f"audio can be referred to until {when} UTC")
    elif not audio.keys() & {"transcript", "data"}:
        yield Phrase("audio", f"audio {shorten_json(value)}")


_DELTA: dict[str, Callable[[Any], Iterator[Phrase]]] = {
    "role": _describe_role,
    "reasoning_content": _describe_text("reasoning"),
    "reasoning": _describe_text("reasoning"),
    "content": _describe_text("text"),
    "refusal": _describe_text("refusal"),
    "tool_calls": _describe_calls,
    "function_call": _describe_function_call,
    "audio": _describe_audio,
}
"""The members of a chat delta, and the functions that describe them."""


def _describe_usage(event: Event, value: dict[str, Any], several: bool) -> Iterator[Phrase]:
    usage = value.get("usage")
    finishes = any(c.get("finish_reason") is not None for c in list_choices(value))
    # Some providers repeat the counts in every chunk; only those at the end matter.
    if isinstance(usage, dict) and (finishes or not list_choices(value)) and "choices" in value:
        counts = [usage.get(name) for name in ("prompt_tokens", "completion_tokens")]
        yield _describe_counts(counts)


def _describe_counts(counts: list[Any]) -> Phrase:
    words = ["?" if number is None else shorten_json(number) for number in counts]
    return Phrase("usage", f"usage {' + '.join(words)}")


def _describe_error(event: Event, value: dict[str, Any], several: bool) -> Iterator[Phrase]:
    error = value.get("error")
    if error is None and value.get("type") == "error":
        error = value
    if error is not None:
        message = as_object(error).get("message")
        yield Phrase("error", f"error {quote(message) if message else shorten_json(error)}")


def _describe_typed(event: Event, value: dict[str, Any], several: bool) -> Iterator[Phrase]:
    """Describe an event that has a type, as those of the Responses API and of audio do."""
    kind = value.get("type")
    if not isinstance(kind, str) or kind == "error":
        return
    delta = value.get("delta")
    if isinstance(delta, str):
        yield Phrase("type", kind)
        yield Phrase(_find_kind(kind), quote(delta), delta)
    elif isinstance(value.get("audio"), str):
        yield Phrase("type", kind)
        yield Phrase("audio", measure_base64(value["audio"]))
    elif isinstance(value.get("partial_image_b64"), str):
        yield Phrase("type", kind)
        yield Phrase("image", measure_base64(value["partial_image_b64"]))
    else:
        item = as_object(value.get("item", value.get("part", value.get("annotation"))))
        details = [item.get(name) for name in ("type", "name", "call_id")]
        details.append(describe_item(item))
        if isinstance(value.get("text"), str) and kind.startswith("transcript."):
            details.append(quote(value["text"]))
        is_last = kind in ("response.completed", "response.incomplete", "response.failed")
        words = " ".join([kind, *(str(detail) for detail in details if detail)])
        yield Phrase("finish" if is_last else "type", words)
        if is_last:
            yield from _describe_end(as_object(value.get("response")))


def measure_base64(data: str) -> str:
    """Return the size of what a base64 text holds."""
    return format_size(len(data) * 3 // 4 - data[-2:].count("="))


def describe_item(item: dict[str, Any]) -> str:
    """Return what an item of a built-in tool, or a citation, is about; empty if it does not say."""
    found: Any = item
    for path in _SUBJECTS.get(str(item.get("type")), ()):
        found = item
        for name in path.split("."):
            found = as_object(found).get(name)
        if found:
            break
    else:
        return ""
    words = " ".join(map(str, found)) if isinstance(found, list) else str(found)
    return quote(shorten(words, 80))


_SUBJECTS = {
    "web_search_call": ("action.query", "action.queries", "action.url", "action.pattern"),
    "file_search_call": ("queries",),
    "code_interpreter_call": ("code",),
    "computer_call": ("action.type",),
    "custom_tool_call": ("input",),
    "local_shell_call": ("action.command",),
    "shell_call": ("action.commands",),
    "apply_patch_call": ("operation.path",),
    "image_generation_call": ("revised_prompt",),
    "mcp_call": ("arguments",),
    "mcp_list_tools": ("server_label",),
    "url_citation": ("url",),
    "file_citation": ("filename", "file_id"),
    "container_file_citation": ("filename",),
}
"""The members that say what an item is about, by its type: the first that has a value."""


def _describe_end(response: dict[str, Any]) -> Iterator[Phrase]:
    """Describe why a response ended, and its usage."""
    if error := response.get("error"):
        message = as_object(error).get("message")
        yield Phrase("error", f"error {quote(message) if message else shorten_json(error)}")
    if reason := as_object(response.get("incomplete_details")).get("reason"):
        yield Phrase("type", as_text(reason))
    if isinstance(usage := response.get("usage"), dict):
        counts = [usage.get(name) for name in ("input_tokens", "output_tokens")]
        yield _describe_counts(counts)


def _find_kind(name: str) -> str:
    """Return the kind of the delta in an event of this type."""
    return next((kind for part, kind in _TYPES if part in name), "delta")


_TYPES = (
    ("arguments", "tool_call"),
    ("code", "tool_call"),
    ("reasoning", "reasoning"),
    ("refusal", "refusal"),
    ("audio.delta", "audio"),
    ("text", "text"),
)


def _describe_thread(event: Event, value: dict[str, Any], several: bool) -> Iterator[Phrase]:
    """Describe an event of the Assistants API, whose type is the event's name."""
    if not (event.event or "").startswith("thread."):
        return
    parts = as_objects(as_object(value.get("delta")).get("content"))
    texts = [as_object(part.get("text")).get("value") for part in parts]
    piece = "".join(text for text in texts if isinstance(text, str))
    yield Phrase("type", event.event or "")
    if piece:
        yield Phrase("text", quote(piece), piece)


_SHAPES = (_describe_choices, _describe_usage, _describe_error, _describe_typed, _describe_thread)


STYLES: dict[str, str] = {
    # The kind of an event with several phrases is the first of these.
    "error": "red",
    "broken": "red",
    "text": "",
    "reasoning": "italic",
    "refusal": "magenta",
    "tool_call": "cyan",
    "audio": "blue",
    "image": "blue",
    "delta": "",
    "finish": "green",
    "role": "dim",
    "usage": "dim",
    "done": "green",
    "type": "dim",
    "empty": "dim",
    "comment": "dim",
    "bytes": "yellow",
    "json": "dim",
    "index": "dim",
    "late": "bold yellow",
    "title": "bold",
    "quiet": "dim",
    "plain": "",
}
"""How the phrases of each kind look, in the words of rich."""

PIECES = ("text", "reasoning", "refusal", "tool_call", "audio", "delta")
"""The kinds whose phrases carry the model's output, token by token."""
