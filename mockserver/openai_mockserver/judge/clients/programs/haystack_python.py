"""Haystack: the reply of its chat generators, which read a stream if they get a callback."""

import json
import sys

from consuming import choose, get_prompt, list_functions, run
from haystack.components.generators.chat import (
    OpenAIChatGenerator,
    OpenAIResponsesChatGenerator,
)
from haystack.dataclasses import ChatMessage
from haystack.tools import Tool
from haystack.utils import Secret

WAY = sys.argv[1]
Generator = {"chat": OpenAIChatGenerator, "responses": OpenAIResponsesChatGenerator}[WAY]


def consume(task, outcome):
    request = task["request"]
    generator = Generator(
        model=request["model"],
        api_base_url=task["base_url"],
        api_key=Secret.from_token(task["api_key"]),
        timeout=task["timeout"],
        generation_kwargs=choose(request, "stream_options"),
        tools=[
            Tool(
                name=function["name"],
                description=function["description"],
                parameters=function["parameters"],
                function=lambda **arguments: "done",
            )
            for function in list_functions(request)
        ],
    )
    outcome["text"] = ""

    def hear(chunk):
        outcome["text"] += chunk.content or ""

    messages = [ChatMessage.from_user(get_prompt(request))]
    (reply,) = generator.run(messages, streaming_callback=hear)["replies"]
    outcome |= describe(reply)


def describe(reply):
    usage = reply.meta.get("usage")
    return {
        "text": reply.text,
        "reasoning": reply.reasoning.reasoning_text if reply.reasoning else None,
        "tool_calls": [
            {"name": call.tool_name, "arguments": json.dumps(call.arguments), "id": call.id}
            for call in reply.tool_calls
        ],
        **({"finish_reason": reply.meta.get("finish_reason")} if WAY == "chat" else {}),
        "usage": usage or None,
    }


run(consume)
