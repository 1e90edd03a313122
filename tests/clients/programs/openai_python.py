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


def said(prompt):
    return [{"role": "user", "content": prompt}]


def counted(usage):
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


def answered(prompt, calls):
    """The conversation, with the calls and the tool's results."""
    functions = [{"name": call["name"], "arguments": call["arguments"]} for call in calls]
    made = [
        {"id": call["id"], "type": "function", "function": function}
        for call, function in zip(calls, functions, strict=True)
    ]
    results = [{"role": "tool", "tool_call_id": call["id"], "content": WEATHER} for call in calls]
    return [*said(prompt), {"role": "assistant", "tool_calls": made}, *results]


def shown(calls):
    return [{"name": call["name"], "arguments": json.loads(call["arguments"])} for call in calls]


def sync():
    client = OpenAI()
    create = client.chat.completions.create

    def stream(prompt):
        with create(model=MODEL, messages=said(prompt), stream=True) as chunks:
            for chunk in chunks:
                yield chunk.choices[0].delta.content

    def tool(prompt):
        calls = collect(create(model=MODEL, messages=said(prompt), tools=TOOLS, stream=True))
        messages = answered(prompt, calls)
        chunks = create(model=MODEL, messages=messages, tools=TOOLS, stream=True)
        text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks)
        return {"calls": shown(calls), "text": text}

    def usage(prompt):
        *_, last = create(model=MODEL, messages=said(prompt), stream=True, stream_options=USAGE)
        return counted(last.usage)

    def structured(prompt):
        completion = client.chat.completions.parse(
            model=MODEL, messages=said(prompt), response_format=Reading
        )
        return completion.choices[0].message.parsed.model_dump()

    run(stream, tool=tool, usage=usage, structured=structured)


def asynchronous():
    client = AsyncOpenAI()
    create = client.chat.completions.create

    async def stream(prompt):
        async with await create(model=MODEL, messages=said(prompt), stream=True) as chunks:
            async for chunk in chunks:
                yield chunk.choices[0].delta.content

    async def tool(prompt):
        chunks = await create(model=MODEL, messages=said(prompt), tools=TOOLS, stream=True)
        calls = collect([chunk async for chunk in chunks])
        messages = answered(prompt, calls)
        chunks = await create(model=MODEL, messages=messages, tools=TOOLS, stream=True)
        text = "".join([chunk.choices[0].delta.content or "" async for chunk in chunks])
        return {"calls": shown(calls), "text": text}

    async def usage(prompt):
        chunks = await create(model=MODEL, messages=said(prompt), stream=True, stream_options=USAGE)
        *_, last = [chunk async for chunk in chunks]
        return counted(last.usage)

    async def structured(prompt):
        completion = await client.chat.completions.parse(
            model=MODEL, messages=said(prompt), response_format=Reading
        )
        return completion.choices[0].message.parsed.model_dump()

    run(stream, tool=tool, usage=usage, structured=structured)


def helpers():
    client = OpenAI()

    def open_stream(messages, **more):
        return client.chat.completions.stream(model=MODEL, messages=messages, **more)

    def stream(prompt):
        with open_stream(said(prompt)) as events:
            for event in events:
                if event.type == "content.delta":
                    yield event.delta

    def tool(prompt):
        with open_stream(said(prompt), tools=TOOLS) as events:
            done = [e for e in events if e.type == "tool_calls.function.arguments.done"]
            made = events.get_final_completion().choices[0].message.tool_calls
        # What the SDK has parsed it would send back, too: parsed_arguments are no parameter.
        asked = [{"id": call.id} | call.function.model_dump() for call in made]
        with open_stream(answered(prompt, asked), tools=TOOLS) as events:
            text = events.get_final_completion().choices[0].message.content
        calls = [{"name": e.name, "arguments": e.parsed_arguments} for e in done]
        return {"calls": calls, "text": text}

    def usage(prompt):
        with open_stream(said(prompt), stream_options=USAGE) as events:
            return counted(events.get_final_completion().usage)

    def structured(prompt):
        with open_stream(said(prompt), response_format=Reading) as events:
            return events.get_final_completion().choices[0].message.parsed.model_dump()

    run(stream, tool=tool, usage=usage, structured=structured)


def responses():
    client = OpenAI()
    tools = [{"type": "function"} | FUNCTION]

    def open_stream(given, **more):
        return client.responses.stream(model=MODEL, input=given, **more)

    def stream(prompt):
        with client.responses.create(model=MODEL, input=prompt, stream=True) as events:
            for event in events:
                if event.type == "response.output_text.delta":
                    yield event.delta

    def tool(prompt):
        with open_stream(said(prompt), tools=tools) as events:
            output = events.get_final_response().output
        calls = [item for item in output if item.type == "function_call"]
        results = [
            {"type": "function_call_output", "call_id": call.call_id, "output": WEATHER}
            for call in calls
        ]
        made = [
            {
                "type": "function_call",
                "call_id": call.call_id,
                "name": call.name,
                "arguments": call.arguments,
            }
            for call in calls
        ]
        with open_stream([*said(prompt), *made, *results], tools=tools) as events:
            text = events.get_final_response().output_text
        return {"calls": shown(made), "text": text}

    def usage(prompt):
        with open_stream(prompt) as events:
            used = events.get_final_response().usage
        return {
            "input": used.input_tokens,
            "output": used.output_tokens,
            "cached": used.input_tokens_details.cached_tokens,
            "reasoning": used.output_tokens_details.reasoning_tokens,
        }

    def structured(prompt):
        with open_stream(prompt, text_format=Reading) as events:
            return events.get_final_response().output_parsed.model_dump()

    run(stream, tool=tool, usage=usage, structured=structured)


{"chat": sync, "chat async": asynchronous, "chat stream()": helpers, "responses": responses}[
    sys.argv[1]
]()
