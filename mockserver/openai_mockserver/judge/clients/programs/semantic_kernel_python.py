"""Semantic Kernel: the streamed messages of its chat completion service, added up."""

from functools import reduce
from operator import add

from consuming import choose, describe_chat_usage, get_prompt, run
from openai import AsyncOpenAI
from semantic_kernel.connectors.ai.open_ai import (
    OpenAIChatCompletion,
    OpenAIChatPromptExecutionSettings,
)
from semantic_kernel.contents import ChatHistory, FunctionCallContent


async def consume(task, outcome):
    request = task["request"]
    async with AsyncOpenAI(
        base_url=task["base_url"], api_key=task["api_key"], timeout=task["timeout"]
    ) as client:
        service = OpenAIChatCompletion(ai_model_id=request["model"], async_client=client)
        history = ChatHistory()
        history.add_user_message(get_prompt(request))
        settings = OpenAIChatPromptExecutionSettings(**choose(request, "tools"))
        messages = []
        try:
            async for several in service.get_streaming_chat_message_contents(history, settings):
                messages += several
        finally:
            if messages:
                outcome |= describe(reduce(add, messages))
    for message in messages:
        if message.metadata.get("usage"):
            outcome["usage"] = describe_chat_usage(message.metadata["usage"])


def describe(message):
    calls = [item for item in message.items if isinstance(item, FunctionCallContent)]
    reason = message.finish_reason
    return {
        "text": message.content,
        "tool_calls": [
            {"name": call.name or "", "arguments": call.arguments or "", "id": call.id}
            for call in calls
        ],
        "finish_reason": reason.value if reason else None,
    }


run(consume)
