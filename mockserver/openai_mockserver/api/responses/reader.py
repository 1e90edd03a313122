"""Read a response's events or JSON body back into a reply."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from openai_mockserver.api import errors
from openai_mockserver.api.decode import (
    DECODE_ERRORS,
    as_json_text,
    decode_body,
    decode_events,
    explain_error,
    is_stream,
    join_halves,
    read_string,
)
from openai_mockserver.api.logprobs import read_logprob
from openai_mockserver.api.responses.envelope import INCOMPLETE
from openai_mockserver.api.responses.items import (
    COMMANDS,
    EVENTS,
    KINDS,
    PARTIAL,
    find_member,
    kind_of,
    replace_member,
)
from openai_mockserver.api.responses.usage import read_usage
from openai_mockserver.dialects import usage as usages
from openai_mockserver.reply import (
    Annotation,
    ApiError,
    Choice,
    Item,
    Logprob,
    Message,
    Output,
    Reasoning,
    Reply,
    Text,
    ToolCall,
)
from openai_mockserver.reply.text import check_type
from openai_mockserver.script import Script

__all__ = ["Reader", "read", "read_item"]

# Items


class _PartialItem:
    """What has arrived of an item.

    Texts are keyed by the member that they are in and their index there. `pieces` holds deltas,
    `full_texts` the texts of providers that send them whole, without deltas.
    """

    def __init__(self, item: Mapping[str, Any]) -> None:
        self.json = item
        self.pieces: dict[tuple[str, int], list[str]] = {}
        self.full_texts: dict[tuple[str, int], str] = {}
        self.is_done = False
        self.annotations: list[Annotation] = []
        self.logprobs: list[tuple[Logprob, ...]] = []
        self.images: list[str] = []
        self.first_part: int | None = None
        self.events: list[dict[str, Any]] = []


# The item's member that a delta belongs to, and the field with its index, by the event's stem.
_DELTAS: Mapping[str, tuple[str, str]] = {
    "output_text": ("text", "content_index"),
    "refusal": ("refusal", "content_index"),
    "reasoning_text": ("content", "content_index"),
    "reasoning_summary_text": ("summary", "summary_index"),
    "shell_call_command": (COMMANDS, "command_index"),
} | {kind.delta_stem: (kind.delta_member, "") for kind in KINDS.values() if kind.delta_stem}


# The key of a member's text in events and parts, if it is not the member's name.
_TEXT_KEYS: Mapping[str, str] = {
    "content": "text",
    "summary": "text",
    COMMANDS: "command",
    "operation.diff": "diff",
}

# The item's member that a part belongs to, by the part's type.
_PARTS: Mapping[str, str] = {
    "output_text": "text",
    "refusal": "refusal",
    "reasoning_text": "content",
    "summary_text": "summary",
}


class Reader:
    """Builds output items from their events."""

    def __init__(self) -> None:
        self._items: dict[int, _PartialItem] = {}

    def feed(self, type_: str, event: Mapping[str, Any]) -> None:
        """Read one event; events that do not concern an item are ignored."""
        name = type_.removeprefix("response.")
        if name in _HANDLERS:
            _HANDLERS[name](self, event)
            return
        stem, _, action = name.rpartition(".")
        if action == "delta" and stem in _DELTAS:
            member, index_key = _DELTAS[stem]
            partial_item = self._item_at(event)
            key = (member, self._read_place(event, index_key))
            partial_item.pieces.setdefault(key, []).append(read_string(event, "delta"))
            if entries := event.get("logprobs"):
                partial_item.logprobs.append(tuple(read_logprob(entry) for entry in entries))
        elif action == "done" and stem in _DELTAS:
            member, index_key = _DELTAS[stem]
            self._set_full_text(event, member, index_key, event.get(_TEXT_KEYS.get(member, member)))
        elif action == "partial_image":
            self._item_at(event).images.append(read_string(event, "partial_image_b64"))
        elif type_.startswith("response.") and "output_index" in event:
            self._keep_event(type_, event)

    def _item_at(self, event: Mapping[str, Any]) -> _PartialItem:
        return self._items.setdefault(_read_index(event, "output_index"), _PartialItem({}))

    def _read_place(self, event: Mapping[str, Any], name: str) -> int:
        """Return the index in this field, counted from the first part of its item."""
        index = _read_index(event, name)
        if name == "content_index":
            index -= self._item_at(event).first_part or 0
        return index

    def _keep_event(self, type_: str, event: Mapping[str, Any]) -> None:
        """Keep an event of an item whose type is unknown, so that it can be written again."""
        partial_item = self._item_at(event)
        if partial_item.json and partial_item.json.get("type") not in KINDS:
            members = {k: v for k, v in event.items() if k not in _LOCATION}
            partial_item.events.append({"type": type_} | members)

    def _set_item(self, event: Mapping[str, Any]) -> None:
        check_type(dict, event["item"], "item", optional=False)
        self._item_at(event).json = event["item"]

    def _begin_item(self, event: Mapping[str, Any]) -> None:
        self._set_item(event)
        self._keep_event(
            "response.output_item.added", {**event, "item": event["item"] | {"id": ""}}
        )

    def _begin_part(self, event: Mapping[str, Any]) -> None:
        partial_item = self._item_at(event)
        if partial_item.first_part is None:
            partial_item.first_part = _read_index(event, "content_index")

    def _finish_item(self, event: Mapping[str, Any]) -> None:
        self._set_item(event)
        self._item_at(event).is_done = True

    def _set_full_text(
        self, event: Mapping[str, Any], member: str, index_key: str, value: object
    ) -> None:
        """Store a whole text, which is used if the provider sends no deltas."""
        if isinstance(value := as_json_text(value), str) and value:
            self._item_at(event).full_texts[member, self._read_place(event, index_key)] = value

    def _finish_part(self, event: Mapping[str, Any]) -> None:
        part = event["part"]
        member = _PARTS.get(str(part.get("type")))
        if member is not None:
            index_key = "summary_index" if member == "summary" else "content_index"
            self._set_full_text(event, member, index_key, part.get(_TEXT_KEYS.get(member, member)))

    def complete(self, output: Sequence[Mapping[str, Any]]) -> None:
        """Replace unfinished items with those of the last event, and add missing ones.

        Args:
            output: all items of the response in the last event, in order.
        """
        indices = sorted(self._items)
        if len(output) < len(indices):
            return
        for index, item in zip(indices, output, strict=False):
            if not self._items[index].is_done:
                self._items[index].json = item
        next_index = indices[-1] + 1 if indices else 0
        for index, item in enumerate(output[len(indices) :], next_index):
            self._items[index] = _PartialItem(item)

    def _add_annotation(self, event: Mapping[str, Any]) -> None:
        partial_item = self._item_at(event)
        pieces = partial_item.pieces.get(("text", self._read_place(event, "content_index")), ())
        partial_item.annotations.append(Annotation(event["annotation"], len(pieces)))

    def build_output(self) -> list[Output]:
        """Return the items that have arrived, in order."""
        return [_build_output(self._items[index]) for index in sorted(self._items)]


def _read_index(event: Mapping[str, Any], name: str) -> int:
    """Return the index in this field of the event; 0 if there is none."""
    check_type(int, index := event.get(name), name)
    return index or 0


# Members that place an event in its stream; a writer adds them.
_LOCATION = frozenset({"type", "item_id", "output_index", "sequence_number"})

_HANDLERS: Mapping[str, Callable[[Reader, Mapping[str, Any]], None]] = {
    "output_item.added": Reader._begin_item,
    "output_item.done": Reader._finish_item,
    "content_part.added": Reader._begin_part,
    "content_part.done": Reader._finish_part,
    "reasoning_part.added": Reader._begin_part,
    "reasoning_part.done": Reader._finish_part,
    "reasoning_summary_part.done": Reader._finish_part,
    "output_text.annotation.added": Reader._add_annotation,
}


def read_item(item: Mapping[str, Any]) -> Output:
    """Return the output item that a JSON object of a body describes."""
    return _build_output(_PartialItem(item))


def _build_output(partial_item: _PartialItem) -> Output:
    item = partial_item.json
    type_ = item.get("type")
    if type_ == "message" or (
        not item and ("text", 0) in {*partial_item.pieces, *partial_item.full_texts}
    ):
        return _build_message(partial_item)
    if type_ == "reasoning":
        encrypted_content = item.get("encrypted_content")
        return Reasoning(
            _build_texts(partial_item, "summary", item.get("summary") or ()),
            content=_build_texts(partial_item, "content", item.get("content") or ()),
            encrypted=encrypted_content if isinstance(encrypted_content, str) else None,
        )
    if type_ in ("function_call", "custom_tool_call"):
        custom = type_ == "custom_tool_call"
        input_key = "input" if custom else "arguments"
        return ToolCall(
            item.get("name") or "?",
            _join_pieces(partial_item, input_key, str(as_json_text(item.get(input_key) or ""))),
            item.get("call_id") or "",
            custom=custom,
            namespace=item.get("namespace"),
            extra={k: v for k, v in item.items() if k not in _CALL_MEMBERS},
        )
    return Item(str(type_ or "?"), _read_tool_members(partial_item))


# Members of a call that a `ToolCall` has as values of its own.
_CALL_MEMBERS = frozenset(
    {"id", "type", "status", "call_id", "name", "namespace", "arguments", "input"}
)


def _read_tool_members(partial_item: _PartialItem) -> dict[str, Any]:
    """Return the members of an item of a built-in tool, or of an unknown type."""
    item = partial_item.json
    members = {k: v for k, v in item.items() if k not in ("id", "type")}
    path = kind_of(str(item.get("type"))).delta_member
    if path and isinstance(whole := find_member(members, path), str):
        members = replace_member(members, path, _join_pieces(partial_item, path, whole))
    commands = find_member(members, COMMANDS)
    if item.get("type") == "shell_call" and isinstance(commands, list):
        texts = [_join_pieces(partial_item, COMMANDS, c, i) for i, c in enumerate(commands)]
        members = replace_member(members, COMMANDS, texts)
    if partial_item.images:
        members[PARTIAL] = partial_item.images
    if partial_item.is_done and _has_own_events(partial_item):
        members[EVENTS] = partial_item.events
    return members


def _has_own_events(partial_item: _PartialItem) -> bool:
    """Whether an item of unknown type arrived in another way than a writer would write it."""
    if len(partial_item.events) != 1:
        return bool(partial_item.events)
    status = {"status": "in_progress"} if "status" in partial_item.json else {}
    initial: Mapping[str, Any] = partial_item.events[0]["item"]
    return initial != {**partial_item.json, **status, "id": ""}


def _join_pieces(partial_item: _PartialItem, member: str, whole: str, index: int = 0) -> Text:
    """Return a text in the pieces of its deltas; if the whole text differs, the whole text."""
    pieces = partial_item.pieces.get((member, index))
    whole = whole or partial_item.full_texts.get((member, index), "")
    if pieces is None:
        return Text(whole)
    text = Text(join_halves(pieces))
    return text if not whole or text == whole else Text(whole)


def _build_texts(partial_item: _PartialItem, member: str, parts: Any) -> list[Text]:
    final_texts = {index: part.get("text") or "" for index, part in enumerate(parts)}
    partial_texts = {
        index: ""
        for name, index in (*partial_item.pieces, *partial_item.full_texts)
        if name == member
    }
    texts = partial_texts | final_texts  # gaps between the indices are not filled
    return [_join_pieces(partial_item, member, texts[index], index) for index in sorted(texts)]


def _build_message(partial_item: _PartialItem) -> Message:
    parts = list(_list_parts(partial_item))
    annotations = tuple(partial_item.annotations)
    text: list[str] | None = None
    refusal: list[str] | None = None
    logprobs: list[tuple[Logprob, ...]] | None = partial_item.logprobs or None
    for index, part in parts:
        if part.get("type") == "refusal":
            part_text = _join_pieces(partial_item, "refusal", part.get("refusal") or "", index)
            refusal = (refusal or []) + list(part_text.pieces)
        elif "text" in part:
            part_text = _join_pieces(partial_item, "text", part.get("text") or "", index)
            text = (text or []) + list(part_text.pieces)
            if not annotations:
                annotations = tuple(map(Annotation, part.get("annotations") or ()))
            if logprobs is None and part.get("logprobs"):
                logprobs = [(read_logprob(entry),) for entry in part["logprobs"]]
    return Message(
        text,
        refusal=refusal,
        annotations=annotations,
        phase=partial_item.json.get("phase"),
        logprobs=logprobs,
    )


def _list_parts(partial_item: _PartialItem) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """Yield the parts of a message's content with their index, also of an unfinished message."""
    content = partial_item.json.get("content") or []
    if content:
        yield from enumerate(content)
        return
    for member, index in sorted(
        {*partial_item.pieces, *partial_item.full_texts}, key=lambda key: (key[1], key[0])
    ):
        yield (
            index,
            {"type": "refusal"} if member == "refusal" else {"type": "output_text", "text": ""},
        )


