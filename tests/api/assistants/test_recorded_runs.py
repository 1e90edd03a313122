"""Recorded streams of runs come out byte-equal by rule: only ids and times are taken from them."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from openai_mockserver import Annotation, Message, Reply, ToolCall, Usage, sse
from openai_mockserver.api.assistants.objects import Envelope, build_run, build_thread
from openai_mockserver.api.assistants.timing import follow
from openai_mockserver.api.assistants.writer import RunWriter
from openai_mockserver.items import file_search
from openai_mockserver.reply import Output
from openai_mockserver.script import Script

Events = list[tuple[str, Any]]


def read_events(body: str) -> Events:
    """Return the names of the events and their values."""
    events = sse.decode(body.encode())
    return [(str(event.event), json.loads(event.data)) for event in events if event.event != "done"]


def find(events: Events, name: str) -> list[Any]:
    return [value for other, value in events if other == f"thread.{name}"]


def read_output(events: Events, step: Any) -> Output:
    """Return what the model says in a step, from the deltas and the end of the step."""
    if step["type"] == "message_creation":
        id = step["step_details"]["message_creation"]["message_id"]
        deltas = [value for value in find(events, "message.delta") if value["id"] == id]
        return read_message([value["delta"]["content"][0]["text"] for value in deltas])
    deltas = [value for value in find(events, "run.step.delta") if value["id"] == step["id"]]
    calls = [value["delta"]["step_details"]["tool_calls"][0] for value in deltas]
    if calls[0]["type"] == "function":
        pieces = [call["function"]["arguments"] for call in calls[1:]]
        return ToolCall(calls[0]["function"]["name"], pieces, calls[0]["id"])
    results = step["step_details"]["tool_calls"][0]["file_search"]["results"]
    return file_search(
        results=[
            {
                "file_id": result["file_id"],
                "filename": result["file_name"],
                "score": result["score"],
                "attributes": result["attributes"],
                "text": result["content"][0]["text"],
            }
            for result in results
        ]
    )


def read_message(texts: list[Any]) -> Message:
    """Return a message with the citations of the Responses API, which has no marks in its text."""
    pieces, citations = list[str](), list[Annotation]()
    for text in texts:
        notes = text.get("annotations") or []
        for note in notes:
            name = note["text"].partition("†")[2].removesuffix("】")
            citation = {"type": "file_citation", "file_id": note["file_citation"]["file_id"]}
            citations.append(Annotation(citation | {"filename": name}, len(pieces)))
        if not notes:
            pieces.append(text["value"])
    return Message(pieces, annotations=citations)


def read_times(events: Events) -> Iterator[int]:
    """Yield the time of each moment at which something happens in a run."""
    completed = {"message.completed", "run.completed"}
    for name, value in events:
        is_tool = name == "thread.run.step.completed" and value["type"] == "tool_calls"
        if name == "thread.run.in_progress":
            yield value["started_at"]
        elif name == "thread.run.step.created":
            yield value["created_at"]
        elif is_tool or name.removeprefix("thread.") in completed:
            yield value["completed_at"]


def read_ids(events: Events) -> dict[str, Iterator[str]]:
    """Return the ids of steps, messages and built-in calls, by their prefix."""
    by_kind = defaultdict(list)
    by_kind["step"] = [value["id"] for value in find(events, "run.step.created")]
    by_kind["msg"] = [value["id"] for value in find(events, "message.created")]
    for step in find(events, "run.step.completed"):
        by_kind["call"] += [call["id"] for call in step["step_details"].get("tool_calls", ())]
    return {kind: iter(ids) for kind, ids in by_kind.items()}


def render_again(recording: Any) -> bytes:
    """Return the body that our rules make of what was said in a recorded stream."""
    events = read_events(recording["response"]["body"])
    (first,), request = find(events, "run.created"), recording["request"]
    # The assistant itself is not in the recording, but its run repeats it.
    settings = ("model", "instructions", "tools")
    assistant = {name: first[name] for name in settings}
    times, ids = read_times(events), read_ids(events)
    run = build_run(
        first["id"], first["thread_id"], request["json"], assistant, first["created_at"]
    )
    include = ["step_details.tool_calls[*].file_search.results[*].content"]
    envelope = Envelope(lambda kind: next(ids[kind]), lambda: next(times))
    writer = RunWriter(run, envelope, include=include if "include" in request["url"] else ())
    thread = None
    if "thread" in request["json"]:
        id = find(events, "created")[0]["id"]
        thread = build_thread(id, request["json"]["thread"], first["created_at"])
    writer.create(thread)
    steps = {step["id"]: step for step in find(events, "run.step.created")}
    steps |= {step["id"]: step for step in find(events, "run.step.completed")}
    goes_on = True
    for step in steps.values():
        used = step["usage"] or {"prompt_tokens": 0, "completion_tokens": 0}
        usage = Usage(used["prompt_tokens"], used["completion_tokens"])
        goes_on = writer.add(Reply(output=[read_output(events, step)], usage=usage))
    if goes_on:
        writer.end()
    assert next(times, None) is None, "each time was used"
    return sse.body(follow(Script(), writer.events).steps)


@pytest.mark.parametrize("name", ["34509a43fc732966", "be7f0ca3cd59d298"])
def test_a_recorded_run_is_rendered_again(shared: Path, name: str) -> None:
    file = shared / f"recordings/openai/assistants/{name}.json"
    recording = json.loads(file.read_text())
    body = recording["response"]["body"]
    assert render_again(recording).decode().split("\n\n") == body.split("\n\n")
