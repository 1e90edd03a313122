"""LLM, Simon Willison's: a streamed response of its model; it has no timeout to set."""

import json

from consuming import get_prompt, list_functions, run
from llm import Tool
from llm.default_plugins.openai_models import Chat


def consume(task, outcome):
    request = task["request"]
    model = Chat(
        request["model"], key=task["api_key"], api_base=task["base_url"], supports_tools=True
    )
    tools = [
        Tool(name=one["name"], description=one["description"], input_schema=one["parameters"])
        for one in list_functions(request)
    ]
    outcome["text"] = ""
    response = model.prompt(get_prompt(request), key=task["api_key"], tools=tools)
    for piece in response:
        outcome["text"] += piece
    usage = response.usage()
    outcome |= {
        "tool_calls": [
            {"name": call.name, "arguments": json.dumps(call.arguments), "id": call.tool_call_id}
            for call in response.tool_calls()
        ],
        "usage": usage and {"prompt_tokens": usage.input, "completion_tokens": usage.output},
    }


run(consume)
