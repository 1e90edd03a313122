"""The state machine for agent loops: correct loops pass, and each planted bug is found."""

from __future__ import annotations

import json
from typing import Any, ClassVar

import httpx
import openai
import pytest
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from openai_mockserver.strategies.agent import AgentMachine
from properties import examples

pytestmark = pytest.mark.slow

SEARCH = settings(
    max_examples=400,
    stateful_step_count=8,
    database=None,
    derandomize=True,
    report_multiple_bugs=False,
    phases=[Phase.generate],
    deadline=None,
    suppress_health_check=list(HealthCheck),
)


class Loop(AgentMachine):
    """The loop of OpenAI's guide, with optional bugs."""

    bug: ClassVar[str] = ""

    def answer(self, user: str) -> str | None:
        messages: list[Any] = [{"role": "user", "content": user}]
        while True:
            message = self.complete(messages)
            calls = message.tool_calls or []
            if not calls:
                return message.content or ""
            if self.bug == "drops the text beside calls":
                message.content = None
            if self.bug != "forgets the model's own message":
                messages.append(message.model_dump(include={"role", "content", "tool_calls"}))
            for call in calls[:1] if self.bug == "runs the first call only" else calls:
                result = self.run_call(call.function)
                if self.bug == "forgets results":
                    result = "ok"
                messages.append({"role": "tool", "tool_call_id": call.id, "content": result})
            if self.bug == "stops after a call":
                return message.content or ""
            if self.bug == "forgets the user":
                del messages[0]

    def complete(self, messages: list[Any]) -> Any:
        while True:
            try:
                return self.stream(messages)
            except (openai.APIError, openai.OpenAIError):
                if self.bug != "tries for ever":
                    raise

    def stream(self, messages: list[Any]) -> Any:
        tools: Any = self.offered
        message: Any = None
        with self.client.chat.completions.stream(
            model="gpt-4o", messages=messages, tools=tools
        ) as stream:
            try:
                for event in stream:
                    if event.type == "chunk":
                        message = event.snapshot.choices[0].message
            except Exception:
                if self.bug != "takes a broken stream for whole" or message is None:
                    raise
                return message
            choice = stream.get_final_completion().choices[0]
        if not choice.finish_reason and self.bug != "takes a broken stream for whole":
            raise RuntimeError("the stream ended before the answer")
        return choice.message

    def run_call(self, function: Any) -> str:
        name = function.name
        try:
            arguments = json.loads(function.arguments or "{}")
        except ValueError:
            if self.bug != "takes a broken stream for whole":
                raise
            arguments = {}
        if self.bug == "runs a tool twice":
            self.tools[name](**arguments)
        return self.tools[name](**arguments)


class Plain(AgentMachine):
    """A loop without streams, over a socket and with retries."""

    def answer(self, user: str) -> str | None:
        messages: list[Any] = [{"role": "user", "content": user}]
        for _ in range(12):
            request = {"model": "gpt-4o", "messages": messages, "tools": list(self.offered)}
            try:
                response = httpx.post(f"{self.mock.base_url}/chat/completions", json=request)
            except httpx.TransportError:
                continue
            completion = response.json()
            if "choices" not in completion:
                continue
            (choice,) = completion["choices"]
            if choice["finish_reason"] == "length":
                raise RuntimeError("the answer is too long")
            messages.append(choice["message"])
            for call in choice["message"].get("tool_calls", ()):
                tool = self.tools[call["function"]["name"]]
                result = tool(**json.loads(call["function"]["arguments"]))
                messages.append({"role": "tool", "tool_call_id": call["id"], "content": result})
            if messages[-1]["role"] == "assistant":
                return str(messages[-1]["content"])
        raise RuntimeError("the model is down")


class Remembering(AgentMachine):
    """A loop on the Responses API that keeps the conversation and has other tools."""

    endpoint = "responses"
    remembers = True
    offered = (
        {
            "type": "function",
            "name": "look_up",
            "parameters": {
                "type": "object",
                "properties": {"word": {"type": "string"}},
                "required": ["word"],
                "additionalProperties": False,
            },
        },
    )

    def __init__(self) -> None:
        super().__init__()
        self.items: list[Any] = []

    def answer(self, user: str) -> str | None:
        self.items.append({"role": "user", "content": user})
        while True:
            tools: Any = self.offered
            response = self.client.responses.create(model="gpt-4o", input=self.items, tools=tools)
            if response.status != "completed":
                raise RuntimeError("incomplete")
            self.items += [item.model_dump(exclude_none=True) for item in response.output]
            calls = [item for item in response.output if item.type == "function_call"]
            for call in calls:
                result = self.tools[call.name](**json.loads(call.arguments))
                output = {"type": "function_call_output", "call_id": call.call_id}
                self.items.append(output | {"output": result})
            if not calls:
                return response.output_text


@pytest.mark.hypothesis
@pytest.mark.parametrize("loop", [Plain, Remembering])
def test_other_correct_loops_pass(loop: type[AgentMachine]) -> None:
    run_state_machine_as_test(loop, settings=settings(SEARCH, max_examples=examples(25)))


# Seeds that shorten a search of seconds to a fraction of a second.
SEEDS = {"takes a broken stream for whole": 4, "runs the first call only": 7}


def machine(bug: str) -> type[Loop]:
    """Return the loop with a bug."""
    return type("Loop", (Loop,), {"bug": bug})


@pytest.mark.hypothesis
def test_a_correct_loop_passes() -> None:
    run_state_machine_as_test(machine(""), settings=settings(SEARCH, max_examples=examples(200)))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("bug", "message"),
    [
        ("drops the text beside calls", "lacks the text of the assistant"),
        ("forgets the model's own message", "lacks the call|lacks the text of the assistant"),
        ("runs the first call only", "but the loop did not run it"),
        ("forgets results", "lacks the text of the tool"),
        ("stops after a call", "but the loop did not send the result"),
        ("forgets the user", "lacks the text of the user"),
        ("takes a broken stream for whole", "broke off|completed no such call"),
        ("runs a tool twice", "completed no such call, or fewer of them"),
        ("tries for ever", "does not end: it has sent .* requests"),
    ],
)
def test_a_planted_bug_is_found(bug: str, message: str) -> None:
    loop, search = machine(bug), SEARCH
    if bug in SEEDS:
        loop, search = seed(SEEDS[bug])(loop), settings(SEARCH, derandomize=False)
    with pytest.raises(AssertionError, match=message):
        run_state_machine_as_test(loop, settings=search)
