"""Talk to a voice agent: speak, let it call a tool, and play what it answers."""

import asyncio
import base64
import json
import math
from array import array
from typing import Any

from openai import AsyncOpenAI
from openai.types.realtime import ConversationItemParam, RealtimeSessionCreateRequestParam

RATE = 24_000  # samples per second
SESSION: RealtimeSessionCreateRequestParam = {
    "type": "realtime",
    "instructions": "Answer briefly.",
    "audio": {"input": {"transcription": {"model": "whisper-1"}}},
    "tools": [
        {
            "type": "function",
            "name": "get_weather",
            "description": "Look up the weather in a city.",
            "parameters": {
                "type": "object",
                "properties": {"city": {"type": "string"}},
                "required": ["city"],
            },
        }
    ],
}


def get_weather(city: str) -> str:
    return f"sunny in {city}"


def listen() -> bytes:
    """Return what a microphone would: a second of sound, then silence."""
    sound = (round(9000 * math.sin(2 * math.pi * 300 * n / RATE)) for n in range(RATE))
    return array("h", sound).tobytes() + bytes(RATE)


async def converse(client: AsyncOpenAI) -> bytes:
    """Ask by voice, and return the spoken answer."""
    answer = b""
    async with client.realtime.connect(model="gpt-realtime") as connection:
        await connection.session.update(session=SESSION)
        microphone = listen()
        for start in range(0, len(microphone), RATE // 5):
            piece = base64.b64encode(microphone[start : start + RATE // 5]).decode()
            await connection.input_audio_buffer.append(audio=piece)
        async for event in connection:
            if event.type == "input_audio_buffer.speech_stopped":
                print(f"user has spoken until {event.audio_end_ms} ms")
            elif event.type == "conversation.item.input_audio_transcription.completed":
                print(f"user: {event.transcript}")
            elif event.type == "response.output_audio.delta":
                answer += base64.b64decode(event.delta)
            elif event.type == "response.output_audio_transcript.done":
                print(f"agent: {event.transcript}")
            elif event.type == "error":
                raise SystemExit(event.error.message)
            elif event.type == "response.done":
                outputs = [run_tool(item) for item in event.response.output or ()]
                results = [output for output in outputs if output is not None]
                if not results:
                    break
                for result in results:
                    await connection.conversation.item.create(item=result)
                await connection.response.create()
    return answer


def run_tool(item: Any) -> ConversationItemParam | None:
    """Return the output of a function call; None for an item that is none."""
    if item.type != "function_call":
        return None
    output = get_weather(**json.loads(item.arguments))
    print(f"{item.name}: {output}")
    return {"type": "function_call_output", "call_id": item.call_id, "output": output}


async def main() -> None:
    async with AsyncOpenAI() as client:
        answer = await converse(client)
    print(f"{len(answer) / (2 * RATE):.1f} seconds of sound")


if __name__ == "__main__":
    asyncio.run(main())
