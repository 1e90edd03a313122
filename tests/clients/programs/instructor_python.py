"""Instructor: typed answers, whole and partial, by a tool (its default) or by a JSON schema."""

import sys
from contextlib import aclosing

import instructor
from pydantic import BaseModel
from scenarios import run

MODES = {
    "tools": instructor.Mode.TOOLS,
    "json_schema": instructor.Mode.JSON_SCHEMA,
    "responses": instructor.Mode.RESPONSES_TOOLS,
}
mode, *asynchronous = sys.argv[1].split()
client = instructor.from_provider("openai/gpt-4o-mini", mode=MODES[mode])


class Said(BaseModel):
    text: str


class Reading(BaseModel):
    city: str
    celsius: int


def make_messages(prompt):
    return [{"role": "user", "content": prompt}]


def stream(prompt):
    """What a partial answer has more than the one before."""
    text_so_far = ""
    for partial in client.create_partial(
        messages=make_messages(prompt), response_model=Said, max_retries=1
    ):
        yield (partial.text or "")[len(text_so_far) :]
        text_so_far = partial.text or ""


async def async_stream(prompt):
    client = instructor.from_provider("openai/gpt-4o-mini", mode=MODES[mode], async_client=True)
    partials = client.create_partial(
        messages=make_messages(prompt), response_model=Said, max_retries=1
    )
    text_so_far = ""
    async with aclosing(partials):
        async for partial in partials:
            yield (partial.text or "")[len(text_so_far) :]
            text_so_far = partial.text or ""


def usage(prompt):
    _, completion = client.create_with_completion(
        messages=make_messages(prompt), response_model=Said
    )
    token_usage = completion.usage
    if mode == "responses":
        return {"input": token_usage.input_tokens, "output": token_usage.output_tokens}
    return {"input": token_usage.prompt_tokens, "output": token_usage.completion_tokens}


def read_structured(prompt):
    return client.create(messages=make_messages(prompt), response_model=Reading).model_dump()


run(async_stream if asynchronous else stream, usage=usage, structured=read_structured)
