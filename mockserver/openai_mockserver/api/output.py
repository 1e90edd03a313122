"""The output of a response: its items as JSON and as the events that make them, and back.

Rules of this file: no I/O; sequences are those of WIRE.md §3, and tables say how the kinds of
items differ. What is not in the tables is an item that begins and is done.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any

import msgspec.json

from openai_mockserver.api import ids
from openai_mockserver.api.logprobs import read_logprob
from openai_mockserver.dialects.json_style import COMPACT
from openai_mockserver.dialects.responses import ResponsesFormat
from openai_mockserver.reply import (
    Annotation,
    Item,
    Logprob,
    Message,
    Output,
    Reasoning,
    Text,
    ToolCall,
)
from openai_mockserver.script import Event

__all__ = [
    "KINDS",
    "SEQUENCE_NUMBER",
    "Kind",
    "Reader",
    "Writer",
    "encode",
    "item_json",
    "kind_of",
    "read_item",
    "type_of",
]


@dataclass(frozen=True, slots=True)
class Kind:
    """How items of one type come about.

    Args:
        prefix: of their ids (WIRE.md §1).
        begun: members as they are before anything has happened.
        before: events after the item is added.
        streamed: the member that arrives in pieces, if one does.
        stem: of the events in which it does.
        after: events before the item is done.
        status: whether the item has one while it comes about.
    """

    prefix: str
    begun: Mapping[str, Any] = field(default_factory=dict)
    before: tuple[str, ...] = ()
    streamed: str = ""
    stem: str = ""
    after: tuple[str, ...] = ()
    status: bool = True


KINDS: Mapping[str, Kind] = {
    "message": Kind("msg", {"content": []}),
    "reasoning": Kind("rs", {"summary": [], "content": []}, status=False),
    "function_call": Kind(
        "fc", {"arguments": ""}, streamed="arguments", stem="function_call_arguments"
    ),
    "custom_tool_call": Kind("ctc", {"input": ""}, streamed="input", stem="custom_tool_call_input"),
    "web_search_call": Kind(
        "ws",
        {"action": {"type": "search"}},
        (
            "web_search_call.in_progress",
            "web_search_call.searching",
            "web_search_call.completed",
        ),
    ),
    "file_search_call": Kind(
        "fs",
        {"queries": [], "results": None},
        (
            "file_search_call.in_progress",
            "file_search_call.searching",
            "file_search_call.completed",
        ),
    ),
    "code_interpreter_call": Kind(
        "ci",
        {"code": "", "outputs": None},
        ("code_interpreter_call.in_progress",),
        "code",
        "code_interpreter_call_code",
        ("code_interpreter_call.interpreting", "code_interpreter_call.completed"),
    ),
    "mcp_list_tools": Kind(
        "mcpl",
        {"tools": []},
        ("mcp_list_tools.in_progress", "mcp_list_tools.completed"),
        status=False,
    ),
    "mcp_call": Kind(
        "mcp",
        {"arguments": "", "output": None, "error": None},
        ("mcp_call.in_progress",),
        "arguments",
        "mcp_call_arguments",
        ("mcp_call.completed",),
        status=False,
    ),
    "image_generation_call": Kind(
        "ig",
        {"result": None, "revised_prompt": None},
        ("image_generation_call.in_progress", "image_generation_call.generating"),
        after=("image_generation_call.completed",),
    ),
    "tool_search_call": Kind("tsc", {"arguments": {}}),
    "tool_search_output": Kind("tso"),
    "mcp_approval_request": Kind("mcpr", status=False),
    "local_shell_call": Kind("lsh"),
    "shell_call": Kind("sh"),
    "shell_call_output": Kind("sho"),
    "apply_patch_call": Kind("apc"),
    "computer_call": Kind("cu"),
    "compaction": Kind("cmp", status=False),
}
"""The kinds of output items by type."""

SEQUENCE_NUMBER = re.compile(r'"sequence_number":(\d+)')
"""An event's number in its JSON."""

PARTIAL = "partial_images"  # members of an item that are events and not JSON


def kind_of(type: str) -> Kind:
    """How items of this type come about; of one that nobody told us of, as plainly as can be."""
    return KINDS.get(type) or Kind(type[:4], status=False)


def _plain(value: Any) -> str:
    if isinstance(value, Text):
        return str(value)
    raise TypeError(f"{value!r} is not JSON")


