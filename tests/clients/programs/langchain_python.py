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


def read_whole(model, messages):
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
    first_answer = read_whole(model, messages)
    results = [get_weather.invoke(call) for call in first_answer.tool_calls]
    answer = read_whole(model, [*messages, first_answer, *results])
    return {"calls": calls, "text": answer.text}


def usage(prompt):
    token_usage = read_whole(llm, prompt).usage_metadata
    return {
        "input": token_usage["input_tokens"],
        "output": token_usage["output_tokens"],
        "cached": token_usage["input_token_details"]["cache_read"],
        "reasoning": token_usage["output_token_details"]["reasoning"],
    }


def read_structured(prompt):
    return llm.with_structured_output(Reading).invoke(prompt).model_dump()


run(stream, tool=tool, usage=usage, structured=read_structured)
