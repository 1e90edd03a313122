"""OpenAI's SDK for Python: its helper `stream()`, sync and async, bare chunks, and Responses."""

import json
import sys

import openai
from consuming import ResponseReader, choose, describe_completion, run

# These only repeat the finish reason, which the snapshot has.
FINISHED = openai.LengthFinishReasonError, openai.ContentFilterFinishReasonError


def get_options(task):
    return {
        "base_url": task["base_url"],
        "api_key": task["api_key"],
        "timeout": task["timeout"],
    }


def get_arguments(task):
    """The request; tools as they are, because the helper accepts only strict ones."""
    request = task["request"]
    extra = choose(request, "tools")
    more = {name: value for name, value in choose(request).items() if name not in extra}
    # The helper takes a class for a format, and no format that is a dict.
    extra |= choose(more, "response_format")
    more.pop("response_format", None)
    return {
        "model": request["model"],
        "messages": request["messages"],
        "extra_body": extra,
        **more,
    }


def chat(task, outcome):
    completion = None
    with openai.OpenAI(**get_options(task)) as client:
        try:
            with client.chat.completions.stream(**get_arguments(task)) as events:
                for _ in events:
                    completion = events.current_completion_snapshot
                completion = events.get_final_completion()
        except FINISHED:
            pass
        finally:
            outcome |= describe_completion(completion)


async def chat_async(task, outcome):
    completion = None
    async with openai.AsyncOpenAI(**get_options(task)) as client:
        try:
            async with client.chat.completions.stream(**get_arguments(task)) as events:
                async for _ in events:
                    completion = events.current_completion_snapshot
                completion = await events.get_final_completion()
        except FINISHED:
            pass
        finally:
            outcome |= describe_completion(completion)


def create(task, outcome):
    outcome["events"] = []
    with openai.OpenAI(**get_options(task)) as client:
        with client.chat.completions.create(**task["request"]) as chunks:
            for chunk in chunks:
                content = chunk.model_dump(exclude_unset=True, warnings=False)
                outcome["events"].append(json.dumps(content, ensure_ascii=False))


def responses(task, outcome):
    """The helper; tools as they are, as above."""
    request = task["request"]
    more = {name: value for name, value in choose(request).items() if name != "tools"}
    with openai.OpenAI(**get_options(task)) as client:
        with client.responses.stream(
            model=request["model"],
            input=request["input"],
            extra_body=choose(request, "tools"),
            **more,
        ) as events:
            ResponseReader(outcome).read_all(events)


run({"chat": chat, "async": chat_async, "create": create, "responses": responses}[sys.argv[1]])
