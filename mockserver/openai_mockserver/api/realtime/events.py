"""The events of a Realtime response: how its items arrive, in OpenAI's order.

Rules of this file: no I/O. Events are built as OpenAI sends them, and `present_event` rearranges
them as the provider's format says. Audio arrives while its transcript does, in pieces of 200 ms.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any

import msgspec.json

from openai_mockserver.api.ids import Padding, fill_pattern
from openai_mockserver.api.realtime.config import TEMPERATURE, show_voice
from openai_mockserver.api.realtime.sound import bytes_per_second, encode_speech
from openai_mockserver.dialects.realtime import RealtimeFormat, arrange
from openai_mockserver.reply import Text

__all__ = ["ResponseEvents", "ResponsePlan", "make_ids", "present_event", "present_item"]

Json = dict[str, Any]

PIECE_SECONDS = 0.2
"""Seconds of audio in one event."""


def make_ids(form: RealtimeFormat, rng: Random) -> Callable[[str], str]:
    """Return a function that generates an id, given its prefix."""
    return lambda prefix: fill_pattern(form.pattern(prefix), rng)


@dataclass(frozen=True, slots=True)
class ResponsePlan:
    """What a session knows of a response before the model has answered.

    Args:
        form: the provider's format.
        id: the response's id.
        conversation_id: the conversation it belongs to; None for a response out of band.
        config: the configuration of the response.
        metadata: metadata of the request.
        length: how many items the conversation has.
        last_id: the id of the last of them.
        input_seconds: seconds of audio in the input.
        call_ids: the ids of the calls in the input, which the response does not use again.
        is_newer: whether the model reasons.
    """

    form: RealtimeFormat
    id: str
    conversation_id: str | None
    config: Mapping[str, Any]
    metadata: Mapping[str, str] | None = None
    length: int = 0
    last_id: str | None = None
    input_seconds: float = 0.0
    call_ids: frozenset[str] = field(default_factory=frozenset)
    is_newer: bool = False

    @property
    def speaks(self) -> bool:
        """Whether it answers with audio."""
        return bool(self.config["output_modalities"] == ["audio"])

    @property
    def output(self) -> Mapping[str, Any]:
        """The configuration of its audio."""
        audio: Mapping[str, Any] = self.config["audio"]["output"]
        return audio


def present_item(item: Mapping[str, Any], form: RealtimeFormat) -> Json:
    """Return an item as a provider writes it."""
    shown = {"status": "completed", **item, "object": "realtime.item"}
    if form.parts and "content" in item:
        shown["content"] = [
            {**part, "type": form.parts.get(part.get("type", ""), part.get("type"))}
            for part in item["content"]
        ]
    layout = form.items.get(item.get("type", ""))
    return dict(item) if layout is None else arrange(layout, shown)


def present_event(event: Mapping[str, Any], form: RealtimeFormat, event_id: str) -> Json | None:
    """Return an event as a provider writes it; None if the provider does not send it.

    Args:
        event: the event, as OpenAI sends it; what other providers add is in ``more``.
        form: the provider's format.
        event_id: the id of the event.
    """
    type = event["type"]
    name = form.names.get(type, type)
    if not name:
        return None
    members = {**event, "type": name, "event_id": event_id}
    more = members.pop("more", {})
    if isinstance(item := members.get("item"), Mapping):
        changes = form.changes.get(type, {}).get(item.get("type", ""), {})
        changed = {**present_item(item, form), **changes}
        members["item"] = {k: v for k, v in changed.items() if v is not ...}
        is_call = str(item.get("type")).startswith("function_call")
        if is_call and not form.has_call_links and "previous_item_id" in members:
            members["previous_item_id"] = None
    if isinstance(response := members.get("response"), Mapping):
        output = [present_item(item, form) for item in response["output"]]
        members["response"] = arrange(form.response, {**response, "output": output})
    if form.empties_parts and type == "response.content_part.done":
        members["part"] = {k: v if k == "type" else "" for k, v in members["part"].items()}
    if form.repeats_parts and "part" in members:
        members["content"] = members["part"]
    layout = form.events.get(type)
    if layout is None:
        head = {name: members.pop(name) for name in form.first}
        return head | members | {k: v for k, v in form.last.items() if k not in members}
    if "type" in layout:
        return arrange(layout, members)
    shown = {name: members[name] for name in form.first} | arrange(layout, {**members, **more})
    return shown | {k: v for k, v in form.last.items() if k not in shown}


class ResponseEvents:
    """Collects the events of a response.

    Args:
        plan: the response.
        new_id: generates ids by prefix.
        rng: source of padding.

    Attributes:
        texts: the JSON of the events.
        output: the items, as OpenAI writes them.
        spoken: seconds of audio in them.
        new_id: generates ids by prefix.
    """

    def __init__(self, plan: ResponsePlan, new_id: Callable[[str], str], rng: Random) -> None:
        self._plan, self.new_id, self._rng = plan, new_id, rng
        self._padding = Padding(rng.getrandbits(2)) if plan.form.has_obfuscation else None
        self._last_id, self._length = plan.last_id, plan.length
        self.texts: list[str] = []
        self.output: list[Json] = []
        self.spoken = 0.0

    def write(self, type: str, **members: Any) -> None:
        """Add an event."""
        if type.startswith("response.") and "response" not in members:
            members = {"response_id": self._plan.id, **members}
        event = {"type": type, **members}
        if (shown := present_event(event, self._plan.form, self.new_id("event"))) is not None:
            self.texts.append(msgspec.json.encode(shown).decode())

    # The response

    def start(self) -> None:
        """Add the event that begins the response."""
        self.write("response.created", response=self._build("in_progress", None, None))
        if self._plan.form.has_rate_limits:
            limit = {"name": "tokens", "limit": 40000, "remaining": 39500, "reset_seconds": 0.75}
            self.write("rate_limits.updated", rate_limits=[limit])

    def finish(self, status: str, details: Json | None, usage: Json | None) -> None:
        """Add the event that ends the response."""
        members: Json = {"response": self._build(status, details, usage)}
        if self._plan.form.token_kinds:
            members |= {"response_id": self._plan.id, "usage": usage}
        self.write("response.done", **members)

    def _build(self, status: str, details: Json | None, usage: Json | None) -> Json:
        plan = self._plan
        output = {k: plan.output[k] for k in ("format", "voice")}
        modalities = plan.config["output_modalities"]
        response = {
            "object": "realtime.response",
            "id": plan.id,
            "status": status,
            "status_details": details,
            "output": self.output if status != "in_progress" else [],
            "conversation_id": plan.conversation_id,
            "output_modalities": modalities,
            "modalities": ["text", "audio"] if modalities == ["audio"] else modalities,
            "max_output_tokens": plan.config["max_output_tokens"],
            "audio": {"output": output},
            "usage": usage,
            "metadata": plan.metadata,
            "temperature": plan.config.get("temperature", TEMPERATURE),
        }
        return response | show_voice(plan.output, plan.form)

    # Items

    def open_item(self, item: Json) -> None:
        """Add the events with which an item begins."""
        self.write("response.output_item.added", output_index=len(self.output), item=item)
        if self._plan.conversation_id is not None:
            self.write("conversation.item.added", previous_item_id=self._last_id, item=item)

    def close_item(self, item: Json) -> None:
        """Add the events with which an item ends."""
        if self._plan.conversation_id is not None:
            # Recorded: the first item of a conversation is not named as the previous one here.
            previous = self._last_id if self._length > 1 else None
            self.write("conversation.item.done", previous_item_id=previous, item=item)
        self.write("response.output_item.done", output_index=len(self.output), item=item)
        self.output.append(item)
        self._last_id, self._length = item["id"], self._length + 1

    def _place(self, item: Json) -> Json:
        return {"item_id": item["id"], "output_index": len(self.output), "content_index": 0}

    def write_message(
        self, text: Text, status: str, phase: str | None, sound: tuple[str, ...] | None = None
    ) -> None:
        """Add the events of a message.

        Args:
            text: what is said or written.
            status: the status of the finished item; None for one that is never finished.
            phase: the phase of the message.
            sound: pieces of base64; by default the text is spoken.
        """
        item: Json = {"id": self.new_id("item"), "type": "message", "status": "in_progress"}
        item |= {"role": "assistant", "content": []} | ({} if phase is None else {"phase": phase})
        self.open_item(item)
        kind = "audio" if self._plan.speaks else "text"
        place = self._place(item)
        self.write("response.content_part.added", **place, part=_build_part(kind, ""))
        if kind == "text":
            for piece in text.pieces:
                self._write_delta("response.output_text.delta", place, piece)
        else:
            self._write_speech(text, place, sound)
        if status:
            self.close_message(item, str(text), kind, status)

    def close_message(self, item: Json, text: str, kind: str, status: str) -> None:
        """Add the events with which a message ends."""
        place = self._place(item)
        part = _build_part(kind, text)
        if kind == "text":
            self.write("response.output_text.done", **place, text=text)
        elif not self._plan.form.closes_audio_last:
            self.write("response.output_audio.done", **place)
        if kind == "audio":
            self.write("response.output_audio_transcript.done", **place, transcript=text)
        self.write("response.content_part.done", **place, part=part)
        if kind == "audio" and self._plan.form.closes_audio_last:
            self.write("response.output_audio.done", **place)
        content = [{**part, "type": f"output_{kind}"}]
        self.close_item({**item, "status": status, "content": content})

    def _write_delta(self, type: str, place: Json, delta: str, **more: Any) -> None:
        members: Json = {**place, "delta": delta}
        if self._padding is not None:
            members["obfuscation"] = self._padding.letters(16 - len(delta) % 16)
        self.write(type, **members, more=more)

    def _write_speech(self, text: Text, place: Json, sound: tuple[str, ...] | None) -> None:
        """Add the events of a transcript and its audio, each piece of audio as soon as it is said.

        Recorded sounds come after their transcript.
        """
        events = list(_interleave(text, self._plan, sound))
        if self._plan.form.sends_audio_first:
            events.sort(key=lambda event: event[0] != "audio" or event[2] > 0)
        run = self.new_id("rid") if self._plan.form.token_kinds else ""
        for kind, delta, start in events:
            if kind == "transcript":
                more = {"rid": run, "start_time": round(start, 2)}
                self._write_delta("response.output_audio_transcript.delta", place, delta, **more)
                continue
            size = len(delta) * 3 // 4 / bytes_per_second(self._plan.output["format"])
            self.spoken += size
            more = {"rid": run, "audio_duration_ms": round(1000 * size), "ts": 0}
            if start == 0:
                more["latency"] = "0.50"
            self.write("response.output_audio.delta", **place, delta=delta, more=more)

    def write_call(self, name: str, call_id: str, arguments: Text, status: str) -> None:
        """Add the events of a function call."""
        item = {"id": self.new_id("item"), "type": "function_call", "status": "in_progress"}
        item |= {"name": name, "call_id": call_id, "arguments": ""}
        self.open_item(item)
        place = {"item_id": item["id"], "output_index": len(self.output), "call_id": call_id}
        has_deltas = self._plan.form.has_call_deltas
        for piece in arguments.pieces if has_deltas else (str(arguments),):
            self._write_delta("response.function_call_arguments.delta", place, piece)
        if status:
            self.close_call(item, str(arguments), status)

    def close_call(self, item: Json, arguments: str, status: str) -> None:
        """Add the events with which a function call ends."""
        place = {"item_id": item["id"], "output_index": len(self.output)}
        place |= {"call_id": item["call_id"], "name": item["name"], "arguments": arguments}
        self.write("response.function_call_arguments.done", **place)
        self.close_item({**item, "status": status, "arguments": arguments})


def _build_part(kind: str, text: str) -> Json:
    return {"type": kind, "transcript" if kind == "audio" else "text": str(text)}


def _interleave(
    text: Text, plan: ResponsePlan, sound: tuple[str, ...] | None
) -> Iterator[tuple[str, str, float]]:
    """Yield transcript and audio in pieces, each with its kind and where it begins, in seconds."""
    if sound is not None:
        yield from (("transcript", piece, 0.0) for piece in text.pieces)
        yield from (("audio", piece, 0.0) for piece in sound)
        return
    output = plan.output
    data = encode_speech(text, output["format"], output["voice"], output.get("speed") or 1.0)
    rate = bytes_per_second(output["format"])
    size = int(PIECE_SECONDS * rate)
    spoken, sent = 0, 0
    for piece in text.pieces:
        yield "transcript", piece, spoken / max(1, len(text)) * len(data) / rate
        spoken += len(piece)
        until = len(data) * spoken // max(1, len(text)) if spoken < len(text) else len(data)
        while sent < len(data) and (sent + size <= until or spoken >= len(text)):
            yield "audio", base64.b64encode(data[sent : sent + size]).decode(), sent / rate
            sent += size
