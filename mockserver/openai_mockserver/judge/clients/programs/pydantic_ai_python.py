"""Pydantic AI: `model_request_stream()` of its models of OpenAI's endpoints."""

import sys

from consuming import get_prompt, list_functions, run
from openai import AsyncOpenAI
from pydantic_ai import ModelRequest
from pydantic_ai.direct import model_request_stream
from pydantic_ai.models import ModelRequestParameters
from pydantic_ai.models.openai import OpenAIChatModel, OpenAIResponsesModel
from pydantic_ai.providers.openai import OpenAIProvider
from pydantic_ai.tools import ToolDefinition

Model = {"chat": OpenAIChatModel, "responses": OpenAIResponsesModel}[sys.argv[1]]


async def consume(task, outcome):
    request = task["request"]
    async with AsyncOpenAI(
        base_url=task["base_url"], api_key=task["api_key"], timeout=task["timeout"]
    ) as client:
        model = Model(request["model"], provider=OpenAIProvider(openai_client=client))
        tools = [
            ToolDefinition(name=tool["name"], parameters_json_schema=tool["parameters"])
            for tool in list_functions(request)
        ]
        async with model_request_stream(
            model,
            [ModelRequest.user_text_prompt(get_prompt(request))],
            model_request_parameters=ModelRequestParameters(function_tools=tools),
        ) as stream:
            try:
                async for _ in stream:
                    pass
            finally:
                outcome |= describe(stream.get())


def describe(response):
    def join_parts(kind):
        return "".join(part.content for part in response.parts if part.part_kind == kind)

    return {
        "text": join_parts("text"),
        "reasoning": join_parts("thinking"),
        "refusal": (response.provider_details or {}).get("refusal"),
        "tool_calls": [
            {"id": part.tool_call_id, "name": part.tool_name, "arguments": part.args or ""}
            for part in response.parts
            if part.part_kind == "tool-call"
        ],
        "finish_reason": response.finish_reason,
        "usage": {
            "prompt_tokens": response.usage.input_tokens,
            "completion_tokens": response.usage.output_tokens,
        },
    }


run(consume)
