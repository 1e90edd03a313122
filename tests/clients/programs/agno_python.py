"""Agno: an agent over either endpoint's model."""

import sys

from agno.agent import Agent, RunContentEvent, RunErrorEvent
from agno.models.openai import OpenAIChat, OpenAIResponses
from pydantic import BaseModel
from scenarios import WEATHER, run

Model = {"chat": OpenAIChat, "responses": OpenAIResponses}[sys.argv[1]]


class Reading(BaseModel):
    city: str
    celsius: int


class RunError(Exception):
    """Agno itself tells of an error by an event."""


def agent(**more):
    return Agent(model=Model(id="gpt-4o-mini"), telemetry=False, **more)


assistant = agent()


def pieces(agent, prompt):
    for event in agent.run(prompt, stream=True):
        if isinstance(event, RunContentEvent) and event.content:
            yield event.content
        if isinstance(event, RunErrorEvent):
            raise RunError(event.content)


def stream(prompt):
    yield from pieces(assistant, prompt)


def tool(prompt):
    calls = []

    def get_weather(city: str) -> str:
        """The weather in a city."""
        calls.append({"name": "get_weather", "arguments": {"city": city}})
        return WEATHER

    return {"text": "".join(pieces(agent(tools=[get_weather]), prompt)), "calls": calls}


def usage(prompt):
    *_, last = assistant.run(prompt, stream=True, yield_run_output=True)
    token_usage = last.metrics
    return {
        "input": token_usage.input_tokens,
        "output": token_usage.output_tokens,
        "cached": token_usage.cache_read_tokens,
        "reasoning": token_usage.reasoning_tokens,
    }


def read_structured(prompt):
    return agent(output_schema=Reading).run(prompt).content.model_dump()


run(stream, tool=tool, usage=usage, structured=read_structured)