_encoder = msgspec.json.Encoder(enc_hook=_plain)


def encode(value: object) -> str:
    """Compact JSON, in the very bytes OpenAI sends (WIRE.md §0.4)."""
    return _encoder.encode(value).decode()


# Items as JSON


def item_json(
    output: Output,
    id: str,
    status: str,
    form: ResponsesFormat,
    with_logprobs: int | None = None,
    rounded: bool = False,
) -> dict[str, Any]:
    """An output item as it is when it is done.

    Args:
        output: the item.
        id: its id.
        status: ``completed`` or ``incomplete``, where items of its type have one.
        form: how it is written.
        with_logprobs: how many alternatives the log probabilities have; None tells none at all.
        rounded: whether they have six digits, as in streams.
    """
    if isinstance(output, Message):
        content = _content(output, form, with_logprobs, rounded)
        members: dict[str, Any] = {"content": content}
        if output.phase is not None:
            members["phase"] = output.phase
        members["role"] = "assistant"
    elif isinstance(output, Reasoning):
        members = {}
        if output.content:
            members["content"] = [
                form.of_part({"type": "reasoning_text", "text": text}) for text in output.content
            ]
        elif form.thought_content:
            members["content"] = []
        if output.encrypted is not None:
            members |= {"encrypted_content": output.encrypted, **form.sealed}
        members["summary"] = [_summary(text, form) for text in output.summary]
    elif isinstance(output, ToolCall):
        said = "input" if output.custom else "arguments"
        members = {said: output.arguments, "call_id": output.id, "name": output.name}
        if output.namespace is not None:
            members["namespace"] = output.namespace
    else:
        members = {k: v for k, v in output.members.items() if k != PARTIAL}
    type_ = type_of(output)
    own = {"id": id, "type": type_}
    if not isinstance(output, Item) and _has_status(type_, form):
        own["status"] = status
    return form.item_order(type_).of(own | members)


def type_of(output: Output) -> str:
    """The type of an output item."""
    if isinstance(output, Item):
        return output.type
    if isinstance(output, ToolCall):
        return "custom_tool_call" if output.custom else "function_call"
    return "message" if isinstance(output, Message) else "reasoning"


def _has_status(type_: str, form: ResponsesFormat) -> bool:
    return kind_of(type_).status or type_ in form.with_status


def _content(
    message: Message, form: ResponsesFormat, top: int | None, rounded: bool
) -> list[dict[str, Any]]:
    parts = []
    if message.text is not None:
        parts.append(_text_part(message, message.text, message.annotations, form, top, rounded))
    if message.refusal is not None:
        parts.append(form.of_part({"type": "refusal", "refusal": message.refusal}))
    return parts


def _text_part(
    message: Message,
    text: str,
    annotations: tuple[Annotation, ...],
    form: ResponsesFormat,
    top: int | None = None,
    rounded: bool = False,
) -> dict[str, Any]:
    part: dict[str, Any] = {
        "type": "output_text",
        "annotations": [form.of_part(annotation.members) for annotation in annotations],
        "text": text,
    }
    if form.with_logprobs:
        part["logprobs"] = []
        if top is not None:
            flat = (entry for entries in message.logprobs or () for entry in entries)
            part["logprobs"] = _told(flat, top, 6 if rounded else None)
    return form.of_part(part)


def _summary(text: str, form: ResponsesFormat) -> dict[str, Any]:
    return form.of_part({"type": "summary_text", "text": text})


def _told(entries: Iterable[Logprob], top: int, digits: int | None = None) -> list[dict[str, Any]]:
    return [
        {
            "bytes": entry.bytes,
            "logprob": _rounded(entry.logprob, digits),
            "token": entry.token,
            "top_logprobs": [
                {
                    "bytes": other.bytes,
                    "logprob": _rounded(other.logprob, digits),
                    "token": other.token,
                }
                for other in entry.top[:top]
            ],
        }
        for entry in entries
    ]


def _rounded(number: float, digits: int | None) -> float:
    return number if digits is None else round(number, digits)


# Items as events


