"""How items arrive, and how the formats of eras and providers differ."""

from __future__ import annotations

import json
from dataclasses import replace
from random import Random
from typing import Any

import pytest

from openai_mockserver import sse
from openai_mockserver.api import responses
from openai_mockserver.dialects import Dialect, dialects
from openai_mockserver.dialects.providers.openai import RESPONSES
from openai_mockserver.dialects.responses import ResponsesFormat
from openai_mockserver.reply import Item, Logprob, Message, Output, Reasoning, Reply, Text, ToolCall
from openai_mockserver.script import Script

STREAM: dict[str, Any] = {"model": "gpt-5", "stream": True, "input": "Hi"}
SHELL = {"commands": [Text(["ls", " -a"]), "pwd"], "timeout_ms": None}
PRINTED = {"outcome": {"type": "exit", "exit_code": 0}, "stderr": "", "stdout": "a\n"}
PATCH = {"type": "create_file", "diff": Text(["+", "a"]), "path": "a.txt"}
FORMATS = {f"openai {name}": form for name, form in RESPONSES.items()} | {
    name: dialect.responses for name, dialect in dialects().items() if dialect.responses
}


def render(output: Output, form: ResponsesFormat = RESPONSES["now"], **request: Any) -> Script:
    reply = Reply(output=[output])
    dialect = Dialect("of this format", responses=form)
    return responses.render(reply, STREAM | request, dialect=dialect, rng=Random(0))


def read_events(script: Script) -> list[dict[str, Any]]:
    """Return the JSON of a stream's events."""
    decoded = sse.decode(sse.body(script.steps))
    return [json.loads(event.data) for event in decoded if event.data != "[DONE]"]


def arrive(output: Output, form: ResponsesFormat = RESPONSES["now"]) -> list[dict[str, Any]]:
    """Return the events of an item, without numbers and ids."""
    events = read_events(render(output, form))[2:-1]
    hidden = {"sequence_number", "output_index", "item_id", "obfuscation"}
    return [{k: v for k, v in event.items() if k not in hidden} for event in events]


@pytest.mark.parametrize(
    ("item", "initial"),
    [
        (
            Item("local_shell_call", {"action": {"command": ["ls"], "env": {}}}),
            {"action": {"command": [], "env": {}}},
        ),
        (Item("image_generation_call", {"status": "completed", "result": "aGk="}), {}),
        (Item("shell_call", {"action": SHELL}), {"action": SHELL | {"commands": []}}),
        (Item("shell_call_output", {"output": [PRINTED]}), {"output": []}),
        (Item("apply_patch_call", {"operation": PATCH}), {"operation": PATCH | {"diff": ""}}),
        (Item("program", {"code": "1", "call_id": "c"}), {"code": "", "call_id": "c"}),
        (Item("tool_search_call", {"arguments": {"goal": "x"}}), {"arguments": {}}),
        (ToolCall("run", "ls", "call_1", custom=True), {"input": "", "name": "run"}),
    ],
)
def test_an_item_starts_out_without_its_content(item: Output, initial: dict[str, Any]) -> None:
    added, *_, done = arrive(item)
    assert initial.items() <= added["item"].items()
    assert "result" not in added["item"]
    assert added["item"].get("status", "in_progress") == "in_progress"
    assert done["item"] != added["item"]


def test_each_command_of_a_shell_call_has_its_events() -> None:
    item = Item("shell_call", {"call_id": "c", "action": SHELL})
    stem = "response.shell_call_command"
    assert arrive(item)[1:-1] == [
        {"type": f"{stem}.added", "command": "", "command_index": 0},
        {"type": f"{stem}.delta", "command_index": 0, "delta": "ls"},
        {"type": f"{stem}.delta", "command_index": 0, "delta": " -a"},
        {"type": f"{stem}.done", "command": "ls -a", "command_index": 0},
        {"type": f"{stem}.added", "command": "", "command_index": 1},
        {"type": f"{stem}.delta", "command_index": 1, "delta": "pwd"},
        {"type": f"{stem}.done", "command": "pwd", "command_index": 1},
    ]
    again = responses.read(render(item))
    assert isinstance(again, Reply)
    assert again.choices[0].output == (item,)
    assert again.choices[0].output[0].members["action"]["commands"][0].pieces == ("ls", " -a")


