"""LangChain for Python: the chunks of `ChatOpenAI.stream()`, merged."""

import json

from consuming import API_KEY, BASE_URL, MODEL, PATIENCE, PROMPT, functions, run
from langchain_openai import ChatOpenAI

llm = ChatOpenAI(
    model=MODEL,
    base_url=BASE_URL,
    api_key=API_KEY,
    max_retries=0,
    timeout=PATIENCE,
    stream_usage=True,
)


def consume(request, outcome):
    model = llm.bind(tools=functions(request)) if request["tools"] else llm
    whole = None
    try:
        for chunk in model.stream(PROMPT):
            whole = chunk if whole is None else whole + chunk
    finally:
        if whole is not None:
            outcome |= describe(whole)


def describe(message):
    token_usage = message.usage_metadata
    return {
        "text": message.text,
        "refusal": message.additional_kwargs.get("refusal"),
        "tool_calls": [
            {"id": call["id"], "name": call["name"] or "", "arguments": call["args"] or ""}
            for call in message.tool_call_chunks
        ],
        "function_call": message.additional_kwargs.get("function_call"),
        "parsed": [json.dumps(call["args"]) for call in message.tool_calls],
        "finish_reason": message.response_metadata.get("finish_reason"),
        "usage": token_usage
        and {
            "prompt_tokens": token_usage["input_tokens"],
            "completion_tokens": token_usage["output_tokens"],
        },
    }


run(consume)
