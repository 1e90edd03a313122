"""LlamaIndex: the last response of `stream_chat()`, of its `OpenAI` or `OpenAILike` model."""

import json
import sys

from consuming import API_KEY, BASE_URL, MODEL, PATIENCE, PROMPT, functions, run
from llama_index.core.llms import ChatMessage
from llama_index.llms.openai import OpenAI
from llama_index.llms.openai_like import OpenAILike

OPTIONS = {
    "api_base": BASE_URL,
    "api_key": API_KEY,
    "max_retries": 0,
    "timeout": PATIENCE,
    "additional_kwargs": {"stream_options": {"include_usage": True}},
}
llm = {
    "chat": lambda: OpenAI(MODEL, **OPTIONS),
    "openai-like": lambda: OpenAILike(
        MODEL, is_chat_model=True, is_function_calling_model=True, **OPTIONS
    ),
}[sys.argv[1]]()
MESSAGES = [ChatMessage(role="user", content=PROMPT)]


def consume(request, outcome):
    more = {"tools": functions(request)} if request["tools"] else {}
    outcome |= {"finish_reason": None, "usage": None}
    for response in llm.stream_chat(MESSAGES, **more):
        outcome |= describe(response)
        if response.raw.choices and response.raw.choices[0].finish_reason:
            outcome["finish_reason"] = response.raw.choices[0].finish_reason
        if response.raw.usage is not None:
            outcome["usage"] = response.raw.usage.model_dump()


def describe(response):
    blocks = response.message.blocks
    selection = llm.get_tool_calls_from_response(response, error_on_no_tool_call=False)
    return {
        "text": response.message.content,
        "reasoning": "".join(b.content or "" for b in blocks if b.block_type == "thinking"),
        "tool_calls": [
            {"id": b.tool_call_id, "name": b.tool_name, "arguments": text_of(b.tool_kwargs)}
            for b in blocks
            if b.block_type == "tool_call"
        ],
        "parsed": [json.dumps(call.tool_kwargs) for call in selection],
    }


def text_of(arguments):
    """A call whose arguments have not begun has an object that is empty."""
    return arguments if isinstance(arguments, str) else ""


run(consume)
