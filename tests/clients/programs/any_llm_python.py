"""any-llm: `completion` and `responses`, through its OpenAI provider."""

import json
import sys

from any_llm import completion, responses
from pydantic import BaseModel
from scenarios import WEATHER, run

MODEL = "openai:gpt-4o-mini"


class Reading(BaseModel):
    city: str
    celsius: int


def make_messages(prompt):
    return [{"role": "user", "content": prompt}]


def get_weather(city: str) -> str:
    """The weather in a city."""
    return WEATHER


def chat():
    def complete(messages, **more):
        return completion(MODEL, messages, stream=True, **more)

    def stream(prompt):
        for chunk in complete(make_messages(prompt)):
            yield chunk.choices[0].delta.content

    def tool(prompt):
        tool_calls = {}
        for chunk in complete(make_messages(prompt), tools=[get_weather]):
            for part in chunk.choices[0].delta.tool_calls or ():
                call = tool_calls.setdefault(
                    part.index, {"id": part.id, "name": "", "arguments": ""}
                )
                call["name"] += part.function.name or ""
                call["arguments"] += part.function.arguments or ""
        messages = make_messages(prompt)
        for call in tool_calls.values():
            function = {"name": call["name"], "arguments": call["arguments"]}
            tool_call = {"id": call["id"], "type": "function", "function": function}
            messages.append({"role": "assistant", "content": None, "tool_calls": [tool_call]})
            result = get_weather(**json.loads(call["arguments"]))
            messages.append({"role": "tool", "tool_call_id": call["id"], "content": result})
        chunks = complete(messages, tools=[get_weather])
        text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks)
        calls = [
            {"name": call["name"], "arguments": json.loads(call["arguments"])}
            for call in tool_calls.values()
        ]
        return {"calls": calls, "text": text}

    def usage(prompt):
        *_, last = complete(make_messages(prompt), stream_options={"include_usage": True})
        return {
            "input": last.usage.prompt_tokens,
            "output": last.usage.completion_tokens,
            "cached": last.usage.prompt_tokens_details.cached_tokens,
            "reasoning": last.usage.completion_tokens_details.reasoning_tokens,
        }

    def read_structured(prompt):
        answer = completion(MODEL, make_messages(prompt), response_format=Reading)
        return json.loads(answer.choices[0].message.content)

    run(stream, tool=tool, usage=usage, structured=read_structured)


def by_responses():
    def stream(prompt):
        for event in responses(MODEL, prompt, stream=True):
            if event.type == "response.output_text.delta":
                yield event.delta

    def read_whole(input_items, **more):
        *_, last = responses(MODEL, input_items, stream=True, **more)
        return last.response

    def tool(prompt):
        input_items = make_messages(prompt)
        first_answer = read_whole(input_items, tools=[get_weather])
        calls = [item for item in first_answer.output if item.type == "function_call"]
        for call in calls:
            result = get_weather(**json.loads(call.arguments))
            input_items += [
                {
                    "type": "function_call",
                    "call_id": call.call_id,
                    "name": call.name,
                    "arguments": call.arguments,
                },
                {"type": "function_call_output", "call_id": call.call_id, "output": result},
            ]
        answer = read_whole(input_items, tools=[get_weather])
        call_list = [{"name": call.name, "arguments": json.loads(call.arguments)} for call in calls]
        return {"calls": call_list, "text": answer.output_text}

    def usage(prompt):
        token_usage = read_whole(prompt).usage
        return {"input": token_usage.input_tokens, "output": token_usage.output_tokens}

    def read_structured(prompt):
        answer = responses(MODEL, prompt, response_format=Reading)
        return json.loads(answer.output_text)

    run(stream, tool=tool, usage=usage, structured=read_structured)


{"chat": chat, "responses": by_responses}[sys.argv[1]]()
