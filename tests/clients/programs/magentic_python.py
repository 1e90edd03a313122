"""Magentic: functions whose bodies are prompts."""

from magentic import (
    Chat,
    FunctionCall,
    OpenaiChatModel,
    StreamedStr,
    UserMessage,
    prompt,
)
from pydantic import BaseModel
from scenarios import WEATHER, run

model = OpenaiChatModel("gpt-4o-mini")


class Reading(BaseModel):
    city: str
    celsius: int


@prompt("{question}", model=model)
def stream_answer(question: str) -> StreamedStr: ...


@prompt("{question}", model=model)
def read(question: str) -> Reading: ...


def stream(prompt):
    yield from stream_answer(prompt)


def tool(prompt):
    calls = []

    def get_weather(city: str) -> str:
        """The weather in a city."""
        calls.append({"name": "get_weather", "arguments": {"city": city}})
        return WEATHER

    chat = Chat(
        [UserMessage(prompt)],
        functions=[get_weather],
        output_types=[StreamedStr, FunctionCall],
        model=model,
    )
    chat = chat.submit().exec_function_call().submit()
    return {"text": str(chat.last_message.content), "calls": calls}


def usage(prompt):
    chat = Chat([UserMessage(prompt)], output_types=[StreamedStr], model=model)
    message = chat.submit().last_message
    str(message.content)
    return {"input": message.usage.input_tokens, "output": message.usage.output_tokens}


def read_structured(prompt):
    return read(prompt).model_dump()


run(stream, tool=tool, usage=usage, structured=read_structured)
