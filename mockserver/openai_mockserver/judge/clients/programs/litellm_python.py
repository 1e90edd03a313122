"""LiteLLM's SDK: the chunks of `completion()` in `stream_chunk_builder()`, and `responses()`."""

import sys

import litellm
from consuming import ResponseReader, choose, describe_chat_usage, run

litellm.telemetry = False
litellm.suppress_debug_info = True


def get_arguments(task):
    request = task["request"]
    return {
        "model": f"openai/{request['model']}",
        "base_url": task["base_url"],
        "api_key": task["api_key"],
        "timeout": task["timeout"],
        "stream": True,
        **choose(request),
    }


def chat(task, outcome):
    chunks = []
    messages = task["request"]["messages"]
    try:
        for chunk in litellm.completion(messages=messages, **get_arguments(task)):
            chunks.append(chunk)
    finally:
        if chunks:
            outcome |= describe(litellm.stream_chunk_builder(chunks, messages=messages))


def describe(completion):
    choice = completion.choices[0]
    message = choice.message
    call = message.function_call
    return {
        "text": message.content,
        "reasoning": getattr(message, "reasoning_content", None),
        "tool_calls": [
            {"id": call.id, "name": call.function.name or "", "arguments": text_of(call)}
            for call in message.tool_calls or ()
        ],
        "function_call": call and {"name": call.name or "", "arguments": call.arguments or ""},
        "finish_reason": choice.finish_reason,
        "usage": describe_chat_usage(completion.usage),
    }


def text_of(call):
    """A call whose arguments have not begun has an object that is empty."""
    return "" if call.function.arguments == "{}" else call.function.arguments


def responses(task, outcome):
    events = litellm.responses(input=task["request"]["input"], **get_arguments(task))
    ResponseReader(outcome).read_all(events)


run({"chat": chat, "responses": responses}[sys.argv[1]])
