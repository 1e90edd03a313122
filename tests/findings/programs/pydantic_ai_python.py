"""Pydantic AI: `model_request_stream()` of its model of OpenAI's chat completions."""

from consuming import API_KEY, BASE_URL, MODEL, PATIENCE, PROMPT, functions, run
from openai import AsyncOpenAI
from pydantic_ai import ModelRequest
from pydantic_ai.direct import model_request_stream
from pydantic_ai.models import ModelRequestParameters
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.providers.openai import OpenAIProvider
from pydantic_ai.tools import ToolDefinition

client = AsyncOpenAI(base_url=BASE_URL, api_key=API_KEY, max_retries=0, timeout=PATIENCE)
model = OpenAIChatModel(MODEL, provider=OpenAIProvider(openai_client=client))
MESSAGES = [ModelRequest.user_text_prompt(PROMPT)]


async def consume(request, outcome):
    function_list = [tool["function"] for tool in functions(request)]
    tools = [
        ToolDefinition(name=tool["name"], parameters_json_schema=tool["parameters"])
        for tool in function_list
    ]
    parameters = ModelRequestParameters(function_tools=tools)
    async with model_request_stream(model, MESSAGES, model_request_parameters=parameters) as stream:
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
