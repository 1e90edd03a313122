"""OpenAI's Agents SDK for Python: a streamed run that stops at its first tools."""

import sys

from agents import (
    Agent,
    FunctionTool,
    ModelRefusalError,
    ModelSettings,
    OpenAIChatCompletionsModel,
    OpenAIResponsesModel,
    Runner,
    set_tracing_disabled,
)
from consuming import ResponseReader, get_prompt, list_functions, run
from openai import AsyncOpenAI

set_tracing_disabled(True)
Model = {"chat": OpenAIChatCompletionsModel, "responses": OpenAIResponsesModel}[sys.argv[1]]


def make_tool(function, outcome):
    async def invoke(context, arguments):
        outcome["parsed"].append(arguments)
        return "done"

    return FunctionTool(
        name=function["name"],
        description=function["description"],
        params_json_schema=function["parameters"],
        on_invoke_tool=invoke,
        strict_json_schema=False,
    )


async def consume(task, outcome):
    request = task["request"]
    outcome["parsed"] = []
    async with AsyncOpenAI(
        base_url=task["base_url"], api_key=task["api_key"], timeout=task["timeout"]
    ) as client:
        agent = Agent(
            name="Assistant",
            model=Model(request["model"], client),
            model_settings=ModelSettings(include_usage=True),
            tools=[make_tool(one, outcome) for one in list_functions(request)],
            tool_use_behavior="stop_on_first_tool",
        )
        reader = ResponseReader(outcome)
        try:
            async for event in Runner.run_streamed(agent, get_prompt(request)).stream_events():
                if event.type == "raw_response_event":
                    reader.read(event.data)
        except ModelRefusalError:
            pass  # is how a refusal is reported
        finally:
            if sys.argv[1] == "chat":
                del outcome["finish_reason"]  # a response has none


run(consume)
