"""OpenAI's Agents SDK for Python, on either endpoint."""

import sys

from agents import (
    Agent,
    ModelSettings,
    Runner,
    function_tool,
    set_default_openai_api,
    set_tracing_disabled,
)
from pydantic import BaseModel
from scenarios import WEATHER, run

MODEL = "gpt-4o-mini"
set_tracing_disabled(True)
set_default_openai_api({"chat": "chat_completions", "responses": "responses"}[sys.argv[1]])
agent = Agent(name="Assistant", model=MODEL)


class Reading(BaseModel):
    city: str
    celsius: int


async def pieces(result):
    async for event in result.stream_events():
        if event.type == "raw_response_event" and event.data.type == "response.output_text.delta":
            yield event.data.delta


async def stream(prompt):
    result = Runner.run_streamed(agent, prompt)
    try:
        async for piece in pieces(result):
            yield piece
    finally:
        result.cancel()


async def tool(prompt):
    calls = []

    @function_tool
    def get_weather(city: str) -> str:
        """The weather in a city."""
        calls.append({"name": "get_weather", "arguments": {"city": city}})
        return WEATHER

    forecaster = Agent(name="Forecaster", model=MODEL, tools=[get_weather])
    text = "".join([piece async for piece in pieces(Runner.run_streamed(forecaster, prompt))])
    return {"calls": calls, "text": text}


async def usage(prompt):
    counter = Agent(name="Counter", model=MODEL, model_settings=ModelSettings(include_usage=True))
    result = Runner.run_streamed(counter, prompt)
    async for _ in result.stream_events():
        pass
    token_usage = result.context_wrapper.usage
    return {
        "input": token_usage.input_tokens,
        "output": token_usage.output_tokens,
        "cached": token_usage.input_tokens_details.cached_tokens,
        "reasoning": token_usage.output_tokens_details.reasoning_tokens,
    }


async def read_structured(prompt):
    reader = Agent(name="Reader", model=MODEL, output_type=Reading)
    result = Runner.run_streamed(reader, prompt)
    async for _ in result.stream_events():
        pass
    return result.final_output.model_dump()


run(stream, tool=tool, usage=usage, structured=read_structured)
