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


def said(prompt):
    return [{"role": "user", "content": prompt}]


def shown(call):
    return {"name": call.name, "arguments": json.loads(call.arguments)}


def text_of(response):
    messages = [item for item in response.output if item.type == "message"]
    return "".join(part.text for message in messages for part in message.content)


def chat():
    tools = [{"type": "function", "function": FUNCTION}]

    def complete(messages, **more):
        return litellm.completion(MODEL, messages, stream=True, **more)

    def stream(prompt):
        for chunk in complete(said(prompt)):
            yield chunk.choices[0].delta.content

    def whole(messages, **more):
        chunks = list(complete(messages, **more))
        return litellm.stream_chunk_builder(chunks, messages=messages)

    def tool(prompt):
        messages = said(prompt)
        asked = whole(messages, tools=tools).choices[0].message
        calls = [shown(call.function) for call in asked.tool_calls]
        messages.append(asked)
        for call in asked.tool_calls:
            messages.append({"role": "tool", "tool_call_id": call.id, "content": WEATHER})
        answer = whole(messages, tools=tools).choices[0].message
        return {"calls": calls, "text": answer.content}

    def usage(prompt):
        used = whole(said(prompt), stream_options={"include_usage": True}).usage
        return {
            "input": used.prompt_tokens,
            "output": used.completion_tokens,
            "cached": used.prompt_tokens_details.cached_tokens,
            "reasoning": used.completion_tokens_details.reasoning_tokens,
        }

    def structured(prompt):
        completion = litellm.completion(MODEL, said(prompt), response_format=Reading)
        return json.loads(completion.choices[0].message.content)

    run(stream, tool=tool, usage=usage, structured=structured)


def responses():
    tools = [{"type": "function"} | FUNCTION]

    def stream(prompt):
        for event in litellm.responses(prompt, MODEL, stream=True):
            if event.type == "response.output_text.delta":
                yield event.delta

    def whole(given, **more):
        *_, last = litellm.responses(given, MODEL, stream=True, **more)
        return last.response

    def tool(prompt):
        given = said(prompt)
        asked = whole(given, tools=tools)
        calls = [item for item in asked.output if item.type == "function_call"]
        for call in calls:
            given += [
                {
                    "type": "function_call",
                    "call_id": call.call_id,
                    "name": call.name,
                    "arguments": call.arguments,
                },
                {"type": "function_call_output", "call_id": call.call_id, "output": WEATHER},
            ]
        answer = whole(given, tools=tools)
        return {"calls": [shown(call) for call in calls], "text": text_of(answer)}

    def usage(prompt):
        used = whole(prompt).usage
        return {"input": used.input_tokens, "output": used.output_tokens}

    def structured(prompt):
        return json.loads(text_of(litellm.responses(prompt, MODEL, text_format=Reading)))

    run(stream, tool=tool, usage=usage, structured=structured)


{"chat": chat, "responses": responses}[sys.argv[1]]()
