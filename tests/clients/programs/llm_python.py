"""LLM, Simon Willison's: a model's prompts, streamed, and a chain for the tool."""

import json
import os

import llm
from pydantic import BaseModel
from scenarios import WEATHER, run

model = llm.get_model("gpt-4o-mini")
model.key = os.environ["OPENAI_API_KEY"]


class Reading(BaseModel):
    city: str
    celsius: int


def stream(prompt):
    yield from model.prompt(prompt)


def tool(prompt):
    calls = []

    def get_weather(city: str) -> str:
        """The weather in a city."""
        calls.append({"name": "get_weather", "arguments": {"city": city}})
        return WEATHER

    return {"text": "".join(model.chain(prompt, tools=[get_weather])), "calls": calls}


def usage(prompt):
    token_usage = model.prompt(prompt).usage()
    return {
        "input": token_usage.input,
        "output": token_usage.output,
        "cached": token_usage.details["prompt_tokens_details"]["cached_tokens"],
        "reasoning": token_usage.details["completion_tokens_details"]["reasoning_tokens"],
    }


def read_structured(prompt):
    return json.loads(model.prompt(prompt, schema=Reading).text())


run(stream, tool=tool, usage=usage, structured=read_structured)
