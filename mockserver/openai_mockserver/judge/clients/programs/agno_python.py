"""Agno: a streamed run of an agent that stops after its first tools."""

import json
import sys

from agno.agent import (
    Agent,
    RunCompletedEvent,
    RunContentEvent,
    RunErrorEvent,
    ToolCallStartedEvent,
)
from agno.models.openai import OpenAIChat, OpenAIResponses
from agno.tools.function import Function
from consuming import ApiFailure, get_prompt, list_functions, run

Model = {"chat": OpenAIChat, "responses": OpenAIResponses}[sys.argv[1]]


def make_tool(function):
    return Function(
        name=function["name"],
        description=function["description"],
        parameters=function["parameters"],
        entrypoint=lambda **arguments: "done",
        skip_entrypoint_processing=True,
        stop_after_tool_call=True,
    )


def consume(task, outcome):
    request = task["request"]
    model = Model(
        id=request["model"],
        base_url=task["base_url"],
        api_key=task["api_key"],
        timeout=task["timeout"],
    )
    tools = [make_tool(function) for function in list_functions(request)]
    agent = Agent(model=model, telemetry=False, tools=tools)
    outcome |= {"text": "", "reasoning": "", "tool_calls": []}
    for event in agent.run(get_prompt(request), stream=True, stream_events=True):
        if isinstance(event, RunContentEvent):
            outcome["text"] += event.content or ""
            outcome["reasoning"] += event.reasoning_content or ""
        elif isinstance(event, ToolCallStartedEvent):
            call = event.tool
            outcome["tool_calls"].append(
                {
                    "name": call.tool_name,
                    "arguments": json.dumps(call.tool_args),
                    "id": call.tool_call_id,
                }
            )
        elif isinstance(event, RunErrorEvent):
            raise ApiFailure(event.content)
        elif isinstance(event, RunCompletedEvent) and event.metrics:
            outcome["usage"] = {
                "prompt_tokens": event.metrics.input_tokens,
                "completion_tokens": event.metrics.output_tokens,
            }
    if outcome["tool_calls"]:
        del outcome["text"]  # has the results of the tools, too


run(consume)
