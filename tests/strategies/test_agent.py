"""The state machine for agent loops: a right loop passes, and each planted bug is found."""

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
    """A loop as OpenAI's guide has it, into which bugs can be planted."""

    bug: ClassVar[str] = ""

    def answer(self, user: str) -> str | None:
        messages: list[Any] = [{"role": "user", "content": user}]
        while True:
            message = self.ask(messages)
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

    def ask(self, messages: list[Any]) -> Any:
        while True:
            try:
                return self.streamed(messages)
            except (openai.APIError, openai.OpenAIError):
                if self.bug != "tries for ever":
                    raise

    def streamed(self, messages: list[Any]) -> Any:
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
        name, arguments = function.name, function.arguments or "{}"
        try:
            given = json.loads(arguments)
        except ValueError:
            if self.bug != "takes a broken stream for whole":
                raise
            given = {}
        if self.bug == "runs a tool twice":
            self.tools[name](**given)
        return self.tools[name](**given)


class Plain(AgentMachine):
    """A loop that asks for no streams, over a socket, and tries again."""

    def answer(self, user: str) -> str | None:
        messages: list[Any] = [{"role": "user", "content": user}]
        for _ in range(12):
            asked = {"model": "gpt-4o", "messages": messages, "tools": list(self.offered)}
            try:
                said = httpx.post(f"{self.mock.base_url}/chat/completions", json=asked).json()
            except httpx.TransportError:
                continue
            if "choices" not in said:
                continue
            (choice,) = said["choices"]
            if choice["finish_reason"] == "length":
                raise RuntimeError("the answer is too long")
            messages.append(choice["message"])
            for call in choice["message"].get("tool_calls", ()):
                tool, given = self.tools[call["function"]["name"]], call["function"]["arguments"]
                result = tool(**json.loads(given))
                messages.append({"role": "tool", "tool_call_id": call["id"], "content": result})
            if messages[-1]["role"] == "assistant":
                return str(messages[-1]["content"])
        raise RuntimeError("the model is down")


class Remembering(AgentMachine):
    """A loop on the Responses API, which keeps the conversation, with tools of its own."""

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
        self.said: list[Any] = []

    def answer(self, user: str) -> str | None:
        self.said.append({"role": "user", "content": user})
        while True:
            tools: Any = self.offered
            made = self.client.responses.create(model="gpt-4o", input=self.said, tools=tools)
            if made.status != "completed":
                raise RuntimeError("incomplete")
            self.said += [item.model_dump(exclude_none=True) for item in made.output]
            calls = [item for item in made.output if item.type == "function_call"]
            for call in calls:
                result = self.tools[call.name](**json.loads(call.arguments))
                output = {"type": "function_call_output", "call_id": call.call_id}
                self.said.append(output | {"output": result})
            if not calls:
                return made.output_text


@pytest.mark.hypothesis
@pytest.mark.parametrize("loop", [Plain, Remembering])
def test_other_right_loops_pass(loop: type[AgentMachine]) -> None:
    run_state_machine_as_test(loop, settings=settings(SEARCH, max_examples=examples(25)))


# Seeds by which a search of seconds takes a fraction of one.
SEEDS = {"takes a broken stream for whole": 4, "runs the first call only": 7}


def machine(bug: str) -> type[Loop]:
    """The loop with a bug."""
    return type("Loop", (Loop,), {"bug": bug})


@pytest.mark.hypothesis
def test_a_right_loop_passes() -> None:
    run_state_machine_as_test(machine(""), settings=settings(SEARCH, max_examples=examples(200)))


@pytest.mark.parametrize(
    ("bug", "told"),
    [
        ("drops the text beside calls", "has lost what the assistant said"),
        ("forgets the model's own message", "has lost the call|has lost what the assistant said"),
        ("runs the first call only", "which was not run"),
        ("forgets results", "has lost what the tool said"),
        ("stops after a call", "was not told what it gave"),
        ("forgets the user", "has lost what the user said"),
        ("takes a broken stream for whole", "broke off|no call for that has come whole"),
        ("runs a tool twice", "no call for that has come whole"),
        ("tries for ever", "asked .* times, and asks again"),
    ],
)
def test_a_planted_bug_is_found(bug: str, told: str) -> None:
    loop, search = machine(bug), SEARCH
    if bug in SEEDS:
        loop, search = seed(SEEDS[bug])(loop), settings(SEARCH, derandomize=False)
    with pytest.raises(AssertionError, match=told):
        run_state_machine_as_test(loop, settings=search)
