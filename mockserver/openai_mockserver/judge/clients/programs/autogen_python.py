"""AutoGen: `create_stream()` of its client of OpenAI's chat completions."""

from autogen_core.models import UserMessage
from autogen_ext.models.openai import OpenAIChatCompletionClient
from consuming import get_prompt, list_functions, run


async def consume(task, outcome):
    request = task["request"]
    client = OpenAIChatCompletionClient(
        model=request["model"],
        base_url=task["base_url"],
        api_key=task["api_key"],
        timeout=task["timeout"],
    )
    tools = [
        {**function, "parameters": {"required": [], **function["parameters"]}}
        for function in list_functions(request)
    ]
    messages = [UserMessage(content=get_prompt(request), source="user")]
    usage = "stream_options" in request
    outcome["text"] = ""
    try:
        async for part in client.create_stream(messages, tools=tools, include_usage=usage):
            if isinstance(part, str):
                outcome["text"] += part
            else:
                outcome |= describe(part)
    finally:
        await client.close()


def describe(result):
    is_text = isinstance(result.content, str)
    return {
        "text": result.content if is_text else result.thought,
        "tool_calls": []
        if is_text
        else [
            {"name": call.name, "arguments": call.arguments, "id": call.id}
            for call in result.content
        ],
        "finish_reason": result.finish_reason,
        "usage": {
            "prompt_tokens": result.usage.prompt_tokens,
            "completion_tokens": result.usage.completion_tokens,
        },
    }


run(consume)