def test_the_output_of_a_shell_call_comes_by_command() -> None:
    stem = "response.shell_call_output_content"
    assert arrive(Item("shell_call_output", {"call_id": "c", "output": [PRINTED]}))[1:-1] == [
        {"type": f"{stem}.delta", "command_index": 0, "delta": {"stdout": "a\n"}},
        {"type": f"{stem}.done", "command_index": 0, "output": [PRINTED]},
    ]


def test_a_patch_arrives_in_pieces() -> None:
    stem = "response.apply_patch_call_operation_diff"
    item = Item("apply_patch_call", {"call_id": "c", "operation": PATCH})
    assert arrive(item)[1:-1] == [
        {"type": f"{stem}.delta", "delta": "+"},
        {"type": f"{stem}.delta", "delta": "a"},
        {"type": f"{stem}.done", "diff": "+a"},
    ]
    deletion = Item("apply_patch_call", {"operation": {"type": "delete_file", "path": "a"}})
    assert len(arrive(deletion)) == 2


def test_an_image_says_how_it_is_made() -> None:
    members = {"size": "auto", "quality": "low", "result": "aGk=", "partial_images": ["aA=="]}
    (partial,) = (
        event
        for event in arrive(Item("image_generation_call", members))
        if event["type"].endswith("partial_image")
    )
    assert (partial["size"], partial["quality"]) == ("auto", "low")


def test_an_item_of_an_unknown_type_comes_as_it_came() -> None:
    script = render(Item("shell_call", {"call_id": "c", "action": SHELL}))
    body = sse.body(script.steps).replace(b"shell_call", b"novel_call")
    reply = responses.read(Script(script.head, sse.parse(body)))
    assert isinstance(reply, Reply)
    (item,) = reply.choices[0].output
    assert isinstance(item, Item)
    assert [e["type"].removeprefix("response.novel_call_") for e in arrive(item)] == [
        "response.output_item.added",
        "command.added",
        "command.delta",
        "command.delta",
        "command.done",
        "command.added",
        "command.delta",
        "command.done",
        "response.output_item.done",
    ]
    assert arrive(item)[0]["item"]["action"]["commands"] == []
    assert "stream_events" not in arrive(item)[-1]["item"]


def test_more_members_of_a_call_survive() -> None:
    caller = {"type": "program", "caller_id": "call_1"}
    call = ToolCall("now", "{}", "call_2", extra={"caller": caller})
    assert arrive(call)[0]["item"]["caller"] == caller
    again = responses.read(render(call))
    assert isinstance(again, Reply)
    assert again.choices[0].tool_calls == (call,)


def test_a_response_of_a_pro_model_is_finished_when_it_starts() -> None:
    models = {"gpt-5.2-pro": "completed", "o3-pro-2025-06-10": "completed"}
    for model, status in (models | dict.fromkeys(("gpt-5", "sonar-pro"), "in_progress")).items():
        added = read_events(render(Message("Hi"), model=model))[2]
        assert added["item"]["status"] == status


@pytest.mark.parametrize("name", FORMATS)
def test_a_reply_survives_each_format(name: str) -> None:
    """Its texts keep their pieces."""
    reply = Reply(
        output=[
            Reasoning(content=["Let me", Text(["see", "."])]),
            Message(["Hi", " there"]),
            ToolCall("now", {"zone": "CET"}),
            Item("web_search_call", {"status": "completed", "action": {"type": "search"}}),
        ]
    )
    dialect = Dialect("of this format", responses=FORMATS[name])
    again = responses.read(responses.render(reply, STREAM, dialect=dialect, rng=Random(0)))
    assert isinstance(again, Reply)
    assert again.choices[0].output == reply.choices[0].output
    for one, other in zip(again.choices[0].output, reply.choices[0].output, strict=True):
        if isinstance(one, Message) and isinstance(other, Message):
            assert one.text is not None
            assert other.text is not None
            assert one.text.pieces == other.text.pieces