# Responses


def read(script: Script) -> Reply | ApiError:
    """Return the reply that a response holds, or the error that it is instead.

    An unfinished stream gives the part of the reply that it holds. Events that are not JSON
    objects are ignored.

    Raises:
        ReplyError: for events or a body that are not those of a response.
    """
    if not is_stream(script):
        return decode_body(script, "a response", "output", _read_body)
    reader, response, error = Reader(), dict[str, Any](), None
    for fields, event, number in decode_events(script):
        type_ = str(fields.get("type") or event.event or "")
        try:
            reader.feed(type_, fields)
            error = _read_error(type_, fields)
        except DECODE_ERRORS as cause:
            raise explain_error(
                f"event {number} is not a valid event of a response", cause, fields
            ) from None
        if isinstance(fields.get("response"), dict):
            response = fields["response"]
        if error is not None:
            break
    try:
        reader.complete(response.get("output") or ())
        return build_reply(reader.build_output(), response, error)
    except DECODE_ERRORS as cause:
        raise explain_error("the events do not form a valid response", cause, response) from None


def _read_error(type_: str, event: Mapping[str, Any]) -> ApiError | None:
    if type_ == "error" and "error" not in event:
        return ApiError(
            500,
            str(event.get("message") or ""),
            code=event.get("code") or "",
            param=event.get("param"),
        )
    return errors.read_error(event)


def build_reply(output: list[Output], response: Mapping[str, Any], error: ApiError | None) -> Reply:
    """Return the reply with this output, and the finish reason and usage of the response.

    Args:
        output: the items.
        response: the last response object.
        error: the error of an event; if None, that of a failed response is used.
    """
    failure = response.get("error") if response.get("status") == "failed" else None
    if error is None and isinstance(failure, dict):
        error = ApiError(500, str(failure.get("message") or ""), code=failure.get("code") or "")
    status = response.get("status")
    finish_reason: str | None = "auto"
    if error is not None or status not in ("completed", "incomplete"):
        finish_reason = None
    elif status == "incomplete":
        reason = (response.get("incomplete_details") or {}).get("reason")
        finish_reason = next((k for k, v in INCOMPLETE.items() if v == reason), "length")
    usage = response.get("usage")
    return Reply(
        choices=[Choice(output=output, finish_reason=finish_reason)],
        usage=read_usage(usage) if usages.has_counts(usage) else None,
        error=error,
    )


def _read_body(value: dict[str, Any]) -> Reply:
    return build_reply([read_item(item) for item in value["output"]], value, None)
