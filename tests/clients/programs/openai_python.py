"""OpenAI's own SDK for Python: sync, async, and its helpers `stream()` and `parse()`."""

import json
import sys

from openai import AsyncOpenAI, OpenAI
from pydantic import BaseModel
from scenarios import WEATHER, run

MODEL = "gpt-4o-mini"
PARAMETERS = {
    "type": "object",
    "properties": {"city": {"type": "string"}},
    "required": ["city"],
    "additionalProperties": False,
}
FUNCTION = {"name": "get_weather", "parameters": PARAMETERS, "strict": True}
TOOLS = [{"type": "function", "function": FUNCTION}]
USAGE = {"include_usage": True}


class Reading(BaseModel):
    city: str
    celsius: int


def make_messages(prompt):
    return [{"role": "user", "content": prompt}]


def count_usage(usage):
    return {
        "input": usage.prompt_tokens,
        "output": usage.completion_tokens,
        "cached": usage.prompt_tokens_details.cached_tokens,
        "reasoning": usage.completion_tokens_details.reasoning_tokens,
    }


def collect(chunks):
    """The tool calls of a stream, put together from their fragments."""
    calls = {}
    for chunk in chunks:
        for fragment in (chunk.choices and chunk.choices[0].delta.tool_calls) or ():
            call = calls.setdefault(fragment.index, {"id": "", "name": "", "arguments": ""})
            call["id"] += fragment.id or ""
            call["name"] += fragment.function.name or ""
            call["arguments"] += fragment.function.arguments or ""
    return list(calls.values())


def add_results(prompt, calls):
    """The conversation, with the calls and the tool's results."""
    functions = [{"name": call["name"], "arguments": call["arguments"]} for call in calls]
    tool_calls = [
        {"id": call["id"], "type": "function", "function": function}
        for call, function in zip(calls, functions, strict=True)
    ]
    results = [{"role": "tool", "tool_call_id": call["id"], "content": WEATHER} for call in calls]
    return [*make_messages(prompt), {"role": "assistant", "tool_calls": tool_calls}, *results]


def describe_calls(calls):
    return [{"name": call["name"], "arguments": json.loads(call["arguments"])} for call in calls]


def sync():
    client = OpenAI()
    create = client.chat.completions.create

    def stream(prompt):
        with create(model=MODEL, messages=make_messages(prompt), stream=True) as chunks:
            for chunk in chunks:
                yield chunk.choices[0].delta.content

    def tool(prompt):
        calls = collect(
            create(model=MODEL, messages=make_messages(prompt), tools=TOOLS, stream=True)
        )
        messages = add_results(prompt, calls)
        chunks = create(model=MODEL, messages=messages, tools=TOOLS, stream=True)
        text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks)
        return {"calls": describe_calls(calls), "text": text}

    def usage(prompt):
        *_, last = create(
            model=MODEL, messages=make_messages(prompt), stream=True, stream_options=USAGE
        )
        return count_usage(last.usage)

    def read_structured(prompt):
        completion = client.chat.completions.parse(
            model=MODEL, messages=make_messages(prompt), response_format=Reading
        )
        return completion.choices[0].message.parsed.model_dump()

    run(stream, tool=tool, usage=usage, structured=read_structured)


def asynchronous():
    client = AsyncOpenAI()
    create = client.chat.completions.create

    async def stream(prompt):
        async with await create(model=MODEL, messages=make_messages(prompt), stream=True) as chunks:
            async for chunk in chunks:
                yield chunk.choices[0].delta.content

    async def tool(prompt):
        chunks = await create(model=MODEL, messages=make_messages(prompt), tools=TOOLS, stream=True)
        calls = collect([chunk async for chunk in chunks])
        messages = add_results(prompt, calls)
        chunks = await create(model=MODEL, messages=messages, tools=TOOLS, stream=True)
        text = "".join([chunk.choices[0].delta.content or "" async for chunk in chunks])
        return {"calls": describe_calls(calls), "text": text}

    async def usage(prompt):
        chunks = await create(
            model=MODEL, messages=make_messages(prompt), stream=True, stream_options=USAGE
        )
        *_, last = [chunk async for chunk in chunks]
        return count_usage(last.usage)

    async def read_structured(prompt):
        completion = await client.chat.completions.parse(
            model=MODEL, messages=make_messages(prompt), response_format=Reading
        )
        return completion.choices[0].message.parsed.model_dump()

    run(stream, tool=tool, usage=usage, structured=read_structured)


def helpers():
    client = OpenAI()

    def open_stream(messages, **more):
        return client.chat.completions.stream(model=MODEL, messages=messages, **more)

    def stream(prompt):
        with open_stream(make_messages(prompt)) as events:
            for event in events:
                if event.type == "content.delta":
                    yield event.delta

    def tool(prompt):
        with open_stream(make_messages(prompt), tools=TOOLS) as events:
            done_events = [e for e in events if e.type == "tool_calls.function.arguments.done"]
            tool_calls = events.get_final_completion().choices[0].message.tool_calls
        # What the SDK has parsed it would send back, too: parsed_arguments are no parameter.
        call_list = [{"id": call.id} | call.function.model_dump() for call in tool_calls]
        with open_stream(add_results(prompt, call_list), tools=TOOLS) as events:
            text = events.get_final_completion().choices[0].message.content
        calls = [{"name": e.name, "arguments": e.parsed_arguments} for e in done_events]
        return {"calls": calls, "text": text}

    def usage(prompt):
        with open_stream(make_messages(prompt), stream_options=USAGE) as events:
            return count_usage(events.get_final_completion().usage)

    def read_structured(prompt):
        with open_stream(make_messages(prompt), response_format=Reading) as events:
            return events.get_final_completion().choices[0].message.parsed.model_dump()

    run(stream, tool=tool, usage=usage, structured=read_structured)


def responses():
    client = OpenAI()
    tools = [{"type": "function"} | FUNCTION]

    def open_stream(input_items, **more):
        return client.responses.stream(model=MODEL, input=input_items, **more)

    def stream(prompt):
        with client.responses.create(model=MODEL, input=prompt, stream=True) as events:
            for event in events:
                if event.type == "response.output_text.delta":
                    yield event.delta

    def tool(prompt):
        with open_stream(make_messages(prompt), tools=tools) as events:
            output = events.get_final_response().output
        calls = [item for item in output if item.type == "function_call"]
        results = [
            {"type": "function_call_output", "call_id": call.call_id, "output": WEATHER}
            for call in calls
        ]
        tool_calls = [
            {
                "type": "function_call",
                "call_id": call.call_id,
                "name": call.name,
                "arguments": call.arguments,
            }
            for call in calls
        ]
        with open_stream([*make_messages(prompt), *tool_calls, *results], tools=tools) as events:
            text = events.get_final_response().output_text
        return {"calls": describe_calls(tool_calls), "text": text}

    def usage(prompt):
        with open_stream(prompt) as events:
            token_usage = events.get_final_response().usage
        return {
            "input": token_usage.input_tokens,
            "output": token_usage.output_tokens,
            "cached": token_usage.input_tokens_details.cached_tokens,
            "reasoning": token_usage.output_tokens_details.reasoning_tokens,
        }

    def read_structured(prompt):
        with open_stream(prompt, text_format=Reading) as events:
            return events.get_final_response().output_parsed.model_dump()

    run(stream, tool=tool, usage=usage, structured=read_structured)


{"chat": sync, "chat async": asynchronous, "chat stream()": helpers, "responses": responses}[
    sys.argv[1]
]()