class Writer:
    """Writes events, each with the next sequence number.

    Args:
        form: how they are written.
        rng: where padding comes from.
        padding: whether deltas are padded.
        first: the sequence number of the first event.
        logprobs: how many alternatives the log probabilities have; None tells none at all.
    """

    def __init__(
        self,
        form: ResponsesFormat,
        rng: Random,
        padding: bool = True,
        first: int = 0,
        logprobs: int | None = None,
    ) -> None:
        self.events: list[Event] = []
        self.form = form
        self._number = first
        self._top = logprobs
        self._padded = form.padded if padding else frozenset()
        self._noise = ids.letters(511, rng) if self._padded else ""
        self._at = 0

    def event(self, type_: str, members: Mapping[str, Any]) -> None:
        """Write an event."""
        form = self.form
        whole: dict[str, Any] = {"type": type_} | members  # type: ignore[operator]
        if form.numbered:
            whole["sequence_number"] = self._number
            self._number += 1
        if type_ in self._padded:
            # WIRE.md §2: pads the delta to a multiple of 16 characters.
            size = -len(whole["delta"]) % 16
            self._at = (self._at + 17) % 495
            whole["obfuscation"] = self._noise[self._at : self._at + size]
        orders = (order for stem, order in form.events if type_.startswith(stem))
        ordered = next(orders, form.event).of(whole)
        plain = form.style == COMPACT
        data = encode(ordered) if plain else form.style.dumps(ordered)
        self.events.append(Event(data, type_ if form.named else None))

    def item(
        self, index: int, output: Output, id: str, status: str, broken: bool = False
    ) -> dict[str, Any]:
        """Write the events of an item; gives what it is when it is done.

        A broken one stops after its last piece, if it comes in pieces.
        """
        type_ = type_of(output)
        kind = kind_of(type_)
        done = item_json(output, id, status, self.form, self._top, rounded=True)
        self.event(
            "response.output_item.added", {"output_index": index, "item": self._begun(done, kind)}
        )
        where = {"item_id": id, "output_index": index}
        failed = bool(done.get("error")) or done.get("status") == "failed"
        for name in kind.before:
            self.event(f"response.{_failing(name, failed)}", where)
        broken = broken and not isinstance(output, Item)
        if isinstance(output, Message):
            self._message(output, where, broken)
        elif isinstance(output, Reasoning):
            self._reasoning(output, where, broken)
        elif isinstance(output, Item):
            for at, image in enumerate(output.members.get(PARTIAL) or ()):
                self.event(
                    f"response.{type_}.partial_image",
                    where | {"partial_image_index": at, "partial_image_b64": image},
                )
        if kind.streamed and isinstance(value := done.get(kind.streamed), str):
            for piece in Text(value).pieces:
                self.event(f"response.{kind.stem}.delta", where | {"delta": piece})
            if not broken:
                told = {kind.streamed: value}
                if self.form.named_calls and type_ == "function_call":
                    told["name"] = done["name"]
                self.event(f"response.{kind.stem}.done", where | told)
        if broken:
            return done
        for name in kind.after:
            self.event(f"response.{_failing(name, failed)}", where)
        self.event("response.output_item.done", {"output_index": index, "item": done})
        return done

    def _begun(self, done: Mapping[str, Any], kind: Kind) -> dict[str, Any]:
        """An item as it is when nothing has happened yet."""
        begun = {**kind.begun, **self.form.begun.get(done["type"], {})}
        members = {k: begun.get(k, v) for k, v in done.items()}
        if "status" in members:
            members["status"] = "in_progress"
        return {k: v for k, v in members.items() if v is not ...}

    def _message(self, message: Message, where: dict[str, Any], broken: bool) -> None:
        form = self.form
        at = 0
        if message.text is not None:
            inside = where | {"content_index": at}
            self.event(
                "response.content_part.added", inside | {"part": _text_part(message, "", (), form)}
            )
            entries = message.logprobs if self._top is not None else None
            self._text(message, message.text, inside, entries)
            if broken and message.refusal is None:
                return
            told = {}
            if form.with_logprobs:
                flat = (entry for piece in entries or () for entry in piece)
                told["logprobs"] = _told(flat, self._top or 0)
            self.event("response.output_text.done", inside | {"text": message.text} | told)
            # As recorded: the part tells no log probabilities, the item rounds them.
            part = _text_part(message, message.text, message.annotations, form)
            self.event("response.content_part.done", inside | {"part": part})
            at += 1
        if message.refusal is not None:
            inside = where | {"content_index": at}
            part = {"type": "refusal", "refusal": ""}
            self.event("response.content_part.added", inside | {"part": form.of_part(part)})
            for piece in message.refusal.pieces:
                self.event("response.refusal.delta", inside | {"delta": piece})
            if broken:
                return
            self.event("response.refusal.done", inside | {"refusal": message.refusal})
            part["refusal"] = message.refusal
            self.event("response.content_part.done", inside | {"part": form.of_part(part)})

    def _text(
        self,
        message: Message,
        text: Text,
        inside: dict[str, Any],
        entries: tuple[tuple[Logprob, ...], ...] | None,
    ) -> None:
        """The deltas, and between them the annotations."""
        due: dict[int, list[tuple[int, Annotation]]] = {}
        for at, annotation in enumerate(message.annotations):
            after = len(text.pieces) if annotation.after is None else annotation.after
            due.setdefault(min(after, len(text.pieces)), []).append((at, annotation))
        self._annotations(due.get(0, ()), inside)
        for n, piece in enumerate(text.pieces):
            told: dict[str, Any] = {"logprobs": []} if self.form.with_logprobs else {}
            if entries is not None and n < len(entries):
                told = {"logprobs": _told(entries[n], self._top or 0)}
            self.event("response.output_text.delta", inside | {"delta": piece} | told)
            self._annotations(due.get(n + 1, ()), inside)

    def _annotations(self, due: Any, inside: dict[str, Any]) -> None:
        for at, annotation in due:
            self.event(
                "response.output_text.annotation.added",
                inside
                | {"annotation_index": at, "annotation": self.form.of_part(annotation.members)},
            )

    def _reasoning(self, reasoning: Reasoning, where: dict[str, Any], broken: bool) -> None:
        form = self.form
        for at, text in enumerate(reasoning.summary):
            inside = where | {"summary_index": at}
            stem = "response.reasoning_summary"
            self.event(f"{stem}_part.added", inside | {"part": _summary("", form)})
            for piece in text.pieces:
                self.event(f"{stem}_text.delta", inside | {"delta": piece})
            if broken and not reasoning.content and at == len(reasoning.summary) - 1:
                return
            self.event(f"{stem}_text.done", inside | {"text": text})
            self.event(f"{stem}_part.done", inside | {"part": _summary(text, form)})
        for at, text in enumerate(reasoning.content):
            inside = where | {"content_index": at}
            part = {"type": "reasoning_text", "text": ""}
            self.event("response.content_part.added", inside | {"part": form.of_part(part)})
            for piece in text.pieces:
                self.event("response.reasoning_text.delta", inside | {"delta": piece})
            if broken and at == len(reasoning.content) - 1:
                return
            self.event("response.reasoning_text.done", inside | {"text": text})
            part["text"] = text
            self.event("response.content_part.done", inside | {"part": form.of_part(part)})


