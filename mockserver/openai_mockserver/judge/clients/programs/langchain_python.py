"""LangChain for Python: the chunks of `ChatOpenAI.stream()`, added up."""

import json
import sys

from consuming import choose, run
from langchain_openai import ChatOpenAI


def consume(task, outcome):
    request = task["request"]
    llm = ChatOpenAI(
        model=request["model"],
        base_url=task["base_url"],
        api_key=task["api_key"],
        timeout=task["timeout"],
        use_responses_api=sys.argv[1] == "responses",
    )
    more = choose(request)
    whole = None
    try:
        for chunk in llm.bind(**more).stream(request.get("messages") or request["input"]):
            whole = chunk if whole is None else whole + chunk
    finally:
        if whole is not None:
            outcome |= describe(whole)


def describe(message):
    usage = message.usage_metadata
    function_call = message.additional_kwargs.get("function_call")
    refusals = [
        block.get("refusal") or ""
        for block in message.content
        if isinstance(block, dict) and block.get("type") == "refusal"
    ]
    return {
        "text": message.text,
        "refusal": message.additional_kwargs.get("refusal") or "".join(refusals),
        "tool_calls": [
            {"id": call["id"], "name": call["name"] or "", "arguments": call["args"] or ""}
            for call in message.tool_call_chunks
        ],
        "function_call": function_call and {"name": "", "arguments": ""} | function_call,
        "parsed": [json.dumps(call["args"]) for call in message.tool_calls],
        "finish_reason": read_reason(message),
        "usage": usage
        and {
            "prompt_tokens": usage["input_tokens"],
            "completion_tokens": usage["output_tokens"],
        },
    }


def read_reason(message):
    metadata = message.response_metadata
    if sys.argv[1] != "responses":
        return metadata.get("finish_reason")
    if metadata.get("status") == "incomplete":
        return (metadata.get("incomplete_details") or {}).get("reason")
    if metadata.get("status") != "completed":
        return None
    return "tool_calls" if message.tool_call_chunks else "stop"


run(consume)
