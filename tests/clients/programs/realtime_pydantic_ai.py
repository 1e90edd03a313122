"""Pydantic-ai in a Realtime session: a question, a function call, and the answer."""

import asyncio

from pydantic_ai import Agent
from pydantic_ai.realtime.openai import OpenAIRealtimeModel

agent = Agent(instructions="Be brief.")


@agent.tool_plain
def get_weather(city: str) -> str:
    """Return the weather in a city."""
    print(f"get_weather({city})")
    return "sunny"


async def main() -> None:
    model = OpenAIRealtimeModel("gpt-realtime", settings={"output_modality": "text"})
    async with agent.realtime(model).session() as session:
        await session.send("Weather in Paris?")
        async for event in session:
            if type(event).__name__ == "PartDeltaEvent":
                print(event.delta.content_delta, end="")
            if type(event).__name__ == "RealtimeTurnCompleteEvent":
                break
    print()


asyncio.run(main())
