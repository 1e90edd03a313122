"""Mirascope: a streamed response of `llm.Model` on either endpoint; it has no timeout to set."""

import sys

from consuming import get_prompt, list_functions, run
from mirascope import llm

WAYS = {"chat": "openai/{}:completions", "responses": "openai/{}:responses"}


def consume(task, outcome):
    request = task["request"]
    llm.register_provider("openai", base_url=task["base_url"], api_key=task["api_key"])
    model = llm.Model(WAYS[sys.argv[1]].format(request["model"]))
    tools = [make_tool(function) for function in list_functions(request)]
    response = model.stream(get_prompt(request), tools=tools)
    try:
        response.finish()
    finally:
        outcome |= describe(response)


def make_tool(function):
    def call(**arguments: object) -> str:
        """A tool."""
        return "done"

    call.__name__ = function["name"]
    return llm.tool(call)


def describe(response):
    usage = response.usage
    return {
        "text": "".join(text.text for text in response.texts),
        "reasoning": "".join(thought.thought for thought in response.thoughts),
        "tool_calls": [
            {"name": call.name, "arguments": call.args, "id": call.id}
            for call in response.tool_calls
        ],
        "usage": usage
        and {"prompt_tokens": usage.input_tokens, "completion_tokens": usage.output_tokens},
    }


run(consume)
