"""Read chunks without text: an empty or missing delta, or no choices at all."""

from collections.abc import Iterator

from openai import OpenAI, Stream
from openai.types.chat import ChatCompletionChunk


def read_texts(stream: Stream[ChatCompletionChunk]) -> Iterator[str]:
    """Yield the text of each chunk, or "" if it has none."""
    for chunk in stream:
        if not chunk.choices:  # the usage chunk
            yield ""
        else:
            yield chunk.choices[0].delta.content or ""  # None in a role, tool or finish chunk


def main() -> None:
    client = OpenAI()
    stream = client.chat.completions.create(
        model="gpt-4o-mini",
        messages=[{"role": "user", "content": "Greet the world."}],
        stream=True,
        stream_options={"include_usage": True},
    )
    pieces = list(read_texts(stream))
    print("".join(pieces))
    print(f"{len(pieces)} chunks, {pieces.count('')} without text")


if __name__ == "__main__":
    main()
