"""Assemble a complete message from its pieces, with its finish reason."""

from dataclasses import dataclass

from openai import OpenAI, Stream
from openai.types.chat import ChatCompletionChunk


@dataclass
class Message:
    role: str
    content: str
    finish_reason: str | None  # None: the stream ended before the model had finished


def collect(stream: Stream[ChatCompletionChunk]) -> Message:
    message = Message(role="", content="", finish_reason=None)
    for chunk in stream:
        choice = chunk.choices[0]
        message.role += choice.delta.role or ""  # present in the first chunk only
        message.content += choice.delta.content or ""
        message.finish_reason = choice.finish_reason or message.finish_reason
    return message


def main() -> None:
    client = OpenAI()
    stream = client.chat.completions.create(
        model="gpt-4o-mini",
        messages=[{"role": "user", "content": "Greet the world."}],
        stream=True,
    )
    print(collect(stream))


if __name__ == "__main__":
    main()
