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


def said(prompt):
    return [{"role": "user", "content": prompt}]


def stream(prompt):
    """What a partial answer has more than the one before."""
    told = ""
    for partial in client.create_partial(messages=said(prompt), response_model=Said, max_retries=1):
        yield (partial.text or "")[len(told) :]
        told = partial.text or ""


async def async_stream(prompt):
    client = instructor.from_provider("openai/gpt-4o-mini", mode=MODES[mode], async_client=True)
    partials = client.create_partial(messages=said(prompt), response_model=Said, max_retries=1)
    told = ""
    async with aclosing(partials):
        async for partial in partials:
            yield (partial.text or "")[len(told) :]
            told = partial.text or ""


def usage(prompt):
    _, completion = client.create_with_completion(messages=said(prompt), response_model=Said)
    used = completion.usage
    if mode == "responses":
        return {"input": used.input_tokens, "output": used.output_tokens}
    return {"input": used.prompt_tokens, "output": used.completion_tokens}


def structured(prompt):
    return client.create(messages=said(prompt), response_model=Reading).model_dump()


run(async_stream if asynchronous else stream, usage=usage, structured=structured)
