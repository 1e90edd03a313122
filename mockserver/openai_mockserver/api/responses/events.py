"""Write the events in which the items of a response arrive.

A streamed response is one object that grows. Its first events (``response.created``, perhaps
``response.queued``, and ``response.in_progress``) hold the object without output, and its last
event (``response.completed``, ``.incomplete`` or ``.failed``) holds all of it; `renderer` writes
these. Between them the items of the output arrive one after another; this file writes their events:

1. ``response.output_item.added`` holds the item as it starts out: its id, the status
   ``in_progress``, and the *initial* members of its type, such as an empty ``content``.
2. The *opening* events of its type say what the item does: ``web_search_call.searching``.
3. Its texts arrive. A text that is a member of the item, such as the ``arguments`` of a function
   call, has deltas and one ``.done``. A text that is in a part of the item, such as the
   ``output_text`` in a message's ``content``, has a ``part.added`` before its deltas, and after
   them a ``.done`` with the whole text and a ``part.done`` with the whole part. Annotations
   come between the deltas: each after the text that it cites. An image arrives in
   ``partial_image`` events, and each command of a shell call has events of its own.
4. The *closing* events of its type say how it went: ``code_interpreter_call.completed``. In these
   and in step 2, ``.completed`` becomes ``.failed`` if the item has an error or has failed.
5. ``response.output_item.done`` holds the finished item.

An item whose type is in no table has the events that were read, its ``stream_events``, in place of
steps 1 to 4. If a provider ends reasoning late, its last events come after those of all items.

`items.KINDS` states the initial members, the opening and closing events and the member with deltas
of each type of item. ``sequence_number`` counts all events of the stream from 0; a client resumes
a stream with the last number that it has seen (``starting_after``). ``output_index`` is the item's
place in the output, ``content_index`` (in a summary, ``summary_index``) the part's place in the
item. A *truncated* item ends with its last delta, as if the connection had been lost then; items of
built-in tools are never truncated.

An example: the only item of a response is a message of two deltas. ``response.created`` and
``response.in_progress`` had the numbers 0 and 1, so the item begins with 2.

>>> import msgspec.json
>>> from openai_mockserver.dialects.providers.openai import RESPONSES
>>> writer = Writer(RESPONSES["now"], padding=None, first_number=2)
>>> item = writer.write_item(0, Message(["Hi", " there"]), "msg_1", "completed")
>>> for event in map(msgspec.json.decode, [event.data for event in writer.events]):
...     content = event.get("delta") or event.get("text") or event.get("part") or event["item"]
...     print(event["sequence_number"], event["type"].removeprefix("response."))
...     print("   ", content if isinstance(content, str) else list(content.values()))
2 output_item.added
    ['msg_1', 'message', 'in_progress', [], 'assistant']
3 content_part.added
    ['output_text', [], [], '']
4 output_text.delta
    Hi
5 output_text.delta
     there
6 output_text.done
    Hi there
7 content_part.done
    ['output_text', [], [], 'Hi there']
8 output_item.done
    ['msg_1', 'message', 'completed', [{...'text': 'Hi there'}], 'assistant']

``response.completed`` then has the number 9.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from openai_mockserver.api import ids
from openai_mockserver.api.responses.items import (
    COMMANDS,
    EVENTS,
    PARTIAL,
    Kind,
    build_item,
    build_logprobs,
    build_new_part,
    build_summary_part,
    build_text_part,
    encode_json,
    find_member,
    kind_of,
    replace_member,
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
from openai_mockserver.script import Event, Raw

__all__ = ["Writer"]


class Writer:
    """Writes events, each with the next sequence number.

    Args:
        form: the provider's format.
        padding: creates the ``obfuscation`` of deltas; None leaves it out.
        first_number: sequence number of the first event.
        logprobs: number of alternatives per token; None leaves log probabilities out.
        item_members: members that all items of a type have, by type.
    """

    def __init__(
        self,
        form: ResponsesFormat,
        padding: ids.Padding | None,
        first_number: int = 0,
        logprobs: int | None = None,
        item_members: Mapping[str, Mapping[str, Any]] | None = None,
    ) -> None:
        self.events: list[Event | Raw] = []
        self.form = form
        self._number = first_number
        self._top = logprobs
        self._padding = padding
        self._item_members = item_members or {}
        self._part_count = 0
        self._late_events: list[tuple[str, Mapping[str, Any]]] = []

    def write_event(self, type_: str, members: Mapping[str, Any]) -> None:
        """Write one event; its type is also in the ``event`` line if the format has one."""
        form = self.form
        fields: dict[str, Any] = {"type": type_} | members  # type: ignore[operator]
        if form.has_numbers:
            fields["sequence_number"] = self._number
            self._number += 1
        has_padding = type_ in form.obfuscated_events or "obfuscation" in members
        if self._padding is not None and has_padding:
            # WIRE.md §2: padding fills the delta up to a multiple of 16 characters.
            size = 0 if form.has_empty_padding else -len(fields["delta"]) % 16
            fields["obfuscation"] = self._padding.letters(size)
        orders = (order for stem, order in form.events if type_.startswith(stem))
        json_fields = next(orders, form.event).sort_members(fields)
        is_compact = form.style == COMPACT
        data = encode_json(json_fields) if is_compact else form.style.dumps(json_fields)
        if form.has_data_first and form.has_event_lines:
            self.events.append(Raw(f"data: {data}\nevent: {type_}\n\n".encode(), 1))
        else:
            self.events.append(Event(data, type_ if form.has_event_lines else None))

    def write_item(
        self, index: int, output: Output, id: str, status: str, is_truncated: bool = False
    ) -> dict[str, Any]:
        """Write the events of an item and return the finished item as a JSON object.

        Args:
            index: the item's place in the output.
            output: the item.
            id: the item's id.
            status: ``completed`` or ``incomplete``.
            is_truncated: stop after the last delta, if the item has deltas.
        """
        type_ = type_of(output)
        kind = kind_of(type_)
        item = build_item(
            output, id, status, self.form, self._top, True, self._item_members.get(type_)
        )
        location = {"item_id": id, "output_index": index}
        if isinstance(output, Item) and isinstance(output.members.get(EVENTS), list):
            self._write_given_events(output.members[EVENTS], location)
        else:
            initial = self._build_initial_item(item, kind)
            self.write_event("response.output_item.added", {"output_index": index, "item": initial})
        has_failed = bool(item.get("error")) or item.get("status") == "failed"
        for name in kind.opening:
            self.write_event(f"response.{_name_outcome(name, has_failed)}", location)
        is_truncated = is_truncated and not isinstance(output, Item)
        if isinstance(output, Message):
            self._write_message(output, location, is_truncated)
        elif isinstance(output, Reasoning):
            self._write_reasoning(output, location, is_truncated)
        elif isinstance(output, Item):
            self._write_tool(output, location)
        if kind.delta_member and isinstance(value := find_member(item, kind.delta_member), str):
            if self.form.has_call_deltas or type_ != "function_call":
                for piece in Text(value).pieces:
                    self.write_event(
                        f"response.{kind.delta_stem}.delta", location | {"delta": piece}
                    )
            if not is_truncated:
                fields = {kind.delta_member.rpartition(".")[2]: value}
                if self.form.has_call_names and type_ == "function_call":
                    fields["name"] = item["name"]
                self.write_event(f"response.{kind.delta_stem}.done", location | fields)
        if is_truncated:
            return item
        for name in kind.closing:
            self.write_event(f"response.{_name_outcome(name, has_failed)}", location)
        end = {"output_index": index, "item": item}
        if isinstance(output, Reasoning):
            self._end_reasoning("response.output_item.done", end)
        else:
            self.write_event("response.output_item.done", end)
        return item

    def write_late_events(self) -> None:
        """Write the events that come after all items."""
        for type_, members in self._late_events:
            self.write_event(type_, members)
        self._late_events.clear()

    def _build_initial_item(self, item: Mapping[str, Any], kind: Kind) -> dict[str, Any]:
        """Return the item as ``response.output_item.added`` holds it."""
        initial = {**kind.initial, **self.form.initial_items.get(item["type"], {})}
        members = {k: initial.get(k, v) for k, v in item.items()}
        for path in kind.emptied:
            if isinstance(value := find_member(members, path), str | list | dict):
                members = replace_member(
                    members, path, "" if isinstance(value, str) else type(value)()
                )
        if "status" in members:
            members["status"] = self.form.initial_status
        if kind.is_bare:
            return {k: v for k, v in members.items() if k in ("id", "type", "status")}
        return {k: v for k, v in members.items() if v is not ...}

    def _count_part(self, position: int) -> int:
        """Return the ``content_index`` of the next part, which has this place in its item."""
        self._part_count += 1
        return self._part_count - 1 if self.form.counts_all_parts else position

    def _write_tool(self, item: Item, location: Mapping[str, Any]) -> None:
        """Write the events of what a tool does, if they are more than the deltas of one member."""
        members = item.members
        for position, image in enumerate(members.get(PARTIAL) or ()):
            about = ("size", "quality", "background", "output_format")
            self.write_event(
                f"response.{item.type}.partial_image",
                {
                    **location,
                    "partial_image_index": position,
                    "partial_image_b64": image,
                    **{name: members[name] for name in about if name in members},
                },
            )
        if item.type == "shell_call":
            self._write_commands(find_member(members, COMMANDS), location["output_index"])
        if item.type == "shell_call_output":
            self._write_command_outputs(members.get("output"), location)

    def _write_given_events(
        self, events: Iterable[Mapping[str, Any]], location: Mapping[str, Any]
    ) -> None:
        """Write the events of an item whose type is unknown."""
        for event in events:
            if isinstance(item := event.get("item"), Mapping):
                place = {"output_index": location["output_index"]}
                members = {**event, **place, "item": {**item, "id": location["item_id"]}}
            else:
                members = {**event, **location}
            self.write_event(str(event.get("type")), members)

    def _write_commands(self, commands: Any, output_index: int) -> None:
        """Write the commands of a shell call, each in pieces; these events have no item id."""
        stem = "response.shell_call_command"
        for position, command in enumerate(commands if isinstance(commands, list) else ()):
            if not isinstance(command, str):
                continue
            place = {"output_index": output_index, "command_index": position}
            self.write_event(f"{stem}.added", place | {"command": ""})
            for piece in Text(command).pieces:
                self.write_event(f"{stem}.delta", place | {"delta": piece})
            self.write_event(f"{stem}.done", place | {"command": command})

    def _write_command_outputs(self, outputs: Any, location: Mapping[str, Any]) -> None:
        """Write what the commands of a shell call have printed, each in one piece."""
        stem = "response.shell_call_output_content"
        for position, output in enumerate(outputs if isinstance(outputs, list) else ()):
            if not isinstance(output, Mapping):
                continue
            place = {**location, "command_index": position}
            delta = {k: output[k] for k in ("stdout", "stderr") if output.get(k)}
            self.write_event(f"{stem}.delta", place | {"delta": delta})
            self.write_event(f"{stem}.done", place | {"output": [output]})

    def _write_message(
        self, message: Message, location: dict[str, Any], is_truncated: bool
    ) -> None:
        form = self.form
        position = 0
        if message.text is not None:
            part_location = location | {"content_index": self._count_part(position)}
            self.write_event(
                "response.content_part.added", part_location | {"part": build_new_part(form)}
            )
            entries = message.logprobs if self._top is not None else None
            self._write_text(message, message.text, part_location, entries)
            if is_truncated and message.refusal is None:
                return
            fields = {}
            if form.with_logprobs:
                flat = (entry for piece in entries or () for entry in piece)
                fields["logprobs"] = build_logprobs(flat, self._top or 0, form)
            self.write_event(
                "response.output_text.done", part_location | {"text": message.text} | fields
            )
            # OpenAI's part has no log probabilities, and its item rounds them.
            top = self._top if form.has_full_logprobs else None
            part = build_text_part(message, message.text, message.annotations, form, top)
            self.write_event("response.content_part.done", part_location | {"part": part})
            position += 1
        if message.refusal is not None:
            part_location = location | {"content_index": self._count_part(position)}
            part = {"type": "refusal", "refusal": ""}
            self.write_event(
                "response.content_part.added", part_location | {"part": form.sort_part(part)}
            )
            for piece in message.refusal.pieces:
                self.write_event("response.refusal.delta", part_location | {"delta": piece})
            if is_truncated:
                return
            self.write_event("response.refusal.done", part_location | {"refusal": message.refusal})
            part["refusal"] = message.refusal
            self.write_event(
                "response.content_part.done", part_location | {"part": form.sort_part(part)}
            )

    def _write_text(
        self,
        message: Message,
        text: Text,
        part_location: dict[str, Any],
        entries: tuple[tuple[Logprob, ...], ...] | None,
    ) -> None:
        """Write the deltas, and each annotation after the delta that it follows."""
        due: dict[int, list[tuple[int, Annotation]]] = {}
        for position, annotation in enumerate(message.annotations):
            after = len(text.pieces) if annotation.after is None else annotation.after
            due.setdefault(min(after, len(text.pieces)), []).append((position, annotation))
        self._write_annotations(due.get(0, ()), part_location)
        for number, piece in enumerate(text.pieces):
            fields: dict[str, Any] = {"logprobs": []} if self.form.with_logprobs else {}
            if entries is not None and number < len(entries):
                fields = {"logprobs": build_logprobs(entries[number], self._top or 0, self.form)}
            self.write_event(
                "response.output_text.delta", part_location | {"delta": piece} | fields
            )
            self._write_annotations(due.get(number + 1, ()), part_location)

    def _write_annotations(self, due: Any, part_location: dict[str, Any]) -> None:
        for position, annotation in due:
            self.write_event(
                "response.output_text.annotation.added",
                part_location
                | {
                    "annotation_index": position,
                    "annotation": self.form.sort_part(annotation.members),
                },
            )

    def _write_reasoning(
        self, reasoning: Reasoning, location: dict[str, Any], is_truncated: bool
    ) -> None:
        form = self.form
        for position, text in enumerate(reasoning.summary):
            part_location = location | {"summary_index": position}
            stem = "response.reasoning_summary"
            self.write_event(
                f"{stem}_part.added", part_location | {"part": build_summary_part("", form)}
            )
            for piece in text.pieces:
                self.write_event(f"{stem}_text.delta", part_location | {"delta": piece})
            if is_truncated and not reasoning.content and position == len(reasoning.summary) - 1:
                return
            self.write_event(f"{stem}_text.done", part_location | {"text": text})
            self.write_event(
                f"{stem}_part.done", part_location | {"part": build_summary_part(text, form)}
            )
        for position, text in enumerate(reasoning.content):
            part_location = location | {"content_index": self._count_part(position)}
            part = {"type": "reasoning_text", "text": ""}
            stem = f"response.{form.reasoning_part}"
            self.write_event(f"{stem}.added", part_location | {"part": form.sort_part(part)})
            for piece in text.pieces:
                self.write_event("response.reasoning_text.delta", part_location | {"delta": piece})
            if is_truncated and position == len(reasoning.content) - 1:
                return
            self._end_reasoning("response.reasoning_text.done", part_location | {"text": text})
            part["text"] = text
            self._end_reasoning(f"{stem}.done", part_location | {"part": form.sort_part(part)})

    def _end_reasoning(self, type_: str, members: Mapping[str, Any]) -> None:
        if self.form.ends_reasoning_late:
            self._late_events.append((type_, members))
        else:
            self.write_event(type_, members)


def _name_outcome(name: str, has_failed: bool) -> str:
    """Return the event's name, with ``.failed`` for ``.completed`` if the item has failed."""
    return name.replace(".completed", ".failed") if has_failed else name
