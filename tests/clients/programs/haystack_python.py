"""Haystack: its chat generators, and an agent for the tool."""

import sys
from queue import SimpleQueue
from threading import Event, Thread

from haystack.components.agents import Agent
from haystack.components.generators.chat import (
    OpenAIChatGenerator,
    OpenAIResponsesChatGenerator,
)
from haystack.dataclasses import ChatMessage
from haystack.tools import tool as make_tool
from pydantic import BaseModel
from scenarios import WEATHER, run

Generator = {"chat": OpenAIChatGenerator, "responses": OpenAIResponsesChatGenerator}[sys.argv[1]]
generator = Generator(model="gpt-4o-mini")


class Reading(BaseModel):
    city: str
    celsius: int


class ClientLeft(Exception):
    """Raised in the callback: nothing else ends a stream."""


def make_messages(prompt):
    return [ChatMessage.from_user(prompt)]


def stream(prompt):
    """The pieces that a callback gets in another thread."""
    pieces, leave_event = SimpleQueue(), Event()

    def put_piece(chunk):
        if leave_event.is_set():
            raise ClientLeft
        pieces.put(chunk.content)

    def generate():
        try:
            generator.run(make_messages(prompt), streaming_callback=put_piece)
        except Exception as error:
            pieces.put(error)
        else:
            pieces.put(None)

    thread = Thread(target=generate)
    thread.start()
    try:
        while (piece := pieces.get()) is not None:
            if isinstance(piece, Exception):
                raise piece
            yield piece
    finally:
        leave_event.set()
        thread.join()


def tool(prompt):
    calls = []

    @make_tool
    def get_weather(city: str) -> str:
        """The weather in a city."""
        calls.append({"name": "get_weather", "arguments": {"city": city}})
        return WEATHER

    agent = Agent(
        chat_generator=generator, tools=[get_weather], streaming_callback=lambda chunk: None
    )
    return {"text": agent.run(messages=make_messages(prompt))["last_message"].text, "calls": calls}


def usage(prompt):
    options = {"stream_options": {"include_usage": True}} if sys.argv[1] == "chat" else None
    answer = generator.run(
        make_messages(prompt), streaming_callback=lambda chunk: None, generation_kwargs=options
    )
    token_usage = answer["replies"][0].meta["usage"]
    if sys.argv[1] == "responses":
        return {"input": token_usage["input_tokens"], "output": token_usage["output_tokens"]}
    return {
        "input": token_usage["prompt_tokens"],
        "output": token_usage["completion_tokens"],
        "cached": token_usage["prompt_tokens_details"]["cached_tokens"],
        "reasoning": token_usage["completion_tokens_details"]["reasoning_tokens"],
    }


def read_structured(prompt):
    generation_options = {"response_format" if sys.argv[1] == "chat" else "text_format": Reading}
    answer = generator.run(make_messages(prompt), generation_kwargs=generation_options)
    return Reading.model_validate_json(answer["replies"][0].text).model_dump()


run(stream, tool=tool, usage=usage, structured=read_structured)
