"""AutoGen: its OpenAI model client, and an assistant for the tool."""

from autogen_agentchat.agents import AssistantAgent
from autogen_agentchat.messages import ModelClientStreamingChunkEvent
from autogen_core.models import UserMessage
from autogen_ext.models.openai import OpenAIChatCompletionClient
from pydantic import BaseModel
from scenarios import WEATHER, run

client = OpenAIChatCompletionClient(model="gpt-4o-mini")


class Reading(BaseModel):
    city: str
    celsius: int


def make_messages(prompt):
    return [UserMessage(content=prompt, source="user")]


async def stream(prompt):
    pieces = client.create_stream(make_messages(prompt))
    try:
        async for piece in pieces:
            if isinstance(piece, str):
                yield piece
    finally:
        await pieces.aclose()


async def tool(prompt):
    calls = []

    async def get_weather(city: str) -> str:
        """The weather in a city."""
        calls.append({"name": "get_weather", "arguments": {"city": city}})
        return WEATHER

    agent = AssistantAgent(
        "assistant",
        client,
        tools=[get_weather],
        reflect_on_tool_use=True,
        model_client_stream=True,
    )
    text = ""
    async for message in agent.run_stream(task=prompt):
        if isinstance(message, ModelClientStreamingChunkEvent):
            text += message.content
    return {"calls": calls, "text": text}


async def usage(prompt):
    *_, last = [
        part async for part in client.create_stream(make_messages(prompt), include_usage=True)
    ]
    return {"input": last.usage.prompt_tokens, "output": last.usage.completion_tokens}


async def read_structured(prompt):
    answer = await client.create(make_messages(prompt), json_output=Reading)
    return Reading.model_validate_json(answer.content).model_dump()


run(stream, tool=tool, usage=usage, structured=read_structured)
