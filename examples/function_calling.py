"""Assemble streamed tool calls, run them, and stream the answer to their results."""

import json

from openai import OpenAI
from openai.types.chat import (
    ChatCompletionFunctionToolParam,
    ChatCompletionMessageFunctionToolCallParam,
    ChatCompletionMessageParam,
)

GET_WEATHER: ChatCompletionFunctionToolParam = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "The weather in a city now.",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}},
            "required": ["city"],
        },
    },
}


def get_weather(city: str) -> str:
    return f"sunny, 21 degrees in {city}"


TOOLS = {"get_weather": get_weather}


def stream_turn(
    client: OpenAI, messages: list[ChatCompletionMessageParam]
) -> list[ChatCompletionMessageFunctionToolCallParam]:
    """Print the text of one turn as it arrives; return the tool calls that it requests."""
    calls: dict[int, ChatCompletionMessageFunctionToolCallParam] = {}
    stream = client.chat.completions.create(
        model="gpt-4o-mini", messages=messages, tools=[GET_WEATHER], stream=True
    )
    for chunk in stream:
        choice = chunk.choices[0]
        print(choice.delta.content or "", end="", flush=True)
        for fragment in choice.delta.tool_calls or []:
            if fragment.id:  # the first fragment of a call; the others only add arguments
                calls[fragment.index] = {
                    "id": fragment.id,
                    "type": "function",
                    "function": {"name": "", "arguments": ""},
                }
            function = calls[fragment.index]["function"]
            if fragment.function:
                function["name"] += fragment.function.name or ""
                function["arguments"] += fragment.function.arguments or ""
        if choice.finish_reason == "length":
            return []  # the arguments may be incomplete
    return list(calls.values())


def main() -> None:
    client = OpenAI()
    messages: list[ChatCompletionMessageParam] = [
        {"role": "user", "content": "What is the weather in Paris?"}
    ]
    while calls := stream_turn(client, messages):
        messages.append({"role": "assistant", "tool_calls": calls})
        for call in calls:
            name, arguments = call["function"]["name"], call["function"]["arguments"]
            print(f"{name}({arguments})")
            result = TOOLS[name](**json.loads(arguments))
            messages.append({"role": "tool", "tool_call_id": call["id"], "content": result})
    print()


if __name__ == "__main__":
    main()
