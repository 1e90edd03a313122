"""The state machine for agent loops: a right loop passes, and each planted bug is found."""

from __future__ import annotations

import json
from typing import Any, ClassVar

import openai
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from mockserver.strategies.agent import AgentMachine

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
            if not self._queue:
                raise RuntimeError("the test ends here")

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


def machine(bug: str) -> type[Loop]:
    """The loop with a bug."""
    return type("Loop", (Loop,), {"bug": bug})


def test_a_right_loop_passes() -> None:
    run_state_machine_as_test(machine(""), settings=settings(SEARCH, max_examples=200))


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
    ],
)
def test_a_planted_bug_is_found(bug: str, told: str) -> None:
    with pytest.raises(AssertionError, match=told):
        run_state_machine_as_test(machine(bug), settings=SEARCH)
