"""LiteLLM's SDK: `completion`, and `responses`."""

import json
import sys

import litellm
from pydantic import BaseModel
from scenarios import WEATHER, run

MODEL = "openai/gpt-4o-mini"
PARAMETERS = {
    "type": "object",
    "properties": {"city": {"type": "string"}},
    "required": ["city"],
}
FUNCTION = {"name": "get_weather", "parameters": PARAMETERS}


class Reading(BaseModel):
    city: str
    celsius: int


def make_messages(prompt):
    return [{"role": "user", "content": prompt}]


def describe_call(call):
    return {"name": call.name, "arguments": json.loads(call.arguments)}


def text_of(response):
    messages = [item for item in response.output if item.type == "message"]
    return "".join(part.text for message in messages for part in message.content)


def chat():
    tools = [{"type": "function", "function": FUNCTION}]

    def complete(messages, **more):
        return litellm.completion(MODEL, messages, stream=True, **more)

    def stream(prompt):
        for chunk in complete(make_messages(prompt)):
            yield chunk.choices[0].delta.content

    def read_whole(messages, **more):
        chunks = list(complete(messages, **more))
        return litellm.stream_chunk_builder(chunks, messages=messages)

    def tool(prompt):
        messages = make_messages(prompt)
        first_answer = read_whole(messages, tools=tools).choices[0].message
        calls = [describe_call(call.function) for call in first_answer.tool_calls]
        messages.append(first_answer)
        for call in first_answer.tool_calls:
            messages.append({"role": "tool", "tool_call_id": call.id, "content": WEATHER})
        answer = read_whole(messages, tools=tools).choices[0].message
        return {"calls": calls, "text": answer.content}

    def usage(prompt):
        token_usage = read_whole(
            make_messages(prompt), stream_options={"include_usage": True}
        ).usage
        return {
            "input": token_usage.prompt_tokens,
            "output": token_usage.completion_tokens,
            "cached": token_usage.prompt_tokens_details.cached_tokens,
            "reasoning": token_usage.completion_tokens_details.reasoning_tokens,
        }

    def read_structured(prompt):
        completion = litellm.completion(MODEL, make_messages(prompt), response_format=Reading)
        return json.loads(completion.choices[0].message.content)

    run(stream, tool=tool, usage=usage, structured=read_structured)


def responses():
    tools = [{"type": "function"} | FUNCTION]

    def stream(prompt):
        for event in litellm.responses(prompt, MODEL, stream=True):
            if event.type == "response.output_text.delta":
                yield event.delta

    def read_whole(input_items, **more):
        *_, last = litellm.responses(input_items, MODEL, stream=True, **more)
        return last.response

    def tool(prompt):
        input_items = make_messages(prompt)
        first_answer = read_whole(input_items, tools=tools)
        calls = [item for item in first_answer.output if item.type == "function_call"]
        for call in calls:
            input_items += [
                {
                    "type": "function_call",
                    "call_id": call.call_id,
                    "name": call.name,
                    "arguments": call.arguments,
                },
                {"type": "function_call_output", "call_id": call.call_id, "output": WEATHER},
            ]
        answer = read_whole(input_items, tools=tools)
        return {"calls": [describe_call(call) for call in calls], "text": text_of(answer)}

    def usage(prompt):
        token_usage = read_whole(prompt).usage
        return {"input": token_usage.input_tokens, "output": token_usage.output_tokens}

    def read_structured(prompt):
        return json.loads(text_of(litellm.responses(prompt, MODEL, text_format=Reading)))

    run(stream, tool=tool, usage=usage, structured=read_structured)


{"chat": chat, "responses": responses}[sys.argv[1]]()
