"""A run as events: what the model says becomes steps and messages.

Rules of this file: no I/O; the order of events and their members are those of recorded streams. An
example, for a run that answers with a text:

    thread.run.created, thread.run.queued, thread.run.in_progress
    thread.run.step.created, thread.run.step.in_progress
    thread.message.created, thread.message.in_progress
    thread.message.delta, once for each piece of the text
    thread.message.completed, thread.run.step.completed, thread.run.completed
    done

A call of a function ends the stream with ``thread.run.requires_action``. When the client submits
the outputs, the next stream begins with ``thread.run.step.completed`` and ``thread.run.queued``.
A text of the model that shares a reply with a built-in tool counts as a step of its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from openai_mockserver.api.assistants.objects import (
    Envelope,
    add_usage,
    build_message,
    build_step,
    build_usage,
)
from openai_mockserver.api.assistants.parts import build_tool_call, cite, stream_tool_call
from openai_mockserver.api.responses.items import encode_json
from openai_mockserver.reply import ApiError, Item, Message, Output, Reply, ToolCall, Usage
from openai_mockserver.script import Event

__all__ = ["RunWriter", "WrittenEvent"]

Json = dict[str, Any]

_BUILT_IN = ("file_search_call", "code_interpreter_call")
"""Items of tools that assistants have too; others leave no trace in a run."""


class WrittenEvent(NamedTuple):
    """An event of a run, and whether it holds a piece of what the model says."""

    event: Event
    is_delta: bool = False


class RunWriter:
    """Writes the events of a run, and changes the run as they say.

    Args:
        run: the run.
        envelope: makes ids and times.
        steps: the steps of the run so far.
        include: what the request wants to see of steps.

    Attributes:
        run, steps: the run and its steps, as they are after the last event.
        queued_run: the run when it was queued last.
        messages: the messages that were added.
        events: the events.
        open_usage: the usage of a step that waits for the outputs of its tools.
    """

    def __init__(
        self,
        run: Mapping[str, Any],
        envelope: Envelope,
        steps: Iterable[Mapping[str, Any]] = (),
        include: Iterable[str] = (),
    ) -> None:
        self.run: Json = dict(run)
        self.queued_run = self.run
        self.steps: list[Json] = [dict(step) for step in steps]
        self.messages: list[Json] = []
        self.events: list[WrittenEvent] = []
        self.open_usage: Json | None = None
        self._include = frozenset(include)
        self._envelope = envelope

    def _write(self, name: str, value: object, is_delta: bool = False) -> None:
        event = Event(encode_json(value), event=f"thread.{name}")
        self.events.append(WrittenEvent(event, is_delta))

    def _change_run(self, status: str, **changes: Any) -> None:
        self.run |= {"status": status, **changes}
        self._write(f"run.{status}", self.run)

    # Beginning and end

    def create(self, thread: Mapping[str, Any] | None = None) -> None:
        """Begin the run; its thread is created with it, if there is one."""
        if thread is not None:
            self._write("created", thread)
        self._write("run.created", self.run)
        self._start()

    def resume(self, outputs: Mapping[str, str], usage: Mapping[str, Any] | None) -> None:
        """Continue the run with the outputs of its tools, by the ids of their calls.

        The usage is that of the step that waited for them.
        """
        for step in self.steps:
            if step["status"] == "in_progress":
                calls = [_add_output(call, outputs) for call in step["step_details"]["tool_calls"]]
                step["step_details"] = {"type": "tool_calls", "tool_calls": calls}
                self._end_step(step, self._envelope.now(), usage or build_usage(Usage()))
        self.run |= {"required_action": None}
        self._start()

    def _start(self) -> None:
        self._change_run("queued")
        self.queued_run = dict(self.run)
        started_at = self.run["started_at"]
        self._change_run("in_progress", started_at=started_at or self._envelope.now())

    def end(self, error: ApiError | None = None, reason: str | None = None) -> None:
        """End the run: with an error, or incomplete for a reason, or completed."""
        ending = {"expires_at": None, "usage": self._count_usage()}
        now = self._envelope.now()
        if error is not None:
            last_error = {"code": _find_code(error), "message": error.message}
            self._change_run("failed", **ending, failed_at=now, last_error=last_error)
        elif reason is not None:
            self._change_run("incomplete", **ending, incomplete_details={"reason": reason})
        else:
            self._change_run("completed", **ending, completed_at=now)

    def _count_usage(self) -> Json:
        return add_usage(step["usage"] for step in self.steps if step["usage"] is not None)

    # What the model says

    def add(self, reply: Reply) -> bool:
        """Write what one reply says; return whether the run goes on, so that `end` must end it."""
        choice = reply.choices[0]
        groups = list(_group_output(choice.output))
        for index, group in enumerate(groups):
            is_last = index == len(groups) - 1
            used = (reply.usage or Usage()) if is_last else Usage()
            usage = build_usage(used)
            error = reply.error if is_last else None
            if isinstance(group, Message):
                reason = _INCOMPLETE.get(choice.finish_reason or "") if is_last else None
                self._add_message(group, usage, error, reason)
            elif isinstance(group, Item):
                self._add_built_in(group, usage)
            elif error is None:
                self._request_outputs(group, usage)
                return False
        if reply.error is not None:
            self.end(reply.error)
        elif choice.finish_reason == "length":
            self.end(reason="max_completion_tokens")
        elif choice.finish_reason == "content_filter":
            text = "The response was filtered because it violates the content policy."
            self.end(ApiError(500, text))
        else:
            return True
        return False

    def _begin_step(self, details: Json, now: int) -> Json:
        step = build_step(self._envelope.new_id("step"), self.run, details, now)
        self.steps.append(step)
        self._write("run.step.created", step)
        self._write("run.step.in_progress", step)
        return step

    def _end_step(
        self, step: Json, now: int, usage: Mapping[str, Any], error: ApiError | None = None
    ) -> None:
        step |= {"status": "completed", "completed_at": now, "usage": usage}
        if error is not None:
            last_error = {"code": _find_code(error, in_step=True), "message": error.message}
            step |= {"status": "failed", "completed_at": None, "failed_at": now}
            step |= {"last_error": last_error}
        self._write(f"run.step.{step['status']}", step)

    def _add_message(
        self, answer: Message, usage: Json, error: ApiError | None, reason: str | None
    ) -> None:
        now, id = self._envelope.now(), self._envelope.new_id("msg")
        details = {"type": "message_creation", "message_creation": {"message_id": id}}
        step = self._begin_step(details, now)
        message = build_message(id, self.run["thread_id"], now, self.run)
        self._write("message.created", message)
        self._write("message.in_progress", message)
        content = list(self._stream_content(answer, id))
        now = self._envelope.now()
        message |= {"status": "completed", "completed_at": now, "content": content}
        if error is not None or reason is not None:
            reason = "run_failed" if error is not None else reason
            message |= {"status": "incomplete", "completed_at": None, "incomplete_at": now}
            message |= {"incomplete_details": {"reason": reason}}
        self.messages.append(message)
        self._write(f"message.{message['status']}", message)
        self._end_step(step, now, usage, error)

    def _stream_content(self, answer: Message, id: str) -> Iterator[Json]:
        """Write the pieces of a message, and yield the parts of its content."""
        index = 0
        if answer.text is not None:
            annotations: list[Json] = []
            pieces = list(cite(answer.text, answer.annotations))
            for number, (piece, own) in enumerate(pieces):
                shown = [{"index": len(annotations) + n, **_quote(a)} for n, a in enumerate(own)]
                text: Json = {"value": piece}
                if shown or not number:
                    text |= {"annotations": shown}
                self._write_part(id, {"index": index, "type": "text", "text": text})
                annotations += own
            value = "".join(piece for piece, _ in pieces)
            yield {"type": "text", "text": {"value": value, "annotations": annotations}}
            index += 1
        if answer.refusal is not None:
            for piece in answer.refusal.pieces:
                self._write_part(id, {"index": index, "type": "refusal", "refusal": piece})
            yield {"type": "refusal", "refusal": str(answer.refusal)}

    def _write_part(self, id: str, part: Json) -> None:
        delta = {"id": id, "object": "thread.message.delta", "delta": {"content": [part]}}
        self._write("message.delta", delta, is_delta=True)

    def _add_built_in(self, item: Item, usage: Json) -> None:
        step = self._begin_step({"type": "tool_calls", "tool_calls": []}, self._envelope.now())
        call_id = self._envelope.new_id("call")
        for delta in stream_tool_call(item, call_id):
            self._write_step_delta(step["id"], {"index": 0, **delta})
        call = build_tool_call(item, call_id, self._include)
        step["step_details"] = {"type": "tool_calls", "tool_calls": [call]}
        self._end_step(step, self._envelope.now(), usage)

    def _request_outputs(self, calls: list[ToolCall], usage: Json) -> None:
        """Write a step with calls of functions, and let the run wait for their outputs."""
        step = self._begin_step({"type": "tool_calls", "tool_calls": []}, self._envelope.now())
        for index, call in enumerate(calls):
            head = {"index": index, "id": call.id, "type": "function"}
            function: Json = {"name": call.name, "arguments": "", "output": None}
            self._write_step_delta(step["id"], {**head, "function": function}, is_delta=False)
            for piece in call.arguments.pieces:
                part = {"index": index, "type": "function", "function": {"arguments": piece}}
                self._write_step_delta(step["id"], part)
        wanted = [
            {
                "id": call.id,
                "type": "function",
                "function": {"name": call.name, "arguments": str(call.arguments)},
            }
            for call in calls
        ]
        tool_calls = [_add_output(call, {}) for call in wanted]
        step["step_details"] = {"type": "tool_calls", "tool_calls": tool_calls}
        self.open_usage = usage
        action = {"type": "submit_tool_outputs", "submit_tool_outputs": {"tool_calls": wanted}}
        self._change_run("requires_action", required_action=action)

    def _write_step_delta(self, id: str, call: Json, is_delta: bool = True) -> None:
        details = {"type": "tool_calls", "tool_calls": [call]}
        value = {"id": id, "object": "thread.run.step.delta", "delta": {"step_details": details}}
        self._write("run.step.delta", value, is_delta)


_INCOMPLETE = {"length": "max_tokens", "content_filter": "content_filter"}
"""The reason why a message is incomplete, by the finish reason."""


def _group_output(output: Iterable[Output]) -> Iterator[Message | Item | list[ToolCall]]:
    """Yield what makes a step each: messages, built-in tools, and calls that follow each other."""
    calls: list[ToolCall] = []
    for item in output:
        if isinstance(item, ToolCall):
            calls.append(item)
        elif isinstance(item, Message) or (isinstance(item, Item) and item.type in _BUILT_IN):
            if calls:
                yield calls
                calls = []
            yield item
    if calls:
        yield calls


def _add_output(call: Mapping[str, Any], outputs: Mapping[str, str]) -> Json:
    """Return a call of a function with its output; None if it has none yet."""
    return {**call, "function": {**call["function"], "output": outputs.get(call["id"])}}


def _quote(annotation: Json) -> Json:
    """Return an annotation as a delta has it: a citation with an empty quote."""
    citation = annotation.get("file_citation")
    return annotation if citation is None else annotation | {"file_citation": citation | _NO_QUOTE}


_NO_QUOTE = {"quote": ""}


def _find_code(error: ApiError, in_step: bool = False) -> str:
    """Return the code of a run's error; those of OpenAI's other endpoints do not exist here."""
    if error.status == 429 or "rate_limit" in (error.code or ""):
        return "rate_limit_exceeded"
    is_refused = 400 <= error.status < 500 or error.code == "invalid_prompt"
    return "invalid_prompt" if is_refused and not in_step else "server_error"
