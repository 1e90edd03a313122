"""Openai-agents in a Realtime session: a question, a function call, and the answer."""

import asyncio
import os

from agents import function_tool
from agents.realtime import RealtimeAgent, RealtimeRunner


@function_tool
def get_weather(city: str) -> str:
    """Return the weather in a city."""
    print(f"get_weather({city})")
    return "sunny"


async def main() -> None:
    agent = RealtimeAgent(name="Guide", instructions="Be brief.", tools=[get_weather])
    settings = {"model_name": "gpt-realtime", "modalities": ["text"]}
    runner = RealtimeRunner(starting_agent=agent, config={"model_settings": settings})
    url = os.environ["OPENAI_BASE_URL"].replace("http", "ws", 1) + "/realtime?model=gpt-realtime"
    text, turns = "", 0
    async with await runner.run(model_config={"url": url}) as session:
        await session.send_message("Weather in Paris?")
        async for event in session:
            assert event.type != "error", event
            if event.type == "raw_model_event" and event.data.type == "output_text_delta":
                text += event.data.delta
            if event.type == "agent_end":
                turns += 1
                if turns == 2:
                    break
    print(text)


asyncio.run(main())
