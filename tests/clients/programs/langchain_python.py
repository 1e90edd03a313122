"""LangChain for Python: `ChatOpenAI` on either endpoint."""

import sys

from langchain_core.messages import HumanMessage
from langchain_core.tools import tool as make_tool
from langchain_openai import ChatOpenAI
from pydantic import BaseModel
from scenarios import WEATHER, run

# Against OpenAI's own address it asks for usage by itself.
llm = ChatOpenAI(
    model="gpt-4o-mini", use_responses_api=sys.argv[1] == "responses", stream_usage=True
)


class Reading(BaseModel):
    city: str
    celsius: int


def stream(prompt):
    for chunk in llm.stream(prompt):
        yield chunk.text


def whole(model, messages):
    """A streamed message, its chunks added up."""
    first, *more = model.stream(messages)
    return sum(more, first)


def tool(prompt):
    calls = []

    @make_tool
    def get_weather(city: str) -> str:
        """The weather in a city."""
        calls.append({"name": "get_weather", "arguments": {"city": city}})
        return WEATHER

    model = llm.bind_tools([get_weather])
    messages = [HumanMessage(prompt)]
    asked = whole(model, messages)
    results = [get_weather.invoke(call) for call in asked.tool_calls]
    answer = whole(model, [*messages, asked, *results])
    return {"calls": calls, "text": answer.text}


def usage(prompt):
    used = whole(llm, prompt).usage_metadata
    return {
        "input": used["input_tokens"],
        "output": used["output_tokens"],
        "cached": used["input_token_details"]["cache_read"],
        "reasoning": used["output_token_details"]["reasoning"],
    }


def structured(prompt):
    return llm.with_structured_output(Reading).invoke(prompt).model_dump()


run(stream, tool=tool, usage=usage, structured=structured)
