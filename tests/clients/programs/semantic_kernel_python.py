"""Semantic Kernel: its chat completion service, with a plugin for the tool."""

from contextlib import aclosing

from pydantic import BaseModel
from scenarios import WEATHER, run
from semantic_kernel import Kernel
from semantic_kernel.connectors.ai import FunctionChoiceBehavior
from semantic_kernel.connectors.ai.open_ai import (
    OpenAIChatCompletion,
    OpenAIChatPromptExecutionSettings,
)
from semantic_kernel.contents import ChatHistory
from semantic_kernel.functions import kernel_function

service = OpenAIChatCompletion(ai_model_id="gpt-4o-mini")


class Reading(BaseModel):
    city: str
    celsius: int


def make_messages(prompt):
    history = ChatHistory()
    history.add_user_message(prompt)
    return history


async def messages(prompt, kernel=None, **more):
    settings = OpenAIChatPromptExecutionSettings(**more)
    message_stream = service.get_streaming_chat_message_contents(
        make_messages(prompt), settings, kernel=kernel
    )
    async with aclosing(message_stream):
        async for several in message_stream:
            for message in several:
                yield message


async def stream(prompt):
    async with aclosing(messages(prompt)) as message_stream:
        async for message in message_stream:
            yield message.content


async def tool(prompt):
    calls = []

    class Forecast:
        @kernel_function(name="get_weather")
        def get_weather(self, city: str) -> str:
            """The weather in a city."""
            calls.append({"name": "get_weather", "arguments": {"city": city}})
            return WEATHER

    kernel = Kernel()
    kernel.add_plugin(Forecast(), "forecast")
    function_choice = FunctionChoiceBehavior.Auto()
    message_stream = messages(prompt, kernel, function_choice_behavior=function_choice)
    return {"text": "".join([m.content async for m in message_stream]), "calls": calls}


async def usage(prompt):
    token_usage = [m.metadata["usage"] async for m in messages(prompt) if m.metadata.get("usage")][
        -1
    ]
    return {"input": token_usage.prompt_tokens, "output": token_usage.completion_tokens}


async def read_structured(prompt):
    settings = OpenAIChatPromptExecutionSettings(response_format=Reading)
    answer = await service.get_chat_message_content(make_messages(prompt), settings)
    return Reading.model_validate_json(answer.content).model_dump()


run(stream, tool=tool, usage=usage, structured=read_structured)
