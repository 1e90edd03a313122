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


def make_messages(prompt):
    return [{"role": "user", "content": [{"type": "text", "text": prompt}]}]


def stream(prompt):
    for delta in model.generate_stream(make_messages(prompt)):
        yield delta.content


def usage(prompt):
    token_usage = agglomerate_stream_deltas(
        list(model.generate_stream(make_messages(prompt)))
    ).token_usage
    return {"input": token_usage.input_tokens, "output": token_usage.output_tokens}


run(stream, usage=usage)
