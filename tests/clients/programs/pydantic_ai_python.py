"""Pydantic AI: an agent over either endpoint's model."""

import sys

from pydantic import BaseModel
from pydantic_ai import Agent, NativeOutput
from scenarios import WEATHER, run

agent = Agent(f"openai-{sys.argv[1]}:gpt-4o-mini")


class Reading(BaseModel):
    city: str
    celsius: int


async def stream(prompt):
    async with agent.run_stream(prompt) as result:
        async for piece in result.stream_text(delta=True, debounce_by=None):
            yield piece


async def tool(prompt):
    calls = []
    forecaster = Agent(agent.model)

    @forecaster.tool_plain
    def get_weather(city: str) -> str:
        """The weather in a city."""
        calls.append({"name": "get_weather", "arguments": {"city": city}})
        return WEATHER

    async with forecaster.run_stream(prompt) as result:
        return {"text": await result.get_output(), "calls": calls}


async def usage(prompt):
    async with agent.run_stream(prompt) as result:
        await result.get_output()
        token_usage = result.usage
    return {
        "input": token_usage.input_tokens,
        "output": token_usage.output_tokens,
        "cached": token_usage.cache_read_tokens,
        "reasoning": token_usage.details["reasoning_tokens"],
    }


async def read_structured(prompt):
    async with agent.run_stream(prompt, output_type=NativeOutput(Reading)) as result:
        return (await result.get_output()).model_dump()


run(stream, tool=tool, usage=usage, structured=read_structured)
