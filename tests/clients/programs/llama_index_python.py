"""LlamaIndex: its `OpenAI` and `OpenAILike` models, and `OpenAIResponses`."""

import os
import sys

from llama_index.core.llms import ChatMessage
from llama_index.core.tools import FunctionTool
from llama_index.llms.openai import OpenAI, OpenAIResponses
from llama_index.llms.openai_like import OpenAILike
from pydantic import BaseModel
from scenarios import WEATHER, run

MODEL = "gpt-4o-mini"
BASE = os.environ["OPENAI_BASE_URL"]
KEY = os.environ["OPENAI_API_KEY"]
OPTIONS = {"stream_options": {"include_usage": True}}
llm = {
    "chat": lambda: OpenAI(MODEL, api_base=BASE, additional_kwargs=OPTIONS),
    "openai-like": lambda: OpenAILike(
        MODEL,
        api_base=BASE,
        api_key=KEY,
        is_chat_model=True,
        is_function_calling_model=True,
        should_use_structured_outputs=True,
        additional_kwargs=OPTIONS,
    ),
    "responses": lambda: OpenAIResponses(MODEL, api_base=BASE),
}[sys.argv[1]]()


class Reading(BaseModel):
    city: str
    celsius: int


def make_messages(prompt):
    return [ChatMessage(role="user", content=prompt)]


def stream(prompt):
    for response in llm.stream_chat(make_messages(prompt)):
        yield response.delta


def tool(prompt):
    calls = []

    def get_weather(city: str) -> str:
        """The weather in a city."""
        calls.append({"name": "get_weather", "arguments": {"city": city}})
        return WEATHER

    tools = [FunctionTool.from_defaults(get_weather)]
    history = make_messages(prompt)
    *_, first_answer = llm.stream_chat_with_tools(tools, chat_history=history)
    history.append(first_answer.message)
    for call in llm.get_tool_calls_from_response(first_answer):
        result = tools[0](**call.tool_kwargs)
        more = {"tool_call_id": call.tool_id}
        history.append(ChatMessage(role="tool", content=result.content, additional_kwargs=more))
    *_, answer = llm.stream_chat_with_tools(tools, chat_history=history)
    return {"calls": calls, "text": answer.message.content}


def usage(prompt):
    *_, last = llm.stream_chat(make_messages(prompt))
    token_usage = getattr(last.raw, "usage", None) or last.raw.response.usage
    if sys.argv[1] == "responses":
        return {"input": token_usage.input_tokens, "output": token_usage.output_tokens}
    return {"input": token_usage.prompt_tokens, "output": token_usage.completion_tokens}


def read_structured(prompt):
    return llm.as_structured_llm(Reading).complete(prompt).raw.model_dump()


run(stream, tool=tool, usage=usage, structured=read_structured)
