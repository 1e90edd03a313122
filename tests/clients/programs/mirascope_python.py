"""Mirascope: `llm.Model` on either endpoint."""

import sys
from contextlib import closing

from mirascope import llm
from pydantic import BaseModel
from scenarios import WEATHER, run

model = llm.Model({"chat": "openai/gpt-4o-mini:completions"}.get(sys.argv[1], "openai/gpt-4o-mini"))


class Reading(BaseModel):
    city: str
    celsius: int


def stream(prompt):
    with closing(model.stream(prompt).text_stream(sep="")) as pieces:
        yield from pieces


def tool(prompt):
    calls = []

    @llm.tool
    def get_weather(city: str) -> str:
        """The weather in a city."""
        calls.append({"name": "get_weather", "arguments": {"city": city}})
        return WEATHER

    response = model.stream(prompt, tools=[get_weather])
    response.finish()
    response = response.resume(response.execute_tools())
    return {"text": "".join(response.text_stream(sep="")), "calls": calls}


def usage(prompt):
    response = model.stream(prompt)
    response.finish()
    token_usage = response.usage
    return {
        "input": token_usage.input_tokens,
        "output": token_usage.output_tokens,
        "cached": token_usage.cache_read_tokens,
        "reasoning": token_usage.reasoning_tokens,
    }


def read_structured(prompt):
    response = model.stream(prompt, format=Reading)
    response.finish()
    return response.parse().model_dump()


run(stream, tool=tool, usage=usage, structured=read_structured)
