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
    used = last.metrics
    return {
        "input": used.input_tokens,
        "output": used.output_tokens,
        "cached": used.cache_read_tokens,
        "reasoning": used.reasoning_tokens,
    }


def structured(prompt):
    return agent(output_schema=Reading).run(prompt).content.model_dump()


run(stream, tool=tool, usage=usage, structured=structured)
