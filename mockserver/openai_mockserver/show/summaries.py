"""What an event says: phrases, each of a kind, and how the kinds look.

Rules of this file: what cannot be understood is said as it came. What shapes events have, how the
members of a delta are told and how kinds look stand in tables: `_SHAPES`, `_DELTA`, `STYLES`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from openai_mockserver.script import Event
from openai_mockserver.show.format import (
    BROKEN,
    TOO_DEEP,
    as_object,
    as_objects,
    bare,
    choices_of,
    count,
    quoted,
    short_json,
    without_middle,
)

__all__ = ["PIECES", "Phrase", "STYLES", "phrases_of"]


class Phrase(NamedTuple):
    """One thing that an event says: how it is shown, and the text it adds to, if it does."""

    kind: str
    text: str
    piece: str = ""


def phrases_of(event: Event, value: Any, several: bool) -> Iterator[Phrase]:
    if event.data.startswith("[DONE]"):
        yield Phrase("done", event.data)
    elif value is BROKEN:
        yield Phrase("broken", f"not JSON: {without_middle(event.data)}")
    elif value is TOO_DEEP:
        yield Phrase("broken", f"nested too deeply: {without_middle(event.data)}")
    elif not isinstance(value, dict):
        yield Phrase("json", short_json(value))
    else:
        said = [p for shape in _SHAPES for p in shape(event, value, several)]
        yield from said or [Phrase("json", short_json(value))]


def _say_choices(event: Event, value: dict[str, Any], several: bool) -> Iterator[Phrase]:
    for choice in choices_of(value):
        if several:
            yield Phrase("index", f"[{choice.get('index')}]")
        yield from _say_choice(choice)
    if value.get("choices") == []:
        filtered = "prompt_filter_results" in value
        if filtered or not value.get("usage"):
            yield Phrase("empty", "no choices" + ", but filter results" * filtered)


def _say_choice(choice: dict[str, Any]) -> Iterator[Phrase]:
    delta = choice.get("delta", choice.get("message"))
    said = list(_say_delta(delta)) if isinstance(delta, dict) else []
    if "text" in choice and not said:
        said = list(_say_text("text")(choice["text"]))
    finish = choice.get("finish_reason")
    if finish is not None:
        said = [p for p in said if p.kind != "empty"]
        said.append(Phrase("finish", f"finish_reason {bare(finish)}"))
    yield from said or [Phrase("empty", "no delta")]


def _say_delta(delta: dict[str, Any]) -> Iterator[Phrase]:
    said = [p for name, say in _DELTA.items() if delta.get(name) is not None
            for p in say(delta[name])]  # fmt: skip
    # An empty string beside something else is mere form.
    telling = [p for p in said if p.text not in ('""', 'reasoning ""', 'refusal ""')]
    given = {k: v for k, v in delta.items() if v is not None}
    other = Phrase("empty", "empty delta") if not given else Phrase("json", short_json(given))
    yield from telling or said[:1] or [other]


def _say_text(kind: str) -> Callable[[Any], Iterator[Phrase]]:
    label = "" if kind == "text" else f"{kind} "

    def say(value: Any) -> Iterator[Phrase]:
        if isinstance(value, str):
            yield Phrase(kind, label + quoted(value), value)
        elif isinstance(value, list):
            for part in value:
                yield from _say_part(part, kind)
        else:
            yield Phrase("json", label + short_json(value))

    return say


def _say_part(part: Any, kind: str) -> Iterator[Phrase]:
    """A part of a message, as Mistral has them for thinking (WIRE.md §5)."""
    part = as_object(part)
    if "thinking" in part:
        yield from _say_text("reasoning")(part["thinking"])
    elif "text" in part:
        yield from _say_text(kind)(part["text"])
    else:
        yield Phrase("json", short_json(part))


def _say_calls(value: Any) -> Iterator[Phrase]:
    for call in as_objects(value):
        function = as_object(call.get("function"))
        index = "?" if call.get("index") is None else short_json(call["index"])
        yield _call_phrase(f"tool_call[{index}]", function)


def _call_phrase(label: str, function: dict[str, Any]) -> Phrase:
    name, arguments = function.get("name"), function.get("arguments")
    shown = [label] if not name else [label, str(name)]
    if arguments:
        shown.append(arguments if isinstance(arguments, str) else short_json(arguments))
    return Phrase("tool_call", " ".join(shown), arguments if isinstance(arguments, str) else "")


def _say_audio(value: Any) -> Iterator[Phrase]:
    audio = as_object(value)
    if isinstance(transcript := audio.get("transcript"), str):
        yield Phrase("audio", f"audio {quoted(transcript)}", transcript)
    if isinstance(data := audio.get("data"), str):
        yield Phrase("audio", f"audio data, {count(len(data), 'character')}")
    if not audio.keys() & {"transcript", "data"}:
        yield Phrase("audio", f"audio {short_json(value)}")


_DELTA: dict[str, Callable[[Any], Iterator[Phrase]]] = {
    "role": lambda v: iter([Phrase("role", f"role {bare(v)}")]),
    "reasoning_content": _say_text("reasoning"),
    "reasoning": _say_text("reasoning"),
    "content": _say_text("text"),
    "refusal": _say_text("refusal"),
    "tool_calls": _say_calls,
    "function_call": lambda v: iter([_call_phrase("function_call", as_object(v))]),
    "audio": _say_audio,
}
"""How the members of a chat delta are told."""


def _say_usage(event: Event, value: dict[str, Any], several: bool) -> Iterator[Phrase]:
    usage = value.get("usage")
    finishes = any(c.get("finish_reason") is not None for c in choices_of(value))
    # Some repeat the counts with every piece; they matter at the end.
    if isinstance(usage, dict) and (finishes or not choices_of(value)) and "choices" in value:
        counts = [usage.get(name) for name in ("prompt_tokens", "completion_tokens")]
        yield Phrase(
            "usage", "usage " + " + ".join("?" if c is None else short_json(c) for c in counts)
        )


def _say_error(event: Event, value: dict[str, Any], several: bool) -> Iterator[Phrase]:
    error = value.get("error")
    if error is None and value.get("type") == "error":
        error = value
    if error is not None:
        message = as_object(error).get("message")
        yield Phrase("error", f"error {quoted(message) if message else short_json(error)}")


def _say_typed(event: Event, value: dict[str, Any], several: bool) -> Iterator[Phrase]:
    """Events that have a type, as those of the Responses API and of audio."""
    kind = value.get("type")
    if not isinstance(kind, str) or kind == "error":
        return
    delta = value.get("delta")
    if isinstance(delta, str):
        yield Phrase("type", kind)
        yield Phrase(_kind_of_type(kind), quoted(delta), delta)
    elif isinstance(value.get("audio"), str):
        yield Phrase("type", kind)
        yield Phrase("audio", count(len(value["audio"]), "character"))
    else:
        item = value.get("item", value.get("part"))
        about = [as_object(item).get(name) for name in ("type", "name", "call_id")]
        ends = kind in ("response.completed", "response.incomplete", "response.failed")
        words = " ".join([kind, *(str(one) for one in about if one)])
        yield Phrase("finish" if ends else "type", words)
        if ends:
            yield from _say_end(as_object(value.get("response")))


def _say_end(response: dict[str, Any]) -> Iterator[Phrase]:
    """Why a response ended as it did, and its counts."""
    if error := response.get("error"):
        message = as_object(error).get("message")
        yield Phrase("error", f"error {quoted(message) if message else short_json(error)}")
    if why := as_object(response.get("incomplete_details")).get("reason"):
        yield Phrase("type", bare(why))
    if isinstance(usage := response.get("usage"), dict):
        counts = [usage.get(name) for name in ("input_tokens", "output_tokens")]
        yield Phrase(
            "usage", "usage " + " + ".join("?" if c is None else short_json(c) for c in counts)
        )


def _kind_of_type(name: str) -> str:
    return next((kind for part, kind in _TYPES if part in name), "delta")


_TYPES = (
    ("arguments", "tool_call"),
    ("code", "tool_call"),
    ("reasoning", "reasoning"),
    ("refusal", "refusal"),
    ("audio.delta", "audio"),
    ("text", "text"),
)


def _say_thread(event: Event, value: dict[str, Any], several: bool) -> Iterator[Phrase]:
    """Events of the Assistants API, whose type is the event's name."""
    if not (event.event or "").startswith("thread."):
        return
    parts = as_objects(as_object(value.get("delta")).get("content"))
    texts = [as_object(part.get("text")).get("value") for part in parts]
    piece = "".join(text for text in texts if isinstance(text, str))
    yield Phrase("type", event.event or "")
    if piece:
        yield Phrase("text", quoted(piece), piece)


_SHAPES = (_say_choices, _say_usage, _say_error, _say_typed, _say_thread)


STYLES: dict[str, dict[str, Any]] = {
    # The kind of an event that says several things is the first of these.
    "error": {"fg": "red"},
    "broken": {"fg": "red"},
    "text": {},
    "reasoning": {"italic": True},
    "refusal": {"fg": "magenta"},
    "tool_call": {"fg": "cyan"},
    "audio": {"fg": "blue"},
    "delta": {},
    "finish": {"fg": "green"},
    "role": {"dim": True},
    "usage": {"dim": True},
    "done": {"fg": "green"},
    "type": {"dim": True},
    "empty": {"dim": True},
    "comment": {"dim": True},
    "bytes": {"fg": "yellow"},
    "json": {"dim": True},
    "index": {"dim": True},
    "loud": {"fg": "yellow", "bold": True},
    "title": {"bold": True},
    "quiet": {"dim": True},
    "plain": {},
}

PIECES = ("text", "reasoning", "refusal", "tool_call", "audio", "delta")
"""The kinds that carry what the model makes, token by token."""
