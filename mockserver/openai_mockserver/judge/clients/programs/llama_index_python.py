"""LlamaIndex: the last response of `stream_chat()`, of its `OpenAI` or `OpenAILike` model."""

import json
import sys

from consuming import choose, get_prompt, run
from llama_index.core.llms import ChatMessage
from llama_index.llms.openai import OpenAI, OpenAIResponses
from llama_index.llms.openai_like import OpenAILike

MODELS = {
    "chat": OpenAI,
    "openai-like": lambda model, **options: OpenAILike(
        model, is_chat_model=True, is_function_calling_model=True, **options
    ),
    "responses": OpenAIResponses,
}


def consume(task, outcome):
    request = task["request"]
    llm = MODELS[sys.argv[1]](
        request["model"],
        api_base=task["base_url"],
        api_key=task["api_key"],
        timeout=task["timeout"],
        additional_kwargs=choose(request, "stream_options"),
    )
    messages = [ChatMessage(role="user", content=get_prompt(request))]
    outcome |= {"finish_reason": None, "usage": None}
    for response in llm.stream_chat(messages, **choose(request, "tools")):
        outcome |= describe(llm, response)
        if sys.argv[1] == "responses":
            continue
        if response.raw.choices and response.raw.choices[0].finish_reason:
            outcome["finish_reason"] = response.raw.choices[0].finish_reason
        if response.raw.usage is not None:
            outcome["usage"] = response.raw.usage.model_dump()
    if sys.argv[1] == "responses":
        del outcome["finish_reason"], outcome["usage"]


def describe(llm, response):
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
