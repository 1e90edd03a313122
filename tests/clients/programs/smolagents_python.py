"""smolagents: its `OpenAIModel`, streamed."""

from scenarios import run
from smolagents import OpenAIModel
from smolagents.models import agglomerate_stream_deltas

model = OpenAIModel(model_id="gpt-4o-mini")
SCHEMA = {
    "type": "object",
    "properties": {"city": {"type": "string"}, "celsius": {"type": "integer"}},
    "required": ["city", "celsius"],
}


def said(prompt):
    return [{"role": "user", "content": [{"type": "text", "text": prompt}]}]


def stream(prompt):
    for delta in model.generate_stream(said(prompt)):
        yield delta.content


def usage(prompt):
    used = agglomerate_stream_deltas(list(model.generate_stream(said(prompt)))).token_usage
    return {"input": used.input_tokens, "output": used.output_tokens}


run(stream, usage=usage)
