"""aisuite: its `Client`, through the OpenAI provider."""

import json

import aisuite
from scenarios import WEATHER, run

MODEL = "openai:gpt-4o-mini"
create = aisuite.Client().chat.completions.create


def get_weather(city: str) -> str:
    """The weather in a city."""
    return WEATHER


def make_messages(prompt):
    return [{"role": "user", "content": prompt}]


def stream(prompt):
    for chunk in create(MODEL, make_messages(prompt), stream=True):
        yield chunk.choices[0].delta.content


def tool(prompt):
    """The tool loop is aisuite's own, which does not stream."""
    calls = []

    def get_weather(city: str) -> str:
        """The weather in a city."""
        calls.append({"name": "get_weather", "arguments": {"city": city}})
        return WEATHER

    answer = create(MODEL, make_messages(prompt), tools=[get_weather], max_turns=2)
    return {"calls": calls, "text": answer.choices[0].message.content}


def usage(prompt):
    *_, last = create(
        MODEL, make_messages(prompt), stream=True, stream_options={"include_usage": True}
    )
    return {"input": last.usage.prompt_tokens, "output": last.usage.completion_tokens}


def read_structured(prompt):
    schema = {
        "type": "object",
        "properties": {"city": {"type": "string"}, "celsius": {"type": "integer"}},
        "required": ["city", "celsius"],
        "additionalProperties": False,
    }
    response_format = {"type": "json_schema", "json_schema": {"name": "Reading", "schema": schema}}
    answer = create(MODEL, make_messages(prompt), response_format=response_format)
    return json.loads(answer.choices[0].message.content)


run(stream, tool=tool, usage=usage, structured=read_structured)
