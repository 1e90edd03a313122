"""LiteLLM's SDK: `completion(stream=True)`, put together by `stream_chunk_builder`."""

import litellm
from consuming import API_KEY, BASE_URL, MODEL, PATIENCE, PROMPT, functions, run

litellm.telemetry = False
litellm.suppress_debug_info = True
MESSAGES = [{"role": "user", "content": PROMPT}]


def consume(request, outcome):
    chunks = []
    more = {"tools": functions(request)} if request["tools"] else {}
    try:
        for chunk in litellm.completion(
            f"openai/{MODEL}",
            MESSAGES,
            base_url=BASE_URL,
            api_key=API_KEY,
            stream=True,
            stream_options={"include_usage": True},
            max_retries=0,
            timeout=PATIENCE,
            n=request["n"],
            **more,
        ):
            chunks.append(chunk)
    finally:
        if chunks:
            outcome |= describe(litellm.stream_chunk_builder(chunks, messages=MESSAGES))


def describe(completion):
    choice, token_usage = completion.choices[0], completion.usage
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
        "usage": {
            "prompt_tokens": token_usage.prompt_tokens,
            "completion_tokens": token_usage.completion_tokens,
        },
    }


def text_of(call):
    """A call whose arguments have not begun has an object that is empty."""
    return "" if call.function.arguments == "{}" else call.function.arguments


run(consume)
