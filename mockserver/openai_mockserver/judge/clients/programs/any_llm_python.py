"""any-llm: the chunks of `completion(stream=True)`, and the events of `responses()`."""

import json
import sys

from any_llm import completion, responses
from consuming import ResponseReader, choose, run


def get_arguments(task):
    return {
        "model": f"openai:{task['request']['model']}",
        "api_base": task["base_url"],
        "api_key": task["api_key"],
        "client_args": {"timeout": task["timeout"]},
        "stream": True,
        **choose(task["request"]),
    }


def chat(task, outcome):
    outcome["events"] = []
    for chunk in completion(messages=task["request"]["messages"], **get_arguments(task)):
        content = chunk.model_dump(exclude_unset=True, warnings=False)
        outcome["events"].append(json.dumps(content, ensure_ascii=False))


def by_responses(task, outcome):
    events = responses(input_data=task["request"]["input"], **get_arguments(task))
    ResponseReader(outcome).read_all(events)


run({"chat": chat, "responses": by_responses}[sys.argv[1]])