def test_the_formats_of_2025() -> None:
    def first_text(era: str) -> dict[str, Any]:
        return read_events(render(Message("Hi"), RESPONSES[era]))[4]

    assert list(first_text("2025-03")) == [
        "type",
        "item_id",
        "output_index",
        "content_index",
        "delta",
    ]
    assert "logprobs" not in first_text("2025-05")
    assert list(first_text("2025"))[:2] == ["type", "sequence_number"]
    assert first_text("2025")["logprobs"] == []
    message = arrive(Message("Hi"), RESPONSES["2025-03"])[-1]["item"]
    assert list(message) == ["type", "id", "status", "role", "content"]
    assert next(iter(arrive(Message("Hi"), RESPONSES["2025-04"])[-1]["item"])) == "id"


def test_members_that_all_items_of_a_type_have() -> None:
    members = {"message": {"metadata": {"turn_id": "t"}}}
    envelope = replace(responses.Envelope.fresh(STREAM, Random(0)), item_members=members)
    script = responses.render(Reply("Hi"), STREAM, envelope=envelope)
    added, done = (e["item"] for e in read_events(script) if "item" in e)
    assert added["metadata"] == done["metadata"] == {"turn_id": "t"}
    assert list(done) == ["id", "type", "status", "content", "metadata", "role"]


def test_openrouters_reasoning_ended_late_in_2025() -> None:
    output: list[Output | str] = [Reasoning(content=["Hm"]), Message("Hi")]
    script = responses.render(Reply(output=output), STREAM, dialect="openrouter-2025")
    done = [e["item"]["type"] for e in read_events(script) if e["type"].endswith("item.done")]
    assert done == ["message", "reasoning"]
    final = read_events(script)[-1]["response"]
    assert [item["type"] for item in final["output"]] == ["reasoning", "message"]
    assert list(final)[:5] == ["object", "id", "created_at", "model", "status"]


def test_lm_studio_sends_arguments_whole_and_logprobs_in_full() -> None:
    form = FORMATS["lmstudio"]
    assert [e["type"] for e in arrive(ToolCall("now", {"zone": "CET"}), form)] == [
        "response.output_item.added",
        "response.function_call_arguments.done",
        "response.output_item.done",
    ]
    message = Message(["Hi"], logprobs=[Logprob("Hi", 0.0)])
    script = render(message, form, include=["message.output_text.logprobs"])
    assert '"logprob":0,' in sse.body(script.steps).decode()
    (part,) = (e["part"] for e in read_events(script) if e["type"] == "response.content_part.done")
    assert part["logprobs"][0]["token"] == "Hi"


def test_a_background_response_changes_its_order_when_it_is_generated() -> None:
    script = responses.render(Reply("Hi"), STREAM | {"background": True})
    events = {e["type"].removeprefix("response."): e for e in read_events(script)}
    for name, first in (("created", "id"), ("queued", "id"), ("in_progress", "truncation")):
        assert next(iter(events[name]["response"])) == first
    assert list(events["in_progress"])[:2] == ["type", "sequence_number"]
    assert list(events["completed"]["response"])[:2] == ["truncation", "tool_choice"]
    assert list(events["completed"]["response"]["text"]) == ["verbosity", "format"]
    assert list(events["content_part.done"]["part"]) == ["text", "logprobs", "type", "annotations"]
    assert list(events["output_item.done"]["item"]) == ["id", "content", "role", "status", "type"]


def test_bedrocks_name_follows_its_data() -> None:
    body = sse.body(render(Message("Hi"), FORMATS["bedrock-mantle"]).steps).decode()
    data, name = body.split("\n")[:2]
    assert data.startswith('data: {"response":{')
    assert name == "event: response.created"
    kinds = [
        e["type"] for e in arrive(Reasoning(content=["Hm"]), FORMATS["bedrock-mantle-gpt-oss"])
    ]
    assert kinds[1] == "response.reasoning_part.added"


def test_bedrocks_open_models_count_parts_over_all_items() -> None:
    output: list[Output | str] = [Reasoning(content=["Hm"]), Message("Hi"), Message("again")]
    script = responses.render(Reply(output=output), STREAM, dialect="bedrock-mantle-gpt-oss")
    added = [e["content_index"] for e in read_events(script) if e["type"].endswith("_part.added")]
    assert added == [0, 1, 2]
