"""smolagents: the deltas of `OpenAIModel.generate_stream()`, put together by its own function."""

from consuming import choose, describe_calls, get_prompt, run
from smolagents import OpenAIModel
from smolagents.models import agglomerate_stream_deltas


def consume(task, outcome):
    request = task["request"]
    model = OpenAIModel(
        model_id=request["model"],
        api_base=task["base_url"],
        api_key=task["api_key"],
        client_kwargs={"timeout": task["timeout"]},
    )
    messages = [{"role": "user", "content": [{"type": "text", "text": get_prompt(request)}]}]
    deltas = []
    try:
        for delta in model.generate_stream(messages, **choose(request, "tools")):
            deltas.append(delta)
    finally:
        outcome |= describe(agglomerate_stream_deltas(deltas))


def describe(message):
    usage = message.token_usage
    return {
        "text": message.content,
        "tool_calls": describe_calls(message.tool_calls or ()),
        "usage": usage
        and {"prompt_tokens": usage.input_tokens, "completion_tokens": usage.output_tokens},
    }


run(consume)
