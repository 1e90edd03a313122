"""The events in which the items of a response arrive."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from openai_mockserver.api import ids
from openai_mockserver.api.responses.items import (
    PARTIAL,
    Kind,
    encode_json,
    item_json,
    kind_of,
    logprobs_json,
    summary_part,
    text_part,
    type_of,
)
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
)
from openai_mockserver.script import Event

__all__ = ["Writer"]


# Items as events


class Writer:
    """Writes events, each with the next sequence number.

    Args:
        form: how they are written.
        padding: what pads deltas; None pads none.
        first: the sequence number of the first event.
        logprobs: how many alternatives the log probabilities have; None tells none at all.
    """

    def __init__(
        self,
        form: ResponsesFormat,
        padding: ids.Padding | None,
        first: int = 0,
        logprobs: int | None = None,
    ) -> None:
        self.events: list[Event] = []
        self.form = form
        self._number = first
        self._top = logprobs
        self._padding = padding

    def event(self, type_: str, members: Mapping[str, Any]) -> None:
        """Write an event."""
        form = self.form
        whole: dict[str, Any] = {"type": type_} | members  # type: ignore[operator]
        if form.has_numbers:
            whole["sequence_number"] = self._number
            self._number += 1
        if self._padding is not None and type_ in form.obfuscated_events:
            # WIRE.md §2: pads the delta to a multiple of 16 characters.
            size = -len(whole["delta"]) % 16
            whole["obfuscation"] = self._padding.letters(size)
        orders = (order for stem, order in form.events if type_.startswith(stem))
        ordered = next(orders, form.event).sort_members(whole)
        plain = form.style == COMPACT
        data = encode_json(ordered) if plain else form.style.dumps(ordered)
        self.events.append(Event(data, type_ if form.has_event_lines else None))

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
                if self.form.has_call_names and type_ == "function_call":
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
        begun = {**kind.begun, **self.form.initial_items.get(done["type"], {})}
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
                "response.content_part.added", inside | {"part": text_part(message, "", (), form)}
            )
            entries = message.logprobs if self._top is not None else None
            self._text(message, message.text, inside, entries)
            if broken and message.refusal is None:
                return
            told = {}
            if form.with_logprobs:
                flat = (entry for piece in entries or () for entry in piece)
                told["logprobs"] = logprobs_json(flat, self._top or 0)
            self.event("response.output_text.done", inside | {"text": message.text} | told)
            # As recorded: the part tells no log probabilities, the item rounds them.
            part = text_part(message, message.text, message.annotations, form)
            self.event("response.content_part.done", inside | {"part": part})
            at += 1
        if message.refusal is not None:
            inside = where | {"content_index": at}
            part = {"type": "refusal", "refusal": ""}
            self.event("response.content_part.added", inside | {"part": form.sort_part(part)})
            for piece in message.refusal.pieces:
                self.event("response.refusal.delta", inside | {"delta": piece})
            if broken:
                return
            self.event("response.refusal.done", inside | {"refusal": message.refusal})
            part["refusal"] = message.refusal
            self.event("response.content_part.done", inside | {"part": form.sort_part(part)})

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
                told = {"logprobs": logprobs_json(entries[n], self._top or 0)}
            self.event("response.output_text.delta", inside | {"delta": piece} | told)
            self._annotations(due.get(n + 1, ()), inside)

    def _annotations(self, due: Any, inside: dict[str, Any]) -> None:
        for at, annotation in due:
            self.event(
                "response.output_text.annotation.added",
                inside
                | {"annotation_index": at, "annotation": self.form.sort_part(annotation.members)},
            )

    def _reasoning(self, reasoning: Reasoning, where: dict[str, Any], broken: bool) -> None:
        form = self.form
        for at, text in enumerate(reasoning.summary):
            inside = where | {"summary_index": at}
            stem = "response.reasoning_summary"
            self.event(f"{stem}_part.added", inside | {"part": summary_part("", form)})
            for piece in text.pieces:
                self.event(f"{stem}_text.delta", inside | {"delta": piece})
            if broken and not reasoning.content and at == len(reasoning.summary) - 1:
                return
            self.event(f"{stem}_text.done", inside | {"text": text})
            self.event(f"{stem}_part.done", inside | {"part": summary_part(text, form)})
        for at, text in enumerate(reasoning.content):
            inside = where | {"content_index": at}
            part = {"type": "reasoning_text", "text": ""}
            self.event("response.content_part.added", inside | {"part": form.sort_part(part)})
            for piece in text.pieces:
                self.event("response.reasoning_text.delta", inside | {"delta": piece})
            if broken and at == len(reasoning.content) - 1:
                return
            self.event("response.reasoning_text.done", inside | {"text": text})
            part["text"] = text
            self.event("response.content_part.done", inside | {"part": form.sort_part(part)})


def _failing(name: str, failed: bool) -> str:
    return name.replace(".completed", ".failed") if failed else name