def _failing(name: str, failed: bool) -> str:
    return name.replace(".completed", ".failed") if failed else name


# Reading back


class _Begun:
    """An item, as far as it has come."""

    def __init__(self, item: Mapping[str, Any]) -> None:
        self.json = item
        self.pieces: dict[tuple[str, int], list[str]] = {}
        self.annotations: list[Annotation] = []
        self.logprobs: list[tuple[Logprob, ...]] = []
        self.images: list[str] = []


# event stem: what its deltas are of, and the member that numbers them
_DELTAS: Mapping[str, tuple[str, str]] = {
    "output_text": ("text", "content_index"),
    "refusal": ("refusal", "content_index"),
    "reasoning_text": ("content", "content_index"),
    "reasoning_summary_text": ("summary", "summary_index"),
} | {kind.stem: (kind.streamed, "") for kind in KINDS.values() if kind.stem}


class Reader:
    """Reads the events of items."""

    def __init__(self) -> None:
        self._items: dict[int, _Begun] = {}

    def feed(self, type_: str, event: Mapping[str, Any]) -> None:
        """Take an event."""
        name = type_.removeprefix("response.")
        if name in _READ:
            _READ[name](self, event)
            return
        stem, _, what = name.rpartition(".")
        if what == "delta" and stem in _DELTAS:
            member, numbered = _DELTAS[stem]
            begun = self._at(event)
            key = (member, event.get(numbered) or 0)
            begun.pieces.setdefault(key, []).append(event["delta"])
            if told := event.get("logprobs"):
                begun.logprobs.append(tuple(read_logprob(entry) for entry in told))
        elif what == "partial_image":
            self._at(event).images.append(event["partial_image_b64"])

    def _at(self, event: Mapping[str, Any]) -> _Begun:
        return self._items.setdefault(event.get("output_index") or 0, _Begun({}))

    def _item(self, event: Mapping[str, Any]) -> None:
        self._at(event).json = event["item"]

    def _annotation(self, event: Mapping[str, Any]) -> None:
        begun = self._at(event)
        spoken = begun.pieces.get(("text", event.get("content_index") or 0), ())
        begun.annotations.append(Annotation(event["annotation"], len(spoken)))

    def output(self) -> list[Output]:
        """The items that have come, in order."""
        return [_read(self._items[index]) for index in sorted(self._items)]


