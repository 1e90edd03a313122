"""Stream a response with the Responses API, run the tools it calls, and continue from its id."""

import json

from openai import OpenAI
from openai.types.responses import (
    FunctionToolParam,
    ResponseFunctionToolCall,
    ResponseInputParam,
)
from openai.types.responses.response_input_item_param import FunctionCallOutput

GET_WEATHER: FunctionToolParam = {
    "type": "function",
    "name": "get_weather",
    "description": "The weather in a city now.",
    "parameters": {
        "type": "object",
        "properties": {"city": {"type": "string"}},
        "required": ["city"],
        "additionalProperties": False,
    },
    "strict": True,
}


def get_weather(city: str) -> str:
    return f"sunny, 21 degrees in {city}"


TOOLS = {"get_weather": get_weather}


def run_tool(call: ResponseFunctionToolCall) -> FunctionCallOutput:
    """Run a tool; return its output as an input item of the next request."""
    print(f"{call.name}({call.arguments})")
    result = TOOLS[call.name](**json.loads(call.arguments))
    return {"type": "function_call_output", "call_id": call.call_id, "output": result}


def main() -> None:
    client = OpenAI()
    items: ResponseInputParam = [{"role": "user", "content": "What is the weather in Paris?"}]
    previous: str | None = None
    while items:
        stream = client.responses.create(
            model="gpt-4o-mini",
            input=items,
            tools=[GET_WEATHER],
            previous_response_id=previous,
            stream=True,
        )
        items = []
        for event in stream:
            if event.type == "response.output_text.delta":
                print(event.delta, end="", flush=True)
            elif (
                event.type == "response.completed"
            ):  # an incomplete response may have truncated arguments
                previous = event.response.id
                items = [
                    run_tool(item) for item in event.response.output if item.type == "function_call"
                ]
    print()


if __name__ == "__main__":
    main()
