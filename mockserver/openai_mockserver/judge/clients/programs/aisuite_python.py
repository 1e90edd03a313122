"""aisuite: the chunks of its client, through the OpenAI provider."""

import json

import aisuite
from consuming import choose, run


def consume(task, outcome):
    request = task["request"]
    options = {
        "base_url": task["base_url"],
        "api_key": task["api_key"],
        "timeout": task["timeout"],
    }
    client = aisuite.Client({"openai": options})
    outcome["events"] = []
    for chunk in client.chat.completions.create(
        f"openai:{request['model']}", request["messages"], stream=True, **choose(request)
    ):
        content = chunk.model_dump(exclude_unset=True, warnings=False)
        outcome["events"].append(json.dumps(content, ensure_ascii=False))


run(consume)