_READ: Mapping[str, Callable[[Reader, Mapping[str, Any]], None]] = {
    "output_item.added": Reader._item,
    "output_item.done": Reader._item,
    "output_text.annotation.added": Reader._annotation,
}


def read_item(item: Mapping[str, Any]) -> Output:
    """An item of a body that is no stream."""
    return _read(_Begun(item))


def _read(begun: _Begun) -> Output:
    item = begun.json
    type_ = item.get("type")
    if type_ == "message" or (not item and ("text", 0) in begun.pieces):
        return _message(begun)
    if type_ == "reasoning":
        encrypted = item.get("encrypted_content")
        return Reasoning(
            _texts(begun, "summary", item.get("summary") or ()),
            content=_texts(begun, "content", item.get("content") or ()),
            encrypted=encrypted if isinstance(encrypted, str) else None,
        )
    if type_ in ("function_call", "custom_tool_call"):
        custom = type_ == "custom_tool_call"
        said = "input" if custom else "arguments"
        return ToolCall(
            item.get("name") or "?",
            _streamed(begun, said, item.get(said) or ""),
            item.get("call_id") or "",
            custom=custom,
            namespace=item.get("namespace"),
        )
    kind = kind_of(str(type_))
    members = {k: v for k, v in item.items() if k not in ("id", "type")}
    if kind.streamed and isinstance(members.get(kind.streamed), str):
        members[kind.streamed] = _streamed(begun, kind.streamed, members[kind.streamed])
    if begun.images:
        members[PARTIAL] = begun.images
    return Item(str(type_ or "?"), members)


def _streamed(begun: _Begun, member: str, whole: str, at: int = 0) -> Text:
    """A text in the pieces it came in, or as far as it came."""
    pieces = begun.pieces.get((member, at))
    if pieces is None:
        return Text(whole)
    return Text(pieces)


def _texts(begun: _Begun, member: str, parts: Any) -> list[Text]:
    told = [part.get("text") or "" for part in parts]
    came = [at for name, at in begun.pieces if name == member]
    told += [""] * (max(came, default=-1) + 1 - len(told))
    return [_streamed(begun, member, text, at) for at, text in enumerate(told)]


def _message(begun: _Begun) -> Message:
    parts = list(_parts(begun))
    annotations = tuple(begun.annotations)
    text: list[str] | None = None
    refusal: list[str] | None = None
    logprobs: list[tuple[Logprob, ...]] | None = begun.logprobs or None
    for at, part in parts:
        if part.get("type") == "refusal":
            said = _streamed(begun, "refusal", part.get("refusal") or "", at)
            refusal = (refusal or []) + list(said.pieces)
        elif "text" in part:
            said = _streamed(begun, "text", part.get("text") or "", at)
            text = (text or []) + list(said.pieces)
            if not annotations:
                annotations = tuple(map(Annotation, part.get("annotations") or ()))
            if logprobs is None and part.get("logprobs"):
                logprobs = [(read_logprob(entry),) for entry in part["logprobs"]]
    return Message(
        text,
        refusal=refusal,
        annotations=annotations,
        phase=begun.json.get("phase"),
        logprobs=logprobs,
    )


def _parts(begun: _Begun) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """The parts of a message's content, also of one that was broken off."""
    content = begun.json.get("content") or []
    if content:
        yield from enumerate(content)
        return
    for member, at in sorted(begun.pieces, key=lambda key: key[1]):
        yield (
            at,
            {"type": "refusal"} if member == "refusal" else {"type": "output_text", "text": ""},
        )
